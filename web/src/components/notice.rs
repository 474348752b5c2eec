//! What there is to tell, until it is dismissed.

use super::spoken;
use crate::state::Notice;
use yew::prelude::*;

/// Properties of the bar.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What there is to tell.
    pub notice: Option<Notice>,
    /// Dismisses it.
    pub dismiss: Callback<MouseEvent>,
}

/// The bar.
#[function_component]
pub fn NoticeBar(props: &Props) -> Html {
    let shown = props.notice.clone().map(|notice| {
        let (class, mark) = if notice.bad { ("notice bad", "✗ ") } else { ("notice", "") };
        html! {
            <div {class}>
                <p>{ mark }{ notice.text }</p>
                <button type="button" class="quiet" onclick={props.dismiss.clone()}>
                    { "×" }{ spoken("Dismiss") }
                </button>
            </div>
        }
    });
    html! { <div class="notices" role="status">{ shown }</div> }
}
