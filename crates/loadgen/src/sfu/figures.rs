//! Every figure of the SFU benchmark, in the order of its table, with its target.

use std::sync::LazyLock;

use crate::figures::{BUSY, CALIBRATION, OPERATION, OTHERS, SEAL, SEND};
use crate::metric::{Metric, Target, Unit};

pub(crate) const DELIVERED: &str = "packets delivered";
pub(crate) const CPU: &str = "server CPU per packet";
pub(crate) const CPU_USER: &str = "server CPU per packet, user";
pub(crate) const CPU_SYSTEM: &str = "server CPU per packet, system";
pub(crate) const PER_CORE: &str = "packets per second of a core";
pub(crate) const LOSS: &str = "loss";
pub(crate) const REORDERED: &str = "out of order";
pub(crate) const DELAY_P50: &str = "added delay p50";
pub(crate) const DELAY_P99: &str = "added delay p99";
pub(crate) const HALF_P50: &str = "added delay at half the rate, p50";
pub(crate) const HALF_P99: &str = "added delay at half the rate, p99";
/// Above this rate the generator cannot say what the server could do; without it, the rate is the server's.
pub(crate) const GENERATOR_LIMIT: &str = "the generator's own end";
pub(crate) const MEMORY: &str = "memory per viewer";
pub(crate) const JOIN: &str = "server CPU per join";
pub(crate) const JOIN_USER: &str = "server CPU per join, user";
pub(crate) const JOIN_SYSTEM: &str = "server CPU per join, system";
pub(crate) const KEY_P50: &str = "play to key frame p50";
pub(crate) const KEY_P99: &str = "play to key frame p99";
pub(crate) const KEY_MAX: &str = "play to key frame max";
pub(crate) const CORE: &str = "share of a core";

/// One camera watched by so many: the load's name for each subject, and what compares them.
pub(crate) struct Steady {
    pub(crate) viewers: usize,
    pub(crate) ours: &'static str,
    pub(crate) streaming: &'static str,
    pub(crate) room: &'static str,
    pub(crate) floor: &'static str,
    pub(crate) to_streaming: &'static str,
    pub(crate) to_room: &'static str,
    pub(crate) to_floor: &'static str,
    /// It is measured with Janus' plugins as well.
    pub(crate) versus: bool,
}

macro_rules! steady {
    ($viewers:literal, versus: $versus:literal) => {
        Steady {
            viewers: $viewers,
            ours: concat!("sfu ", $viewers),
            streaming: concat!("janus streaming ", $viewers),
            room: concat!("janus videoroom ", $viewers),
            floor: concat!("floor ", $viewers),
            to_streaming: concat!("sfu / streaming, ", $viewers),
            to_room: concat!("sfu / videoroom, ", $viewers),
            to_floor: concat!("sfu / floor, ", $viewers),
            versus: $versus,
        }
    };
}

pub(crate) const STEADY: [Steady; 6] = [
    steady!(1, versus: false),
    steady!(20, versus: true),
    steady!(50, versus: false),
    steady!(100, versus: true),
    steady!(200, versus: true),
    steady!(400, versus: false),
];

/// A load that our server and Janus' VideoRoom go through.
pub(crate) struct Both {
    pub(crate) ours: &'static str,
    pub(crate) room: &'static str,
    pub(crate) ratio: &'static str,
}

pub(crate) const MEETING: Both = Both { ours: "sfu meeting", room: "janus meeting", ratio: "sfu / janus, meeting" };
pub(crate) const JOINS: Both = Both { ours: "sfu joins", room: "janus joins", ratio: "sfu / janus, joins" };
pub(crate) const STORM: Both = Both { ours: "sfu storm", room: "janus storm", ratio: "sfu / janus, storm" };
pub(crate) const COST: Both = Both { ours: "sfu join cost", room: "janus join cost", ratio: "sfu / janus, join cost" };
pub(crate) const IDLE: Both = Both { ours: "sfu idle", room: "janus idle", ratio: "sfu / janus, idle" };

pub(crate) const SATURATED: &str = "sfu saturated";
pub(crate) const SATURATED_FLOOR: &str = "floor saturated";
pub(crate) const SATURATED_RATIO: &str = "sfu / floor, saturated";

/// One camera, and so many who watch it: by the publisher's dialect, by another, and the ratio.
pub(crate) const BRIDGE: [(usize, &str, &str, &str); 2] =
    [(20, "plain 20", "bridge 20", "bridge / plain, 20"), (200, "plain 200", "bridge 200", "bridge / plain, 200")];

/// Ten people, each of whom nine others see and hear; and one camera that as many views show.
pub(crate) const CONFERENCE: &str = "conference 10";
pub(crate) const BROADCAST: &str = "broadcast 90";
/// A packet of a conference costs at most so many of a broadcast.
pub(crate) const CONFERENCE_BOUND: f64 = 1.2;
pub(crate) const CONFERENCE_RATIO: &str = "conference / broadcast";

/// So many rooms, and the name of the load.
pub(crate) const ROOMS: [(usize, &str); 3] = [(1, "sfu rooms 1"), (20, "sfu rooms 20"), (200, "sfu rooms 200")];
/// The most rooms compared to one, the most viewers to fifty.
pub(crate) const ROOMS_RATIO: &str = "rooms 200 / rooms 1";
pub(crate) const VIEWERS_RATIO: &str = "sfu 400 / sfu 50";

fn media(load: &'static str) -> Vec<Metric> {
    vec![
        Metric::new(load, DELIVERED, Unit::PerSecond),
        Metric::new(load, CPU, Unit::Microseconds),
        Metric::new(load, CPU_USER, Unit::Microseconds),
        Metric::new(load, CPU_SYSTEM, Unit::Microseconds),
        Metric::new(load, PER_CORE, Unit::PerSecond),
        Metric::new(load, LOSS, Unit::Percent),
        Metric::new(load, REORDERED, Unit::Count),
    ]
}

fn delay(load: &'static str) -> Vec<Metric> {
    vec![Metric::new(load, DELAY_P50, Unit::Milliseconds), Metric::new(load, DELAY_P99, Unit::Milliseconds)]
}

fn usage(load: &'static str) -> Vec<Metric> {
    vec![Metric::new(load, BUSY, Unit::Percent), Metric::new(load, OTHERS, Unit::Percent)]
}

fn memory(load: &'static str) -> Vec<Metric> {
    vec![Metric::new(load, MEMORY, Unit::Kilobytes)]
}

fn ratio(load: &'static str, name: &'static str) -> Vec<Metric> {
    vec![Metric::new(load, name, Unit::Times)]
}

fn steady(steady: &Steady) -> Vec<Metric> {
    let mut all = Vec::new();
    for load in [steady.ours, steady.streaming, steady.room] {
        all.extend([media(load), delay(load), memory(load), usage(load)].concat());
    }
    all.extend([media(steady.floor), delay(steady.floor), usage(steady.floor)].concat());
    for load in [steady.to_streaming, steady.to_room, steady.to_floor] {
        all.extend(ratio(load, CPU));
    }
    all
}

fn key_frames(load: &'static str) -> Vec<Metric> {
    let figures = [KEY_P50, KEY_P99, KEY_MAX].map(|name| Metric::new(load, name, Unit::Milliseconds));
    [figures.to_vec(), usage(load)].concat()
}

fn cost(load: &'static str) -> Vec<Metric> {
    let figures = [JOIN, JOIN_USER, JOIN_SYSTEM].map(|name| Metric::new(load, name, Unit::Microseconds));
    [figures.to_vec(), usage(load)].concat()
}

fn both(both: &Both, figures: fn(&'static str) -> Vec<Metric>, compared: &'static str) -> Vec<Metric> {
    [figures(both.ours), figures(both.room), ratio(both.ratio, compared)].concat()
}

/// What is wanted on the machine that docs/performance.md names.
const TARGETS: [(&str, &str, Target); 19] = [
    (STEADY[3].to_streaming, CPU, Target::AtMost(0.45)),
    (STEADY[4].to_streaming, CPU, Target::AtMost(0.45)),
    (STEADY[3].ours, CPU_USER, Target::AtMost(3.0)),
    (STEADY[4].ours, CPU_USER, Target::AtMost(3.0)),
    (STEADY[3].ours, LOSS, Target::Below(0.1)),
    (STEADY[4].ours, LOSS, Target::Below(0.1)),
    (STEADY[4].ours, MEMORY, Target::AtMost(256.0)),
    (SATURATED, DELIVERED, Target::AtLeast(300_000.0)),
    (SATURATED, LOSS, Target::Below(0.1)),
    (SATURATED, HALF_P99, Target::Below(2.0)),
    (COST.ours, JOIN, Target::AtMost(330.0)),
    (JOINS.ours, KEY_P50, Target::AtMost(25.0)),
    (STORM.ours, KEY_P99, Target::AtMost(600.0)),
    (IDLE.ours, CORE, Target::AtMost(1.0)),
    (ROOMS_RATIO, CPU_USER, Target::AtMost(1.35)),
    (VIEWERS_RATIO, CPU, Target::AtMost(1.35)),
    (BRIDGE[0].3, CPU, Target::AtMost(1.1)),
    (BRIDGE[1].3, CPU, Target::AtMost(1.1)),
    (CONFERENCE_RATIO, CPU, Target::AtMost(CONFERENCE_BOUND)),
];

/// All figures, in the order of the table.
pub(crate) static FIGURES: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let mut all: Vec<_> = [SEAL, SEND, OPERATION].map(|name| Metric::new(CALIBRATION, name, Unit::Nanoseconds)).into();
    STEADY.iter().for_each(|load| all.extend(steady(load)));
    all.extend(ratio(VIEWERS_RATIO, CPU));
    all.extend(media(SATURATED));
    all.push(Metric::new(SATURATED, GENERATOR_LIMIT, Unit::PerSecond));
    all.extend([HALF_P50, HALF_P99].map(|name| Metric::new(SATURATED, name, Unit::Milliseconds)));
    all.extend([usage(SATURATED), media(SATURATED_FLOOR), delay(SATURATED_FLOOR), usage(SATURATED_FLOOR)].concat());
    all.extend(ratio(SATURATED_RATIO, CPU));
    all.extend(both(&MEETING, |load| [media(load), delay(load), usage(load)].concat(), CPU));
    all.extend(both(&JOINS, key_frames, KEY_P50));
    all.extend(both(&STORM, key_frames, KEY_P99));
    all.extend(both(&COST, cost, JOIN));
    let idle = |load| [vec![Metric::new(load, CORE, Unit::Percent)], memory(load), usage(load)].concat();
    all.extend(both(&IDLE, idle, CORE));
    ROOMS.iter().for_each(|(_, load)| all.extend([media(load), delay(load), usage(load)].concat()));
    all.extend(ratio(ROOMS_RATIO, CPU_USER));
    for (_, plain, bridge, compared) in BRIDGE {
        for load in [plain, bridge] {
            all.extend([media(load), delay(load), memory(load), usage(load)].concat());
        }
        all.extend(ratio(compared, CPU));
    }
    for load in [CONFERENCE, BROADCAST] {
        all.extend([media(load), delay(load), memory(load), usage(load)].concat());
    }
    all.extend(ratio(CONFERENCE_RATIO, CPU));
    for (load, name, target) in TARGETS {
        for metric in all.iter_mut().filter(|metric| metric.load == load && metric.name == name) {
            metric.target = Some(target);
        }
    }
    all
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_figure_is_declared_twice() {
        let mut names: Vec<_> = FIGURES.iter().map(|figure| (figure.load, figure.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIGURES.len());
    }

    #[test]
    fn every_target_has_its_figure() {
        assert_eq!(FIGURES.iter().filter(|figure| figure.target.is_some()).count(), TARGETS.len());
        for (load, name, target) in TARGETS {
            let wanted = FIGURES.iter().find(|figure| figure.load == load && figure.name == name);
            assert_eq!(wanted.map(|figure| figure.target), Some(Some(target)), "{load}: {name}");
        }
    }
}
