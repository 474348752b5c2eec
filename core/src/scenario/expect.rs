//! An answer as JSON: what a case came to, in the shape that the conformance vectors expect it in, and their
//! comparison.

use super::Run;
use super::number::Hex;
use crate::at::{Exception, Outcome};
use crate::layout::sysreg::SysReg;
use crate::outcome::{AddressDescriptor, CachePolicy, Cacheability, DeviceType, FaultRecord, MemTag, MemType};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

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

impl Display for Status {
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
    let policy = match cache.policy {
        CachePolicy::NonCacheable => 0,
        CachePolicy::WriteThrough => 2,
        CachePolicy::WriteBack => 3,
    };
    policy << 2 | cache.hints() as u8
}

impl Serialize for Taken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("el", &self.el)?;
        for (register, value) in &self.registers {
            map.serialize_entry(register.name(), &Hex::from(*value))?;
        }
        if !self.ignore.is_empty() {
            map.serialize_entry("ignore", &Masks(&self.ignore))?;
        }
        map.end()
    }
}

struct Masks<'a>(&'a [(SysReg, u64)]);

impl Serialize for Masks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(register, mask)| (register.name(), Hex::from(*mask))))
    }
}

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TakenVisitor)
    }
}

struct TakenVisitor;

impl<'de> Visitor<'de> for TakenVisitor {
    type Value = Taken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception: {\"el\": 2, \"ESR_EL2\": …}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Taken, A::Error> {
        let mut taken = Taken::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "el" => taken.el = map.next_value()?,
                "ignore" => {
                    let masks: alloc::collections::BTreeMap<String, Hex> = map.next_value()?;
                    for (name, mask) in masks {
                        taken.ignore.push(register_value(&name, mask)?);
                    }
                }
                _ => {
                    let value = map.next_value()?;
                    taken.registers.push(register_value(&name, value)?);
                }
            }
        }
        Ok(taken)
    }
}

fn register_value<E: Error>(name: &str, value: Hex) -> Result<(SysReg, u64), E> {
    let register = super::names::lookup(name).map_err(|problem| E::custom(format_args!("exception: {problem}")))?;
    Ok((register, value.to_u64()?))
}

/// A field in which an answer is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field: `par`, `fault.level`, `exception.ESR_EL2`.
    pub field: String,
    /// What was expected there.
    pub expected: String,
    /// What the answer has.
    pub got: String,
}

/// Every field in which `run` is not what was expected, bits and fields that do not count left out.
#[must_use]
pub fn compare(expect: &Expect, run: &Run) -> Vec<Difference> {
    let got = run.to_expect();
    let mut differences = Differences(Vec::new());
    differences.field("status", &expect.status, &got.status);
    let ignored = expect.par_ignore.unwrap_or_default().0;
    let masked = |par: Option<Hex>| par.map(|par| Hex(par.0 & !ignored));
    differences.optional("par", masked(expect.par), masked(got.par));
    differences.exception(expect.exception.as_ref(), got.exception.as_ref());
    differences.fault(expect.fault.as_ref(), got.fault.as_ref());
    differences.output(expect.output.as_ref(), got.output.as_ref());
    if expect.writes != got.writes {
        differences.differ("writes", words(&expect.writes), words(&got.writes));
    }
    differences.field("reads", &expect.reads, &got.reads);
    differences.0
}

fn words(writes: &[(Hex, Hex)]) -> String {
    let writes: Vec<_> = writes.iter().map(|(address, word)| alloc::format!("{word} at {address}")).collect();
    if writes.is_empty() { "none".into() } else { writes.join(", ") }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn differ(&mut self, field: &str, expected: impl Display, got: impl Display) {
        self.0.push(Difference { field: field.into(), expected: expected.to_string(), got: got.to_string() });
    }

    fn field<T: PartialEq + Display>(&mut self, field: &str, expected: &T, got: &T) {
        if expected != got {
            self.differ(field, expected, got);
        }
    }

    fn optional<T: PartialEq + Display>(&mut self, field: &str, expected: Option<T>, got: Option<T>) {
        let text = |value: Option<T>| value.map_or_else(|| "none".into(), |value| value.to_string());
        if expected != got {
            self.differ(field, text(expected), text(got));
        }
    }

    fn exception(&mut self, expected: Option<&Taken>, got: Option<&Taken>) {
        let el = |taken: Option<&Taken>| taken.map(|taken| taken.el);
        self.optional("exception.el", el(expected), el(got));
        let (Some(expected), Some(got)) = (expected, got) else { return };
        let value =
            |list: &[(SysReg, u64)], register| list.iter().find(|(known, _)| *known == register).map_or(0, |row| row.1);
        for register in RECORDED {
            let counted = !value(&expected.ignore, register);
            let of = |taken: &Taken| Hex::from(value(&taken.registers, register) & counted);
            if of(expected) != of(got) {
                self.differ(&alloc::format!("exception.{}", register.name()), of(expected), of(got));
            }
        }
    }

    fn fault(&mut self, expected: Option<&Fault>, got: Option<&Fault>) {
        let code = |fault: Option<&Fault>| fault.map(|fault| fault.code.clone());
        self.optional("fault.code", code(expected), code(got));
        let (Some(expected), Some(got)) = (expected, got) else { return };
        self.field("fault.level", &expected.level, &got.level);
        self.field("fault.s2", &expected.s2, &got.s2);
        self.field("fault.s1ptw", &expected.s1ptw, &got.s1ptw);
        self.field("fault.toplevel", &expected.toplevel, &got.toplevel);
        self.field("fault.overlay", &expected.overlay, &got.overlay);
        self.field("fault.dirty", &expected.dirty, &got.dirty);
        self.field("fault.assured", &expected.assured, &got.assured);
        self.optional("fault.ipa", expected.ipa, got.ipa);
        self.optional("fault.gpcf", expected.gpcf.as_ref(), got.gpcf.as_ref());
    }

    fn output(&mut self, expected: Option<&Output>, got: Option<&Output>) {
        let pa = |output: Option<&Output>| output.map(|output| output.pa);
        self.optional("output.pa", pa(expected), pa(got));
        let (Some(expected), Some(got)) = (expected, got) else { return };
        self.field("output.pas", &expected.pas, &got.pas);
        self.field("output.device", &expected.device, &got.device);
        if expected.device == 1 {
            self.field("output.devtype", &expected.devtype, &got.devtype);
        } else {
            self.field("output.inner", &expected.inner, &got.inner);
            self.field("output.outer", &expected.outer, &got.outer);
        }
        self.field("output.sh", &expected.sh, &got.sh);
        self.field("output.tags", &expected.tags, &got.tags);
        self.field("output.notagaccess", &expected.notagaccess, &got.notagaccess);
        self.field("output.xs", &expected.xs, &got.xs);
        self.field("output.s1assured", &expected.s1assured, &got.s1assured);
        self.field("output.s2fs1mro", &expected.s2fs1mro, &got.s2fs1mro);
        self.field("output.mecid", &expected.mecid, &got.mecid);
    }
}
