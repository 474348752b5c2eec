//! Records: what a stage of the usual walk notes at once, and the steps that each stands for.
//!
//! In the usual walk tables are 4K, descriptors have 64 bits, output addresses 48, and everything is Non-secure. What
//! is then always the same is in no record, nor what the rest implies.

use super::{AccessRights, Event, Place, Purpose, Step};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{align_down, bits, mask};
use crate::outcome::{AddressDescriptor, MemAttrs};
use crate::params::FINAL_LEVEL;
use crate::regime::Granule;
use crate::rule::Rule;

/// Several steps of the usual walk, in words that are quickly put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Stage 1 begins its walk.
    S1Start {
        /// The input address.
        input: u64,
        /// How it begins.
        start: Start,
    },
    /// A descriptor of stage 1 was read, and points to a table.
    S1Table {
        /// The level of the lookup.
        level: i8,
        /// Most significant input address bit of the index.
        index_high: u8,
        /// The descriptor.
        read: Read,
    },
    /// A descriptor of stage 1 was read: a page that permits the access.
    S1Page {
        /// Most significant input address bit of the index.
        index_high: u8,
        /// The rule that says what the page permits.
        rule: Rule,
        /// What it permits.
        rights: AccessRights,
        /// Its memory attributes.
        attrs: S1Attrs,
        /// The descriptor.
        read: Read,
    },
    /// Stage 2 is off: a descriptor of stage 1 is where stage 1 says.
    S2Off {
        /// The level of the lookup in stage 1.
        level: i8,
        /// Memory attributes of descriptor reads.
        attrs: MemAttrs,
        /// The descriptor's address.
        address: u64,
    },
    /// Stage 2 has walked, to a page that permits the access.
    S2 {
        /// Its walk.
        walk: S2Walk,
        /// What the page permits.
        rights: AccessRights,
        /// The rule that decides the memory attributes.
        rule: Rule,
        /// Memory attributes of the output.
        attrs: MemAttrs,
    },
}

/// A stage begins its walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Input address size, in bits.
    pub ia_size: u8,
    /// Output address size, in bits.
    pub oa_size: u8,
    /// The level the walk starts at.
    pub level: i8,
    /// The base register's value.
    pub ttbr: u128,
    /// The address of the first table.
    pub table: u64,
}

/// A walk of stage 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S2Walk {
    /// What stage 2 translates.
    pub purpose: Purpose,
    /// The input address.
    pub input: u64,
    /// How it begins.
    pub start: Start,
    /// The descriptors that were read, by level.
    pub read: [u64; 4],
}

/// A descriptor that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The stage's input address.
    pub input: u64,
    /// The address the stage computed.
    pub entry: u64,
    /// The physical address it was read from.
    pub physical: u64,
    /// The descriptor.
    pub value: u64,
}

/// Memory attributes of a stage-1 leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S1Attrs {
    /// As the leaf says.
    pub decoded: MemAttrs,
    /// As they come to.
    pub output: MemAttrs,
    /// The caches' enables make the memory Non-cacheable.
    pub non_cacheable: bool,
}

/// Address bits of a table or page in a descriptor.
const FRAME: u64 = mask(47, 12);

impl Record {
    /// The steps, in order.
    pub fn tell(&self, mut each: impl FnMut(Step)) {
        match *self {
            Self::S1Start { input, start } => each(start.step(Place::S1, Rule::S1Start, input)),
            Self::S1Table { level, index_high, read } => read.tell_table(Place::S1.at(level), index_high, &mut each),
            Self::S1Page { index_high, rule, rights, attrs, read } => {
                let place = Place::S1.at(FINAL_LEVEL);
                read.tell_page(place, index_high, &mut each);
                each(Step { place, rule, event: Event::Permissions { rights } });
                each(Step { place, rule: Rule::S1PermissionPassed, event: Event::Passed });
                each(Step { place, rule: Rule::S1Attributes, event: Event::Attributes { attrs: attrs.decoded } });
                if attrs.non_cacheable {
                    let event = Event::Attributes { attrs: attrs.output };
                    each(Step { place, rule: Rule::S1AttributesNonCacheable, event });
                }
                each(Step { place, rule: Rule::S1Output, event: read.output(attrs.output) });
            }
            Self::S2Off { level, attrs, address } => {
                let event = Event::Disabled { output: output(address, attrs) };
                each(Step { place: Place::s2(Purpose::Descriptor(level)), rule: Rule::S2Disabled, event });
            }
            Self::S2 { walk, rights, rule, attrs } => {
                walk.tell_tables(FINAL_LEVEL, &mut each);
                let (place, read) = (Place::s2(walk.purpose).at(FINAL_LEVEL), walk.at(FINAL_LEVEL));
                read.tell_page(place, walk.index_high(FINAL_LEVEL), &mut each);
                each(Step { place, rule: Rule::S2Permissions, event: Event::Permissions { rights } });
                each(Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed });
                each(Step { place, rule, event: Event::Attributes { attrs } });
                each(Step { place, rule: Rule::S2Output, event: read.output(attrs) });
            }
        }
    }
}

impl Start {
    fn step(self, place: Place, rule: Rule, input: u64) -> Step {
        let Self { ia_size, oa_size, level, ttbr, table } = self;
        let (granule, table) = (Granule::K4, non_secure(table));
        Step { place, rule, event: Event::Start { input, granule, ia_size, oa_size, level, ttbr, table } }
    }
}

impl S2Walk {
    /// Tells how it begins, and of the tables above a level.
    pub fn tell_tables(&self, level: i8, mut each: impl FnMut(Step)) {
        let place = Place::s2(self.purpose);
        each(self.start.step(place, Rule::S2Start, self.input));
        for level in self.start.level..level {
            self.at(level).tell_table(place.at(level), self.index_high(level), &mut each);
        }
    }

    /// Most significant input address bit of the index.
    const fn index_high(&self, level: i8) -> u8 {
        if level == self.start.level { self.start.ia_size.saturating_sub(1) } else { index_low(level - 1) - 1 }
    }

    fn at(&self, level: i8) -> Read {
        let (input, value) = (self.input, self.value(level));
        let table = if level == self.start.level { self.start.table } else { self.value(level - 1) & FRAME };
        let (high, low) = (u32::from(self.index_high(level)), u32::from(index_low(level)));
        let entry = table | bits(input, high, low) << 3;
        Read { input, entry, physical: entry, value }
    }

    const fn value(&self, level: i8) -> u64 {
        self.read[(level & 3) as usize]
    }
}

/// Least significant input address bit of the index at a level.
const fn index_low(level: i8) -> u8 {
    39 - 9 * (level & 3) as u8
}

impl Read {
    fn step(self, place: Place, index_high: u8, index_low: u8) -> Step {
        let Self { input, entry, physical, value } = self;
        // A table is aligned to its size.
        let table = align_down(entry, u32::from(index_high.saturating_sub(index_low)) + 4);
        let event = Event::Read {
            descriptor: non_secure(entry),
            physical: non_secure(physical),
            table,
            input,
            index_high,
            index_low,
            value: value.into(),
            wide: false,
        };
        Step { place, rule: Rule::DescriptorRead, event }
    }

    /// Output address of a page.
    const fn page(self) -> u64 {
        self.value & FRAME | self.input & mask(11, 0)
    }

    fn tell_table(self, place: Place, index_high: u8, each: &mut impl FnMut(Step)) {
        let next = non_secure(self.value & FRAME);
        each(self.step(place, index_high, place.level.map_or(0, index_low)));
        each(Step { place, rule: Rule::DescriptorTable, event: Event::Table { next } });
    }

    fn tell_page(self, place: Place, index_high: u8, each: &mut impl FnMut(Step)) {
        each(self.step(place, index_high, 12));
        let event = Event::Leaf { output: non_secure(self.page()), size: 12, contiguous: false };
        each(Step { place, rule: Rule::DescriptorLeaf, event });
    }

    const fn output(self, attrs: MemAttrs) -> Event {
        Event::Output { output: output(self.page(), attrs) }
    }
}

const fn output(address: u64, attrs: MemAttrs) -> AddressDescriptor {
    AddressDescriptor { address: non_secure(address), attrs, s1assured: false, s2fs1mro: false, mecid: 0 }
}

const fn non_secure(address: u64) -> FullAddress {
    FullAddress::new(PaSpace::NonSecure, address)
}
