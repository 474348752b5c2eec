//! Registers that decide which world a translation runs in, and which stages it has.

use super::layout;

const SECURITY_STATES: &[(u64, &str)] =
    &[(0, "Secure (with NSE = 1: reserved)"), (1, "Non-secure (with NSE = 1: Realm)")];

layout! {
    scr_el3: "SCR_EL3"; 64 => {
        _ [63] RES0;
        NSE [62] "With NS, the Security state below EL3: 0b01 Non-secure, 0b00 Secure, 0b11 Realm (FEAT_RME).";
        HACDBSEn [61] "Gives EL2 the hardware accelerator for cleaning dirty state (FEAT_HACDBS).";
        HDBSSEn [60] "Gives EL2 the dirty state tracking structure (FEAT_HDBSS).";
        FGTEn2 [59] "Enables the second set of fine-grained traps (FEAT_FGT2).";
        EnDSE [58] "Enables delegated SError exceptions (FEAT_E3DSE).";
        DSE [57] "Pends a delegated SError exception (FEAT_E3DSE).";
        _ [56] RES0;
        EnIDCP128 [55] "Lets lower levels use IMPLEMENTATION DEFINED 128-bit registers without a trap to EL3.";
        SRMASKEn [54] "Lets lower levels use the register-masking registers (FEAT_SRMASK).";
        PFAREn [53] "Lets lower levels use PFAR_ELx, and faults write them (FEAT_PFAR).";
        TWERR [52] "Traps writes of error record registers to EL3.";
        TMEA [51] "Takes masked external aborts to EL3 (FEAT_DoubleFault2).";
        EnFPM [50] "Lets lower levels use FPMR (FEAT_FPMR).";
        MECEn [49] "Lets EL2 use its memory encryption contexts (FEAT_MEC).";
        GPF [48] "Takes granule protection faults from EL2 and below to EL3 as GPC exceptions."
            = { 0: "reported as ordinary aborts", 1: "taken to EL3" };
        D128En [47] "Lets lower levels use 128-bit system registers (FEAT_SYSREG128).";
        AIEn [46] "Lets lower levels use MAIR2_ELx and AMAIR2_ELx (FEAT_AIE).";
        PIEn [45] "Lets lower levels use the permission indirection and overlay registers (FEAT_S1PIE, FEAT_S1POE).";
        SCTLR2En [44] "Gives lower levels SCTLR2_ELx; where 0 they behave as 0 (FEAT_SCTLR2).";
        TCR2En [43] "Gives lower levels TCR2_ELx; where 0 they behave as 0 (FEAT_TCR2)."
            = { 0: "TCR2_ELx behave as 0", 1: "TCR2_ELx apply" };
        RCWMASKEn [42] "Lets lower levels use the RCW mask registers (FEAT_THE).";
        EnTP2 [41] "Lets lower levels use TPIDR2_EL0 (FEAT_SME).";
        TRNDR [40] "Traps reads of random numbers to EL3.";
        GCSEn [39] "Lets lower levels use guarded control stacks (FEAT_GCS).";
        HXEn [38] "Gives EL2 HCRX_EL2; where 0 it behaves as 0 (FEAT_HCX)."
            = { 0: "HCRX_EL2 behaves as 0", 1: "HCRX_EL2 applies" };
        ADEn [37] "Lets lower levels use ACCDATA_EL1 (FEAT_LS64_ACCDATA).";
        EnAS0 [36] "Lets lower levels execute ST64BV0 (FEAT_LS64_ACCDATA).";
        AMVOFFEN [35] "Enables virtual offsets of activity monitors.";
        TME [34] "Lets lower levels use transactions (FEAT_TME).";
        TWEDEL [33:30] "Delay before a trapped WFE.";
        TWEDEn [29] "Enables the delay of trapped WFE.";
        ECVEn [28] "Enables the enhanced counter virtualization registers.";
        FGTEn [27] "Enables the fine-grained traps to EL2, HFGITR_EL2's among them (FEAT_FGT)."
            = { 0: "no fine-grained traps", 1: "fine-grained traps apply" };
        ATA [26] "Lets lower levels use Allocation Tags (FEAT_MTE2).";
        EnSCXT [25] "Lets lower levels use SCXTNUM_ELx.";
        _ [24] RES0;
        TID5 [23] "Traps lower levels' reads of GMID_EL1 to EL3 (FEAT_IDTE3).";
        TID3 [22] "Traps lower levels' reads of the feature identification registers to EL3 (FEAT_IDTE3).";
        FIEN [21] "Lets lower levels inject faults into error records.";
        NMEA [20] "Takes SError exceptions at EL3 although masked.";
        EASE [19] "Takes synchronous external aborts to the SError vector.";
        EEL2 [18] "Secure state has an EL2 (FEAT_SEL2)."
            = { 0: "no EL2 in Secure state", 1: "Secure EL2 enabled" };
        API [17] "Lets lower levels execute pointer authentication instructions.";
        APK [16] "Lets lower levels use pointer authentication keys.";
        TERR [15] "Traps accesses to error record registers to EL3.";
        TLOR [14] "Traps accesses to the limited ordering region registers to EL3.";
        TWE [13] "Traps WFE to EL3.";
        TWI [12] "Traps WFI to EL3.";
        ST [11] "Lets Secure EL1 use the Secure timer.";
        RW [10] "The next lower Exception level uses AArch64." = { 0: "AArch32", 1: "AArch64" };
        SIF [9] "Secure instruction fetch: Secure state cannot execute from Non-secure memory."
            = { 0: "may execute Non-secure memory", 1: "cannot execute Non-secure memory" };
        HCE [8] "Enables the HVC instruction.";
        SMD [7] "Disables the SMC instruction.";
        _ [6] RES0;
        _ [5:4] RES1;
        EA [3] "Takes external aborts and SErrors to EL3."
            = { 0: "to the level that the other rules give", 1: "to EL3" };
        FIQ [2] "Takes FIQ to EL3.";
        IRQ [1] "Takes IRQ to EL3.";
        NS [0] "With NSE, the Security state of EL2, EL1 and EL0." = SECURITY_STATES;
    }
}

layout! {
    hcr_el2: "HCR_EL2"; 64 => {
        TWEDEL [63:60] "Delay before a trapped WFE.";
        TWEDEn [59] "Enables the delay of trapped WFE.";
        TID5 [58] "Traps EL1's and EL0's reads of GMID_EL1.";
        DCT [57] "With DC, memory of EL1 and EL0 is Tagged (FEAT_MTE2)." = { 0: "Untagged", 1: "Tagged" };
        ATA [56] "Lets EL1 and EL0 use Allocation Tags (FEAT_MTE2).";
        TTLBOS [55] "Traps EL1's Outer Shareable TLB maintenance.";
        TTLBIS [54] "Traps EL1's Inner Shareable TLB maintenance.";
        EnSCXT [53] "Lets EL1 and EL0 use SCXTNUM_ELx.";
        TOCU [52] "Traps cache maintenance to the point of unification.";
        AMVOFFEN [51] "Enables virtual offsets of activity monitors.";
        TICAB [50] "Traps IC IALLUIS.";
        TID4 [49] "Traps reads of the cache identification registers.";
        GPF [48] "Takes granule protection faults from EL1 and EL0 to EL2."
            = { 0: "to the level that the other rules give", 1: "to EL2" };
        FIEN [47] "Lets EL1 inject faults into error records.";
        FWB [46] "Stage 2 memory types override those of stage 1 instead of being combined with them (FEAT_S2FWB)."
            = { 0: "combined: the stricter wins", 1: "stage 2 decides" };
        NV2 [45] "EL1's accesses to EL2's registers become memory accesses (FEAT_NV2).";
        AT [44] "Traps EL1's AT S1E0 and AT S1E1 instructions." = { 0: "not trapped", 1: "trapped to EL2" };
        NV1 [43] "With NV, the guest's EL1&0 tables have EL2's permission bits: no unprivileged access (FEAT_NV).";
        NV [42] "Nested virtualization: EL1 is a guest hypervisor, whose EL2 operations are trapped (FEAT_NV).";
        API [41] "Lets EL1 and EL0 execute pointer authentication instructions.";
        APK [40] "Lets EL1 use pointer authentication keys.";
        TME [39] "Lets EL1 and EL0 use transactions (FEAT_TME).";
        MIOCNCE [38] "Mismatched Inner and Outer cacheability may lose coherency in the EL1&0 regime.";
        TEA [37] "Takes synchronous external aborts from EL1 and EL0 to EL2.";
        TERR [36] "Traps accesses to error record registers.";
        TLOR [35] "Traps accesses to the limited ordering region registers.";
        E2H [34] "EL2 hosts an operating system: its regime is EL2&0, with two address ranges (FEAT_VHE)."
            = { 0: "EL2 regime", 1: "EL2&0 regime" };
        ID [33] "Instruction fetches through stage 2 are Non-cacheable.";
        CD [32] "Data accesses and walks through stage 2 are Non-cacheable.";
        RW [31] "EL1 uses AArch64." = { 0: "AArch32", 1: "AArch64" };
        TRVM [30] "Traps EL1's reads of its translation registers.";
        HCD [29] "Disables the HVC instruction.";
        TDZ [28] "Traps DC ZVA.";
        TGE [27] "Exceptions from EL0 go to EL2; with E2H, EL0 belongs to the EL2&0 regime.";
        TVM [26] "Traps EL1's writes of its translation registers.";
        TTLB [25] "Traps EL1's TLB maintenance.";
        TPU [24] "Traps cache maintenance to the point of unification.";
        TPCP [23] "Traps cache maintenance to the point of coherency.";
        TSW [22] "Traps cache maintenance by set and way.";
        TACR [21] "Traps EL1's accesses to ACTLR_EL1.";
        TIDCP [20] "Traps EL1's IMPLEMENTATION DEFINED operations.";
        TSC [19] "Traps EL1's SMC.";
        TID3 [18] "Traps EL1's reads of the feature identification registers.";
        TID2 [17] "Traps reads of the cache type and size registers.";
        TID1 [16] "Traps EL1's reads of the revision registers.";
        TID0 [15] "Traps reads of the Jazelle identification register.";
        TWE [14] "Traps WFE.";
        TWI [13] "Traps WFI.";
        DC [12] "Default cacheability: stage 1 is off, its output is Normal Write-Back, and stage 2 is on."
            = { 0: "stage 1 as SCTLR_EL1.M says", 1: "stage 1 off, stage 2 on" };
        BSU [11:10] "Least shareability of EL1's and EL0's barriers.";
        FB [9] "Broadcasts EL1's local TLB and instruction cache maintenance.";
        VSE [8] "Pends a virtual SError.";
        VI [7] "Pends a virtual IRQ.";
        VF [6] "Pends a virtual FIQ.";
        AMO [5] "Takes SErrors to EL2.";
        IMO [4] "Takes IRQ to EL2.";
        FMO [3] "Takes FIQ to EL2.";
        PTW [2] "A stage 1 walk that stage 2 sends to Device memory faults."
            = { 0: "the walk is done as Non-cacheable", 1: "Permission fault" };
        SWIO [1] "EL1's invalidate by set and way also cleans.";
        VM [0] "Stage 2 translation of the EL1&0 regime is on." = { 0: "stage 2 off", 1: "stage 2 on" };
    }
}

layout! {
    hcrx_el2: "HCRX_EL2"; 64 => {
        _ [63:27] RES0;
        SRMASKEn [26] "Lets EL1 use the register-masking registers (FEAT_SRMASK).";
        _ [25] RES0;
        PACMEn [24] "Lets PACM take effect at EL1 and EL0 (FEAT_PAuth_LR).";
        EnFPM [23] "Lets EL1 and EL0 use FPMR (FEAT_FPMR).";
        GCSEn [22] "Lets EL1 and EL0 use guarded control stacks (FEAT_GCS).";
        EnIDCP128 [21] "Lets EL1 and EL0 use IMPLEMENTATION DEFINED 128-bit registers.";
        EnSDERR [20] "Errors of reads from Device memory are synchronous at EL1 and EL0.";
        TMEA [19] "Takes masked external aborts from EL1 to EL2 (FEAT_DoubleFault2).";
        EnSNERR [18] "Errors of reads from Normal memory are synchronous at EL1 and EL0.";
        D128En [17] "Lets EL1 use 128-bit translation registers (FEAT_D128).";
        PTTWI [16] "Lets stage 1 walks be incoherent with RCWS instructions (FEAT_THE).";
        SCTLR2En [15] "Gives EL1 SCTLR2_EL1; where 0 it behaves as 0 (FEAT_SCTLR2).";
        TCR2En [14] "Gives EL1 TCR2_EL1; where 0 it behaves as 0 (FEAT_TCR2)."
            = { 0: "TCR2_EL1 behaves as 0", 1: "TCR2_EL1 applies" };
        _ [13:12] RES0;
        MSCEn [11] "Lets EL1 and EL0 execute memory copy and set instructions (FEAT_MOPS).";
        MCE2 [10] "Takes memory copy and set exceptions from EL1 to EL2 (FEAT_MOPS).";
        CMOW [9] "Cache maintenance at EL1 and EL0 needs write permission at stage 2 (FEAT_CMOW).";
        VFNMI [8] "A virtual FIQ has superpriority (FEAT_NMI).";
        VINMI [7] "A virtual IRQ has superpriority (FEAT_NMI).";
        TALLINT [6] "Traps EL1's writes of ALLINT (FEAT_NMI).";
        SMPME [5] "Maps streaming priorities (FEAT_SME).";
        FGTnXS [4] "Fine-grained TLBI traps leave out the nXS variants (FEAT_XS).";
        FnXS [3] "EL1's TLB maintenance behaves as its nXS variant (FEAT_XS).";
        EnASR [2] "Lets EL1 and EL0 execute ST64BV (FEAT_LS64_V).";
        EnALS [1] "Lets EL1 and EL0 execute LD64B and ST64B (FEAT_LS64).";
        EnAS0 [0] "Lets EL1 and EL0 execute ST64BV0 (FEAT_LS64_ACCDATA).";
    }
}
