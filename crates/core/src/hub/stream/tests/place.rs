//! Which legs the engine is told belong together.

use super::*;
use crate::Topic;

impl Stage {
    /// The stage of the one leg that this opens.
    fn stage_of(&mut self, party: PartyId, command: Command) -> Option<Topic> {
        self.hub.handle(Moment::from_micros(1), party, Tag(9), command, &mut self.out);
        let opened = |effect| match effect {
            Effect::Media(MediaOp::Open(open)) => Some(open.stage),
            _ => None,
        };
        let opened: Vec<_> = self.out.drain().filter_map(opened).collect();
        assert_eq!(opened.len(), 1);
        opened[0]
    }
}

#[test]
fn legs_of_a_main_stream_are_of_one_stage_and_those_of_another_stream_are_not() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    let publish = |stream: &str, main: Option<&str>| {
        let main = main.map(name);
        Command::Publish(Publish {
            stream: name(stream),
            main,
            kinds: Kinds::ALL,
            about: None,
            claim: None,
            tracks: None,
        })
    };
    let of_a = stage.stage_of(a, publish("cam", Some("room")));
    assert!(of_a.is_some());
    assert_eq!(stage.stage_of(b, publish("screen", Some("room"))), of_a);
    for speaks in [Speaks::ToAll, Speaks::No, Speaks::NoChannel] {
        let [viewer] = stage.parties(["viewer"]);
        assert_eq!(stage.stage_of(viewer, view("room", Selection::ALL, None, speaks)), of_a, "{speaks:?}");
    }
    let other = stage.stage_of(a, publish("s", None));
    assert!(other.is_some() && other != of_a);
    stage.flows(6);
    assert_eq!(stage.stage_of(b, view("s", Selection::ALL, None, Speaks::No)), other);
}
