//! Fine-grained traps of instructions: one bit for each instruction that EL1 may have to ask EL2 for.

use super::layout;

const TRAP: &[(u64, &str)] = &[(0, "not trapped"), (1, "trapped to EL2")];

layout! {
    hfgitr_el2: "HFGITR_EL2"; 64 => {
        PSBCSYNC [63] "Traps PSB CSYNC from EL1 and EL0." = TRAP;
        ATS1E1A [62] "Traps AT S1E1A from EL1." = TRAP;
        _ [61] RES0;
        COSPRCTX [60] "Traps COSP RCTX from EL1 and EL0." = TRAP;
        nGCSEPP [59] "Traps exception-related guarded control stack instructions where 0.";
        nGCSSTR_EL1 [58] "Traps GCSSTR and GCSSTTR where 0.";
        nGCSPUSHM_EL1 [57] "Traps GCSPUSHM where 0.";
        nBRBIALL [56] "Traps BRB IALL where 0.";
        nBRBINJ [55] "Traps BRB INJ where 0.";
        DCCVAC [54] "Traps DC CVAC from EL1 and EL0." = TRAP;
        SVC_EL1 [53] "Traps SVC from EL1." = TRAP;
        SVC_EL0 [52] "Traps SVC from EL0." = TRAP;
        ERET [51] "Traps ERET and its authenticating variants from EL1." = TRAP;
        CPPRCTX [50] "Traps CPP RCTX from EL1 and EL0." = TRAP;
        DVPRCTX [49] "Traps DVP RCTX from EL1 and EL0." = TRAP;
        CFPRCTX [48] "Traps CFP RCTX from EL1 and EL0." = TRAP;
        TLBIVAALE1 [47] "Traps TLBI VAALE1 from EL1." = TRAP;
        TLBIVALE1 [46] "Traps TLBI VALE1 from EL1." = TRAP;
        TLBIVAAE1 [45] "Traps TLBI VAAE1 from EL1." = TRAP;
        TLBIASIDE1 [44] "Traps TLBI ASIDE1 from EL1." = TRAP;
        TLBIVAE1 [43] "Traps TLBI VAE1 from EL1." = TRAP;
        TLBIVMALLE1 [42] "Traps TLBI VMALLE1 from EL1." = TRAP;
        TLBIRVAALE1 [41] "Traps TLBI RVAALE1 from EL1." = TRAP;
        TLBIRVALE1 [40] "Traps TLBI RVALE1 from EL1." = TRAP;
        TLBIRVAAE1 [39] "Traps TLBI RVAAE1 from EL1." = TRAP;
        TLBIRVAE1 [38] "Traps TLBI RVAE1 from EL1." = TRAP;
        TLBIRVAALE1IS [37] "Traps TLBI RVAALE1IS from EL1." = TRAP;
        TLBIRVALE1IS [36] "Traps TLBI RVALE1IS from EL1." = TRAP;
        TLBIRVAAE1IS [35] "Traps TLBI RVAAE1IS from EL1." = TRAP;
        TLBIRVAE1IS [34] "Traps TLBI RVAE1IS from EL1." = TRAP;
        TLBIVAALE1IS [33] "Traps TLBI VAALE1IS from EL1." = TRAP;
        TLBIVALE1IS [32] "Traps TLBI VALE1IS from EL1." = TRAP;
        TLBIVAAE1IS [31] "Traps TLBI VAAE1IS from EL1." = TRAP;
        TLBIASIDE1IS [30] "Traps TLBI ASIDE1IS from EL1." = TRAP;
        TLBIVAE1IS [29] "Traps TLBI VAE1IS from EL1." = TRAP;
        TLBIVMALLE1IS [28] "Traps TLBI VMALLE1IS from EL1." = TRAP;
        TLBIRVAALE1OS [27] "Traps TLBI RVAALE1OS from EL1." = TRAP;
        TLBIRVALE1OS [26] "Traps TLBI RVALE1OS from EL1." = TRAP;
        TLBIRVAAE1OS [25] "Traps TLBI RVAAE1OS from EL1." = TRAP;
        TLBIRVAE1OS [24] "Traps TLBI RVAE1OS from EL1." = TRAP;
        TLBIVAALE1OS [23] "Traps TLBI VAALE1OS from EL1." = TRAP;
        TLBIVALE1OS [22] "Traps TLBI VALE1OS from EL1." = TRAP;
        TLBIVAAE1OS [21] "Traps TLBI VAAE1OS from EL1." = TRAP;
        TLBIASIDE1OS [20] "Traps TLBI ASIDE1OS from EL1." = TRAP;
        TLBIVAE1OS [19] "Traps TLBI VAE1OS from EL1." = TRAP;
        TLBIVMALLE1OS [18] "Traps TLBI VMALLE1OS from EL1." = TRAP;
        ATS1E1WP [17] "Traps AT S1E1WP from EL1." = TRAP;
        ATS1E1RP [16] "Traps AT S1E1RP from EL1." = TRAP;
        ATS1E0W [15] "Traps AT S1E0W from EL1." = TRAP;
        ATS1E0R [14] "Traps AT S1E0R from EL1." = TRAP;
        ATS1E1W [13] "Traps AT S1E1W from EL1." = TRAP;
        ATS1E1R [12] "Traps AT S1E1R from EL1." = TRAP;
        DCZVA [11] "Traps DC ZVA from EL1 and EL0." = TRAP;
        DCCIVAC [10] "Traps DC CIVAC from EL1 and EL0." = TRAP;
        DCCVADP [9] "Traps DC CVADP from EL1 and EL0." = TRAP;
        DCCVAP [8] "Traps DC CVAP from EL1 and EL0." = TRAP;
        DCCVAU [7] "Traps DC CVAU from EL1 and EL0." = TRAP;
        DCCISW [6] "Traps DC CISW from EL1." = TRAP;
        DCCSW [5] "Traps DC CSW from EL1." = TRAP;
        DCISW [4] "Traps DC ISW from EL1." = TRAP;
        DCIVAC [3] "Traps DC IVAC from EL1." = TRAP;
        ICIVAU [2] "Traps IC IVAU from EL1 and EL0." = TRAP;
        ICIALLU [1] "Traps IC IALLU from EL1." = TRAP;
        ICIALLUIS [0] "Traps IC IALLUIS from EL1." = TRAP;
    }
}
