use super::*;
use crate::choice::Choices;
use crate::feature::Features;
use crate::kvm::{Limits, Walker, compare, fit};
use crate::scenario::examples::Example;

fn example(name: &str) -> Case {
    Example::find(name).map(|example| example.case()).unwrap_or_else(|| panic!("{name}"))
}

/// A machine with everything that a VM can have, less `missing`, which answers as the model does but for `change`.
fn asked(case: &Case, missing: &[Feature], change: impl Fn(&mut Run)) -> Asked {
    let level = Level::of(case);
    let absent = [Feature::El3, Feature::D128, Feature::Sysreg128, Feature::The, Feature::Mte2, Feature::Rme];
    let absent = absent.iter().chain((level == Level::El1).then_some(&Feature::El2)).chain(missing);
    let features = absent.fold(Features::default(), |features, &absent| features.without(absent)).closed();
    let walker = Walker { qemu: true, linux: level != Level::El1 };
    let limits = Limits { level, features, pa_bits: 48, ipa_bits: 48, choices: Choices::default(), walker };
    let fit = fit(case, &limits).unwrap_or_else(|why| panic!("{why}"));
    let model = fit.case.trace();
    let mut machine = Run { steps: Vec::new(), reads: 0, ..model.clone() };
    (machine.answer.fault, machine.answer.output) = (None, None);
    change(&mut machine);
    let verdict = compare(&fit.case, &model, &machine, walker);
    Asked { fit, machine, model, verdict }
}

fn beside(case: &Case, asked: &Asked) -> Beside {
    Beside::new(case, asked, Level::of(case), "7.3.4")
}

fn flip(bit: u32) -> impl Fn(&mut Run) {
    move |run| {
        if let Outcome::Par(par) = &mut run.answer.result {
            par.value ^= 1 << bit;
        }
    }
}

#[test]
fn an_equal_answer_differs_in_nothing() {
    for name in ["page-4k", "stage2-hole"] {
        let case = example(name);
        let said = beside(&case, &asked(&case, &[], |_| {}));
        assert_eq!((said.verdict, said.differences, said.rows.len()), (Agreement::Equal, Vec::new(), 0), "{name}");
        assert_eq!(said.processor, [""; 0], "{name}");
        assert!(said.headline.starts_with("PAR_EL1 = 0x"), "{}", said.headline);
    }
}

#[test]
fn what_differs_is_told_by_field() {
    let case = example("page-4k");
    let said = beside(&case, &asked(&case, &[], flip(7)));
    assert_eq!(said.verdict, Agreement::Unexplained);
    let [Unlike { register, field, shown, machine }] = &said.differences[..] else { panic!("{said:?}") };
    assert_eq!((register.as_str(), field.as_str()), ("PAR_EL1", "SH"));
    assert_eq!(shown.as_deref(), Some("0b11, Inner Shareable"));
    assert!(machine.as_deref().is_some_and(|said| said.starts_with("0b10")), "{machine:?}");
    let other = beside(
        &case,
        &asked(&case, &[], |run| {
            if let Outcome::Par(par) = &mut run.answer.result {
                par.value = 0x80f;
            }
        }),
    );
    let fields: Vec<&str> = other.differences.iter().map(|unlike| unlike.field.as_str()).collect();
    for expected in ["result", "F", "FST", "PA"] {
        assert!(fields.contains(&expected), "{expected}: {fields:?}");
    }
    assert!(!fields.contains(&"DirtyBit"), "0, and of the other format alone: {fields:?}");
    assert_eq!(other.differences[0].machine.as_deref(), Some("fault"));
}

#[test]
fn a_known_difference_comes_with_its_sentence() {
    let mut case = example("page-4k");
    let leaf = case.trace().steps.iter().rev().find_map(|step| match step.event {
        crate::step::Event::Read { physical, .. } => Some(physical.address),
        _ => None,
    });
    let leaf = leaf.expect("a leaf");
    case.memory.write(leaf, case.memory.word(leaf) & !(0b11 << 8) | 0b01 << 8);
    let said = beside(
        &case,
        &asked(&case, &[], |run| {
            if let Outcome::Par(par) = &mut run.answer.result {
                par.value = par.value & !(0b11 << 7) | 0b01 << 7;
            }
        }),
    );
    assert_eq!(said.verdict, Agreement::Explained);
    let [Known { row: 3, sentence }] = &said.rows[..] else { panic!("{:?}", said.rows) };
    assert!(sentence.contains("SH = 0b01"), "{sentence}");
}

#[test]
fn descriptors_that_are_changed_count_and_so_do_those_that_are_not() {
    let case = example("access-flag");
    let set = asked(&case, &[], |_| {});
    assert_eq!(set.model.writes.len(), 1, "the example sets the access flag");
    let said = beside(&case, &asked(&case, &[], |run| run.writes.clear()));
    let [Unlike { register, shown, machine, .. }] = &said.differences[..] else { panic!("{said:?}") };
    assert_eq!((register.as_str(), machine.as_deref()), ("memory", Some("is left alone")));
    assert!(shown.as_deref().is_some_and(|said| said.starts_with("becomes 0x")));
    assert_eq!((said.verdict, said.rows[0].row), (Agreement::Explained, 8));
}

#[test]
fn another_processor_is_told_by_what_changes_the_answer() {
    let case = example("access-flag");
    let said = beside(&case, &asked(&case, &[Feature::Hafdbs], |_| {}));
    assert_eq!((said.verdict, said.rows.len()), (Agreement::Equal, 0));
    assert_eq!(said.processor, ["FEAT_HAFDBS is not implemented"]);
    assert!(!said.differences.is_empty());
}
