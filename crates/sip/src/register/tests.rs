use super::*;
use crate::digest::Ha1;
use crate::uri::Aor;

const OK: Response<'static> = Response {
    status: 200,
    phrase: "OK",
    contacts: &[],
    expires: None,
    min_expires: None,
    retry_after: None,
    www: &[],
    proxy: &[],
};
const ASKS: Response<'static> = Response {
    status: 401,
    phrase: "Unauthorized",
    www: &["Digest realm=\"example.com\",nonce=\"n\",qop=\"auth\""],
    ..OK
};

fn failed(status: u16, phrase: &'static str) -> Response<'static> {
    Response { status, phrase, ..OK }
}

struct World {
    registration: Registration,
    digest: Digest,
    now: Moment,
}

impl World {
    fn new() -> Self {
        let contact = contact("t1", "10.0.0.1", 5062, "udp", None).expect("a contact");
        let account = Aor::parse("alice@example.com").expect("an address");
        let ha1 = Ha1::parse("939e7578ed9e3c518a452acee763bce9").expect("an HA1");
        Self {
            registration: Registration::new("example.com", contact, EXPIRES),
            digest: Digest::new(&account, ha1, &[]),
            now: Moment::START,
        }
    }

    /// What is told, and the CSeq, lifetime and number of credentials of what is sent.
    fn handle(&mut self, input: Input) -> (Option<Told>, Option<(u32, u32, usize)>) {
        let around = &mut Around { now: self.now, digest: &mut self.digest, random: 7 };
        let Step { tell, send } = self.registration.handle(input, around);
        if let Some(send) = &send {
            assert_eq!(send.contact, format!("<{}>", self.registration.contact));
        }
        (tell, send.map(|send| (send.cseq, send.expires, send.authorization.len())))
    }

    fn response(&mut self, response: Response) -> (Option<Told>, Option<(u32, u32, usize)>) {
        self.handle(Input::Response(&response))
    }

    /// Seconds until the deadline, and there we are.
    fn wait(&mut self) -> u64 {
        let due = self.registration.deadline().expect("a deadline");
        let span = due.since(self.now);
        self.now = due;
        span.as_secs()
    }

    fn registered() -> Self {
        let mut world = Self::new();
        assert_eq!(world.handle(Input::Start), (Some(Told::Registering), Some((1, 600, 0))));
        assert_eq!(world.response(OK), (Some(Told::Registered), None));
        world
    }
}

#[test]
fn a_challenge_a_binding_and_silent_refreshes() {
    let mut world = World::new();
    assert_eq!(world.handle(Input::Start), (Some(Told::Registering), Some((1, 600, 0))));
    assert!(!world.registration.is_registered());
    assert_eq!(world.response(ASKS), (None, Some((2, 600, 1))));
    assert_eq!(world.response(OK), (Some(Told::Registered), None));
    assert!(world.registration.is_registered());
    for cseq in 3..6 {
        assert_eq!(world.wait(), 570);
        assert_eq!(world.handle(Input::Deadline), (None, Some((cseq, 600, 1))));
        assert_eq!(world.response(OK), (None, None));
    }
}

#[test]
fn a_wrong_password_takes_two_requests() {
    let mut world = World::new();
    world.handle(Input::Start);
    assert_eq!(world.response(ASKS), (None, Some((2, 600, 1))));
    let told = Told::Failed("904 Operation has no matching challenge ".into());
    assert_eq!(world.response(ASKS), (Some(told), None));
    assert_eq!(world.registration.deadline(), None, "nobody mends a password by waiting");
    assert_eq!(world.handle(Input::Stop), (None, None), "there is nothing to take back");
}

#[test]
fn an_old_nonce_is_replaced_in_silence() {
    let mut world = World::registered();
    world.wait();
    world.handle(Input::Deadline);
    let stale = Response { www: &["Digest realm=\"example.com\",nonce=\"m\",stale=true"], ..ASKS };
    assert_eq!(world.response(stale), (None, Some((3, 600, 1))));
    assert_eq!(world.response(OK), (None, None));
}

#[test]
fn the_lifetime_is_that_of_our_own_binding() {
    for (contacts, expires, seconds) in [
        (&["<sip:t1@10.0.0.1:5062;transport=udp>;expires=10"] as &[_], Some(900), 5),
        (&["<sip:t2@10.0.0.1:5062>;expires=10, <sip:t1@10.0.0.1:5062>;expires=100"], None, 70),
        (&["<sip:t2@10.0.0.1:5062>;expires=10"], Some(900), 870),
        (&["<sip:t1@10.0.0.1:5062>"], Some(50), 25),
        (&["<sip:t1@10.0.0.1:5062>;expires=soon"], None, 570),
        (&[], Some(0), 5),
        (&[], Some(u32::MAX), 86_370),
    ] {
        let mut world = World::new();
        world.handle(Input::Start);
        assert_eq!(world.response(Response { contacts, expires, ..OK }), (Some(Told::Registered), None));
        assert_eq!(world.wait(), seconds, "{contacts:?} {expires:?}");
    }
}

#[test]
fn too_brief_a_lifetime_is_raised() {
    let brief = |min_expires| Response { status: 423, phrase: "Interval Too Brief", min_expires, ..OK };
    let mut world = World::new();
    world.handle(Input::Start);
    assert_eq!(world.response(brief(Some(1_800))), (None, Some((2, 1_800, 0))));
    assert_eq!(world.response(brief(Some(3_600))), (None, Some((3, 3_600, 0))));
    let told = (Some(Told::Failed("423 Interval Too Brief".into())), None);
    assert_eq!(world.response(brief(Some(7_200))), told, "that is a quarrel");
    for least in [None, Some(599), Some(86_401), Some(u32::MAX)] {
        let mut world = World::new();
        world.handle(Input::Start);
        assert_eq!(world.response(brief(least)), told, "{least:?}");
    }
    let mut world = World::new();
    world.handle(Input::Start);
    world.response(brief(Some(1_800)));
    world.response(OK);
    assert_eq!(world.wait(), 1_770);
    assert_eq!(world.handle(Input::Deadline), (None, Some((3, 1_800, 0))), "a refresh knows it");
}

#[test]
fn what_may_pass_is_tried_again_and_told_once() {
    let oops = failed(500, "Oops");
    let mut world = World::new();
    world.handle(Input::Start);
    assert_eq!(world.handle(Input::Timeout), (Some(Told::Failed("408 Request Timeout".into())), None));
    for (number, pause) in [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800].into_iter().enumerate() {
        assert_eq!(world.wait(), pause);
        let (tell, send) = world.handle(Input::Deadline);
        assert_eq!((tell, send), (None, Some((number as u32 + 2, 600, 0))));
        let next = [Input::Unreachable, Input::Timeout, Input::Response(&oops)][number % 3];
        assert_eq!(world.handle(next), (None, None), "told once");
    }
    world.wait();
    world.handle(Input::Deadline);
    assert_eq!(world.response(OK), (Some(Told::Registered), None));
    world.wait();
    world.handle(Input::Deadline);
    assert_eq!(world.handle(Input::Unreachable), (Some(Told::Failed("503 Service Unavailable".into())), None));
    assert_eq!(world.wait(), 30, "pauses begin anew");
}

#[test]
fn a_registrar_says_when_to_come_again() {
    for (retry_after, seconds) in [(Some(5), 30), (Some(300), 300), (Some(u32::MAX), 1_800)] {
        let mut world = World::new();
        world.handle(Input::Start);
        world.response(Response { retry_after, ..failed(503, "Down") });
        assert_eq!(world.wait(), seconds);
    }
}

#[test]
fn what_does_not_pass_is_not_tried_again() {
    for (status, phrase, later) in [
        (403, "Forbidden", false),
        (404, "Not Found", false),
        (302, "Moved", true),
        (408, "Request Timeout", true),
        (500, "Oops", true),
        (603, "Decline", false),
    ] {
        let mut world = World::registered();
        world.wait();
        world.handle(Input::Deadline);
        let told = Told::Failed(format!("{status} {phrase}"));
        assert_eq!(world.response(failed(status, phrase)), (Some(told), None), "a failed refresh is told");
        assert!(!world.registration.is_registered());
        assert_eq!(world.registration.deadline().is_some(), later, "{status}");
        assert_eq!(world.handle(Input::Start), (Some(Told::Registering), Some((3, 600, 0))), "the client may");
    }
}

#[test]
fn registering_again_replaces_the_binding() {
    let mut world = World::registered();
    let push = contact("t1", "10.0.0.1", 5062, "udp", None).expect("a contact");
    world.registration.set_contact(push);
    assert_eq!(world.handle(Input::Start), (Some(Told::Registering), Some((2, 600, 0))));
    assert_eq!(world.handle(Input::Start), (None, None), "one is on its way");
    assert_eq!(world.response(OK), (None, Some((3, 600, 0))), "the second is sent behind the first");
    assert_eq!(world.response(OK), (Some(Told::Registered), None));
}

#[test]
fn unregistering_takes_our_own_contact_back() {
    let mut world = World::registered();
    assert_eq!(world.handle(Input::Stop), (None, Some((2, 0, 0))));
    assert!(!world.registration.is_over() && !world.registration.is_registered());
    assert_eq!(world.response(ASKS), (None, Some((3, 0, 1))), "it may be asked for a password, too");
    assert_eq!(world.response(OK), (None, None));
    assert!(world.registration.is_over());
    assert_eq!(world.registration.deadline(), None);
    assert_eq!(world.handle(Input::Stop), (None, None), "nothing is left");
    assert_eq!(world.handle(Input::Start), (Some(Told::Registering), Some((4, 600, 1))));
}

#[test]
fn unregistering_that_fails_is_over() {
    for input in [Input::Timeout, Input::Unreachable, Input::Response(&failed(500, "Oops"))] {
        let mut world = World::registered();
        world.handle(Input::Stop);
        assert_eq!(world.handle(input), (None, None));
        assert!(world.registration.is_over());
    }
}

#[test]
fn what_is_in_flight_is_taken_back_when_it_is_answered() {
    for (input, cseq) in [(Input::Response(&OK), 2), (Input::Response(&ASKS), 2), (Input::Timeout, 2)] {
        let mut world = World::new();
        world.handle(Input::Start);
        assert_eq!(world.handle(Input::Stop), (None, None));
        let (tell, send) = world.handle(input);
        assert_eq!((tell, send.map(|(cseq, expires, _)| (cseq, expires))), (None, Some((cseq, 0))), "{input:?}");
        world.response(OK);
        assert!(world.registration.is_over());
    }
    let mut world = World::registered();
    world.handle(Input::Stop);
    assert_eq!(world.handle(Input::Start), (Some(Told::Registering), None));
    assert_eq!(world.response(OK), (None, Some((3, 600, 0))), "and the other way round");
    assert_eq!(world.response(OK), (Some(Told::Registered), None));
}

#[test]
fn what_nobody_waits_for_does_nothing() {
    let mut world = World::new();
    assert!(world.registration.is_over());
    for input in [Input::Response(&OK), Input::Timeout, Input::Unreachable, Input::Deadline, Input::Stop] {
        assert_eq!(world.handle(input), (None, None), "{input:?}");
    }
    let mut world = World::registered();
    assert_eq!(world.handle(Input::Deadline), (None, None), "it is not time");
    assert_eq!(world.response(failed(403, "Late")), (None, None));
    assert!(world.registration.is_registered());
}

#[test]
fn a_binding_is_renewed_without_a_word() {
    let mut world = World::new();
    assert_eq!(world.handle(Input::Refresh), (None, None), "there is none");
    let mut world = World::registered();
    assert_eq!(world.handle(Input::Refresh), (None, Some((2, 600, 0))));
    assert_eq!(world.handle(Input::Refresh), (None, None), "one is in flight");
    assert_eq!(world.response(OK), (None, None));
    assert_eq!(world.handle(Input::Refresh), (None, Some((3, 600, 0))));
    assert_eq!(world.response(failed(403, "Forbidden")), (Some(Told::Failed("403 Forbidden".into())), None));
}
