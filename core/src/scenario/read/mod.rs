//! Reading a case from JSON, straight into its types: no tree in between, and every error names the field.

use super::Case;
use super::error::suggestion;
use super::names::{Name, Named};
use super::number::Hex;
use crate::access::Op;
use crate::choice::{Choice, Choices};
use crate::feature::{Feature, Features};
use crate::layout::sysreg::SysReg;
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regs::Regs;
use alloc::string::String;
use core::fmt::{self, Display};
use core::marker::PhantomData;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use values::{AbortSeed, Address, ChoiceText};

mod values;

pub use values::parse_address;

/// The fields of a case, in the order in which they are written.
const FIELDS: [&str; 14] = [
    "id", "about", "op", "el", "va", "pa_bits", "features", "choices", "pstate", "regs", "mem", "abort", "pc", "expect",
];

/// Implemented physical address sizes (`ID_AA64MMFR0_EL1.PARange`).
const PA_SIZES: [u8; 8] = [32, 36, 40, 42, 44, 48, 52, 56];

/// A case and, where the text has one, what it expects; `X` is [`IgnoredAny`] where nobody asks for it.
pub(super) struct Document<X> {
    pub(super) case: Case,
    pub(super) expect: Option<X>,
}

impl<'de> Deserialize<'de> for Case {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::<IgnoredAny>::deserialize(deserializer).map(|document| document.case)
    }
}

impl<'de, X: Deserialize<'de>> Deserialize<'de> for Document<X> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor(PhantomData))
    }
}

struct DocumentVisitor<X>(PhantomData<X>);

impl<'de, X: Deserialize<'de>> Visitor<'de> for DocumentVisitor<X> {
    type Value = Document<X>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a case: an object with op, el, va, regs and mem")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<X>, A::Error> {
        let mut pe = Pe::default();
        let mut memory = Memory::new();
        let (mut id, mut about) = (String::new(), String::new());
        let (mut op, mut el, mut va, mut abort, mut expect) = (None, None, None, None, None);
        while let Some(index) = map.next_key_seed(FieldName)? {
            let field = FIELDS[index];
            match field {
                "id" => id = value(&mut map, field)?,
                "about" => about = value(&mut map, field)?,
                "op" => op = Some(map.next_value_seed(Name::<Op>::within(field))?),
                "el" => el = Some(one_of(field, value(&mut map, field)?, &[0, 1, 2, 3])?),
                "va" => va = Some(word(&mut map, field)?),
                "pa_bits" => pe.pa_bits = one_of(field, value(&mut map, field)?, &PA_SIZES)?,
                "features" => pe.features = map.next_value_seed(FeaturesSeed)?,
                "choices" => pe.choices = map.next_value_seed(ChoicesSeed)?,
                "pstate" => map.next_value_seed(PstateSeed(&mut pe))?,
                "regs" => map.next_value_seed(RegsSeed(&mut pe.regs))?,
                "mem" => map.next_value_seed(MemorySeed(&mut memory))?,
                "abort" => abort = Some(map.next_value_seed(AbortSeed)?),
                "pc" => drop(word(&mut map, field)?),
                _ => expect = Some(value(&mut map, field)?),
            }
        }
        let op = required(op, "op", "an AT instruction such as \"S1E1R\", or an access such as \"LDR\"")?;
        pe.el = required(el, "el", "the Exception level that executes it, 0 to 3")?;
        let va = required(va, "va", "the address operand, such as \"0x4008_0123\"")?;
        memory.set_abort(abort);
        Ok(Document { case: Case { id, about, op, va, pe, memory }, expect })
    }
}

fn required<T, E: Error>(value: Option<T>, field: &str, expected: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("{field}: missing; expected {expected}")))
}

fn one_of<E: Error>(field: &str, value: u64, allowed: &[u8]) -> Result<u8, E> {
    let found = allowed.iter().copied().find(|&known| u64::from(known) == value);
    found.ok_or_else(|| E::custom(format_args!("{field}: {value} is not one of {allowed:?}")))
}

/// The next value, any error marked with the place it belongs to.
fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, place: impl Display) -> Result<T, A::Error> {
    map.next_value().map_err(|error| A::Error::custom(format_args!("{place}: {error}")))
}

/// The next value, a number of at most 64 bits.
fn word<'de, A: MapAccess<'de>>(map: &mut A, place: impl Display) -> Result<u64, A::Error> {
    let number: Hex = value(map, &place)?;
    number.to_u64::<A::Error>().map_err(|error| A::Error::custom(format_args!("{place}: {error}")))
}

/// The index of a key in [`FIELDS`].
struct FieldName;

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        FIELDS.iter().position(|&field| field == name).ok_or_else(|| {
            let nearest = suggestion(name, FIELDS.into_iter());
            E::custom(format_args!("{name}: not a field of a case{nearest}"))
        })
    }
}

/// A JSON object read by a seed: `$visit` is the body of `visit_map`.
macro_rules! object {
    ($seed:ty => $value:ty, $expected:literal, |$self:ident, $map:ident| $visit:block) => {
        impl<'de> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<$value, D::Error> {
                deserializer.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $seed {
            type Value = $value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expected)
            }

            fn visit_map<A: MapAccess<'de>>($self, mut $map: A) -> Result<$value, A::Error> $visit
        }
    };
}

struct FeaturesSeed;

object!(FeaturesSeed => Features, "an object of features: {\"FEAT_LPA2\": false}", |self, map| {
    let mut features = Features::default();
    while let Some(feature) = map.next_key_seed(Name::<Feature>::within("features"))? {
        features = features.set(feature, value(&mut map, format_args!("features.{}", feature.text()))?);
    }
    Ok(features)
});

struct ChoicesSeed;

object!(ChoicesSeed => Choices, "an object of choices: {\"bbm_level\": 1}", |self, map| {
    let mut choices = Choices::default();
    while let Some(choice) = map.next_key_seed(Name::<Choice>::within("choices"))? {
        let place = format_args!("choices.{}", choice.text());
        let text: ChoiceText = value(&mut map, place)?;
        let Some(position) = choice.alternatives().iter().position(|&known| known == text.0) else {
            let known = choice.alternatives().join(", ");
            return Err(A::Error::custom(format_args!("{place}: `{}` is not one of: {known}", text.0)));
        };
        choices = choices.with(choice, u8::try_from(position).unwrap_or(u8::MAX));
    }
    Ok(choices)
});

struct PstateSeed<'a>(&'a mut Pe);

object!(PstateSeed<'_> => (), "an object of PSTATE fields: {\"PAN\": 1}", |self, map| {
    while let Some(name) = map.next_key::<String>()? {
        let set = match name.as_str() {
            "PAN" => &mut self.0.pan,
            "UAO" => &mut self.0.uao,
            _ => return Err(A::Error::custom(format_args!("pstate: `{name}` is not one of PAN, UAO"))),
        };
        let place = format_args!("pstate.{name}");
        *set = one_of(&alloc::format!("{place}"), value(&mut map, place)?, &[0, 1])? == 1;
    }
    Ok(())
});

struct RegsSeed<'a>(&'a mut Regs);

object!(RegsSeed<'_> => (), "an object of registers: {\"TCR_EL1\": \"0x19\"}", |self, map| {
    while let Some(register) = map.next_key_seed(Name::<SysReg>::within("regs"))? {
        let Hex(number) = value(&mut map, format_args!("regs.{}", register.name()))?;
        let width = register.width();
        if width < 128 && number >> width != 0 {
            let name = register.name();
            let problem = format_args!("regs.{name}: {number:#x} does not fit; {name} has {width} bits");
            return Err(A::Error::custom(problem));
        }
        self.0.set(register, number);
    }
    Ok(())
});

struct MemorySeed<'a>(&'a mut Memory);

object!(MemorySeed<'_> => (), "an object of doublewords: {\"0x4000_0000\": \"0x0\"}", |self, map| {
    while let Some(Address(address)) = map.next_key()? {
        self.0.write(address, word(&mut map, format_args!("mem.{address:#x}"))?);
    }
    Ok(())
});
