//! A trapped AT instruction, as the hypervisor emulates it: by the instruction itself, then by a walk in software.

use super::intern::Id;
use super::local::{Phase, Refusal, Said, Stage, Wants};
use super::policy::{Emulation, Policy, UpdateCheck};
use super::program::Instr;
use super::thread::Step;
use super::walks::Root;
use crate::access::Op;
use crate::at::Answer;
use crate::memory::ExternalAbort;
use crate::outcome::FaultCode;

impl Step<'_, '_> {
    const fn policy(&self) -> (Policy, bool) {
        match self.around.machine.emulation {
            Emulation::Software { policy, instruction_first, .. } => (policy, instruction_first),
            Emulation::Hardware => (Policy::Race, false),
        }
    }

    /// What the hypervisor executes, or walks, for the AT instruction; and whether it can execute it.
    fn emulated_root(&mut self) -> (Root, bool) {
        let (op, va) = match self.instr() {
            Some(Instr::At { op, va }) => (op, self.value(va)),
            _ => (Op::S1E1R, 0),
        };
        self.at_root(op, va)
    }

    pub(super) fn emulation_wants(&mut self, stage: Stage) -> Wants {
        let (policy, instruction_first) = self.policy();
        if stage == Stage::Trapped && instruction_first && !self.actor.host {
            let (root, executes) = self.emulated_root();
            if executes {
                return Wants::Translate { root, next: None, early: false };
            }
        }
        match (stage, policy) {
            (Stage::Trapped | Stage::Entering, Policy::PauseAll) => Wants::Pause,
            (Stage::Trapped | Stage::Entering, _) => Wants::BeginWalk,
            (Stage::Pausing, _) => Wants::AwaitPaused,
            (Stage::Walking(node), Policy::SeqRetry { before_update }) => {
                match (self.walk_wants(node), before_update) {
                    (Wants::Update(..), UpdateCheck::Split) => Wants::Check,
                    (Wants::Update(place, update), UpdateCheck::Atomic) => Wants::CheckedUpdate(place, update),
                    (wants, _) => wants,
                }
            }
            (Stage::Walking(node) | Stage::Checked(node), _) => self.walk_wants(node),
            (Stage::Leaving(_), Policy::PauseAll) => Wants::Resume,
            (Stage::Leaving(_), Policy::SeqRetry { .. }) => Wants::Check,
            (Stage::Leaving(_), _) => Wants::Own,
        }
    }

    pub(super) fn emulated_step(&mut self, stage: Stage, wanted: Wants, said: Said) {
        match (stage, wanted) {
            (Stage::Trapped, Wants::Translate { .. }) => self.tried(said),
            (_, Wants::Pause) => self.local.phase = Phase::Emulating(Stage::Pausing),
            (Stage::Trapped | Stage::Entering | Stage::Pausing, _) => self.restart(),
            (Stage::Walking(_), _) if said == Err(Refusal::Stale) => self.restart(),
            (Stage::Walking(node), Wants::Check) => self.local.phase = Phase::Emulating(Stage::Checked(node)),
            (Stage::Walking(node) | Stage::Checked(node), _) => {
                let next = self.around.walks.answer(node, said.map_err(|_| ExternalAbort));
                self.emulate(next);
            }
            (Stage::Leaving(_), _) if said == Err(Refusal::Stale) => self.restart(),
            (Stage::Leaving(node), _) => self.deliver(node),
        }
    }

    /// The instruction itself has been executed at EL2. A failure that may be stage 2's does not settle the matter.
    fn tried(&mut self, said: Said) {
        let node = said.unwrap_or_default() as Id;
        let settled = match self.around.walks.get(node).end() {
            Some(Answer { fault: None, .. }) => true,
            Some(Answer { fault: Some(fault), .. }) => !fault.second_stage && fault.code == FaultCode::Permission,
            None => false,
        };
        if settled {
            self.deliver(node);
        } else {
            self.local.phase = Phase::Emulating(Stage::Entering);
        }
    }

    pub(super) fn restart(&mut self) {
        let (root, _) = self.emulated_root();
        let node = self.around.walks.begin(root);
        self.emulate(node);
    }

    /// The software walk has come to a node.
    pub(super) fn emulate(&mut self, node: Id) {
        let Some(answer) = self.around.walks.get(node).end() else {
            self.local.phase = Phase::Emulating(Stage::Walking(node));
            return;
        };
        match (self.backing(answer), self.policy().0) {
            (Some(backing), _) => self.local.phase = Phase::Resolving { backing, emulating: true },
            (None, Policy::Race) => self.deliver(node),
            (None, _) => self.local.phase = Phase::Emulating(Stage::Leaving(node)),
        }
    }

    /// The guest gets its answer.
    fn deliver(&mut self, node: Id) {
        if let Some(answer) = self.around.walks.get(node).end().cloned() {
            self.finish(&answer, true);
        }
    }
}
