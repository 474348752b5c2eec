//! Points where the architecture leaves the behaviour to the implementation (IMPLEMENTATION DEFINED) or allows several
//! (CONSTRAINED UNPREDICTABLE): each is a row here, with its alternatives and the one taken unless another is chosen.

use core::fmt;

/// How the architecture words the freedom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freedom {
    /// The implementation decides, and documents it.
    ImplementationDefined,
    /// Reserved or inconsistent programming: one of a limited list happens.
    ConstrainedUnpredictable,
}

macro_rules! choices {
    ($($variant:ident $name:literal [$($alternative:literal),+] $default:literal $freedom:ident $source:literal
       $meaning:literal;)+) => {
        /// A point of freedom.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Choice {
            $(#[doc = $meaning] $variant,)+
        }

        impl Choice {
            /// Every choice, in table order: the order of the discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in scenario files, for example `block_nt_faults`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The allowed values as text; a value's position in the list is its number.
            #[must_use]
            pub const fn alternatives(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alternative),+]),+ }
            }

            /// The value taken unless another is chosen, as a position in [`Choice::alternatives`].
            #[must_use]
            pub const fn default_value(self) -> u8 {
                match self { $(Self::$variant => $default),+ }
            }

            /// What is decided, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// How the architecture words the freedom.
            #[must_use]
            pub const fn freedom(self) -> Freedom {
                match self { $(Self::$variant => Freedom::$freedom),+ }
            }

            /// The function of Arm's pseudocode in which the choice is made.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source),+ }
            }
        }
    };
}

choices! {
    TxszAboveMaxFaults "txsz_above_max_faults" ["false", "true"] 0 ImplementationDefined "AArch64_S1TxSZFaults"
        "Whether a TxSZ above the maximum is a Translation fault; otherwise the maximum is used.";
    TxszBelowMinFaults "txsz_below_min_faults" ["false", "true"] 0 ImplementationDefined "AArch64_S1TxSZFaults"
        "Whether a TxSZ below the minimum is a Translation fault without FEAT_LVA; otherwise the minimum is used.";
    ContiguousMisprogrammedFaults "contiguous_misprogrammed_faults" ["false", "true"] 0 ConstrainedUnpredictable
        "AArch64_ContiguousBitFaults"
        "Whether a Contiguous bit whose run is larger than the address range is a Translation fault.";
    BlockNtFaults "block_nt_faults" ["false", "true"] 1 ImplementationDefined "AArch64_BlocknTFaults"
        "Whether a block with nT = 1 is a Translation fault.";
    BbmLevel "bbm_level" ["0", "1", "2"] 2 ImplementationDefined "AArch64_BlockBBMSupportLevel"
        "How blocks may be replaced without breaking them first; at level 0 there is no nT bit.";
    AfUpdateOnPermissionFault "af_update_on_permission_fault" ["false", "true"] 0 ConstrainedUnpredictable
        "AArch64_SettingAccessFlagPermitted"
        "Whether hardware sets the access flag although the access has a Permission or Alignment fault.";
    InstructionFetchFromDeviceFaults "instruction_fetch_from_device_faults" ["false", "true"] 0
        ConstrainedUnpredictable "AArch64_S1CheckPermissions"
        "Whether an instruction fetch from Device memory is a Permission fault; otherwise it is Non-cacheable.";
    Nv0Nv11BehavesAs00 "nv0_nv1_1_behaves_as_00" ["false", "true"] 1 ConstrainedUnpredictable "AArch64_S1TTWParamsEL10"
        "Whether NV1 without NV is ignored; otherwise it applies.";
    SifAffectsEpan "sif_affects_epan" ["false", "true"] 0 ImplementationDefined "AArch64_S1DirectBasePermissions"
        "Whether EPAN counts memory as executable at EL0 only where Secure instruction fetch rules let EL0 execute it.";
    RealmEl20AffectsEpan "realm_el20_affects_epan" ["false", "true"] 0 ImplementationDefined
        "AArch64_S1DirectBasePermissions"
        "Whether EPAN counts memory as executable at EL0 only where Realm rules let the EL2&0 regime execute it.";
    EffectiveShareabilityBeforeStage2 "effective_shareability_before_stage2" ["false", "true"] 1
        ImplementationDefined "AArch64_S1Translate"
        "Whether Device and Non-cacheable memory becomes Outer Shareable before stage 2 is combined, or only after.";
    ReservedSh "reserved_sh" ["outer_shareable", "inner_shareable", "non_shareable"] 0
        ConstrainedUnpredictable "DecodeShareability" "What the reserved shareability 0b01 means.";
    ReservedMair "reserved_mair" ["0x00", "0x44", "0xff"] 0 ConstrainedUnpredictable "S1DecodeMemAttrs"
        "As which attribute a reserved attribute of MAIR_ELx is read.";
    ReservedS2Cacheability "reserved_s2_cacheability" ["non_cacheable", "write_through", "write_back"] 0
        ConstrainedUnpredictable "S2DecodeCacheability"
        "What the reserved cacheability 0b00 of a stage 2 descriptor means.";
    ReservedTg "reserved_tg" ["4k", "16k", "64k"] 0 ImplementationDefined "AArch64_S1DecodeTG0"
        "Which granule a reserved TG0 or TG1 selects.";
}

impl Choice {
    /// The choice called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.name() == name)
    }
}

const COUNT: usize = Choice::ALL.len();

/// One value for every choice; by default each choice's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choices([u8; COUNT]);

impl Default for Choices {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Choices {
    /// Every choice at its default.
    pub const DEFAULT: Self = {
        let mut values = [0; COUNT];
        let mut i = 0;
        while i < COUNT {
            values[i] = Choice::ALL[i].default_value();
            i += 1;
        }
        Self(values)
    };

    /// The value of `choice`: a position in its alternatives, which for `bbm_level` is the level.
    #[must_use]
    pub const fn get(&self, choice: Choice) -> u8 {
        self.0[choice as usize]
    }

    /// Whether `choice` is at its second alternative: `true`, for those that are true or false.
    #[must_use]
    pub const fn is(&self, choice: Choice) -> bool {
        self.get(choice) == 1
    }

    /// The value of `choice` as text.
    #[must_use]
    pub fn value(&self, choice: Choice) -> &'static str {
        choice.alternatives().get(usize::from(self.get(choice))).copied().unwrap_or_default()
    }

    /// These choices with `choice` at `value`; a value that it does not have changes nothing.
    #[must_use]
    pub const fn with(mut self, choice: Choice, value: u8) -> Self {
        if (value as usize) < choice.alternatives().len() {
            self.0[choice as usize] = value;
        }
        self
    }

    /// Sets the choice called `name` to the alternative spelled `value`.
    ///
    /// # Errors
    /// No such choice, or no such alternative; the choices stay as they were.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ChoiceError> {
        let choice = Choice::from_name(name).ok_or(ChoiceError::UnknownChoice)?;
        let position = choice.alternatives().iter().position(|known| *known == value);
        let position = position.and_then(|position| u8::try_from(position).ok());
        self.0[choice as usize] = position.ok_or(ChoiceError::UnknownValue(choice))?;
        Ok(())
    }

    /// The choices that are not at their default.
    pub fn changed(&self) -> impl Iterator<Item = Choice> {
        Choice::ALL.iter().copied().filter(|&choice| self.get(choice) != choice.default_value())
    }
}

/// Why a choice could not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceError {
    /// No choice has that name.
    UnknownChoice,
    /// The choice has no such alternative.
    UnknownValue(Choice),
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownChoice => f.write_str("no choice has this name"),
            Self::UnknownValue(choice) => {
                write!(f, "{} is one of: {}", choice.name(), choice.alternatives().join(", "))
            }
        }
    }
}

impl core::error::Error for ChoiceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn choices_are_found_by_name_and_have_their_default() {
        for (position, &choice) in Choice::ALL.iter().enumerate() {
            assert_eq!(choice as usize, position);
            assert_eq!(Choice::from_name(choice.name()), Some(choice));
            assert!(usize::from(choice.default_value()) < choice.alternatives().len(), "{}", choice.name());
            assert_eq!(Choices::default().get(choice), choice.default_value());
            assert!(!choice.meaning().is_empty() && !choice.source().is_empty());
        }
        assert_eq!(Choices::default().changed().count(), 0);
        assert_eq!(Choices::default().get(Choice::BbmLevel), 2);
        assert!(Choices::default().is(Choice::BlockNtFaults) && Choices::default().is(Choice::Nv0Nv11BehavesAs00));
        assert!(!Choices::default().is(Choice::SifAffectsEpan));
    }

    #[test]
    fn every_alternative_can_be_chosen() {
        for &choice in Choice::ALL {
            for (position, &alternative) in choice.alternatives().iter().enumerate() {
                let mut choices = Choices::default();
                assert_eq!(choices.set(choice.name(), alternative), Ok(()));
                assert_eq!(usize::from(choices.get(choice)), position);
                assert_eq!(choices.value(choice), alternative);
                assert_eq!(choices, Choices::default().with(choice, position as u8));
                let others = Choice::ALL.iter().filter(|&&other| other != choice);
                assert!(others.clone().all(|&other| choices.get(other) == other.default_value()));
            }
        }
    }

    #[test]
    fn what_does_not_exist_cannot_be_chosen() {
        let mut choices = Choices::default();
        assert_eq!(choices.set("nothing", "true"), Err(ChoiceError::UnknownChoice));
        let error = ChoiceError::UnknownValue(Choice::BbmLevel);
        assert_eq!(choices.set("bbm_level", "3"), Err(error));
        assert_eq!(error.to_string(), "bbm_level is one of: 0, 1, 2");
        assert_eq!(choices.with(Choice::ReservedTg, 3), Choices::default());
        assert_eq!(choices, Choices::default());
    }
}
