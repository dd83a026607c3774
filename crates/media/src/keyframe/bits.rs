//! The bits of a coded header.

/// Reads bits, the most significant of each byte first. At the end it answers `None`.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let flag = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(flag)
    }

    /// A number of `count` bits, at most 32.
    pub(super) fn number(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "a number has 32 bits");
        let mut number = 0;
        for _ in 0..count {
            number = number << 1 | u32::from(self.flag()?);
        }
        Some(number)
    }

    /// An exponential Golomb code: H.264 section 9.1 (`ue(v)`), the same as `uvlc()` of AV1 section 4.10.3. No header
    /// has reason to hold one of more than 32 bits: that is `None`.
    pub(super) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// Its signed form, `se(v)` of H.264.
    pub(super) fn signed_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_cross_bytes_and_end_with_them() {
        let mut bits = Bits::new(&[0b1010_0101, 0b1100_0000]);
        assert_eq!((bits.number(3), bits.number(7), bits.flag()), (Some(0b101), Some(0b001_0111), Some(false)));
        assert_eq!((bits.number(5), bits.flag(), bits.number(0)), (Some(0), None, Some(0)));
        assert_eq!(Bits::new(&[0xff; 4]).number(32), Some(u32::MAX));
    }

    #[test]
    fn golomb_codes() {
        // H.264 table 9-2.
        for (byte, code) in [(0x80, 0), (0x40, 1), (0x60, 2), (0x20, 3), (0x28, 4), (0x38, 6), (0x10, 7)] {
            assert_eq!(Bits::new(&[byte]).golomb(), Some(code), "{byte:#x}");
        }
        // Table 9-3.
        for (byte, code) in [(0x80, 0), (0x40, 1), (0x60, -1), (0x20, 2), (0x28, -2)] {
            assert_eq!(Bits::new(&[byte]).signed_golomb(), Some(code), "{byte:#x}");
        }
        assert_eq!(Bits::new(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]).golomb(), Some(u32::MAX - 1));
        assert_eq!(Bits::new(&[0; 5]).golomb(), None, "32 zeros and more");
        assert_eq!(Bits::new(&[0, 1]).golomb(), None, "it ends within");
    }
}
