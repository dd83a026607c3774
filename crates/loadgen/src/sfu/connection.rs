//! One peer connection: ICE and DTLS by str0m, always; media by str0m only where the peer sends.
//!
//! str0m opens, orders and acknowledges every packet that it is given, which is more than the server does for it. A
//! viewer's media therefore goes past it (`receiver.rs`), and what str0m would say in RTCP about media that it never saw
//! is not sent: the viewer says the truth instead, under the same keys.

use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

use super::rtp::{self, Datagram};
use super::sdp::Numbers;
use super::socket::Socket;
use super::source::{Kind, Packet};
use super::srtp::Keys;
use super::tap::{self, Tap};
use crate::Result;

/// Packets that a publisher keeps to send again, and for how long: a second of the camera, with room for key frames.
const KEPT: usize = 1_024;
const KEPT_FOR: Duration = Duration::from_secs(2);

pub(crate) struct Connection {
    rtc: Rtc,
    tap: Tap,
    /// Media goes past str0m.
    past: bool,
    pending: Option<SdpPendingOffer>,
    /// Mids of what is sent, sound and pictures.
    mids: Option<(Mid, Mid)>,
    /// Payload types of the same, once the answer is there.
    types: Option<(Pt, Pt)>,
    /// When str0m wants to be asked.
    pub(crate) due: Instant,
    pub(crate) connected: bool,
    pub(crate) lost: bool,
    /// The other side asks for a key frame.
    pub(crate) key_wanted: bool,
}

impl Connection {
    /// `past`: of a viewer.
    pub(crate) fn new(socket: &Socket, past: bool, now: Instant) -> Result<Self> {
        let config = RtcConfig::new()
            .set_crypto_provider(tap::provider())
            .set_dtls_cert(tap::certificate()?)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut rtc = config.build(now);
        let tap = tap::take_last();
        rtc.add_local_candidate(Candidate::host(socket.addr, Protocol::Udp)?);
        Ok(Self {
            rtc,
            tap,
            past,
            pending: None,
            mids: None,
            types: None,
            due: now,
            connected: false,
            lost: false,
            key_wanted: false,
        })
    }

    /// Offers to send sound and pictures, and a data channel as browsers' clients do.
    pub(crate) fn offer(&mut self, channel: &str) -> Result<String> {
        let mut api = self.rtc.sdp_api();
        let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let video = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        api.add_channel(channel.to_owned());
        let (offer, pending) = api.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        self.mids = Some((audio, video));
        Ok(offer.to_sdp_string())
    }

    /// Offers to receive sound and pictures.
    pub(crate) fn offer_to_receive(&mut self) -> Result<String> {
        let mut api = self.rtc.sdp_api();
        for kind in [MediaKind::Audio, MediaKind::Video] {
            api.add_media(kind, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = api.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    /// Takes the answer to an offer to receive.
    pub(crate) fn accept_what_comes(&mut self, answer: &str) -> Result<()> {
        let pending = self.pending.take().ok_or("an answer to no offer")?;
        self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(answer)?)?;
        Ok(())
    }

    /// Takes the answer to the offer.
    pub(crate) fn accept(&mut self, answer: &str) -> Result<()> {
        let pending = self.pending.take().ok_or("an answer to no offer")?;
        let numbers = Numbers::read(answer);
        let (Some(audio), Some(video)) = (numbers.audio.first(), numbers.video.first()) else {
            return Err("the answer takes no Opus or no VP8".into());
        };
        self.types = Some(((*audio).into(), (*video).into()));
        self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(answer)?)?;
        if let Some((audio, video)) = self.mids {
            for mid in [audio, video] {
                if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
                    stream.set_rtx_cache(KEPT, KEPT_FOR, None);
                }
            }
        }
        Ok(())
    }

    /// Answers an offer, the first or a later one.
    pub(crate) fn answer(&mut self, offer: &str) -> Result<String> {
        let answer = self.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(offer)?)?;
        Ok(answer.to_sdp_string())
    }

    /// A candidate of the other side. One that str0m cannot read is for others (host names, other protocols).
    pub(crate) fn candidate(&mut self, text: &str) {
        if let Ok(candidate) = Candidate::from_sdp_string(text) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// Takes a datagram; a viewer's media is none of its business.
    pub(crate) fn input(
        &mut self,
        socket: &Socket,
        datagram: &[u8],
        from: std::net::SocketAddr,
        now: Instant,
    ) -> Result<()> {
        let Ok(receive) = Receive::new(Protocol::Udp, from, socket.addr, datagram) else { return Ok(()) };
        self.rtc.handle_input(Input::Receive(now, receive))?;
        self.drain(socket)
    }

    /// str0m's time has come, or something was written.
    pub(crate) fn turn(&mut self, socket: &Socket, now: Instant) -> Result<()> {
        self.rtc.handle_input(Input::Timeout(now))?;
        self.drain(socket)
    }

    /// Hands over packets of the source; [`Self::turn`] sends them.
    pub(crate) fn write(&mut self, packets: impl Iterator<Item = Packet>, now: Instant) {
        let (Some((audio, video)), Some((opus, vp8))) = (self.mids, self.types) else { return };
        for packet in packets {
            let (mid, pt) = match packet.kind {
                Kind::Audio => (audio, opus),
                Kind::Video => (video, vp8),
            };
            if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
                let write = RtpWrite::new(pt, packet.seq.into(), packet.time, now, packet.payload);
                stream.write_rtp(write.marker(packet.marker).nackable(packet.kind == Kind::Video));
            }
        }
    }

    fn drain(&mut self, socket: &Socket) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    let media = rtp::classify(&transmit.contents) != Datagram::Control;
                    if !(self.past && media) {
                        socket.send(&transmit.contents, transmit.destination);
                    }
                }
                Output::Event(event) => self.event(&event),
            }
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => self.lost = true,
            Event::KeyframeRequest(_) => self.key_wanted = true,
            _ => {}
        }
    }

    /// The keys, once the handshake is done.
    ///
    /// # Errors
    /// If the server chose a cipher that is no AES-GCM.
    pub(crate) fn keys(&self) -> Result<Option<&Keys>> {
        match self.tap.get() {
            None => Ok(None),
            Some(Some(keys)) => Ok(Some(keys)),
            Some(None) => Err("the server chose an SRTP profile without AES-GCM".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::thread;

    use super::super::receiver::Receiver;
    use super::super::socket::Datagrams;
    use super::super::source::{self, CAMERA, Source};
    use super::super::tally::Tally;
    use super::*;

    /// One turn of a connection on its socket; what is no control goes to `media`.
    fn step(connection: &mut Connection, socket: &Socket, media: &mut dyn FnMut(&[u8], u64)) {
        let mut datagrams = Datagrams::new();
        let mut more = true;
        while more {
            more = socket.read(&mut datagrams).unwrap();
            for (datagram, from, nanos) in datagrams.iter() {
                if connection.past && rtp::classify(datagram) != Datagram::Control {
                    media(datagram, nanos);
                } else {
                    connection.input(socket, datagram, from, Instant::now()).unwrap();
                }
            }
        }
        connection.turn(socket, Instant::now()).unwrap();
    }

    #[test]
    fn a_viewer_reads_past_str0m_what_a_publisher_sends_through_it() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let (ours, theirs) = (Socket::bind(local).unwrap(), Socket::bind(local).unwrap());
        let mut publisher = Connection::new(&ours, false, Instant::now()).unwrap();
        let mut viewer = Connection::new(&theirs, true, Instant::now()).unwrap();
        let offer = publisher.offer("data").unwrap();
        let answer = viewer.answer(&offer).unwrap();
        publisher.accept(&answer).unwrap();
        let began = Instant::now();
        while !(publisher.connected && viewer.connected) {
            assert!(began.elapsed() < Duration::from_secs(5), "no connection");
            step(&mut publisher, &ours, &mut |_, _| ());
            step(&mut viewer, &theirs, &mut |_, _| ());
            thread::sleep(Duration::from_millis(1));
        }
        let keys = viewer.keys().unwrap().unwrap();
        let mut receiver = Receiver::new(&tap::provider(), keys, Numbers::read(&offer), 0, Instant::now());
        let mut tally = Tally::new();
        let (mut source, mut packets) = (Source::new(CAMERA, true, Instant::now()), Vec::new());
        let mut whole = 0;
        while source.sent < 40 || tally.packets < source.sent {
            assert!(began.elapsed() < Duration::from_secs(10), "{} of {} came", tally.packets, source.sent);
            if source.sent < 40 {
                source.take(Instant::now(), &mut packets);
                publisher.write(packets.drain(..), Instant::now());
            }
            step(&mut publisher, &ours, &mut |_, _| ());
            step(&mut viewer, &theirs, &mut |datagram, nanos| {
                if rtp::classify(datagram) == Datagram::Rtp {
                    whole += usize::from(receiver.rtp(datagram, nanos, Instant::now(), &mut tally));
                }
            });
            if let Some(sealed) = receiver.feedback(Instant::now()) {
                theirs.send(sealed, ours.addr);
            }
            thread::sleep(Duration::from_millis(1));
        }
        tally.check().unwrap();
        assert_eq!(whole, 1, "a key frame was whole");
        assert!(tally.delay.max() < Duration::from_secs(1) && source::unix_nanos() > 0);
        assert!(Numbers::read(&offer).transport_cc.is_some(), "arrivals are reported");
    }
}
