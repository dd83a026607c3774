//! Every figure of the benchmark of telephone calls, in the order of its table, with its target.

use std::sync::LazyLock;

use crate::figures::{BUSY, CALIBRATION, OPERATION, OTHERS, SEAL, SEND};
use crate::metric::{Metric, Target, Unit};

pub(super) const SETUPS: &str = "calls set up";
pub(super) const PER_SETUP: [&str; 3] =
    ["server CPU per set-up", "server CPU per set-up, user", "server CPU per set-up, system"];
pub(super) const SETUP_P50: &str = "set-up p50";
pub(super) const SETUP_P99: &str = "set-up p99";
pub(super) const RELAYED: &str = "packets relayed";
pub(super) const PER_PACKET: [&str; 3] =
    ["server CPU per packet", "server CPU per packet, user", "server CPU per packet, system"];
pub(super) const LOSS: &str = "loss";
pub(super) const ROUND_P50: &str = "there and back p50";
pub(super) const ROUND_P99: &str = "there and back p99";
pub(super) const FLOODED: &str = "messages of the flood";
pub(super) const VARIATION: &str = "delay variation p99";
pub(super) const VARIATION_QUIET: &str = "delay variation p99, before";
pub(super) const MEMORY: &str = "memory per call";
pub(super) const ACCOUNTS: &str = "accounts";
pub(super) const REGISTERED: &str = "all registered";
pub(super) const PER_ACCOUNT: [&str; 3] =
    ["server CPU per account", "server CPU per account, user", "server CPU per account, system"];
pub(super) const TELEPHONE: &str = "telephone busy";

/// A load that our server and Janus' SIP plugin go through.
pub(super) struct Both {
    pub(super) ours: &'static str,
    pub(super) janus: &'static str,
    pub(super) ratio: &'static str,
    /// What the ratio compares.
    pub(super) compared: &'static [&'static str],
}

pub(super) const SETTING_UP: Both = Both {
    ours: "sip set-ups",
    janus: "janus set-ups",
    ratio: "sip / janus, set-ups",
    compared: &[PER_SETUP[0], SETUP_P50],
};
pub(super) const CALLS: Both = Both {
    ours: "sip calls",
    janus: "janus calls",
    ratio: "sip / janus, calls",
    compared: &[PER_PACKET[0], MEMORY, ROUND_P50],
};
pub(super) const REGISTRATIONS: &str = "sip registrations";
pub(super) const FLOOD: &str = "sip calls in a flood";

/// What is wanted on the machine that docs/performance.md names.
const TARGETS: [(&str, &str, Target); 7] = [
    (SETTING_UP.ours, SETUPS, Target::AtLeast(100.0)),
    (CALLS.ours, LOSS, Target::Below(0.1)),
    (CALLS.ours, MEMORY, Target::AtMost(300.0)),
    (CALLS.ratio, PER_PACKET[0], Target::AtMost(0.6)),
    (REGISTRATIONS, ACCOUNTS, Target::AtLeast(1_000.0)),
    (REGISTRATIONS, REGISTERED, Target::Below(10_000.0)),
    (FLOOD, VARIATION, Target::Below(20.0)),
];

fn micros(load: &'static str, names: [&'static str; 3]) -> Vec<Metric> {
    names.map(|name| Metric::new(load, name, Unit::Microseconds)).to_vec()
}

fn millis(load: &'static str, names: [&'static str; 2]) -> Vec<Metric> {
    names.map(|name| Metric::new(load, name, Unit::Milliseconds)).to_vec()
}

fn usage(load: &'static str) -> Vec<Metric> {
    [TELEPHONE, BUSY, OTHERS].map(|name| Metric::new(load, name, Unit::Percent)).to_vec()
}

fn setting_up(load: &'static str) -> Vec<Metric> {
    let rate = vec![Metric::new(load, SETUPS, Unit::PerSecond)];
    [rate, micros(load, PER_SETUP), millis(load, [SETUP_P50, SETUP_P99]), usage(load)].concat()
}

fn calls(load: &'static str) -> Vec<Metric> {
    let rate = vec![Metric::new(load, RELAYED, Unit::PerSecond)];
    let loss = vec![Metric::new(load, LOSS, Unit::Percent)];
    let memory = vec![Metric::new(load, MEMORY, Unit::Kilobytes)];
    let round = millis(load, [ROUND_P50, ROUND_P99]);
    [rate, micros(load, PER_PACKET), loss, round, memory, usage(load)].concat()
}

fn registrations(load: &'static str) -> Vec<Metric> {
    let all = vec![Metric::new(load, ACCOUNTS, Unit::Count), Metric::new(load, REGISTERED, Unit::Milliseconds)];
    [all, micros(load, PER_ACCOUNT), usage(load)].concat()
}

fn flood(load: &'static str) -> Vec<Metric> {
    let rate = vec![Metric::new(load, FLOODED, Unit::PerSecond), Metric::new(load, LOSS, Unit::Percent)];
    [rate, millis(load, [VARIATION_QUIET, VARIATION]), usage(load)].concat()
}

fn both(both: &Both, figures: fn(&'static str) -> Vec<Metric>) -> Vec<Metric> {
    let ratios = both.compared.iter().map(|name| Metric::new(both.ratio, name, Unit::Times)).collect();
    [figures(both.ours), figures(both.janus), ratios].concat()
}

/// All figures, in the order of the table.
pub(super) static FIGURES: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let mut all: Vec<_> = [SEAL, SEND, OPERATION].map(|name| Metric::new(CALIBRATION, name, Unit::Nanoseconds)).into();
    all.extend(both(&SETTING_UP, setting_up));
    all.extend(both(&CALLS, calls));
    all.extend(registrations(REGISTRATIONS));
    all.extend(flood(FLOOD));
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
        for (load, name, target) in TARGETS {
            let wanted = FIGURES.iter().find(|figure| figure.load == load && figure.name == name);
            assert_eq!(wanted.map(|figure| figure.target), Some(Some(target)), "{load}: {name}");
        }
    }
}
