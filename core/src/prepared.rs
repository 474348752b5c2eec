//! An AT instruction whose registers are decoded once, to be executed at many addresses.

use crate::access::{At, Op, OpKind};
use crate::at::{Gate, at_subject, exception_rule, gate};
use crate::bits::bit;
use crate::env::Env;
use crate::layout::sysreg::par_el1_success as success_format;
use crate::par::{self, Par, SuccessFormat};
use crate::pe::Pe;
use crate::regime::Regime;
use crate::walk::{self, AttrBits, Context, Halt, Nested, Walk};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU16, AtomicU64, Ordering};

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
    /// The walk is the usual one, and the leaves tell.
    usual: bool,
    /// PAR_EL1's SH and ATTR by what decides memory attributes: of both stages, or of stage 1 alone.
    attrs: Memo,
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

/// Values of SH and ATTR that are worked out when they are first asked for.
#[derive(Debug)]
struct Memo {
    /// The value asked for last, in place, and between its fields the leaves it was asked for. Most leaves of a system
    /// have the same attributes; a processor that expects them again has the value before it has the leaves.
    last: AtomicU64,
    /// By key: 0 until it has been asked for, else one more than the value, packed.
    known: Box<[AtomicU16]>,
}

impl Memo {
    const VALUE: u64 = success_format::ATTR.mask() | success_format::SH.mask();

    fn new(keys: usize) -> Self {
        Self { last: AtomicU64::new(u64::MAX), known: (0..keys).map(|_| AtomicU16::new(0)).collect() }
    }

    /// The value for leaves, of whose bits there are at most 32.
    #[inline(always)]
    fn get(&self, leaves: u32, key: impl FnOnce() -> usize, work_out: impl FnOnce() -> u64) -> u64 {
        let last = self.last.load(Ordering::Relaxed);
        let leaves = u64::from(leaves) << 16;
        if last & !Self::VALUE == leaves { last & Self::VALUE } else { self.look_up(leaves, key(), work_out) }
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self, leaves: u64, key: usize, work_out: impl FnOnce() -> u64) -> u64 {
        use success_format::{ATTR, SH};
        let Some(known) = self.known.get(key) else { return work_out() };
        // Whoever comes first, the value is the same.
        let value = match known.load(Ordering::Relaxed) {
            0 => {
                let value = work_out();
                known.store((ATTR.get(value) << 2 | SH.get(value)) as u16 + 1, Ordering::Relaxed);
                value
            }
            more => ATTR.set(SH.set(0, u64::from(more - 1)), u64::from(more - 1) >> 2),
        };
        self.last.store(leaves | value, Ordering::Relaxed);
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
        let format = SuccessFormat::new(pe, regime, access.security, !both_stages);
        let half = |va| {
            let context = Context::new(pe, regime, va, access).prepared();
            let route = match (both_stages, context.s1.enabled) {
                (true, _) if context.leaves_decide() => Route::Nested,
                (false, true) => Route::Stage1,
                _ => Route::Any,
            };
            let usual = context.is_usual() && !matches!(route, Route::Any);
            let keys = if matches!(route, Route::Nested) { Nested::ATTRS } else { AttrBits::COUNT };
            Half { context, route, usual, attrs: Memo::new(keys) }
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
        let result = if half.usual { self.walk::<E, true>(half, va, env) } else { self.walk_any(half, va, env) };
        match result {
            Ok(par) => Ok(par),
            Err(halt) => self.failure(*halt),
        }
    }

    #[inline(never)]
    fn walk_any<E: Env>(&self, half: &Half<'_>, va: u64, env: &mut E) -> Walk<Par, E> {
        match half.route {
            Route::Any => {
                let output = walk::translate(&half.context, env, va, self.at.both_stages)?;
                Ok(self.format.encode(&output))
            }
            _ => self.walk::<E, false>(half, va, env),
        }
    }

    /// By the leaves alone.
    #[inline(always)]
    fn walk<E: Env, const USUAL: bool>(&self, half: &Half<'_>, va: u64, env: &mut E) -> Walk<Par, E> {
        let Half { context, attrs, .. } = half;
        if let Route::Nested = half.route {
            walk::nested::<E, USUAL, _>(context, env, va, |both| {
                let work_out = || self.format.encode_attrs(&both.describe(context));
                self.format.place(both.address(), attrs.get(both.bits(), || both.attrs(), work_out))
            })
        } else {
            walk::map::<E, USUAL, _>(context, env, va, |mapped| {
                let work_out = || self.format.encode_attrs(&context.s1_attrs(mapped.attrs));
                let index = mapped.attrs.index();
                self.format.place(mapped.address, attrs.get(index as u32, || index, work_out))
            })
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
        if self.two_halves && bit(va, 55) { self.upper() } else { &self.halves[0] }
    }

    /// Out of line, so that which half it is can be predicted, and nothing waits for the address to tell.
    #[inline(never)]
    const fn upper(&self) -> &Half<'a> {
        &self.halves[1]
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
