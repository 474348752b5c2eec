//! The machine a case describes: named registers, features and choices, and physical memory that counts its reads.

use std::collections::BTreeMap;

use super::{Case, Fault, Space, bit, field};

/// A running translation.
pub struct Machine<'a> {
    pub case: &'a Case,
    pub mem: BTreeMap<u64, u64>,
    pub reads: u64,
    pub writes: Vec<(u64, u64)>,
    /// Makes up the words that memory does not hold yet, as the walk comes to them.
    pub dream: Option<&'a mut dyn FnMut(Word) -> u64>,
    /// The words made up so far.
    pub dreamt: BTreeMap<u64, u64>,
    /// Where the walk has read.
    pub visited: Vec<u64>,
}

/// A word of memory, by what a walk takes it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A descriptor, or the lower half of a 128-bit one.
    Low,
    High,
    /// An entry of a granule protection table of level 0 or 1.
    Granules(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    El10,
    El20,
    El2,
    El3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An address translation instruction.
    At,
    /// A load, store or atomic.
    Data,
    Fetch,
    /// A push, a pop or a switch of a guarded control stack.
    Gcs,
    /// A descriptor of stage 1, read or updated through stage 2.
    Walk,
}

/// What is being done to memory, by whom.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub kind: Kind,
    pub el: u8,
    pub state: Space,
    pub read: bool,
    pub write: bool,
    pub pan: bool,
    pub atomic: bool,
    /// For the first table of a stage 1 walk: whether it is the upper range's.
    pub top_table: Option<bool>,
}

impl Access {
    /// The read of a stage 1 descriptor made for this access.
    pub fn walk(&self, top_table: Option<bool>) -> Access {
        Access { kind: Kind::Walk, read: true, write: false, pan: false, atomic: false, top_table, ..*self }
    }

    /// The compare-and-swap that updates a stage 1 descriptor for this access.
    pub fn update(&self) -> Access {
        Access { kind: Kind::Walk, read: true, write: true, pan: false, atomic: true, top_table: None, ..*self }
    }
}

impl Regime {
    /// Whether the regime serves an exception level and EL0 below it.
    pub fn unprivileged(self) -> bool {
        matches!(self, Regime::El10 | Regime::El20)
    }
}

impl<'a> Machine<'a> {
    pub fn new(case: &'a Case) -> Machine<'a> {
        let (reads, writes, visited) = (0, Vec::new(), Vec::new());
        Machine { case, mem: case.mem.clone(), reads, writes, dream: None, dreamt: BTreeMap::new(), visited }
    }
}

impl Machine<'_> {
    pub fn reg(&self, name: &str) -> u128 {
        self.case.regs.get(name).copied().unwrap_or(0)
    }

    pub fn has(&self, feature: &str) -> bool {
        !self.case.off.contains(&format!("FEAT_{feature}"))
    }

    pub fn choice(&self, name: &str, default: bool) -> bool {
        self.case.choices.get(name).map_or(default, |value| *value != 0)
    }

    pub fn hcr(&self, n: u32) -> bool {
        bit(self.reg("HCR_EL2"), n)
    }

    pub fn scr(&self, n: u32) -> bool {
        bit(self.reg("SCR_EL3"), n)
    }

    pub fn secure_el2(&self) -> bool {
        self.has("SEL2") && self.scr(18)
    }

    pub fn el2_enabled(&self) -> bool {
        self.scr(0) || self.secure_el2()
    }

    pub fn e2h_tge(&self) -> bool {
        self.hcr(34) && self.hcr(27)
    }

    /// Whether software at `el` is a host: EL2, or EL0 under it, with the EL2&0 regime.
    pub fn in_host(&self, el: u8) -> bool {
        self.has("VHE")
            && self.el2_enabled()
            && match el {
                2 => self.hcr(34),
                0 => self.e2h_tge(),
                _ => false,
            }
    }

    pub fn regime(&self, el: u8) -> Regime {
        match el {
            3 => Regime::El3,
            2 if self.in_host(2) => Regime::El20,
            2 => Regime::El2,
            0 if self.in_host(0) => Regime::El20,
            _ => Regime::El10,
        }
    }

    pub fn has_secure_state(&self) -> bool {
        !self.has("RME") || self.has("SEL2")
    }

    pub fn security_state(&self, el: u8) -> Space {
        let non_secure = self.scr(0) || !self.has_secure_state();
        if !self.has("RME") {
            return if el != 3 && non_secure { Space::NonSecure } else { Space::Secure };
        }
        match (el, self.scr(62), non_secure) {
            (3, _, _) => Space::Root,
            (_, false, false) => Space::Secure,
            (_, false, true) => Space::NonSecure,
            // NSE = 1 with NS = 0 is reserved: nothing below EL3 runs in it.
            (_, true, _) => Space::Realm,
        }
    }

    pub fn hcrx_enabled(&self) -> bool {
        self.has("HCX") && self.scr(38) && self.el2_enabled()
    }

    pub fn tcr2_el1_usable(&self) -> bool {
        let hidden_by_el2 = self.el2_enabled() && !(self.hcrx_enabled() && bit(self.reg("HCRX_EL2"), 14));
        self.has("TCR2") && self.scr(43) && !hidden_by_el2
    }

    pub fn tcr2_el2_usable(&self) -> bool {
        self.has("TCR2") && self.scr(43) && self.el2_enabled()
    }

    /// Whether memory encryption contexts are in use in a regime: bit 1 of its SCTLR2.
    pub fn contexts_on(&self, regime: Regime) -> bool {
        self.has("MEC")
            && if regime == Regime::El3 {
                bit(self.reg("SCTLR2_EL3"), 1)
            } else {
                self.has("SCTLR2") && self.scr(44) && self.el2_enabled() && bit(self.reg("SCTLR2_EL2"), 1)
            }
    }

    /// The memory encryption context that a register names.
    pub fn context(&self, register: &str) -> u64 {
        field(self.reg(register), 15, 0)
    }

    /// The system control register of a regime.
    pub fn sctlr(&self, regime: Regime) -> u128 {
        match regime {
            Regime::El10 => self.reg("SCTLR_EL1"),
            Regime::El20 | Regime::El2 => self.reg("SCTLR_EL2"),
            Regime::El3 => self.reg("SCTLR_EL3"),
        }
    }

    /// A read of 8 or 16 bytes, or `None` if it is an external abort.
    pub fn read(&mut self, address: u64, bytes: u32) -> Option<u128> {
        self.reads += 1;
        self.visited.push(address);
        if self.case.abort.is_some_and(|(lo, hi)| (lo..=hi).contains(&address)) {
            return None;
        }
        let word = |at: u64| u128::from(self.mem.get(&at).copied().unwrap_or(0));
        let low = word(address);
        Some(if bytes == 16 { low | word(address + 8) << 64 } else { low })
    }

    /// Reads a descriptor, after its granule protection check.
    pub fn fetch(&mut self, fault: &Fault, at: (u64, Space), bytes: u32, big: bool) -> Result<u128, Fault> {
        self.check_granule_on_walk(fault, at)?;
        self.dream_descriptor(at.0, bytes, big);
        match self.read(at.0, bytes) {
            Some(raw) => Ok(order(raw, bytes, big)),
            None => Err(Fault { code: "SyncExternalOnWalk", ..fault.clone() }),
        }
    }

    /// Replaces a descriptor if it still reads `old`; gives what memory holds afterwards.
    pub fn swap(
        &mut self,
        fault: &Fault,
        at: (u64, Space),
        (old, new): (u128, u128),
        bytes: u32,
        big: bool,
    ) -> Result<u128, Fault> {
        let found = self.fetch(fault, at, bytes, big)?;
        if found != old {
            return Ok(found);
        }
        let raw = order(new, bytes, big);
        for i in 0..u64::from(bytes / 8) {
            let word = (raw >> (64 * i)) as u64;
            self.mem.insert(at.0 + 8 * i, word);
            self.writes.push((at.0 + 8 * i, word));
        }
        Ok(new)
    }

    fn dream_descriptor(&mut self, address: u64, bytes: u32, big: bool) {
        let Some(dream) = &mut self.dream else { return };
        if self.mem.contains_key(&address) {
            return;
        }
        let low = u128::from(dream(Word::Low));
        let value = if bytes == 16 { low | u128::from(dream(Word::High)) << 64 } else { low };
        let raw = order(value, bytes, big);
        for i in 0..u64::from(bytes / 8) {
            self.mem.insert(address + 8 * i, (raw >> (64 * i)) as u64);
            self.dreamt.insert(address + 8 * i, (raw >> (64 * i)) as u64);
        }
    }

    /// Reads an entry of a granule protection table.
    pub fn read_granules(&mut self, address: u64, level: u32) -> Result<u128, (&'static str, u32)> {
        if let (Some(dream), false) = (&mut self.dream, self.mem.contains_key(&address)) {
            let word = dream(Word::Granules(level));
            self.mem.insert(address, word);
            self.dreamt.insert(address, word);
        }
        self.read(address, 8).ok_or(("EABT", level))
    }

    fn check_granule_on_walk(&mut self, fault: &Fault, at: (u64, Space)) -> Result<(), Fault> {
        match self.granule_fault(at) {
            None => Ok(()),
            found => {
                let mut failed = fault.clone();
                failed.code = "GPCFOnWalk";
                failed.gpcf = found;
                failed.checked = at;
                failed.gpc_s2 = fault.s2;
                Err(failed)
            }
        }
    }
}

fn order(value: u128, bytes: u32, big: bool) -> u128 {
    match (big, bytes) {
        (false, _) => value,
        (true, 16) => value.swap_bytes(),
        (true, _) => u128::from((value as u64).swap_bytes()),
    }
}
