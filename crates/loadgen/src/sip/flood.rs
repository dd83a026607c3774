//! A flood of strangers at the server's SIP port: requests for nobody, registrations, and what is no SIP at all.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Messages in a second. What the test of docs/testing.md sends is a tenth of it, to a server that is not optimized.
const RATE: u64 = 5_000;
/// Messages that leave together.
const LUMP: u64 = 5;
const METHODS: [&str; 4] = ["REGISTER", "INVITE", "OPTIONS", "BYE"];

pub(super) struct Flood {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    pub(super) fn begin(to: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((to.ip(), 0))?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?;
        let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ends, counts) = (Arc::clone(&over), Arc::clone(&sent));
        let thread = thread::spawn(move || {
            let mut number = 0;
            let mut buffer = [0; 2_048];
            while !ends.load(Ordering::Relaxed) {
                for _ in 0..LUMP {
                    number += 1;
                    let left = socket.send_to(&message(number, to, own), to).is_ok();
                    counts.fetch_add(u64::from(left), Ordering::Relaxed);
                }
                // What it is answered is of no interest, but would fill its socket.
                while socket.recv_from(&mut buffer).is_ok() {}
                thread::sleep(Duration::from_micros(1_000_000 * LUMP / RATE));
            }
        });
        Ok(Self { over, sent, thread: Some(thread) })
    }

    /// Ends it, and tells how many messages have left.
    pub(super) fn end(mut self) -> u64 {
        self.stop();
        self.sent.load(Ordering::Relaxed)
    }

    fn stop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Its panic would have told itself.
        self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The `number`th: each of the methods in turn, then garbage.
fn message(number: u64, to: SocketAddr, own: SocketAddr) -> Vec<u8> {
    let turn = number % (METHODS.len() as u64 + 1);
    let Some(method) = METHODS.get(turn as usize) else { return vec![0xff; 400] };
    let text = format!(
        "{method} sip:nobody@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKf{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:eve@example.net>;tag=e{number}\r\nTo: <sip:nobody@{to}>\r\nCall-ID: flood-{number}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:eve@{own}>\r\nContent-Length: 0\r\n\r\n"
    );
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_turn() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5_060));
        let kinds: Vec<_> = (0..5)
            .map(|number| {
                String::from_utf8(message(number, address, address))
                    .map_or_else(|_| "garbage".to_owned(), |text| text.split(' ').next().unwrap_or_default().to_owned())
            })
            .collect();
        assert_eq!(kinds, ["REGISTER", "INVITE", "OPTIONS", "BYE", "garbage"]);
    }
}
