//! Looking ahead: glances at the descriptors that a batch of walks will read, so that memory fetches them side by side.
//!
//! Nothing is decided here. A glance that misses costs the walk the time that it would have taken anyway.

use super::Context;
use crate::env::Env;
use crate::params::{DescriptorType, FINAL_LEVEL, Geometry};

/// How many walks a batch looks ahead for.
pub(crate) const LANES: usize = 16;

/// One address for each walk.
type Lanes = [u64; LANES];

/// Glances at what the walks for these addresses will read, if their descriptors have 64 bits, least significant byte
/// first.
pub(crate) fn look_ahead<E: Env>(context: &Context<'_>, env: &E, vas: &Lanes, stage2_on_output: bool) {
    let (geometry, table) = context.s1_start.tables();
    if geometry.d128 || context.s1.ee() || !context.s1.enabled {
        return;
    }
    let stage2 = context.stage2().filter(|(stage2, _)| stage2.enabled()).map(|(_, starts)| starts.tables());
    let mut locate = |addresses: &mut Lanes| match stage2 {
        Some(Some((geometry, table))) if !geometry.d128 => {
            *addresses = descend(env, geometry, table, addresses, |_| {});
        }
        _ => {}
    };
    let mut outputs = descend(env, geometry, table, vas, &mut locate);
    if stage2_on_output {
        locate(&mut outputs);
    }
    core::hint::black_box(outputs);
}

/// The outputs of one stage for these inputs, as far as glances tell; `locate` finds the descriptors' addresses.
fn descend<E: Env>(
    env: &E,
    geometry: &Geometry,
    table: u64,
    inputs: &Lanes,
    mut locate: impl FnMut(&mut Lanes),
) -> Lanes {
    let (mut tables, mut outputs) = ([table; LANES], [None; LANES]);
    for level in geometry.start_level..=FINAL_LEVEL {
        let index = if level == geometry.start_level { geometry.first_index() } else { geometry.index(level, 1) };
        let mut entries = [0; LANES];
        for lane in 0..LANES {
            entries[lane] = geometry.entry_address(tables[lane], inputs[lane], index);
        }
        locate(&mut entries);
        // The loads first, with nothing between them, so that as many as can be are under way at once.
        let descriptors = entries.map(|entry| env.glance(entry));
        for lane in 0..LANES {
            if outputs[lane].is_some() {
                continue;
            }
            let descriptor = descriptors[lane];
            match geometry.narrow_type(descriptor, level) {
                DescriptorType::Table(_) => tables[lane] = geometry.next_table(descriptor),
                _ => {
                    let size = geometry.leaf_size(level, false);
                    outputs[lane] = Some(geometry.output_address(descriptor, inputs[lane], size));
                }
            }
        }
    }
    outputs.map(Option::unwrap_or_default)
}
