//! The tables of one stage, followed in order of the input address. Runs of descriptors that differ only as their
//! addresses do are taken in one go: what they have in common is known from the first.

use super::Range;
use super::ask::Asker;
use super::known::{Kinds, Known};
use super::stage::Piece;
use super::words::{Format, Narrow, NarrowBig, Wide, WideBig, alike, invalid};
use crate::addr::FullAddress;
use crate::bits::align_down;
use crate::memory::Physical;
use crate::params::{DescriptorType, FINAL_LEVEL, Geometry};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// log2 of the bytes of a table whose place is asked for at once: the least that stage 2, or a granule protection
/// check, can place or forbid.
const PAGE: u32 = 12;

/// A table on the way, and how far it has been looked at.
#[derive(Debug)]
struct Frame<'a> {
    level: i8,
    /// log2 of what an entry covers.
    entry: u32,
    /// The bits of a leaf that hold its output address in place.
    field: u64,
    /// What an entry maps, with its contiguous neighbours, may be more than an output address can say.
    vast: bool,
    /// The input address of entry 0.
    input: u64,
    /// The next entry.
    next: u64,
    /// Where to stop.
    end: u64,
    /// The end of the page in hand.
    page_end: u64,
    /// The physical address of the next entry, if it is in that page.
    physical: u64,
    /// Entries from the next one on, as many as memory has lent.
    words: &'a [u64],
}

impl Frame<'_> {
    /// The input address that the next entry is for.
    #[inline(always)]
    fn next_input(&self) -> u64 {
        self.next.checked_shl(self.entry).unwrap_or(0).wrapping_add(self.input)
    }

    #[inline(always)]
    fn advance<F: Format>(&mut self, entries: usize) {
        let words = entries * F::WORDS;
        self.next += entries as u64;
        self.physical = self.physical.wrapping_add(8 * words as u64);
        self.words = self.words.get(words..).unwrap_or_default();
    }
}

/// A window of input addresses, and where the scan is in it.
#[derive(Debug)]
pub(super) struct Scan<'a, M> {
    memory: &'a M,
    asker: Asker<'a>,
    /// `None` where the stage is off.
    geometry: Option<Geometry>,
    big_endian: bool,
    first: u64,
    last: u64,
    /// Whether the window has been entered.
    entered: bool,
    /// From the first table on.
    frames: Vec<Frame<'a>>,
    /// For each frame but the last, the table descriptor that was followed from it, without its address.
    path: Vec<u128>,
    kinds: Kinds,
}

impl<'a, M: Physical> Scan<'a, M> {
    /// Of a window, as far as it is within what is asked for.
    pub fn new(
        memory: &'a M,
        asker: Asker<'a>,
        geometry: Option<Geometry>,
        window: &RangeInclusive<u64>,
        within: &RangeInclusive<u64>,
    ) -> Option<Self> {
        let (first, last) = (*window.start().max(within.start()), *window.end().min(within.end()));
        let big_endian = asker.big_endian();
        (first <= last).then(|| Self {
            memory,
            asker,
            geometry,
            big_endian,
            first,
            last,
            entered: false,
            frames: Vec::new(),
            path: Vec::new(),
            // Numbers of different windows must differ.
            kinds: Kinds::new(*window.start()),
        })
    }

    /// Starts again, with what stage 1 maps to this stage.
    pub fn restart(&mut self, range: &Range) {
        if self.asker.set_ipa(range) {
            self.kinds.forget();
        }
        self.first = range.output.address;
        self.last = range.output.address.wrapping_add(range.size.wrapping_sub(1));
        self.entered = false;
        self.frames.clear();
    }

    /// The first input address that has not been looked at, if there is one.
    pub fn position(&self) -> Option<u64> {
        if !self.entered {
            return Some(self.first);
        }
        let open = self.frames.iter().rev().find(|frame| frame.next < frame.end);
        open.map(|frame| frame.next_input().max(self.first))
    }

    /// The next run of descriptors that map something alike; `None` at the end, or when the effort is used up.
    #[inline]
    pub fn next(&mut self, effort: &mut u64) -> Option<Piece> {
        if !self.entered {
            self.entered = *effort > 0;
            match &self.geometry {
                None => return self.entered.then(|| self.flat()).flatten(),
                Some(geometry) => self.enter_window(&{ *geometry }),
            }
        }
        let geometry = &self.geometry?;
        match (geometry.d128, self.big_endian) {
            (false, false) => self.run::<Narrow>(geometry, effort),
            (false, true) => self.run::<NarrowBig>(geometry, effort),
            (true, false) => self.run::<Wide>(geometry, effort),
            (true, true) => self.run::<WideBig>(geometry, effort),
        }
    }

    /// The window of a stage that is off.
    fn flat(&mut self) -> Option<Piece> {
        let (kind, output) = self.asker.kind(self.memory, self.first, None)?;
        let size = self.last.wrapping_sub(self.first).wrapping_add(1);
        Some(Piece { range: Range { input: self.first, size, output, kind }, number: self.kinds.number() })
    }

    fn enter_window(&mut self, geometry: &Geometry) {
        let (high, low) = geometry.first_index_range();
        // Addresses of the window differ in the bits that are translated alone.
        let input = align_down(self.first, geometry.ia_size);
        if geometry.start_level <= FINAL_LEVEL {
            self.enter(geometry, geometry.start_level, input, high + 1 - low);
        }
    }

    /// Opens a table of 2^`index_bits` entries, for input addresses from `input` on.
    fn enter(&mut self, geometry: &Geometry, level: i8, input: u64, index_bits: u32) {
        let entry = geometry.block_size(level);
        let index = |address: u64| address.saturating_sub(input).checked_shr(entry).unwrap_or(0);
        let entries = 1_u64.checked_shl(index_bits).unwrap_or(u64::MAX);
        let (next, end) = (index(self.first), entries.min(index(self.last) + 1));
        let vast = entry + geometry.contiguous_entries(level) > geometry.oa_size;
        let field = geometry.address_field(level);
        self.frames.push(Frame { level, entry, field, vast, input, next, end, page_end: 0, physical: 0, words: &[] });
    }

    /// Goes into the table that an entry of the table in hand points to.
    #[cold]
    fn descend(&mut self, geometry: &Geometry, descriptor: u128, levels: i8, input: u64) {
        let Some(level) = self.frames.last().map(|frame| frame.level + levels) else { return };
        let depth = self.frames.len() - 1;
        let bits = descriptor & !u128::from(geometry.address_field(FINAL_LEVEL));
        if self.path.get(depth) != Some(&bits) {
            self.path.truncate(depth);
            self.path.push(bits);
            self.kinds.forget();
        }
        let (high, low) = geometry.index_range(level, levels);
        self.enter(geometry, level, input, high + 1 - low);
    }

    /// Turns to the next page of the table in hand, if it is time, and borrows what memory lends of it.
    #[cold]
    fn turn<F: Format>(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.next >= frame.page_end {
            let entries = (1_u64 << (PAGE - 3)) / F::WORDS as u64;
            frame.page_end = ((frame.next | (entries - 1)) + 1).min(frame.end);
            let Some(physical) = self.asker.locate(self.memory, frame.next_input(), frame.level) else {
                frame.next = frame.page_end;
                return;
            };
            frame.physical = physical;
            if self.asker.tables_are_in_stage2() {
                self.kinds.forget();
            }
        }
        let most = frame.page_end.saturating_sub(frame.next) as usize * F::WORDS;
        frame.words = self.memory.words(frame.physical, most);
    }

    #[inline]
    fn run<F: Format>(&mut self, geometry: &Geometry, effort: &mut u64) -> Option<Piece> {
        while *effort > 0 {
            let frame = self.frames.last_mut()?;
            if frame.words.len() >= F::WORDS {
                let words = frame.words;
                if let Some(piece) = self.step::<F>(geometry, words, effort) {
                    return Some(piece);
                }
                continue;
            }
            *effort -= 1;
            if frame.next >= frame.end {
                self.frames.pop();
                continue;
            }
            self.turn::<F>();
            if let Some(piece) = self.single::<F>(geometry, effort) {
                return Some(piece);
            }
        }
        None
    }

    /// Where memory lends nothing: one descriptor.
    fn single<F: Format>(&mut self, geometry: &Geometry, effort: &mut u64) -> Option<Piece> {
        let frame = self.frames.last_mut()?;
        if frame.next >= frame.page_end || frame.words.len() >= F::WORDS {
            return None;
        }
        match self.memory.read(frame.physical, F::WORDS > 1) {
            Ok(bits) => {
                let words = [bits as u64, (bits >> 64) as u64];
                self.step::<F>(geometry, &words[..F::WORDS], effort)
            }
            Err(_) => {
                frame.advance::<F>(1);
                None
            }
        }
    }

    /// Looks at the first of these descriptors, and takes as many as are like it.
    #[inline(always)]
    fn step<F: Format>(&mut self, geometry: &Geometry, words: &[u64], effort: &mut u64) -> Option<Piece> {
        let frame = self.frames.last_mut()?;
        let (level, input) = (frame.level, frame.next_input());
        let descriptor = F::first(words);
        let bits = descriptor & !u128::from(frame.field);
        let Some(known) = self.kinds.get(bits, level) else {
            self.meet::<F>(geometry, words, effort);
            return None;
        };
        let own = descriptor as u64 & frame.field;
        let (mut address, mut count) = (own | known.base, 1);
        if (address ^ input) & known.members == 0 {
            let room = (frame.field ^ own) >> (frame.entry & 63);
            count = alike::<F>(words, descriptor, 1 << (frame.entry & 63), room + 1).max(1);
        } else {
            // A contiguous set that begins elsewhere than its members say is taken one by one.
            address = address & !known.members | input & known.members;
        }
        let mut size = (count as u64) << (frame.entry & 63);
        if frame.vast {
            size = size.min((1_u64 << geometry.oa_size).saturating_sub(address));
        }
        let piece = mapped(known, input, address, size, (self.first, self.last));
        if frame.vast {
            // How much of it there is depends on where it is.
            self.kinds.forget();
        }
        frame.advance::<F>(count);
        *effort = effort.saturating_sub(count as u64);
        piece
    }

    /// Makes the acquaintance of the first of these descriptors: leaves and learns what it comes to, or passes it.
    #[cold]
    #[inline(never)]
    fn meet<F: Format>(&mut self, geometry: &Geometry, words: &[u64], effort: &mut u64) {
        let Some(frame) = self.frames.last_mut() else { return };
        let (level, input) = (frame.level, frame.next_input());
        let descriptor = F::first(words);
        let low = descriptor as u64;
        match geometry.descriptor_type(descriptor, level) {
            DescriptorType::Invalid => {
                let count = invalid::<F>(words).max(1);
                frame.advance::<F>(count);
                *effort = effort.saturating_sub(count as u64);
            }
            DescriptorType::Table(levels) => {
                frame.advance::<F>(1);
                *effort = effort.saturating_sub(1);
                self.descend(geometry, descriptor, levels, input);
            }
            DescriptorType::Leaf => {
                let asked = self.asker.kind(self.memory, input, Some((level, descriptor)));
                let leaf = asked.and_then(|(kind, _)| kind.stage1.or(kind.stage2));
                let set = leaf.map_or(frame.entry, |leaf| leaf.size.into());
                let known = Known {
                    found: asked.map(|(kind, output)| (kind, output.space)),
                    base: geometry.output_address(low, input, geometry.leaf_size(level, false)) & !frame.field,
                    members: align_down(u64::MAX, frame.entry) & !align_down(u64::MAX, set),
                    number: self.kinds.number(),
                };
                self.kinds.learn(descriptor & !u128::from(frame.field), level, known);
            }
        }
    }
}

/// What leaves map, as far as it is within the bounds.
#[inline(always)]
fn mapped(known: &Known, input: u64, address: u64, size: u64, (first, last): (u64, u64)) -> Option<Piece> {
    let (kind, space) = known.found?;
    let before = first.saturating_sub(input);
    let after = input.wrapping_add(size.wrapping_sub(1)).saturating_sub(last);
    if before >= size {
        return None;
    }
    let range = Range {
        input: input.wrapping_add(before),
        size: size.wrapping_sub(before).wrapping_sub(after),
        output: FullAddress::new(space, address.wrapping_add(before)),
        kind,
    };
    Some(Piece { range, number: known.number })
}
