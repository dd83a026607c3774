//! Views whose pictures come as fragments.

use super::*;

#[test]
fn a_view_can_be_of_fragments() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    let shape = crate::Shape { label: Some(name("fragments")), fragments: true, ..crate::Shape::default() };
    let view = |speaks| View {
        stream: name("s"),
        selection: Selection::ALL,
        except: None,
        speaks,
        viewers: None,
        about: None,
        shape: shape.clone(),
    };
    let told = stage.does(b, Command::View(view(Speaks::No)));
    assert_eq!(told[1], "open #2 offers fragments [#1 opus+VP8 all] label fragments says  hears 1");
    stage.hangs_up(b, 2);
    let told = stage.does(b, Command::Watch { view: view(Speaks::No), offer: Body::new(Lang(1), b"v=0") });
    assert_eq!(told[1], "open #3 answers fragments [#1 opus+VP8 all] label fragments says  hears 1");
    stage.hangs_up(b, 3);
    let told = stage.does(b, Command::View(view(Speaks::NoChannel)));
    assert!(told[1].starts_with("open #4 sends without a channel"), "{told:?}");
}

impl Stage {
    /// A stream of pictures in H.264 is live.
    fn films(&mut self, party: PartyId, stream: &str) -> u64 {
        let told = self.publishes(party, stream, None);
        let number = told[0].rsplit('#').next().and_then(|number| number.parse().ok()).expect("it is reserved");
        let video = Some(Codec::H264 { profile_level: 0x0042_e01f, mode: 1 });
        self.engine(MediaEvent::Parsed { link: link(number), audio: None, video, layers: 1 });
        self.engine(MediaEvent::Flowing { link: link(number) });
        number
    }
}

fn stand_by() -> Command {
    let shape =
        crate::Shape { label: Some(name("fragments")), fragments: true, heeds: vec![name("orders")], narrow: false };
    Command::StandBy { shape, offer: Body::new(Lang(1), b"v=0") }
}

fn turn(number: u64, stream: &str) -> Command {
    Command::Turn { link: link(number), stream: name(stream) }
}

#[test]
fn a_view_may_begin_without_a_stream_and_go_from_one_to_another() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.films(a, "one");
    stage.films(b, "two");
    stage.live(b, "other", None);
    let told = stage.does(c, stand_by());
    assert_eq!(
        told,
        [
            "c viewing #4",
            "open #4 answers fragments [] label fragments says  hears  heeds orders",
            "remote #4 Offer 3 bytes"
        ]
    );
    assert_eq!(stage.does(c, stand_by()), ["c refused Viewing"], "one at a time");
    assert_eq!(stage.does(c, turn(4, "nothing")), ["c refused NoSuchStream"]);
    assert_eq!(stage.does(c, turn(4, "other")), ["c refused NoCodec"]);
    assert_eq!(stage.does(a, turn(4, "two")), ["a refused NoSuchLink"], "somebody else's");
    assert_eq!(stage.does(c, turn(4, "one")), ["c viewing #4", "tracks #4 [#1 H264 all]"]);
    assert_eq!(stage.does(c, turn(4, "one")), ["c viewing #4"], "it is there already");
    assert_eq!(stage.does(c, turn(4, "two")), ["c viewing #4", "tracks #4 [#2 H264 all]"]);
    // It has left the first one, and ends with the second one.
    assert!(stage.hangs_up(a, 1).iter().all(|told| !told.contains("#4")));
    assert!(stage.hangs_up(b, 2).contains(&"c ended #4 Over".to_owned()));
}

#[test]
fn who_goes_takes_a_view_without_a_stream_along() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    stage.does(b, stand_by());
    assert_eq!(stage.goes(b), ["close #2"]);
    // Views of the other kind stay where they are.
    let [c] = stage.parties(["c"]);
    stage.views(c, "s");
    assert_eq!(stage.does(c, turn(3, "s")), ["c refused NoSuchLink"]);
}

#[test]
fn a_view_without_a_stream_counts_and_may_turn_to_one_where_all_places_are_taken() {
    let limits =
        RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), views: 2, viewers: 1, ..RealmLimits::default() };
    let mut stage = Stage::with(limits);
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    stage.films(a, "one");
    assert_eq!(stage.does(b, stand_by())[0], "b viewing #2");
    assert_eq!(stage.does(c, stand_by())[0], "c viewing #3");
    assert_eq!(stage.does(d, stand_by()), ["d refused StreamFull"]);
    assert_eq!(stage.does(b, turn(2, "one"))[0], "b viewing #2");
    assert_eq!(stage.does(c, turn(3, "one")), ["c refused StreamFull"], "of the stream");
    stage.goes(b);
    assert_eq!(stage.does(d, stand_by())[0], "d viewing #4");
}

#[test]
fn a_view_without_a_stream_may_turn_to_one_that_is_called_as_its_channel() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.films(a, "fragments");
    stage.does(b, stand_by());
    assert_eq!(stage.does(b, turn(2, "fragments")), ["b viewing #2", "tracks #2 [#1 H264 all]"]);
}
