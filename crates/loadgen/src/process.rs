//! What the kernel says about the measured process and about ourselves.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit};
use rustix::time::ClockId;

/// Processor time of a process since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let ticks = rustix::param::clock_ticks_per_second();
        Self::parse(&stat, ticks).ok_or_else(|| io::Error::other("/proc/PID/stat has an unknown form"))
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user.saturating_sub(earlier.user), system: self.system.saturating_sub(earlier.system) }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }

    /// The same in the finer measure of [`exact_cpu`], which knows no user and no system time: in the same proportion.
    /// Where the fine one misses threads that have ended, the coarse one stands.
    pub(crate) fn refined(self, exact: Duration) -> Self {
        let coarse = self.total();
        if exact + 2 * tick() < coarse {
            return self;
        }
        let share = if coarse.is_zero() { 1.0 } else { self.user.as_secs_f64() / coarse.as_secs_f64() };
        let user = exact.mul_f64(share);
        Self { user, system: exact.saturating_sub(user) }
    }

    /// The command's name may hold anything, so the fields are counted from its closing parenthesis.
    fn parse(stat: &str, ticks_per_second: u64) -> Option<Self> {
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut time = || {
            let ticks: u64 = fields.next()?.parse().ok()?;
            Some(Duration::from_nanos(ticks * 1_000_000_000 / ticks_per_second))
        };
        Some(Self { user: time()?, system: time()? })
    }
}

/// Processor time of a process' threads that there are, to the nanosecond: `/proc/PID/stat` counts in hundredths of a
/// second, which is more than some measurements take in all.
pub(crate) fn exact_cpu(pid: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while we look.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        nanos += text.split_ascii_whitespace().next().and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanos))
}

/// What `/proc/PID/stat` counts in.
fn tick() -> Duration {
    Duration::from_secs(1) / rustix::param::clock_ticks_per_second() as u32
}

/// What all processes together have used of all cores, what the hypervisor kept for others included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MachineUse {
    busy: u64,
    total: u64,
}

impl MachineUse {
    pub(crate) fn now() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        Self::parse(&stat).ok_or_else(|| io::Error::other("/proc/stat has an unknown form"))
    }

    /// Share of all cores since `earlier` that was used by others than those who used `ours`, in percent.
    pub(crate) fn others_since(self, earlier: Self, ours: Duration) -> f64 {
        let ours = ours.as_secs_f64() * rustix::param::clock_ticks_per_second() as f64;
        let busy = self.busy.saturating_sub(earlier.busy) as f64 - ours;
        let total = self.total.saturating_sub(earlier.total).max(1) as f64;
        (100.0 * busy / total).max(0.0)
    }

    fn parse(stat: &str) -> Option<Self> {
        let fields = stat.strip_prefix("cpu ")?.lines().next()?.split_ascii_whitespace().take(8);
        let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
        let [user, nice, system, idle, iowait, irq, softirq, steal] = *ticks.as_array()?;
        let busy = user + nice + system + irq + softirq + steal;
        Some(Self { busy, total: busy + idle + iowait })
    }
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    vm_rss(&status).ok_or_else(|| io::Error::other("/proc/PID/status has no VmRSS"))
}

fn vm_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Processor time of this thread: of the whole generator, but for its helpers that only wait.
pub(crate) fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Raises the limit of open files to the hard one and returns it.
pub(crate) fn raise_open_files() -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where that is refused, the old limit stands, and the returned number says so.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
    rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The machine, for the head of the report.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |it| it.1);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {}, Linux {}", model.trim(), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_stat_are_found_behind_any_name() {
        let stat = "42 (a) 1 2 (b c) S 1 42 42 0 -1 4194304 100 0 0 0 250 75 9 9 20 0 4 0 100 1 1";
        let cpu = Cpu::parse(stat, 100).unwrap();
        assert_eq!(cpu, Cpu { user: Duration::from_millis(2500), system: Duration::from_millis(750) });
        assert_eq!(cpu.total(), Duration::from_millis(3250));
        assert_eq!(Cpu::parse("nonsense", 100), None);
    }

    #[test]
    fn the_finer_measure_keeps_the_proportion_and_does_not_lose_threads() {
        let coarse = Cpu { user: tick() * 30, system: tick() * 10 };
        let refined = coarse.refined(tick() * 41);
        assert_eq!(refined.total(), tick() * 41);
        assert!(refined.user.abs_diff(tick() * 41 * 3 / 4) < Duration::from_micros(1));
        assert_eq!(coarse.refined(tick() * 20), coarse);
        let began = own_cpu();
        let before = exact_cpu(std::process::id()).unwrap();
        while own_cpu() - began < Duration::from_millis(3) {}
        let used = exact_cpu(std::process::id()).unwrap() - before;
        assert!(used >= Duration::from_millis(2), "{used:?}");
    }

    #[test]
    fn the_use_by_others() {
        let before = MachineUse::parse("cpu  100 0 100 500 100 0 0 0 0 0\ncpu0 1 2").unwrap();
        let after = MachineUse::parse("cpu  150 10 120 700 100 10 5 5 0 0\n").unwrap();
        assert_eq!((before.busy, before.total), (200, 800));
        assert_eq!((after.busy, after.total), (300, 1100));
        let ticks = rustix::param::clock_ticks_per_second() as u32;
        let others = after.others_since(before, Duration::from_secs(70) / ticks);
        assert!((others - 10.0).abs() < 0.01, "{others}");
        assert_eq!(after.others_since(before, Duration::from_secs(1000)), 0.0);
        assert!(MachineUse::now().is_ok());
    }

    #[test]
    fn resident_memory() {
        assert_eq!(vm_rss("Name:\tx\nVmRSS:\t    1234 kB\nVmData: 9 kB\n"), Some(1234 * 1024));
        assert_eq!(vm_rss("Name:\tx\n"), None);
        assert!(resident(std::process::id()).unwrap() > 100_000);
    }

    #[test]
    fn our_own_time_passes() {
        let before = own_cpu();
        while own_cpu() == before {}
        assert!(Cpu::of(std::process::id()).is_ok());
    }
}
