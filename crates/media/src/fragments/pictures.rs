//! RTP packets of H.264 become pictures (RFC 6184): single units, several in one packet, one in several.
//!
//! str0m has a reader of its own, but each of its outputs is of one packet; the order, the losses and the bounds would be ours
//! all the same, and it copies what is copied here once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use patchbay_core::Codec;

use crate::burst::Packet;
use crate::keyframe;

/// Largest picture, in bytes. A key frame of 4K at 40 Mbit/s has some 1 MB: more would be a peer that never ends its picture,
/// less would leave such streams without a beginning.
pub(crate) const PICTURE: usize = 2 * 1024 * 1024;
/// Packets that wait behind one that has not come. More forgives larger bursts of losses that are mended, less gives up
/// sooner and costs less memory; at 40 Mbit/s these are a tenth of a second.
const WAITING: usize = 512;
/// How long they wait. Longer mends longer round trips, shorter lets the picture stand still for less time once it is lost.
const PATIENCE: Duration = Duration::from_millis(250);
/// Parameter sets of one stream, of each kind: encoders for calls have one.
const SETS: usize = 8;
/// Bytes of one. They stand in every beginning of the stream; none is as long.
const SET: usize = 1024;

const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const END_OF_SEQUENCE: u8 = 10;
const END_OF_STREAM: u8 = 11;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// A picture that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// RTP timestamp.
    pub(crate) time: u32,
    /// A decoder may begin with it: an IDR picture, with its parameter sets.
    pub(crate) key: bool,
    /// Units behind their lengths of four bytes.
    pub(crate) data: Vec<u8>,
    /// The parameter sets in force; only key frames tell.
    pub(crate) parameters: Option<Parameters>,
}

/// The parameter sets of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) sps: Vec<Vec<u8>>,
    pub(crate) pps: Vec<Vec<u8>>,
}

impl Parameters {
    /// Profile, constraints and level, as codec strings name them.
    pub(crate) fn profile(&self) -> [u8; 3] {
        match self.sps.first().map(Vec::as_slice) {
            Some([_, profile, compatible, level, ..]) => [*profile, *compatible, *level],
            _ => [0; 3],
        }
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let codec = Codec::H264 { profile_level: 0, mode: 1 };
        keyframe::inspect(codec, self.sps.first()?).size
    }
}

/// Puts the packets of one source in order, and pictures together.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    /// The number that comes next; `None`: a place to begin is waited for.
    next: Option<u64>,
    /// Packets that wait for one before them, and since when.
    waiting: BTreeMap<u64, Packet>,
    gap: Option<Instant>,
    /// Of the picture that is being put together.
    open: Open,
    parameters: Parameters,
    /// Nothing is of use but a key frame.
    begun: bool,
}

#[derive(Debug, Default)]
struct Open {
    time: Option<u32>,
    data: Vec<u8>,
    idr: bool,
    slices: bool,
    /// Where the unit's length stands that comes in parts, and its parts have begun.
    part: Option<usize>,
    sets: Parameters,
}

/// Something that no sender means, or what is too large.
struct Unfit;

impl Pictures {
    /// Takes a packet; pictures that are whole go to `out`.
    pub(crate) fn push(&mut self, packet: &Packet, now: Instant, out: &mut Vec<Picture>) {
        if self.next.is_some_and(|next| packet.seq < next) {
            return;
        }
        if self.next.is_none() && !is_beginning(packet) {
            return;
        }
        let next = *self.next.get_or_insert(packet.seq);
        if packet.seq == next {
            self.take(packet, out);
        } else {
            self.waiting.insert(packet.seq, packet.clone());
            self.gap.get_or_insert(now);
        }
        self.catch_up(out);
        let late = self.gap.is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE);
        if self.waiting.len() > WAITING || late {
            self.lose(out);
        }
    }

    /// Takes what waited and is in order now.
    fn catch_up(&mut self, out: &mut Vec<Picture>) {
        while let Some(first) = self.waiting.first_entry() {
            match self.next {
                Some(next) if *first.key() > next => return,
                Some(next) if *first.key() < next => drop(first.remove()),
                Some(_) => {
                    let packet = first.remove();
                    self.gap = None;
                    self.take(&packet, out);
                }
                None => {
                    let packet = first.remove();
                    if is_beginning(&packet) {
                        self.next = Some(packet.seq);
                        self.take(&packet, out);
                    }
                }
            }
        }
        self.gap = None;
    }

    /// A packet did not come: what it belonged to is lost, and so is what follows, until a key frame.
    fn lose(&mut self, out: &mut Vec<Picture>) {
        self.drop_picture();
        self.gap = None;
        self.catch_up(out);
    }

    fn drop_picture(&mut self) {
        (self.next, self.begun) = (None, false);
        self.open = Open::default();
    }

    /// The next packet in order.
    fn take(&mut self, packet: &Packet, out: &mut Vec<Picture>) {
        self.next = Some(packet.seq + 1);
        if self.open.time.is_some_and(|time| time != packet.time) {
            // Its marker was never set.
            self.finish(out);
        }
        self.open.time = Some(packet.time);
        if self.open.add(&packet.payload).is_err() {
            return self.drop_picture();
        }
        if packet.marker {
            self.finish(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Picture>) {
        let open = std::mem::take(&mut self.open);
        let Some(time) = open.time else { return };
        if open.part.is_some() {
            return self.drop_picture();
        }
        let whole = !open.sets.sps.is_empty() && !open.sets.pps.is_empty();
        if !open.sets.sps.is_empty() {
            self.parameters.sps = open.sets.sps;
        }
        if !open.sets.pps.is_empty() {
            self.parameters.pps = open.sets.pps;
        }
        if !open.slices {
            // Parameter sets alone, or nothing at all: padding of the sender's.
            return;
        }
        if !open.idr {
            if self.begun {
                out.push(Picture { time, key: false, data: open.data, parameters: None });
            } else {
                // It began with a parameter set, and no IDR picture followed.
                self.drop_picture();
            }
            return;
        }
        if self.parameters.pps.is_empty() || self.parameters.size().is_none() {
            // What cannot be described is no beginning.
            return self.drop_picture();
        }
        self.begun = true;
        let data = if whole { open.data } else { self.parameters.before(&open.data) };
        out.push(Picture { time, key: true, data, parameters: Some(self.parameters.clone()) });
    }

    /// Pictures are of no use until a key frame comes, or are of use again since one has.
    pub(crate) fn skip(&mut self, skip: bool) {
        self.begun = !skip;
    }

    /// Whether a key frame is waited for.
    pub(crate) fn is_skipping(&self) -> bool {
        !self.begun
    }

    /// Packets of another numbering come.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Whether a stream can be begun with that packet.
fn is_beginning(packet: &Packet) -> bool {
    keyframe::inspect(Codec::H264 { profile_level: 0, mode: 1 }, &packet.payload).key
}

impl Parameters {
    /// These units, and those behind them.
    fn before(&self, data: &[u8]) -> Vec<u8> {
        let mut all = Vec::with_capacity(data.len() + 128);
        for set in self.sps.iter().chain(&self.pps) {
            all.extend_from_slice(&u32::try_from(set.len()).unwrap_or_default().to_be_bytes());
            all.extend_from_slice(set);
        }
        all.extend_from_slice(data);
        all
    }
}

impl Open {
    /// Adds what a packet carries.
    fn add(&mut self, payload: &[u8]) -> Result<(), Unfit> {
        let Some((head, rest)) = payload.split_first() else { return Ok(()) };
        let kind = head & 0x1f;
        if kind != FU_A && self.part.is_some() {
            return Err(Unfit);
        }
        match kind {
            1..STAP_A => self.unit(payload),
            STAP_A => {
                let mut rest = rest;
                while let Some((length, behind)) = rest.split_first_chunk() {
                    let length = usize::from(u16::from_be_bytes(*length));
                    let (unit, behind) = behind.split_at_checked(length).ok_or(Unfit)?;
                    self.unit(unit)?;
                    rest = behind;
                }
                if rest.is_empty() { Ok(()) } else { Err(Unfit) }
            }
            FU_A => self.part(*head, rest),
            // Interleaved packets (packetization mode 2), and what is not assigned.
            _ => Err(Unfit),
        }
    }

    /// A whole unit.
    fn unit(&mut self, unit: &[u8]) -> Result<(), Unfit> {
        let Some(head) = unit.first() else { return Ok(()) };
        if !self.begin(head & 0x1f)? {
            return Ok(());
        }
        self.room(unit.len())?;
        self.data.extend_from_slice(&u32::try_from(unit.len()).map_err(|_| Unfit)?.to_be_bytes());
        self.data.extend_from_slice(unit);
        self.remember(unit)
    }

    /// A part of a unit: the kind of the packet, and what is behind it.
    fn part(&mut self, head: u8, body: &[u8]) -> Result<(), Unfit> {
        let (fu, part) = body.split_first().ok_or(Unfit)?;
        let (starts, ends) = (fu & FU_START != 0, fu & FU_END != 0);
        if starts == self.part.is_some() {
            // A part without a beginning, or a beginning within a unit.
            return Err(Unfit);
        }
        if starts {
            self.begin(fu & 0x1f)?;
            self.room(0)?;
            self.part = Some(self.data.len());
            self.data.extend_from_slice(&[0, 0, 0, 0, head & 0xe0 | fu & 0x1f]);
        }
        self.room(part.len())?;
        self.data.extend_from_slice(part);
        let Some(at) = self.part.filter(|_| ends) else { return Ok(()) };
        self.part = None;
        let length = self.data.len() - at - 4;
        self.data[at..at + 4].copy_from_slice(&u32::try_from(length).map_err(|_| Unfit)?.to_be_bytes());
        let unit = self.data[at + 4..].to_vec();
        match unit[0] & 0x1f {
            SPS | PPS => self.remember(&unit),
            _ => Ok(()),
        }
    }

    /// Whether units of that kind belong into a picture.
    fn begin(&mut self, kind: u8) -> Result<bool, Unfit> {
        if !(1..STAP_A).contains(&kind) {
            return Err(Unfit);
        }
        self.slices |= kind <= IDR;
        self.idr |= kind == IDR;
        Ok(!matches!(kind, DELIMITER | END_OF_SEQUENCE | END_OF_STREAM | FILLER))
    }

    fn remember(&mut self, unit: &[u8]) -> Result<(), Unfit> {
        let sets = match unit[0] & 0x1f {
            SPS => &mut self.sets.sps,
            PPS => &mut self.sets.pps,
            _ => return Ok(()),
        };
        if sets.len() >= SETS || unit.len() > SET {
            return Err(Unfit);
        }
        if !sets.iter().any(|set| set == unit) {
            sets.push(unit.to_vec());
        }
        Ok(())
    }

    /// Whether so many bytes more are no picture too large; what stands before each unit counts.
    fn room(&self, bytes: usize) -> Result<(), Unfit> {
        if self.data.len() + bytes + 8 > PICTURE { Err(Unfit) } else { Ok(()) }
    }
}
