//! What the store counts, as far as it was when the text is asked for.

use patchbay_store::Counts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Default)]
pub(super) struct StoreFigures {
    jobs: Family<[(&'static str, &'static str); 1], Counter>,
    failures: Family<[(&'static str, &'static str); 1], Counter>,
    spared: Counter,
    commits: Counter,
    swept: Counter,
    queued: Gauge,
}

impl StoreFigures {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("store_jobs", "Jobs of the store, by kind", self.jobs.clone());
        registry.register("store_failures", "Jobs of the store that failed, by cause", self.failures.clone());
        registry.register("store_jobs_spared", "Jobs answered at once: nothing is stored", self.spared.clone());
        registry.register("store_commits", "Transactions of the store that are on the disk", self.commits.clone());
        registry.register("store_records_swept", "Records removed because their time was over", self.swept.clone());
        registry.register("store_jobs_waiting", "Jobs that wait for the store", self.queued.clone());
        self.set(Counts::default());
    }

    pub(super) fn set(&self, counts: Counts) {
        let raise = |counter: &Counter, value: u64| {
            counter.inc_by(value.saturating_sub(counter.get()));
        };
        for (kind, value) in [("get", counts.gets), ("put", counts.puts), ("list", counts.lists)] {
            raise(&self.jobs.get_or_create(&[("kind", kind)]), value);
        }
        for (cause, value) in [("full", counts.refused), ("gone", counts.failed)] {
            raise(&self.failures.get_or_create(&[("cause", cause)]), value);
        }
        raise(&self.spared, counts.spared);
        raise(&self.commits, counts.commits);
        raise(&self.swept, counts.swept);
        self.queued.set(i64::try_from(counts.queued).unwrap_or(i64::MAX));
    }
}
