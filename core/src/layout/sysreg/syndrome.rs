//! What an exception reports: ESR_ELx, whose format follows from its exception class, and the fault address registers.

use super::{Layout, layout};

/// Fault status codes (DFSC, IFSC, FST): each fault, with the level of the lookup that raised it.
pub(super) const FAULT_STATUS: &[(u64, &str)] = &[
    (0x00, "Address size fault, level 0"),
    (0x01, "Address size fault, level 1"),
    (0x02, "Address size fault, level 2"),
    (0x03, "Address size fault, level 3"),
    (0x04, "Translation fault, level 0"),
    (0x05, "Translation fault, level 1"),
    (0x06, "Translation fault, level 2"),
    (0x07, "Translation fault, level 3"),
    (0x08, "Access flag fault, level 0"),
    (0x09, "Access flag fault, level 1"),
    (0x0a, "Access flag fault, level 2"),
    (0x0b, "Access flag fault, level 3"),
    (0x0c, "Permission fault, level 0"),
    (0x0d, "Permission fault, level 1"),
    (0x0e, "Permission fault, level 2"),
    (0x0f, "Permission fault, level 3"),
    (0x10, "Synchronous External abort"),
    (0x11, "Synchronous Tag Check fault"),
    (0x12, "Synchronous External abort on a walk, level -2"),
    (0x13, "Synchronous External abort on a walk, level -1"),
    (0x14, "Synchronous External abort on a walk, level 0"),
    (0x15, "Synchronous External abort on a walk, level 1"),
    (0x16, "Synchronous External abort on a walk, level 2"),
    (0x17, "Synchronous External abort on a walk, level 3"),
    (0x18, "Synchronous parity or ECC error"),
    (0x1b, "Synchronous parity or ECC error on a walk, level -1"),
    (0x1c, "Synchronous parity or ECC error on a walk, level 0"),
    (0x1d, "Synchronous parity or ECC error on a walk, level 1"),
    (0x1e, "Synchronous parity or ECC error on a walk, level 2"),
    (0x1f, "Synchronous parity or ECC error on a walk, level 3"),
    (0x21, "Alignment fault"),
    (0x22, "Granule Protection Fault on a walk, level -2"),
    (0x23, "Granule Protection Fault on a walk, level -1"),
    (0x24, "Granule Protection Fault on a walk, level 0"),
    (0x25, "Granule Protection Fault on a walk, level 1"),
    (0x26, "Granule Protection Fault on a walk, level 2"),
    (0x27, "Granule Protection Fault on a walk, level 3"),
    (0x28, "Granule Protection Fault, not on a walk"),
    (0x29, "Address size fault, level -1"),
    (0x2a, "Translation fault, level -2"),
    (0x2b, "Translation fault, level -1"),
    (0x2c, "Address size fault, level -2"),
    (0x30, "TLB conflict abort"),
    (0x31, "Unsupported atomic hardware update"),
    (0x34, "IMPLEMENTATION DEFINED fault (lockdown)"),
    (0x35, "IMPLEMENTATION DEFINED fault (unsupported Exclusive or Atomic access)"),
];

/// Exception classes.
const EXCEPTION_CLASS: &[(u64, &str)] = &[
    (0x00, "Unknown reason"),
    (0x01, "Trapped WFI or WFE"),
    (0x07, "Trapped SVE, SIMD or floating point"),
    (0x0a, "Trapped instruction of another class"),
    (0x0d, "Branch Target exception"),
    (0x0e, "Illegal execution state"),
    (0x14, "Trapped 128-bit MSRR, MRRS or system instruction"),
    (0x15, "SVC in AArch64 state"),
    (0x16, "HVC in AArch64 state"),
    (0x17, "SMC in AArch64 state"),
    (0x18, "Trapped MSR, MRS or system instruction"),
    (0x19, "Trapped SVE"),
    (0x1a, "Trapped ERET"),
    (0x1c, "Pointer authentication failure"),
    (0x1d, "Trapped SME"),
    (0x1e, "Granule Protection Check"),
    (0x1f, "IMPLEMENTATION DEFINED exception to EL3"),
    (0x20, "Instruction Abort from a lower Exception level"),
    (0x21, "Instruction Abort from the same Exception level"),
    (0x22, "PC alignment fault"),
    (0x24, "Data Abort from a lower Exception level"),
    (0x25, "Data Abort from the same Exception level"),
    (0x26, "SP alignment fault"),
    (0x27, "Memory copy or set"),
    (0x2c, "Trapped floating point exception"),
    (0x2d, "Guarded control stack"),
    (0x2f, "SError"),
    (0x30, "Breakpoint from a lower Exception level"),
    (0x31, "Breakpoint from the same Exception level"),
    (0x32, "Software step from a lower Exception level"),
    (0x33, "Software step from the same Exception level"),
    (0x34, "Watchpoint from a lower Exception level"),
    (0x35, "Watchpoint from the same Exception level"),
    (0x3c, "BRK in AArch64 state"),
];

const LENGTH: &[(u64, &str)] = &[(0, "16-bit instruction"), (1, "32-bit instruction, or no instruction")];
const READ_WRITE: &[(u64, &str)] = &[(0, "read"), (1, "write")];
const FAR_VALID: &[(u64, &str)] = &[(0, "FAR is valid"), (1, "FAR is not valid")];
const MAINTENANCE: &[(u64, &str)] = &[(0, "no"), (1, "cache maintenance or address translation")];
const STAGE1_WALK: &[(u64, &str)] = &[(0, "not on a stage 1 walk"), (1, "on a stage 1 walk")];
const ISV_VALUES: &[(u64, &str)] = &[(0, "no instruction syndrome"), (1, "instruction syndrome valid")];

layout! {
    esr: "ESR_ELx"; 64 => {
        _ [63:56] RES0;
        ISS2 [55:32] "Syndrome of the class, second part.";
        EC [31:26] "Exception class: the reason, which decides the format of the rest." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        ISS [24:0] "Syndrome of the class.";
    }
}

layout! {
    esr_data_abort: "ESR_ELx, Data Abort"; 64 => {
        _ [63:44] RES0;
        HDBSSF [43] "The fault is about the dirty state tracking structure (FEAT_HDBSS).";
        TnD [42] "The stage 1 Permission fault is due to the access to Allocation Tags (FEAT_MTE_CANONICAL_TAGS).";
        TagAccess [41] "The stage 2 Permission fault is due to the NoTagAccess attribute (FEAT_MTE_PERM).";
        GCS [40] "The access was to a guarded control stack (FEAT_GCS).";
        AssuredOnly [39] "The Permission fault is due to AssuredOnly (FEAT_THE).";
        Overlay [38] "The Permission fault is due to an overlay (FEAT_S1POE, FEAT_S2POE).";
        DirtyBit [37] "The Permission fault is due to the dirty state (FEAT_S1PIE, FEAT_S2PIE).";
        Xs [36:32] "Register that holds the data of a 64-byte store (FEAT_LS64).";
        EC [31:26] "Exception class." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        ISV [24] "Whether bits 23:14 describe the instruction." = ISV_VALUES;
        _ [23:22] RES0;
        TopLevel [21] "The Permission fault is due to a TopLevel check (FEAT_THE).";
        _ [20:15] RES0;
        PFV [14] "PFAR_ELx is valid (FEAT_PFAR).";
        VNCR [13] "The access was made in place of a register access (FEAT_NV2).";
        LST [12:11] "Kind of 64-byte access (FEAT_LS64); for an External abort SET, what state the PE is in.";
        FnV [10] "Whether FAR is valid, for an External abort." = FAR_VALID;
        EA [9] "IMPLEMENTATION DEFINED class of an External abort.";
        CM [8] "Whether the access came from maintenance or an AT instruction." = MAINTENANCE;
        S1PTW [7] "Whether stage 2 faulted on a table access of stage 1." = STAGE1_WALK;
        WnR [6] "Whether it was a write; 1 for maintenance and AT." = READ_WRITE;
        DFSC [5:0] "The fault and its level." = FAULT_STATUS;
    }
}

layout! {
    esr_data_abort_isv: "ESR_ELx, Data Abort"; 64 => {
        _ [63:44] RES0;
        HDBSSF [43] "The fault is about the dirty state tracking structure (FEAT_HDBSS).";
        TnD [42] "The stage 1 Permission fault is due to the access to Allocation Tags (FEAT_MTE_CANONICAL_TAGS).";
        TagAccess [41] "The stage 2 Permission fault is due to the NoTagAccess attribute (FEAT_MTE_PERM).";
        GCS [40] "The access was to a guarded control stack (FEAT_GCS).";
        AssuredOnly [39] "The Permission fault is due to AssuredOnly (FEAT_THE).";
        Overlay [38] "The Permission fault is due to an overlay (FEAT_S1POE, FEAT_S2POE).";
        DirtyBit [37] "The Permission fault is due to the dirty state (FEAT_S1PIE, FEAT_S2PIE).";
        Xs [36:32] "Register that holds the data of a 64-byte store (FEAT_LS64).";
        EC [31:26] "Exception class." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        ISV [24] "Whether bits 23:14 describe the instruction." = ISV_VALUES;
        SAS [23:22] "Size of the access." = { 0: "1 byte", 1: "2 bytes", 2: "4 bytes", 3: "8 bytes" };
        SSE [21] "The loaded value is sign-extended.";
        SRT [20:16] "Register that is loaded or stored.";
        SF [15] "Width of the register." = { 0: "32 bits", 1: "64 bits" };
        AR [14] "The instruction has acquire or release semantics.";
        VNCR [13] "The access was made in place of a register access (FEAT_NV2).";
        LST [12:11] "Kind of 64-byte access (FEAT_LS64).";
        FnV [10] "Whether FAR is valid, for an External abort." = FAR_VALID;
        EA [9] "IMPLEMENTATION DEFINED class of an External abort.";
        CM [8] "Whether the access came from maintenance or an AT instruction." = MAINTENANCE;
        S1PTW [7] "Whether stage 2 faulted on a table access of stage 1." = STAGE1_WALK;
        WnR [6] "Whether it was a write; 1 for maintenance and AT." = READ_WRITE;
        DFSC [5:0] "The fault and its level." = FAULT_STATUS;
    }
}

layout! {
    esr_instruction_abort: "ESR_ELx, Instruction Abort"; 64 => {
        _ [63:40] RES0;
        AssuredOnly [39] "The Permission fault is due to AssuredOnly (FEAT_THE).";
        Overlay [38] "The Permission fault is due to an overlay (FEAT_S1POE, FEAT_S2POE).";
        _ [37:32] RES0;
        EC [31:26] "Exception class." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        _ [24:22] RES0;
        TopLevel [21] "The Permission fault is due to a TopLevel check (FEAT_THE).";
        _ [20:15] RES0;
        PFV [14] "PFAR_ELx is valid (FEAT_PFAR).";
        _ [13] RES0;
        SET [12:11] "For an External abort, what state the PE is in.";
        FnV [10] "Whether FAR is valid, for an External abort." = FAR_VALID;
        EA [9] "IMPLEMENTATION DEFINED class of an External abort.";
        _ [8] RES0;
        S1PTW [7] "Whether stage 2 faulted on a table access of stage 1." = STAGE1_WALK;
        _ [6] RES0;
        IFSC [5:0] "The fault and its level." = FAULT_STATUS;
    }
}

layout! {
    esr_gpc: "ESR_ELx, Granule Protection Check"; 64 => {
        _ [63:41] RES0;
        GCS [40] "The access was to a guarded control stack (FEAT_GCS).";
        _ [39:32] RES0;
        EC [31:26] "Exception class." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        _ [24:22] RES0;
        S2PTW [21] "Whether the checked address was that of a stage 2 descriptor."
            = { 0: "not on a stage 2 walk", 1: "on a stage 2 walk" };
        InD [20] "Whether it was an instruction fetch." = { 0: "data access", 1: "instruction fetch" };
        GPCSC [19:14] "What is wrong, and at which level of the granule protection table."
            = {
                0x00: "Granule protection table address size fault, level 0",
                0x04: "Walk fault, level 0",
                0x05: "Walk fault, level 1",
                0x0c: "Fail, level 0",
                0x0d: "Fail, level 1",
                0x14: "Synchronous External abort on the table, level 0",
                0x15: "Synchronous External abort on the table, level 1",
            };
        VNCR [13] "The access was made in place of a register access (FEAT_NV2).";
        _ [12:9] RES0;
        CM [8] "Whether the access came from maintenance or an AT instruction." = MAINTENANCE;
        S1PTW [7] "Whether the address was checked for a table access of stage 1." = STAGE1_WALK;
        WnR [6] "Whether it was a write; 1 for maintenance and AT." = READ_WRITE;
        xFSC [5:0] "The fault and its level." = FAULT_STATUS;
    }
}

layout! {
    esr_sysreg: "ESR_ELx, trapped system instruction"; 64 => {
        _ [63:32] RES0;
        EC [31:26] "Exception class." = EXCEPTION_CLASS;
        IL [25] "Length of the instruction." = LENGTH;
        _ [24:22] RES0;
        Op0 [21:20] "op0 of the instruction: 1 for AT, 2 and 3 for registers.";
        Op2 [19:17] "op2 of the instruction.";
        Op1 [16:14] "op1 of the instruction.";
        CRn [13:10] "CRn of the instruction: 7 for AT.";
        Rt [9:5] "General-purpose register: for AT the one that holds the address.";
        CRm [4:1] "CRm of the instruction: 8 and 9 for AT.";
        Direction [0] "Whether it reads." = { 0: "write, or system instruction", 1: "read" };
    }
}

layout! {
    far_el1: "FAR_EL1", far_el2: "FAR_EL2", far_el3: "FAR_EL3"; 64 => {
        VA [63:0] "The virtual address that faulted; for AT, the address given to it.";
    }
}

layout! {
    hpfar_el2: "HPFAR_EL2"; 64 => {
        NS [63] "Address space of the intermediate address, in Secure state."
            = { 0: "Secure, or not in Secure state", 1: "Non-secure" };
        _ [62:48] RES0;
        FIPA [47:4] "Bits 55:12 of the intermediate address that stage 2 faulted on.";
        _ [3:0] RES0;
    }
}

layout! {
    pfar_el1: "PFAR_EL1", pfar_el2: "PFAR_EL2"; 64 => {
        NS [63] "With NSE, the address space of the physical address.";
        NSE [62] "With NS, the address space of the physical address.";
        _ [61:56] RES0;
        PA [55:0] "The physical address of an External abort.";
    }
}

layout! {
    mfar_el3: "MFAR_EL3"; 64 => {
        NS [63] "With NSE, the address space of the physical address.";
        NSE [62] "With NS, the address space of the physical address.";
        _ [61:56] RES0;
        FPA [55:12] "Bits 55:12 of the physical address that the granule protection check refused.";
        _ [11:0] RES0;
    }
}

/// The format of ESR_ELx that `value` has, told by its exception class.
#[must_use]
pub fn esr_layout(value: u64) -> &'static Layout {
    match esr::EC.get(value) {
        0x18 => &esr_sysreg::LAYOUT,
        0x1e => &esr_gpc::LAYOUT,
        0x20 | 0x21 => &esr_instruction_abort::LAYOUT,
        0x24 | 0x25 if esr_data_abort::ISV.is_set(value) => &esr_data_abort_isv::LAYOUT,
        0x24 | 0x25 => &esr_data_abort::LAYOUT,
        _ => &esr::LAYOUT,
    }
}
