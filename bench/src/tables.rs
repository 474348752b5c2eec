//! Machines to translate on: 4K granule, 48-bit addresses, four levels, the tables side by side in one array.

use crate::chase::{PAGE, SHIFTS, entry};
use stagewalk::access::Op;
use stagewalk::addr::{FullAddress, PaSpace};
use stagewalk::env::{Env, Fetch};
use stagewalk::feature::{Feature, Features};
use stagewalk::layout::sysreg::{SysReg, hcr_el2, sctlr_el1, tcr_el1, vtcr_el2};
use stagewalk::memory::{Physical, Reply};
use stagewalk::pe::Pe;
use stagewalk::prepared::Prepared;
use stagewalk::step::Place;
use std::convert::Infallible;

/// Physical memory from address 0 up; what lies beyond reads 0.
pub struct Flat<'a>(pub &'a [u64]);

impl Env for Flat<'_> {
    type Stop = Infallible;
    const GLANCES: bool = true;

    #[inline(always)]
    fn glance(&self, address: u64) -> u64 {
        self.0.get((address >> 3) as usize).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        let index = (fetch.address.address >> 3) as usize;
        let word = |index: usize| u128::from(self.0.get(index).copied().unwrap_or(0));
        Ok(Ok(if fetch.wide { word(index + 1) << 64 | word(index) } else { word(index) }))
    }

    /// The machines ask for no hardware update of descriptors.
    fn compare_and_swap(&mut self, fetch: Fetch, _expected: u128, _new: u128) -> Result<Reply, Infallible> {
        self.read(fetch)
    }
}

/// A machine, and addresses that it maps.
pub struct Machine {
    /// Registers; kept as long as the program runs, so that what is prepared from them can be kept too.
    pub pe: &'static Pe,
    /// The instruction below, its registers decoded.
    pub prepared: Prepared<'static>,
    /// The instruction that reads its tables: AT S1E1R, or under stage 2 AT S12E1R.
    pub op: Op,
    /// Physical memory from address 0 up: nothing but tables.
    pub words: Vec<u64>,
    /// Stage 1's first table; under stage 2 an IPA.
    pub root1: u64,
    /// Stage 2's first table, if there is a stage 2.
    pub root2: Option<u64>,
    /// Mapped addresses in random order, and of random offset in their page.
    pub addresses: Vec<u64>,
}

/// The same memory, lent in one piece.
impl Physical for Machine {
    fn read(&self, address: u64, wide: bool) -> Reply {
        let fetch = Fetch { address: FullAddress::new(PaSpace::NonSecure, address), place: Place::INSTRUCTION, wide };
        let Ok(reply) = Flat(&self.words).read(fetch);
        reply
    }

    fn words(&self, address: u64, most: usize) -> &[u64] {
        let words = self.words.get((address >> 3) as usize..).unwrap_or_default();
        &words[..words.len().min(most)]
    }
}

impl Machine {
    /// Stage 1 alone, in tables that the caches hold: 348 kB.
    #[must_use]
    pub fn stage1_small() -> Self {
        Self::stage1(Spread([4, 4, 4]), SMALL)
    }

    /// Stage 1 alone, in tables that they do not: 71 MB.
    #[must_use]
    pub fn stage1_large() -> Self {
        Self::stage1(Spread([4, 9, 480]), LARGE)
    }

    /// Stage 1 under stage 2, 24 reads an address, in tables that the caches hold: 348 kB.
    #[must_use]
    pub fn nested_small() -> Self {
        Self::nested(Spread([3, 3, 3]), Spread([2, 3, 5]), SMALL)
    }

    /// Stage 1 under stage 2 in tables that they do not: 127 MB.
    #[must_use]
    pub fn nested_large() -> Self {
        Self::nested(Spread([4, 8, 480]), Spread([4, 8, 480]), LARGE)
    }

    /// Stage 1 alone, mapping the 4 GB from address 0 page by page: 1,048,576 leaves. The pages come in runs of 1 to 32
    /// whose outputs are contiguous and whose permissions are the same.
    #[must_use]
    pub fn million() -> Self {
        let mut random = Random::new(11);
        let mut tree = Storage::default();
        let root = tree.table();
        let (mut left, mut output, mut leaf) = (0, 0, LEAF1);
        for page in 0..MILLION {
            if left == 0 {
                left = 1 + random.below(32);
                output = random.next() & PAGE >> 1 & PAGE;
                leaf = LEAF1 | random.below(2) << 7;
            }
            map(&mut tree, root, page << 12, output | leaf);
            output += 0x1000;
            left -= 1;
        }
        Self::new(tree.words, root, None, Vec::new())
    }

    fn stage1(spread: Spread, count: usize) -> Self {
        let mut random = Random::new(7);
        let mut tree = Storage::default();
        let root = tree.table();
        let mut address = || {
            let va = spread.page(&mut random);
            map(&mut tree, root, va, random.next() & PAGE | LEAF1);
            va | random.below(0x1000)
        };
        let addresses = (0..count).map(|_| address()).collect();
        Self::new(tree.words, root, None, addresses)
    }

    /// `vas` is where stage 1's inputs are, `ipas` where its outputs are.
    fn nested(vas: Spread, ipas: Spread, count: usize) -> Self {
        let mut random = Random::new(9);
        let mut guest = Guest::default();
        let root2 = guest.physical.table();
        let root1 = guest.table();
        let mut address = || {
            let (va, ipa) = (vas.page(&mut random), ipas.page(&mut random));
            map(&mut guest, root1, va, ipa | LEAF1);
            map(&mut guest.physical, root2, ipa, random.next() & PAGE | LEAF2);
            va | random.below(0x1000)
        };
        let addresses = (0..count).map(|_| address()).collect();
        for index in 0..guest.places.len() {
            let (ipa, place) = (Guest::TABLES + ((index as u64) << 12), guest.places[index]);
            map(&mut guest.physical, root2, ipa, place | LEAF2);
        }
        Self::new(guest.physical.words, root1, Some(root2), addresses)
    }

    fn new(words: Vec<u64>, root1: u64, root2: Option<u64>, addresses: Vec<u64>) -> Self {
        let pe = &*Box::leak(Box::new(registers(root1, root2)));
        let op = if root2.is_some() { Op::S12E1R } else { Op::S1E1R };
        let prepared = Prepared::new(pe, op).expect("AT S1E1R and AT S12E1R execute at EL2");
        Self { pe, prepared, op, words, root1, root2, addresses }
    }
}

const SMALL: usize = 1 << 14;
/// So many that they do not fit the caches either, whichever descriptors they share.
const LARGE: usize = 1 << 20;
/// The leaves of [`Machine::million`].
pub const MILLION: u64 = 1 << 20;

const TABLE: u64 = 0b11;
/// Page, access flag, Inner Shareable, not executable.
const LEAF1: u64 = 1 << 54 | 1 << 53 | 1 << 10 | 0b11 << 8 | 0b11;
/// Page, access flag, Inner Shareable, readable and writable, Normal Write-Back.
const LEAF2: u64 = 1 << 10 | 0b11 << 8 | 0b11 << 6 | 0b1111 << 2 | 0b11;

/// EL2, with both stages on (or stage 1 alone) for EL1.
fn registers(root1: u64, root2: Option<u64>) -> Pe {
    let mut pe = Pe { el: 2, features: Features::ALL.without(Feature::Rme), ..Pe::default() };
    let tcr = tcr_el1::T0SZ.set(tcr_el1::IPS.set(0, 0b101), 16);
    pe.regs.set(SysReg::ScrEl3, 1);
    pe.regs.set(SysReg::TcrEl1, tcr.into());
    pe.regs.set(SysReg::SctlrEl1, (sctlr_el1::M.mask() | sctlr_el1::C.mask() | sctlr_el1::I.mask()).into());
    pe.regs.set(SysReg::MairEl1, 0xff);
    pe.regs.set(SysReg::Ttbr0El1, root1.into());
    if let Some(root2) = root2 {
        let vtcr = vtcr_el2::T0SZ.set(vtcr_el2::PS.set(vtcr_el2::SL0.set(0, 0b10), 0b101), 16);
        pe.regs.set(SysReg::VtcrEl2, vtcr.into());
        pe.regs.set(SysReg::VttbrEl2, root2.into());
        pe.regs.set(SysReg::HcrEl2, hcr_el2::VM.mask().into());
    }
    pe
}

/// Where addresses are: how many entries of every table of levels 0, 1 and 2 are in use. At level 3 any may be.
#[derive(Clone, Copy)]
struct Spread([u64; 3]);

impl Spread {
    /// A page among them. Tables that are full alike have their entries in different places, as chance would have it.
    fn page(self, random: &mut Random) -> u64 {
        let (mut path, mut page) = (0, random.below(512) << 12);
        for (used, shift) in self.0.into_iter().zip(SHIFTS) {
            path = path * used + random.below(used);
            page |= ((path * 151) & 0x1ff) << shift;
        }
        page
    }
}

/// Tables that are being built, addressed as their descriptors say.
trait Tables {
    /// A new table, all zero.
    fn table(&mut self) -> u64;
    /// A descriptor.
    fn descriptor(&mut self, address: u64) -> &mut u64;
}

#[derive(Default)]
struct Storage {
    words: Vec<u64>,
}

impl Tables for Storage {
    fn table(&mut self) -> u64 {
        let address = (self.words.len() as u64) << 3;
        self.words.resize(self.words.len() + 512, 0);
        address
    }

    fn descriptor(&mut self, address: u64) -> &mut u64 {
        &mut self.words[(address >> 3) as usize]
    }
}

/// Stage 1's tables under stage 2: their IPAs are in a row, and physically they are wherever there was room.
#[derive(Default)]
struct Guest {
    physical: Storage,
    places: Vec<u64>,
}

impl Guest {
    /// The IPA of the first.
    const TABLES: u64 = 0xff << 39;
}

impl Tables for Guest {
    fn table(&mut self) -> u64 {
        let place = self.physical.table();
        self.places.push(place);
        Self::TABLES + ((self.places.len() as u64 - 1) << 12)
    }

    fn descriptor(&mut self, address: u64) -> &mut u64 {
        let place = self.places[((address - Self::TABLES) >> 12) as usize];
        self.physical.descriptor(place | address & !PAGE)
    }
}

/// Maps the page `input`, unless it is mapped already.
fn map(tables: &mut impl Tables, root: u64, input: u64, leaf: u64) {
    let mut table = root;
    for shift in SHIFTS {
        let address = entry(table, input, shift);
        if *tables.descriptor(address) == 0 {
            let next = if shift == 12 { leaf } else { tables.table() | TABLE };
            *tables.descriptor(address) = next;
        }
        table = *tables.descriptor(address) & PAGE;
    }
}

/// Pseudo-random numbers, the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is small.
    const fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }
}
