//! Shared memory while it changes: what is in it is a number, and a write leads from one number to another.

use super::intern::{Id, Interner};
use super::memo::Memo;
use crate::memory::{ExternalAbort, Memory, Reply};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Where an access goes: one doubleword, or for 128-bit descriptors two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    low: u32,
    high: Option<u32>,
}

impl Place {
    /// A number that no other place of the same size has.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.low
    }

    /// The numbers of its doublewords, the low one first.
    #[must_use]
    pub const fn words(self) -> [Option<u32>; 2] {
        [Some(self.low), self.high]
    }
}

/// A doubleword that some access has asked about.
#[derive(Clone, Copy, Debug)]
struct Cell {
    address: u64,
    initial: u64,
    aborts: bool,
    /// Its column in the rows, once something has been written to it.
    column: Option<u32>,
}

/// The contents of shared memory in every state that has come up: the doublewords written since the beginning.
#[derive(Clone, Debug)]
pub struct Cells {
    initial: Memory,
    cells: Vec<Cell>,
    by_address: BTreeMap<u64, u32>,
    /// The cells that have been written to.
    columns: Vec<u32>,
    /// A row ends with the last column that it sets; what it does not reach is as it was in the beginning.
    rows: Interner<Box<[u64]>>,
    /// What a write of a word leads to.
    written: Memo<(Id, u32, u64)>,
}

impl Cells {
    /// The number of memory as it was in the beginning.
    pub const INITIAL: Id = 0;

    /// Memory that begins like this.
    #[must_use]
    pub fn new(initial: Memory) -> Self {
        let mut rows = Interner::default();
        rows.intern(Box::default());
        Self {
            initial,
            cells: Vec::new(),
            by_address: BTreeMap::new(),
            columns: Vec::new(),
            rows,
            written: Memo::default(),
        }
    }

    /// Where the doubleword (`wide`: the two doublewords) at an address is kept.
    pub fn place(&mut self, address: u64, wide: bool) -> Place {
        let address = address & !7;
        Place { low: self.cell(address), high: wide.then(|| self.cell(address | 8)) }
    }

    /// Reads a place.
    ///
    /// # Errors
    /// [`ExternalAbort`] where memory gives no answer.
    #[inline]
    pub fn read(&self, memory: Id, place: Place) -> Reply {
        let row = self.rows.get(memory);
        let word = |cell: u32| {
            let cell = &self.cells[cell as usize];
            let written = cell.column.and_then(|column| row.get(column as usize));
            if cell.aborts { Err(ExternalAbort) } else { Ok(u128::from(*written.unwrap_or(&cell.initial))) }
        };
        match place.high {
            None => word(place.low),
            Some(high) => Ok(word(high)? << 64 | word(place.low)?),
        }
    }

    /// Memory with a place written.
    pub fn write(&mut self, memory: Id, place: Place, value: u128) -> Id {
        let memory = self.write_word(memory, place.low, value as u64);
        match place.high {
            None => memory,
            Some(high) => self.write_word(memory, high, (value >> 64) as u64),
        }
    }

    /// The doubleword at an address, whether or not an access could read it.
    #[must_use]
    pub fn word(&self, memory: Id, address: u64) -> u64 {
        let cell = self.by_address.get(&(address & !7)).map(|&cell| &self.cells[cell as usize]);
        let written = cell.and_then(|cell| cell.column).and_then(|column| self.rows.get(memory).get(column as usize));
        written.copied().unwrap_or_else(|| self.initial.word(address))
    }

    /// What the doubleword of this number held in the beginning.
    #[must_use]
    pub fn initial(&self, word: u32) -> u64 {
        self.cells[word as usize].initial
    }

    /// Memory as it stands.
    #[must_use]
    pub fn memory(&self, memory: Id) -> Memory {
        let mut whole = self.initial.clone();
        for (&cell, &word) in self.columns.iter().zip(self.rows.get(memory)) {
            whole.write(self.cells[cell as usize].address, word);
        }
        whole
    }

    /// The address of a place.
    #[must_use]
    pub fn address(&self, place: Place) -> u64 {
        self.cells[place.low as usize].address
    }

    /// The address of the doubleword of this number.
    #[must_use]
    pub fn cell_address(&self, word: u32) -> u64 {
        self.cells[word as usize].address
    }

    fn cell(&mut self, address: u64) -> u32 {
        *self.by_address.entry(address).or_insert_with(|| {
            let (initial, aborts) = (self.initial.word(address), self.initial.read(address, false).is_err());
            self.cells.push(Cell { address, initial, aborts, column: None });
            self.cells.len() as u32 - 1
        })
    }

    fn write_word(&mut self, memory: Id, cell: u32, value: u64) -> Id {
        let key = (memory, cell, value);
        self.written.get(&key).unwrap_or_else(|| {
            let after = self.row_with(memory, cell, value);
            self.written.insert(key, after);
            after
        })
    }

    fn row_with(&mut self, memory: Id, cell: u32, value: u64) -> Id {
        let column = self.cells[cell as usize].column.unwrap_or_else(|| {
            let column = self.columns.len() as u32;
            self.columns.push(cell);
            self.cells[cell as usize].column = Some(column);
            column
        }) as usize;
        let mut row = self.rows.get(memory).to_vec();
        let beginning = self.columns.iter().map(|&cell| self.cells[cell as usize].initial);
        row.extend(beginning.skip(row.len()).take((column + 1).saturating_sub(row.len())));
        row[column] = value;
        // Only one row stands for each content: it does not end with what was there in the beginning.
        let is_initial = |row: &[u64]| {
            row.last().is_some_and(|&last| self.cells[self.columns[row.len() - 1] as usize].initial == last)
        };
        while is_initial(&row) {
            row.pop();
        }
        self.rows.intern(row.into_boxed_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_contents_have_one_number_however_they_came_about() {
        let mut cells = Cells::new([(0x1000, 1), (0x1008, 2)].into_iter().collect());
        let [a, b, wide] = [cells.place(0x1000, false), cells.place(0x2000, false), cells.place(0x1000, true)];
        let first = cells.write(Cells::INITIAL, a, 7);
        let both = cells.write(first, b, 9);
        let second = cells.write(Cells::INITIAL, b, 9);
        assert_eq!(cells.write(second, a, 7), both);
        assert_eq!((cells.read(both, a), cells.read(second, a)), (Ok(7), Ok(1)));
        assert_eq!(cells.read(both, wide), Ok(2 << 64 | 7));
        let back = cells.write(both, b, 0);
        assert_eq!(cells.write(back, a, 1), Cells::INITIAL);
        assert_eq!((cells.word(both, 0x2000), cells.word(both, 0x1008)), (9, 2));
    }

    #[test]
    fn what_aborts_goes_on_aborting() {
        let mut memory = Memory::new();
        memory.set_abort(Some((0x1000, 0x1007)));
        let mut cells = Cells::new(memory);
        let place = cells.place(0x1000, false);
        let written = cells.write(Cells::INITIAL, place, 5);
        assert_eq!(cells.read(written, place), Err(ExternalAbort));
    }
}
