//! Permissions: what each stage's descriptors allow, and the checks in order.

use super::{AccessDescriptor, AccessType, Context};
use crate::addr::PaSpace;
use crate::bits::bits;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::outcome::MemAttrs;
use crate::params::{S1Params, S2Params};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};
use crate::rule::Rule;
use crate::step::AccessRights;

/// Limits that the tables on the way have put on their leaves: sticky bits (`AArch64.S1ApplyTablePerms`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TablePermissions {
    /// APTable: bit 1 forbids writes, bit 0 forbids EL0.
    ap: u64,
    /// UXNTable, or XNTable.
    uxn: bool,
    /// PXNTable.
    pxn: bool,
}

impl TablePermissions {
    /// Adds one table descriptor's limits.
    pub fn apply(&mut self, params: &S1Params, table: u64) {
        use descriptor::s1::{AP_TABLE, PXN_TABLE, UXN_TABLE};
        if params.hpd {
            return;
        }
        if params.nv1 {
            // EL2's format: bit 60 is the execute-never bit of the privileged level, and EL0 has none.
            self.ap |= AP_TABLE.get(table) & 0b10;
            self.pxn |= UXN_TABLE.is_set(table);
        } else if params.regime.has_unprivileged() {
            self.ap |= AP_TABLE.get(table);
            self.uxn |= UXN_TABLE.is_set(table);
            self.pxn |= PXN_TABLE.is_set(table);
        } else {
            self.ap |= AP_TABLE.get(table) & 0b10;
            self.uxn |= UXN_TABLE.is_set(table);
        }
    }
}

/// The permissions of a leaf for one Exception level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permissions {
    pub rights: AccessRights,
    /// PSTATE.PAN has taken reads and writes away.
    pub pan: bool,
}

/// A failed check: its rule, and what the fault record says besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Denied {
    pub rule: Rule,
    pub write: bool,
}

impl Denied {
    const fn new(rule: Rule, write: bool) -> Self {
        Self { rule, write }
    }
}

/// Permissions of both levels before one is chosen.
struct Both {
    privileged: AccessRights,
    unprivileged: AccessRights,
}

/// `AArch64.S1DirectBasePermissions`, with WXN applied (`AArch64.S1ComputePermissions`).
pub(super) fn s1_permissions(
    context: &Context<'_>,
    tables: TablePermissions,
    leaf: u64,
    space: PaSpace,
) -> Permissions {
    let (pe, params, access) = (context.pe, &context.s1, context.access);
    let Both { mut privileged, unprivileged } = if params.regime.has_unprivileged() {
        s1_two_levels(params, tables, leaf)
    } else {
        s1_one_level(params, tables, leaf)
    };
    let pan = pan_applies(pe, params, access, space, unprivileged);
    if pan {
        privileged = AccessRights { read: false, write: false, ..privileged };
    }
    let mut rights = if access.el == 0 { unprivileged } else { privileged };
    let wxn = params.wxn && rights.write && rights.execute;
    rights.execute &= !wxn && !fetch_leaves_world(params, access.security, space);
    Permissions { rights, pan: pan && access.el != 0 }
}

/// AP[2], taken as 0 while hardware keeps the dirty state: the page is writable, only not yet written.
const fn read_only(params: &S1Params, leaf: u64) -> bool {
    descriptor::s1::AP2.is_set(leaf) && !(params.ha && params.hd && descriptor::s1::DBM.is_set(leaf))
}

fn s1_two_levels(params: &S1Params, tables: TablePermissions, leaf: u64) -> Both {
    use descriptor::s1::{AP1, PXN, UXN};
    let writable = !read_only(params, leaf) && tables.ap & 0b10 == 0;
    let el0 = AP1.is_set(leaf) && !params.nv1 && tables.ap & 0b01 == 0;
    let (uxn, pxn) = if params.nv1 { (false, UXN.is_set(leaf)) } else { (UXN.is_set(leaf), PXN.is_set(leaf)) };
    let el0_writable = el0 && writable;
    Both {
        // What EL0 can write, a privileged level never executes.
        privileged: AccessRights { read: true, write: writable, execute: !(pxn || tables.pxn || el0_writable) },
        unprivileged: AccessRights { read: el0, write: el0_writable, execute: !(uxn || tables.uxn) },
    }
}

fn s1_one_level(params: &S1Params, tables: TablePermissions, leaf: u64) -> Both {
    let rights = AccessRights {
        read: true,
        write: !read_only(params, leaf) && tables.ap & 0b10 == 0,
        execute: !(descriptor::s1::UXN.is_set(leaf) || tables.uxn),
    };
    Both { privileged: rights, unprivileged: AccessRights::default() }
}

fn pan_applies(pe: &Pe, params: &S1Params, access: AccessDescriptor, space: PaSpace, el0: AccessRights) -> bool {
    if !(pe.has(Feature::Pan) && access.pan && pe.pan) || params.nv1 || !params.regime.has_unprivileged() {
        return false;
    }
    let secure_fetch_forbidden = pe.choices.is(Choice::SifAffectsEpan)
        && access.security == SecurityState::Secure
        && space == PaSpace::NonSecure
        && params.sif;
    let realm_fetch_forbidden = pe.choices.is(Choice::RealmEl20AffectsEpan)
        && access.security == SecurityState::Realm
        && params.regime == Regime::El20
        && space != PaSpace::Realm;
    let el0_executes = el0.execute && !secure_fetch_forbidden && !realm_fetch_forbidden;
    el0.read || el0.write || (params.epan && el0_executes)
}

/// Whether a fetch from `space` would leave the Security state's own memory where that is forbidden.
const fn fetch_leaves_world(params: &S1Params, security: SecurityState, space: PaSpace) -> bool {
    match security {
        SecurityState::Secure => params.sif && matches!(space, PaSpace::NonSecure),
        SecurityState::Root => !matches!(space, PaSpace::Root),
        SecurityState::Realm => matches!(params.regime, Regime::El2 | Regime::El20) && !matches!(space, PaSpace::Realm),
        SecurityState::NonSecure => false,
    }
}

/// `AArch64.S1CheckPermissions`.
pub(super) fn s1_check(context: &Context<'_>, granted: Permissions, attrs: MemAttrs) -> Result<(), Denied> {
    let (access, rights) = (context.access, granted.rights);
    let or_pan = |rule| if granted.pan { Rule::S1PermissionPan } else { rule };
    if access.kind == AccessType::Fetch {
        return check_fetch(context.pe, rights, attrs, Rule::S1PermissionFetch);
    }
    if access.read && !rights.read {
        return Err(Denied::new(or_pan(Rule::S1PermissionRead), false));
    }
    if access.write && !rights.write {
        return Err(Denied::new(or_pan(Rule::S1PermissionWrite), true));
    }
    Ok(())
}

fn check_fetch(pe: &Pe, rights: AccessRights, attrs: MemAttrs, rule: Rule) -> Result<(), Denied> {
    if attrs.mem_type.is_device() && pe.choices.is(Choice::InstructionFetchFromDeviceFaults) {
        return Err(Denied::new(Rule::FetchFromDevice, false));
    }
    if rights.execute { Ok(()) } else { Err(Denied::new(rule, false)) }
}

/// `AArch64.S2DirectBasePermissions`.
pub(super) fn s2_permissions(params: &S2Params, access: AccessDescriptor, leaf: u64) -> AccessRights {
    use descriptor::s2::{DBM, S2AP, XN, XNX};
    let (xn, xnx) = (XN.is_set(leaf), params.xnx && XNX.is_set(leaf));
    let execute = if access.el == 0 { !xn } else { xn == xnx };
    AccessRights {
        read: bits(S2AP.get(leaf), 0, 0) == 1,
        write: bits(S2AP.get(leaf), 1, 1) == 1 || (params.ha && params.hd && DBM.is_set(leaf)),
        execute,
    }
}

/// `AArch64.S2CheckPermissions`; `attrs` are those of the leaf.
pub(super) fn s2_check(
    pe: &Pe,
    params: &S2Params,
    access: AccessDescriptor,
    rights: AccessRights,
    attrs: MemAttrs,
) -> Result<(), Denied> {
    match access.kind {
        AccessType::Fetch => return check_fetch(pe, rights, attrs, Rule::S2PermissionFetch),
        AccessType::Ttw if params.ptw && attrs.mem_type.is_device() => {
            return Err(Denied::new(Rule::S2PermissionWalkDevice, access.fault_write));
        }
        _ => {}
    }
    // A walk's fault keeps the WnR of the access that walks.
    let write = |write| if access.kind == AccessType::Ttw { access.fault_write } else { write };
    if access.read && !rights.read {
        return Err(Denied::new(Rule::S2PermissionRead, write(false)));
    }
    if access.write && !rights.write {
        return Err(Denied::new(Rule::S2PermissionWrite, write(true)));
    }
    Ok(())
}
