use super::*;
use stagewalk::at::Outcome;
use stagewalk::view::result;

fn par(state: &State) -> u128 {
    state.current.translation.result.registers.first().map_or(0, |register| register.value)
}

fn after(state: State, actions: impl IntoIterator<Item = Action>) -> State {
    actions.into_iter().fold(state, State::reduce)
}

/// The address of the descriptor that the shown stop read.
fn shown_descriptor(state: &State) -> u64 {
    let cells = state.current.translation.matrix.rows.iter().flat_map(|row| row.cells());
    let shown = cells.into_iter().find(|cell| cell.stop == Some(state.stop)).expect("a lookup is shown");
    shown.address.expect("it was read").address
}

#[test]
fn it_opens_on_the_fault_of_the_story() {
    let state = State::default();
    assert_eq!(par(&state), 0xb0f);
    assert_eq!(state.current.translation.matrix.reads, 14);
    let shown = &state.current.translation.stops[state.stop];
    assert!(shown.title(&state.current.translation.steps).contains("Translation fault"));
    assert!(matches!(state.current.translation.result.kind, result::Kind::Fault));
}

#[test]
fn typing_recomputes_and_a_wrong_address_keeps_the_answer() {
    let state = after(State::default(), [Action::Va("0xffff_0000_0000_0000".into())]);
    assert_eq!(par(&state), 0x809, "TTBR1 walks are disabled");
    let kept = Rc::clone(&state.current);
    let state = after(state, [Action::Va("0xffffg".into())]);
    assert!(state.va_error.as_deref().is_some_and(|why| why.contains('g')));
    assert_eq!(state.va_text, "0xffffg");
    assert!(Rc::ptr_eq(&kept, &state.current));
    let state = after(state, [Action::Va("4008 0123".into())]);
    assert_eq!((state.va_error.as_deref(), par(&state)), (None, 0xb0f));
}

#[test]
fn mapping_the_page_mends_the_walk_and_undo_breaks_it_again() {
    let state = State::default();
    let hole = shown_descriptor(&state);
    let state = after(state, [Action::Word(hole, 0x8_4100_27ff)]);
    assert_eq!(par(&state) & 1, 0, "{:#x}", par(&state));
    assert!(!state.changes.is_empty() && state.changes.result);
    assert_eq!(shown_descriptor(&state), hole, "the eye stays where the edit was");
    let link = Link::read(&state.link().write()).unwrap();
    let state = after(state, [Action::Undo]);
    assert_eq!(par(&state), 0xb0f);
    assert!(state.document.is_unedited() && !state.changes.is_empty());
    let state = after(state, [Action::Redo]);
    assert_eq!(par(&state) & 1, 0);
    let opened = after(State::default(), [Action::Follow(Ok(link))]);
    assert_eq!((opened.document, opened.stop), (state.document, state.stop));
}

#[test]
fn an_edit_back_to_the_base_is_no_edit() {
    let state = State::default();
    let tcr = state.machine.pe.regs.get128(SysReg::TcrEl1);
    let state = after(state, [Action::Register(SysReg::TcrEl1, 0), Action::Register(SysReg::TcrEl1, tcr)]);
    assert!(state.document.is_unedited());
    assert_eq!(par(&state), 0xb0f);
    let state = after(state, [Action::Register(SysReg::HcrEl2, 0), Action::Word(0x40, 1), Action::Reset]);
    assert!(state.document.is_unedited());
}

#[test]
fn steps_stay_within_the_walk() {
    let state = State::default();
    let last = state.current.last();
    let at = |moves: &[Move]| after(state.clone(), moves.iter().map(|&to| Action::Step(to))).stop;
    assert_eq!(at(&[Move::First]), 0);
    assert_eq!(at(&[Move::First, Move::Back]), 0);
    assert_eq!(at(&[Move::First, Move::Next, Move::Next]), 2);
    assert_eq!(at(&[Move::Last, Move::Next]), last);
    assert_eq!(at(&[Move::To(usize::MAX)]), last);
}

#[test]
fn the_instruction_and_its_level_matter() {
    let state = after(State::default(), [Action::El(1)]);
    let Outcome::Exception(exception) = &state.current.case.run().answer.result else { panic!("no exception") };
    assert_eq!(exception.el, 2);
    let state = after(state, [Action::El(0)]);
    assert!(matches!(state.current.translation.result.kind, result::Kind::Undefined));
    let state = after(state, [Action::El(2), Action::Op(Op::Ldr)]);
    assert_eq!(state.document.op, Op::Ldr);
}

#[test]
fn a_system_is_awaited_and_then_shown_as_the_link_says() {
    let name = catalogue::SYSTEMS[0].name;
    let link = Link { base: Some(name.into()), va: Some(0x10), step: Some(1), ..Link::default() };
    let state = after(State::default(), [Action::Follow(Ok(Some(link)))]);
    assert_eq!(state.wanted(), Some(name));
    assert_eq!(par(&state), 0xb0f, "what was shown stays until then");
    let failed = after(state.clone(), [Action::Arrived(name, Err("no network".into()))]);
    assert!(failed.wanted().is_none() && failed.keep_address);
    assert!(failed.notice.is_some_and(|notice| notice.bad && notice.text.contains("no network")));
    let machine = Rc::new(Entry::find("page-4k").and_then(built_in).unwrap());
    let state = after(state, [Action::Arrived(name, Ok(machine))]);
    assert_eq!((state.document.base.as_str(), state.document.va, state.stop), (name, 0x10, 0));
    assert_eq!((state.wanted(), state.notice), (None, None));
}

#[test]
fn every_scenario_of_the_conformance_page_opens_by_its_link() {
    let page = include_str!("../../../docs/conformance.md");
    let links: Vec<_> = page.split("/#ex=").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 50, "{} links", links.len());
    for link in links {
        let state = after(State::default(), [Action::Follow(Link::read(&format!("#ex={link}")))]);
        assert_eq!((state.document.base.as_str(), &state.notice), (link, &None));
        assert_eq!(link.split('/').next_back(), Some(state.current.case.id.as_str()));
        let again = after(State::default(), [Action::Follow(Link::read(&state.link().write()))]);
        assert_eq!(again.current.translation.result, state.current.translation.result, "{link}");
    }
}

#[test]
fn a_bad_link_says_so_and_changes_nothing() {
    let state = after(State::default(), [Action::Follow(Link::read("#v=9&s=x"))]);
    assert!(state.keep_address);
    assert!(state.notice.as_ref().is_some_and(|notice| notice.bad && notice.text.contains("version")));
    assert_eq!(par(&state), 0xb0f);
    let state = after(state, [Action::Follow(Link::read("#ex=nonsense"))]);
    assert!(state.notice.as_ref().is_some_and(|notice| notice.text.contains("nonsense")));
    let state = after(state, [Action::Step(Move::First)]);
    assert!(!state.keep_address);
}

#[test]
fn every_entry_opens() {
    for example in stagewalk::scenario::examples::ALL {
        let state = after(State::default(), [Action::Open(example.name.into())]);
        assert_eq!(state.document.base, example.name);
        assert!(state.stop <= state.current.last(), "{}", example.name);
        assert_eq!(state.va_text, format!("{:#x}", example.case().va));
    }
}
