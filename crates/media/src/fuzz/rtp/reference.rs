//! The numbers of one stream, slowly: everything is remembered for ever, and each number is counted out anew.

use std::collections::BTreeSet;

/// One layer's packets since the viewer began to get it.
pub(super) struct Reference {
    /// The number with which its first packet went out.
    base: u64,
    from: u64,
    /// The source's numbers that take none of ours, as ranges: left out, or never to come.
    taken_out: Vec<(u64, u64)>,
    next: u64,
    sent: BTreeSet<u64>,
}

/// What has to become of a packet.
#[derive(Debug)]
pub(super) enum Expected {
    Number(u64),
    /// Or nothing: it is so old that it may have been forgotten.
    Perhaps(u64),
    Nothing,
}

impl Reference {
    pub(super) fn new(from: u64, base: u64) -> Self {
        Self { base, from, taken_out: Vec::new(), next: from, sent: BTreeSet::new() }
    }

    /// A packet comes.
    pub(super) fn map(&mut self, seq: u64) -> Expected {
        if seq == u64::MAX || seq < self.from || self.sent.contains(&seq) {
            return Expected::Nothing;
        }
        self.reach(seq);
        self.next = self.next.max(seq + 1);
        if self.taken_out.iter().any(|(from, to)| (*from..*to).contains(&seq)) {
            return Expected::Nothing;
        }
        self.sent.insert(seq);
        let taken_out =
            |below: u64| -> u64 { self.taken_out.iter().map(|(from, to)| to.min(&below).saturating_sub(*from)).sum() };
        let out = self.base + (seq - self.from - taken_out(seq));
        let behind = self.next - 1 - taken_out(self.next) - (seq - taken_out(seq));
        // Of the ranges behind it one may be too many to be remembered.
        let ranges = self.taken_out.iter().filter(|(from, _)| *from > seq).count();
        if behind < 1_024 && ranges <= 32 { Expected::Number(out) } else { Expected::Perhaps(out) }
    }

    /// The next packet is left out.
    pub(super) fn leave_out(&mut self, seq: u64) {
        if seq >= self.next && seq != u64::MAX {
            self.reach(seq);
            self.take_out(seq, seq + 1);
        }
    }

    /// No gap is longer than a thousand.
    fn reach(&mut self, seq: u64) {
        if seq > self.next && seq - self.next > 1_000 {
            self.take_out(self.next, seq);
        }
    }

    fn take_out(&mut self, from: u64, to: u64) {
        match self.taken_out.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => self.taken_out.push((from, to)),
        }
        self.next = to;
    }
}
