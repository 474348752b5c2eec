//! An AT instruction whose registers are decoded once, to be executed at many addresses.

use crate::access::{At, Op, OpKind};
use crate::at::{Gate, at_subject, exception_rule, gate};
use crate::bits::bit;
use crate::env::Env;
use crate::layout::sysreg::par_el1_success as success_format;
use crate::par::{self, Par, SuccessFormat};
use crate::params::S1Params;
use crate::pe::Pe;
use crate::regime::Regime;
use crate::walk::{self, AttrBits, Context, Halt, Mapped, Nested};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU16, Ordering};

/// An AT instruction with everything decided that does not depend on the address or on memory.
#[derive(Debug)]
pub struct Prepared<'a> {
    pe: &'a Pe,
    at: At,
    regime: Regime,
    two_halves: bool,
    halves: Box<[Half<'a>; 2]>,
    format: SuccessFormat,
}

/// One half of the VA space.
#[derive(Debug)]
struct Half<'a> {
    context: Context<'a>,
    route: Route,
    /// PAR_EL1's SH and ATTR by what decides stage 1's memory attributes.
    s1_attrs: [u64; AttrBits::COUNT],
    /// The same for both stages, as far as it has been asked for.
    nested_attrs: Memo,
}

/// What a success is told by.
#[derive(Clone, Copy, Debug)]
enum Route {
    /// The leaves of both stages.
    Nested,
    /// Stage 1's leaf.
    Stage1,
    /// The output, with its memory attributes.
    Any,
}

/// Values of SH and ATTR that are worked out when they are first asked for: 0 until then, else one more than the value.
#[derive(Debug)]
struct Memo(Box<[AtomicU16]>);

impl Memo {
    fn new(entries: usize) -> Self {
        Self((0..entries).map(|_| AtomicU16::new(0)).collect())
    }

    #[inline(always)]
    fn get(&self, key: usize, work_out: impl FnOnce() -> u64) -> u64 {
        use success_format::{ATTR, SH};
        let Some(entry) = self.0.get(key) else { return work_out() };
        // Whoever comes first, the value is the same.
        let known = entry.load(Ordering::Relaxed);
        if known == 0 {
            return Self::fill(entry, work_out());
        }
        let packed = u64::from(known - 1);
        ATTR.set(SH.set(0, packed & 0b11), packed >> 2)
    }

    #[cold]
    fn fill(entry: &AtomicU16, value: u64) -> u64 {
        use success_format::{ATTR, SH};
        entry.store((ATTR.get(value) << 2 | SH.get(value)) as u16 + 1, Ordering::Relaxed);
        value
    }
}

impl<'a> Prepared<'a> {
    /// Decodes the registers for an instruction; `None` where it is UNDEFINED, trapped, or not an AT instruction.
    #[must_use]
    pub fn new(pe: &'a Pe, op: Op) -> Option<Self> {
        let OpKind::At(at) = op.kind() else { return None };
        let Gate::Execute { both_stages } = gate(pe, op, &at) else { return None };
        let at = At { both_stages, ..at };
        let (regime, access) = at_subject(pe, &at);
        let format = SuccessFormat::new(pe, regime, !both_stages);
        let half = |va| {
            let context = Context::new(pe, S1Params::new(pe, regime, access.security, va), access).prepared();
            let s1_attrs = AttrBits::table(|bits| format.encode_attrs(&context.s1_attrs(bits)));
            let route = match (both_stages, context.s1.enabled) {
                (true, _) if context.leaves_decide() => Route::Nested,
                (false, true) => Route::Stage1,
                _ => Route::Any,
            };
            Half { context, route, s1_attrs, nested_attrs: Memo::new(if both_stages { Nested::ATTRS } else { 0 }) }
        };
        let two_halves = regime.has_unprivileged();
        Some(Self { pe, at, regime, two_halves, halves: Box::new([half(0), half(1 << 55)]), format })
    }

    /// PAR_EL1 after the instruction at `va`; a fault that would be taken as an exception instead is an error.
    ///
    /// # Errors
    /// [`Halt::Fault`] for an exception, [`Halt::Stop`] when the world suspends the walk.
    #[inline(always)]
    pub fn par<E: Env>(&self, va: u64, env: &mut E) -> Result<Par, Halt<E::Stop>> {
        let half = self.half(va);
        let stage1 = |Mapped { address, attrs, .. }| self.format.place(address, half.s1_attrs[attrs.index()]);
        let context = &half.context;
        let result = match half.route {
            Route::Nested => {
                let both = |leaves: Nested| {
                    let attrs = || self.format.encode_attrs(&leaves.describe(context));
                    self.format.place(leaves.address(), half.nested_attrs.get(leaves.attrs(), attrs))
                };
                walk::nested(context, env, va, both, stage1)
            }
            Route::Stage1 => walk::map(context, env, va, |_, mapped| Ok(stage1(mapped))),
            Route::Any => {
                walk::translate(context, env, va, self.at.both_stages).map(|output| self.format.encode(&output))
            }
        };
        match result {
            Ok(par) => Ok(par),
            Err(halt) => self.failure(halt),
        }
    }

    /// [`Prepared::par`] at each of many addresses, in order. In a world that allows glances the walks' memory accesses
    /// overlap, which pays where the tables are larger than the caches.
    pub fn pars<E: Env>(&self, vas: &[u64], env: &mut E, mut each: impl FnMut(u64, Result<Par, Halt<E::Stop>>)) {
        for lanes in vas.chunks(walk::LANES) {
            if let (true, Ok(lanes)) = (E::GLANCES, <&[u64; walk::LANES]>::try_from(lanes)) {
                // The halves of the VA space seldom alternate within a batch; if they do, a glance misses.
                walk::look_ahead(&self.half(lanes[0]).context, env, lanes, self.at.both_stages);
            }
            for &va in lanes {
                each(va, self.par(va, env));
            }
        }
    }

    #[inline(always)]
    fn half(&self, va: u64) -> &Half<'a> {
        &self.halves[usize::from(self.two_halves && bit(va, 55))]
    }

    #[cold]
    #[inline(never)]
    fn failure<S>(&self, halt: Halt<S>) -> Result<Par, Halt<S>> {
        match halt {
            Halt::Fault(fault) if exception_rule(self.pe, &self.at, &fault).is_none() => {
                Ok(par::encode_fault(self.pe, self.regime, !self.at.both_stages, &fault))
            }
            halt => Err(halt),
        }
    }
}
