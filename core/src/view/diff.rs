//! What an edit changed, between two translations.

use super::Translation;
use super::matrix::{Cell, Matrix, Purposed};
use crate::layout::sysreg::SysReg;
use crate::regime::Stage;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What is different in a translation from the one before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Lookups that came out differently, with what they were before; `None` for one that was not reached.
    pub cells: Vec<(Key, Option<Cell>)>,
    /// Result fields that differ, with their value before; `None` for a field there was not.
    pub fields: BTreeMap<(SysReg, &'static str), Option<u64>>,
    /// Whether the result as a whole differs.
    pub result: bool,
    /// Indices of the regime's clauses that differ.
    pub clauses: Vec<usize>,
}

/// Which lookup, whatever happened there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The row's purpose.
    pub purpose: Purposed,
    /// Which repetition of the row.
    pub repeat: u32,
    /// The stage.
    pub stage: Stage,
    /// The level.
    pub level: i8,
}

impl Changes {
    /// Compares `now` with `before`.
    #[must_use]
    pub fn between(before: &Translation, now: &Translation) -> Self {
        let old = cells(&before.matrix);
        let cells = cells(&now.matrix).into_iter().filter_map(|(key, cell)| {
            let was = old.iter().find(|(other, _)| *other == key).map(|(_, cell)| cell.clone());
            let same = was.as_ref().map_or(!cell.reached(), |was| is_same(was, &cell));
            (!same).then(|| (key, was.filter(Cell::reached)))
        });
        let clauses = now.regime.iter().enumerate().filter_map(|(index, clause)| {
            let was = before.regime.iter().find(|was| was.topic == clause.topic);
            (was != Some(clause)).then_some(index)
        });
        Self {
            cells: cells.collect(),
            fields: fields(before, now),
            result: (before.result.kind, &before.result.registers) != (now.result.kind, &now.result.registers),
            clauses: clauses.collect(),
        }
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && !self.result && self.clauses.is_empty()
    }

    /// What a lookup was before, if it changed.
    #[must_use]
    pub fn of(&self, key: &Key) -> Option<Option<Cell>> {
        self.cells.iter().find(|(changed, _)| changed == key).map(|(_, was)| was.clone())
    }
}

fn cells(matrix: &Matrix) -> Vec<(Key, Cell)> {
    let of_row = |row: &super::matrix::Row| {
        let (purpose, repeat) = (row.purpose, row.repeat);
        let keyed = move |cell: &Cell| (Key { purpose, repeat, stage: cell.stage, level: cell.level }, cell.clone());
        row.cells().map(keyed).collect::<Vec<_>>()
    };
    matrix.rows.iter().flat_map(of_row).collect()
}

/// The same lookup with the same outcome; its number and its place among the stops do not count.
fn is_same(was: &Cell, now: &Cell) -> bool {
    (was.address, was.value, was.written, was.outcome, was.fault)
        == (now.address, now.value, now.written, now.outcome, now.fault)
}

fn fields(before: &Translation, now: &Translation) -> BTreeMap<(SysReg, &'static str), Option<u64>> {
    let all = |translation: &Translation| {
        let of = |register: &super::result::Register| {
            let name = register.register;
            register
                .fields
                .iter()
                .map(move |held| ((name, held.field.field.name), held.field.value))
                .collect::<Vec<_>>()
        };
        translation.result.registers.iter().flat_map(of).collect::<BTreeMap<_, _>>()
    };
    let old = all(before);
    let differs = |(key, value): ((SysReg, &'static str), u64)| {
        let was = old.get(&key).copied();
        (was != Some(value)).then_some((key, was))
    };
    all(now).into_iter().filter_map(differs).collect()
}
