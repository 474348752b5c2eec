//! The architectural features that change address translation: what each adds, what it needs, and the ID-register field
//! that announces it.
//!
//! What a feature needs is what the Arm Architecture Reference Manual (DDI 0487 M.a, sections A2.2 and A2.3) says of
//! it, as far as both features are in the table. What a version of the architecture makes mandatory is not here: a
//! machine without it is an older one, or not compliant, but not impossible. Nor is what the manual only recommends,
//! such as FEAT_HAFDBS with FEAT_RME, which the pseudocode asserts.

use core::fmt;

/// Where software reads that a feature is implemented: a field of an ID register and the least value that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdField {
    /// The register, for example `ID_AA64MMFR1_EL1`.
    pub register: &'static str,
    /// The field, for example `HAFDBS`.
    pub field: &'static str,
    /// The smallest value with which the feature is implemented.
    pub minimum: u64,
}

macro_rules! features {
    ($($variant:ident $name:literal $meaning:literal
       $(needs $($needed:ident),+)? $(with_el2 $with_el2:ident)?
       $(by $register:ident . $field:ident >= $minimum:literal)? ;)+) => {
        /// A feature, by the manual's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Feature {
            $(#[doc = concat!("`", $name, "`: ", $meaning)] $variant,)+
        }

        impl Feature {
            /// Every feature, in table order: the order of the discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The manual's name, for example `FEAT_LPA2`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What the feature adds, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// The features it cannot be implemented without.
            #[must_use]
            pub const fn requires(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$($(Self::$needed),+)?]),+ }
            }

            /// What it cannot be implemented without where EL2 is implemented.
            #[must_use]
            pub const fn requires_with_el2(self) -> Option<Self> {
                match self { $(Self::$variant => features!(@with_el2 $($with_el2)?)),+ }
            }

            /// The ID-register field that announces it, where a single field does.
            #[must_use]
            pub const fn id_field(self) -> Option<IdField> {
                match self { $(Self::$variant => features!(@id $($register $field $minimum)?)),+ }
            }
        }
    };
    (@with_el2) => { None };
    (@with_el2 $needed:ident) => { Some(Self::$needed) };
    (@id) => { None };
    (@id $register:ident $field:ident $minimum:literal) => {
        Some(IdField { register: stringify!($register), field: stringify!($field), minimum: $minimum })
    };
}

features! {
    // Exception levels; EL1 and EL0 are always there.
    El2 "FEAT_EL2" "EL2: the hypervisor's level, and with it stage 2." by ID_AA64PFR0_EL1.EL2 >= 1;
    El3 "FEAT_EL3" "EL3: the level that switches between Security states." by ID_AA64PFR0_EL1.EL3 >= 1;
    Vhe "FEAT_VHE" "EL2 can host an operating system: the EL2&0 regime." needs El2 by ID_AA64MMFR1_EL1.VH >= 1;
    Nv "FEAT_NV" "A guest hypervisor can run at EL1 and believe that it is at EL2."
        needs El2 by ID_AA64MMFR2_EL1.NV >= 1;
    Nv2 "FEAT_NV2" "A guest hypervisor's register accesses become memory accesses."
        needs Nv by ID_AA64MMFR2_EL1.NV >= 2;
    Sel2 "FEAT_SEL2" "Secure state has an EL2." needs El2, Ttst by ID_AA64PFR0_EL1.SEL2 >= 1;
    Rme "FEAT_RME" "Realm and Root states, and granule protection." needs El2, El3 by ID_AA64PFR0_EL1.RME >= 1;
    Mec "FEAT_MEC" "Realm memory is encrypted in contexts of its own."
        needs Rme, Tcr2, Sctlr2 by ID_AA64MMFR3_EL1.MEC >= 1;

    // Sizes and granules.
    Tgran4k "FEAT_TGran4K" "The 4KB granule.";
    Tgran16k "FEAT_TGran16K" "The 16KB granule.";
    Tgran64k "FEAT_TGran64K" "The 64KB granule.";
    Gtg "FEAT_GTG" "Stage 2 announces its granules apart from stage 1." by ID_AA64MMFR0_EL1.TGran4_2 >= 1;
    Lpa "FEAT_LPA" "52-bit physical addresses, with the 64KB granule." by ID_AA64MMFR0_EL1.PARange >= 6;
    Lpa2 "FEAT_LPA2" "52-bit addresses with the 4KB and 16KB granules: the DS bits." needs Lva;
    Lva "FEAT_LVA" "52-bit virtual addresses, with the 64KB granule." by ID_AA64MMFR2_EL1.VARange >= 1;
    Lva3 "FEAT_LVA3" "56-bit virtual addresses, with 128-bit descriptors."
        needs Lva, D128 by ID_AA64MMFR2_EL1.VARange >= 2;
    Ttst "FEAT_TTST" "Smaller address ranges: TxSZ up to 48." by ID_AA64MMFR2_EL1.ST >= 1;
    D128 "FEAT_D128" "128-bit descriptors."
        needs Tcr2, S1pie, Aie, Sysreg128 with_el2 S2pie by ID_AA64MMFR3_EL1.D128 >= 1;
    Sysreg128 "FEAT_SYSREG128" "128-bit system registers: TTBRs and PAR_EL1."
        needs D128, Sctlr2 by ID_AA64ISAR2_EL1.SYSREG_128 >= 1;

    // The table format.
    Hpds "FEAT_HPDS" "The permission bits of tables can be disabled." by ID_AA64MMFR1_EL1.HPDS >= 1;
    Hafdbs "FEAT_HAFDBS" "Hardware updates the access flag and the dirty state." by ID_AA64MMFR1_EL1.HAFDBS >= 1;
    Haft "FEAT_HAFT" "Hardware updates the access flag of tables." needs Hafdbs, Tcr2 by ID_AA64MMFR1_EL1.HAFDBS >= 3;
    Bbm "FEAT_BBM" "A block may be replaced without breaking it first: the nT bit." by ID_AA64MMFR2_EL1.BBM >= 1;
    The "FEAT_THE" "Translation hardening: Protected, AssuredOnly and TopLevel."
        needs Tcr2 with_el2 S2pie by ID_AA64PFR1_EL1.THE >= 1;
    Tcr2 "FEAT_TCR2" "TCR2_ELx, which enable the newer formats." with_el2 Hcx by ID_AA64MMFR3_EL1.TCRX >= 1;
    Sctlr2 "FEAT_SCTLR2" "SCTLR2_ELx." with_el2 Hcx by ID_AA64MMFR3_EL1.SCTLRX >= 1;

    // Permissions.
    Pan "FEAT_PAN" "Privileged Access Never: PSTATE.PAN." by ID_AA64MMFR1_EL1.PAN >= 1;
    Pan2 "FEAT_PAN2" "AT S1E1RP and AT S1E1WP, which heed PSTATE.PAN." needs Pan by ID_AA64MMFR1_EL1.PAN >= 2;
    Pan3 "FEAT_PAN3" "PAN also protects what EL0 can only execute: the EPAN bits."
        needs Pan2 by ID_AA64MMFR1_EL1.PAN >= 3;
    E0pd "FEAT_E0PD" "EL0 can be kept from half of the address space without a walk." by ID_AA64MMFR2_EL1.E0PD >= 1;
    Xnx "FEAT_XNX" "Stage 2 execute-never for EL1 and EL0 separately." by ID_AA64MMFR1_EL1.XNX >= 1;
    S1pie "FEAT_S1PIE" "Indirect permissions at stage 1." needs Tcr2, Ats1a by ID_AA64MMFR3_EL1.S1PIE >= 1;
    S1poe "FEAT_S1POE" "Permission overlays at stage 1." needs Tcr2, Ats1a, Hpds by ID_AA64MMFR3_EL1.S1POE >= 1;
    S2pie "FEAT_S2PIE" "Indirect permissions at stage 2." needs El2 by ID_AA64MMFR3_EL1.S2PIE >= 1;
    S2poe "FEAT_S2POE" "Permission overlays at stage 2." needs El2, S2pie by ID_AA64MMFR3_EL1.S2POE >= 1;
    Gcs "FEAT_GCS" "Guarded control stacks, which only their own instructions write."
        needs S1pie by ID_AA64PFR1_EL1.GCS >= 1;

    // Memory attributes and tags.
    Aie "FEAT_AIE" "Sixteen memory attributes: MAIR2_ELx." needs Tcr2, Hpds by ID_AA64MMFR3_EL1.AIE >= 1;
    S2fwb "FEAT_S2FWB" "Stage 2 memory types can override those of stage 1." by ID_AA64MMFR2_EL1.FWB >= 1;
    Xs "FEAT_XS" "The XS attribute: memory whose accesses may take long." by ID_AA64ISAR1_EL1.XS >= 1;
    Mte2 "FEAT_MTE2" "Memory tagging with tag storage." by ID_AA64PFR1_EL1.MTE >= 2;
    Mte4 "FEAT_MTE4" "Memory tagging without address tags: the MTX bits."
        needs Mte2, MteCanonicalTags, MtePerm by ID_AA64PFR1_EL1.MTEX >= 1;
    MteCanonicalTags "FEAT_MTE_CANONICAL_TAGS" "Checks of canonical tags." needs Mte4 by ID_AA64PFR1_EL1.MTEX >= 1;
    MtePerm "FEAT_MTE_PERM" "The NoTagAccess attribute at stage 2." needs Mte2 by ID_AA64PFR2_EL1.MTEPERM >= 1;
    Pauth "FEAT_PAuth" "Pointer authentication, and with it the TBID bits.";

    // Instructions, traps and reporting.
    Ats1a "FEAT_ATS1A" "AT S1E1A, S1E2A and S1E3A: translation without a permission check."
        by ID_AA64ISAR2_EL1.ATS1A >= 1;
    Ls64 "FEAT_LS64" "64-byte accesses, which the syndrome of a Data Abort describes." by ID_AA64ISAR1_EL1.LS64 >= 1;
    Fgt "FEAT_FGT" "Fine-grained traps to EL2." by ID_AA64MMFR0_EL1.FGT >= 1;
    Hcx "FEAT_HCX" "HCRX_EL2." needs El2 by ID_AA64MMFR1_EL1.HCX >= 1;
    Ras "FEAT_RAS" "Reliability, availability, serviceability: the EA routing of errors." by ID_AA64PFR0_EL1.RAS >= 1;
    Pfar "FEAT_PFAR" "Physical fault address registers." by ID_AA64PFR1_EL1.PFAR >= 1;
}

impl Feature {
    /// The feature called `name`, for example `FEAT_PAuth`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.name() == name)
    }
}

/// A set of implemented features; by default all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Features(u64);

impl Default for Features {
    fn default() -> Self {
        Self::ALL
    }
}

impl Features {
    /// Everything implemented.
    pub const ALL: Self = Self((1 << Feature::ALL.len()) - 1);
    /// Nothing implemented: Armv8.0 without EL2 and EL3.
    pub const NONE: Self = Self(0);

    /// Whether `feature` is implemented.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 >> feature as u8 & 1 == 1
    }

    /// This set and `feature`.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u8)
    }

    /// This set less `feature`.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u8))
    }

    /// This set with `feature` in it or not.
    #[must_use]
    pub const fn set(self, feature: Feature, implemented: bool) -> Self {
        if implemented { self.with(feature) } else { self.without(feature) }
    }

    /// The set of the features named.
    ///
    /// # Errors
    /// The first name that is not a feature's.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        names.into_iter().try_fold(Self::NONE, |set, name| Ok(set.with(Feature::from_name(name).ok_or(name)?)))
    }

    /// The features in the set, in table order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |&feature| self.has(feature))
    }

    /// This set less `others`.
    #[must_use]
    pub const fn minus(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// This set less the features that lack, directly or indirectly, something that they require.
    #[must_use]
    pub fn closed(self) -> Self {
        let mut set = self;
        while let Err(FeatureError { feature, .. }) = set.check() {
            set = set.without(feature);
        }
        set
    }

    /// This set and all that its features require, directly or indirectly.
    #[must_use]
    pub fn completed(self) -> Self {
        let mut set = self;
        while let Err(FeatureError { missing, .. }) = set.check() {
            set = set.with(missing);
        }
        set
    }

    /// Whether every feature in the set has what it requires.
    ///
    /// # Errors
    /// The first feature in table order that lacks one.
    pub fn check(self) -> Result<(), FeatureError> {
        for feature in self.iter() {
            let with_el2 = feature.requires_with_el2().filter(|_| self.has(Feature::El2));
            let mut required = feature.requires().iter().copied().chain(with_el2);
            if let Some(missing) = required.find(|&needed| !self.has(needed)) {
                return Err(FeatureError { feature, missing });
            }
        }
        Ok(())
    }
}

/// A feature without one that it requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureError {
    /// The feature that is implemented.
    pub feature: Feature,
    /// The feature that is not.
    pub missing: Feature,
}

impl fmt::Display for FeatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_el2 = if self.feature.requires().contains(&self.missing) { "" } else { " where EL2 is implemented" };
        let (feature, missing) = (self.feature.name(), self.missing.name());
        write!(f, "{feature} requires {missing}{with_el2}, and {missing} is not implemented")
    }
}

impl core::error::Error for FeatureError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn features_are_found_by_name() {
        for (position, &feature) in Feature::ALL.iter().enumerate() {
            assert_eq!(feature as usize, position);
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
            assert!(feature.name().starts_with("FEAT_") && !feature.meaning().is_empty());
        }
        assert_eq!(Feature::from_name("FEAT_NOTHING"), None);
        assert_eq!(Features::from_names(["FEAT_LPA2", "FEAT_PAuth"]).map(|set| set.iter().count()), Ok(2));
        assert_eq!(Features::from_names(["FEAT_LPA2", "FEAT_PAUTH"]), Err("FEAT_PAUTH"));
    }

    #[test]
    fn sets_hold_what_is_put_in() {
        assert_eq!(Features::default(), Features::ALL);
        assert_eq!(Features::ALL.iter().count(), Feature::ALL.len());
        assert_eq!(Features::NONE.iter().count(), 0);
        for &feature in Feature::ALL {
            let single = Features::NONE.with(feature);
            assert!(single.has(feature) && single.iter().eq([feature]));
            assert_eq!(single.without(feature), Features::NONE);
            assert_eq!(Features::ALL.set(feature, false), Features::ALL.without(feature));
            assert!(!Features::ALL.without(feature).has(feature));
        }
    }

    #[test]
    fn a_missing_requirement_is_named() {
        assert_eq!(Features::ALL.check(), Ok(()));
        assert_eq!(Features::NONE.check(), Ok(()));
        let error = FeatureError { feature: Feature::Pan2, missing: Feature::Pan };
        assert_eq!(Features::NONE.with(Feature::Pan2).check(), Err(error));
        assert_eq!(error.to_string(), "FEAT_PAN2 requires FEAT_PAN, and FEAT_PAN is not implemented");
        for &feature in Feature::ALL {
            for needed in feature.requires().iter().copied().chain(feature.requires_with_el2()) {
                assert_ne!(needed, feature);
                let error = Features::ALL.without(needed).check().map_err(|error| error.missing);
                assert_eq!(error, Err(needed));
            }
        }
    }

    #[test]
    fn some_requirements_hold_only_with_el2() {
        let el1 = Features::NONE.with(Feature::Tcr2);
        assert_eq!(el1.check(), Ok(()));
        let error = FeatureError { feature: Feature::Tcr2, missing: Feature::Hcx };
        assert_eq!(el1.with(Feature::El2).check(), Err(error));
        assert!(error.to_string().starts_with("FEAT_TCR2 requires FEAT_HCX where EL2 is implemented, and"), "{error}");
    }

    #[test]
    fn closing_removes_what_cannot_be() {
        let set = Features::ALL.without(Feature::Tcr2).closed();
        assert_eq!(set.check(), Ok(()));
        assert!(!set.has(Feature::Lva3) && !set.has(Feature::D128) && !set.has(Feature::S1pie));
        assert!(set.has(Feature::Lva) && set.has(Feature::S2pie));
        assert_eq!(set.closed(), set);
    }

    #[test]
    fn completing_adds_what_is_missing() {
        let set = Features::NONE.with(Feature::Lva3).completed();
        assert_eq!(set.check(), Ok(()));
        assert!(set.has(Feature::D128) && set.has(Feature::S1pie) && set.has(Feature::Ats1a));
        assert!(!set.has(Feature::El2) && !set.has(Feature::S2pie));
        assert!(set.with(Feature::El2).completed().has(Feature::S2pie));
        let added: alloc::vec::Vec<_> = set.minus(Features::NONE.with(Feature::Lva3)).iter().collect();
        assert!(!added.contains(&Feature::Lva3) && added.contains(&Feature::Lva));
    }

    #[test]
    fn two_pairs_come_together() {
        let needs = |feature| Features::NONE.with(feature).completed();
        let mut pairs = alloc::vec::Vec::new();
        for &one in Feature::ALL {
            let later = Feature::ALL.iter().filter(|&&other| other > one);
            pairs.extend(
                later.filter(|&&other| needs(one).has(other) && needs(other).has(one)).map(|&other| (one, other)),
            );
        }
        let together = [(Feature::D128, Feature::Sysreg128), (Feature::Mte4, Feature::MteCanonicalTags)];
        assert_eq!(pairs, together);
    }
}
