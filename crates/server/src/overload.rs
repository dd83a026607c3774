//! Whether the machine has enough to do: then the hub lets no new publisher or player in, and what runs goes on.
//!
//! Two figures decide: the load of the whole machine over the last seconds, and the memory that is still to be had. Both
//! come from `/proc` and, where a control group limits us, from `/sys/fs/cgroup` (`proc(5)`, cgroup v2). Where there is
//! no such file, that figure decides nothing.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Limits;
use crate::shell::Shell;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// Looks whose mean counts: more calms the answer, fewer makes it quicker. A publisher that joins costs a burst of its
/// own, which must not turn the next one away.
const SAMPLES: usize = 5;

/// From when on the machine has enough to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    cpu_percent: u8,
    available_bytes: u64,
}

impl Bounds {
    pub(crate) fn of(limits: &Limits) -> Self {
        let available_bytes = limits.min_available_mb.saturating_mul(1024 * 1024);
        Self { cpu_percent: limits.cpu_percent, available_bytes }
    }
}

/// Looks at the machine once per second and tells the hub, for ever. The first look has been taken when this returns.
pub(crate) fn watch(shell: Arc<Shell>, bounds: Bounds) -> impl Future<Output = ()> {
    let mut gauge = Gauge::default();
    let mut overloaded = false;
    let mut look = move |shell: &Shell| {
        gauge.look(read("/proc/stat").as_deref());
        let is = gauge.is_above(bounds.cpu_percent) || available().is_some_and(|bytes| bytes <= bounds.available_bytes);
        if is != overloaded {
            overloaded = is;
            shell.switchboard.set_overloaded(is);
            if is {
                tracing::warn!(
                    "the machine has enough to do (limits.cpu_percent, limits.min_available_mb): new publishers and players are refused"
                );
            } else {
                tracing::info!("the machine has room again: publishers and players are let in");
            }
        }
    };
    look(&shell);
    async move {
        loop {
            tokio::time::sleep(PERIOD).await;
            look(&shell);
        }
    }
}

/// A small file of the system; there may be none.
fn read(path: impl Into<PathBuf>) -> Option<String> {
    fs::read_to_string(path.into()).ok()
}

/// The load of the machine over the last looks.
#[derive(Debug, Default)]
struct Gauge {
    last: Option<Ticks>,
    /// Percent.
    samples: VecDeque<f64>,
}

impl Gauge {
    fn look(&mut self, stat: Option<&str>) {
        let Some(now) = stat.and_then(Ticks::parse) else { return };
        if let Some(percent) = self.last.replace(now).and_then(|before| now.percent_since(before)) {
            if self.samples.len() == SAMPLES {
                self.samples.pop_front();
            }
            self.samples.push_back(percent);
        }
    }

    /// Not before there are enough looks: a server's start alone can keep a small machine busy for a second. 100 is no
    /// limit, since nothing is above it.
    fn is_above(&self, percent: u8) -> bool {
        let mean = self.samples.iter().sum::<f64>() / SAMPLES as f64;
        self.samples.len() == SAMPLES && percent < 100 && mean >= f64::from(percent)
    }
}

/// What the machine's processors have done since it was started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Ticks {
    /// The first line of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal …`. What is behind `steal` is
    /// counted in `user` and `nice` already. Stolen time is busy: nobody can have it.
    fn parse(stat: &str) -> Option<Self> {
        let mut words = stat.lines().next()?.split_ascii_whitespace();
        if words.next() != Some("cpu") {
            return None;
        }
        let ticks: Vec<u64> = words.take(8).map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let all = ticks.iter().sum();
        let idle: u64 = ticks.get(3..5)?.iter().sum();
        Some(Self { busy: all - idle, all })
    }

    /// Percent of the time since; `None` if there was none. Some figures may go back a little.
    fn percent_since(self, before: Self) -> Option<f64> {
        let all = self.all.saturating_sub(before.all);
        let busy = self.busy.saturating_sub(before.busy).min(all);
        (all > 0).then(|| 100.0 * busy as f64 / all as f64)
    }
}

/// The memory that is still to be had: the machine's, or what our control group has left, if that is less.
fn available() -> Option<u64> {
    let machine = read("/proc/meminfo").as_deref().and_then(available_of_machine);
    let group = read("/proc/self/cgroup").as_deref().and_then(group_folder).and_then(|folder| {
        let file = |name: &str| read(folder.join(name));
        left_of_group(&file("memory.max")?, &file("memory.current")?, &file("memory.stat").unwrap_or_default())
    });
    machine.into_iter().chain(group).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available_of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Where our group's files are: the line `0::/path` of `/proc/self/cgroup`.
fn group_folder(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(PathBuf::from("/sys/fs/cgroup").join(path))
}

/// What a group may still take, in bytes; `None` if it has no limit. Files that it only has read count as free: the
/// system drops them when memory is wanted.
fn left_of_group(max: &str, current: &str, stat: &str) -> Option<u64> {
    let max: u64 = max.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    let dropped = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok()).unwrap_or(0);
    Some(max.saturating_sub(current.saturating_sub(dropped)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(user: u64, idle: u64, iowait: u64, steal: u64) -> String {
        format!("cpu  {user} 0 0 {idle} {iowait} 0 0 {steal} 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n")
    }

    #[test]
    fn the_machines_ticks_are_read() {
        assert_eq!(Ticks::parse(&stat(10, 70, 15, 5)), Some(Ticks { busy: 15, all: 100 }));
        // Before Linux 2.6.11 there was no steal, and nothing behind it.
        assert_eq!(Ticks::parse("cpu 1 2 3 4 5 6 7\n"), Some(Ticks { busy: 19, all: 28 }));
        for bad in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu a b c d e", "intr 1"] {
            assert_eq!(Ticks::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_mean_of_the_last_five_looks_counts() {
        let mut gauge = Gauge::default();
        let (mut user, mut idle) = (1_000, 1_000);
        let mut look = |gauge: &mut Gauge, percent: u64| {
            (user, idle) = (user + percent, idle + 100 - percent);
            gauge.look(Some(&stat(user, idle, 0, 0)));
        };
        // The first look has nothing before it.
        (0..5).for_each(|_| look(&mut gauge, 100));
        assert!(!gauge.is_above(0), "four tell nothing");
        look(&mut gauge, 100);
        assert!(gauge.is_above(99) && !gauge.is_above(100), "100 is no limit");
        (0..4).for_each(|_| look(&mut gauge, 50));
        assert!(gauge.is_above(60) && !gauge.is_above(61), "{gauge:?}");
        look(&mut gauge, 50);
        assert!(gauge.is_above(50) && !gauge.is_above(51), "the oldest has gone: {gauge:?}");
        gauge.look(None);
        assert!(gauge.is_above(50), "a look that fails changes nothing");
    }

    #[test]
    fn ticks_that_stand_still_or_go_back_tell_nothing_wrong() {
        let ticks = |busy, all| Ticks { busy, all };
        assert_eq!(ticks(5, 10).percent_since(ticks(5, 10)), None);
        assert_eq!(ticks(5, 9).percent_since(ticks(5, 10)), None);
        assert_eq!(ticks(4, 20).percent_since(ticks(5, 10)), Some(0.0));
        assert_eq!(ticks(25, 20).percent_since(ticks(5, 10)), Some(100.0));
    }

    #[test]
    fn available_memory_is_the_lesser_of_machine_and_group() {
        let meminfo = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available_of_machine(meminfo), Some(2048 * 1024));
        assert_eq!(available_of_machine("MemFree: 1 kB\n"), None);
        assert_eq!(group_folder("1:name=x:/y\n0::/a/b\n"), Some(PathBuf::from("/sys/fs/cgroup/a/b")));
        assert_eq!(group_folder("0::/\n"), Some(PathBuf::from("/sys/fs/cgroup/")));
        assert_eq!(group_folder("5:memory:/old\n"), None);
        assert_eq!(left_of_group("1000\n", "700\n", "anon 5\ninactive_file 200\n"), Some(500));
        assert_eq!(left_of_group("1000\n", "1200\n", ""), Some(0));
        assert_eq!(left_of_group("max\n", "700\n", ""), None, "no limit");
    }

    /// On the machine that tests run on, Linux: both figures are there, and make sense.
    #[test]
    fn this_machine_can_be_looked_at() {
        let ticks = read("/proc/stat").as_deref().and_then(Ticks::parse).expect("Linux");
        assert!(ticks.all > ticks.busy && ticks.busy > 0, "{ticks:?}");
        assert!(available().expect("Linux") > 1024 * 1024);
    }
}
