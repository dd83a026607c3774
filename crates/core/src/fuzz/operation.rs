//! Bytes as operations: five each, every value has a meaning.

use std::time::Duration;

use super::flow::{self, Flow};

/// Names of parties and rooms are drawn from so few that they meet.
pub(super) const NAMES: u8 = 6;
pub(super) const ROOMS: u8 = 3;
/// Rooms of two have numbers of their own, and the names of the others.
pub(super) const PAIR: u8 = 64;
pub(super) const SEATS: usize = 8;

/// A place that a party sits on while it is attached.
pub(super) type Seat = usize;

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Attach {
        seat: Seat,
        realm: u16,
        lang: u8,
        peer_to_peer: bool,
        one_call: bool,
    },
    Detach {
        seat: Seat,
    },
    Join {
        seat: Seat,
        room: u8,
        name: u8,
        every_up_to: usize,
    },
    /// A room is named by realm and number, so that those of the other realm are tried, too.
    Leave {
        seat: Seat,
        room: (u16, u8),
    },
    Signal {
        seat: Seat,
        room: (u16, u8),
        to: u8,
    },
    Register {
        seat: Seat,
        name: u8,
        every_up_to: usize,
    },
    Call {
        seat: Seat,
        to: u8,
        token: Option<u8>,
    },
    /// A call is named by how many were opened after it.
    Ring {
        seat: Seat,
        call: usize,
    },
    Accept {
        seat: Seat,
        call: usize,
    },
    CallSignal {
        seat: Seat,
        call: usize,
    },
    Hangup {
        seat: Seat,
        call: usize,
    },
    Post {
        seat: Seat,
        to: u8,
    },
    Wait {
        span: Duration,
    },
    /// Until what is due next, to the microsecond.
    WaitForDeadline,
    /// A party that has gone says something late.
    SpeakLate {
        seat: Seat,
        room: u8,
    },
    /// A party takes what waits in its queue.
    Read {
        seat: Seat,
        events: usize,
    },
    /// As `Detach`, by one that did not say so.
    Lose {
        seat: Seat,
    },
    Supersede {
        seat: Seat,
        name: u8,
        every_up_to: usize,
        rank: u64,
    },
    Unregister {
        seat: Seat,
    },
    Alias {
        seat: Seat,
        name: u8,
        on: bool,
    },
    Show {
        seat: Seat,
        room: (u16, u8),
        card: u8,
    },
    Names {
        seat: Seat,
        after: Option<u8>,
        most: usize,
    },
    Flow(Flow),
}

/// Kinds below this are those of the first corpus.
const FIRST: u8 = 180;
/// Kinds behind them that are no streams.
const MORE: u8 = 8;

impl Operation {
    pub(super) const BYTES: usize = 5;

    pub(super) fn parse(bytes: [u8; Self::BYTES]) -> Self {
        let [kind, who, what, more, rest] = bytes;
        let seat = usize::from(who) % SEATS;
        let (name, call) = (what % NAMES, usize::from(what % 5));
        let pair = if more & PAIR == 0 { 0 } else { PAIR };
        let room = (u16::from(more % 2), what % ROOMS + pair);
        let every_up_to = [0, 0, 2, usize::MAX][usize::from(rest % 4)];
        if let Some(kind) = kind.checked_sub(FIRST) {
            let seat = usize::from(who) % SEATS;
            return match kind % (MORE + flow::KINDS) {
                0 => Self::Lose { seat },
                1 | 2 => Self::Supersede { seat, name, every_up_to, rank: u64::from(more % 4) },
                3 => Self::Unregister { seat },
                4 => Self::Alias { seat, name, on: more.is_multiple_of(2) },
                5 => Self::Show { seat, room, card: rest % 3 },
                6 => {
                    let after = (more % 8 < NAMES).then_some(more % 8);
                    Self::Names { seat, after, most: usize::from(rest % 4) }
                }
                7 => Self::Join { seat, room: more % ROOMS + PAIR, name, every_up_to },
                kind => Self::Flow(Flow::parse([kind - MORE, who, what, more, rest])),
            };
        }
        match kind % 18 {
            0 | 1 => Self::Attach {
                seat,
                realm: u16::from(what % 2),
                // Mostly the dialect that is negotiated with directly.
                lang: u8::from(more % 8 == 7),
                peer_to_peer: rest % 8 < 7,
                one_call: more % 2 == 0,
            },
            2 => Self::Detach { seat },
            3 | 4 => Self::Join { seat, room: more % ROOMS, name, every_up_to },
            5 => Self::Leave { seat, room },
            6 => Self::Signal { seat, room, to: rest % NAMES },
            7 => Self::Register { seat, name, every_up_to },
            8 => Self::Call { seat, to: name, token: (more % 3 > 0).then_some(more % 3) },
            9 => Self::Ring { seat, call },
            10 => Self::Accept { seat, call },
            11 => Self::CallSignal { seat, call },
            12 => Self::Hangup { seat, call },
            13 => Self::Post { seat, to: name },
            14 => Self::Wait { span: Duration::from_millis(u64::from(what % 70)) },
            15 => Self::WaitForDeadline,
            16 => Self::SpeakLate { seat, room: what % ROOMS },
            _ => Self::Read { seat, events: usize::from(what) },
        }
    }
}
