//! Sessions of the sid dialect: each pair of clients sets one up, offer and answer of 6 kB each, until it is active.

use super::{Faults, Plan, Sessions};
use crate::dialect::{Kind, sid};
use crate::net::{Load, Net};

pub(crate) struct Pairing {
    plan: Plan,
    in_flight: usize,
    started: usize,
    finished: usize,
    pairs: Vec<Pair>,
    pub(crate) faults: Faults,
}

#[derive(Clone, Copy, Default)]
struct Pair {
    session: u64,
    /// Ends that know that the call was accepted.
    active: usize,
}

impl Pairing {
    pub(crate) fn new(plan: &Plan, in_flight: usize) -> Self {
        Self {
            plan: plan.clone(),
            in_flight,
            started: 0,
            finished: 0,
            pairs: vec![Pair::default(); plan.rooms],
            faults: Faults::default(),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.finished == self.pairs.len()
    }

    /// The sessions' numbers, by pair.
    pub(crate) fn sessions(&self) -> Sessions {
        self.pairs.iter().map(|pair| pair.session).collect()
    }

    /// What a client answers to `text`, if anything.
    fn answer(&mut self, id: usize, text: &[u8]) -> Option<String> {
        let pair = self.pairs.get_mut(id / self.plan.members)?;
        match self.plan.dialect.kind(text) {
            Kind::Session => {
                let Some(session) = sid::session_of(text) else {
                    self.faults.note_text(id, text);
                    return None;
                };
                pair.session = session;
                return Some(sid::call(session));
            }
            Kind::Relay if sid::is_call(text) => return Some(sid::accept(pair.session)),
            Kind::State if sid::is_active(text) => {
                pair.active += 1;
                self.finished += usize::from(pair.active == self.plan.members);
            }
            Kind::State | Kind::Relay | Kind::Members => {}
            _ => self.faults.note_text(id, text),
        }
        None
    }
}

impl Load for Pairing {
    fn text(&mut self, net: &mut Net, id: usize, text: &[u8]) {
        if let Some(answer) = self.answer(id, text) {
            net.send(id, &answer);
        }
    }

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }

    fn turn(&mut self, net: &mut Net) {
        while self.started < self.pairs.len() && self.started - self.finished < self.in_flight {
            let caller = self.started * self.plan.members;
            net.send(caller, &sid::session(&sid::name(&self.plan.prefix, caller + 1)));
            self.started += 1;
        }
    }

    fn done(&self) -> bool {
        self.faults.check().is_err() || self.is_complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn a_pair_is_finished_when_both_ends_know() {
        let mut pairing = Pairing::new(&Plan::new(Dialect::Sid, 2, 2), 64);
        let call = pairing.answer(2, br#"{"cmd":"session","sessionId":"00000042"}"#).unwrap();
        assert!(call.starts_with(r#"{"cmd":"call","sessionId":"00000042","offer":"#), "{call}");
        for state in [1, 2] {
            let text = format!(r#"{{"cmd":"ssu","sessionId":"00000042","state":{state}}}"#);
            assert_eq!(pairing.answer(2, text.as_bytes()), None);
        }
        let relayed = br#"{"cmd":"call","sessionId":"00000042","opponentId":"bench-00002","offer":{}}"#;
        let accept = pairing.answer(3, relayed).unwrap();
        assert!(accept.starts_with(r#"{"cmd":"accept","sessionId":"00000042","answer":"#), "{accept}");
        assert_eq!(pairing.answer(2, br#"{"cmd":"accept","sessionId":"00000042","opponentId":"bench-00003"}"#), None);
        for end in [2, 3] {
            assert_eq!(pairing.finished, 0);
            assert_eq!(pairing.answer(end, br#"{"cmd":"ssu","sessionId":"00000042","state":3}"#), None);
        }
        assert_eq!((pairing.finished, pairing.is_complete()), (1, false));
        assert_eq!(pairing.sessions(), [0, 42]);
        assert_eq!(pairing.faults.check(), Ok(()));
    }

    #[test]
    fn what_does_not_belong_is_a_fault() {
        for text in [&br#"{"cmd":"error","code":9203}"#[..], br#"{"cmd":"session"}"#, br#"{"cmd":"leave"}"#] {
            let mut pairing = Pairing::new(&Plan::new(Dialect::Sid, 1, 2), 64);
            assert_eq!(pairing.answer(0, text), None);
            assert!(pairing.done() && pairing.faults.check().is_err());
        }
    }
}
