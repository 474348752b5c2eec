//! Granule protection: which physical address space each granule of memory belongs to (`FEAT_RME`).

use super::layout;

layout! {
    gpccr_el3: "GPCCR_EL3"; 64 => {
        _ [63:30] RES0;
        GPCBW [29] "Enables the windows of addresses that bypass the check (FEAT_RME_GPC3).";
        NA7 [28] "Enables the NA7 granule type: no access (FEAT_RME_GDI).";
        NA6 [27] "Enables the NA6 granule type: no access (FEAT_RME_GDI).";
        NSP [26] "Enables the Non-secure Protected granule type (FEAT_RME_GDI).";
        SA [25] "Enables the System Agent granule type (FEAT_RME_GDI).";
        APPSAA [24] "Lets Secure, Realm and Root accesses above the protected size through (FEAT_RME_GPC2).";
        L0GPTSZ [23:20] "Size of what one level 0 entry covers."
            = { 0: "30 bits, 1GB", 4: "34 bits, 16GB", 6: "36 bits, 64GB", 9: "39 bits, 512GB" };
        NSO [19] "Enables the Non-secure Only granule type (FEAT_RME_GPC2).";
        TBGPCD [18] "Rejects trace while granule protection checks are off (FEAT_RME).";
        GPCP [17] "Priority of the faults of checks on stage 2 table descriptors.";
        GPC [16] "Granule protection checks are on." = { 0: "off", 1: "on" };
        PGS [15:14] "Size of a granule." = { 0b00: "4KB", 0b01: "64KB", 0b10: "16KB", 0b11: "reserved" };
        SH [13:12] "Shareability of table accesses."
            = { 0b00: "Non-shareable", 0b01: "reserved", 0b10: "Outer Shareable", 0b11: "Inner Shareable" };
        ORGN [11:10] "Outer cacheability of table accesses.";
        IRGN [9:8] "Inner cacheability of table accesses.";
        SPAD [7] "Forbids the Secure address space (FEAT_RME_GPC2).";
        NSPAD [6] "Forbids the Non-secure address space (FEAT_RME_GPC2).";
        RLPAD [5] "Forbids the Realm address space (FEAT_RME_GPC2).";
        _ [4] RES0;
        PPS3 [3] "With PPS, larger protected sizes (FEAT_RME_GPC3).";
        PPS [2:0] "Size of the protected physical address space."
            = {
                0: "32 bits, 4GB", 1: "36 bits, 64GB", 2: "40 bits, 1TB", 3: "42 bits, 4TB", 4: "44 bits, 16TB",
                5: "48 bits, 256TB", 6: "52 bits, 4PB", 7: "reserved",
            };
    }
}

layout! {
    gptbr_el3: "GPTBR_EL3"; 64 => {
        _ [63:40] RES0;
        BADDR [39:0] "Bits 51:12 of the address of the level 0 granule protection table.";
    }
}
