//! Where there is no KVM for arm64.

use super::{Fit, Level, Limits, Probe, Problem, Told};
use crate::access::Op;
use crate::scenario::Run;
use alloc::string::String;
use alloc::vec::Vec;

fn unavailable() -> Problem {
    Problem::Unavailable("this takes an arm64 machine with Linux and KVM".into())
}

/// A VM that cannot be.
#[derive(Debug)]
pub enum Machine {}

impl Machine {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: Level) -> Result<Self, Problem> {
        Err(unavailable())
    }

    /// What it is, if it were.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match *self {}
    }

    /// Executes a case, if it could.
    ///
    /// # Errors
    /// None.
    pub fn run(&mut self, _: &mut Fit) -> Result<Run, Problem> {
        match *self {}
    }

    /// Executes an instruction at many addresses, if it could.
    ///
    /// # Errors
    /// None.
    pub fn run_many(&mut self, _: &Fit, _: Op, _: &[u64]) -> Result<Vec<u64>, Problem> {
        match *self {}
    }
}

/// What the host offers.
///
/// # Errors
/// Always: nothing.
pub fn probe() -> Result<Probe, Problem> {
    Err(unavailable())
}

/// The levels that the host offers.
///
/// # Errors
/// Always: none.
pub fn levels() -> Result<Vec<Level>, Problem> {
    Err(unavailable())
}

/// The kernel's version: there is none to tell.
#[must_use]
pub const fn kernel() -> String {
    String::new()
}

/// A VM for stories that cannot be.
#[derive(Debug)]
pub enum Scene {}

impl Scene {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: Level) -> Result<Self, Problem> {
        Err(unavailable())
    }

    /// Tells a story, if it could.
    ///
    /// # Errors
    /// None.
    pub fn tell(&mut self, _: &str) -> Result<Told, Problem> {
        match *self {}
    }
}
