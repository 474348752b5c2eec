//! Formats as tables: each register and descriptor is one list of named bit ranges, and accessors, decoding,
//! documentation and views all derive from that list.

use alloc::vec::Vec;

pub mod descriptor;
pub mod sysreg;

/// A named, contiguous range of at most 64 bits in a format of at most 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The manual's name for the field; `RES0` and `RES1` for reserved ranges.
    pub name: &'static str,
    /// Most significant bit, inclusive.
    pub high: u8,
    /// Least significant bit.
    pub low: u8,
    /// What the field controls, in one sentence.
    pub meaning: &'static str,
    /// Names of the values worth naming; a value that is not listed stands for itself.
    pub values: &'static [(u64, &'static str)],
}

impl Field {
    /// A reserved range: `RES0` or `RES1`.
    #[must_use]
    pub const fn reserved(name: &'static str, high: u8, low: u8) -> Self {
        Self { name, high, low, meaning: "Reserved.", values: &[] }
    }

    /// Whether the range has no meaning of its own.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.name.as_bytes(), b"RES0" | b"RES1")
    }

    /// The number of bits in the range.
    #[must_use]
    #[inline(always)]
    pub const fn width(self) -> u8 {
        self.high.saturating_sub(self.low).saturating_add(1)
    }

    /// The field's value in `word`. Only fields inside the low 64 bits can be read from a 64-bit word.
    #[must_use]
    #[inline(always)]
    pub const fn get(self, word: u64) -> u64 {
        crate::bits::bits(word, self.high as u32, self.low as u32)
    }

    /// The field's value in a word of 128 bits, its low 64 bits where the field is wider.
    #[must_use]
    #[inline(always)]
    pub const fn get128(self, word: u128) -> u64 {
        if self.low > 127 { 0 } else { (word >> self.low) as u64 & crate::bits::mask(self.width() as u32 - 1, 0) }
    }

    /// Whether a one-bit field is 1 (for a wider field: whether it is not 0).
    #[must_use]
    #[inline(always)]
    pub const fn is_set(self, word: u64) -> bool {
        self.get(word) != 0
    }

    /// The field's bits, in place.
    #[must_use]
    #[inline(always)]
    pub const fn mask(self) -> u64 {
        crate::bits::mask(self.high as u32, self.low as u32)
    }

    /// The field's bits, in place, in a word of 128 bits.
    #[must_use]
    #[inline(always)]
    pub const fn mask128(self) -> u128 {
        if self.low > 127 { 0 } else { (crate::bits::mask(self.width() as u32 - 1, 0) as u128) << self.low }
    }

    /// `word` with this field replaced by `value`, excess bits dropped.
    #[must_use]
    #[inline(always)]
    pub const fn set(self, word: u64, value: u64) -> u64 {
        if self.low > 63 { word } else { word & !self.mask() | value << self.low & self.mask() }
    }

    /// [`Field::set`] in a word of 128 bits.
    #[must_use]
    #[inline(always)]
    pub const fn set128(self, word: u128, value: u64) -> u128 {
        if self.low > 127 { word } else { word & !self.mask128() | (value as u128) << self.low & self.mask128() }
    }

    /// The name of `value`, if it has one.
    #[must_use]
    pub fn value_name(self, value: u64) -> Option<&'static str> {
        self.values.iter().find(|(known, _)| *known == value).map(|(_, name)| *name)
    }
}

/// A field with the value it has in some word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldValue {
    /// The field.
    pub field: Field,
    /// Its bits, shifted down to bit 0.
    pub value: u64,
    /// What this value is called, where it has a name.
    pub named: Option<&'static str>,
}

/// A complete format: fields that cover every bit of the width exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The manual's name for the format.
    pub name: &'static str,
    /// 64 or 128.
    pub width: u8,
    /// The fields, most significant first.
    pub fields: &'static [Field],
}

impl Layout {
    /// Every field with its value in `word`, most significant first.
    #[must_use]
    pub fn decode(&self, word: u128) -> Vec<FieldValue> {
        decode(self.fields, word)
    }

    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().copied().find(|field| field.name == name && !field.is_reserved())
    }
}

/// Every one of `fields` with its value in `word`.
#[must_use]
pub fn decode(fields: &[Field], word: u128) -> Vec<FieldValue> {
    let value_of = |&field: &Field| {
        let value = field.get128(word);
        FieldValue { field, value, named: field.value_name(value) }
    };
    fields.iter().map(value_of).collect()
}

/// One table per format. `module: "NAME", …; width => { rows }` makes, for each module named, a constant for every
/// field and the `LAYOUT` they form. A row is `FIELD [high:low] "meaning";`, optionally `= { value: "name", … }` or
/// `= TABLE` for its named values, or `_ [high:low] RES0;` for reserved bits.
macro_rules! layout {
    ($($module:ident: $name:literal),+ ; $width:literal => $rows:tt) => {
        $(layout! { @module $module $name $width $rows })+
    };
    (@module $module:ident $name:literal $width:literal {
        $($field:tt [$high:literal $(: $low:literal)?] $meaning:tt $(= $values:tt)? ;)+
    }) => {
        #[doc = concat!("Fields of ", $name, ".")]
        #[allow(non_upper_case_globals)]
        pub mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(layout! { @const $field (stringify!($field)) [$high $(: $low)?] $meaning $(= $values)? })+
            #[doc = concat!("The whole of ", $name, ".")]
            pub static LAYOUT: $crate::layout::Layout = $crate::layout::Layout {
                name: $name,
                width: $width,
                fields: &[$(layout!(@row $field [$high $(: $low)?] $meaning)),+],
            };
        }
    };
    (@const _ $name:tt $range:tt $reserved:ident) => {};
    (@const $field:ident ($name:expr) $range:tt $meaning:literal $(= $values:tt)?) => {
        #[doc = $meaning]
        pub const $field: $crate::layout::Field = $crate::layout::Field {
            name: $name,
            high: layout!(@high $range),
            low: layout!(@low $range),
            meaning: $meaning,
            values: layout!(@values $($values)?),
        };
    };
    (@row _ $range:tt $reserved:ident) => {
        $crate::layout::Field::reserved(stringify!($reserved), layout!(@high $range), layout!(@low $range))
    };
    (@row $field:ident $range:tt $meaning:literal) => { $field };
    (@high [$high:literal $(: $low:literal)?]) => { $high };
    (@low [$bit:literal]) => { $bit };
    (@low [$high:literal : $low:literal]) => { $low };
    (@values) => { &[] };
    (@values { $($value:literal : $name:literal),+ $(,)? }) => { &[$(($value, $name)),+] };
    (@values $table:ident) => { $table };
}
pub(crate) use layout;
