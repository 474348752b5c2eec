//! The views of every conformance vector: they show the whole walk, count its reads, and invent nothing.

use flate2::read::GzDecoder;
use stagewalk::scenario::{Case, Run};
use stagewalk::step::Event;
use stagewalk::view::Translation;
use stagewalk::view::diff::Changes;
use stagewalk::view::explain;
use stagewalk::view::fields;
use stagewalk::view::links::Target;
use stagewalk::view::matrix::Outcome;
use stagewalk::view::result::Kind;
use stagewalk::view::so_far::so_far;
use std::fs::File;
use std::io::{BufRead, BufReader};

fn cases(file: &str) -> impl Iterator<Item = Case> {
    let path = format!("{}/../tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
    lines.map(|line| Case::from_slice(line.expect("text").as_bytes()).expect("a case"))
}

fn check(case: &Case) {
    let run = case.trace();
    let view = Translation::new(&case.pe, case.op, case.va, &run.answer, run.steps.clone());
    stops_hold_every_step_once(case, &view);
    the_matrix_shows_every_access(case, &run, &view);
    bits_are_covered_once(case, &view);
    links_lead_somewhere(case, &view);
    the_result_is_the_answer(case, &run, &view);
    assert!(Changes::between(&view, &view).is_empty(), "{}", case.id);
}

fn stops_hold_every_step_once(case: &Case, view: &Translation) {
    let mut next = 0;
    for stop in &view.stops {
        assert_eq!(stop.first, next, "{}", case.id);
        assert!(stop.last >= stop.first, "{}", case.id);
        assert!(!stop.title(&view.steps).is_empty(), "{}", case.id);
        next = stop.last + 1;
    }
    assert_eq!(next, view.steps.len(), "{}", case.id);
    assert_eq!(explain::chain(&case.pe, &view.steps).len(), view.steps.len(), "{}", case.id);
    assert!(!explain::why(&case.pe, &view.steps).is_empty(), "{}", case.id);
    let known = so_far(&view.steps, view.steps.len());
    assert!(known.iter().all(|known| !known.text.is_empty()), "{}", case.id);
}

fn the_matrix_shows_every_access(case: &Case, run: &Run, view: &Translation) {
    let matrix = &view.matrix;
    assert_eq!(matrix.reads, run.reads, "{}: reads", case.id);
    let cells: Vec<_> = matrix.rows.iter().flat_map(|row| row.cells()).collect();
    let mut numbers: Vec<u32> = cells.iter().flat_map(|cell| cell.number.into_iter().chain(cell.swap_number)).collect();
    numbers.extend(cells.iter().flat_map(|cell| cell.checks.iter().flat_map(|check| check.number)));
    numbers.extend(matrix.rows.iter().flat_map(|row| row.checks.iter().flat_map(|check| check.number)));
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=run.reads).collect::<Vec<_>>(), "{}: every read has its place, once", case.id);
    for row in &matrix.rows {
        let levels: Vec<i8> = row.stage2.iter().map(|cell| cell.level).collect();
        assert_eq!(levels, matrix.columns, "{}: a cell for every column", case.id);
    }
    for cell in &cells {
        assert_eq!(cell.reached(), cell.stop.is_some(), "{}: {cell:?}", case.id);
        assert_eq!(
            cell.outcome == Outcome::Updated,
            cell.stage == stagewalk::regime::Stage::S1 && cell.written.is_some(),
            "{}",
            case.id
        );
    }
    let written = cells.iter().filter(|cell| cell.written.is_some()).count();
    let swaps =
        view.steps.iter().filter(|step| matches!(step.event, Event::Update { old, found, .. } if old == found)).count();
    assert_eq!(written, swaps, "{}: every update is shown", case.id);
    let faults = cells.iter().filter(|cell| cell.fault.is_some()).count()
        + matrix.rows.iter().filter(|row| row.fault.is_some()).count();
    assert_eq!(faults, usize::from(run.answer.fault.is_some()), "{}: a fault is shown once", case.id);
}

fn bits_are_covered_once(case: &Case, view: &Translation) {
    let mut next = 63;
    for segment in &view.va.segments {
        assert_eq!(i32::from(segment.high), next, "{}: {:?}", case.id, view.va);
        next = i32::from(segment.low) - 1;
    }
    assert_eq!(next, -1, "{}: {:?}", case.id, view.va);
    for step in &view.steps {
        let Event::Read { value, wide, .. } = step.event else { continue };
        let decoded = fields::descriptor(&case.pe, &view.steps, step.place, value);
        assert_eq!(decoded.width, if wide { 128 } else { 64 }, "{}: {}", case.id, decoded.title);
        let bits: u32 = decoded.fields.iter().map(|held| u32::from(held.field.width())).sum();
        assert_eq!(bits, u32::from(decoded.width), "{}: {}", case.id, decoded.title);
    }
}

fn links_lead_somewhere(case: &Case, view: &Translation) {
    for target in view.links.iter().flat_map(|(one, other)| [one, other]) {
        let there = match target {
            Target::Cell(stop) | Target::Field(stop, _) => *stop < view.stops.len(),
            Target::Va(role) => {
                view.va.segments.iter().any(|segment| segment.role == *role)
                    || matches!(
                        role,
                        stagewalk::view::va::Role::Index(_)
                            | stagewalk::view::va::Role::Select
                            | stagewalk::view::va::Role::Offset
                    )
            }
            Target::Result(register, _) => view.result.registers.iter().any(|written| written.register == *register),
        };
        assert!(there, "{}: {target:?}", case.id);
    }
}

fn the_result_is_the_answer(case: &Case, run: &Run, view: &Translation) {
    use stagewalk::at::Outcome;
    let result = &view.result;
    match &run.answer.result {
        Outcome::Par(par) => {
            assert_eq!(result.registers[0].value, par.value, "{}", case.id);
            assert_eq!(result.kind, if par.value & 1 == 1 { Kind::Fault } else { Kind::Success }, "{}", case.id);
        }
        Outcome::Exception(exception) => {
            assert_eq!(result.registers.len(), exception.registers.len(), "{}", case.id);
            assert_eq!(result.kind, Kind::Exception, "{}", case.id);
        }
        Outcome::Undefined => assert_eq!(result.kind, Kind::Undefined, "{}", case.id),
        Outcome::Performed => assert_eq!(result.kind, Kind::Performed, "{}", case.id),
    }
    for register in &result.registers {
        let all = register.fields.iter().fold(0, |word, decided| decided.field.field.set128(word, decided.field.value));
        assert_eq!(all, register.value, "{}: {} from its fields", case.id, register.register.name());
    }
    assert!(!result.headline.is_empty(), "{}", case.id);
}

macro_rules! profiles {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            cases(concat!("arm/", stringify!($name), ".jsonl.gz")).for_each(|case| check(&case));
        })+
    };
}

profiles! { base vhe nested hafdbs attrs trap abort lpa2 lva64k pie tags feat secure d128 el3rme gpc }

#[test]
fn qemu() {
    cases("qemu/cases.jsonl.gz").for_each(|case| check(&case));
}
