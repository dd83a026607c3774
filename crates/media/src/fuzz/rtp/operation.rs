//! Bytes as operations: every value has a meaning.

use std::time::Duration;

use crate::fuzz::input::Input;

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'a> {
    /// The next packet of a layer, well-formed.
    Next {
        layer: u8,
        key: bool,
    },
    /// The next packet of a layer, with any payload.
    Payload {
        layer: u8,
        bytes: &'a [u8],
    },
    /// A packet so many numbers behind or beyond the next one.
    Displaced {
        layer: u8,
        by: i64,
    },
    /// A packet with any number.
    Numbered {
        layer: u8,
        seq: u64,
    },
    /// The next packet of the layer that passes is left out.
    LeaveOut,
    /// The source's timestamps leap.
    Leap {
        layer: u8,
        by: u32,
    },
    Wait(Duration),
    Aim(Option<u8>),
    Silent(u8),
    Complain,
    Stuck,
    Opaque(bool),
}

impl<'a> Input<'a> {
    pub(super) fn operation(&mut self) -> Option<Operation<'a>> {
        if self.is_over() {
            return None;
        }
        let head = self.byte();
        let (kind, argument) = (head & 0x07, head >> 3);
        let layer = argument & 0x03;
        Some(match kind {
            0 | 1 => Operation::Next { layer, key: argument & 0x04 != 0 },
            2 => {
                let count = usize::from(self.byte());
                Operation::Payload { layer, bytes: self.take(count) }
            }
            3 => {
                let by = i64::from(self.byte() as i8);
                // As far as the longest gap and the window reach, in steps.
                Operation::Displaced { layer, by: if argument & 0x04 == 0 { by } else { by * 13 } }
            }
            4 if argument & 0x10 != 0 => Operation::Numbered { layer, seq: u64::from_be_bytes(self.bytes()) },
            4 => Operation::LeaveOut,
            5 => Operation::Leap { layer, by: u32::from_be_bytes(self.bytes()) },
            6 => Operation::Wait(Duration::from_millis(1 << (argument & 0x0f))),
            _ => match argument >> 3 {
                0 => Operation::Aim((argument & 0x04 == 0).then_some(layer)),
                1 => Operation::Silent(layer),
                2 => Operation::Opaque(argument & 1 == 1),
                _ if argument & 1 == 0 => Operation::Complain,
                _ => Operation::Stuck,
            },
        })
    }
}
