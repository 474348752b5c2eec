//! Memory encryption contexts: which keys Realm memory is encrypted with (`FEAT_MEC`).

use super::layout;

layout! {
    mecid_p0_el2: "MECID_P0_EL2", mecid_a0_el2: "MECID_A0_EL2", mecid_p1_el2: "MECID_P1_EL2",
    mecid_a1_el2: "MECID_A1_EL2", vmecid_p_el2: "VMECID_P_EL2", vmecid_a_el2: "VMECID_A_EL2",
    mecid_rl_a_el3: "MECID_RL_A_EL3"; 64 => {
        _ [63:16] RES0;
        MECID [15:0] "Memory encryption context identifier (FEAT_MEC).";
    }
}
