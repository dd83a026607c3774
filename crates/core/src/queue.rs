use std::collections::VecDeque;

use crate::Event;

/// One party's events, in order: edges are kept all, a level keeps one place.
///
/// A newer value of a level removes the one that waits and goes to the tail, so it never overtakes an edge and never
/// stands behind an older one. The queue does not bound itself: it counts, and whoever owns it decides (the shell's
/// mailbox disconnects, DESIGN section 3).
#[derive(Debug, Default)]
pub struct EventQueue {
    events: VecDeque<Event>,
    bytes: usize,
}

impl EventQueue {
    /// An empty queue; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an event at the end.
    pub fn push(&mut self, event: Event) {
        if let Some(key) = event.level() {
            // From the tail: the waiting value is the youngest of its key, and most queues are short.
            if let Some(index) = self.events.iter().rposition(|waiting| waiting.level() == Some(key))
                && let Some(old) = self.events.remove(index)
            {
                self.bytes -= old.weight();
            }
        }
        self.bytes += event.weight();
        self.events.push_back(event);
    }

    /// Takes the oldest event. The last one out frees the memory: an idle party keeps none.
    pub fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.weight();
        if self.events.is_empty() && self.events.capacity() > KEPT {
            self.events = VecDeque::new();
        }
        Some(event)
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// No event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// About how many bytes the waiting events keep ([`Event::weight`]).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Places an empty queue may keep: enough that a chat of single messages never allocates, little enough that 50,000
/// idle parties do not pay for the one busy moment they had.
const KEPT: usize = 4;
