//! Events from nowhere: what a session may be told though it asked for nothing of it.

use std::sync::Arc;

use patchbay_core::{
    Address, Body, CauseKind, Codec, Command, DescriptionKind, Effect, Effects, Event, Hub, Join, Kind, Kinds, Lang,
    Limits, LinkId, MediaEvent, MediaFault, Merge, Moment, Name, PartyId, Profile, Publish, Query, Realm, RealmLimits,
    Rendition, Report, Section, Selection, Signal, SignalKind, Speaks, Tag, Token, View,
};

/// Every kind of event, made by a hub that the session under test is not attached to.
#[must_use]
pub fn strange_events(lang: Lang) -> Vec<Event> {
    let profile = |lang| Profile {
        realm: Realm(0),
        lang,
        peer_to_peer: true,
        one_call: false,
        transport: patchbay_core::Transport::default(),
    };
    let name = |text: &str| Name::parse(text).unwrap_or_else(|why| panic!("{why:?}"));
    let body = |text: &str| Body::new(lang, text.as_bytes());
    let now = Moment::from_micros(1);
    let limits = RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), ..RealmLimits::default() };
    let mut hub = Hub::new(7, Limits { realms: vec![limits] });
    let mut effects = Effects::new();
    let (a, b) = (hub.attach(profile(lang), &mut effects), hub.attach(profile(lang), &mut effects));
    let mut events = Vec::new();
    for merge in [Merge::EVERY, Merge::WINDOW] {
        let room = name(if merge == Merge::EVERY { "strange" } else { "foreign" });
        for (party, own) in [(a, name("a")), (b, name("b"))] {
            let join = Join { room: room.clone(), name: own, merge, card: None, kind: patchbay_core::RoomKind::Open };
            hub.handle(now, party, Tag(1), Command::Join(join), &mut effects);
        }
    }
    hub.handle(now, a, Tag(2), Command::Register { name: name("a"), merge: Merge::EVERY }, &mut effects);
    hub.handle(now, b, Tag(2), Command::Register { name: name("b"), merge: Merge::WINDOW }, &mut effects);
    hub.handle(now, a, Tag(3), Command::Post { to: name("b"), body: body("") }, &mut effects);
    hub.handle(now, a, Tag(3), Command::Call { to: name("b"), token: Token::new("token") }, &mut effects);
    events.extend(told(&mut effects));
    let room = events.iter().find_map(|event| if let Event::Joined { room, .. } = event { Some(*room) } else { None });
    let call = |event: &Event| if let Event::CallChanged { link, .. } = event { Some(*link) } else { None };
    let (room, link) = (room.expect("somebody joined"), events.iter().find_map(call).expect("somebody called"));
    hub.handle(now, b, Tag(4), Command::Ring { link }, &mut effects);
    hub.handle(now, b, Tag(4), Command::Accept { link }, &mut effects);
    let kinds = [
        SignalKind::Offer,
        SignalKind::Answer,
        SignalKind::Candidate,
        SignalKind::Progress { early: false },
        SignalKind::Progress { early: true },
        SignalKind::Info,
    ];
    let byes = CauseKind::ALL.into_iter().map(|cause| SignalKind::Bye(cause.into()));
    for kind in kinds.into_iter().chain(byes) {
        for to in [Address::Member { room, name: name("b") }, Address::Link(link)] {
            let signal = Signal { kind: kind.clone(), body: body("") };
            hub.handle(now, a, Tag(5), Command::Signal { to, signal }, &mut effects);
        }
    }
    for cause in CauseKind::ALL {
        hub.handle(now, a, Tag(3), Command::Call { to: name("b"), token: None }, &mut effects);
        let opened = told(&mut effects);
        let link = opened.iter().find_map(call).expect("somebody called");
        events.extend(opened);
        hub.handle(now, b, Tag(6), Command::Hangup { link, cause: cause.into() }, &mut effects);
    }
    events.extend(told(&mut effects));
    events.extend(of_streams(&mut hub, [a, b]));
    events
}

/// Those of streams: one that is published, viewed and lost, for each way in which it can end.
fn of_streams(hub: &mut Hub, [a, b]: [PartyId; 2]) -> Vec<Event> {
    let name = |text: &str| Name::parse(text).unwrap_or_else(|why| panic!("{why:?}"));
    let now = Moment::from_micros(2);
    let (mut effects, mut events) = (Effects::new(), Vec::new());
    let publish = |stream: &str, main: Option<&str>| {
        Command::Publish(Publish {
            stream: name(stream),
            main: main.map(name),
            kinds: Kinds::ALL,
            about: None,
            claim: None,
            tracks: None,
        })
    };
    let view = View {
        stream: name("s"),
        selection: Selection::ALL,
        except: None,
        speaks: Speaks::ToAll,
        viewers: None,
        about: None,
        shape: patchbay_core::Shape::default(),
    };
    let ends: Vec<_> = CauseKind::ALL
        .map(Some)
        .into_iter()
        .chain([None])
        .flat_map(|cause| {
            [MediaFault::Description, MediaFault::Internal, MediaFault::Overload].map(|fault| (cause, fault))
        })
        .collect();
    for (cause, fault) in ends {
        hub.handle(now, b, Tag(7), Command::View(view.clone()), &mut effects);
        hub.handle(now, a, Tag(7), publish("s", None), &mut effects);
        let source = opened(&mut effects, &mut events);
        hub.on_media(
            now,
            MediaEvent::Parsed { link: source, audio: Some(Codec::Opus), video: Some(Codec::Vp8), layers: 1 },
            &mut effects,
        );
        hub.on_media(now, MediaEvent::Flowing { link: source }, &mut effects);
        hub.handle(now, b, Tag(7), Command::View(view.clone()), &mut effects);
        let viewer = opened(&mut effects, &mut events);
        hub.handle(now, a, Tag(7), publish("cam", Some("s")), &mut effects);
        let cam = opened(&mut effects, &mut events);
        hub.on_media(now, MediaEvent::Flowing { link: cam }, &mut effects);
        let sections = |source| {
            let media = Section { mid: "0".to_owned(), kind: Some(Kind::Video), source: Some(source) };
            vec![media, Section { mid: "1".to_owned(), kind: None, source: None }]
        };
        let renditions = vec![Rendition { width: 640, height: 360, bps: 1 }];
        for link in [source, viewer] {
            for kind in [DescriptionKind::Offer, DescriptionKind::Answer] {
                let (sdp, sections) = (Arc::from("v=0\r\nm=video\r\na=mid:0\r\na=candidate:1\r\n"), sections(source));
                hub.on_media(now, MediaEvent::Local { link, kind, sdp, sections }, &mut effects);
            }
            hub.on_media(now, MediaEvent::Flowing { link }, &mut effects);
            let report = Report { video_bps: 1, renditions: renditions.clone(), ..Report::default() };
            hub.on_media(now, MediaEvent::Report { link, report }, &mut effects);
            hub.on_media(now, MediaEvent::Switched { link, source, height: 360 }, &mut effects);
        }
        let queries = [Query::Renditions, Query::Tracks, Query::Stream, Query::Viewers];
        for query in queries.map(|query| query(name("s"))) {
            hub.handle(now, b, Tag(8), Command::Query(query), &mut effects);
        }
        hub.on_media(now, MediaEvent::Lost { link: cam }, &mut effects);
        for (party, link) in [(b, viewer), (a, source)] {
            match cause {
                Some(kind) => {
                    hub.handle(now, party, Tag(9), Command::Hangup { link, cause: kind.into() }, &mut effects)
                }
                None => hub.on_media(now, MediaEvent::Refused { link, fault }, &mut effects),
            }
        }
        events.extend(told(&mut effects));
    }
    events
}

/// The link that was last given; what was told goes to the events.
fn opened(effects: &mut Effects, events: &mut Vec<Event>) -> LinkId {
    let new = told(effects);
    let link = new.iter().rev().find_map(|event| match event {
        Event::Reserved { link, .. } | Event::Viewing { link, .. } => Some(*link),
        _ => None,
    });
    events.extend(new);
    link.expect("a link was given")
}

fn told(effects: &mut Effects) -> Vec<Event> {
    let tells = effects.drain().filter_map(|effect| match effect {
        Effect::Tell(_, event) => Some(event),
        Effect::Media(_) | Effect::Snapshot(_) => None,
    });
    tells.collect()
}
