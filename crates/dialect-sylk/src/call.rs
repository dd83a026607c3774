//! Calls of one connection: sylk.md sections 6.3, 7 and 9.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use patchbay_core::{
    Address, Body, CallState, Cause, CauseKind, Command, LinkId, Name, Phrase, Refusal, Signal, SignalKind, Tag,
};
use patchbay_dialect_kit::Ctx;
use patchbay_dialect_kit::line::{Caller, Detail, Header, Order};

use crate::refusal;
use crate::session::{Answer, Dialling, Done, SylkSession, UNHEARD, identity, posted, received, spelled, unknown};
use crate::wire::event::{AccountEvent, MessageState, Notification, SessionEvent, SessionState, Update};
use crate::wire::request::{Candidate, Header as Wanted, Message};
use crate::wire::{self, Vocabulary};

/// Calls of one connection at once: a client has some. One more is answered with an error.
pub(crate) const CALLS: usize = 32;
/// Candidates that are kept until the call has a link; a browser with many networks has some 30. More are dropped: we
/// learn addresses from checks.
const EARLY: usize = 100;
/// How long a key is pressed that does not say: the reference's.
const PRESS: u16 = 160;

#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) by_session: BTreeMap<Box<str>, Call>,
    by_link: BTreeMap<LinkId, Box<str>>,
    /// Calls that telephones have opened and not described yet.
    coming: BTreeMap<LinkId, Coming>,
    /// What is to be asked of the hub because it told something (law 1).
    due: VecDeque<Command>,
}

/// A call that comes in, before its offer has come: who calls whom, once that is told.
type Coming = Option<Said>;

struct Said {
    id: Box<str>,
    account: Arc<str>,
    caller: Caller,
    call_id: Box<str>,
    headers: Vec<Header>,
}

pub(crate) struct Call {
    account: Arc<str>,
    stage: Stage,
    /// None until the hub has made it.
    link: Option<LinkId>,
    /// The tag of the command that makes it.
    tag: Tag,
    /// The client's offer, and its candidates, until there is a link.
    offer: Option<Box<str>>,
    early: Vec<Box<str>>,
    /// The client has a description, or, where it has no word for early media, it waits here for `accepted`.
    described: bool,
    held: Option<Box<str>>,
    /// The other system's id of the call, and what it said with its answer.
    call_id: Box<str>,
    headers: Vec<Header>,
    established: bool,
    /// Of an answer with a description, which is told of first.
    proceeding: Option<u16>,
    /// Who called, of a call that came in.
    caller: Option<Caller>,
    /// The client has offered something new and waits.
    updating: bool,
    /// The other side has, and waits.
    asked: bool,
}

/// Where a call stands, by the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Outgoing, not taken yet.
    Progress,
    /// It came in and nobody has answered.
    Incoming,
    Accepted,
    Terminating,
}

impl Stage {
    const fn word(self, established: bool) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Incoming => "incoming",
            Self::Accepted if established => "established",
            Self::Accepted => "accepted",
            Self::Terminating => "terminated",
        }
    }
}

impl Calls {
    /// Asks of the hub what waits.
    pub(crate) fn settle(&mut self, ctx: &mut Ctx<'_>) {
        self.due.drain(..).for_each(|command| ctx.out.command(UNHEARD, command));
    }

    /// Whether something waits.
    pub(crate) fn wait(&self) -> bool {
        !self.due.is_empty()
    }

    fn get(&mut self, session: &str) -> Result<&mut Call, String> {
        self.by_session.get_mut(session).ok_or_else(|| format!("Unknown session {session}"))
    }

    fn at(&mut self, link: LinkId) -> Option<(Box<str>, &mut Call)> {
        let session = self.by_link.get(&link)?;
        Some((session.clone(), self.by_session.get_mut(session)?))
    }

    /// The call that the hub was asked for under that tag.
    fn asked_as(&self, tag: Tag) -> Option<Box<str>> {
        let mut calls = self.by_session.iter().filter(|(_, call)| call.tag == tag && call.link.is_none());
        calls.next().map(|(session, _)| session.clone())
    }

    fn remove(&mut self, session: &str) -> Option<Call> {
        let call = self.by_session.remove(session)?;
        if let Some(link) = call.link {
            self.by_link.remove(&link);
        }
        Some(call)
    }
}

impl Call {
    fn new(account: Arc<str>, stage: Stage, tag: Tag) -> Self {
        Self {
            account,
            stage,
            link: None,
            tag,
            offer: None,
            early: Vec::new(),
            described: false,
            held: None,
            call_id: Box::default(),
            headers: Vec::new(),
            established: false,
            proceeding: None,
            caller: None,
            updating: false,
            asked: false,
        }
    }
}

fn lines(headers: &[Wanted<'_>]) -> Vec<Header> {
    headers.iter().map(|header| (Box::from(&*header.name), Box::from(&*header.value))).collect()
}

impl SylkSession {
    fn tell_call(&self, session: &str, state: SessionState<'_>, ctx: &mut Ctx<'_>) {
        self.tell(&wire::Event::Session { session, event: SessionEvent::State(state) }, ctx);
    }

    #[expect(clippy::too_many_arguments, reason = "the request's own")]
    pub(crate) fn create(
        &mut self,
        transaction: &str,
        session: &str,
        account: &str,
        to: &str,
        sdp: &str,
        headers: &[Wanted<'_>],
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        if self.calls.knows(session) {
            return Err(format!("Session ID {session} already in use"));
        }
        let held = self.accounts.get(account).ok_or_else(|| unknown(account))?;
        if self.calls.by_session.len() >= CALLS {
            return Err(format!("this connection has {CALLS} calls, which is the most; end one"));
        }
        let account = Arc::clone(&held.account);
        let (address, tag) = (Arc::clone(&account.address), self.tag());
        ctx.out.line(Order::Dial { tag, account, to: to.into(), headers: lines(headers) });
        self.dialling = Some(Dialling {
            tag,
            transaction: transaction.into(),
            session: session.into(),
            account: address,
            sdp: sdp.into(),
        });
        Ok(Done::Later)
    }

    /// A way was found, or none.
    pub(crate) fn dialled(&mut self, tag: Tag, party: Result<Name, Box<str>>, ctx: &mut Ctx<'_>) {
        let Some(Dialling { transaction, session, account, sdp, .. }) = self.dialling.take_if(|dial| dial.tag == tag)
        else {
            return;
        };
        let to = match party {
            Ok(to) => to,
            Err(reason) => return self.answer(&transaction, Err(reason.into()), ctx),
        };
        let mut call = Call::new(account, Stage::Progress, tag);
        call.offer = Some(sdp);
        self.calls.by_session.insert(session.clone(), call);
        ctx.out.command(tag, Command::Call { to, token: None });
        self.answer(&transaction, Ok(Done::Ack), ctx);
        self.tell_call(&session, SessionState::Progress, ctx);
    }

    /// The hub's answer to what only calls ask of it.
    pub(crate) fn refused(&mut self, tag: Tag, refusal: Refusal, ctx: &mut Ctx<'_>) {
        let Some(session) = self.calls.asked_as(tag) else { return };
        self.calls.remove(&session);
        self.tell_call(&session, SessionState::Terminated { reason: refusal::of_refusal(refusal) }, ctx);
    }

    pub(crate) fn changed(&mut self, tag: Tag, link: LinkId, caller: bool, state: CallState, ctx: &mut Ctx<'_>) {
        match state {
            CallState::New if !caller => {
                self.calls.coming.insert(link, None);
            }
            CallState::New => {
                let Some(session) = self.calls.asked_as(tag) else { return };
                let Some(call) = self.calls.by_session.get_mut(&session) else { return };
                call.link = Some(link);
                let signal = |kind, text: &str| Command::Signal {
                    to: Address::Link(link),
                    signal: Signal { kind, body: Body::new(self.lang, text.as_bytes()) },
                };
                let offer = call.offer.take().unwrap_or_default();
                self.calls.by_link.insert(link, session);
                self.calls.due.push_back(signal(SignalKind::Offer, &offer));
                let early = call.early.drain(..).map(|candidate| signal(SignalKind::Candidate, &candidate));
                self.calls.due.extend(early);
                if call.stage == Stage::Terminating {
                    self.calls.due.push_back(Command::Hangup { link, cause: CauseKind::Cancelled.into() });
                }
            }
            CallState::Ringing => {
                let Some((session, call)) = self.calls.at(link) else { return };
                if caller && call.stage == Stage::Progress && !call.described {
                    self.tell_call(&session, SessionState::Ringing, ctx);
                }
            }
            CallState::Active => {}
        }
    }

    pub(crate) fn signalled(&mut self, link: LinkId, signal: &Signal, ctx: &mut Ctx<'_>) {
        if let Some(detail) = Detail::read(signal) {
            return self.detail(link, detail, ctx);
        }
        let text = String::from_utf8_lossy(signal.body.bytes()).into_owned();
        match signal.kind {
            SignalKind::Offer if self.calls.coming.contains_key(&link) => self.comes(link, &text, ctx),
            SignalKind::Offer => self.offered(link, &text, ctx),
            SignalKind::Progress { early: true } => self.early(link, &text, ctx),
            SignalKind::Answer => self.answered(link, &text, ctx),
            _ => {}
        }
    }

    /// The offer of a call that comes in.
    fn comes(&mut self, link: LinkId, sdp: &str, ctx: &mut Ctx<'_>) {
        let Some(Some(Said { id, account, caller, call_id, headers })) = self.calls.coming.remove(&link) else {
            return;
        };
        let session = spelled(&id, self.vocabulary());
        let known = self.accounts.contains_key(&account);
        if !known || self.calls.knows(&session) || self.calls.by_session.len() >= CALLS {
            let cause = Cause { kind: CauseKind::Busy, code: Some(486), phrase: Phrase::new("Busy Here") };
            self.calls.due.push_back(Command::Hangup { link, cause });
            return;
        }
        let shown: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let originator = identity(&caller);
        let event =
            AccountEvent::IncomingSession { session: &session, originator, sdp, call_id: &call_id, headers: &shown };
        self.tell_account(&account, event, ctx);
        let mut call = Call::new(account, Stage::Incoming, UNHEARD);
        (call.link, call.caller, call.described) = (Some(link), Some(caller), true);
        self.calls.by_session.insert(session.clone(), call);
        self.calls.by_link.insert(link, session);
        self.calls.due.push_back(Command::Ring { link });
    }

    /// The other side would change the call, which only today's clients can be told.
    fn offered(&mut self, link: LinkId, sdp: &str, ctx: &mut Ctx<'_>) {
        let asks = self.settings.updates && self.vocabulary() == Some(Vocabulary::V2);
        let Some((session, call)) = self.calls.at(link) else { return };
        call.asked = asks;
        let event = SessionEvent::Update(Update::Received { sdp });
        if asks {
            self.tell(&wire::Event::Session { session: &session, event }, ctx);
        } else {
            let refused = Detail::Unchanged { code: 488, reason: "Not Acceptable Here".into() };
            self.calls.due.push_back(Command::Signal { to: Address::Link(link), signal: refused.signal() });
        }
    }

    fn early(&mut self, link: LinkId, sdp: &str, ctx: &mut Ctx<'_>) {
        let early = self.has_early_media();
        let Some((session, call)) = self.calls.at(link) else { return };
        if call.stage != Stage::Progress || call.described || call.held.is_some() {
            return;
        }
        if !early {
            call.held = Some(sdp.into());
            return;
        }
        call.described = true;
        let (call_id, proceeding) = (call.call_id.clone(), call.proceeding.take());
        self.tell_call(&session, SessionState::EarlyMedia { sdp, call_id: &call_id }, ctx);
        if let Some(code) = proceeding {
            self.tell_call(&session, SessionState::Proceeding { code }, ctx);
        }
    }

    fn answered(&mut self, link: LinkId, sdp: &str, ctx: &mut Ctx<'_>) {
        let Some((session, call)) = self.calls.at(link) else { return };
        if std::mem::take(&mut call.updating) {
            let event = SessionEvent::Update(Update::Accepted { sdp });
            self.tell(&wire::Event::Session { session: &session, event }, ctx);
            return;
        }
        if call.stage != Stage::Progress {
            return;
        }
        call.stage = Stage::Accepted;
        let held = call.held.take();
        // After early media the client has its description, and ends the call if it is given another.
        let sdp = if std::mem::replace(&mut call.described, true) { None } else { held.as_deref().or(Some(sdp)) };
        let (call_id, headers) = (call.call_id.clone(), std::mem::take(&mut call.headers));
        let shown: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let call_id = sdp.map(|_| &*call_id);
        self.tell_call(&session, SessionState::Accepted { sdp, call_id, headers: &shown }, ctx);
    }

    pub(crate) fn detail(&mut self, link: LinkId, detail: Detail, ctx: &mut Ctx<'_>) {
        if let Detail::Incoming { session, account, from, call, headers } = detail {
            if let Some(coming) = self.calls.coming.get_mut(&link) {
                *coming = Some(Said { id: session, account: account.into(), caller: from, call_id: call, headers });
            }
            return;
        }
        let Some((session, call)) = self.calls.at(link) else { return };
        match detail {
            // What is heard is told of before what it came with: sylk.md section 9.4.
            Detail::Proceeding { code, early: true } if call.stage == Stage::Progress && !call.described => {
                call.proceeding = Some(code);
            }
            Detail::Proceeding { code, .. } if call.stage == Stage::Progress => {
                self.tell_call(&session, SessionState::Proceeding { code }, ctx);
            }
            Detail::Taken { call: id, headers } => (call.call_id, call.headers) = (id, headers),
            Detail::Text(text) => {
                let from = call.caller.clone().unwrap_or(Caller { address: Box::default(), display: None });
                let event = SessionEvent::Message(received(&from, &text));
                self.tell(&wire::Event::Session { session: &session, event }, ctx);
            }
            Detail::Delivered { id, code, reason } => {
                let state = if (200..300).contains(&code) { MessageState::Accepted } else { MessageState::Failed };
                let told = Notification { message_id: &id, message_timestamp: "", state, code, reason: &reason };
                let event = SessionEvent::Disposition(told);
                self.tell(&wire::Event::Session { session: &session, event }, ctx);
            }
            Detail::Unchanged { code, reason } if std::mem::take(&mut call.updating) => {
                let reason = format!("{code} {reason}");
                let event = SessionEvent::Update(Update::Failed { reason: &reason });
                self.tell(&wire::Event::Session { session: &session, event }, ctx);
            }
            // Keys of a telephone are heard in its sound; clients have no word for the rest.
            Detail::Proceeding { .. }
            | Detail::Unchanged { .. }
            | Detail::Digit { .. }
            | Detail::Headers(_)
            | Detail::Incoming { .. } => {}
        }
    }

    pub(crate) fn flows(&mut self, link: LinkId, ctx: &mut Ctx<'_>) {
        let Some((session, call)) = self.calls.at(link) else { return };
        if !std::mem::replace(&mut call.established, true) {
            self.tell_call(&session, SessionState::Established, ctx);
        }
    }

    pub(crate) fn ended(&mut self, link: LinkId, cause: &Cause, ctx: &mut Ctx<'_>) {
        self.calls.coming.remove(&link);
        let Some(session) = self.calls.by_link.get(&link).cloned() else { return };
        let Some(call) = self.calls.remove(&session) else { return };
        self.tell_call(&session, SessionState::Terminated { reason: &refusal::reason(cause) }, ctx);
        // Who has taken it elsewhere has missed nothing.
        let elsewhere = cause.code == Some(200);
        if let (Stage::Incoming, Some(caller), false) = (call.stage, &call.caller, elsewhere) {
            self.tell_account(&call.account, AccountEvent::MissedSession { originator: identity(caller) }, ctx);
        }
    }

    pub(crate) fn take(
        &mut self,
        session: &str,
        sdp: &str,
        headers: &[Wanted<'_>],
        transaction: &str,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        let lang = self.lang;
        let call = self.calls.get(session)?;
        if call.caller.is_none() {
            return Err(format!("Cannot answer outgoing session {session}"));
        }
        let Some(link) = call.link.filter(|_| call.stage == Stage::Incoming) else {
            let word = call.stage.word(call.established);
            return Err(format!("Invalid state for answering session {session}: {word}"));
        };
        call.stage = Stage::Accepted;
        if !headers.is_empty() {
            let signal = Detail::Headers(lines(headers)).signal();
            ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        }
        let signal = Signal { kind: SignalKind::Answer, body: Body::new(lang, sdp.as_bytes()) };
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        ctx.out.command(UNHEARD, Command::Accept { link });
        ctx.out.text(|out| wire::ack(out, transaction));
        self.tell_call(session, SessionState::Accepted { sdp: None, call_id: None, headers: &[] }, ctx);
        Ok(Done::Later)
    }

    pub(crate) fn trickle(&mut self, session: &str, candidates: &[Candidate<'_>], ctx: &mut Ctx<'_>) -> Answer {
        let lang = self.lang;
        let call = self.calls.get(session)?;
        for candidate in candidates.iter().filter(|candidate| !candidate.candidate.is_empty()) {
            let text = &*candidate.candidate;
            match call.link {
                Some(link) => {
                    let signal = Signal { kind: SignalKind::Candidate, body: Body::new(lang, text.as_bytes()) };
                    ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
                }
                None if call.early.len() < EARLY => call.early.push(text.into()),
                None => {}
            }
        }
        Ok(Done::Ack)
    }

    pub(crate) fn terminate(&mut self, session: &str, ctx: &mut Ctx<'_>) -> Answer {
        let decline = self.settings.decline;
        let call = self.calls.get(session)?;
        let cause = match call.stage {
            Stage::Terminating => return Err(format!("Invalid state for terminating session {session}: terminated")),
            Stage::Progress => CauseKind::Cancelled.into(),
            Stage::Incoming => {
                let phrase = if decline == 603 { "Decline" } else { "Busy Here" };
                Cause { kind: CauseKind::Declined, code: Some(decline), phrase: Phrase::new(phrase) }
            }
            Stage::Accepted => CauseKind::Hangup.into(),
        };
        call.stage = Stage::Terminating;
        if let Some(link) = call.link {
            ctx.out.command(UNHEARD, Command::Hangup { link, cause });
        }
        Ok(Done::Ack)
    }

    /// Offers something new, or answers what the other side has offered.
    pub(crate) fn update(&mut self, session: &str, sdp: &str, headers: &[Wanted<'_>], ctx: &mut Ctx<'_>) -> Answer {
        let lang = self.lang;
        let call = self.calls.get(session)?;
        let word = if call.updating { "local-updating" } else { call.stage.word(call.established) };
        let Some(link) = call.link.filter(|_| call.stage == Stage::Accepted && !call.updating) else {
            return Err(format!("Invalid state for updating session {session}: {word}"));
        };
        let kind = if std::mem::take(&mut call.asked) { SignalKind::Answer } else { SignalKind::Offer };
        call.updating = kind == SignalKind::Offer;
        if !headers.is_empty() {
            let signal = Detail::Headers(lines(headers)).signal();
            ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        }
        let signal = Signal { kind, body: Body::new(lang, sdp.as_bytes()) };
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        Ok(Done::Ack)
    }

    pub(crate) fn say(&mut self, session: &str, message: &Message<'_>, ctx: &mut Ctx<'_>) -> Answer {
        let link = self.open_call(session, "sending messages")?;
        let signal = Detail::Text(posted(message)).signal();
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        Ok(Done::Ack)
    }

    pub(crate) fn press(&mut self, session: &str, digits: &str, millis: Option<u32>, ctx: &mut Ctx<'_>) -> Answer {
        let link = self.open_call(session, "DTMF info")?;
        let millis = millis.filter(|millis| (1..=5_000).contains(millis)).and_then(|millis| u16::try_from(millis).ok());
        for digit in digits.chars() {
            let signal = Detail::Digit { digit, millis: millis.unwrap_or(PRESS) }.signal();
            ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
        }
        Ok(Done::Ack)
    }

    fn open_call(&mut self, session: &str, what: &str) -> Result<LinkId, String> {
        let call = self.calls.get(session)?;
        let word = call.stage.word(call.established);
        let invalid = || format!("Invalid state session {session}: {word} for {what}");
        call.link.filter(|_| call.stage == Stage::Accepted).ok_or_else(invalid)
    }
}

/// Old clients' ids have no dashes.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_spelled_as_the_client_knows_them() {
        let id = "0cc175b9-c0f1-b6a8-31c3-99e269772661";
        assert_eq!(&*spelled(id, Some(Vocabulary::V2)), id);
        assert_eq!(&*spelled(id, Some(Vocabulary::V1)), "0cc175b9c0f1b6a831c399e269772661");
    }
}
