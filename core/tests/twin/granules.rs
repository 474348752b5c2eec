//! Granule protection checks.

use super::machine::Machine;
use super::{Space, bit, field};

type GranuleFault = Option<(&'static str, u32)>;

impl Machine<'_> {
    /// Why an access to a physical address fails its granule protection check, with the level of the table.
    pub fn granule_fault(&mut self, (address, space): (u64, Space)) -> GranuleFault {
        let gpccr = self.reg("GPCCR_EL3");
        if !self.has("RME") || !bit(gpccr, 16) {
            return None;
        }
        let sizes = [32, 36, 40, 42, 44, 48, 52, 0];
        let pps = sizes[field(gpccr, 2, 0) as usize];
        let (sh, orgn, irgn) = (field(gpccr, 13, 12), field(gpccr, 11, 10), field(gpccr, 9, 8));
        if pps == 0 || pps > self.case.pa_bits || field(gpccr, 15, 14) == 3 {
            return Some(("Walk", 0));
        }
        if sh == 1 || (orgn == 0 && irgn == 0 && sh != 2) {
            return Some(("Walk", 0));
        }
        if address >> pps != 0 {
            return if space == Space::NonSecure { None } else { Some(("Fail", 0)) };
        }
        let base = field(self.reg("GPTBR_EL3"), 39, 0) << 12;
        if base >> pps != 0 {
            return Some(("AddressSize", 0));
        }
        match self.granule_entry(address, base, pps) {
            Err(fault) => Some(fault),
            Ok((gpi, level)) => {
                let permitted = match gpi {
                    8 => space == Space::Secure,
                    9 => space == Space::NonSecure,
                    10 => space == Space::Root,
                    11 => space == Space::Realm,
                    15 => true,
                    _ => false,
                };
                if permitted { None } else { Some(("Fail", level)) }
            }
        }
    }

    /// The granule protection information of an address, and the level of the table it is in.
    fn granule_entry(&mut self, address: u64, base: u64, pps: u32) -> Result<(u64, u32), (&'static str, u32)> {
        let gpccr = self.reg("GPCCR_EL3");
        let p = [12, 16, 14][field(gpccr, 15, 14) as usize];
        let l = match field(gpccr, 23, 20) {
            4 => 34,
            6 => 36,
            9 => 39,
            _ => 30,
        };
        let align = if pps > l + 9 { pps - l + 3 } else { 12 };
        let index = if pps > l { (address & ((1 << pps) - 1)) >> l } else { 0 };
        let entry = self.read_granules((base >> align << align) + 8 * index, 0)?;
        if field(entry, 3, 0) == 1 {
            if field(entry, 63, 8) != 0 || !self.granule_information_valid(field(entry, 7, 4)) {
                return Err(("Walk", 0));
            }
            return Ok((field(entry, 7, 4), 0));
        }
        if field(entry, 3, 0) != 3 || field(entry, 63, 52) != 0 || field(entry, 11, 4) != 0 {
            return Err(("Walk", 0));
        }
        if field(entry, l - p - 2, 12) != 0 {
            return Err(("Walk", 0));
        }
        let table = field(entry, 51, 12) << 12;
        if table >> pps != 0 {
            return Err(("AddressSize", 0));
        }
        let index = (address & ((1 << l) - 1)) >> (p + 4);
        let word = self.read_granules(table + 8 * index, 1)?;
        if field(word, 3, 0) == 1 {
            let gpi = field(word, 7, 4);
            if field(word, 63, 10) != 0 || field(word, 9, 8) == 0 || !self.granule_information_valid(gpi) {
                return Err(("Walk", 1));
            }
            return Ok((gpi, 1));
        }
        if (0..16).any(|i| !self.granule_information_valid(field(word, 4 * i + 3, 4 * i))) {
            return Err(("Walk", 1));
        }
        let i = ((address >> p) & 15) as u32;
        Ok((field(word, 4 * i + 3, 4 * i), 1))
    }

    fn granule_information_valid(&self, gpi: u64) -> bool {
        matches!(gpi, 0 | 9 | 10 | 11 | 15) || (gpi == 8 && self.has("SEL2"))
    }
}
