//! An answer as JSON: what a case came to, in the shape that the conformance vectors expect it in, and their
//! comparison.

use super::Run;
use super::number::Hex;
use crate::at::{Exception, Outcome};
use crate::layout::sysreg::SysReg;
use crate::outcome::{AddressDescriptor, CachePolicy, Cacheability, DeviceType, FaultRecord, MemTag, MemType};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

mod compare;
mod taken;

pub use compare::{Difference, compare};

/// How an instruction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It completed: an AT instruction wrote PAR_EL1, an access was performed.
    Ok,
    /// It took an exception.
    Exception,
    /// It is UNDEFINED.
    Undefined,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Exception => "exception",
            Self::Undefined => "undefined",
        })
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How the instruction ended.
    pub status: Status,
    /// PAR_EL1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub par: Option<Hex>,
    /// The bits of PAR_EL1 that are UNKNOWN or IMPLEMENTATION DEFINED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub par_ignore: Option<Hex>,
    /// The exception taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Taken>,
    /// The fault record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The output of a translation that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Hardware updates of descriptors, in order: physical address, and the doubleword as stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<(Hex, Hex)>,
    /// Physical reads of the walks.
    pub reads: u32,
}

/// The registers of an exception that the format records.
const RECORDED: [SysReg; 9] = [
    SysReg::EsrEl1,
    SysReg::EsrEl2,
    SysReg::EsrEl3,
    SysReg::FarEl1,
    SysReg::FarEl2,
    SysReg::FarEl3,
    SysReg::HpfarEl2,
    SysReg::PfarEl2,
    SysReg::MfarEl3,
];

/// An exception: where to, and what it leaves in the registers. A register not listed is 0.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Taken {
    /// The target Exception level.
    pub el: u8,
    /// The registers written.
    pub registers: Vec<(SysReg, u64)>,
    /// The bits of them not to compare.
    pub ignore: Vec<(SysReg, u64)>,
}

/// A fault record; what is true is 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the fields are those of `FaultRecord`
pub struct Fault {
    pub code: String,
    pub level: i8,
    pub s2: u8,
    pub s1ptw: u8,
    pub toplevel: u8,
    pub overlay: u8,
    pub dirty: u8,
    pub assured: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipa: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpcf: Option<String>,
}

/// The output of a translation; codes are those of the architecture's encodings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Output address.
    pub pa: Hex,
    /// 0 Secure, 1 Non-secure, 2 Root, 3 Realm.
    pub pas: u8,
    /// 1 for Device memory.
    pub device: u8,
    /// For Device memory: 0 GRE, 1 nGRE, 2 nGnRE, 3 nGnRnE.
    pub devtype: u8,
    /// For Normal memory: policy (0 Non-cacheable, 2 Write-Through, 3 Write-Back) << 2, read-allocate << 1,
    /// write-allocate.
    pub inner: u8,
    /// The same for the outer caches.
    pub outer: u8,
    /// 0 Non-shareable, 2 Outer Shareable, 3 Inner Shareable.
    pub sh: u8,
    /// 0 untagged, 1 Allocation Tagged, 2 canonically tagged.
    pub tags: u8,
    /// 1 for `NoTagAccess` memory.
    pub notagaccess: u8,
    /// The XS attribute.
    pub xs: u8,
    /// 1 where stage 1 assures the mapping.
    pub s1assured: u8,
    /// 1 where stage 2 lets only the MMU write.
    pub s2fs1mro: u8,
    /// Memory encryption context.
    pub mecid: u16,
}

impl Run {
    /// The answer in the vectors' shape.
    #[must_use]
    pub fn to_expect(&self) -> Expect {
        let (mut par, mut par_ignore, mut exception) = (None, None, None);
        let status = match &self.answer.result {
            Outcome::Undefined => Status::Undefined,
            Outcome::Performed => Status::Ok,
            Outcome::Par(value) => {
                par = Some(Hex(value.value));
                par_ignore = Some(Hex(value.unknown));
                Status::Ok
            }
            Outcome::Exception(taken) => {
                exception = Some(taken.into());
                Status::Exception
            }
        };
        Expect {
            status,
            par,
            par_ignore,
            exception,
            fault: self.answer.fault.as_ref().map(Fault::from),
            output: self.answer.output.as_ref().map(Output::from),
            writes: self.writes.iter().map(|&(address, word)| (address.into(), word.into())).collect(),
            reads: self.reads,
        }
    }

    /// The answer in the vectors' shape, as a JSON value.
    #[must_use]
    pub fn to_expect_json(&self) -> serde_json::Value {
        serde_json::to_value(self.to_expect()).unwrap_or_default()
    }
}

impl From<&Exception> for Taken {
    fn from(exception: &Exception) -> Self {
        // The schema has no PFAR_EL1.
        let registers = exception.registers.iter().filter(|written| written.register != SysReg::PfarEl1);
        let written = registers.clone().map(|written| (written.register, written.value));
        let unknown = registers.map(|written| (written.register, written.unknown));
        Self {
            el: exception.el,
            registers: written.filter(|(_, value)| *value != 0).collect(),
            ignore: unknown.filter(|(_, mask)| *mask != 0).collect(),
        }
    }
}

impl From<&FaultRecord> for Fault {
    fn from(fault: &FaultRecord) -> Self {
        Self {
            code: fault.code.name().into(),
            level: fault.level,
            s2: fault.second_stage.into(),
            s1ptw: fault.s2fs1walk.into(),
            toplevel: fault.top_level.into(),
            overlay: fault.overlay.into(),
            dirty: fault.dirty_bit.into(),
            assured: fault.assured_only.into(),
            ipa: fault.second_stage.then(|| fault.ipa.address.into()),
            gpcf: fault.gpcf.map(|gpcf| gpcf.kind.name().into()),
        }
    }
}

impl From<&AddressDescriptor> for Output {
    fn from(output: &AddressDescriptor) -> Self {
        let attrs = &output.attrs;
        let (device, devtype, inner, outer) = match attrs.mem_type {
            MemType::Device(kind) => (1, device_code(kind), 0, 0),
            MemType::Normal { inner, outer } => (0, 0, cache_code(inner), cache_code(outer)),
        };
        Self {
            pa: output.address.address.into(),
            pas: output.address.space as u8,
            device,
            devtype,
            inner,
            outer,
            sh: attrs.shareability.encode() as u8,
            tags: match attrs.tags {
                MemTag::Untagged => 0,
                MemTag::Allocation => 1,
                MemTag::Canonical => 2,
            },
            notagaccess: attrs.no_tag_access.into(),
            xs: attrs.xs.into(),
            s1assured: output.s1assured.into(),
            s2fs1mro: output.s2fs1mro.into(),
            mecid: output.mecid,
        }
    }
}

const fn device_code(kind: DeviceType) -> u8 {
    match kind {
        DeviceType::Gre => 0,
        DeviceType::NGre => 1,
        DeviceType::NGnRe => 2,
        DeviceType::NGnRnE => 3,
    }
}

const fn cache_code(cache: Cacheability) -> u8 {
    let policy = match cache.policy() {
        CachePolicy::NonCacheable => 0,
        CachePolicy::WriteThrough => 2,
        CachePolicy::WriteBack => 3,
    };
    policy << 2 | cache.hints() as u8
}
