//! What there is of publications and views: as the engine has it, and as parties were told.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, LegRole, LinkId, MediaOp, Name, Open, PartyId, Refusal, Tag};

/// All publications and views that there are, and what was last answered.
#[derive(Debug, Default)]
pub(super) struct Legs {
    all: BTreeMap<LinkId, Leg>,
    /// Those that ever were, in their order.
    pub(super) ever: Vec<LinkId>,
    /// Ends that were told in this turn, before or after the leg was closed.
    ended: BTreeSet<LinkId>,
    /// What was told with the tag of the last command.
    pub(super) answers: Vec<Answer>,
    /// What the last command publishes.
    pub(super) asked: Option<(Name, Option<Name>)>,
}

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) owner: PartyId,
    pub(super) view: bool,
    pub(super) name: Option<Name>,
    pub(super) main: Option<Name>,
    pub(super) live: bool,
    /// The engine has it.
    open: bool,
    /// The owner knows of it.
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Link,
    Refused(Refusal),
    Other,
}

impl Legs {
    /// A link by how many were opened after it.
    pub(super) fn back(&self, back: usize) -> Option<LinkId> {
        self.ever.get(self.ever.len().checked_sub(back + 1)?).copied()
    }

    /// How many publications and views there are.
    pub(super) fn counts(&self) -> (u64, u64) {
        let views = self.all.values().filter(|leg| leg.view).count() as u64;
        (self.all.len() as u64 - views, views)
    }

    /// The live tracks of a main stream, of parties that `is_there` says of.
    pub(super) fn tracks(&self, main: &Name, is_there: impl Fn(PartyId) -> bool) -> Vec<Name> {
        let track = |leg: &&Leg| !leg.view && leg.live && leg.main.as_ref() == Some(main) && is_there(leg.owner);
        let mut tracks: Vec<_> = self.all.values().filter(track).filter_map(|leg| leg.name.clone()).collect();
        tracks.sort_unstable();
        tracks
    }

    /// The engine closes a leg by itself.
    pub(super) fn broke(&mut self, link: LinkId) {
        if let Some(leg) = self.all.get_mut(&link) {
            leg.open = false;
        }
    }

    /// Media of a publication flow.
    pub(super) fn flows(&mut self, link: LinkId) {
        if let Some(leg) = self.all.get_mut(&link) {
            leg.live = true;
        }
    }

    /// The hub asks something of the engine.
    pub(super) fn media(&mut self, op: &MediaOp) {
        match op {
            MediaOp::Open(Open { link, owner, role, .. }) => {
                let view = matches!(role, LegRole::Send { .. } | LegRole::Answer { .. } | LegRole::Fragments { .. });
                assert!(!self.ever.contains(link) || self.all.contains_key(link), "a link is opened again");
                let leg = self.all.entry(*link).or_insert_with(|| Leg {
                    owner: *owner,
                    view,
                    name: None,
                    main: None,
                    live: false,
                    open: false,
                    told: false,
                });
                assert!(!leg.open && leg.owner == *owner && leg.view == view, "a leg is opened twice, or another's");
                leg.open = true;
                if !view && let Some((name, main)) = self.asked.clone() {
                    (leg.name, leg.main) = (Some(name), main);
                }
            }
            MediaOp::Remote { link, .. }
            | MediaOp::Tracks { link, .. }
            | MediaOp::Gate { link, .. }
            | MediaOp::Mute { source: link, .. }
            | MediaOp::Prefer { link, .. }
            | MediaOp::Limit { link, .. }
            | MediaOp::Say { link, .. } => self.is_open(*link, op),
            MediaOp::Close { link } => {
                self.is_open(*link, op);
                self.broke(*link);
            }
        }
    }

    fn is_open(&self, link: LinkId, op: &MediaOp) {
        assert!(self.all.get(&link).is_some_and(|leg| leg.open), "the engine has no such leg: {op:?}");
    }

    /// A party is told something of streams. `tag` is that of its command, if it has the turn.
    pub(super) fn hears(&mut self, party: PartyId, tag: Tag, event: &Event) {
        match event {
            Event::Reserved { tag: of, link, .. } | Event::Viewing { tag: of, link } => {
                assert_eq!(*of, tag, "an answer has the tag of its command");
                let view = matches!(event, Event::Viewing { .. });
                assert!(!self.ever.contains(link), "a link is told twice");
                self.ever.push(*link);
                let leg = Leg { owner: party, view, name: None, main: None, live: false, open: false, told: true };
                assert!(self.all.insert(*link, leg).is_none(), "it was opened before its owner knew");
                self.answers.push(Answer::Link);
            }
            Event::LegEnded { tag: of, link, .. } => {
                assert!(*of == tag || *of == Tag::default(), "the tag of somebody else");
                self.is_owned(*link, party, event);
                assert!(self.ended.insert(*link), "it ends twice");
            }
            Event::Described { link, .. }
            | Event::Flowing { link }
            | Event::TrackChanged { link, .. }
            | Event::Switched { link, .. }
            | Event::Channel { link, .. }
            | Event::Heard { link, .. }
            | Event::Speaker { link, .. }
            | Event::Measured { link, .. } => {
                self.is_owned(*link, party, event);
                assert!(!self.ended.contains(link), "it has ended: {event:?}");
            }
            Event::Live { .. } => {}
            Event::Admitted { tag: of }
            | Event::Renditions { tag: of, .. }
            | Event::Tracks { tag: of, .. }
            | Event::Known { tag: of, .. }
            | Event::Viewers { tag: of, .. }
            | Event::Views { tag: of, .. }
            | Event::Streams { tag: of, .. } => {
                assert_eq!(*of, tag, "an answer has the tag of its command");
                self.answers.push(Answer::Other);
            }
            event => panic!("this is about no stream: {event:?}"),
        }
    }

    fn is_owned(&self, link: LinkId, party: PartyId, event: &Event) {
        let leg = self.all.get(&link);
        assert!(leg.is_some_and(|leg| leg.owner == party && leg.told), "of somebody else's leg, or none: {event:?}");
    }

    /// The turn is over: what has ended is closed, and the other way round. `is_there`: who is attached.
    pub(super) fn settle(&mut self, is_there: impl Fn(PartyId) -> bool) {
        let ended = std::mem::take(&mut self.ended);
        self.all.retain(|link, leg| {
            assert!(leg.told, "nobody knows of a leg: {link:?}");
            let over = ended.contains(link);
            assert!(!(over && leg.open), "{link:?} has ended, and the engine keeps it");
            let gone = !is_there(leg.owner);
            assert!(!(gone && leg.open), "{link:?} outlives its owner");
            assert!(leg.open || over || gone, "{link:?} is closed, and its owner does not know");
            leg.open
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
