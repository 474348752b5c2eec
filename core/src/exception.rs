//! Exceptions: where they are taken to, and what ESR, FAR, HPFAR and PFAR hold.

use crate::access::At;
use crate::addr::PaSpace;
use crate::bits::{bits, mask};
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, hpfar_el2, scr_el3};
use crate::outcome::{FaultCode, FaultRecord, Gpcf, GpcfKind};
use crate::par::encode_ldfsc;
use crate::pe::Pe;
use crate::regime::SecurityState;
use crate::walk::{AccessDescriptor, AccessType};
use alloc::vec::Vec;

/// An exception taken: the target Exception level, and the syndrome registers it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Target Exception level, 1 to 3.
    pub el: u8,
    /// Registers written: ESR, FAR and, where they apply, HPFAR_EL2 and PFAR.
    pub registers: Vec<Written>,
}

/// A register an exception writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which.
    pub register: SysReg,
    /// Its value.
    pub value: u64,
    /// The bits of it that are UNKNOWN.
    pub unknown: u64,
}

impl Exception {
    /// The value written to ESR_ELx.
    #[must_use]
    pub fn esr(&self) -> u64 {
        self.registers.first().map_or(0, |esr| esr.value)
    }
}

/// ESR bit 25: a 32-bit instruction, and every abort without instruction syndrome.
const IL: u64 = 1 << 25;
const EC_SYSTEM_REGISTER: u64 = 0x18;
const EC_GPC: u64 = 0x1e;
const EC_INSTRUCTION_ABORT: u64 = 0x20;
const EC_DATA_ABORT: u64 = 0x24;

/// Bit 8 of ISS2.
const ISS2_GCS: u64 = 1 << 8 << 32;
const ISS_CM: u64 = 1 << 8;
const ISS_S1PTW: u64 = 1 << 7;
const ISS_WNR: u64 = 1 << 6;
const ISS_TOP_LEVEL: u64 = 1 << 21;

/// ESR, FAR and PFAR (for EL3: MFAR) of a target Exception level.
const fn registers_of(el: u8) -> [SysReg; 3] {
    match el {
        1 => [SysReg::EsrEl1, SysReg::FarEl1, SysReg::PfarEl1],
        2 => [SysReg::EsrEl2, SysReg::FarEl2, SysReg::PfarEl2],
        _ => [SysReg::EsrEl3, SysReg::FarEl3, SysReg::MfarEl3],
    }
}

/// An AT instruction trapped to EL2 (`AArch64.SystemAccessTrap`). Rt is reported as 0: which register held the address
/// does not matter to anything here.
#[must_use]
pub fn trap(pe: &Pe, at: &At) -> Exception {
    let (op1, crm, op2) = at.encoding;
    let iss = 1 << 20 | u64::from(op2) << 17 | u64::from(op1) << 14 | 7 << 10 | u64::from(crm) << 1;
    let [esr, far, pfar] = registers_of(2);
    let mut registers = Vec::from([
        Written { register: esr, value: EC_SYSTEM_REGISTER << 26 | IL | iss, unknown: bits(u64::MAX, 4, 0) << 5 },
        Written { register: far, value: 0, unknown: u64::MAX },
        Written { register: SysReg::HpfarEl2, value: 0, unknown: hpfar_el2::FIPA.mask() },
    ]);
    if pe.has(Feature::Pfar) {
        registers.push(Written { register: pfar, value: 0, unknown: u64::MAX });
    }
    Exception { el: 2, registers }
}

/// Whether a granule protection fault is reported as a GPC exception to EL3 (`ReportAsGPCException`).
#[must_use]
pub const fn is_gpc_exception(pe: &Pe, fault: &FaultRecord) -> bool {
    match fault.gpcf {
        None => false,
        Some(Gpcf { kind: GpcfKind::Fail, .. }) => scr_el3::GPF.is_set(pe.scr()) && pe.el != 3,
        Some(_) => true,
    }
}

/// The exception for a fault (`AArch64.Abort`).
#[must_use]
pub fn abort(pe: &Pe, access: AccessDescriptor, fault: &FaultRecord, va: u64) -> Exception {
    let gpc = is_gpc_exception(pe, fault);
    let el = if gpc { 3 } else { target(pe, fault) };
    let [esr, far, pfar] = registers_of(el);
    let (syndrome, unknown) = if gpc { gpc_syndrome(access, fault) } else { syndrome(access, fault) };
    let class = match (gpc, access.kind) {
        (true, _) => EC_GPC,
        (false, AccessType::Fetch) => EC_INSTRUCTION_ABORT | u64::from(pe.el == el),
        (false, _) => EC_DATA_ABORT | u64::from(pe.el == el),
    };
    let mut registers = Vec::from([
        Written { register: esr, value: class << 26 | IL | syndrome, unknown },
        Written { register: far, value: va, unknown: 0 },
    ]);
    if ipa_valid(fault) {
        let secure_el2 = pe.secure_el2_enabled() && pe.security_state(pe.el) == SecurityState::Secure;
        let ns = u64::from(secure_el2 && fault.ipa.space == PaSpace::NonSecure) << 63;
        let value = hpfar_el2::FIPA.set(ns, fault.ipa.address >> 12);
        registers.push(Written { register: SysReg::HpfarEl2, value, unknown: 0 });
    } else if el == 2 {
        registers.push(Written { register: SysReg::HpfarEl2, value: 0, unknown: hpfar_el2::FIPA.mask() });
    }
    let pfar_unknown = pe.has(Feature::Pfar) || (pe.has(Feature::Rme) && el == 3);
    if gpc {
        registers.push(Written { register: pfar, value: fault_pa(pe, fault) & !mask(11, 0), unknown: 0 });
    } else if pa_valid(pe, fault, el) {
        registers.push(Written { register: pfar, value: fault_pa(pe, fault), unknown: 0 });
    } else if pfar_unknown {
        registers.push(Written { register: pfar, value: 0, unknown: u64::MAX });
    }
    Exception { el, registers }
}

/// The Exception level a fault is taken to (`AArch64.DataAbort`, `AArch64.InstructionAbort`).
fn target(pe: &Pe, fault: &FaultRecord) -> u8 {
    let hcr = pe.hcr();
    let tge = hcr_el2::TGE.is_set(hcr);
    let external = fault.code.is_external_abort();
    if pe.el == 3 || (external && pe.has(Feature::El3) && scr_el3::EA.is_set(pe.scr())) {
        return 3;
    }
    let tea = external && pe.has(Feature::Ras) && hcr_el2::TEA.is_set(hcr);
    let gpf = matches!(fault.gpcf, Some(Gpcf { kind: GpcfKind::Fail, .. })) && hcr_el2::GPF.is_set(hcr);
    let to_el2 = match pe.el {
        0 => tge || tea || gpf || fault.second_stage,
        // An External abort at EL1 is not routed by TGE, with which EL1 cannot run.
        1 => (tge && !external) || tea || gpf || fault.second_stage,
        _ => true,
    };
    if pe.el == 2 || (pe.el2_enabled() && to_el2) { 2 } else { 1 }
}

/// The bits of ISS and ISS2 that say what the access was, and which of them are UNKNOWN.
fn access_bits(access: AccessDescriptor, fault: &FaultRecord) -> (u64, u64) {
    let external = fault.code.is_external_abort() || fault.gpcf.is_some_and(|gpcf| gpcf.kind == GpcfKind::Eabt);
    let walk = if fault.s2fs1walk { ISS_S1PTW } else { 0 };
    let common = if access.kind == AccessType::Gcs { walk | ISS2_GCS } else { walk };
    match access.kind {
        AccessType::At => (common | ISS_CM | ISS_WNR, 0),
        AccessType::Fetch => (common, 0),
        _ if access.read && access.write && external => (common, ISS_WNR),
        _ => (common | if fault.write { ISS_WNR } else { 0 }, 0),
    }
}

/// ISS and ISS2 of a data or instruction abort, and their UNKNOWN bits (`AArch64.FaultSyndrome`).
fn syndrome(access: AccessDescriptor, fault: &FaultRecord) -> (u64, u64) {
    let (mut iss, unknown) = access_bits(access, fault);
    iss |= encode_ldfsc(fault.code, fault.level);
    if fault.code == FaultCode::Permission {
        let iss2 = [(5, fault.dirty_bit), (6, fault.overlay), (7, fault.assured_only)];
        let iss2 = iss2.into_iter().fold(0, |word, (bit, set)| word | u64::from(set) << bit);
        iss |= iss2 << 32 | if fault.top_level { ISS_TOP_LEVEL } else { 0 };
    }
    (iss, unknown)
}

/// ISS and ISS2 of a GPC exception, and their UNKNOWN bits (`TakeGPCException`).
fn gpc_syndrome(access: AccessDescriptor, fault: &FaultRecord) -> (u64, u64) {
    let (iss, unknown) = access_bits(access, fault);
    let Some(gpcf) = fault.gpcf else { return (iss, unknown) };
    let kind = match gpcf.kind {
        GpcfKind::AddressSize => 0b00000,
        GpcfKind::Walk => 0b00010,
        GpcfKind::Fail => 0b00110,
        GpcfKind::Eabt => 0b01010,
    };
    let gpcsc = kind << 1 | u64::from(gpcf.level & 1);
    let fetch = u64::from(access.kind == AccessType::Fetch);
    let s2ptw = u64::from(gpcf.second_stage);
    (iss | s2ptw << 21 | fetch << 20 | gpcsc << 14 | encode_ldfsc(fault.code, fault.level), unknown)
}

/// Whether HPFAR_EL2 is written (`IPAValid`).
const fn ipa_valid(fault: &FaultRecord) -> bool {
    match fault.code {
        FaultCode::GpcfOnWalk | FaultCode::GpcfOnOutput => fault.second_stage,
        FaultCode::Permission => fault.s2fs1walk,
        FaultCode::AccessFlag | FaultCode::Translation | FaultCode::AddressSize => fault.second_stage,
        FaultCode::SyncExternalOnWalk => false,
    }
}

/// Whether PFAR_ELx holds the faulting physical address (`AArch64.AbortSyndrome`).
fn pa_valid(pe: &Pe, fault: &FaultRecord, target: u8) -> bool {
    let virtualised = pe.el2_enabled() && hcr_el2::VM.is_set(pe.hcr()) && target == 1;
    pe.has(Feature::Pfar) && fault.code.is_external_abort() && !virtualised
}

/// PFAR_ELx: the address, and which address space it is in.
fn fault_pa(pe: &Pe, fault: &FaultRecord) -> u64 {
    let space = match fault.paddress.space {
        // The pseudocode never assigns the space of an External abort; as executed it is Non-secure.
        _ if !pe.has(Feature::Rme) => 0b10,
        PaSpace::Secure => 0b00,
        PaSpace::Root => 0b01,
        PaSpace::NonSecure => 0b10,
        PaSpace::Realm => 0b11,
    };
    space << 62 | fault.paddress.address & mask(55, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Op, OpKind};
    use crate::addr::FullAddress;
    use crate::walk::Blame;

    const FAULT: FaultRecord = FaultRecord {
        code: FaultCode::Translation,
        level: 3,
        second_stage: false,
        s2fs1walk: false,
        ipa: FullAddress::new(PaSpace::NonSecure, 0),
        paddress: FullAddress::new(PaSpace::NonSecure, 0),
        write: false,
        top_level: false,
        overlay: false,
        dirty_bit: false,
        assured_only: false,
        gpcf: None,
    };

    fn access(kind: AccessType, read: bool, write: bool) -> AccessDescriptor {
        let (security, blame) = (SecurityState::NonSecure, Blame::default());
        AccessDescriptor { kind, el: 1, security, read, write, pan: false, first_table_of: None, blame }
    }

    fn at_el(el: u8) -> Pe {
        let mut pe = Pe { el, ..Pe::default() };
        pe.regs.set(SysReg::ScrEl3, scr_el3::NS.mask().into());
        pe
    }

    fn unknown(exception: &Exception, register: SysReg) -> Option<u64> {
        exception.registers.iter().find(|written| written.register == register).map(|written| written.unknown)
    }

    #[test]
    fn a_trap_leaves_the_number_of_the_register_open() {
        let OpKind::At(at) = Op::S1E1R.kind() else { panic!("an AT instruction") };
        assert_eq!(unknown(&trap(&at_el(1), &at), SysReg::EsrEl2), Some(0b11111 << 5));
    }

    #[test]
    fn hpfar_is_unknown_at_el2_where_no_ipa_is_told() {
        let read = access(AccessType::Data, true, false);
        let told = |el| unknown(&abort(&at_el(el), read, &FAULT, 0), SysReg::HpfarEl2);
        assert_eq!((told(1), told(2), told(3)), (None, Some(hpfar_el2::FIPA.mask()), None));
    }

    #[test]
    fn a_fault_address_that_is_not_told_is_unknown_where_its_register_is() {
        let read = access(AccessType::Data, true, false);
        let told = |features: [bool; 2], el, register| {
            let mut pe = at_el(el);
            for (feature, has) in [Feature::Pfar, Feature::Rme].into_iter().zip(features) {
                pe.features = if has { pe.features.with(feature) } else { pe.features.without(feature) };
            }
            unknown(&abort(&pe, read, &FAULT, 0), register)
        };
        let everything = Some(u64::MAX);
        assert_eq!(told([false, false], 1, SysReg::PfarEl1), None);
        assert_eq!(told([true, false], 1, SysReg::PfarEl1), everything);
        assert_eq!(told([false, true], 1, SysReg::PfarEl1), None);
        assert_eq!(told([false, true], 3, SysReg::MfarEl3), everything);
        assert_eq!(told([false, false], 3, SysReg::MfarEl3), None);
    }

    #[test]
    fn whether_an_atomic_wrote_is_unknown_in_an_external_abort_alone() {
        let swp = access(AccessType::Data, true, true);
        let gpcf = |kind| Some(Gpcf { kind, level: 0, second_stage: false });
        let external = FaultRecord { code: FaultCode::SyncExternalOnWalk, ..FAULT };
        let on_gpt = FaultRecord { code: FaultCode::GpcfOnWalk, gpcf: gpcf(GpcfKind::Eabt), ..FAULT };
        let other_gpcf = FaultRecord { gpcf: gpcf(GpcfKind::Walk), ..on_gpt };
        let open = |access, fault: &FaultRecord| access_bits(access, fault).1;
        assert_eq!((open(swp, &external), open(swp, &on_gpt)), (ISS_WNR, ISS_WNR));
        assert_eq!((open(swp, &FAULT), open(swp, &other_gpcf)), (0, 0));
        for one in [access(AccessType::Data, true, false), access(AccessType::Data, false, true)] {
            assert_eq!(open(one, &external), 0);
        }
    }
}
