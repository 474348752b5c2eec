//! Translation control registers: the size of each address range, its granule, how walks access memory, and the
//! options of the table format.

use super::layout;

const GRANULE_0: &[(u64, &str)] = &[(0b00, "4KB"), (0b01, "64KB"), (0b10, "16KB"), (0b11, "reserved")];
const GRANULE_1: &[(u64, &str)] = &[(0b00, "reserved"), (0b01, "16KB"), (0b10, "4KB"), (0b11, "64KB")];
const SHAREABILITY: &[(u64, &str)] =
    &[(0b00, "Non-shareable"), (0b01, "reserved"), (0b10, "Outer Shareable"), (0b11, "Inner Shareable")];
const CACHEABILITY: &[(u64, &str)] = &[
    (0b00, "Non-cacheable"),
    (0b01, "Write-Back, Read-Allocate, Write-Allocate"),
    (0b10, "Write-Through, Read-Allocate"),
    (0b11, "Write-Back, Read-Allocate"),
];
const ADDRESS_SIZE: &[(u64, &str)] = &[
    (0, "32 bits, 4GB"),
    (1, "36 bits, 64GB"),
    (2, "40 bits, 1TB"),
    (3, "42 bits, 4TB"),
    (4, "44 bits, 16TB"),
    (5, "48 bits, 256TB"),
    (6, "52 bits, 4PB"),
    (7, "56 bits, 64PB"),
];
const OFF_ON: &[(u64, &str)] = &[(0, "off"), (1, "on")];
const WALKS: &[(u64, &str)] = &[(0, "walks are done"), (1, "a walk is a Translation fault")];
const TOP_BYTE: &[(u64, &str)] = &[(0, "part of the address"), (1, "ignored")];
const TOP_BYTE_FETCH: &[(u64, &str)] = &[(0, "data accesses and fetches alike"), (1, "data accesses only")];
const HIERARCHY: &[(u64, &str)] =
    &[(0, "tables limit permissions below"), (1, "permission bits of tables are ignored")];
const LONG_ADDRESSES: &[(u64, &str)] = &[(0, "48-bit addresses with 4KB and 16KB"), (1, "52-bit addresses")];

layout! {
    tcr_el1: "TCR_EL1", tcr_el2_e2h: "TCR_EL2"; 64 => {
        _ [63:62] RES0;
        MTX1 [61] "Bits 59:56 of upper addresses are a tag, not part of the address (FEAT_MTE4).";
        MTX0 [60] "Bits 59:56 of lower addresses are a tag, not part of the address (FEAT_MTE4).";
        DS [59] "52-bit addresses with the 4KB and 16KB granules; SH leaves the descriptor (FEAT_LPA2)."
            = LONG_ADDRESSES;
        TCMA1 [58] "Accesses to upper addresses whose tag is all ones are unchecked (FEAT_MTE2).";
        TCMA0 [57] "Accesses to lower addresses whose tag is zero are unchecked (FEAT_MTE2).";
        E0PD1 [56] "EL0's accesses to upper addresses fault without a walk (FEAT_E0PD)." = OFF_ON;
        E0PD0 [55] "EL0's accesses to lower addresses fault without a walk (FEAT_E0PD)." = OFF_ON;
        NFD1 [54] "Transactional and non-fault accesses to upper addresses fault on a TLB miss.";
        NFD0 [53] "Transactional and non-fault accesses to lower addresses fault on a TLB miss.";
        TBID1 [52] "With TBI1, for which accesses the top byte of upper addresses is ignored (FEAT_PAuth)."
            = TOP_BYTE_FETCH;
        TBID0 [51] "With TBI0, for which accesses the top byte of lower addresses is ignored (FEAT_PAuth)."
            = TOP_BYTE_FETCH;
        HWU162 [50] "Hardware may use bit 62 of TTBR1's leaf descriptors (FEAT_HPDS2).";
        HWU161 [49] "Hardware may use bit 61 of TTBR1's leaf descriptors (FEAT_HPDS2).";
        HWU160 [48] "Hardware may use bit 60 of TTBR1's leaf descriptors (FEAT_HPDS2).";
        HWU159 [47] "Hardware may use bit 59 of TTBR1's leaf descriptors (FEAT_HPDS2).";
        HWU062 [46] "Hardware may use bit 62 of TTBR0's leaf descriptors (FEAT_HPDS2).";
        HWU061 [45] "Hardware may use bit 61 of TTBR0's leaf descriptors (FEAT_HPDS2).";
        HWU060 [44] "Hardware may use bit 60 of TTBR0's leaf descriptors (FEAT_HPDS2).";
        HWU059 [43] "Hardware may use bit 59 of TTBR0's leaf descriptors (FEAT_HPDS2).";
        HPD1 [42] "Whether permission bits of TTBR1's tables count (FEAT_HPDS)." = HIERARCHY;
        HPD0 [41] "Whether permission bits of TTBR0's tables count (FEAT_HPDS)." = HIERARCHY;
        HD [40] "Hardware records writes: it makes a DBM page writable at the first (FEAT_HAFDBS)." = OFF_ON;
        HA [39] "Hardware sets the access flag at the first use, instead of a fault (FEAT_HAFDBS)." = OFF_ON;
        TBI1 [38] "The top byte of upper addresses." = TOP_BYTE;
        TBI0 [37] "The top byte of lower addresses." = TOP_BYTE;
        AS [36] "ASIDs have 16 bits." = { 0: "8 bits", 1: "16 bits" };
        _ [35] RES0;
        IPS [34:32] "Size of output addresses; a longer one is an Address size fault." = ADDRESS_SIZE;
        TG1 [31:30] "Granule of the upper range: encoded otherwise than TG0." = GRANULE_1;
        SH1 [29:28] "Shareability of TTBR1's table walks." = SHAREABILITY;
        ORGN1 [27:26] "Outer cacheability of TTBR1's table walks." = CACHEABILITY;
        IRGN1 [25:24] "Inner cacheability of TTBR1's table walks." = CACHEABILITY;
        EPD1 [23] "Disables TTBR1." = WALKS;
        A1 [22] "Which base register holds the current ASID." = { 0: "TTBR0", 1: "TTBR1" };
        T1SZ [21:16] "Size of the upper range: the top 2^(64 - T1SZ) bytes of the address space.";
        TG0 [15:14] "Granule of the lower range." = GRANULE_0;
        SH0 [13:12] "Shareability of TTBR0's table walks." = SHAREABILITY;
        ORGN0 [11:10] "Outer cacheability of TTBR0's table walks." = CACHEABILITY;
        IRGN0 [9:8] "Inner cacheability of TTBR0's table walks." = CACHEABILITY;
        EPD0 [7] "Disables TTBR0." = WALKS;
        _ [6] RES0;
        T0SZ [5:0] "Size of the lower range: the first 2^(64 - T0SZ) bytes of the address space.";
    }
}

layout! {
    tcr_el2: "TCR_EL2"; 64 => {
        _ [63:34] RES0;
        MTX [33] "Bits 59:56 of addresses are a tag, not part of the address (FEAT_MTE4).";
        DS [32] "52-bit addresses with the 4KB and 16KB granules; SH leaves the descriptor (FEAT_LPA2)."
            = LONG_ADDRESSES;
        _ [31] RES1;
        TCMA [30] "Accesses to addresses whose tag is zero are unchecked (FEAT_MTE2).";
        TBID [29] "With TBI, for which accesses the top byte is ignored (FEAT_PAuth)." = TOP_BYTE_FETCH;
        HWU62 [28] "Hardware may use bit 62 of leaf descriptors (FEAT_HPDS2).";
        HWU61 [27] "Hardware may use bit 61 of leaf descriptors (FEAT_HPDS2).";
        HWU60 [26] "Hardware may use bit 60 of leaf descriptors (FEAT_HPDS2).";
        HWU59 [25] "Hardware may use bit 59 of leaf descriptors (FEAT_HPDS2).";
        HPD [24] "Whether permission bits of tables count (FEAT_HPDS)." = HIERARCHY;
        _ [23] RES1;
        HD [22] "Hardware records writes: it makes a DBM page writable at the first (FEAT_HAFDBS)." = OFF_ON;
        HA [21] "Hardware sets the access flag at the first use, instead of a fault (FEAT_HAFDBS)." = OFF_ON;
        TBI [20] "The top byte of addresses." = TOP_BYTE;
        _ [19] RES0;
        PS [18:16] "Size of output addresses; a longer one is an Address size fault." = ADDRESS_SIZE;
        TG0 [15:14] "Granule." = GRANULE_0;
        SH0 [13:12] "Shareability of table walks." = SHAREABILITY;
        ORGN0 [11:10] "Outer cacheability of table walks." = CACHEABILITY;
        IRGN0 [9:8] "Inner cacheability of table walks." = CACHEABILITY;
        _ [7:6] RES0;
        T0SZ [5:0] "Size of the address range: its first 2^(64 - T0SZ) bytes.";
    }
}

layout! {
    tcr_el3: "TCR_EL3"; 64 => {
        _ [63:44] RES0;
        DisCH0 [43] "Contiguous is ignored in the first table (FEAT_D128).";
        HAFT [42] "Hardware sets the access flag of tables too (FEAT_HAFT)." = OFF_ON;
        PTTWI [41] "Lets walks be incoherent with RCWS instructions (FEAT_THE).";
        _ [40:39] RES0;
        D128 [38] "Descriptors have 128 bits (FEAT_D128)." = { 0: "64-bit descriptors", 1: "128-bit descriptors" };
        AIE [37] "Sixteen memory attributes: MAIR2_EL3 too (FEAT_AIE)." = OFF_ON;
        POE [36] "Permission overlays: POR_EL3 may take permissions away (FEAT_S1POE)." = OFF_ON;
        PIE [35] "Indirect permissions: descriptors index PIR_EL3 (FEAT_S1PIE)." = OFF_ON;
        PnCH [34] "Bit 52 of descriptors is Protected instead of Contiguous (FEAT_THE)." = OFF_ON;
        MTX [33] "Bits 59:56 of addresses are a tag, not part of the address (FEAT_MTE4).";
        DS [32] "52-bit addresses with the 4KB and 16KB granules; SH leaves the descriptor (FEAT_LPA2)."
            = LONG_ADDRESSES;
        _ [31] RES1;
        TCMA [30] "Accesses to addresses whose tag is zero are unchecked (FEAT_MTE2).";
        TBID [29] "With TBI, for which accesses the top byte is ignored (FEAT_PAuth)." = TOP_BYTE_FETCH;
        HWU62 [28] "Hardware may use bit 62 of leaf descriptors (FEAT_HPDS2).";
        HWU61 [27] "Hardware may use bit 61 of leaf descriptors (FEAT_HPDS2).";
        HWU60 [26] "Hardware may use bit 60 of leaf descriptors (FEAT_HPDS2).";
        HWU59 [25] "Hardware may use bit 59 of leaf descriptors (FEAT_HPDS2).";
        HPD [24] "Whether permission bits of tables count (FEAT_HPDS)." = HIERARCHY;
        _ [23] RES1;
        HD [22] "Hardware records writes: it makes a DBM page writable at the first (FEAT_HAFDBS)." = OFF_ON;
        HA [21] "Hardware sets the access flag at the first use, instead of a fault (FEAT_HAFDBS)." = OFF_ON;
        TBI [20] "The top byte of addresses." = TOP_BYTE;
        _ [19] RES0;
        PS [18:16] "Size of output addresses; a longer one is an Address size fault." = ADDRESS_SIZE;
        TG0 [15:14] "Granule." = GRANULE_0;
        SH0 [13:12] "Shareability of table walks." = SHAREABILITY;
        ORGN0 [11:10] "Outer cacheability of table walks." = CACHEABILITY;
        IRGN0 [9:8] "Inner cacheability of table walks." = CACHEABILITY;
        _ [7:6] RES0;
        T0SZ [5:0] "Size of the address range: its first 2^(64 - T0SZ) bytes.";
    }
}

layout! {
    tcr2_el1: "TCR2_EL1"; 64 => {
        _ [63:22] RES0;
        FNGNA1 [21] "Unassured translations through TTBR1 are not global (FEAT_ASID2, FEAT_THE).";
        FNGNA0 [20] "Unassured translations through TTBR0 are not global (FEAT_ASID2, FEAT_THE).";
        _ [19] RES0;
        FNG1 [18] "Translations through TTBR1 are not global (FEAT_ASID2).";
        FNG0 [17] "Translations through TTBR0 are not global (FEAT_ASID2).";
        A2 [16] "Each base register has its own ASID (FEAT_ASID2).";
        DisCH1 [15] "Contiguous is ignored in TTBR1's first table (FEAT_D128).";
        DisCH0 [14] "Contiguous is ignored in TTBR0's first table (FEAT_D128).";
        _ [13:12] RES0;
        HAFT [11] "Hardware sets the access flag of tables too (FEAT_HAFT)." = OFF_ON;
        PTTWI [10] "Lets walks be incoherent with RCWS instructions (FEAT_THE).";
        _ [9:6] RES0;
        D128 [5] "Descriptors have 128 bits (FEAT_D128)." = { 0: "64-bit descriptors", 1: "128-bit descriptors" };
        AIE [4] "Sixteen memory attributes: MAIR2_EL1 too (FEAT_AIE)." = OFF_ON;
        POE [3] "Permission overlays of EL1: POR_EL1 may take permissions away (FEAT_S1POE)." = OFF_ON;
        E0POE [2] "Permission overlays of EL0: POR_EL0 may take permissions away (FEAT_S1POE)." = OFF_ON;
        PIE [1] "Indirect permissions: descriptors index PIR_EL1 and PIRE0_EL1 (FEAT_S1PIE)." = OFF_ON;
        PnCH [0] "Bit 52 of descriptors is Protected instead of Contiguous (FEAT_THE)." = OFF_ON;
    }
}

layout! {
    tcr2_el2: "TCR2_EL2"; 64 => {
        _ [63:22] RES0;
        FNGNA1 [21] "Unassured translations through TTBR1 are not global (FEAT_ASID2, FEAT_THE).";
        FNGNA0 [20] "Unassured translations through TTBR0 are not global (FEAT_ASID2, FEAT_THE).";
        _ [19] RES0;
        FNG1 [18] "Translations through TTBR1 are not global (FEAT_ASID2).";
        FNG0 [17] "Translations through TTBR0 are not global (FEAT_ASID2).";
        A2 [16] "Each base register has its own ASID (FEAT_ASID2).";
        DisCH1 [15] "Contiguous is ignored in TTBR1's first table (FEAT_D128).";
        DisCH0 [14] "Contiguous is ignored in TTBR0's first table (FEAT_D128).";
        AMEC1 [13] "Leaves of TTBR1 may use the alternate encryption context (FEAT_MEC)." = OFF_ON;
        AMEC0 [12] "Leaves of TTBR0 may use the alternate encryption context (FEAT_MEC)." = OFF_ON;
        HAFT [11] "Hardware sets the access flag of tables too (FEAT_HAFT)." = OFF_ON;
        PTTWI [10] "Lets walks be incoherent with RCWS instructions (FEAT_THE).";
        _ [9:6] RES0;
        D128 [5] "Descriptors have 128 bits (E2H 1, FEAT_D128)."
            = { 0: "64-bit descriptors", 1: "128-bit descriptors" };
        AIE [4] "Sixteen memory attributes: MAIR2_EL2 too (FEAT_AIE)." = OFF_ON;
        POE [3] "Permission overlays of EL2: POR_EL2 may take permissions away (FEAT_S1POE)." = OFF_ON;
        E0POE [2] "Permission overlays of EL0: POR_EL0 may take permissions away (E2H 1, FEAT_S1POE)." = OFF_ON;
        PIE [1] "Indirect permissions: descriptors index PIR_EL2 and PIRE0_EL2 (FEAT_S1PIE)." = OFF_ON;
        PnCH [0] "Bit 52 of descriptors is Protected instead of Contiguous (FEAT_THE)." = OFF_ON;
    }
}

layout! {
    vtcr_el2: "VTCR_EL2"; 64 => {
        _ [63:46] RES0;
        HDBSS [45] "Hardware logs dirty pages to the tracking structure (FEAT_HDBSS)." = OFF_ON;
        HAFT [44] "Hardware sets the access flag of tables too (FEAT_HAFT)." = OFF_ON;
        _ [43:42] RES0;
        TL0 [41] "Walks through TTBR0 need the TopLevel0 permission on their first table (FEAT_THE)." = OFF_ON;
        GCSH [40] "EL1's guarded control stacks must be in AssuredOnly memory (FEAT_THE, FEAT_GCS)." = OFF_ON;
        _ [39] RES0;
        D128 [38] "Descriptors have 128 bits (FEAT_D128)." = { 0: "64-bit descriptors", 1: "128-bit descriptors" };
        S2POE [37] "Permission overlays: S2POR_EL1 may take permissions away (FEAT_S2POE)." = OFF_ON;
        S2PIE [36] "Indirect permissions: descriptors index S2PIR_EL2 (FEAT_S2PIE)." = OFF_ON;
        TL1 [35] "Walks through TTBR1 need the TopLevel1 permission on their first table (FEAT_THE)." = OFF_ON;
        AssuredOnly [34] "Bit 58 of descriptors is AssuredOnly (FEAT_THE)." = OFF_ON;
        SL2 [33] "With SL0, the start level (4KB granule and DS 1).";
        DS [32] "52-bit addresses with the 4KB and 16KB granules; SH leaves the descriptor (FEAT_LPA2)."
            = LONG_ADDRESSES;
        _ [31] RES1;
        NSA [30] "Output space of Non-secure addresses in Secure state (FEAT_SEL2)." = { 0: "Secure", 1: "Non-secure" };
        NSW [29] "Space of the tables of Non-secure addresses in Secure state (FEAT_SEL2)."
            = { 0: "Secure", 1: "Non-secure" };
        HWU62 [28] "Hardware may use bit 62 of leaf descriptors (FEAT_HPDS2).";
        HWU61 [27] "Hardware may use bit 61 of leaf descriptors (FEAT_HPDS2).";
        HWU60 [26] "Hardware may use bit 60 of leaf descriptors (FEAT_HPDS2).";
        HWU59 [25] "Hardware may use bit 59 of leaf descriptors (FEAT_HPDS2).";
        _ [24:23] RES0;
        HD [22] "Hardware records writes: it makes a DBM page writable at the first (FEAT_HAFDBS)." = OFF_ON;
        HA [21] "Hardware sets the access flag at the first use, instead of a fault (FEAT_HAFDBS)." = OFF_ON;
        _ [20] RES0;
        VS [19] "VMIDs have 16 bits." = { 0: "8 bits", 1: "16 bits" };
        PS [18:16] "Size of output addresses; a longer one is an Address size fault." = ADDRESS_SIZE;
        TG0 [15:14] "Granule." = GRANULE_0;
        SH0 [13:12] "Shareability of table walks." = SHAREABILITY;
        ORGN0 [11:10] "Outer cacheability of table walks." = CACHEABILITY;
        IRGN0 [9:8] "Inner cacheability of table walks." = CACHEABILITY;
        SL0 [7:6] "The start level: 0, 1, 2 mean levels 2, 1, 0 with 4KB, and levels 3, 2, 1 with 16KB and 64KB.";
        T0SZ [5:0] "Size of intermediate addresses: 64 - T0SZ bits.";
    }
}

layout! {
    vstcr_el2: "VSTCR_EL2"; 64 => {
        _ [63:34] RES0;
        SL2 [33] "With SL0, the start level (4KB granule and VTCR_EL2.DS 1).";
        _ [32] RES0;
        _ [31] RES1;
        SA [30] "Output space of Secure intermediate addresses." = { 0: "Secure", 1: "Non-secure" };
        SW [29] "Space of the tables of Secure intermediate addresses." = { 0: "Secure", 1: "Non-secure" };
        _ [28:16] RES0;
        TG0 [15:14] "Granule." = GRANULE_0;
        _ [13:8] RES0;
        SL0 [7:6] "The start level, encoded as in VTCR_EL2.";
        T0SZ [5:0] "Size of Secure intermediate addresses: 64 - T0SZ bits.";
    }
}
