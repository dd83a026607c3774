//! What other servers are told of streams: antmedia.md section 9.4. All news leave from here.

use std::sync::Arc;

use patchbay_core::{LinkId, Name};
use patchbay_dialect_kit::Ctx;
use patchbay_dialect_kit::job::Job;
use serde_json::{Map, Value};

use super::gate::Ticket;
use super::{AntSession, UNHEARD};
use crate::legs::{Leg, Role};
use crate::refusal::WireError;
use crate::security::seats::Seat;

/// What happened, in the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    StreamStarted,
    StreamEnded,
    PublishTimeout,
    PlayStarted,
    PlayStopped,
    TrackAdded,
    TrackLeft,
    FirstTrack,
    NoTracks,
}

impl Action {
    const fn label(self) -> &'static str {
        match self {
            Self::StreamStarted => "liveStreamStarted",
            Self::StreamEnded => "liveStreamEnded",
            Self::PublishTimeout => "publishTimeoutError",
            Self::PlayStarted => "playStarted",
            Self::PlayStopped => "playStopped",
            Self::TrackAdded => "subtrackAddedInTheMainTrack",
            Self::TrackLeft => "subtrackLeftTheMainTrack",
            Self::FirstTrack => "firstActiveTrackAddedInMainTrack",
            Self::NoTracks => "noActiveSubtracksLeftInMainTrack",
        }
    }
}

impl AntSession {
    /// A publication or view of the client has begun.
    pub(super) fn tell_started(&mut self, link: LinkId, ctx: &mut Ctx<'_>) {
        let Some(leg) = self.legs.at(link) else { return };
        let (role, stream, main) = (leg.role, leg.stream.clone(), leg.main.clone());
        let Some(ticket) = self.gate.ticket(link).filter(|ticket| ticket.listener.is_some()) else { return };
        if role == Role::Play {
            self.news(Action::PlayStarted, link, &stream, None, ctx);
            return;
        }
        ticket.live = None;
        self.news(Action::StreamStarted, link, &stream, main.as_ref(), ctx);
        let Some(main) = main.filter(|main| *main != stream) else { return };
        let live = self.gate.sit(Seat::LiveTrackOf(main.clone()));
        let first = self.gate.count(&Seat::LiveTrackOf(main.clone())) == 1;
        if let Some(ticket) = self.gate.ticket(link) {
            ticket.live = live;
        }
        self.news(Action::TrackAdded, link, &stream, Some(&main), ctx);
        if first {
            self.news(Action::FirstTrack, link, &main, Some(&main), ctx);
        }
    }

    fn news(&mut self, action: Action, link: LinkId, id: &Name, main: Option<&Name>, ctx: &mut Ctx<'_>) {
        if let Some(ticket) = self.gate.ticket(link) {
            tell(&self.settings.security.app, action, ticket, id, main, ctx);
        }
    }

    /// A publication or view has ended; `error` is what the client is told.
    pub(super) fn tell_ended(
        &mut self,
        leg: &Leg,
        ticket: Option<Ticket>,
        error: Option<WireError>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(mut ticket) = ticket else { return };
        let live = ticket.live.take().is_some();
        let mut news = |action, id: &Name, main: Option<&Name>| {
            tell(&self.settings.security.app, action, &ticket, id, main, ctx);
        };
        let main = leg.main.as_ref();
        match (leg.role, leg.started) {
            (Role::Play, true) => news(Action::PlayStopped, &leg.stream, None),
            (Role::Play, false) => {}
            (Role::Publish, true) => news(Action::StreamEnded, &leg.stream, main),
            (Role::Publish, false) if error == Some(WireError::PublishTimeout) => {
                news(Action::PublishTimeout, &leg.stream, main);
            }
            (Role::Publish, false) => {}
        }
        if let Some(main) = main.filter(|_| live) {
            news(Action::TrackLeft, &leg.stream, Some(main));
            if self.gate.count(&Seat::LiveTrackOf(main.clone())) == 0 {
                news(Action::NoTracks, main, Some(main));
            }
        }
    }

    /// The connection is gone, and all that it had.
    pub(super) fn tell_gone(&mut self, ctx: &mut Ctx<'_>) {
        let links: Vec<_> = self.legs.all().map(|leg| leg.link).collect();
        for link in links {
            let ticket = self.gate.left(link);
            if let Some(leg) = self.legs.remove(link) {
                self.tell_ended(&leg, ticket, None, ctx);
            }
        }
    }
}

/// Keys as the reference writes them; what is not known is left out.
fn tell(app: &str, action: Action, ticket: &Ticket, id: &Name, main: Option<&Name>, ctx: &mut Ctx<'_>) {
    let Some(url) = ticket.listener.clone() else { return };
    let mut news = Map::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            news.insert(key.to_owned(), Value::from(value));
        }
    };
    put("action", Some(action.label()));
    put("app", Some(app));
    put("id", Some(id.as_str()));
    put("streamName", ticket.name.as_deref());
    put("mainTrackId", main.map(Name::as_str));
    // What it was called before.
    put("roomId", main.map(Name::as_str));
    put("metadata", ticket.meta_data.as_deref());
    put("subscriberId", ticket.subscriber.as_deref());
    news.insert("timestamp".to_owned(), Value::from(ctx.unix_ms));
    let subject: Arc<str> = Arc::from(format!("{app}/{}", id.as_str()));
    ctx.out.job(UNHEARD, Job::Notify { url, subject, body: Value::Object(news).to_string().into_bytes() });
}
