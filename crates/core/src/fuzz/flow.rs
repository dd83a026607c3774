//! Streams as operations: who publishes, views and asks what, and what the engine tells.

use std::sync::Arc;

use super::operation::{NAMES, ROOMS, SEATS, Seat};
use super::stage::name;
use crate::{
    Body, CauseKind, Codec, Command, DescriptionKind, Kinds, Knock, Lang, LinkId, MediaEvent, MediaFault, Name,
    Publish, Query, Rendition, Report, Selection, Shape, Signal, SignalKind, Speaks, View,
};

/// Kinds of operations.
pub(super) const KINDS: u8 = 24;

/// A publication or view, by how many were opened after it.
pub(super) type Back = usize;

#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// What a party says; of a link, if it is about one.
    Says { seat: Seat, back: Back, what: What, bytes: [u8; 3] },
    /// It knocks, and then asks for what it knocked for.
    Knocks { seat: Seat, view: bool, bytes: [u8; 3] },
    /// The engine tells something of a leg.
    Engine { back: Back, what: u8, more: u8 },
    /// The machine has enough to do, or no longer.
    Overload(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Publish,
    View,
    Watch,
    Unview,
    Hangup,
    Describe,
    Signal,
    Pause,
    Prefer,
    Limit,
    Say,
    EndStream,
    SayToAll,
    Query,
    Knock,
}

/// What has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// Once, be it with a refusal.
    Answer,
    /// Not, or with a refusal.
    Maybe,
}

impl Flow {
    pub(super) fn parse([kind, who, what, more, rest]: [u8; 5]) -> Self {
        let (seat, back) = (usize::from(who) % SEATS, usize::from(what % 6));
        let says = |what| Self::Says { seat, back, what, bytes: [kind ^ rest, more, rest] };
        let named = |what_is| Self::Says { seat, back, what: what_is, bytes: [what, more, rest] };
        match kind % KINDS {
            0..=2 => named(What::Publish),
            3 | 4 => named(What::View),
            5 => named(What::Watch),
            6 => named(What::Unview),
            7 => says(What::Hangup),
            8 => says(What::Describe),
            9 => says(What::Signal),
            10 => says(What::Pause),
            11 => says(What::Prefer),
            12 => says(What::Limit),
            13 => says(What::Say),
            14 => named(What::EndStream),
            15 => named(What::SayToAll),
            16 => named(What::Query),
            17 => named(What::Knock),
            18 => Self::Knocks { seat, view: who >= 128, bytes: [what, more, rest] },
            19 => Self::Overload(what.is_multiple_of(2)),
            _ => Self::Engine { back, what: more, more: rest },
        }
    }
}

fn kinds(bits: u8) -> Kinds {
    Kinds { audio: bits & 1 != 0, video: bits & 2 != 0 }
}

fn body() -> Body {
    Body::new(Lang::PLAIN, b"v=0")
}

/// Main streams have the names of rooms as often as not.
fn publish([what, more, rest]: [u8; 3]) -> Publish {
    Publish {
        stream: name(what % NAMES),
        main: (more % 4 > 0).then(|| name(more % ROOMS)),
        kinds: kinds(rest),
        about: (rest & 4 != 0).then(body),
        claim: [None, None, Some("a"), Some("b")][usize::from(rest >> 6)].map(Arc::from),
        tracks: (rest & 8 != 0).then_some(usize::from(rest >> 4 & 3)),
    }
}

fn view([what, more, rest]: [u8; 3]) -> View {
    let on = rest & 1 != 0;
    View {
        stream: name(what % NAMES),
        selection: Selection { named: vec![(name(more % NAMES), !on)], others: on, later: rest & 2 != 0 },
        except: (rest & 4 != 0).then(|| name(more % NAMES)),
        speaks: [Speaks::NoChannel, Speaks::No, Speaks::ToPublisher, Speaks::ToAll][usize::from(more >> 6)],
        viewers: (rest & 8 != 0).then_some(usize::from(rest >> 4 & 3)),
        about: (rest & 128 != 0).then(body),
        shape: Shape {
            label: (what & 64 != 0).then(|| name(more % NAMES)),
            narrow: what & 32 != 0,
            heeds: if what & 128 == 0 { Vec::new() } else { vec![name(0), name(1)] },
            fragments: what & 16 != 0,
        },
    }
}

fn query([what, more, rest]: [u8; 3]) -> Query {
    let stream = name(what % NAMES);
    match more % 6 {
        0 => Query::Renditions(stream),
        1 => Query::Tracks(stream),
        2 => Query::Stream(stream),
        3 => Query::Viewers(stream),
        4 => Query::Views(stream),
        _ => Query::Streams { after: (rest % 2 == 0).then_some(stream), most: usize::from(rest % 5) },
    }
}

fn knock(bytes: [u8; 3]) -> Knock {
    match bytes[1] % 5 {
        0 => Knock::Publish(publish(bytes).stream, publish(bytes).kinds),
        1 => Knock::View(view(bytes).stream),
        2 => Knock::Anything,
        3 => place_of_publisher(bytes),
        _ => place_of_viewer(bytes),
    }
}

fn place_of_publisher(bytes: [u8; 3]) -> Knock {
    let Publish { stream, main, tracks, .. } = publish(bytes);
    // Who is its own main stream has none.
    let main = main.filter(|main| *main != stream);
    Knock::Publisher { main, tracks }
}

fn place_of_viewer(bytes: [u8; 3]) -> Knock {
    let View { stream, viewers, .. } = view(bytes);
    Knock::Viewer { stream, viewers }
}

/// The command, and whether it is answered. `link`: what it is about, if it is about one.
pub(super) fn command(what: What, bytes: [u8; 3], link: LinkId) -> (Command, Promise) {
    let [first, more, rest] = bytes;
    let track = |bits: u8| (bits & 1 != 0).then(|| name(more % NAMES));
    let (stream, data) = (name(first % NAMES), || Arc::from(*b"data"));
    match what {
        What::Publish => (Command::Publish(publish(bytes)), Promise::Answer),
        What::View => (Command::View(view(bytes)), Promise::Answer),
        What::Watch => (Command::Watch { view: view(bytes), offer: body() }, Promise::Answer),
        What::Unview => (Command::Unview { stream }, Promise::Maybe),
        What::Hangup => (Command::Hangup { link, cause: CauseKind::Hangup.into() }, Promise::Maybe),
        What::Describe => (Command::Describe { link, about: (more % 2 == 0).then(body) }, Promise::Maybe),
        What::Signal => {
            let signal = Signal { kind: SignalKind::Candidate, body: body() };
            (Command::Signal { to: crate::Address::Link(link), signal }, Promise::Maybe)
        }
        What::Pause => {
            let (kinds, on) = (kinds(rest >> 1), rest & 8 != 0);
            (Command::Pause { link, track: track(rest), kinds, on }, Promise::Maybe)
        }
        What::Prefer => {
            let height = (rest & 2 != 0).then_some(u32::from(rest));
            (Command::Prefer { link, track: track(rest), height }, Promise::Maybe)
        }
        What::Limit => (Command::Limit { link, bps: (rest & 1 != 0).then_some(1_000) }, Promise::Maybe),
        What::Say => {
            let channel = (rest & 2 != 0).then(|| stream.clone());
            (Command::Say { link, channel, binary: rest & 1 != 0, bytes: data() }, Promise::Maybe)
        }
        What::EndStream => (Command::EndStream { stream, cause: CauseKind::Hangup.into() }, Promise::Maybe),
        What::SayToAll => (Command::SayToAll { stream, binary: rest & 1 != 0, bytes: data() }, Promise::Maybe),
        What::Query => (Command::Query(query(bytes)), Promise::Answer),
        What::Knock => (Command::Knock(knock(bytes)), Promise::Answer),
    }
}

/// Whether there would be room, twice asked, and what was asked for.
pub(super) fn knocks(view_it: bool, bytes: [u8; 3]) -> [Command; 3] {
    if view_it {
        let first = Command::Knock(Knock::View(view(bytes).stream));
        [first, Command::Knock(place_of_viewer(bytes)), Command::View(view(bytes))]
    } else {
        let Publish { stream, kinds, .. } = publish(bytes);
        let first = Command::Knock(Knock::Publish(stream, kinds));
        [first, Command::Knock(place_of_publisher(bytes)), Command::Publish(publish(bytes))]
    }
}

/// What the engine tells of a leg, and whether the leg is over then. `source`: another one.
pub(super) fn event(link: LinkId, source: LinkId, what: u8, more: u8) -> (MediaEvent, bool) {
    let coded = |bit: u8, codec| (more & bit != 0).then_some(codec);
    let event = match what % 16 {
        0..=2 => {
            let (audio, video) = (coded(1, Codec::Opus), coded(2, Codec::Vp8));
            MediaEvent::Parsed { link, audio, video, layers: more % 4 }
        }
        3..=7 => MediaEvent::Flowing { link },
        8 => {
            let kind = if more.is_multiple_of(2) { DescriptionKind::Offer } else { DescriptionKind::Answer };
            MediaEvent::Local { link, kind, sdp: Arc::from("v=0"), sections: Vec::new() }
        }
        9 => MediaEvent::Switched { link, source, height: u32::from(more) },
        10 => MediaEvent::Speaker { link, source, level: more },
        11 if more >= 128 => {
            MediaEvent::Heard { link, channel: name(more % 2), binary: more & 2 != 0, bytes: Arc::from(*b"said") }
        }
        11 => MediaEvent::Declined { link },
        12 if more >= 128 => MediaEvent::Channel { link, channel: name(more % 2), open: more & 2 != 0 },
        12 => MediaEvent::KeyWanted { link },
        13 => {
            let renditions = vec![Rendition { width: 2, height: 1, bps: 1 }; usize::from(more % 3)];
            MediaEvent::Report { link, report: Report { video_bps: 1, renditions, ..Report::default() } }
        }
        14 => return (MediaEvent::Lost { link }, true),
        _ => {
            let faults = [MediaFault::Description, MediaFault::Internal, MediaFault::Overload];
            return (MediaEvent::Refused { link, fault: faults[usize::from(more % 3)] }, true);
        }
    };
    (event, false)
}

/// The stream of which a publication is a track, as it was asked for.
pub(super) fn main_of(command: &Command) -> Option<(Name, Option<Name>)> {
    let Command::Publish(Publish { stream, main, .. }) = command else { return None };
    Some((stream.clone(), main.clone().filter(|main| main != stream)))
}
