//! `stagewalk explore` and `stagewalk replay`, as a shell sees them.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn stagewalk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stagewalk")).args(arguments).output().expect("the command runs")
}

fn json(arguments: &[&str], code: i32) -> Value {
    let ran = stagewalk(arguments);
    assert_eq!(ran.status.code(), Some(code), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

fn rows(report: &Value) -> Vec<(String, String, u64)> {
    let text = |row: &Value, field: &str| row[field].as_str().expect(field).to_string();
    let row = |row: &Value| (text(row, "outcome"), text(row, "verdict"), row["count"].as_u64().expect("count"));
    report["outcomes"].as_array().expect("outcomes").iter().map(row).collect()
}

#[test]
fn an_extra_outcome_is_marked_and_replays() {
    let report = json(&["explore", "swapped-out", "--json", "--fail-on-extra"], 1);
    assert_eq!((&report["schema"], &report["complete"]), (&"stagewalk.explore/1".into(), &true.into()));
    let verdicts: Vec<(String, String)> = rows(&report).into_iter().map(|(text, verdict, _)| (text, verdict)).collect();
    let pair = |text: &str, verdict: &str| (text.to_string(), verdict.to_string());
    let expected = [pair("PAR=ok/new_page", "allowed"), pair("PAR=ok/page", "allowed"), pair("PAR=ok/secret", "extra")];
    assert_eq!(verdicts, expected);
    for row in report["outcomes"].as_array().expect("outcomes") {
        let witness = row["witness"].as_str().expect("a witness");
        let first = stagewalk(&["replay", "swapped-out", witness, "--json"]);
        let again = stagewalk(&["replay", "swapped-out", witness, "--json"]);
        assert_eq!(first.stdout, again.stdout);
        let replay: Value = serde_json::from_slice(&first.stdout).expect("JSON");
        assert_eq!((&replay["over"], &replay["outcome"]), (&true.into(), &row["outcome"]));
    }
    let paused = json(&["explore", "swapped-out", "--policy", "pause-all", "--json", "--fail-on-extra"], 0);
    assert_eq!(rows(&paused).len(), 2);
}

#[test]
fn parts_joined_are_the_whole() {
    let scenario = ["explore", "two-walkers", "--no-reduce", "--json"];
    let whole = json(&scenario, 0);
    let mut files: Vec<PathBuf> = Vec::new();
    for part in 1..=3 {
        let shard = format!("{part}/3");
        let ran = stagewalk(&["explore", "two-walkers", "--no-reduce", "--shard", &shard]);
        assert_eq!(ran.status.code(), Some(0));
        let one: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        assert!(one["states"].as_u64() < whole["states"].as_u64(), "a part is the whole");
        let path = std::env::temp_dir().join(format!("stagewalk-{}-part-{part}.json", std::process::id()));
        std::fs::write(&path, ran.stdout).expect("a temporary file");
        files.push(path);
    }
    let names: Vec<&str> = files.iter().map(|path| path.to_str().expect("UTF-8")).collect();
    let merged = json(&[&["explore", "--json", "--merge"], &names[..]].concat(), 0);
    assert_eq!(rows(&merged), rows(&whole));
    assert_eq!((&merged["complete"], &merged["digest"]), (&true.into(), &whole["digest"]));
    let two = json(&[&["explore", "--json", "--merge"], &names[..2]].concat(), 5);
    assert_eq!((&two["complete"], &two["stopped"]), (&false.into(), &"parts".into()));
    assert_eq!(stagewalk(&["explore", "--merge", names[0], names[0]]).status.code(), Some(3));
    files.iter().for_each(|path| std::fs::remove_file(path).expect("the file was there"));
}

#[test]
fn a_limit_is_said() {
    let report = json(&["explore", "two-walkers", "--max-states", "20", "--json"], 5);
    assert_eq!((&report["complete"], &report["stopped"]), (&false.into(), &"states".into()));
    assert!(rows(&report).iter().all(|(_, verdict, _)| verdict != "extra"));
    let text = stagewalk(&["explore", "two-walkers", "--max-states", "20"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("Incomplete: the exploration ended early"));
    assert_eq!(json(&["explore", "two-walkers", "--max-memory", "0", "--no-reduce", "--json"], 5)["stopped"], "memory");
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let run = |seed: &str| stagewalk(&["explore", "two-walkers", "--seed", seed, "--runs", "200", "--json"]).stdout;
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("1"), run("2"));
    let report: Value = serde_json::from_slice(&run("1")).expect("JSON");
    assert_eq!(rows(&report).iter().map(|(_, _, count)| count).sum::<u64>(), 200);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refusal = |arguments: &[&str], code: i32, text: &str| {
        let ran = stagewalk(arguments);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(code) && said.contains(text), "{said}");
    };
    refusal(&["explore"], 2, "SCENARIO");
    refusal(&["explore", "no-such"], 2, "The built-in scenarios are: swapped-out");
    refusal(&["explore", "swapped-out", "--policy", "rase"], 2, "did you mean race?");
    refusal(&["explore", "swapped-out", "--shard", "4/3"], 2, "expected I/N");
    refusal(&["replay", "swapped-out", "0.x"], 3, "step 2: `x` is not a step");
    refusal(&["replay", "swapped-out", "0.0:9"], 3, "step 2: `0:9` cannot happen here; what can: 0, 1");
}

#[test]
fn a_run_is_told_in_words() {
    let ran = stagewalk(&["replay", "swapped-out", "0.0.0.0.0.0.0.0.0", "--policy", "race"]);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(text.contains("the host brings table back and maps it at stage 2\n"), "{text}");
    assert!(text.contains("→ writes s2_of_table = swapped_in, where 0 was\n"), "{text}");
    let next: Vec<&str> = text.lines().skip_while(|line| *line != "What can happen next:").skip(1).collect();
    assert_eq!(next.len(), 2, "{text}");
    assert!(next[0].starts_with("  0  guest: reads s2_root + 0x400, stage 2 L2"), "{text}");
    assert!(next[1].starts_with("  1  other: STR to_new_table, pa:root_entry: writes root_entry ="), "{text}");
    let none = json(&["replay", "swapped-out", "0.0.0", "--to", "0", "--json"], 0);
    assert_eq!(none["steps"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_run_tells_what_was_used_and_who_waits() {
    let torn = json(&["replay", "torn-walk", "1.1.1.0:1", "--policy", "hardware", "--json"], 0);
    let step = &torn["steps"][3];
    assert_eq!((&step["actor"], &step["instruction"]), (&"asker".into(), &"AT S1E1R, x".into()));
    assert_eq!(step["what"], "uses a TLB entry with R = to_first (now to_second)");
    assert_eq!(step["reads"], serde_json::json!(["R = to_first", "first = leaf_evil"]));
    assert_eq!(step["changes"], serde_json::json!(["PAR_EL1 = 0xff00000048002180, PA evil"]));
    let locked = stagewalk(&["replay", "swapped-out", "0.0.0.1.1.1", "--policy", "tlb-lock-epoch"]);
    let text = String::from_utf8_lossy(&locked.stdout).into_owned();
    assert!(text.ends_with("  other: its TLBIs wait for the walk of guest\n"), "{text}");
    let refused = stagewalk(&["replay", "swapped-out", "0.0.0.1.1.1.1", "--policy", "tlb-lock-epoch"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("step 7: `1` cannot happen here; what can: 0"));
}
