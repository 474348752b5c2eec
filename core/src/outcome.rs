//! What a translation comes to: an output address with its memory attributes, or a fault record.

use crate::addr::FullAddress;
use core::fmt;

/// Why a translation failed (`Fault` in the pseudocode; only what translation can raise).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// No valid translation.
    Translation,
    /// An address beyond the configured or implemented size.
    AddressSize,
    /// The access flag is clear and hardware does not set it.
    AccessFlag,
    /// The permissions forbid the access.
    Permission,
    /// A synchronous External abort on a descriptor access.
    SyncExternalOnWalk,
    /// A granule protection fault on a descriptor access.
    GpcfOnWalk,
    /// A granule protection fault on the output address.
    GpcfOnOutput,
}

impl FaultCode {
    /// The pseudocode's name, without its `Fault_` prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Translation => "Translation",
            Self::AddressSize => "AddressSize",
            Self::AccessFlag => "AccessFlag",
            Self::Permission => "Permission",
            Self::SyncExternalOnWalk => "SyncExternalOnWalk",
            Self::GpcfOnWalk => "GPCFOnWalk",
            Self::GpcfOnOutput => "GPCFOnOutput",
        }
    }

    /// How people say it: "Translation fault".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Translation => "Translation fault",
            Self::AddressSize => "Address size fault",
            Self::AccessFlag => "Access flag fault",
            Self::Permission => "Permission fault",
            Self::SyncExternalOnWalk => "External abort on a translation table walk",
            Self::GpcfOnWalk => "Granule protection fault on a translation table walk",
            Self::GpcfOnOutput => "Granule protection fault on the output address",
        }
    }

    /// Whether this is an External abort (`IsExternalAbort`).
    #[must_use]
    pub const fn is_external_abort(self) -> bool {
        matches!(self, Self::SyncExternalOnWalk)
    }
}

/// A translation's failure (`FaultRecord` in the pseudocode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FaultRecord {
    /// What went wrong.
    pub code: FaultCode,
    /// The lookup level it went wrong at, -2 to 3; always the faulting stage's own level.
    pub level: i8,
    /// Whether stage 2 raised it.
    pub second_stage: bool,
    /// Whether stage 2 raised it while translating a stage-1 descriptor's address.
    pub s2fs1walk: bool,
    /// The IPA stage 2 was translating; meaningful when `second_stage` is set.
    pub ipa: FullAddress,
    /// The physical address of an External abort or of a granule protection fault.
    pub paddress: FullAddress,
    /// Whether the access that failed was a write, as ESR's WnR reports it.
    pub write: bool,
    /// A Permission fault from the TopLevel check of `FEAT_THE`.
    pub top_level: bool,
    /// A Permission fault from a permission overlay.
    pub overlay: bool,
    /// A Permission fault from the dirty state under indirect permissions.
    pub dirty_bit: bool,
    /// A Permission fault from stage 2's `AssuredOnly`.
    pub assured_only: bool,
    /// What the granule protection check found, for a granule protection fault.
    pub gpcf: Option<Gpcf>,
}

/// A failed granule protection check (`GPCFRecord`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gpcf {
    /// Why it failed.
    pub kind: GpcfKind,
    /// The level of the granule protection table, 0 or 1.
    pub level: u8,
    /// The access checked was stage 2's own.
    pub second_stage: bool,
}

/// Why a granule protection check failed (`GPCF`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GpcfKind {
    /// The table's address is beyond the protected physical address space.
    AddressSize,
    /// An entry, or the registers, are malformed.
    Walk,
    /// The granule does not belong to the access's physical address space.
    Fail,
    /// An External abort on the table.
    Eabt,
}

impl GpcfKind {
    /// The pseudocode's name, without its `GPCF_` prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressSize => "AddressSize",
            Self::Walk => "Walk",
            Self::Fail => "Fail",
            Self::Eabt => "EABT",
        }
    }
}

impl fmt::Display for FaultRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, level {}", self.code.title(), self.level)?;
        match (self.second_stage, self.s2fs1walk) {
            (true, true) => f.write_str(", at stage 2 on the stage 1 walk"),
            (true, false) => f.write_str(", at stage 2"),
            (false, _) => Ok(()),
        }
    }
}

/// A kind of Device memory, from the least to the most ordered. The order is that of combining: the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceType {
    /// Gathering, reordering and early write acknowledgement allowed.
    Gre,
    /// No gathering.
    NGre,
    /// No gathering, no reordering.
    NGnRe,
    /// No gathering, no reordering, no early write acknowledgement.
    NGnRnE,
}

impl DeviceType {
    /// Bits 3:2 of a Device encoding (`DecodeDevice`).
    #[must_use]
    pub const fn decode(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::NGnRnE,
            1 => Self::NGnRe,
            2 => Self::NGre,
            _ => Self::Gre,
        }
    }

    /// The manual's name: `nGnRnE` and so on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gre => "GRE",
            Self::NGre => "nGRE",
            Self::NGnRe => "nGnRE",
            Self::NGnRnE => "nGnRnE",
        }
    }
}

/// How an inner or outer cache may hold the memory. The order is that of combining: the lesser wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CachePolicy {
    /// Non-cacheable.
    NonCacheable,
    /// Write-Through Cacheable.
    WriteThrough,
    /// Write-Back Cacheable.
    WriteBack,
}

/// A cache policy with its allocation hints (`MemAttrHints`), as a MAIR nibble says it for Normal memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cacheability(u8);

impl Cacheability {
    /// Non-cacheable, which has no hints.
    pub const NON_CACHEABLE: Self = Self(0b0100);
    /// Write-Back without hints.
    pub const WRITE_BACK: Self = Self::new(CachePolicy::WriteBack, false, false);
    /// Write-Back, read- and write-allocate, non-transient.
    pub const WRITE_BACK_RWA: Self = Self::new(CachePolicy::WriteBack, true, true);
    /// Write-Through, read-allocate, non-transient.
    pub const WRITE_THROUGH_RA: Self = Self::new(CachePolicy::WriteThrough, true, false);

    /// A non-transient policy with hints; Non-cacheable has none.
    #[must_use]
    #[inline(always)]
    pub const fn new(policy: CachePolicy, read_allocate: bool, write_allocate: bool) -> Self {
        Self(0b1000 | (read_allocate as u8) << 1 | write_allocate as u8).with_policy(policy)
    }

    /// The meaning of a MAIR nibble (`DecodeLDFAttr`). A nibble of 0 is not one of Normal memory: it counts as
    /// Write-Through without hints.
    #[must_use]
    #[inline(always)]
    pub const fn decode(nibble: u64) -> Self {
        let nibble = nibble as u8 & 0xf;
        Self(if nibble == 0 { 0b1000 } else { nibble })
    }

    /// The MAIR nibble that says it.
    #[must_use]
    #[inline(always)]
    pub const fn encode(self) -> u64 {
        self.0 as u64
    }

    /// The policy.
    #[must_use]
    #[inline(always)]
    pub const fn policy(self) -> CachePolicy {
        match self.0 {
            0b0100 => CachePolicy::NonCacheable,
            nibble if nibble & 0b100 == 0 => CachePolicy::WriteThrough,
            _ => CachePolicy::WriteBack,
        }
    }

    /// Another policy with the same hints, transient or not; Non-cacheable has none.
    #[must_use]
    #[inline(always)]
    pub const fn with_policy(self, policy: CachePolicy) -> Self {
        match policy {
            CachePolicy::NonCacheable => Self::NON_CACHEABLE,
            CachePolicy::WriteThrough => Self(self.0 & !0b100),
            CachePolicy::WriteBack => Self(self.0 | 0b100),
        }
    }

    /// The weaker of both policies, with this one's hints (`S2CombineS1AttrHints`).
    #[must_use]
    #[inline(always)]
    pub const fn weakened_by(self, other: Self) -> Self {
        if matches!(self, Self::NON_CACHEABLE) || matches!(other, Self::NON_CACHEABLE) {
            Self::NON_CACHEABLE
        } else {
            Self(self.0 & (other.0 | !0b100))
        }
    }

    /// Read-allocate hint.
    #[must_use]
    pub const fn read_allocate(self) -> bool {
        self.0 & 0b10 != 0
    }

    /// Write-allocate hint.
    #[must_use]
    pub const fn write_allocate(self) -> bool {
        self.0 & 0b01 != 0
    }

    /// The hints are for transient data.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.0 & 0b1000 == 0 && self.0 & 0b11 != 0
    }

    /// The two hint bits as MAIR holds them: bit 1 read-allocate, bit 0 write-allocate.
    #[must_use]
    pub const fn hints(self) -> u64 {
        self.0 as u64 & 0b11
    }
}

impl fmt::Debug for Cacheability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cacheability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.policy() {
            CachePolicy::NonCacheable => return f.write_str("Non-cacheable"),
            CachePolicy::WriteThrough => "Write-Through",
            CachePolicy::WriteBack => "Write-Back",
        };
        let hints = match (self.read_allocate(), self.write_allocate()) {
            (true, true) => "RW-allocate",
            (true, false) => "R-allocate",
            (false, true) => "W-allocate",
            (false, false) => "no-allocate",
        };
        write!(f, "{policy} {hints}{}", if self.is_transient() { " transient" } else { "" })
    }
}

/// Who must see the memory coherently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shareability {
    /// Non-shareable.
    Non,
    /// Inner Shareable.
    Inner,
    /// Outer Shareable.
    Outer,
}

impl Shareability {
    /// The two SH bits: 00 Non-shareable, 10 Outer, 11 Inner.
    #[must_use]
    pub const fn encode(self) -> u64 {
        match self {
            Self::Non => 0b00,
            Self::Outer => 0b10,
            Self::Inner => 0b11,
        }
    }

    /// The manual's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Non => "Non-shareable",
            Self::Inner => "Inner Shareable",
            Self::Outer => "Outer Shareable",
        }
    }
}

/// Whether memory holds Allocation Tags (`FEAT_MTE2`) or is checked against the canonical tag (`FEAT_MTE4`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemTag {
    /// Untagged.
    Untagged,
    /// Allocation Tagged.
    Allocation,
    /// Canonically Tagged.
    Canonical,
}

/// Device or Normal, and what that type says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemType {
    /// Device memory.
    Device(DeviceType),
    /// Normal memory.
    Normal {
        /// Inner cacheability.
        inner: Cacheability,
        /// Outer cacheability.
        outer: Cacheability,
    },
}

impl MemType {
    /// Normal, inner and outer the same.
    #[must_use]
    pub const fn normal(both: Cacheability) -> Self {
        Self::Normal { inner: both, outer: both }
    }

    /// Whether this is Device memory.
    #[must_use]
    pub const fn is_device(self) -> bool {
        matches!(self, Self::Device(_))
    }

    /// Whether both caches have this policy.
    #[must_use]
    #[inline(always)]
    pub const fn is_both(self, policy: CachePolicy) -> bool {
        match self {
            Self::Device(_) => false,
            Self::Normal { inner, outer } => {
                inner.policy() as u8 == policy as u8 && outer.policy() as u8 == policy as u8
            }
        }
    }
}

/// Memory attributes of a location (`MemoryAttributes`).
// Aligned so that it is copied at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(align(8))]
pub struct MemAttrs {
    /// Device or Normal.
    pub mem_type: MemType,
    /// Shareability domain.
    pub shareability: Shareability,
    /// Allocation Tags.
    pub tags: MemTag,
    /// `NoTagAccess` (`FEAT_MTE_PERM`).
    pub no_tag_access: bool,
    /// The XS attribute (`FEAT_XS`): whether accesses may take long to complete.
    pub xs: bool,
}

impl fmt::Display for MemAttrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mem_type {
            MemType::Device(kind) => write!(f, "Device-{}", kind.name())?,
            MemType::Normal { inner, outer } if inner == outer => write!(f, "Normal {inner}")?,
            MemType::Normal { inner, outer } => write!(f, "Normal, inner {inner}, outer {outer}")?,
        }
        write!(f, ", {}", self.shareability.name())?;
        match self.tags {
            MemTag::Untagged => {}
            MemTag::Allocation => f.write_str(", Tagged")?,
            MemTag::Canonical => f.write_str(", canonically tagged")?,
        }
        f.write_str(if self.no_tag_access { ", NoTagAccess" } else { "" })?;
        f.write_str(if self.xs { ", XS" } else { "" })
    }
}

/// The output of a stage (`AddressDescriptor`, when it holds no fault).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressDescriptor {
    /// Output address.
    pub address: FullAddress,
    /// Memory attributes.
    pub attrs: MemAttrs,
    /// The stage-1 mapping is assured (`FEAT_THE`).
    pub s1assured: bool,
    /// Stage 2 lets only the MMU write here (`FEAT_THE`: `s2fs1mro`).
    pub s2fs1mro: bool,
    /// Memory encryption context (`FEAT_MEC`).
    pub mecid: u16,
}
