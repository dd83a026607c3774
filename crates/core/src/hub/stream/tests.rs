//! Streams by behaviour. What the hub tells parties and asks of the engine is printed as one short line each, so that a
//! test reads like a protocol; links are numbered as they are drawn.

mod data;
mod fragments;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    Address, Body, CauseKind, Codec, Command, Counts, DescriptionKind, Effect, Effects, Event, Hub, Kind, Kinds, Knock,
    Lang, LegRole, Limits, LinkId, MediaEvent, MediaFault, MediaOp, Moment, Name, PartyId, Profile, Publish, Query,
    Realm, RealmLimits, Rendition, Report, Section, Selection, Signal, SignalKind, Speaks, Tag, Track, View,
};

mod places;

struct Stage {
    hub: Hub,
    out: Effects,
    labels: BTreeMap<PartyId, &'static str>,
}

const NOTHING: [&str; 0] = [];
const AUDIO: Kinds = Kinds { audio: true, video: false };
const VIDEO: Kinds = Kinds { audio: false, video: true };

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

/// The link that was drawn as the nth.
fn link(number: u64) -> LinkId {
    LinkId(number)
}

impl Stage {
    fn new() -> Self {
        Self::with(RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), ..RealmLimits::default() })
    }

    fn with(limits: RealmLimits) -> Self {
        let hub = Hub::new(0, Limits { realms: vec![limits; 2] });
        Self { hub, out: Effects::new(), labels: BTreeMap::new() }
    }

    fn parties<const N: usize>(&mut self, labels: [&'static str; N]) -> [PartyId; N] {
        labels.map(|label| self.party_in(label, Realm(0)))
    }

    fn party_in(&mut self, label: &'static str, realm: Realm) -> PartyId {
        let profile = Profile {
            realm,
            lang: Lang(1),
            peer_to_peer: false,
            one_call: false,
            transport: crate::Transport::default(),
        };
        let party = self.hub.attach(profile, &mut self.out);
        self.labels.insert(party, label);
        assert_eq!(self.told(), NOTHING);
        party
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<String> {
        self.hub.handle(Moment::from_micros(1), party, Tag(9), command, &mut self.out);
        self.told()
    }

    fn publishes(&mut self, party: PartyId, stream: &str, main: Option<&str>) -> Vec<String> {
        let publish = Publish {
            stream: name(stream),
            main: main.map(name),
            kinds: Kinds::ALL,
            about: None,
            claim: None,
            tracks: None,
        };
        self.does(party, Command::Publish(publish))
    }

    /// Publishes and is live, with sound and pictures; the link's number.
    fn live(&mut self, party: PartyId, stream: &str, main: Option<&str>) -> u64 {
        let told = self.publishes(party, stream, main);
        let number = told[0].rsplit('#').next().and_then(|number| number.parse().ok()).expect("it is reserved");
        self.flows(number);
        number
    }

    fn views(&mut self, party: PartyId, stream: &str) -> Vec<String> {
        self.views_with(party, stream, Selection::ALL)
    }

    fn views_with(&mut self, party: PartyId, stream: &str, selection: Selection) -> Vec<String> {
        self.does(party, view(stream, selection, None, Speaks::ToAll))
    }

    fn hangs_up(&mut self, party: PartyId, number: u64) -> Vec<String> {
        self.does(party, Command::Hangup { link: link(number), cause: CauseKind::Hangup.into() })
    }

    fn goes(&mut self, party: PartyId) -> Vec<String> {
        self.hub.detach(Moment::from_micros(1), party, &mut self.out);
        self.told()
    }

    fn engine(&mut self, event: MediaEvent) -> Vec<String> {
        self.hub.on_media(Moment::from_micros(1), event, &mut self.out);
        self.told()
    }

    /// The first media has come, of both kinds.
    fn flows(&mut self, number: u64) -> Vec<String> {
        let (audio, video) = (Some(Codec::Opus), Some(Codec::Vp8));
        assert_eq!(self.engine(MediaEvent::Parsed { link: link(number), audio, video, layers: 1 }), NOTHING);
        self.engine(MediaEvent::Flowing { link: link(number) })
    }

    /// What was told and asked, and that nothing is broken.
    fn told(&mut self) -> Vec<String> {
        let effects: Vec<Effect> = self.out.drain().collect();
        let line = |effect| match effect {
            Effect::Tell(party, event) => Some(self.event(party, &event)),
            Effect::Media(op) => Some(asked(&op)),
            Effect::Snapshot(_) => None,
        };
        let told: Vec<_> = effects.into_iter().filter_map(line).collect();
        assert_eq!(self.hub.check(), [], "after {told:?}");
        told
    }

    fn event(&self, party: PartyId, event: &Event) -> String {
        let who = self.labels[&party];
        match event {
            Event::Reserved { tag: Tag(9), link, .. } => format!("{who} reserved #{}", link.0),
            Event::Admitted { tag: Tag(9) } => format!("{who} admitted"),
            Event::Viewing { tag: Tag(9), link } => format!("{who} viewing #{}", link.0),
            Event::Refused { tag: Tag(9), refusal } => format!("{who} refused {refusal:?}"),
            Event::Described { link, kind, sdp, sections } => {
                let section = |section: &Section<Name>| {
                    let kind = section.kind.map_or("data", |kind| if kind == Kind::Audio { "audio" } else { "video" });
                    format!("{}:{kind}:{}", section.mid, section.source.as_ref().map_or("-", Name::as_str))
                };
                let sections: Vec<_> = sections.iter().map(section).collect();
                format!("{who} {kind:?} #{} {sdp:?} {}", link.0, sections.join(" "))
            }
            Event::Flowing { link } => format!("{who} flowing #{}", link.0),
            Event::LegEnded { tag, link, cause } => {
                let own = if *tag == Tag(9) { " as asked" } else { "" };
                format!("{who} ended #{} {:?}{own}", link.0, cause.kind)
            }
            Event::TrackChanged { link, track, added } => {
                let sign = if *added { '+' } else { '-' };
                format!("{who} #{} {sign}{}", link.0, track.as_str())
            }
            Event::Switched { link, track, height } => {
                format!("{who} #{} switched {} to {height}", link.0, track.as_str())
            }
            Event::Speaker { link, track, level } => {
                format!("{who} #{} hears {} at {level}", link.0, track.as_str())
            }
            Event::Channel { link, channel, open } => {
                let sign = if *open { '+' } else { '-' };
                format!("{who} #{} channel {sign}{}", link.0, channel.as_str())
            }
            Event::Heard { link, channel, binary, bytes } => {
                let text = String::from_utf8_lossy(bytes);
                format!("{who} #{} heard on {} {binary} {text}", link.0, channel.as_str())
            }
            Event::Live { stream } => format!("{who} hears that {} is live", stream.as_str()),
            Event::Renditions { tag: Tag(9), stream, audio, video, audio_bps, renditions } => {
                let codec = |codec: &Option<Codec>| codec.map_or("-", Codec::label);
                let sizes: Vec<_> = renditions.iter().map(|rendition| rendition.height.to_string()).collect();
                let (audio, video, sizes) = (codec(audio), codec(video), sizes.join(","));
                format!("{who} {}: {audio} at {audio_bps}, {video} of {sizes}", stream.as_str())
            }
            Event::Tracks { tag: Tag(9), stream, tracks } => {
                let tracks: Vec<_> = tracks.iter().map(Name::as_str).collect();
                format!("{who} {}: [{}]", stream.as_str(), tracks.join(","))
            }
            Event::Measured { link, report } => format!("{who} #{} at {}", link.0, report.target_bps),
            event => panic!("this is about no stream: {event:?}"),
        }
    }
}

fn view(stream: &str, selection: Selection, except: Option<&str>, speaks: Speaks) -> Command {
    Command::View(View {
        stream: name(stream),
        selection,
        except: except.map(name),
        speaks,
        viewers: None,
        about: None,
        shape: crate::Shape::default(),
    })
}

fn pass(kinds: Kinds) -> &'static str {
    match kinds {
        Kinds::ALL => "all",
        Kinds::NONE => "none",
        AUDIO => "audio",
        _ => "video",
    }
}

fn tracks(tracks: &[Track]) -> String {
    let one = |track: &Track| {
        let codecs: Vec<_> = track.audio.iter().chain(&track.video).map(|codec| codec.label()).collect();
        let height = track.height.map(|height| format!(" {height}")).unwrap_or_default();
        format!("#{} {} {}{height}", track.source.0, codecs.join("+"), pass(track.pass))
    };
    let list: Vec<_> = tracks.iter().map(one).collect();
    format!("[{}]", list.join(", "))
}

fn asked(op: &MediaOp) -> String {
    let link = op.link().0;
    match op {
        MediaOp::Open(open) => {
            let topics =
                |topics: &[crate::Topic]| topics.iter().map(|topic| topic.0.to_string()).collect::<Vec<_>>().join(",");
            let mut talk = format!("says {} hears {}", topics(&open.says), topics(&open.hears));
            for channel in &open.heeds {
                talk.push_str(&format!(" heeds {}", channel.as_str()));
            }
            match &open.role {
                LegRole::Receive { accept, .. } => format!("open #{link} receives {} {talk}", pass(*accept)),
                LegRole::Pull { accept, .. } => format!("open #{link} asks for {} {talk}", pass(*accept)),
                LegRole::Send { tracks: list, label, .. } => {
                    let label = label.as_ref().map_or("without a channel", Name::as_str);
                    format!("open #{link} sends {label} {} {talk}", tracks(list))
                }
                LegRole::Talk(_) => format!("open #{link} talks {talk}"),
                LegRole::Fragments { tracks: list, label, answers } => {
                    let how = if *answers { "answers" } else { "offers" };
                    format!("open #{link} {how} fragments {} label {} {talk}", tracks(list), label.as_str())
                }
                LegRole::Answer { tracks: list, may_grow } => {
                    let grows = if *may_grow { " and more" } else { "" };
                    format!("open #{link} answers {}{grows} {talk}", tracks(list))
                }
            }
        }
        MediaOp::Remote { signal, .. } => {
            format!("remote #{link} {:?} {} bytes", signal.kind, signal.body.bytes().len())
        }
        MediaOp::Tracks { tracks: list, .. } => format!("tracks #{link} {}", tracks(list)),
        MediaOp::Gate { source, pass: kinds, .. } => format!("gate #{link} of #{} {}", source.0, pass(*kinds)),
        MediaOp::Mute { pass: kinds, .. } => format!("mute #{link} {}", pass(*kinds)),
        MediaOp::Prefer { source, height, .. } => format!("prefer #{link} of #{} {height:?}", source.0),
        MediaOp::Limit { bps, .. } => format!("limit #{link} {bps:?}"),
        MediaOp::Say { channel, binary, bytes, .. } => {
            let channel = channel.as_ref().map(|channel| format!("{} ", channel.as_str())).unwrap_or_default();
            format!("say #{link} {channel}{binary} {}", String::from_utf8_lossy(bytes))
        }
        MediaOp::Close { .. } => format!("close #{link}"),
    }
}

#[test]
fn a_publication_is_reserved_negotiated_and_live() {
    let mut stage = Stage::new();
    let [a] = stage.parties(["a"]);
    assert_eq!(stage.publishes(a, "s", None), ["a reserved #1", "open #1 receives all says 1 hears 2"]);
    let signal = Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), b"v=0") };
    let told = stage.does(a, Command::Signal { to: Address::Link(link(1)), signal });
    assert_eq!(told, ["remote #1 Offer 3 bytes"]);
    let section = Section { mid: "0".to_owned(), kind: Some(Kind::Audio), source: None };
    let answer = MediaEvent::Local {
        link: link(1),
        kind: DescriptionKind::Answer,
        sdp: Arc::from("v=1"),
        sections: vec![section],
    };
    assert_eq!(stage.engine(answer), ["a Answer #1 \"v=1\" 0:audio:-"]);
    assert_eq!(stage.flows(1), ["a flowing #1"]);
    assert_eq!(stage.flows(1), NOTHING, "it is live once");
    assert_eq!(stage.hub.counts(), Counts { parties: 1, streams: 1, ..Counts::default() });
    assert_eq!(stage.hangs_up(a, 1), ["close #1", "a ended #1 Hangup as asked"]);
    assert_eq!(stage.publishes(a, "s", None)[0], "a reserved #2", "the name is free at once");
}

#[test]
fn a_peer_that_offers_views_as_others_do() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    let watch = |stream: &str| {
        let view = View {
            stream: name(stream),
            selection: Selection::ALL,
            except: None,
            speaks: Speaks::No,
            viewers: None,
            about: None,
            shape: crate::Shape::default(),
        };
        Command::Watch { view, offer: Body::new(Lang(1), b"v=0") }
    };
    assert_eq!(stage.does(b, watch("s")), ["b refused NoSuchStream"], "and its offer goes nowhere");
    stage.live(a, "s", None);
    stage.live(a, "cam", Some("s"));
    let opened = "open #3 answers [#1 opus+VP8 all, #2 opus+VP8 all] and more says  hears 1";
    assert_eq!(stage.does(b, watch("s")), ["b viewing #3", opened, "remote #3 Offer 3 bytes"]);
    let again = Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), b"v=0\n") };
    let told = stage.does(b, Command::Signal { to: Address::Link(link(3)), signal: again });
    assert_eq!(told, ["remote #3 Offer 4 bytes"], "it may offer again");
    assert_eq!(stage.does(b, watch("s")), ["b refused Viewing"]);
    let told = stage.hangs_up(a, 2);
    assert_eq!(told, ["close #2", "a ended #2 Hangup as asked", "b #3 -cam", "tracks #3 [#1 opus+VP8 all]"]);
}

#[test]
fn a_name_has_one_publisher_in_its_realm() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    let c = stage.party_in("c", Realm(1));
    stage.publishes(a, "s", None);
    assert_eq!(stage.publishes(a, "s", None), ["a refused Publishing"]);
    assert_eq!(stage.publishes(b, "s", None), ["b refused StreamTaken"]);
    stage.flows(1);
    assert_eq!(stage.publishes(b, "s", None), ["b refused StreamTaken"], "live or not");
    assert_eq!(stage.publishes(c, "s", None)[0], "c reserved #2", "another realm has names of its own");
    assert_eq!(stage.views(c, "s"), ["c refused NoSuchStream"], "and streams of its own");
}

#[test]
fn without_a_codec_or_an_engine_nothing_is_published() {
    let mut stage = Stage::with(RealmLimits { codecs: Some([Codec::Opus].into()), ..RealmLimits::default() });
    let [a] = stage.parties(["a"]);
    assert_eq!(stage.publishes(a, "s", None), ["a refused NoCodec"]);
    let publish = |kinds| {
        Command::Publish(Publish { stream: name("s"), main: None, kinds, about: None, claim: None, tracks: None })
    };
    assert_eq!(stage.does(a, publish(VIDEO)), ["a refused NoCodec"]);
    assert_eq!(stage.does(a, publish(AUDIO))[0], "a reserved #1");
    assert_eq!(stage.hangs_up(a, 1).len(), 2);
    assert_eq!(stage.does(a, publish(Kinds::NONE))[0], "a reserved #2", "data needs no codec");

    let mut stage = Stage::with(RealmLimits::default());
    let [a] = stage.parties(["a"]);
    assert_eq!(stage.publishes(a, "s", None), ["a refused NoEngine"]);
    assert_eq!(stage.views(a, "s"), ["a refused NoEngine"]);
}

#[test]
fn who_knocks_is_told_what_he_would_be_told_and_takes_nothing() {
    let mut stage = Stage::with(RealmLimits { codecs: Some([Codec::Opus].into()), ..RealmLimits::default() });
    let [a, b] = stage.parties(["a", "b"]);
    let publishes = |stream: &str, kinds| Command::Knock(Knock::Publish(name(stream), kinds));
    let sound = Publish { stream: name("s"), main: None, kinds: AUDIO, about: None, claim: None, tracks: None };
    assert_eq!(stage.does(a, publishes("s", VIDEO)), ["a refused NoCodec"]);
    assert_eq!(stage.does(a, publishes("s", AUDIO)), ["a admitted"]);
    assert_eq!(stage.does(b, publishes("s", AUDIO)), ["b admitted"], "it is free all the same");
    stage.does(a, Command::Publish(sound));
    stage.flows(1);
    assert_eq!(stage.does(a, publishes("s", VIDEO)), ["a refused Publishing"], "the name comes before the codec");
    assert_eq!(stage.does(b, publishes("s", VIDEO)), ["b refused StreamTaken"]);
    let views = |stream: &str| Command::Knock(Knock::View(name(stream)));
    assert_eq!(stage.does(b, views("s")), ["b admitted"]);
    assert_eq!(stage.does(b, views("t")), ["b admitted"], "whether it is there is nobody's business yet");
    stage.views(b, "s");
    assert_eq!(stage.does(b, views("s")), ["b refused Viewing"]);
    assert_eq!(stage.does(b, Command::Knock(Knock::Anything)), ["b admitted"]);
    stage.hub.set_overloaded(true);
    let all = [publishes("s", VIDEO), publishes("t", AUDIO), views("s"), views("t"), Command::Knock(Knock::Anything)];
    for knock in all {
        assert_eq!(stage.does(a, knock), ["a refused Overloaded"], "the machine comes before all");
    }
    assert_eq!(stage.engine(MediaEvent::Flowing { link: link(3) }), NOTHING, "nobody but one views");

    let mut stage = Stage::with(RealmLimits::default());
    let [a] = stage.parties(["a"]);
    assert_eq!(stage.does(a, publishes("s", AUDIO)), ["a refused NoEngine"]);
    assert_eq!(stage.does(a, views("s")), ["a refused NoEngine"]);
    assert_eq!(stage.does(a, Command::Knock(Knock::Anything)), ["a admitted"], "a room needs none");
}

#[test]
fn an_overloaded_machine_takes_nobody_in_and_lets_nobody_go() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.views(b, "s");
    stage.hub.set_overloaded(true);
    assert_eq!(stage.publishes(b, "t", None), ["b refused Overloaded"]);
    assert_eq!(stage.publishes(a, "s", None), ["a refused Overloaded"], "the machine comes before the name");
    assert_eq!(stage.views(a, "s"), ["a refused Overloaded"]);
    assert_eq!(stage.engine(MediaEvent::Flowing { link: link(2) }), ["b flowing #2"]);
    // Who is in a room is in already.
    let [c] = stage.parties(["c"]);
    let join = crate::Join {
        room: name("r"),
        name: name("c"),
        merge: crate::Merge::WINDOW,
        card: None,
        kind: crate::RoomKind::Open,
    };
    stage.hub.handle(Moment::START, c, Tag(9), Command::Join(join), &mut Effects::new());
    assert_eq!(stage.publishes(c, "u", Some("r"))[0], "c reserved #3");
    assert_eq!(stage.views(c, "s")[0], "c viewing #4");
    stage.hub.set_overloaded(false);
    assert_eq!(stage.publishes(b, "t", None)[0], "b reserved #5");
}

#[test]
fn a_view_gets_an_offer_of_what_is_live() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    assert_eq!(stage.views(b, "s"), ["b refused NoSuchStream"]);
    stage.publishes(a, "s", None);
    assert_eq!(stage.views(b, "s"), ["b refused NoSuchStream"], "it is not live yet");
    assert_eq!(stage.flows(1), ["a flowing #1", "b hears that s is live"]);
    let told = stage.views(b, "s");
    assert_eq!(told, ["b viewing #2", "open #2 sends s [#1 opus+VP8 all] says 2,1 hears 1"]);
    assert_eq!(stage.views(b, "s"), ["b refused Viewing"]);
    let section = |mid: &str, kind, source| Section { mid: mid.to_owned(), kind, source };
    let sections = vec![
        section("a", Some(Kind::Audio), Some(link(1))),
        section("v", Some(Kind::Video), Some(link(99))),
        section("d", None, None),
    ];
    let offer = MediaEvent::Local { link: link(2), kind: DescriptionKind::Offer, sdp: Arc::from("v=0"), sections };
    assert_eq!(stage.engine(offer), ["b Offer #2 \"v=0\" a:audio:s v:video:- d:data:-"]);
    assert_eq!(stage.engine(MediaEvent::Flowing { link: link(2) }), ["b flowing #2"]);
    assert_eq!(stage.hangs_up(b, 2), ["close #2", "b ended #2 Hangup as asked"]);
    assert_eq!(stage.hub.counts(), Counts { parties: 2, streams: 1, ..Counts::default() });
}

#[test]
fn when_a_stream_ends_so_do_its_views() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "s", None);
    stage.views(b, "s");
    stage.views(c, "s");
    let told = stage.hangs_up(a, 1);
    let expected =
        ["close #1", "a ended #1 Hangup as asked", "close #2", "b ended #2 Over", "close #3", "c ended #3 Over"];
    assert_eq!(told, expected);
    assert_eq!(stage.hub.counts(), Counts { parties: 3, ..Counts::default() });
}

#[test]
fn who_asked_in_vain_is_told_once_and_not_of_his_own_stream() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.views(a, "s");
    stage.views(b, "s");
    assert_eq!(stage.publishes(a, "s", None)[0], "a reserved #1");
    assert_eq!(stage.flows(1), ["a flowing #1", "b hears that s is live"]);
    stage.hangs_up(a, 1);
    assert_eq!(stage.publishes(a, "s", None)[0], "a reserved #2");
    assert_eq!(stage.flows(2), ["a flowing #2"]);
    stage.hangs_up(a, 2);
    stage.views(b, "s");
    stage.goes(b);
    assert_eq!(stage.live(a, "s", None), 3, "nobody is told who has gone");
    stage.views(a, "m");
    stage.publishes(a, "cam", Some("m"));
    assert_eq!(stage.views(a, "m")[0], "a viewing #5");
    assert_eq!(stage.flows(4), ["a flowing #4"], "nor who views it by then");
}

#[test]
fn a_main_stream_can_be_viewed_while_its_first_track_is_prepared() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    assert_eq!(stage.views(b, "m"), ["b refused NoSuchStream"]);
    let told = stage.publishes(a, "cam1", Some("m"));
    assert_eq!(told, ["a reserved #1", "open #1 receives all says 1,3 hears 2,4"]);
    assert_eq!(stage.views(a, "m"), ["a viewing #2", "open #2 sends m [] says 4,3 hears 3"]);
    assert_eq!(stage.flows(1), ["a flowing #1", "b hears that m is live"], "one's own track is not shown to oneself");
    let told = stage.views(b, "m");
    assert_eq!(told, ["b viewing #3", "open #3 sends m [#1 opus+VP8 all] says 4,3 hears 3"]);
    let expected =
        ["close #1", "a ended #1 Hangup as asked", "close #2", "a ended #2 Over", "close #3", "b ended #3 Over"];
    assert_eq!(stage.hangs_up(a, 1), expected);
}

#[test]
fn tracks_come_and_go_while_the_view_stands() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "cam1", Some("m"));
    stage.views(c, "m");
    stage.publishes(b, "cam2", Some("m"));
    let told = stage.flows(3);
    assert_eq!(told, ["b flowing #3", "c #2 +cam2", "tracks #2 [#1 opus+VP8 all, #3 opus+VP8 all]"]);
    let told = stage.hangs_up(a, 1);
    let expected = ["close #1", "a ended #1 Hangup as asked", "c #2 -cam1", "tracks #2 [#3 opus+VP8 all]"];
    assert_eq!(told, expected);
    let told = stage.hangs_up(b, 3);
    assert_eq!(told, ["close #3", "b ended #3 Hangup as asked", "close #2", "c ended #2 Over"]);
}

#[test]
fn a_main_stream_may_be_a_stream_itself() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "m", Some("m"));
    assert_eq!(stage.views(c, "m")[1], "open #2 sends m [#1 opus+VP8 all] says 2,1 hears 1");
    stage.live(b, "cam", Some("m"));
    let told = stage.hangs_up(a, 1);
    assert_eq!(told, ["close #1", "a ended #1 Hangup as asked", "c #2 -m", "tracks #2 [#3 opus+VP8 all]"]);
    stage.publishes(a, "m", None);
    let told = stage.flows(4);
    assert_eq!(told, ["a flowing #4", "c #2 +m", "tracks #2 [#3 opus+VP8 all, #4 opus+VP8 all]"]);
    assert_eq!(stage.hangs_up(b, 3)[2..], ["c #2 -cam", "tracks #2 [#4 opus+VP8 all]"]);
}

#[test]
fn nobody_is_sent_the_track_that_he_named_as_his_own() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "cam1", Some("m"));
    stage.live(a, "cam2", Some("m"));
    let told = stage.does(b, view("m", Selection::ALL, Some("cam1"), Speaks::No));
    assert_eq!(told[1], "open #3 sends m [#2 opus+VP8 all] says  hears 3");
    stage.hangs_up(a, 1);
    stage.publishes(a, "cam1", Some("m"));
    assert_eq!(stage.flows(4), ["a flowing #4"], "also if it comes later");
    // Who views his own plain stream wants to see it.
    assert!(stage.views(a, "cam1")[1].starts_with("open #5 sends cam1 [#4 opus+VP8 all]"));
}

#[test]
fn a_selection_decides_what_passes_now_and_later() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "cam1", Some("m"));
    stage.live(a, "cam2", Some("m"));
    let named = vec![(name("cam1"), true), (name("cam4"), false)];
    let told = stage.views_with(b, "m", Selection { named, others: false, later: true });
    assert_eq!(told[1], "open #3 sends m [#1 opus+VP8 all, #2 opus+VP8 none] says 4,3 hears 3");
    for (stream, passes) in [("cam3", "all"), ("cam4", "none")] {
        stage.publishes(a, stream, Some("m"));
        let number = if stream == "cam3" { 4 } else { 5 };
        let told = stage.flows(number);
        assert!(told[2].ends_with(&format!("#{number} opus+VP8 {passes}]")), "{told:?}");
    }
}

#[test]
fn a_viewer_switches_tracks_for_himself() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "cam1", Some("m"));
    stage.views(b, "m");
    let pause = |track: Option<&str>, kinds, on| Command::Pause { link: link(2), track: track.map(name), kinds, on };
    assert_eq!(stage.does(b, pause(Some("cam1"), VIDEO, false)), ["gate #2 of #1 audio"]);
    assert_eq!(stage.does(b, pause(Some("cam1"), AUDIO, false)), ["gate #2 of #1 none"]);
    assert_eq!(stage.does(b, pause(Some("cam1"), Kinds::ALL, true)), ["gate #2 of #1 all"]);
    assert_eq!(stage.does(b, pause(Some("cam9"), VIDEO, false)), NOTHING);
    assert_eq!(stage.does(b, pause(None, VIDEO, false)), NOTHING, "the main stream is no track here");
    assert_eq!(stage.does(a, pause(Some("cam1"), VIDEO, false)), NOTHING, "it is not his view");
    stage.does(b, pause(Some("cam1"), VIDEO, false));
    stage.publishes(a, "cam2", Some("m"));
    let told = stage.flows(3);
    assert_eq!(told[2], "tracks #2 [#1 opus+VP8 audio, #3 opus+VP8 all]", "a new offer keeps what was switched");
}

#[test]
fn a_publisher_switches_tracks_for_everybody() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "m", None);
    stage.live(b, "cam1", Some("m"));
    let pause = |number, track: Option<&str>, kinds, on| Command::Pause {
        link: link(number),
        track: track.map(name),
        kinds,
        on,
    };
    assert_eq!(stage.does(b, pause(2, None, VIDEO, false)), ["mute #2 audio"]);
    assert_eq!(stage.does(b, pause(2, Some("cam1"), AUDIO, false)), ["mute #2 none"]);
    assert_eq!(stage.does(a, pause(1, Some("cam1"), AUDIO, true)), ["mute #2 audio"], "the main stream's, too");
    assert_eq!(stage.does(a, pause(1, Some("cam9"), AUDIO, true)), NOTHING);
    assert_eq!(stage.does(b, pause(2, Some("m"), AUDIO, true)), NOTHING, "but not the other way round");
    assert_eq!(stage.does(b, pause(1, None, AUDIO, false)), NOTHING, "it is not his publication");
}

#[test]
fn a_viewer_chooses_a_size_for_one_track_or_all() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "cam1", Some("m"));
    stage.live(a, "cam2", Some("m"));
    stage.views(b, "m");
    let prefer = |track: Option<&str>, height| Command::Prefer { link: link(3), track: track.map(name), height };
    assert_eq!(stage.does(b, prefer(Some("cam2"), Some(360))), ["prefer #3 of #2 Some(360)"]);
    assert_eq!(stage.does(b, prefer(None, None)), ["prefer #3 of #1 None", "prefer #3 of #2 None"]);
    assert_eq!(stage.does(b, prefer(Some("cam9"), None)), NOTHING);
    let first = ["prefer #3 of #1 Some(180)", "prefer #3 of #2 Some(180)"];
    assert_eq!(stage.does(b, prefer(None, Some(180))), first);
    assert_eq!(stage.does(b, prefer(Some("cam1"), Some(720))), ["prefer #3 of #1 Some(720)"]);
    stage.publishes(a, "cam3", Some("m"));
    let told = stage.flows(4);
    let later = "tracks #3 [#1 opus+VP8 all 720, #2 opus+VP8 all 180, #4 opus+VP8 all 180]";
    assert!(told.iter().any(|line| line == later), "what comes later is sent as what was asked for all: {told:?}");
    assert_eq!(stage.does(a, prefer(None, None)), NOTHING, "it is not his view");
}

#[test]
fn who_goes_takes_his_streams_and_views_along() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.live(b, "t", None);
    stage.views(a, "s");
    stage.views(a, "t");
    stage.views(b, "s");
    let told = stage.goes(a);
    // His own view of his own stream is closed once, and he is told nothing.
    assert_eq!(told, ["close #1", "close #3", "close #5", "b ended #5 Over", "close #4"]);
    assert_eq!(stage.hub.counts(), Counts { parties: 1, streams: 1, ..Counts::default() });
}

#[test]
fn a_lost_leg_is_over_and_not_closed_again() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.views(b, "s");
    assert_eq!(stage.engine(MediaEvent::Lost { link: link(2) }), ["b ended #2 Gone"]);
    stage.views(b, "s");
    assert_eq!(stage.engine(MediaEvent::Lost { link: link(1) }), ["a ended #1 Gone", "close #3", "b ended #3 Over"]);
    for (fault, cause) in
        [(MediaFault::Description, "Faulty"), (MediaFault::Internal, "Failed"), (MediaFault::Overload, "Overloaded")]
    {
        stage.publishes(a, "s", None);
        let last = stage.hub.streams.publications.keys().next_back().copied().expect("there is one");
        let told = stage.engine(MediaEvent::Refused { link: last, fault });
        assert_eq!(told, [format!("a ended #{} {cause}", last.0)]);
    }
}

#[test]
fn what_the_engine_says_of_a_closed_leg_is_ignored() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.views(b, "s");
    stage.hangs_up(b, 2);
    stage.hangs_up(a, 1);
    let report = Report::default();
    for number in [1, 2, 77] {
        let link = link(number);
        let (sdp, sections, kind) = (Arc::from("v=0"), vec![], DescriptionKind::Answer);
        for event in [
            MediaEvent::Parsed { link, audio: None, video: None, layers: 0 },
            MediaEvent::Local { link, kind, sdp, sections },
            MediaEvent::Flowing { link },
            MediaEvent::Lost { link },
            MediaEvent::Refused { link, fault: MediaFault::Internal },
            MediaEvent::Declined { link },
            MediaEvent::KeyWanted { link },
            MediaEvent::Switched { link, source: link, height: 1 },
            MediaEvent::Speaker { link, source: link, level: 0 },
            MediaEvent::Report { link, report: report.clone() },
        ] {
            assert_eq!(stage.engine(event), NOTHING);
        }
    }
    let cause = CauseKind::Hangup.into();
    assert_eq!(stage.does(a, Command::Hangup { link: link(1), cause }), ["a refused NoSuchLink"]);
}

#[test]
fn reports_reach_viewers_and_renditions_who_asks() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.publishes(a, "s", None);
    let ask = |stream: &str| Command::Query(Query::Renditions(name(stream)));
    assert_eq!(stage.does(b, ask("s")), ["b refused NoSuchStream"], "it is not live yet");
    stage.flows(1);
    assert_eq!(stage.does(b, ask("s")), ["b s: opus at 0, VP8 of "]);
    let size = |height| Rendition { width: height * 2, height, bps: 1 };
    let renditions = vec![size(720), size(360)];
    let report = Report { audio_bps: 32_000, target_bps: 5, renditions, ..Report::default() };
    assert_eq!(stage.engine(MediaEvent::Report { link: link(1), report: report.clone() }), NOTHING);
    assert_eq!(stage.does(b, ask("s")), ["b s: opus at 32000, VP8 of 720,360"]);
    assert_eq!(stage.does(b, ask("t")), ["b refused NoSuchStream"]);
    stage.views(b, "s");
    assert_eq!(stage.engine(MediaEvent::Report { link: link(2), report }), ["b #2 at 5"]);
    let switched = |source| MediaEvent::Switched { link: link(2), source: link(source), height: 360 };
    assert_eq!(stage.engine(switched(1)), ["b #2 switched s to 360"]);
    assert_eq!(stage.engine(switched(9)), NOTHING);
    let speaker = |source| MediaEvent::Speaker { link: link(2), source: link(source), level: 30 };
    assert_eq!(stage.engine(speaker(1)), ["b #2 hears s at 30"]);
    assert_eq!(stage.engine(speaker(9)), NOTHING);
}

#[test]
fn the_tracks_of_a_stream_are_those_that_are_live() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    let ask = |stream: &str| Command::Query(Query::Tracks(name(stream)));
    assert_eq!(stage.does(b, ask("m")), ["b m: []"]);
    stage.live(a, "cam2", Some("m"));
    stage.publishes(a, "cam3", Some("m"));
    stage.live(a, "cam1", Some("m"));
    assert_eq!(stage.does(b, ask("m")), ["b m: [cam1,cam2]"]);
    assert_eq!(stage.does(b, ask("cam1")), ["b cam1: [cam1]"], "a plain stream is its own track");
    stage.live(a, "m", None);
    assert_eq!(stage.does(b, ask("m")), ["b m: [cam1,cam2]"], "a main one that has others is not");
}

/// Only what somebody publishes himself can be bounded.
#[test]
fn a_publication_is_bounded_by_its_publisher() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.does(b, view("s", Selection::ALL, None, Speaks::No));
    let limit = |number| Command::Limit { link: link(number), bps: Some(7) };
    assert_eq!(stage.does(a, limit(1)), ["limit #1 Some(7)"]);
    assert_eq!(stage.does(b, limit(1)), NOTHING, "another's");
    assert_eq!(stage.does(b, limit(2)), NOTHING, "a view");
}

/// A media server that waits for our checks says so once, in what it is.
#[test]
fn a_publication_travels_as_its_party_does_and_never_as_telephones_do() {
    use crate::{Ice, Srtp, Transport};
    let (default, full) = (Transport::default(), Transport::WebRtc(Ice::Full));
    for (given, expected) in [(default, default), (full, full), (Transport::Rtp(Srtp::Optional), default)] {
        let mut stage = Stage::new();
        let profile =
            Profile { realm: Realm(0), lang: Lang(1), peer_to_peer: false, one_call: false, transport: given };
        let party = stage.hub.attach(profile, &mut stage.out);
        let publish =
            Publish { stream: name("s"), main: None, kinds: Kinds::ALL, about: None, claim: None, tracks: None };
        stage.hub.handle(Moment::from_micros(1), party, Tag(9), Command::Publish(publish), &mut stage.out);
        let opened = stage.out.drain().find_map(|effect| match effect {
            Effect::Media(MediaOp::Open(open)) => Some(open.transport),
            _ => None,
        });
        assert_eq!(opened, Some(expected));
    }
}

/// Who serves the streams of several spaces sees those of its own first, then those of the first that has one.
#[test]
fn a_stream_is_looked_for_in_other_realms_where_a_realm_says_so() {
    let limits = RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), ..RealmLimits::default() };
    let looks = RealmLimits { also: vec![Realm(1), Realm(0)], ..limits.clone() };
    let hub = Hub::new(0, Limits { realms: vec![limits.clone(), limits, looks] });
    let mut stage = Stage { hub, out: Effects::new(), labels: BTreeMap::new() };
    let first = stage.party_in("first", Realm(0));
    let second = stage.party_in("second", Realm(1));
    let viewer = stage.party_in("viewer", Realm(2));
    let refused = |told: Vec<String>| told.iter().any(|told| told.contains("NoSuchStream"));
    assert!(refused(stage.views(viewer, "s")), "it is nowhere");
    let here = stage.live(first, "s", None);
    let there = stage.live(second, "s", None);
    stage.does(viewer, Command::Unview { stream: name("s") });
    let told = stage.views(viewer, "s");
    assert!(told.iter().any(|told| told.contains(&format!("#{there}"))), "that of the first in the list: {told:?}");
    assert!(!told.iter().any(|told| told.contains(&format!("#{here}"))), "{told:?}");
    assert!(refused(stage.views(first, "t")), "the others look nowhere else");
    stage.live(second, "t", None);
    assert!(refused(stage.views(first, "t")));
    // It ends with the stream, whose realm is another.
    let told = stage.hangs_up(second, there);
    assert!(told.iter().any(|told| told.starts_with("viewer ended")), "{told:?}");
    assert!(!refused(stage.views(viewer, "s")), "and then there is the other");
}
