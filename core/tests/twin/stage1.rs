//! Stage 1: virtual address to (intermediate) physical address.

use super::attributes::{effective_shareability, normal, normal_non_cacheable};
use super::geometry::Descriptor;
use super::machine::{Access, Kind, Machine, Regime};
use super::stage1_params::Stage1;
use super::stage1_permissions::{Stage1Bits, stage1_leaf_bits, stage1_table_bits};
use super::{Attrs, Fault, Place, Space, bit, field};

/// A stage 1 leaf descriptor, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    pub descriptor: u128,
    /// Where the descriptor is, before any stage 2.
    pub at: Place,
    pub level: i32,
    pub base: u64,
    pub space: Space,
    pub contiguous: bool,
    pub attrs: Attrs,
    pub bits: Stage1Bits,
    pub assured: bool,
}

impl Machine<'_> {
    fn stage1_on(&self, regime: Regime) -> bool {
        let redirected = regime == Regime::El10 && self.el2_enabled() && (self.hcr(12) || self.hcr(27));
        bit(self.sctlr(regime), 0) && !redirected
    }

    /// Translates a virtual address; `base` is an empty fault record.
    pub fn stage1(&mut self, base: &Fault, regime: Regime, va: u64, access: &Access) -> Result<Place, Fault> {
        let mut s1 = self.stage1_params(regime, va);
        if !self.stage1_on(regime) {
            return self.stage1_off(base, regime, va, access, &s1);
        }
        let at_level_0 = Fault { code: "Translation", level: 0, ..base.clone() };
        let (smallest, largest) = (self.smallest_txsz(regime, &s1), self.largest_txsz(s1.shape.granule));
        if s1.shape.txsz < smallest {
            if self.has("LVA") || self.choice("txsz_below_min_faults", false) {
                return Err(at_level_0);
            }
            s1.shape.txsz = smallest;
        } else if s1.shape.txsz > largest {
            if self.choice("txsz_above_max_faults", false) {
                return Err(at_level_0);
            }
            s1.shape.txsz = largest;
        }
        if outside_range(va, regime, access, &s1) || (access.el == 0 && s1.e0pd) {
            return Err(at_level_0);
        }

        let leaf = loop {
            let mut fault = base.clone();
            let leaf = self.stage1_walk(&mut fault, regime, va, access, &s1)?;
            let checked = self.stage1_permission(&fault, regime, &leaf, &s1, access);
            let mut new = leaf.descriptor;
            if s1.ha && (checked.is_ok() || self.choice("af_update_on_permission_fault", false)) {
                new |= 1 << 10;
            }
            let tracks_dirty = s1.ha && s1.hd && (s1.pie || bit(leaf.descriptor, 51));
            if checked.is_ok() && tracks_dirty && access.write && access.kind != Kind::At {
                new &= !(1 << 7);
            }
            let record = checked.clone().err().unwrap_or(fault);
            let done = new == leaf.descriptor || {
                let at = self.descriptor_place(&record, regime, &leaf.at, &access.update())?;
                let bytes = s1.shape.bytes();
                self.swap(&record, (at.address, at.space), (leaf.descriptor, new), bytes, s1.big_endian)? == new
            };
            checked?;
            if done {
                break leaf;
            }
        };

        let sctlr = self.sctlr(regime);
        let device = leaf.attrs.device.is_some();
        let uncached = match access.kind {
            Kind::Fetch => device || !bit(sctlr, 12),
            _ => !device && !bit(sctlr, 2),
        };
        let mut attrs = if uncached { normal_non_cacheable(leaf.attrs.xs) } else { leaf.attrs };
        let stage2_follows = regime == Regime::El10 && self.el2_enabled() && self.hcr(0);
        attrs.sh = if stage2_follows && !self.choice("effective_shareability_before_stage2", true) {
            leaf.attrs.sh
        } else {
            effective_shareability(&attrs)
        };
        Ok(Place {
            address: s1.shape.output(leaf.base, leaf.level, leaf.contiguous, va),
            space: leaf.space,
            attrs,
            s1assured: leaf.assured,
            s2fs1mro: false,
            mecid: self.stage1_context(regime, va, &leaf, &s1),
        })
    }

    /// The memory encryption context of what a leaf maps.
    fn stage1_context(&self, regime: Regime, va: u64, leaf: &Leaf, s1: &Stage1) -> u64 {
        if leaf.space != Space::Realm || !self.contexts_on(regime) {
            return 0;
        }
        let upper = regime == Regime::El20 && bit(u128::from(va), 55);
        self.context(match (regime, upper, bit(leaf.descriptor, if s1.shape.d128 { 103 } else { 63 })) {
            (Regime::El10, ..) => "VMECID_P_EL2",
            (Regime::El3, ..) => "MECID_RL_A_EL3",
            (_, false, false) => "MECID_P0_EL2",
            (_, false, true) => "MECID_A0_EL2",
            (_, true, false) => "MECID_P1_EL2",
            (_, true, true) => "MECID_A1_EL2",
        })
    }

    /// Whether a leaf wants the alternate context although its half of the address space has none.
    fn wants_context_in_vain(&self, regime: Regime, va: u64, leaf: &Leaf, s1: &Stage1) -> bool {
        let allowing = if regime == Regime::El20 && bit(u128::from(va), 55) { 13 } else { 12 };
        let allowed = self.tcr2_el2_usable() && bit(self.reg("TCR2_EL2"), allowing);
        matches!(regime, Regime::El2 | Regime::El20)
            && leaf.space == Space::Realm
            && bit(leaf.descriptor, if s1.shape.d128 { 103 } else { 63 })
            && self.contexts_on(regime)
            && !allowed
    }

    /// What stage 1 gives while it is disabled.
    fn stage1_off(&self, base: &Fault, regime: Regime, va: u64, access: &Access, s1: &Stage1) -> Result<Place, Fault> {
        let upper = bit(u128::from(va), 55);
        let mut checked = va;
        let mut canonical = |top: u64| {
            if s1.mtx && !s1.tbi {
                checked = checked & !(15 << 56) | top << 56;
            }
        };
        let mut attrs;
        if s1.dc {
            attrs = normal(3, 3, 0, false);
            if !s1.dct {
                canonical(if upper { 15 } else { 0 });
            }
        } else if access.kind == Kind::Fetch {
            let cached = bit(self.sctlr(regime), 12);
            attrs = if cached { normal(2, 2, 2, true) } else { normal(0, 0, 2, true) };
        } else {
            attrs = Attrs { device: Some(3), sh: 2, xs: true, ..Attrs::default() };
            canonical(if upper && regime.unprivileged() { 15 } else { 0 });
        }
        attrs.tags = match (s1.dc && s1.dct, s1.mtx) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => 0,
        };
        let top = top_bit(access, s1);
        if self.case.pa_bits <= top && field(u128::from(checked), top, self.case.pa_bits) != 0 {
            return Err(Fault { code: "AddressSize", level: 0, ..base.clone() });
        }
        let mecid = match regime {
            Regime::El3 => 0,
            _ if access.state != Space::Realm || !self.contexts_on(regime) => 0,
            Regime::El10 => self.context("VMECID_P_EL2"),
            Regime::El2 | Regime::El20 => self.context("MECID_P0_EL2"),
        };
        Ok(Place { address: va & ((1 << 56) - 1), space: access.state, attrs, mecid, ..Place::default() })
    }

    fn smallest_txsz(&self, regime: Regime, s1: &Stage1) -> u32 {
        if self.has("LVA3") && s1.shape.d128 {
            if regime.unprivileged() { 9 } else { 8 }
        } else if (self.has("LVA") && s1.shape.granule == 16) || s1.shape.ds {
            12
        } else {
            16
        }
    }

    /// Where a descriptor is physically: through stage 2 when that is in use.
    fn descriptor_place(&mut self, fault: &Fault, regime: Regime, at: &Place, access: &Access) -> Result<Place, Fault> {
        if regime == Regime::El10 && self.el2_enabled() { self.stage2(fault, at, access) } else { Ok(at.clone()) }
    }

    fn stage1_walk(
        &mut self,
        fault: &mut Fault,
        regime: Regime,
        va: u64,
        access: &Access,
        s1: &Stage1,
    ) -> Result<Leaf, Fault> {
        let failed = |fault: &Fault, code| Err(Fault { code, ..fault.clone() });
        let shape = &s1.shape;
        if s1.epd {
            return Err(Fault { code: "Translation", level: 0, ..fault.clone() });
        }
        let start = shape.start_level() + s1.skl as i32;
        let mut level = start;
        let mut space = access.state;
        let mut tables = Stage1Bits::default();
        let mut assured = shape.d128 || s1.pnch;
        let mut disch = s1.disch;
        let base = self.table_base(shape, s1.ttbr, start, regime != Regime::El3);
        let mut address = shape.first_descriptor(base, start, va);
        if self.too_large(shape, address) {
            return Err(Fault { code: "AddressSize", level: 0, ..fault.clone() });
        }
        loop {
            fault.level = level;
            let ipa = Place { address, space, attrs: normal(3, 3, 0, false), ..Place::default() };
            let top_table = (level == start).then_some(bit(u128::from(va), 55));
            let at = self.descriptor_place(fault, regime, &ipa, &access.walk(top_table))?;
            let mut descriptor = self.fetch(fault, (at.address, at.space), shape.bytes(), s1.big_endian)?;
            let (next_level, next_address) = loop {
                let protected = if shape.d128 { bit(descriptor, 114) } else { s1.pnch && bit(descriptor, 52) };
                match self.kind_of(shape, descriptor, level) {
                    Descriptor::Invalid => return failed(fault, "Translation"),
                    Descriptor::Leaf => {
                        let mut leaf = self.stage1_leaf(descriptor, regime, level, space, &tables, s1);
                        leaf.at = ipa;
                        leaf.assured = assured && at.s2fs1mro && protected;
                        leaf.contiguous &= !disch;
                        return self.stage1_leaf_faults(fault, regime, s1, leaf, va);
                    }
                    Descriptor::Table => {}
                }
                let skipped = shape.skipped_levels(descriptor);
                let table = self.descriptor_address(shape, descriptor, shape.granule);
                let below = level + 1 + skipped as i32;
                let next = shape.next_descriptor(table, below, skipped, va);
                if self.too_large(shape, next) {
                    return failed(fault, "AddressSize");
                }
                if skipped != 0 && self.not_for_translation(shape, descriptor) {
                    return failed(fault, "Translation");
                }
                let new = descriptor | u128::from(s1.haft) << 10;
                if new == descriptor {
                    assured &= at.s2fs1mro && protected;
                    break (below, next);
                }
                let at = self.descriptor_place(fault, regime, &ipa, &access.update())?;
                let bytes = shape.bytes();
                descriptor = self.swap(fault, (at.address, at.space), (descriptor, new), bytes, s1.big_endian)?;
            };
            if space == Space::Secure && bit(descriptor, if shape.d128 { 127 } else { 63 }) {
                space = Space::NonSecure;
            }
            tables = stage1_table_bits(&tables, descriptor, regime, s1);
            disch = shape.d128 && bit(descriptor, 112);
            (level, address) = (next_level, next_address);
        }
    }

    fn stage1_leaf(
        &self,
        descriptor: u128,
        regime: Regime,
        level: i32,
        table_space: Space,
        tables: &Stage1Bits,
        s1: &Stage1,
    ) -> Leaf {
        let shape = &s1.shape;
        let ns = bit(descriptor, if shape.d128 { 127 } else { 5 });
        let nse = bit(descriptor, 11);
        let space = match table_space {
            Space::Secure if !ns => Space::Secure,
            Space::Root => match (nse, ns) {
                (false, false) if self.has_secure_state() => Space::Secure,
                (false, _) => Space::NonSecure,
                (true, false) => Space::Root,
                (true, true) => Space::Realm,
            },
            Space::Realm if regime == Regime::El10 || !ns => Space::Realm,
            _ => Space::NonSecure,
        };
        let index = match (s1.aie, shape.d128) {
            (false, _) => field(descriptor, 4, 2),
            (true, true) => field(descriptor, 5, 2),
            (true, false) => field(descriptor, 59, 59) << 3 | field(descriptor, 4, 2),
        };
        let mair = if index < 8 { s1.mair } else { s1.mair2 };
        let low = 8 * (index % 8) as u32;
        let sh = if shape.ds && !shape.d128 { s1.sh } else { field(descriptor, 9, 8) };
        Leaf {
            descriptor,
            level,
            base: self.descriptor_address(shape, descriptor, shape.entry_size(level)),
            space,
            contiguous: !s1.pnch && shape.contiguous_hint(level, descriptor),
            attrs: self.stage1_attributes(field(mair, low + 7, low), sh, s1),
            bits: stage1_leaf_bits(tables, descriptor, regime, s1),
            ..Leaf::default()
        }
    }

    /// What can be wrong with a leaf before anybody asks for permission.
    fn stage1_leaf_faults(
        &self,
        fault: &Fault,
        regime: Regime,
        s1: &Stage1,
        leaf: Leaf,
        va: u64,
    ) -> Result<Leaf, Fault> {
        let output = s1.shape.output(leaf.base, leaf.level, leaf.contiguous, va);
        let misprogrammed = leaf.contiguous && self.contiguous_misprogrammed(&s1.shape, leaf.level);
        let not_yet = leaf.level < 3 && self.not_for_translation(&s1.shape, leaf.descriptor);
        let code = if misprogrammed || not_yet || self.wants_context_in_vain(regime, va, &leaf, s1) {
            "Translation"
        } else if self.too_large(&s1.shape, output) {
            "AddressSize"
        } else if !bit(leaf.descriptor, 10) && !s1.ha {
            "AccessFlag"
        } else {
            return Ok(leaf);
        };
        Err(Fault { code, ..fault.clone() })
    }
}

/// The highest bit of a virtual address that counts: 55 when the top byte is ignored.
fn top_bit(access: &Access, s1: &Stage1) -> u32 {
    let instructions_count = s1.tbid && access.kind == Kind::Fetch;
    if s1.tbi && !instructions_count { 55 } else { 63 }
}

fn outside_range(va: u64, regime: Regime, access: &Access, s1: &Stage1) -> bool {
    let upper = bit(u128::from(va), 55);
    let (top, low) = (top_bit(access, s1), s1.shape.input_size());
    if top < low {
        return false;
    }
    let nibble = if upper { 15 } else { 0 };
    let va = if s1.mtx { va & !(15 << 56) | nibble << 56 } else { va };
    let bits = field(u128::from(va), top, low);
    let ones = (1u64 << (top - low + 1)) - 1;
    if regime.unprivileged() && upper { bits != ones } else { bits != 0 }
}
