use super::*;

/// Usual layers of a camera, in kbit/s.
const CAMERA: [u64; 3] = [100, 400, 1_600];
const SECOND: Duration = Duration::from_secs(1);

/// A viewer with its tracks, in kbit/s.
struct Viewer {
    allocator: Allocator,
    now: Instant,
    tracks: Vec<Track>,
    audio: u64,
    desired: u64,
}

struct Track {
    layers: Vec<u64>,
    cap: Option<u8>,
    target: Option<u8>,
}

impl Viewer {
    fn new(layers: &[&[u64]]) -> Self {
        let tracks = layers.iter().map(|layers| Track { layers: bits(layers), cap: None, target: None }).collect();
        Self { allocator: Allocator::new(), now: Instant::now(), tracks, audio: 0, desired: 0 }
    }

    fn of(layers: &[u64], targets: &[Option<u8>]) -> Self {
        let mut viewer = Self::new(&vec![layers; targets.len()]);
        for (track, target) in viewer.tracks.iter_mut().zip(targets) {
            track.target = *target;
        }
        viewer
    }

    /// What is decided at this moment.
    fn decide(&mut self, estimate: u64) -> Vec<Option<u8>> {
        let tracks = self.tracks.iter();
        let mut tracks: Vec<_> =
            tracks.map(|Track { layers, cap, target }| Wanted { layers, cap: *cap, target: *target }).collect();
        self.desired = self.allocator.allocate(self.now, estimate * 1_000, self.audio * 1_000, &mut tracks) / 1_000;
        let targets: Vec<_> = tracks.iter().map(|track| track.target).collect();
        for (track, target) in self.tracks.iter_mut().zip(&targets) {
            track.target = *target;
        }
        targets
    }

    /// What is decided in the end, if the estimate stays.
    fn settle(&mut self, estimate: u64) -> Vec<Option<u8>> {
        for _ in 0..100 {
            self.decide(estimate);
            self.now += SECOND / 5;
        }
        self.decide(estimate)
    }
}

fn bits(kilobits: &[u64]) -> Vec<u64> {
    kilobits.iter().map(|rate| rate * 1_000).collect()
}

#[test]
fn tracks_rise_together_and_in_order() {
    let table: [(usize, u64, &[u8]); 12] = [
        (1, 0, &[0]),
        (1, 120, &[0]),
        (1, 450, &[0]),
        (1, 470, &[1]),
        (1, 1_850, &[2]),
        (1, 99_999_999, &[2]),
        (2, 240, &[0, 0]),
        (2, 600, &[1, 0]),
        (2, 950, &[1, 1]),
        (2, 2_400, &[2, 1]),
        (2, 3_700, &[2, 2]),
        (3, 1_500, &[1, 1, 1]),
    ];
    for (tracks, estimate, expected) in table {
        let expected: Vec<_> = expected.iter().copied().map(Some).collect();
        let mut viewer = Viewer::new(&vec![&CAMERA[..]; tracks]);
        assert_eq!(viewer.settle(estimate), expected, "{tracks} tracks, {estimate} kbit/s");
    }
}

#[test]
fn sound_comes_first() {
    let mut viewer = Viewer::new(&[&CAMERA]);
    viewer.audio = 100;
    assert_eq!(viewer.settle(550), [Some(0)]);
    assert_eq!(viewer.settle(575), [Some(1)]);
    assert_eq!(viewer.settle(90), [Some(0)], "the first track stays, whatever there is");
}

#[test]
fn nobody_is_above_the_lowest_while_somebody_has_nothing() {
    let mut viewer = Viewer::of(&CAMERA, &[Some(2), None, None]);
    // There was enough for the first one's best; now others want their least.
    assert_eq!(viewer.decide(2_000), [Some(1), Some(0), Some(0)]);
    let mut poor = Viewer::of(&[100, 110], &[Some(1), None, None]);
    assert_eq!(poor.decide(300), [Some(0), Some(0), None], "two have their lowest, with the margin");
    assert_eq!(poor.settle(340), [Some(0), Some(0), None]);
    assert_eq!(poor.settle(350), [Some(0), Some(0), Some(0)]);
    assert_eq!(poor.settle(380), [Some(1), Some(1), Some(1)]);
}

#[test]
fn a_small_track_is_shown_where_a_large_one_does_not_fit() {
    let mut viewer = Viewer::new(&[&[100], &[900], &[50]]);
    assert_eq!(viewer.settle(400), [Some(0), None, Some(0)]);
}

#[test]
fn down_at_once_and_up_after_the_hold_with_a_margin() {
    let mut viewer = Viewer::new(&[&CAMERA]);
    assert_eq!(viewer.decide(1_840), [Some(0)], "it begins with the lowest");
    viewer.now += HOLD - Duration::from_millis(1);
    assert_eq!(viewer.decide(1_850), [Some(0)]);
    viewer.now += Duration::from_millis(1);
    assert_eq!(viewer.decide(1_850), [Some(2)]);
    // Exactly what is needed keeps it; less does not.
    assert_eq!(viewer.settle(1_600), [Some(2)]);
    assert_eq!(viewer.decide(1_599), [Some(1)]);
    // Up only with the margin, and only if it stays.
    assert_eq!(viewer.settle(1_830), [Some(1)]);
    for _ in 0..10 {
        assert_eq!(viewer.decide(1_850), [Some(1)]);
        viewer.now += SECOND;
        assert_eq!(viewer.decide(1_850), [Some(1)]);
        viewer.now += SECOND;
        assert_eq!(viewer.decide(1_700), [Some(1)]);
    }
    assert_eq!(viewer.settle(1_850), [Some(2)]);
}

#[test]
fn rises_in_vain_become_rare_and_one_that_stands_forgets_them() {
    let mut viewer = Viewer::new(&[&CAMERA]);
    viewer.decide(300);
    let (mut rises, began) = (Vec::new(), viewer.now);
    // A network that seems to bear the next layer until it is sent.
    while viewer.now < began + 120 * SECOND {
        let before = viewer.tracks[0].target;
        let estimate = if before == Some(1) { 350 } else { 470 };
        if viewer.decide(estimate) == [Some(1)] && before == Some(0) {
            rises.push((viewer.now - began).as_secs());
        }
        viewer.now += SECOND;
    }
    assert_eq!(rises, [2, 7, 16, 33, 54, 75, 96, 117]);
    // The network has become wider: it is tried out again, and the old failures are forgotten.
    viewer.now += PATIENCE;
    assert_eq!(viewer.settle(470), [Some(1)]);
    viewer.now += TRIAL;
    viewer.decide(470);
    assert_eq!(viewer.decide(350), [Some(0)]);
    viewer.now += SECOND;
    assert_eq!(viewer.decide(470), [Some(0)]);
    viewer.now += HOLD;
    assert_eq!(viewer.decide(470), [Some(1)]);
}

#[test]
fn what_was_paused_resumes_after_the_hold() {
    let mut viewer = Viewer::of(&CAMERA, &[Some(0), Some(0)]);
    assert_eq!(viewer.decide(199), [Some(0), None]);
    viewer.now += HOLD - Duration::from_millis(1);
    assert_eq!(viewer.decide(10_000), [Some(0), None]);
    viewer.now += Duration::from_millis(1);
    assert_eq!(viewer.decide(10_000), [Some(0), Some(0)]);
    // What just suffices is no fall. Whoever is new begins at once, if nothing fell just now.
    viewer.now += HOLD;
    viewer.decide(200);
    viewer.tracks.push(Track { layers: bits(&CAMERA), cap: None, target: None });
    assert_eq!(viewer.decide(10_000), [Some(0); 3]);
}

#[test]
fn a_fall_raises_nobody() {
    // The first track has grown; the second could rise if it were decided anew.
    let mut viewer = Viewer::new(&[&[100, 2_000], &[100, 300]]);
    (viewer.tracks[0].target, viewer.tracks[1].target) = (Some(1), Some(0));
    assert_eq!(viewer.decide(1_000), [Some(0), Some(0)]);
    assert_eq!(viewer.settle(1_000), [Some(0), Some(1)]);
}

#[test]
fn caps_and_silent_layers() {
    type Row<'a> = (&'a [u64], Option<u8>, Option<u8>, u8);
    let table: [Row<'_>; 9] = [
        (&CAMERA, Some(1), Some(2), 1),
        (&CAMERA, Some(0), None, 0),
        (&CAMERA, Some(9), None, 2),
        (&[0, 400, 1_600], Some(0), Some(0), 1),
        (&[100, 0, 1_600], Some(1), Some(1), 0),
        (&[100, 0, 1_600], None, Some(1), 2),
        (&[100, 400, 0], None, Some(2), 1),
        (&[0, 0, 0], None, Some(2), 0),
        (&[], None, None, 0),
    ];
    for (layers, cap, target, expected) in table {
        let mut viewer = Viewer::new(&[layers]);
        (viewer.tracks[0].cap, viewer.tracks[0].target) = (cap, target);
        assert_eq!(viewer.settle(10_000), [Some(expected)], "{layers:?} {cap:?} {target:?}");
    }
    let mut viewer = Viewer::of(&[0, 400, 1_600], &[Some(0)]);
    assert_eq!(viewer.decide(10_000), [Some(1)], "what is not sent is left at once");
    for cap in [None, Some(7), Some(8), Some(255)] {
        let mut viewer = Viewer::new(&[&[10; 12]]);
        viewer.tracks[0].cap = cap;
        assert_eq!(viewer.settle(10_000), [Some(LAYERS - 1)], "{cap:?}");
    }
    let mut viewer = Viewer::of(&CAMERA, &[Some(2)]);
    viewer.tracks[0].cap = Some(1);
    assert_eq!(viewer.decide(10_000), [Some(1)], "a cap holds at once");
}

#[test]
fn a_higher_layer_that_costs_less_is_free() {
    let mut viewer = Viewer::new(&[&[500, 100], &[100, 450]]);
    assert_eq!(viewer.settle(700), [Some(1), Some(1)]);
}

#[test]
fn what_is_desired_is_the_best_of_all_and_the_margin() {
    let mut viewer = Viewer::new(&[&CAMERA, &CAMERA, &[0, 2_000, 300]]);
    (viewer.audio, viewer.tracks[1].cap) = (40, Some(1));
    viewer.decide(0);
    assert_eq!(viewer.desired, 40 + (1_600 + 400 + 2_000) * 115 / 100);
    assert_eq!(viewer.settle(viewer.desired), [Some(2), Some(1), Some(2)], "it is enough for all");
}

#[test]
fn absurd_rates_do_no_harm() {
    let (mut allocator, now) = (Allocator::new(), Instant::now());
    let layers = [u64::MAX; 300];
    let mut tracks = [Wanted { layers: &layers, cap: None, target: Some(255) }; 3];
    for (estimate, audio) in [(0, 0), (u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 1)] {
        for seconds in 0..5 {
            let desired = allocator.allocate(now + seconds * SECOND, estimate, audio, &mut tracks);
            assert_eq!((desired, tracks[0].target.is_some()), (u64::MAX, true));
        }
    }
    assert_eq!(allocator.allocate(now, 1_000, 7, &mut []), 7, "nothing is wanted");
}

/// An estimate that wavers around what the higher layer needs costs no key frame after another.
#[test]
fn a_wavering_estimate_does_not_flap() {
    let mut viewer = Viewer::new(&[&CAMERA]);
    let (mut changes, mut before) = (0, viewer.settle(1_850));
    for step in 0..600_u64 {
        // Around 1,700 kbit/s, by ten percent and some, within three seconds.
        let estimate =
            1_700 + [0, 60, 120, 170, 100, 20, 0, 90, 160, 200, 140, 60, 0, 60, 110][step as usize % 15] - 90;
        let now = viewer.decide(estimate);
        changes += u32::from(now != before);
        before = now;
        viewer.now += SECOND / 5;
    }
    assert_eq!(changes, 0);
    viewer.decide(1_590);
    for step in 0..600_u64 {
        viewer.decide(1_700 + [0, 60, 120, 170, 100, 20, 0][step as usize % 7]);
        viewer.now += SECOND / 5;
    }
    assert_eq!(viewer.tracks[0].target, Some(1), "it rises only for what stays");
}
