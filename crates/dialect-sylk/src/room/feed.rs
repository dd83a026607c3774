//! Feeds: being sent what somebody else publishes. Each is a view of one stream, which we offer.

use patchbay_core::{CauseKind, Command, Kinds, LinkId, Name, Selection, SignalKind, Speaks, Tag, View};
use patchbay_dialect_kit::Ctx;

use super::{FEEDS, Leg, signal};
use crate::session::{Answer, Done, SylkSession, UNHEARD};
use crate::wire::event::RoomEvent;

pub(super) struct Feed {
    /// The membership that it belongs to.
    pub(super) of: Box<str>,
    publisher: Name,
    /// The tag of the command that asked for it.
    tag: Tag,
    /// None until the hub has made it.
    pub(super) link: Option<LinkId>,
    attached: bool,
    established: bool,
}

impl SylkSession {
    /// # Errors
    /// The texts of sylk.md section 6.1, and ours where the connection has as many feeds as it may have, or one of that
    /// publisher.
    pub(crate) fn attach(&mut self, session: &str, publisher: &str, id: &str, ctx: &mut Ctx<'_>) -> Answer {
        if self.calls.knows(id) || self.rooms.knows(id) {
            return Err(format!("Video room session ID {id} already in use"));
        }
        let room = self.rooms.get(session)?;
        let unknown = || format!("Unknown publisher room session to attach to: {publisher}");
        let name = Name::parse(publisher).map_err(|_| unknown())?;
        if !room.streams.contains(&name) {
            let silent = name == room.own || room.others.contains_key(&name);
            let text = format!("Video room session {publisher} does not have a publisher ID");
            return Err(if silent { text } else { unknown() });
        }
        if let Some((known, _)) = self.rooms.feeds.iter().find(|(_, feed)| feed.publisher == name) {
            return Err(format!("{publisher} is attached as {known} already"));
        }
        if self.rooms.feeds.len() >= FEEDS {
            return Err(format!("this connection has {FEEDS} feeds, which is the most; detach one"));
        }
        let tag = self.tag();
        let of = session.into();
        let feed = Feed { of, publisher: name.clone(), tag, link: None, attached: false, established: false };
        self.rooms.feeds.insert(id.into(), feed);
        let view = View {
            stream: name,
            selection: Selection::ALL,
            except: None,
            speaks: Speaks::NoChannel,
            viewers: None,
            about: None,
            shape: patchbay_core::Shape::default(),
        };
        ctx.out.command(tag, Command::View(view));
        Ok(Done::Ack)
    }

    /// The hub has made the view; its offer follows.
    pub(crate) fn viewing(&mut self, tag: Tag, link: LinkId) {
        let Some((id, feed)) = self.rooms.feeds.iter_mut().find(|(_, feed)| feed.tag == tag) else {
            // It was detached in between.
            let hangup = Command::Hangup { link, cause: CauseKind::Hangup.into() };
            return self.rooms.due.push_back((UNHEARD, hangup));
        };
        feed.link = Some(link);
        let has_video = self.rooms.by_session.get(&feed.of).is_none_or(|room| room.card.video);
        self.rooms.by_link.insert(link, Leg::Feed(id.clone()));
        if !has_video {
            // Publishers of other dialects do not know what the room has.
            let kinds = Kinds { audio: false, video: true };
            self.rooms.due.push_back((UNHEARD, Command::Pause { link, track: None, kinds, on: false }));
        }
    }

    /// The hub declines a view: its publisher has just gone, which the list tells.
    pub(crate) fn feed_refused(&mut self, tag: Tag) {
        self.rooms.feeds.retain(|_, feed| feed.tag != tag);
    }

    /// Our offer. Of a feed that has one, another is of no use: clients know no second.
    pub(super) fn offered_feed(&mut self, id: &str, sdp: &str, ctx: &mut Ctx<'_>) {
        let Some(feed) = self.rooms.feeds.get_mut(id) else { return };
        if std::mem::replace(&mut feed.attached, true) {
            return;
        }
        let of = feed.of.clone();
        self.tell_room(&of, RoomEvent::FeedAttached { feed: id, sdp }, ctx);
    }

    pub(super) fn feed_flows(&mut self, id: &str, ctx: &mut Ctx<'_>) {
        let Some(feed) = self.rooms.feeds.get_mut(id) else { return };
        if std::mem::replace(&mut feed.established, true) {
            return;
        }
        let of = feed.of.clone();
        self.tell_room(&of, RoomEvent::FeedEstablished { feed: id }, ctx);
    }

    /// # Errors
    /// The texts of sylk.md section 6.1.
    pub(crate) fn feed_answer(&mut self, session: &str, id: &str, sdp: &str, ctx: &mut Ctx<'_>) -> Answer {
        let feed = self.rooms.feeds.get(id).ok_or_else(|| format!("Unknown room session: {id}"))?;
        let own = *feed.of == *session;
        // An answer to nothing is as foreign as one to somebody else's offer.
        let Some(link) = feed.link.filter(|_| own) else {
            return Err(format!("{id} is not an attached feed of {session}"));
        };
        ctx.out.command(UNHEARD, signal(link, SignalKind::Answer, self.lang, sdp));
        Ok(Done::Ack)
    }

    /// # Errors
    /// The texts of sylk.md section 6.1.
    pub(crate) fn detach(&mut self, session: &str, id: &str, ctx: &mut Ctx<'_>) -> Answer {
        let feed = self.rooms.feeds.get(id).ok_or_else(|| format!("Unknown room session to detach: {id}"))?;
        if *feed.of != *session {
            return Err(format!("{id} is not an attached feed of {session}"));
        }
        let command = self.drop_feed(id);
        command.into_iter().for_each(|command| ctx.out.command(UNHEARD, command));
        Ok(Done::Ack)
    }

    /// Forgets a feed; what is to be asked of the hub for that.
    pub(super) fn drop_feed(&mut self, id: &str) -> Option<Command> {
        let feed = self.rooms.feeds.remove(id)?;
        let Some(link) = feed.link else { return Some(Command::Unview { stream: feed.publisher }) };
        self.rooms.by_link.remove(&link);
        Some(Command::Hangup { link, cause: CauseKind::Hangup.into() })
    }
}
