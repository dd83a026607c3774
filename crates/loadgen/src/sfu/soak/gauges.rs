//! What a server says that it holds, by its `/metrics`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// Gauges that tell nothing of who is there.
const OTHERS: [&str; 2] = ["patchbay_resident_memory_bytes", "patchbay_build_info"];
/// Between two questions.
const AGAIN: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);

/// Gauges by their names, and labels if they have any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Gauges(BTreeMap<String, f64>);

/// What of them has not gone back, and how long that was waited for.
pub(super) struct Left {
    above: Vec<(String, f64)>,
    gauges: usize,
    waited: Duration,
}

impl Gauges {
    /// Asks a server on this machine.
    pub(super) fn ask(addr: SocketAddr) -> Result<Self> {
        let text = get(addr)?;
        let gauges = Self::read(&text);
        if gauges.0.is_empty() {
            return Err(format!("the server tells no gauges: {}", text.lines().next().unwrap_or_default()).into());
        }
        Ok(gauges)
    }

    /// Waits until all are back where they were.
    pub(super) fn wait(addr: SocketAddr, before: &Self, most: Duration) -> Result<Left> {
        let began = Instant::now();
        loop {
            let now = Self::ask(addr)?;
            let left = Left { above: now.above(before), gauges: now.0.len(), waited: began.elapsed() };
            if left.above.is_empty() || left.waited > most {
                return Ok(left);
            }
            thread::sleep(AGAIN);
        }
    }

    /// The OpenMetrics text format: `# TYPE name kind` before the lines of a name.
    fn read(text: &str) -> Self {
        let mut kind = ("", "");
        let mut gauges = BTreeMap::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                kind = rest.split_once(' ').unwrap_or((rest, ""));
            } else if let Some((name, value)) = line.rsplit_once(' ')
                && kind.1 == "gauge"
                && name.split('{').next() == Some(kind.0)
                && !OTHERS.contains(&kind.0)
                && let Ok(value) = value.parse()
            {
                gauges.insert(name.to_owned(), value);
            }
        }
        Self(gauges)
    }

    fn above(&self, before: &Self) -> Vec<(String, f64)> {
        let was = |name: &String| before.0.get(name).copied().unwrap_or_default();
        self.0.iter().filter(|(name, value)| **value > was(name)).map(|(name, value)| (name.clone(), *value)).collect()
    }
}

impl Left {
    pub(super) fn faults(&self) -> Vec<String> {
        self.above.iter().map(|(name, value)| format!("{name} is still {value}")).collect()
    }
}

impl fmt::Display for Left {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let back = self.gauges - self.above.len();
        write!(out, "{back} of {} gauges are back after {:.1?}", self.gauges, self.waited)
    }
}

fn get(addr: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "HTTP/1.1 200 OK\r\n\r\n# HELP patchbay_views Views.\n# TYPE patchbay_views gauge\npatchbay_views 3\n\
        # TYPE patchbay_messages counter\npatchbay_messages_total{a=\"b c\"} 9\n# TYPE patchbay_legs gauge\n\
        patchbay_legs{worker=\"0\"} 2\n# TYPE patchbay_resident_memory_bytes gauge\npatchbay_resident_memory_bytes 7\n# EOF\n";

    #[test]
    fn gauges_are_told_from_all_else() {
        let gauges = Gauges::read(TEXT);
        let expected = [("patchbay_views".to_owned(), 3.0), ("patchbay_legs{worker=\"0\"}".to_owned(), 2.0)];
        assert_eq!(gauges, Gauges(expected.into()));
    }

    #[test]
    fn what_is_left_is_what_was_not_there_before() {
        let before = Gauges([("a".to_owned(), 1.0), ("b".to_owned(), 0.0)].into());
        let now = Gauges([("a".to_owned(), 1.0), ("b".to_owned(), 2.0), ("c".to_owned(), 0.0)].into());
        let above = now.above(&before);
        assert_eq!(above, [("b".to_owned(), 2.0)]);
        let left = Left { above, gauges: 3, waited: Duration::from_millis(1_500) };
        assert_eq!(left.faults(), ["b is still 2"]);
        assert_eq!(left.to_string(), "2 of 3 gauges are back after 1.5s");
    }
}
