//! Granule protection checks (`GranuleProtectionCheck`): whether a physical address belongs to the physical address
//! space it is accessed in.

use super::{Walk, fault, stop};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{align_down, bits, mask};
use crate::env::{Env, Fetch};
use crate::outcome::{FaultRecord, Gpcf, GpcfKind};
use crate::params::GpcParams;
use crate::rule::Rule;
use crate::step::{Event, Place, Step};

/// A failed check, with the rule it failed by.
struct Failure {
    rule: Rule,
    kind: GpcfKind,
    level: u8,
}

/// Level 0 entry types, and the contiguous type of level 1.
const BLOCK: u64 = 0b0001;
const TABLE: u64 = 0b0011;
const CONTIGUOUS: u64 = 0b0001;

impl GpcParams {
    /// `AbovePPS`.
    const fn above(&self, address: u64) -> bool {
        address >> self.pps != 0
    }

    /// Whether a granule protection information code is defined.
    const fn valid(&self, gpi: u64) -> bool {
        match gpi {
            0x0 | 0x9..=0xb | 0xf => true,
            0x8 => self.secure,
            _ => false,
        }
    }

    /// The address of the level 0 entry for `pa`.
    fn level0_entry(&self, pa: u64) -> u64 {
        let alignment = (self.pps + 3).saturating_sub(self.level0).max(12);
        let index = if self.pps <= self.level0 { 0 } else { bits(pa, self.pps - 1, self.level0) };
        align_down(self.base, alignment) + 8 * index
    }

    /// The level 1 table that a level 0 entry points to.
    fn level1_table(&self, entry: u64) -> Result<u64, Failure> {
        let malformed = Failure { rule: Rule::GpcMalformed, kind: GpcfKind::Walk, level: 0 };
        let table = entry & mask(51, 12);
        let misaligned = table & mask(self.level0 - self.granule - 2, 12) != 0;
        if bits(entry, 63, 52) != 0 || bits(entry, 11, 4) != 0 || misaligned {
            Err(malformed)
        } else if self.above(table) {
            Err(Failure { rule: Rule::GpcTableSize, kind: GpcfKind::AddressSize, level: 0 })
        } else {
            Ok(table)
        }
    }

    /// The GPI for `pa` in a level 1 entry.
    fn level1_gpi(&self, entry: u64, pa: u64) -> Option<u64> {
        if entry & 0xf == CONTIGUOUS {
            let gpi = bits(entry, 7, 4);
            return (bits(entry, 63, 10) == 0 && bits(entry, 9, 8) != 0 && self.valid(gpi)).then_some(gpi);
        }
        let all_valid = (0..16).all(|i| self.valid(entry >> (4 * i) & 0xf));
        let index = bits(pa, self.granule + 3, self.granule) as u32;
        all_valid.then_some(entry >> (4 * index) & 0xf)
    }
}

/// Checks an access to `address`. `record` is the fault, but for what the check adds.
#[inline(always)]
pub(super) fn check<E: Env>(
    params: Option<&GpcParams>,
    env: &mut E,
    place: Place,
    address: FullAddress,
    record: impl FnOnce() -> FaultRecord,
) -> Walk<(), E> {
    match params {
        None => Ok(()),
        Some(params) => checked(params, env, place, address, record()),
    }
}

#[cold]
#[inline(never)]
fn checked<E: Env>(
    params: &GpcParams,
    env: &mut E,
    place: Place,
    address: FullAddress,
    record: FaultRecord,
) -> Walk<(), E> {
    match look_up(params, env, place, address)? {
        Ok(()) => {
            env.note(|| Step { place, rule: Rule::GpcPassed, event: Event::Passed });
            Ok(())
        }
        Err(Failure { rule, kind, level }) => {
            let gpcf = Some(Gpcf { kind, level, second_stage: record.second_stage });
            Err(fault(env, place, rule, FaultRecord { gpcf, paddress: address, ..record }))
        }
    }
}

type Found<T> = Result<T, Failure>;

fn look_up<E: Env>(params: &GpcParams, env: &mut E, place: Place, address: FullAddress) -> Walk<Found<()>, E> {
    if !params.consistent {
        return Ok(Err(Failure { rule: Rule::GpcRegisters, kind: GpcfKind::Walk, level: 0 }));
    }
    if params.above(address.address) {
        let failure = Failure { rule: Rule::GpcAbovePps, kind: GpcfKind::Fail, level: 0 };
        return Ok(if address.space == PaSpace::NonSecure { Ok(()) } else { Err(failure) });
    }
    if params.above(params.base) {
        return Ok(Err(Failure { rule: Rule::GpcBase, kind: GpcfKind::AddressSize, level: 0 }));
    }
    Ok(walk(params, env, place, address.address)?.and_then(|(gpi, level)| {
        // A granule is accessible to all, or to exactly the space it belongs to: Root has no privilege.
        let owner = match address.space {
            PaSpace::Secure => 0x8,
            PaSpace::NonSecure => 0x9,
            PaSpace::Root => 0xa,
            PaSpace::Realm => 0xb,
        };
        let allowed = gpi == 0xf || gpi == owner;
        if allowed { Ok(()) } else { Err(Failure { rule: Rule::GpcFail, kind: GpcfKind::Fail, level }) }
    }))
}

/// `GPTWalk`: the GPI of a physical address, and the level it was found at.
fn walk<E: Env>(params: &GpcParams, env: &mut E, place: Place, pa: u64) -> Walk<Found<(u64, u8)>, E> {
    let malformed = |level| Failure { rule: Rule::GpcMalformed, kind: GpcfKind::Walk, level };
    let entry = match read(env, place, params.level0_entry(pa), 0)? {
        Ok(entry) => entry,
        Err(failure) => return Ok(Err(failure)),
    };
    let table = match entry & 0xf {
        BLOCK => {
            let gpi = bits(entry, 7, 4);
            let sound = bits(entry, 63, 8) == 0 && params.valid(gpi);
            return Ok(if sound { Ok((gpi, 0)) } else { Err(malformed(0)) });
        }
        TABLE => params.level1_table(entry),
        _ => Err(malformed(0)),
    };
    let table = match table {
        Ok(table) => table,
        Err(failure) => return Ok(Err(failure)),
    };
    let address = table + 8 * bits(pa, params.level0 - 1, params.granule + 4);
    let entry = read(env, place, address, 1)?;
    Ok(entry.and_then(|entry| params.level1_gpi(entry, pa).map(|gpi| (gpi, 1)).ok_or_else(|| malformed(1))))
}

/// A table entry: in Root memory, little-endian, itself unchecked.
fn read<E: Env>(env: &mut E, place: Place, address: u64, level: u8) -> Walk<Found<u64>, E> {
    let address = FullAddress::new(PaSpace::Root, address);
    let Ok(word) = env.read(Fetch { address, place, wide: false }).map_err(stop)? else {
        return Ok(Err(Failure { rule: Rule::GpcAbort, kind: GpcfKind::Eabt, level }));
    };
    let value = word as u64;
    env.note(|| Step { place, rule: Rule::GptEntry, event: Event::GptRead { address, level, value } });
    Ok(Ok(value))
}
