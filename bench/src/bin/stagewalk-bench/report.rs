//! What was measured, as JSON, as a table for people, and as a table for the documentation.

use crate::measure::Measured;
use stagewalk_bench::works::{Bar, WORKS};
use std::fmt::Write;

/// One JSON object: each work of the report with its numbers, wasm's being that of the slower host.
pub fn json(results: &[Measured]) -> String {
    let reported = results.iter().filter(|result| WORKS.iter().any(|work| work.name == result.work.name));
    let lines = reported.map(|result| {
        let wasm = result.wasm_ratios().into_iter().reduce(f64::max);
        let wasm = wasm.map_or("null".to_owned(), |ratio| format!("{ratio:.3}"));
        let Measured { work, .. } = result;
        let (ns, floor_ns, ratio) = (result.ns(), result.floor_ns(), result.ratio());
        format!(
            "  \"{}\": {{\"ns\": {ns:.3}, \"floor_ns\": {floor_ns:.3}, \"ratio\": {ratio:.3}, \"wasm_ratio\": {wasm}}}",
            work.name
        )
    });
    format!("{{\n{}\n}}", lines.collect::<Vec<_>>().join(",\n"))
}

/// The columns: work, its nanoseconds, its reference's, their ratio, the bar and whether it is met; then for each of
/// the other hosts the ratio to native, and the bar for them.
fn cells(results: &[Measured], hosts: &[&str]) -> Vec<Vec<String>> {
    let mut header = ["work", "ns", "reference ns", "ratio", "bar", "met"].map(str::to_owned).to_vec();
    header.extend(hosts.iter().map(|host| format!("in {host}")));
    if !hosts.is_empty() {
        header.extend(["bar", "met"].map(str::to_owned));
    }
    let mut rows = vec![header];
    for result in results {
        let (bar, met) = match result.work.bar {
            None => Default::default(),
            Some(Bar::Ratio(most)) => (format!("≤ {most}"), yes(result.ratio() <= most)),
            Some(Bar::Ns(most)) => (format!("≤ {most} ns"), yes(result.ns() <= most)),
        };
        let mut row = vec![result.work.name.to_owned(), number(result.ns()), number(result.floor_ns())];
        row.extend([format!("{:.2}", result.ratio()), bar, met]);
        let wasm = result.wasm_ratios();
        row.extend(wasm.iter().map(|ratio| format!("{ratio:.2}")));
        if !wasm.is_empty() {
            let bar = result.work.wasm_bar;
            row.push(bar.map_or(String::new(), |most| format!("≤ {most}")));
            row.push(bar.map_or(String::new(), |most| yes(wasm.iter().all(|ratio| *ratio <= most))));
        }
        rows.push(row);
    }
    rows
}

fn number(ns: f64) -> String {
    if ns < 10.0 { format!("{ns:.2}") } else { format!("{ns:.1}") }
}

fn yes(met: bool) -> String {
    if met { "yes" } else { "**no**" }.to_owned()
}

/// The table for people.
pub fn table(results: &[Measured], hosts: &[&str]) -> String {
    let rows: Vec<Vec<String>> = cells(results, hosts);
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padded = if i == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            text += &padded.replace("**no**", "    NO");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The table for the documentation.
pub fn markdown(results: &[Measured], hosts: &[&str]) -> String {
    let rows = cells(results, hosts);
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let name = if i == 0 { row[0].clone() } else { format!("`{}`", row[0]) };
        let _ = writeln!(text, "| {name} | {} |", row[1..].join(" | "));
        if i == 0 {
            let _ = writeln!(text, "| --- {}|", "| ---: ".repeat(row.len() - 1));
        }
    }
    text
}

/// Instructions per translation, as a table for the documentation.
pub fn instructions(counts: &Result<Vec<(&'static str, f64)>, String>) -> String {
    match counts {
        Err(reason) => format!("Instructions per translation were not counted: {reason}.\n"),
        Ok(counts) => {
            let rows = counts.iter().map(|(name, count)| format!("| {name} | {count:.1} |\n"));
            format!("| walk | instructions |\n| --- | ---: |\n{}", rows.collect::<String>())
        }
    }
}

/// `document` with what stands between two markers replaced.
pub fn insert(document: &str, new: &str) -> Option<String> {
    const BEGIN: &str = "<!-- measured -->\n";
    const END: &str = "<!-- /measured -->";
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{new}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Round;

    fn results() -> Vec<Measured> {
        let mut results = [&WORKS[0], &WORKS[10]].map(Measured::new);
        let rounds = |floor, work| vec![Round { floor, work }];
        results[0].hosts = vec![rounds(10.0, 13.0), rounds(10.0, 26.0), rounds(10.0, 14.3)];
        results[1].hosts = vec![rounds(5000.0, 12_000.0)];
        results.into()
    }

    #[test]
    fn json_has_the_slower_wasm() {
        let json: serde_json::Value = serde_json::from_str(&json(&results())).unwrap();
        assert_eq!(json["s1_lat"], serde_json::json!({"ns": 13.0, "floor_ns": 10.0, "ratio": 1.3, "wasm_ratio": 2.0}));
        assert_eq!(json["batch_base"]["wasm_ratio"], serde_json::Value::Null);
    }

    #[test]
    fn tables_say_which_bars_are_met() {
        let (first, last) = (&results()[..1], &results()[1..]);
        let text = table(first, &["Node.js", "Chromium"]);
        assert!(
            text.ends_with("13.0          10.0   1.30  ≤ 1.35  yes        2.00         1.10  ≤ 1.35      NO\n"),
            "{text}"
        );
        assert!(markdown(last, &[]).ends_with("| `batch_base` | 12000.0 | 5000.0 | 2.40 | ≤ 10000 ns | **no** |\n"));
    }

    #[test]
    fn the_document_around_the_table_stays() {
        let document = "a\n<!-- measured -->\nold\n<!-- /measured -->\nb\n";
        assert_eq!(insert(document, "new").unwrap(), "a\n<!-- measured -->\n\nnew\n<!-- /measured -->\nb\n");
        assert_eq!(insert("a", "new"), None);
    }
}
