//! A word as bits, grouped by field. Where it may be edited, every bit is a switch.

use crate::browser;
use stagewalk::layout::FieldValue;
use wasm_bindgen::JsCast as _;
use yew::prelude::*;

/// Properties of the bits.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the word is.
    pub label: AttrValue,
    /// A name for the elements, different from every other word's on the page.
    pub id: AttrValue,
    /// Its value.
    pub value: u128,
    /// 64 or 128.
    pub width: u8,
    /// Its fields, most significant first.
    pub fields: Vec<FieldValue>,
    /// Called with a bit to flip it; without it the bits cannot be edited.
    pub flip: Callback<u8>,
    /// The class of a field that is linked to what is pointed at.
    pub linked: Vec<&'static str>,
    /// Points at a field.
    pub point: Callback<Option<&'static str>>,
}

/// A part of a field within one byte.
struct Part<'a> {
    field: &'a FieldValue,
    high: u8,
    low: u8,
}

/// The bits, eight to a byte.
#[function_component]
pub fn Bits(props: &Props) -> Html {
    let focus = use_state_eq(|| props.width - 1);
    let bytes = (0..props.width / 8).rev();
    let onkeydown = {
        let (focus, width, id) = (focus.clone(), props.width, props.id.clone());
        Callback::from(move |event: KeyboardEvent| {
            let held = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let bit = held.and_then(|button| button.get_attribute("data-bit")?.parse::<u8>().ok());
            let Some(bit) = bit else { return };
            let to = match event.key().as_str() {
                "ArrowLeft" => bit.saturating_add(1),
                "ArrowRight" => bit.saturating_sub(1),
                "ArrowUp" => bit.saturating_add(16),
                "ArrowDown" => bit.saturating_sub(16),
                "Home" => width - 1,
                "End" => 0,
                _ => return,
            };
            event.prevent_default();
            let to = to.min(width - 1);
            focus.set(to);
            browser::focus(&format!("#{id} [data-bit='{to}']"));
        })
    };
    html! {
        <div class="bits" id={props.id.clone()} role="group" aria-label={props.label.clone()} data-keys="" {onkeydown}>
            { for bytes.map(|byte| byte_box(props, byte, *focus)) }
        </div>
    }
}

fn byte_box(props: &Props, byte: u8, focus: u8) -> Html {
    let (high, low) = (byte * 8 + 7, byte * 8);
    let parts = props.fields.iter().filter(|held| held.field.high >= low && held.field.low <= high);
    let parts = parts.map(|field| Part { field, high: field.field.high.min(high), low: field.field.low.max(low) });
    html! { <div class="byte">{ for parts.map(|part| part_box(props, &part, focus)) }</div> }
}

fn part_box(props: &Props, part: &Part, focus: u8) -> Html {
    let field = part.field.field;
    let name = field.name;
    let (enter, leave) = (props.point.clone(), props.point.clone());
    let class = classes!(
        "part",
        field.is_reserved().then_some("reserved"),
        props.linked.contains(&name).then_some("linked"),
        (part.high < field.high).then_some("more-left"),
        (part.low > field.low).then_some("more-right"),
    );
    html! {
        <div {class} style={format!("flex-grow: {}", part.high - part.low + 1)}
            onpointerenter={Callback::from(move |_: PointerEvent| enter.emit(Some(name)))}
            onpointerleave={Callback::from(move |_: PointerEvent| leave.emit(None))}>
            <div class="row">{ for (part.low..=part.high).rev().map(|bit| bit_button(props, name, bit, focus)) }</div>
            <span class="label" aria-hidden="true" title={name}>{ name }</span>
        </div>
    }
}

fn bit_button(props: &Props, name: &'static str, bit: u8, focus: u8) -> Html {
    let set = props.value >> bit & 1 == 1;
    let flip = props.flip.clone();
    let (enter, leave) = (props.point.clone(), props.point.clone());
    html! {
        <button type="button" class={classes!("bit", set.then_some("one"))} data-bit={bit.to_string()}
            tabindex={if bit == focus { "0" } else { "-1" }}
            aria-label={format!("bit {bit}, {name}: {}", u8::from(set))}
            title={format!("bit {bit}, {name}: click to flip")}
            onclick={Callback::from(move |_: MouseEvent| flip.emit(bit))}
            onfocus={Callback::from(move |_: FocusEvent| enter.emit(Some(name)))}
            onblur={Callback::from(move |_: FocusEvent| leave.emit(None))}>
            { if set { "1" } else { "0" } }
        </button>
    }
}
