//! The guided tour: text beside a position of a trace, page by page.

/// A page of the tour.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Its heading.
    pub title: &'static str,
    /// Its paragraphs.
    pub text: &'static [&'static str],
    /// The story it shows.
    pub story: &'static str,
    /// Under which policy.
    pub policy: &'static str,
    /// The steps that are recorded.
    pub trace: &'static str,
    /// How many of them have been taken.
    pub at: usize,
    /// Everything is explored.
    pub explore: bool,
}

/// AT at EL1, to its end.
const EL1: &str = "0.0.0.0.0";
/// The fallback, racing: the walk is overtaken between its last read but one and its last.
const RACE: &str = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.1.1.0.0.0";
/// The same, with the other vCPU paused.
const PAUSED: &str = "0.0.0.1!.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.1.1";
/// The same, with a lock.
const LOCKED: &str = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.0.0.1.1.0.0";
/// The same, with a count.
const COUNTED: &str = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.1.1.0.0.0.0.0.0.0.0.0.0.0";
/// By hardware, a descriptor at a time: the walk holds up the DSB after the TLBI.
const WAITED: &str = "0:1.0.1.1.1.0.1.1.0.0";

/// The pages.
pub static PAGES: &[Page] = &[
    Page {
        title: "A page of the guest's tables is gone",
        text: &[
            "In 2017 a thread on the KVM/arm64 mailing list asked how a hypervisor should emulate AT for a guest that \
             is a hypervisor itself. This tour takes the question apart.",
            "A guest keeps its translation tables in memory that a hypervisor lends it, through stage 2. Here the page \
             of its level 3 table has been swapped out: in Memory below, s2_of_table is 0, so stage 2 does not map \
             that page. The guest is about to ask by AT where x leads.",
        ],
        story: "swapped-out-el1",
        policy: "hardware",
        trace: EL1,
        at: 0,
        explore: false,
    },
    Page {
        title: "Executed at EL1: an exception that says which page",
        text: &[
            "The walk reads the guest's level 2 descriptor, and then stage 2 cannot translate the address of the next. \
             At EL1 this is a stage 2 fault like any other: it is taken to EL2, and HPFAR_EL2 holds the page of the \
             descriptor that could not be read.",
        ],
        story: "swapped-out-el1",
        policy: "hardware",
        trace: EL1,
        at: 1,
        explore: false,
    },
    Page {
        title: "So the page is brought back, and AT is executed again",
        text: &[
            "The host maps the page and returns to the very same AT, which now succeeds. It is no different from a \
             load that faults; the guest never knows.",
        ],
        story: "swapped-out-el1",
        policy: "hardware",
        trace: EL1,
        at: 3,
        explore: false,
    },
    Page {
        title: "Executed at EL2: no exception, and no hint",
        text: &[
            "A guest hypervisor's AT is trapped. The host loads the context that it asks about and executes AT for it, \
             at EL2. There the same stage 2 fault is no exception: PAR_EL1 says F = 1, S = 1, PTW = 1, and no register \
             says which page was missing.",
            "The matrix shows what hardware came to know. If only AT could say how far it got.",
        ],
        story: "swapped-out-el2",
        policy: "hardware",
        trace: "0.0.0",
        at: 1,
        explore: false,
    },
    Page {
        title: "The fallback: walk the tables by hand",
        text: &[
            "The way out is to do in software what hardware has just done, one descriptor after another. Each read is \
             a tick in the lane: square for stage 1, round for stage 2. The walk finds the hole itself, so now the \
             address is known.",
            "Select a tick, and the matrix shows the walk as it was then.",
        ],
        story: "swapped-out",
        policy: "race",
        trace: RACE,
        at: 8,
        explore: false,
    },
    Page {
        title: "Meanwhile, others run",
        text: &[
            "The page is back and the walk has begun again; it has read root_entry, which leads to the old table. Now \
             the other vCPU links a new table in its place. The arrow is its store to memory.",
            "So far all is well. Hardware that walks may just as well have read the old entry before the store.",
        ],
        story: "swapped-out",
        policy: "race",
        trace: RACE,
        at: 15,
        explore: false,
    },
    Page {
        title: "TLBI and DSB complete, and the walk knows nothing of it",
        text: &["The other vCPU does everything right: it unlinks the table, invalidates on every vCPU, and waits. A \
             hardware walk under way would make that DSB wait. This walk is a loop in a hypervisor: nobody waits for \
             it. The page of the old table is free now, and becomes something else."],
        story: "swapped-out",
        policy: "race",
        trace: RACE,
        at: 19,
        explore: false,
    },
    Page {
        title: "A translation that was never there",
        text: &[
            "The walk goes on in the page that is no table any more and takes what it finds for a descriptor. PAR_EL1 \
             leads to a page that the guest never mapped.",
        ],
        story: "swapped-out",
        policy: "race",
        trace: RACE,
        at: 20,
        explore: false,
    },
    Page {
        title: "Could hardware do that? Try everything",
        text: &[
            "One bad run proves little: perhaps hardware may do the same. So every interleaving and every choice of \
             every TLB is tried, first with AT executed by hardware, then with this policy. What only the second \
             reaches is extra: no vCPU would ever see it.",
            "Each outcome can be replayed.",
        ],
        story: "swapped-out",
        policy: "race",
        trace: RACE,
        at: 22,
        explore: true,
    },
    Page {
        title: "The proposal of the thread: pause everybody else",
        text: &[
            "Before the walk, all other vCPUs are asked to leave the guest: a request, an IPI to each, and each goes \
             to sleep at its next boundary. Only then are the tables read, and nothing can change under the walk.",
        ],
        story: "swapped-out",
        policy: "pause-all",
        trace: PAUSED,
        at: 18,
        explore: true,
    },
    Page {
        title: "Or: let a TLBI wait",
        text: &[
            "Nobody is paused here. But a guest's TLBI is complete only when the software walks older than itself are \
             done, as it would be with hardware walks. The other vCPU may store what it likes; its DSB waits. Nothing \
             extra is left, and only those who invalidate ever wait.",
        ],
        story: "swapped-out",
        policy: "tlb-lock-epoch",
        trace: LOCKED,
        at: 17,
        explore: true,
    },
    Page {
        title: "Or: count, and begin again",
        text: &[
            "Nobody waits at all here. TLBIs are counted, and a walk that ends with another count than it began with \
             is thrown away. It has read nonsense, but nobody will see it.",
        ],
        story: "swapped-out",
        policy: "seq-retry",
        trace: COUNTED,
        at: 21,
        explore: true,
    },
    Page {
        title: "A retry cannot undo a write",
        text: &[
            "A walk that also sets access flags writes to the tables. Here it sets the flag in a page that is no table \
             any more, and only then finds that the count has changed. PAR_EL1 comes out right, and memory is \
             corrupted. Looking at the count and updating must be one step.",
        ],
        story: "access-flag-aba",
        policy: "seq-retry",
        trace: "0.0.0.1.1.1.1.1.0.0.0.0.0.0.0.0",
        at: 10,
        explore: true,
    },
    Page {
        title: "Pausing vCPUs does not pause the host",
        text: &[
            "The host itself takes pages away from guests, at any moment. It is no vCPU, and no vCPU's pause stops it. \
             Only a lock or a count that the host's own invalidations take part in covers this.",
        ],
        story: "notifier",
        policy: "pause-all",
        trace: "0.0.0.0.0.0.0.0.1.1.1.1.1.0.0.0.0",
        at: 14,
        explore: true,
    },
    Page {
        title: "Is it that a walk in software can be torn?",
        text: &[
            "This walk reads the root entry before it changes and the old table after it was scribbled on: evil was \
             mapped at no moment. And yet nothing is extra.",
        ],
        story: "torn-walk",
        policy: "race",
        trace: "0.0.0.1.1.1.0.0.0",
        at: 7,
        explore: true,
    },
    Page {
        title: "No: tearing alone is legal",
        text: &[
            "Here hardware executes the AT, after both stores, and comes to evil too: its TLB still holds the root \
             entry as it was, which nobody has invalidated, and the rest is read from memory. Without a TLBI that has \
             completed, a vCPU may combine the old with the new.",
        ],
        story: "torn-walk",
        policy: "hardware",
        trace: "1.1.1.0:1.0.0",
        at: 4,
        explore: true,
    },
    Page {
        title: "What hardware has: a DSB that waits",
        text: &[
            "Back to hardware, which walks here a descriptor at a time, as the walk in software did. It has read the \
             old entry. The other vCPU has unlinked the table and issued its TLBI, and now its DSB cannot complete: a \
             walk that may use what is invalidated is not over.",
            "Take the walk's last step, and the DSB is free to complete. Only then is the page used again.",
        ],
        story: "dsb-waits",
        policy: "hardware",
        trace: WAITED,
        at: 5,
        explore: true,
    },
    Page {
        title: "What a walk in software lacks",
        text: &[
            "So it is not atomicity, and nothing needs to stand still. What hardware has, and a walk in software \
             lacks, is that TLBI + DSB waits for it. That, and nothing else, is what pausing buys; a lock that makes \
             TLBIs wait buys it for less.",
            "Here is that one difference by itself: the same programs, the same order, and a DSB that waits for \
             nobody. Explore it under every policy; step through it, and make your own interleaving.",
        ],
        story: "dsb-waits",
        policy: "race",
        trace: "0.0.0.1.1.1.1.1.0.0.0",
        at: 9,
        explore: true,
    },
];
