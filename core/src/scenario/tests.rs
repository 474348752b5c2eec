//! The format as a whole: what is read back, what is refused, and what counts as a difference.

use super::expect::{Expect, Status, Taken, compare};
use super::number::Hex;
use super::{Case, Run};
use crate::access::Op;
use crate::at::{Answer, Exception, Outcome, Par, Written};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::sysreg::SysReg;
use alloc::string::ToString;
use alloc::vec::Vec;
use alloc::{format, vec};

const CASE: &str = r#"{
    "id": "a/1", "op": "AT S12E1W", "el": 2, "va": "ffff_8000_0000_1234", "pa_bits": 52,
    "features": {"FEAT_LPA2": false, "FEAT_RME": false, "FEAT_VHE": true},
    "choices": {"bbm_level": 1, "block_nt_faults": false, "sif_affects_epan": "true"},
    "pstate": {"PAN": 1},
    "regs": {"TCR_EL1": 25, "ttbr0_el1": "0x1_0000_0000_0000_0000_0001", "HCR_EL2": "0X80000001"},
    "mem": {"0x1000": "0x1003", "2008": 7},
    "abort": ["0x8000", "0x8fff"],
    "pc": "0x40200000",
    "expect": "anything"
}"#;

fn refused(text: &str) -> alloc::string::String {
    text.parse::<Case>().expect_err(text).to_string()
}

#[test]
fn a_case_is_read_whole() {
    let case: Case = CASE.parse().unwrap();
    assert_eq!((case.id.as_str(), case.op, case.va), ("a/1", Op::S12E1W, 0xffff_8000_0000_1234));
    assert_eq!((case.pe.el, case.pe.pan, case.pe.pa_bits), (2, true, 52));
    assert!(!case.pe.features.has(Feature::Lpa2) && case.pe.features.has(Feature::Vhe));
    assert_eq!(case.pe.choices.get(Choice::BbmLevel), 1);
    assert_eq!(case.pe.choices.changed().count(), 3);
    assert_eq!(case.pe.regs.get(SysReg::TcrEl1), 25);
    assert_eq!(case.pe.regs.get128(SysReg::Ttbr0El1), 1 << 80 | 1);
    assert_eq!(case.memory.words().collect::<Vec<_>>(), [(0x1000, 0x1003), (0x2008, 7)]);
    assert_eq!(case.memory.abort(), Some((0x8000, 0x8fff)));
}

#[test]
fn what_is_written_reads_back() {
    let case: Case = CASE.parse().unwrap();
    let text = serde_json::to_string(&case).unwrap();
    assert_eq!(text.parse(), Ok(case.clone()));
    assert_eq!(Case::from_json(&case.to_json()), Ok(case));
    assert!(text.contains(r#""choices":{"block_nt_faults":false,"bbm_level":1,"sif_affects_epan":true}"#), "{text}");
    let bare = Case::new(Op::Ldr, 0);
    assert_eq!(Case::from_json(&bare.to_json()), Ok(bare));
}

#[test]
fn refusals_name_the_field_and_what_was_expected() {
    let with = |field: &str| refused(&format!("{{\"op\": \"S1E1R\", \"el\": 1, \"va\": 0, {field}}}"));
    let says = |field: &str, said: &str| {
        let refusal = with(field);
        assert!(refusal.contains(said), "{field}: {refusal}");
    };
    says(r#""regs": {"TCR_EL11": 0}"#, "regs: `TCR_EL11` is not a system register; did you mean TCR_EL1?");
    says(r#""regs": {"TCR_EL1": "zz"}"#, "regs.TCR_EL1: `zz` is not a number; expected hexadecimal digits");
    says(r#""regs": {"TCR_EL1": "1_0000_0000_0000_0000"}"#, "regs.TCR_EL1: 0x10000000000000000 does not fit");
    says(r#""regs": {"TCR_EL1": true}"#, "regs.TCR_EL1: invalid type: boolean `true`, expected hexadecimal digits");
    says(r#""regs": []"#, "expected an object of registers");
    says(r#""features": {"FEAT_LPA3": true}"#, "features: `FEAT_LPA3` is not a feature; did you mean FEAT_LPA");
    says(r#""features": {"FEAT_LPA": 1}"#, "features.FEAT_LPA: invalid type: integer `1`, expected a boolean");
    says(r#""choices": {"bbm_levels": 1}"#, "choices: `bbm_levels` is not a choice; did you mean bbm_level?");
    says(r#""choices": {"bbm_level": 3}"#, "choices.bbm_level: `3` is not one of: 0, 1, 2");
    says(r#""pstate": {"NZCV": 1}"#, "pstate: `NZCV` is not one of PAN, UAO");
    says(r#""pstate": {"PAN": 2}"#, "pstate.PAN: 2 is not one of [0, 1]");
    says(r#""mem": {"0x1004": 0}"#, "mem: 0x1004 is not the address of a doubleword");
    says(r#""mem": {"100_0000_0000_0000": 0}"#, "mem: 0x100000000000000 is not a physical address");
    says(r#""mem": {"0x1000": "1_0000_0000_0000_0000"}"#, "mem.0x1000: 0x10000000000000000 has more than 64 bits");
    says(r#""abort": ["0x2000", "0x1000"]"#, "abort: the range 0x2000 to 0x1000 is empty");
    says(r#""abort": ["0x2000"]"#, "expected abort: [first address, last address]");
    says(r#""pa_bits": 47"#, "pa_bits: 47 is not one of [32, 36, 40, 42, 44, 48, 52, 56]");
    says(r#""reg": {}"#, "reg: not a field of a case; did you mean regs?");
    assert!(refused(r#"{"op": "S1E1Q", "el": 1, "va": 0}"#).contains("op: `S1E1Q` is not an AT instruction or access"));
    assert!(refused(r#"{"op": "S1E1R", "el": 4, "va": 0}"#).contains("el: 4 is not one of [0, 1, 2, 3]"));
    assert!(refused(r#"{"op": "S1E1R", "el": 1}"#).contains("va: missing; expected the address operand"));
    assert!(refused("7").contains("expected a case"));
}

#[test]
fn refusals_point_into_the_text() {
    let error = "{\n  \"regs\": {\n    \"TCR_EL9\": 0\n  }\n}".parse::<Case>().unwrap_err();
    assert_eq!((error.line, error.column), (3, 13));
    assert!(error.to_string().starts_with("line 3, column 13: regs: `TCR_EL9` is not"), "{error}");
    assert!(error.in_line().starts_with("column 13: regs: "));
    assert_eq!("{\"op\"".parse::<Case>().unwrap_err().line, 1);
}

#[test]
fn a_refusal_is_one_line_whatever_it_quotes() {
    let error = r#"{"a\nb\u001b": 1}"#.parse::<Case>().unwrap_err();
    assert!(error.in_line().contains(r"a\nb\u{1b}"), "{error}");
}

fn run(result: Outcome) -> Run {
    Run { answer: Answer { result, fault: None, output: None }, reads: 3, writes: Vec::new(), steps: Vec::new() }
}

fn fields(expect: &Expect, run: &Run) -> Vec<alloc::string::String> {
    compare(expect, run).into_iter().map(|difference| difference.field).collect()
}

#[test]
fn only_bits_that_count_are_compared() {
    let wrote = run(Outcome::Par(Par { value: 0x1234_0000_0000_080f, unknown: 0 }));
    let mut expect = wrote.to_expect();
    assert_eq!(fields(&expect, &wrote), [""; 0]);
    expect.par = Some(Hex(0x80f));
    assert_eq!(fields(&expect, &wrote), ["par"]);
    expect.par_ignore = Some(Hex(0xffff_0000_0000_0000));
    assert_eq!(fields(&expect, &wrote), [""; 0]);
    expect.reads = 4;
    expect.writes = vec![(Hex(0x1000), Hex(1))];
    assert_eq!(fields(&expect, &wrote), ["writes", "reads"]);
    expect.status = Status::Undefined;
    expect.par = None;
    assert_eq!(fields(&expect, &wrote), ["status", "par", "writes", "reads"]);
}

#[test]
fn a_register_that_is_not_listed_is_zero() {
    let written = |register, value, unknown| Written { register, value, unknown };
    let registers = vec![written(SysReg::EsrEl2, 0x9200_01c7, 0x40), written(SysReg::FarEl2, 0, 0)];
    let taken = run(Outcome::Exception(Exception { el: 2, registers }));
    let text = serde_json::to_value(taken.to_expect()).unwrap();
    let json = serde_json::json!({"el": 2, "ESR_EL2": "0x920001c7", "ignore": {"ESR_EL2": "0x40"}});
    assert_eq!(text["exception"], json);
    let mut expect: Expect = serde_json::from_value(text).unwrap();
    assert_eq!(fields(&expect, &taken), [""; 0]);
    let exception = expect.exception.as_mut().unwrap();
    exception.registers = vec![(SysReg::EsrEl2, 0x9200_0187), (SysReg::HpfarEl2, 0x10)];
    assert_eq!(fields(&expect, &taken), ["exception.HPFAR_EL2"], "bit 6 of ESR is ignored");
    expect.exception = Some(Taken { el: 1, ..Taken::default() });
    assert_eq!(fields(&expect, &taken), ["exception.el", "exception.ESR_EL2"]);
}
