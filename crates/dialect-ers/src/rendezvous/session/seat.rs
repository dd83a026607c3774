//! Where a connection sits, and with whom it is paired (ers.md section 1.5).
//!
//! A media server that waits in a room is registered under the room's name, and a viewer calls that name: so the hub sees
//! to it that a room has one that waits, and that each meets one viewer. As soon as it is called, the media server gives
//! the name up, for its next connection joins the same room; and both ends tell each other who they are, since the hub
//! tells them names only.

use patchbay_core::{Address, Body, CauseKind, Command, Lang, LinkId, Merge, Name, Signal, SignalKind, Tag};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::{Ctx, with_scratch};

use super::{AGAIN, AckId, CREATE, END, MEET, RELAY, WAIT};
use crate::rendezvous::wire::{self, Generation, Relay};

pub(super) enum Seat {
    /// In no room.
    None,
    Server(Server),
    Viewer(Viewer),
}

/// A media server.
pub(super) struct Server {
    room: Box<str>,
    generation: Generation,
    rank: Option<u64>,
    /// Of its join; `None` once it is answered.
    joining: Option<AckId>,
    /// It has to wait in its room again.
    again: bool,
    pair: Option<Pair>,
}

/// Whom a media server is paired with.
struct Pair {
    link: LinkId,
    /// The viewer's id.
    viewer: Box<str>,
    /// The name has been given up, and the viewer told who we are.
    greeted: bool,
    /// What the viewer says of itself, until it is told.
    greeting: Option<Box<str>>,
    /// The media server has heard of this viewer. Before, it believes to wait, and must not hear of its end.
    told: bool,
}

/// A viewer.
pub(super) struct Viewer {
    room: Box<str>,
    /// What its partner is to be told, until it is.
    greeting: Option<Box<[u8]>>,
    /// Of its join; `None` once it is answered.
    joining: Option<AckId>,
    link: Option<LinkId>,
    /// Its partner's id.
    server: Option<Box<str>>,
}

impl Server {
    pub(super) fn new(room: &str, generation: Generation, rank: Option<u64>, ack: AckId) -> Self {
        Self { room: room.into(), generation, rank, joining: Some(ack), again: false, pair: None }
    }

    /// Waits in the room.
    fn register(&self, tag: Tag, ctx: &mut Ctx<'_>) {
        let Some(name) = wire::room_name(&self.room) else { return };
        let merge = Merge::WINDOW;
        let command = match self.rank {
            Some(rank) => Command::Supersede { name, merge, rank },
            None => Command::Register { name, merge },
        };
        ctx.out.command(tag, command);
    }
}

impl Viewer {
    pub(super) fn new(room: &str, greeting: Box<[u8]>, ack: AckId) -> Self {
        Self { room: room.into(), greeting: Some(greeting), joining: Some(ack), link: None, server: None }
    }
}

/// Asks whether somebody waits in a room.
pub(super) fn probe(name: Name, ctx: &mut Ctx<'_>) {
    ctx.out.command(CREATE, Command::Register { name, merge: Merge::WINDOW });
    ctx.out.command(END, Command::Unregister);
}

fn tell(link: LinkId, kind: SignalKind, body: Body, ctx: &mut Ctx<'_>) {
    ctx.out.command(RELAY, Command::Signal { to: Address::Link(link), signal: Signal { kind, body } });
}

impl Seat {
    /// Asks the hub for the place.
    pub(super) fn enter(&self, id: &str, ctx: &mut Ctx<'_>) {
        match self {
            Self::None => {}
            Self::Server(server) => server.register(WAIT, ctx),
            Self::Viewer(viewer) => {
                let names = wire::viewer_name(&viewer.room, id).zip(wire::room_name(&viewer.room));
                if let Some((own, to)) = names {
                    ctx.out.command(END, Command::Register { name: own, merge: Merge::WINDOW });
                    ctx.out.command(MEET, Command::Call { to, token: None });
                }
            }
        }
    }

    /// The hub has given the media server its place.
    pub(super) fn entered(&mut self) -> Option<AckId> {
        match self {
            Self::Server(server) => server.joining.take(),
            _ => None,
        }
    }

    /// The hub has declined.
    pub(super) fn declined(&mut self) -> Option<AckId> {
        match self {
            Self::None => None,
            Self::Server(server) => {
                let ack = server.joining.take()?;
                *self = Self::None;
                Some(ack)
            }
            // It keeps the place until it is told so.
            Self::Viewer(viewer) => viewer.joining.take(),
        }
    }

    /// Goes. What is returned still waits for an answer.
    pub(super) fn leave(&mut self, ctx: &mut Ctx<'_>) -> Option<AckId> {
        let (link, ack) = match std::mem::replace(self, Self::None) {
            Self::None => return None,
            Self::Server(server) => (server.pair.map(|pair| pair.link), None),
            Self::Viewer(viewer) => (viewer.link, viewer.joining),
        };
        if let Some(link) = link {
            ctx.out.command(END, Command::Hangup { link, cause: CauseKind::Hangup.into() });
        }
        ctx.out.command(END, Command::Unregister);
        ack
    }

    pub(super) fn paired(&mut self, link: LinkId, with: &Name, caller: bool) {
        match self {
            Self::Server(server) if !caller && server.pair.is_none() => {
                let (_, viewer) = wire::named(with);
                let viewer = viewer.unwrap_or_default().into();
                server.pair = Some(Pair { link, viewer, greeted: false, greeting: None, told: false });
            }
            Self::Viewer(viewer) if caller => viewer.link = Some(link),
            _ => {}
        }
    }

    /// Something is to be said or done that an event may not do.
    pub(super) fn is_due(&self) -> bool {
        match self {
            Self::None => false,
            Self::Server(server) => server.again || server.pair.as_ref().is_some_and(|pair| !pair.greeted),
            Self::Viewer(viewer) => viewer.link.is_some() && viewer.greeting.is_some(),
        }
    }

    /// Does it.
    pub(super) fn act(&mut self, lang: Lang, id: &str, ctx: &mut Ctx<'_>) {
        match self {
            Self::None => {}
            Self::Server(server) => {
                if std::mem::take(&mut server.again) {
                    server.register(AGAIN, ctx);
                }
                if let Some(pair) = server.pair.as_mut().filter(|pair| !pair.greeted) {
                    pair.greeted = true;
                    // Before the media server hears of its viewer: then its next connection is on its way already.
                    ctx.out.command(END, Command::Unregister);
                    let body = with_scratch(|out| {
                        wire::greeting(out, |out| out.extend_from_slice(id.as_bytes()));
                        Body::new(lang, out)
                    });
                    tell(pair.link, SignalKind::Info, body, ctx);
                    pair.announce(id, server.generation, ctx);
                }
            }
            Self::Viewer(viewer) => {
                if let Some(link) = viewer.link
                    && let Some(greeting) = viewer.greeting.take()
                {
                    tell(link, SignalKind::Info, Body::new(lang, &greeting), ctx);
                }
            }
        }
    }

    /// What the partner says. The answer to a viewer's join, if this is it.
    pub(super) fn hears(
        &mut self,
        link: LinkId,
        signal: &Signal,
        id: &str,
        ctx: &mut Ctx<'_>,
    ) -> Option<(AckId, Box<str>)> {
        let body = signal.body.bytes();
        match self {
            Self::None => None,
            Self::Server(server) => {
                let pair = server.pair.as_mut().filter(|pair| pair.link == link)?;
                match wire::greeted(body) {
                    Some(greeting) => {
                        pair.greeting = Some(greeting.into());
                        if pair.greeted {
                            pair.announce(id, server.generation, ctx);
                        }
                    }
                    None => {
                        pair.told = true;
                        ctx.out.text(|out| wire::message(out, body));
                    }
                }
                None
            }
            Self::Viewer(viewer) if viewer.link == Some(link) => match wire::greeted(body) {
                Some(server) => {
                    let server: Box<str> = server.into();
                    viewer.server = Some(server.clone());
                    viewer.joining.take().map(|ack| (ack, server))
                }
                None => {
                    ctx.out.text(|out| wire::message(out, body));
                    None
                }
            },
            Self::Viewer(_) => None,
        }
    }

    /// The pair is no more. What is returned is a join that has come to nothing.
    pub(super) fn ended(&mut self, tag: Tag, link: LinkId, cause: CauseKind, ctx: &mut Ctx<'_>) -> Option<AckId> {
        match self {
            Self::None => None,
            Self::Server(server) => {
                let pair = server.pair.take_if(|pair| pair.link == link)?;
                if pair.told && tag != END {
                    // It drops the connection for that, and comes back with another one.
                    ctx.out.text(|out| wire::remove(out, &pair.viewer));
                    *self = Self::None;
                } else if tag != END && pair.greeted {
                    server.again = true;
                }
                None
            }
            Self::Viewer(viewer) => {
                viewer.link.take_if(|of| *of == link)?;
                // Whom the media server has no stream for was told so by it.
                if let Some(server) = viewer.server.take().filter(|_| cause != CauseKind::Declined) {
                    ctx.out.text(|out| wire::remove(out, &server));
                }
                viewer.joining.take()
            }
        }
    }

    /// Hands a message on to the partner, if it is for it; to nobody else.
    pub(super) fn relay(&mut self, mut args: Cursor<'_>, lang: Lang, id: &str, ctx: &mut Ctx<'_>) {
        let (link, to, to_device) = match self {
            Self::Server(Server { pair: Some(pair), .. }) => (pair.link, &*pair.viewer, false),
            Self::Viewer(Viewer { link: Some(link), server: Some(server), .. }) => (*link, &**server, true),
            _ => return,
        };
        let relayed = with_scratch(|out| {
            let relayed = wire::relay(&mut args, Relay { from: id, to, to_device }, out)?;
            Some((relayed, Body::new(lang, out)))
        });
        let Some((relayed, body)) = relayed else { return };
        tell(link, relayed.kind, body, ctx);
        if relayed.unable
            && let Self::Server(server) = self
        {
            // It has reset itself, and waits in the room again (section 1.5, point 6).
            server.pair = None;
            ctx.out.command(END, Command::Hangup { link, cause: CauseKind::Declined.into() });
            server.register(AGAIN, ctx);
        }
    }
}

impl Pair {
    /// Tells the media server of its viewer, if that wants to be announced.
    fn announce(&mut self, id: &str, generation: Generation, ctx: &mut Ctx<'_>) {
        if let Some(greeting) = self.greeting.take().filter(|greeting| !greeting.is_empty()) {
            self.told = true;
            ctx.out.text(|out| wire::client_joined(out, &self.viewer, &greeting, id, generation));
        }
    }
}
