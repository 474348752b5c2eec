//! From an instruction to an answer.

use std::collections::BTreeMap;

use super::machine::{Access, Kind, Machine, Regime, Word};
use super::{Answer, Case, Exception, Fault, bit};

/// What becomes of an AT instruction before it translates anything.
enum Gate {
    Undefined,
    Trapped(Exception),
    Open,
}

/// Executes a case.
pub fn translate(case: &Case) -> Answer {
    execute(&mut Machine::new(case))
}

/// Executes a case on memory that is made up as the walk comes to it; gives that memory as it was before the walk
/// updated it, and where the walk read.
pub fn dream(case: &Case, dream: &mut dyn FnMut(Word) -> u64) -> (BTreeMap<u64, u64>, Vec<u64>) {
    let mut machine = Machine::new(case);
    machine.dream = Some(dream);
    execute(&mut machine);
    (machine.dreamt, machine.visited)
}

fn execute(machine: &mut Machine) -> Answer {
    let case = machine.case;
    let mut answer = match case.op.as_str() {
        "LDR" | "STR" | "LDTR" | "STTR" | "FETCH" | "SWP" => machine.access(),
        op if op.starts_with("GCS") && !machine.has("GCS") => Answer { status: "undefined", ..Answer::default() },
        op if op.starts_with("GCS") => machine.access(),
        op => match machine.gate(op) {
            Gate::Undefined => Answer { status: "undefined", ..Answer::default() },
            Gate::Trapped(exception) => Answer { status: "exception", exception: Some(exception), ..Answer::default() },
            Gate::Open => machine.at(op),
        },
    };
    answer.reads = machine.reads;
    answer.writes = machine.writes.clone();
    answer
}

impl Machine<'_> {
    /// The UNDEFINED and trap rules of an AT instruction.
    fn gate(&self, op: &str) -> Gate {
        let el = self.case.el;
        // op1, CRm, op2, and the instruction's bit in HFGITR_EL2.
        let (encoding, fine_trap) = match op {
            "S1E1R" => ((0, 8, 0), 12),
            "S1E1W" => ((0, 8, 1), 13),
            "S1E0R" => ((0, 8, 2), 14),
            "S1E0W" => ((0, 8, 3), 15),
            "S1E1RP" => ((0, 9, 0), 16),
            "S1E1WP" => ((0, 9, 1), 17),
            "S1E1A" => ((0, 9, 2), 62),
            "S1E2R" => ((4, 8, 0), 0),
            "S1E2W" => ((4, 8, 1), 0),
            "S12E1R" => ((4, 8, 4), 0),
            "S12E1W" => ((4, 8, 5), 0),
            "S12E0R" => ((4, 8, 6), 0),
            "S12E0W" => ((4, 8, 7), 0),
            "S1E2A" => ((4, 9, 2), 0),
            "S1E3R" => ((6, 8, 0), 0),
            "S1E3W" => ((6, 8, 1), 0),
            "S1E3A" => ((6, 9, 2), 0),
            other => panic!("no such operation: {other}"),
        };
        let for_el3 = op.starts_with("S1E3");
        let for_el2 = op.starts_with("S12") || op.starts_with("S1E2");
        if el == 0 || (for_el3 && el < 3) {
            return Gate::Undefined;
        }
        if for_el2 && el == 1 {
            let nested = self.el2_enabled() && self.has("NV") && self.hcr(42);
            return if nested { Gate::Trapped(self.trap(encoding)) } else { Gate::Undefined };
        }
        if op.starts_with("S1E2") && el == 3 && !self.el2_enabled() {
            return Gate::Undefined;
        }
        let reserved_state = self.has("RME") && self.scr(62) && self.has_secure_state() && !self.scr(0);
        if el == 3 && !for_el3 && reserved_state {
            return Gate::Undefined;
        }
        if el == 1 && self.el2_enabled() {
            let fine = self.has("FGT") && self.scr(27) && bit(self.reg("HFGITR_EL2"), fine_trap);
            if self.hcr(44) || fine {
                return Gate::Trapped(self.trap(encoding));
            }
        }
        Gate::Open
    }

    fn at(&mut self, op: &str) -> Answer {
        let mut two_stages = op.starts_with("S12");
        let (_, target) = op.split_once('E').expect("an exception level");
        let mut el = target.as_bytes()[0] - b'0';
        if two_stages && (self.in_host(0) || !(self.hcr(0) || self.hcr(12)) || !self.el2_enabled()) {
            two_stages = false;
        }
        if self.e2h_tge() && el == 1 && !two_stages {
            el = 2;
        }
        let access = Access {
            kind: Kind::At,
            el,
            state: self.security_state(el),
            read: target.contains('R'),
            write: target.contains('W'),
            pan: target.ends_with('P'),
            atomic: false,
            top_table: None,
        };
        let regime = if two_stages { Regime::El10 } else { self.regime(el) };
        let none = Fault { write: access.write && !access.read, ..Fault::default() };
        let mut result = self.stage1(&none, regime, self.case.va, &access);
        if let (true, Ok(ipa)) = (two_stages, &result) {
            result = self.stage2(&none, &ipa.clone(), &access);
        }
        let mut answer = Answer { status: "ok", ..Answer::default() };
        match &result {
            Ok(place) => answer.output = Some(place.clone()),
            Err(fault) => answer.fault = Some(fault.clone()),
        }
        if let Some(fault) = &answer.fault
            && self.at_aborts(fault, el, !two_stages)
        {
            answer.status = "exception";
            answer.exception = Some(self.abort(fault, &access));
        } else {
            answer.par = Some(self.par(regime, !two_stages, &result));
        }
        answer
    }

    /// Whether a fault of an AT instruction is taken as an exception instead of being reported in PAR_EL1.
    fn at_aborts(&self, fault: &Fault, el: u8, stage1_only: bool) -> bool {
        let at_el1 = self.case.el == 1;
        let gpf = fault.gpcf.is_some() && self.hcr(48) && at_el1 && el <= 1 && stage1_only;
        fault.code == "SyncExternalOnWalk" || (at_el1 && fault.s1ptw) || self.is_gpc_exception(fault) || gpf
    }

    /// A load, a store, an atomic, an instruction fetch, or an access to a guarded control stack.
    fn access(&mut self) -> Answer {
        let (op, current) = (self.case.op.as_str(), self.case.el);
        let fetch = op == "FETCH";
        let gcs = op.starts_with("GCS");
        // The vectors' LDTR and STTR, and here GCSSTTR, are the accesses those instructions make when they are
        // unprivileged.
        let el = if matches!(op, "LDTR" | "STTR" | "GCSSTTR") { 0 } else { current };
        let access = Access {
            kind: match (fetch, gcs) {
                (true, _) => Kind::Fetch,
                (_, true) => Kind::Gcs,
                _ => Kind::Data,
            },
            el,
            state: self.security_state(current),
            read: matches!(op, "LDR" | "LDTR" | "SWP" | "GCSPOPM" | "GCSSS1"),
            write: matches!(op, "STR" | "STTR" | "SWP" | "GCSSTR" | "GCSSTTR" | "GCSSS1"),
            pan: !fetch && !gcs,
            atomic: matches!(op, "SWP" | "GCSSS1"),
            top_table: None,
        };
        let regime = self.regime(el);
        let none = Fault { write: access.write && !access.read, ..Fault::default() };
        let mut result = self.stage1(&none, regime, self.case.va, &access);
        if let Ok(ipa) = &result
            && regime == Regime::El10
            && self.el2_enabled()
        {
            result = self.stage2(&none, &ipa.clone(), &access);
        }
        if let Ok(place) = &result {
            let at = (place.address, place.space);
            let gpcf = self.granule_fault(at);
            if gpcf.is_some() {
                result = Err(Fault { code: "GPCFOnOutput", gpcf, checked: at, ..none.clone() });
            }
        }
        match result {
            Ok(place) => Answer { status: "ok", output: Some(place), ..Answer::default() },
            Err(fault) => {
                let exception = Some(self.abort(&fault, &access));
                Answer { status: "exception", exception, fault: Some(fault), ..Answer::default() }
            }
        }
    }
}
