//! A real machine's answer beside the model's, as plain data: the host makes it, and the playground shows it.

#[cfg(feature = "kvm")]
mod compare;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What this form of answer is called.
pub const SCHEMA: &str = "stagewalk.machine/1";

/// How the machine's answer compares with the model's for the machine's own processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// They are the same, bits that the architecture leaves open aside.
    Equal,
    /// They differ as is known.
    Explained,
    /// They differ otherwise.
    Unexplained,
}

/// A known difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its row in the table of differences.
    pub row: u8,
    /// What it is, in a sentence.
    pub sentence: String,
}

/// Something that the machine's answer says otherwise than the answer shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlike {
    /// Which register it is in; `memory` for a descriptor.
    pub register: String,
    /// The field; for a descriptor its address.
    pub field: String,
    /// What the answer shown has there, if anything.
    pub shown: Option<String>,
    /// What the machine's has.
    pub machine: Option<String>,
}

/// The machine's answer beside the one shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// The kernel of the host.
    pub kernel: String,
    /// As what the machine's code ran.
    pub level: String,
    /// How it compares.
    pub verdict: Agreement,
    /// The known differences that explain it.
    #[serde(default)]
    pub rows: Vec<Known>,
    /// In what the machine's processor is another, where by the model that changes the answer.
    #[serde(default)]
    pub processor: Vec<String>,
    /// The machine's answer in a line.
    pub headline: String,
    /// What is different from the answer shown.
    #[serde(default)]
    pub differences: Vec<Unlike>,
    /// What hardware does not tell, by the names that `batch` gives it.
    #[serde(default, skip_serializing)]
    pub untold: Vec<String>,
}

/// What the machine has to say of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Beside(Beside),
    /// No VM can ask it, and why.
    Unfit(String),
}

impl Reply {
    /// Reads what the host sent.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
            status: String,
            #[serde(default)]
            reason: String,
        }
        let broken = |error: serde_json::Error| format!("its answer cannot be read: {error}");
        let head: Head = serde_json::from_slice(text).map_err(broken)?;
        if head.schema != SCHEMA {
            return Err(format!("it answers in the form {}, and this page reads {SCHEMA}", head.schema));
        }
        if head.status == "unfit" {
            return Ok(Self::Unfit(head.reason));
        }
        serde_json::from_slice(text).map(Self::Beside).map_err(broken)
    }
}

impl Beside {
    /// What hardware does not tell, in words.
    #[must_use]
    pub fn untold_words(&self) -> String {
        let words = |name: &str| match name {
            "par_ignore" => "which bits are UNKNOWN".to_string(),
            "fault" => "the fault's own record".into(),
            "output" => "the output beyond PAR_EL1".into(),
            "reads" => "how many descriptors it read".into(),
            other => other.into(),
        };
        let words: Vec<String> = self.untold.iter().map(|name| words(name)).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = r#"{"schema": "stagewalk.machine/1", "id": "x", "status": "ok", "par": "0x80b", "untold":
        ["fault", "reads"], "kernel": "7.3.4", "level": "EL1", "verdict": "explained", "rows": [{"row": 3, "sentence":
        "So."}], "headline": "PAR_EL1 = 0x80b", "differences": [{"register": "PAR_EL1", "field": "SH", "shown": "0b10",
        "machine": null}]}"#;

    #[test]
    fn an_answer_is_read_and_what_no_vm_can_ask_too() {
        let Ok(Reply::Beside(beside)) = Reply::read(TOLD.as_bytes()) else {
            panic!("{:?}", Reply::read(TOLD.as_bytes()))
        };
        assert_eq!((beside.verdict, beside.rows[0].row, beside.processor.len()), (Agreement::Explained, 3, 0));
        assert_eq!(beside.differences[0].shown.as_deref(), Some("0b10"));
        assert_eq!(beside.untold_words(), "the fault's own record, how many descriptors it read");
        let unfit = r#"{"schema": "stagewalk.machine/1", "id": "x", "status": "unfit", "reason": "no AT"}"#;
        assert_eq!(Reply::read(unfit.as_bytes()), Ok(Reply::Unfit("no AT".into())));
    }

    #[test]
    fn another_form_and_nonsense_are_refused_with_the_reason() {
        let other = TOLD.replace("machine/1", "machine/2");
        assert!(Reply::read(other.as_bytes()).unwrap_err().contains("stagewalk.machine/2"));
        let short = TOLD.replace("\"kernel\": \"7.3.4\",", "");
        assert!(Reply::read(short.as_bytes()).unwrap_err().contains("`kernel`"));
        assert!(Reply::read(b"<html>").unwrap_err().starts_with("its answer cannot be read"));
    }
}
