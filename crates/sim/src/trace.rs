//! What happened: the last events in words, and a hash over all of them that tells two runs apart.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

/// Events that a failure shows.
const SHOWN: usize = 30;
/// Longest event in words; a message of a megabyte says no more than its beginning.
const LONGEST: usize = 240;

#[derive(Debug)]
pub(crate) struct Trace {
    last: VecDeque<String>,
    hash: u64,
    /// Every event goes to standard error as well.
    pub(crate) loud: bool,
}

impl Trace {
    pub(crate) fn new(loud: bool) -> Self {
        Self { last: VecDeque::new(), hash: 0xcbf2_9ce4_8422_2325, loud }
    }

    /// Notes an event at a time in milliseconds.
    pub(crate) fn note(&mut self, at: u64, what: fmt::Arguments<'_>) {
        let mut line = if self.last.len() < SHOWN { String::new() } else { self.last.pop_front().unwrap_or_default() };
        line.clear();
        // Writing to a string does not fail.
        let _ = write!(line, "{at:>7} ms  {what}");
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or_default();
            line.truncate(end);
            line.push('…');
        }
        if self.loud {
            let _ = writeln!(io::stderr(), "{}", line.trim_end());
        }
        self.last.push_back(line);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_last(self) -> Vec<String> {
        self.last.into_iter().map(|line| line.trim_end().to_owned()).collect()
    }
}
