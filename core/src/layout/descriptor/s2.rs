//! Stage 2 descriptors of 64 bits.

use super::s1::SH_VALUES;
use super::{Kind, rows};
use crate::layout::layout;

const S2AP_VALUES: &[(u64, &str)] =
    &[(0b00, "no access"), (0b01, "read-only"), (0b10, "write-only"), (0b11, "read/write")];

const XN_VALUES: &[(u64, &str)] = &[
    (0b00, "EL1 and EL0 may execute"),
    (0b01, "only EL0 may execute"),
    (0b10, "execute-never"),
    (0b11, "only EL1 may execute"),
];

pub(super) const MEM_ATTR_VALUES: &[(u64, &str)] = &[
    (0b0000, "Device-nGnRnE"),
    (0b0001, "Device-nGnRE"),
    (0b0010, "Device-nGRE"),
    (0b0011, "Device-GRE"),
    (0b0100, "Normal, Write-Back, no tag access (FEAT_MTE_PERM)"),
    (0b0101, "Normal, Non-cacheable"),
    (0b1010, "Normal, Write-Through"),
    (0b1111, "Normal, Write-Back"),
];

/// MemAttr where HCR_EL2.FWB is 1.
pub(super) const MEM_ATTR_FWB_VALUES: &[(u64, &str)] = &[
    (0b0000, "Device-nGnRnE"),
    (0b0001, "Device-nGnRE"),
    (0b0010, "Device-nGRE"),
    (0b0011, "Device-GRE"),
    (0b0101, "Normal, Non-cacheable, unless stage 1 is Device"),
    (0b0110, "Normal, Write-Back"),
    (0b0111, "as stage 1"),
    (0b1110, "Normal, Write-Back, no tag access"),
    (0b1111, "as stage 1, no tag access"),
];

layout! { @const XN ("XN[1]") [54] "Execute-never; the low bit lets EL1 and EL0 differ." }
layout! { @const XNX ("XN[0]") [53] "With the high bit, lets EL1 and EL0 differ (FEAT_XNX)." }

rows! {
    VALID "Valid" [0] "The entry maps something; a use of an entry with 0 is a Translation fault."
        = { 0: "invalid", 1: "valid" } when |_| true;
    TABLE "Type" [1] "What the entry is: 1 is a table, or at the last level a page; 0 is a block."
        = { 0: "block", 1: "table or page" } when |c| c.is_leaf() || c.is_table();
    IGNORED "Ignored" [63:1] "An invalid entry belongs to the hypervisor: it may keep anything here."
        when |c| c.is_invalid();

    // Leaf, upper attributes.
    AMEC "AMEC" [63] "Memory encryption context: use the alternate MECID (FEAT_MEC)."
        = { 0: "primary MECID", 1: "alternate MECID" } when |c| c.is_leaf() && c.has_amec();
    _ RES0 [63] RES0 when |c| c.is_leaf() && !c.has_amec();
    PO_INDEX "POIndex" [62:59] "Overlay index: which field of S2POR_EL1 may take permissions away (FEAT_S2POE)."
        when |c| c.is_leaf() && c.poe;
    PBHA "PBHA" [62:59] "Page-based hardware attributes: for software, unless hardware is told to use them."
        when |c| c.is_leaf() && !c.poe;
    ASSURED_ONLY "AssuredOnly" [58] "Only memory that stage 1 assures may be reached through this entry (FEAT_THE)."
        when |c| c.is_leaf() && c.assured_only;
    SOFTWARE_58 "Software" [58] "Reserved for software: hardware ignores this bit."
        when |c| c.is_leaf() && !c.assured_only;
    SOFTWARE "Software" [57:56] "Reserved for software: hardware ignores these bits." when |c| c.is_leaf();
    NS "NS" [55] "The output address is in the Non-secure physical address space, not in the Realm one (FEAT_RME)."
        = { 0: "Realm", 1: "Non-secure" } when |c| c.is_leaf() && c.has_ns();
    SOFTWARE_55 "Software" [55] "Reserved for software: hardware ignores this bit."
        when |c| c.is_leaf() && !c.has_ns();
    XN_BITS "XN[1:0]" [54:53] "Who may execute from this memory (bit 53 needs FEAT_XNX)." = XN_VALUES
        when |c| c.is_direct();
    CONTIGUOUS "Contiguous" [52] "One of a run of adjacent entries that map one range: a TLB may hold them as one."
        = { 0: "alone", 1: "one of a contiguous run" } when |c| c.is_leaf();
    DBM "DBM" [51] "Dirty bit modifier: hardware makes the page writable at the first write (FEAT_HAFDBS)."
        = { 0: "permissions are as they stand", 1: "writable; S2AP[1] = 0 means clean" } when |c| c.is_direct();
    _ RES0 [50] RES0 when |c| c.is_leaf();

    // Indirect permissions.
    PI_INDEX3 "PIIndex[3]" [54] "Permission index, bit 3: the index selects a field of S2PIR_EL2."
        when |c| c.is_indirect();
    PI_INDEX2 "PIIndex[2]" [53] "Permission index, bit 2." when |c| c.is_indirect();
    PI_INDEX1 "PIIndex[1]" [51] "Permission index, bit 1." when |c| c.is_indirect();
    PI_INDEX0 "PIIndex[0]" [6] "Permission index, bit 0." when |c| c.is_indirect();
    DIRTY "Dirty" [7] "Written to: set by hardware (HD = 1), or by the hypervisor on the Permission fault."
        = { 0: "clean", 1: "dirty" } when |c| c.is_indirect();

    // Leaf, lower attributes.
    NT "nT" [16] "Being split or merged: not to be cached in a TLB (FEAT_BBM); it may fault instead."
        = { 0: "ordinary", 1: "not to be cached" } when |c| c.kind == Kind::Block;
    FNXS "FnXS" [11] "Clears the XS attribute: a TLBI with nXS need not wait for accesses to this memory (FEAT_XS)."
        = { 0: "XS from stage 1", 1: "XS is 0" } when |c| c.is_leaf();
    AF "AF" [10] "Access flag: 0 until the first use, which hardware records (HA = 1) or which faults."
        = { 0: "not accessed", 1: "accessed" } when |c| c.is_leaf();
    SH "SH" [9:8] "Shareability, to be combined with that of stage 1." = SH_VALUES when |c| c.is_leaf() && !c.ds;
    S2AP "S2AP" [7:6] "Data access permissions, on top of those of stage 1." = S2AP_VALUES when |c| c.is_direct();
    MEM_ATTR "MemAttr" [5:2] "Memory type: the stricter of this and stage 1's results."
        = MEM_ATTR_VALUES when |c| c.is_leaf() && !c.fwb;
    MEM_ATTR_FWB "MemAttr" [5:2] "Memory type, which HCR_EL2.FWB puts above that of stage 1."
        = MEM_ATTR_FWB_VALUES when |c| c.is_leaf() && c.fwb;

    // Table: no hierarchical attributes at stage 2.
    _ RES0 [63] RES0 when |c| c.is_table();
    _ RES0 [62:59] RES0 when |c| c.is_table() && !c.pie;
    IGNORED_TABLE_62 "Ignored" [62:59] "Hardware ignores these bits." when |c| c.is_table() && c.pie;
    IGNORED_TABLE_58 "Ignored" [58:51] "Hardware ignores these bits." when |c| c.is_table();
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
    super::s1::pi_index(descriptor)
}
