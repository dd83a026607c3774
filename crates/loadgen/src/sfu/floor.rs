//! The floor: what it costs to encrypt the same packets for as many viewers and to hand them to the kernel, with nothing
//! received, decided or kept. What a server costs above it is its own.
//!
//! It is a process of its own, so that its processor time is measured as a server's is.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use socket2::SockRef;

use super::rtp::{self, FIXED};
use super::sdp::Numbers;
use super::source::{CAMERA, Kind, Packet, Source, bursts};
use super::srtp::{Keys, Master, Srtp};
use super::stage::{PLAIN_AUDIO, PLAIN_VIDEO};
use super::{subject, tap};
use crate::Result;

/// A burst for hundreds of viewers leaves faster than they read.
const SEND_BUFFER: usize = 4 << 20;

/// What the floor is told to send, as one line: `camera` or the bursts per second, then the viewers' addresses.
pub(crate) fn order(burst_rate: Option<f64>, viewers: &[SocketAddr]) -> String {
    let rate = burst_rate.map_or_else(|| "camera".to_owned(), |rate| rate.to_string());
    let addrs: Vec<_> = viewers.iter().map(ToString::to_string).collect();
    format!("{rate} {}\n", addrs.join(" "))
}

fn read_order(line: &str) -> Option<(Option<f64>, Vec<SocketAddr>)> {
    let mut words = line.split_whitespace();
    let rate = match words.next()? {
        "camera" => None,
        rate => Some(rate.parse().ok()?),
    };
    words.map(|addr| addr.parse().ok()).collect::<Option<Vec<_>>>().map(|viewers| (rate, viewers))
}

/// Fixed: nobody listens who should not.
pub(crate) fn keys() -> Keys {
    let master = |fill| Master { key: vec![fill; 32], salt: [fill; 12] };
    // As the viewers see it: the floor's are theirs.
    Keys { ours: master(1), theirs: master(2) }
}

/// The numbers in its packets.
pub(crate) fn numbers() -> Numbers {
    Numbers { video: vec![PLAIN_VIDEO], audio: vec![PLAIN_AUDIO], ..Numbers::default() }
}

/// Waits for one order and carries it out until whoever gave it goes.
pub(crate) fn serve(out: &mut dyn Write) -> Result<()> {
    let ip = subject::address();
    let listener = TcpListener::bind((ip, 0))?;
    writeln!(out, r#"{{"ready":true,"http":["{}"]}}"#, listener.local_addr()?)?;
    out.flush()?;
    let (control, _) = listener.accept()?;
    let mut lines = BufReader::new(control).lines();
    let line = lines.next().ok_or("no order")??;
    let (rate, viewers) = read_order(&line).ok_or("an order that cannot be read")?;
    let gone = thread::spawn(move || lines.map_while(std::result::Result::ok).for_each(drop));
    let mut sender = Sender::new(ip, viewers)?;
    let start = Instant::now();
    let mut source =
        rate.map_or_else(|| Source::new(CAMERA, true, start), |rate| Source::new(bursts(rate), false, start));
    let mut packets = Vec::new();
    while !gone.is_finished() {
        let due = source.due().unwrap_or(start);
        thread::sleep(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(100)));
        source.take(Instant::now(), &mut packets);
        for frame in packets.chunk_by(|one, next| !one.marker && one.kind == next.kind && one.kind == Kind::Video) {
            sender.send(frame)?;
        }
        packets.clear();
    }
    Ok(())
}

struct Sender {
    socket: UdpSocket,
    state: UdpSocketState,
    srtp: Srtp,
    viewers: Vec<SocketAddr>,
    arena: Vec<u8>,
}

impl Sender {
    fn new(ip: IpAddr, viewers: Vec<SocketAddr>) -> Result<Self> {
        let socket = UdpSocket::bind((ip, 0))?;
        SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // It sends when it may: no other work waits.
        socket.set_nonblocking(false)?;
        let srtp = Srtp::new(&tap::provider(), &keys().theirs, true);
        Ok(Self { socket, state, srtp, viewers, arena: Vec::new() })
    }

    /// Packets of one size, in one piece per viewer.
    fn send(&mut self, frame: &[Packet]) -> Result<()> {
        for (number, viewer) in self.viewers.iter().enumerate() {
            self.arena.clear();
            for packet in frame {
                let (pt, ssrc) = match packet.kind {
                    Kind::Audio => (PLAIN_AUDIO, 2 * number as u32),
                    Kind::Video => (PLAIN_VIDEO, 2 * number as u32 + 1),
                };
                let mut head = [0; FIXED];
                rtp::write_fixed(&mut head, pt, packet.marker, packet.seq as u16, packet.time, ssrc);
                self.arena.extend_from_slice(&head);
                let roc = (packet.seq >> 16) as u32;
                self.srtp.seal_rtp(&head, roc, &packet.payload, &mut self.arena).ok_or("a packet was not sealed")?;
            }
            let size = self.arena.len() / frame.len().max(1);
            let transmit = Transmit {
                destination: *viewer,
                ecn: None,
                contents: &self.arena,
                segment_size: (frame.len() > 1).then_some(size),
                src_ip: None,
            };
            self.state.try_send(UdpSockRef::from(&self.socket), &transmit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::cast::{Setting, rest};
    use super::super::subject::Subject;
    use super::*;
    use crate::target::Target;

    #[test]
    fn what_the_floor_sends_is_counted_opened_and_whole() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let floor = thread::spawn(move || serve(&mut writer).map_err(|error| error.to_string()));
        let ready = BufReader::new(reader).lines().next().unwrap().unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let addr: SocketAddr = ready["http"][0].as_str().unwrap().parse().unwrap();
        let setting = Setting {
            subject: Subject::Floor,
            target: Target::at(addr, false, "/"),
            plain: None,
            pid: std::process::id(),
            span: Duration::ZERO,
        };
        let mut stage = setting.stage().unwrap();
        let control = setting.floor(&mut stage, 3, None).unwrap();
        rest(&mut stage, Duration::from_secs(1)).unwrap();
        drop(control);
        floor.join().unwrap().unwrap();
        let counted = stage.counted();
        assert!((3 * 120..3 * 240).contains(&counted.received), "{counted:?}");
        assert_eq!((counted.loss(), counted.reordered, counted.duplicates), (0.0, 0, 0));
        stage.tally.check().unwrap();
        let opened = stage.tally.delay.count();
        assert!(opened >= 3 * 16 && opened < counted.received / 2, "{opened} were opened of {}", counted.received);
        assert!(stage.tally.delay.quantile(500) < Duration::from_millis(200));
    }

    #[test]
    fn orders_are_read_as_they_are_written() {
        let viewers = ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
        assert_eq!(read_order(&order(None, &viewers)), Some((None, viewers.to_vec())));
        assert_eq!(read_order(&order(Some(12.5), &viewers[..1])), Some((Some(12.5), viewers[..1].to_vec())));
        for line in ["", "fast", "camera nowhere"] {
            assert_eq!(read_order(line), None, "{line:?}");
        }
    }
}
