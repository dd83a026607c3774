//! Who manages a realm sees its streams, ends them and speaks to all who are there; other realms are none of his.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{
    Cause, CauseKind, Codec, Command, Effect, Effects, Event, Hub, Ice, Kinds, Lang, Limits, LinkId, MediaEvent,
    MediaOp, Moment, Name, PartyId, Profile, Publish, Query, Realm, RealmLimits, Refusal, Report, Selection, Speaks,
    Tag, Transport, View,
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

struct Stage {
    hub: Hub,
    out: Effects,
    now: Moment,
}

impl Stage {
    fn new() -> Self {
        let limits = RealmLimits { codecs: Some([Codec::Opus].into()), ..RealmLimits::default() };
        let now = Moment::START + Duration::from_secs(7);
        Self { hub: Hub::new(0, Limits { realms: vec![limits; 2] }), out: Effects::new(), now }
    }

    fn party(&mut self, realm: u16) -> PartyId {
        let profile = Profile {
            realm: Realm(realm),
            lang: Lang(3),
            peer_to_peer: false,
            one_call: false,
            transport: Transport::WebRtc(Ice::Configured),
        };
        let party = self.hub.attach(profile, &mut self.out);
        self.out.drain().for_each(drop);
        party
    }

    fn does(&mut self, party: PartyId, command: Command) -> (Vec<(PartyId, Event)>, Vec<MediaOp>) {
        self.hub.handle(self.now, party, Tag(1), command, &mut self.out);
        assert_eq!(self.hub.check(), []);
        let (mut told, mut media) = (Vec::new(), Vec::new());
        for effect in self.out.drain() {
            match effect {
                Effect::Tell(party, event) => told.push((party, event)),
                Effect::Media(op) => media.push(op),
                _ => {}
            }
        }
        (told, media)
    }

    fn publishes(&mut self, party: PartyId, stream: &str, main: Option<&str>, live: bool) -> LinkId {
        let audio = Kinds { audio: true, video: false };
        let publish = Publish {
            stream: name(stream),
            main: main.map(name),
            kinds: audio,
            about: None,
            claim: None,
            tracks: None,
        };
        let link = match &self.does(party, Command::Publish(publish)).0[..] {
            [(_, Event::Reserved { link, .. })] => *link,
            other => panic!("{other:?}"),
        };
        if live {
            self.media(MediaEvent::Flowing { link });
        }
        link
    }

    fn views(&mut self, party: PartyId, stream: &str) -> LinkId {
        let (stream, selection) = (name(stream), Selection::ALL);
        let view = View {
            stream,
            selection,
            except: None,
            speaks: Speaks::ToAll,
            viewers: None,
            about: None,
            shape: patchbay_core::Shape::default(),
        };
        match &self.does(party, Command::View(view)).0[..] {
            [(_, Event::Viewing { link, .. })] => *link,
            other => panic!("{other:?}"),
        }
    }

    fn media(&mut self, event: MediaEvent) {
        self.hub.on_media(self.now, event, &mut self.out);
        self.out.drain().for_each(drop);
    }

    /// Names and whether each is live, whether there are more, and how many are live in all.
    fn list(&mut self, party: PartyId, after: Option<&str>, most: usize) -> (Vec<(String, bool)>, bool, usize) {
        let query = Query::Streams { after: after.map(name), most };
        let (told, _) = self.does(party, Command::Query(query));
        let [(_, Event::Streams { streams, more, live, tag: Tag(1) })] = &told[..] else { panic!("{told:?}") };
        let live_one = |known: &patchbay_core::Known| known.own.iter().chain(&known.tracks).any(|of| of.live);
        let shown = streams.iter().map(|(name, known)| (name.as_str().to_owned(), live_one(known)));
        (shown.collect(), *more, *live)
    }
}

#[test]
fn the_streams_and_rooms_of_the_realm_are_listed_in_pages() {
    let mut stage = Stage::new();
    let (a, b, other) = (stage.party(0), stage.party(0), stage.party(1));
    stage.publishes(a, "b", None, true);
    stage.publishes(a, "a", Some("room"), true);
    stage.publishes(b, "c", None, false);
    stage.publishes(other, "elsewhere", None, true);
    let shown = |list: &[(&str, bool)]| list.iter().map(|(name, live)| ((*name).to_owned(), *live)).collect::<Vec<_>>();
    let all = [("a", true), ("b", true), ("c", false), ("room", true)];
    assert_eq!(stage.list(b, None, 10), (shown(&all), false, 2));
    assert_eq!(stage.list(b, None, 2), (shown(&all[..2]), true, 2));
    assert_eq!(stage.list(b, Some("b"), 2), (shown(&all[2..]), false, 2));
    assert_eq!(stage.list(b, Some("zzz"), 2), (Vec::new(), false, 2));
    assert_eq!(stage.list(other, None, 10), (shown(&[("elsewhere", true)]), false, 1));
}

#[test]
fn a_stream_is_ended_whoever_publishes_it() {
    let mut stage = Stage::new();
    let (a, b, c, other) = (stage.party(0), stage.party(0), stage.party(0), stage.party(1));
    let link = stage.publishes(a, "cam", None, true);
    let view = stage.views(b, "cam");
    let end = || Command::EndStream { stream: name("cam"), cause: Cause::from(CauseKind::Hangup) };
    let refused = |(told, media): (Vec<(PartyId, Event)>, Vec<MediaOp>)| {
        assert!(matches!(told[..], [(_, Event::Refused { refusal: Refusal::NoSuchStream, .. })]), "{told:?}");
        assert!(media.is_empty());
    };
    refused(stage.does(other, end()));
    let (told, media) = stage.does(c, end());
    let ended = |party, link| {
        told.iter().any(|(to, event)| *to == party && matches!(event, Event::LegEnded { link: of, .. } if *of == link))
    };
    assert!(ended(a, link) && ended(b, view) && told.len() == 2, "{told:?}");
    assert_eq!(media.iter().filter(|op| matches!(op, MediaOp::Close { .. })).count(), 2);
    refused(stage.does(c, end()));
}

#[test]
fn everybody_who_is_there_is_spoken_to() {
    let mut stage = Stage::new();
    let (a, b, c, other) = (stage.party(0), stage.party(0), stage.party(0), stage.party(1));
    let track = stage.publishes(a, "cam", Some("room"), true);
    let view = stage.views(b, "room");
    let say = |stream| Command::SayToAll { stream: name(stream), binary: false, bytes: Arc::from(&b"hello"[..]) };
    let heard = |(told, media): (Vec<(PartyId, Event)>, Vec<MediaOp>)| {
        assert!(told.is_empty(), "{told:?}");
        let mut links: Vec<_> = media
            .iter()
            .map(|op| match op {
                MediaOp::Say { link, channel: None, binary: false, bytes } if **bytes == *b"hello" => *link,
                other => panic!("{other:?}"),
            })
            .collect();
        links.sort_unstable();
        links
    };
    assert_eq!(heard(stage.does(c, say("room"))), [track, view]);
    assert_eq!(heard(stage.does(c, say("cam"))), [track]);
    assert_eq!(heard(stage.does(c, say("nobody"))), []);
    assert_eq!(heard(stage.does(other, say("room"))), []);
}

#[test]
fn how_views_do_is_told() {
    let mut stage = Stage::new();
    let (a, b, c) = (stage.party(0), stage.party(0), stage.party(0));
    stage.publishes(a, "cam", None, true);
    let (first, second) = (stage.views(b, "cam"), stage.views(c, "cam"));
    let report = Report { video_bps: 7, ..Report::default() };
    stage.media(MediaEvent::Report { link: second, report: report.clone() });
    let (told, _) = stage.does(a, Command::Query(Query::Views(name("cam"))));
    let [(_, Event::Views { views, .. })] = &told[..] else { panic!("{told:?}") };
    assert_eq!(views[..], [(first, Report::default()), (second, report)]);
    let (told, _) = stage.does(a, Command::Query(Query::Views(name("nobody"))));
    assert!(matches!(&told[..], [(_, Event::Views { views, .. })] if views.is_empty()));
}
