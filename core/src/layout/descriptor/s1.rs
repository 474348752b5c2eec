//! Stage 1 descriptors of 64 bits.

use super::{Kind, rows};
use crate::addr::PaSpace;
use crate::layout::layout;

/// AP[2:1] where EL0 exists.
const AP_VALUES: &[(u64, &str)] = &[
    (0b00, "privileged read/write, EL0 no access"),
    (0b01, "privileged read/write, EL0 read/write"),
    (0b10, "privileged read-only, EL0 no access"),
    (0b11, "privileged read-only, EL0 read-only"),
];

const AP_TABLE_VALUES: &[(u64, &str)] = &[
    (0b00, "no limit"),
    (0b01, "no access from EL0 below"),
    (0b10, "no writes below"),
    (0b11, "no writes below, and no access from EL0"),
];

pub(super) const SH_VALUES: &[(u64, &str)] = &[
    (0b00, "Non-shareable"),
    (0b01, "reserved, treated as Outer Shareable"),
    (0b10, "Outer Shareable"),
    (0b11, "Inner Shareable"),
];

layout! { @const AP1 ("AP[1]") [6] "Where EL0 exists: EL0 may access the memory (as privileged code may)." }
layout! { @const AP2 ("AP[2]") [7] "Read-only at every Exception level." }

rows! {
    // The type.
    VALID "Valid" [0] "The entry maps something; a use of an entry with 0 is a Translation fault."
        = { 0: "invalid", 1: "valid" } when |_| true;
    TABLE "Type" [1] "What the entry is: 1 is a table, or at the last level a page; 0 is a block."
        = { 0: "block", 1: "table or page" } when |c| c.is_leaf() || c.is_table();

    // Invalid.
    IGNORED "Ignored" [63:1] "An invalid entry belongs to software: it may keep anything here, such as a swap location."
        when |c| c.is_invalid() && !c.pnch;
    IGNORED_63 "Ignored" [63:53] "An invalid entry belongs to software: it may keep anything here."
        when |c| c.is_invalid() && c.pnch;
    IGNORED_51 "Ignored" [51:1] "An invalid entry belongs to software: it may keep anything here."
        when |c| c.is_invalid() && c.pnch;

    // Leaf, upper attributes.
    AMEC "AMEC" [63] "Memory encryption context: use the alternate MECID (FEAT_MEC)."
        = { 0: "primary MECID", 1: "alternate MECID" } when |c| c.is_leaf() && c.has_amec();
    SOFTWARE_63 "Software" [63] "Reserved for software: hardware ignores this bit."
        when |c| c.is_leaf() && !c.has_amec();
    PO_INDEX "POIndex" [62:60] "Overlay index: which field of POR_ELx may take permissions away (FEAT_S1POE)."
        when |c| c.is_leaf() && c.poe;
    PBHA_HIGH "PBHA[3:1]" [62:60] "Page-based hardware attributes: for software, unless hardware is told to use them."
        when |c| c.is_leaf() && !c.poe;
    ATTR_INDX3 "AttrIndx[3]" [59] "High bit of the memory attribute index: 1 selects from MAIR2_ELx (FEAT_AIE)."
        when |c| c.is_leaf() && c.aie;
    PBHA_LOW "PBHA[0]" [59] "Page-based hardware attributes: for software, unless hardware is told to use them."
        when |c| c.is_leaf() && !c.aie;
    SOFTWARE "Software" [58:55] "Reserved for software: hardware ignores these bits." when |c| c.is_leaf();
    UXN "UXN" [54] "Unprivileged execute-never: EL0 cannot execute from this memory."
        = { 0: "EL0 may execute", 1: "EL0 execute-never" } when |c| c.is_direct() && c.unprivileged && !c.nv1;
    XN "XN" [54] "Execute-never: this Exception level cannot execute from this memory."
        = { 0: "may execute", 1: "execute-never" } when |c| c.is_direct() && !c.unprivileged;
    PXN_NV1 "PXN" [54] "Privileged execute-never, in the place it has for EL2 because HCR_EL2.NV1 is 1."
        = { 0: "EL1 may execute", 1: "EL1 execute-never" } when |c| c.is_direct() && c.unprivileged && c.nv1;
    PXN "PXN" [53] "Privileged execute-never: EL1 (or EL2 in the EL2&0 regime) cannot execute from this memory."
        = { 0: "privileged code may execute", 1: "privileged execute-never" }
        when |c| c.is_direct() && c.unprivileged && !c.nv1;
    _ RES0 [53] RES0 when |c| c.is_direct() && (!c.unprivileged || c.nv1);
    CONTIGUOUS "Contiguous" [52] "One of a run of adjacent entries that map one range: a TLB may hold them as one."
        = { 0: "alone", 1: "one of a contiguous run" } when |c| c.is_leaf() && !c.pnch;
    PROTECTED "Protected" [52] "Only RCW instructions may change the entry (FEAT_THE)."
        = { 0: "not protected", 1: "protected" } when |c| c.pnch;
    DBM "DBM" [51] "Dirty bit modifier: a read-only page that hardware makes writable at the first write (FEAT_HAFDBS)."
        = { 0: "permissions are as they stand", 1: "writable; AP[2] = 1 means clean" } when |c| c.is_direct();
    GP "GP" [50] "Guarded page: an indirect branch here must land on a BTI instruction (FEAT_BTI)."
        = { 0: "not guarded", 1: "guarded" } when |c| c.is_leaf();

    // Indirect permissions: the index is spread over the bits it replaces.
    PI_INDEX3 "PIIndex[3]" [54] "Permission index, bit 3; the index selects a field of PIR_ELx and, for EL0, PIRE0_ELx."
        when |c| c.is_indirect();
    PI_INDEX2 "PIIndex[2]" [53] "Permission index, bit 2." when |c| c.is_indirect();
    PI_INDEX1 "PIIndex[1]" [51] "Permission index, bit 1." when |c| c.is_indirect();
    PI_INDEX0 "PIIndex[0]" [6] "Permission index, bit 0." when |c| c.is_indirect();
    N_DIRTY "nDirty" [7] "Clean: a write to the page makes it dirty, by hardware (HD = 1) or by a Permission fault."
        = { 0: "dirty", 1: "clean" } when |c| c.is_indirect();

    // Leaf, lower attributes.
    NT "nT" [16] "Being split or merged: not to be cached in a TLB (FEAT_BBM); it may fault instead."
        = { 0: "ordinary", 1: "not to be cached" } when |c| c.kind == Kind::Block;
    NG "nG" [11] "Not global: a TLB entry made from this one serves only the current ASID."
        = { 0: "global", 1: "of the current ASID" }
        when |c| c.is_leaf() && c.unprivileged;
    NSE "NSE" [11] "With NS, the physical address space of the output in the Root world (FEAT_RME)."
        when |c| c.is_leaf() && !c.unprivileged && c.space == PaSpace::Root;
    _ RES0 [11] RES0 when |c| c.is_leaf() && !c.unprivileged && c.space != PaSpace::Root;
    AF "AF" [10] "Access flag: 0 until the first use, which hardware records (HA = 1) or which faults."
        = { 0: "not accessed", 1: "accessed" } when |c| c.is_leaf();
    SH "SH" [9:8] "Shareability of Normal cacheable memory." = SH_VALUES when |c| c.is_leaf() && !c.ds;
    AP "AP[2:1]" [7:6] "Data access permissions." = AP_VALUES when |c| c.is_direct() && c.unprivileged && !c.nv1;
    AP2_SINGLE "AP[2]" [7] "Data access permission: whether the memory is read-only."
        = { 0: "read/write", 1: "read-only" } when |c| c.is_direct() && (!c.unprivileged || c.nv1);
    _ RES1 [6] RES1 when |c| c.is_direct() && !c.unprivileged;
    _ RES0 [6] RES0 when |c| c.is_direct() && c.unprivileged && c.nv1;
    NS "NS" [5] "Non-secure: the output address is in the Non-secure physical address space."
        = { 0: "the regime's own space", 1: "Non-secure" } when |c| c.is_leaf() && c.has_ns();
    _ RES0 [5] RES0 when |c| c.is_leaf() && !c.has_ns();
    ATTR_INDX "AttrIndx[2:0]" [4:2] "Memory attribute index: which field of MAIR_ELx gives the memory type."
        when |c| c.is_leaf();

    // Table.
    NS_TABLE "NSTable" [63] "The tables below, and what they map, are in the Non-secure address space."
        = { 0: "Secure", 1: "Non-secure" } when |c| c.is_table() && c.space == PaSpace::Secure;
    _ RES0 [63] RES0 when |c| c.is_table() && c.space != PaSpace::Secure;
    AP_TABLE "APTable" [62:61] "Limits on the data access permissions of everything below this table."
        = AP_TABLE_VALUES when |c| c.is_hierarchical();
    UXN_TABLE "UXNTable" [60] "EL0 cannot execute from anything below this table."
        = { 0: "no limit", 1: "EL0 execute-never below" } when |c| c.is_hierarchical() && c.unprivileged && !c.nv1;
    XN_TABLE "XNTable" [60] "Nothing below this table can be executed."
        = { 0: "no limit", 1: "execute-never below" } when |c| c.is_hierarchical() && !c.unprivileged;
    PXN_TABLE_NV1 "PXNTable" [60] "Privileged code cannot execute below this table: EL2's place, as HCR_EL2.NV1 is 1."
        = { 0: "no limit", 1: "privileged execute-never below" }
        when |c| c.is_hierarchical() && c.unprivileged && c.nv1;
    PXN_TABLE "PXNTable" [59] "Privileged code cannot execute from anything below this table."
        = { 0: "no limit", 1: "privileged execute-never below" }
        when |c| c.is_hierarchical() && c.unprivileged && !c.nv1;
    _ RES0 [59] RES0 when |c| c.is_hierarchical() && (!c.unprivileged || c.nv1);
    IGNORED_TABLE_62 "Ignored" [62:59] "Hierarchical permissions are disabled, which leaves their bits to software."
        when |c| c.is_table() && !c.is_hierarchical();
    IGNORED_TABLE_58 "Ignored" [58:53] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_TABLE_52 "Ignored" [52] "Hardware ignores this bit." when |c| c.is_table() && !c.pnch;
    IGNORED_TABLE_51 "Ignored" [51] "Hardware ignores this bit." when |c| c.is_table();
    _ RES0 [50] RES0 when |c| c.is_table();
    IGNORED_TABLE_11 "Ignored" [11] "Hardware ignores this bit." when |c| c.is_table();
    AF_TABLE "AF" [10] "Access flag of the table: set by hardware when a walk uses it (FEAT_HAFT)."
        = { 0: "not used", 1: "used" } when |c| c.is_table() && c.haft;
    IGNORED_TABLE_10 "Ignored" [10] "Hardware ignores this bit." when |c| c.is_table() && !c.haft;
    IGNORED_TABLE_9 "Ignored" [9:8] "Hardware ignores these bits." when |c| c.is_table() && !c.ds;
    IGNORED_TABLE_7 "Ignored" [7:2] "Hardware ignores these bits." when |c| c.is_table();
}

/// The permission index of a leaf with indirect permissions: bits 54, 53, 51 and 6.
#[must_use]
pub const fn pi_index(descriptor: u64) -> u64 {
    let high = PI_INDEX3.get(descriptor) << 3 | PI_INDEX2.get(descriptor) << 2;
    high | PI_INDEX1.get(descriptor) << 1 | PI_INDEX0.get(descriptor)
}
