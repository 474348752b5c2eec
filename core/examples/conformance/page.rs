//! What the page says.

use super::machine::{Bed, Counts};
use super::render::{Block, Span, Spans, code, text};
use super::support;
use super::tally::{self, Count, Tally};
use stagewalk::choice::{Choice, Freedom};
use stagewalk::feature::Feature;
use stagewalk::scenario::{Case, Expect};
use std::collections::BTreeMap;

type Scenarios = BTreeMap<String, (Case, Expect)>;

/// The page.
pub fn page() -> Vec<Block> {
    let tally = tally::vectors();
    let bed = Bed::read();
    let scenarios: Scenarios = support::scenarios().into_iter().map(|(name, case, e)| (name, (case, e))).collect();
    let mut page = vec![
        Block::Heading(1, "Conformance".into()),
        paragraph(
            "Made from the data in the folder tests by `cargo xtask conformance`; a test holds it to what the engine \
             answers. Links to scenarios open them in the playground, while `cargo xtask play` serves it.",
        ),
    ];
    page.extend(profiles(&tally, &bed));
    page.extend(in_vms(&bed));
    page.extend(machines());
    page.extend(features(&tally));
    page.extend(differences(&scenarios, &bed));
    page.extend(choices(&scenarios));
    page
}

/// Text in which backticks mark code.
fn marked(words: &str) -> Spans {
    let span = |(index, piece): (usize, &str)| match index % 2 {
        0 => Span::Text(piece.into()),
        _ => Span::Code(piece.into()),
    };
    words.split('`').enumerate().map(span).collect()
}

fn paragraph(words: &str) -> Block {
    Block::Paragraph(marked(words))
}

fn number(count: usize) -> Spans {
    text(count.to_string())
}

/// What the vectors of a profile are about.
const PROFILES: [(&str, &str); 17] = [
    ("base", "Armv8.0 or so: stage 1 and stage 2, all granules"),
    ("vhe", "EL2, EL2&0, TGE"),
    ("nested", "both stages"),
    ("hafdbs", "access flag and dirty state by hardware"),
    ("attrs", "memory attributes, FWB, DC, CD"),
    ("trap", "UNDEFINED and traps"),
    ("abort", "External aborts on walks"),
    ("secure", "Secure state"),
    ("lpa2", "52-bit addresses, 4K and 16K granules"),
    ("lva64k", "52-bit addresses, 64K granule"),
    ("pie", "indirect permissions and overlays, both stages"),
    ("d128", "128-bit descriptors, 56-bit addresses"),
    ("el3rme", "EL3, Realm and Root states"),
    ("tags", "memory tagging attributes"),
    ("feat", "features and choices at random"),
    ("gpc", "granule protection checks"),
    ("cases", "another generator; QEMU 11.1.3 and the pseudocode agree on these"),
];

fn profiles(tally: &Tally, bed: &Bed) -> Vec<Block> {
    let row = |profile: &str, about: &str, count: Count| {
        let there = bed.profile(profile);
        assert_eq!(there.asked + there.unfit(), count.run, "the VMs were given other vectors of {profile}");
        assert_eq!(there.unexplained, 0, "{profile}");
        let shown = if profile == "cases" { "qemu" } else { profile };
        vec![
            text(shown),
            text(about),
            number(count.run),
            number(count.equal),
            number(there.asked),
            number(there.equal),
            number(there.explained),
        ]
    };
    let count = |profile: &str| *tally.profiles.get(profile).unwrap_or_else(|| panic!("no vectors {profile}"));
    assert_eq!(tally.profiles.len(), PROFILES.len(), "a vector file has no description here");
    let mut rows: Vec<_> = PROFILES.iter().map(|&(profile, about)| row(profile, about, count(profile))).collect();
    let sum = |of: fn(&Count) -> usize| tally.profiles.values().map(of).sum::<usize>();
    let there = |of: fn(&Counts) -> usize| PROFILES.iter().map(|(profile, _)| of(&bed.profile(profile))).sum::<usize>();
    let all = [
        sum(|count| count.run),
        sum(|count| count.equal),
        there(|counts| counts.asked),
        there(|counts| counts.equal),
        there(|counts| counts.explained),
    ];
    rows.push([text("all"), text("")].into_iter().chain(all.map(number)).collect());
    vec![
        Block::Heading(2, "Arm's pseudocode, executed".into()),
        paragraph(
            "Equal means every field: status, PAR_EL1, exception and syndrome, fault record, output attributes, \
             descriptor writes, and the number of reads. The last three columns are a real KVM's, which is told below.",
        ),
        Block::Table(
            vec!["profile", "what it holds", "cases", "equal", "asked of KVM", "equal there", "explained"],
            rows,
        ),
    ]
}

fn in_vms(bed: &Bed) -> Vec<Block> {
    let Bed { linux, qemu, .. } = bed;
    let heading = Block::Heading(2, format!("Linux {linux}, asked"));
    let about = paragraph(&format!(
        "VMs of KVM in Linux {linux}, on a processor that QEMU {qemu} emulates, are given the registers and tables of \
         a case, execute its AT instruction, and answer with PAR_EL1 or the exception: at EL1 the processor walks, at \
         virtual EL2 mostly Linux. stagewalk answers the case as the VM had it, with the features that the VM has, \
         which need not be the vector's. Explained are answers that differ as rows of the known differences say. \
         `cargo xtask test-kvm` counts them, and is held to these numbers."
    ));
    [heading, about].into_iter().chain(bed.blocks()).collect()
}

fn machines() -> Vec<Block> {
    let row = |machine: support::Machine| {
        let (addresses, count) = tally::machine(&machine);
        vec![text(machine.name), number(addresses), number(count.run), number(count.equal)]
    };
    vec![
        Block::Heading(2, "Real Linux page tables".into()),
        paragraph(
            "Four instructions at each address of a captured machine: PAR_EL1, and for AT S1E1R the reads. The \
             answers are those of Arm's pseudocode, executed on the same tables.",
        ),
        Block::Table(vec!["machine", "addresses", "answers", "equal"], support::machines().map(row).collect()),
    ]
}

fn features(tally: &Tally) -> Vec<Block> {
    let cell = |count: Count| text(format!("{} of {}", count.equal, count.run));
    let row = |&feature: &Feature| {
        let count = tally.features.get(&feature).copied().unwrap_or_default();
        vec![code(feature.name()), cell(count.with), cell(count.without), cell(count.decided)]
    };
    vec![
        Block::Heading(2, "By feature".into()),
        paragraph(
            "The same vectors, by what their machines implement: equal, of those run. A feature decides a case if the \
             answer would be another on a machine that differs in this feature alone; where it decides none, the \
             vectors say nothing of it.",
        ),
        Block::Table(
            vec!["feature", "implemented", "not implemented", "decides"],
            Feature::ALL.iter().map(row).collect(),
        ),
    ]
}

/// An answer in a few words.
fn answer(expect: &Expect) -> Spans {
    let mut spans = match (expect.par, &expect.exception) {
        (Some(par), _) => code(format!("PAR_EL1 = {:#x}", par.0 & !expect.par_ignore.map_or(0, |ignored| ignored.0))),
        (None, Some(taken)) => text(format!("exception to EL{}", taken.el)),
        (None, None) => text(expect.status.to_string()),
    };
    if !expect.writes.is_empty() {
        spans.extend(text(", and a descriptor is updated"));
    }
    spans
}

fn differences(scenarios: &Scenarios, bed: &Bed) -> Vec<Block> {
    let row = |(name, (case, expect)): (&String, &(Case, Expect))| {
        let mut cells = vec![number(number_of(name).into())];
        let says =
            |line: &str| ["Arm: ", "Linux at.c: ", "QEMU: "].iter().find_map(|who| line.strip_prefix(who).map(text));
        cells.extend(case.about.lines().map(|line| says(line).unwrap_or_else(|| text(line))));
        cells.push(bed.met(number_of(name)));
        cells.push(answer(expect));
        cells.push(vec![Span::Play(name.clone())]);
        cells
    };
    let differences = || scenarios.iter().filter(|(name, _)| name.starts_with("differences/"));
    vec![
        Block::Heading(2, "Where Linux and QEMU differ".into()),
        paragraph(
            "Linux: the software walk of KVM's `arch/arm64/kvm/at.c`. QEMU: version 11.1.3, where nothing else is \
             said. Measured means that it was run, read that its source says so. Met in VMs: by how many of the cases \
             above, random ones included, the row was needed to explain the answer. stagewalk answers as the \
             pseudocode does: a test runs each scenario.",
        ),
        Block::Table(
            vec!["#", "situation", "Arm's pseudocode", "Linux at.c", "QEMU", "met in VMs", "stagewalk", "scenario"],
            differences().map(row).collect(),
        ),
        paragraph("The rows from 18 on were found by asking VMs; docs/kvm.md tells them."),
        bed.other_rows(|row| differences().any(|(name, _)| number_of(name) == row)),
    ]
}

/// The row that a scenario shows.
fn number_of(name: &str) -> u8 {
    let digits = name.trim_start_matches("differences/").get(..2);
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{name} begins with no row"))
}

fn choices(scenarios: &Scenarios) -> Vec<Block> {
    let row = |choice: Choice, position: usize, alternative: &str| {
        let name = format!("choices/{}-{alternative}", choice.name());
        let (case, expect) = &scenarios[&name];
        let first = position == 0;
        let default = usize::from(choice.default_value()) == position;
        vec![
            if first { code(choice.name()) } else { text("") },
            text(if first { choice.meaning() } else { "" }),
            text(match choice.freedom() {
                _ if !first => "",
                Freedom::ImplementationDefined => "IMPLEMENTATION DEFINED",
                Freedom::ConstrainedUnpredictable => "CONSTRAINED UNPREDICTABLE",
            }),
            code(alternative),
            text(if default { "default" } else { "" }),
            text(&*case.about),
            answer(expect),
            vec![Span::Play(name)],
        ]
    };
    let rows = Choice::ALL.iter().flat_map(|&choice| {
        choice.alternatives().iter().enumerate().map(move |(position, alternative)| row(choice, position, alternative))
    });
    vec![
        Block::Heading(2, "Choices".into()),
        paragraph(
            "Where the architecture leaves the behaviour open, `choices` of a scenario and `--choice` of the commands \
             take one of these. The scenarios of one choice are the same machine but for it.",
        ),
        Block::Table(
            vec!["choice", "what is open", "freedom", "alternative", "", "what happens", "stagewalk", "scenario"],
            rows.collect(),
        ),
    ]
}
