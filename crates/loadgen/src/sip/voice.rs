//! What callers say: PCMU of 20 ms whose bytes tell who said it when. The telephone says it back as it was.

/// Samples, and bytes, of a packet.
pub(super) const BYTES: usize = 160;
const HEAD: usize = 16;

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    /// When it was sent, in nanoseconds since the stage began.
    pub(super) nanos: u64,
    pub(super) caller: u32,
    /// Number of the packet in its call.
    pub(super) number: u32,
}

pub(super) fn write(spoken: &Spoken) -> [u8; BYTES] {
    let mut bytes = [filler(spoken); BYTES];
    bytes[..8].copy_from_slice(&spoken.nanos.to_be_bytes());
    bytes[8..12].copy_from_slice(&spoken.caller.to_be_bytes());
    bytes[12..HEAD].copy_from_slice(&spoken.number.to_be_bytes());
    bytes
}

/// `None`: it is not what a caller said.
pub(super) fn read(payload: &[u8]) -> Option<Spoken> {
    let payload: &[u8; BYTES] = payload.try_into().ok()?;
    let (nanos, rest) = payload.split_first_chunk::<8>()?;
    let (caller, rest) = rest.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let spoken = Spoken {
        nanos: u64::from_be_bytes(*nanos),
        caller: u32::from_be_bytes(*caller),
        number: u32::from_be_bytes(*number),
    };
    rest.iter().all(|byte| *byte == filler(&spoken)).then_some(spoken)
}

fn filler(spoken: &Spoken) -> u8 {
    (spoken.caller ^ spoken.number) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_and_nothing_else() {
        let spoken = Spoken { nanos: 1 << 40, caller: 3, number: 70_000 };
        let mut bytes = write(&spoken);
        assert_eq!(read(&bytes), Some(spoken));
        assert_eq!(read(&bytes[1..]), None);
        bytes[BYTES - 1] ^= 1;
        assert_eq!(read(&bytes), None);
    }
}
