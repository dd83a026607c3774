//! Boxes of fragmented MP4 (ISO/IEC 14496-12 and -15): the head of a stream, and the head of each fragment, which is one picture.
//!
//! A fragment for each picture costs some 120 bytes more than one for several would, and makes nobody wait for the next picture.

use mp4_atom::{
    Avc1, Avcc, AvccExt, Codec, Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Mdhd, Mdia, Mfhd, Minf, Moof, Moov, Mvex, Mvhd,
    Stbl, Stco, Stsd, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun, TrunEntry, TrunSamples, Visual, Vmhd,
};

use super::pictures::Parameters;
use super::timing::{RATE, Span};

/// The one track.
const TRACK: u32 = 1;
/// Sample flags (ISO/IEC 14496-12 section 8.8.3.1): depends on no other; depends on others and is no place to begin.
const KEY: u32 = 0x0200_0000;
const DELTA: u32 = 0x0101_0000;
/// `profile_idc` of High.
const HIGH: u8 = 100;
/// Bytes of the head of `mdat`.
const MDAT_HEAD: usize = 8;

/// `ftyp` and `moov` of a stream; `None` if its parameter sets tell no size.
pub(crate) fn head(parameters: &Parameters) -> Option<Vec<u8>> {
    let (width, height) = parameters.size()?;
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    let [profile, compatible, level] = parameters.profile();
    let avcc = Avcc {
        configuration_version: 1,
        avc_profile_indication: profile,
        profile_compatibility: compatible,
        avc_level_indication: level,
        length_size: 4,
        sequence_parameter_sets: parameters.sps.clone(),
        picture_parameter_sets: parameters.pps.clone(),
        // Of High profile, readers may expect to be told what is the same for all of it.
        ext: (profile == HIGH).then(AvccExt::default),
    };
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let minf = Minf {
        vmhd: Some(Vmhd::default()),
        dinf: Dinf { dref: Dref::default() },
        // Samples are in the fragments.
        stbl: Stbl {
            stsd: Stsd { codecs: vec![Codec::Avc1(Avc1 { visual, avcc, ..Avc1::default() })] },
            stco: Some(Stco::default()),
            ..Stbl::default()
        },
        ..Minf::default()
    };
    let trak = Trak {
        tkhd: Tkhd {
            track_id: TRACK,
            enabled: true,
            in_movie: true,
            width: width.into(),
            height: height.into(),
            ..Tkhd::default()
        },
        mdia: Mdia {
            mdhd: Mdhd { timescale: RATE, language: "und".to_owned(), ..Mdhd::default() },
            hdlr: Hdlr { handler: FourCC::new(b"vide"), name: String::new() },
            minf,
        },
        ..Trak::default()
    };
    let trex = Trex { track_id: TRACK, default_sample_description_index: 1, ..Trex::default() };
    let moov = Moov {
        mvhd: Mvhd { timescale: RATE, next_track_id: TRACK + 1, ..Mvhd::default() },
        mvex: Some(Mvex { mehd: None, trex: vec![trex] }),
        trak: vec![trak],
        ..Moov::default()
    };
    let brands = [b"iso6", b"avc1", b"mp41"].map(FourCC::new);
    let ftyp = Ftyp { major_brand: brands[0], minor_version: 0, compatible_brands: brands.to_vec() };
    let mut out = Vec::new();
    ftyp.encode(&mut out).ok()?;
    moov.encode(&mut out).ok()?;
    Some(out)
}

/// `moof` of a fragment of one picture of so many bytes.
pub(crate) fn moof(sequence: u32, span: Span, bytes: usize, key: bool) -> Option<Vec<u8>> {
    let size = u32::try_from(bytes).ok()?;
    let with = |offset: i32| {
        let sample = TrunEntry {
            duration: Some(span.length),
            size: Some(size),
            flags: Some(if key { KEY } else { DELTA }),
            cts: None,
        };
        let traf = Traf {
            tfhd: Tfhd { track_id: TRACK, default_base_is_moof: true, ..Tfhd::default() },
            tfdt: Some(Tfdt { base_media_decode_time: span.start }),
            trun: vec![Trun { data_offset: Some(offset), samples: TrunSamples::Explicit(vec![sample]) }],
            ..Traf::default()
        };
        let mut out = Vec::new();
        let moof = Moof { mfhd: Mfhd { sequence_number: sequence }, traf: vec![traf] };
        moof.encode(&mut out).ok().map(|()| out)
    };
    // Where the picture is depends on the length of what says so.
    let offset = i32::try_from(with(0)?.len() + MDAT_HEAD).ok()?;
    with(offset)
}

/// The head of `mdat` before so many bytes.
pub(crate) fn mdat_head(bytes: usize) -> [u8; MDAT_HEAD] {
    // Far above what a picture may have.
    let [a, b, c, d] = u32::try_from(bytes + MDAT_HEAD).unwrap_or(u32::MAX).to_be_bytes();
    [a, b, c, d, b'm', b'd', b'a', b't']
}
