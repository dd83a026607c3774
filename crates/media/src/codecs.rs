//! Our codecs as str0m's payload parameters, and back.

use patchbay_core::Codec;
use str0m::format::{Codec as Name, CodecConfig, CodecSpec, FormatParams, PayloadParams};
use str0m::media::{Frequency, Pt};

use crate::sdp::same_family;

/// How a viewer's network is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feedback {
    /// By the arrival of each packet (transport-wide congestion control), with probing: what a choice among layers needs.
    Transport,
    /// By the receiver's own estimate (REMB), about once a second: nearly free, enough to report.
    Receiver,
}

/// The configuration that offers or accepts exactly these codecs.
pub(crate) fn config(codecs: &[Codec], feedback: Feedback) -> CodecConfig {
    let mut pts = Pts::default();
    let params = codecs.iter().map(|codec| {
        let (pt, resend) = pts.take(*codec);
        let mut params = PayloadParams::new(pt.into(), resend.map(Pt::from), spec(*codec));
        let video = resend.is_some();
        params.set_fb_transport_cc(feedback == Feedback::Transport);
        params.set_fb_remb(video);
        params.set_fb_nack(video);
        params.set_fb_pli(video);
        params.set_fb_fir(video);
        params
    });
    CodecConfig::new_from_payload_params(params.collect())
}

/// The same for an old player, which knows H.264 by this number and in this profile only (ers.md section 3.2). Of several
/// profiles, one is left: pictures are what they are.
pub(crate) fn narrow(codecs: &[Codec], feedback: Feedback) -> CodecConfig {
    const PROFILE: u32 = 0x0042_c01e;
    const PT: u8 = 107;
    let named: Vec<_> = codecs
        .iter()
        .map(|codec| match codec {
            Codec::H264 { .. } => Codec::H264 { profile_level: PROFILE, mode: 1 },
            other => *other,
        })
        .collect();
    let params = config(&distinct(named), feedback).params().to_vec();
    let renamed = params.into_iter().map(|params| {
        if params.spec().codec != Name::H264 {
            return params;
        }
        let mut narrow = PayloadParams::new(PT.into(), Some((PT + 1).into()), params.spec());
        narrow.set_fb_transport_cc(feedback == Feedback::Transport);
        narrow.set_fb_remb(true);
        narrow.set_fb_nack(true);
        narrow.set_fb_pli(true);
        narrow.set_fb_fir(true);
        narrow
    });
    CodecConfig::new_from_payload_params(renamed.collect())
}

/// The payload type of digits in offers of ours; see [`Pts`] for the others.
const DIGITS: u8 = 110;

/// The same for a conversation, in which digits may pass (RFC 4733), on the clock that telephones know.
pub(crate) fn config_with_digits(codecs: &[Codec]) -> CodecConfig {
    let mut params = config(codecs, Feedback::Transport).params().to_vec();
    let format = FormatParams::default();
    let spec = CodecSpec { codec: Name::Tele, clock_rate: Frequency::EIGHT_KHZ, channels: None, format };
    let mut digits = PayloadParams::new(DIGITS.into(), None, spec);
    digits.set_fb_transport_cc(false);
    params.push(digits);
    CodecConfig::new_from_payload_params(params)
}

/// Whether negotiated parameters are those of digits.
pub(crate) fn carries_digits(params: &PayloadParams) -> bool {
    params.spec().codec == Name::Tele
}

fn spec(codec: Codec) -> CodecSpec {
    let none = FormatParams::default();
    let (codec, clock_rate, channels, format) = match codec {
        // RFC 7587: two channels in the map, whatever is sent.
        Codec::Opus => {
            let format = FormatParams { min_p_time: Some(10), use_inband_fec: Some(true), ..none };
            (Name::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2), format)
        }
        Codec::Pcmu => (Name::PCMU, Frequency::EIGHT_KHZ, None, none),
        Codec::Pcma => (Name::PCMA, Frequency::EIGHT_KHZ, None, none),
        // 8 kHz on the wire (RFC 3551 section 4.5.2), which str0m sees to.
        Codec::G722 => (Name::G722, Frequency::SIXTEEN_KHZ, None, none),
        Codec::Vp8 => (Name::Vp8, Frequency::NINETY_KHZ, None, none),
        Codec::Vp9 { profile } => {
            let format = FormatParams { profile_id: Some(profile.into()), ..none };
            (Name::Vp9, Frequency::NINETY_KHZ, None, format)
        }
        Codec::H264 { profile_level, mode } => {
            let format = FormatParams {
                level_asymmetry_allowed: Some(true),
                packetization_mode: Some(mode),
                profile_level_id: Some(profile_level),
                ..none
            };
            (Name::H264, Frequency::NINETY_KHZ, None, format)
        }
        Codec::Av1 { profile } => {
            let format = FormatParams { profile: Some(profile), ..none };
            (Name::Av1, Frequency::NINETY_KHZ, None, format)
        }
    };
    CodecSpec { codec, clock_rate, channels, format }
}

/// Whether negotiated parameters carry that codec.
pub(crate) fn carries(params: &PayloadParams, codec: Codec) -> bool {
    let wanted = spec(codec);
    let have = params.spec();
    if have.codec != wanted.codec {
        return false;
    }
    match codec {
        Codec::Vp9 { profile } => have.format.profile_id.unwrap_or(0) == u32::from(profile),
        Codec::Av1 { profile } => have.format.profile.unwrap_or(0) == profile,
        // A peer that can put pictures together from parts can take those that come whole.
        Codec::H264 { mode, .. } => have.format.packetization_mode.unwrap_or(0) >= mode,
        _ => true,
    }
}

/// Payload types for codecs, in the dynamic range that Chrome uses, so that captures look familiar.
#[derive(Default)]
struct Pts {
    h264: u8,
    other: u8,
}

impl Pts {
    /// The payload type, and that of its retransmissions if it is video.
    fn take(&mut self, codec: Codec) -> (u8, Option<u8>) {
        let video = |pt: u8| (pt, Some(pt + 1));
        match codec {
            Codec::Opus => (111, None),
            Codec::Pcmu => (0, None),
            Codec::Pcma => (8, None),
            Codec::G722 => (9, None),
            Codec::Vp8 => video(96),
            Codec::Vp9 { profile: 0 } => video(98),
            Codec::Av1 { profile: 0 } => video(45),
            Codec::H264 { .. } => {
                self.h264 += 1;
                video(100 + 2 * self.h264)
            }
            // Rare profiles.
            Codec::Vp9 { .. } | Codec::Av1 { .. } => {
                self.other += 1;
                video(112 + 2 * self.other)
            }
        }
    }
}

/// Codecs without repetition, at most so many of each family that payload types do not run out.
pub(crate) fn distinct(codecs: impl IntoIterator<Item = Codec>) -> Vec<Codec> {
    const PER_FAMILY: usize = 4;
    let mut list: Vec<Codec> = Vec::new();
    for codec in codecs {
        let family = list.iter().filter(|other| spec(**other).codec == spec(codec).codec).count();
        if !list.contains(&codec) && family < PER_FAMILY {
            list.push(codec);
        }
    }
    list
}

/// Of the enabled codecs, those that none of `present` stands for already.
pub(crate) fn others(enabled: &[Codec], present: &[Codec]) -> Vec<Codec> {
    enabled.iter().copied().filter(|codec| !present.iter().any(|other| same_family(*codec, *other))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn payload_types_are_distinct_and_codecs_found_again() {
        let mut codecs = Config::default().codecs;
        codecs.extend([
            Codec::H264 { profile_level: 0x64_001f, mode: 1 },
            Codec::H264 { profile_level: 0x42_001f, mode: 0 },
            Codec::Vp9 { profile: 2 },
            Codec::Av1 { profile: 1 },
        ]);
        let config = config(&distinct(codecs.clone()), Feedback::Receiver);
        let mut pts: Vec<u8> = Vec::new();
        for params in config.params() {
            pts.push(*params.pt());
            pts.extend(params.resend().map(|pt| *pt));
        }
        let count = pts.len();
        pts.sort_unstable();
        pts.dedup();
        assert_eq!(pts.len(), count, "{pts:?}");
        for codec in codecs {
            assert!(config.params().iter().any(|params| carries(params, codec)), "{codec:?}");
        }
    }

    #[test]
    fn a_profile_is_not_taken_for_another() {
        let of = |codec| config(&[codec], Feedback::Transport).params()[0];
        assert!(!carries(&of(Codec::Vp9 { profile: 0 }), Codec::Vp9 { profile: 2 }));
        assert!(!carries(&of(Codec::Vp8), Codec::Vp9 { profile: 0 }));
        let h264 = |profile_level, mode| Codec::H264 { profile_level, mode };
        assert!(carries(&of(h264(1, 1)), h264(2, 0)), "parts may be put together, whole ones are no parts");
        assert!(!carries(&of(h264(1, 0)), h264(1, 1)));
    }

    #[test]
    fn codecs_are_listed_once() {
        let h264 = |profile_level| Codec::H264 { profile_level, mode: 1 };
        let many = distinct((0..10).map(h264).chain([Codec::Opus, Codec::Opus]));
        assert_eq!(many, [h264(0), h264(1), h264(2), h264(3), Codec::Opus]);
        assert_eq!(others(&[Codec::Opus, h264(9)], &[h264(1)]), [Codec::Opus]);
    }
}
