//! Every figure of the benchmark, in the order of the table, with its target.

use crate::metric::{Metric, Target, Unit};

pub(crate) const CALIBRATION: &str = "calibration";
pub(crate) const SATURATED: &str = "saturated";
pub(crate) const OPEN: &str = "open loop";
pub(crate) const STUCK: &str = "stuck reader";
pub(crate) const IDLE: &str = "idle";
pub(crate) const STORM: &str = "join storm";

/// A load on the relay, the same on the echo, and what compares them.
pub(crate) struct Pair {
    pub(crate) relay: &'static str,
    pub(crate) echo: &'static str,
    pub(crate) ratio: &'static str,
}

pub(crate) const SATURATED_PAIR: Pair =
    Pair { relay: SATURATED, echo: "saturated echo", ratio: "saturated, relay / echo" };
pub(crate) const OPEN_PAIR: Pair = Pair { relay: OPEN, echo: "open loop echo", ratio: "open loop, relay / echo" };

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

pub(crate) const CONNECTED: &str = "memory, connected only";
pub(crate) const JOINED: &str = "memory, joined";
pub(crate) const JOINED_IDLE: &str = "memory, joined and idle";
pub(crate) const OFFERED: &str = "memory, after 6 kB offers";
pub(crate) const CLIENTS: &str = "clients";

pub(crate) const JOINS: &str = "joins";
pub(crate) const SETUP_P50: &str = "connection set-up p50";
pub(crate) const SETUP_P99: &str = "connection set-up p99";
pub(crate) const SETUP_MAX: &str = "connection set-up max";
pub(crate) const EARLY_LISTS: &str = "lists before joined";
pub(crate) const INCOMPLETE: &str = "clients without full list";

/// Where others used more of the machine, in percent, a run's latencies are not the server's alone.
pub(crate) const NOISE: f64 = 10.0;

const NONE: Target = Target::AtMost(0.0);

pub(crate) static FIGURES: [Metric; 71] = [
    Metric::new(CALIBRATION, SEAL, Unit::Nanoseconds),
    Metric::new(CALIBRATION, SEND, Unit::Nanoseconds),
    Metric::new(CALIBRATION, OPERATION, Unit::Nanoseconds),
    Metric::new(SATURATED, RATE, Unit::PerSecond),
    Metric::new(SATURATED, P50, Unit::Milliseconds),
    Metric::new(SATURATED, P99, Unit::Milliseconds),
    Metric::new(SATURATED, P999, Unit::Milliseconds),
    Metric::new(SATURATED, MAX, Unit::Milliseconds),
    Metric::new(SATURATED, CPU, Unit::SecondsPerMillion).wanted(Target::AtMost(9.0)),
    Metric::new(SATURATED, CPU_USER, Unit::SecondsPerMillion),
    Metric::new(SATURATED, CPU_SYSTEM, Unit::SecondsPerMillion),
    Metric::new(SATURATED, BUSY, Unit::Percent),
    Metric::new(SATURATED, OTHERS, Unit::Percent),
    Metric::new(SATURATED_PAIR.echo, RATE, Unit::PerSecond),
    Metric::new(SATURATED_PAIR.echo, P50, Unit::Milliseconds),
    Metric::new(SATURATED_PAIR.echo, P99, Unit::Milliseconds),
    Metric::new(SATURATED_PAIR.echo, P999, Unit::Milliseconds),
    Metric::new(SATURATED_PAIR.echo, MAX, Unit::Milliseconds),
    Metric::new(SATURATED_PAIR.echo, CPU, Unit::SecondsPerMillion),
    Metric::new(SATURATED_PAIR.echo, CPU_USER, Unit::SecondsPerMillion),
    Metric::new(SATURATED_PAIR.echo, CPU_SYSTEM, Unit::SecondsPerMillion),
    Metric::new(SATURATED_PAIR.echo, BUSY, Unit::Percent),
    Metric::new(SATURATED_PAIR.echo, OTHERS, Unit::Percent),
    Metric::new(SATURATED_PAIR.ratio, CPU, Unit::Times).wanted(Target::AtMost(1.6)),
    Metric::new(OPEN, RATE, Unit::PerSecond),
    Metric::new(OPEN, P50, Unit::Milliseconds),
    Metric::new(OPEN, P99, Unit::Milliseconds).wanted(Target::Below(2.0)),
    Metric::new(OPEN, P999, Unit::Milliseconds),
    Metric::new(OPEN, MAX, Unit::Milliseconds),
    Metric::new(OPEN, CPU, Unit::SecondsPerMillion).wanted(Target::AtMost(18.0)),
    Metric::new(OPEN, CPU_USER, Unit::SecondsPerMillion),
    Metric::new(OPEN, CPU_SYSTEM, Unit::SecondsPerMillion),
    Metric::new(OPEN, BUSY, Unit::Percent),
    Metric::new(OPEN, OTHERS, Unit::Percent),
    Metric::new(OPEN, LOST, Unit::Count).wanted(NONE),
    Metric::new(OPEN_PAIR.echo, RATE, Unit::PerSecond),
    Metric::new(OPEN_PAIR.echo, P50, Unit::Milliseconds),
    Metric::new(OPEN_PAIR.echo, P99, Unit::Milliseconds),
    Metric::new(OPEN_PAIR.echo, P999, Unit::Milliseconds),
    Metric::new(OPEN_PAIR.echo, MAX, Unit::Milliseconds),
    Metric::new(OPEN_PAIR.echo, CPU, Unit::SecondsPerMillion),
    Metric::new(OPEN_PAIR.echo, CPU_USER, Unit::SecondsPerMillion),
    Metric::new(OPEN_PAIR.echo, CPU_SYSTEM, Unit::SecondsPerMillion),
    Metric::new(OPEN_PAIR.echo, BUSY, Unit::Percent),
    Metric::new(OPEN_PAIR.echo, OTHERS, Unit::Percent),
    Metric::new(OPEN_PAIR.echo, LOST, Unit::Count).wanted(NONE),
    Metric::new(OPEN_PAIR.ratio, CPU, Unit::Times),
    Metric::new(STUCK, RATE, Unit::PerSecond),
    Metric::new(STUCK, P50, Unit::Milliseconds),
    Metric::new(STUCK, P99, Unit::Milliseconds),
    Metric::new(STUCK, P999, Unit::Milliseconds).wanted(Target::Below(20.0)),
    Metric::new(STUCK, MAX, Unit::Milliseconds),
    Metric::new(STUCK, LOST, Unit::Count).wanted(NONE),
    Metric::new(STUCK, FLOODED, Unit::Count),
    Metric::new(STUCK, EVICTIONS, Unit::Count),
    Metric::new(STUCK, BUSY, Unit::Percent),
    Metric::new(STUCK, OTHERS, Unit::Percent),
    Metric::new(IDLE, CLIENTS, Unit::Count),
    Metric::new(IDLE, CONNECTED, Unit::Kilobytes),
    Metric::new(IDLE, JOINED, Unit::Kilobytes),
    Metric::new(IDLE, JOINED_IDLE, Unit::Kilobytes).wanted(Target::AtMost(8.0)),
    Metric::new(IDLE, OFFERED, Unit::Kilobytes).wanted(Target::AtMost(14.0)),
    Metric::new(STORM, JOINS, Unit::PerSecond).wanted(Target::AtLeast(8_000.0)),
    Metric::new(STORM, CPU, Unit::Microseconds),
    Metric::new(STORM, SETUP_P50, Unit::Milliseconds),
    Metric::new(STORM, SETUP_P99, Unit::Milliseconds).wanted(Target::Below(100.0)),
    Metric::new(STORM, SETUP_MAX, Unit::Milliseconds),
    Metric::new(STORM, EARLY_LISTS, Unit::Count).wanted(NONE),
    Metric::new(STORM, INCOMPLETE, Unit::Count).wanted(NONE),
    Metric::new(STORM, BUSY, Unit::Percent),
    Metric::new(STORM, OTHERS, Unit::Percent),
];

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
}
