use super::*;

/// Calls `check` for every combination that the architecture has.
fn every_context(mut check: impl FnMut(&Context)) {
    // (unprivileged, el1, nv1): EL2 or EL3, EL2&0, EL1&0, EL1&0 with NV1.
    let regimes = [(false, false, false), (true, false, false), (true, true, false), (true, true, true)];
    for (granule_log2, first_block, first) in [(12, 0, -2), (14, 1, -1), (16, 1, 0)] {
        for (level, kind) in kinds(first_block, first) {
            for space in [PaSpace::Secure, PaSpace::NonSecure, PaSpace::Root, PaSpace::Realm] {
                for (unprivileged, el1, nv1) in regimes {
                    for flags in 0u32..1 << 10 {
                        let flag = |n: u32| flags >> n & 1 == 1;
                        let stage2 = flag(0);
                        check(&Context {
                            kind,
                            stage2,
                            el1,
                            unprivileged,
                            granule_log2,
                            level,
                            ds: flag(1) && granule_log2 != 16,
                            lpa64k: flag(1) && granule_log2 == 16,
                            pie: flag(2),
                            poe: flag(3),
                            aie: flag(4) && !stage2,
                            fwb: flag(4) && stage2,
                            pnch: flag(5) && !stage2,
                            assured_only: flag(5) && stage2,
                            haft: flag(6),
                            hpd: flag(7),
                            nv1,
                            mec: flag(8),
                            d128: flag(9),
                            space,
                        });
                    }
                }
            }
        }
    }
}

/// The kinds of descriptor at each level.
fn kinds(first_block: i8, first: i8) -> Vec<(i8, Kind)> {
    let mut kinds = Vec::new();
    for level in first..=3 {
        kinds.push((level, Kind::Invalid));
        kinds.push((level, if level == 3 { Kind::Page } else { Kind::Table }));
        if (first_block..3).contains(&level) {
            kinds.push((level, Kind::Block));
        }
    }
    kinds
}

#[test]
#[cfg_attr(miri, ignore = "too many contexts for an interpreter")]
fn every_bit_has_exactly_one_meaning_in_every_context() {
    every_context(|context| {
        let mut next = i32::from(context.width()) - 1;
        for field in fields(context) {
            assert_eq!(i32::from(field.high), next, "{} in {context:?}", field.name);
            assert!(field.low <= field.high && field.width() <= 64, "{} in {context:?}", field.name);
            next = i32::from(field.low) - 1;
        }
        assert_eq!(next, -1, "{context:?}");
    });
}

#[test]
#[cfg_attr(miri, ignore = "too many contexts for an interpreter")]
fn every_row_applies_somewhere() {
    for (rows, stage2, d128) in
        [(s1::ROWS, false, false), (s2::ROWS, true, false), (s1_d128::ROWS, false, true), (s2_d128::ROWS, true, true)]
    {
        let mut used = alloc::vec![false; rows.len()];
        every_context(|context| {
            if (context.stage2, context.d128) == (stage2, d128) {
                used.iter_mut().zip(rows).for_each(|(used, row)| *used |= (row.when)(context));
            }
        });
        let dead = used.iter().zip(rows).filter(|(used, _)| !**used).map(|(_, row)| row.field.name);
        assert_eq!(dead.collect::<Vec<_>>(), [""; 0]);
    }
}

/// The names in the context, with their ranges, of the fields that `wanted` lists.
fn ranges(context: &Context, wanted: &[&str]) -> Vec<(&'static str, u8, u8)> {
    let all = fields(context).into_iter().filter(|field| wanted.contains(&field.name));
    all.map(|field| (field.name, field.high, field.low)).collect()
}

#[test]
fn addresses_follow_granule_level_and_size() {
    let wanted = ["OA", "OA[51:48]", "OA[49:48]", "OA[51:50]", "NextTable", "nT", "SH"];
    let leaf = |granule_log2, level| Context {
        kind: if level == 3 { Kind::Page } else { Kind::Block },
        granule_log2,
        level,
        ..Context::default()
    };
    assert_eq!(ranges(&leaf(12, 3), &wanted), [("OA", 47, 12), ("SH", 9, 8)]);
    assert_eq!(ranges(&leaf(12, 2), &wanted), [("OA", 47, 21), ("nT", 16, 16), ("SH", 9, 8)]);
    assert_eq!(ranges(&leaf(14, 2), &wanted), [("OA", 47, 25), ("nT", 16, 16), ("SH", 9, 8)]);
    assert_eq!(ranges(&leaf(16, 1), &wanted), [("OA", 47, 42), ("nT", 16, 16), ("SH", 9, 8)]);
    let wide = Context { ds: true, ..leaf(12, 0) };
    assert_eq!(ranges(&wide, &wanted), [("OA[49:48]", 49, 48), ("OA", 47, 39), ("nT", 16, 16), ("OA[51:50]", 9, 8)]);
    let wide = Context { lpa64k: true, ..leaf(16, 3) };
    assert_eq!(ranges(&wide, &wanted), [("OA", 47, 16), ("OA[51:48]", 15, 12), ("SH", 9, 8)]);
    let wide = Context { d128: true, ..leaf(14, 2) };
    assert_eq!(ranges(&wide, &wanted), [("OA", 55, 24), ("SH", 9, 8), ("nT", 6, 6)]);
    let table = Context { kind: Kind::Table, ..leaf(16, 2) };
    assert_eq!(ranges(&table, &wanted), [("NextTable", 47, 16)]);
}

#[test]
fn kinds_follow_the_type_bits() {
    assert_eq!(Kind::of(0b10, 1), Kind::Invalid);
    assert_eq!(Kind::of(0b11, 1), Kind::Table);
    assert_eq!(Kind::of(0b01, 1), Kind::Block);
    assert_eq!(Kind::of(0b11, 3), Kind::Page);
    assert_eq!(Kind::of(0b01, 3), Kind::Invalid);
}

#[test]
fn the_permission_index_is_gathered_from_its_four_bits() {
    assert_eq!(s1::pi_index(1 << 54 | 1 << 6), 0b1001);
    assert_eq!(s1::pi_index(1 << 53), 0b0100);
    assert_eq!(s2::pi_index(1 << 51), 0b0010);
}
