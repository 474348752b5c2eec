//! How an answer is reported: PAR_EL1, syndromes, fault addresses and where an exception is taken.

use std::collections::BTreeMap;

use super::attributes::{effective_shareability, par_attributes};
use super::machine::{Access, Kind, Machine, Regime};
use super::{Exception, Fault, Place, Space, bit};

/// Fault status code: DFSC, IFSC and PAR_EL1.FST.
fn fault_status(fault: &Fault) -> u64 {
    let low = (fault.level & 3) as u64;
    match (fault.code, fault.level) {
        ("AddressSize", -2) => 0b101100,
        ("AddressSize", -1) => 0b101001,
        ("AddressSize", _) => low,
        ("Translation", -2) => 0b101010,
        ("Translation", -1) => 0b101011,
        ("Translation", _) => 4 | low,
        ("AccessFlag", _) => 8 | low,
        ("Permission", _) => 12 | low,
        ("SyncExternalOnWalk", -2) => 0b010010,
        ("SyncExternalOnWalk", -1) => 0b010011,
        ("SyncExternalOnWalk", _) => 20 | low,
        ("GPCFOnWalk", -2) => 0b100010,
        ("GPCFOnWalk", -1) => 0b100011,
        ("GPCFOnWalk", _) => 36 | low,
        ("GPCFOnOutput", _) => 0b101000,
        (other, _) => unreachable!("no status code for {other}"),
    }
}

impl Machine<'_> {
    fn par_is_128(&self, regime: Regime, stage1_only: bool) -> bool {
        let no_stage2 = stage1_only || !self.el2_enabled() || !(self.hcr(0) || self.hcr(12));
        self.has("D128")
            && match regime {
                Regime::El2 => false,
                Regime::El3 => bit(self.reg("TCR_EL3"), 38),
                Regime::El20 => bit(self.reg("TCR2_EL2"), 5),
                Regime::El10 if no_stage2 => bit(self.reg("TCR2_EL1"), 5),
                Regime::El10 => bit(self.reg("VTCR_EL2"), 38),
            }
    }

    /// PAR_EL1 and the mask of its bits that have no architected value.
    pub fn par(&self, regime: Regime, stage1_only: bool, result: &Result<Place, Fault>) -> (u128, u128) {
        let d128 = self.par_is_128(regime, stage1_only);
        let format = u128::from(d128) << 64;
        let place = match result {
            Err(fault) => {
                let mut par = 1 | fault_status(fault) << 1 | 1 << 11;
                par |= u64::from(fault.s1ptw) << 8 | u64::from(fault.s2) << 9;
                par |= u64::from(fault.assured) << 12 | u64::from(fault.toplevel) << 13;
                par |= u64::from(fault.overlay) << 14 | u64::from(fault.dirty) << 15;
                return (format | u128::from(par), 0xFFFF << 48);
            }
            Ok(place) => place,
        };
        let state = match regime {
            Regime::El3 => self.security_state(3),
            Regime::El2 | Regime::El20 => self.security_state(2),
            Regime::El10 => self.security_state(1),
        };
        let mut ignore = 1u128 << 10;
        let (mut nse, mut ns) = (true, false);
        if self.has("RME") && regime == Regime::El3 {
            nse = matches!(place.space, Space::Root | Space::Realm);
            ns = matches!(place.space, Space::NonSecure | Space::Realm);
        } else {
            if self.has("RME") {
                nse = false;
                ignore |= 1 << 11;
            }
            match state {
                Space::Secure => ns = place.space != Space::Secure,
                Space::Realm if !(regime == Regime::El10 && stage1_only) => ns = place.space != Space::Realm,
                _ => ignore |= 1 << 9,
            }
        }
        let attrs = par_attributes(&place.attrs, self.has("MTE"), self.has("MTE_PERM"));
        let page = u128::from(place.address >> 12);
        let mut par = format | u128::from(attrs) << 56 | page << if d128 { 76 } else { 12 };
        par |= u128::from(effective_shareability(&place.attrs)) << 7;
        par |= u128::from(nse) << 11 | u128::from(ns) << 9;
        (par, ignore)
    }

    fn external(fault: &Fault) -> bool {
        fault.code == "SyncExternalOnWalk" || fault.gpcf.is_some_and(|(cause, _)| cause == "EABT")
    }

    /// Whether a granule protection fault is a GPC exception, taken to EL3.
    pub fn is_gpc_exception(&self, fault: &Fault) -> bool {
        match fault.gpcf {
            None => false,
            Some(("Fail", _)) => self.scr(48) && self.case.el != 3,
            Some(_) => true,
        }
    }

    fn abort_target(&self, fault: &Fault) -> u8 {
        let el = self.case.el;
        if el >= 2 && !(el == 2 && Self::external(fault)) {
            return el;
        }
        if Self::external(fault) {
            if self.scr(3) {
                return 3;
            }
            let tea = self.has("RAS") && self.hcr(37);
            let to_el2 = match el {
                1 => self.el2_enabled() && (tea || fault.s2),
                0 => self.in_host(0) || (self.el2_enabled() && (self.hcr(27) || tea || fault.s2)),
                _ => true,
            };
            return if to_el2 { 2 } else { 1 };
        }
        let gpf = fault.gpcf.is_some_and(|(cause, _)| cause == "Fail") && self.hcr(48);
        if self.el2_enabled() && (self.hcr(27) || gpf || fault.s2) { 2 } else { 1 }
    }

    /// Whether HPFAR_EL2 gets the intermediate physical address of a fault.
    fn ipa_valid(fault: &Fault) -> bool {
        let code = fault.code;
        if fault.gpcf.is_some() {
            fault.s2
        } else if fault.s1ptw {
            matches!(code, "AccessFlag" | "Permission" | "Translation" | "AddressSize")
        } else {
            fault.s2 && matches!(code, "AccessFlag" | "Translation" | "AddressSize")
        }
    }

    /// The exception a fault is taken as.
    pub fn abort(&self, fault: &Fault, access: &Access) -> Exception {
        let gpc = self.is_gpc_exception(fault);
        let target = if gpc { 3 } else { self.abort_target(fault) };
        let mut exception = Exception { el: target, ..Exception::default() };
        let fetch = access.kind == Kind::Fetch;
        let external = Self::external(fault);
        let permission = fault.code == "Permission";
        let (esr, far) = (format!("ESR_EL{target}"), format!("FAR_EL{target}"));

        let mut syndrome = fault_status(fault) | u64::from(fault.s1ptw) << 7;
        if gpc {
            let (cause, level) = fault.gpcf.unwrap_or_default();
            let cause = match cause {
                "AddressSize" => 0b000000,
                "Walk" => 0b000100,
                "Fail" => 0b001100,
                _ => 0b010100,
            };
            syndrome |= (cause | u64::from(level)) << 14 | u64::from(fetch) << 20 | u64::from(fault.gpc_s2) << 21;
        }
        if access.kind == Kind::Gcs {
            syndrome |= 1 << 40;
        }
        if access.kind == Kind::At {
            syndrome |= 1 << 8 | 1 << 6;
        } else if access.atomic && external {
            exception.ignore.insert(esr.clone(), 1 << 6);
        } else if !fetch || gpc {
            syndrome |= u64::from(fault.write) << 6;
        }
        if !gpc && permission {
            syndrome |= u64::from(fault.toplevel) << 21;
            syndrome |= u64::from(fault.dirty) << 37 | u64::from(fault.overlay) << 38;
            syndrome |= u64::from(fault.assured) << 39;
        }
        if !gpc && !fetch && matches!(fault.code, "AccessFlag" | "Translation" | "Permission") && self.has("LS64") {
            exception.ignore.insert(esr.clone(), 3 << 11);
        }
        let class = match (gpc, fetch, target == self.case.el) {
            (true, ..) => 0x1E,
            (false, true, same) => 0x20 + u64::from(same),
            (false, false, same) => 0x24 + u64::from(same),
        };
        exception.regs.insert(esr, class << 26 | 1 << 25 | syndrome);
        exception.regs.insert(far, self.case.va);

        if Self::ipa_valid(fault) {
            let (address, space) = fault.ipa;
            let mut hpfar = address >> 12 << 4;
            if self.secure_el2() && self.security_state(self.case.el) == Space::Secure {
                hpfar |= u64::from(space == Space::NonSecure) << 63;
            }
            exception.regs.insert("HPFAR_EL2".into(), hpfar);
        } else if target == 2 {
            exception.ignore.insert("HPFAR_EL2".into(), 0xFFFF_FFFF_FFF0);
        }
        self.faulting_address(fault, gpc, external, &mut exception);
        exception
    }

    /// PFAR_ELx, or MFAR_EL3.
    fn faulting_address(&self, fault: &Fault, gpc: bool, external: bool, exception: &mut Exception) {
        let name = match exception.el {
            1 => return,
            2 => "PFAR_EL2",
            _ => "MFAR_EL3",
        };
        if gpc {
            let (address, space) = fault.checked;
            let space = match space {
                Space::Secure => 0,
                Space::Root => 1,
                Space::NonSecure => 2,
                Space::Realm => 3,
            };
            exception.regs.insert(name.into(), address >> 12 << 12 | space << 62);
        } else if external && self.has("PFAR") && !self.has("RME") {
            exception.regs.insert(name.into(), 1 << 63);
            exception.ignore.insert(name.into(), (1 << 56) - 1);
        } else if self.has("PFAR") || (self.has("RME") && exception.el == 3) {
            exception.ignore.insert(name.into(), u64::MAX);
        }
    }

    /// The trap of a system instruction to EL2.
    pub fn trap(&self, (op1, crm, op2): (u64, u64, u64)) -> Exception {
        let syndrome = 1 << 20 | op2 << 17 | op1 << 14 | 7 << 10 | crm << 1;
        let mut ignore = BTreeMap::from([("FAR_EL2".into(), u64::MAX), ("HPFAR_EL2".into(), 0xFFFF_FFFF_FFF0)]);
        if self.has("PFAR") {
            ignore.insert("PFAR_EL2".into(), u64::MAX);
        }
        let regs = BTreeMap::from([("ESR_EL2".into(), 0x18 << 26 | 1 << 25 | syndrome)]);
        Exception { el: 2, regs, ignore }
    }
}
