use super::*;
use alloc::vec::Vec;

/// Every layout that a register can have.
fn every_layout() -> Vec<&'static Layout> {
    let mut layouts: Vec<&'static Layout> = Vec::new();
    let classes = (0..64).flat_map(|class| [class << 26, class << 26 | 1 << 24]);
    let values: Vec<u128> = classes.chain([1, 1 << 64, 1 << 64 | 1]).collect();
    for &register in SysReg::ALL {
        for &value in &values {
            layouts.extend([register.layout(value, false), register.layout(value, true)]);
        }
        layouts.extend(register.layout_d128());
    }
    layouts.sort_by_key(|layout| core::ptr::from_ref::<Layout>(layout));
    layouts.dedup_by_key(|layout| core::ptr::from_ref::<Layout>(layout));
    layouts
}

#[test]
fn every_bit_has_exactly_one_meaning() {
    for layout in every_layout() {
        let mut next = i32::from(layout.width) - 1;
        for field in layout.fields {
            assert_eq!(i32::from(field.high), next, "{}.{}", layout.name, field.name);
            assert!(field.low <= field.high && field.width() <= 64, "{}.{}", layout.name, field.name);
            assert!(!field.meaning.is_empty(), "{}.{}", layout.name, field.name);
            next = i32::from(field.low) - 1;
        }
        assert_eq!(next, -1, "{}", layout.name);
    }
}

#[test]
fn names_and_values_are_unique_and_fit() {
    for layout in every_layout() {
        let named = || layout.fields.iter().filter(|field| !field.is_reserved());
        for field in named() {
            assert_eq!(layout.field(field.name), Some(*field), "{}.{} is there twice", layout.name, field.name);
            assert!(field.values.windows(2).all(|pair| pair[0].0 < pair[1].0), "{}.{}", layout.name, field.name);
            let fits = field.values.iter().all(|(value, _)| field.get128(field.set128(0, *value)) == *value);
            assert!(fits, "{}.{}", layout.name, field.name);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too many pairs of fields for an interpreter")]
fn setting_a_field_changes_it_alone() {
    for layout in every_layout() {
        let all = |word: u128| layout.decode(word);
        for (position, field) in layout.fields.iter().enumerate() {
            for (background, value) in [(0, u64::MAX), (u128::MAX, 0), (u128::MAX / 3, 1)] {
                let (before, after) = (all(background), all(field.set128(background, value)));
                for (other, (before, after)) in before.iter().zip(&after).enumerate() {
                    let expected = if other == position {
                        value & field.mask128().wrapping_shr(field.low.into()) as u64
                    } else {
                        before.value
                    };
                    assert_eq!(after.value, expected, "{}.{}", layout.name, field.name);
                }
                if layout.width == 64 {
                    let low = background as u64;
                    assert_eq!(u128::from(field.set(low, value)), field.set128(low.into(), value));
                    assert_eq!(field.get(low), field.get128(low.into()));
                }
            }
        }
    }
}

#[test]
fn registers_are_found_by_name_and_differ_in_encoding() {
    let mut encodings = Vec::new();
    for (position, &register) in SysReg::ALL.iter().enumerate() {
        assert_eq!(register as usize, position);
        assert_eq!(SysReg::from_name(register.name()), Some(register));
        assert_eq!(SysReg::from_name(&register.name().to_ascii_lowercase()), Some(register));
        assert!(!encodings.contains(&register.encoding()), "{}", register.name());
        encodings.push(register.encoding());
        let layout = register.layout(0, false);
        assert!(layout.width <= register.width());
        assert!(layout.name == register.name() || layout.name == "ESR_ELx", "{}", register.name());
    }
    assert_eq!(SysReg::from_name("TCR"), None);
    assert_eq!(SysReg::COUNT, SysReg::ALL.len());
}

#[test]
fn layouts_follow_the_context() {
    assert_eq!(SysReg::TcrEl2.layout(0, false).field("TBI"), Some(tcr_el2::TBI));
    assert_eq!(SysReg::TcrEl2.layout(0, true).field("TBI1"), Some(tcr_el2_e2h::TBI1));
    assert_eq!(SysReg::ParEl1.layout(0x80d, false).field("FST"), Some(par_el1_fault::FST));
    assert_eq!(SysReg::ParEl1.layout(1 << 64, false).field("PA"), Some(par_el1_success_d128::PA));
    assert_eq!(SysReg::EsrEl2.layout(0x24 << 26, false).field("DFSC"), Some(esr_data_abort::DFSC));
    assert_eq!(SysReg::EsrEl2.layout(0x18 << 26, false).field("CRm"), Some(esr_sysreg::CRm));
    assert_eq!(SysReg::Ttbr0El1.layout(1 << 80, false).field("SKL"), Some(ttbr0_el1_d128::SKL));
    assert_eq!(SysReg::Ttbr0El1.layout(1, false).field("SKL"), None);
}

#[test]
fn values_are_named() {
    let par = SysReg::ParEl1.layout(0x80d, false).decode(0x80d);
    let fault = par.iter().find(|value| value.field.name == "FST");
    assert_eq!(fault.and_then(|value| value.named), Some("Translation fault, level 2"));
    // TCR_EL1 of a 4KB Linux kernel with 48-bit addresses.
    let tcr = 0x0050_0074_b550_3510;
    assert_eq!(tcr_el1::T0SZ.get(tcr), 16);
    assert_eq!(tcr_el1::TG1.value_name(tcr_el1::TG1.get(tcr)), Some("4KB"));
    assert_eq!(tcr_el1::IPS.value_name(tcr_el1::IPS.get(tcr)), Some("44 bits, 16TB"));
}
