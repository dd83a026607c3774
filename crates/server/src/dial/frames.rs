//! The client's half of RFC 6455: what it sends is masked, what it hears is not.

use std::io;

use patchbay_dialect_kit::Random;

use crate::random::{Entropy, SystemRandom};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Text(String),
    Ping(Vec<u8>),
    Close,
}

/// Puts frames together from what is read.
pub(super) struct Reader {
    pub(super) held: Vec<u8>,
    /// Most bytes of a message.
    most: usize,
    /// The fragments of a text that is not whole.
    begun: Option<Vec<u8>>,
    /// Nothing more will come, and that has been said.
    pub(super) is_cut: bool,
}

impl Reader {
    pub(super) fn new(early: Vec<u8>, most: usize) -> Self {
        Self { held: early, most, begun: None, is_cut: false }
    }

    /// The next message; `None`: it is not whole.
    ///
    /// # Errors
    /// If the server breaks the rules, or says more at once than may be.
    pub(super) fn next(&mut self) -> io::Result<Option<Heard>> {
        while let Some((first, payload)) = self.frame()? {
            let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
            // A control frame is whole, and no bit has a meaning that was not agreed on.
            if first & 0x70 != 0 || (opcode >= CLOSE && !last) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match opcode {
                CLOSE => return Ok(Some(Heard::Close)),
                PING => return Ok(Some(Heard::Ping(payload))),
                PONG => {}
                CONTINUATION if self.begun.is_some() => {
                    let begun = self.begun.get_or_insert_default();
                    if begun.len() + payload.len() > self.most {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    begun.extend_from_slice(&payload);
                    if last {
                        let whole = self.begun.take().unwrap_or_default();
                        return text_of(whole).map(Some);
                    }
                }
                TEXT if self.begun.is_none() => {
                    if last {
                        return text_of(payload).map(Some);
                    }
                    self.begun = Some(payload);
                }
                // Nothing of this protocol is binary.
                BINARY if self.begun.is_none() && last => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(None)
    }

    /// The first byte and the payload of the next frame.
    fn frame(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let [first, second, rest @ ..] = self.held.as_slice() else { return Ok(None) };
        // A server does not mask.
        if second & 0x80 != 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (length, head) = match second & 0x7f {
            126 => match rest.first_chunk::<2>() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 10),
                None => return Ok(None),
            },
            length => (u64::from(length), 2),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= self.most);
        let length = length.ok_or(io::ErrorKind::InvalidData)?;
        if self.held.len() < head + length {
            return Ok(None);
        }
        let first = *first;
        let payload = self.held[head..head + length].to_vec();
        self.held.drain(..head + length);
        Ok(Some((first, payload)))
    }
}

fn text_of(bytes: Vec<u8>) -> io::Result<Heard> {
    String::from_utf8(bytes).map(Heard::Text).map_err(|_| io::ErrorKind::InvalidData.into())
}

pub(super) fn text(text: &[u8], entropy: &Entropy, random: &mut SystemRandom) -> Vec<u8> {
    frame(TEXT, text, mask(entropy, random))
}

pub(super) fn pong(payload: &[u8], entropy: &Entropy, random: &mut SystemRandom) -> Vec<u8> {
    frame(PONG, payload, mask(entropy, random))
}

/// 1000: all is done.
pub(super) fn close(entropy: &Entropy, random: &mut SystemRandom) -> Vec<u8> {
    frame(CLOSE, &1_000_u16.to_be_bytes(), mask(entropy, random))
}

fn mask(entropy: &Entropy, random: &mut SystemRandom) -> [u8; 4] {
    let mut word = 0;
    entropy.lend(random, |rng: &mut dyn Random| word = rng.next_u64());
    let [mask @ .., _, _, _, _] = word.to_be_bytes();
    mask
}

fn frame(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match (payload.len(), u16::try_from(payload.len())) {
        (length @ 0..=125, _) => frame.push(0x80 | u8::try_from(length).unwrap_or_default()),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        (length, Err(_)) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], most: usize) -> Result<Vec<Heard>, io::ErrorKind> {
        // Byte by byte, as the network may bring it.
        let (mut reader, mut heard) = (Reader::new(Vec::new(), most), Vec::new());
        for byte in bytes {
            reader.held.push(*byte);
            while let Some(one) = reader.next().map_err(|error| error.kind())? {
                heard.push(one);
            }
        }
        Ok(heard)
    }

    #[test]
    fn a_server_s_frames_are_read() {
        let text = |text: &str| Heard::Text(text.to_owned());
        assert_eq!(all(b"\x81\x031::\x81\x032::", 10), Ok(vec![text("1::"), text("2::")]));
        assert_eq!(all(b"\x01\x021:\x89\x01p\x80\x01:", 10), Ok(vec![Heard::Ping(b"p".to_vec()), text("1::")]));
        assert_eq!(all(b"\x8a\x00\x82\x01x\x88\x02\x03\xe8", 10), Ok(vec![Heard::Close]));
        let long = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        assert_eq!(all(&long, 256), Ok(vec![text(&"x".repeat(256))]));
        for wrong in [
            &b"\x81\x83\0\0\0\0abc"[..],
            b"\x81\x0bxxxxxxxxxxx",
            b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x80\x01x",
            b"\x01\x01x\x81\x01x",
            b"\x01\x06xxxxxx\x80\x05xxxxx",
            b"\x09\x00",
            b"\xc1\x01x",
            b"\x83\x01x",
            b"\x81\x01\xff",
        ] {
            assert_eq!(all(wrong, 10), Err(io::ErrorKind::InvalidData), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_sent_is_masked() {
        // G3: the device's own echo of a heartbeat.
        assert_eq!(frame(TEXT, b"2::", [0xff; 4]), [0x81, 0x83, 0xff, 0xff, 0xff, 0xff, 0xcd, 0xc5, 0xc5]);
        assert_eq!(frame(TEXT, &[0; 126], [1, 2, 3, 4])[..10], [0x81, 0xfe, 0, 126, 1, 2, 3, 4, 1, 2]);
        assert_eq!(frame(TEXT, &[0; 65_536], [0; 4])[..10], [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
