//! Counters for Prometheus. Names are `patchbay_<noun>_<unit>[_total]`; labels come from closed sets, never from a
//! client (DESIGN section 6).

mod sip;
mod store;

use std::sync::atomic::Ordering;

use patchbay_dialect_kit::CloseCause;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::jobs::Figures;
use crate::line::Lines;
use crate::media::Seat;
use crate::switchboard::Snapshot;
use sip::SipFigures;
use store::StoreFigures;

type Labels<const N: usize> = [(&'static str, &'static str); N];

pub(crate) struct Metrics {
    registry: Registry,
    dialects: Vec<PerDialect>,
    connections_refused: Family<Labels<1>, Counter>,
    gauges: Gauges,
}

/// The counters of one dialect, looked up once: a message must not pay for a map.
struct PerDialect {
    opened: Counter,
    messages_in: Counter,
    messages_out: Counter,
    closed: Vec<Counter>,
}

#[derive(Default)]
struct Gauges {
    parties: Gauge,
    rooms: Gauge,
    members: Gauge,
    streams: Gauge,
    views: Gauge,
    resident: Gauge,
    media: MediaFigures,
    sip: SipFigures,
    store: StoreFigures,
}

/// What the media workers count, as far as it was when the text is asked for.
#[derive(Default)]
struct MediaFigures {
    legs: Gauge,
    packets_in: Counter,
    packets_out: Counter,
    strangers: Counter,
    panics: Counter,
    bursts_lost: Counter,
    sends_refused: Counter,
}

impl MediaFigures {
    fn register(&self, registry: &mut Registry) {
        registry.register("media_legs", "Open media connections", self.legs.clone());
        for (name, help, counter) in [
            ("media_packets_in", "RTP packets from publishers", &self.packets_in),
            ("media_packets_out", "RTP packets handed to viewers' connections", &self.packets_out),
            ("media_datagrams_strange", "Datagrams that belong to no media connection", &self.strangers),
            ("media_panics", "Media connections closed by a bug of ours", &self.panics),
            ("media_bursts_lost", "Bursts that another media worker did not take in time", &self.bursts_lost),
            ("media_sends_refused", "Sends that the system did not take", &self.sends_refused),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn set(&self, seat: &Seat) {
        let Some((counts, refused)) = seat.engine().map(patchbay_media_io::Engine::counts) else { return };
        self.legs.set(i64::try_from(counts.legs).unwrap_or(i64::MAX));
        for (counter, value) in [
            (&self.packets_in, counts.packets_in),
            (&self.packets_out, counts.packets_out),
            (&self.strangers, counts.strangers),
            (&self.panics, counts.panics),
            (&self.bursts_lost, counts.lost_bursts),
            (&self.sends_refused, refused),
        ] {
            counter.inc_by(value.saturating_sub(counter.get()));
        }
    }
}

/// Why a connection got no session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// `limits.connections` is reached.
    Full,
    /// The client's address has as many connections as `limits.connections_per_address` gives.
    Address,
    /// The request head was too large or did not come in time.
    Head,
    /// No TLS handshake came about.
    Tls,
    /// The upgrade was refused.
    Upgrade,
}

impl Refused {
    const fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Head => "head",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
        }
    }
}

impl Metrics {
    pub(crate) fn new(dialects: &[&'static str]) -> Self {
        let mut registry = Registry::with_prefix("patchbay");
        let opened = Family::<Labels<1>, Counter>::default();
        let closed = Family::<Labels<2>, Counter>::default();
        let messages = Family::<Labels<2>, Counter>::default();
        let connections_refused = Family::<Labels<1>, Counter>::default();
        let gauges = Gauges::default();
        registry.register("connections_opened", "Signalling connections opened", opened.clone());
        registry.register("connections_closed", "Signalling connections ended, by cause", closed.clone());
        registry.register("connections_refused", "Connections that got no session", connections_refused.clone());
        registry.register("messages", "Signalling messages, by direction", messages.clone());
        registry.register("parties", "Attached parties", gauges.parties.clone());
        registry.register("rooms", "Live rooms", gauges.rooms.clone());
        registry.register("members", "Members of all rooms", gauges.members.clone());
        registry.register("streams", "Streams that are published or about to be", gauges.streams.clone());
        registry.register("views", "Views of streams", gauges.views.clone());
        gauges.media.register(&mut registry);
        gauges.sip.register(&mut registry);
        gauges.store.register(&mut registry);
        registry.register("resident_memory_bytes", "Resident memory of the process", gauges.resident.clone());
        let version = Family::<Labels<1>, Gauge>::default();
        version.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("build_info", "The version that runs", version);
        let per_dialect = |&name: &&'static str| PerDialect {
            opened: counter(&opened, [("dialect", name)]),
            messages_in: counter(&messages, [("dialect", name), ("direction", "in")]),
            messages_out: counter(&messages, [("dialect", name), ("direction", "out")]),
            closed: CloseCause::ALL
                .iter()
                .map(|cause| counter(&closed, [("dialect", name), ("cause", cause.label())]))
                .collect(),
        };
        let dialects = dialects.iter().map(per_dialect).collect();
        Self { registry, dialects, connections_refused, gauges }
    }

    /// Counts webhooks as well.
    pub(crate) fn with_hooks(mut self, figures: &Figures) -> Self {
        let registry = &mut self.registry;
        for (name, help, counter) in [
            ("hooks_allowed", "Questions to webhooks that were answered with yes", &figures.allowed),
            ("hooks_denied", "Questions to webhooks that were answered with no", &figures.denied),
            ("hooks_unanswered", "Questions to webhooks that were not answered", &figures.unanswered),
            ("hooks_told", "News that a webhook has taken", &figures.told),
            ("hooks_given_up", "News that no webhook took, however often it was told", &figures.given_up),
            ("hooks_dropped", "News for which there was no room", &figures.dropped),
            ("hooks_repeated", "News that were told again", &figures.repeated),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register("hooks_waiting", "News that wait for their webhook", figures.waiting.clone());
        self
    }

    pub(crate) fn connection_opened(&self, dialect: usize) {
        self.dialects[dialect].opened.inc();
    }

    pub(crate) fn connection_closed(&self, dialect: usize, cause: CloseCause) {
        let index = CloseCause::ALL.iter().position(|one| *one == cause).unwrap_or_default();
        self.dialects[dialect].closed[index].inc();
    }

    pub(crate) fn connection_refused(&self, why: Refused) {
        self.connections_refused.get_or_create(&[("cause", why.label())]).inc();
    }

    pub(crate) fn message_in(&self, dialect: usize) {
        self.dialects[dialect].messages_in.inc();
    }

    pub(crate) fn messages_out(&self, dialect: usize, count: u64) {
        if count > 0 {
            self.dialects[dialect].messages_out.inc_by(count);
        }
    }

    /// What the store counts now.
    pub(crate) fn set_store(&self, counts: patchbay_store::Counts) {
        self.gauges.store.set(counts);
    }

    /// The text of `/metrics` (OpenMetrics 1.0).
    pub(crate) fn render(&self, snapshot: &Snapshot, seat: &Seat, lines: &Lines) -> String {
        let value =
            |cell: &std::sync::atomic::AtomicU64| i64::try_from(cell.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        self.gauges.parties.set(value(&snapshot.parties));
        self.gauges.rooms.set(value(&snapshot.rooms));
        self.gauges.members.set(value(&snapshot.members));
        self.gauges.streams.set(value(&snapshot.streams));
        self.gauges.views.set(value(&snapshot.views));
        self.gauges.media.set(seat);
        self.gauges.sip.set(lines.counts());
        self.gauges.resident.set(resident_bytes().unwrap_or_default());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// One counter of a family. The family hands out a lock guard, which must be gone before it is asked again.
fn counter<const N: usize>(family: &Family<Labels<N>, Counter>, labels: Labels<N>) -> Counter {
    let guard = family.get_or_create(&labels);
    Counter::clone(&guard)
}

/// `VmRSS` of this process; `None` where there is no `/proc`.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<i64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_every_counter_with_its_labels() {
        let metrics = Metrics::new(&["mesh"]).with_hooks(&Figures::default());
        metrics.connection_opened(0);
        metrics.connection_closed(0, CloseCause::TooSlow);
        metrics.connection_refused(Refused::Full);
        metrics.message_in(0);
        metrics.messages_out(0, 3);
        metrics.set_store(patchbay_store::Counts { puts: 2, refused: 1, queued: 4, ..Default::default() });
        let text = metrics.render(&Snapshot::default(), &Seat::default(), &Lines::default());
        for line in [
            "patchbay_connections_opened_total{dialect=\"mesh\"} 1",
            "patchbay_connections_closed_total{dialect=\"mesh\",cause=\"too_slow\"} 1",
            "patchbay_connections_refused_total{cause=\"full\"} 1",
            "patchbay_messages_total{dialect=\"mesh\",direction=\"in\"} 1",
            "patchbay_messages_total{dialect=\"mesh\",direction=\"out\"} 3",
            "patchbay_parties 0",
            "patchbay_streams 0",
            "patchbay_media_legs 0",
            "patchbay_media_packets_out_total 0",
            "patchbay_hooks_told_total 0",
            "patchbay_hooks_waiting 0",
            "patchbay_sip_dialogs 0",
            "patchbay_store_jobs_total{kind=\"put\"} 2",
            "patchbay_store_failures_total{cause=\"full\"} 1",
            "patchbay_store_failures_total{cause=\"gone\"} 0",
            "patchbay_store_jobs_waiting 4",
            "patchbay_sip_requests_dropped_total 0",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
        }
        assert!(resident_bytes().is_none_or(|bytes| bytes > 0));
    }
}
