//! Stage 1 descriptors of 128 bits (`FEAT_D128`): permissions are always indirect.

use super::rows;
use super::s1::SH_VALUES;
use crate::addr::PaSpace;
use crate::layout::layout;

pub(super) const SKL_VALUES: &[(u64, &str)] = &[
    (0, "the next level follows"),
    (1, "one level is skipped"),
    (2, "two levels are skipped"),
    (3, "three levels are skipped"),
];

rows! {
    VALID "Valid" [0] "The entry maps something; a use of an entry with 0 is a Translation fault."
        = { 0: "invalid", 1: "valid" } when |_| true;
    PROTECTED "Protected" [114] "Only RCW instructions may change the entry (FEAT_THE)."
        = { 0: "not protected", 1: "protected" } when |_| true;
    IGNORED_127 "Ignored" [127:115] "An invalid entry belongs to software." when |c| c.is_invalid();
    IGNORED_113 "Ignored" [113:64] "An invalid entry belongs to software." when |c| c.is_invalid();
    IGNORED_63 "Ignored" [63:1] "An invalid entry belongs to software." when |c| c.is_invalid();

    // Leaf and table.
    _ RES0 [126:125] RES0 when |c| !c.is_invalid();
    _ RES0 [120:119] RES0 when |c| !c.is_invalid();
    SKL "SKL" [110:109] "Levels of lookup that the entry skips; the level reached decides between table and leaf."
        = SKL_VALUES when |c| !c.is_invalid();
    _ RES0 [108:104] RES0 when |c| !c.is_invalid();
    _ RES0 [103] RES0 when |c| c.is_table() || c.is_leaf() && !c.has_amec();
    _ RES0 [102:101] RES0 when |c| !c.is_invalid();
    SOFTWARE "Software" [100:91] "Reserved for software: hardware ignores these bits." when |c| !c.is_invalid();
    _ RES0 [90:56] RES0 when |c| !c.is_invalid();
    AF "AF" [10] "Access flag: 0 until the first use, which hardware records (HA = 1) or which faults."
        = { 0: "not accessed", 1: "accessed" } when |c| c.is_leaf() || c.is_table() && c.haft;
    NT "nT" [6] "Being split or merged: not to be cached in a TLB (FEAT_BBM); it may fault instead."
        = { 0: "ordinary", 1: "not to be cached" } when |c| !c.is_invalid();
    _ RES0 [1] RES0 when |c| !c.is_invalid();

    // Leaf.
    NS "NS" [127] "Non-secure: the output address is in the Non-secure physical address space."
        = { 0: "the regime's own space", 1: "Non-secure" } when |c| c.is_leaf() && c.has_ns();
    _ RES0 [127] RES0 when |c| c.is_leaf() && !c.has_ns();
    PO_INDEX "POIndex" [124:121] "Overlay index: which field of POR_ELx may take permissions away (FEAT_S1POE)."
        when |c| c.is_leaf() && c.poe;
    _ RES0 [124:121] RES0 when |c| c.is_leaf() && !c.poe;
    PI_INDEX "PIIndex" [118:115] "Permission index: selects a field of PIR_ELx, and of PIRE0_ELx for EL0."
        when |c| c.is_leaf();
    GP "GP" [113] "Guarded page: an indirect branch here must land on a BTI instruction (FEAT_BTI)."
        = { 0: "not guarded", 1: "guarded" } when |c| c.is_leaf();
    IGNORED_112 "Ignored" [112] "Hardware ignores this bit." when |c| c.is_leaf();
    AMEC "AMEC" [103] "Memory encryption context: use the alternate MECID (FEAT_MEC)."
        = { 0: "primary MECID", 1: "alternate MECID" } when |c| c.is_leaf() && c.has_amec();
    CONTIGUOUS "Contiguous" [111] "One of a run of adjacent entries that map one range: a TLB may hold them as one."
        = { 0: "alone", 1: "one of a contiguous run" } when |c| c.is_leaf();
    NG "nG" [11] "Not global: a TLB entry made from this one serves only the current ASID."
        = { 0: "global", 1: "of the current ASID" } when |c| c.is_leaf() && c.unprivileged;
    NSE "NSE" [11] "With NS, the physical address space of the output in the Root world (FEAT_RME)."
        when |c| c.is_leaf() && !c.unprivileged && c.space == PaSpace::Root;
    _ RES0 [11] RES0 when |c| c.is_leaf() && !c.unprivileged && c.space != PaSpace::Root;
    SH "SH" [9:8] "Shareability of Normal cacheable memory." = SH_VALUES when |c| c.is_leaf();
    N_DIRTY "nDirty" [7] "Clean: a write to the page makes it dirty, by hardware (HD = 1) or by a Permission fault."
        = { 0: "dirty", 1: "clean" } when |c| c.is_leaf();
    ATTR_INDX3 "AttrIndx[3]" [5] "High bit of the memory attribute index: 1 selects from MAIR2_ELx (FEAT_AIE)."
        when |c| c.is_leaf() && c.aie;
    IGNORED_LEAF_5 "Ignored" [5] "Hardware ignores this bit." when |c| c.is_leaf() && !c.aie;
    ATTR_INDX "AttrIndx[2:0]" [4:2] "Memory attribute index: which field of MAIR_ELx gives the memory type."
        when |c| c.is_leaf();

    // Table.
    NS_TABLE "NSTable" [127] "The tables below, and what they map, are in the Non-secure address space."
        = { 0: "Secure", 1: "Non-secure" } when |c| c.is_table() && c.space == PaSpace::Secure;
    _ RES0 [127] RES0 when |c| c.is_table() && c.space != PaSpace::Secure;
    IGNORED_TABLE_113 "Ignored" [113] "Hardware ignores this bit." when |c| c.is_table();
    DISCH "DisCH" [112] "The Contiguous bit of the entries in the next table is ignored."
        = { 0: "Contiguous counts below", 1: "Contiguous is ignored below" } when |c| c.is_table();
    _ RES0 [124:121] RES0 when |c| c.is_table() && !c.poe;
    IGNORED_124 "Ignored" [124:121] "Hardware ignores these bits." when |c| c.is_table() && c.poe;
    IGNORED_118 "Ignored" [118:115] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_111 "Ignored" [111] "Hardware ignores this bit." when |c| c.is_table();
    IGNORED_10 "Ignored" [10] "Hardware ignores this bit." when |c| c.is_table() && !c.haft;
    IGNORED_9 "Ignored" [9:7] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_5 "Ignored" [5:2] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_11 "Ignored" [11] "Hardware ignores this bit."
        when |c| c.is_table() && (c.unprivileged || c.space == PaSpace::Root);
    _ RES0 [11] RES0 when |c| c.is_table() && !c.unprivileged && c.space != PaSpace::Root;
}
