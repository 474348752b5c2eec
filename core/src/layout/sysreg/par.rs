//! PAR_EL1, the result of an AT instruction: two outcomes, in two sizes.

use super::syndrome::FAULT_STATUS;
use super::{Layout, layout};

const OUTCOME: &[(u64, &str)] = &[(0, "translated"), (1, "aborted")];
const FORMAT: &[(u64, &str)] = &[(0, "64-bit format"), (1, "128-bit format")];
const SHAREABILITY: &[(u64, &str)] = &[(0b00, "Non-shareable"), (0b10, "Outer Shareable"), (0b11, "Inner Shareable")];
const STAGE: &[(u64, &str)] = &[(0, "stage 1"), (1, "stage 2")];
const WALK: &[(u64, &str)] = &[(0, "not on a stage 1 walk"), (1, "stage 2 fault on a stage 1 walk")];
const MEMORY_TYPE: &[(u64, &str)] = &[
    (0x00, "Device-nGnRnE"),
    (0x01, "Device-nGnRnE, XS 0"),
    (0x04, "Device-nGnRE"),
    (0x05, "Device-nGnRE, XS 0"),
    (0x08, "Device-nGRE"),
    (0x09, "Device-nGRE, XS 0"),
    (0x0c, "Device-GRE"),
    (0x0d, "Device-GRE, XS 0"),
    (0x40, "Normal, Non-cacheable, XS 0"),
    (0x44, "Normal, Non-cacheable"),
    (0xa0, "Normal, Write-Through, XS 0"),
    (0xe0, "Normal, Write-Back, Tagged, no tag access"),
    (0xf0, "Normal, Write-Back, Tagged"),
    (0xff, "Normal, Write-Back, Read-Allocate, Write-Allocate"),
];

layout! {
    par_el1_success: "PAR_EL1"; 64 => {
        ATTR [63:56] "Memory type of the output, encoded as in MAIR_ELx." = MEMORY_TYPE;
        PA [55:12] "Output address.";
        NSE [11] "With NS, the address space of the output; 1 without FEAT_RME.";
        IMPDEF [10] "IMPLEMENTATION DEFINED.";
        NS [9] "Address space of the output, where the regime has a choice.";
        SH [8:7] "Shareability of the output." = SHAREABILITY;
        _ [6:1] RES0;
        F [0] "Whether the translation failed." = OUTCOME;
    }
}

layout! {
    par_el1_success_d128: "PAR_EL1"; 128 => {
        _ [127:120] RES0;
        PA [119:76] "Output address.";
        _ [75:65] RES0;
        D128 [64] "Which format the register has." = FORMAT;
        ATTR [63:56] "Memory type of the output, encoded as in MAIR_ELx." = MEMORY_TYPE;
        _ [55:12] RES0;
        NSE [11] "With NS, the address space of the output; 1 without FEAT_RME.";
        IMPDEF [10] "IMPLEMENTATION DEFINED.";
        NS [9] "Address space of the output, where the regime has a choice.";
        SH [8:7] "Shareability of the output." = SHAREABILITY;
        _ [6:1] RES0;
        F [0] "Whether the translation failed." = OUTCOME;
    }
}

layout! {
    par_el1_fault: "PAR_EL1"; 64 => {
        IMPDEF [63:48] "IMPLEMENTATION DEFINED.";
        _ [47:16] RES0;
        DirtyBit [15] "The Permission fault is due to the dirty state (FEAT_S1PIE, FEAT_S2PIE).";
        Overlay [14] "The Permission fault is due to an overlay (FEAT_S1POE, FEAT_S2POE).";
        TopLevel [13] "The Permission fault is due to a TopLevel check (FEAT_THE).";
        AssuredOnly [12] "The Permission fault is due to AssuredOnly (FEAT_THE).";
        _ [11] RES1;
        _ [10] RES0;
        S [9] "The stage that faulted." = STAGE;
        PTW [8] "Whether stage 2 faulted on a table access of stage 1." = WALK;
        _ [7] RES0;
        FST [6:1] "The fault and its level." = FAULT_STATUS;
        F [0] "Whether the translation failed." = OUTCOME;
    }
}

layout! {
    par_el1_fault_d128: "PAR_EL1"; 128 => {
        _ [127:65] RES0;
        D128 [64] "Which format the register has." = FORMAT;
        IMPDEF [63:48] "IMPLEMENTATION DEFINED.";
        _ [47:16] RES0;
        DirtyBit [15] "The Permission fault is due to the dirty state (FEAT_S1PIE, FEAT_S2PIE).";
        Overlay [14] "The Permission fault is due to an overlay (FEAT_S1POE, FEAT_S2POE).";
        TopLevel [13] "The Permission fault is due to a TopLevel check (FEAT_THE).";
        AssuredOnly [12] "The Permission fault is due to AssuredOnly (FEAT_THE).";
        _ [11] RES1;
        _ [10] RES0;
        S [9] "The stage that faulted." = STAGE;
        PTW [8] "Whether stage 2 faulted on a table access of stage 1." = WALK;
        _ [7] RES0;
        FST [6:1] "The fault and its level." = FAULT_STATUS;
        F [0] "Whether the translation failed." = OUTCOME;
    }
}

/// The format of PAR_EL1 that `value` has, told by its own F and D128 bits.
#[must_use]
pub fn par_layout(value: u128) -> &'static Layout {
    match (par_el1_success_d128::D128.get128(value), par_el1_success::F.get128(value)) {
        (0, 0) => &par_el1_success::LAYOUT,
        (0, _) => &par_el1_fault::LAYOUT,
        (_, 0) => &par_el1_success_d128::LAYOUT,
        (..) => &par_el1_fault_d128::LAYOUT,
    }
}
