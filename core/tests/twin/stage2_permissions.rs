//! Who may do what with a page, by stage 2.

use super::machine::{Access, Kind, Machine};
use super::stage1_permissions::{Denial, denied, fourth};
use super::stage2::Leaf;
use super::stage2_params::Stage2;
use super::{Fault, Space, bit};

impl Machine<'_> {
    /// The stage 2 permission check of a leaf; says whether the page is "mostly read-only".
    pub fn stage2_permission(
        &self,
        base: &Fault,
        leaf: &Leaf,
        s2: &Stage2,
        ipa_assured: bool,
        access: &Access,
    ) -> Result<bool, Fault> {
        let own = if s2.pie { stage2_rights(leaf.pi, access.el) } else { direct_stage2_rights(leaf, access.el) };
        let overlaid = s2.pie && s2.poe;
        let over = stage2_rights(fourth(self.reg("S2POR_EL1"), leaf.overlay_index), access.el);
        let mro = if overlaid { own.mostly_read_only_with(&over) } else { own.mostly_read_only_with(&own) };
        let top = match (overlaid, mro) {
            (false, _) => own.top,
            (true, true) => own.top | over.top,
            (true, false) => 0,
        };
        let walk = access.kind == Kind::Walk;
        let (w, over_w) = if walk { (own.w_mmu, over.w_mmu) } else { (own.w, over.w) };
        let foreign_realm = access.state == Space::Realm && leaf.space != Space::Realm;
        let not_dirty = access.write && !(s2.ha && s2.hd) && s2.pie && !leaf.dirty;
        let device = leaf.attrs.device.is_some();
        let wants_assured = access.kind == Kind::Gcs && access.el > 0 && self.assures_stacks();
        if walk {
            let (top0, top1) = (top & 1 != 0, top & 2 != 0);
            let wrong_top = match access.top_table {
                Some(false) => (s2.tl0 && !top0) || (s2.tl1 && top1 && !top0),
                Some(true) => (s2.tl1 && !top1) || (s2.tl0 && !top1 && top0),
                None => false,
            };
            if wrong_top {
                Err(denied(base, None, Denial::TopLevel))
            } else if s2.ptw && device {
                Err(denied(base, None, Denial::Plain))
            } else if overlaid && (!over.r || (access.write && !over_w)) {
                Err(denied(base, None, Denial::Overlay))
            } else if foreign_realm || !own.r || (access.write && !w) {
                Err(denied(base, None, Denial::Plain))
            } else if not_dirty {
                Err(denied(base, None, Denial::Dirty))
            } else {
                Ok(mro)
            }
        } else if (leaf.assured_only && !ipa_assured) || (!leaf.assured_only && wants_assured) {
            Err(denied(base, None, Denial::Assured))
        } else if access.kind == Kind::Fetch {
            let no_fetch = device && self.choice("instruction_fetch_from_device_faults", false);
            if overlaid && !over.x {
                Err(denied(base, None, Denial::Overlay))
            } else if no_fetch || foreign_realm || !own.x {
                Err(denied(base, None, Denial::Plain))
            } else {
                Ok(mro)
            }
        } else if access.read && overlaid && !over.r {
            Err(denied(base, Some(false), Denial::Overlay))
        } else if access.write && overlaid && !over_w {
            Err(denied(base, Some(true), Denial::Overlay))
        } else if access.read && !own.r {
            Err(denied(base, Some(false), Denial::Plain))
        } else if access.write && !w {
            Err(denied(base, Some(true), Denial::Plain))
        } else if not_dirty {
            Err(denied(base, Some(true), Denial::Dirty))
        } else {
            Ok(mro)
        }
    }
}

impl Machine<'_> {
    /// VTCR_EL2.GCSH.
    fn assures_stacks(&self) -> bool {
        self.has("GCS") && bit(self.reg("VTCR_EL2"), 40)
    }
}

/// Stage 2 rights: `w_mmu` also stands for the RCW instructions' right; `top` bit 0 is TL0, bit 1 TL1.
struct Stage2Rights {
    r: bool,
    w: bool,
    x: bool,
    w_mmu: bool,
    top: u8,
}

impl Stage2Rights {
    fn mostly_read_only_with(&self, other: &Stage2Rights) -> bool {
        !(self.w && other.w) && self.w_mmu && other.w_mmu
    }
}

fn direct_stage2_rights(leaf: &Leaf, el: u8) -> Stage2Rights {
    let (px, ux) = match (leaf.xn, leaf.xnx) {
        (false, false) => (true, true),
        (false, true) => (false, true),
        (true, false) => (false, false),
        (true, true) => (true, false),
    };
    let (r, w) = (leaf.ap & 1 != 0, leaf.ap & 2 != 0);
    Stage2Rights { r, w, x: if el == 0 { ux } else { px }, w_mmu: w, top: 0 }
}

/// S2PIR and S2POR encodings: `p` and `u` stand for privileged and unprivileged execution, `m` for the write
/// right of the table walker alone.
fn stage2_rights(code: u64, el: u8) -> Stage2Rights {
    let table = ["", "", "rm", "rm", "w", "", "rm", "rm", "r", "ru", "rp", "rpu", "rwm", "rwum", "rwpm", "rwpum"];
    let has = |c: char| table[code as usize].contains(c);
    let top = match code {
        3 => 2,
        6 => 1,
        7 => 3,
        _ => 0,
    };
    Stage2Rights { r: has('r'), w: has('w'), x: has(if el == 0 { 'u' } else { 'p' }), w_mmu: has('m'), top }
}
