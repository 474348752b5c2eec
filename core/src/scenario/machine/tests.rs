use super::*;
use crate::machine::explore::{Explorer, Options, Status};
use alloc::string::ToString;

const SMALL: &str = r#"{
  "name": "small",
  "names": {"x": "0x40_0000", "pte": "0x4100_0010", "leaf": "0x60000048000703"},
  "regs": {"SCTLR_EL1": "0x1005", "TTBR0_EL1": "0x4100_0000"},
  "memory": {"pte": "leaf", "0x5000": 1},
  "actors": [
    {"name": "a", "x": {"X1": "leaf", "X30": "0x7"}, "regs": {"TTBR0_EL1": "0x5_0000_4100_0000"},
     "program": ["again:", "LDR X0, [x]", "CBZ X0, again", "TLBI VAE1IS, x", "DSB ISH"],
     "handler": {"set": {"X9": "leaf"}, "then": "again"}, "addresses": ["x"]},
    {"name": "b", "host": true, "el": 2, "pstate": {"PAN": 1}, "program": ["STR leaf, pa:pte"],
     "emulated": {"el": 1, "regs": {"TTBR0_EL1": "0x0", "TCR_EL1": "0x19"}},
     "guest": {"regs": {"TTBR0_EL2": "0x4100_0000", "HCR_EL2": "0x4_0000_0000"}}}
  ],
  "backing": [{"ipa": "0x9000", "entry": "pte", "descriptor": "leaf"}],
  "emulation": {"policy": "tlb-lock-epoch", "instruction_first": true, "host_covered": false},
  "tlb": false, "early": true, "stepwise": true,
  "observe": {"X0": "a.X0", "seen": "a.X1 as PAR", "PAR": "b.PAR", "faults": "a.faults", "pte": "pa:pte"},
  "expect": {"race": ["X0=0x0"], "hardware": []}
}"#;

#[test]
fn a_scenario_is_read_as_it_was_written() {
    let scenario: Scenario = SMALL.parse().expect("a scenario");
    assert_eq!(scenario.to_text().parse::<Scenario>().as_ref(), Ok(&scenario));
    let machine = &scenario.machine;
    assert_eq!((machine.actors[0].pe.regs.get(crate::layout::sysreg::SysReg::Ttbr0El1)), 0x5_0000_4100_0000);
    assert!(scenario.to_text().contains("\"TLBI VAE1IS, x\""));
    assert_eq!((machine.tlb, machine.early, machine.stepwise, machine.actors[1].host), (false, true, true, true));
    assert_eq!(machine.actors[1].emulated.as_ref().map(|pe| (pe.el, pe.pan)), Some((1, true)));
    assert_eq!(machine.actors[1].guest.as_ref().map(|pe| (pe.el, pe.regs.iter_nonzero().count())), Some((2, 2)));
}

#[test]
fn every_story_is_read_as_it_was_written() {
    for story in stories::ALL {
        let scenario = story.scenario().unwrap_or_else(|error| panic!("{}: {error}", story.name));
        assert_eq!(scenario.name, story.name);
        assert!(!scenario.title.is_empty() && !scenario.about.is_empty() && !scenario.expect.is_empty());
        assert_eq!(scenario.to_text().parse::<Scenario>().as_ref(), Ok(&scenario), "{}", story.name);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let refusal = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replacen(from, to, 1).parse::<Scenario>().expect_err(to).to_string()
    };
    let starts = |from, to, expected: &str| {
        let refusal = refusal(from, to);
        let (place, message) = refusal.split_once(": ").expect("a place");
        assert!(place.starts_with("line ") && message == expected, "{refusal}");
    };
    starts("\"tlb\"", "\"tbl\"", "tbl: not a field of a scenario; did you mean tlb?");
    starts("\"host\"", "\"hots\"", "actors[1].hots: not a field of an actor; did you mean host?");
    starts("LDR X0", "LRD X0", "actors[0].program[1]: `LRD` is not an instruction; did you mean LDR?");
    starts(
        "\"SCTLR_EL1\"",
        "\"SCTRL_EL1\"",
        "regs.SCTRL_EL1: `SCTRL_EL1` is not a system register; did you mean SCTLR_EL1?",
    );
    starts(
        "\"0x1005\"",
        "\"leav\"",
        "regs.SCTLR_EL1: `leav` is neither a number nor one of the names; did you mean leaf?",
    );
    starts(
        "tlb-lock-epoch",
        "tlb-lock-epok",
        "emulation.policy: `tlb-lock-epok` is not a policy; did you mean tlb-lock-epoch?",
    );
    starts("\"a.X0\"", "\"c.X0\"", "observe.X0: `c` is not an actor; did you mean a?");
    starts("\"race\"", "\"rice\"", "expect.rice: `rice` is not a policy; did you mean race?");
    starts("\"X30\"", "\"X31\"", "actors[0].x.X31: not a register: X0 to X30");
    starts("\"x\": \"0x40", "\"X3\": \"0x40", "names.X3: `X3` is not a name: it is a register");
    starts("\"x\": \"0x40", "\"bad\": \"0x40", "names.bad: `bad` is not a name: it could be a number in hexadecimal");
    starts("\"0x5000\"", "\"0x5001\"", "memory.0x5001: 0x5001 is not the address of a doubleword: a multiple of 8");
    starts("\"0x5000\"", "\"0x41000010\"", "memory.0x41000010: a doubleword given twice");
    starts("\"b\"", "\"a\"", "actors[1]: there are two actors called `a`");
    starts("\"el\": 2", "\"el\": 4", "actors[1].el: expected one of [0, 1, 2, 3]");
    starts("\"early\"", "\"tlb\"", "tlb: given twice");
    starts("again\"}", "agin\"}", "actors[0].handler.then: `agin` is none of end, next, again, and no label");
    assert!(refusal("\"tlb\": false", "\"tlb\": 1.5").contains("floating point"));
    let place = refusal("LDR X0", "LRD X0");
    assert!(place.starts_with("line 8, "), "{place}");
}

#[test]
fn nothing_that_is_read_brings_it_down() {
    for at in 0..SMALL.len() {
        // Every prefix, every byte left out, and every byte made another.
        _ = SMALL[..at].parse::<Scenario>();
        let mut bytes = SMALL.as_bytes().to_vec();
        bytes[at] = b'0';
        _ = Scenario::from_slice(&bytes);
        bytes.remove(at);
        _ = Scenario::from_slice(&bytes);
    }
    for text in ["", "[]", "null", "{}", "{\"actors\": []}", "{\"actors\": {}}", "{\"actors\": [0]}"] {
        assert!(text.parse::<Scenario>().is_err(), "{text}");
    }
    assert!(alloc::format!("{{\"actors\": {}", "[".repeat(100_000)).parse::<Scenario>().is_err());
    let odd = r#"{"actors": [{"name": "a", "el": 3, "regs": {"TCR_EL1": "0xffff_ffff_ffff_ffff"},
        "program": ["AT S12E0W, 0xffff_ffff_ffff_ffff", "B 0xffff",
        "TLBI RVAAE1IS, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff",
        "LDADD X30, X30, [X30]", "STXR X1, 0x1, pa:0xffff_ffff_ffff_ffff"], "handler": {"then": "next"}}]}"#;
    let scenario: Scenario = odd.parse().expect("odd, and allowed");
    let mut explorer = Explorer::new(scenario.machine, Vec::new(), Options { states: 1000, ..Options::default() });
    assert_ne!(explorer.run(1000), Status::Underway);
}

#[test]
fn par_is_said_in_words() {
    let mut scenario = Scenario::new("", Machine::new(Vec::new(), crate::memory::Memory::new()));
    scenario.symbols.add("page", 0x2000_0000).expect("a name");
    assert_eq!(scenario.par(0xff00_0000_2000_0b80), "ok/page");
    assert_eq!(scenario.par(0xff00_0000_3000_0b80), "ok/0x30000000");
    assert_eq!(scenario.par(0xa0f), "fault/translation-L3@stage2");
    assert_eq!(scenario.par(0xb0f), "fault/translation-L3@stage2-walk");
    assert_eq!(scenario.par(0x80f), "fault/translation-L3");
    assert_eq!(scenario.par(0x811), "fault/access-flag-L0");
}
