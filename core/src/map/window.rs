//! The input addresses that a stage has tables for, or would have were it on.

use super::Scope;
use super::ask::Asker;
use super::scan::Scan;
use crate::addr::PaSpace;
use crate::bits::mask;
use crate::memory::Physical;
use crate::pe::Pe;
use crate::regime::VaRange;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// The windows of stage 1: a half of the address space each, or all of it.
pub(super) fn stage1<'a, M: Physical>(
    pe: &'a Pe,
    scope: Scope,
    memory: &'a M,
    within: &RangeInclusive<u64>,
) -> Vec<Scan<'a, M>> {
    let (regime, security) = (scope.regime(), scope.security(pe));
    let halves: &[u64] = if regime.has_unprivileged() { &[0, 1 << 55] } else { &[0] };
    let window = |&half: &u64| {
        let asker = Asker::stage1(pe, regime, half, security);
        let params = *asker.stage1_params();
        let geometry = params.geometry();
        if params.enabled {
            let below = mask(geometry.ia_size - 1, 0);
            let all = if params.range == VaRange::Upper { !below..=u64::MAX } else { 0..=below };
            return Scan::new(memory, asker, Some(geometry), &all, within);
        }
        // With stage 1 off there are no halves: bit 55 is an address bit like others, where there are so many.
        let limit = mask(pe.pa_max() - 1, 0);
        let all = match half {
            0 if halves.len() > 1 => 0..=limit.min(mask(54, 0)),
            _ if half > limit => return None,
            0 => 0..=limit,
            _ if params.tbi() => half | mask(63, 56)..=u64::MAX,
            _ => half..=limit,
        };
        Scan::new(memory, asker, None, &all, within)
    };
    halves.iter().filter_map(window).collect()
}

/// The window of stage 2: `None` where there is no stage 2, and nothing in it where its registers rule out any tables.
pub(super) fn stage2<'a, M: Physical>(
    pe: &'a Pe,
    space: PaSpace,
    memory: &'a M,
    within: &RangeInclusive<u64>,
) -> Option<Option<Scan<'a, M>>> {
    let security = pe.security_state(1);
    let asker = Asker::stage2(pe, security, space);
    let params = asker.stage2_params(space)?;
    let (geometry, size) = match (params.enabled, params.start_level()) {
        (false, _) => (None, pe.pa_max()),
        (true, Some(level)) => (Some(params.geometry(level)), params.ia_size()),
        (true, None) => return Some(None),
    };
    Some(Scan::new(memory, asker, geometry, &(0..=mask(size - 1, 0)), within))
}
