//! The system registers that take part in address translation, and their fields.

use super::{Layout, layout};

mod attributes;
mod control;
mod gpc;
mod id;
mod mec;
mod par;
mod sctlr;
mod syndrome;
mod tcr;
mod trap;
mod ttbr;

pub use attributes::*;
pub use control::*;
pub use gpc::*;
pub use id::*;
pub use mec::*;
pub use par::*;
pub use sctlr::*;
pub use syndrome::*;
pub use tcr::*;
pub use trap::*;
pub use ttbr::*;

/// How an instruction names a system register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// `op0`
    pub op0: u8,
    /// `op1`
    pub op1: u8,
    /// `CRn`
    pub crn: u8,
    /// `CRm`
    pub crm: u8,
    /// `op2`
    pub op2: u8,
}

macro_rules! registers {
    ($($variant:ident $name:literal $width:literal
       ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal) $module:ident $meaning:literal;)+) => {
        /// A system register.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum SysReg {
            $(#[doc = concat!($name, ": ", $meaning)] $variant,)+
        }

        impl SysReg {
            /// Every register, in table order: the order of the discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The manual's name, for example `TCR_EL1`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// 128 for a register that grows with `FEAT_SYSREG128`, else 64.
            #[must_use]
            pub const fn width(self) -> u8 {
                match self { $(Self::$variant => $width),+ }
            }

            /// What the register holds, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// The operands that name it in MRS and MSR.
            #[must_use]
            pub const fn encoding(self) -> Encoding {
                match self {
                    $(Self::$variant => Encoding { op0: $op0, op1: $op1, crn: $crn, crm: $crm, op2: $op2 }),+
                }
            }

            /// The format that does not depend on anything else.
            const fn plain_layout(self) -> &'static Layout {
                match self { $(Self::$variant => &$module::LAYOUT),+ }
            }
        }
    };
}

registers! {
    ScrEl3 "SCR_EL3" 64 (3, 6, 1, 1, 0) scr_el3
        "Secure configuration: the Security state below EL3, and what EL3 lends to it.";
    HcrEl2 "HCR_EL2" 64 (3, 4, 1, 1, 0) hcr_el2
        "Hypervisor configuration: stage 2, host mode, nested virtualization, traps.";
    HcrxEl2 "HCRX_EL2" 64 (3, 4, 1, 2, 2) hcrx_el2
        "Hypervisor configuration, second part: which newer registers EL1 has.";
    HfgitrEl2 "HFGITR_EL2" 64 (3, 4, 1, 1, 6) hfgitr_el2
        "Fine-grained traps of instructions, the AT instructions among them.";
    SctlrEl1 "SCTLR_EL1" 64 (3, 0, 1, 0, 0) sctlr_el1 "System control of the EL1&0 regime: MMU, caches, endianness.";
    SctlrEl2 "SCTLR_EL2" 64 (3, 4, 1, 0, 0) sctlr_el2
        "System control of the EL2 and EL2&0 regimes: MMU, caches, endianness.";
    SctlrEl3 "SCTLR_EL3" 64 (3, 6, 1, 0, 0) sctlr_el3 "System control of the EL3 regime: MMU, caches, endianness.";
    Sctlr2El1 "SCTLR2_EL1" 64 (3, 0, 1, 0, 3) sctlr2_el1 "System control of EL1, second part.";
    Sctlr2El2 "SCTLR2_EL2" 64 (3, 4, 1, 0, 3) sctlr2_el2
        "System control of EL2, second part: memory encryption contexts.";
    Sctlr2El3 "SCTLR2_EL3" 64 (3, 6, 1, 0, 3) sctlr2_el3
        "System control of EL3, second part: memory encryption contexts.";
    TcrEl1 "TCR_EL1" 64 (3, 0, 2, 0, 2) tcr_el1 "Translation control of the EL1&0 regime: sizes, granules, options.";
    TcrEl2 "TCR_EL2" 64 (3, 4, 2, 0, 2) tcr_el2
        "Translation control of the EL2 or EL2&0 regime, in a format of its own for each.";
    TcrEl3 "TCR_EL3" 64 (3, 6, 2, 0, 2) tcr_el3 "Translation control of the EL3 regime: size, granule, options.";
    Tcr2El1 "TCR2_EL1" 64 (3, 0, 2, 0, 3) tcr2_el1
        "Translation control of the EL1&0 regime, second part: indirect permissions, overlays, 128-bit descriptors.";
    Tcr2El2 "TCR2_EL2" 64 (3, 4, 2, 0, 3) tcr2_el2 "Translation control of the EL2 and EL2&0 regimes, second part.";
    VtcrEl2 "VTCR_EL2" 64 (3, 4, 2, 1, 2) vtcr_el2 "Translation control of stage 2.";
    VstcrEl2 "VSTCR_EL2" 64 (3, 4, 2, 6, 2) vstcr_el2
        "Translation control of stage 2 for Secure intermediate addresses.";
    Ttbr0El1 "TTBR0_EL1" 128 (3, 0, 2, 0, 0) ttbr0_el1 "First table of the lower address range of the EL1&0 regime.";
    Ttbr1El1 "TTBR1_EL1" 128 (3, 0, 2, 0, 1) ttbr1_el1 "First table of the upper address range of the EL1&0 regime.";
    Ttbr0El2 "TTBR0_EL2" 128 (3, 4, 2, 0, 0) ttbr0_el2
        "First table of the EL2 regime, or of the lower range of the EL2&0 regime.";
    Ttbr1El2 "TTBR1_EL2" 128 (3, 4, 2, 0, 1) ttbr1_el2 "First table of the upper address range of the EL2&0 regime.";
    Ttbr0El3 "TTBR0_EL3" 64 (3, 6, 2, 0, 0) ttbr0_el3 "First table of the EL3 regime.";
    VttbrEl2 "VTTBR_EL2" 128 (3, 4, 2, 1, 0) vttbr_el2 "First table of stage 2, and the virtual machine's identifier.";
    VsttbrEl2 "VSTTBR_EL2" 64 (3, 4, 2, 6, 0) vsttbr_el2 "First table of stage 2 for Secure intermediate addresses.";
    MairEl1 "MAIR_EL1" 64 (3, 0, 10, 2, 0) mair_el1 "Memory types of attribute indexes 0 to 7 in the EL1&0 regime.";
    MairEl2 "MAIR_EL2" 64 (3, 4, 10, 2, 0) mair_el2
        "Memory types of attribute indexes 0 to 7 in the EL2 and EL2&0 regimes.";
    MairEl3 "MAIR_EL3" 64 (3, 6, 10, 2, 0) mair_el3 "Memory types of attribute indexes 0 to 7 in the EL3 regime.";
    Mair2El1 "MAIR2_EL1" 64 (3, 0, 10, 2, 1) mair2_el1 "Memory types of attribute indexes 8 to 15 in the EL1&0 regime.";
    Mair2El2 "MAIR2_EL2" 64 (3, 4, 10, 1, 1) mair2_el2
        "Memory types of attribute indexes 8 to 15 in the EL2 and EL2&0 regimes.";
    Mair2El3 "MAIR2_EL3" 64 (3, 6, 10, 1, 1) mair2_el3 "Memory types of attribute indexes 8 to 15 in the EL3 regime.";
    PirEl1 "PIR_EL1" 64 (3, 0, 10, 2, 3) pir_el1 "Privileged permissions by index in the EL1&0 regime.";
    PirEl2 "PIR_EL2" 64 (3, 4, 10, 2, 3) pir_el2 "Privileged permissions by index in the EL2 and EL2&0 regimes.";
    PirEl3 "PIR_EL3" 64 (3, 6, 10, 2, 3) pir_el3 "Permissions by index in the EL3 regime.";
    Pire0El1 "PIRE0_EL1" 64 (3, 0, 10, 2, 2) pire0_el1 "Unprivileged permissions by index in the EL1&0 regime.";
    Pire0El2 "PIRE0_EL2" 64 (3, 4, 10, 2, 2) pire0_el2 "Unprivileged permissions by index in the EL2&0 regime.";
    PorEl0 "POR_EL0" 64 (3, 3, 10, 2, 4) por_el0 "Permissions that each overlay leaves to EL0.";
    PorEl1 "POR_EL1" 64 (3, 0, 10, 2, 4) por_el1 "Permissions that each overlay leaves to EL1.";
    PorEl2 "POR_EL2" 64 (3, 4, 10, 2, 4) por_el2 "Permissions that each overlay leaves to EL2.";
    PorEl3 "POR_EL3" 64 (3, 6, 10, 2, 4) por_el3 "Permissions that each overlay leaves to EL3.";
    S2pirEl2 "S2PIR_EL2" 64 (3, 4, 10, 2, 5) s2pir_el2 "Permissions by index at stage 2.";
    S2porEl1 "S2POR_EL1" 64 (3, 0, 10, 2, 5) s2por_el1 "Permissions that each overlay leaves at stage 2.";
    ParEl1 "PAR_EL1" 128 (3, 0, 7, 4, 0) par_el1_success
        "Result of an AT instruction: the output address and its attributes, or the fault.";
    EsrEl1 "ESR_EL1" 64 (3, 0, 5, 2, 0) esr "Why the last exception was taken to EL1.";
    EsrEl2 "ESR_EL2" 64 (3, 4, 5, 2, 0) esr "Why the last exception was taken to EL2.";
    EsrEl3 "ESR_EL3" 64 (3, 6, 5, 2, 0) esr "Why the last exception was taken to EL3.";
    FarEl1 "FAR_EL1" 64 (3, 0, 6, 0, 0) far_el1 "Virtual address of the last fault taken to EL1.";
    FarEl2 "FAR_EL2" 64 (3, 4, 6, 0, 0) far_el2 "Virtual address of the last fault taken to EL2.";
    FarEl3 "FAR_EL3" 64 (3, 6, 6, 0, 0) far_el3 "Virtual address of the last fault taken to EL3.";
    HpfarEl2 "HPFAR_EL2" 64 (3, 4, 6, 0, 4) hpfar_el2 "Intermediate address of the last stage 2 fault taken to EL2.";
    PfarEl1 "PFAR_EL1" 64 (3, 0, 6, 0, 5) pfar_el1 "Physical address of the last External abort taken to EL1.";
    PfarEl2 "PFAR_EL2" 64 (3, 4, 6, 0, 5) pfar_el2 "Physical address of the last External abort taken to EL2.";
    MfarEl3 "MFAR_EL3" 64 (3, 6, 6, 0, 5) mfar_el3
        "Physical address of the last granule protection fault or External abort taken to EL3.";
    GpccrEl3 "GPCCR_EL3" 64 (3, 6, 2, 1, 6) gpccr_el3 "Granule protection check control: sizes, and whether it is on.";
    GptbrEl3 "GPTBR_EL3" 64 (3, 6, 2, 1, 4) gptbr_el3 "Address of the granule protection table.";
    MecidP0El2 "MECID_P0_EL2" 64 (3, 4, 10, 8, 0) mecid_p0_el2
        "Primary encryption context of the EL2 regime, or of the lower range of the EL2&0 regime.";
    MecidA0El2 "MECID_A0_EL2" 64 (3, 4, 10, 8, 1) mecid_a0_el2
        "Alternate encryption context of the EL2 regime, or of the lower range of the EL2&0 regime.";
    MecidP1El2 "MECID_P1_EL2" 64 (3, 4, 10, 8, 2) mecid_p1_el2
        "Primary encryption context of the upper range of the EL2&0 regime.";
    MecidA1El2 "MECID_A1_EL2" 64 (3, 4, 10, 8, 3) mecid_a1_el2
        "Alternate encryption context of the upper range of the EL2&0 regime.";
    VmecidPEl2 "VMECID_P_EL2" 64 (3, 4, 10, 9, 0) vmecid_p_el2
        "Primary encryption context of stage 2, and of the EL1&0 regime's stage 1.";
    VmecidAEl2 "VMECID_A_EL2" 64 (3, 4, 10, 9, 1) vmecid_a_el2 "Alternate encryption context of stage 2.";
    MecidRlAEl3 "MECID_RL_A_EL3" 64 (3, 6, 10, 10, 1) mecid_rl_a_el3
        "Encryption context of Realm memory in the EL3 regime.";
    IdAa64Pfr0El1 "ID_AA64PFR0_EL1" 64 (3, 0, 0, 4, 0) id_aa64pfr0_el1 "Exception levels and extensions.";
    IdAa64Pfr1El1 "ID_AA64PFR1_EL1" 64 (3, 0, 0, 4, 1) id_aa64pfr1_el1
        "Extensions, second part: memory tagging, translation hardening.";
    IdAa64Pfr2El1 "ID_AA64PFR2_EL1" 64 (3, 0, 0, 4, 2) id_aa64pfr2_el1 "Extensions, third part.";
    IdAa64Isar1El1 "ID_AA64ISAR1_EL1" 64 (3, 0, 0, 6, 1) id_aa64isar1_el1
        "Instructions: pointer authentication, 64-byte accesses, XS.";
    IdAa64Isar2El1 "ID_AA64ISAR2_EL1" 64 (3, 0, 0, 6, 2) id_aa64isar2_el1
        "Instructions, second part: AT S1E1A, 128-bit registers.";
    IdAa64Mmfr0El1 "ID_AA64MMFR0_EL1" 64 (3, 0, 0, 7, 0) id_aa64mmfr0_el1
        "Memory model: physical address size, granules.";
    IdAa64Mmfr1El1 "ID_AA64MMFR1_EL1" 64 (3, 0, 0, 7, 1) id_aa64mmfr1_el1
        "Memory model: hardware updates, PAN, host mode.";
    IdAa64Mmfr2El1 "ID_AA64MMFR2_EL1" 64 (3, 0, 0, 7, 2) id_aa64mmfr2_el1
        "Memory model: virtual address size, nested virtualization, forced Write-Back.";
    IdAa64Mmfr3El1 "ID_AA64MMFR3_EL1" 64 (3, 0, 0, 7, 3) id_aa64mmfr3_el1
        "Memory model: indirect permissions, overlays, 128-bit descriptors.";
    IdAa64Mmfr4El1 "ID_AA64MMFR4_EL1" 64 (3, 0, 0, 7, 4) id_aa64mmfr4_el1 "Memory model: later additions.";
}

impl SysReg {
    /// The number of registers.
    pub const COUNT: usize = Self::ALL.len();

    /// The register called `name`, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|register| register.name().eq_ignore_ascii_case(name))
    }

    /// The format in which to read `value`: PAR_EL1 and ESR_ELx tell theirs themselves, a base register with high bits
    /// has the one for 128-bit descriptors, and TCR_EL2 follows HCR_EL2.E2H.
    #[must_use]
    pub fn layout(self, value: u128, e2h: bool) -> &'static Layout {
        match self {
            Self::TcrEl2 if e2h => &tcr_el2_e2h::LAYOUT,
            Self::ParEl1 => par_layout(value),
            Self::EsrEl1 | Self::EsrEl2 | Self::EsrEl3 => esr_layout(value as u64),
            _ if value >> 64 != 0 => self.layout_d128().unwrap_or(self.plain_layout()),
            _ => self.plain_layout(),
        }
    }

    /// The format of a base register where descriptors have 128 bits (`FEAT_D128`).
    #[must_use]
    pub const fn layout_d128(self) -> Option<&'static Layout> {
        match self {
            Self::Ttbr0El1 => Some(&ttbr0_el1_d128::LAYOUT),
            Self::Ttbr1El1 => Some(&ttbr1_el1_d128::LAYOUT),
            Self::Ttbr0El2 => Some(&ttbr0_el2_d128::LAYOUT),
            Self::Ttbr1El2 => Some(&ttbr1_el2_d128::LAYOUT),
            Self::Ttbr0El3 => Some(&ttbr0_el3_d128::LAYOUT),
            Self::VttbrEl2 => Some(&vttbr_el2_d128::LAYOUT),
            Self::VsttbrEl2 => Some(&vsttbr_el2_d128::LAYOUT),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
