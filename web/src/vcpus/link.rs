//! The vCPU screen in the URL fragment: `#vcpus=table-reuse&policy=race&trace=0.0.1&step=2&tour=3`, or packed.

use crate::link::codec;
use serde_json::{Map, Value, json};
use stagewalk::machine::Transition;
use stagewalk::machine::trace::Trace;

/// What a link says; what it leaves out is the story's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VcpusLink {
    /// The story.
    pub story: Option<String>,
    /// Who executes AT, and how.
    pub policy: Option<String>,
    /// The steps.
    pub trace: Vec<Transition>,
    /// How many of them have been taken; all, if it does not say.
    pub step: Option<usize>,
    /// The page of the tour, counting from 1.
    pub tour: Option<usize>,
}

impl VcpusLink {
    /// Writes the fragment, without its `#`.
    #[must_use]
    pub fn write(&self) -> String {
        let mut object = Map::new();
        object.insert("vcpus".into(), json!(self.story.clone().unwrap_or_default()));
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(key.into(), value);
            }
        };
        put("policy", self.policy.as_ref().map(|policy| json!(policy)));
        put("trace", (!self.trace.is_empty()).then(|| json!(Trace(self.trace.clone()).to_string())));
        put("step", self.step.map(|step| json!(step)));
        put("tour", self.tour.map(|tour| json!(tour)));
        codec::pack(object)
    }

    /// What keys and values say.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    pub fn of(pairs: &[(String, Value)]) -> Result<Self, String> {
        let mut link = Self::default();
        for (key, value) in pairs {
            let text = codec::plain(value);
            let number = || text.parse().map_err(|_| format!("{key}={text} is not a number"));
            match key.as_str() {
                "vcpus" => link.story = Some(text).filter(|name| !name.is_empty()),
                "policy" => link.policy = Some(text),
                "trace" => link.trace = text.parse::<Trace>().map_err(|error| format!("trace={text}: {error}"))?.0,
                "step" => link.step = Some(number()?),
                "tour" => link.tour = Some(if text.is_empty() { 1 } else { number()? }),
                _ => return Err(format!("it says “{key}”, which means nothing here")),
            }
        }
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_comes_back_whole() {
        let step = |actor, choice| Transition { actor, choice };
        let link = VcpusLink {
            story: Some("table-reuse".into()),
            policy: Some("race".into()),
            trace: vec![step(0, 0), step(1, 2), step(0, Transition::LEAVE)],
            step: Some(1),
            tour: Some(4),
        };
        let pairs = codec::unpack(&link.write()).unwrap().unwrap();
        assert_eq!(VcpusLink::of(&pairs), Ok(link));
    }

    #[test]
    fn bad_links_say_what_is_wrong() {
        let complaint = |text: &str| VcpusLink::of(&codec::unpack(text).unwrap().unwrap()).unwrap_err();
        assert!(complaint("#vcpus&trace=0.x").contains("`x`"));
        assert!(complaint("#vcpus&step=two").contains("not a number"));
    }
}
