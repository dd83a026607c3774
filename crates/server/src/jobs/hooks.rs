//! Questions and news for servers elsewhere.

use patchbay_dialect_kit::job::{Done, Job};

use super::Waiting;

/// Who asks and tells other servers.
#[derive(Default)]
pub(crate) struct Hooks {}

impl Hooks {
    /// Takes a [`Job::Ask`] or [`Job::Notify`]. Never waits.
    #[expect(clippy::unused_self, reason = "nobody is asked yet")]
    pub(crate) fn take(&self, waiting: Waiting, _job: Job) {
        waiting.tell(Done::Failed);
    }
}
