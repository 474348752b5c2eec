//! What must hold of a listing of everything that is mapped: it says of every address what the walk says.

use stagewalk::access::Op;
use stagewalk::addr::FullAddress;
use stagewalk::bits::mask;
use stagewalk::layout::sysreg::{SysReg, hcr_el2};
use stagewalk::map::{Kind, Range, Ranges, Scope};
use stagewalk::memory::Memory;
use stagewalk::outcome::FaultCode;
use stagewalk::pe::Pe;
use stagewalk::regime::Regime;
use stagewalk::scenario;
use stagewalk::step::AccessRights;

/// The right that an operation needs.
type Right = fn(&Kind) -> bool;

const PRIVILEGED: [(Op, Right); 12] = [
    (Op::S1E1R, |kind| kind.privileged.read),
    (Op::S1E1W, |kind| kind.privileged.write),
    (Op::S1E1A, |_| true),
    (Op::S1E2R, |kind| kind.privileged.read),
    (Op::S1E2W, |kind| kind.privileged.write),
    (Op::S1E2A, |_| true),
    (Op::S1E3R, |kind| kind.privileged.read),
    (Op::S1E3W, |kind| kind.privileged.write),
    (Op::S1E3A, |_| true),
    (Op::S12E1R, |kind| kind.privileged.read),
    (Op::S12E1W, |kind| kind.privileged.write),
    (Op::Fetch, |kind| kind.privileged.execute),
];

fn el0(kind: &Kind) -> AccessRights {
    kind.unprivileged.expect("a regime that translates EL0's accesses")
}

const UNPRIVILEGED: [(Op, Right); 5] = [
    (Op::S1E0R, |kind| el0(kind).read),
    (Op::S1E0W, |kind| el0(kind).write),
    (Op::S12E0R, |kind| el0(kind).read),
    (Op::S12E0W, |kind| el0(kind).write),
    (Op::Fetch, |kind| el0(kind).execute),
];

/// The Exception levels from which a scope's translations can be asked for: AT from EL3, fetches from their own.
fn asking(scope: Scope, op: Op, unprivileged: bool) -> u8 {
    match (op, scope) {
        (Op::Fetch, _) if unprivileged => 0,
        (Op::Fetch, Scope::Stage1(Regime::El20 | Regime::El2)) => 2,
        (Op::Fetch, Scope::Stage1(Regime::El10) | Scope::Both | Scope::Stage2(_)) => 1,
        _ => 3,
    }
}

/// What is listed.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    pub pe: &'a Pe,
    pub memory: &'a Memory,
    /// Tables may overlap, so that an update by hardware may change what the same walk reads next. A listing does not
    /// see that: walks with updates are not compared.
    pub overlap: bool,
}

/// Asks the walk about an address of `scope` in every way there is, and compares; tells how often it could ask.
///
/// # Panics
/// When the listing says something else.
fn compare(machine: Machine<'_>, scope: Scope, input: u64, range: Option<&Range>) -> u32 {
    let Machine { pe, memory, overlap } = machine;
    let (pe, scope, stage2) = match scope {
        Scope::Stage2(_) => (&stage1_off(pe), Scope::Both, true),
        _ => (pe, scope, false),
    };
    let mut asked = 0;
    let all = PRIVILEGED.map(|row| (row, false)).into_iter().chain(UNPRIVILEGED.map(|row| (row, true)));
    for ((op, right), unprivileged) in all {
        let pe = &Pe { el: asking(scope, op, unprivileged), pan: false, ..pe.clone() };
        if Scope::of(pe, op) != scope {
            continue;
        }
        let run = scenario::run(pe, op, input, memory);
        if overlap && !run.writes.is_empty() {
            continue;
        }
        let (output, fault) = (run.answer.output, run.answer.fault.map(|fault| fault.code));
        let outside = || format!("{op:?} {input:#x} of {scope:x?}: {output:x?}, {fault:?}; in {range:x?}");
        match (range, output, fault) {
            (_, None, None) => continue, // UNDEFINED
            (None, None, Some(_)) => {}
            (None, ..) => panic!("not listed: {}", outside()),
            (Some(range), Some(output), _) => {
                assert!(right(&range.kind), "listed as denied: {}", outside());
                assert_eq!(range.output_of(input), Some(output.address), "{}", outside());
                let mut listed = range.kind.attrs;
                // Stage 1 as it is switched off here has no XS of its own, which stage 2's attributes alone do.
                listed.xs = if stage2 { output.attrs.xs } else { listed.xs };
                assert!(op == Op::Fetch || listed == output.attrs, "{}", outside());
                let given = stage2 && range.kind.stage2.is_none(); // by stage 1
                assert!(given || range.kind.mecid == output.mecid, "{}", outside());
                assert!(scope == Scope::Both || range.kind.assured == output.s1assured, "{}", outside());
            }
            // The address that is fetched from is checked for itself.
            (Some(range), None, Some(FaultCode::GpcfOnOutput)) => assert!(right(&range.kind), "{}", outside()),
            (Some(range), None, Some(code)) => {
                assert!(!right(&range.kind), "listed as allowed: {}", outside());
                // E0PD keeps EL0 out; TBID, with stage 1 off, makes the sign extension count.
                let otherwise = match code {
                    FaultCode::Permission => true,
                    FaultCode::Translation => unprivileged,
                    FaultCode::AddressSize => op == Op::Fetch && range.kind.stage1.is_none(),
                    _ => false,
                };
                assert!(otherwise, "{}", outside());
            }
        }
        asked += 1;
    }
    asked
}

/// The same machine with stage 1 off, so that an address is the IPA; its memory Normal Write-Back.
fn stage1_off(pe: &Pe) -> Pe {
    let mut pe = pe.clone();
    let mut hcr = pe.regs.get128(SysReg::HcrEl2);
    if hcr_el2::VM.get128(hcr) != 0 {
        hcr = hcr_el2::DC.set128(hcr, 1);
    }
    hcr = hcr_el2::TGE.set128(hcr_el2::DCT.set128(hcr, 0), 0);
    pe.regs.set(SysReg::HcrEl2, hcr);
    pe.regs.set(SysReg::TcrEl1, 0); // no tags
    pe
}

/// Every scope that can be asked about.
pub fn scopes(pe: &Pe) -> impl Iterator<Item = Scope> {
    let regimes = [Regime::El10, Regime::El20, Regime::El2, Regime::El3].map(Scope::Stage1);
    regimes.into_iter().chain([Scope::Both]).chain(Scope::stage2(pe))
}

/// An address of a scope, without a tag.
pub fn canonical(scope: Scope, address: u64) -> u64 {
    match scope {
        Scope::Stage1(Regime::El10 | Regime::El20) | Scope::Both => ((address << 8) as i64 >> 8) as u64,
        _ => address & mask(55, 0),
    }
}

impl Machine<'_> {
    /// Compares at one address, of which a listing is made for itself. Tells how often it could ask.
    pub fn check_address(self, scope: Scope, address: u64) -> u32 {
        let input = canonical(scope, address);
        let mut ranges = Ranges::new(self.pe, scope, self.memory, input..=input);
        let range = ranges.next();
        assert_eq!(ranges.next(), None, "{scope:?} {input:#x}");
        assert!(range.is_none_or(|range| (range.input, range.size) == (input, 1)), "{scope:?} {input:#x}: {range:x?}");
        compare(self, scope, input, range.as_ref())
    }

    /// Makes a listing, of so many descriptors and ranges at most, and compares at both ends of each range, beside
    /// them, and at the addresses. Tells how often it could ask.
    pub fn check(self, scope: Scope, (effort, most): (u64, usize), addresses: &[u64]) -> u32 {
        let mut ranges = Ranges::new(self.pe, scope, self.memory, 0..=u64::MAX).with_effort(effort);
        let listed: Vec<Range> = ranges.by_ref().take(most).collect();
        let end = if listed.len() == most { listed.last().map(Range::last) } else { ranges.stopped_at() };
        for pair in listed.windows(2) {
            let [a, b] = pair else { continue };
            assert!(a.last() < b.input, "{scope:?}: {a:x?} before {b:x?}");
            let joined =
                a.last() + 1 == b.input && a.output_of(a.last()).map(next) == Some(b.output) && a.kind == b.kind;
            assert!(!joined, "{scope:?}: {a:x?} goes on in {b:x?}");
        }
        let find = |input: u64| listed.iter().find(|range| range.output_of(input).is_some());
        let mut asked = 0;
        let beside = listed.iter().flat_map(|range| [range.input.wrapping_sub(1), range.last().wrapping_add(1)]);
        let ends = listed.iter().flat_map(|range| [range.input, range.last(), range.input + range.size / 2]);
        let given = addresses.iter().map(|&address| canonical(scope, address));
        for input in ends.chain(beside).chain(given) {
            if end.is_none_or(|end| input < end) && canonical(scope, input) == input {
                asked += compare(self, scope, input, find(input));
            }
        }
        asked
    }
}

fn next(address: FullAddress) -> FullAddress {
    FullAddress::new(address.space, address.address + 1)
}
