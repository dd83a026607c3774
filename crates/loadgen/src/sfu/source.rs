//! What a publisher sends, and when.

use std::time::{Duration, Instant, SystemTime};

use super::payload::{self, Stamp};

/// Opus at 32 kbit/s: a packet per 20 ms.
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const AUDIO_BYTES: usize = 80;
const AUDIO_CLOCK: u64 = 48_000;
const VIDEO_CLOCK: u64 = 90_000;

/// A source that was held up for longer than this goes on from now: what it missed, it would only send in one lump.
const LATE: Duration = Duration::from_millis(200);

/// The picture part of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Video {
    /// Between two frames.
    pub(crate) every: Duration,
    /// Payload bytes of each packet: frames are cut into equal ones, as browsers do.
    pub(crate) bytes: usize,
    /// Packets of most frames, and of each fourth one.
    pub(crate) packets: u16,
    pub(crate) fourth: u16,
    /// Packets of a key frame.
    pub(crate) key_packets: u16,
    /// Frames from one key frame to the next, if nobody asks.
    pub(crate) key_every: u32,
}

/// VP8 360p at 1 Mbit/s and 30 frames per second; with the sound, 180 packets per second of 770 bytes on average.
pub(crate) const CAMERA: Video = Video {
    every: Duration::from_nanos(1_000_000_000 / 30),
    bytes: 1_025,
    packets: 4,
    fourth: 5,
    key_packets: 16,
    key_every: 120,
};

/// Bursts of eight packets of 1,200 bytes at `per_second`: where a server is measured that has nothing else to do.
pub(crate) fn bursts(per_second: f64) -> Video {
    Video {
        every: Duration::from_secs_f64(1.0 / per_second),
        bytes: 1_200 - super::rtp::FIXED - super::srtp::TAG,
        packets: 8,
        fourth: 8,
        key_packets: 8,
        // Every burst may begin a stream: the load is about packets, not about who waits for what.
        key_every: 1,
    }
}

/// Of which kind a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Video,
}

/// One packet to be sent.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) kind: Kind,
    pub(crate) marker: bool,
    /// In the clock of its kind.
    pub(crate) time: u32,
    /// Goes on without gaps per kind.
    pub(crate) seq: u64,
    pub(crate) payload: Vec<u8>,
}

/// One publisher's source.
pub(crate) struct Source {
    video: Video,
    /// Between two packets of sound; `None`: there is none.
    audio: Option<Duration>,
    /// When the media's time began.
    began: Instant,
    next_audio: Instant,
    next_video: Instant,
    /// A key frame was asked for.
    wanted: bool,
    frame: u32,
    /// Frames since the last key frame.
    since_key: u32,
    audio_seq: u64,
    video_seq: u64,
    /// It sends nothing for now.
    pub(crate) silent: bool,
    /// Packets sent so far.
    pub(crate) sent: u64,
}

impl Source {
    pub(crate) fn new(video: Video, audio: bool, start: Instant) -> Self {
        Self::paced(video, audio.then_some(AUDIO_EVERY), start)
    }

    /// With packets of sound so far apart.
    pub(crate) fn paced(video: Video, audio: Option<Duration>, start: Instant) -> Self {
        Self {
            video,
            audio,
            began: start,
            next_audio: start,
            next_video: start,
            wanted: true,
            frame: 0,
            since_key: 0,
            // SRTP's rollover counter has to begin at zero, and a wrap is to come soon.
            audio_seq: 30_000,
            video_seq: 32_000,
            silent: false,
            sent: 0,
        }
    }

    /// Changes what it sends from the next frame on.
    pub(crate) fn change(&mut self, video: Video) {
        self.video = video;
    }

    /// The next frame comes at once, and is a key frame.
    pub(crate) fn want_key(&mut self) {
        self.wanted = true;
    }

    /// When it has something to send next.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.silent {
            return None;
        }
        let video = if self.wanted { self.began } else { self.next_video };
        Some(if self.audio.is_some() { video.min(self.next_audio) } else { video })
    }

    /// All packets that are due, frame by frame; the stamp is of this moment.
    pub(crate) fn take(&mut self, now: Instant, out: &mut Vec<Packet>) {
        if self.silent {
            return;
        }
        let first = out.len();
        if now > self.next_audio + LATE {
            self.next_audio = now;
        }
        if now > self.next_video + LATE {
            self.next_video = now;
        }
        while let Some(every) = self.audio.filter(|_| self.next_audio <= now) {
            self.sound(now, out);
            self.next_audio += every;
        }
        while self.wanted || self.next_video <= now {
            // A key frame that was asked for does not move the schedule.
            if !self.wanted {
                self.next_video += self.video.every;
            }
            self.picture(now, out);
        }
        self.sent += (out.len() - first) as u64;
    }

    fn sound(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let stamp = Stamp { nanos: unix_nanos(), frame: self.audio_seq as u32, index: 0, count: 1 };
        let mut payload = Vec::with_capacity(AUDIO_BYTES);
        payload::opus(&mut payload, AUDIO_BYTES, &stamp);
        let time = self.time(now, AUDIO_CLOCK);
        out.push(Packet { kind: Kind::Audio, marker: false, time, seq: self.audio_seq, payload });
        self.audio_seq += 1;
    }

    fn picture(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let key = self.wanted || self.since_key + 1 >= self.video.key_every;
        self.wanted = false;
        self.since_key = if key { 0 } else { self.since_key + 1 };
        let count = match (key, self.frame % 4) {
            (true, _) => self.video.key_packets,
            (false, 3) => self.video.fourth,
            (false, _) => self.video.packets,
        };
        let (nanos, time) = (unix_nanos(), self.time(now, VIDEO_CLOCK));
        for index in 0..count {
            let stamp = Stamp { nanos, frame: self.frame, index, count };
            let mut payload = Vec::with_capacity(self.video.bytes);
            payload::vp8(&mut payload, self.video.bytes, key, &stamp);
            out.push(Packet { kind: Kind::Video, marker: stamp.is_last(), time, seq: self.video_seq, payload });
            self.video_seq += 1;
        }
        self.frame += 1;
    }

    fn time(&self, now: Instant, clock: u64) -> u32 {
        let elapsed = now.saturating_duration_since(self.began).as_micros() as u64;
        (elapsed * clock / 1_000_000) as u32
    }
}

/// The kernel's clock for received datagrams.
pub(crate) fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |span| span.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(source: &mut Source, start: Instant, seconds: u64) -> Vec<Packet> {
        let mut out = Vec::new();
        for step in 1..=seconds * 1_000 {
            let now = start + Duration::from_millis(step);
            if source.due().is_some_and(|due| due <= now) {
                source.take(now, &mut out);
            }
        }
        out
    }

    #[test]
    fn the_camera_is_what_its_description_says() {
        let start = Instant::now();
        let mut source = Source::new(CAMERA, true, start);
        let packets = seconds(&mut source, start, 8);
        let on_wire = |packet: &Packet| packet.payload.len() + super::super::rtp::FIXED;
        let rate = packets.len() as f64 / 8.0;
        let mean = packets.iter().map(on_wire).sum::<usize>() as f64 / packets.len() as f64;
        assert!((182.5..183.7).contains(&rate), "{rate} packets per second");
        assert!((750.0..790.0).contains(&mean), "{mean} bytes on average");
        let video: Vec<_> = packets.iter().filter(|packet| packet.kind == Kind::Video).collect();
        let bits = video.iter().map(|packet| packet.payload.len() as f64).sum::<f64>() * 8.0 / 8.0;
        assert!((1.0e6..1.2e6).contains(&bits), "{bits} bit/s");
        let keys: Vec<_> = video.iter().filter(|packet| payload::begins_key(&packet.payload)).collect();
        assert_eq!(keys.len(), 3, "at 0, 4 and 8 seconds");
        assert_eq!(source.sent, packets.len() as u64);
        assert!(video.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
        assert!(video.iter().all(|packet| packet.marker == payload::read(&packet.payload).unwrap().is_last()));
    }

    #[test]
    fn sound_comes_as_often_as_is_asked_for() {
        let start = Instant::now();
        let mut source = Source::paced(bursts(10.0), Some(Duration::from_millis(50)), start);
        let packets = seconds(&mut source, start, 5);
        let sound = packets.iter().filter(|packet| packet.kind == Kind::Audio).count();
        assert!((100..=101).contains(&sound), "{sound}");
    }

    #[test]
    fn a_key_frame_comes_when_it_is_asked_for() {
        let start = Instant::now();
        let mut source = Source::new(CAMERA, false, start);
        seconds(&mut source, start, 1);
        source.want_key();
        let now = start + Duration::from_millis(1_001);
        assert!(source.due().unwrap() <= now);
        let mut out = Vec::new();
        source.take(now, &mut out);
        assert!(payload::begins_key(&out[0].payload));
        assert_eq!(out.len(), 16);
        assert!(source.due().unwrap() > now);
    }

    #[test]
    fn a_silent_one_sends_nothing_and_a_late_one_no_lump() {
        let start = Instant::now();
        let mut source = Source::new(bursts(100.0), true, start);
        let mut out = Vec::new();
        source.silent = true;
        source.take(start, &mut out);
        assert_eq!((out.len(), source.due()), (0, None));
        source.silent = false;
        source.take(start + Duration::from_secs(9), &mut out);
        assert_eq!(out.len(), 1 + 8 + 8, "a packet of sound, a key frame, and one burst");
    }
}
