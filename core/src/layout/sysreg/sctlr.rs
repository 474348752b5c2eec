//! System control registers: each regime's MMU, caches, endianness and write-implies-execute-never.

use super::layout;

const OFF_ON: &[(u64, &str)] = &[(0, "off"), (1, "on")];
const ENDIAN: &[(u64, &str)] = &[(0, "little-endian"), (1, "big-endian")];
const CACHE: &[(u64, &str)] = &[(0, "Non-cacheable"), (1, "as the tables say")];
const WXN_VALUES: &[(u64, &str)] =
    &[(0, "writable memory may be executable"), (1, "writable memory is never executable")];
const TAG_CHECK: &[(u64, &str)] = &[(0, "no effect"), (1, "synchronous exception"), (2, "asynchronous"), (3, "mixed")];

layout! {
    sctlr_el1: "SCTLR_EL1"; 64 => {
        TIDCP [63] "Traps EL0's IMPLEMENTATION DEFINED operations.";
        SPINTMASK [62] "Masks interrupts while SP_EL1 is in use (FEAT_NMI).";
        NMI [61] "Enables non-maskable interrupts (FEAT_NMI).";
        EnTP2 [60] "Lets EL0 use TPIDR2_EL0 (FEAT_SME).";
        TCSO [59] "Checks tags of stores only, at EL1 (FEAT_MTE_STORE_ONLY).";
        TCSO0 [58] "Checks tags of stores only, at EL0 (FEAT_MTE_STORE_ONLY).";
        EPAN [57] "PAN also protects memory that EL0 can only execute (FEAT_PAN3)."
            = { 0: "PAN looks at EL0's read and write permission", 1: "PAN looks at execute permission too" };
        EnALS [56] "Lets EL0 execute LD64B and ST64B (FEAT_LS64).";
        EnAS0 [55] "Lets EL0 execute ST64BV0 (FEAT_LS64_ACCDATA).";
        EnASR [54] "Lets EL0 execute ST64BV (FEAT_LS64_V).";
        TME [53] "Lets EL1 use transactions (FEAT_TME).";
        TME0 [52] "Lets EL0 use transactions (FEAT_TME).";
        TMT [51] "Makes transactions fail trivially at EL1 (FEAT_TME).";
        TMT0 [50] "Makes transactions fail trivially at EL0 (FEAT_TME).";
        TWEDEL [49:46] "Delay before a trapped WFE.";
        TWEDEn [45] "Enables the delay of trapped WFE.";
        DSSBS [44] "PSTATE.SSBS after an exception to EL1.";
        ATA [43] "Lets EL1 use Allocation Tags (FEAT_MTE2).";
        ATA0 [42] "Lets EL0 use Allocation Tags (FEAT_MTE2).";
        TCF [41:40] "Effect of a failed tag check at EL1." = TAG_CHECK;
        TCF0 [39:38] "Effect of a failed tag check at EL0." = TAG_CHECK;
        ITFSB [37] "Synchronizes tag check faults on exception entry.";
        BT1 [36] "PACIASP and PACIBSP accept fewer branch types at EL1 (FEAT_BTI).";
        BT0 [35] "PACIASP and PACIBSP accept fewer branch types at EL0 (FEAT_BTI).";
        EnFPM [34] "Lets EL0 use FPMR (FEAT_FPMR).";
        MSCEn [33] "Lets EL0 execute memory copy and set instructions (FEAT_MOPS).";
        CMOW [32] "Cache maintenance at EL0 needs write permission (FEAT_CMOW).";
        EnIA [31] "Enables instruction address authentication, key A.";
        EnIB [30] "Enables instruction address authentication, key B.";
        LSMAOE [29] "Load and store multiple are ordered and atomic as in Armv8.0 (AArch32).";
        nTLSMD [28] "Load and store multiple to Device memory do not trap (AArch32).";
        EnDA [27] "Enables data address authentication, key A.";
        UCI [26] "Lets EL0 execute cache maintenance.";
        EE [25] "Endianness of EL1's data accesses and of stage 1 table walks of the EL1&0 regime." = ENDIAN;
        E0E [24] "Endianness of EL0's data accesses." = ENDIAN;
        SPAN [23] "PSTATE.PAN on an exception to EL1." = { 0: "set to 1", 1: "unchanged" };
        EIS [22] "Exception entry synchronizes context.";
        IESB [21] "Exceptions imply an error synchronization barrier.";
        TSCXT [20] "Traps EL0's accesses to SCXTNUM_EL0.";
        WXN [19] "Write permission implies execute-never, for whoever can write." = WXN_VALUES;
        nTWE [18] "WFE at EL0 does not trap.";
        _ [17] RES0;
        nTWI [16] "WFI at EL0 does not trap.";
        UCT [15] "Lets EL0 read CTR_EL0.";
        DZE [14] "Lets EL0 execute DC ZVA.";
        EnDB [13] "Enables data address authentication, key B.";
        I [12] "Instruction fetches may be cacheable." = CACHE;
        EOS [11] "Exception return synchronizes context.";
        EnRCTX [10] "Lets EL0 execute the prediction restriction instructions.";
        UMA [9] "Lets EL0 use the interrupt masks of PSTATE.";
        SED [8] "Disables SETEND at EL0 (AArch32).";
        ITD [7] "Disables some IT instructions at EL0 (AArch32).";
        nAA [6] "Some unaligned accesses do not fault (FEAT_LSE2).";
        CP15BEN [5] "Enables the CP15 barriers at EL0 (AArch32).";
        SA0 [4] "Checks the alignment of SP at EL0.";
        SA [3] "Checks the alignment of SP at EL1.";
        C [2] "Data accesses and table walks may be cacheable." = CACHE;
        A [1] "Checks the alignment of data accesses." = OFF_ON;
        M [0] "The MMU: stage 1 translation of the EL1&0 regime." = OFF_ON;
    }
}

layout! {
    sctlr_el2: "SCTLR_EL2"; 64 => {
        TIDCP [63] "Traps EL0's IMPLEMENTATION DEFINED operations (E2H and TGE 1).";
        SPINTMASK [62] "Masks interrupts while SP_EL2 is in use (FEAT_NMI).";
        NMI [61] "Enables non-maskable interrupts (FEAT_NMI).";
        EnTP2 [60] "Lets EL0 use TPIDR2_EL0 (E2H and TGE 1).";
        TCSO [59] "Checks tags of stores only, at EL2 (FEAT_MTE_STORE_ONLY).";
        TCSO0 [58] "Checks tags of stores only, at EL0 (E2H and TGE 1).";
        EPAN [57] "PAN also protects memory that EL0 can only execute (E2H 1, FEAT_PAN3)."
            = { 0: "PAN looks at EL0's read and write permission", 1: "PAN looks at execute permission too" };
        EnALS [56] "Lets EL0 execute LD64B and ST64B (E2H and TGE 1).";
        EnAS0 [55] "Lets EL0 execute ST64BV0 (E2H and TGE 1).";
        EnASR [54] "Lets EL0 execute ST64BV (E2H and TGE 1).";
        TME [53] "Lets EL2 use transactions (FEAT_TME).";
        TME0 [52] "Lets EL0 use transactions (E2H and TGE 1).";
        TMT [51] "Makes transactions fail trivially at EL2 (FEAT_TME).";
        TMT0 [50] "Makes transactions fail trivially at EL0 (E2H and TGE 1).";
        TWEDEL [49:46] "Delay before a trapped WFE.";
        TWEDEn [45] "Enables the delay of trapped WFE.";
        DSSBS [44] "PSTATE.SSBS after an exception to EL2.";
        ATA [43] "Lets EL2 use Allocation Tags (FEAT_MTE2).";
        ATA0 [42] "Lets EL0 use Allocation Tags (E2H and TGE 1).";
        TCF [41:40] "Effect of a failed tag check at EL2." = TAG_CHECK;
        TCF0 [39:38] "Effect of a failed tag check at EL0 (E2H and TGE 1)." = TAG_CHECK;
        ITFSB [37] "Synchronizes tag check faults on exception entry.";
        BT [36] "PACIASP and PACIBSP accept fewer branch types at EL2 (FEAT_BTI).";
        BT0 [35] "PACIASP and PACIBSP accept fewer branch types at EL0 (E2H and TGE 1).";
        EnFPM [34] "Lets EL0 use FPMR (E2H and TGE 1).";
        MSCEn [33] "Lets EL0 execute memory copy and set instructions (E2H and TGE 1).";
        CMOW [32] "Cache maintenance at EL0 needs write permission (E2H and TGE 1).";
        EnIA [31] "Enables instruction address authentication, key A.";
        EnIB [30] "Enables instruction address authentication, key B.";
        LSMAOE [29] "Load and store multiple are ordered and atomic as in Armv8.0 (AArch32).";
        nTLSMD [28] "Load and store multiple to Device memory do not trap (AArch32).";
        EnDA [27] "Enables data address authentication, key A.";
        UCI [26] "Lets EL0 execute cache maintenance (E2H and TGE 1).";
        EE [25] "Endianness of EL2's data accesses, of its table walks, and of all stage 2 table walks." = ENDIAN;
        E0E [24] "Endianness of EL0's data accesses (E2H and TGE 1)." = ENDIAN;
        SPAN [23] "PSTATE.PAN on an exception to EL2 (E2H and TGE 1)." = { 0: "set to 1", 1: "unchanged" };
        EIS [22] "Exception entry synchronizes context.";
        IESB [21] "Exceptions imply an error synchronization barrier.";
        TSCXT [20] "Traps EL0's accesses to SCXTNUM_EL0 (E2H and TGE 1).";
        WXN [19] "Write permission implies execute-never, for whoever can write." = WXN_VALUES;
        nTWE [18] "WFE at EL0 does not trap (E2H and TGE 1).";
        _ [17] RES0;
        nTWI [16] "WFI at EL0 does not trap (E2H and TGE 1).";
        UCT [15] "Lets EL0 read CTR_EL0 (E2H and TGE 1).";
        DZE [14] "Lets EL0 execute DC ZVA (E2H and TGE 1).";
        EnDB [13] "Enables data address authentication, key B.";
        I [12] "Instruction fetches may be cacheable." = CACHE;
        EOS [11] "Exception return synchronizes context.";
        EnRCTX [10] "Lets EL0 execute the prediction restriction instructions (E2H and TGE 1).";
        _ [9] RES0;
        SED [8] "Disables SETEND at EL0 (AArch32).";
        ITD [7] "Disables some IT instructions at EL0 (AArch32).";
        nAA [6] "Some unaligned accesses do not fault (FEAT_LSE2).";
        CP15BEN [5] "Enables the CP15 barriers at EL0 (AArch32).";
        SA0 [4] "Checks the alignment of SP at EL0 (E2H and TGE 1).";
        SA [3] "Checks the alignment of SP at EL2.";
        C [2] "Data accesses and table walks may be cacheable." = CACHE;
        A [1] "Checks the alignment of data accesses." = OFF_ON;
        M [0] "The MMU: stage 1 translation of the EL2 or EL2&0 regime." = OFF_ON;
    }
}

layout! {
    sctlr_el3: "SCTLR_EL3"; 64 => {
        _ [63] RES0;
        SPINTMASK [62] "Masks interrupts while SP_EL3 is in use (FEAT_NMI).";
        NMI [61] "Enables non-maskable interrupts (FEAT_NMI).";
        _ [60] RES0;
        TCSO [59] "Checks tags of stores only (FEAT_MTE_STORE_ONLY).";
        _ [58:54] RES0;
        TME [53] "Lets EL3 use transactions (FEAT_TME).";
        _ [52] RES0;
        TMT [51] "Makes transactions fail trivially at EL3 (FEAT_TME).";
        _ [50:45] RES0;
        DSSBS [44] "PSTATE.SSBS after an exception to EL3.";
        ATA [43] "Lets EL3 use Allocation Tags (FEAT_MTE2).";
        _ [42] RES0;
        TCF [41:40] "Effect of a failed tag check." = TAG_CHECK;
        _ [39:38] RES0;
        ITFSB [37] "Synchronizes tag check faults on exception entry.";
        BT [36] "PACIASP and PACIBSP accept fewer branch types (FEAT_BTI).";
        _ [35:32] RES0;
        EnIA [31] "Enables instruction address authentication, key A.";
        EnIB [30] "Enables instruction address authentication, key B.";
        _ [29:28] RES1;
        EnDA [27] "Enables data address authentication, key A.";
        _ [26] RES0;
        EE [25] "Endianness of EL3's data accesses and table walks." = ENDIAN;
        _ [24] RES0;
        _ [23] RES1;
        EIS [22] "Exception entry synchronizes context.";
        IESB [21] "Exceptions imply an error synchronization barrier.";
        _ [20] RES0;
        WXN [19] "Write permission implies execute-never." = WXN_VALUES;
        _ [18] RES1;
        _ [17] RES0;
        _ [16] RES1;
        _ [15:14] RES0;
        EnDB [13] "Enables data address authentication, key B.";
        I [12] "Instruction fetches may be cacheable." = CACHE;
        EOS [11] "Exception return synchronizes context.";
        _ [10:7] RES0;
        nAA [6] "Some unaligned accesses do not fault (FEAT_LSE2).";
        _ [5:4] RES1;
        SA [3] "Checks the alignment of SP.";
        C [2] "Data accesses and table walks may be cacheable." = CACHE;
        A [1] "Checks the alignment of data accesses." = OFF_ON;
        M [0] "The MMU: stage 1 translation of the EL3 regime." = OFF_ON;
    }
}

layout! {
    sctlr2_el1: "SCTLR2_EL1"; 64 => {
        _ [63:13] RES0;
        CPTM0 [12] "Checked pointer arithmetic, multiplication, at EL0 (FEAT_CPA2).";
        CPTM [11] "Checked pointer arithmetic, multiplication, at EL1 (FEAT_CPA2).";
        CPTA0 [10] "Checked pointer arithmetic, addition, at EL0 (FEAT_CPA2).";
        CPTA [9] "Checked pointer arithmetic, addition, at EL1 (FEAT_CPA2).";
        EnPACM0 [8] "Lets PACM take effect at EL0 (FEAT_PAuth_LR).";
        EnPACM [7] "Lets PACM take effect at EL1 (FEAT_PAuth_LR).";
        EnIDCP128 [6] "Lets EL0 use IMPLEMENTATION DEFINED 128-bit registers.";
        EASE [5] "Takes synchronous external aborts to the SError vector (FEAT_DoubleFault2).";
        EnANERR [4] "Errors of reads from Normal memory may be asynchronous (FEAT_ANERR).";
        EnADERR [3] "Errors of reads from Device memory may be asynchronous (FEAT_ADERR).";
        NMEA [2] "Takes SError exceptions at EL1 although masked (FEAT_DoubleFault2).";
        _ [1:0] RES0;
    }
}

layout! {
    sctlr2_el2: "SCTLR2_EL2"; 64 => {
        _ [63:13] RES0;
        CPTM0 [12] "Checked pointer arithmetic, multiplication, at EL0 (FEAT_CPA2).";
        CPTM [11] "Checked pointer arithmetic, multiplication, at EL2 (FEAT_CPA2).";
        CPTA0 [10] "Checked pointer arithmetic, addition, at EL0 (FEAT_CPA2).";
        CPTA [9] "Checked pointer arithmetic, addition, at EL2 (FEAT_CPA2).";
        EnPACM0 [8] "Lets PACM take effect at EL0 (FEAT_PAuth_LR).";
        EnPACM [7] "Lets PACM take effect at EL2 (FEAT_PAuth_LR).";
        EnIDCP128 [6] "Lets EL0 use IMPLEMENTATION DEFINED 128-bit registers.";
        EASE [5] "Takes synchronous external aborts to the SError vector (FEAT_DoubleFault2).";
        EnANERR [4] "Errors of reads from Normal memory may be asynchronous (FEAT_ANERR).";
        EnADERR [3] "Errors of reads from Device memory may be asynchronous (FEAT_ADERR).";
        NMEA [2] "Takes SError exceptions at EL2 although masked (FEAT_DoubleFault2).";
        EMEC [1] "Enables memory encryption contexts in the Realm EL2, EL2&0 and EL1&0 regimes (FEAT_MEC)." = OFF_ON;
        _ [0] RES0;
    }
}

layout! {
    sctlr2_el3: "SCTLR2_EL3"; 64 => {
        _ [63:12] RES0;
        CPTM [11] "Checked pointer arithmetic, multiplication (FEAT_CPA2).";
        _ [10] RES0;
        CPTA [9] "Checked pointer arithmetic, addition (FEAT_CPA2).";
        _ [8] RES0;
        EnPACM [7] "Lets PACM take effect at EL3 (FEAT_PAuth_LR).";
        _ [6:5] RES0;
        EnANERR [4] "Errors of reads from Normal memory may be asynchronous (FEAT_ANERR).";
        EnADERR [3] "Errors of reads from Device memory may be asynchronous (FEAT_ADERR).";
        _ [2] RES0;
        EMEC [1] "Enables memory encryption contexts for Realm memory that EL3 accesses (FEAT_MEC)." = OFF_ON;
        _ [0] RES0;
    }
}
