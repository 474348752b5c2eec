//! Every system register that takes part in translation: searchable, and editable as a number or bit by bit.

use super::bits::Bits;
use super::field_table::FieldTable;
use super::hex_input::HexInput;
use super::{Ctx, Panel};
use crate::state::Action;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::view::fields;
use std::collections::BTreeSet;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// A group of registers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Control,
    Stage1El1,
    Stage1El2,
    Stage1El3,
    Stage2,
    Indirection,
    Identification,
}

const GROUPS: [Group; 7] = [
    Group::Stage1El1,
    Group::Stage2,
    Group::Control,
    Group::Stage1El2,
    Group::Stage1El3,
    Group::Indirection,
    Group::Identification,
];

impl Group {
    const fn name(self) -> &'static str {
        match self {
            Self::Control => "Hypervisor and secure control",
            Self::Stage1El1 => "Stage 1, EL1&0",
            Self::Stage1El2 => "Stage 1, EL2",
            Self::Stage1El3 => "Stage 1, EL3",
            Self::Stage2 => "Stage 2",
            Self::Indirection => "Permission indirection and overlays",
            Self::Identification => "Identification",
        }
    }

    /// The group of a register; none for the registers that the instruction itself writes.
    fn of(register: SysReg) -> Option<Self> {
        let name = register.name();
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        Some(match name {
            _ if starts(&["PAR", "ESR", "FAR", "HPFAR", "PFAR", "MFAR"]) => return None,
            _ if starts(&["ID_"]) => Self::Identification,
            _ if starts(&["PIR", "POR", "S2P"]) => Self::Indirection,
            _ if starts(&["V"]) => Self::Stage2,
            _ if starts(&["SCR", "HCR", "HFG", "GPC", "GPT"]) => Self::Control,
            _ if name.ends_with("_EL1") => Self::Stage1El1,
            _ if name.ends_with("_EL2") => Self::Stage1El2,
            _ => Self::Stage1El3,
        })
    }
}

/// The registers panel.
#[function_component]
pub fn Registers(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let search = use_state(String::new);
    let open = use_state(BTreeSet::<SysReg>::new);
    let onsearch = {
        let search = search.clone();
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            search.set(input.value());
        })
    };
    let toggle = {
        let open = open.clone();
        Callback::from(move |register: SysReg| {
            let mut opened = (*open).clone();
            if !opened.remove(&register) {
                opened.insert(register);
            }
            open.set(opened);
        })
    };
    let row = |register: SysReg| {
        let (ctx, open, toggle) = (ctx.clone(), open.contains(&register), toggle.clone());
        html! { <RegisterRow key={register.name()} {ctx} {register} {open} {toggle} /> }
    };
    let wanted = search.trim().to_ascii_lowercase();
    let groups = GROUPS.iter().filter_map(|&group| {
        let members = SysReg::ALL.iter().copied().filter(|&register| Group::of(register) == Some(group));
        let members: Vec<_> = members.filter(|&register| matches(ctx, register, &wanted)).collect();
        let first = matches!(group, Group::Stage1El1 | Group::Stage2 | Group::Control) || !wanted.is_empty();
        (!members.is_empty()).then(|| {
            html! {
                <details class="group" open={first} key={group.name()}>
                    <summary>{ group.name() }{ edits(ctx, &members) }</summary>
                    <ul>{ for members.into_iter().map(row) }</ul>
                </details>
            }
        })
    });
    let groups: Vec<Html> = groups.collect();
    let pan = ctx.state.document.pan;
    html! {
        <section class="panel registers" aria-labelledby="registers-title">
            <div class="heading">
                <h2 id="registers-title">{ "Registers" }</h2>
                if !ctx.state.document.is_unedited() {
                    <button type="button" class="revert" onclick={ctx.on(|_: MouseEvent| Action::Reset)}>
                        { "Drop all edits" }
                    </button>
                }
            </div>
            <label class="search"><span class="spoken">{ "Search registers and fields" }</span>
                <input type="search" placeholder="Search registers and fields" value={(*search).clone()}
                    oninput={onsearch} />
            </label>
            <label class="check">
                <input type="checkbox" checked={pan} onchange={ctx.on(move |_: Event| Action::Pan(!pan))} />
                { "PSTATE.PAN" }
            </label>
            if groups.is_empty() {
                <p class="empty">{ format!("No register or field is called “{}”.", search.trim()) }</p>
            }
            { for groups }
        </section>
    }
}

/// How many of a group's registers are edited.
fn edits(ctx: &Ctx, members: &[SysReg]) -> Html {
    match members.iter().filter(|register| ctx.state.document.regs.contains_key(register)).count() {
        0 => Html::default(),
        count => html! { <span class="changed">{ format!("{count} edited") }</span> },
    }
}

fn matches(ctx: &Ctx, register: SysReg, wanted: &str) -> bool {
    if wanted.is_empty() || register.name().to_ascii_lowercase().contains(wanted) {
        return true;
    }
    let pe = &ctx.state.current.case.pe;
    let decoded = fields::register(pe, register, pe.regs.get128(register));
    decoded.fields.iter().any(|held| !held.field.is_reserved() && held.field.name.to_ascii_lowercase() == wanted)
}

#[derive(Clone, PartialEq, Properties)]
struct RowProps {
    ctx: Ctx,
    register: SysReg,
    open: bool,
    toggle: Callback<SysReg>,
}

/// A register: its number, and when opened its fields.
#[function_component]
fn RegisterRow(props: &RowProps) -> Html {
    let RowProps { ctx, register, open, toggle } = props;
    let (register, open) = (*register, *open);
    let pe = &ctx.state.current.case.pe;
    let value = pe.regs.get128(register);
    let edited = ctx.state.document.regs.contains_key(&register);
    let original = ctx.state.machine.pe.regs.get128(register);
    let onclick = {
        let toggle = toggle.clone();
        Callback::from(move |_: MouseEvent| toggle.emit(register))
    };
    let revert = ctx.on(move |_: MouseEvent| Action::Register(register, original));
    let id = format!("fields-{}", register.name());
    html! {
        <li class={classes!("register", edited.then_some("edited"))}>
            <div class="line">
                <button type="button" class="disclose" aria-expanded={open.to_string()} aria-controls={id.clone()}
                    title={register.meaning()} {onclick}>
                    <span class="arrow" aria-hidden="true" />{ register.name() }
                </button>
                <HexInput label={format!("{}, hexadecimal", register.name())} {value} bits={u32::from(register.width())}
                    set={ctx.on(move |value| Action::Register(register, value))} settle={ctx.on(|()| Action::Settle)} />
                if edited {
                    <button type="button" class="revert" onclick={revert}>
                        { format!("edited: back to {original:#x}") }
                    </button>
                }
            </div>
            <div {id}>if open { { opened(ctx, register, value) } }</div>
        </li>
    }
}

fn opened(ctx: &Ctx, register: SysReg, value: u128) -> Html {
    let decoded = fields::register(&ctx.state.current.case.pe, register, value);
    let act = ctx.act.clone();
    let flip = Callback::from(move |bit: u8| {
        act.emit(Action::Settle);
        act.emit(Action::Register(register, value ^ 1 << bit));
        act.emit(Action::Settle);
    });
    html! {
        <div class="opened">
            <p class="about">{ register.meaning() }</p>
            <Bits label={format!("{}, bits", register.name())} id={format!("bits-{}", register.name())} {value}
                width={decoded.width} fields={decoded.fields.clone()} {flip} linked={vec![]} point={Callback::noop()} />
            <FieldTable label={format!("{}, fields", register.name())} fields={decoded.fields} />
        </div>
    }
}
