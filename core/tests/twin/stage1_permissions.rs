//! Who may do what with a page, by stage 1.

use super::machine::{Access, Kind, Machine, Regime};
use super::stage1::Leaf;
use super::stage1_params::Stage1;
use super::{Fault, Space, bit, field};

/// What a stage 1 leaf, and the tables above it, say about permissions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stage1Bits {
    /// AP\[2:1\], APTable and the execute-never bits, the tables' ones apart.
    pub ap: u64,
    pub ap_table: u64,
    pub xn: bool,
    pub xn_table: bool,
    pub uxn: bool,
    pub uxn_table: bool,
    pub pxn: bool,
    pub pxn_table: bool,
    /// The privileged and unprivileged fields of PIR_ELx and PIRE0_ELx.
    pub ppi: u64,
    pub upi: u64,
    pub ndirty: bool,
    pub overlay_index: u64,
}

#[derive(Clone, Copy, Default)]
struct Rights {
    r: bool,
    w: bool,
    x: bool,
    gcs: bool,
}

fn rights(letters: &str) -> Rights {
    let has = |c: char| letters.contains(c);
    Rights { r: has('r'), w: has('w'), x: has('x'), gcs: has('g') }
}

/// Stage 1 permissions indirection: PIR encodings 0 to 15.
fn base_rights(code: u64) -> Rights {
    let table = ["", "r", "x", "rx", "", "rw", "rwx", "rwx", "r", "rg", "rx", "", "rw", "", "rwx", ""];
    rights(table[code as usize])
}

/// Stage 1 permission overlays: POR encodings 0 to 15.
fn overlay_rights(code: u64) -> Rights {
    let table = ["", "r", "x", "rx", "w", "rw", "wx", "rwx"];
    rights(table.get(code as usize).copied().unwrap_or(""))
}

/// Four bits of a permission register.
pub fn fourth(register: u128, index: u64) -> u64 {
    let low = 4 * index as u32;
    field(register, low + 3, low)
}

/// A Permission fault; `write` replaces what the record says of reading or writing.
pub fn denied(base: &Fault, write: Option<bool>, kind: Denial) -> Fault {
    let mut fault = base.clone();
    fault.code = "Permission";
    fault.write = write.unwrap_or(fault.write);
    match kind {
        Denial::Plain => {}
        Denial::Overlay => fault.overlay = true,
        Denial::Dirty => fault.dirty = true,
        Denial::TopLevel => fault.toplevel = true,
        Denial::Assured => fault.assured = true,
    }
    fault
}

/// Why a permission was denied.
pub enum Denial {
    Plain,
    Overlay,
    Dirty,
    TopLevel,
    Assured,
}

impl Machine<'_> {
    /// The stage 1 permission check of a leaf.
    pub fn stage1_permission(
        &self,
        base: &Fault,
        regime: Regime,
        leaf: &Leaf,
        s1: &Stage1,
        access: &Access,
    ) -> Result<(), Fault> {
        let (mut rights, wxn, mut overlaid) = if s1.pie {
            self.indirect_rights(regime, leaf, s1, access)
        } else {
            self.direct_rights(regime, leaf, s1, access)
        };
        overlaid &= if access.el == 0 { s1.e0poe } else { s1.poe };
        let por = if access.el == 0 { self.reg("POR_EL0") } else { s1.por };
        let mut over = overlay_rights(fourth(por, leaf.bits.overlay_index));
        if wxn && overlaid && over.x {
            over.w = false;
        } else if wxn {
            rights.x = false;
        }
        if access.kind == Kind::Fetch {
            let device = leaf.attrs.device.is_some() && self.choice("instruction_fetch_from_device_faults", false);
            return if overlaid && !over.x {
                Err(denied(base, None, Denial::Overlay))
            } else if device || !rights.x {
                Err(denied(base, None, Denial::Plain))
            } else {
                Ok(())
            };
        }
        if access.kind == Kind::Gcs {
            return if !rights.gcs {
                Err(denied(base, None, Denial::Plain))
            } else if access.write && leaf.bits.ndirty && (!s1.ha || !s1.hd) {
                Err(denied(base, Some(true), Denial::Dirty))
            } else {
                Ok(())
            };
        }
        if access.read && overlaid && !over.r {
            Err(denied(base, Some(false), Denial::Overlay))
        } else if access.write && overlaid && !over.w {
            Err(denied(base, Some(true), Denial::Overlay))
        } else if access.read && !rights.r {
            Err(denied(base, Some(false), Denial::Plain))
        } else if access.write && !rights.w {
            Err(denied(base, Some(true), Denial::Plain))
        } else if access.write && s1.pie && leaf.bits.ndirty && !(s1.ha && s1.hd) {
            Err(denied(base, Some(true), Denial::Dirty))
        } else {
            Ok(())
        }
    }

    fn pan_applies(&self, regime: Regime, s1: &Stage1, access: &Access) -> bool {
        self.has("PAN") && access.pan && self.case.pan && !(regime == Regime::El10 && s1.nv1)
    }

    /// AP and XN permissions: the rights, whether WXN bites, whether an overlay applies.
    fn direct_rights(&self, regime: Regime, leaf: &Leaf, s1: &Stage1, access: &Access) -> (Rights, bool, bool) {
        let b = &leaf.bits;
        let read_only = b.ap & 2 != 0 || b.ap_table & 2 != 0;
        let foreign_secure = access.state == Space::Secure && leaf.space == Space::NonSecure && s1.sif;
        let foreign_realm =
            access.state == Space::Realm && matches!(regime, Regime::El2 | Regime::El20) && leaf.space != Space::Realm;
        let mut p = Rights { r: true, w: !read_only, ..Rights::default() };
        let mut u = Rights::default();
        if regime.unprivileged() {
            u.r = b.ap & 1 != 0 && b.ap_table & 1 == 0;
            u.w = u.r && !read_only;
            p.x = !(b.pxn || b.pxn_table || u.w);
            u.x = !(b.uxn || b.uxn_table);
            if self.pan_applies(regime, s1, access) {
                // PAN and EPAN may be told that EL0 cannot execute what its Security state cannot.
                if foreign_secure && self.choice("sif_affects_epan", false) {
                    u.x = false;
                }
                if foreign_realm && regime == Regime::El20 && self.choice("realm_el20_affects_epan", false) {
                    u.x = false;
                }
                if u.r || u.w || (s1.epan && u.x) {
                    p.r = false;
                    p.w = false;
                }
            }
        } else {
            p.x = !(b.xn || b.xn_table);
        }
        let mut rights = if access.el == 0 { u } else { p };
        let wxn = s1.wxn && rights.w && rights.x;
        let foreign_root = access.state == Space::Root && leaf.space != Space::Root;
        if foreign_secure || foreign_root || foreign_realm {
            rights.x = false;
        }
        (rights, wxn, true)
    }

    /// PIR permissions: the rights, whether WXN bites, whether an overlay applies.
    fn indirect_rights(&self, regime: Regime, leaf: &Leaf, s1: &Stage1, access: &Access) -> (Rights, bool, bool) {
        let (ppi, upi) = (leaf.bits.ppi, leaf.bits.upi);
        let (mut p, mut u) = (base_rights(ppi), Rights::default());
        if regime.unprivileged() {
            u = base_rights(upi);
            if (p.x || p.gcs) && (u.w || u.gcs) {
                p = Rights::default();
                u = Rights::default();
            }
            if self.pan_applies(regime, s1, access) && upi != 0 {
                p.r = false;
                p.w = false;
            }
        }
        let (mut rights, code) = if access.el == 0 { (u, upi) } else { (p, ppi) };
        let foreign = match access.state {
            Space::Secure => leaf.space == Space::NonSecure && s1.sif,
            Space::Root => leaf.space != Space::Root,
            Space::Realm => matches!(regime, Regime::El2 | Regime::El20) && leaf.space != Space::Realm,
            Space::NonSecure => false,
        };
        if foreign {
            rights.x = false;
            rights.gcs = false;
        }
        if access.state == Space::Secure && leaf.space == Space::NonSecure {
            rights.gcs = false;
        }
        (rights, code == 6, code < 8)
    }
}

/// The permission bits of a stage 1 leaf, on top of what its tables said.
pub fn stage1_leaf_bits(tables: &Stage1Bits, descriptor: u128, regime: Regime, s1: &Stage1) -> Stage1Bits {
    let d128 = s1.shape.d128;
    let mut b = *tables;
    if s1.pie {
        let index = if d128 {
            field(descriptor, 118, 115)
        } else {
            field(descriptor, 54, 53) << 2 | field(descriptor, 51, 51) << 1 | field(descriptor, 6, 6)
        };
        b.ppi = fourth(s1.pir, index);
        b.upi = fourth(s1.pire0, index);
        b.ndirty = bit(descriptor, 7);
    } else {
        if regime == Regime::El10 && s1.nv1 {
            b.ap = field(descriptor, 7, 7) << 1;
            b.pxn = bit(descriptor, 54);
        } else if regime.unprivileged() {
            b.ap = field(descriptor, 7, 6);
            b.uxn = bit(descriptor, 54);
            b.pxn = bit(descriptor, 53);
        } else {
            b.ap = field(descriptor, 7, 7) << 1 | 1;
            b.xn = bit(descriptor, 54);
        }
        if s1.ha && s1.hd && bit(descriptor, 51) {
            b.ap &= 1;
        }
    }
    b.overlay_index = if d128 { field(descriptor, 124, 121) } else { field(descriptor, 62, 60) };
    b
}

/// The permission bits of a stage 1 table descriptor, added to those of the tables above it.
pub fn stage1_table_bits(above: &Stage1Bits, descriptor: u128, regime: Regime, s1: &Stage1) -> Stage1Bits {
    // Hierarchical permissions sit 64 bits higher in a 128-bit descriptor.
    let descriptor = if s1.shape.d128 { descriptor >> 64 } else { descriptor };
    let mut b = *above;
    if s1.hpd || s1.pie {
        return b;
    }
    if regime == Regime::El10 && s1.nv1 {
        b.ap_table |= field(descriptor, 62, 62) << 1;
        b.pxn_table |= bit(descriptor, 60);
    } else if regime.unprivileged() {
        b.ap_table |= field(descriptor, 62, 61);
        b.uxn_table |= bit(descriptor, 60);
        b.pxn_table |= bit(descriptor, 59);
    } else {
        b.ap_table |= field(descriptor, 62, 62) << 1;
        b.xn_table |= bit(descriptor, 60);
    }
    b
}
