//! RTCP of a telephone: what it says of our streams, what we say of its, and wishes for key frames both ways.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use patchbay_core::Kind;

use super::{Line, Telephone};
use crate::clock;
use crate::egress::{Room, Wire};
use crate::keyframe::Ask;
use crate::rtcp::{self, Block, Said, Sent};

/// How soon the first report is due, and how often the others are (RFC 3550 section 6.2). Oftener, sound and pictures find
/// together sooner; some telephones count what comes on that port.
pub(super) const FIRST: Duration = Duration::from_secs(1);
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// The longest round trip that is believed.
const LONGEST: u32 = 60 << 16;

impl Telephone {
    /// Takes RTCP that came to a port of a section. `true` if it was the telephone's; `wanted` if it needs a key frame.
    pub(crate) fn hear_control(
        &mut self,
        place: usize,
        from: SocketAddr,
        packet: &[u8],
        now: Instant,
        plain: &mut Vec<u8>,
        wanted: &mut bool,
    ) -> bool {
        let strict = self.strict;
        let Some(line) = self.lines.get_mut(place).and_then(Option::as_mut).filter(|line| line.agreed.is_some()) else {
            return false;
        };
        let proved = line.sealed.is_some();
        match &mut line.sealed {
            Some(sealed) => {
                if !sealed.inbound.rtcp(packet, plain) {
                    return false;
                }
            }
            None => {
                plain.clear();
                plain.extend_from_slice(packet);
            }
        }
        if !line.rtcp.takes(from, proved, strict) {
            return false;
        }
        self.heard = now;
        let mut reported = None;
        rtcp::read(plain, |said| match said {
            Said::Report(block) if block.ssrc == line.ssrc => reported = Some(block),
            Said::Sender { ssrc, ntp, time } => {
                if let Some(came) = line.came.as_mut().filter(|came| came.ssrc == ssrc) {
                    came.reported(ntp, now);
                    self.timeline.report(&mut line.sampled, ntp, time, now);
                }
            }
            Said::Key { ssrc } if ssrc == line.ssrc => *wanted |= line.kind == Kind::Video,
            // What is lost on the way to a telephone is lost: it would come too late.
            Said::Report(_) | Said::Key { .. } | Said::Nack { .. } | Said::Remb { .. } => {}
        });
        if let Some(block) = reported {
            self.reported(&block, now);
        }
        true
    }

    fn reported(&mut self, block: &Block, now: Instant) {
        self.loss_permille = (u32::from(block.fraction) * 1_000 / 256) as u16;
        if block.last_report != 0 {
            // RFC 3550 section 6.4.1, in 65,536ths of a second.
            let middle = (clock::ntp(now) >> 16) as u32;
            let passed = middle.wrapping_sub(block.last_report).wrapping_sub(block.since);
            if passed < LONGEST {
                self.wire_rtt = Some(Duration::from_micros((u64::from(passed) * 1_000_000) >> 16));
            }
        }
    }

    /// The other end needs a key frame of that section. Whether somebody else has to ask for it.
    pub(crate) fn want_key(&mut self, place: usize, now: Instant, wire: &mut Wire<'_>) -> bool {
        let Some(Some(line)) = self.lines.get_mut(place) else { return false };
        let video = line.kind == Kind::Video && line.expects();
        video && line.throttle.ask(now) == Ask::Send && self.ask_key(place, now, wire)
    }

    /// Asks now.
    pub(super) fn ask_key(&mut self, place: usize, now: Instant, wire: &mut Wire<'_>) -> bool {
        let Some(Some(line)) = self.lines.get_mut(place) else { return false };
        let Some(theirs) = line.theirs().filter(|_| line.pli || line.fir) else { return !(line.pli || line.fir) };
        self.wish = self.wish.wrapping_add(1);
        let (wish, newer) = (self.wish, line.pli);
        line.report(now, &self.cname, wire, |ours, plain| match newer {
            true => rtcp::pli(ours, theirs, plain),
            false => rtcp::fir(ours, theirs, wish, plain),
        });
        false
    }

    /// Reports on all sections.
    pub(super) fn report_all(&mut self, now: Instant, wire: &mut Wire<'_>) {
        for line in self.lines.iter_mut().flatten() {
            line.report(now, &self.cname, wire, |_, _| ());
        }
    }
}

impl Line {
    /// Sends a report, and what `add` adds to it.
    fn report(&mut self, now: Instant, cname: &str, wire: &mut Wire<'_>, add: impl FnOnce(u32, &mut Vec<u8>)) {
        let Some(to) = self.rtcp.destination().filter(|_| self.agreed.is_some()) else { return };
        let sent = self.time(now).map(|time| Sent {
            ntp: clock::ntp(now),
            time,
            packets: self.stream.packets,
            octets: self.stream.octets,
        });
        let received = self.came.as_mut().map(|came| came.block(now));
        let control = self.control();
        let Room { plain, sealed, .. } = &mut *wire.room;
        rtcp::compound(self.ssrc, sent.as_ref(), received.as_ref(), cname, plain);
        add(self.ssrc, plain);
        let datagram = match &mut self.sealed {
            Some(keys) => {
                if keys.seal.rtcp(plain, sealed).is_err() {
                    return;
                }
                &*sealed
            }
            None => &*plain,
        };
        wire.batch.room(control, to, datagram.len(), wire.sink).copy_from_slice(datagram);
    }
}
