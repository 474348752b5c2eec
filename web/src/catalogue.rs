//! What the picker offers: worked examples built into the library, captured machines fetched when asked for, and the
//! scenarios that the conformance page links to.

use stagewalk::access::Op;
use stagewalk::scenario::Case;
use stagewalk::scenario::examples::{self, Example};

/// A captured machine under `static/systems/`.
#[derive(Debug, PartialEq, Eq)]
pub struct System {
    /// Its directory, and its name in links.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What there is to see.
    pub about: &'static str,
    /// The Exception level to ask from at first.
    pub el: u8,
    /// Addresses worth asking about.
    pub places: &'static [Place],
}

/// An address worth asking about.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub label: &'static str,
    /// The question.
    pub op: Op,
    /// The address.
    pub va: u64,
}

const fn place(op: Op, va: u64, label: &'static str) -> Place {
    Place { label, op, va }
}

/// The captured machines, stopped while Debian's kernel was running.
pub static SYSTEMS: [System; 5] = [
    System {
        name: "k6.1-4k-a72",
        title: "Linux 6.1, 4K pages, Cortex-A72",
        about: "Debian's kernel 6.1 on an Armv8.0 core: 166 tables of 4 KB, 48-bit addresses, four levels, KASLR. \
                Captured at EL1.",
        el: 1,
        places: &[
            place(Op::S1E1R, 0xffff_d281_b501_0800, "kernel text: vectors"),
            place(Op::S1E1W, 0xffff_d281_b501_0800, "kernel text, written: forbidden"),
            place(Op::S1E1R, 0xffff_d281_b546_c6a0, "kernel text in a 2 MB block"),
            place(Op::S1E1R, 0xffff_8000_0954_7daf, "Device memory (ioremap)"),
            place(Op::S1E1W, 0xffff_3643_81ab_0186, "linear map, written"),
            place(Op::S1E1R, 0xffff_d281_b666_0000, "__init_begin: freed after boot"),
            place(Op::S1E0R, 0x1_044c, "user data at 64 KB"),
            place(Op::S1E0W, 0xffff_9c6b_4356, "user, contiguous run of 64 KB"),
            place(Op::S1E0R, 0xffff_9c80_018d, "user, transparent huge page"),
            place(Op::S1E0W, 0xffff_9c40_0f29, "user, hugetlb not yet written"),
            place(Op::S1E0R, 0xffff_9ce0_d052, "user, PROT_NONE but present"),
            place(Op::S1E0R, 0xa500_0000_0001_0000, "user, tagged pointer (TBI)"),
            place(Op::S1E0R, 0x0001_0000_0000_0000, "outside the address space"),
        ],
    },
    System {
        name: "k7.3-16k-neoverse-v1-rodataoff",
        title: "Linux 7.3, 16K pages, Neoverse V1",
        about: "Debian's kernel 7.3 with 16 KB pages, 47-bit addresses in three levels, hardware access flag, \
                rodata=off. Captured at EL1.",
        el: 1,
        places: &[
            place(Op::S1E1R, 0xffff_ecda_e3c1_0800, "kernel text: vectors"),
            place(Op::S1E1W, 0xffff_ecda_e3c1_0800, "kernel text, written: rodata=off allows it"),
            place(Op::S1E1R, 0xffff_ecda_e549_7b38, "linux_banner"),
            place(Op::S1E1R, 0xffff_c000_8322_8ffd, "Device memory in a 32 MB block"),
            place(Op::S1E1R, 0xffff_ecda_e678_bb80, "init_task"),
            place(Op::S1E0R, 0x20_c3a0, "user: hardware sets the access flag"),
            place(Op::S1E0R, 0x1_1132, "user data"),
            place(Op::S1E0W, 0x7fff_beba_8d29, "user, contiguous 64 KB"),
            place(Op::S1E0W, 0x7fff_b600_17cb, "user, hugetlb not yet written"),
            place(Op::S1E0R, 0x7fff_bed6_91ba, "user, execute-only"),
            place(Op::S1E0R, 0x7fff_bee0_b573, "user, PROT_NONE but present"),
            place(Op::S1E1R, 0x3cff_ecda_e462_8f90, "kernel text, tagged pointer (TBI)"),
            place(Op::S1E0R, 0x8000_0000_0000, "outside the address space"),
        ],
    },
    System {
        name: "nested-k7.3host-k6.1-4k-guest",
        title: "Linux 6.1 guest under KVM: two stages",
        about: "Debian's kernel 6.1 in a virtual machine on a 7.3 host: the guest's own tables, and KVM's stage 2 \
                under them. Asked from EL2, as the host would.",
        el: 2,
        places: &[
            place(Op::S12E1R, 0xffff_b678_98a1_0800, "guest kernel text: vectors"),
            place(Op::S12E1R, 0xffff_0000_03d1_d32c, "guest memory that stage 2 does not map"),
            place(Op::S12E1R, 0xffff_0000_0801_4816, "guest memory, a 4 KB page of stage 2"),
            place(Op::S12E0R, 0x1_044c, "guest user data at 64 KB"),
            place(Op::S12E0R, 0xffff_a83d_09d9, "guest user, contiguous run of 64 KB"),
            place(Op::S12E0R, 0xffff_a81c_f0bd, "guest user, 2 MB block"),
            place(Op::S1E1R, 0xffff_b678_98a1_0800, "stage 1 alone: the same vectors"),
            place(Op::S12E1R, 0xffff_8000_0015_6957, "nothing mapped by the guest"),
        ],
    },
    System {
        name: "k7.3-4k-max",
        title: "Linux 7.3, 4K pages, 52-bit addresses",
        about: "Debian's kernel 7.3 with LPA2: five levels from level -1, permission indirection (S1PIE), hardware \
                access flag. Captured at EL1.",
        el: 1,
        places: &[
            place(Op::S1E1R, 0xffff_ac39_0fc1_0800, "kernel text: vectors"),
            place(Op::S1E1W, 0xffff_ac39_0fc1_0800, "kernel text, written: forbidden"),
            place(Op::S1E1R, 0xfff0_0000_00a1_b8b1, "linear map, 2^50 away from the rest"),
            place(Op::S1E1R, 0xffff_8000_901e_ab0f, "Device memory in a 2 MB block"),
            place(Op::S1E0R, 0x1_044c, "user data at 64 KB"),
            place(Op::S1E0R, 0xffff_b097_c40d, "user: hardware sets the access flag"),
            place(Op::S1E0R, 0xffff_b110_cc83, "user, contiguous run of 64 KB"),
            place(Op::S1E0R, 0xffff_b32a_91cb, "user, PROT_NONE: invalid but not zero"),
        ],
    },
    System {
        name: "k7.3-4k-max-vhe-el2",
        title: "Linux 7.3 at EL2: the EL2&0 regime",
        about: "The same kernel running as a host at EL2 (E2H = 1, TGE = 1), where AT S1E1x means the EL2&0 regime.",
        el: 2,
        places: &[
            place(Op::S1E1R, 0xffff_9747_2a21_0800, "kernel text: vectors"),
            place(Op::S1E1W, 0xffff_9747_2a21_0800, "kernel text, written: forbidden"),
            place(Op::S1E2R, 0xffff_9747_2a21_0800, "kernel text, by AT S1E2R"),
            place(Op::S1E1R, 0xffff_8000_91df_71e4, "Device memory in a 2 MB block"),
            place(Op::S1E0R, 0x1_044c, "user data at 64 KB"),
            place(Op::S1E0R, 0xffff_a965_85e8, "user, contiguous run of 64 KB"),
            place(Op::S1E1R, 0x3cff_9747_2ac2_a970, "kernel text, tagged pointer (TBI)"),
        ],
    },
];

/// A scenario of the conformance page.
#[derive(Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its folder and name, and its name in links.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    case: &'static str,
}

/// The scenarios of the conformance page.
pub static SCENARIOS: &[Scenario] = &include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

impl Scenario {
    /// The machine and its question.
    #[must_use]
    pub fn case(&self) -> Option<Case> {
        self.case.parse().ok()
    }
}

/// Links may call the headline example this.
const STORY: &str = "story";

/// An entry of the picker.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// Built in.
    Example(Example),
    /// Built in, and found by its name alone.
    Scenario(&'static Scenario),
    /// To be fetched.
    System(&'static System),
}

impl Entry {
    /// The entry of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let name = if name == STORY { default_name() } else { name };
        Example::find(name)
            .map(Self::Example)
            .or_else(|| SCENARIOS.iter().find(|scenario| scenario.name == name).map(Self::Scenario))
            .or_else(|| SYSTEMS.iter().find(|system| system.name == name).map(Self::System))
    }

    /// Its name in links.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Example(example) => example.name,
            Self::Scenario(scenario) => scenario.name,
            Self::System(system) => system.name,
        }
    }

    /// Its title.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Example(example) => example.title,
            Self::Scenario(scenario) => scenario.name,
            Self::System(system) => system.title,
        }
    }

    /// What it shows.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        match self {
            Self::Example(example) => example.about,
            Self::Scenario(scenario) => scenario.about,
            Self::System(system) => system.about,
        }
    }
}

/// The example the playground opens on.
#[must_use]
pub const fn default_name() -> &'static str {
    examples::ALL[0].name
}
