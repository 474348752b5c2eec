//! Numbers as people type and paste them: hexadecimal, with or without `0x`, spaces and `_` anywhere between digits.

/// Why a number cannot be read, in a sentence for the person who typed it.
pub type Complaint = String;

/// A hexadecimal number of at most `bits` bits.
///
/// # Errors
/// What is wrong, and where.
pub fn hex(text: &str, bits: u32) -> Result<u128, Complaint> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")).unwrap_or(trimmed);
    let most = bits / 4;
    let mut value = 0_u128;
    let mut count = 0;
    for letter in digits.chars() {
        match letter.to_digit(16) {
            Some(digit) if value >> 124 == 0 => value = value << 4 | u128::from(digit),
            Some(_) => return Err(format!("More than {bits} bits: at most {most} hexadecimal digits fit.")),
            None if letter == '_' || letter == ' ' => continue,
            None => return Err(format!("“{letter}” is not a hexadecimal digit (0–9, a–f).")),
        }
        count += 1;
    }
    if count == 0 {
        return Err(format!("No digits yet: type up to {most} hexadecimal digits, such as 0x40080123."));
    }
    if bits < 128 && value >> bits != 0 {
        return Err(format!("{count} digits are more than {bits} bits: at most {most} hexadecimal digits fit."));
    }
    Ok(value)
}

/// The physical address of a doubleword.
///
/// # Errors
/// What is wrong, and where.
pub fn word_address(text: &str) -> Result<u64, Complaint> {
    let address = hex(text, 56)? as u64;
    if address.is_multiple_of(8) {
        Ok(address)
    } else {
        Err(format!("{address:#x} is not a multiple of 8, as descriptors are."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_forms_are_read() {
        for text in ["0x40080123", " 4008_0123 ", "0X4008 0123", "0x0000_0000_4008_0123"] {
            assert_eq!(hex(text, 64), Ok(0x4008_0123), "{text}");
        }
        assert_eq!(hex("ffff_ffff_ffff_ffff", 64), Ok(u64::MAX.into()));
        assert_eq!(hex("0x0000000000000000000001", 64), Ok(1), "leading zeros are no bits");
    }

    #[test]
    fn complaints_say_what_is_wrong() {
        assert!(hex("0x40g8", 64).unwrap_err().contains("“g”"));
        assert!(hex("", 64).unwrap_err().contains("No digits"));
        assert!(hex("0x", 64).unwrap_err().contains("No digits"));
        assert!(hex("1_0000_0000_0000_0000", 64).unwrap_err().contains("17 digits"));
        assert!(hex(&"f".repeat(33), 128).unwrap_err().contains("128 bits"));
        assert!(hex("-1", 64).unwrap_err().contains("“-”"));
        assert!(word_address("0x1004").unwrap_err().contains("multiple of 8"));
        assert_eq!(word_address("0x1008"), Ok(0x1008));
    }
}
