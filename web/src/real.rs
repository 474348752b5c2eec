//! The real machine behind the server that this page is from, where it has one: what is asked, and what is known of it.

use stagewalk::scenario::Case;
use stagewalk::view::real::{Agreement, Beside};

/// What the address of the page calls the token.
const KEY: &str = "machine";
/// What the host takes at the most, in bytes.
const LARGEST: usize = 8 << 20;
/// A word of memory takes at least so many bytes of a question.
const WORD: usize = 12;

/// How it stands with the machine's answer to what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none yet.
    Asking,
    /// It is there.
    Told(Beside),
    /// No VM can ask this, and why.
    Unfit(String),
    /// It will not come, and why.
    None(String),
}

/// A standing in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// How it looks.
    pub class: &'static str,
    /// A sign for the eye.
    pub sign: &'static str,
    /// In a word or a few.
    pub word: &'static str,
    /// What there is to add.
    pub more: String,
}

impl Standing {
    /// In a line.
    #[must_use]
    pub fn badge(&self) -> Badge {
        let badge = |class, sign, word, more: &str| Badge { class, sign, word, more: more.into() };
        match self {
            Self::Asking => badge("asking", "…", "asking", ""),
            Self::Unfit(why) => badge("mute", "–", "cannot be asked", why),
            Self::None(why) => badge("mute", "?", "no answer", why),
            Self::Told(beside) => told(beside),
        }
    }
}

fn told(beside: &Beside) -> Badge {
    let other =
        (!beside.processor.is_empty()).then(|| format!("Its processor is another: {}.", beside.processor.join("; ")));
    let (class, sign, word, mut more) = match (beside.verdict, other.is_some()) {
        (Agreement::Equal, false) => ("equal", "✓", "equal", Vec::new()),
        (Agreement::Equal, true) => ("known", "≠", "equal to the model of its own processor", Vec::new()),
        (Agreement::Explained, _) => {
            let rows = beside.rows.iter().map(|known| format!("Row {}: {}", known.row, known.sentence));
            ("known", "≠", "differs as known", rows.collect())
        }
        (Agreement::Unexplained, _) => {
            ("unknown", "✗", "differs", vec!["Nothing that is known explains it.".to_owned()])
        }
    };
    more.extend(other);
    Badge { class, sign, word, more: more.join(" ") }
}

/// The question for the host.
///
/// # Errors
/// Why there is none.
pub fn question(case: &Case) -> Result<String, String> {
    let large = || "its memory is more than one question may hold".to_owned();
    if case.memory.words().count() > LARGEST / WORD {
        return Err(large());
    }
    let text = serde_json::to_string(case).map_err(|error| error.to_string())?;
    if text.len() > LARGEST { Err(large()) } else { Ok(text) }
}

/// Takes the token out of a fragment, and leaves the rest.
#[must_use]
pub fn split_token(fragment: &str) -> (Option<String>, String) {
    let pairs = fragment.trim_start_matches('#').split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (own, rest): (Vec<_>, Vec<_>) = pairs.filter(|(key, _)| !key.is_empty()).partition(|(key, _)| *key == KEY);
    let plain = |token: &&str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let token = own.last().map(|(_, token)| *token).filter(plain).map(Into::into);
    let rest: Vec<String> = rest
        .into_iter()
        .map(|(key, value)| if value.is_empty() { key.into() } else { format!("{key}={value}") })
        .collect();
    (token, rest.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagewalk::scenario::examples;
    use stagewalk::view::real::Known;

    fn beside(verdict: Agreement, rows: &[(u8, &str)], processor: &[&str]) -> Standing {
        let known = |&(row, sentence): &(u8, &str)| Known { row, sentence: sentence.into() };
        Standing::Told(Beside {
            kernel: "7.3.4".into(),
            level: "EL1".into(),
            verdict,
            rows: rows.iter().map(known).collect(),
            processor: processor.iter().map(|what| (*what).into()).collect(),
            headline: "PAR_EL1 = 0x1".into(),
            differences: Vec::new(),
            untold: Vec::new(),
        })
    }

    #[test]
    fn each_standing_has_its_words() {
        let said = |standing: Standing| {
            let Badge { word, more, .. } = standing.badge();
            format!("{word}: {more}")
        };
        assert_eq!(said(beside(Agreement::Equal, &[], &[])), "equal: ");
        let other = ["FEAT_X is not implemented"];
        let own = "equal to the model of its own processor: Its processor is another: FEAT_X is not implemented.";
        assert_eq!(said(beside(Agreement::Equal, &[], &other)), own);
        let rows = [(3, "SH."), (9, "Bit 11.")];
        assert_eq!(said(beside(Agreement::Explained, &rows, &[])), "differs as known: Row 3: SH. Row 9: Bit 11.");
        let both = "differs as known: Row 3: SH. Row 9: Bit 11. Its processor is another: FEAT_X is not implemented.";
        assert_eq!(said(beside(Agreement::Explained, &rows, &other)), both);
        assert_eq!(said(beside(Agreement::Unexplained, &[], &[])), "differs: Nothing that is known explains it.");
        assert_eq!(said(Standing::Unfit("no AT".into())), "cannot be asked: no AT");
    }

    #[test]
    fn the_token_leaves_the_fragment_and_the_rest_stays() {
        let token = |text: &str| split_token(text);
        assert_eq!(token("#machine=0aF"), (Some("0aF".into()), String::new()));
        assert_eq!(token("#machine=0&ex=page-4k&vcpus"), (Some("0".into()), "ex=page-4k&vcpus".into()));
        assert_eq!(token("#v=1&s=a-_=="), (None, "v=1&s=a-_==".into()));
        assert_eq!(token(""), (None, String::new()));
        assert_eq!(token("#machine=%3Cx"), (None, String::new()), "no token of a server");
        assert_eq!(token("#machine=&machine=7"), (Some("7".into()), String::new()));
    }

    #[test]
    fn a_question_is_the_case_and_can_be_read_again() {
        for example in examples::ALL {
            let case = example.case();
            let text = question(&case).expect(example.name);
            let read: Case = text.parse().expect(example.name);
            assert_eq!(read.run(), case.run(), "{}", example.name);
        }
        let mut large = examples::ALL[0].case();
        (0..=LARGEST as u64 / 12).for_each(|i| large.memory.write(8 * i, 1));
        assert!(question(&large).unwrap_err().contains("more than one question"));
    }
}
