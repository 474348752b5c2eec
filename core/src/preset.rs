//! From ID registers to what is implemented, and the ID registers of some real cores.

use crate::choice::{Choice, Choices};
use crate::feature::{Feature, Features};
use crate::layout::sysreg::{
    SysReg, id_aa64isar1_el1 as isar1, id_aa64isar2_el1 as isar2, id_aa64mmfr0_el1 as mmfr0, id_aa64mmfr2_el1 as mmfr2,
};

impl Features {
    /// What the ID registers announce. A register that is not known reads as 0, which announces the
    /// 4KB and 64KB granules alone.
    #[must_use]
    pub fn from_id_registers(read: &dyn Fn(SysReg) -> u64) -> Self {
        Feature::ALL.iter().fold(Self::NONE, |set, &feature| set.set(feature, is_announced(feature, read)))
    }
}

/// Whether the ID registers announce `feature`: most have a field of their own, some share.
fn is_announced(feature: Feature, read: &dyn Fn(SysReg) -> u64) -> bool {
    let granules = read(SysReg::IdAa64Mmfr0El1);
    // The 4KB and 64KB granules count from -1, so that 0 can mean implemented.
    let has = |field: crate::layout::Field| field.get(granules) < 8;
    match feature {
        Feature::Tgran4k => has(mmfr0::TGran4),
        Feature::Tgran16k => mmfr0::TGran16.is_set(granules),
        Feature::Tgran64k => has(mmfr0::TGran64),
        Feature::Lpa2 => {
            has(mmfr0::TGran4) && mmfr0::TGran4.is_set(granules)
                || mmfr0::TGran16.get(granules) >= 2
                || mmfr0::TGran4_2.get(granules) >= 3
                || mmfr0::TGran16_2.get(granules) >= 3
        }
        Feature::Pauth => {
            let (isar1_el1, isar2_el1) = (read(SysReg::IdAa64Isar1El1), read(SysReg::IdAa64Isar2El1));
            isar1::APA.is_set(isar1_el1) || isar1::API.is_set(isar1_el1) || isar2::APA3.is_set(isar2_el1)
        }
        _ => feature.id_field().is_some_and(|id| {
            let register = SysReg::from_name(id.register);
            register.is_some_and(|register| {
                let value = read(register);
                register.layout(0, false).field(id.field).is_some_and(|field| field.get(value) >= id.minimum)
            })
        }),
    }
}

/// The size of physical addresses that ID_AA64MMFR0_EL1 announces, in bits.
#[must_use]
pub const fn pa_bits_from_mmfr0(value: u64) -> u8 {
    match mmfr0::PARange.get(value) {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        6 => 52,
        _ => 56,
    }
}

impl Choices {
    /// The defaults, but with the level of block replacement that ID_AA64MMFR2_EL1 announces.
    #[must_use]
    pub fn from_id_registers(read: &dyn Fn(SysReg) -> u64) -> Self {
        let level = mmfr2::BBM.get(read(SysReg::IdAa64Mmfr2El1)).min(2);
        Self::DEFAULT.with(Choice::BbmLevel, level as u8)
    }
}

/// A core, by its ID registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name in scenario files and on the command line.
    pub name: &'static str,
    /// The core's name.
    pub title: &'static str,
    /// Where its values are from.
    pub source: &'static str,
    /// Its ID registers; those not listed are 0.
    pub registers: &'static [(SysReg, u64)],
}

/// The cores. What translation does not use, such as the interrupt controller's version, may differ in a real system.
static PRESETS: [Preset; 9] = [
    Preset {
        name: "everything",
        title: "Everything implemented",
        source: "No core: the values that announce every feature there is here, and 56-bit physical addresses.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x0010_0010_2000_1111),
            (SysReg::IdAa64Pfr1El1, 0x1011_1000_0000_0300),
            (SysReg::IdAa64Pfr2El1, 0x0000_0000_0000_0001),
            (SysReg::IdAa64Isar1El1, 0x1100_0000_0000_0010),
            (SysReg::IdAa64Isar2El1, 0x1000_0011_0000_0000),
            (SysReg::IdAa64Mmfr0El1, 0x0100_0323_1020_1127),
            (SysReg::IdAa64Mmfr1El1, 0x0000_0100_1030_2123),
            (SysReg::IdAa64Mmfr2El1, 0x1020_0100_1202_0011),
            (SysReg::IdAa64Mmfr3El1, 0x0000_0011_1111_1111),
        ],
    },
    Preset {
        name: "cortex-a53",
        title: "Cortex-A53 (Armv8.0)",
        source: "Equal to QEMU's model of the core.",
        registers: &[(SysReg::IdAa64Pfr0El1, 0x2222), (SysReg::IdAa64Mmfr0El1, 0x1122)],
    },
    Preset {
        name: "cortex-a72",
        title: "Cortex-A72 (Armv8.0)",
        source: "Read from a core; equal to QEMU's model of it.",
        registers: &[(SysReg::IdAa64Pfr0El1, 0x2222), (SysReg::IdAa64Mmfr0El1, 0x1124)],
    },
    Preset {
        name: "cortex-a76",
        title: "Cortex-A76 (Armv8.2)",
        source: "Equal to QEMU's model of the core, whose source follows the Technical Reference Manual.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1100_0000_1011_1112),
            (SysReg::IdAa64Pfr1El1, 0x0000_0000_0000_0010),
            (SysReg::IdAa64Isar1El1, 0x0000_0000_0010_0001),
            (SysReg::IdAa64Mmfr0El1, 0x0000_0000_0010_1122),
            (SysReg::IdAa64Mmfr1El1, 0x0000_0000_1021_2122),
            (SysReg::IdAa64Mmfr2El1, 0x0000_0000_0000_1011),
        ],
    },
    Preset {
        name: "neoverse-n1",
        title: "Neoverse N1 (Armv8.2)",
        source: "Equal to QEMU's model of the core, whose source follows the Technical Reference Manual; a core of \
                 revision r3p1 differs only in IESB and EVT.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1100_0000_1011_1112),
            (SysReg::IdAa64Pfr1El1, 0x0000_0000_0000_0020),
            (SysReg::IdAa64Isar1El1, 0x0000_0000_0010_0001),
            (SysReg::IdAa64Mmfr0El1, 0x0000_0000_0010_1125),
            (SysReg::IdAa64Mmfr1El1, 0x0000_0000_1021_2122),
            (SysReg::IdAa64Mmfr2El1, 0x0000_0000_0000_1011),
        ],
    },
    Preset {
        name: "neoverse-v1",
        title: "Neoverse V1 (Armv8.4)",
        source: "Read from a core (AWS Graviton3), but for the interrupt controller; QEMU's model differs only in \
                 BF16.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1101_1101_2011_1112),
            (SysReg::IdAa64Pfr1El1, 0x0000_0000_0000_0020),
            (SysReg::IdAa64Isar1El1, 0x0011_1000_0121_1032),
            (SysReg::IdAa64Mmfr0El1, 0x0000_0000_0010_1125),
            (SysReg::IdAa64Mmfr1El1, 0x0000_0000_1021_2122),
            (SysReg::IdAa64Mmfr2El1, 0x0220_0111_0210_1011),
        ],
    },
    Preset {
        name: "neoverse-v2",
        title: "Neoverse V2 (Armv9.0)",
        source: "Checked against no core and no model; equal to QEMU's Neoverse N2 but for PAN3 and the lack of \
                 AArch32.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1201_1111_2011_1111),
            (SysReg::IdAa64Pfr1El1, 0x0000_0000_0000_0221),
            (SysReg::IdAa64Isar1El1, 0x0011_1111_0121_1052),
            (SysReg::IdAa64Mmfr0El1, 0x0000_0222_0010_1125),
            (SysReg::IdAa64Mmfr1El1, 0x0000_0000_1031_2122),
            (SysReg::IdAa64Mmfr2El1, 0x1221_0111_1210_1011),
        ],
    },
    Preset {
        name: "cortex-x925",
        title: "Cortex-X925 (Armv9.2)",
        source: "Read from a core (NVIDIA GB10), but for the interrupt controller; what is known of a second one, in a \
                 phone, agrees but for AMU and SVE. Without tag storage.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1201_1111_2011_1111),
            (SysReg::IdAa64Pfr1El1, 0x0000_0000_0001_0121),
            (SysReg::IdAa64Isar1El1, 0x0111_1111_0021_1002),
            (SysReg::IdAa64Isar2El1, 0x0000_0000_0100_5102),
            (SysReg::IdAa64Mmfr0El1, 0x2100_0222_0010_1122),
            (SysReg::IdAa64Mmfr1El1, 0x1001_1110_1031_2122),
            (SysReg::IdAa64Mmfr2El1, 0x1221_0111_1010_1011),
        ],
    },
    Preset {
        name: "qemu-max",
        title: "QEMU 11.1's `-cpu max,pauth=off`",
        source: "Captured from QEMU 11.1.3, but for ID_AA64PFR0_EL1, which is from its source; without tag storage, \
                 RME and SME.",
        registers: &[
            (SysReg::IdAa64Pfr0El1, 0x1301_0011_2011_2222),
            (SysReg::IdAa64Pfr1El1, 0x0010_1010_1200_0121),
            (SysReg::IdAa64Pfr2El1, 0x0000_0001_0000_0111),
            (SysReg::IdAa64Isar1El1, 0x0111_2111_0021_1002),
            (SysReg::IdAa64Isar2El1, 0x1120_0000_0011_0012),
            (SysReg::IdAa64Mmfr0El1, 0x2100_0323_1020_1126),
            (SysReg::IdAa64Mmfr1El1, 0x0110_1120_1031_2122),
            (SysReg::IdAa64Mmfr2El1, 0x1221_0111_1201_1011),
            (SysReg::IdAa64Mmfr3El1, 0x1000_0000_1100_1111),
        ],
    },
];

impl Preset {
    /// Every preset, the one with everything first.
    pub const ALL: &'static [Self] = &PRESETS;

    /// The preset called `name`, for example `neoverse-v1`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|preset| preset.name == name)
    }

    /// The value of an ID register.
    #[must_use]
    pub fn read(&self, register: SysReg) -> u64 {
        self.registers.iter().find(|(listed, _)| *listed == register).map_or(0, |(_, value)| *value)
    }

    /// What the core implements: what it announces, less what cannot be implemented without something that it does
    /// not announce. No real core has such; emulators do.
    #[must_use]
    pub fn features(&self) -> Features {
        self.announced().closed()
    }

    /// What its ID registers say.
    fn announced(&self) -> Features {
        Features::from_id_registers(&|register| self.read(register))
    }

    /// The core's choices, as far as its ID registers announce them.
    #[must_use]
    pub fn choices(&self) -> Choices {
        Choices::from_id_registers(&|register| self.read(register))
    }

    /// The size of the core's physical addresses, in bits.
    #[must_use]
    pub fn pa_bits(&self) -> u8 {
        pa_bits_from_mmfr0(self.read(SysReg::IdAa64Mmfr0El1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The features of a machine whose registers are `registers`.
    fn names(registers: &[(SysReg, u64)]) -> Vec<&'static str> {
        let preset = Preset { name: "", title: "", source: "", registers: &[] };
        let read = |register| registers.iter().find(|(listed, _)| *listed == register).map_or(0, |(_, value)| *value);
        assert_eq!(preset.features(), Features::NONE.with(Feature::Tgran4k).with(Feature::Tgran64k));
        Features::from_id_registers(&read).iter().map(Feature::name).collect()
    }

    #[test]
    fn every_id_field_exists() {
        for &feature in Feature::ALL {
            if let Some(id) = feature.id_field() {
                let register = SysReg::from_name(id.register);
                let field = register.and_then(|register| register.layout(0, false).field(id.field));
                assert!(field.is_some_and(|field| field.set(0, id.minimum) != 0), "{}", feature.name());
            }
        }
    }

    #[test]
    fn presets_are_possible_machines() {
        for preset in Preset::ALL {
            assert_eq!(preset.features().check(), Ok(()), "{}", preset.name);
            assert_eq!(Preset::from_name(preset.name), Some(preset));
            let all_id = preset.registers.iter().all(|(register, _)| register.name().starts_with("ID_"));
            assert!(all_id, "{}", preset.name);
        }
        assert_eq!(Preset::from_name("cortex-a0"), None);
    }

    #[test]
    fn cores_announce_no_more_than_can_be() {
        for preset in Preset::ALL.iter().filter(|preset| preset.name != "qemu-max") {
            assert_eq!(preset.announced(), preset.features(), "{}", preset.name);
        }
        let max = Preset::from_name("qemu-max").expect("a preset");
        let unreal: Vec<_> = max.announced().minus(max.features()).iter().map(Feature::name).collect();
        assert_eq!(unreal, ["FEAT_MEC", "FEAT_MTE4", "FEAT_MTE_CANONICAL_TAGS", "FEAT_MTE_PERM"]);
    }

    /// A version of the architecture makes features mandatory: each core has those of its version, and what the table
    /// says of it besides.
    #[test]
    fn cores_are_of_their_version() {
        use Feature::*;
        const V8_0: &[Feature] = &[El2, El3, Tgran4k, Tgran64k];
        const V8_2: &[Feature] = &[Vhe, Hpds, Pan, Pan2, Xnx, Ras];
        const V8_4: &[Feature] = &[Pauth, S2fwb];
        const V8_5: &[Feature] = &[Ttst, Sel2, E0pd, Gtg];
        const V8_7: &[Feature] = &[Fgt, Hcx, Pan3, Xs];
        type Versions = &'static [&'static [Feature]];
        let cores: [(&str, u8, Versions, &[Feature]); 8] = [
            ("cortex-a53", 40, &[V8_0], &[]),
            ("cortex-a72", 44, &[V8_0], &[]),
            ("cortex-a76", 40, &[V8_0, V8_2], &[Tgran16k, Hafdbs]),
            ("neoverse-n1", 48, &[V8_0, V8_2], &[Tgran16k, Hafdbs]),
            ("neoverse-v1", 48, &[V8_0, V8_2, V8_4], &[Tgran16k, Hafdbs, Nv, Nv2, Bbm]),
            ("neoverse-v2", 48, &[V8_0, V8_2, V8_4, V8_5], &[Tgran16k, Hafdbs, Nv, Nv2, Bbm, Pan3, Mte2]),
            ("cortex-x925", 40, &[V8_0, V8_2, V8_4, V8_5, V8_7], &[Tgran16k, Hafdbs, Bbm]),
            (
                "qemu-max",
                52,
                &[V8_0, V8_2, V8_5, V8_7],
                &[Tgran16k, Hafdbs, Nv, Nv2, Bbm, Lpa, Lpa2, Lva, Tcr2, Sctlr2, S1pie, S2pie, Gcs, Aie, S2fwb, Ats1a],
            ),
        ];
        for (name, pa_bits, versions, besides) in cores {
            let preset = Preset::from_name(name).expect(name);
            let expected = versions.iter().copied().flatten().chain(besides);
            let expected = expected.fold(Features::NONE, |set, &feature| set.with(feature));
            let names = |set: Features| set.iter().map(Feature::name).collect::<Vec<_>>();
            assert_eq!(names(preset.features()), names(expected), "{name}");
            assert_eq!(preset.pa_bits(), pa_bits, "{name}");
        }
        assert_eq!(Preset::ALL.len(), cores.len() + 1, "and everything");
    }

    #[test]
    fn everything_is_everything() {
        let everything = &Preset::ALL[0];
        assert_eq!(everything.features(), Features::ALL);
        assert_eq!(everything.choices(), Choices::DEFAULT);
        assert_eq!(everything.pa_bits(), 56);
    }

    #[test]
    fn armv8_0_has_no_16kb_granule_and_44_bits() {
        let a72 = [SysReg::IdAa64Mmfr0El1].map(|register| (register, 0x1124));
        assert_eq!(names(&a72), ["FEAT_TGran4K", "FEAT_TGran64K"]);
        assert_eq!(pa_bits_from_mmfr0(0x1124), 44);
        let preset = Preset::from_name("cortex-a72").map(|preset| preset.features().without(Feature::El2));
        assert_eq!(
            preset.map(|set| set.iter().map(Feature::name).collect()),
            Some(["FEAT_EL3", "FEAT_TGran4K", "FEAT_TGran64K"].to_vec())
        );
    }

    #[test]
    fn a_neoverse_v1_without_el2_and_el3() {
        let registers = [
            (SysReg::IdAa64Mmfr0El1, 0x0010_1125),
            (SysReg::IdAa64Mmfr1El1, 0x1021_2122),
            (SysReg::IdAa64Mmfr2El1, 0x0220_0111_0210_1011),
        ];
        let expected = [
            "FEAT_VHE",
            "FEAT_NV",
            "FEAT_NV2",
            "FEAT_TGran4K",
            "FEAT_TGran16K",
            "FEAT_TGran64K",
            "FEAT_HPDS",
            "FEAT_HAFDBS",
            "FEAT_BBM",
            "FEAT_PAN",
            "FEAT_PAN2",
            "FEAT_XNX",
            "FEAT_S2FWB",
        ];
        assert_eq!(names(&registers), expected);
        assert_eq!(pa_bits_from_mmfr0(0x0010_1125), 48);
    }

    #[test]
    fn an_emulated_core_with_nearly_everything() {
        let registers = [
            (SysReg::IdAa64Pfr1El1, 0x0010_1010_1200_0121),
            (SysReg::IdAa64Pfr2El1, 0x0000_0001_0000_0111),
            (SysReg::IdAa64Isar1El1, 0x0111_2111_0021_1002),
            (SysReg::IdAa64Isar2El1, 0x1120_0000_0011_0012),
            (SysReg::IdAa64Mmfr0El1, 0x2100_0323_1020_1126),
            (SysReg::IdAa64Mmfr1El1, 0x0110_1120_1031_2122),
            (SysReg::IdAa64Mmfr2El1, 0x1221_0111_1201_1011),
            (SysReg::IdAa64Mmfr3El1, 0x1000_0000_1100_1111),
        ];
        let names = names(&registers);
        for present in
            ["FEAT_LPA2", "FEAT_LVA", "FEAT_TTST", "FEAT_S1PIE", "FEAT_S2PIE", "FEAT_AIE", "FEAT_XS", "FEAT_ATS1A"]
        {
            assert!(names.contains(&present), "{present}");
        }
        for absent in ["FEAT_PAuth", "FEAT_D128", "FEAT_LVA3", "FEAT_S1POE", "FEAT_HAFT", "FEAT_THE", "FEAT_EL3"] {
            assert!(!names.contains(&absent), "{absent}");
        }
    }
}
