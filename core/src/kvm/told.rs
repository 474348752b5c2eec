//! The known differences in words.

use super::rows::Row;

/// What is different, in a sentence; none for a row by which no machine is explained.
#[must_use]
pub const fn sentence(row: Row) -> Option<&'static str> {
    Some(match row {
        1 => "A tag where the top byte counts: Linux says Address size fault, level 0, and Arm Translation fault.",
        2 => "A walk that cannot begin: Linux says the level that it would have begun at, and Arm level 0.",
        3 => "The reserved SH = 0b01: Linux takes it for Non-shareable, and QEMU reports it as it stands.",
        4 => "The indirect permission of guarded control stacks: QEMU denies what it allows, Linux lets code execute.",
        5 => "An External abort on a walk: Linux tells it in PAR_EL1, and Arm takes an exception.",
        6 => "A stage 2 fault on a stage 1 table: Linux says the level of stage 1, and Arm that of stage 2.",
        7 => "AT for a write to a clean page: hardware dirty state is not offered, so that it is a Permission fault.",
        8 => "QEMU's AT never sets the access flag.",
        9 => "AT of both stages: Linux leaves bit 11 of PAR_EL1 at 0, and by Arm it is 1.",
        11 => "SCTLR_ELx.C = 0: QEMU ignores it, and Linux forgets the XS attribute.",
        12 => "HCR_EL2.TGE = 1: QEMU walks stage 1, which by Arm is off.",
        13 => "HCR_EL2.PTW = 1: Linux walks tables in Device memory, and by Arm that is a Permission fault.",
        14 => "QEMU does not hold the address bits from 48 up against the output size.",
        15 => "Linux knows of no memory whose XS attribute is 0.",
        17 => {
            "An address beyond stage 2's input size: Linux drops the high bits, and by Arm it is a Translation fault."
        }
        18 => "nDirty = 1 with indirect permissions: it is ignored, and by Arm a write is a Permission fault.",
        20 => "A contiguous run: QEMU takes the descriptor's address as it stands, and Arm the run's.",
        21 => "PAN with indirect permissions and a reserved code for EL0: it does not apply here, and by Arm it does.",
        22 => "A Permission fault: Linux sets the access flag all the same, which the architecture leaves open.",
        23 => "The processor's addresses have 52 bits, which the kernel hides, and uses where it asks the real AT.",
        24 => "A block larger than the output size: here the descriptor's address alone is held against it.",
        25 => "Write-Back Transient under Write-Through of stage 2: Linux leaves it Write-Back Transient.",
        26 => "E2H = 0: Linux loses HPD, HA and HD of TCR_EL2 where it asks the real AT.",
        27 => "Write-Back forced by stage 2: Linux forgets the allocation hints of stage 1.",
        28 => "A block with nT = 1 translates here; the architecture leaves that open.",
        29 => "A reserved attribute of MAIR_ELx is reported as it stands; the architecture leaves that open.",
        30 => {
            "A reserved attribute, or one with XS = 0, where the stages combine: Linux combines the halves of the byte."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::differences::DIFFERENCES;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_row_that_explains_something_is_told() {
        for difference in &DIFFERENCES {
            assert!(sentence(difference.row).is_some(), "row {}", difference.row);
        }
        let told = (0..=Row::MAX).filter(|&row| sentence(row).is_some());
        let idle: Vec<Row> = told.filter(|&row| DIFFERENCES.iter().all(|difference| difference.row != row)).collect();
        assert!(idle.is_empty(), "told, and explain nothing: {idle:?}");
    }
}
