//! What one job may ask for.

use patchbay_dialect_kit::job::{Job, Key, Record};

/// Most records that one job reads or changes: more would let one job hold up those behind it, fewer would make sessions
/// order more often.
pub const CHANGES: usize = 256;

/// Most records of a page: the reference's own limit is 250.
pub const PAGE: usize = 250;

/// Whether the store does such a job: whoever orders one is of ours, so a job that is too large is a fault of ours and fails.
pub(crate) fn fits(job: &Job) -> bool {
    let key = |key: &Key| (1..=Key::BYTES).contains(&key.key.len());
    match job {
        Job::Get(keys) => keys.len() <= CHANGES && keys.iter().all(key),
        Job::Put(changes) => {
            let small = |record: &Option<Record>| record.as_ref().is_none_or(|record| record.0.len() <= Record::BYTES);
            changes.len() <= CHANGES && changes.iter().all(|change| key(&change.key) && small(&change.is))
        }
        Job::List { prefix, after, size, .. } => {
            let short = |key: &str| key.len() <= Key::BYTES;
            short(prefix) && after.as_deref().is_none_or(short) && *size <= PAGE
        }
        Job::Count { prefix, .. } => prefix.len() <= Key::BYTES,
        Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => false,
    }
}

/// What it keeps in memory while it waits, about.
pub(crate) fn bytes(job: &Job) -> usize {
    match job {
        Job::Get(keys) => keys.iter().map(|key| key.key.len()).sum(),
        Job::Put(changes) => changes
            .iter()
            .map(|change| change.key.key.len() + change.is.as_ref().map_or(0, |record| record.0.len()))
            .sum(),
        Job::List { prefix, after, .. } => prefix.len() + after.as_ref().map_or(0, |after| after.len()),
        Job::Count { prefix, .. } => prefix.len(),
        Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => 0,
    }
}
