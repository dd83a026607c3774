//! WebSocket frames, as far as a client of our own servers needs them: masked frames out, unmasked frames in.

pub(crate) const TEXT: u8 = 1;
pub(crate) const PONG: u8 = 10;

const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
const PING: u8 = 9;

/// Appends one final masked frame.
pub(crate) fn write(out: &mut Vec<u8>, opcode: u8, mask: [u8; 4], payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A whole text or binary message.
    Message(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    Close(Option<u16>),
}

/// The server broke the framing; nothing after it can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Cuts a stream of bytes into frames. Frames that are whole within one read are not copied.
#[derive(Default)]
pub(crate) struct FrameReader {
    /// The beginning of a frame whose end has not come.
    held: Vec<u8>,
    /// The fragments of a message whose last one has not come.
    message: Vec<u8>,
    fragmented: bool,
}

impl FrameReader {
    /// Takes what was read and reports the frames that are complete now.
    pub(crate) fn feed(&mut self, input: &[u8], mut report: impl FnMut(Item<'_>)) -> Result<(), Malformed> {
        if self.held.is_empty() {
            let used = self.cut(input, &mut report)?;
            self.held.extend_from_slice(&input[used..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(input);
            let used = self.cut(&held, &mut report)?;
            held.drain(..used);
            // One large list must not cost its size on every connection for ever.
            held.shrink_to(4096);
            self.held = held;
        }
        Ok(())
    }

    fn cut(&mut self, input: &[u8], report: &mut impl FnMut(Item<'_>)) -> Result<usize, Malformed> {
        let mut used = 0;
        while let Some(frame) = split(&input[used..])? {
            used += frame.len;
            self.frame(frame.first, frame.payload, report)?;
        }
        Ok(used)
    }

    fn frame(&mut self, first: u8, payload: &[u8], report: &mut impl FnMut(Item<'_>)) -> Result<(), Malformed> {
        let last = first & 0x80 != 0;
        match first & 0x0f {
            TEXT | BINARY if self.fragmented => return Err(Malformed("a new message inside a fragmented one")),
            TEXT | BINARY if last => report(Item::Message(payload)),
            TEXT | BINARY => {
                self.fragmented = true;
                self.message.extend_from_slice(payload);
            }
            CONTINUATION if self.fragmented => {
                self.message.extend_from_slice(payload);
                if last {
                    self.fragmented = false;
                    report(Item::Message(&self.message));
                    self.message = Vec::new();
                }
            }
            CONTINUATION => return Err(Malformed("a continuation of nothing")),
            PING => report(Item::Ping(payload)),
            PONG => report(Item::Pong),
            CLOSE => report(Item::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code)))),
            _ => return Err(Malformed("an unknown opcode")),
        }
        Ok(())
    }
}

struct Frame<'a> {
    first: u8,
    payload: &'a [u8],
    /// With its head.
    len: usize,
}

/// The first frame of `input`; `None` if its end is missing.
fn split(input: &[u8]) -> Result<Option<Frame<'_>>, Malformed> {
    let [first, second, rest @ ..] = input else { return Ok(None) };
    if second & 0x80 != 0 {
        return Err(Malformed("a masked frame from a server"));
    }
    if first & 0x70 != 0 {
        return Err(Malformed("a reserved bit"));
    }
    let (len, rest) = match second {
        126 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), rest),
            None => return Ok(None),
        },
        len => (u64::from(*len), rest),
    };
    let Ok(len) = usize::try_from(len) else { return Err(Malformed("a frame of impossible length")) };
    let head = input.len() - rest.len();
    Ok(rest.get(..len).map(|payload| Frame { first: *first, payload, len: head + len }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            len @ 0..126 => frame.push(len as u8),
            len @ 126..0x1_0000 => {
                frame.push(126);
                frame.extend((len as u16).to_be_bytes());
            }
            len => {
                frame.push(127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    fn owned(item: &Item<'_>) -> String {
        match item {
            Item::Message(text) => {
                format!("message of {}, {}", text.len(), text.iter().map(|b| u64::from(*b)).sum::<u64>())
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn however_the_stream_is_cut_the_frames_are_the_same() {
        let mut stream = Vec::new();
        for len in [0, 1, 125, 126, 127, 330, 65_535, 65_536] {
            stream.extend(server_frame(0x81, &vec![b'x'; len]));
            stream.extend(server_frame(0x89, b"hm"));
        }
        stream.extend(server_frame(0x01, b"in "));
        stream.extend(server_frame(0x8a, b""));
        stream.extend(server_frame(0x00, b"three "));
        stream.extend(server_frame(0x80, b"parts"));
        stream.extend(server_frame(0x88, &1001u16.to_be_bytes()));
        stream.extend(server_frame(0x88, b""));
        let cut = |step: usize| {
            let (mut reader, mut seen) = (FrameReader::default(), Vec::new());
            for piece in stream.chunks(step) {
                reader.feed(piece, |item| seen.push(owned(&item))).unwrap();
            }
            assert!(reader.held.is_empty() && reader.message.is_empty());
            seen
        };
        let whole = cut(stream.len());
        assert_eq!(whole.len(), 8 * 2 + 4);
        assert_eq!(whole[17], owned(&Item::Message(b"in three parts")));
        assert_eq!(whole[18..], ["Close(Some(1001))", "Close(None)"]);
        for step in [1, 2, 3, 7, 131, 1000, 65_000] {
            assert_eq!(cut(step), whole, "cut every {step} bytes");
        }
    }

    #[test]
    fn broken_framing_is_noticed() {
        let cases: [(&[u8], &str); 5] = [
            (b"\x81\x81mask!", "a masked frame from a server"),
            (b"\xc1\x00", "a reserved bit"),
            (b"\x80\x00", "a continuation of nothing"),
            (b"\x83\x00", "an unknown opcode"),
            (b"\x01\x00\x81\x00", "a new message inside a fragmented one"),
        ];
        for (bytes, why) in cases {
            assert_eq!(FrameReader::default().feed(bytes, |_| ()), Err(Malformed(why)));
        }
    }

    #[test]
    fn what_is_written_is_masked() {
        for len in [0, 5, 125, 126, 65_536] {
            let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut out = Vec::new();
            write(&mut out, TEXT, [1, 2, 3, 4], &payload);
            let head = out.len() - len;
            assert_eq!(out[0], 0x81);
            assert_eq!(out[1] & 0x80, 0x80);
            assert_eq!(out[head - 4..head], [1, 2, 3, 4]);
            let plain: Vec<u8> = out[head..].iter().zip([1, 2, 3, 4].iter().cycle()).map(|(b, k)| b ^ k).collect();
            assert_eq!(plain, payload);
        }
    }
}
