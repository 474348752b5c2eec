//! Where an answer differs from what was expected.

use super::{Expect, Fault, Output, RECORDED, Taken};
use crate::layout::sysreg::SysReg;
use crate::scenario::Run;
use crate::scenario::number::Hex;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;
use serde::Serialize;

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
