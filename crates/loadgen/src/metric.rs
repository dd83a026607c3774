//! The figures that the benchmark prints, and what each should be.

/// What a figure counts; decides how it is written and whether it depends on the machine's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Per second. Compared to the yardstick as the time per piece.
    PerSecond,
    Milliseconds,
    Microseconds,
    /// Processor time: seconds for a million.
    SecondsPerMillion,
    Nanoseconds,
    /// 1024 bytes, as the kernel counts resident memory.
    Kilobytes,
    Percent,
    Count,
    Times,
}

impl Unit {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::SecondsPerMillion => "s/1e6",
            Self::Nanoseconds => "ns",
            Self::Kilobytes => "kB",
            Self::Percent => "%",
            Self::Count => "",
            Self::Times => "x",
        }
    }

    /// The figure in nanoseconds, if it is a time.
    pub(crate) fn nanos(self, value: f64) -> Option<f64> {
        match self {
            Self::PerSecond => (value > 0.0).then(|| 1e9 / value),
            Self::Milliseconds => Some(value * 1e6),
            Self::Microseconds | Self::SecondsPerMillion => Some(value * 1e3),
            Self::Nanoseconds => Some(value),
            Self::Kilobytes | Self::Percent | Self::Count | Self::Times => None,
        }
    }

    /// Three digits that mean something; whole numbers for what is counted.
    pub(crate) fn write(self, value: f64) -> String {
        let digits = match (self, value.abs()) {
            (Self::PerSecond | Self::Count | Self::Nanoseconds, _) => 0,
            (_, 100.0..) => 0,
            (_, 10.0..) => 1,
            _ => 2,
        };
        format!("{value:.digits$}")
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
}

impl Target {
    pub(crate) fn met(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::Below(limit) => value < limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    pub(crate) fn write(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::Below(limit) => format!("< {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    /// The load it belongs to.
    pub(crate) load: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) target: Option<Target>,
}

impl Metric {
    pub(crate) const fn new(load: &'static str, name: &'static str, unit: Unit) -> Self {
        Self { load, name, unit, target: None }
    }

    pub(crate) const fn wanted(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_text() {
        assert_eq!(Unit::PerSecond.write(47_600.4), "47600");
        assert_eq!(Unit::Milliseconds.write(0.1234), "0.12");
        assert_eq!(Unit::Milliseconds.write(12.34), "12.3");
        assert_eq!(Unit::Kilobytes.write(131.2), "131");
        assert_eq!(Unit::Count.write(3.0), "3");
    }

    #[test]
    fn targets() {
        assert!(Target::AtMost(9.0).met(9.0) && !Target::AtMost(9.0).met(9.1));
        assert!(!Target::Below(2.0).met(2.0) && Target::Below(2.0).met(1.9));
        assert!(Target::AtLeast(8000.0).met(8000.0) && !Target::AtLeast(8000.0).met(7999.0));
        assert_eq!(Target::AtMost(1.6).write(), "<= 1.6");
    }

    #[test]
    fn times_in_nanoseconds() {
        assert_eq!(Unit::PerSecond.nanos(1e6), Some(1e3));
        assert_eq!(Unit::PerSecond.nanos(0.0), None);
        assert_eq!(Unit::Microseconds.nanos(2.0), Some(2e3));
        assert_eq!(Unit::Kilobytes.nanos(2.0), None);
    }
}
