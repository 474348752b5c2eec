//! What a state is by its contents: the same in every world of the same machine, whatever its numbers are there.

use super::intern::{Id, Mix};
use super::local::{Phase, Stage};
use super::tlb::Held;
use super::world::{State, World};
use crate::layout::sysreg::SysReg;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

impl World {
    /// A number that tells a state's contents from all others, as far as 128 bits can.
    #[must_use]
    pub fn fingerprint(&self, state: State) -> u128 {
        let half = |seed: u64| {
            let mut mix = Mix::default();
            mix.write_u64(seed);
            self.digest(state, &mut mix);
            u128::from(mix.finish())
        };
        half(1) << 64 | half(0x9e37_79b9_7f4a_7c15)
    }

    fn digest(&self, state: State, mix: &mut Mix) {
        for actor in 0..self.threads.len() {
            let local = self.local(state, actor);
            (local.pc, local.x, local.equal, local.par, &local.faults, local.invalidated).hash(mix);
            self.digest_context(local.context, mix);
            local.next_context.is_some().hash(mix);
            local.next_context.iter().for_each(|&context| self.digest_context(context, mix));
            self.digest_phase(local.phase, mix);
            let tlbs = self.tlbs();
            self.digest_held(tlbs.held(self.tlb_row(state), actor), mix);
            for by in 0..self.threads.len() {
                let after = tlbs.held_after(self.tlb_row(state), actor, by);
                after.is_some().hash(mix);
                after.iter().for_each(|held| self.digest_held(held, mix));
            }
        }
        for (address, word) in self.memory(state).words() {
            if self.machine.memory.word(address) != word {
                (address, word).hash(mix);
            }
        }
        for (address, word) in self.machine.memory.words() {
            if word != 0 && self.word(state, address) == 0 {
                address.hash(mix);
            }
        }
        let sync = self.sync(state);
        (sync.pausing, sync.paused, sync.waits, sync.stale).hash(mix);
        for monitor in sync.monitors {
            monitor.map(|cell| self.cells.cell_address(cell)).hash(mix);
        }
    }

    fn digest_context(&self, context: Id, mix: &mut Mix) {
        let pe = self.walks().pe(context);
        (pe.el, pe.pan, pe.uao).hash(mix);
        for (register, value) in pe.regs.iter_nonzero() {
            let number = SysReg::ALL.iter().position(|&other| other == register);
            (number, value).hash(mix);
        }
    }

    fn digest_walk(&self, node: Id, mix: &mut Mix) {
        let root = self.walks().get(node).root;
        self.digest_context(root.context, mix);
        (root.op as u8, root.va, self.walks().answers(node)).hash(mix);
    }

    fn digest_phase(&self, phase: Phase, mix: &mut Mix) {
        core::mem::discriminant(&phase).hash(mix);
        match phase {
            Phase::Ready | Phase::Ended => {}
            Phase::Walking(node) => self.digest_walk(node, mix),
            Phase::Accessing(address) => address.hash(mix),
            Phase::Resolving { backing, emulating } => (backing, emulating).hash(mix),
            Phase::Emulating(stage) => {
                core::mem::discriminant(&stage).hash(mix);
                if let Stage::Walking(node) | Stage::Checked(node) | Stage::Leaving(node) = stage {
                    self.digest_walk(node, mix);
                }
            }
        }
    }

    /// What is held is a set: the order of its numbers does not count.
    fn digest_held(&self, held: &[Held], mix: &mut Mix) {
        let one = |held: &Held| {
            let mut own = Mix::default();
            core::mem::discriminant(held).hash(&mut own);
            match *held {
                Held::Walk(node) | Held::Early(node) => self.digest_walk(node, &mut own),
                Held::Stage2(id) => self.tlbs().stage2(id).hash(&mut own),
            }
            own.finish()
        };
        let mut all: Vec<u64> = held.iter().map(one).collect();
        all.sort_unstable();
        all.hash(mix);
    }
}
