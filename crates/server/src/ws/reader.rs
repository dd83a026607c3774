//! From bytes to messages: frames that come in pieces, and messages that come in fragments. No I/O.

use super::frame::{self, InFrame, Opcode, Violation};

/// Fragments of one message, control frames between them not counted. Fewer would end senders with small buffers: a
/// message of 1 MiB in pieces of 1 KiB has as many. More would only let a peer keep us busy for longer without ever
/// saying anything, since an empty fragment is within every limit of size. One too many is 1009, "too big to process",
/// and not 1008: the fault is the form of this one message, and a sender cures both by larger or fewer pieces.
const FRAGMENTS: u32 = 1_024;

/// What a peer said, whole and unmasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(&'a [u8]),
}

/// How to go on after an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    More,
    /// The rest is kept and not looked at.
    Pause,
    /// The rest is dropped.
    Stop,
}

/// What of a peer's bytes has not become an item yet; empty, and without memory, while nothing is half-read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The start of a frame whose rest has not come, or frames that were kept in a pause; from `done` on.
    partial: Vec<u8>,
    done: usize,
    /// The fragments of a message so far.
    fragments: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    opcode: Opcode,
    count: u32,
    payload: Vec<u8>,
}

impl Reader {
    /// A reader that has bytes already, not looked at.
    pub(super) fn with(bytes: Vec<u8>) -> Self {
        Self { partial: bytes, ..Self::default() }
    }

    /// Hands on the items that are whole with `input`, in order, as long as `handle` wants more, and keeps the rest.
    /// Whether there may be whole items in it. A message has at most `most` bytes.
    ///
    /// # Errors
    /// The first rule that the peer broke; the items before it have been handed on, what comes after it is dropped.
    pub(super) fn digest(
        &mut self,
        input: &mut [u8],
        most: usize,
        handle: impl FnMut(Item<'_>) -> Next,
    ) -> Result<bool, Violation> {
        let (left, paused);
        if self.partial.is_empty() {
            (left, paused) = self.frames(input, most, handle)?;
            self.partial.extend_from_slice(&input[input.len() - left..]);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(input);
            let done = std::mem::take(&mut self.done);
            (left, paused) = self.frames(&mut joined[done..], most, handle)?;
            if left > 0 {
                self.done = joined.len() - left;
                // Not after every pause: thousands of small frames would each time move all that are behind them.
                if self.done > left {
                    joined.drain(..self.done);
                    self.done = 0;
                }
                self.partial = joined;
            }
        }
        Ok(paused && left > 0)
    }

    /// Handles the whole frames in `bytes`; how many bytes are left at the end, and whether `handle` wanted to pause.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        most: usize,
        mut handle: impl FnMut(Item<'_>) -> Next,
    ) -> Result<(usize, bool), Violation> {
        let mut rest = bytes;
        loop {
            let held = self.fragments.as_ref().map_or(0, |fragments| fragments.payload.len());
            let Some(header) = frame::find(rest, most - held)? else { return Ok((rest.len(), false)) };
            let (frame, after) = header.split(rest);
            rest = after;
            match self.frame(frame, &mut handle)? {
                Next::More => {}
                Next::Pause => return Ok((rest.len(), true)),
                Next::Stop => return Ok((0, false)),
            }
        }
    }

    /// How many bytes of an unfinished frame and of an unfinished message are held.
    #[cfg(any(test, feature = "fuzzing", feature = "sim"))]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.partial.len() - self.done, self.fragments.as_ref().map_or(0, |fragments| fragments.payload.len()))
    }

    fn frame(&mut self, frame: InFrame<'_>, handle: &mut impl FnMut(Item<'_>) -> Next) -> Result<Next, Violation> {
        let InFrame { last, opcode, payload } = frame;
        match (opcode, &mut self.fragments) {
            (Opcode::Ping, _) => return Ok(handle(Item::Ping(payload))),
            (Opcode::Pong, _) => return Ok(handle(Item::Pong(payload))),
            (Opcode::Close, _) => return Ok(handle(Item::Close(payload))),
            (Opcode::Continuation, None) | (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::Protocol),
            (Opcode::Continuation, Some(fragments)) => {
                fragments.count += 1;
                if fragments.count > FRAGMENTS {
                    return Err(Violation::TooLarge);
                }
                fragments.payload.extend_from_slice(payload);
                if last && let Some(whole) = self.fragments.take() {
                    return Ok(handle(message(whole.opcode, &whole.payload)?));
                }
            }
            (opcode, None) if last => return Ok(handle(message(opcode, payload)?)),
            (opcode, None) => {
                self.fragments = Some(Box::new(Fragments { opcode, count: 1, payload: payload.to_vec() }))
            }
        }
        Ok(Next::More)
    }
}

fn message(opcode: Opcode, payload: &[u8]) -> Result<Item<'_>, Violation> {
    Ok(match opcode {
        Opcode::Text => Item::Text(std::str::from_utf8(payload).map_err(|_| Violation::NotUtf8)?),
        _ => Item::Binary(payload),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kept frames are not moved for each one that is handled, and what has been handled is not kept for long.
    #[test]
    fn many_pauses_cost_no_more_than_the_bytes() {
        let mut pings = [0x89, 0x80, 0, 0, 0, 0].repeat(10_000);
        let mut reader = Reader::default();
        let (mut handled, mut moved, mut input) = (0, 0, pings.as_mut_slice());
        while {
            let before = reader.partial.len();
            let more = reader.digest(input, 125, |_| Next::Pause).expect("legal");
            input = &mut [];
            handled += 1;
            // Shorter without being empty: what was left has been moved.
            moved += if reader.partial.len() < before { reader.partial.len() } else { 0 };
            assert!(reader.partial.len() <= 2 * reader.held().0, "what was handled is kept");
            more
        } {}
        assert_eq!((handled, reader.held()), (10_000, (0, 0)));
        assert!(moved < 2 * pings.len(), "{moved} bytes were moved for {}", pings.len());
    }
}
