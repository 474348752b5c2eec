//! What was counted on the machine, beside what is committed: `tests/kvm/linux-VERSION.jsonl`, of which the conformance
//! page is made.

use std::fs;

use super::emulator::Ended;
use super::packages::Bed;
use crate::project::Project;

/// Holds the counts of a complete run to those that are committed, or replaces them.
pub fn hold(project: &Project, bed: &Bed, ended: &[Ended], write: bool) -> Result<(), String> {
    let (_, linux) = bed.kernel()?;
    let text = text(&linux, &bed.qemu_version()?, ended);
    let version = linux.split('+').next().unwrap_or(&linux);
    let path = project.root.join("tests/kvm").join(format!("linux-{version}.jsonl"));
    if write {
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &text));
        written.map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        println!("\n{}\nnow make the page of it: cargo xtask conformance", path.display());
        return Ok(());
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let changed = changes(&committed, &text);
    if changed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the machine answers otherwise than {} says:\n{changed}  \
         if that is as it should be: cargo xtask test-kvm --write",
        path.display()
    ))
}

fn text(linux: &str, qemu: &str, ended: &[Ended]) -> String {
    let first = format!("{{\"schema\":\"stagewalk.kvm.bed/1\",\"linux\":\"{linux}\",\"qemu\":\"{qemu}\"}}");
    let mut counts: Vec<String> = ended.iter().flat_map(Ended::counts).map(str::to_owned).collect();
    counts.sort();
    [first].into_iter().chain(counts).map(|line| line + "\n").collect()
}

/// The lines that are in one of them alone.
fn changes(committed: &str, now: &str) -> String {
    let alone = |one: &str, other: &str, mark: char| -> String {
        let lines = one.lines().filter(|line| !other.lines().any(|other| other == *line));
        lines.map(|line| format!("{mark} {line}\n")).collect()
    };
    alone(committed, now, '-') + &alone(now, committed, '+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_run_that_counts_otherwise_is_told_by_line() {
        let said = "{\"schema\":\"stagewalk.kvm.diff/1\",\"asked\":3}\nsomething else\n".to_owned();
        let ended = Ended { command: "kvm diff".into(), code: 0, said, time: Duration::ZERO };
        let now = text("7.3.4+x", "11.1.3", &[ended]);
        assert_eq!(now.lines().count(), 2);
        assert_eq!(changes(&now, &now), "");
        let before = now.replace(":3}", ":2}");
        assert_eq!(
            changes(&before, &now),
            "- {\"schema\":\"stagewalk.kvm.diff/1\",\"asked\":2}\n+ {\"schema\":\"stagewalk.kvm.diff/1\",\"asked\":3}\n"
        );
    }
}
