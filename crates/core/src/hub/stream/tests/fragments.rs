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
