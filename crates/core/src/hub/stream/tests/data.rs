//! What is said on data channels, and to whom.

use super::*;

#[test]
fn a_party_may_say_things_to_its_own_peer_alone() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    let say = || Command::Say { link: link(1), channel: Some(name("c")), binary: false, bytes: Arc::from(*b"hi") };
    assert_eq!(stage.does(a, say()), ["say #1 c false hi"]);
    assert_eq!(stage.does(b, say()), NOTHING);
    let signal = Signal { kind: SignalKind::Candidate, body: Body::new(Lang(1), b"candidate") };
    let told = stage.does(b, Command::Signal { to: Address::Link(link(1)), signal });
    assert_eq!(told, ["b refused NoSuchLink"]);
}

/// What a viewer says on a channel that its party heeds is the party's to hear.
#[test]
fn a_party_hears_its_viewer_on_the_channels_that_it_heeds() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    let Command::View(mut wanted) = view("s", Selection::ALL, None, Speaks::No) else { unreachable!() };
    wanted.shape.heeds = vec![name("c")];
    let told = stage.does(b, Command::View(wanted));
    assert!(told[1].ends_with("says  hears 1 heeds c"), "{told:?}");
    let channel = |open| MediaEvent::Channel { link: link(2), channel: name("c"), open };
    let heard = |link| MediaEvent::Heard { link, channel: name("c"), binary: false, bytes: Arc::from(*b"hi") };
    assert_eq!(stage.engine(channel(true)), ["b #2 channel +c"]);
    assert_eq!(stage.engine(heard(link(2))), ["b #2 heard on c false hi"]);
    assert_eq!(stage.engine(channel(false)), ["b #2 channel -c"]);
    assert_eq!(stage.engine(heard(link(9))), NOTHING, "of a leg that is closed");
}

/// What a viewer says reaches the publisher, and the other viewers if it speaks to all.
#[test]
fn topics_are_those_of_the_stages_a_leg_stands_on() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.live(a, "s", None);
    for (speaks, says) in [(Speaks::No, ""), (Speaks::ToPublisher, "2"), (Speaks::ToAll, "2,1")] {
        let told = stage.does(b, view("s", Selection::ALL, None, speaks));
        assert!(told[1].ends_with(&format!("says {says} hears 1")), "{told:?}");
        let last = stage.hub.streams.views.keys().next_back().copied().expect("there is one");
        stage.hangs_up(b, last.0);
    }
}
