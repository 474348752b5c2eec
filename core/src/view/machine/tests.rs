use super::*;
use crate::machine::Policy;
use crate::machine::trace::Trace;
use crate::scenario::machine::stories::Story;
use alloc::format;
use alloc::string::{String, ToString};

/// A story under a policy (none: by hardware), a trace followed.
fn replay(story: &str, policy: Option<Policy>, trace: &str) -> Replay {
    let scenario = Story::find(story).expect("a story").scenario().expect("a scenario").under(policy);
    Replay::new(Subject::from(&scenario), &trace.parse::<Trace>().expect("a trace").0)
}

const WHOLE: &str = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.1.1.0.0.0";

#[test]
fn the_fallback_is_told_step_by_step() {
    let told = replay("swapped-out", Some(Policy::Race), WHOLE);
    assert_eq!((told.refused, told.moments.len(), told.positions.len()), (None, 22, 23));
    let labels: Vec<&str> = told.moments.iter().map(|moment| moment.label.as_str()).collect();
    let expected = "AT AT walk 1 2 3 4 5 map 1 2 3 4 5 STR DSB TLBI DSB STR 6 ISB MRS";
    assert_eq!(labels, expected.split(' ').collect::<Vec<_>>());
    let text = |step: usize| told.moments[step - 1].text();
    assert_eq!(text(1), "AT S1E1R, x: trapped to the hypervisor");
    assert!(text(2).contains("at EL2: Translation fault, level 3, at stage 2 on the stage 1 walk"), "{}", text(2));
    assert!(text(8).ends_with("the software walk knows the address: table is not mapped at stage 2"), "{}", text(8));
    assert!(text(9).contains("writes s2_of_table = swapped_in, where 0 was; the walk begins again"), "{}", text(9));
    assert!(text(17).contains("on every vCPU"), "{}", text(17));
    assert!(text(20).starts_with("reads leaf_entry, stage 1 L3: secret_leaf"), "{}", text(20));
    assert!(text(20).ends_with("PA secret"), "{}", text(20));
    assert!(told.positions[22].ended() && told.positions[22].offers.is_empty());
    let wrote = told.moments[14].wrote.as_slice();
    assert!(matches!(wrote, [Wrote { old: 0x1001_0003, new: 0x1002_0003, .. }]), "{wrote:x?}");
}

#[test]
fn a_step_tells_what_is_read_and_written() {
    let told = replay("lost-dirty-update", None, "0.0.1.1.0.1");
    let texts: Vec<String> = told.moments.iter().map(Moment::text).collect();
    let expected = [
        "reads R, stage 1 L2: to_first",
        "reads first, stage 1 L3: clean",
        "LDR X1, pa:first: reads first = clean; X1 = clean",
        "ORR X1, X1, bit_55: X1 = clean_sw",
        "updates first, stage 1 L3, by compare-and-swap: clean becomes written; writes page = 1, where 0 was",
        "STR X1, pa:first: writes first = clean_sw, where written was",
    ];
    assert_eq!(texts, expected);
    assert!(told.moments[..2].iter().all(|moment| (moment.pc, moment.instr.as_str()) == (0, "STR 0x1, [x]")));
    let stale = replay("missing-isb", None, "0.0.0.0.0.0");
    let text = |step: usize| stale.moments[step - 1].text();
    assert_eq!(text(3), "DSB ISH: completes no TLBI");
    assert_eq!(text(5), "DSB ISH: the TLBIs before it are complete");
    let expected = "uses a TLB entry with first = leaf_old (now leaf_new): PA old; reads old = 1; X0 = 1";
    assert_eq!(text(6), format!("LDR X0, [x]: {expected}"));
}

#[test]
fn a_software_walk_is_there_step_by_step() {
    let told = replay("swapped-out", Some(Policy::Race), WHOLE);
    let walk = told.moments[11].walk.expect("a walk");
    assert_eq!((walk.reads, walk.software), (3, true));
    let shown = SoFar::new(&told.world, &told.subject.names, walk.node);
    assert_eq!((shown.matrix.reads, shown.title.as_str()), (3, "AT S1E1R, x"));
    assert_eq!(shown.read_of(shown.last), Some(2));
    assert_eq!(told.position_of_read(12, walk.node, 0), Some(10), "of the walk that began again, not of the first");
    assert_eq!(told.position_of_read(12, walk.node, 2), Some(12));
    assert_eq!(told.position_of_read(0, walk.node, 0), None);
}

#[test]
fn pausing_is_a_request_a_leave_and_a_resume() {
    let told = replay("swapped-out", Some(Policy::PauseAll), "0.0.0.1!.0");
    let lane = |position: usize, actor: usize| &told.positions[position].lanes[actor];
    assert_eq!((lane(2, 1).doing, lane(2, 1).asked), (Doing::Running, false));
    assert_eq!((lane(3, 1).doing, lane(3, 1).asked), (Doing::Running, true));
    assert_eq!(lane(3, 0).waits.as_deref(), Some("waits for other to leave the guest"));
    assert_eq!((lane(4, 1).doing, lane(4, 1).asked), (Doing::Paused, false));
    assert_eq!(lane(4, 1).waits.as_deref(), Some("asleep until guest lets it go on"));
    assert_eq!(told.moments[3].mark, Mark::Leave);
    let mut told = told;
    while let Some(step) = told.default_step(told.moments.len(), None) {
        assert!(told.follow(step));
    }
    let resumed = told.moments.iter().position(|moment| moment.label == "resume").expect("a resume") + 1;
    assert_eq!(told.positions[resumed].lanes[1].doing, Doing::Running);
    assert!(told.positions.last().is_some_and(Position::ended));
}

#[test]
fn a_tlbi_waits_for_the_walk_that_holds_the_lock() {
    let told = replay("swapped-out", Some(Policy::TlbLock { epoch: true }), "0.0.0.1.1.1");
    let lane = &told.positions[6].lanes[1];
    assert_eq!(lane.waits.as_deref(), Some("its TLBIs wait for the walk of guest"));
    assert!(told.positions[6].offers.iter().all(|offer| offer.by.actor == 0));
    assert_eq!(told.default_step(6, Some(1)), None);
}

#[test]
fn a_tlbi_waits_for_the_hardware_walk_under_way() {
    let begun_before = ("0:1.0.1.1.1", "0");
    let begun_after = ("1.1.1.0:2.0", "0");
    for (trace, rest) in [begun_before, begun_after] {
        let mut told = replay("dsb-waits", None, trace);
        let other = |told: &Replay| told.positions.last().expect("a position").lanes[1].clone();
        assert_eq!(
            (told.refused, other(&told).waits.as_deref()),
            (None, Some("its TLBIs wait for the walk of reader"))
        );
        assert_eq!(told.default_step(told.moments.len(), Some(1)), None);
        for &step in &rest.parse::<Trace>().expect("a trace").0 {
            assert!(told.follow(step));
        }
        assert_eq!(other(&told).waits, None);
        let dsb = told.default_step(told.moments.len(), Some(1)).expect("the DSB");
        assert!(told.follow(dsb) && told.moments.last().is_some_and(|dsb| dsb.what.contains("are complete")));
    }
    let told = replay("dsb-waits", Some(Policy::Race), "0.0.0.1.1.1.1");
    assert_eq!((told.refused, told.moments.len()), (None, 7), "nothing waits for a walk in software");
}

#[test]
fn a_count_that_changed_begins_the_walk_again() {
    let mut told = replay("swapped-out", Some(Policy::SeqRetry { before_update: Default::default() }), "0.0.0.1.1.1");
    while let Some(step) = told.default_step(told.moments.len(), Some(0)) {
        assert!(told.follow(step));
    }
    let retry = told.moments.iter().filter(|moment| moment.mark == Mark::Retry).count();
    assert_eq!(retry, 1);
}

#[test]
fn what_cannot_happen_is_left_out() {
    let told = replay("swapped-out-el1", None, "0.0.1.0");
    assert_eq!((told.refused, told.moments.len()), (Some(2), 2));
    assert_eq!(Trace(told.trace()).to_string(), "0.0");
    assert_eq!(replay("swapped-out-el1", None, "4").refused, Some(0));
    assert_eq!(replay("swapped-out-el1", None, "0:9").refused, Some(0));
}

#[test]
fn choices_that_make_no_difference_are_one() {
    let told = replay("swapped-out", Some(Policy::Race), "0");
    let texts: Vec<String> = told.positions[1].offers.iter().map(Moment::text).collect();
    assert!(
        matches!(texts.as_slice(), [guest, other] if guest.contains("at EL2") && other.contains("STR")),
        "{texts:?}"
    );
}

#[test]
fn whoever_moved_goes_on_by_default() {
    let told = replay("swapped-out", Some(Policy::Race), "1.0");
    let actor = |step: Option<Transition>| step.map(|step| step.actor);
    assert_eq!(actor(told.default_step(0, None)), Some(1), "as recorded");
    assert_eq!(actor(told.default_step(0, Some(0))), Some(0));
    assert_eq!(actor(told.default_step(2, None)), Some(0));
    assert_eq!(actor(told.default_step(2, Some(1))), Some(1));
    assert_eq!(actor(told.default_step(9, None)), None);
}

#[test]
fn words_of_memory_are_decoded_and_marked_where_they_change() {
    let told = replay("swapped-out", Some(Policy::Race), WHOLE);
    let words = Words::of(&told);
    let at = |position: usize, name: &str| {
        let all = words.at(&told, position);
        all.into_iter().find(|word| word.name == name).unwrap_or_else(|| panic!("no {name}"))
    };
    let root = at(0, "root_entry");
    assert_eq!((root.role.as_deref(), root.meaning.as_deref()), (Some("stage 1 L2"), Some("table table")));
    assert_eq!(at(0, "s2_of_table").meaning.as_deref(), Some("invalid"));
    assert_eq!(at(9, "s2_of_table").was, Some(0));
    assert_eq!(at(10, "s2_of_table").was, None);
    assert_eq!(at(19, "leaf_entry").meaning.as_deref(), Some("page secret"));
}

#[test]
fn a_tlb_is_shown_with_what_is_about_to_go() {
    let told = replay("swapped-out", None, "0.0.1.1.1.1");
    let tlb = |position: usize| told.actor(position, 0).expect("an actor").tlb;
    let last = |position: usize| tlb(position).held.into_iter().filter(|held| held.kind == HeldKind::Final);
    assert_eq!(last(2).count(), 1);
    assert!(last(2).all(|held| held.new && held.going.is_none() && held.stale.is_none()));
    assert!(last(3).any(|held| held.stale.is_some_and(|old| old.contains("root_entry = to_table"))));
    assert!(last(5).any(|held| held.going.as_deref() == Some("other")));
    assert!(tlb(6).gone > 0 && last(6).all(|held| held.stale.is_none()));
}

#[test]
fn an_actor_shows_what_the_last_step_changed() {
    let told = replay("swapped-out-el2", None, "0.0.0");
    let view = |position: usize| told.actor(position, 0).expect("an actor");
    let par = view(1).par.expect("written");
    assert!(par.changed && par.text.starts_with("F = 1: "), "{par:?}");
    assert!(view(2).par.is_some_and(|par| !par.changed));
    assert!(view(3).regs.iter().any(|register| register.name == "X0" && register.changed && register.value == 0xb0f));
    assert_eq!(view(1).program.iter().position(|line| line.here), Some(1));
    assert!(told.actor(0, 7).is_none());
}

#[test]
fn what_a_hypervisor_walks_in_place_of_its_guest_is_known_too() {
    let told = replay("guest-hypervisor", Some(Policy::Race), "0.0.0.0.0.0");
    let words = Words::of(&told).at(&told, 6);
    let root = words.iter().find(|word| word.name == "root_entry").expect("a word");
    assert_eq!((root.role.as_deref(), root.meaning.as_deref()), (Some("stage 1 L2"), Some("table table")));
}
