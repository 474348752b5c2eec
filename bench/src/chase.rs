//! The floor: what reading the tables costs when nothing is made of what is read. Four levels of 4K tables.

/// The bits of a descriptor, or of an address, that name a page.
pub const PAGE: u64 = 0x0000_ffff_ffff_f000;
/// Where the indices of levels 0 to 3 begin.
pub const SHIFTS: [u32; 4] = [39, 30, 21, 12];

/// The address of the descriptor of `input` in the table at `table`.
#[inline(always)]
#[must_use]
pub const fn entry(table: u64, input: u64, shift: u32) -> u64 {
    table | (input >> shift & 0x1ff) << 3
}

#[inline(always)]
fn load(words: &[u64], address: u64) -> u64 {
    words.get((address >> 3) as usize).copied().unwrap_or(0)
}

/// The output address of one stage: 4 loads.
#[inline(always)]
#[must_use]
pub fn stage(words: &[u64], root: u64, input: u64) -> u64 {
    let mut table = root;
    for shift in SHIFTS {
        table = load(words, entry(table, input, shift)) & PAGE;
    }
    table | input & !PAGE
}

/// The output address of stage 1 under stage 2, `root1` being an IPA: 24 loads.
#[inline(always)]
#[must_use]
pub fn nested(words: &[u64], root1: u64, root2: u64, va: u64) -> u64 {
    let mut table = root1;
    for shift in SHIFTS {
        table = load(words, stage(words, root2, entry(table, va, shift))) & PAGE;
    }
    stage(words, root2, table | va & !PAGE)
}

/// The sum of the output addresses of a tree's leaves: every descriptor is loaded once, and asked whether it is valid.
#[must_use]
pub fn scan_and_sum(words: &[u64], table: u64, level: usize) -> u64 {
    (0..512).fold(0, |sum, index| {
        let descriptor = load(words, table | index << 3);
        let output = descriptor & PAGE;
        match descriptor & 1 {
            0 => sum,
            _ if level == 3 => sum.wrapping_add(output),
            _ => sum.wrapping_add(scan_and_sum(words, output, level + 1)),
        }
    })
}
