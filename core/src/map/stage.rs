//! Runs of descriptors joined into ranges, for one stage and for both.

use super::scan::Scan;
use super::{Range, window};
use crate::addr::{FullAddress, PaSpace};
use crate::memory::Physical;
use crate::pe::Pe;
use alloc::vec::Vec;

/// A range under construction, with the number of the kind it began with: equal numbers mean equal kinds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub range: Range,
    pub number: u64,
}

impl Piece {
    /// Takes in what follows, if it continues the range.
    #[inline]
    fn take_in(&mut self, next: &Self) -> bool {
        let (range, next_range) = (&mut self.range, &next.range);
        let joins = range.input.wrapping_add(range.size) == next_range.input
            && range.output.address.wrapping_add(range.size) == next_range.output.address
            && next_range.input != 0
            && range.output.space == next_range.output.space
            && (self.number == next.number || range.kind == next_range.kind);
        if joins {
            range.size = range.size.wrapping_add(next_range.size);
        }
        joins
    }
}

/// Joins pieces as they come; hands out a range when the next piece does not continue it.
#[inline]
fn merged(pending: &mut Option<Piece>, mut next: impl FnMut() -> Option<Piece>) -> Option<Range> {
    loop {
        let Some(piece) = next() else { return pending.take().map(|last| last.range) };
        let joined = pending.as_mut().is_some_and(|range| range.take_in(&piece));
        if !joined && let Some(done) = pending.replace(piece) {
            return Some(done.range);
        }
    }
}

/// The windows of one stage, one after another.
#[derive(Debug)]
pub(super) struct Stage<'a, M> {
    scans: Vec<Scan<'a, M>>,
    current: usize,
    pending: Option<Piece>,
}

impl<'a, M: Physical> Stage<'a, M> {
    pub const fn new(scans: Vec<Scan<'a, M>>) -> Self {
        Self { scans, current: 0, pending: None }
    }

    #[inline]
    pub fn next(&mut self, effort: &mut u64) -> Option<Range> {
        let Self { scans, current, pending } = self;
        merged(pending, || {
            loop {
                let scan = scans.get_mut(*current)?;
                match scan.next(effort) {
                    Some(piece) => return Some(piece),
                    None if *effort == 0 => return None,
                    None => *current += 1,
                }
            }
        })
    }

    /// The first input address that has not been looked at.
    pub fn position(&self) -> Option<u64> {
        self.scans.iter().find_map(Scan::position)
    }
}

/// Stage 2 of what stage 1 maps: a range of stage 1's that is under way, and where stage 2 is in it.
#[derive(Debug)]
pub(super) struct Nested<'a, M> {
    own: Option<Scan<'a, M>>,
    /// In Secure state: for Non-secure output of stage 1.
    non_secure: Option<Scan<'a, M>>,
    range: Option<Range>,
    /// How many pieces there have been.
    number: u64,
    pending: Option<Piece>,
}

impl<'a, M: Physical> Nested<'a, M> {
    /// `None` where there is no stage 2.
    pub fn new(pe: &'a Pe, space: PaSpace, memory: &'a M) -> Option<Self> {
        let scan = |space| window::stage2(pe, space, memory, &(0..=u64::MAX));
        let non_secure = if space == PaSpace::Secure { scan(PaSpace::NonSecure)? } else { None };
        Some(Self { own: scan(space)?, non_secure, range: None, number: 0, pending: None })
    }

    /// Stage 2 for an output of stage 1.
    const fn scan(&mut self, output: FullAddress) -> Option<&mut Scan<'a, M>> {
        match (&mut self.non_secure, output.space) {
            (Some(scan), PaSpace::NonSecure) => Some(scan),
            _ => self.own.as_mut(),
        }
    }

    /// The first input address that has not been looked at, in the range of stage 1's that is under way.
    pub fn position(&self) -> Option<u64> {
        let range = self.range?;
        let scan = match (&self.non_secure, range.output.space) {
            (Some(scan), PaSpace::NonSecure) => scan,
            _ => self.own.as_ref()?,
        };
        let done = scan.position()?.wrapping_sub(range.output.address);
        Some(range.input.wrapping_add(done))
    }

    pub fn next(&mut self, stage1: &mut Stage<'_, M>, effort: &mut u64) -> Option<Range> {
        let mut pending = self.pending.take();
        let next = merged(&mut pending, || self.piece(stage1, effort));
        self.pending = pending;
        next
    }

    fn piece(&mut self, stage1: &mut Stage<'_, M>, effort: &mut u64) -> Option<Piece> {
        loop {
            let Some(outer) = self.range else {
                let range = stage1.next(effort)?;
                if let Some(scan) = self.scan(range.output) {
                    scan.restart(&range);
                    self.range = Some(range);
                }
                continue;
            };
            if let Some(Piece { range: inner, .. }) = self.scan(outer.output).and_then(|scan| scan.next(effort)) {
                self.number = self.number.wrapping_add(1);
                let offset = inner.input.wrapping_sub(outer.output.address);
                let (input, kind) = (outer.input.wrapping_add(offset), outer.kind.then(&inner.kind));
                return Some(Piece { range: Range { input, kind, ..inner }, number: self.number });
            }
            if *effort == 0 {
                return None;
            }
            self.range = None;
        }
    }
}
