//! Stage 2: intermediate physical address to physical address.

use super::attributes::normal_non_cacheable;
use super::geometry::Descriptor;
use super::machine::{Access, Kind, Machine, Regime};
use super::stage2_params::Stage2;
use super::{Attrs, Fault, Place, Space, bit, field};

/// A stage 2 leaf descriptor, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    pub descriptor: u128,
    pub at: (u64, Space),
    pub level: i32,
    pub base: u64,
    pub space: Space,
    pub contiguous: bool,
    pub attrs: Attrs,
    pub ap: u64,
    pub xn: bool,
    pub xnx: bool,
    pub pi: u64,
    pub dirty: bool,
    pub overlay_index: u64,
    pub assured_only: bool,
}

impl Machine<'_> {
    /// Translates an intermediate physical address; `base` is the fault record the translation carries so far.
    pub fn stage2(&mut self, base: &Fault, ipa: &Place, access: &Access) -> Result<Place, Fault> {
        let mut s2 = self.stage2_params(access.state, ipa.space);
        let mut fault = base.clone();
        fault.code = "";
        fault.s2 = true;
        fault.s1ptw = access.kind == Kind::Walk;
        fault.ipa = (ipa.address, ipa.space);
        if !self.hcr(0) && !self.hcr(12) {
            return Ok(ipa.clone());
        }
        let at_level_0 = Fault { code: "Translation", level: 0, ..fault.clone() };

        let smallest = 64 - self.largest_ipa(&s2);
        let largest = self.largest_txsz(s2.shape.granule);
        if s2.shape.txsz < smallest {
            if self.has("LPA") || self.choice("txsz_below_min_faults", false) {
                return Err(at_level_0);
            }
            s2.shape.txsz = smallest;
        } else if s2.shape.txsz > largest {
            if self.choice("txsz_above_max_faults", false) {
                return Err(at_level_0);
            }
            s2.shape.txsz = largest;
        }
        let Some(start) = self.stage2_start_level(&s2) else { return Err(at_level_0) };
        let input_size = s2.shape.input_size();
        if input_size < 56 && ipa.address >> input_size != 0 {
            return Err(at_level_0);
        }

        let mut mro;
        let leaf = loop {
            let leaf = self.stage2_walk(&mut fault, &s2, start, ipa, access)?;
            let checked = self.stage2_permission(&fault, &leaf, &s2, ipa.s1assured, access);
            let mut new = leaf.descriptor;
            if s2.ha && (checked.is_ok() || self.choice("af_update_on_permission_fault", false)) {
                new |= 1 << 10;
            }
            let tracks_dirty = s2.ha && s2.hd && (s2.pie || bit(leaf.descriptor, 51));
            if checked.is_ok() && tracks_dirty && access.write && access.kind != Kind::At {
                new |= 1 << 7;
            }
            let record = checked.clone().err().unwrap_or_else(|| fault.clone());
            let done = new == leaf.descriptor || {
                let bytes = s2.shape.bytes();
                self.swap(&record, leaf.at, (leaf.descriptor, new), bytes, s2.big_endian)? == new
            };
            mro = checked?;
            if done {
                break leaf;
            }
        };

        Ok(Place {
            address: s2.shape.output(leaf.base, leaf.level, leaf.contiguous, ipa.address),
            space: leaf.space,
            attrs: self.final_attributes(&leaf, &s2, ipa, access),
            s1assured: false,
            s2fs1mro: mro,
            mecid: self.stage2_context(&leaf, &s2, access),
        })
    }

    /// The memory encryption context of what a leaf maps.
    fn stage2_context(&self, leaf: &Leaf, s2: &Stage2, access: &Access) -> u64 {
        if access.state != Space::Realm || leaf.space != Space::Realm || !self.contexts_on(Regime::El10) {
            return 0;
        }
        let alternate = bit(leaf.descriptor, if s2.shape.d128 { 103 } else { 63 });
        self.context(if alternate { "VMECID_A_EL2" } else { "VMECID_P_EL2" })
    }

    /// The attributes of both stages together, as this access sees them.
    fn final_attributes(&self, leaf: &Leaf, s2: &Stage2, ipa: &Place, access: &Access) -> Attrs {
        let mut attrs = leaf.attrs;
        let device = attrs.device.is_some();
        let replaced = match access.kind {
            Kind::Walk if device => !s2.ptw,
            Kind::Fetch => device || self.hcr(33),
            _ => !device && self.hcr(32),
        };
        if replaced {
            attrs = normal_non_cacheable(attrs.xs);
        }
        if s2.fwb { attrs } else { self.combine(&ipa.attrs, &attrs) }
    }

    fn stage2_walk(
        &mut self,
        fault: &mut Fault,
        s2: &Stage2,
        start: i32,
        ipa: &Place,
        access: &Access,
    ) -> Result<Leaf, Fault> {
        let failed = |fault: &Fault, code| Err(Fault { code, ..fault.clone() });
        let shape = &s2.shape;
        let mut level = start;
        let high_bits_in_87_80 = s2.table_space != Space::Secure;
        let base = self.table_base(shape, s2.ttbr, start, high_bits_in_87_80);
        let mut address = shape.first_descriptor(base, start, ipa.address);
        if self.too_large(shape, address) {
            return Err(Fault { code: "AddressSize", level: 0, ..fault.clone() });
        }
        loop {
            fault.level = level;
            let at = (address, s2.table_space);
            let mut descriptor = self.fetch(fault, at, shape.bytes(), s2.big_endian)?;
            let (next_level, next_address) = loop {
                match self.kind_of(shape, descriptor, level) {
                    Descriptor::Invalid => return failed(fault, "Translation"),
                    Descriptor::Leaf => {
                        let leaf = self.stage2_leaf(s2, descriptor, at, level, ipa, access);
                        return self.stage2_leaf_faults(fault, s2, leaf, ipa);
                    }
                    Descriptor::Table => {}
                }
                let skipped = shape.skipped_levels(descriptor);
                let table = self.descriptor_address(shape, descriptor, shape.granule);
                let below = level + 1 + skipped as i32;
                let next = shape.next_descriptor(table, below, skipped, ipa.address);
                if self.too_large(shape, next) {
                    return failed(fault, "AddressSize");
                }
                if skipped != 0 && self.not_for_translation(shape, descriptor) {
                    return failed(fault, "Translation");
                }
                let new = descriptor | u128::from(s2.haft) << 10;
                if new == descriptor {
                    break (below, next);
                }
                descriptor = self.swap(fault, at, (descriptor, new), shape.bytes(), s2.big_endian)?;
            };
            (level, address) = (next_level, next_address);
        }
    }

    fn stage2_leaf(
        &self,
        s2: &Stage2,
        descriptor: u128,
        at: (u64, Space),
        level: i32,
        ipa: &Place,
        access: &Access,
    ) -> Leaf {
        let d128 = s2.shape.d128;
        let pi_index = if d128 {
            field(descriptor, 118, 115)
        } else {
            field(descriptor, 54, 53) << 2 | field(descriptor, 51, 51) << 1 | field(descriptor, 6, 6)
        };
        let dirty_managed = s2.ha && s2.hd && bit(descriptor, if d128 { 115 } else { 51 });
        Leaf {
            descriptor,
            at,
            level,
            base: self.descriptor_address(&s2.shape, descriptor, s2.shape.entry_size(level)),
            space: self.stage2_output_space(descriptor, d128, ipa.space, access.state),
            contiguous: s2.shape.contiguous_hint(level, descriptor),
            attrs: if s2.fwb {
                self.force_write_back(&ipa.attrs, descriptor, s2)
            } else {
                self.stage2_attributes(descriptor, s2)
            },
            ap: field(descriptor, 7, 6) | if dirty_managed { 2 } else { 0 },
            xn: bit(descriptor, if d128 { 118 } else { 54 }),
            xnx: self.has("XNX") && bit(descriptor, if d128 { 117 } else { 53 }),
            pi: field(s2.pir, 4 * pi_index as u32 + 3, 4 * pi_index as u32),
            dirty: bit(descriptor, 7),
            overlay_index: if d128 { field(descriptor, 124, 121) } else { field(descriptor, 62, 59) },
            assured_only: if d128 { bit(descriptor, 114) } else { s2.assured_only && bit(descriptor, 58) },
        }
    }

    fn stage2_output_space(&self, descriptor: u128, d128: bool, ipa_space: Space, state: Space) -> Space {
        let (vtcr, vstcr) = (self.reg("VTCR_EL2"), self.reg("VSTCR_EL2"));
        let (sw, sa, nsw, nsa) = (bit(vstcr, 29), bit(vstcr, 30), bit(vtcr, 29), bit(vtcr, 30));
        let secure = match ipa_space {
            Space::Secure => !sw && !sa,
            _ => !sw && !sa && !nsw && !nsa,
        };
        match state {
            Space::Secure if secure => Space::Secure,
            Space::Realm if !bit(descriptor, if d128 { 127 } else { 55 }) => Space::Realm,
            _ => Space::NonSecure,
        }
    }

    /// What can be wrong with a leaf before anybody asks for permission.
    fn stage2_leaf_faults(&self, fault: &Fault, s2: &Stage2, leaf: Leaf, ipa: &Place) -> Result<Leaf, Fault> {
        let output = s2.shape.output(leaf.base, leaf.level, leaf.contiguous, ipa.address);
        let misprogrammed = leaf.contiguous && self.contiguous_misprogrammed(&s2.shape, leaf.level);
        let not_yet = leaf.level < 3 && self.not_for_translation(&s2.shape, leaf.descriptor);
        let code = if misprogrammed || not_yet {
            "Translation"
        } else if self.too_large(&s2.shape, output) {
            "AddressSize"
        } else if !bit(leaf.descriptor, 10) && !s2.ha {
            "AccessFlag"
        } else {
            return Ok(leaf);
        };
        Err(Fault { code, ..fault.clone() })
    }
}
