//! JSON as it is written: the order of its fields is kept, a field given twice is refused, and what turns out to be
//! wrong later can still be pointed to.

use crate::scenario::ScenarioError;
use crate::scenario::number::Hex;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, a list, text, a whole number, true or false")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = seq.next_element()? {
            all.push(item);
        }
        Ok(Tree::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut all: Vec<(String, Tree)> = Vec::new();
        let mut known = alloc::collections::BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !known.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("{key}: given twice")));
            }
            all.push((key, map.next_value()?));
        }
        Ok(Tree::Object(all))
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Field(&'a str),
    Item(usize),
}

/// A value, and where it is.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub tree: &'a Tree,
    path: Vec<Part<'a>>,
}

/// Something wrong with the value at a place.
#[derive(Debug)]
pub(super) struct Wrong<'a> {
    pub path: Vec<Part<'a>>,
    pub message: String,
}

pub(super) type Read<'a, T> = Result<T, Wrong<'a>>;

impl<'a> At<'a> {
    pub const fn root(tree: &'a Tree) -> Self {
        Self { tree, path: Vec::new() }
    }

    fn inside(&self, tree: &'a Tree, part: Part<'a>) -> Self {
        let mut path = self.path.clone();
        path.push(part);
        Self { tree, path }
    }

    /// What is wrong here.
    pub fn wrong(&self, message: impl fmt::Display) -> Wrong<'a> {
        Wrong { path: self.path.clone(), message: alloc::format!("{message}") }
    }

    /// What has been read here, or what was wrong with it.
    pub fn checked<T>(&self, read: Result<T, impl fmt::Display>) -> Read<'a, T> {
        read.map_err(|problem| self.wrong(problem))
    }

    /// Its fields.
    pub fn object(&self, expected: &str) -> Read<'a, Vec<(&'a str, Self)>> {
        let Tree::Object(fields) = self.tree else { return Err(self.wrong(format_args!("expected {expected}"))) };
        Ok(fields.iter().map(|(name, tree)| (name.as_str(), self.inside(tree, Part::Field(name)))).collect())
    }

    /// Its items.
    pub fn list(&self, expected: &str) -> Read<'a, Vec<Self>> {
        let Tree::List(items) = self.tree else { return Err(self.wrong(format_args!("expected {expected}"))) };
        Ok(items.iter().enumerate().map(|(at, tree)| self.inside(tree, Part::Item(at))).collect())
    }

    pub fn text(&self, expected: &str) -> Read<'a, &'a str> {
        let Tree::Text(text) = self.tree else { return Err(self.wrong(format_args!("expected {expected}"))) };
        Ok(text)
    }

    pub fn bool(&self) -> Read<'a, bool> {
        let Tree::Bool(value) = self.tree else { return Err(self.wrong("expected true or false")) };
        Ok(*value)
    }
}

/// `actors[0].program[3]`
fn place(path: &[Part<'_>]) -> String {
    let mut text = String::new();
    for part in path {
        text += &match part {
            Part::Field(name) if text.is_empty() => String::from(*name),
            Part::Field(name) => alloc::format!(".{name}"),
            Part::Item(at) => alloc::format!("[{at}]"),
        };
    }
    text
}

impl Wrong<'_> {
    /// The error, with the line of `text` that it is on.
    pub fn locate(self, text: &[u8]) -> ScenarioError {
        let message = match place(&self.path) {
            place if place.is_empty() => self.message,
            place => alloc::format!("{place}: {}", self.message),
        };
        let seek = Seek { path: &self.path, message: &message };
        let found = seek.deserialize(&mut serde_json::Deserializer::from_slice(text));
        found.err().map_or_else(|| ScenarioError::new(&message), ScenarioError::from)
    }
}

/// Goes to a place in a text, and fails there.
#[derive(Clone, Copy)]
struct Seek<'a> {
    path: &'a [Part<'a>],
    message: &'a str,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seek<'_> {
    fn here<E: Error>(&self) -> Result<(), E> {
        if self.path.is_empty() { Err(E::custom(self.message)) } else { Ok(()) }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.here()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.here()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.here()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.here()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.here()?;
        if let Some((&Part::Item(wanted), rest)) = self.path.split_first() {
            for _ in 0..wanted {
                seq.next_element::<IgnoredAny>()?;
            }
            seq.next_element_seed(Seek { path: rest, ..self })?;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.here()?;
        while let Some(key) = map.next_key::<String>()? {
            match self.path.split_first() {
                Some((&Part::Field(wanted), rest)) if wanted == key => {
                    map.next_value_seed(Seek { path: rest, ..self })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl From<Hex> for Tree {
    fn from(number: Hex) -> Self {
        Self::Text(alloc::format!("{number}"))
    }
}
