//! A VM and its vCPUs.

use super::sys::{self, Mapping, Running};
use crate::kvm::{Level, Problem};
use crate::layout::sysreg::SysReg;
use kvm_bindings::{
    KVM_ARM_VCPU_HAS_EL2, KVM_ARM_VCPU_HAS_EL2_E2H0, KVM_ARM_VCPU_PSCI_0_2, KVM_DEV_ARM_VGIC_CTRL_INIT,
    KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_USE_SW_BP,
    KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST, kvm_create_device, kvm_device_attr,
    kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3, kvm_guest_debug, kvm_vcpu_init,
};
use kvm_ioctls::{DeviceFd, Kvm, VcpuExit, VcpuFd, VmFd};
use std::fmt::Display;
use std::format;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

/// `KVM_CAP_ARM_EL2` and `KVM_CAP_ARM_EL2_E2H0`.
const CAP_EL2: u64 = 240;
const CAP_E2H0: u64 = 241;

/// Where the interrupt controller is: no case's tables may be there.
const GIC: u64 = 0x0800_0000;
const GIC_REDISTRIBUTORS: u64 = 0x080a_0000;

pub fn failed(what: &str, error: impl Display) -> Problem {
    Problem::Failed(format!("{what}: {error}"))
}

/// The KVM of this host.
pub fn kvm() -> Result<Kvm, Problem> {
    Kvm::new().map_err(|error| Problem::Unavailable(format!("/dev/kvm: {error}")))
}

/// Why VMs of this level do not exist.
pub fn missing(kvm: &Kvm, level: Level) -> Option<String> {
    let has = |capability| kvm.check_extension_raw(capability) > 0;
    match level {
        Level::El1 => None,
        _ if !has(CAP_EL2) => Some(
            "this kernel gives VMs no EL2: that takes FEAT_NV2, Linux 6.17 or later and kvm-arm.mode=nested".into(),
        ),
        Level::Vel2Nvhe if !has(CAP_E2H0) => Some("this host gives VMs no EL2 with HCR_EL2.E2H = 0".into()),
        Level::Vel2 | Level::Vel2Nvhe => None,
    }
}

/// A VM: its descriptors, and the memory it is given.
#[derive(Debug)]
pub struct Vm {
    fd: VmFd,
    _gic: Option<DeviceFd>,
    slots: Vec<Option<Arc<Mapping>>>,
    /// Those that have none.
    free: Vec<usize>,
}

impl Vm {
    /// A VM with so many vCPUs, without memory.
    pub fn new(kvm: &Kvm, level: Level, count: u64) -> Result<(Self, Vec<Vcpu>), Problem> {
        if let Some(why) = missing(kvm, level) {
            return Err(Problem::Unavailable(why));
        }
        sys::handle_signals();
        let fd = kvm.create_vm_with_ipa_size(ipa_bits(kvm)).map_err(|error| failed("KVM_CREATE_VM", error))?;
        let mut init = kvm_vcpu_init::default();
        fd.get_preferred_target(&mut init).map_err(|error| failed("KVM_ARM_PREFERRED_TARGET", error))?;
        init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
        if level != Level::El1 {
            init.features[0] |= 1 << KVM_ARM_VCPU_HAS_EL2;
        }
        if level == Level::Vel2Nvhe {
            init.features[0] |= 1 << KVM_ARM_VCPU_HAS_EL2_E2H0;
        }
        let mut vcpus = Vec::new();
        for number in 0..count {
            let vcpu = fd.create_vcpu(number).map_err(|error| failed("KVM_CREATE_VCPU", error))?;
            vcpu.vcpu_init(&init).map_err(|error| failed("KVM_ARM_VCPU_INIT", error))?;
            let control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
            let debug = kvm_guest_debug { control, ..Default::default() };
            vcpu.set_guest_debug(&debug).map_err(|error| failed("KVM_SET_GUEST_DEBUG", error))?;
            vcpus.push(Vcpu { fd: vcpu });
        }
        // A vCPU with EL2 does not run without an interrupt controller; one without EL2 does.
        let gic = if level == Level::El1 { None } else { Some(gic(&fd)?) };
        Ok((Self { fd, _gic: gic, slots: Vec::new(), free: Vec::new() }, vcpus))
    }

    /// Whether nothing of the VM's own is there.
    pub const fn has_room(guest: u64, size: u64) -> bool {
        guest >= GIC_REDISTRIBUTORS + 0x100_0000 || guest + size <= GIC
    }

    /// Gives the VM memory at `guest`, and tells the number of the slot.
    pub fn add(&mut self, guest: u64, mapping: &Arc<Mapping>) -> Result<u32, Problem> {
        if !Self::has_room(guest, mapping.size()) {
            return Err(Problem::Unfit(format!("the VM's interrupt controller is there: {guest:#x}")));
        }
        let slot = self.free.last().copied().unwrap_or(self.slots.len());
        let number = u32::try_from(slot).unwrap_or(u32::MAX);
        sys::set_slot(&self.fd, number, guest, mapping)
            .map_err(|error| failed(&format!("memory at {guest:#x}"), error))?;
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(mapping.clone());
        Ok(number)
    }

    /// Takes a slot's memory away.
    pub fn remove(&mut self, slot: u32) -> Result<(), Problem> {
        sys::clear_slot(&self.fd, slot).map_err(|error| failed("memory", error))?;
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = None;
            self.free.push(slot as usize);
        }
        Ok(())
    }
}

/// The largest size of a VM's physical addresses.
pub fn ipa_bits(kvm: &Kvm) -> u32 {
    u32::try_from(kvm.get_host_ipa_limit()).ok().filter(|&bits| bits >= 32).unwrap_or(40)
}

fn gic(vm: &VmFd) -> Result<DeviceFd, Problem> {
    let mut device = kvm_create_device { type_: kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3, fd: 0, flags: 0 };
    let gic = vm.create_device(&mut device).map_err(|error| {
        Problem::Unavailable(format!("a VM with EL2 needs a GICv3, which this host cannot give it: {error}"))
    })?;
    let set = |group, attr: u32, value: Option<&u64>| {
        let addr = value.map_or(0, |value| core::ptr::from_ref(value) as u64);
        let attribute = kvm_device_attr { group, attr: attr.into(), addr, flags: 0 };
        gic.set_device_attr(&attribute).map_err(|error| failed("the VM's interrupt controller", error))
    };
    set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, Some(&GIC))?;
    set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, Some(&GIC_REDISTRIBUTORS))?;
    set(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, None)?;
    Ok(gic)
}

/// How a run of a vCPU ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A BRK of this number.
    Brk(u32),
    /// By a signal.
    Interrupted,
    /// The host could not give the guest the memory it touched.
    Fault,
    /// Otherwise.
    Other(String),
}

/// A virtual processor.
#[derive(Debug)]
pub struct Vcpu {
    fd: VcpuFd,
}

const CORE: u64 = 0x6030_0000_0010_0000;
const SYSTEM: u64 = 0x6030_0000_0013_0000;

/// A register outside of the system registers.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    X(u8),
    Pc,
    Pstate,
}

impl Core {
    const fn id(self) -> u64 {
        let number = match self {
            Self::X(n) => n as u64,
            Self::Pc => 32,
            Self::Pstate => 33,
        };
        CORE + number * 2
    }
}

/// VBAR_EL1 and VBAR_EL2.
pub const VBAR: [(u8, u64); 2] = [(1, SYSTEM | encode(3, 0, 12, 0, 0)), (2, SYSTEM | encode(3, 4, 12, 0, 0))];

const fn encode(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64) -> u64 {
    op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

fn id(register: SysReg) -> u64 {
    let e = register.encoding();
    SYSTEM | encode(e.op0.into(), e.op1.into(), e.crn.into(), e.crm.into(), e.op2.into())
}

/// MIDR_EL1, and the value by which QEMU's most capable processor is known: of no implementer, number `Q`.
const MIDR: u64 = SYSTEM | encode(3, 0, 0, 0, 0);
const MIDR_QEMU: u64 = 0x000f_0510;

impl Vcpu {
    /// Whether the processor is QEMU.
    pub fn is_emulated(&self) -> bool {
        self.get_id(MIDR).is_ok_and(|midr| midr == MIDR_QEMU)
    }

    /// A system register; `None` if the vCPU has none of this name.
    pub fn get(&self, register: SysReg) -> Option<u64> {
        self.get_id(id(register)).ok()
    }

    /// Sets a system register; false if the vCPU has none of this name, or refuses the value.
    pub fn set(&self, register: SysReg, value: u64) -> bool {
        self.fd.set_one_reg(id(register), &value.to_le_bytes()).is_ok()
    }

    /// Sets a register by its number.
    pub fn set_id(&self, id: u64, value: u64) -> Result<(), Problem> {
        let set = self.fd.set_one_reg(id, &value.to_le_bytes());
        set.map(drop).map_err(|error| failed(&format!("register {id:#x}"), error))
    }

    pub fn core(&self, register: Core) -> Result<u64, Problem> {
        self.get_id(register.id())
    }

    pub fn set_core(&self, register: Core, value: u64) -> Result<(), Problem> {
        self.set_id(register.id(), value)
    }

    fn get_id(&self, id: u64) -> Result<u64, Problem> {
        let mut bytes = [0; 8];
        self.fd.get_one_reg(id, &mut bytes).map_err(|error| failed(&format!("register {id:#x}"), error))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Runs until something happens.
    pub fn run(&mut self) -> Exit {
        self.run_unless(|| false)
    }

    /// Runs until something happens, unless it is time to stop. Who makes it so and then signals is never missed: a
    /// signal before the question comes after the answer has changed, and one after it makes KVM_RUN return at once.
    pub fn run_unless(&mut self, stop: impl Fn() -> bool) -> Exit {
        let _running = Running::begin(self.fd.get_kvm_run());
        if stop() {
            return Exit::Interrupted;
        }
        match self.fd.run() {
            Ok(VcpuExit::Debug(debug)) => Exit::Brk(debug.hsr & 0xffff),
            Ok(VcpuExit::Intr) => Exit::Interrupted,
            Ok(other) => Exit::Other(format!("{other:?}")),
            Err(error) if error.errno() == libc::EINTR => Exit::Interrupted,
            Err(error) if error.errno() == libc::EFAULT => Exit::Fault,
            Err(error) => Exit::Other(error.to_string()),
        }
    }
}
