//! Records whose time is over are removed, a few at a time.

use std::ops::Bound;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use patchbay_dialect_kit::job::Table;
use redb::{Database, Error, ReadableTable};

use crate::Expires;
use crate::batch::definition;

/// Between two looks: more often finds them sooner, which nobody notices but the disk; less often lets a flood of short
/// tokens grow.
const PERIOD: Duration = Duration::from_secs(60);

/// Records of one look: more finishes a large table sooner, fewer holds up the jobs behind it for less. Ten thousand are
/// looked at within some milliseconds.
const LOOKS: usize = 10_000;

/// Where records that expire are.
const TABLE: Table = Table::Token;

pub(crate) struct Sweep {
    expires: Expires,
    due: Option<Instant>,
    /// The last key of the look before; the next one goes on behind it.
    behind: Option<String>,
}

impl Sweep {
    pub(crate) fn new(expires: Expires) -> Self {
        Self { expires, due: None, behind: None }
    }

    /// Until the next look.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        self.due.get_or_insert(now + PERIOD).saturating_duration_since(now)
    }

    /// Whether it is time, and if so, when the next time is.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = Some(now + PERIOD);
        }
        due
    }

    /// Looks at some records, and removes those whose time is over. How many that were.
    pub(crate) fn step(&mut self, database: &Database) -> Result<u64, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let transaction = database.begin_write()?;
        let (mut over, mut last) = (Vec::new(), None);
        {
            let mut table = transaction.open_table(definition(TABLE))?;
            let from = self.behind.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut looks = 0;
            for entry in table.range::<&str>((from, Bound::Unbounded))?.take(LOOKS) {
                let (key, record) = entry?;
                looks += 1;
                if (self.expires)(TABLE, record.value()).is_some_and(|at| at <= now) {
                    over.push(key.value().to_owned());
                }
                last = Some(key.value().to_owned());
            }
            self.behind = last.filter(|_| looks == LOOKS);
            for key in &over {
                table.remove(key.as_str())?;
            }
        }
        if over.is_empty() {
            transaction.abort()?;
        } else {
            transaction.commit()?;
        }
        Ok(over.len() as u64)
    }
}
