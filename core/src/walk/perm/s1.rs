//! Stage-1 permissions.

use super::indirect::{s1_code, s1_overlay};
use super::{Denied, nibble};
use crate::addr::PaSpace;
use crate::bits::Pattern;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::params::S1Params;
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};
use crate::rule::Rule;
use crate::step::AccessRights;
use crate::walk::word::Word;
use crate::walk::{AccessDescriptor, AccessType};

/// Limits that the tables on the way have put on their leaves, as the tables' descriptors hold them: sticky bits 62:59.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::walk) struct TableLimits(u64);

impl TableLimits {
    const MASK: u64 = {
        use descriptor::s1::{AP_TABLE, PXN_TABLE, UXN_TABLE};
        AP_TABLE.mask() | UXN_TABLE.mask() | PXN_TABLE.mask()
    };

    /// Adds one table descriptor's limits.
    #[inline(always)]
    pub const fn add(&mut self, table: u64) {
        self.0 |= table;
    }

    /// Whether any of these limits is among them.
    #[inline(always)]
    pub const fn has(self, limits: Self) -> bool {
        self.0 & limits.0 != 0
    }

    /// The four bits.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        (self.0 & Self::MASK) >> Self::MASK.trailing_zeros()
    }

    /// The limits of these four bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits << Self::MASK.trailing_zeros() & Self::MASK)
    }
}

/// What the tables' limits come to (`AArch64.S1ApplyTablePerms`).
#[derive(Clone, Copy, Default)]
struct TablePermissions {
    /// APTable: bit 1 forbids writes, bit 0 forbids EL0.
    ap: u64,
    /// UXNTable, or XNTable.
    uxn: bool,
    /// PXNTable.
    pxn: bool,
}

impl TablePermissions {
    /// Only direct permissions heed tables, and so only 64-bit descriptors.
    #[inline(always)]
    fn new(params: &S1Params, TableLimits(tables): TableLimits) -> Self {
        use descriptor::s1::{AP_TABLE, PXN_TABLE, UXN_TABLE};
        let (ap, uxn, pxn) = (AP_TABLE.get(tables), UXN_TABLE.is_set(tables), PXN_TABLE.is_set(tables));
        if params.hpd() {
            Self::default()
        } else if params.nv1() {
            // EL2's format: bit 60 is the execute-never bit of the privileged level, and EL0 has none.
            Self { ap: ap & 0b10, uxn: false, pxn: uxn }
        } else if params.regime.has_unprivileged() {
            Self { ap, uxn, pxn }
        } else {
            Self { ap: ap & 0b10, uxn, pxn: false }
        }
    }
}

/// The permissions of a leaf for the Exception level of the access (`S1AccessControls`).
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) struct S1Permissions {
    pub rights: AccessRights,
    /// The leaf is a guarded control stack, which its own accesses may read and write.
    stack: bool,
    /// What the overlay leaves, where one counts.
    overlay: Option<AccessRights>,
    /// PSTATE.PAN has taken reads and writes away.
    pan: bool,
    /// The leaf is clean, and only hardware or a fault makes it dirty.
    clean: bool,
    pub rule: Rule,
}

impl S1Permissions {
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

/// Permissions before overlay and WXN.
struct Base {
    rights: AccessRights,
    stack: bool,
    pan: bool,
    overlay: bool,
    wxn: bool,
}

/// `AArch64.S1ComputePermissions`.
#[inline(always)]
pub(in crate::walk) fn s1_permissions(
    pe: &Pe,
    params: &S1Params,
    access: AccessDescriptor,
    tables: TableLimits,
    leaf: impl Word,
    space: PaSpace,
) -> S1Permissions {
    let base = if params.pie() {
        indirect(pe, params, access, leaf)
    } else {
        direct(pe, params, access, tables, leaf.low(), space)
    };
    let enabled = if access.el == 0 { params.e0poe() } else { params.poe() };
    let por = if access.el == 0 { params.por_el0() } else { params.por() };
    let mut overlay = (base.overlay && enabled).then(|| s1_overlay(nibble(por, leaf.s1_po_index())));
    let mut rights = base.rights;
    rights.execute &= !fetch_leaves_world(params, access.security, space);
    match &mut overlay {
        Some(overlay) if base.wxn && overlay.execute => overlay.write = false,
        _ => rights.execute &= !base.wxn,
    }
    S1Permissions {
        rights,
        stack: base.stack && !leaves_world(params, access.security, space),
        overlay,
        pan: base.pan && access.el != 0,
        clean: params.pie() && descriptor::s1::N_DIRTY.is_set(leaf.low()),
        rule: s1_rule(params),
    }
}

/// The rule that decides what a leaf permits.
pub(in crate::walk) const fn s1_rule(params: &S1Params) -> Rule {
    if params.pie() { Rule::S1PermissionsIndirect } else { Rule::S1Permissions }
}

/// `AArch64.S1IndirectBasePermissions`.
fn indirect(pe: &Pe, params: &S1Params, access: AccessDescriptor, leaf: impl Word) -> Base {
    let index = leaf.s1_pi_index();
    let mut privileged = s1_code(nibble(params.pir(), index));
    let upi = if params.regime.has_unprivileged() { nibble(params.pire0(), index) } else { 0 };
    let mut unprivileged = s1_code(upi);
    // What EL0 can write (or use as a guarded control stack), a privileged level neither executes nor so uses: such a
    // combination grants nothing at all.
    let clash = (privileged.rights.execute || privileged.gcs) && (unprivileged.rights.write || unprivileged.gcs);
    if clash && params.regime.has_unprivileged() {
        for code in [&mut privileged, &mut unprivileged] {
            (code.rights, code.gcs) = (AccessRights::default(), false);
        }
    }
    let pan = pe.has(Feature::Pan) && access.pan && pe.pan && !params.nv1() && upi != 0;
    if pan {
        privileged.rights = AccessRights { read: false, write: false, ..privileged.rights };
    }
    let code = if access.el == 0 { unprivileged } else { privileged };
    Base { rights: code.rights, stack: code.gcs, pan, overlay: code.overlay, wxn: code.wxn }
}

/// `AArch64.S1DirectBasePermissions`.
#[inline(always)]
fn direct(
    pe: &Pe,
    params: &S1Params,
    access: AccessDescriptor,
    tables: TableLimits,
    leaf: u64,
    space: PaSpace,
) -> Base {
    let tables = TablePermissions::new(params, tables);
    let [mut privileged, unprivileged] = if params.regime.has_unprivileged() {
        two_levels(params, tables, leaf)
    } else {
        one_level(params, tables, leaf)
    };
    let pan = pan_applies(pe, params, access, space, unprivileged);
    if pan {
        privileged = AccessRights { read: false, write: false, ..privileged };
    }
    let rights = if access.el == 0 { unprivileged } else { privileged };
    Base { rights, stack: false, pan, overlay: true, wxn: params.wxn() && rights.write && rights.execute }
}

/// AP[2], taken as 0 while hardware keeps the dirty state: the page is writable, only not yet written.
#[inline(always)]
const fn read_only(params: &S1Params, leaf: u64) -> bool {
    descriptor::s1::AP2.is_set(leaf) && !(params.ha() && params.hd() && descriptor::s1::DBM.is_set(leaf))
}

/// Privileged and unprivileged permissions.
#[inline(always)]
fn two_levels(params: &S1Params, tables: TablePermissions, leaf: u64) -> [AccessRights; 2] {
    use descriptor::s1::{AP1, PXN, UXN};
    let writable = !read_only(params, leaf) && tables.ap & 0b10 == 0;
    let el0 = AP1.is_set(leaf) && !params.nv1() && tables.ap & 0b01 == 0;
    let (uxn, pxn) = if params.nv1() { (false, UXN.is_set(leaf)) } else { (UXN.is_set(leaf), PXN.is_set(leaf)) };
    let el0_writable = el0 && writable;
    [
        // What EL0 can write, a privileged level never executes.
        AccessRights { read: true, write: writable, execute: !(pxn || tables.pxn || el0_writable) },
        AccessRights { read: el0, write: el0_writable, execute: !(uxn || tables.uxn) },
    ]
}

#[inline(always)]
fn one_level(params: &S1Params, tables: TablePermissions, leaf: u64) -> [AccessRights; 2] {
    let writable = !read_only(params, leaf) && tables.ap & 0b10 == 0;
    let execute = !(descriptor::s1::XN.is_set(leaf) || tables.uxn);
    [AccessRights { read: true, write: writable, execute }, AccessRights::default()]
}

#[inline(always)]
fn pan_applies(pe: &Pe, params: &S1Params, access: AccessDescriptor, space: PaSpace, el0: AccessRights) -> bool {
    if !(pe.has(Feature::Pan) && access.pan && pe.pan) || params.nv1() || !params.regime.has_unprivileged() {
        return false;
    }
    let secure_fetch_forbidden = pe.choices.is(Choice::SifAffectsEpan)
        && access.security == SecurityState::Secure
        && space == PaSpace::NonSecure
        && params.sif();
    let realm_fetch_forbidden = pe.choices.is(Choice::RealmEl20AffectsEpan)
        && access.security == SecurityState::Realm
        && params.regime == Regime::El20
        && space != PaSpace::Realm;
    let el0_executes = el0.execute && !secure_fetch_forbidden && !realm_fetch_forbidden;
    el0.read || el0.write || (params.epan() && el0_executes)
}

/// Whether a fetch from `space` would leave the Security state's own memory where that is forbidden.
#[inline(always)]
const fn fetch_leaves_world(params: &S1Params, security: SecurityState, space: PaSpace) -> bool {
    leaves_world(params, security, space) && (params.sif() || !matches!(security, SecurityState::Secure))
}

/// Whether `space` is outside the memory that the Security state keeps its code and guarded control stacks in. Only
/// for code, SCR_EL3.SIF decides whether Secure state minds.
#[inline(always)]
const fn leaves_world(params: &S1Params, security: SecurityState, space: PaSpace) -> bool {
    match security {
        SecurityState::Secure => matches!(space, PaSpace::NonSecure),
        SecurityState::Root => !matches!(space, PaSpace::Root),
        SecurityState::Realm => matches!(params.regime, Regime::El2 | Regime::El20) && !matches!(space, PaSpace::Realm),
        SecurityState::NonSecure => false,
    }
}

/// What a leaf looks like through which usual permissions permit an AT instruction, with no access flag to set, and
/// what the tables on the way must not limit then. There are others, but seldom.
#[inline(always)]
pub(in crate::walk) const fn s1_plainly_permitted(
    pe: &Pe,
    params: &S1Params,
    access: AccessDescriptor,
) -> (Pattern, TableLimits) {
    use descriptor::s1::{AF, AP_TABLE, AP1, AP2};
    let unprivileged = access.el == 0;
    if !matches!(access.kind, AccessType::At) || access.pan && pe.pan || unprivileged && params.nv1() {
        return (Pattern::NONE, TableLimits(0));
    }
    let granted = if unprivileged { AF.mask() | AP1.mask() } else { AF.mask() };
    let read_only = if access.write { AP2.mask() } else { 0 };
    let limits = AP_TABLE.set(0, (access.write as u64) << 1 | unprivileged as u64);
    (Pattern { mask: granted | read_only, value: granted }, TableLimits(limits))
}

/// `AArch64.S1CheckPermissions`; `device` tells whether stage 1 makes the memory Device.
#[inline(always)]
pub(in crate::walk) fn s1_check(
    pe: &Pe,
    params: &S1Params,
    access: AccessDescriptor,
    permissions: &S1Permissions,
    device: impl FnOnce() -> bool,
) -> Result<(), Denied> {
    let S1Permissions { rights, stack, overlay, pan, clean, .. } = *permissions;
    let or_pan = |rule| if pan { Rule::S1PermissionPan } else { rule };
    let overlay_denies = |allowed: fn(&AccessRights) -> bool| overlay.is_some_and(|overlay| !allowed(&overlay));
    if access.kind == AccessType::Fetch {
        return if overlay_denies(|o| o.execute) {
            Err(Denied::new(Rule::S1PermissionOverlay, access).overlay())
        } else if pe.choices.is(Choice::InstructionFetchFromDeviceFaults) && device() {
            Err(Denied::new(Rule::FetchFromDevice, access))
        } else if !rights.execute {
            Err(Denied::new(Rule::S1PermissionFetch, access))
        } else {
            Ok(())
        };
    }
    let dirty_faults = access.write && clean && !(params.ha() && params.hd());
    if access.kind == AccessType::Gcs {
        return if !stack {
            Err(Denied::new(Rule::S1PermissionStack, access))
        } else if dirty_faults {
            Err(Denied::of(Rule::S1PermissionDirty, access, true).dirty_bit())
        } else {
            Ok(())
        };
    }
    if access.read && overlay_denies(|o| o.read) {
        Err(Denied::of(Rule::S1PermissionOverlay, access, false).overlay())
    } else if access.write && overlay_denies(|o| o.write) {
        Err(Denied::of(Rule::S1PermissionOverlay, access, true).overlay())
    } else if access.read && !rights.read {
        Err(Denied::of(or_pan(Rule::S1PermissionRead), access, false))
    } else if access.write && !rights.write {
        Err(Denied::of(or_pan(Rule::S1PermissionWrite), access, true))
    } else if dirty_faults {
        Err(Denied::of(Rule::S1PermissionDirty, access, true).dirty_bit())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sysreg::{SysReg, hcr_el2, tcr_el1};
    use crate::walk::perm::AT;

    /// Registers with each combination of what has a say in usual permissions, in one half of the VA space.
    fn usual_registers() -> impl Iterator<Item = Pe> {
        (0..64).map(|bits| {
            let mut pe = Pe { pan: bits >> 5 == 1, ..Pe::default() };
            let tcr = tcr_el1::HA.set(tcr_el1::HD.set(tcr_el1::HPD0.set(0, bits >> 2), bits >> 1), bits);
            let hcr = hcr_el2::NV1.set(hcr_el2::NV.set(0, bits >> 4), bits >> 3);
            pe.regs.set(SysReg::ScrEl3, 1);
            pe.regs.set(SysReg::TcrEl1, tcr.into());
            pe.regs.set(SysReg::HcrEl2, hcr.into());
            pe
        })
    }

    /// Leaves with each combination of AP, AF, DBM, PXN and UXN, under tables with each of their limits.
    fn leaves() -> impl Iterator<Item = (u64, TableLimits)> {
        use descriptor::s1::{AF, AP1, AP2, DBM, PXN, UXN};
        (0..1024).map(|bits| {
            let fields = [AF, AP1, AP2, DBM, PXN, UXN].into_iter().enumerate();
            let leaf = fields.fold(0b11, |leaf, (n, field)| field.set(leaf, bits >> n));
            (leaf, TableLimits::from_bits(bits >> 6))
        })
    }

    #[test]
    fn what_permits_plainly_permits() {
        let access = |el, write: bool, pan| AccessDescriptor { el, read: !write, write, pan, ..AT };
        let mut plain = [0; 6];
        for pe in usual_registers() {
            for regime in [Regime::El10, Regime::El20, Regime::El2] {
                let params = S1Params::new(&pe, regime, SecurityState::NonSecure, 0);
                let el = if regime == Regime::El10 { 1 } else { 2 };
                let accesses = [
                    access(el, false, false),
                    access(el, true, false),
                    access(el, false, true),
                    access(0, false, false),
                    access(0, true, false),
                    AccessDescriptor { kind: AccessType::Data, ..access(el, false, false) },
                ];
                let possible = if regime.has_unprivileged() { &accesses[..] } else { &accesses[..3] };
                for (access, plain) in possible.iter().zip(&mut plain) {
                    let (pattern, unlimited) = s1_plainly_permitted(&pe, &params, *access);
                    for (leaf, tables) in
                        leaves().filter(|(leaf, tables)| pattern.matches(*leaf) && !tables.has(unlimited))
                    {
                        let permissions = s1_permissions(&pe, &params, *access, tables, leaf, PaSpace::NonSecure);
                        let checked = s1_check(&pe, &params, *access, &permissions, || false);
                        assert!(leaf.accessed() && checked.is_ok(), "{regime:?} {access:?} {leaf:#x} {tables:?}");
                        *plain += 1;
                    }
                }
            }
        }
        // A privileged read asks for AF alone, a write for AP[2] and APTable[1], too, and EL0 for AP[1] and APTable[0];
        // PAN, and EL0 in EL2's format, always ask for more to be checked, and so do Data accesses.
        let format_of_el2 =
            usual_registers().filter(|pe| S1Params::new(pe, Regime::El10, SecurityState::NonSecure, 0).nv1());
        let el0 = 2 * 64 - format_of_el2.count();
        assert_eq!(plain, [3 * 64 * 512, 3 * 64 * 128, 3 * 32 * 512, el0 * 128, el0 * 32, 0]);
    }
}
