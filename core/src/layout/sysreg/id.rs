//! ID registers: which features a PE implements.

use super::layout;

layout! {
    id_aa64mmfr0_el1: "ID_AA64MMFR0_EL1"; 64 => {
        ECV [63:60] "Enhanced counter virtualization.";
        FGT [59:56] "Fine-grained traps." = { 0: "no", 1: "FEAT_FGT", 2: "FEAT_FGT2" };
        _ [55:48] RES0;
        ExS [47:44] "Exceptions that do not synchronize context.";
        TGran4_2 [43:40] "4KB granule at stage 2."
            = { 0: "as at stage 1", 1: "not implemented", 2: "implemented", 3: "implemented, 52-bit addresses" };
        TGran64_2 [39:36] "64KB granule at stage 2."
            = { 0: "as at stage 1", 1: "not implemented", 2: "implemented" };
        TGran16_2 [35:32] "16KB granule at stage 2."
            = { 0: "as at stage 1", 1: "not implemented", 2: "implemented", 3: "implemented, 52-bit addresses" };
        TGran4 [31:28] "4KB granule."
            = { 0: "implemented", 1: "implemented, 52-bit addresses", 15: "not implemented" };
        TGran64 [27:24] "64KB granule." = { 0: "implemented", 15: "not implemented" };
        TGran16 [23:20] "16KB granule."
            = { 0: "not implemented", 1: "implemented", 2: "implemented, 52-bit addresses" };
        BigEndEL0 [19:16] "Mixed endianness at EL0 alone.";
        SNSMem [15:12] "Secure memory is distinct from Non-secure memory.";
        BigEnd [11:8] "Mixed endianness.";
        ASIDBits [7:4] "Size of ASIDs." = { 0: "8 bits", 2: "16 bits" };
        PARange [3:0] "Size of physical addresses."
            = {
                0: "32 bits", 1: "36 bits", 2: "40 bits", 3: "42 bits",
                4: "44 bits", 5: "48 bits", 6: "52 bits", 7: "56 bits",
            };
    }
}

layout! {
    id_aa64mmfr1_el1: "ID_AA64MMFR1_EL1"; 64 => {
        ECBHB [63:60] "Branch history injection.";
        CMOW [59:56] "Cache maintenance that needs write permission.";
        TIDCP1 [55:52] "Traps of EL0's IMPLEMENTATION DEFINED operations.";
        nTLBPA [51:48] "No physical addresses of tables in translation caches.";
        AFP [47:44] "Alternate floating-point behaviour.";
        HCX [43:40] "HCRX_EL2." = { 0: "no", 1: "FEAT_HCX" };
        ETS [39:36] "Enhanced translation synchronization.";
        TWED [35:32] "Delayed trapping of WFE.";
        XNX [31:28] "Execute-never at stage 2 for EL1 and EL0 separately." = { 0: "no", 1: "FEAT_XNX" };
        SpecSEI [27:24] "SErrors from speculative reads.";
        PAN [23:20] "Privileged Access Never." = { 0: "no", 1: "FEAT_PAN", 2: "FEAT_PAN2", 3: "FEAT_PAN3" };
        LO [19:16] "Limited ordering regions.";
        HPDS [15:12] "Hierarchical permissions can be disabled." = { 0: "no", 1: "FEAT_HPDS", 2: "FEAT_HPDS2" };
        VH [11:8] "Virtualization host extensions." = { 0: "no", 1: "FEAT_VHE" };
        VMIDBits [7:4] "Size of VMIDs." = { 0: "8 bits", 2: "16 bits" };
        HAFDBS [3:0] "Hardware updates of the access flag and dirty state."
            = { 0: "no", 1: "access flag", 2: "access flag and dirty state", 3: "FEAT_HAFT", 4: "FEAT_HDBSS" };
    }
}

layout! {
    id_aa64mmfr2_el1: "ID_AA64MMFR2_EL1"; 64 => {
        E0PD [63:60] "Faults of EL0 without a walk." = { 0: "no", 1: "FEAT_E0PD" };
        EVT [59:56] "Enhanced virtualization traps.";
        BBM [55:52] "How a block may be replaced without breaking it first."
            = { 0: "level 0", 1: "level 1", 2: "level 2" };
        TTL [51:48] "Level hints in TLB maintenance.";
        _ [47:44] RES0;
        FWB [43:40] "Stage 2 forced Write-Back." = { 0: "no", 1: "FEAT_S2FWB" };
        IDS [39:36] "Traps of accesses to ID registers.";
        AT [35:32] "Atomicity of unaligned accesses.";
        ST [31:28] "Small translation tables." = { 0: "no", 1: "FEAT_TTST" };
        NV [27:24] "Nested virtualization." = { 0: "no", 1: "FEAT_NV", 2: "FEAT_NV2" };
        CCIDX [23:20] "Format of the cache size register.";
        VARange [19:16] "Size of virtual addresses."
            = { 0: "48 bits", 1: "52 bits (64KB granule)", 2: "56 bits (128-bit descriptors)" };
        IESB [15:12] "Implicit error synchronization.";
        LSM [11:8] "Controls of load and store multiple.";
        UAO [7:4] "User Access Override.";
        CnP [3:0] "Common not Private translations.";
    }
}

layout! {
    id_aa64mmfr3_el1: "ID_AA64MMFR3_EL1"; 64 => {
        Spec_FPACC [63:60] "Speculation of pointer authentication failures.";
        ADERR [59:56] "Asynchronous Device read errors.";
        SDERR [55:52] "Synchronous Device read errors.";
        _ [51:48] RES0;
        ANERR [47:44] "Asynchronous Normal read errors.";
        SNERR [43:40] "Synchronous Normal read errors.";
        D128_2 [39:36] "128-bit descriptors at stage 2." = { 0: "no", 1: "FEAT_D128" };
        D128 [35:32] "128-bit descriptors." = { 0: "no", 1: "FEAT_D128" };
        MEC [31:28] "Memory encryption contexts." = { 0: "no", 1: "FEAT_MEC" };
        AIE [27:24] "Sixteen memory attributes." = { 0: "no", 1: "FEAT_AIE" };
        S2POE [23:20] "Permission overlays at stage 2." = { 0: "no", 1: "FEAT_S2POE" };
        S1POE [19:16] "Permission overlays at stage 1." = { 0: "no", 1: "FEAT_S1POE" };
        S2PIE [15:12] "Indirect permissions at stage 2." = { 0: "no", 1: "FEAT_S2PIE" };
        S1PIE [11:8] "Indirect permissions at stage 1." = { 0: "no", 1: "FEAT_S1PIE" };
        SCTLRX [7:4] "SCTLR2_ELx." = { 0: "no", 1: "FEAT_SCTLR2" };
        TCRX [3:0] "TCR2_ELx." = { 0: "no", 1: "FEAT_TCR2" };
    }
}

layout! {
    id_aa64mmfr4_el1: "ID_AA64MMFR4_EL1"; 64 => {
        _ [63:48] RES0;
        SRMASK [47:44] "Masks of control registers.";
        _ [43:40] RES0;
        E3DSE [39:36] "Delegated SError exceptions.";
        _ [35:32] RES0;
        RMEGDI [31:28] "Granular data isolation.";
        E2H0 [27:24] "HCR_EL2.E2H can be 0."
            = { 0: "E2H is programmable", 14: "E2H is 1 and NV1 is 0", 15: "E2H is 1" };
        NV_frac [23:20] "Parts of nested virtualization.";
        FGWTE3 [19:16] "Fine-grained write traps to EL3.";
        HACDBS [15:12] "Hardware accelerator for cleaning dirty state.";
        ASID2 [11:8] "Two ASIDs at once.";
        EIESB [7:4] "Early error synchronization.";
        PoPS [3:0] "Point of physical storage.";
    }
}

layout! {
    id_aa64pfr0_el1: "ID_AA64PFR0_EL1"; 64 => {
        CSV3 [63:60] "Speculative use of faulting data.";
        CSV2 [59:56] "Speculative use of out of context branch targets.";
        RME [55:52] "Realm Management Extension."
            = { 0: "no", 1: "FEAT_RME", 2: "FEAT_RME_GPC2", 3: "FEAT_RME_GPC3" };
        DIT [51:48] "Data independent timing.";
        AMU [47:44] "Activity monitors.";
        MPAM [43:40] "Memory partitioning and monitoring.";
        SEL2 [39:36] "Secure EL2." = { 0: "no", 1: "FEAT_SEL2" };
        SVE [35:32] "Scalable vectors.";
        RAS [31:28] "Reliability, availability, serviceability.";
        GIC [27:24] "Interrupt controller registers.";
        AdvSIMD [23:20] "Vectors.";
        FP [19:16] "Floating point.";
        EL3 [15:12] "EL3." = { 0: "no", 1: "AArch64", 2: "AArch64 and AArch32" };
        EL2 [11:8] "EL2." = { 0: "no", 1: "AArch64", 2: "AArch64 and AArch32" };
        EL1 [7:4] "EL1." = { 1: "AArch64", 2: "AArch64 and AArch32" };
        EL0 [3:0] "EL0." = { 1: "AArch64", 2: "AArch64 and AArch32" };
    }
}

layout! {
    id_aa64pfr1_el1: "ID_AA64PFR1_EL1"; 64 => {
        PFAR [63:60] "Physical fault address registers." = { 0: "no", 1: "FEAT_PFAR" };
        DF2 [59:56] "Double fault extension.";
        MTEX [55:52] "Canonical tags and checks without address tags." = { 0: "no", 1: "FEAT_MTE_CANONICAL_TAGS" };
        THE [51:48] "Translation hardening." = { 0: "no", 1: "FEAT_THE" };
        GCS [47:44] "Guarded control stacks." = { 0: "no", 1: "FEAT_GCS" };
        MTE_frac [43:40] "Asynchronous tag check faults.";
        NMI [39:36] "Non-maskable interrupts.";
        CSV2_frac [35:32] "Speculative use of out of context branch targets, fraction.";
        RNDR_trap [31:28] "Traps of random numbers.";
        SME [27:24] "Scalable matrices.";
        _ [23:20] RES0;
        MPAM_frac [19:16] "Memory partitioning and monitoring, fraction.";
        RAS_frac [15:12] "Reliability, availability, serviceability, fraction.";
        MTE [11:8] "Memory tagging." = { 0: "no", 1: "FEAT_MTE", 2: "FEAT_MTE2", 3: "FEAT_MTE3" };
        SSBS [7:4] "Speculative store bypassing.";
        BT [3:0] "Branch target identification.";
    }
}

layout! {
    id_aa64pfr2_el1: "ID_AA64PFR2_EL1"; 64 => {
        _ [63:36] RES0;
        FPMR [35:32] "Floating-point mode register.";
        _ [31:20] RES0;
        UINJ [19:16] "Injection of undefined instruction exceptions.";
        _ [15:12] RES0;
        MTEFAR [11:8] "Tags in fault addresses.";
        MTESTOREONLY [7:4] "Tag checks of stores alone.";
        MTEPERM [3:0] "NoTagAccess attribute." = { 0: "no", 1: "FEAT_MTE_PERM" };
    }
}

layout! {
    id_aa64isar1_el1: "ID_AA64ISAR1_EL1"; 64 => {
        LS64 [63:60] "64-byte accesses." = { 0: "no", 1: "FEAT_LS64", 2: "FEAT_LS64_V", 3: "FEAT_LS64_ACCDATA" };
        XS [59:56] "The XS attribute and nXS maintenance." = { 0: "no", 1: "FEAT_XS" };
        I8MM [55:52] "Matrix multiplication of 8-bit integers.";
        DGH [51:48] "Data gathering hint.";
        BF16 [47:44] "BFloat16.";
        SPECRES [43:40] "Prediction invalidation.";
        SB [39:36] "Speculation barrier.";
        FRINTTS [35:32] "Rounding to 32-bit and 64-bit integers.";
        GPI [31:28] "Generic authentication, IMPLEMENTATION DEFINED algorithm.";
        GPA [27:24] "Generic authentication, QARMA5.";
        LRCPC [23:20] "Release consistency, RCpc.";
        FCMA [19:16] "Complex floating point.";
        JSCVT [15:12] "JavaScript conversion.";
        API [11:8] "Address authentication, IMPLEMENTATION DEFINED algorithm.";
        APA [7:4] "Address authentication, QARMA5.";
        DPB [3:0] "Cleaning to the point of persistence.";
    }
}

layout! {
    id_aa64isar2_el1: "ID_AA64ISAR2_EL1"; 64 => {
        ATS1A [63:60] "AT S1E1A, S1E2A and S1E3A." = { 0: "no", 1: "FEAT_ATS1A" };
        LUT [59:56] "Lookup tables.";
        CSSC [55:52] "Common short sequences.";
        RPRFM [51:48] "Range prefetch.";
        PCDPHINT [47:44] "Producer-consumer data placement hints.";
        PRFMSLC [43:40] "Prefetch to the system level cache.";
        SYSINSTR_128 [39:36] "128-bit system instructions.";
        SYSREG_128 [35:32] "128-bit system registers." = { 0: "no", 1: "FEAT_SYSREG128" };
        CLRBHB [31:28] "Clearing the branch history.";
        PAC_frac [27:24] "Constant PAC field.";
        BC [23:20] "Consistent conditional branch.";
        MOPS [19:16] "Memory copy and set.";
        APA3 [15:12] "Address authentication, QARMA3.";
        GPA3 [11:8] "Generic authentication, QARMA3.";
        RPRES [7:4] "Precision of reciprocal estimates.";
        WFxT [3:0] "Wait with timeout.";
    }
}
