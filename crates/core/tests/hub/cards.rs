//! What members of a room show each other, what they say to each other that is no negotiation, which streams they see, and
//! further names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use patchbay_core::{
    Address, Body, Card, Codec, Command, Effect, Effects, Event, Hub, Join, Kinds, Lang, LegRole, Limits, LinkId,
    MediaEvent, MediaOp, MemberList, MemberSpace, Merge, Moment, Name, PartyId, Patch, Profile, Publish, Realm,
    RealmLimits, RoomId, Selection, Signal, SignalKind, Speaks, StreamSpace, Tag, View,
};
use proptest::prelude::*;

const MEETS: Profile = Profile {
    lang: Lang(1),
    realm: Realm(0),
    peer_to_peer: false,
    one_call: false,
    transport: patchbay_core::Transport::WebRtc(patchbay_core::Ice::Configured),
};
/// Of another dialect, in the same naming space.
const STREAMS: Profile = Profile { lang: Lang(2), ..MEETS };
/// Members of rooms who negotiate with each other.
const PEERS: Profile = Profile { lang: Lang(3), realm: Realm(1), peer_to_peer: true, ..MEETS };

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn card(text: &str) -> Card {
    Card::new(MEETS.lang, text.as_bytes()).expect("a small card")
}

struct Stage {
    hub: Hub,
    out: Effects,
    now: Moment,
    link: Option<LinkId>,
}

impl Stage {
    fn new(patches: Vec<Patch>) -> Self {
        let limits = RealmLimits { codecs: Some([Codec::Opus].into()), presence: false, ..RealmLimits::default() };
        let hub = Hub::patched(0, Limits { realms: vec![limits, RealmLimits::default()] }, patches);
        Self { hub, out: Effects::new(), now: Moment::START, link: None }
    }

    fn party(&mut self, profile: Profile) -> PartyId {
        let party = self.hub.attach(profile, &mut self.out);
        self.told();
        party
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<String> {
        self.hub.handle(self.now, party, Tag(1), command, &mut self.out);
        self.told()
    }

    fn joins(&mut self, party: PartyId, own: &str, card: Option<Card>) -> (RoomId, Vec<String>) {
        let join =
            Join { room: name("r"), name: name(own), merge: Merge::WINDOW, card, kind: patchbay_core::RoomKind::Open };
        self.hub.handle(self.now, party, Tag(1), Command::Join(join), &mut self.out);
        let effects: Vec<_> = self.out.drain().collect();
        let joined = effects.iter().find_map(|effect| match effect {
            Effect::Tell(_, Event::Joined { room, .. }) => Some(*room),
            _ => None,
        });
        (joined.expect("nobody refuses"), self.lines(effects))
    }

    /// The next window ends.
    fn wait(&mut self) -> Vec<String> {
        self.now = self.now + Duration::from_millis(60);
        self.hub.on_deadline(self.now, &mut self.out);
        self.told()
    }

    /// Publishes what is live at once.
    fn publishes(&mut self, party: PartyId, stream: &str, main: Option<&str>) -> (LinkId, Vec<String>) {
        let kinds = Kinds { audio: true, video: false };
        self.does(
            party,
            Command::Publish(Publish {
                stream: name(stream),
                main: main.map(name),
                kinds,
                about: None,
                claim: None,
                tracks: None,
            }),
        );
        let link = self.link.expect("a leg is opened");
        self.hub.on_media(self.now, MediaEvent::Flowing { link }, &mut self.out);
        (link, self.told())
    }

    fn told(&mut self) -> Vec<String> {
        let effects: Vec<_> = self.out.drain().collect();
        self.lines(effects)
    }

    fn lines(&mut self, effects: Vec<Effect>) -> Vec<String> {
        let found = self.hub.check();
        assert!(found.is_empty(), "{found:?}");
        effects.into_iter().filter_map(|effect| self.line(effect)).collect()
    }

    fn line(&mut self, effect: Effect) -> Option<String> {
        let (party, event) = match effect {
            Effect::Tell(party, event) => (party.slot(), event),
            Effect::Media(MediaOp::Open(open)) => {
                self.link = Some(open.link);
                let LegRole::Send { label, .. } = open.role else { return None };
                return Some(format!("sends, hears {}, channel {}", open.hears.len(), label.is_some()));
            }
            Effect::Media(_) | Effect::Snapshot(_) => return None,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(match event {
            Event::Members { list, .. } => {
                let names: Vec<_> = list.names.iter().map(Name::as_str).collect();
                let card = |(name, card): &(Name, Card)| format!("{}={}", name.as_str(), text(card.bytes()));
                let cards: Vec<_> = list.cards.iter().map(card).collect();
                let streams: Vec<_> = list.streams.iter().map(Name::as_str).collect();
                format!("{party} sees {} [{}] {}", names.join(","), cards.join(","), streams.join(","))
            }
            Event::MemberSignal { from, signal, .. } => {
                format!("{party} hears {:?} of {}: {}", signal.kind, from.as_str(), text(signal.body.bytes()))
            }
            Event::Posted { from, body } => format!("{party} gets {} of {}", text(body.bytes()), from.as_str()),
            Event::Refused { refusal, .. } => format!("{party} refused {refusal:?}"),
            _ => return None,
        })
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn cards_go_with_the_list_and_the_newest_counts() {
    let mut stage = Stage::new(Vec::new());
    let [a, b, c] = [MEETS; 3].map(|profile| stage.party(profile));
    let (room, told) = stage.joins(a, "a", Some(card("hello")));
    assert_eq!(told, ["0 sees a [a=hello] "]);
    let (_, told) = stage.joins(b, "b", None);
    assert_eq!(told, ["1 sees a,b [a=hello] ", "0 sees a,b [a=hello] "]);
    stage.wait();
    let told = stage.does(b, Command::Show { room, card: card("one") });
    assert_eq!(told, ["0 sees a,b [a=hello,b=one] ", "1 sees a,b [a=hello,b=one] "]);
    stage.wait();
    assert_eq!(stage.does(b, Command::Show { room, card: card("one") }), NOTHING, "nothing new");
    stage.does(b, Command::Show { room, card: card("zero") });
    assert_eq!(stage.does(b, Command::Show { room, card: card("two") }), NOTHING, "within the window");
    assert_eq!(stage.does(b, Command::Show { room, card: card("three") }), NOTHING);
    assert_eq!(stage.wait(), ["0 sees a,b [a=hello,b=three] ", "1 sees a,b [a=hello,b=three] "]);
    assert_eq!(stage.does(c, Command::Show { room, card: card("x") }), NOTHING, "a stranger's");
    stage.wait();
    let told = stage.joins(a, "a", Some(card("again"))).1;
    assert_eq!(told, ["0 sees a,b [a=again,b=three] ", "1 sees a,b [a=again,b=three] "]);
    stage.wait();
    assert_eq!(stage.does(a, Command::Leave { room }), ["1 sees b [b=three] "], "a card goes with its member");
}

#[test]
fn what_is_no_negotiation_passes_between_members_of_one_dialect() {
    let mut stage = Stage::new(Vec::new());
    let [a, b, other] = [MEETS, MEETS, STREAMS].map(|profile| stage.party(profile));
    let (room, _) = stage.joins(a, "a", None);
    stage.joins(b, "b", None);
    stage.joins(other, "other", None);
    let signal = |to: &str, kind| Command::Signal {
        to: Address::Member { room, name: name(to) },
        signal: Signal { kind, body: Body::new(MEETS.lang, b"hi") },
    };
    assert_eq!(stage.does(a, signal("b", SignalKind::Info)), ["1 hears Info of a: hi"]);
    assert_eq!(stage.does(a, signal("b", SignalKind::Offer)), ["0 refused NoEngine"]);
    assert_eq!(stage.does(a, signal("other", SignalKind::Info)), ["0 refused NoEngine"]);
    assert_eq!(stage.does(a, signal("nobody", SignalKind::Info)), ["0 refused NoSuchParty"]);
    let stranger = stage.party(MEETS);
    assert_eq!(stage.does(stranger, signal("a", SignalKind::Info)), ["3 refused NotMember"]);
}

#[test]
fn a_post_to_an_alias_reaches_all_who_have_it_but_the_sender() {
    let mut stage = Stage::new(Vec::new());
    let [a, b, c, elsewhere] = [MEETS, MEETS, MEETS, PEERS].map(|profile| stage.party(profile));
    for party in [a, b, c, elsewhere] {
        assert_eq!(stage.does(party, Command::Alias { name: name("bob"), on: true }), NOTHING);
    }
    let post = |to: &str| Command::Post { to: name(to), body: Body::new(MEETS.lang, b"hi") };
    assert_eq!(stage.does(a, post("bob")), ["0 refused NotRegistered"]);
    stage.does(a, Command::Register { name: name("n"), merge: Merge::WINDOW });
    assert_eq!(stage.does(a, post("bob")), ["1 gets hi of n", "2 gets hi of n"]);
    stage.does(b, Command::Alias { name: name("bob"), on: false });
    assert_eq!(stage.does(a, post("bob")), ["2 gets hi of n"]);
    stage.does(c, Command::Register { name: name("bob"), merge: Merge::WINDOW });
    stage.does(b, Command::Alias { name: name("bob"), on: true });
    assert_eq!(stage.does(a, post("bob")), ["2 gets hi of n"], "who is registered under the name is meant");
    stage.hub.detach(stage.now, c, &mut stage.out);
    stage.hub.detach(stage.now, b, &mut stage.out);
    stage.told();
    assert_eq!(stage.does(a, post("bob")), ["0 refused NoSuchParty"], "the sender alone");
}

#[test]
fn the_tracks_of_a_room_are_seen_in_it_while_they_live() {
    let mut stage = Stage::new(Vec::new());
    let [a, cam] = [MEETS, STREAMS].map(|profile| stage.party(profile));
    let (early, told) = stage.publishes(cam, "early", Some("r"));
    assert_eq!(told, NOTHING);
    assert_eq!(stage.joins(a, "a", None).1, ["0 sees a [] early"]);
    stage.wait();
    stage.does(
        a,
        Command::Publish(Publish {
            stream: name("a"),
            main: Some(name("r")),
            kinds: Kinds::NONE,
            about: None,
            claim: None,
            tracks: None,
        }),
    );
    assert_eq!(stage.wait(), NOTHING, "it is not live yet");
    let link = stage.link.expect("a leg");
    stage.hub.on_media(stage.now, MediaEvent::Flowing { link }, &mut stage.out);
    assert_eq!(stage.told(), ["0 sees a [] a,early"]);
    stage.wait();
    stage.publishes(cam, "elsewhere", Some("other"));
    stage.publishes(cam, "r", None);
    assert_eq!(stage.wait(), NOTHING);
    let told = stage.does(cam, Command::Hangup { link: early, cause: patchbay_core::CauseKind::Hangup.into() });
    assert_eq!(told, ["0 sees a [] a"]);
    stage.wait();
    let view = View {
        stream: name("a"),
        selection: Selection::ALL,
        except: None,
        speaks: Speaks::NoChannel,
        viewers: None,
        about: None,
        shape: patchbay_core::Shape::default(),
    };
    assert_eq!(stage.does(cam, Command::View(view)), ["sends, hears 0, channel false"]);
    stage.hub.on_media(stage.now, MediaEvent::Lost { link }, &mut stage.out);
    assert_eq!(stage.told(), ["0 sees a [] "]);
}

#[test]
fn who_goes_takes_its_streams_along() {
    let mut stage = Stage::new(Vec::new());
    let [a, b] = [MEETS; 2].map(|profile| stage.party(profile));
    stage.joins(a, "a", None);
    stage.joins(b, "b", None);
    stage.wait();
    stage.publishes(b, "b", Some("r"));
    stage.wait();
    stage.hub.detach(stage.now, b, &mut stage.out);
    assert_eq!(stage.told(), ["0 sees a [] "], "in one list");
    assert_eq!(stage.wait(), NOTHING);
}

#[test]
fn of_many_streams_a_room_shows_the_first() {
    let mut stage = Stage::new(Vec::new());
    let [a, cam] = [MEETS, STREAMS].map(|profile| stage.party(profile));
    for number in (0..=MemberList::STREAMS).rev() {
        stage.publishes(cam, &format!("s{number:03}"), Some("r"));
    }
    let told = stage.joins(a, "a", None).1;
    let seen: Vec<_> = told[0].split(' ').next_back().expect("streams").split(',').collect();
    assert_eq!((seen.len(), seen[0], seen[63]), (64, "s001", "s064"), "the last to come is left out");
}

/// Peers of another naming space can be seen where the streams are, if they may be asked, and streams that the patch names.
#[test]
fn what_is_joined_to_a_room_is_seen_in_it() {
    let patch = |pull| Patch {
        room: name("r"),
        members: MemberSpace {
            realm: PEERS.realm,
            room: name("r"),
            stand_in: |stream, _| name(&format!("_{}", stream.as_str())),
            is_reserved: |name| name.as_str().starts_with('_'),
        },
        streams: StreamSpace {
            realm: MEETS.realm,
            named: vec![name("named")],
            of: vec![STREAMS.lang],
            seen_by: vec![MEETS.lang],
            stream_of: |room, member| name(&format!("{}.{}", room.as_str(), member.as_str())),
        },
        pull,
    };
    for pull in [false, true] {
        let mut stage = Stage::new(vec![patch(pull)]);
        let [a, peer, cam] = [MEETS, PEERS, STREAMS].map(|profile| stage.party(profile));
        stage.joins(a, "a", None);
        stage.wait();
        let (room, told) = stage.joins(peer, "alice", None);
        let seen = |told: &[String], streams: &str| told.contains(&format!("0 sees a [] {streams}"));
        assert_eq!(seen(&told, "r.alice"), pull, "{told:?}");
        stage.wait();
        // A track that is named as well is there once.
        stage.publishes(a, "named", Some("r"));
        stage.publishes(cam, "of", None);
        let streams = if pull { "named,of,r.alice" } else { "named,of" };
        assert!(seen(&stage.wait(), streams), "{pull}");
        stage.wait();
        let told = stage.does(peer, Command::Leave { room });
        assert_eq!(seen(&told, "named,of"), pull, "{told:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whoever comes, goes, publishes and shows: every step leaves a sound hub (`Hub::check`), and the last list that a member
    /// was told is what the room is, once its window is over.
    #[test]
    fn whatever_happens_the_last_list_is_true(moves in prop::collection::vec((0_u8..8, 0_usize..4, 0_u8..3), 1..60)) {
        let mut stage = Stage::new(Vec::new());
        let mut seats: Vec<(PartyId, Option<RoomId>, Vec<LinkId>)> =
            (0..4).map(|_| (stage.party(MEETS), None, Vec::new())).collect();
        let mut last = BTreeMap::new();
        for (kind, seat, what) in moves {
            let (party, room, links) = seats[seat].clone();
            let own = format!("m{seat}");
            let told = match kind {
                0 | 1 if room.is_none() => {
                    let (room, told) = stage.joins(party, &own, Some(card(&what.to_string())));
                    seats[seat].1 = Some(room);
                    told
                }
                2 => {
                    seats[seat].1 = None;
                    last.remove(&seat);
                    room.map(|room| stage.does(party, Command::Leave { room })).unwrap_or_default()
                }
                3 => {
                    let card = card(&what.to_string());
                    room.map(|room| stage.does(party, Command::Show { room, card })).unwrap_or_default()
                }
                4 if links.is_empty() => {
                    let main = ["r", "other", "r"][usize::from(what)];
                    let (link, told) = stage.publishes(party, &own, Some(main));
                    seats[seat].2.push(link);
                    told
                }
                5 => match seats[seat].2.pop() {
                    Some(link) => {
                        stage.does(party, Command::Hangup { link, cause: patchbay_core::CauseKind::Hangup.into() })
                    }
                    None => Vec::new(),
                },
                6 => {
                    stage.hub.detach(stage.now, party, &mut stage.out);
                    let told = stage.told();
                    seats[seat] = (stage.party(MEETS), None, Vec::new());
                    last.remove(&seat);
                    told
                }
                _ => stage.does(party, Command::Alias { name: name(&what.to_string()), on: what > 0 }),
            };
            let told = told.into_iter().chain(stage.wait());
            // A party is known by its place in the hub, which is its seat's here: whoever goes is followed at once.
            last.extend(told.filter_map(|line| {
                let (who, list) = line.split_once(" sees ")?;
                Some((who.parse::<usize>().ok()?, list.to_owned()))
            }));
            let present: BTreeSet<_> = (0..4).filter(|seat| seats[*seat].1.is_some()).collect();
            last.retain(|who, _| present.contains(who));
            let lists: BTreeSet<_> = last.values().collect();
            prop_assert!(lists.len() <= 1 && last.len() == present.len(), "{:?} of {:?}", last, present);
            let names = present.iter().map(|seat| format!("m{seat}")).collect::<Vec<_>>().join(",");
            prop_assert!(lists.iter().all(|list| list.starts_with(&format!("{names} ["))), "{:?}", lists);
        }
    }
}
