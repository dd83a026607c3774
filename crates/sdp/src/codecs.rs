//! Which codecs two sides have in common, and by which numbers each knows them. Nothing is transcoded: payloads pass.

use patchbay_core::{Codec, Kind};

use super::model::Section;

/// Most formats of a section that are looked at: browsers have some 25.
const FORMATS: usize = 64;

/// A codec under its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The payload type, 0 to 127: what the author of the description wants to receive it by.
    pub payload: u8,
    /// The codec.
    pub codec: Codec,
}

/// What a section can carry, as far as we know it, in its author's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    /// Codecs.
    pub codecs: Vec<Format>,
    /// Digits (RFC 4733) on a clock of 8 kHz, which is what telephones know.
    pub digits: Option<u8>,
}

impl Formats {
    /// Reads a section's formats. Repairs (rtx, red, fec), comfort noise and unknown codecs are left out, and codecs that
    /// are not of the section's kind.
    #[must_use]
    pub fn read(section: &Section) -> Self {
        let mut formats = Self::default();
        let kind = match section.kind() {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            _ => return formats,
        };
        let mut seen = Vec::new();
        for payload in section.formats().iter().take(FORMATS).filter_map(|format| format.parse::<u8>().ok()) {
            if payload > 127 || seen.contains(&payload) {
                continue;
            }
            seen.push(payload);
            match read(section, payload) {
                Some(Read::Codec(codec)) if codec.kind() == kind => formats.codecs.push(Format { payload, codec }),
                Some(Read::Digits) if kind == Kind::Audio => _ = formats.digits.get_or_insert(payload),
                _ => {}
            }
        }
        formats
    }

    /// What of a browser's formats a telephone is offered: sound that telephones know, VP8, and one H.264, best the one
    /// that all of them decode. VP9 and AV1 would only make the request long.
    #[must_use]
    pub fn for_phones(&self) -> Self {
        let plain = |format: &&Format| matches!(format.codec, Codec::H264 { profile_level: 0x0042_e01f, mode: 1 });
        let baseline = |format: &&Format| matches!(format.codec, Codec::H264 { profile_level, mode: 1 } if profile_level >> 16 == 0x42);
        let splits = |format: &&Format| matches!(format.codec, Codec::H264 { mode: 1, .. });
        let any = |format: &&Format| matches!(format.codec, Codec::H264 { .. });
        let find = |test: &dyn Fn(&&Format) -> bool| self.codecs.iter().find(test).map(|format| format.payload);
        let h264 = find(&plain).or_else(|| find(&baseline)).or_else(|| find(&splits)).or_else(|| find(&any));
        let mut chosen: Vec<Format> = Vec::new();
        for format in &self.codecs {
            let fits = match format.codec {
                Codec::Opus | Codec::G722 | Codec::Pcmu | Codec::Pcma | Codec::Vp8 => true,
                Codec::H264 { .. } => h264 == Some(format.payload),
                Codec::Vp9 { .. } | Codec::Av1 { .. } => false,
            };
            if fits && !chosen.iter().any(|other| other.codec == format.codec) {
                chosen.push(*format);
            }
        }
        Self { codecs: chosen, digits: self.digits }
    }

    /// The first of ours, in our order, that they have: both formats.
    #[must_use]
    pub fn first_common(&self, theirs: &Self) -> Option<(Format, Format)> {
        self.codecs.iter().find_map(|ours| {
            let same = |other: &&Format| same(ours.codec, other.codec);
            // A telephone that leaves the mode out of its answer, but repeats the number, means the same.
            let alike = |other: &&Format| {
                other.payload == ours.payload && same_profile(ours.codec, other.codec).unwrap_or(false)
            };
            let theirs = theirs.codecs.iter().find(same).or_else(|| theirs.codecs.iter().find(alike))?;
            Some((*ours, *theirs))
        })
    }
}

/// Numbers of one section, changed in each direction: at most four of each, of which the first counts. A packet whose
/// number is in no table is not of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadMap {
    to_phone: Vec<(u8, u8)>,
    to_browser: Vec<(u8, u8)>,
}

impl PayloadMap {
    /// Notes that what the browser knows as `browser` has the number `phone` at the telephone, and that the telephone
    /// may send it as `from_phone`. Numbers that are taken already keep their meaning.
    pub(super) fn insert(&mut self, browser: u8, phone: u8, from_phone: u8) {
        self.to_phone.push((browser, phone));
        self.to_browser.push((from_phone, browser));
    }

    /// The number for the telephone of what the browser sends.
    #[must_use]
    pub fn to_phone(&self, browser: u8) -> Option<u8> {
        find(&self.to_phone, browser)
    }

    /// The number for the browser of what the telephone sends.
    #[must_use]
    pub fn to_browser(&self, phone: u8) -> Option<u8> {
        find(&self.to_browser, phone)
    }
}

fn find(table: &[(u8, u8)], from: u8) -> Option<u8> {
    table.iter().find(|(known, _)| *known == from).map(|(_, to)| *to)
}

/// Whether what is coded as `a` can be played by who expects `b`.
///
/// Of H.264 the level is the sender's choice, and of profiles the first byte counts: everybody's baseline is the
/// constrained one, whatever bits say so.
fn same(a: Codec, b: Codec) -> bool {
    match (a, b) {
        (Codec::H264 { mode: a_mode, .. }, Codec::H264 { mode: b_mode, .. }) => {
            a_mode == b_mode && same_profile(a, b) == Some(true)
        }
        _ => a == b,
    }
}

/// `None` if they are not both H.264.
fn same_profile(a: Codec, b: Codec) -> Option<bool> {
    match (a, b) {
        (Codec::H264 { profile_level: a, .. }, Codec::H264 { profile_level: b, .. }) => Some(a >> 16 == b >> 16),
        _ => None,
    }
}

enum Read {
    Codec(Codec),
    Digits,
}

fn read(section: &Section, payload: u8) -> Option<Read> {
    let (name, clock) = match (section.of_payload("rtpmap", payload), payload) {
        (Some(map), _) => {
            let mut parts = map.split('/');
            (parts.next()?.trim(), parts.next().and_then(|clock| clock.trim().parse::<u32>().ok()))
        }
        // RFC 3551 section 6: these need no rtpmap.
        (None, 0) => ("PCMU", Some(8_000)),
        (None, 8) => ("PCMA", Some(8_000)),
        (None, 9) => ("G722", Some(8_000)),
        (None, _) => return None,
    };
    let format = section.of_payload("fmtp", payload).unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = format.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let number = |name: &str| parameter(name).and_then(|value| value.parse::<u8>().ok()).unwrap_or(0);
    let codec = match name.to_ascii_uppercase().as_str() {
        "TELEPHONE-EVENT" => return (clock == Some(8_000)).then_some(Read::Digits),
        "OPUS" => Codec::Opus,
        "PCMU" => Codec::Pcmu,
        "PCMA" => Codec::Pcma,
        "G722" => Codec::G722,
        "VP8" => Codec::Vp8,
        "VP9" => Codec::Vp9 { profile: number("profile-id") },
        "AV1" => Codec::Av1 { profile: number("profile") },
        "H264" => Codec::H264 {
            // RFC 6184 section 8.1: without the parameter, baseline at level 1.
            profile_level: parameter("profile-level-id")
                .and_then(|value| u32::from_str_radix(value, 16).ok())
                .filter(|value| *value <= 0x00ff_ffff)
                .unwrap_or(0x0042_000a),
            mode: number("packetization-mode"),
        },
        _ => return None,
    };
    // A codec at another clock is another one (`PCMU/16000`); some write the samples of G.722 for its clock.
    let clock_fits = clock == Some(codec.clock_rate()) || (codec == Codec::G722 && clock == Some(16_000));
    clock_fits.then_some(Read::Codec(codec))
}

/// The lines that say what a format is, for a telephone.
pub(super) fn describe(format: Format, section: &mut Section) {
    let Format { payload, codec } = format;
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    section.push('a', &format!("rtpmap:{payload} {}/{}{channels}", codec.label(), codec.clock_rate()));
    match codec {
        Codec::Opus => section.push('a', &format!("fmtp:{payload} minptime=10;useinbandfec=1")),
        Codec::H264 { profile_level, mode } => {
            section.push('a', &format!("fmtp:{payload} profile-level-id={profile_level:06x};packetization-mode={mode}"))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Description;
    use crate::samples::CHROMIUM_OFFER;

    fn section(lines: &str) -> Section {
        Description::parse(&format!("v=0\n{lines}")).expect("a description").sections()[0].clone()
    }

    fn codecs(formats: &Formats) -> Vec<(u8, Codec)> {
        formats.codecs.iter().map(|format| (format.payload, format.codec)).collect()
    }

    const fn h264(profile_level: u32, mode: u8) -> Codec {
        Codec::H264 { profile_level, mode }
    }

    #[test]
    fn a_browser_s_formats() {
        let offer = Description::parse(CHROMIUM_OFFER).expect("an offer");
        let audio = Formats::read(&offer.sections()[0]);
        let sound = [(111, Codec::Opus), (9, Codec::G722), (0, Codec::Pcmu), (8, Codec::Pcma)];
        assert_eq!(codecs(&audio), sound);
        assert_eq!(audio.digits, Some(126), "those on the clock of 8 kHz");
        assert_eq!(codecs(&audio.for_phones()), sound);
        let video = Formats::read(&offer.sections()[1]);
        assert_eq!(video.codecs.len(), 10, "no repairs");
        assert_eq!(codecs(&video.for_phones()), [(96, Codec::Vp8), (108, h264(0x42e01f, 1))]);
    }

    #[test]
    fn the_best_h264_is_offered() {
        for (others, best) in [
            (vec![(1, 0x640032, 1), (2, 0x42e01f, 0), (3, 0x42e01f, 1)], 3),
            (vec![(1, 0x640032, 1), (2, 0x42001f, 1), (3, 0x42e01f, 0)], 2),
            (vec![(1, 0x42e01f, 0), (2, 0x640032, 1)], 2),
            (vec![(1, 0x640032, 0), (2, 0x4d0032, 0)], 1),
        ] {
            let each =
                others.iter().map(|(payload, level, mode)| Format { payload: *payload, codec: h264(*level, *mode) });
            let formats = Formats { codecs: each.collect(), digits: None };
            assert_eq!(formats.for_phones().codecs.iter().map(|format| format.payload).collect::<Vec<_>>(), [best]);
        }
    }

    #[test]
    fn formats_of_telephones() {
        let lines = "m=audio 5004 RTP/AVP 0 8 9 18 13 101 97 98 99 0 200 300 x\na=rtpmap:200 PCMA/8000\na=rtpmap:101 Telephone-Event/8000\n\
            a=rtpmap:97 OPUS/48000/2\na=rtpmap:98 telephone-event/48000\na=rtpmap:99 PCMU/16000\na=rtpmap:9 G722/16000";
        let formats = Formats::read(&section(lines));
        let sound = [(0, Codec::Pcmu), (8, Codec::Pcma), (9, Codec::G722), (97, Codec::Opus)];
        assert_eq!((codecs(&formats), formats.digits), (sound.to_vec(), Some(101)));
        let lines = "m=video 5006 RTP/AVP 96 99\na=rtpmap:96 H264/90000\na=fmtp:96 Profile-Level-Id = 42801F; \
            packetization-mode=1\na=rtpmap:99 H264/90000\na=fmtp:99 profile-level-id=zzz";
        assert_eq!(codecs(&Formats::read(&section(lines))), [(96, h264(0x42801f, 1)), (99, h264(0x42000a, 0))]);
        assert_eq!(Formats::read(&section("m=video 1 RTP/AVP 0")), Formats::default(), "sound in a picture");
        assert_eq!(Formats::read(&section("m=image 1 udptl t38")), Formats::default());
    }

    #[test]
    fn the_first_common_codec_is_taken() {
        let formats = |list: &[(u8, Codec)]| Formats {
            codecs: list.iter().map(|(payload, codec)| Format { payload: *payload, codec: *codec }).collect(),
            digits: None,
        };
        let ours = formats(&[(111, Codec::Opus), (0, Codec::Pcmu), (8, Codec::Pcma)]);
        for (theirs, expected) in [
            (formats(&[(8, Codec::Pcma), (0, Codec::Pcmu)]), Some((0, 0))),
            (formats(&[(96, Codec::Opus)]), Some((111, 96))),
            (formats(&[(9, Codec::G722)]), None),
        ] {
            let found = ours.first_common(&theirs).map(|(ours, theirs)| (ours.payload, theirs.payload));
            assert_eq!(found, expected);
        }
        let ours = formats(&[(102, h264(0x42e01f, 1)), (104, h264(0x42e01f, 0))]);
        for (theirs, expected) in [
            ((97, h264(0x42801e, 0)), Some((104, 97))),
            ((97, h264(0x42000a, 1)), Some((102, 97))),
            ((102, h264(0x42e01f, 0)), Some((102, 102))),
            ((97, h264(0x640028, 1)), None),
        ] {
            let found = ours.first_common(&formats(&[theirs])).map(|(ours, theirs)| (ours.payload, theirs.payload));
            assert_eq!(found, expected, "{theirs:?}");
        }
    }

    #[test]
    fn numbers_keep_their_first_meaning() {
        let mut map = PayloadMap::default();
        for (browser, phone, from) in [(111, 96, 111), (111, 96, 96), (126, 101, 126), (126, 101, 101), (111, 97, 96)] {
            map.insert(browser, phone, from);
        }
        map.insert(0, 0, 101);
        assert_eq!((map.to_phone(111), map.to_phone(126), map.to_phone(96)), (Some(96), Some(101), None));
        let back = [96, 111, 101, 126, 97].map(|payload| map.to_browser(payload));
        assert_eq!(back, [Some(111), Some(111), Some(126), Some(126), None]);
    }
}
