//! Stage 2 descriptors of 128 bits (`FEAT_D128`): permissions are always indirect.

use super::rows;
use super::s1::SH_VALUES;
use super::s1_d128::SKL_VALUES;
use super::s2::{MEM_ATTR_FWB_VALUES, MEM_ATTR_VALUES};
use crate::addr::PaSpace;
use crate::layout::layout;

rows! {
    VALID "Valid" [0] "The entry maps something; a use of an entry with 0 is a Translation fault."
        = { 0: "invalid", 1: "valid" } when |_| true;
    IGNORED_127 "Ignored" [127:64] "An invalid entry belongs to the hypervisor." when |c| c.is_invalid();
    IGNORED_63 "Ignored" [63:1] "An invalid entry belongs to the hypervisor." when |c| c.is_invalid();

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
    NS "NS" [127] "The output address is in the Non-secure physical address space, not in the Realm one (FEAT_RME)."
        = { 0: "Realm", 1: "Non-secure" } when |c| c.is_leaf() && c.has_ns();
    _ RES0 [127] RES0 when |c| c.is_leaf() && !c.has_ns();
    PO_INDEX "POIndex" [124:121] "Overlay index: which field of S2POR_EL1 may take permissions away (FEAT_S2POE)."
        when |c| c.is_leaf() && c.poe;
    _ RES0 [124:121] RES0 when |c| c.is_leaf() && !c.poe;
    PI_INDEX "PIIndex" [118:115] "Permission index: selects a field of S2PIR_EL2." when |c| c.is_leaf();
    ASSURED_ONLY "AssuredOnly" [114] "Only memory that stage 1 assures may be reached through this entry (FEAT_THE)."
        = { 0: "any", 1: "assured only" } when |c| c.is_leaf();
    _ RES0 [113:112] RES0 when |c| !c.is_invalid();
    AMEC "AMEC" [103] "Memory encryption context: use the alternate MECID (FEAT_MEC)."
        = { 0: "primary MECID", 1: "alternate MECID" } when |c| c.is_leaf() && c.has_amec();
    CONTIGUOUS "Contiguous" [111] "One of a run of adjacent entries that map one range: a TLB may hold them as one."
        = { 0: "alone", 1: "one of a contiguous run" } when |c| c.is_leaf();
    FNXS "FnXS" [11] "Clears the XS attribute: a TLBI with nXS need not wait for accesses to this memory (FEAT_XS)."
        = { 0: "XS from stage 1", 1: "XS is 0" } when |c| c.is_leaf();
    SH "SH" [9:8] "Shareability, to be combined with that of stage 1." = SH_VALUES when |c| c.is_leaf();
    DIRTY "Dirty" [7] "Written to: set by hardware (HD = 1), or by the hypervisor on the Permission fault."
        = { 0: "clean", 1: "dirty" } when |c| c.is_leaf();
    MEM_ATTR "MemAttr" [5:2] "Memory type: the stricter of this and stage 1's results."
        = MEM_ATTR_VALUES when |c| c.is_leaf() && !c.fwb;
    MEM_ATTR_FWB "MemAttr" [5:2] "Memory type, which HCR_EL2.FWB puts above that of stage 1."
        = MEM_ATTR_FWB_VALUES when |c| c.is_leaf() && c.fwb;

    // Table.
    IGNORED_TABLE_127 "Ignored" [127] "Hardware ignores this bit." when |c| c.is_table() && c.space == PaSpace::Realm;
    _ RES0 [127] RES0 when |c| c.is_table() && c.space != PaSpace::Realm;
    IGNORED_TABLE_114 "Ignored" [114] "Hardware ignores this bit." when |c| c.is_table();
    _ RES0 [124:121] RES0 when |c| c.is_table() && !c.poe;
    IGNORED_124 "Ignored" [124:121] "Hardware ignores these bits." when |c| c.is_table() && c.poe;
    IGNORED_118 "Ignored" [118:115] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_111 "Ignored" [111] "Hardware ignores this bit." when |c| c.is_table();
    IGNORED_10 "Ignored" [10] "Hardware ignores this bit." when |c| c.is_table() && !c.haft;
    IGNORED_9 "Ignored" [9:7] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_5 "Ignored" [5:2] "Hardware ignores these bits." when |c| c.is_table();
    IGNORED_11 "Ignored" [11] "Hardware ignores this bit." when |c| c.is_table();
}
