//! Calls between parties that cannot negotiate with each other: what each end hears, and what the engine is asked.

use std::sync::Arc;

use patchbay_core::{
    Address, Body, CauseKind, Codec, Command, DescriptionKind, Effect, Effects, Event, Hub, Ice, Lang, LegRole, Limits,
    LinkId, MediaEvent, MediaFault, MediaOp, Merge, Moment, Name, PartyId, Profile, Realm, RealmLimits, Signal,
    SignalKind, Srtp, Tag, Talk, Transport,
};

const BROWSER: Profile = profile(0, Transport::WebRtc(Ice::Configured));
const PHONE: Profile = profile(1, Transport::Rtp(Srtp::Optional));

const fn profile(lang: u8, transport: Transport) -> Profile {
    Profile { lang: Lang(lang), realm: Realm(0), peer_to_peer: true, one_call: false, transport }
}

/// A call between `alice`, who opened it, and `bob`.
struct Call {
    hub: Hub,
    out: Effects,
    alice: PartyId,
    bob: PartyId,
    link: LinkId,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

impl Call {
    fn new(alice: Profile, bob: Profile) -> Self {
        let codecs = Some([Codec::Opus, Codec::Pcmu].into());
        let realms = vec![RealmLimits { codecs, ..RealmLimits::default() }];
        let (mut hub, mut out) = (Hub::new(0, Limits { realms }), Effects::new());
        let [alice, bob] = [("alice", alice), ("bob", bob)].map(|(id, profile)| {
            let party = hub.attach(profile, &mut out);
            let register = Command::Register { name: name(id), merge: Merge::WINDOW };
            hub.handle(Moment::START, party, Tag(1), register, &mut out);
            party
        });
        let mut call = Self { hub, out, alice, bob, link: LinkId::new(0) };
        let told = call.say(alice, Command::Call { to: name("bob"), token: None });
        let opened = |effect: &Effect| match effect {
            Effect::Tell(_, Event::CallChanged { link, .. }) => Some(*link),
            _ => None,
        };
        call.link = told.iter().find_map(opened).expect("a call");
        call
    }

    fn say(&mut self, party: PartyId, command: Command) -> Vec<Effect> {
        self.hub.handle(Moment::START, party, Tag(2), command, &mut self.out);
        self.sound()
    }

    fn signal(&mut self, party: PartyId, kind: SignalKind, text: &str) -> Vec<Effect> {
        let signal = Signal { kind, body: Body::new(Lang(0), text.as_bytes()) };
        self.say(party, Command::Signal { to: Address::Link(self.link), signal })
    }

    fn engine(&mut self, event: MediaEvent) -> Vec<Effect> {
        self.hub.on_media(Moment::START, event, &mut self.out);
        self.sound()
    }

    fn local(&mut self, link: LinkId, kind: DescriptionKind, sdp: &str) -> Vec<Effect> {
        self.engine(MediaEvent::Local { link, kind, sdp: Arc::from(sdp), sections: Vec::new() })
    }

    fn sound(&mut self) -> Vec<Effect> {
        let found = self.hub.check();
        assert!(found.is_empty(), "{found:?}");
        self.out.drain().collect()
    }
}

/// What was done, in words: to the engine, and to whom.
fn words(call: &Call, done: &[Effect]) -> Vec<String> {
    let who = |party: &PartyId| if *party == call.alice { "alice" } else { "bob" };
    let text = |body: &Body| String::from_utf8_lossy(body.bytes()).into_owned();
    let word = |effect: &Effect| match effect {
        Effect::Media(MediaOp::Open(open)) => {
            let way = if matches!(open.transport, Transport::Rtp(_)) { "rtp" } else { "webrtc" };
            let role = match &open.role {
                LegRole::Talk(Talk::Peer { .. }) => "peer".to_owned(),
                LegRole::Talk(Talk::Ours { with: None, .. }) => "ours".to_owned(),
                LegRole::Talk(Talk::Ours { with: Some(link), .. }) => format!("ours with {link:?}"),
                _ => "another".to_owned(),
            };
            Some(format!("open {:?} {way} {role} for {}", open.link, who(&open.owner)))
        }
        Effect::Media(MediaOp::Remote { link, signal }) => {
            Some(format!("remote {link:?} {:?} {}", signal.kind, text(&signal.body)))
        }
        Effect::Media(MediaOp::Close { link }) => Some(format!("close {link:?}")),
        Effect::Tell(party, Event::CallSignal { signal, .. }) => {
            Some(format!("{} hears {:?} {}", who(party), signal.kind, text(&signal.body)))
        }
        Effect::Tell(party, Event::Ended { cause, .. }) => Some(format!("{} ended {:?}", who(party), cause.kind)),
        Effect::Tell(party, Event::Flowing { .. }) => Some(format!("{} flows", who(party))),
        Effect::Tell(party, Event::Refused { refusal, .. }) => Some(format!("{} refused {refusal:?}", who(party))),
        _ => None,
    };
    done.iter().filter_map(word).collect()
}

/// The legs that were opened, in order.
fn legs(done: &[Effect]) -> Vec<LinkId> {
    let opened = |effect: &Effect| match effect {
        Effect::Media(MediaOp::Open(open)) => Some(open.link),
        _ => None,
    };
    done.iter().filter_map(opened).collect()
}

#[test]
fn an_offer_ends_in_the_engine_and_is_made_anew_for_the_other_end() {
    let mut call = Call::new(BROWSER, PHONE);
    let (alice, bob) = (call.alice, call.bob);
    let done = call.signal(alice, SignalKind::Offer, "v=0 browser");
    let [a, b] = legs(&done)[..] else { panic!("two legs") };
    assert_eq!(
        words(&call, &done),
        [
            format!("open {a:?} webrtc peer for alice"),
            format!("remote {a:?} Offer v=0 browser"),
            format!("open {b:?} rtp ours with {a:?} for bob"),
        ]
    );
    let done = call.local(b, DescriptionKind::Offer, "v=0 ours");
    assert_eq!(words(&call, &done), ["bob hears Offer v=0 ours"]);
    let done = call.signal(alice, SignalKind::Candidate, "candidate:1");
    assert_eq!(words(&call, &done), [format!("remote {a:?} Candidate candidate:1")]);
    let done = call.signal(bob, SignalKind::Answer, "v=0 phone");
    assert_eq!(words(&call, &done), [format!("remote {b:?} Answer v=0 phone")]);
    let done = call.local(a, DescriptionKind::Answer, "v=0 answer");
    assert_eq!(words(&call, &done), ["alice hears Answer v=0 answer"]);
    let done = call.engine(MediaEvent::Flowing { link: a });
    assert_eq!(words(&call, &done), ["alice flows"]);
    // Later: the phone holds, and the engine answers it by itself.
    let done = call.signal(bob, SignalKind::Offer, "v=0 hold");
    assert_eq!(words(&call, &done), [format!("remote {b:?} Offer v=0 hold")]);
    let done = call.local(b, DescriptionKind::Answer, "v=0 held");
    assert_eq!(words(&call, &done), ["bob hears Answer v=0 held"]);
    let done = call.say(alice, Command::Hangup { link: call.link, cause: CauseKind::Hangup.into() });
    assert_eq!(
        words(&call, &done),
        [
            format!("close {a:?}"),
            format!("close {b:?}"),
            "bob ended Hangup".to_owned(),
            "alice ended Hangup".to_owned()
        ]
    );
    // What was under way means nothing any more.
    assert!(call.local(a, DescriptionKind::Answer, "v=0 late").is_empty());
}

#[test]
fn early_media_is_an_answer_and_the_call_is_taken_later() {
    let mut call = Call::new(BROWSER, PHONE);
    let (alice, bob) = (call.alice, call.bob);
    let done = call.signal(alice, SignalKind::Offer, "v=0 browser");
    let [a, b] = legs(&done)[..] else { panic!("two legs") };
    let early = SignalKind::Progress { early: true };
    let done = call.signal(bob, early.clone(), "v=0 early");
    assert_eq!(words(&call, &done), [format!("remote {b:?} Answer v=0 early")]);
    let done = call.local(a, DescriptionKind::Answer, "v=0 answer");
    assert_eq!(words(&call, &done), ["alice hears Progress { early: true } v=0 answer"]);
    // Another way now, which is the phone's leg's business, and the call is taken.
    let done = call.signal(bob, SignalKind::Answer, "v=0 final");
    assert_eq!(words(&call, &done), ["alice hears Answer ".to_owned(), format!("remote {b:?} Answer v=0 final")]);

    // The final answer overtakes the engine: it is the only one.
    let mut call = Call::new(BROWSER, PHONE);
    let (alice, bob) = (call.alice, call.bob);
    let done = call.signal(alice, SignalKind::Offer, "v=0 browser");
    let [a, _] = legs(&done)[..] else { panic!("two legs") };
    call.signal(bob, early, "v=0 early");
    call.signal(bob, SignalKind::Answer, "v=0 final");
    let done = call.local(a, DescriptionKind::Answer, "v=0 answer");
    assert_eq!(words(&call, &done), ["alice hears Answer v=0 answer"]);
}

#[test]
fn a_call_without_an_offer_begins_at_the_other_end() {
    let mut call = Call::new(PHONE, BROWSER);
    let (alice, bob) = (call.alice, call.bob);
    let done = call.signal(alice, SignalKind::Offer, "");
    let [b] = legs(&done)[..] else { panic!("one leg") };
    assert_eq!(words(&call, &done), [format!("open {b:?} webrtc ours for bob")]);
    assert_eq!(words(&call, &Vec::new()), Vec::<String>::new());
    let done = call.local(b, DescriptionKind::Offer, "v=0 ours");
    assert_eq!(words(&call, &done), ["bob hears Offer v=0 ours"]);
    let done = call.signal(bob, SignalKind::Answer, "v=0 browser");
    let [a] = legs(&done)[..] else { panic!("the other leg") };
    assert_eq!(
        words(&call, &done),
        [format!("remote {b:?} Answer v=0 browser"), format!("open {a:?} rtp ours with {b:?} for alice")]
    );
    let done = call.local(a, DescriptionKind::Offer, "v=0 in the 200");
    assert_eq!(words(&call, &done), ["alice hears Offer v=0 in the 200"]);
    let done = call.signal(alice, SignalKind::Answer, "v=0 in the ACK");
    assert_eq!(words(&call, &done), [format!("remote {a:?} Answer v=0 in the ACK")]);
}

#[test]
fn a_call_ends_with_a_leg_of_it() {
    for (event, cause) in [
        (MediaEvent::Lost { link: LinkId::new(0) }, CauseKind::Gone),
        (MediaEvent::Refused { link: LinkId::new(0), fault: MediaFault::Description }, CauseKind::Faulty),
        (MediaEvent::Refused { link: LinkId::new(0), fault: MediaFault::Overload }, CauseKind::Overloaded),
        (MediaEvent::Refused { link: LinkId::new(0), fault: MediaFault::Internal }, CauseKind::Failed),
    ] {
        let mut call = Call::new(BROWSER, PHONE);
        let done = call.signal(call.alice, SignalKind::Offer, "v=0");
        let [a, b] = legs(&done)[..] else { panic!("two legs") };
        let event = match event {
            MediaEvent::Lost { .. } => MediaEvent::Lost { link: a },
            MediaEvent::Refused { fault, .. } => MediaEvent::Refused { link: a, fault },
            other => other,
        };
        let done = call.engine(event);
        let ended = |who: &str| format!("{who} ended {cause:?}");
        assert_eq!(words(&call, &done), [format!("close {b:?}"), ended("bob"), ended("alice")]);
    }
}

#[test]
fn what_is_no_negotiation_is_handed_on_and_peers_of_a_dialect_need_no_engine() {
    let mut call = Call::new(BROWSER, PHONE);
    let (alice, bob) = (call.alice, call.bob);
    let done = call.signal(bob, SignalKind::Info, "5");
    assert_eq!(words(&call, &done), ["alice hears Info 5"]);
    let done = call.signal(alice, SignalKind::Answer, "v=0");
    assert_eq!(words(&call, &done), Vec::<String>::new(), "an answer to nothing");

    let mut call = Call::new(BROWSER, BROWSER);
    let done = call.signal(call.alice, SignalKind::Offer, "v=0");
    assert_eq!(words(&call, &done), ["bob hears Offer v=0"]);
}

#[test]
fn where_names_are_secrets_nobody_is_told_of_them() {
    for presence in [true, false] {
        let realms = vec![RealmLimits { presence, ..RealmLimits::default() }];
        let (mut hub, mut out) = (Hub::new(0, Limits { realms }), Effects::new());
        let party = hub.attach(BROWSER, &mut out);
        let register = Command::Register { name: name("alice"), merge: Merge::EVERY };
        hub.handle(Moment::START, party, Tag(1), register, &mut out);
        let lists = out.drain().filter(|effect| matches!(effect, Effect::Tell(_, Event::Presence { .. }))).count();
        assert_eq!(lists, usize::from(presence));
        assert!(hub.check().is_empty() && (presence || hub.deadline().is_none()));
    }
}

#[test]
fn who_chooses_first_is_offered_what_every_telephone_knows() {
    let codecs = |done: &[Effect]| {
        done.iter().find_map(|effect| match effect {
            Effect::Media(MediaOp::Open(open)) => match &open.role {
                LegRole::Talk(Talk::Ours { codecs, .. } | Talk::Peer { codecs }) => Some(codecs.to_vec()),
                _ => None,
            },
            _ => None,
        })
    };
    let mut call = Call::new(PHONE, BROWSER);
    let done = call.signal(call.alice, SignalKind::Offer, "");
    assert_eq!(codecs(&done), Some(vec![Codec::Pcmu]));
    let mut call = Call::new(BROWSER, PHONE);
    let done = call.signal(call.alice, SignalKind::Offer, "");
    assert_eq!(codecs(&done), Some(vec![Codec::Opus, Codec::Pcmu]), "a telephone says by itself what it knows");
    let mut call = Call::new(PHONE, BROWSER);
    let done = call.signal(call.alice, SignalKind::Offer, "v=0 phone");
    assert_eq!(codecs(&done), Some(vec![Codec::Opus, Codec::Pcmu]));
}

#[test]
fn what_only_one_end_can_do_something_about_is_told_to_it() {
    let mut call = Call::new(BROWSER, PHONE);
    let done = call.signal(call.alice, SignalKind::Offer, "v=0");
    let [_, b] = legs(&done)[..] else { panic!("two legs") };
    let (bob, link) = (call.bob, call.link);
    let told = |done: Vec<Effect>| match &done[..] {
        [Effect::Tell(party, Event::Declined { link })] => ("declined", *party, *link),
        [Effect::Tell(party, Event::KeyWanted { link })] => ("key", *party, *link),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(call.engine(MediaEvent::Declined { link: b })), ("declined", bob, link));
    assert_eq!(told(call.engine(MediaEvent::KeyWanted { link: b })), ("key", bob, link));
}
