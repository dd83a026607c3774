//! What the fuzz target `frames` runs: a client's bytes in pieces, held against RFC 6455 read once more, byte by byte
//! and with all bytes at hand.

use super::frame::{self, Opcode, Violation};
use super::reader::{Item, Next, Reader};

/// Largest messages that are tried: none, both sides of each form of length, and more than any input has.
const MOST: [usize; 8] = [0, 1, 125, 126, 127, 300, 65_535, 1 << 20];

/// Runs `data`: largest message, seed of the cuts, then the bytes of the client.
pub(crate) fn target(data: &[u8]) {
    let [most, cuts, stream @ ..] = data else { return };
    let most = MOST[usize::from(*most) % MOST.len()];
    let expected = expected(stream, most);
    let whole = read(stream, most, [stream.len()], || false);
    assert_eq!(whole, expected, "all bytes at once, and the RFC");
    let (cuts, mut pauses) = (Lehmer(u32::from(*cuts)), Lehmer(u32::from(*cuts) + 256));
    let cut = read(stream, most, cuts, || pauses.next() < Some(3));
    assert_eq!(cut, expected, "the bytes in pieces, and the RFC");
    for item in &expected.items {
        answered(item);
    }
}

/// What a stream says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    items: Vec<(Opcode, Vec<u8>)>,
    violation: Option<Violation>,
}

/// Reads the stream in pieces, with pauses. A close frame ends it, as in a connection.
fn read(stream: &[u8], most: usize, pieces: impl IntoIterator<Item = usize>, mut pauses: impl FnMut() -> bool) -> Said {
    let (mut reader, mut said, mut rest) = (Reader::default(), Said::default(), stream);
    let (mut pieces, mut closed, mut unseen) = (pieces.into_iter(), false, false);
    loop {
        // What was kept unseen comes before anything new, as in a connection.
        let length = if unseen { 0 } else { pieces.next().unwrap_or_default().min(rest.len()) };
        let (piece, after) = rest.split_at(length);
        rest = after;
        let read = reader.digest(&mut piece.to_vec(), most, |item| {
            let (opcode, payload) = match item {
                Item::Text(text) => (Opcode::Text, text.as_bytes()),
                Item::Binary(bytes) => (Opcode::Binary, bytes),
                Item::Ping(payload) => (Opcode::Ping, payload),
                Item::Pong(payload) => (Opcode::Pong, payload),
                Item::Close(payload) => (Opcode::Close, payload),
            };
            said.items.push((opcode, payload.to_vec()));
            closed = opcode == Opcode::Close;
            match opcode {
                Opcode::Close => Next::Stop,
                _ if pauses() => Next::Pause,
                _ => Next::More,
            }
        });
        unseen = read == Ok(true);
        said.violation = read.err();
        let (partial, fragments) = reader.held();
        assert!(fragments <= most, "{fragments} bytes of fragments are held, {most} are allowed");
        let frame = 14 + most.saturating_sub(fragments).max(125);
        assert!(unseen || partial < frame, "{partial} bytes of one frame are held, less than {frame} are allowed");
        if closed || said.violation.is_some() {
            assert_eq!(partial, 0, "what is left is dropped");
            break;
        }
        if rest.is_empty() && !unseen {
            break;
        }
    }
    said
}

/// Lengths of pieces, mostly short: a generator of Lehmer's kind, which is enough to cut everywhere.
struct Lehmer(u32);

impl Iterator for Lehmer {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.0 = self.0.wrapping_mul(48_271).wrapping_add(1) % 0x7fff_ffff;
        let short = (self.0 >> 8) as usize % 9;
        Some(if self.0.is_multiple_of(5) { short * 40 } else { short })
    }
}

/// RFC 6455 section 5, with all bytes at hand.
fn expected(stream: &[u8], most: usize) -> Said {
    let mut said = Said::default();
    let mut bytes = stream.iter().copied();
    let mut message = None;
    said.violation = loop {
        match next(&mut bytes, most, &mut message) {
            Ok(Some(item)) => {
                let closes = item.0 == Opcode::Close;
                said.items.push(item);
                if closes {
                    break None;
                }
            }
            Ok(None) if bytes.len() == 0 => break None,
            Ok(None) => {}
            Err(violation) => break Some(violation),
        }
    };
    said
}

/// A message whose last fragment has not come.
struct Open {
    kind: Opcode,
    payload: Vec<u8>,
    fragments: u32,
}

/// One frame: an item if the frame completes one; `bytes` is used up if the frame is not whole.
fn next(
    bytes: &mut (impl ExactSizeIterator<Item = u8> + Clone),
    most: usize,
    message: &mut Option<Open>,
) -> Result<Option<(Opcode, Vec<u8>)>, Violation> {
    let mut cursor = bytes.clone();
    // The stream ends within a frame that is legal as far as it goes.
    macro_rules! take {
        () => {
            match cursor.next() {
                Some(byte) => byte,
                None => {
                    bytes.by_ref().for_each(drop);
                    return Ok(None);
                }
            }
        };
    }
    let (first, second) = (take!(), take!());
    let opcode = match first & 0b0000_1111 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(Violation::Protocol),
    };
    let (fin, reserved, masked) = (first >> 7 == 1, first >> 4 & 0b111, second >> 7 == 1);
    if reserved != 0 || !masked {
        return Err(Violation::Protocol);
    }
    let digits = match second & 0b0111_1111 {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = if digits == 0 { u64::from(second & 0b0111_1111) } else { 0 };
    for _ in 0..digits {
        length = length << 8 | u64::from(take!());
    }
    let control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
    if length > i64::MAX as u64 || control && (!fin || length > 125) {
        return Err(Violation::Protocol);
    }
    let held = message.as_ref().map_or(0, |open| open.payload.len() as u64);
    if !control && held.saturating_add(length) > most as u64 {
        return Err(Violation::TooLarge);
    }
    let mask = [take!(), take!(), take!(), take!()];
    let mut payload = Vec::new();
    for index in 0..length {
        payload.push(take!() ^ mask[(index % 4) as usize]);
    }
    *bytes = cursor;
    let open = match (opcode, message.take()) {
        (Opcode::Close | Opcode::Ping | Opcode::Pong, open) => {
            *message = open;
            return Ok(Some((opcode, payload)));
        }
        (Opcode::Text | Opcode::Binary, None) => Open { kind: opcode, payload, fragments: 1 },
        // Not the RFC's rule but ours: empty fragments are within every limit of size.
        (Opcode::Continuation, Some(open)) if open.fragments == 1_024 => return Err(Violation::TooLarge),
        (Opcode::Continuation, Some(open)) => {
            Open { payload: [open.payload, payload].concat(), fragments: open.fragments + 1, ..open }
        }
        _ => return Err(Violation::Protocol),
    };
    if !fin {
        *message = Some(open);
        return Ok(None);
    }
    let Open { kind, payload: whole, .. } = open;
    if kind == Opcode::Text && std::str::from_utf8(&whole).is_err() {
        return Err(Violation::NotUtf8);
    }
    Ok(Some((kind, whole)))
}

/// What we would answer is a frame that says the same, and a close code that may be sent.
fn answered((opcode, payload): &(Opcode, Vec<u8>)) {
    let mut frame = Vec::new();
    if *opcode == Opcode::Close {
        let code = frame::close_answer(payload);
        let given = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        let utf8 = std::str::from_utf8(payload.get(2..).unwrap_or_default()).is_ok();
        let expected = match given {
            None if payload.is_empty() => 1000,
            Some(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) if utf8 => code,
            _ => 1002,
        };
        assert_eq!(code, expected, "the answer to {payload:?}");
        frame::write_close(&mut frame, code);
        assert_eq!(frame, [0x88, 2, (code >> 8) as u8, code as u8]);
        return;
    }
    frame::write(&mut frame, *opcode, payload);
    // A server does not mask: with a mask of zeros it is a client's frame, which is read above.
    let at = frame.len() - payload.len();
    frame.splice(at..at, [0; 4]);
    frame[1] |= 0x80;
    assert_eq!(
        at,
        2 + [0, 2, 8][usize::from(payload.len() > 125) + usize::from(payload.len() > 65_535)],
        "shortest form"
    );
    let said = expected(&frame, payload.len());
    assert_eq!(said, Said { items: vec![(*opcode, payload.clone())], violation: None });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "frames", super::target);
    }
}
