//! Records: what a stage of the usual walk notes at once, and the steps that each stands for.
//!
//! In the usual walk tables are 4K, descriptors have 64 bits, output addresses 48, and everything is Non-secure. What
//! is then always the same is in no record, nor what the rest implies.

use super::{AccessRights, Event, Place, Purpose, Step};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{align_down, mask};
use crate::outcome::{AddressDescriptor, MemAttrs};
use crate::regime::{Granule, Stage};
use crate::rule::Rule;

/// Several steps of the usual walk, in words that are quickly put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A stage begins its walk.
    Start {
        /// The stage.
        stage: Stage,
        /// What it translates.
        purpose: Purpose,
        /// Input address size, in bits.
        ia_size: u8,
        /// Output address size, in bits.
        oa_size: u8,
        /// The level the walk starts at.
        level: i8,
        /// The input address.
        input: u64,
        /// The base register's value, the low half first.
        ttbr: [u64; 2],
        /// The address of the first table.
        table: u64,
    },
    /// A descriptor was read, and points to a table.
    Table {
        /// The stage.
        stage: Stage,
        /// What it translates.
        purpose: Purpose,
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
    /// A descriptor of stage 2 was read: a page that permits the access.
    S2Page {
        /// What stage 2 translates.
        purpose: Purpose,
        /// Most significant input address bit of the index.
        index_high: u8,
        /// What the page permits.
        rights: AccessRights,
        /// The rule that decides the memory attributes.
        rule: Rule,
        /// Memory attributes of the output.
        attrs: MemAttrs,
        /// The descriptor.
        read: Read,
    },
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
            Self::Start { stage, purpose, ia_size, oa_size, level, input, ttbr: [low, high], table } => {
                let rule = if stage == Stage::S1 { Rule::S1Start } else { Rule::S2Start };
                let event = Event::Start {
                    input,
                    granule: Granule::K4,
                    ia_size,
                    oa_size,
                    level,
                    ttbr: u128::from(high) << 64 | u128::from(low),
                    table: non_secure(table),
                };
                each(Step { place: place(stage, purpose), rule, event });
            }
            Self::Table { stage, purpose, level, index_high, read } => {
                let place = place(stage, purpose).at(level);
                let next = non_secure(read.value & FRAME);
                each(read.step(place, index_high, 12 + 9 * (3 - level) as u8));
                each(Step { place, rule: Rule::DescriptorTable, event: Event::Table { next } });
            }
            Self::S1Page { index_high, rule, rights, attrs, read } => {
                let place = Place::S1.at(3);
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
            Self::S2Page { purpose, index_high, rights, rule, attrs, read } => {
                let place = Place::s2(purpose).at(3);
                read.tell_page(place, index_high, &mut each);
                each(Step { place, rule: Rule::S2Permissions, event: Event::Permissions { rights } });
                each(Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed });
                each(Step { place, rule, event: Event::Attributes { attrs } });
                each(Step { place, rule: Rule::S2Output, event: read.output(attrs) });
            }
        }
    }
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

const fn place(stage: Stage, purpose: Purpose) -> Place {
    Place { stage: Some(stage), purpose, level: None }
}

const fn non_secure(address: u64) -> FullAddress {
    FullAddress::new(PaSpace::NonSecure, address)
}
