//! What we have to know of a peer's offer before str0m reads it: which codecs it can send, in its order, so that our
//! answer leaves it exactly one for each kind. Also the bounds of what is handed on at all.
//!
//! A scan of lines (RFC 8866), not a parser: str0m judges the rest.

use patchbay_core::{Codec, Kind, Kinds};

/// Longest description, in bytes: those of meetings with a hundred tracks are some 200 kB.
const BYTES: usize = 512 * 1024;
/// Most lines of a description; the same meetings have some 4,000.
const LINES: usize = 16 * 1024;
/// Most media sections. str0m walks them for each timeout, so that many would cost the whole worker.
const SECTIONS: usize = 256;
/// Most candidates of a description: a browser with many networks has some 30. Each is paired with ours.
const CANDIDATES: usize = 100;

/// What an offer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// What the peer would send, in whatever codec.
    pub kinds: Kinds,
    /// Codecs for sound that the peer can send, in its order, by kind.
    pub audio: Vec<Codec>,
    /// Codecs for pictures.
    pub video: Vec<Codec>,
    /// Simulcast layers of the first video section that has any; 0: none.
    pub layers: usize,
}

/// Why a description is not even read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absurd {
    /// More bytes, lines, sections or candidates than any peer has.
    TooLarge,
    /// It does not begin as a description does, or has no media section.
    NoDescription,
    /// A payload type above 127.
    PayloadType,
}

/// Whether a description may be read at all.
///
/// # Errors
/// If it is larger than any real one or not a description.
pub fn check(sdp: &str) -> Result<(), Absurd> {
    if sdp.len() > BYTES {
        return Err(Absurd::TooLarge);
    }
    if !sdp.starts_with("v=0") {
        return Err(Absurd::NoDescription);
    }
    let (mut lines, mut sections, mut candidates) = (0, 0, 0);
    for line in sdp.lines() {
        lines += 1;
        if line.starts_with("m=") {
            sections += 1;
        } else if line.starts_with("a=candidate:") {
            candidates += 1;
        } else if let Some(rtpmap) = line.strip_prefix("a=rtpmap:")
            && payload_type(rtpmap).is_none()
        {
            return Err(Absurd::PayloadType);
        }
    }
    if lines > LINES || sections > SECTIONS || candidates > CANDIDATES {
        return Err(Absurd::TooLarge);
    }
    if sections == 0 { Err(Absurd::NoDescription) } else { Ok(()) }
}

/// Reads an offer that passed [`check`].
#[must_use]
pub fn scan(sdp: &str) -> Offer {
    let mut offer = Offer::default();
    for section in sdp.split("\nm=").skip(1) {
        let mut lines = section.lines();
        let Some(head) = lines.next() else { continue };
        let mut words = head.split_ascii_whitespace();
        let kind = match words.next() {
            Some("audio") => Kind::Audio,
            Some("video") => Kind::Video,
            _ => continue,
        };
        // RFC 3264 section 6: a port of zero is a section that is not meant, unless it is bundled (RFC 8843 section 6).
        let rejected = words.next() == Some("0") && !section.contains("a=bundle-only");
        let sends = !section.lines().any(|line| matches!(line.trim_end(), "a=recvonly" | "a=inactive"));
        if rejected || !sends {
            continue;
        }
        let section = Section { lines: section };
        let found = words.skip(1).filter_map(|pt| section.codec(pt.parse().ok()?)).filter(|codec| codec.kind() == kind);
        match kind {
            Kind::Audio => {
                offer.kinds.audio = true;
                offer.audio.extend(found);
            }
            Kind::Video => {
                offer.kinds.video = true;
                offer.video.extend(found);
            }
        }
        if kind == Kind::Video && offer.layers == 0 {
            offer.layers = section.layers();
        }
    }
    offer
}

impl Offer {
    /// One codec for each kind that is accepted: the first of the peer's that is switched on here.
    #[must_use]
    pub fn choose(&self, enabled: &[Codec], accept: Kinds) -> (Option<Codec>, Option<Codec>) {
        let first = |codecs: &[Codec], accept: bool| {
            // H.264 that may split a picture over packets comes before the one that may not.
            let usable = |codec: &&Codec| enabled.iter().any(|on| same_family(**codec, *on));
            let whole = |codec: &&Codec| matches!(codec, Codec::H264 { mode: 0, .. });
            let mut usable = codecs.iter().filter(usable);
            let chosen = usable.clone().find(|codec| !whole(codec)).or_else(|| usable.next());
            chosen.copied().filter(|_| accept)
        };
        (first(&self.audio, accept.audio), first(&self.video, accept.video))
    }
}

/// Whether two codecs are the same but for level and profile of H.264, which are the sender's choice.
pub(crate) fn same_family(a: Codec, b: Codec) -> bool {
    match (a, b) {
        (Codec::H264 { .. }, Codec::H264 { .. }) => true,
        _ => a == b,
    }
}

/// An offer to send and receive, as one to send only: we send nothing back on a publication's connection, and a browser
/// that is told otherwise announces tracks that never come.
pub(crate) fn one_way(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len() + 64);
    let mut media = false;
    for line in sdp.split_inclusive('\n') {
        if let Some(section) = line.strip_prefix("m=") {
            media = section.starts_with("audio") || section.starts_with("video");
        }
        if media && line.trim_end() == "a=sendrecv" {
            out.push_str("a=sendonly\r\n");
        } else {
            out.push_str(line);
        }
    }
    out
}

/// An offer to receive, perhaps also to send, as one to receive only: nothing of the peer's is taken on a view's
/// connection. Sections are named so that sound and pictures of one place are played in step: our answer repeats `a=msid`.
pub(crate) fn other_way(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len() + 64);
    let (mut media, mut counts) = (None, [0, 0]);
    for line in sdp.split_inclusive('\n') {
        if let Some(section) = line.strip_prefix("m=") {
            media = match section.split(' ').next() {
                Some("audio") => Some(("a", 0)),
                Some("video") => Some(("v", 1)),
                _ => None,
            };
        }
        let sends = ["a=msid:", "a=ssrc:", "a=ssrc-group:", "a=simulcast:", "a=rid:"];
        match (line.trim_end(), media) {
            ("a=sendrecv", Some(_)) => out.push_str("a=recvonly\r\n"),
            ("a=sendonly", Some(_)) => out.push_str("a=inactive\r\n"),
            (text, Some(_)) if sends.iter().any(|start| text.starts_with(start)) => {}
            (text, Some((track, kind))) if text.starts_with("a=mid:") => {
                let count = counts[kind];
                counts[kind] += 1;
                out.push_str(&format!("{text}\r\na=msid:s{count} {track}{count}\r\n"));
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// The peer's certificate, as the description names it first.
pub(crate) fn fingerprint(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=fingerprint:")).unwrap_or_default().trim_end()
}

/// The media sections of a description of ours, in order: what each carries, and its `mid`.
pub(crate) fn sections(sdp: &str) -> impl Iterator<Item = (Option<Kind>, &str)> {
    sdp.split("\nm=").skip(1).map(|section| {
        let kind = match section.split(' ').next() {
            Some("audio") => Some(Kind::Audio),
            Some("video") => Some(Kind::Video),
            _ => None,
        };
        let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
        (kind, mid.trim_end())
    })
}

struct Section<'a> {
    lines: &'a str,
}

impl<'a> Section<'a> {
    fn codec(&self, pt: u8) -> Option<Codec> {
        let name = self.attribute("a=rtpmap:", pt).map(|map| map.split('/').next().unwrap_or_default());
        let name = match (name, pt) {
            (Some(name), _) => name,
            // RFC 3551 section 6: these need no rtpmap.
            (None, 0) => "PCMU",
            (None, 8) => "PCMA",
            (None, 9) => "G722",
            (None, _) => return None,
        };
        let format = self.attribute("a=fmtp:", pt).unwrap_or_default();
        let parameter = |name: &str| {
            let mut pairs = format.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let number = |name: &str| parameter(name).and_then(|value| value.parse::<u8>().ok()).unwrap_or(0);
        Some(match name.to_ascii_uppercase().as_str() {
            "OPUS" => Codec::Opus,
            "PCMU" => Codec::Pcmu,
            "PCMA" => Codec::Pcma,
            "G722" => Codec::G722,
            "VP8" => Codec::Vp8,
            "VP9" => Codec::Vp9 { profile: number("profile-id") },
            "H264" => Codec::H264 {
                // RFC 6184 section 8.1: without the parameter, baseline at level 1.
                profile_level: parameter("profile-level-id")
                    .and_then(|value| u32::from_str_radix(value, 16).ok())
                    .filter(|value| *value <= 0x00ff_ffff)
                    .unwrap_or(0x0042_000a),
                mode: number("packetization-mode"),
            },
            "AV1" => Codec::Av1 { profile: number("profile") },
            _ => return None,
        })
    }

    /// The rest of the line `prefix` + payload type.
    fn attribute(&self, prefix: &str, pt: u8) -> Option<&'a str> {
        let mut of_pt = self.lines.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once(' '));
        of_pt.find(|(number, _)| number.parse() == Ok(pt)).map(|(_, rest)| rest.trim())
    }

    /// RFC 8853 section 5.1: `a=simulcast:send 1;2;~3`, alternatives by comma.
    fn layers(&self) -> usize {
        let line = self.lines.lines().find_map(|line| line.strip_prefix("a=simulcast:"));
        let mut words = line.unwrap_or_default().split_ascii_whitespace();
        let send = words.by_ref().find(|word| *word == "send").and_then(|_| words.next());
        send.map_or(0, |list| list.split(';').filter(|rid| !rid.is_empty()).count())
    }
}

fn payload_type(rtpmap: &str) -> Option<u8> {
    rtpmap.split(' ').next()?.parse().ok().filter(|pt| *pt < 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8\r\na=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n\
        a=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109 45 98\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\n\
        a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f\r\na=rtpmap:109 H264/90000\r\n\
        a=fmtp:109 packetization-mode=1; profile-level-id=42e01f\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:98 VP9/90000\r\n\
        a=fmtp:98 profile-id=2\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    #[test]
    fn an_offer_tells_its_codecs_in_its_order() {
        let offer = scan(OFFER);
        assert_eq!(check(OFFER), Ok(()));
        assert_eq!(offer.audio, [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma]);
        let h264 = |profile_level, mode| Codec::H264 { profile_level, mode };
        let video =
            [Codec::Vp8, h264(0x42001f, 0), h264(0x42e01f, 1), Codec::Av1 { profile: 0 }, Codec::Vp9 { profile: 2 }];
        assert_eq!(offer.video, video);
        assert_eq!(offer.layers, 2);
    }

    #[test]
    fn what_would_send_both_ways_sends_one_way() {
        let way = one_way(OFFER);
        assert!(!way.contains("a=sendrecv"));
        assert_eq!(way.matches("a=sendonly").count(), 2);
        assert_eq!(way.replace("a=sendonly", "a=sendrecv"), OFFER.replace("a=sendonly", "a=sendrecv"));
    }

    #[test]
    fn what_would_send_receives() {
        let offer =
            OFFER.replacen("a=mid:1\r\na=sendonly", "a=mid:1\r\na=sendrecv\r\na=msid:x y\r\na=ssrc:1 cname:c", 1);
        let way = other_way(&offer);
        assert_eq!(way.matches("a=recvonly").count(), 2);
        for (mid, msid) in [("0", "s0 a0"), ("1", "s0 v0")] {
            assert!(way.contains(&format!("a=mid:{mid}\r\na=msid:{msid}\r\n")), "{way}");
        }
        for gone in ["a=sendrecv", "a=msid:x", "a=ssrc", "a=rid", "a=simulcast"] {
            assert!(!way.contains(gone), "{gone}");
        }
        assert!(way.ends_with("webrtc-datachannel\r\na=mid:2\r\n"), "data stays as it is");
    }

    #[test]
    fn sections_are_listed_in_order() {
        let listed: Vec<_> = sections(OFFER).collect();
        assert_eq!(listed, [(Some(Kind::Audio), "0"), (Some(Kind::Video), "1"), (None, "2")]);
    }

    #[test]
    fn the_peer_s_first_codec_that_is_on_is_chosen() {
        let offer = scan(OFFER);
        let all = Kinds::ALL;
        let h264 = [Codec::Pcma, Codec::H264 { profile_level: 0x640032, mode: 1 }];
        assert_eq!(offer.choose(&[Codec::Opus, Codec::Vp8], all), (Some(Codec::Opus), Some(Codec::Vp8)));
        let chosen = (Some(Codec::Pcma), Some(Codec::H264 { profile_level: 0x42e01f, mode: 1 }));
        assert_eq!(offer.choose(&h264, all), chosen, "the one that may split pictures, of the peer's own profile");
        assert_eq!(offer.choose(&h264, Kinds { audio: true, video: false }), (Some(Codec::Pcma), None));
        assert_eq!(offer.choose(&[Codec::Vp9 { profile: 0 }], all), (None, None), "another profile");
    }

    #[test]
    fn sections_that_send_nothing_do_not_count() {
        for (from, to) in [("a=sendonly", "a=recvonly"), ("a=sendonly", "a=inactive"), ("m=video 9", "m=video 0")] {
            let offer = scan(&OFFER.replace(from, to));
            assert!(offer.video.is_empty() && offer.layers == 0 && !offer.audio.is_empty(), "{to}");
        }
        let bundled = OFFER.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only");
        assert!(!scan(&bundled).video.is_empty());
    }

    #[test]
    fn what_is_absurd_is_not_read() {
        assert_eq!(check("garbage"), Err(Absurd::NoDescription));
        assert_eq!(check("v=0\r\n"), Err(Absurd::NoDescription));
        assert_eq!(check(&OFFER.replace("111 opus", "128 opus")), Err(Absurd::PayloadType));
        assert_eq!(check(&OFFER.replace("111 opus", "4294967296 opus")), Err(Absurd::PayloadType));
        let candidate = "a=candidate:1 1 udp 1 127.0.0.1 1 typ host\r\n";
        assert_eq!(check(&format!("{OFFER}{}", candidate.repeat(100))), Ok(()));
        assert_eq!(check(&format!("{OFFER}{}", candidate.repeat(101))), Err(Absurd::TooLarge));
        assert_eq!(check(&format!("{OFFER}{}", "m=audio 9 x 0\r\n".repeat(300))), Err(Absurd::TooLarge));
        assert_eq!(check(&format!("{OFFER}{}", "a=x\r\n".repeat(20_000))), Err(Absurd::TooLarge));
        assert_eq!(check(&format!("{OFFER}{}", "a".repeat(BYTES))), Err(Absurd::TooLarge));
    }
}
