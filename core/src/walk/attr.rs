//! Memory attributes: decoded at each stage, combined, made effective.

mod mair;

use super::word::Word;
use crate::bits::bits;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::outcome::{CachePolicy, Cacheability, DeviceType, MemAttrs, MemTag, MemType, Shareability};
use crate::params::{S1Params, S2Params};
use crate::pe::Pe;
use mair::MairByte;

/// `DecodeShareability`; 0b01 is reserved.
#[inline(always)]
const fn decode_shareability(pe: &Pe, sh: u64) -> Shareability {
    match sh & 0b11 {
        0b00 => Shareability::Non,
        0b10 => Shareability::Outer,
        0b11 => Shareability::Inner,
        _ => reserved_shareability(pe),
    }
}

#[cold]
const fn reserved_shareability(pe: &Pe) -> Shareability {
    match pe.choices.get(Choice::ReservedSh) {
        1 => Shareability::Inner,
        2 => Shareability::Non,
        _ => Shareability::Outer,
    }
}

/// `DecodeSDFAttr`: the cacheability of walks, from IRGN or ORGN.
const fn decode_rgn(rgn: u64) -> Cacheability {
    match rgn & 0b11 {
        0b00 => Cacheability::NON_CACHEABLE,
        0b01 => Cacheability::WRITE_BACK_RWA,
        0b10 => Cacheability::WRITE_THROUGH_RA,
        _ => Cacheability::new(CachePolicy::WriteBack, true, false),
    }
}

/// Attributes of stage 1's descriptor reads (`WalkMemAttrs`, and SCTLR_ELx.C).
pub(super) fn s1_walk(pe: &Pe, params: &S1Params) -> MemAttrs {
    let mem_type = MemType::Normal { inner: decode_rgn(params.irgn()), outer: decode_rgn(params.orgn()) };
    let xs = !mem_type.is_both(CachePolicy::WriteBack);
    if !params.dcache() {
        return normal_non_cacheable(xs);
    }
    let shareability = decode_shareability(pe, params.sh());
    MemAttrs { mem_type, shareability, tags: MemTag::Untagged, no_tag_access: false, xs }
}

/// `NormalNCMemAttr`, with the XS attribute of what it replaces.
#[inline(always)]
pub(super) const fn normal_non_cacheable(xs: bool) -> MemAttrs {
    MemAttrs {
        mem_type: MemType::normal(Cacheability::NON_CACHEABLE),
        shareability: Shareability::Outer,
        tags: MemTag::Untagged,
        no_tag_access: false,
        xs,
    }
}

/// `EffectiveShareability`: Device and Non-cacheable memory is Outer Shareable whatever SH says.
#[inline(always)]
pub(super) fn effective_shareability(attrs: MemAttrs) -> MemAttrs {
    let outer = attrs.mem_type.is_device() || attrs.mem_type.is_both(CachePolicy::NonCacheable);
    MemAttrs { shareability: if outer { Shareability::Outer } else { attrs.shareability }, ..attrs }
}

/// What of a stage-1 leaf decides its memory attributes: SH in bits 7:6 and AttrIndx in bits 8 and 2:0. The bits
/// between are what a leaf has there: taking them along is cheaper than not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttrBits(u16);

impl AttrBits {
    /// How many there are.
    pub const COUNT: usize = 512;

    /// How many combinations there are of what does decide.
    pub const KINDS: usize = 64;

    /// A value for every one, at its [index](Self::index).
    pub fn table<T>(mut value: impl FnMut(Self) -> T) -> [T; Self::COUNT] {
        core::array::from_fn(|index| value(Self(index as u16)))
    }

    /// A value for every combination of what decides, at its [kind](Self::kind).
    pub fn kinds<T>(mut value: impl FnMut(Self) -> T) -> [T; Self::KINDS] {
        core::array::from_fn(|kind| {
            let kind = kind as u16;
            value(Self(kind >> 4 << 6 | (kind & 0b1000) << 5 | kind & 0b111))
        })
    }

    #[inline(always)]
    pub(super) fn of(leaf: impl Word, aie: bool) -> Self {
        let high = u16::from(aie & leaf.attr_index3());
        Self(bits(leaf.low(), 9, 2) as u16 | high << 8)
    }

    /// Its place among all.
    #[inline(always)]
    pub const fn index(self) -> usize {
        (self.0 & 0x1ff) as usize
    }

    /// AttrIndx.
    pub const fn attr_index(self) -> u32 {
        (self.0 & 0b111 | self.0 >> 5 & 0b1000) as u32
    }

    /// SH.
    pub const fn sh(self) -> u64 {
        (self.0 >> 6 & 0b11) as u64
    }

    /// The place of what decides, alone.
    #[inline(always)]
    pub const fn kind(self) -> usize {
        (self.attr_index() | (self.sh() as u32) << 4) as usize
    }
}

/// Attributes of a stage-1 leaf: MAIR's byte for its AttrIndx, and SH (`S1DecodeMemAttrs`).
#[inline(always)]
pub(super) fn s1_decode(pe: &Pe, params: &S1Params, leaf: AttrBits) -> MemAttrs {
    let index = leaf.attr_index();
    let sh = if params.ds && !params.d128 { params.sh() } else { leaf.sh() };
    let mair = if index < 8 { params.mair } else { params.mair2() };
    let low = 8 * (index & 7);
    let MairByte { mem_type, xs, tagged, .. } = *MairByte::read(pe, mair >> low);
    let tags = match tagged {
        true => MemTag::Allocation,
        false if params.mtx() => MemTag::Canonical,
        false => MemTag::Untagged,
    };
    MemAttrs { mem_type, shareability: decode_shareability(pe, sh), tags, no_tag_access: false, xs }
}

/// `S2DecodeCacheability`, which is the high half of a MAIR nibble: stage 2 has no hints of its own. 0b00 is reserved.
#[inline(always)]
const fn s2_decode_cacheability(pe: &Pe, attr: u64) -> Cacheability {
    match attr & 0b11 {
        0b00 => reserved_s2_cacheability(pe),
        attr => Cacheability::decode(attr << 2),
    }
}

#[cold]
const fn reserved_s2_cacheability(pe: &Pe) -> Cacheability {
    let policy = match pe.choices.get(Choice::ReservedS2Cacheability) {
        1 => CachePolicy::WriteThrough,
        2 => CachePolicy::WriteBack,
        _ => CachePolicy::NonCacheable,
    };
    Cacheability::new(policy, false, false)
}

/// The SH bits of a stage-2 leaf, or VTCR_EL2's in their place.
#[inline(always)]
const fn s2_sh(params: &S2Params, leaf: u64) -> u64 {
    if params.ds { params.sh() } else { descriptor::s2::SH.get(leaf) }
}

/// Whether a stage-2 leaf makes the memory Device.
pub(super) const fn s2_is_device(params: &S2Params, s1: &MemAttrs, leaf: u64) -> bool {
    let attr = descriptor::s2::MEM_ATTR.get(leaf);
    match attr & 0b111 {
        _ if !params.fwb() => attr >> 2 == 0,
        0b110 => false,
        0b100 | 0b101 | 0b111 => s1.mem_type.is_device(),
        _ => true,
    }
}

/// Attributes of a stage-2 leaf on their own, without FWB (`S2DecodeMemAttrs`).
#[inline(always)]
pub(super) fn s2_decode(pe: &Pe, params: &S2Params, leaf: u64) -> MemAttrs {
    let attr = descriptor::s2::MEM_ATTR.get(leaf);
    let no_tag_access = attr == 0b0100 && pe.has(Feature::MtePerm);
    let mem_type = match attr {
        0b0000..=0b0011 => MemType::Device(DeviceType::decode(attr)),
        _ if attr == 0b1111 || no_tag_access => MemType::normal(Cacheability::WRITE_BACK),
        _ => MemType::Normal { outer: s2_decode_cacheability(pe, attr >> 2), inner: s2_decode_cacheability(pe, attr) },
    };
    MemAttrs {
        mem_type,
        shareability: decode_shareability(pe, s2_sh(params, leaf)),
        tags: MemTag::Untagged,
        no_tag_access,
        xs: !descriptor::s2::FNXS.is_set(leaf),
    }
}

/// `S2CombineS1MemAttrs`.
#[inline(always)]
pub(super) fn s2_combine(pe: &Pe, s1: MemAttrs, s2: MemAttrs) -> MemAttrs {
    let mem_type = match (s1.mem_type, s2.mem_type) {
        // The commonest, which changes nothing.
        (_, MemType::Normal { inner: Cacheability::WRITE_BACK, outer: Cacheability::WRITE_BACK }) => s1.mem_type,
        (MemType::Device(a), MemType::Device(b)) => MemType::Device(a.max(b)),
        (MemType::Device(_), MemType::Normal { .. }) => s1.mem_type,
        (MemType::Normal { .. }, MemType::Device(_)) => s2.mem_type,
        (MemType::Normal { inner, outer }, MemType::Normal { inner: inner2, outer: outer2 }) => {
            MemType::Normal { inner: inner.weakened_by(inner2), outer: outer.weakened_by(outer2) }
        }
    };
    effective_shareability(MemAttrs {
        mem_type,
        shareability: combine_shareability(s1.shareability, s2.shareability),
        tags: s2_mem_tag(pe, mem_type, s1.tags),
        no_tag_access: pe.has(Feature::MtePerm) && s2.no_tag_access && s1.tags == MemTag::Allocation,
        xs: s1.xs && s2.xs && !mem_type.is_both(CachePolicy::WriteBack),
    })
}

/// `S2CombineS1Shareability`: the wider domain.
#[inline(always)]
const fn combine_shareability(s1: Shareability, s2: Shareability) -> Shareability {
    match (s1, s2) {
        (Shareability::Outer, _) | (_, Shareability::Outer) => Shareability::Outer,
        (Shareability::Inner, _) | (_, Shareability::Inner) => Shareability::Inner,
        _ => Shareability::Non,
    }
}

/// `S2MemTagType`: Allocation Tags survive only in Write-Back, read- and write-allocate, non-transient memory.
#[inline(always)]
fn s2_mem_tag(pe: &Pe, mem_type: MemType, s1: MemTag) -> MemTag {
    if !pe.has(Feature::Mte2) {
        return MemTag::Untagged;
    }
    match s1 {
        MemTag::Allocation if mem_type != MemType::normal(Cacheability::WRITE_BACK_RWA) => MemTag::Untagged,
        tags => tags,
    }
}

/// Attributes of a stage-2 leaf when `HCR_EL2.FWB` = 1 (`AArch64.S2ApplyFWBMemAttrs`).
pub(super) fn s2_apply_fwb(pe: &Pe, params: &S2Params, s1: MemAttrs, leaf: u64) -> MemAttrs {
    let attr = descriptor::s2::MEM_ATTR.get(leaf);
    let (mem_type, xs) = match (attr & 0b111, s1.mem_type) {
        (0b110, _) => (force_write_back(s1.mem_type), false),
        (0b111, _) | (0b100 | 0b101, MemType::Device(_)) => (s1.mem_type, s1.xs),
        (0b100 | 0b101, MemType::Normal { .. }) => (MemType::normal(Cacheability::NON_CACHEABLE), s1.xs),
        (kind, MemType::Device(s1_kind)) => (MemType::Device(s1_kind.max(DeviceType::decode(kind))), s1.xs),
        (kind, MemType::Normal { .. }) => (MemType::Device(DeviceType::decode(kind)), s1.xs),
    };
    let tags = s2_mem_tag(pe, mem_type, s1.tags);
    effective_shareability(MemAttrs {
        mem_type,
        shareability: combine_shareability(s1.shareability, decode_shareability(pe, s2_sh(params, leaf))),
        tags,
        no_tag_access: attr >> 1 == 0b111 && tags == MemTag::Allocation,
        xs: xs && !descriptor::s2::FNXS.is_set(leaf),
    })
}

/// Write-Back, with stage 1's hints where it has any.
fn force_write_back(s1: MemType) -> MemType {
    let force = |cache: Cacheability| match cache.policy() {
        CachePolicy::NonCacheable => Cacheability::WRITE_BACK_RWA,
        _ => cache.with_policy(CachePolicy::WriteBack),
    };
    match s1 {
        MemType::Device(_) => MemType::normal(Cacheability::WRITE_BACK_RWA),
        MemType::Normal { inner, outer } => MemType::Normal { inner: force(inner), outer: force(outer) },
    }
}
