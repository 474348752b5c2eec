//! What the system registers say about a stage 2 walk.

use super::geometry::Shape;
use super::machine::Machine;
use super::stage1_params::granule_of_tg0;
use super::{Space, bit, field};

/// The controls of a stage 2 walk.
#[derive(Clone, Debug, Default)]
pub struct Stage2 {
    pub shape: Shape,
    pub ttbr: u128,
    pub ds: bool,
    pub sh: u64,
    pub sl: u64,
    pub sl2: bool,
    pub skl: u64,
    pub ha: bool,
    pub hd: bool,
    pub haft: bool,
    pub pie: bool,
    pub poe: bool,
    pub pir: u128,
    pub assured_only: bool,
    pub tl0: bool,
    pub tl1: bool,
    pub ptw: bool,
    pub fwb: bool,
    pub big_endian: bool,
    pub table_space: Space,
}

impl Machine<'_> {
    pub fn stage2_params(&self, state: Space, ipa_space: Space) -> Stage2 {
        let vtcr = self.reg("VTCR_EL2");
        // Secure EL1 may use Secure IPAs, whose tables have their own base and size.
        let secure_ipa = state == Space::Secure && ipa_space == Space::Secure;
        let vstcr = self.reg("VSTCR_EL2");
        let size = if secure_ipa { vstcr } else { vtcr };
        let ttbr = self.reg(if secure_ipa { "VSTTBR_EL2" } else { "VTTBR_EL2" });
        let granule = granule_of_tg0(field(size, 15, 14));
        let ds = granule != 16 && self.has("LPA2") && bit(vtcr, 32);
        let d128 = self.has("D128") && bit(vtcr, 38);
        let pie = d128 || (self.has("S2PIE") && bit(vtcr, 36));
        let ha = self.has("HAFDBS") && bit(vtcr, 21);
        let table_non_secure = if secure_ipa { bit(vstcr, 29) } else { bit(vtcr, 29) };
        Stage2 {
            shape: Shape { granule, txsz: field(size, 5, 0) as u32, ps: field(vtcr, 18, 16), ds, d128 },
            ttbr,
            ds,
            sh: field(vtcr, 13, 12),
            sl: field(size, 7, 6),
            sl2: granule == 12 && ds && bit(size, 33),
            skl: if d128 { field(ttbr, 2, 1) } else { 0 },
            ha,
            hd: self.has("HAFDBS") && bit(vtcr, 22),
            haft: self.has("HAFT") && ha && bit(vtcr, 44),
            pie,
            poe: pie && self.has("S2POE") && bit(vtcr, 37),
            pir: if self.has("S2PIE") { self.reg("S2PIR_EL2") } else { 0 },
            assured_only: self.has("THE") && !d128 && bit(vtcr, 34),
            tl0: self.has("THE") && bit(vtcr, 41),
            tl1: self.has("THE") && bit(vtcr, 35),
            ptw: self.hcr(2) && !self.hcr(27),
            fwb: self.has("S2FWB") && self.hcr(46),
            big_endian: bit(self.reg("SCTLR_EL2"), 25),
            table_space: match state {
                Space::Secure if table_non_secure => Space::NonSecure,
                other => other,
            },
        }
    }

    pub fn largest_ipa(&self, s2: &Stage2) -> u32 {
        let pa_max = self.case.pa_bits;
        if s2.shape.d128 {
            pa_max
        } else if self.has("LPA") && s2.shape.granule != 16 && !s2.ds {
            pa_max.min(48)
        } else {
            pa_max.min(52)
        }
    }

    /// The level SL0 and SL2 start at, unless they are reserved or do not suit the size of the input address.
    pub fn stage2_start_level(&self, s2: &Stage2) -> Option<i32> {
        if s2.shape.d128 {
            return Some(s2.shape.start_level() + s2.skl as i32);
        }
        let pa_max = self.case.pa_bits;
        let level = match (s2.shape.granule, s2.sl2, s2.sl) {
            (12, false, 0) => 2,
            (12, false, 1) => 1,
            (12, false, 2) if pa_max >= 44 => 0,
            (12, false, 3) if self.has("TTST") => 3,
            (12, true, 0) => -1,
            (14, _, 0) | (16, _, 0) => 3,
            (14, _, 1) | (16, _, 1) => 2,
            (14, _, 2) if pa_max >= 42 => 1,
            (16, _, 2) if pa_max >= 44 => 1,
            (14, _, 3) if s2.ds => 0,
            _ => return None,
        };
        let one_entry = s2.shape.entry_size(level);
        let sizes = one_entry + 1..=one_entry + s2.shape.stride() + 4;
        sizes.contains(&s2.shape.input_size()).then_some(level)
    }
}
