//! Translation table base registers: where a walk's first table is, and to whom its results belong.
//!
//! With 52-bit addresses bits 5:2 of a 64-bit register hold address bits 51:48; the layouts here show BADDR as a whole.

use super::layout;

const SKIP: &[(u64, &str)] =
    &[(0, "start level as the size gives"), (1, "one level later"), (2, "two levels later"), (3, "three levels later")];
const COMMON: &[(u64, &str)] = &[(0, "private to this PE"), (1, "common to all PEs that set it")];

layout! {
    ttbr0_el1: "TTBR0_EL1", ttbr1_el1: "TTBR1_EL1", ttbr0_el2: "TTBR0_EL2", ttbr1_el2: "TTBR1_EL2"; 64 => {
        ASID [63:48] "Address space identifier: TLB entries that are not global belong to it.";
        BADDR [47:1] "Address of the first table, aligned to the table's size.";
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    ttbr0_el1_d128: "TTBR0_EL1", ttbr1_el1_d128: "TTBR1_EL1", ttbr0_el2_d128: "TTBR0_EL2", ttbr1_el2_d128: "TTBR1_EL2";
    128 => {
        _ [127:88] RES0;
        BADDR_HIGH [87:80] "Bits 55:48 of the address of the first table.";
        _ [79:64] RES0;
        ASID [63:48] "Address space identifier: TLB entries that are not global belong to it.";
        BADDR [47:5] "Bits 47:5 of the address of the first table, aligned to the table's size.";
        _ [4:3] RES0;
        SKL [2:1] "Levels skipped at the start of the walk." = SKIP;
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    ttbr0_el3: "TTBR0_EL3"; 64 => {
        _ [63:48] RES0;
        BADDR [47:1] "Address of the first table, aligned to the table's size.";
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    ttbr0_el3_d128: "TTBR0_EL3", vsttbr_el2_d128: "VSTTBR_EL2"; 64 => {
        _ [63:56] RES0;
        BADDR [55:5] "Bits 55:5 of the address of the first table, aligned to the table's size.";
        _ [4:3] RES0;
        SKL [2:1] "Levels skipped at the start of the walk." = SKIP;
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    vttbr_el2: "VTTBR_EL2"; 64 => {
        VMID [63:48] "Virtual machine identifier: TLB entries of the EL1&0 regime belong to it.";
        BADDR [47:1] "Address of the first stage 2 table, aligned to the size of all the tables concatenated there.";
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    vttbr_el2_d128: "VTTBR_EL2"; 128 => {
        _ [127:88] RES0;
        BADDR_HIGH [87:80] "Bits 55:48 of the address of the first stage 2 table.";
        _ [79:64] RES0;
        VMID [63:48] "Virtual machine identifier: TLB entries of the EL1&0 regime belong to it.";
        BADDR [47:5] "Bits 47:5 of the address of the first stage 2 table.";
        _ [4:3] RES0;
        SKL [2:1] "Levels skipped at the start of the walk." = SKIP;
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}

layout! {
    vsttbr_el2: "VSTTBR_EL2"; 64 => {
        _ [63:48] RES0;
        BADDR [47:1] "Address of the first table of Secure intermediate addresses.";
        CnP [0] "Other PEs have the same tables and may share TLB entries (FEAT_TTCNP)." = COMMON;
    }
}
