//! Memory attributes and permissions that descriptors select by index.

use super::layout;

/// Memory types by attribute value, those in common use.
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
    (0x77, "Normal, Write-Back Transient, Read-Allocate, Write-Allocate"),
    (0xa0, "Normal, Write-Through, Read-Allocate, XS 0"),
    (0xaa, "Normal, Write-Through, Read-Allocate"),
    (0xbb, "Normal, Write-Through, Read-Allocate, Write-Allocate"),
    (0xee, "Normal, Write-Back, Read-Allocate"),
    (0xf0, "Normal, Write-Back, Tagged"),
    (0xff, "Normal, Write-Back, Read-Allocate, Write-Allocate"),
];

/// What a field of PIR_ELx and PIRE0_ELx allows; from 8 up whatever an overlay says.
const PERMISSION: &[(u64, &str)] = &[
    (0x0, "no access"),
    (0x1, "read"),
    (0x2, "execute"),
    (0x3, "read, execute"),
    (0x4, "reserved: no access"),
    (0x5, "read, write"),
    (0x6, "read, write, execute, but not both of the last two (as WXN)"),
    (0x7, "read, write, execute"),
    (0x8, "read, no overlay"),
    (0x9, "read and guarded control stack, no overlay"),
    (0xa, "read, execute, no overlay"),
    (0xb, "reserved: no access"),
    (0xc, "read, write, no overlay"),
    (0xd, "reserved: no access"),
    (0xe, "read, write, execute, no overlay"),
    (0xf, "reserved: no access"),
];

/// What a field of POR_ELx leaves.
const OVERLAY: &[(u64, &str)] = &[
    (0x0, "no access"),
    (0x1, "read"),
    (0x2, "execute"),
    (0x3, "read, execute"),
    (0x4, "write"),
    (0x5, "read, write"),
    (0x6, "write, execute"),
    (0x7, "read, write, execute"),
];

/// What a field of S2PIR_EL2 allows, and of S2POR_EL1 leaves. MostlyReadOnly memory is written by hardware updates and
/// RCW instructions alone.
const STAGE2_PERMISSION: &[(u64, &str)] = &[
    (0x0, "no access"),
    (0x1, "reserved: no access"),
    (0x2, "MostlyReadOnly"),
    (0x3, "MostlyReadOnly, TopLevel1"),
    (0x4, "write"),
    (0x5, "reserved: no access"),
    (0x6, "MostlyReadOnly, TopLevel0"),
    (0x7, "MostlyReadOnly, TopLevel0 and TopLevel1"),
    (0x8, "read"),
    (0x9, "read, EL0 execute"),
    (0xa, "read, EL1 execute"),
    (0xb, "read, execute"),
    (0xc, "read, write"),
    (0xd, "read, write, EL0 execute"),
    (0xe, "read, write, EL1 execute"),
    (0xf, "read, write, execute"),
];

layout! {
    mair_el1: "MAIR_EL1", mair_el2: "MAIR_EL2", mair_el3: "MAIR_EL3"; 64 => {
        Attr7 [63:56] "Memory type of attribute index 7." = MEMORY_TYPE;
        Attr6 [55:48] "Memory type of attribute index 6." = MEMORY_TYPE;
        Attr5 [47:40] "Memory type of attribute index 5." = MEMORY_TYPE;
        Attr4 [39:32] "Memory type of attribute index 4." = MEMORY_TYPE;
        Attr3 [31:24] "Memory type of attribute index 3." = MEMORY_TYPE;
        Attr2 [23:16] "Memory type of attribute index 2." = MEMORY_TYPE;
        Attr1 [15:8] "Memory type of attribute index 1." = MEMORY_TYPE;
        Attr0 [7:0] "Memory type of attribute index 0." = MEMORY_TYPE;
    }
}

layout! {
    mair2_el1: "MAIR2_EL1", mair2_el2: "MAIR2_EL2", mair2_el3: "MAIR2_EL3"; 64 => {
        Attr7 [63:56] "Memory type of attribute index 15." = MEMORY_TYPE;
        Attr6 [55:48] "Memory type of attribute index 14." = MEMORY_TYPE;
        Attr5 [47:40] "Memory type of attribute index 13." = MEMORY_TYPE;
        Attr4 [39:32] "Memory type of attribute index 12." = MEMORY_TYPE;
        Attr3 [31:24] "Memory type of attribute index 11." = MEMORY_TYPE;
        Attr2 [23:16] "Memory type of attribute index 10." = MEMORY_TYPE;
        Attr1 [15:8] "Memory type of attribute index 9." = MEMORY_TYPE;
        Attr0 [7:0] "Memory type of attribute index 8." = MEMORY_TYPE;
    }
}

layout! {
    pir_el1: "PIR_EL1", pir_el2: "PIR_EL2", pir_el3: "PIR_EL3", pire0_el1: "PIRE0_EL1", pire0_el2: "PIRE0_EL2"; 64 => {
        Perm15 [63:60] "Permissions of index 15." = PERMISSION;
        Perm14 [59:56] "Permissions of index 14." = PERMISSION;
        Perm13 [55:52] "Permissions of index 13." = PERMISSION;
        Perm12 [51:48] "Permissions of index 12." = PERMISSION;
        Perm11 [47:44] "Permissions of index 11." = PERMISSION;
        Perm10 [43:40] "Permissions of index 10." = PERMISSION;
        Perm9 [39:36] "Permissions of index 9." = PERMISSION;
        Perm8 [35:32] "Permissions of index 8." = PERMISSION;
        Perm7 [31:28] "Permissions of index 7." = PERMISSION;
        Perm6 [27:24] "Permissions of index 6." = PERMISSION;
        Perm5 [23:20] "Permissions of index 5." = PERMISSION;
        Perm4 [19:16] "Permissions of index 4." = PERMISSION;
        Perm3 [15:12] "Permissions of index 3." = PERMISSION;
        Perm2 [11:8] "Permissions of index 2." = PERMISSION;
        Perm1 [7:4] "Permissions of index 1." = PERMISSION;
        Perm0 [3:0] "Permissions of index 0." = PERMISSION;
    }
}

layout! {
    por_el0: "POR_EL0", por_el1: "POR_EL1", por_el2: "POR_EL2", por_el3: "POR_EL3"; 64 => {
        Perm15 [63:60] "Permissions that overlay index 15 leaves." = OVERLAY;
        Perm14 [59:56] "Permissions that overlay index 14 leaves." = OVERLAY;
        Perm13 [55:52] "Permissions that overlay index 13 leaves." = OVERLAY;
        Perm12 [51:48] "Permissions that overlay index 12 leaves." = OVERLAY;
        Perm11 [47:44] "Permissions that overlay index 11 leaves." = OVERLAY;
        Perm10 [43:40] "Permissions that overlay index 10 leaves." = OVERLAY;
        Perm9 [39:36] "Permissions that overlay index 9 leaves." = OVERLAY;
        Perm8 [35:32] "Permissions that overlay index 8 leaves." = OVERLAY;
        Perm7 [31:28] "Permissions that overlay index 7 leaves." = OVERLAY;
        Perm6 [27:24] "Permissions that overlay index 6 leaves." = OVERLAY;
        Perm5 [23:20] "Permissions that overlay index 5 leaves." = OVERLAY;
        Perm4 [19:16] "Permissions that overlay index 4 leaves." = OVERLAY;
        Perm3 [15:12] "Permissions that overlay index 3 leaves." = OVERLAY;
        Perm2 [11:8] "Permissions that overlay index 2 leaves." = OVERLAY;
        Perm1 [7:4] "Permissions that overlay index 1 leaves." = OVERLAY;
        Perm0 [3:0] "Permissions that overlay index 0 leaves." = OVERLAY;
    }
}

layout! {
    s2pir_el2: "S2PIR_EL2"; 64 => {
        Perm15 [63:60] "Permissions of index 15." = STAGE2_PERMISSION;
        Perm14 [59:56] "Permissions of index 14." = STAGE2_PERMISSION;
        Perm13 [55:52] "Permissions of index 13." = STAGE2_PERMISSION;
        Perm12 [51:48] "Permissions of index 12." = STAGE2_PERMISSION;
        Perm11 [47:44] "Permissions of index 11." = STAGE2_PERMISSION;
        Perm10 [43:40] "Permissions of index 10." = STAGE2_PERMISSION;
        Perm9 [39:36] "Permissions of index 9." = STAGE2_PERMISSION;
        Perm8 [35:32] "Permissions of index 8." = STAGE2_PERMISSION;
        Perm7 [31:28] "Permissions of index 7." = STAGE2_PERMISSION;
        Perm6 [27:24] "Permissions of index 6." = STAGE2_PERMISSION;
        Perm5 [23:20] "Permissions of index 5." = STAGE2_PERMISSION;
        Perm4 [19:16] "Permissions of index 4." = STAGE2_PERMISSION;
        Perm3 [15:12] "Permissions of index 3." = STAGE2_PERMISSION;
        Perm2 [11:8] "Permissions of index 2." = STAGE2_PERMISSION;
        Perm1 [7:4] "Permissions of index 1." = STAGE2_PERMISSION;
        Perm0 [3:0] "Permissions of index 0." = STAGE2_PERMISSION;
    }
}

layout! {
    s2por_el1: "S2POR_EL1"; 64 => {
        Perm15 [63:60] "Permissions that overlay index 15 leaves." = STAGE2_PERMISSION;
        Perm14 [59:56] "Permissions that overlay index 14 leaves." = STAGE2_PERMISSION;
        Perm13 [55:52] "Permissions that overlay index 13 leaves." = STAGE2_PERMISSION;
        Perm12 [51:48] "Permissions that overlay index 12 leaves." = STAGE2_PERMISSION;
        Perm11 [47:44] "Permissions that overlay index 11 leaves." = STAGE2_PERMISSION;
        Perm10 [43:40] "Permissions that overlay index 10 leaves." = STAGE2_PERMISSION;
        Perm9 [39:36] "Permissions that overlay index 9 leaves." = STAGE2_PERMISSION;
        Perm8 [35:32] "Permissions that overlay index 8 leaves." = STAGE2_PERMISSION;
        Perm7 [31:28] "Permissions that overlay index 7 leaves." = STAGE2_PERMISSION;
        Perm6 [27:24] "Permissions that overlay index 6 leaves." = STAGE2_PERMISSION;
        Perm5 [23:20] "Permissions that overlay index 5 leaves." = STAGE2_PERMISSION;
        Perm4 [19:16] "Permissions that overlay index 4 leaves." = STAGE2_PERMISSION;
        Perm3 [15:12] "Permissions that overlay index 3 leaves." = STAGE2_PERMISSION;
        Perm2 [11:8] "Permissions that overlay index 2 leaves." = STAGE2_PERMISSION;
        Perm1 [7:4] "Permissions that overlay index 1 leaves." = STAGE2_PERMISSION;
        Perm0 [3:0] "Permissions that overlay index 0 leaves." = STAGE2_PERMISSION;
    }
}
