//! The fields of a word, one to a row.

use super::hex;
use stagewalk::layout::FieldValue;
use stagewalk::view::words;
use yew::prelude::*;

/// Fields that hold address bits in their place.
const ADDRESSES: [&str; 4] = ["OA", "NextTable", "PA", "BADDR"];

/// Properties of the table.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the word is.
    pub label: AttrValue,
    /// Its fields.
    pub fields: Vec<FieldValue>,
    /// The names of fields linked to what is pointed at.
    #[prop_or_default]
    pub linked: Vec<&'static str>,
    /// Points at a field.
    #[prop_or_default]
    pub point: Callback<Option<&'static str>>,
}

/// The table. Reserved and ignored bits that are as they should be are left out.
#[function_component]
pub fn FieldTable(props: &Props) -> Html {
    let shown = props.fields.iter().filter(|held| !means_nothing(held) || !is_default(held));
    let row = |held: &FieldValue| {
        let name = held.field.name;
        let (enter, leave) = (props.point.clone(), props.point.clone());
        html! {
            <tr class={classes!(props.linked.contains(&name).then_some("linked"))}
                onpointerenter={Callback::from(move |_: PointerEvent| enter.emit(Some(name)))}
                onpointerleave={Callback::from(move |_: PointerEvent| leave.emit(None))}>
                <th scope="row" title={held.field.meaning}>{ name }<span class="range">{ range(held) }</span></th>
                <td class="mono">{ number(held) }</td>
                <td class="meaning">
                    // A named value speaks for itself; the field's meaning is then in its title.
                    if let Some(named) = held.named {
                        <span class="named">{ named }</span>
                    } else {
                        <span class="about">{ held.field.meaning }</span>
                    }
                </td>
            </tr>
        }
    };
    html! {
        <table class="fields" aria-label={props.label.clone()}>
            <thead class="spoken">
                <tr>{ for ["field", "value", "meaning"].map(|name| html! { <th scope="col">{ name }</th> }) }</tr>
            </thead>
            <tbody>{ for shown.map(row) }</tbody>
        </table>
    }
}

fn means_nothing(held: &FieldValue) -> bool {
    let name = held.field.name;
    held.field.is_reserved() || name.starts_with("PBHA") || matches!(name, "Ignored" | "Other" | "Software")
}

fn is_default(held: &FieldValue) -> bool {
    match held.field.name {
        "RES1" => held.value == words::ones(held.field.width()),
        _ => held.value == 0,
    }
}

/// `47:12`, or one bit's number.
#[must_use]
pub fn range(held: &FieldValue) -> String {
    let field = held.field;
    if field.high == field.low { field.high.to_string() } else { format!("{}:{}", field.high, field.low) }
}

/// A field's value: short ones in binary, as the manual writes them; a field of address bits as the address.
pub fn number(held: &FieldValue) -> Html {
    let width = held.field.width();
    if ADDRESSES.contains(&held.field.name) && held.field.high < 64 {
        return hex(u128::from(held.value) << held.field.low);
    }
    if width <= 4 {
        html! { { words::binary(held.value, width) } }
    } else {
        hex(held.value.into())
    }
}
