//! Why there is no answer, where none is better than a wrong one.

use stagewalk::feature::{Feature, Features};
use stagewalk::scenario::Case;

/// A machine without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In a word or two.
    pub verdict: &'static str,
    /// The reason, and how to go on.
    pub text: String,
}

impl Refusal {
    /// Why `case` has no answer: its features cannot be implemented together.
    #[must_use]
    pub fn of(case: &Case) -> Option<Self> {
        let features = case.pe.features;
        let error = features.check().err()?;
        let missing = list(features.completed().minus(features));
        let needy = list(features.minus(features.closed()));
        let text = format!("No machine is like this: {error}. Implement {missing} too, or leave out {needy}.");
        Some(Self { verdict: "impossible", text })
    }
}

/// The features, each with the field that announces it: `FEAT_D128 (ID_AA64MMFR3_EL1.D128)`.
fn list(features: Features) -> String {
    let named = |feature: Feature| {
        let field = feature.id_field().map(|id| format!(" ({}.{})", id.register, id.field));
        format!("{}{}", feature.name(), field.unwrap_or_default())
    };
    let names: Vec<String> = features.iter().map(named).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SCENARIOS;
    use stagewalk::scenario::examples::{self, Example};

    #[test]
    fn features_that_cannot_be_together_are_refused() {
        let mut case = Example::find("page-4k").expect("an example").case();
        assert_eq!(Refusal::of(&case), None);
        case.pe.features = case.pe.features.with(Feature::Nv2);
        let refusal = Refusal::of(&case).expect("a refusal");
        let said = "No machine is like this: FEAT_NV2 requires FEAT_NV, and FEAT_NV is not implemented. Implement \
                    FEAT_NV (ID_AA64MMFR2_EL1.NV) too, or leave out FEAT_NV2 (ID_AA64MMFR2_EL1.NV).";
        assert_eq!((refusal.verdict, refusal.text.as_str()), ("impossible", said));
        case.pe.features = case.pe.features.with(Feature::Lpa2).with(Feature::Nv);
        let text = Refusal::of(&case).expect("a refusal").text;
        assert!(text.ends_with("Implement FEAT_LVA (ID_AA64MMFR2_EL1.VARange) too, or leave out FEAT_LPA2."), "{text}");
    }

    #[test]
    fn everything_in_the_picker_is_answered() {
        let examples = examples::ALL.iter().map(|example| example.case());
        let scenarios = SCENARIOS.iter().map(|scenario| scenario.case().expect(scenario.name));
        for case in examples.chain(scenarios) {
            assert_eq!(Refusal::of(&case), None, "{}", case.id);
        }
    }
}
