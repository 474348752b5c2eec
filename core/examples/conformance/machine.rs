//! What a real KVM said, as `cargo xtask test-kvm --write` has counted it.

use super::render::{Block, Spans, text};
use super::support;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;

/// The machine, and what it counted.
pub struct Bed {
    pub linux: String,
    pub qemu: String,
    counts: Vec<Counts>,
}

#[derive(Deserialize)]
struct Machine {
    linux: String,
    qemu: String,
}

/// What came of the cases of a file, or of random ones, at a level.
#[derive(Clone, Default, Deserialize)]
pub struct Counts {
    level: String,
    cases: String,
    pub asked: usize,
    pub equal: usize,
    pub explained: usize,
    pub unexplained: usize,
    rows: BTreeMap<u8, usize>,
    unfit: BTreeMap<String, usize>,
}

impl Counts {
    fn add(mut self, other: &Self) -> Self {
        self.asked += other.asked;
        self.equal += other.equal;
        self.explained += other.explained;
        self.unexplained += other.unexplained;
        other.rows.iter().for_each(|(&row, count)| *self.rows.entry(row).or_default() += count);
        other.unfit.iter().for_each(|(why, count)| *self.unfit.entry(why.clone()).or_default() += count);
        self
    }

    /// Cases that no VM can ask.
    pub fn unfit(&self) -> usize {
        self.unfit.values().sum()
    }
}

/// The levels, and what they are called.
const LEVELS: [(&str, &str); 3] =
    [("el1", "EL1"), ("vel2", "virtual EL2, E2H = 1"), ("vel2-nvhe", "virtual EL2, E2H = 0")];

impl Bed {
    /// The counts that are committed.
    pub fn read() -> Self {
        let files = support::files(&support::data("kvm"), ".jsonl");
        let [file] = files.as_slice() else { panic!("one machine has been counted: {files:?}") };
        let contents = fs::read_to_string(file).expect("text");
        let mut lines = contents.lines();
        let Machine { linux, qemu } = serde_json::from_str(lines.next().unwrap_or_default()).expect("a machine");
        let counts: Vec<Counts> = lines.map(|line| serde_json::from_str(line).expect("counts")).collect();
        assert!(counts.iter().all(|counts| counts.asked == counts.equal + counts.explained + counts.unexplained));
        let linux = linux.split('+').next().unwrap_or(&linux).to_owned();
        Self { linux, qemu, counts }
    }

    fn sum(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        self.counts.iter().filter(|counts| wanted(counts)).fold(Counts::default(), Counts::add)
    }

    /// Those of a profile's vectors, at all levels.
    pub fn profile(&self, profile: &str) -> Counts {
        self.sum(|counts| counts.cases == profile)
    }

    /// Where a known difference was met: the level, and by how many cases.
    pub fn met(&self, row: u8) -> Spans {
        let at = |&(level, title): &(&str, &str)| {
            let met = self.sum(|counts| counts.level == level).rows.get(&row).copied()?;
            Some(format!("{title}: {met}"))
        };
        let met: Vec<String> = LEVELS.iter().filter_map(at).collect();
        text(if met.is_empty() { "no".into() } else { met.join("; ") })
    }

    /// The tables of all levels, and of what no VM can ask.
    pub fn blocks(&self) -> Vec<Block> {
        let random = |counts: &Counts| counts.cases.starts_with("random");
        let mut levels = Vec::new();
        let mut reasons = Vec::new();
        for (level, title) in LEVELS {
            let vectors = self.sum(|counts| counts.level == level && !random(counts));
            let mut row = |cases: &str, counts: &Counts| {
                let numbers = [counts.asked, counts.equal, counts.explained, counts.unexplained];
                let cells = [text(title), text(cases)].into_iter();
                levels.push(cells.chain(numbers.map(|number| text(number.to_string()))).collect());
            };
            row("the vectors", &vectors);
            for counts in self.counts.iter().filter(|counts| counts.level == level && random(counts)) {
                row(&counts.cases, counts);
            }
            let reason = |(why, count): (&String, &usize)| vec![text(title), text(why), text(count.to_string())];
            reasons.extend(vectors.unfit.iter().map(reason));
        }
        vec![
            Block::Table(vec!["the VM runs at", "cases", "asked", "equal", "explained", "unexplained"], levels),
            Block::Heading(3, "What no VM can ask".into()),
            Block::Table(vec!["the VM runs at", "the vectors that it cannot ask", "cases"], reasons),
        ]
    }

    /// The rows that this page does not tell.
    pub fn other_rows(&self, told: impl Fn(u8) -> bool) -> Block {
        let all = self.sum(|_| true);
        let rows = all.rows.keys().filter(|&&row| !told(row));
        let rows = rows.map(|&row| vec![text(row.to_string()), self.met(row)]).collect();
        Block::Table(vec!["#", "met in VMs"], rows)
    }
}
