//! The `stagewalk` command, as a shell sees it: exit codes, what goes where, and what errors say.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagewalk"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn finish(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("standard input");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the command ends");
    let _ = writer.join(); // a command may end before it has read everything
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("no signal"), out: text(output.stdout), err: text(output.stderr) }
}

fn stagewalk(arguments: &[&str], input: &str) -> Ran {
    let mut command = command();
    command.args(arguments);
    finish(command, input)
}

/// A file of this test run.
fn scratch(name: &str, contents: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("stagewalk-{}-{name}", process::id()));
    fs::write(&path, contents).expect("a temporary file");
    path
}

const SMALL: &str = concat!(
    r#"{"id": "off", "op": "S1E1R", "el": 1, "va": "0x4008_0123", "expect": {"status": "ok", "par": "0x40080900", "#,
    r#""par_ignore": "0x600", "output": {"pa": "0x40080123", "pas": 1, "device": 1, "devtype": 3, "inner": 0, "#,
    r#""outer": 0, "sh": 2, "tags": 0, "notagaccess": 0, "xs": 1, "s1assured": 0, "s2fs1mro": 0, "mecid": 0}, "#,
    r#""reads": 0}, "features": {"FEAT_RME": false, "FEAT_MEC": false}, "regs": {"SCR_EL3": "1"}}"#,
);

#[test]
fn the_hole_in_stage_2_is_told_to_the_end() {
    let told = stagewalk(&["walk", "--example", "stage2-hole"], "");
    assert_eq!(told.code, 0, "{}", told.err);
    for said in ["read 14", "✗14", "PAR_EL1 = 0xb0f: Translation fault, level 3, at stage 2 on the stage 1 walk"] {
        assert!(told.out.contains(said), "{said} is missing:\n{}", told.out);
    }
    assert!(told.out.contains("14 descriptor reads"));
    assert!(told.out.lines().all(|line| line.chars().count() <= 100), "100 columns");
    assert!(!told.out.contains('\x1b'), "no colour unless on a terminal");
    let taken = stagewalk(&["walk", "--example", "stage2-hole", "--el", "1"], "");
    assert!(taken.out.contains("exception taken to EL2") && taken.out.contains("HPFAR_EL2 = 0x41_0020"));
}

#[test]
fn every_example_walks_within_100_columns() {
    let list = stagewalk(&["examples"], "");
    let cases = list.out.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = cases.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"stage2-hole") && names.len() >= 8, "{names:?}");
    for name in names {
        let told = stagewalk(&["walk", "--example", name], "");
        assert_eq!(told.code, 0, "{name}: {}", told.err);
        let long = told.out.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{name}");
        let case = stagewalk(&["examples", name], "");
        let again = stagewalk(&["walk", "--scenario", "-"], &case.out);
        assert_eq!(again.out, told.out, "{name}, printed and read again");
    }
}

#[test]
fn a_walk_in_json_has_every_step() {
    let walk = stagewalk(&["walk", "--example", "nested", "--json"], "").json();
    assert_eq!(walk["schema"], "stagewalk.walk/1");
    assert_eq!(walk["result"]["reads"], 24);
    let steps = walk["steps"].as_array().expect("steps");
    let reads: Vec<&Value> = steps.iter().filter(|step| step["event"] == "read").collect();
    assert_eq!(reads.len(), 24);
    assert_eq!(reads[0]["place"], serde_json::json!({"stage": 2, "level": 0, "for": "descriptor", "for_level": 0}));
    assert!(steps.iter().all(|step| step["rule"]["source"].is_string() && step["rule"]["text"].is_string()));
    let case = walk["case"].to_string();
    assert_eq!(stagewalk(&["at", "--scenario", "-", "--json"], &case).json()["reads"], 24);
}

#[test]
fn a_fault_fails_only_where_asked() {
    let fault = ["at", "--example", "unmapped"];
    assert_eq!(stagewalk(&fault, "").code, 0);
    assert_eq!(stagewalk(&[&fault[..], &["--fail-on-fault"]].concat(), "").code, 1);
    assert_eq!(stagewalk(&["at", "--example", "page-4k", "--fail-on-fault"], "").code, 0);
    assert_eq!(stagewalk(&["walk", "--example", "stage2-hole-el1", "--fail-on-fault"], "").code, 1);
}

#[test]
fn changes_are_made_before_the_question() {
    let par = |changes: &[&str]| {
        let answer = stagewalk(&[&["at", "--example", "page-4k", "--json"], changes].concat(), "").json();
        answer["par"].as_str().expect("PAR_EL1").to_owned()
    };
    assert_eq!(par(&[]), "0xff00000048000980");
    assert_eq!(par(&["--mem", "0x4100_3400=0"]), "0x80f");
    assert_eq!(par(&["--reg", "SCTLR_EL1=0"]), "0x40080900");
    assert_eq!(par(&["--reg", "MAIR_EL1=44"]), "0x4400000048000900");
    let beyond = ["--mem", "0x4100_3400=0x60_0100_4800_0703"];
    assert_eq!(par(&beyond), "0xff00010048000980");
    let small = par(&[&beyond[..], &["--cpu", "cortex-a53"]].concat());
    assert_eq!(small, "0x807", "2^40 is an Address size fault on a core of 40 bits");
    let wrong = stagewalk(&["at", "s1e1r", "ffff_0000_4008_0123", "--example", "page-4k", "--json"], "").json();
    assert_eq!((&wrong["op"], &wrong["fault"]["code"]), (&"S1E1R".into(), &"Translation".into()));
}

#[test]
fn a_command_that_makes_no_sense_exits_with_2_and_says_why() {
    let says = |arguments: &[&str], said: &str| {
        let ran = stagewalk(arguments, "");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    };
    says(&["at", "S1E1X", "0"], "`S1E1X` is not an AT instruction or access; did you mean S1E1A?");
    says(&["at", "S1E1R", "0x4g"], "`0x4g` is not a number; expected hexadecimal digits");
    says(&["at", "S1E1R", "0"], "no machine to ask");
    says(&["at", "--example", "page4k"], "The examples are: stage2-hole");
    says(&["at", "--dump", "tests/realdump/k6.1-4k-a72"], "comes with no instruction");
    says(&["walk", "S1E1R", "0", "--reg", "TCR_EL4=0"], "did you mean TCR_EL1?");
    says(&["walk", "S1E1R", "0", "--reg", "TCR_EL1"], "expected NAME=VALUE");
    says(&["walk", "S1E1R", "0", "--reg", "TCR_EL1=1_0000_0000_0000_0000"], "TCR_EL1 has 64 bits");
    says(&["walk", "S1E1R", "0", "--mem", "0x1001=0"], "multiple of 8");
    says(&["walk", "S1E1R", "0", "--feature", "FEAT_LPA3"], "did you mean FEAT_LPA");
    says(&["walk", "S1E1R", "0", "--choice", "bbm_level=7"], "bbm_level is one of: 0, 1, 2");
    says(&["walk", "S1E1R", "0", "--el", "4"], "4 is not in 0..=3");
    says(&["decode", "TCR_EL9", "0"], "`TCR_EL9` is not a system register");
    says(&["frobnicate"], "unrecognized subcommand");
}

#[test]
fn input_that_cannot_be_read_exits_with_3_and_says_where() {
    let says = |arguments: &[&str], input: &str, said: &str| {
        let ran = stagewalk(arguments, input);
        assert_eq!(ran.code, 3, "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    };
    says(&["at", "--scenario", "no/such/file.json"], "", "no/such/file.json: No such file");
    says(&["at", "--scenario", "-"], "{\n \"op\": \"S1E1Q\"}", "standard input: line 2, column 14: op: `S1E1Q` is not");
    says(&["at", "--scenario", "-"], "", "standard input: no case in it");
    says(&["at", "--scenario", "-", "--id", "x"], SMALL, "none of its 1 cases has the id `x`");
    says(&["at", "S1E1R", "0", "--dump", "core/src"], "", "pages.bin.gz: No such file");
    says(&["decode", "PAR_EL1", "-"], "0x1\nzz\n", "standard input, line 2: `zz` is not a number");
    says(&["check", "-"], "\n{]\n", "standard input, line 2: column 2:");
    says(&["check", "-"], r#"{"op": "S1E1R", "el": 1, "va": 0}"#, "line 1: expect: missing");
    says(&["serve", "--dir", "core/src"], "", "no index.html in it");
}

#[test]
fn check_counts_and_shows_what_differs() {
    let good = stagewalk(&["check", "-"], &format!("{SMALL}\n\n{SMALL}\n"));
    assert_eq!((good.code, good.out.as_str()), (0, "2 passed, 0 failed\n"), "{}", good.err);
    let wrong = SMALL.replace("\"par\": \"0x40080900\"", "\"par\": \"0x40081900\"").replace("\"sh\": 2", "\"sh\": 3");
    let bad = stagewalk(&["check", "-"], &format!("{SMALL}\n{wrong}\n"));
    assert_eq!(bad.code, 1);
    let said = "off: par: expected 0x40081900, got 0x40080900\noff: output.sh: expected 3, got 2\n1 passed, 1 failed\n";
    assert_eq!(bad.out, said);
    let json = stagewalk(&["check", "--json", "-"], &wrong).json();
    assert_eq!((&json["passed"], &json["failed"]), (&0.into(), &1.into()));
    assert_eq!(
        json["mismatches"][1],
        serde_json::json!({"id": "off", "field": "output.sh", "expected": "3", "got": "2"})
    );
    let file = stagewalk(&["check", "tests/vectors/arm/trap.jsonl.gz"], "");
    assert_eq!(file.out, "1000 passed, 0 failed\n");
}

#[test]
fn batch_goes_on_after_a_line_it_cannot_read() {
    let input = format!("{SMALL}\n{{\"op\": 1\n\n{}\n", SMALL.replace("S1E1R", "S1E2R"));
    let ran = stagewalk(&["batch"], &input);
    let lines = ran.lines();
    assert_eq!((ran.code, lines.len()), (3, 3), "{}", ran.out);
    let expected: Value = serde_json::from_str(SMALL).expect("JSON");
    let mut answer = lines[0].clone();
    assert_eq!(answer.as_object_mut().and_then(|answer| answer.remove("id")), Some("off".into()));
    assert_eq!(answer, expected["expect"]);
    assert_eq!(lines[1]["line"], 2);
    assert!(lines[1]["error"].as_str().is_some_and(|error| error.contains("column 8: ")), "{}", lines[1]);
    assert_eq!(lines[2], serde_json::json!({"id": "off", "status": "undefined", "reads": 0}));
}

#[test]
fn batch_asks_a_captured_machine() {
    let input = r#"{"id": 7, "op": "S1E1R", "el": 1, "va": "0x1044c"}
{"op": "S1E0R", "va": 0}
{"id": 8, "op": "S1E1R", "el": 5, "va": 0}
{"id": 9, "op": "S1E1R", "el": 1, "va": 0, "mem": {}}"#;
    let ran = stagewalk(&["batch", "--dump", "tests/realdump/k6.1-4k-a72"], input);
    let lines = ran.lines();
    assert_eq!((ran.code, lines.len()), (3, 4), "{}", ran.err);
    assert_eq!((&lines[0]["id"], &lines[0]["par"]), (&7.into(), &"0xff000000423c8980".into()));
    assert_eq!((&lines[1]["id"], &lines[1]["par"]), (&Value::Null, &"0x80f".into()));
    assert!(lines[2]["error"].as_str().is_some_and(|error| error.starts_with("el: 5 is not one of")), "{}", lines[2]);
    assert!(lines[3]["error"].as_str().is_some_and(|error| error.contains("unknown field `mem`")), "{}", lines[3]);
}

#[test]
fn a_machine_that_cannot_be_is_refused_with_the_reason() {
    let example = ["walk", "--example", "page-4k"];
    let refused = |options: &[&str], said: &[&str]| {
        let ran = stagewalk(&[&example[..], options].concat(), "");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{options:?}: {}", ran.err);
        assert!(said.iter().all(|said| ran.err.contains(said)), "{options:?}: {}", ran.err);
    };
    let answered = |options: &[&str]| stagewalk(&[&example[..], options].concat(), "").code == 0;
    let nv2 = ["--feature", "FEAT_NV2"];
    refused(
        &nv2,
        &["no machine has these features: FEAT_NV2 requires FEAT_NV, and", "missing:\n  --feature FEAT_NV\n"],
    );
    refused(&nv2, &["needs it:\n  without --feature FEAT_NV2\n", "all the same:\n  --impossible"]);
    assert!(answered(&[&nv2[..], &["--feature", "FEAT_NV"]].concat()));
    assert!(answered(&[&nv2[..], &["--impossible"]].concat()));
    let v1 = ["--cpu", "neoverse-v1", "--no-feature", "FEAT_EL2"];
    refused(&v1, &["missing:\n  without --no-feature FEAT_EL2\n", "--no-feature FEAT_VHE --no-feature FEAT_NV "]);
    let others = ["--no-feature", "FEAT_VHE", "--no-feature", "FEAT_NV", "--no-feature", "FEAT_NV2"];
    assert!(answered(&[&v1[..], &others].concat()));

    let case = SMALL.replace("FEAT_MEC", "FEAT_PAN");
    let read = stagewalk(&["at", "--scenario", "-"], &case);
    assert_eq!((read.code, read.out.as_str()), (3, ""), "{}", read.err);
    assert!(
        read.err.contains("standard input: features: FEAT_MEC requires FEAT_RME, and FEAT_RME is not"),
        "{}",
        read.err
    );
    assert!(read.err.contains("\n  --feature FEAT_RME --feature FEAT_PAN\n"), "{}", read.err);
    assert!(read.err.contains("--no-feature FEAT_MEC --no-feature FEAT_PAN2 --no-feature FEAT_PAN3"), "{}", read.err);
    assert_eq!(stagewalk(&["at", "--scenario", "-", "--impossible"], &case).code, 0);
    assert_eq!(stagewalk(&["check", "-"], &case).out, "1 passed, 0 failed\n", "files are taken as they are");
}

#[test]
fn batch_takes_features_as_they_are_unless_strict() {
    let input = format!("{}\n{SMALL}\n", SMALL.replace("FEAT_MEC", "FEAT_PAN"));
    let answers = stagewalk(&["batch"], &input);
    let lines = answers.lines();
    assert_eq!((answers.code, lines.len()), (0, 2), "{}", answers.out);
    assert_eq!((&lines[0], &lines[0]["status"]), (&lines[1], &"ok".into()));
    let strict = stagewalk(&["batch", "--strict"], &input);
    let reason = "FEAT_MEC requires FEAT_RME, and FEAT_RME is not implemented";
    let expected = serde_json::json!({"id": "off", "status": "impossible", "reason": reason});
    assert_eq!((strict.code, &strict.lines()[0], &strict.lines()[1]), (0, &expected, &lines[1]));
}

#[test]
fn features_are_listed_with_what_they_need() {
    let all = stagewalk(&["features"], "");
    assert_eq!(all.code, 0, "{}", all.err);
    assert!(all.out.lines().all(|line| line.chars().count() <= 100), "100 columns");
    assert!(
        all.out.contains("FEAT_TCR2")
            && all.out.contains("needs FEAT_HCX where EL2 is implemented; ID_AA64MMFR3_EL1.TCRX")
    );
    let one = stagewalk(&["features", "FEAT_MEC", "--json"], "").json();
    let expected = serde_json::json!({
        "schema": "stagewalk.features/1",
        "features": [{
            "name": "FEAT_MEC",
            "meaning": "Realm memory is encrypted in contexts of its own.",
            "requires": ["FEAT_RME", "FEAT_TCR2", "FEAT_SCTLR2"],
            "announced_by": {"register": "ID_AA64MMFR3_EL1", "field": "MEC", "minimum": 1}
        }]
    });
    assert_eq!(one, expected);
    let a72 = stagewalk(&["features", "--cpu", "cortex-a72", "--json"], "").json();
    assert_eq!(a72["cpu"]["registers"]["ID_AA64MMFR0_EL1"], "0x1124");
    let names: Vec<&str> =
        a72["features"].as_array().expect("features").iter().filter_map(|f| f["name"].as_str()).collect();
    assert_eq!(names, ["FEAT_EL2", "FEAT_EL3", "FEAT_TGran4K", "FEAT_TGran64K"]);
    let cores = stagewalk(&["features", "--cpus"], "");
    assert!(cores.out.contains("cortex-x925  Cortex-X925 (Armv9.2), 40-bit"), "{}", cores.out);
    assert!(cores.out.lines().all(|line| line.chars().count() <= 100), "100 columns");
    let json = stagewalk(&["features", "--cpus", "--json"], "").json();
    assert!(json["cpus"].as_array().is_some_and(|cores| cores.len() == 9) && json.get("features").is_none());
    assert!(stagewalk(&["features", "--cpu", "cortex-a54"], "").err.contains("expected one of everything, cortex-a53"));
}

#[test]
fn map_lists_what_is_mapped() {
    let nested = stagewalk(&["map", "S12E1R", "--example", "nested"], "");
    assert_eq!(nested.code, 0, "{}", nested.err);
    assert!(nested.out.starts_with("EL1&0 regime, stages 1 and 2\n"), "{}", nested.out);
    let row: Vec<&str> = nested.out.lines().nth(2).unwrap_or_default().split_whitespace().collect();
    assert_eq!(row, ["0x4008_0000", "4", "KB", "0x8_4800_0000", "rw-", "---", "L3/L3", "WB-RWA", "ISH"]);
    assert!(nested.out.ends_with("\n1 range, 4 KB mapped\n") && nested.err.is_empty(), "{}{}", nested.out, nested.err);
    let stage2 = stagewalk(&["map", "--stage2", "--json", "--example", "nested"], "");
    let outputs: Vec<_> = stage2.lines().iter().map(|line| line["output"]["pa"].clone()).collect();
    assert!(outputs.contains(&"0x848000000".into()), "{}", stage2.out);
    let none = stagewalk(&["map", "--stage2", "--example", "page-4k", "--no-feature", "FEAT_EL2", "--impossible"], "");
    assert_eq!((none.code, none.out.as_str()), (2, ""), "{}", none.err);
    assert!(none.err.contains("there is no stage 2"), "{}", none.err);
}

#[test]
fn map_goes_on_from_where_it_stopped() {
    let dump = ["map", "--dump", "tests/realdump/k6.12-4k-max"];
    let all = stagewalk(&dump, "");
    let rows =
        |ran: &Ran| ran.out.lines().filter(|line| line.trim_start().starts_with("0x")).map(String::from).collect();
    let rows_of_all: Vec<String> = rows(&all);
    assert!(rows_of_all.len() > 400 && all.out.lines().all(|line| line.chars().count() <= 100), "{}", all.out);
    let (mut parts, mut from) = (Vec::new(), String::from("0"));
    loop {
        let part = stagewalk(&[&dump[..], &["--limit", "100", "--from", &from]].concat(), "");
        assert_eq!(part.code, 0, "{}", part.err);
        parts.extend(rows(&part));
        let Some((_, address)) = part.err.split_once("stopped after 100 ranges (--limit); go on with --from ") else {
            break;
        };
        from = address.trim().into();
    }
    assert_eq!(parts, rows_of_all);
    let few = stagewalk(&[&dump[..], &["--effort", "1000"]].concat(), "");
    assert!(few.err.contains("stopped after 1000 descriptors (--effort); go on with --from 0x"), "{}", few.err);
    let one = stagewalk(
        &[&dump[..], &["--json", "--from", "0xffff_8000_8100_1234", "--to", "ffff80008100ffff"]].concat(),
        "",
    );
    assert_eq!((&one.json()["input"], &one.json()["size"]), (&"0xffff800081001234".into(), &"0xedcc".into()));
}

#[test]
fn decode_names_every_bit() {
    let par = stagewalk(&["decode", "PAR_EL1", " 0xB0F "], "");
    assert_eq!(par.code, 0, "{}", par.err);
    assert!(par.out.contains("FST") && par.out.contains("Translation fault, level 3"), "{}", par.out);
    let json = stagewalk(&["decode", "--json", "s1-page", "60000048000703"], "").json();
    assert_eq!((&json["schema"], &json["width"]), (&"stagewalk.decode/1".into(), &64.into()));
    let fields = json["fields"].as_array().expect("fields");
    let bits: u64 = fields
        .iter()
        .map(|field| field["high"].as_u64().zip(field["low"].as_u64()).map_or(0, |(h, l)| h - l + 1))
        .sum();
    assert_eq!(bits, 64);
    let many = stagewalk(&["decode", "ESR_EL2", "-"], "920001c7\n\n0x9200_0047\n");
    assert_eq!(many.out.matches("ESR_EL2 = ").count(), 2);
}

#[test]
fn colour_is_there_when_asked_for_and_never_against_no_color() {
    let colored = |color: &str, variable: Option<&str>| {
        let mut command = command();
        command.args(["--color", color, "at", "--example", "page-4k"]);
        if let Some(variable) = variable {
            command.env(variable, "1");
        }
        finish(command, "").out.contains('\x1b')
    };
    assert!(colored("always", None));
    assert!(!colored("never", None));
    assert!(!colored("auto", None), "a pipe is no terminal");
    assert!(colored("auto", Some("CLICOLOR_FORCE")));
    assert!(!colored("auto", Some("NO_COLOR")));
}

#[test]
fn help_teaches() {
    let help = stagewalk(&["--help"], "");
    assert_eq!(help.code, 0);
    assert!(help.out.contains("Examples:") && help.out.contains("Exit codes:"), "{}", help.out);
    for subcommand in [
        "at",
        "walk",
        "map",
        "decode",
        "features",
        "explore",
        "replay",
        "check",
        "batch",
        "serve",
        "examples",
        "completions",
    ] {
        let help = stagewalk(&[subcommand, "--help"], "");
        assert!(help.code == 0 && help.out.contains("Example"), "{subcommand}: {}", help.out);
    }
    assert!(stagewalk(&["completions", "bash"], "").out.contains("_stagewalk"));
    assert!(stagewalk(&["man"], "").out.contains(".TH stagewalk"));
}

#[test]
fn a_file_of_several_cases_is_read_by_id() {
    let other = SMALL.replace("\"off\"", "\"other\"").replace("0x4008_0123", "0x1000");
    let path = scratch("cases.jsonl", &format!("{SMALL}\n{other}\n"));
    let file = path.to_str().expect("UTF-8");
    assert_eq!(stagewalk(&["at", "--scenario", file], "").code, 2);
    assert_eq!(stagewalk(&["at", "--scenario", file, "--id", "other", "--json"], "").json()["va"], "0x1000");
    fs::remove_file(path).expect("the file was there");
}

#[test]
fn serve_with_a_machine_needs_the_feature_and_an_arm64_host() {
    if cfg!(all(feature = "kvm", target_arch = "aarch64")) {
        return; // then it depends on the host
    }
    let ran = stagewalk(&["serve", "--kvm", "--port", "0"], "");
    let said =
        if cfg!(feature = "kvm") { "this takes an arm64 machine" } else { "cargo install --path core --features kvm" };
    assert!(ran.code == 4 && ran.err.contains(said) && ran.out.is_empty(), "{}: {}", ran.code, ran.err);
}

/// The answer to a request, as bytes off the wire.
fn request(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    write!(stream, "{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// `stagewalk serve` with a directory of its own, until it is dropped.
struct Served {
    server: Child,
    directory: PathBuf,
    address: String,
}

impl Served {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("stagewalk-{}-{name}", process::id()));
        fs::create_dir_all(&directory).expect("a temporary directory");
        fs::write(directory.join("index.html"), PAGE).expect("a page");
        fs::write(directory.join("web_bg.wasm"), "\0asm").expect("a module");
        let mut command = command();
        command.args(["serve", "--port", "0", "--dir"]).arg(&directory).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().expect("the server starts");
        let mut line = String::new();
        let out = server.stdout.take().expect("standard output");
        BufReader::new(out).read_line(&mut line).expect("the address");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        Self { server, directory, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill().and_then(|()| self.server.wait());
        let _ = fs::remove_dir_all(&self.directory);
    }
}

const PAGE: &str = "<title>here</title>";

#[test]
fn serve_gives_the_directory_and_nothing_else() {
    let served = Served::new("site");
    let request = |head| request(&served.address, head);
    let page = request("GET /?ex=1 HTTP/1.1");
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("<title>here</title>"), "{page}");
    assert!(request("GET /web_bg.wasm HTTP/1.1").contains("application/wasm"));
    let head = request("HEAD / HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("<title>"), "{head}");
    assert!(request("GET /../../etc/passwd HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(request("GET /no-such HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(request("POST / HTTP/1.1").starts_with("HTTP/1.1 405"));
    let port = served.address.split(':').next_back().expect("a port");
    let taken = stagewalk(&["serve", "--port", port, "--dir", served.directory.to_str().expect("UTF-8")], "");
    assert_eq!(taken.code, 4, "{}", taken.err);
}

#[test]
fn serve_answers_every_connection_however_many_others_are_open() {
    let served = Served::new("connections");
    for round in 0..16 {
        let mut open: Vec<_> = (0..64).map(|_| TcpStream::connect(&served.address).expect("a connection")).collect();
        // browsers open connections that they may never use, and keep those that they have used
        let unused = open.split_off(48);
        for stream in &mut open {
            write!(stream, "GET / HTTP/1.1\r\nHost: {}\r\n\r\n", served.address).expect("a request");
        }
        for (number, stream) in open.iter_mut().enumerate() {
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
            let mut answer = String::new();
            let mut lines = BufReader::new(stream);
            while !answer.ends_with(PAGE) {
                let read = lines.by_ref().take(1).read_to_string(&mut answer);
                assert_eq!(read.ok(), Some(1), "round {round}, connection {number}: {answer:?}");
            }
        }
        drop((open, unused));
    }
}
