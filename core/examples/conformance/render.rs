//! A page of headings, paragraphs and tables, as Markdown and as HTML.

/// A piece of text.
#[derive(Clone, Debug)]
pub enum Span {
    /// As it stands.
    Text(String),
    /// A name or number of the machine's.
    Code(String),
    /// A scenario, opened in the playground.
    Play(String),
}

/// A row of text.
pub type Spans = Vec<Span>;

/// A piece of the page.
pub enum Block {
    /// A heading of this level.
    Heading(usize, String),
    /// A paragraph.
    Paragraph(Spans),
    /// A table: its head, and its rows.
    Table(Vec<&'static str>, Vec<Vec<Spans>>),
}

/// Plain text.
pub fn text(text: impl Into<String>) -> Spans {
    vec![Span::Text(text.into())]
}

/// A name or number of the machine's.
pub fn code(text: impl Into<String>) -> Spans {
    vec![Span::Code(text.into())]
}

/// Where `cargo xtask play` serves the playground.
const SERVED: &str = "http://127.0.0.1:8080/";

/// The page as Markdown.
pub fn markdown(blocks: &[Block]) -> String {
    let line = |spans: &Spans| spans.iter().map(markdown_span).collect::<String>();
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let block = |block: &Block| match block {
        Block::Heading(level, text) => format!("{} {text}\n", "#".repeat(*level)),
        Block::Paragraph(spans) => line(spans) + "\n",
        Block::Table(head, rows) => {
            let mut table = row(head.iter().map(|&cell| cell.into()).collect());
            table += &row(vec!["---".into(); head.len()]);
            table.extend(rows.iter().map(|cells| row(cells.iter().map(line).collect())));
            table
        }
    };
    blocks.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn markdown_span(span: &Span) -> String {
    match span {
        Span::Text(text) => text.replace('|', "\\|"),
        Span::Code(code) => format!("`{code}`"),
        Span::Play(name) => format!("[{}]({SERVED}#ex={name})", short(name)),
    }
}

/// A scenario's name without its folder.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The page as HTML, to lie in `static/` beside the playground.
pub fn html(blocks: &[Block]) -> String {
    let line = |spans: &Spans| spans.iter().map(html_span).collect::<String>();
    let row = |cells: Vec<String>| format!("<tr>{}</tr>\n", cells.concat());
    let block = |block: &Block| match block {
        Block::Heading(level, text) => format!("<h{level}>{}</h{level}>\n", escape(text)),
        Block::Paragraph(spans) => format!("<p>{}</p>\n", line(spans)),
        Block::Table(head, rows) => {
            let head = row(head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect());
            let cells = |cells: &Vec<Spans>| row(cells.iter().map(|cell| format!("<td>{}</td>", line(cell))).collect());
            let rows: String = rows.iter().map(cells).collect();
            let table = format!("<table>\n<thead>\n{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>");
            format!("<div class=\"scroll\" tabindex=\"0\">\n{table}\n</div>\n")
        }
    };
    let body: String = blocks.iter().map(block).collect();
    format!("{HEAD}<main>\n<p><a href=\"../\">Back to the playground</a></p>\n{body}</main>\n</body>\n</html>\n")
}

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>stagewalk: conformance</title>
<link rel="icon" href="favicon.svg">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886; }
code { font-size: .9em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
</style>
</head>
<body>
"#;

fn html_span(span: &Span) -> String {
    match span {
        Span::Text(text) => escape(text),
        Span::Code(code) => format!("<code>{}</code>", escape(code)),
        Span::Play(name) => format!("<a href=\"../#ex={0}\">{1}</a>", escape(name), escape(short(name))),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
