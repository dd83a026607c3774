//! Bytes as operations: five each, every value has a meaning.

use std::time::Duration;

/// Names of parties and rooms are drawn from so few that they meet.
pub(super) const NAMES: u8 = 6;
pub(super) const ROOMS: u8 = 3;
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
}

impl Operation {
    pub(super) const BYTES: usize = 5;

    pub(super) fn parse(bytes: [u8; Self::BYTES]) -> Self {
        let [kind, who, what, more, rest] = bytes;
        let seat = usize::from(who) % SEATS;
        let (name, call) = (what % NAMES, usize::from(what % 5));
        let room = (u16::from(more % 2), what % ROOMS);
        let every_up_to = [0, 0, 2, usize::MAX][usize::from(rest % 4)];
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
