//! What one connection publishes and plays, by the id of the stream and by the hub's link.

use std::collections::BTreeMap;

use patchbay_core::{Body, LinkId, Moment, Name};

/// What a client does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Play,
    Publish,
}

/// One publication or view of the client.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) link: LinkId,
    pub(crate) role: Role,
    pub(crate) stream: Name,
    /// Of a publication: the stream of which it is a track.
    pub(crate) main: Option<Name>,
    /// When it is given up: of a publication, until media comes; of a view, until the client answers.
    pub(crate) deadline: Option<Moment>,
    /// The client was told that it has started.
    pub(crate) started: bool,
    /// The client has had a description of ours, and our candidates.
    pub(crate) described: bool,
    /// The client's ICE user name fragment, once it described itself.
    pub(crate) ufrag: Option<Box<str>>,
    /// Of a view: the room in which the client said to play it.
    pub(crate) room: Option<Name>,
    /// Of a publication: viewers wait for it, whose publisher was lost.
    pub(crate) restored: bool,
    /// Of a publication: what the client says of it.
    pub(crate) about: Option<Body>,
    /// What the client's page has not been told yet.
    pub(crate) news: News,
}

/// What a page is to be told on the data channel: each is a level, of which the last value counts.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The tracks have changed.
    pub(crate) tracks_changed: bool,
    /// Whose track speaks, and how many decibels below the loudest sound.
    pub(crate) speaker: Option<(Name, u8)>,
    /// Which tracks there are, of which the page has asked.
    pub(crate) assigned: Option<Vec<Name>>,
}

impl News {
    fn is_any(&self) -> bool {
        self.tracks_changed || self.speaker.is_some() || self.assigned.is_some()
    }
}

impl Leg {
    pub(crate) fn new(link: LinkId, role: Role, stream: Name, main: Option<Name>, deadline: Moment) -> Self {
        Self {
            link,
            role,
            stream,
            main,
            deadline: Some(deadline),
            started: false,
            described: false,
            ufrag: None,
            room: None,
            restored: false,
            about: None,
            news: News::default(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Legs {
    by_link: BTreeMap<LinkId, Leg>,
    links: BTreeMap<(Name, Role), LinkId>,
}

impl Legs {
    pub(crate) fn insert(&mut self, leg: Leg) {
        self.links.insert((leg.stream.clone(), leg.role), leg.link);
        self.by_link.insert(leg.link, leg);
    }

    pub(crate) fn remove(&mut self, link: LinkId) -> Option<Leg> {
        let leg = self.by_link.remove(&link)?;
        self.links.remove(&(leg.stream.clone(), leg.role));
        Some(leg)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_link.len()
    }

    /// The leg of that link.
    pub(crate) fn at(&mut self, link: LinkId) -> Option<&mut Leg> {
        self.by_link.get_mut(&link)
    }

    /// What the client does in that role with the stream.
    pub(crate) fn of(&mut self, stream: &Name, role: Role) -> Option<&mut Leg> {
        let link = self.links.get(&(stream.clone(), role))?;
        self.by_link.get_mut(link)
    }

    /// Whether the client publishes or plays the stream.
    pub(crate) fn knows(&self, stream: &Name) -> bool {
        [Role::Publish, Role::Play].into_iter().any(|role| self.link(stream, role).is_some())
    }

    /// As [`Legs::of`], its link.
    pub(crate) fn link(&self, stream: &Name, role: Role) -> Option<LinkId> {
        self.links.get(&(stream.clone(), role)).copied()
    }

    /// When the first of them has to be looked after.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let due = |leg: &Leg| if leg.news.is_any() { Some(Moment::START) } else { leg.deadline };
        self.by_link.values().filter_map(due).min()
    }

    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.by_link.values_mut()
    }
}
