//! What sessions of this dialect tell each other through the hub: the card of a member, what members say to each other,
//! and invitations. No client sees these bytes, and only sessions of this dialect write them.
//!
//! The form is lines, since nothing in it but the last part of a text can have line breaks.

use std::str::Split;

use super::choice::{Choice, Composing};

/// Longest display name on a card, in bytes; what is longer is cut. A card has at most
/// [`Card::BYTES`](patchbay_core::Card::BYTES), and most of them are the address and this.
pub const DISPLAY_BYTES: usize = 256;

/// What a member shows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// When it came, in milliseconds since 1970: another number is another stay under the same id.
    pub since: u64,
    /// What the room has, as far as this member knows.
    pub audio: bool,
    /// As `audio`.
    pub video: bool,
    /// It knows, and does not only wish.
    pub settled: bool,
    /// When its hand went up, in milliseconds since 1970, if it is.
    pub hand: Option<u64>,
    /// It is active: by the choice of that time, in milliseconds since 1970, at that place of the list.
    pub active: Option<(u64, usize)>,
    /// Its account.
    pub address: Box<str>,
    /// Its owner's name.
    pub display: Box<str>,
}

impl Card {
    /// The card as bytes: at most [`patchbay_core::Card::BYTES`].
    #[must_use]
    pub fn write(&self) -> String {
        let flag = |flag| if flag { '1' } else { '0' };
        let flags: String = [self.audio, self.video, self.settled].map(flag).into_iter().collect();
        let hand = self.hand.map(|stamp| stamp.to_string()).unwrap_or_default();
        let (stamp, place) = self.active.map_or_else(Default::default, |(stamp, place)| (stamp.to_string(), place));
        let display = cut(&self.display, DISPLAY_BYTES);
        format!("{}\n{flags}\n{hand}\n{stamp}\n{place}\n{}\n{display}", self.since, self.address)
    }

    /// Reads a card; `None` if it is none.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes).ok()?.split('\n');
        let since = lines.next()?.parse().ok()?;
        let flags = lines.next()?.as_bytes();
        let [audio, video, settled] = <[u8; 3]>::try_from(flags).ok()?.map(|flag| flag == b'1');
        let (hand, stamp) = (maybe(&mut lines)?, maybe(&mut lines)?);
        let place = lines.next()?.parse().ok()?;
        let active = stamp.map(|stamp| (stamp, place));
        let (address, display) = (lines.next()?.into(), lines.next()?.into());
        lines.next().is_none().then_some(Self { since, audio, video, settled, hand, active, address, display })
    }
}

/// A number, or nothing.
fn maybe(lines: &mut Split<'_, char>) -> Option<Option<u64>> {
    match lines.next()? {
        "" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

/// At most so many bytes, in whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes { text } else { &text[..text.floor_char_boundary(bytes)] }
}

/// What one member says to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// Somebody writes, or has stopped.
    Composing {
        /// Which.
        state: Composing,
        /// For how long that holds, in seconds.
        refresh: u32,
    },
    /// Who is active from now on.
    Configure {
        /// When that was chosen, in milliseconds since 1970.
        stamp: u64,
        /// Their ids.
        active: Vec<&'a str>,
    },
    /// Lift your hand, or let it down.
    Hand,
    /// A text to everybody.
    Message {
        /// When, in milliseconds since 1970.
        time: u64,
        /// Its MIME type, on one line.
        mime: &'a str,
        /// Anything.
        content: &'a str,
    },
    /// Switch your microphone off.
    Mute,
}

impl<'a> Word<'a> {
    /// It as bytes.
    #[must_use]
    pub fn write(&self) -> String {
        match self {
            Self::Composing { state, refresh } => format!("composing\n{}\n{refresh}", state.word()),
            Self::Configure { stamp, active } => format!("configure\n{stamp}\n{}", active.join("\n")),
            Self::Hand => "hand\n".to_owned(),
            Self::Message { time, mime, content } => format!("message\n{time}\n{mime}\n{content}"),
            Self::Mute => "mute\n".to_owned(),
        }
    }

    /// Reads it; `None` if it is nothing of the kind.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (word, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        Some(match word {
            "composing" => {
                let (state, refresh) = rest.split_once('\n')?;
                Self::Composing { state: Composing::named(state)?, refresh: refresh.parse().ok()? }
            }
            "configure" => {
                let (stamp, active) = rest.split_once('\n')?;
                let active = active.split('\n').filter(|id| !id.is_empty()).collect();
                Self::Configure { stamp: stamp.parse().ok()?, active }
            }
            "hand" => Self::Hand,
            "message" => {
                let (time, rest) = rest.split_once('\n')?;
                let (mime, content) = rest.split_once('\n')?;
                Self::Message { time: time.parse().ok()?, mime, content }
            }
            "mute" => Self::Mute,
            _ => return None,
        })
    }
}

/// Somebody is asked to come into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation<'a> {
    /// The account that is asked.
    pub account: &'a str,
    /// The room's address.
    pub room: &'a str,
    /// What tells this invitation from others.
    pub session: &'a str,
    /// Who asks.
    pub address: &'a str,
    /// Its owner's name, on one line.
    pub display: &'a str,
}

impl<'a> Invitation<'a> {
    /// It as bytes.
    #[must_use]
    pub fn write(&self) -> String {
        let Self { account, room, session, address, display } = self;
        format!("invite\n{account}\n{room}\n{session}\n{address}\n{display}")
    }

    /// Reads it; `None` if it is none.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes).ok()?.strip_prefix("invite\n")?.split('\n');
        let mut line = || lines.next();
        let read = Self { account: line()?, room: line()?, session: line()?, address: line()?, display: line()? };
        lines.next().is_none().then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card {
            since: 7,
            audio: true,
            video: false,
            settled: true,
            hand: None,
            active: None,
            address: "alice@example.com".into(),
            display: "Alice".into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for card in [
            card(),
            Card { hand: Some(3), active: Some((4, 1)), video: true, audio: false, settled: false, ..card() },
            Card { display: "".into(), ..card() },
        ] {
            assert_eq!(Card::read(card.write().as_bytes()), Some(card));
        }
        for word in [
            Word::Composing { state: Composing::Idle, refresh: 60 },
            Word::Configure { stamp: 9, active: vec![] },
            Word::Configure { stamp: 9, active: vec!["a", "b"] },
            Word::Hand,
            Word::Message { time: 5, mime: "text/plain", content: "a\n\nb\n" },
            Word::Mute,
        ] {
            assert_eq!(Word::read(word.write().as_bytes()), Some(word));
        }
        let invitation = Invitation { account: "a@b", room: "r@b", session: "s", address: "c@b", display: "" };
        assert_eq!(Invitation::read(invitation.write().as_bytes()), Some(invitation));
    }

    #[test]
    fn the_largest_card_is_small_enough() {
        let card = Card {
            since: u64::MAX,
            hand: Some(u64::MAX),
            active: Some((u64::MAX, usize::MAX)),
            address: "a".repeat(crate::aor::BYTES).into(),
            display: "ü".repeat(1_000).into(),
            ..card()
        };
        let text = card.write();
        assert!(text.len() <= patchbay_core::Card::BYTES, "{}", text.len());
        assert_eq!(Card::read(text.as_bytes()).map(|card| card.display.len()), Some(DISPLAY_BYTES));
        assert_eq!(cut("aü", 2), "a", "characters stay whole");
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in ["", "7", "7\n1\n\n\n0\na\nb", "7\n110\n\n\n0\na", "x\n110\n\n\n0\na\nb", "7\n110\n\n\n0\na\nb\nc"]
        {
            assert_eq!(Card::read(text.as_bytes()), None, "{text:?}");
        }
        for text in
            ["", "hand", "dance\n", "composing\nactive\nx", "composing\nmaybe\n1", "message\n1\nx", "configure\nx\n"]
        {
            assert_eq!(Word::read(text.as_bytes()), None, "{text:?}");
        }
        for text in ["", "invite\na\nb\nc\nd", "invite\na\nb\nc\nd\ne\nf", "expel\na\nb\nc\nd\ne"] {
            assert_eq!(Invitation::read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Card::read(b"\xff"), None);
    }
}
