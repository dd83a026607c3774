//! Every figure of the benchmark, in the order of the table, with its target.

use std::sync::LazyLock;

use crate::dialect::Dialect;
use crate::metric::{Metric, Target, Unit};

pub(crate) const CALIBRATION: &str = "calibration";
pub(crate) const SATURATED: &str = "saturated";
pub(crate) const OPEN: &str = "open loop";
pub(crate) const STUCK: &str = "stuck reader";
pub(crate) const IDLE: &str = "idle";
pub(crate) const STORM: &str = "join storm";
pub(crate) const SID_REGISTRATIONS: &str = "sid registrations";
pub(crate) const SID_IDLE: &str = "sid idle";
pub(crate) const TLS_HANDSHAKES: &str = "tls handshakes";
pub(crate) const WS_HANDSHAKES: &str = "ws handshakes";
pub(crate) const TLS_IDLE: &str = "tls idle";

/// A load on the relay, the same on the echo, and what compares them.
pub(crate) struct Pair {
    pub(crate) relay: &'static str,
    pub(crate) echo: &'static str,
    pub(crate) ratio: &'static str,
}

pub(crate) const SATURATED_PAIR: Pair =
    Pair { relay: SATURATED, echo: "saturated echo", ratio: "saturated, relay / echo" };
pub(crate) const OPEN_PAIR: Pair = Pair { relay: OPEN, echo: "open loop echo", ratio: "open loop, relay / echo" };
pub(crate) const SID_SATURATED_PAIR: Pair =
    Pair { relay: "sid saturated", echo: "sid saturated echo", ratio: "sid saturated, relay / echo" };
pub(crate) const SID_OPEN_PAIR: Pair =
    Pair { relay: "sid open loop", echo: "sid open loop echo", ratio: "sid open loop, relay / echo" };
pub(crate) const TLS_SATURATED_PAIR: Pair =
    Pair { relay: "tls saturated", echo: "tls saturated echo", ratio: "tls saturated, relay / echo" };
pub(crate) const TLS_SID_SATURATED_PAIR: Pair =
    Pair { relay: "tls sid saturated", echo: "tls sid saturated echo", ratio: "tls sid saturated, relay / echo" };

pub(crate) const SEAL: &str = "AES-128-GCM, 1200 bytes";
pub(crate) const SEND: &str = "UDP send, loopback";
pub(crate) const OPERATION: &str = "both: one yardstick";

pub(crate) const RATE: &str = "messages relayed";
pub(crate) const P50: &str = "latency p50";
pub(crate) const P99: &str = "latency p99";
pub(crate) const P999: &str = "latency p99.9";
pub(crate) const MAX: &str = "latency max";
pub(crate) const CPU: &str = "server CPU";
pub(crate) const CPU_USER: &str = "server CPU, user";
pub(crate) const CPU_SYSTEM: &str = "server CPU, system";
pub(crate) const BUSY: &str = "generator busy";
pub(crate) const OTHERS: &str = "other processes";
pub(crate) const LOST: &str = "messages lost";

pub(crate) const EVICTIONS: &str = "stuck member given up";
pub(crate) const FLOODED: &str = "messages to it";

pub(crate) const CLIENTS: &str = "clients";

/// What the memory is measured after, in order.
pub(crate) struct Stages {
    pub(crate) connected: &'static str,
    pub(crate) entered: &'static str,
    pub(crate) idle: &'static str,
    pub(crate) offered: &'static str,
}

const MESH_STAGES: Stages = Stages {
    connected: "memory, connected only",
    entered: "memory, joined",
    idle: "memory, joined and idle",
    offered: "memory, after 6 kB offers",
};

const SID_STAGES: Stages = Stages {
    connected: "memory, connected only",
    entered: "memory, registered",
    idle: "memory, registered and idle",
    offered: "memory, in calls of 6 kB",
};

pub(crate) fn stages(dialect: Dialect) -> &'static Stages {
    match dialect {
        Dialect::Mesh => &MESH_STAGES,
        Dialect::Sid => &SID_STAGES,
    }
}

pub(crate) const JOINS: &str = "joins";
pub(crate) const HANDSHAKES: &str = "handshakes";
pub(crate) const SETUP_P50: &str = "connection set-up p50";
pub(crate) const SETUP_P99: &str = "connection set-up p99";
pub(crate) const SETUP_MAX: &str = "connection set-up max";
pub(crate) const EARLY_LISTS: &str = "lists before joined";
pub(crate) const INCOMPLETE: &str = "clients without full list";
pub(crate) const REGISTERED: &str = "all registered";
pub(crate) const ALL_LISTED: &str = "all registered and listed";
pub(crate) const LISTS: &str = "lists sent";

/// Where others used more of the machine, in percent, a run's latencies are not the server's alone.
pub(crate) const NOISE: f64 = 10.0;

const NONE: Target = Target::AtMost(0.0);

/// What relay and echo of a closed or an open loop show alike.
fn relayed(load: &'static str) -> [Metric; 10] {
    [
        Metric::new(load, RATE, Unit::PerSecond),
        Metric::new(load, P50, Unit::Milliseconds),
        Metric::new(load, P99, Unit::Milliseconds),
        Metric::new(load, P999, Unit::Milliseconds),
        Metric::new(load, MAX, Unit::Milliseconds),
        Metric::new(load, CPU, Unit::SecondsPerMillion),
        Metric::new(load, CPU_USER, Unit::SecondsPerMillion),
        Metric::new(load, CPU_SYSTEM, Unit::SecondsPerMillion),
        Metric::new(load, BUSY, Unit::Percent),
        Metric::new(load, OTHERS, Unit::Percent),
    ]
}

fn pair(pair: &Pair, lossless: bool) -> Vec<Metric> {
    let mut figures = Vec::new();
    for load in [pair.relay, pair.echo] {
        figures.extend(relayed(load));
        if lossless {
            figures.push(Metric::new(load, LOST, Unit::Count).wanted(NONE));
        }
    }
    figures.push(Metric::new(pair.ratio, CPU, Unit::Times));
    figures
}

fn memory(load: &'static str, stages: &Stages) -> [Metric; 5] {
    [
        Metric::new(load, CLIENTS, Unit::Count),
        Metric::new(load, stages.connected, Unit::Kilobytes),
        Metric::new(load, stages.entered, Unit::Kilobytes),
        Metric::new(load, stages.idle, Unit::Kilobytes),
        Metric::new(load, stages.offered, Unit::Kilobytes),
    ]
}

fn handshakes(load: &'static str) -> [Metric; 7] {
    [
        Metric::new(load, HANDSHAKES, Unit::PerSecond),
        Metric::new(load, CPU, Unit::Microseconds),
        Metric::new(load, SETUP_P50, Unit::Milliseconds),
        Metric::new(load, SETUP_P99, Unit::Milliseconds),
        Metric::new(load, SETUP_MAX, Unit::Milliseconds),
        Metric::new(load, BUSY, Unit::Percent),
        Metric::new(load, OTHERS, Unit::Percent),
    ]
}

fn calibration() -> [Metric; 3] {
    [SEAL, SEND, OPERATION].map(|name| Metric::new(CALIBRATION, name, Unit::Nanoseconds))
}

fn stuck() -> [Metric; 10] {
    [
        Metric::new(STUCK, RATE, Unit::PerSecond),
        Metric::new(STUCK, P50, Unit::Milliseconds),
        Metric::new(STUCK, P99, Unit::Milliseconds),
        Metric::new(STUCK, P999, Unit::Milliseconds),
        Metric::new(STUCK, MAX, Unit::Milliseconds),
        Metric::new(STUCK, LOST, Unit::Count).wanted(NONE),
        Metric::new(STUCK, FLOODED, Unit::Count),
        Metric::new(STUCK, EVICTIONS, Unit::Count),
        Metric::new(STUCK, BUSY, Unit::Percent),
        Metric::new(STUCK, OTHERS, Unit::Percent),
    ]
}

fn storm() -> [Metric; 9] {
    [
        Metric::new(STORM, JOINS, Unit::PerSecond),
        Metric::new(STORM, CPU, Unit::Microseconds),
        Metric::new(STORM, SETUP_P50, Unit::Milliseconds),
        Metric::new(STORM, SETUP_P99, Unit::Milliseconds),
        Metric::new(STORM, SETUP_MAX, Unit::Milliseconds),
        Metric::new(STORM, EARLY_LISTS, Unit::Count).wanted(NONE),
        Metric::new(STORM, INCOMPLETE, Unit::Count).wanted(NONE),
        Metric::new(STORM, BUSY, Unit::Percent),
        Metric::new(STORM, OTHERS, Unit::Percent),
    ]
}

fn registrations() -> [Metric; 9] {
    let load = SID_REGISTRATIONS;
    [
        Metric::new(load, CLIENTS, Unit::Count),
        Metric::new(load, REGISTERED, Unit::Milliseconds),
        Metric::new(load, ALL_LISTED, Unit::Milliseconds),
        Metric::new(load, CPU, Unit::Microseconds),
        Metric::new(load, LISTS, Unit::Count),
        Metric::new(load, EARLY_LISTS, Unit::Count).wanted(NONE),
        Metric::new(load, INCOMPLETE, Unit::Count).wanted(NONE),
        Metric::new(load, BUSY, Unit::Percent),
        Metric::new(load, OTHERS, Unit::Percent),
    ]
}

/// What is wanted beyond that nothing is lost.
const TARGETS: [(&str, &str, Target); 12] = [
    (SATURATED, CPU, Target::AtMost(9.0)),
    (SATURATED_PAIR.ratio, CPU, Target::AtMost(1.6)),
    (OPEN, P99, Target::Below(2.0)),
    (OPEN, CPU, Target::AtMost(18.0)),
    (STUCK, P999, Target::Below(20.0)),
    (IDLE, MESH_STAGES.idle, Target::AtMost(8.0)),
    (IDLE, MESH_STAGES.offered, Target::AtMost(14.0)),
    (STORM, JOINS, Target::AtLeast(8_000.0)),
    (STORM, SETUP_P99, Target::Below(100.0)),
    (SID_REGISTRATIONS, ALL_LISTED, Target::Below(2_000.0)),
    (SID_SATURATED_PAIR.relay, CPU, Target::AtMost(9.0)),
    (TLS_IDLE, MESH_STAGES.idle, Target::AtMost(14.0)),
];

/// All figures, in the order of the table.
pub(crate) static FIGURES: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let mut all = Vec::from(calibration());
    all.extend(pair(&SATURATED_PAIR, false));
    all.extend(pair(&OPEN_PAIR, true));
    all.extend(stuck());
    all.extend(memory(IDLE, &MESH_STAGES));
    all.extend(storm());
    all.extend(registrations());
    all.extend(pair(&SID_SATURATED_PAIR, false));
    all.extend(pair(&SID_OPEN_PAIR, true));
    all.extend(memory(SID_IDLE, &SID_STAGES));
    all.extend(handshakes(TLS_HANDSHAKES));
    all.extend(handshakes(WS_HANDSHAKES));
    all.extend(memory(TLS_IDLE, &MESH_STAGES));
    all.extend(pair(&TLS_SATURATED_PAIR, false));
    all.extend(pair(&TLS_SID_SATURATED_PAIR, false));
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
        let wanted = FIGURES.iter().filter(|figure| figure.target.is_some()).count();
        let lossless = FIGURES.iter().filter(|figure| figure.target == Some(NONE)).count();
        assert_eq!(wanted, TARGETS.len() + lossless);
        assert_eq!(lossless, 9);
    }
}
