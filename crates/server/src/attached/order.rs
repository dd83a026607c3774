//! What a session wants done apart from the hub and the telephones: words to the operator, and jobs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::Tag;
use patchbay_dialect_kit::Outbox;
use patchbay_dialect_kit::job::{Done, Job};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::Attached;
use crate::dial;
use crate::jobs::Waiting;
use crate::telemetry;

/// How long a name may take to be looked up: somebody waits for the answer.
const LOOKING: Duration = Duration::from_secs(5);

impl Attached {
    pub(super) fn carry_out(&self, out: &mut Outbox) {
        out.take_warnings().for_each(telemetry::warn_once);
        out.take_jobs().for_each(|(tag, job)| self.order(tag, job));
    }

    fn order(&self, tag: Tag, job: Job) {
        let waiting = || Waiting::of_connection(self.party, &self.mailbox, tag);
        match job {
            Job::Dial(to) => {
                tokio::spawn(dial::run(Arc::clone(&self.shell), self.dialect, to, waiting()));
            }
            Job::Resolve { host } => {
                let waiting = waiting();
                tokio::spawn(async move {
                    waiting.tell(resolved(&host).await.map_or(Done::Failed, Done::Address));
                });
            }
            Job::Stop => self.shell.stop.notify_one(),
            job => self.shell.jobs.take(self.party, &self.mailbox, tag, job),
        }
    }
}

/// The first address of a name, IPv4 before IPv6, as servers of the time know it.
async fn resolved(host: &str) -> Option<IpAddr> {
    let found = timeout(LOOKING, lookup_host((host, 0))).await.ok()?.ok()?;
    let mut found: Vec<_> = found.map(|address| address.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().copied()
}
