//! From the flat list of steps to the rows of the matrix.

use super::{Cell, Check, Matrix, Outcome, Purposed, Row};
use crate::addr::FullAddress;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord};
use crate::regime::Stage;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};
use crate::view::stops::Stop;
use alloc::vec::Vec;

/// Lays out a walk.
#[must_use]
pub fn build(steps: &[Step], stops: &[Stop]) -> Matrix {
    let mut builder = Builder::default();
    for (index, stop) in stops.iter().enumerate() {
        builder.stop = index;
        for step in steps.get(stop.first..=stop.last).unwrap_or_default() {
            builder.step(step);
        }
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    rows: Vec<Row>,
    reads: u32,
    stop: usize,
    /// Stage 1's start level, once it has begun.
    start: Option<i8>,
    /// Whether stage 2 translates the output.
    stage2_on_output: bool,
    /// Lowest start level of stage 2.
    stage2_start: Option<i8>,
    translating: bool,
    /// The lookups whose descriptor has been read, of the walks under way.
    done: Vec<Place>,
    /// Granule protection reads whose access is still to come.
    checks: Vec<Check>,
}

impl Builder {
    fn step(&mut self, step: &Step) {
        match step.event {
            Event::Regime { stage2_on_output, .. } => {
                self.stage2_on_output = stage2_on_output;
                self.translating = true;
            }
            Event::Start { input, level, .. } => {
                self.done.retain(|place| (place.stage, place.purpose) != (step.place.stage, step.place.purpose));
                if step.place.stage == Some(Stage::S2) {
                    self.stage2_start = Some(self.stage2_start.map_or(level, |low| low.min(level)));
                    self.open(purposed(step.place)).input = Some(input);
                } else {
                    self.start = Some(level);
                }
            }
            Event::GptRead { address, value, .. } => self.check(Some(address), Some(value)),
            Event::Disabled { output } if step.place.stage == Some(Stage::S2) => {
                let row = self.row(purposed(step.place));
                row.stage2_off = true;
                row.input = Some(output.address.address);
                row.stage2_output = Some(output.address);
            }
            Event::Read { descriptor, physical, value, .. } => self.read(step.place, descriptor, physical, value),
            Event::Table { next } => self.decided(step.place, Outcome::Table(next)),
            Event::Leaf { output, size, contiguous } => {
                self.decided(step.place, Outcome::Leaf { output, size, contiguous });
            }
            Event::Update { physical, old, new, found } => self.update(step.place, physical, old, new, found),
            Event::Output { output } | Event::Disabled { output } => self.output(step.place, output),
            Event::Fault { fault } => {
                if step.rule == Rule::GpcAbort {
                    self.check(None, None);
                }
                self.fault(step, fault);
            }
            _ => {}
        }
    }

    /// The open row if it is for `purpose`, else a new one.
    fn row(&mut self, purpose: Purposed) -> &mut Row {
        if self.rows.last().is_none_or(|row| row.purpose != purpose) {
            return self.open(purpose);
        }
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    fn open(&mut self, purpose: Purposed) -> &mut Row {
        let repeat = self.rows.iter().filter(|row| row.purpose == purpose).count();
        let mut row = Row::new(purpose);
        row.repeat = u32::try_from(repeat).unwrap_or(u32::MAX);
        row.stop = Some(self.stop);
        self.rows.push(row);
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// The lookup at `place`, made if it is not there yet.
    fn cell(&mut self, place: Place) -> &mut Cell {
        let level = place.level.unwrap_or_default();
        let stage = place.stage.unwrap_or(Stage::S1);
        let row = self.row(purposed(place));
        if stage == Stage::S1 {
            return row.stage1.get_or_insert(Cell::empty(Stage::S1, level));
        }
        let at = match row.stage2.iter().position(|cell| cell.level == level) {
            Some(at) => at,
            None => {
                row.stage2.push(Cell::empty(Stage::S2, level));
                row.stage2.len() - 1
            }
        };
        &mut row.stage2[at]
    }

    fn next_number(&mut self) -> Option<u32> {
        self.reads = self.reads.saturating_add(1);
        Some(self.reads)
    }

    fn check(&mut self, address: Option<FullAddress>, value: Option<u64>) {
        let number = self.next_number();
        self.checks.push(Check { number, address, value });
    }

    fn read(&mut self, place: Place, descriptor: FullAddress, physical: FullAddress, value: u128) {
        self.done.push(place);
        let number = self.next_number();
        if place.stage == Some(Stage::S1) {
            self.lookup_row(place).input = Some(descriptor.address);
        }
        let cell = self.arrive(place);
        cell.number = number;
        cell.address = Some(physical);
        cell.value = Some(value);
    }

    /// The row in which stage 1 reads a descriptor: the open one, unless it holds a read already.
    fn lookup_row(&mut self, place: Place) -> &mut Row {
        let purpose = purposed(place);
        let taken = self.rows.last().is_some_and(|row| row.purpose == purpose && row.stage1.is_some());
        let stop = self.stop;
        let row = if taken { self.open(purpose) } else { self.row(purpose) };
        row.stop = Some(stop);
        row
    }

    /// The lookup at `place`, which the walk has now come to.
    fn arrive(&mut self, place: Place) -> &mut Cell {
        let (stop, checks) = (self.stop, core::mem::take(&mut self.checks));
        let cell = self.cell(place);
        cell.outcome = Outcome::Read;
        cell.stop = Some(stop);
        cell.checks.extend(checks);
        cell
    }

    fn decided(&mut self, place: Place, outcome: Outcome) {
        self.cell(place).outcome = outcome;
    }

    fn update(&mut self, place: Place, physical: FullAddress, old: u128, new: u128, found: u128) {
        let lost = found != old && found != new;
        let written = (found == old).then_some(new);
        let number = self.next_number();
        let cell = self.swapped(place, physical);
        cell.written = written;
        if cell.stage == Stage::S1 {
            cell.number = number;
            cell.value = Some(found);
            cell.outcome = if lost { Outcome::Lost } else { Outcome::Updated };
        } else {
            cell.swap_number = number;
            if lost {
                cell.outcome = Outcome::Lost;
            }
        }
    }

    /// Where a compare-and-swap is shown: stage 1's in a row of its own, stage 2's where the descriptor was read.
    fn swapped(&mut self, place: Place, physical: FullAddress) -> &mut Cell {
        let (stop, checks) = (self.stop, core::mem::take(&mut self.checks));
        let level = place.level.unwrap_or_default();
        if place.stage == Some(Stage::S2) {
            let cell = self.cell(place);
            cell.swap_stop = Some(stop);
            cell.checks.extend(checks);
            return cell;
        }
        let row = self.row(Purposed::Update(level));
        row.input.get_or_insert(physical.address);
        let cell = row.stage1.get_or_insert(Cell::empty(Stage::S1, level));
        cell.address = Some(physical);
        cell.outcome = Outcome::Read;
        cell.stop = Some(stop);
        cell.checks.extend(checks);
        cell
    }

    fn output(&mut self, place: Place, output: AddressDescriptor) {
        let stop = self.stop;
        let stage2 = place.stage == Some(Stage::S2);
        if stage2 && let Some(row) = self.rows.last_mut() {
            row.stage2_output = Some(output.address);
        }
        if place.purpose == Purpose::Output && (stage2 || !self.stage2_on_output) {
            let row = self.row(Purposed::Output);
            row.output = Some(output);
            row.stop = Some(stop);
        }
    }

    fn fault(&mut self, step: &Step, fault: FaultRecord) {
        if self.rows.iter().any(|row| row.fault.is_some() || row.cells().any(|cell| cell.fault.is_some())) {
            return; // the same fault, noted again where the instruction gives up
        }
        let place = step.place;
        let on_access = matches!(fault.code, FaultCode::SyncExternalOnWalk | FaultCode::GpcfOnWalk);
        if on_access && place.level.is_some() {
            let aborted = fault.code == FaultCode::SyncExternalOnWalk;
            let number = if aborted { self.next_number() } else { None };
            self.denied(place, number, fault);
            return;
        }
        let (stop, checks) = (self.stop, core::mem::take(&mut self.checks));
        let stage = place.stage;
        let row = match self.rows.last_mut() {
            Some(row) if stage == Some(Stage::S1) || row.purpose == purposed(place) => row,
            _ => self.open(purposed(place)),
        };
        let cell = match stage {
            Some(Stage::S2) => row.stage2.iter_mut().rev().find(|cell| cell.reached()),
            Some(Stage::S1) => row.stage1.as_mut(),
            None => None,
        };
        match cell {
            Some(cell) => cell.fault = Some(fault),
            None => {
                row.fault = Some(fault);
                row.checks.extend(checks);
                row.stop = Some(stop);
            }
        }
    }

    /// An access to a descriptor that the memory system or the granule protection check denies.
    fn denied(&mut self, place: Place, number: Option<u32>, fault: FaultRecord) {
        let swapping = self.done.contains(&place);
        let cell = if swapping {
            self.swapped(place, fault.paddress)
        } else {
            if place.stage == Some(Stage::S1) {
                self.lookup_row(place);
            }
            self.arrive(place)
        };
        let slot = if swapping && cell.stage == Stage::S2 { &mut cell.swap_number } else { &mut cell.number };
        *slot = number;
        cell.fault = Some(fault);
    }

    fn finish(mut self) -> Matrix {
        self.add_missing_rows();
        let checks = core::mem::take(&mut self.checks);
        if let Some(row) = self.rows.last_mut() {
            row.checks.extend(checks);
        }
        let columns: Vec<i8> = self.stage2_start.map_or_else(Vec::new, |start| (start..=3).collect());
        for row in &mut self.rows {
            let leaf =
                row.stage2.iter().any(|cell| matches!(cell.outcome, Outcome::Leaf { .. }) && cell.fault.is_none());
            let first = row.stage2.iter().map(|cell| cell.level).min();
            for &level in &columns {
                if row.stage2.iter().any(|cell| cell.level == level) {
                    continue;
                }
                let mut cell = Cell::empty(Stage::S2, level);
                let unasked = row.purpose == Purposed::Output && !self.stage2_on_output;
                if row.stage2_off || unasked || leaf || first.is_some_and(|first| level < first) {
                    cell.outcome = Outcome::NotNeeded;
                }
                row.stage2.push(cell);
            }
            row.stage2.sort_by_key(|cell| cell.level);
            if let Purposed::Descriptor(level) | Purposed::Update(level) = row.purpose {
                row.stage1.get_or_insert(Cell::empty(Stage::S1, level));
            }
        }
        Matrix { columns, rows: self.rows, reads: self.reads }
    }

    /// Rows for what the walk would have come to next.
    fn add_missing_rows(&mut self) {
        if !self.translating {
            return;
        }
        let has = |rows: &[Row], purpose| rows.iter().any(|row| row.purpose == purpose);
        let mapped = self
            .rows
            .iter()
            .any(|row| row.stage1.as_ref().is_some_and(|cell| matches!(cell.outcome, Outcome::Leaf { .. })));
        if let Some(start) = self.start
            && !mapped
        {
            for level in start..=3 {
                if !has(&self.rows, Purposed::Descriptor(level)) {
                    self.rows.push(Row::new(Purposed::Descriptor(level)));
                }
            }
        }
        if !has(&self.rows, Purposed::Output) {
            self.rows.push(Row::new(Purposed::Output));
        }
    }
}

const fn purposed(place: Place) -> Purposed {
    match (place.stage, place.purpose, place.level) {
        (_, Purpose::Descriptor(level), _) | (Some(Stage::S1), Purpose::Output, Some(level)) => {
            Purposed::Descriptor(level)
        }
        (_, Purpose::Update(level), _) => Purposed::Update(level),
        _ => Purposed::Output,
    }
}
