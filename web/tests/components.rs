//! The components in a real browser, each by itself or all of them as the page has them.

#![cfg(target_arch = "wasm32")]

use gloo::utils::document;
use stagewalk::layout::sysreg::SysReg;
use stagewalk_web::components::app::App;
use stagewalk_web::components::bits::{Bits, Props as BitsProps};
use stagewalk_web::components::hex_input::{HexInput, Props as HexProps};
use stagewalk_web::components::vcpus::lanes::Lanes;
use stagewalk_web::components::vcpus::offers::Offers;
use stagewalk_web::components::vcpus::{Ctx as VcpusCtx, Panel as VcpusPanel};
use stagewalk_web::vcpus::state::{Action as VcpusAction, State as VcpusState};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, Event, EventInit, HtmlElement, HtmlInputElement, KeyboardEvent, KeyboardEventInit};
use yew::platform::time::sleep;
use yew::{AttrValue, BaseComponent, Callback};

wasm_bindgen_test_configure!(run_in_browser);

/// A place on the page, gone when the test is over.
struct Stage(Element);

impl Stage {
    fn new() -> Self {
        let place = document().create_element("div").expect("an element");
        document().body().expect("a body").append_child(&place).expect("a place");
        Self(place)
    }

    async fn show<C: BaseComponent>(props: C::Properties) -> Self {
        let stage = Self::new();
        yew::Renderer::<C>::with_root_and_props(stage.0.clone(), props).render();
        rest().await;
        stage
    }

    fn find<T: wasm_bindgen::JsCast>(&self, selector: &str) -> T {
        let found = self.0.query_selector(selector).expect("a selector").unwrap_or_else(|| panic!("no {selector}"));
        found.dyn_into().unwrap_or_else(|_| panic!("{selector} is something else"))
    }

    fn text(&self, selector: &str) -> String {
        self.find::<HtmlElement>(selector).text_content().unwrap_or_default()
    }

    async fn click(&self, selector: &str) {
        self.find::<HtmlElement>(selector).click();
        rest().await;
    }

    async fn type_in(&self, selector: &str, text: &str) {
        let input: HtmlInputElement = self.find(selector);
        input.set_value(text);
        let init = EventInit::new();
        init.set_bubbles(true);
        input.dispatch_event(&Event::new_with_event_init_dict("input", &init).expect("an event")).expect("dispatched");
        rest().await;
    }

    async fn press(&self, selector: &str, key: &str) {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).expect("an event");
        self.find::<HtmlElement>(selector).dispatch_event(&event).expect("dispatched");
        rest().await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// Lets the page draw itself.
async fn rest() {
    sleep(Duration::from_millis(20)).await;
}

#[wasm_bindgen_test]
async fn a_number_takes_effect_while_it_is_typed_and_nonsense_does_not() {
    let typed = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&typed);
    let props = HexProps {
        label: AttrValue::from("number"),
        value: 0x10,
        bits: 64,
        set: Callback::from(move |value| kept.borrow_mut().push(value)),
        settle: Callback::noop(),
        id: None,
    };
    let stage = Stage::show::<HexInput>(props).await;
    assert_eq!(stage.find::<HtmlInputElement>("input").value(), "0x10");
    stage.type_in("input", "0x_ab cd").await;
    stage.type_in("input", "0xyz").await;
    assert!(stage.text(".error").contains("“y”"));
    stage.type_in("input", "1_0000_0000_0000_0000").await;
    assert!(stage.text(".error").contains("64 bits"));
    assert_eq!(*typed.borrow(), [0xabcd]);
    stage.press("input", "Enter").await;
    assert_eq!(stage.find::<HtmlInputElement>("input").value(), "0x10", "the value is its owner's to change");
}

#[wasm_bindgen_test]
async fn every_bit_is_a_switch_with_the_name_of_its_field() {
    let flipped = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&flipped);
    let value = 0x3510;
    let layout = SysReg::TcrEl1.layout(value, false);
    let props = BitsProps {
        label: AttrValue::from("TCR_EL1"),
        id: AttrValue::from("tcr"),
        value,
        width: layout.width,
        fields: layout.decode(value),
        flip: Callback::from(move |bit| kept.borrow_mut().push(bit)),
        linked: vec!["EPD0"],
        point: Callback::noop(),
    };
    let stage = Stage::show::<Bits>(props).await;
    let bits = stage.0.query_selector_all(".bit").expect("bits").length();
    assert_eq!(bits, 64);
    assert_eq!(stage.0.query_selector_all("[tabindex='0']").expect("bits").length(), 1);
    let label = |bit: u32| stage.find::<Element>(&format!("[data-bit='{bit}']")).get_attribute("aria-label");
    assert_eq!(label(7).as_deref(), Some("bit 7, EPD0: 0"));
    assert_eq!(label(4).as_deref(), Some("bit 4, T0SZ: 1"));
    assert_eq!(stage.text(".part.linked .label"), "EPD0");
    stage.click("[data-bit='7']").await;
    assert_eq!(*flipped.borrow(), [7]);
    stage.press("[data-bit='63']", "End").await;
    let home = stage.find::<Element>("[tabindex='0']").get_attribute("data-bit");
    assert_eq!(home.as_deref(), Some("0"), "arrows, Home and End move the one bit that Tab reaches");
}

#[wasm_bindgen_test]
async fn the_page_opens_on_the_story_and_follows_what_is_done() {
    let stage = Stage::show::<App>(()).await;
    assert!(stage.text(".result").contains("Translation fault, level 3, at stage 2 on the stage 1 walk"));
    assert_eq!(stage.text("[data-register=PAR_EL1] .hex"), "0xb0f");
    assert_eq!(stage.text(".walk .count"), "14 reads");
    stage.type_in("#va", "nonsense").await;
    assert!(stage.text("#va-error").contains("“n”"));
    assert_eq!(stage.text("[data-register=PAR_EL1] .hex"), "0xb0f");
    stage.type_in("#va", "0x40080123").await;
    stage.click(".stepper button:first-of-type").await;
    assert!(stage.text("#now").starts_with("Step 1 of 17"));
    stage.press(".stepper", "ArrowRight").await;
    assert!(stage.text("#now").starts_with("Step 2 of 17"));
    stage.type_in("[aria-label='Word at 0x88003010, hexadecimal']", "0x8410027ff").await;
    assert_eq!(stage.text("[data-register=PAR_EL1] .hex"), "0xff00000048000980");
    stage.click(".tools button:first-of-type").await;
    assert_eq!(stage.text("[data-register=PAR_EL1] .hex"), "0xb0f");
}

/// The vCPU screen's state after some actions, and what acts on it: nothing, but it is remembered.
fn vcpus(actions: &[VcpusAction]) -> (Rc<VcpusState>, Acted, Callback<VcpusAction>) {
    let state = actions.iter().cloned().fold(VcpusState::open_with(None), VcpusState::reduce);
    let acted = Acted::default();
    let kept = Rc::clone(&acted);
    let act = Callback::from(move |action: VcpusAction| kept.borrow_mut().push(format!("{action:?}")));
    (Rc::new(state), acted, act)
}

type Acted = Rc<RefCell<Vec<String>>>;

#[wasm_bindgen_test]
async fn lanes_show_who_does_what_and_what_can_be_done() {
    let (state, acted, act) = vcpus(&[VcpusAction::Policy("pause-all".into()), VcpusAction::Step, VcpusAction::Step]);
    let state = Rc::new(VcpusState::clone(&state).reduce(VcpusAction::Step));
    let stage = Stage::show::<Lanes>(VcpusPanel { ctx: VcpusCtx { state, act } }).await;
    assert_eq!(stage.text(".lane-1 th .note"), "running, asked to pause");
    assert_eq!(stage.0.query_selector_all(".lane-0 .tick[data-position]").expect("ticks").length(), 3);
    assert!(stage.text(".lane-0 td.next").contains("waits for other to leave the guest"));
    stage.click(".lane-1 td.next .leave").await;
    stage.click(".lane-0 [data-position='2']").await;
    stage.press(".lane-0 [data-position='3']", "Home").await;
    let acted = acted.borrow();
    assert!(acted[0].starts_with("Take(Transition { actor: 1, choice: 65535"), "{}", acted[0]);
    assert_eq!(acted[1..], ["To(2)", "To(0)"]);
}

#[wasm_bindgen_test]
async fn steps_that_can_be_taken_are_a_list_with_one_place_in_the_tab_order() {
    let (state, acted, act) = vcpus(&[VcpusAction::Step]);
    let stage = Stage::show::<Offers>(VcpusPanel { ctx: VcpusCtx { state, act } }).await;
    assert_eq!(stage.0.query_selector_all(".offer").expect("offers").length(), 2);
    assert_eq!(stage.0.query_selector_all("[tabindex='0']").expect("offers").length(), 1);
    assert!(stage.text(".default").contains("executed by the hypervisor at EL2: Translation fault"));
    stage.press(".default", "ArrowDown").await;
    let focused = document().active_element().expect("focus");
    assert_eq!(focused.get_attribute("data-step").as_deref(), Some("1.0"));
    stage.click("[data-step='1.0']").await;
    assert_eq!(*acted.borrow(), ["Take(Transition { actor: 1, choice: 0 })"]);
}
