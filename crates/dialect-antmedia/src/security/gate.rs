//! The decision: whether a client may do what it wants, and what has to be done for it.

use std::sync::Arc;

use patchbay_core::Name;
use patchbay_dialect_kit::job::{Change, Key, Record, Was};
use serde_json::json;

use super::seats::Seat;
use super::{Security, hash, jwt, totp};
use crate::records::{Broadcast, Purpose, Stored, Subscriber, Token, broadcast_key, subscriber_key, token_key};
use crate::refusal::WireError;

/// What a client wants, and what it shows for it. Everything in it is its word alone but the last two.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) purpose: Purpose,
    pub(crate) stream: Name,
    /// The room that it names: of a publication, its main stream.
    pub(crate) room: Option<Name>,
    pub(crate) token: Option<Box<str>>,
    pub(crate) subscriber: Option<Box<str>>,
    pub(crate) code: Option<Box<str>>,
    pub(crate) meta_data: Option<Box<str>>,
    /// Nothing is used up and no seat is taken: it only wants to know (DECISIONS 21).
    pub(crate) only_asks: bool,
    /// The stream is a room into which this very client publishes.
    pub(crate) is_room: bool,
    /// The stream was in the room that it names when the client was last told.
    pub(crate) in_room: bool,
}

/// What the store says, each `None` if it was not asked for or is not there.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) broadcast: Option<Record>,
    pub(crate) room: Option<Record>,
    pub(crate) token: Option<Record>,
    pub(crate) subscriber: Option<Record>,
}

/// Which record is which, in the order in which they are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Broadcast,
    Room,
    Token,
    Subscriber,
}

/// What has to be done before it may.
pub(crate) struct Pass {
    /// A server has to be asked: its address, and the question.
    pub(crate) ask: Option<(Arc<str>, Vec<u8>)>,
    /// A token has to be used up; whoever comes second finds it changed.
    pub(crate) spend: Option<Change>,
    /// Most viewers of what is to be played, or most tracks of the main stream of what is to be published, as its record
    /// has it.
    pub(crate) most: Option<usize>,
    /// This seat has to be free, if the limit is reached.
    pub(crate) seat: Option<(Seat, Option<usize>)>,
    /// Who is told what becomes of the stream.
    pub(crate) listener: Option<Arc<str>>,
    /// Of what is to be published, what was made beforehand: the stream and its room.
    pub(crate) made: Vec<(Key, Record)>,
}

/// The records that a decision needs. None where nothing is stored.
pub(crate) fn needs(security: &Security, wish: &Wish) -> Vec<(Fact, Key)> {
    if !security.stored {
        return Vec::new();
    }
    let app = &*security.app;
    let mut keys = vec![(Fact::Broadcast, broadcast_key(app, &wish.stream))];
    keys.extend(wish.room.as_ref().map(|room| (Fact::Room, broadcast_key(app, room))));
    let token = wish.token.as_deref().filter(|_| security.checks(wish.purpose).token);
    keys.extend(token.and_then(|token| token_key(app, token)).map(|key| (Fact::Token, key)));
    let subscriber = wish.subscriber.as_deref().and_then(|id| subscriber_key(app, &wish.stream, id));
    keys.extend(subscriber.map(|key| (Fact::Subscriber, key)));
    keys
}

impl Facts {
    /// What was fetched for [`needs`].
    pub(crate) fn of(needs: &[(Fact, Key)], records: Vec<Option<Record>>) -> Self {
        let mut facts = Self::default();
        for ((fact, _), record) in needs.iter().zip(records) {
            match fact {
                Fact::Broadcast => facts.broadcast = record,
                Fact::Room => facts.room = record,
                Fact::Token => facts.token = record,
                Fact::Subscriber => facts.subscriber = record,
            }
        }
        facts
    }
}

/// A record as what it is. One that nobody can read may forbid something: then nothing is decided.
fn read<T: Stored>(record: Option<&Record>) -> Result<Option<T>, WireError> {
    record.map(|record| T::of(record).ok_or(WireError::DataStore)).transpose()
}

/// Decides, in the order of antmedia.md section 9.1.
pub(crate) fn decide(security: &Security, wish: &Wish, facts: &Facts, unix_ms: u64) -> Result<Pass, WireError> {
    let broadcast: Option<Broadcast> = read(facts.broadcast.as_ref())?;
    let room: Option<Broadcast> = read(facts.room.as_ref())?;
    let subscriber: Option<Subscriber> = read(facts.subscriber.as_ref())?;
    if wish.purpose == Purpose::Publish {
        enters(security, wish, broadcast.as_ref(), room.as_ref(), unix_ms)?;
    }
    let spend = shows(security, wish, facts, broadcast.as_ref(), room.as_ref(), unix_ms)?;
    is_subscriber(security, wish, subscriber.as_ref(), unix_ms)?;
    let checks = security.checks(wish.purpose);
    let ask = checks.ask.as_ref().map(|url| (Arc::clone(url), question(security, wish)));
    let most = match wish.purpose {
        Purpose::Publish => room.as_ref().and_then(|room| limit(room.subtracks_limit)),
        Purpose::Play => broadcast.as_ref().and_then(|broadcast| limit(broadcast.web_rtc_viewer_limit)),
    };
    let seat = subscriber.filter(|_| !wish.only_asks).and_then(|subscriber| seat(security, wish, subscriber));
    let own = broadcast.and_then(|broadcast| broadcast.listener_hook_url).filter(|url| !url.is_empty());
    let listener = own.map(Arc::from).or_else(|| security.listener.clone());
    let made = if wish.purpose == Purpose::Publish { made(security, wish, facts) } else { Vec::new() };
    Ok(Pass { ask, spend: spend.filter(|_| !wish.only_asks), most, seat, listener, made })
}

fn made(security: &Security, wish: &Wish, facts: &Facts) -> Vec<(Key, Record)> {
    let room = wish.room.as_ref().filter(|room| **room != wish.stream);
    let named = [(Some(&wish.stream), &facts.broadcast), (room, &facts.room)];
    let made = named.into_iter().filter_map(|(name, record)| Some((name?, record.clone()?)));
    made.map(|(name, record)| (broadcast_key(&security.app, name), record)).collect()
}

/// Whether a room may be entered that is joined by itself.
pub(crate) fn joins(security: &Security, room: Option<&Record>, unix_ms: u64) -> Result<(), WireError> {
    let room: Option<Broadcast> = read(room)?;
    if security.known_rooms && room.is_none() {
        return Err(WireError::Unregistered);
    }
    room.as_ref().map_or(Ok(()), |room| is_open(room, unix_ms))
}

/// What is known of the stream lets it be published now.
fn enters(
    security: &Security,
    wish: &Wish,
    broadcast: Option<&Broadcast>,
    room: Option<&Broadcast>,
    unix_ms: u64,
) -> Result<(), WireError> {
    let unknown_room = security.known_rooms && wish.room.is_some() && room.is_none();
    if (security.known_streams && broadcast.is_none()) || unknown_room {
        return Err(WireError::Unregistered);
    }
    if let Some(broadcast) = broadcast {
        is_planned(broadcast, unix_ms)?;
    }
    room.map_or(Ok(()), |room| is_open(room, unix_ms))
}

/// Whether a moment is between two others, in seconds; 0 is no moment, and each counts alone (DECISIONS 27).
fn between(start: i64, end: i64, unix_ms: u64) -> bool {
    let now = i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX);
    (start == 0 || now >= start) && (end == 0 || now <= end)
}

fn is_planned(broadcast: &Broadcast, unix_ms: u64) -> Result<(), WireError> {
    let now = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    let expires = broadcast.date.saturating_add(broadcast.expire_duration_ms);
    let expired = broadcast.expire_duration_ms > 0 && now >= expires;
    let planned = between(broadcast.planned_start_date, broadcast.planned_end_date, unix_ms);
    if expired || !planned { Err(WireError::StreamExpired) } else { Ok(()) }
}

fn is_open(room: &Broadcast, unix_ms: u64) -> Result<(), WireError> {
    let hours = room.room.as_ref().is_none_or(|room| between(room.start_date, room.end_date, unix_ms));
    let open = hours && is_planned(room, unix_ms).is_ok();
    if open { Ok(()) } else { Err(WireError::RoomExpired) }
}

/// What a permission is for.
struct Grant<'a> {
    purpose: Purpose,
    stream: &'a str,
    room: Option<&'a str>,
}

/// What a permission is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Once,
    /// In the room that it is for, as often as one likes.
    Room,
}

/// Whether a permission is for what the client wants. The reference believes whoever names a room and then compares no
/// stream; here the permission has to be that room's, and what is played has to be in it.
fn fits(grant: &Grant<'_>, wish: &Wish, in_room: bool, is_room: bool) -> Option<Use> {
    let (stream, named) = (wish.stream.as_str(), wish.room.as_ref().map(Name::as_str));
    let of_room = named.is_some_and(|room| grant.stream == room || grant.room == Some(room));
    let own = grant.stream == stream;
    match (wish.purpose, grant.purpose) {
        (Purpose::Publish, Purpose::Publish) if of_room => Some(Use::Room),
        (Purpose::Play, Purpose::Play) if of_room && in_room => Some(Use::Room),
        (Purpose::Play, _) if is_room && (own || grant.room == Some(stream)) => Some(Use::Room),
        (Purpose::Publish, Purpose::Publish) | (Purpose::Play, Purpose::Play) if own => Some(Use::Once),
        _ => None,
    }
}

/// Token, JSON Web Token, hash. What is to be used up.
fn shows(
    security: &Security,
    wish: &Wish,
    facts: &Facts,
    broadcast: Option<&Broadcast>,
    room: Option<&Broadcast>,
    unix_ms: u64,
) -> Result<Option<Change>, WireError> {
    let checks = security.checks(wish.purpose);
    let shown = wish.token.as_deref().unwrap_or_default();
    let now = unix_ms / 1_000;
    let has = |room: &Broadcast| room.sub_track_stream_ids.iter().any(|track| track == wish.stream.as_str());
    let main = broadcast.and_then(|broadcast| broadcast.main_track_stream_id.as_deref());
    let in_room =
        wish.in_room || room.is_some_and(has) || (main.is_some() && main == wish.room.as_ref().map(Name::as_str));
    let known = |room: &Broadcast| room.room.is_some() || !room.sub_track_stream_ids.is_empty();
    let is_room = wish.is_room || broadcast.is_some_and(known);
    let mut spend = None;
    if checks.token {
        let record = facts.token.as_ref().ok_or(WireError::Unauthorized)?;
        let token: Token = read(Some(record))?.ok_or(WireError::Unauthorized)?;
        let grant = Grant { purpose: token.purpose, stream: &token.stream_id, room: token.room_id.as_deref() };
        let lives = u64::try_from(token.expire_date).is_ok_and(|expires| now < expires);
        match fits(&grant, wish, in_room, is_room).filter(|_| lives).ok_or(WireError::Unauthorized)? {
            Use::Room => {}
            Use::Once => {
                let key = token_key(&security.app, shown).ok_or(WireError::Unauthorized)?;
                spend = Some(Change { key, was: Was::Exactly(record.clone()), is: None });
            }
        }
    }
    if checks.jwt {
        let key = security.jwt_key.as_ref().ok_or(WireError::Unauthorized)?;
        let claims = jwt::verify(shown, key, now).map_err(|_| WireError::Unauthorized)?;
        let grant = Grant { purpose: claims.purpose, stream: &claims.stream, room: None };
        fits(&grant, wish, in_room, is_room).ok_or(WireError::Unauthorized)?;
    }
    if checks.hash {
        let secret = security.hash_secret.as_ref().ok_or(WireError::Unauthorized)?;
        if !hash::is_hash(shown, wish.stream.as_str(), wish.purpose, secret) {
            return Err(WireError::Unauthorized);
        }
    }
    Ok(spend)
}

/// The code of a subscriber, where one is wanted; and whether he is let in at all.
fn is_subscriber(security: &Security, wish: &Wish, stored: Option<&Subscriber>, unix_ms: u64) -> Result<(), WireError> {
    let checks = security.checks(wish.purpose);
    if checks.time {
        let key = code_key(security, wish, stored).ok_or(WireError::Unauthorized)?;
        let code = wish.code.as_deref().unwrap_or_default();
        if !totp::is_code(code, &key, security.time_period, unix_ms / 1_000) {
            return Err(WireError::Unauthorized);
        }
    }
    let Some(stored) = stored else { return Ok(()) };
    if stored.is_blocked(wish.purpose, unix_ms) {
        return Err(WireError::Blocked);
    }
    // Who may publish may play as well.
    if checks.time && wish.purpose == Purpose::Publish && stored.purpose == Purpose::Play {
        return Err(WireError::Unauthorized);
    }
    Ok(())
}

fn code_key(security: &Security, wish: &Wish, stored: Option<&Subscriber>) -> Option<super::Secret> {
    let id = wish.subscriber.as_deref()?;
    if let Some(own) = stored.and_then(|stored| stored.b32_secret.as_deref()).filter(|own| !own.is_empty()) {
        return totp::own_key(own);
    }
    if security.known_subscribers && stored.is_none() {
        return None;
    }
    let secret = security.checks(wish.purpose).time_secret.as_ref().filter(|secret| !secret.is_empty())?;
    Some(totp::derived_key(secret, id, wish.stream.as_str(), wish.purpose))
}

/// A limit as records write it: a negative one is none.
fn limit(most: i32) -> Option<usize> {
    usize::try_from(most).ok()
}

/// A subscriber's own place. Whom no code has shown to be he could take another's.
fn seat(security: &Security, wish: &Wish, subscriber: Subscriber) -> Option<(Seat, Option<usize>)> {
    let most = limit(subscriber.concurrent_connections_limit);
    let seat = Seat::Subscriber(wish.stream.clone(), Arc::from(subscriber.subscriber_id));
    security.checks(wish.purpose).time.then_some((seat, most))
}

/// What a server is asked, in the words of the reference's documents (stream-security/webhook-stream-authorization.md).
fn question(security: &Security, wish: &Wish) -> Vec<u8> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let mode = match wish.purpose {
        Purpose::Publish => "live",
        Purpose::Play => "play",
    };
    let question = json!({
        "appName": &*security.app,
        "name": wish.stream.as_str(),
        "streamId": wish.stream.as_str(),
        "mode": mode,
        "mainTrack": wish.room.as_ref().map_or("", Name::as_str),
        "token": text(&wish.token),
        "subscriberId": text(&wish.subscriber),
        "subscriberCode": text(&wish.code),
        "metaData": text(&wish.meta_data),
    });
    question.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
