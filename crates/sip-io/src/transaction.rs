//! Transactions (RFC 3261 section 17, RFC 6026): a request and its responses over a network that loses both. No I/O and
//! no clock: they are told what was heard and when, and say what to send.

use std::time::Duration;

use patchbay_core::Moment;

/// How long an answer takes at most on a good path (RFC 3261 section 17.1.1.1). Shorter would repeat requests that are
/// being answered, longer would wait on each that was lost.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// Longest pause between repetitions.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// How long a message may live in the network.
const T4: Duration = Duration::from_secs(5);
/// When nobody is there: 64 times [`T1`].
pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);

/// What is to be done at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet.
    Nothing,
    /// Send the request, or the last response, once more.
    Again,
    /// Nobody has answered, or acknowledged.
    TimedOut,
    /// It can be forgotten.
    Over,
}

/// What a response is to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// News: who asked must know.
    New,
    /// The same final answer once more: acknowledge it again.
    Again,
    /// Nothing new.
    Old,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Calling,
    Proceeding,
    /// An INVITE with a 2xx: every further 2xx is of interest, for it may be of another fork.
    Accepted,
    Completed,
}

/// A request of ours.
#[derive(Debug)]
pub(crate) struct Client {
    invite: bool,
    reliable: bool,
    state: Asks,
    again: Option<Moment>,
    pause: Duration,
    end: Option<Moment>,
}

impl Client {
    /// A request that is sent `now`; `reliable`: by a stream, which loses nothing.
    pub(crate) fn new(invite: bool, reliable: bool, now: Moment) -> Self {
        let again = (!reliable).then(|| now + T1);
        Self { invite, reliable, state: Asks::Calling, again, pause: T1, end: Some(now + TIMEOUT) }
    }

    /// A response has come.
    pub(crate) fn on_response(&mut self, status: u16, now: Moment) -> Heard {
        match (self.state, status) {
            (Asks::Calling | Asks::Proceeding, 100..=199) => {
                if self.invite {
                    // From here on it rings as long as it rings.
                    (self.again, self.end) = (None, None);
                } else if self.state == Asks::Calling {
                    self.pause = T2;
                    self.again = self.again.map(|_| now + T2);
                }
                self.state = Asks::Proceeding;
                Heard::New
            }
            (Asks::Calling | Asks::Proceeding, 200..=299) if self.invite => {
                self.state = Asks::Accepted;
                (self.again, self.end) = (None, Some(now + TIMEOUT));
                Heard::New
            }
            (Asks::Accepted, 200..=299) => Heard::New,
            (Asks::Calling | Asks::Proceeding, _) => {
                self.state = Asks::Completed;
                let linger = match (self.reliable, self.invite) {
                    (true, _) => Duration::ZERO,
                    (false, true) => TIMEOUT,
                    (false, false) => T4,
                };
                (self.again, self.end) = (None, Some(now + linger));
                Heard::New
            }
            (Asks::Completed, 300..) if self.invite => Heard::Again,
            _ => Heard::Old,
        }
    }

    /// Whether a final response has come.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state, Asks::Accepted | Asks::Completed)
    }

    /// Whether a provisional response has come, and no final one.
    pub(crate) fn is_proceeding(&self) -> bool {
        self.state == Asks::Proceeding
    }

    /// No final response is expected after `span`: the request was cancelled (RFC 3261 section 9.1).
    pub(crate) fn end_within(&mut self, span: Duration, now: Moment) {
        if !self.is_final() {
            self.end = Some(now + span);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.again.into_iter().chain(self.end).min()
    }

    pub(crate) fn on_deadline(&mut self, now: Moment) -> Due {
        if self.end.is_some_and(|end| end <= now) {
            return if self.is_final() { Due::Over } else { Due::TimedOut };
        }
        if self.again.is_some_and(|again| again <= now) {
            // An INVITE is repeated ever more slowly, others never less often than each T2.
            self.pause = if self.invite { self.pause * 2 } else { (self.pause * 2).min(T2) };
            self.again = Some(now + self.pause);
            return Due::Again;
        }
        Due::Nothing
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Proceeding,
    /// An INVITE with our 2xx, which is repeated until its ACK comes, over streams too (RFC 3261 section 13.3.1.4).
    Accepted,
    Completed,
    /// The ACK has come; later copies of it and of the request are nothing new.
    Confirmed,
}

/// A request of a peer.
#[derive(Debug)]
pub(crate) struct Server {
    invite: bool,
    reliable: bool,
    state: Answers,
    again: Option<Moment>,
    pause: Duration,
    end: Option<Moment>,
}

impl Server {
    /// A request that has come; its answer is up to us, however long that takes.
    pub(crate) fn new(invite: bool, reliable: bool) -> Self {
        Self { invite, reliable, state: Answers::Proceeding, again: None, pause: T1, end: None }
    }

    /// A response of ours goes out.
    pub(crate) fn on_answer(&mut self, status: u16, now: Moment) {
        if self.state != Answers::Proceeding || status < 200 {
            return;
        }
        self.pause = T1;
        self.end = Some(now + TIMEOUT);
        if self.invite && status < 300 {
            self.state = Answers::Accepted;
            self.again = Some(now + T1);
        } else {
            self.state = Answers::Completed;
            self.again = (self.invite && !self.reliable).then(|| now + T1);
        }
    }

    /// Whether the final answer is still to be given.
    pub(crate) fn is_open(&self) -> bool {
        self.state == Answers::Proceeding
    }

    /// The request has come once more: whether the last answer is to be sent again.
    pub(crate) fn on_request(&self) -> bool {
        // What is repeated by itself needs no other cause.
        matches!(self.state, Answers::Proceeding | Answers::Completed)
    }

    /// The ACK has come; `true` the first time.
    pub(crate) fn on_ack(&mut self, now: Moment) -> bool {
        if !matches!(self.state, Answers::Accepted | Answers::Completed) || !self.invite {
            return false;
        }
        self.state = Answers::Confirmed;
        // Kept so long that copies of the request on their way do not begin a call anew.
        (self.again, self.end) = (None, Some(now + if self.reliable { T4 } else { TIMEOUT }));
        true
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.again.into_iter().chain(self.end).min()
    }

    pub(crate) fn on_deadline(&mut self, now: Moment) -> Due {
        if self.end.is_some_and(|end| end <= now) {
            return if self.state == Answers::Accepted { Due::TimedOut } else { Due::Over };
        }
        if self.again.is_some_and(|again| again <= now) {
            self.pause = (self.pause * 2).min(T2);
            self.again = Some(now + self.pause);
            return Due::Again;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds of all repetitions, and of the end with what it is. `step` does what is due and says when the next is.
    fn run(mut next: Option<Moment>, mut step: impl FnMut(Moment) -> (Due, Option<Moment>)) -> (Vec<u64>, u64, Due) {
        let mut again = Vec::new();
        loop {
            let now = next.expect("it ends one day");
            let (due, then) = step(now);
            match due {
                Due::Again => again.push(now.as_micros() / 1_000),
                Due::Nothing => {}
                end => return (again, now.as_micros() / 1_000, end),
            }
            next = then;
        }
    }

    fn client(invite: bool, reliable: bool) -> (Vec<u64>, u64, Due) {
        let mut client = Client::new(invite, reliable, Moment::START);
        run(client.deadline(), |now| (client.on_deadline(now), client.deadline()))
    }

    #[test]
    fn a_request_that_nobody_answers() {
        let invite = [500, 1_500, 3_500, 7_500, 15_500, 31_500];
        assert_eq!(client(true, false), (invite.to_vec(), 32_000, Due::TimedOut));
        let (again, end, due) = client(false, false);
        assert_eq!((&again[..4], again.len(), end, due), (&[500, 1_500, 3_500, 7_500][..], 10, 32_000, Due::TimedOut));
        assert_eq!(client(true, true), (vec![], 32_000, Due::TimedOut), "a stream loses nothing");
    }

    #[test]
    fn an_invite_rings_as_long_as_it_rings() {
        let mut client = Client::new(true, false, Moment::START);
        assert_eq!(client.on_response(180, Moment::START), Heard::New);
        assert_eq!((client.deadline(), client.is_proceeding()), (None, true));
        assert_eq!(client.on_response(200, Moment::START), Heard::New);
        assert_eq!(client.on_response(200, Moment::START), Heard::New, "another fork, or the same once more");
        assert_eq!(client.on_response(486, Moment::START), Heard::Old);
        let end = client.deadline().expect("an end");
        assert_eq!((end.since(Moment::START), client.on_deadline(end)), (TIMEOUT, Due::Over));
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time() {
        let mut client = Client::new(true, false, Moment::START);
        assert_eq!(client.on_response(486, Moment::START), Heard::New);
        assert_eq!(client.on_response(486, Moment::START), Heard::Again);
        assert_eq!(client.on_response(200, Moment::START), Heard::Old);
        let mut client = Client::new(false, false, Moment::START);
        assert_eq!(client.on_response(404, Moment::START), Heard::New);
        assert_eq!(client.on_response(404, Moment::START), Heard::Old);
        assert_eq!(client.on_deadline(Moment::START + T4), Due::Over);
    }

    #[test]
    fn a_cancelled_request_ends() {
        let mut client = Client::new(true, false, Moment::START);
        _ = client.on_response(180, Moment::START);
        client.end_within(TIMEOUT, Moment::START);
        assert_eq!(client.on_deadline(Moment::START + TIMEOUT), Due::TimedOut);
    }

    fn server(status: u16, reliable: bool) -> (Vec<u64>, u64, Due) {
        let mut server = Server::new(true, reliable);
        server.on_answer(status, Moment::START);
        run(server.deadline(), |now| (server.on_deadline(now), server.deadline()))
    }

    #[test]
    fn an_answer_is_repeated_until_it_is_acknowledged() {
        let (again, end, due) = server(200, true);
        assert_eq!((&again[..5], end, due), (&[500, 1_500, 3_500, 7_500, 11_500][..], 32_000, Due::TimedOut));
        assert_eq!(server(486, false).2, Due::Over);
        assert_eq!(server(486, true), (vec![], 32_000, Due::Over));
        let mut server = Server::new(true, false);
        server.on_answer(183, Moment::START);
        assert!(server.is_open() && server.on_request() && server.deadline().is_none());
        server.on_answer(200, Moment::START);
        assert!(!server.on_request(), "the 2xx is repeated by itself");
        assert!(server.on_ack(Moment::START) && !server.on_ack(Moment::START));
        assert_eq!(server.on_deadline(Moment::START + T1), Due::Nothing);
        assert_eq!(server.on_deadline(Moment::START + TIMEOUT), Due::Over);
    }

    #[test]
    fn other_requests_keep_their_answer() {
        let mut server = Server::new(false, false);
        server.on_answer(200, Moment::START);
        assert!(server.on_request() && !server.on_ack(Moment::START));
        assert_eq!(
            (server.on_deadline(Moment::START + T1), server.deadline()),
            (Due::Nothing, Some(Moment::START + TIMEOUT))
        );
    }
}
