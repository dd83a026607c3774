use super::*;
use crate::keyframe::{Ask, KEY_FRAME_SPACING, Throttle};

use Verdict::{Drop, Forward, Switch};

const MS: Duration = Duration::from_millis(1);

/// A selector and its clock.
struct Viewer {
    selector: Selector,
    now: Instant,
}

impl Viewer {
    fn new(aim: u8) -> Self {
        let mut selector = Selector::new();
        selector.aim(Some(aim));
        Self { selector, now: Instant::now() }
    }

    /// One frame interval later, `K1` is a key frame of layer 1, `d1` another frame of it, `l1` a late one, `L1` a late
    /// key frame.
    fn offer(&mut self, burst: &str) -> Verdict {
        self.now += 33 * MS;
        let layer = burst[1..].parse().expect("a layer");
        let late = burst.starts_with(['l', 'L']);
        self.selector.offer(self.now, layer, burst.starts_with(['K', 'L']), late)
    }

    fn expect(&mut self, script: &str) {
        for step in script.split_whitespace() {
            let (burst, expected) = step.split_once('=').expect("burst=verdict");
            let expected = match expected {
                "drop" => Drop,
                "fwd" => Forward,
                "switch" => Switch,
                other => panic!("{other} is no verdict"),
            };
            assert_eq!(self.offer(burst), expected, "{step} of {script}");
        }
    }

    fn wait(&mut self, span: Duration) {
        self.now += span;
    }

    fn stuck(&mut self) -> bool {
        self.selector.stuck(self.now)
    }
}

#[test]
fn nothing_passes_before_a_key_frame() {
    let mut viewer = Viewer::new(0);
    assert_eq!((viewer.selector.wants_key(), viewer.selector.current()), (Some(0), None));
    viewer.expect("d0=drop d0=drop l0=drop K0=switch d0=fwd K0=fwd l0=fwd");
    assert_eq!((viewer.selector.wants_key(), viewer.selector.current()), (None, Some(0)));
}

#[test]
fn the_old_layer_goes_on_until_the_new_one_has_a_key_frame() {
    let mut viewer = Viewer::new(0);
    viewer.expect("d0=drop d1=drop d2=drop K0=switch d1=drop d2=drop K2=drop");
    viewer.selector.aim(Some(2));
    assert_eq!((viewer.selector.wants_key(), viewer.selector.current()), (Some(2), Some(0)));
    viewer.expect("d0=fwd d1=drop d2=drop K0=fwd d2=drop K2=switch d0=drop K0=drop d2=fwd");
    viewer.selector.aim(Some(0));
    viewer.expect("d2=fwd K2=fwd d0=drop K0=switch d2=drop K2=drop d0=fwd");
}

#[test]
fn a_key_frame_on_the_way_is_taken() {
    let mut viewer = Viewer::new(0);
    viewer.expect("d0=drop d1=drop d2=drop d3=drop K0=switch");
    viewer.selector.aim(Some(2));
    viewer.expect("K3=drop K1=switch d1=fwd K0=drop d2=drop");
    assert_eq!(viewer.selector.wants_key(), Some(2), "it is not there yet");
    viewer.expect("K2=switch d1=drop d2=fwd");
    viewer.selector.aim(Some(0));
    viewer.expect("K3=drop K1=switch K2=drop d1=fwd K0=switch");
}

#[test]
fn who_begins_takes_any_lower_key_frame() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d2=drop d1=drop d0=drop K2=drop K0=switch d0=fwd d1=drop K1=switch");
}

#[test]
fn late_packets_fill_gaps_and_begin_nothing() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d1=drop L1=drop l1=drop K1=switch L1=fwd l0=drop L0=drop");
    viewer.selector.aim(Some(0));
    viewer.expect("d0=drop L0=drop l1=fwd K0=switch l1=drop l0=fwd");
}

/// A late packet is no sign of life: the layer may have ended since.
#[test]
fn late_packets_do_not_bring_a_silent_layer_back() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d0=drop K1=switch");
    viewer.selector.silent(1);
    viewer.expect("l1=fwd");
    assert_eq!(viewer.selector.wants_key(), Some(0));
}

#[test]
fn a_pause_drops_everything_and_ends_with_a_key_frame() {
    let mut viewer = Viewer::new(0);
    viewer.expect("K0=switch d0=fwd");
    viewer.selector.aim(None);
    assert_eq!((viewer.selector.wants_key(), viewer.selector.current()), (None, None));
    viewer.expect("d0=drop K0=drop l0=drop");
    viewer.selector.aim(Some(0));
    assert_eq!(viewer.selector.wants_key(), Some(0));
    viewer.expect("d0=drop K0=switch d0=fwd");
}

#[test]
fn what_does_not_send_is_replaced_by_the_next_lower_layer_or_any() {
    let table: [(u8, &[u8], u8); 7] = [
        (2, &[0, 1, 2], 2),
        (2, &[0, 1], 1),
        (2, &[0], 0),
        (2, &[0, 3], 0),
        (1, &[2, 3], 2),
        (0, &[3], 3),
        (7, &[0, 7], 7),
    ];
    for (aim, living, expected) in table {
        let mut viewer = Viewer::new(aim);
        assert_eq!(viewer.selector.wants_key(), Some(aim), "nobody has sent yet: the wanted one is asked");
        for layer in living {
            viewer.offer(&format!("d{layer}"));
        }
        assert_eq!(viewer.selector.wants_key(), Some(expected), "{aim} of {living:?}");
        assert_eq!(viewer.offer(&format!("K{expected}")), Switch);
    }
}

#[test]
fn a_layer_that_falls_silent_is_left_and_comes_back() {
    let mut viewer = Viewer::new(2);
    viewer.expect("d0=drop d1=drop K2=switch");
    viewer.selector.silent(2);
    assert_eq!((viewer.selector.wants_key(), viewer.selector.current()), (Some(1), Some(2)));
    // Nothing passes: any key frame is better.
    viewer.expect("d1=drop d0=drop K0=switch K1=switch d1=fwd");
    viewer.selector.silent(1);
    viewer.selector.silent(LAYERS);
    viewer.selector.silent(200);
    viewer.expect("K0=switch");
    // One that returns is waited for; the one that passes goes on.
    viewer.expect("d2=drop d0=fwd K2=switch d0=drop");
    // One that only paused goes on where it was: what it refers to was sent.
    viewer.selector.silent(2);
    viewer.expect("d2=fwd");
    assert_eq!(viewer.selector.wants_key(), None);
}

#[test]
fn layers_beyond_the_last_are_dropped() {
    let mut viewer = Viewer::new(255);
    assert_eq!(viewer.selector.wants_key(), Some(LAYERS - 1));
    viewer.expect("K8=drop K255=drop d8=drop K7=switch");
}

#[test]
fn a_mute_layer_is_given_up_after_a_second_of_nothing() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d1=drop d0=drop");
    viewer.wait(PATIENCE - 34 * MS);
    assert!(!viewer.stuck(), "a second since the first burst is not over");
    viewer.wait(MS);
    assert!(viewer.stuck());
    assert_eq!(viewer.selector.wants_key(), Some(0));
    assert!(!viewer.stuck(), "told once");
    viewer.expect("d1=drop K0=switch d0=fwd");
    assert_eq!(viewer.selector.wants_key(), None);
    // It is wanted still, and taken when it speaks.
    viewer.expect("K1=switch d1=fwd");
}

#[test]
fn each_layer_has_its_own_patience() {
    let mut viewer = Viewer::new(2);
    viewer.expect("d0=drop d1=drop d2=drop");
    viewer.wait(PATIENCE - 100 * MS);
    viewer.selector.silent(2);
    viewer.expect("d1=drop d0=drop");
    viewer.wait(PATIENCE - 100 * MS);
    assert!(!viewer.stuck(), "of two seconds the first was another's");
    viewer.wait(100 * MS);
    assert!(viewer.stuck());
    // One that came after all is not held against the layer when it ends.
    let mut viewer = Viewer::new(1);
    viewer.expect("d0=drop d1=drop");
    viewer.wait(PATIENCE);
    viewer.expect("K1=switch");
    viewer.selector.silent(1);
    assert!(!viewer.stuck());
    viewer.expect("d1=fwd");
    assert_eq!(viewer.selector.wants_key(), None);
}

#[test]
fn nobody_waits_for_a_mute_layer_with_a_dead_or_broken_one() {
    let mut viewer = Viewer::new(2);
    viewer.expect("d0=drop d1=drop K2=switch");
    viewer.selector.silent(2);
    viewer.expect("d0=drop d1=drop");
    viewer.wait(PATIENCE);
    assert_eq!((viewer.stuck(), viewer.selector.wants_key()), (true, Some(0)));
    let mut viewer = Viewer::new(2);
    viewer.expect("d0=drop d1=drop K2=switch");
    let frozen = viewer.now;
    while !viewer.stuck() {
        viewer.selector.complain(viewer.now);
        viewer.expect("d2=fwd");
        assert!(viewer.now - frozen < 2 * PATIENCE);
    }
    assert_eq!(viewer.selector.wants_key(), Some(1));
    viewer.expect("d2=fwd d0=drop d1=drop");
    viewer.wait(PATIENCE);
    assert_eq!((viewer.stuck(), viewer.selector.wants_key()), (true, Some(0)));
}

#[test]
fn when_no_layer_answers_all_are_asked_in_turn() {
    let mut viewer = Viewer::new(2);
    let mut asked = Vec::new();
    for _ in 0..6 {
        viewer.expect("d0=drop d1=drop d2=drop");
        asked.push(viewer.selector.wants_key().expect("it wants one"));
        viewer.wait(PATIENCE);
        assert!(viewer.stuck());
    }
    assert_eq!(asked, [2, 1, 0, 2, 1, 0]);
    let mut alone = Viewer::new(0);
    alone.expect("d0=drop");
    alone.wait(2 * PATIENCE);
    assert!(!alone.stuck(), "there is nothing else to try");
    assert_eq!(alone.selector.wants_key(), Some(0));
}

#[test]
fn a_better_layer_may_take_its_time_while_pictures_move() {
    let mut viewer = Viewer::new(0);
    viewer.expect("d1=drop K0=switch");
    viewer.selector.aim(Some(1));
    for _ in 0..300 {
        viewer.expect("d0=fwd d1=drop");
        assert!(!viewer.stuck());
    }
    viewer.expect("K1=switch");
}

#[test]
fn a_viewer_that_key_frames_do_not_help_is_moved() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d0=drop d2=drop K1=switch d1=fwd");
    let frozen = viewer.now;
    // Each of its key frames has a hole.
    while !viewer.stuck() {
        viewer.selector.complain(viewer.now);
        viewer.expect("d1=fwd d0=drop d2=drop K1=fwd d1=fwd");
        assert!(viewer.now - frozen < 2 * PATIENCE);
    }
    assert_eq!(viewer.selector.wants_key(), Some(0));
    viewer.expect("d1=fwd K1=fwd K2=drop K0=switch d1=drop K1=drop");
    // Nor does the other: the next better one, though it is more than was wanted, sooner than none.
    let frozen = viewer.now;
    while !viewer.stuck() {
        viewer.selector.complain(viewer.now);
        viewer.expect("d0=fwd d1=drop d2=drop");
        assert!(viewer.now - frozen < 2 * PATIENCE);
    }
    assert_eq!(viewer.selector.wants_key(), Some(2));
    viewer.expect("K0=fwd K1=drop K2=switch");
    // After a while it is tried again.
    viewer.wait(ASIDE);
    viewer.expect("d2=fwd K1=switch d1=fwd");
}

#[test]
fn single_complaints_move_nobody() {
    let mut viewer = Viewer::new(1);
    viewer.expect("d0=drop K1=switch");
    for _ in 0..10 {
        viewer.selector.complain(viewer.now);
        viewer.wait(PATIENCE + MS);
        viewer.selector.complain(viewer.now);
        assert!(!viewer.stuck());
        viewer.expect("K1=fwd d1=fwd d0=drop");
        viewer.wait(PATIENCE);
    }
    // They come on, but the layer is the only one.
    let mut alone = Viewer::new(0);
    alone.expect("K0=switch");
    for _ in 0..100 {
        alone.selector.complain(alone.now);
        assert!(!alone.stuck());
        alone.expect("d0=fwd");
    }
    assert_eq!(alone.selector.wants_key(), None);
    // A row that has ended is no reason.
    let mut patient = Viewer::new(1);
    patient.expect("d0=drop K1=switch");
    for _ in 0..20 {
        patient.selector.complain(patient.now);
        patient.wait(33 * MS);
    }
    patient.wait(PATIENCE);
    assert!(!patient.stuck());
}

#[test]
fn unreadable_layers_begin_after_a_second_without_a_key_frame() {
    let mut viewer = Viewer::new(1);
    viewer.selector.set_opaque(true);
    viewer.expect("d1=drop d0=drop");
    viewer.wait(PATIENCE - 67 * MS);
    viewer.expect("d1=drop");
    viewer.wait(MS);
    assert!(!viewer.stuck(), "no layer is given up for what it cannot show");
    viewer.expect("d0=drop l1=drop d1=switch d1=fwd");
    viewer.selector.aim(Some(0));
    viewer.expect("d1=fwd d0=drop");
    viewer.wait(PATIENCE);
    viewer.expect("d1=fwd l0=drop d0=switch d1=drop d0=fwd");
    // A key frame that is seen nonetheless is taken at once.
    viewer.selector.aim(Some(1));
    viewer.expect("d1=drop K1=switch");
    // One that is read again keeps to key frames.
    viewer.selector.set_opaque(false);
    viewer.selector.aim(Some(0));
    viewer.expect("d0=drop");
    viewer.wait(5 * PATIENCE);
    viewer.expect("d0=drop d1=fwd K0=switch");
}

/// A publisher of two layers loses every third packet, never sends one again, and answers a request for a key frame of
/// the upper layer with one that has lost packets every time; those of the lower one are small and come out whole.
#[test]
fn a_publisher_that_never_retransmits_freezes_nobody_for_long() {
    let start = Instant::now();
    let at = |ms: u32| start + ms * MS;
    let (mut selector, mut throttles) = (Selector::new(), [Throttle::new(); 2]);
    selector.aim(Some(1));
    // Moments at which a key frame leaves the publisher.
    let mut answers: [Option<u32>; 2] = [Some(0), None];
    let (mut moving, mut longest, mut still) = (false, 0, 0);
    for ms in 0..20_000_u32 {
        if ms % 33 == 0 {
            for layer in [0, 1_u8] {
                let answer = &mut answers[usize::from(layer)];
                let key = answer.is_some_and(|due| due <= ms);
                if key {
                    *answer = None;
                    throttles[usize::from(layer)].arrived();
                }
                match selector.offer(at(ms), layer, key, false) {
                    Drop => {}
                    Switch | Forward if layer == 0 => moving = moving || key,
                    Switch | Forward => moving = false,
                }
            }
        }
        // The viewer complains like a browser, every 200 ms; the publisher needs 100 ms to answer.
        if ms % 200 == 0 && !moving && selector.current().is_some() {
            selector.complain(at(ms));
        }
        if ms % 100 == 0 {
            selector.stuck(at(ms));
        }
        let wish = selector.wants_key().or(selector.current().filter(|_| !moving));
        if let Some(layer) = wish.map(usize::from)
            && throttles[layer].ask(at(ms)) == Ask::Send
        {
            answers[layer] = Some(ms + 100);
        }
        still = if moving { 0 } else { still + 1 };
        longest = longest.max(still);
    }
    assert!(longest < 2_000, "the picture stood still for {longest} ms");
    assert!(longest >= 1_000, "it did stand still, else this tests nothing");
    assert!(KEY_FRAME_SPACING < PATIENCE, "else no answer could come in time");
}
