//! Registers and descriptors, bit by bit, by the layout tables.

use crate::feature::Feature;
use crate::layout::descriptor::{self, Context, Kind};
use crate::layout::sysreg::{SysReg, hcr_el2};
use crate::layout::{FieldValue, decode};
use crate::params::{DescriptorType, S1Params, S2Params};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState, Stage};
use crate::step::{Event, Place, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A word and what each of its bits means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What it is: a register's name, or a descriptor's kind.
    pub title: String,
    /// The word.
    pub value: u128,
    /// 64 or 128.
    pub width: u8,
    /// Its fields, most significant first, covering every bit once.
    pub fields: Vec<FieldValue>,
}

/// A register's fields, as this processing element reads them.
#[must_use]
pub fn register(pe: &Pe, register: SysReg, value: u128) -> Decoded {
    let layout = register.layout(value, pe.has(Feature::Vhe) && hcr_el2::E2H.is_set(pe.hcr()));
    Decoded { title: register.name().into(), value, width: layout.width, fields: layout.decode(value) }
}

/// A descriptor's fields, in the stage and at the level it was read at.
#[must_use]
pub fn descriptor(pe: &Pe, steps: &[Step], place: Place, value: u128) -> Decoded {
    let context = context(pe, steps, place, value);
    let kind = match context.kind {
        Kind::Invalid => "Invalid descriptor",
        Kind::Table => "Table descriptor",
        Kind::Block => "Block descriptor",
        Kind::Page => "Page descriptor",
    };
    let stage = if context.stage2 { 2 } else { 1 };
    let title = format!("{kind}, stage {stage} {}", super::words::level(context.level));
    Decoded { title, value, width: context.width(), fields: decode(&descriptor::fields(&context), value) }
}

fn context(pe: &Pe, steps: &[Step], place: Place, value: u128) -> Context {
    let level = place.level.unwrap_or(3);
    let (regime, security, va) = translation(pe, steps);
    let space = security.pa_space();
    if place.stage == Some(Stage::S2) {
        let params = S2Params::new(pe, security, space);
        let geometry = params.geometry(params.start_level().unwrap_or(level));
        return Context {
            kind: kind(geometry.descriptor_type(value, level), level),
            stage2: true,
            unprivileged: true,
            granule_log2: params.granule.bits() as u8,
            level,
            ds: params.ds,
            lpa64k: pe.has(Feature::Lpa) && params.granule.bits() == 16,
            d128: params.d128,
            pie: params.s2pie(),
            poe: params.s2poe(),
            assured_only: params.assured_only(),
            haft: params.haft(),
            fwb: params.fwb(),
            mec: pe.has(Feature::Mec),
            space,
            ..Context::default()
        };
    }
    let params = S1Params::new(pe, regime, security, va);
    Context {
        kind: kind(params.geometry().descriptor_type(value, level), level),
        stage2: false,
        unprivileged: regime.has_unprivileged(),
        granule_log2: params.granule.bits() as u8,
        level,
        ds: params.ds,
        lpa64k: pe.has(Feature::Lpa) && params.granule.bits() == 16,
        d128: params.d128,
        pie: params.pie(),
        poe: params.poe() || params.e0poe(),
        aie: params.aie,
        pnch: params.pnch(),
        haft: params.haft(),
        el1: regime == Regime::El10,
        hpd: params.hpd(),
        nv1: params.nv1(),
        mec: pe.has(Feature::Mec),
        space,
        ..Context::default()
    }
}

/// The regime and address of the translation the steps are of.
fn translation(pe: &Pe, steps: &[Step]) -> (Regime, SecurityState, u64) {
    let (mut regime, mut security, mut input) = (Regime::El10, pe.security_state(pe.el), 0);
    for step in steps {
        match step.event {
            Event::Begin { va, .. } => input = va,
            Event::Regime { regime: chosen, security: state, .. } => (regime, security) = (chosen, state),
            _ => {}
        }
    }
    (regime, security, input)
}

const fn kind(of: DescriptorType, level: i8) -> Kind {
    match of {
        DescriptorType::Invalid => Kind::Invalid,
        DescriptorType::Table(_) => Kind::Table,
        DescriptorType::Leaf if level < 3 => Kind::Block,
        DescriptorType::Leaf => Kind::Page,
    }
}

/// Whether descriptors read at `place` are stored most significant byte first.
#[must_use]
pub fn is_big_endian(pe: &Pe, steps: &[Step], place: Place) -> bool {
    if place.stage == Some(Stage::S2) {
        let security = translation(pe, steps).1;
        return S2Params::new(pe, security, security.pa_space()).ee();
    }
    let (regime, security, va) = translation(pe, steps);
    S1Params::new(pe, regime, security, va).ee()
}
