//! How many may publish and view.

use super::*;

#[test]
fn a_stream_has_so_many_viewers_and_no_more() {
    let mut stage = Stage::with(RealmLimits {
        viewers: 1,
        codecs: Some([Codec::Opus, Codec::Vp8].into()),
        ..RealmLimits::default()
    });
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "s", None);
    stage.live(a, "t", None);
    assert_eq!(stage.views(b, "s")[0], "b viewing #3");
    assert_eq!(stage.views(c, "s"), ["c refused StreamFull"]);
    assert_eq!(stage.views(b, "s"), ["b refused Viewing"], "the nearer reason");
    assert_eq!(stage.views(c, "t")[0], "c viewing #4", "each stream for itself");
    stage.goes(b);
    assert_eq!(stage.views(c, "s")[0], "c viewing #5");
}

#[test]
fn a_realm_has_so_many_viewers_and_publications_whoever_they_are() {
    let mut stage = Stage::with(RealmLimits {
        views: 2,
        publications: 2,
        codecs: Some([Codec::Opus, Codec::Vp8].into()),
        ..RealmLimits::default()
    });
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "s", None);
    stage.live(a, "t", None);
    let publish = || {
        let publish =
            Publish { stream: name("u"), main: None, kinds: Kinds::ALL, about: None, claim: None, tracks: None };
        Command::Publish(publish)
    };
    assert_eq!(stage.does(c, publish()), ["c refused Overloaded"]);
    assert_eq!(stage.views(b, "s")[0], "b viewing #3");
    assert_eq!(stage.views(c, "t")[0], "c viewing #4");
    assert_eq!(stage.views(c, "s"), ["c refused StreamFull"], "of all streams together");
    let place = |stream: &str| Command::Knock(Knock::Viewer { stream: name(stream), viewers: None });
    assert_eq!(stage.does(c, place("s")), ["c refused StreamFull"]);
    stage.hangs_up(c, 4);
    assert_eq!(stage.does(c, place("s")), ["c admitted"]);
    let places = || Command::Knock(Knock::Publisher { main: None, tracks: None });
    assert_eq!(stage.does(c, places()), ["c refused Overloaded"]);
    // With its publisher the viewer goes as well.
    stage.goes(a);
    assert_eq!(stage.does(c, places()), ["c admitted"]);
    assert_eq!(stage.does(c, publish())[0], "c reserved #5");
}

#[test]
fn who_commands_may_know_a_smaller_limit_of_the_stream() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.live(a, "s", None);
    stage.views(b, "s");
    let limited = |viewers| {
        let Command::View(view) = view("s", Selection::ALL, None, Speaks::No) else { unreachable!() };
        Command::View(View { viewers: Some(viewers), ..view })
    };
    assert_eq!(stage.does(c, limited(1)), ["c refused StreamFull"], "who said nothing of a limit counts as well");
    assert_eq!(stage.does(c, limited(2))[0], "c viewing #3");
    let track = |stream: &str, tracks| {
        let (stream, main) = (name(stream), Some(name("m")));
        Publish { stream, main, kinds: Kinds::ALL, about: None, claim: None, tracks }
    };
    stage.publishes(a, "one", Some("m"));
    let place = |tracks| Command::Knock(Knock::Publisher { main: Some(name("m")), tracks: Some(tracks) });
    assert_eq!(stage.does(b, Command::Publish(track("two", Some(1)))), ["b refused TracksFull"]);
    assert_eq!(
        (stage.does(b, place(1)), stage.does(b, place(2))),
        (vec!["b refused TracksFull".into()], vec!["b admitted".into()])
    );
    assert_eq!(stage.does(b, Command::Publish(track("two", Some(2))))[0], "b reserved #5");
    assert_eq!(
        stage.does(c, Command::Publish(track("three", None)))[0],
        "c reserved #6",
        "whoever says no limit has none"
    );
}
