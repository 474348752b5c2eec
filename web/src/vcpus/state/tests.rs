use super::*;

#[test]
#[ignore]
fn show() {
    let text = std::env::var("SHOW").unwrap();
    for line in text.split(';') {
        let words: Vec<&str> = line.split_whitespace().collect();
        let trace: Trace = words.get(2).unwrap_or(&"").parse().unwrap();
        let run = Run::new(Story::find(words[0]).unwrap(), policies::find(words[1]), &trace.0).unwrap();
        println!("== {line} refused {:?}", run.replay.refused);
        for (n, m) in run.replay.moments.iter().enumerate() {
            println!("{:2} {:6} {:7} {}", n + 1, run.replay.subject.actor(m.by.actor.into()), m.label, m.text);
        }
        for o in &run.replay.positions.last().unwrap().offers {
            println!("   can {:?} {} {}", (o.by.actor, o.by.choice), o.label, o.text);
        }
        for l in &run.replay.positions.last().unwrap().lanes {
            println!("   {l:?}");
        }
        let mut job = super::super::exploration::Job::new(words[0], words[1]).unwrap();
        let report = loop {
            if let Ok(r) = job.run(10000) {
                break r;
            }
        };
        for row in report.rows {
            println!("  {} {} {} {}", row.allowed, row.text, row.states, Trace(row.trace));
        }
        println!("  missing {:?} {}", report.missing, report.states);
    }
}
