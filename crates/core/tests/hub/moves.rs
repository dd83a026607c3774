//! Moves drawn from the state: a draw is four small numbers, and what they mean depends on who is where, so that most
//! moves do something. Draws shrink well: each is read anew against the state that the shorter life has.

use std::time::Duration;

use proptest::prelude::*;

use crate::model::{Model, Who};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    kind: u8,
    who: u16,
    what: u16,
    more: u16,
}

pub(crate) fn draws(length: usize) -> impl Strategy<Value = Vec<Draw>> {
    let draw = (any::<u8>(), any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(kind, who, what, more)| Draw {
        kind,
        who,
        what,
        more,
    });
    prop::collection::vec(draw, 1..length)
}

#[derive(Clone, Debug)]
pub(crate) enum Move {
    Attach { realm: u16, one_call: bool },
    Detach { who: Who },
    Join { who: Who, room: String, name: String, every_up_to: usize },
    Leave { who: Who, room: String },
    Signal { who: Who, room: String, to: String },
    Register { who: Who, name: String, every_up_to: usize, rank: Option<u64> },
    Unregister { who: Who },
    Post { who: Who, to: String },
    Call { who: Who, to: String, token: Option<String> },
    Ring { who: Who, call: usize },
    Accept { who: Who, call: usize },
    CallSignal { who: Who, call: usize },
    Hangup { who: Who, call: usize },
    Wait { span: Duration },
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const ROOM_NAMES: [&str; 6] = ["r0", "r1", "r2", "r3", "r4", "r5"];

fn pick<T: Clone>(from: &[T], number: u16) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(number) % from.len()].clone())
}

fn any_of(names: &[&str], number: u16) -> String {
    names[usize::from(number) % names.len()].to_owned()
}

impl Draw {
    /// What this draw means in that state.
    pub(crate) fn read(self, model: &Model) -> Move {
        let Self { kind, who, what, more } = self;
        let parties: Vec<Who> = model.parties.keys().copied().collect();
        let attach = Move::Attach { realm: who % 2, one_call: what % 2 == 0 };
        let Some(someone) = pick(&parties, who) else { return attach };
        let realm = model.parties[&someone].realm;
        match kind {
            0..=29 => attach,
            30..=44 => Move::Detach { who: someone },
            45..=104 => self.join(model, someone, realm),
            105..=124 => self.leave(model, someone),
            125..=129 => Move::Unregister { who: someone },
            130..=159 => self.signal(model, someone, realm),
            160..=174 => {
                let every_up_to = [0, 3, usize::MAX][usize::from(more % 3)];
                // Often a name that somebody has, so that ranks decide.
                let taken: Vec<String> =
                    model.registered.keys().filter(|(of, _)| *of == realm).map(|(_, name)| name.clone()).collect();
                let name = pick(&taken, what).filter(|_| more / 3 % 2 == 0).unwrap_or_else(|| any_of(&NAMES, what));
                let rank = (more / 6 % 3 > 0).then(|| u64::from(more / 18 % 5));
                Move::Register { who: someone, name, every_up_to, rank }
            }
            175..=179 => Move::Post { who: someone, to: any_of(&NAMES, what) },
            180..=199 => {
                // Mostly from somebody who has a name, to somebody who has one.
                let named: Vec<(String, Who)> = model
                    .registered
                    .iter()
                    .filter(|((of, _), _)| *of == realm || more % 16 == 0)
                    .map(|((_, name), who)| (name.clone(), *who))
                    .collect();
                let caller = if more % 8 == 0 { someone } else { pick(&named, who).map_or(someone, |(_, who)| who) };
                let to = pick(&named, what).map_or_else(|| any_of(&NAMES, what), |(name, _)| name);
                let token = (more % 3 > 0).then(|| format!("token{}", more % 5));
                Move::Call { who: caller, to, token }
            }
            200..=229 => self.in_call(model, someone),
            230..=255 => Move::Wait { span: Duration::from_millis(u64::from(what % 70)) },
        }
    }

    fn join(self, model: &Model, who: Who, realm: u16) -> Move {
        let Self { what, more, .. } = self;
        let existing: Vec<String> =
            model.rooms.keys().filter(|(of, _)| *of == realm).map(|(_, name)| name.clone()).collect();
        // Two of three into a room that exists, and there sometimes under a name that is taken.
        let room = match what % 3 {
            0 => any_of(&ROOM_NAMES, more),
            _ => pick(&existing, more).unwrap_or_else(|| any_of(&ROOM_NAMES, more)),
        };
        let members = model.rooms.get(&(realm, room.clone()));
        let own = members.and_then(|members| members.iter().find(|(_, member)| **member == who));
        let taken: Vec<String> = members.map(|members| members.keys().cloned().collect()).unwrap_or_default();
        let name = match (what / 3 % 4, own) {
            // Joining again is a move of its own: with luck alone it would hardly ever happen.
            (0 | 1, Some((name, _))) => name.clone(),
            (2, _) => pick(&taken, what).unwrap_or_else(|| any_of(&NAMES, more / 7)),
            _ => any_of(&NAMES, more / 7),
        };
        Move::Join { who, room, name, every_up_to: [0, 0, 3, usize::MAX][usize::from(more % 4)] }
    }

    fn leave(self, model: &Model, who: Who) -> Move {
        let rooms = model.rooms_of(who);
        let stranger = model.rooms.keys().next();
        // Sometimes a room that it is not in.
        let room = match pick(&rooms, self.what) {
            Some((_, room)) if !self.more.is_multiple_of(8) => room,
            _ => stranger.map_or_else(|| "r0".to_owned(), |(_, room)| room.clone()),
        };
        Move::Leave { who, room }
    }

    fn signal(self, model: &Model, who: Who, realm: u16) -> Move {
        let rooms = model.rooms_of(who);
        let others: Vec<String> =
            model.rooms.keys().filter(|(of, _)| *of == realm).map(|(_, name)| name.clone()).collect();
        let own = pick(&rooms, self.what).map(|(_, room)| room);
        let room =
            if self.more.is_multiple_of(8) { pick(&others, self.what) } else { own.or(pick(&others, self.what)) };
        let Some(room) = room else {
            return Move::Wait { span: Duration::ZERO };
        };
        let members: Vec<String> = model
            .rooms
            .get(&(realm, room.clone()))
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default();
        let to = match self.more % 4 {
            0 => any_of(&NAMES, self.what),
            _ => pick(&members, self.more).unwrap_or_else(|| "nobody".to_owned()),
        };
        Move::Signal { who, room, to }
    }

    fn in_call(self, model: &Model, someone: Who) -> Move {
        let calls: Vec<usize> = model.calls.keys().copied().collect();
        let Some(call) = pick(&calls, self.what) else {
            return Move::Wait { span: Duration::from_millis(1) };
        };
        let (caller, callee) = (model.calls[&call].caller, model.calls[&call].callee);
        let who = [caller, callee, callee, someone][usize::from(self.more % 4)];
        match self.more / 4 % 4 {
            0 => Move::Ring { who, call },
            1 => Move::Accept { who, call },
            2 => Move::CallSignal { who, call },
            _ => Move::Hangup { who, call },
        }
    }
}
