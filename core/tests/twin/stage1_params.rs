//! What the system registers say about a stage 1 walk.

use super::geometry::Shape;
use super::machine::{Machine, Regime};
use super::{bit, field};

/// The controls of one stage 1 walk.
#[derive(Clone, Debug, Default)]
pub struct Stage1 {
    pub shape: Shape,
    pub ttbr: u128,
    pub sh: u64,
    pub tbi: bool,
    pub tbid: bool,
    pub mtx: bool,
    pub epd: bool,
    pub e0pd: bool,
    pub hpd: bool,
    pub ha: bool,
    pub hd: bool,
    pub haft: bool,
    pub skl: u64,
    pub disch: bool,
    pub pnch: bool,
    pub pie: bool,
    pub aie: bool,
    pub poe: bool,
    pub e0poe: bool,
    pub pir: u128,
    pub pire0: u128,
    pub por: u128,
    pub mair: u128,
    pub mair2: u128,
    pub wxn: bool,
    pub epan: bool,
    pub big_endian: bool,
    pub sif: bool,
    pub nv1: bool,
    pub dc: bool,
    pub dct: bool,
}

/// The granule a TG0 field (or a stage 2 TG0) selects, as log2; the reserved value is taken as 4K.
pub fn granule_of_tg0(tg0: u64) -> u32 {
    [12, 16, 14, 12][tg0 as usize]
}

impl Machine<'_> {
    pub fn stage1_params(&self, regime: Regime, va: u64) -> Stage1 {
        let mut s1 = match regime {
            Regime::El10 => self.two_range_params("EL1", self.tcr2_el1_usable(), va),
            Regime::El20 => self.two_range_params("EL2", self.tcr2_el2_usable(), va),
            Regime::El2 => self.one_range_params("EL2"),
            Regime::El3 => self.one_range_params("EL3"),
        };
        let sctlr = self.sctlr(regime);
        s1.wxn = bit(sctlr, 19);
        s1.big_endian = bit(sctlr, 25);
        s1.sif = self.has_secure_state() && self.scr(9);
        s1.epan = regime.unprivileged() && self.has("PAN3") && (s1.pie || bit(sctlr, 57));
        if regime == Regime::El10 && self.el2_enabled() {
            s1.dc = self.hcr(12);
            s1.dct = self.hcr(57) && self.has("MTE2");
            s1.nv1 = match (self.hcr(42), self.hcr(43)) {
                (false, true) => !self.choice("nv0_nv1_1_behaves_as_00", true),
                (_, nv1) => nv1,
            };
        }
        if s1.nv1 {
            s1.pire0 = 0;
            s1.e0poe = false;
        }
        s1
    }

    /// EL1&0 and EL2&0: TCR_ELx describes two halves of the address space.
    fn two_range_params(&self, el: &str, tcr2_usable: bool, va: u64) -> Stage1 {
        let tcr = self.reg(&format!("TCR_{el}"));
        let tcr2 = if tcr2_usable { self.reg(&format!("TCR2_{el}")) } else { 0 };
        let upper = bit(u128::from(va), 55);
        let n = u32::from(upper);
        let d128 = self.has("D128") && bit(tcr2, 5);
        let granule =
            if upper { [12, 14, 12, 16][field(tcr, 31, 30) as usize] } else { granule_of_tg0(field(tcr, 15, 14)) };
        let ttbr = self.reg(&format!("TTBR{n}_{el}"));
        let ha = self.has("HAFDBS") && bit(tcr, 39);
        Stage1 {
            shape: Shape {
                granule,
                txsz: field(tcr, 16 * n + 5, 16 * n) as u32,
                ps: field(tcr, 34, 32),
                ds: granule != 16 && self.has("LPA2") && bit(tcr, 59),
                d128,
            },
            ttbr,
            sh: field(tcr, 16 * n + 13, 16 * n + 12),
            epd: bit(tcr, 16 * n + 7),
            tbi: bit(tcr, 37 + n),
            tbid: self.has("PAuth") && bit(tcr, 51 + n),
            e0pd: self.has("E0PD") && bit(tcr, 55 + n),
            hpd: self.has("HPDS") && bit(tcr, 41 + n),
            mtx: self.has("MTE4") && bit(tcr, 60 + n),
            ha,
            hd: self.has("HAFDBS") && bit(tcr, 40),
            haft: self.has("HAFT") && ha && bit(tcr2, 11),
            skl: if d128 { field(ttbr, 2, 1) } else { 0 },
            disch: d128 && bit(tcr2, 14 + n),
            pnch: self.has("THE") && !d128 && bit(tcr2, 0),
            pie: d128 || (self.has("S1PIE") && bit(tcr2, 1)),
            aie: self.has("AIE") && bit(tcr2, 4),
            poe: self.has("S1POE") && bit(tcr2, 3),
            e0poe: self.has("S1POE") && bit(tcr2, 2),
            pir: self.when_pie(&format!("PIR_{el}")),
            pire0: self.when_pie(&format!("PIRE0_{el}")),
            por: self.reg(&format!("POR_{el}")),
            mair: self.reg(&format!("MAIR_{el}")),
            mair2: self.reg(&format!("MAIR2_{el}")),
            ..Stage1::default()
        }
    }

    /// EL2 with HCR_EL2.E2H = 0, and EL3: one range, the older TCR layout.
    fn one_range_params(&self, el: &str) -> Stage1 {
        let tcr = self.reg(&format!("TCR_{el}"));
        let el3 = el == "EL3";
        // EL3 has no TCR2: its TCR holds those controls itself.
        let tcr2 = if !el3 && self.tcr2_el2_usable() { self.reg("TCR2_EL2") } else { 0 };
        let control = |in_tcr2: u32, in_tcr: u32| if el3 { bit(tcr, in_tcr) } else { bit(tcr2, in_tcr2) };
        let granule = granule_of_tg0(field(tcr, 15, 14));
        let ttbr = self.reg(&format!("TTBR0_{el}"));
        // Where EL2 has HA, HD and DS depends on HCR_EL2.E2H, even if that bit does not select the EL2&0 regime.
        let [ha, hd, ds] = if !el3 && self.hcr(34) { [39, 40, 59] } else { [21, 22, 32] };
        let ha = self.has("HAFDBS") && bit(tcr, ha);
        let d128 = el3 && self.has("D128") && bit(tcr, 38);
        Stage1 {
            shape: Shape {
                granule,
                txsz: field(tcr, 5, 0) as u32,
                ps: field(tcr, 18, 16),
                ds: granule != 16 && self.has("LPA2") && bit(tcr, ds),
                d128,
            },
            ttbr,
            sh: field(tcr, 13, 12),
            tbi: bit(tcr, 20),
            tbid: self.has("PAuth") && bit(tcr, 29),
            hpd: self.has("HPDS") && bit(tcr, 24),
            mtx: self.has("MTE4") && bit(tcr, 33),
            ha,
            hd: self.has("HAFDBS") && bit(tcr, hd),
            haft: self.has("HAFT") && ha && control(11, 42),
            skl: if d128 { field(ttbr, 2, 1) } else { 0 },
            disch: d128 && bit(tcr, 43),
            pnch: self.has("THE") && !d128 && control(0, 34),
            pie: d128 || (self.has("S1PIE") && control(1, 35)),
            aie: self.has("AIE") && control(4, 37),
            poe: self.has("S1POE") && control(3, 36),
            pir: self.when_pie(&format!("PIR_{el}")),
            por: self.reg(&format!("POR_{el}")),
            mair: self.reg(&format!("MAIR_{el}")),
            mair2: self.reg(&format!("MAIR2_{el}")),
            ..Stage1::default()
        }
    }

    fn when_pie(&self, register: &str) -> u128 {
        if self.has("S1PIE") { self.reg(register) } else { 0 }
    }
}
