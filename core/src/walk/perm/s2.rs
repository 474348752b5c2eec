//! Stage-2 permissions.

use super::indirect::{S2Code, s2_code};
use super::{Denied, nibble};
use crate::addr::PaSpace;
use crate::bits::{Pattern, bit, bits};
use crate::choice::Choice;
use crate::layout::descriptor;
use crate::params::S2Params;
use crate::pe::Pe;
use crate::regime::{SecurityState, VaRange};
use crate::rule::Rule;
use crate::step::AccessRights;
use crate::walk::word::Word;
use crate::walk::{AccessDescriptor, AccessType};

/// The permissions of a leaf for one kind of access (`S2AccessControls`).
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) struct S2Permissions {
    pub rights: AccessRights,
    overlay: Option<AccessRights>,
    top_level: [bool; 2],
    /// Only the MMU may write.
    pub mro: bool,
    clean: bool,
    assured_only: bool,
    pub rule: Rule,
}

impl S2Permissions {
    /// What base permissions and overlay come to together.
    pub fn granted(&self) -> AccessRights {
        let overlay = self.overlay.unwrap_or(AccessRights { read: true, write: true, execute: true });
        AccessRights {
            read: self.rights.read && overlay.read,
            write: self.rights.write && overlay.write,
            execute: self.rights.execute && overlay.execute,
        }
    }
}

/// `AArch64.S2ComputePermissions`.
#[inline(always)]
pub(in crate::walk) fn s2_permissions(params: &S2Params, access: AccessDescriptor, leaf: impl Word) -> S2Permissions {
    let assured_only = leaf.assured_only(params.assured_only());
    if !params.s2pie() {
        return S2Permissions {
            rights: direct(params, access, leaf.low()),
            overlay: None,
            top_level: [false; 2],
            mro: false,
            clean: false,
            assured_only,
            rule: Rule::S2Permissions,
        };
    }
    let base = s2_code(nibble(params.s2pir(), leaf.s2_pi_index()));
    let overlay = params.s2poe().then(|| s2_code(nibble(params.s2por(), leaf.s2_po_index())));
    // Writable by nobody but the MMU, base and overlay taken together.
    let write = base.write && overlay.is_none_or(|overlay| overlay.write);
    let write_mmu = base.write_mmu && overlay.is_none_or(|overlay| overlay.write_mmu);
    let mro = !write && write_mmu;
    let top_level = match overlay {
        None => base.top_level,
        Some(overlay) if mro => [0, 1].map(|half| base.top_level[half] || overlay.top_level[half]),
        Some(_) => [false; 2],
    };
    S2Permissions {
        rights: rights_for(base, access),
        overlay: overlay.map(|overlay| rights_for(overlay, access)),
        top_level,
        mro,
        clean: !descriptor::s2::DIRTY.is_set(leaf.low()),
        assured_only,
        rule: Rule::S2PermissionsIndirect,
    }
}

/// What a code grants to this kind of access, at this Exception level.
const fn rights_for(code: S2Code, access: AccessDescriptor) -> AccessRights {
    let write = if matches!(access.kind, AccessType::Ttw) { code.write_mmu } else { code.write };
    AccessRights { read: code.read, write, execute: if access.el == 0 { code.ux } else { code.px } }
}

/// `AArch64.S2DirectBasePermissions`.
#[inline(always)]
fn direct(params: &S2Params, access: AccessDescriptor, leaf: u64) -> AccessRights {
    use descriptor::s2::{DBM, S2AP, XN, XNX};
    let (xn, xnx) = (XN.is_set(leaf), params.xnx() && XNX.is_set(leaf));
    AccessRights {
        read: bit(S2AP.get(leaf), 0),
        write: bit(S2AP.get(leaf), 1) || (params.ha() && params.hd() && DBM.is_set(leaf)),
        execute: if access.el == 0 { !xn } else { xn == xnx },
    }
}

/// How many combinations there are of the bits of a leaf that decide what usual permissions grant.
pub(in crate::walk) const S2_KEYS: usize = 64;

/// The combination of a leaf: bits 54:51 and S2AP.
#[inline(always)]
pub(in crate::walk) const fn s2_key(leaf: u64) -> usize {
    (bits(leaf, 54, 51) << 2 | bits(leaf, 7, 6)) as usize
}

/// What usual permissions grant, by key. The Exception level of the access has a say, and not what it is for.
pub(in crate::walk) fn s2_rights(params: &S2Params, access: AccessDescriptor) -> [AccessRights; S2_KEYS] {
    core::array::from_fn(|key| {
        let leaf = bits(key as u64, 5, 2) << 51 | bits(key as u64, 1, 0) << 6;
        direct(params, access, leaf)
    })
}

/// A leaf as `s2_check` sees it.
pub(in crate::walk) struct Target<D> {
    /// Tells whether the memory is Device.
    pub device: D,
    /// Address space of the output.
    pub space: PaSpace,
    /// Stage 1's mapping is assured.
    pub s1assured: bool,
}

/// `AArch64.S2CheckPermissions`.
#[inline(always)]
pub(in crate::walk) fn s2_check(
    pe: &Pe,
    params: &S2Params,
    access: AccessDescriptor,
    permissions: &S2Permissions,
    target: Target<impl FnOnce() -> bool>,
) -> Result<(), Denied> {
    let denied = |rule| Err(Denied::new(rule, access));
    let S2Permissions { rights, overlay, clean, .. } = *permissions;
    let overlay_denies = |allowed: fn(&AccessRights) -> bool| overlay.is_some_and(|overlay| !allowed(&overlay));
    let leaves_realm = access.security == SecurityState::Realm && target.space != PaSpace::Realm;
    let dirty_faults = access.write && clean && params.s2pie() && !(params.ha() && params.hd());
    match access.kind {
        AccessType::Ttw => {
            if not_top_level(params, access, permissions.top_level) {
                Err(Denied::new(Rule::S2PermissionTopLevel, access).top_level())
            } else if params.ptw() && (target.device)() {
                denied(Rule::S2PermissionWalkDevice)
            } else if overlay_denies(|o| o.read) || (access.write && overlay_denies(|o| o.write)) {
                Err(Denied::new(Rule::S2PermissionOverlay, access).overlay())
            } else if leaves_realm {
                denied(Rule::S2PermissionRealm)
            } else if !rights.read {
                denied(Rule::S2PermissionRead)
            } else if access.write && !rights.write {
                denied(Rule::S2PermissionWrite)
            } else if dirty_faults {
                Err(Denied::new(Rule::S2PermissionDirty, access).dirty_bit())
            } else {
                Ok(())
            }
        }
        _ if permissions.assured_only && !target.s1assured => {
            Err(Denied::new(Rule::S2PermissionAssuredOnly, access).assured_only())
        }
        AccessType::Gcs if params.assured_stacks() && !permissions.assured_only && access.el != 0 => {
            Err(Denied::new(Rule::S2PermissionAssuredStack, access).assured_only())
        }
        AccessType::Fetch => {
            if overlay_denies(|o| o.execute) {
                Err(Denied::new(Rule::S2PermissionOverlay, access).overlay())
            } else if pe.choices.is(Choice::InstructionFetchFromDeviceFaults) && (target.device)() {
                denied(Rule::FetchFromDevice)
            } else if leaves_realm {
                denied(Rule::S2PermissionRealm)
            } else if !rights.execute {
                denied(Rule::S2PermissionFetch)
            } else {
                Ok(())
            }
        }
        AccessType::At | AccessType::Data | AccessType::Gcs => {
            if access.read && overlay_denies(|o| o.read) {
                Err(Denied::of(Rule::S2PermissionOverlay, access, false).overlay())
            } else if access.write && overlay_denies(|o| o.write) {
                Err(Denied::of(Rule::S2PermissionOverlay, access, true).overlay())
            } else if access.read && !rights.read {
                Err(Denied::of(Rule::S2PermissionRead, access, false))
            } else if access.write && !rights.write {
                Err(Denied::of(Rule::S2PermissionWrite, access, true))
            } else if dirty_faults {
                Err(Denied::of(Rule::S2PermissionDirty, access, true).dirty_bit())
            } else {
                Ok(())
            }
        }
    }
}

/// What a leaf looks like through which usual permissions let stage-1 descriptors be read, with no access flag to set.
/// There are others, but seldom.
pub(in crate::walk) const fn plainly_readable(params: &S2Params) -> Pattern {
    use descriptor::s2::{AF, MEM_ATTR, S2AP};
    let granted = AF.mask() | S2AP.set(0, 0b01);
    // Normal memory, whatever it is in stage 1.
    let (mask, value) = match (params.ptw(), params.fwb()) {
        (false, _) => (0, 0),
        (true, false) => (0b1000, 0b1000),
        (true, true) => (0b0111, 0b0110),
    };
    Pattern { mask: granted | MEM_ATTR.set(0, mask), value: granted | MEM_ATTR.set(0, value) }
}

/// The same of a leaf that permits an AT instruction.
pub(in crate::walk) const fn plainly_permitted(access: AccessDescriptor) -> Pattern {
    use descriptor::s2::{AF, S2AP};
    if !matches!(access.kind, AccessType::At) {
        return Pattern::NONE;
    }
    let granted = AF.mask() | S2AP.set(0, (access.write as u64) << 1 | access.read as u64);
    Pattern { mask: granted, value: granted }
}

/// The TopLevel check of `FEAT_THE`: the first table of a VA range must lie in memory marked for that range.
const fn not_top_level(params: &S2Params, access: AccessDescriptor, marked: [bool; 2]) -> bool {
    let [marked0, marked1] = marked;
    match access.first_table_of {
        Some(VaRange::Lower) => (params.tl0() && !marked0) || (params.tl1() && marked1 && !marked0),
        Some(VaRange::Upper) => (params.tl1() && !marked1) || (params.tl0() && marked0 && !marked1),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sysreg::{SysReg, hcr_el2, vtcr_el2};
    use crate::walk::perm::AT;

    #[test]
    fn a_code_grants_by_exception_level_and_to_the_mmu() {
        let none = S2Code { read: false, write: false, write_mmu: false, px: false, ux: false, top_level: [false; 2] };
        let granted = |code, access| {
            let AccessRights { read, write, execute } = rights_for(code, access);
            [read, write, execute]
        };
        let (at_el0, walk) = (AccessDescriptor { el: 0, ..AT }, AccessDescriptor { kind: AccessType::Ttw, ..AT });
        for (code, expected) in [
            (S2Code { read: true, ..none }, [[true, false, false]; 3]),
            (S2Code { write: true, ..none }, [[false, true, false], [false, true, false], [false; 3]]),
            (S2Code { write_mmu: true, ..none }, [[false; 3], [false; 3], [false, true, false]]),
            (S2Code { px: true, ..none }, [[false, false, true], [false; 3], [false, false, true]]),
            (S2Code { ux: true, ..none }, [[false; 3], [false, false, true], [false; 3]]),
        ] {
            assert_eq!([AT, at_el0, walk].map(|access| granted(code, access)), expected);
        }
    }

    /// Registers with each combination of what has a say in usual permissions.
    fn usual_registers() -> impl Iterator<Item = Pe> {
        (0..16).map(|bits| {
            let mut pe = Pe::default();
            let hcr = hcr_el2::PTW.set(hcr_el2::FWB.set(0, bits >> 1), bits);
            let vtcr = vtcr_el2::HA.set(vtcr_el2::HD.set(0, bits >> 3), bits >> 2);
            pe.regs.set(SysReg::HcrEl2, hcr.into());
            pe.regs.set(SysReg::VtcrEl2, vtcr.into());
            pe
        })
    }

    /// Leaves with each combination of S2AP and MemAttr, of DBM and AF.
    fn leaves() -> impl Iterator<Item = u64> {
        (0..256).map(|bits| (bits & 0x3f) << 2 | (bits >> 6 & 1) << 10 | (bits >> 7) << 51)
    }

    #[test]
    fn what_permits_plainly_permits() {
        let mut plain = [0; 4];
        for pe in usual_registers() {
            let params = S2Params::new(&pe, SecurityState::NonSecure, PaSpace::NonSecure);
            let accesses = [
                AT.for_descriptor(None),
                AT,
                AccessDescriptor { read: false, write: true, ..AT },
                AccessDescriptor { kind: AccessType::Data, ..AT },
            ];
            for (access, plain) in accesses.into_iter().zip(&mut plain) {
                let read = access.kind == AccessType::Ttw;
                let pattern = if read { plainly_readable(&params) } else { plainly_permitted(access) };
                for leaf in leaves().filter(|leaf| pattern.matches(*leaf)) {
                    let permissions = s2_permissions(&params, access, leaf);
                    // Whatever stage 1 says, Device or not.
                    let attr = descriptor::s2::MEM_ATTR.get(leaf);
                    let device = || if params.fwb() { attr & 0b111 != 0b110 } else { attr >> 2 == 0 };
                    let target = Target { device, space: PaSpace::NonSecure, s1assured: false };
                    assert!(leaf.accessed() && s2_check(&pe, &params, access, &permissions, target).is_ok());
                    *plain += 1;
                }
            }
        }
        // Half of those whose AF is set have S2AP say read, half write; Data accesses always have more to be checked.
        assert_eq!((plain[1], plain[2], plain[3]), (16 * 64, 16 * 64, 0));
        assert!(plain[0] > 0);
    }
}
