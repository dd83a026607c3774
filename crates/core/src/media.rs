//! What the hub asks of the media engine, and what it hears from it. They meet at joins, leaves and answers, never per
//! packet.

use std::sync::Arc;
use std::time::Duration;

use crate::{LinkId, Name, PartyId, Signal};

/// Sound, pictures, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds {
    /// Sound.
    pub audio: bool,
    /// Pictures.
    pub video: bool,
}

impl Kinds {
    /// Both.
    pub const ALL: Self = Self { audio: true, video: true };
    /// Neither.
    pub const NONE: Self = Self { audio: false, video: false };

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { audio: self.audio && other.audio, video: self.video && other.video }
    }

    /// These with `kinds` switched on or off.
    #[must_use]
    pub const fn with(self, kinds: Self, on: bool) -> Self {
        Self { audio: if kinds.audio { on } else { self.audio }, video: if kinds.video { on } else { self.video } }
    }
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// How a track is coded. The engine passes payloads through: a viewer must understand what the source sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// RFC 7587, 48 kHz.
    Opus,
    /// RFC 3551, 8 kHz.
    Pcmu,
    /// RFC 3551, 8 kHz.
    Pcma,
    /// RFC 3551, 16 kHz on an 8 kHz clock.
    G722,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9 {
        /// `profile-id`.
        profile: u8,
    },
    /// RFC 6184.
    H264 {
        /// `profile-level-id`, three bytes.
        profile_level: u32,
        /// `packetization-mode`.
        mode: u8,
    },
    /// The AV1 RTP payload format of AOMedia.
    Av1 {
        /// `profile`.
        profile: u8,
    },
}

impl Codec {
    /// Whether it codes sound or pictures.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Opus | Self::Pcmu | Self::Pcma | Self::G722 => Kind::Audio,
            Self::Vp8 | Self::Vp9 { .. } | Self::H264 { .. } | Self::Av1 { .. } => Kind::Video,
        }
    }

    /// Ticks per second of its RTP timestamps, which for G.722 are not those of its samples (RFC 3551 section 4.5.2).
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::Vp8 | Self::Vp9 { .. } | Self::H264 { .. } | Self::Av1 { .. } => 90_000,
        }
    }

    /// The encoding name, as registered for RTP.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Vp8 => "VP8",
            Self::Vp9 { .. } => "VP9",
            Self::H264 { .. } => "H264",
            Self::Av1 { .. } => "AV1",
        }
    }
}

/// A subject of data messages: legs say to some, legs hear some. What a leg says reaches every leg that hears one of
/// its subjects, once, except those of the same party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub(crate) u64);

impl Topic {
    /// The topic of this number. The hub gives it; others make one up only to test what they do with it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// What the hub asks of the engine.
#[derive(Clone, Debug)]
pub enum MediaOp {
    /// Make a leg. One that offers does so at once ([`MediaEvent::Local`]); the others wait for the peer's offer.
    Open(Open),
    /// What the peer said: an offer, an answer, a candidate, as plain text.
    Remote {
        /// The leg.
        link: LinkId,
        /// What.
        signal: Signal,
    },
    /// From now on, the leg sends these tracks: a new offer, unless nothing changes. One offer is in flight at a time;
    /// the newest list that came meanwhile is offered next. Where the peer offers, tracks move into the room that is there.
    Tracks {
        /// The leg.
        link: LinkId,
        /// All its tracks.
        tracks: Vec<Track>,
    },
    /// Which kinds of one track the leg is to be sent. No negotiation: what is switched on again begins with a key frame.
    Gate {
        /// The leg.
        link: LinkId,
        /// The leg that the track comes from.
        source: LinkId,
        /// What passes.
        pass: Kinds,
    },
    /// Which kinds of a source pass to anybody.
    Mute {
        /// The leg that receives.
        source: LinkId,
        /// What passes.
        pass: Kinds,
    },
    /// Which rendition of a track the leg is to be sent: the one of exactly this height, else the next lower, else the
    /// lowest; `None`: as its bandwidth allows.
    Prefer {
        /// The leg.
        link: LinkId,
        /// The leg that the track comes from.
        source: LinkId,
        /// In pixels.
        height: Option<u32>,
    },
    /// Ask the peer of a receiving leg to send its pictures at no more than this.
    Limit {
        /// The leg.
        link: LinkId,
        /// In bits per second; `None`: as its network allows.
        bps: Option<u32>,
    },
    /// Hand the peer a message on a data channel of the leg.
    Say {
        /// The leg.
        link: LinkId,
        /// The channel of this name; while it is not open the message is dropped. `None`: the first that is open and not
        /// heeded; the message is kept, within bounds, until there is one.
        channel: Option<Name>,
        /// The message is no text.
        binary: bool,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// End the leg. Nothing is answered, and nothing more is heard of it.
    Close {
        /// The leg.
        link: LinkId,
    },
}

impl MediaOp {
    /// The leg that is meant.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        match self {
            Self::Open(open) => open.link,
            Self::Remote { link, .. }
            | Self::Tracks { link, .. }
            | Self::Gate { link, .. }
            | Self::Prefer { link, .. }
            | Self::Limit { link, .. }
            | Self::Say { link, .. }
            | Self::Close { link } => *link,
            Self::Mute { source, .. } => *source,
        }
    }
}

/// What [`MediaOp::Open`] asks for.
#[derive(Clone, Debug)]
pub struct Open {
    /// The new leg.
    pub link: LinkId,
    /// Whose leg it is.
    pub owner: PartyId,
    /// What it does.
    pub role: LegRole,
    /// What it says to others, it says to these.
    pub says: Vec<Topic>,
    /// What is said to these, it hears.
    pub hears: Vec<Topic>,
    /// What its peer says on data channels of these names, its owner hears ([`MediaEvent::Heard`]), and nobody else.
    pub heeds: Vec<Name>,
    /// How often [`MediaEvent::Report`] tells of it.
    pub report: Duration,
    /// How its media travel.
    pub transport: Transport,
}

/// How media travel between a leg's peer and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// ICE, DTLS and SRTP on one port (RFC 8829).
    WebRtc(Ice),
    /// RTP on ports of the leg's own, one pair per section, as telephones speak it (RFC 3550, RFC 3551). Only for
    /// [`LegRole::Talk`].
    Rtp(Srtp),
}

impl Default for Transport {
    fn default() -> Self {
        Self::WebRtc(Ice::Configured)
    }
}

/// Whether RTP is encrypted, under keys that are told in descriptions (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Never: no keys are offered, and those of an offer are not taken.
    Off,
    /// Keys are offered beside plain RTP; what the peer takes holds.
    #[default]
    Optional,
    /// A description without keys is refused as [`MediaFault::Description`].
    Mandatory,
}

/// Who sends connectivity checks on a leg (RFC 8445 section 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ice {
    /// As the engine is configured: by default the peer alone.
    #[default]
    Configured,
    /// Both sides. For a peer that waits for our checks: one that is lite itself, or an EvoStream media server.
    Full,
}

/// What a leg does.
#[derive(Clone, Debug)]
pub enum LegRole {
    /// The peer offers and sends.
    Receive {
        /// What of it is let in; the rest is agreed to and dropped.
        accept: Kinds,
        /// In which codecs; of the peer's, the first of these is agreed to.
        codecs: Arc<[Codec]>,
    },
    /// We offer to receive, and the peer sends.
    Pull {
        /// What is asked for.
        accept: Kinds,
        /// In which codecs, best first.
        codecs: Arc<[Codec]>,
    },
    /// We offer and send.
    Send {
        /// Tracks at first.
        tracks: Vec<Track>,
        /// Others may come, in whatever codec: the offer asks for all that are switched on.
        may_grow: bool,
        /// Name of the data channel; `None`: the offer has none.
        label: Option<Name>,
        /// As players of 2015 know offers: sound, pictures, data, in this order; in the codecs of these tracks alone, H.264 by
        /// the payload type 107 and as Constrained Baseline, whatever it is.
        narrow: bool,
    },
    /// One end of a conversation.
    Talk(Talk),
    /// The peer offers, and we send what its offer has room for: in each section that it would receive in, one track.
    Answer {
        /// Tracks at first.
        tracks: Vec<Track>,
        /// Others may come, in whatever codec, as room becomes free: the answer agrees to all that are switched on.
        may_grow: bool,
    },
    /// The description has data alone, and we send the pictures of one track on a channel that we open, as fragments of a file
    /// (ISO/IEC 14496-12): of the first of these that is coded in H.264. A leg whose tracks have none is refused as
    /// [`MediaFault::Description`]: nothing would ever come on its channel.
    Fragments {
        /// Tracks at first.
        tracks: Vec<Track>,
        /// Name of the channel.
        label: Name,
        /// The peer offers.
        answers: bool,
    },
}

/// One end of a conversation between two peers: what one sends is sent to the other, section by section. The two ends may
/// travel differently, but nothing is coded anew: both agree on the same codecs, one for each section.
///
/// | who begins | steps |
/// |---|---|
/// | the first end's peer | `Open` (`Peer`), `Remote` (offer): `Parsed`. `Open` of the second (`Ours { with }`): its `Local` (offer), made of what the first peer offered. `Remote` (answer) to the second: its `Parsed`, and `Local` (answer) of the first |
/// | nobody (a call without an offer) | `Open` (`Ours { with: None }`): `Local` (offer) of our own. `Remote` (answer): `Parsed`. `Open` of the second (`Ours { with }`): `Local` (offer) within what was answered; `Remote` (answer) ends it |
///
/// An end whose other end is gone says nothing, and waits to be closed.
///
/// Who answers chooses: the first codec of each section of the answer that the other end has, too, as this is what it will
/// send. In the second row the choice is made by the first answer, so the second end is offered exactly that.
///
/// An answer may come again, early media before the final one: only the end that it is said to follows it, and it has to
/// keep to the codec that was agreed.
///
/// An offer may come later at either end, and replaces one that waits. What concerns that end alone (hold, another address, a
/// refresh, another number for the codec) is answered at once. A section that a browser adds is offered to the other end
/// first, whose answer it waits for; one that a telephone adds is rejected. An offer without the codec that flows is
/// declined ([`MediaEvent::Declined`]), and nothing changes.
#[derive(Clone, Debug)]
pub enum Talk {
    /// This end's peer offers first.
    Peer {
        /// What is agreed to, best first.
        codecs: Arc<[Codec]>,
    },
    /// We offer to this end's peer.
    Ours {
        /// The other end, whose peer has said what it can; `None`: it will only when this one's has.
        with: Option<LinkId>,
        /// What is offered, best first, as far as the other end has it.
        codecs: Arc<[Codec]>,
    },
}

/// One track that a leg is sent: sound and pictures of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// The leg that it comes from.
    pub source: LinkId,
    /// The source's sound, if it has any.
    pub audio: Option<Codec>,
    /// The source's pictures, if it has any.
    pub video: Option<Codec>,
    /// In how many sizes at once the source sends its pictures; 0 or 1: in one.
    pub layers: u8,
    /// What of it passes at first.
    pub pass: Kinds,
    /// Which rendition is sent at first, as in [`MediaOp::Prefer`].
    pub height: Option<u32>,
    /// A source that is gone, whose place this one takes: where its media were sent, these go on, as far as they are coded
    /// alike, and nothing need be negotiated.
    pub heir_of: Option<LinkId>,
}

/// What the engine tells the hub.
#[derive(Clone, Debug)]
pub enum MediaEvent {
    /// A receiving leg, or an end of a conversation, has read its peer's description. Precedes our answer, if it was an
    /// offer; of an offer that the other end has yet to hear of, this is what the peer likes best.
    Parsed {
        /// The leg.
        link: LinkId,
        /// How the peer's sound will be coded; `None` = it sends none, or none that is let in.
        audio: Option<Codec>,
        /// How the peer's pictures will be coded.
        video: Option<Codec>,
        /// In how many sizes at once (simulcast); 0 or 1: in one.
        layers: u8,
    },
    /// Our description is ready for the peer.
    Local {
        /// The leg.
        link: LinkId,
        /// Offer or answer.
        kind: DescriptionKind,
        /// The description, with all candidates.
        sdp: Arc<str>,
        /// Its media sections, in order, inactive ones included.
        sections: Vec<Section<LinkId>>,
    },
    /// The leg is connected and, if it receives and its peer announced media, the first of it has come. An end of a
    /// conversation: it is connected; by RTP: the first packet has come, or both have agreed that none will.
    Flowing {
        /// The leg.
        link: LinkId,
    },
    /// The peer's connection is lost; the leg is closed. By RTP: nothing has come for long, though it should.
    Lost {
        /// The leg.
        link: LinkId,
    },
    /// The leg could not be made or led on; it is closed.
    Refused {
        /// The leg.
        link: LinkId,
        /// Why.
        fault: MediaFault,
    },
    /// A later offer of the peer cannot be taken: malformed, or without the codec that the other end goes on sending. The
    /// leg is as it was before; there will be no answer.
    Declined {
        /// The leg.
        link: LinkId,
    },
    /// The peer of an RTP leg is to send a key frame, and has not said that it can be asked in RTCP: whoever has its
    /// signalling may ask (RFC 5168). At most twice a second.
    KeyWanted {
        /// The leg.
        link: LinkId,
    },
    /// A sending leg has changed over to another rendition of a track.
    Switched {
        /// The leg.
        link: LinkId,
        /// The leg that the track comes from.
        source: LinkId,
        /// The new one's height in pixels.
        height: u32,
    },
    /// Of the tracks with sound that a sending leg is sent, at least two, this one's source speaks now, or has just ended.
    /// Told by the levels that sources put beside their packets (RFC 6464), and again while it speaks; nobody is told
    /// while none does.
    Speaker {
        /// The leg.
        link: LinkId,
        /// The leg that the track comes from.
        source: LinkId,
        /// How loud: decibels below the loudest possible sound, 0 to 127, which is silence.
        level: u8,
    },
    /// A data channel that the leg's owner heeds is open, or no longer: by the peer's wish, or because more was said on it
    /// than is heard.
    Channel {
        /// The leg.
        link: LinkId,
        /// The channel's name. Of several that are called alike the first and the last are told.
        channel: Name,
        /// It is open.
        open: bool,
    },
    /// The peer has said something on a data channel that the leg's owner heeds.
    Heard {
        /// The leg.
        link: LinkId,
        /// The channel's name.
        channel: Name,
        /// The message is no text.
        binary: bool,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// How a leg does.
    Report {
        /// The leg.
        link: LinkId,
        /// How.
        report: Report,
    },
}

impl MediaEvent {
    /// The leg that is meant.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        match self {
            Self::Parsed { link, .. }
            | Self::Local { link, .. }
            | Self::Flowing { link }
            | Self::Lost { link }
            | Self::Refused { link, .. }
            | Self::Declined { link }
            | Self::KeyWanted { link }
            | Self::Switched { link, .. }
            | Self::Speaker { link, .. }
            | Self::Channel { link, .. }
            | Self::Heard { link, .. }
            | Self::Report { link, .. } => *link,
        }
    }
}

/// Which half of a negotiation a description is (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptionKind {
    /// It asks.
    Offer,
    /// It answers.
    Answer,
}

/// A media section of a description. `S` tells whose media it carries: to the engine a link, to a session a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<S> {
    /// Its `mid` (RFC 8843 section 7).
    pub mid: String,
    /// Sound or pictures; `None`: data.
    pub kind: Option<Kind>,
    /// Whose; `None` for what the peer sends, for data, and for a section that nobody uses now.
    pub source: Option<S>,
}

/// Why the engine gave a leg up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaFault {
    /// The peer's description is of no use: malformed, or without a codec in common.
    Description,
    /// We could not make ours.
    Internal,
    /// The engine has as much to do as it may have.
    Overload,
}

/// How a leg does, over the time since the last report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sound that passed, bits per second.
    pub audio_bps: u32,
    /// Pictures that passed, bits per second.
    pub video_bps: u32,
    /// What the leg's network takes by our estimate, bits per second; at least what passed where nothing limits it.
    pub target_bps: u32,
    /// Of a sending leg: packets of sound that were sent since it began, repetitions apart.
    pub audio_packets: u64,
    /// The same of pictures.
    pub video_packets: u64,
    /// Of a sending leg: the mean time from one packet time of sound to the next of the same track, in microseconds, as they
    /// were sent; 0: there were not two.
    pub audio_period_us: u32,
    /// The same of pictures, from frame to frame.
    pub video_period_us: u32,
    /// Packets lost, per mille.
    pub loss_permille: u16,
    /// Round trip in milliseconds, if it is known.
    pub rtt_ms: Option<u16>,
    /// Of a receiving leg: the renditions of the pictures that come in, highest first.
    pub renditions: Vec<Rendition>,
}

/// One size in which a source's pictures can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// Pixels; 0 until a key frame told.
    pub width: u32,
    /// Pixels; 0 until a key frame told.
    pub height: u32,
    /// Bits per second, over the last second.
    pub bps: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_switched_one_by_one() {
        let audio = Kinds { audio: true, video: false };
        assert_eq!(Kinds::ALL.with(audio, false), Kinds { audio: false, video: true });
        assert_eq!(Kinds::NONE.with(audio, true), audio);
        assert_eq!(Kinds::ALL.and(audio), audio);
        assert_eq!(Kinds::NONE.with(Kinds::ALL, true), Kinds::ALL);
        assert_eq!(Kinds::ALL.with(Kinds::NONE, false), Kinds::ALL);
    }
}
