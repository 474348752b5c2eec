//! Memory attributes: MAIR bytes, stage 2 MemAttr, and how the two stages combine.

use super::machine::Machine;
use super::stage1_params::Stage1;
use super::stage2_params::Stage2;
use super::{Attrs, Cache, bit, field};

const NON_CACHEABLE: Cache = Cache { kind: 0, hints: 0, transient: false };
const WRITE_BACK_RWA: Cache = Cache { kind: 3, hints: 3, transient: false };

/// Normal Non-cacheable memory that takes over an XS attribute.
pub fn normal_non_cacheable(xs: bool) -> Attrs {
    Attrs { inner: NON_CACHEABLE, outer: NON_CACHEABLE, sh: 2, xs, ..Attrs::default() }
}

/// Normal memory of one cacheability, inside and out.
pub fn normal(kind: u8, hints: u8, sh: u8, xs: bool) -> Attrs {
    let cache = Cache { kind, hints, transient: false };
    Attrs { inner: cache, outer: cache, sh, xs, ..Attrs::default() }
}

/// Device memory and Normal Non-cacheable memory are Outer Shareable whatever was asked for.
pub fn effective_shareability(attrs: &Attrs) -> u8 {
    let non_cacheable = attrs.inner.kind == 0 && attrs.outer.kind == 0;
    if attrs.device.is_some() || non_cacheable { 2 } else { attrs.sh }
}

/// A two-bit SH field; 0b01 is reserved and taken as Outer Shareable.
fn shareability(sh: u64) -> u8 {
    if sh == 1 { 2 } else { sh as u8 }
}

/// A two-bit Device type, 0 for nGnRnE, as the type's number, 3 for nGnRnE.
fn device(encoded: u64) -> u8 {
    3 - encoded as u8
}

/// One nibble of a MAIR byte that describes Normal memory.
fn cache(nibble: u64) -> Cache {
    if nibble == 4 {
        return NON_CACHEABLE;
    }
    let kind = if nibble & 4 == 0 { 2 } else { 3 };
    let hints = (nibble & 3) as u8;
    Cache { kind, hints, transient: hints != 0 && nibble & 8 == 0 }
}

impl Machine<'_> {
    /// The attributes a MAIR byte and a SH field give.
    pub fn stage1_attributes(&self, byte: u64, sh: u64, s1: &Stage1) -> Attrs {
        let (high, low) = (byte >> 4, byte & 15);
        let reserved = match byte {
            0x40 | 0xA0 => !self.has("XS"),
            0xF0 => !self.has("MTE2"),
            _ if high == 0 => !(low & 3 == 0 || (low & 3 == 1 && self.has("XS"))),
            _ => low == 0,
        };
        let byte = if reserved { 0 } else { byte };
        let (high, low) = (byte >> 4, byte & 15);
        let mut attrs = match byte {
            0x40 => normal(0, 0, 0, false),
            0xA0 => normal(2, 2, 0, false),
            0xF0 => normal(3, 3, 0, false),
            _ if high == 0 => Attrs { device: Some(device(low >> 2)), xs: byte & 1 == 0, ..Attrs::default() },
            _ => {
                let (outer, inner) = (cache(high), cache(low));
                let xs = !(outer.kind == 3 && inner.kind == 3);
                Attrs { outer, inner, xs, ..Attrs::default() }
            }
        };
        attrs.tags = match byte {
            0xF0 => 1,
            _ if s1.mtx => 2,
            _ => 0,
        };
        attrs.sh = shareability(sh);
        attrs
    }

    /// The attributes of a stage 2 leaf by itself (HCR_EL2.FWB = 0).
    pub fn stage2_attributes(&self, descriptor: u128, s2: &Stage2) -> Attrs {
        let attr = field(descriptor, 5, 2);
        let no_tags = attr == 4 && self.has("MTE_PERM");
        let cacheability = |two: u64| match two {
            2 => Cache { kind: 2, ..Cache::default() },
            3 => Cache { kind: 3, ..Cache::default() },
            _ => NON_CACHEABLE,
        };
        let (outer, inner) = if no_tags { (3, 3) } else { (attr >> 2, attr & 3) };
        Attrs {
            device: if attr >> 2 == 0 { Some(device(attr & 3)) } else { None },
            outer: cacheability(outer),
            inner: cacheability(inner),
            sh: stage2_shareability(descriptor, s2),
            xs: !bit(descriptor, 11),
            notagaccess: no_tags,
            tags: 0,
        }
    }

    /// Stage 1 attributes under stage 2 attributes (HCR_EL2.FWB = 0).
    pub fn combine(&self, one: &Attrs, two: &Attrs) -> Attrs {
        let mut both = match (one.device, two.device) {
            (Some(a), Some(b)) => Attrs { device: Some(a.max(b)), ..Attrs::default() },
            (Some(_), None) => *one,
            (None, Some(_)) => *two,
            (None, None) => {
                let weaker = |a: Cache, b: Cache| match a.kind.min(b.kind) {
                    0 => NON_CACHEABLE,
                    kind => Cache { kind, ..a },
                };
                Attrs { inner: weaker(one.inner, two.inner), outer: weaker(one.outer, two.outer), ..Attrs::default() }
            }
        };
        both.tags = self.stage2_tags(&both, one.tags);
        both.notagaccess = self.has("MTE_PERM") && two.notagaccess && one.tags == 1;
        both.sh = wider(one.sh, two.sh);
        let write_back = both.device.is_none() && both.inner.kind == 3 && both.outer.kind == 3;
        both.xs = !write_back && one.xs && two.xs;
        both.sh = effective_shareability(&both);
        both
    }

    /// Stage 1 attributes under a stage 2 leaf with HCR_EL2.FWB = 1.
    pub fn force_write_back(&self, one: &Attrs, descriptor: u128, s2: &Stage2) -> Attrs {
        let attr = field(descriptor, 5, 2);
        let mut both = match attr & 7 {
            two @ 0..=3 => {
                let strictest = one.device.unwrap_or(0).max(device(two));
                Attrs { device: Some(strictest), xs: one.xs, ..Attrs::default() }
            }
            7 => *one,
            6 => {
                let keep = |c: Cache| {
                    let cacheable = one.device.is_none() && c.kind != 0;
                    if cacheable { Cache { kind: 3, ..c } } else { WRITE_BACK_RWA }
                };
                Attrs { inner: keep(one.inner), outer: keep(one.outer), xs: false, ..Attrs::default() }
            }
            _ if one.device.is_some() => *one,
            _ => normal_non_cacheable(one.xs),
        };
        both.sh = wider(one.sh, stage2_shareability(descriptor, s2));
        both.tags = self.stage2_tags(&both, one.tags);
        both.notagaccess = attr >= 14 && both.tags == 1;
        if bit(descriptor, 11) {
            both.xs = false;
        }
        both.sh = effective_shareability(&both);
        both
    }

    /// Allocation tags survive stage 2 only in Write-Back memory that allocates on both reads and writes.
    fn stage2_tags(&self, attrs: &Attrs, stage1_tags: u8) -> u8 {
        let keeps = attrs.device.is_none() && attrs.inner == WRITE_BACK_RWA && attrs.outer == WRITE_BACK_RWA;
        if !self.has("MTE2") || (stage1_tags == 1 && !keeps) { 0 } else { stage1_tags }
    }
}

fn stage2_shareability(descriptor: u128, s2: &Stage2) -> u8 {
    shareability(if s2.ds { s2.sh } else { field(descriptor, 9, 8) })
}

fn wider(a: u8, b: u8) -> u8 {
    match (a, b) {
        (2, _) | (_, 2) => 2,
        (3, _) | (_, 3) => 3,
        _ => 0,
    }
}

/// The ATTR byte of PAR_EL1.
pub fn par_attributes(attrs: &Attrs, mte: bool, mte_perm: bool) -> u64 {
    if mte && attrs.tags == 1 {
        return if mte_perm && attrs.notagaccess { 0xE0 } else { 0xF0 };
    }
    if let Some(device) = attrs.device {
        return u64::from(3 - device) << 2 | u64::from(!attrs.xs);
    }
    let (outer, inner) = (attrs.outer, attrs.inner);
    if !attrs.xs && outer.kind == 2 && inner.kind == 2 && !outer.transient && outer.hints == 2 {
        return 0xA0;
    }
    if !attrs.xs && outer.kind == 0 && inner.kind == 0 {
        return 0x40;
    }
    let nibble = |c: Cache| match (c.kind, c.transient) {
        (2, false) => 8 | u64::from(c.hints),
        (2, true) => u64::from(c.hints),
        (3, false) => 12 | u64::from(c.hints),
        (3, true) => 4 | u64::from(c.hints),
        _ => 4,
    };
    nibble(outer) << 4 | nibble(inner)
}
