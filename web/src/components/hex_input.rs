//! A box for a number in hexadecimal, which takes effect as it is typed.

use crate::parse;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of the box.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the number is, for those who cannot see where it stands.
    pub label: AttrValue,
    /// The number.
    pub value: u128,
    /// How many bits fit.
    pub bits: u32,
    /// Called with every number typed.
    pub set: Callback<u128>,
    /// Called when the typing is over.
    pub settle: Callback<()>,
    /// The element's id.
    #[prop_or_default]
    pub id: Option<AttrValue>,
}

/// The box.
#[function_component]
pub fn HexInput(props: &Props) -> Html {
    // While it is typed in, the box shows what was typed and not how the number would be written.
    let draft = use_state(|| None::<String>);
    let text = draft.as_ref().map_or_else(|| format!("{:#x}", props.value), Clone::clone);
    let complaint = draft.as_ref().and_then(|text| parse::hex(text, props.bits).err());
    let oninput = {
        let (draft, set, bits) = (draft.clone(), props.set.clone(), props.bits);
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let text = input.value();
            if let Ok(value) = parse::hex(&text, bits) {
                set.emit(value);
            }
            draft.set(Some(text));
        })
    };
    let leave = {
        let (draft, settle) = (draft.clone(), props.settle.clone());
        move || {
            draft.set(None);
            settle.emit(());
        }
    };
    let onblur = {
        let leave = leave.clone();
        Callback::from(move |_: FocusEvent| leave())
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "Enter" | "Escape") {
            leave();
        }
        // Undo from inside the box is the playground's: the box goes back to showing the number as it is.
        let key = event.key().to_ascii_lowercase();
        if (event.ctrl_key() || event.meta_key()) && matches!(key.as_str(), "z" | "y") {
            leave();
        }
    });
    html! {
        <span class="hex-input">
            <input type="text" class="mono" spellcheck="false" autocomplete="off" autocapitalize="none"
                id={props.id.clone()} aria-label={props.label.clone()} value={text} {oninput} {onblur} {onkeydown}
                aria-invalid={complaint.is_some().then_some("true")} />
            if let Some(complaint) = complaint { <span class="error" role="status">{ "✗ " }{ complaint }</span> }
        </span>
    }
}
