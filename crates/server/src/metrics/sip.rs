//! What the SIP agent counts, as far as it was when the text is asked for.

use patchbay_sip_io::Counts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Default)]
pub(super) struct SipFigures {
    lines: Gauge,
    dialogs: Gauge,
    transactions: Gauge,
    connections: Gauge,
    received: Counter,
    sent: Counter,
    repeated: Counter,
    timed_out: Counter,
    unreadable: Counter,
    refused: Counter,
    dropped: Counter,
    stray: Counter,
}

impl SipFigures {
    pub(super) fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            ("sip_lines", "SIP accounts that are registered or about to be", &self.lines),
            ("sip_dialogs", "Calls that travel by SIP", &self.dialogs),
            ("sip_transactions", "SIP transactions that are not forgotten yet", &self.transactions),
            ("sip_connections", "SIP connections by TCP and TLS", &self.connections),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, counter) in [
            ("sip_messages_received", "SIP messages that were read", &self.received),
            ("sip_messages_sent", "SIP messages sent for the first time", &self.sent),
            ("sip_messages_repeated", "SIP messages sent again", &self.repeated),
            ("sip_requests_unanswered", "SIP requests of ours that nobody answered", &self.timed_out),
            ("sip_messages_unreadable", "What came and was no SIP message", &self.unreadable),
            ("sip_requests_refused", "SIP requests that were refused without asking anybody", &self.refused),
            ("sip_requests_dropped", "SIP requests dropped because there are too many", &self.dropped),
            ("sip_responses_stray", "SIP responses that belong to nothing", &self.stray),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    pub(super) fn set(&self, counts: Option<Counts>) {
        let Some(counts) = counts else { return };
        for (gauge, value) in [
            (&self.lines, counts.lines),
            (&self.dialogs, counts.dialogs),
            (&self.transactions, counts.transactions),
            (&self.connections, counts.connections),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        for (counter, value) in [
            (&self.received, counts.received),
            (&self.sent, counts.sent),
            (&self.repeated, counts.repeated),
            (&self.timed_out, counts.timed_out),
            (&self.unreadable, counts.unreadable),
            (&self.refused, counts.refused),
            (&self.dropped, counts.dropped),
            (&self.stray, counts.stray),
        ] {
            counter.inc_by(value.saturating_sub(counter.get()));
        }
    }
}
