//! PAR_EL1: how the outcome of an AT instruction is encoded.

use crate::addr::{FullAddress, PaSpace};
use crate::bits::mask;
use crate::feature::Feature;
use crate::layout::sysreg::{par_el1_fault as fault_format, par_el1_success as success_format, par_el1_success_d128};
use crate::outcome::{
    AddressDescriptor, CachePolicy, Cacheability, DeviceType, FaultCode, FaultRecord, MemAttrs, MemTag, MemType,
    Shareability,
};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};

/// A value of PAR_EL1, and which of its bits the architecture leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Par {
    /// The value.
    pub value: u128,
    /// Bits that are UNKNOWN or IMPLEMENTATION DEFINED.
    pub unknown: u128,
}

/// Bit 64: the value has the 128-bit format.
const D128: u128 = 1 << 64;
/// Bit 11 is RES1 in a faulting PAR, and in every PAR without `FEAT_RME`.
const RES1: u64 = 1 << 11;

/// PAR_EL1 of a translation that succeeded (`AArch64.EncodePAR`), in a regime and its Security state. `stage1_only`
/// tells AT S1Ex from AT S12Ex.
#[must_use]
#[inline(always)]
pub fn encode_success(
    pe: &Pe,
    regime: Regime,
    security: SecurityState,
    stage1_only: bool,
    output: &AddressDescriptor,
) -> Par {
    SuccessFormat::new(pe, regime, security, stage1_only).encode(output)
}

/// How NS and NSE tell the output's physical address space.
#[derive(Clone, Copy, Debug)]
enum World {
    /// Not at all.
    Untold,
    /// NS: it is not the Security state's own.
    Other,
    /// NSE and NS: any of four.
    Space,
}

/// What of the PAR_EL1 of a success depends on registers alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuccessFormat {
    world: World,
    own: PaSpace,
    res1: u64,
    unknown: u64,
    d128: bool,
    /// 64 bits, of which none depends on the output's space.
    plain: bool,
    mte2: bool,
    mte_perm: bool,
}

impl SuccessFormat {
    /// The format after an AT instruction in a regime and its Security state.
    #[inline(always)]
    pub fn new(pe: &Pe, regime: Regime, security: SecurityState, stage1_only: bool) -> Self {
        let (ns, nse) = (success_format::NS.mask(), success_format::NSE.mask());
        let rme = pe.has(Feature::Rme);
        let untold = if rme { (World::Untold, 0, nse | ns) } else { (World::Untold, RES1, ns) };
        let (world, res1, unknown) = match security {
            SecurityState::NonSecure => untold,
            _ if rme && regime == Regime::El3 => (World::Space, 0, 0),
            SecurityState::Realm if rme && regime == Regime::El10 && stage1_only => untold,
            SecurityState::Secure | SecurityState::Realm if rme => (World::Other, 0, nse),
            SecurityState::Secure => (World::Other, RES1, 0),
            SecurityState::Root | SecurityState::Realm => untold,
        };
        let d128 = pe.par_format_d128(regime, stage1_only);
        Self {
            world,
            own: security.pa_space(),
            res1,
            unknown: unknown | success_format::IMPDEF.mask(),
            d128,
            plain: matches!(world, World::Untold) && !d128,
            mte2: pe.has(Feature::Mte2),
            mte_perm: pe.has(Feature::MtePerm),
        }
    }

    /// PAR_EL1 for an output.
    #[inline(always)]
    pub fn encode(&self, output: &AddressDescriptor) -> Par {
        self.place(output.address, self.encode_attrs(&output.attrs))
    }

    /// SH and ATTR for memory attributes.
    #[inline(always)]
    pub fn encode_attrs(&self, attrs: &MemAttrs) -> u64 {
        let sh = success_format::SH.set(0, reported_shareability(attrs).encode());
        success_format::ATTR.set(sh, encode_attrs(self.mte2, self.mte_perm, attrs))
    }

    /// PAR_EL1 for an output address, given SH and ATTR.
    #[inline(always)]
    pub fn place(&self, output: FullAddress, attrs: u64) -> Par {
        if self.plain {
            let value = success_format::PA.mask() & output.address | attrs | self.res1;
            return Par { value: value.into(), unknown: self.unknown.into() };
        }
        self.place_any(output, attrs)
    }

    #[cold]
    #[inline(never)]
    fn place_any(&self, output: FullAddress, attrs: u64) -> Par {
        let space = output.space as u64;
        let world = match self.world {
            World::Untold => 0,
            World::Other => success_format::NS.set(0, u64::from(output.space != self.own)),
            World::Space => success_format::NSE.set(success_format::NS.set(0, space & 1), space >> 1),
        };
        let (low, page) = (attrs | world | self.res1, output.address >> 12);
        let value = if self.d128 {
            par_el1_success_d128::PA.set128(u128::from(low) | D128, page)
        } else {
            u128::from(success_format::PA.set(low, page))
        };
        Par { value, unknown: u128::from(self.unknown) }
    }
}

/// PAR_EL1 of a translation that faulted (`AArch64.EncodePAR`).
#[must_use]
pub fn encode_fault(pe: &Pe, regime: Regime, stage1_only: bool, fault: &FaultRecord) -> Par {
    let flags = [
        (fault_format::F, true),
        (fault_format::PTW, fault.s2fs1walk),
        (fault_format::S, fault.second_stage),
        (fault_format::AssuredOnly, fault.assured_only),
        (fault_format::TopLevel, fault.top_level),
        (fault_format::Overlay, fault.overlay),
        (fault_format::DirtyBit, fault.dirty_bit),
    ];
    let low = flags.into_iter().fold(RES1, |par, (field, set)| field.set(par, u64::from(set)));
    let low = fault_format::FST.set(low, encode_ldfsc(fault.code, fault.level));
    let format = if pe.par_format_d128(regime, stage1_only) { D128 } else { 0 };
    Par { value: u128::from(low) | format, unknown: u128::from(mask(63, 48)) }
}

/// The six fault status bits (`EncodeLDFSC`), as in PAR_EL1.FST and in the DFSC and IFSC of ESR_ELx.
#[must_use]
pub const fn encode_ldfsc(code: FaultCode, level: i8) -> u64 {
    const fn at_level(level: i8, base: u64, minus1: u64, minus2: u64) -> u64 {
        match level {
            -2 => minus2,
            -1 => minus1,
            _ => base | level as u64 & 0b11,
        }
    }
    match code {
        FaultCode::AddressSize => at_level(level, 0b00_0000, 0b10_1001, 0b10_1100),
        FaultCode::Translation => at_level(level, 0b00_0100, 0b10_1011, 0b10_1010),
        FaultCode::AccessFlag => at_level(level, 0b00_1000, 0b00_1000, 0b00_1000),
        FaultCode::Permission => at_level(level, 0b00_1100, 0b00_1100, 0b00_1100),
        FaultCode::SyncExternalOnWalk => at_level(level, 0b01_0100, 0b01_0011, 0b01_0010),
        FaultCode::GpcfOnWalk => at_level(level, 0b10_0100, 0b10_0011, 0b10_0010),
        FaultCode::GpcfOnOutput => 0b10_1000,
    }
}

/// PAR_EL1.SH (`PAREncodeShareability`): Device and Non-cacheable memory reads as Outer Shareable.
#[inline(always)]
fn reported_shareability(attrs: &MemAttrs) -> Shareability {
    let outer = attrs.mem_type.is_device() || attrs.mem_type.is_both(CachePolicy::NonCacheable);
    if outer { Shareability::Outer } else { attrs.shareability }
}

/// PAR_EL1.ATTR, in MAIR's encoding (`EncodePARAttrs`).
#[inline(always)]
fn encode_attrs(mte2: bool, mte_perm: bool, attrs: &MemAttrs) -> u64 {
    if mte2 && attrs.tags == MemTag::Allocation {
        return if mte_perm && attrs.no_tag_access { 0xe0 } else { 0xf0 };
    }
    match attrs.mem_type {
        MemType::Device(kind) => {
            let kind = match kind {
                DeviceType::NGnRnE => 0x0,
                DeviceType::NGnRe => 0x4,
                DeviceType::NGre => 0x8,
                DeviceType::Gre => 0xc,
            };
            kind | u64::from(!attrs.xs)
        }
        normal if !attrs.xs && normal.is_both(CachePolicy::NonCacheable) => 0x40,
        MemType::Normal { inner, outer } if !attrs.xs && is_write_through_xs0(inner, outer) => 0xa0,
        MemType::Normal { inner, outer } => outer.encode() << 4 | inner.encode(),
    }
}

/// Write-Through memory whose XS is 0 has an encoding of its own, which only the outer hints decide.
fn is_write_through_xs0(inner: Cacheability, outer: Cacheability) -> bool {
    inner.policy() == CachePolicy::WriteThrough && outer == Cacheability::WRITE_THROUGH_RA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_status_codes_follow_the_manuals_table() {
        assert_eq!(encode_ldfsc(FaultCode::Translation, 3), 0b00_0111);
        assert_eq!(encode_ldfsc(FaultCode::Translation, -1), 0b10_1011);
        assert_eq!(encode_ldfsc(FaultCode::AddressSize, 0), 0);
        assert_eq!(encode_ldfsc(FaultCode::AddressSize, -2), 0b10_1100);
        assert_eq!(encode_ldfsc(FaultCode::SyncExternalOnWalk, -1), 0b01_0011);
        assert_eq!(encode_ldfsc(FaultCode::Permission, 2), 0b00_1110);
        assert_eq!(encode_ldfsc(FaultCode::GpcfOnOutput, 0), 0b10_1000);
    }

    #[test]
    fn write_through_without_xs_is_not_confused_with_its_xs_form() {
        let mut attrs = MemAttrs {
            mem_type: MemType::normal(Cacheability::WRITE_THROUGH_RA),
            shareability: Shareability::Inner,
            tags: MemTag::Untagged,
            no_tag_access: false,
            xs: false,
        };
        assert_eq!(encode_attrs(true, true, &attrs), 0xa0);
        attrs.xs = true;
        assert_eq!(encode_attrs(true, true, &attrs), 0xaa);
        attrs.mem_type = MemType::normal(Cacheability::NON_CACHEABLE);
        assert_eq!(encode_attrs(true, true, &attrs), 0x44);
        attrs.xs = false;
        assert_eq!(encode_attrs(true, true, &attrs), 0x40);
    }
}
