//! One connection's memory: its accounts, what waits to be done, and who answers what. Calls are in `call.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Command, Event, Lang, Merge, Moment, Name, Tag};
use patchbay_dialect_kit::line::{
    Account, Caller, Detail, News, Order, Push, Receipt, Registration as Stands, Text as Posted,
};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session, TokenBucket};

use crate::Settings;
use crate::call::{Call, Calls};
use crate::room::{Rooms, Wanted};
use crate::wire::event::{AccountEvent, Identity, MessageState, Notification, Received, Registration};
use crate::wire::request::{DeviceToken, Disposition, Message};
use crate::wire::{self, Latch, Request, Spelling, Subprotocol};

/// Commands whose answer, if there is one, nobody waits for.
pub(crate) const UNHEARD: Tag = Tag(0);

/// Accounts of one connection: a client has one or two. One more is answered with an error.
pub(crate) const ACCOUNTS: usize = 16;
/// Messages on their way to somebody, of one connection; of one more, nobody is told what became of it.
const POSTS: usize = 256;
/// Requests that wait for one before them that has to wait itself. Beyond them the client is read no faster: it loses
/// nothing, and TCP holds the rest.
const WAITING: usize = 64;
/// How long it is not read then.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client waits to be told that its domain has no address: resolvers know in less, and its patience with us
/// ends after 30 s.
const ASKING: Duration = Duration::from_secs(5);
/// How often a client is pinged, and how long it may be silent after that: the reference's.
const PING: Duration = Duration::from_secs(120);
const PONG: Duration = Duration::from_secs(60);

pub(crate) struct SylkSession {
    pub(crate) lang: Lang,
    pub(crate) settings: Arc<Settings>,
    subprotocol: Subprotocol,
    latch: Latch,
    /// What telephones call it by, in the hub.
    name: Option<Name>,
    pub(crate) accounts: BTreeMap<Arc<str>, Held>,
    pub(crate) calls: Calls,
    pub(crate) rooms: Rooms,
    posts: BTreeMap<Tag, Post>,
    /// A request that has not been answered, and those behind it.
    pub(crate) dialling: Option<Dialling>,
    asking: Option<Asking>,
    waiting: VecDeque<Box<str>>,
    last_tag: Tag,
    bucket: TokenBucket,
    pub(crate) now: Moment,
    /// When the client was last heard of, and whether it has been pinged since.
    heard: Moment,
    pinged: bool,
}

/// An account that the connection acts for.
pub(crate) struct Held {
    pub(crate) account: Arc<Account>,
    pub(crate) registered: bool,
    /// It was asked to register, and not to stop.
    wanted: bool,
}

/// A message on its way to somebody.
struct Post {
    account: Arc<str>,
    id: Box<str>,
    time: Box<str>,
}

/// A call that waits for a way to be found.
pub(crate) struct Dialling {
    pub(crate) tag: Tag,
    pub(crate) transaction: Box<str>,
    pub(crate) session: Box<str>,
    pub(crate) account: Arc<str>,
    pub(crate) sdp: Box<str>,
}

/// A registration of which it is not known whether it can be asked for at all: sylk.md section 9.2.
struct Asking {
    transaction: Box<str>,
    address: Arc<str>,
    /// When the client is told that it is under way, all the same.
    until: Moment,
}

/// What becomes of a request.
pub(crate) enum Done {
    Ack,
    /// It is answered when something else has come.
    Later,
}

pub(crate) type Answer = Result<Done, String>;

impl SylkSession {
    pub(crate) fn new(lang: Lang, settings: Arc<Settings>, subprotocol: Subprotocol) -> Self {
        Self {
            lang,
            settings,
            subprotocol,
            latch: Latch::new(subprotocol),
            name: None,
            accounts: BTreeMap::new(),
            calls: Calls::default(),
            rooms: Rooms::default(),
            posts: BTreeMap::new(),
            dialling: None,
            asking: None,
            waiting: VecDeque::new(),
            last_tag: UNHEARD,
            bucket: TokenBucket::full(),
            now: Moment::START,
            heard: Moment::START,
            pinged: false,
        }
    }

    pub(crate) fn tag(&mut self) -> Tag {
        self.last_tag = Tag(self.last_tag.0 + 1);
        self.last_tag
    }

    /// Tells the client something, if it has words for it. Whether it has.
    pub(crate) fn tell(&self, event: &wire::Event<'_>, ctx: &mut Ctx<'_>) -> bool {
        let Some(vocabulary) = self.latch.vocabulary() else { return false };
        let spelling = Spelling { vocabulary, originator: self.settings.originator };
        let mut text = Vec::new();
        let told = wire::write(&mut text, event, spelling);
        if told {
            ctx.out.text(|out| out.extend_from_slice(&text));
        }
        told
    }

    pub(crate) fn tell_account(&self, account: &str, event: AccountEvent<'_>, ctx: &mut Ctx<'_>) {
        self.tell(&wire::Event::Account { account, event }, ctx);
    }

    /// Whether the client knows calls that are heard before they are answered.
    pub(crate) fn has_early_media(&self) -> bool {
        self.latch.vocabulary().is_some_and(wire::Vocabulary::has_early_media)
    }

    pub(crate) fn vocabulary(&self) -> Option<wire::Vocabulary> {
        self.latch.vocabulary()
    }

    fn message(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let Ok(decoded) = wire::read(text) else { return };
        self.latch.heard(decoded.of);
        let transaction = &*decoded.transaction;
        let answer = match decoded.request {
            Ok(request) => self.request(transaction, request, ctx),
            Err(problem) => Err(problem.to_string()),
        };
        self.answer(transaction, answer, ctx);
    }

    pub(crate) fn answer(&mut self, transaction: &str, answer: Answer, ctx: &mut Ctx<'_>) {
        match answer {
            Ok(Done::Ack) => ctx.out.text(|out| wire::ack(out, transaction)),
            Ok(Done::Later) => {}
            Err(text) => ctx.out.text(|out| wire::error(out, transaction, &text)),
        }
    }

    /// Whether no request waits to be answered.
    fn is_ready(&self) -> bool {
        self.dialling.is_none() && self.asking.is_none() && !self.rooms.is_joining()
    }

    /// Asks of the hub what waits.
    fn settle(&mut self, ctx: &mut Ctx<'_>) {
        self.calls.settle(ctx);
        self.rooms.settle(ctx);
    }

    /// The next requests, until one has to wait.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        self.settle(ctx);
        while self.is_ready()
            && let Some(text) = self.waiting.pop_front()
        {
            self.message(&text, ctx);
            self.settle(ctx);
        }
    }

    fn request(&mut self, transaction: &str, request: Request<'_>, ctx: &mut Ctx<'_>) -> Answer {
        if request != Request::Ping {
            self.charge(ctx);
        }
        match request {
            Request::Ping => Ok(Done::Ack),
            Request::AccountAdd { account, password, display_name, user_agent, incoming_header_prefixes } => {
                self.may_add(account.as_str(), account.host())?;
                let text = |text: std::borrow::Cow<'_, str>| Box::from(&*text);
                let account = Account {
                    address: account.as_str().into(),
                    secret: password.as_str().into(),
                    display: display_name.map(text),
                    agent: user_agent.map(text),
                    prefixes: incoming_header_prefixes.into_iter().map(text).collect(),
                    push: None,
                };
                if let Ok(name) = Name::parse(&account.address) {
                    // Where whoever invites the account looks for it.
                    ctx.out.command(UNHEARD, Command::Alias { name, on: true });
                }
                let held = Held { account: Arc::new(account), registered: false, wanted: false };
                self.accounts.insert(Arc::clone(&held.account.address), held);
                Ok(Done::Ack)
            }
            Request::AccountRemove { account } => {
                let held =
                    self.accounts.remove(account.as_str()).ok_or_else(|| unknown_for("remove", &account.as_str()))?;
                if let Ok(name) = Name::parse(account.as_str()) {
                    ctx.out.command(UNHEARD, Command::Alias { name, on: false });
                }
                self.unregister(&held, ctx);
                Ok(Done::Ack)
            }
            Request::AccountRegister { account } => {
                let name = self.name.clone();
                let held = self.accounts.get_mut(account.as_str());
                let held = held.ok_or_else(|| unknown_for("register", &account.as_str()))?;
                held.wanted = true;
                let Some(name) = name else { return Ok(Done::Ack) };
                let address = Arc::clone(&held.account.address);
                ctx.out.line(Order::Register { account: Arc::clone(&held.account), name });
                self.asking = Some(Asking { transaction: transaction.into(), address, until: ctx.now + ASKING });
                Ok(Done::Later)
            }
            Request::AccountUnregister { account } => {
                let held = self.accounts.get_mut(account.as_str());
                let held = held.ok_or_else(|| unknown_for("unregister", &account.as_str()))?;
                let was = Held { account: Arc::clone(&held.account), ..*held };
                (held.registered, held.wanted) = (false, false);
                self.unregister(&was, ctx);
                Ok(Done::Ack)
            }
            Request::AccountDeviceToken { account, token } => {
                let held = self.accounts.get_mut(account.as_str());
                let held = held.ok_or_else(|| unknown_for("token", &account.as_str()))?;
                Arc::make_mut(&mut held.account).push = push(token);
                Ok(Done::Ack)
            }
            Request::AccountFetchAddressbook { account } => {
                let address = self.registered(account.as_str())?;
                ctx.out.text(|out| wire::ack(out, transaction));
                let empty = AccountEvent::AddressbookFetched { contacts: "[]", groups: "[]", policies: "[]" };
                self.tell_account(&address, empty, ctx);
                Ok(Done::Later)
            }
            Request::AccountUpdateAddressbook { account, action, kind, data: _ } => {
                let address = self.registered(account.as_str())?;
                ctx.out.text(|out| wire::ack(out, transaction));
                let error = "this server keeps no address book";
                let failed = AccountEvent::AddressbookUpdateFailed { kind, action, error, id: "" };
                self.tell_account(&address, failed, ctx);
                Ok(Done::Later)
            }
            Request::AccountMessage { account, uri, message } => {
                let address = self.registered(account.as_str())?;
                self.post(&address, uri.as_str(), &message, ctx);
                Ok(Done::Ack)
            }
            Request::AccountDispositionNotification { account, uri, message_id, state, timestamp } => {
                let address = self.registered(account.as_str())?;
                let account = Arc::clone(&self.accounts[&address].account);
                let (to, id, time) = (uri.as_str().into(), Box::from(&*message_id), Box::from(&*timestamp));
                ctx.out.line(Order::Receipt { account, to, id, time, state: receipt(state) });
                Ok(Done::Ack)
            }
            Request::AccountSyncConversations { account, .. } => {
                let address = self.registered(account.as_str())?;
                ctx.out.text(|out| wire::ack(out, transaction));
                self.tell_account(&address, AccountEvent::SyncConversations(&[]), ctx);
                Ok(Done::Later)
            }
            Request::AccountMarkConversationRead { account, .. }
            | Request::AccountRemoveMessage { account, .. }
            | Request::AccountRemoveConversation { account, .. } => {
                self.registered(account.as_str()).map(|_| Done::Ack)
            }
            Request::LookupPublicKey { uri } => {
                self.tell(&wire::Event::PublicKey { uri: uri.as_str(), public_key: None }, ctx);
                Ok(Done::Ack)
            }
            Request::SessionCreate { session, account, uri, sdp, headers } => {
                self.create(transaction, &session, account.as_str(), uri.as_str(), &sdp, &headers, ctx)
            }
            Request::SessionAnswer { session, sdp, headers } => self.take(&session, &sdp, &headers, transaction, ctx),
            Request::SessionTrickle { session, candidates } => self.trickle(&session, &candidates, ctx),
            Request::SessionTerminate { session } => self.terminate(&session, ctx),
            Request::SessionUpdate { session, sdp, headers } => self.update(&session, &sdp, &headers, ctx),
            Request::SessionMessage { session, message } => self.say(&session, &message, ctx),
            Request::SessionDtmfInfo { session, digit, duration } => self.press(&session, &digit, duration, ctx),
            request => self.room_request(transaction, request, ctx),
        }
    }

    /// The requests about video rooms.
    fn room_request(&mut self, transaction: &str, request: Request<'_>, ctx: &mut Ctx<'_>) -> Answer {
        match request {
            Request::VideoroomJoin { session, account, uri, sdp, audio, video } => {
                let (account, uri) = (account.as_str(), uri.as_str());
                self.join(transaction, &Wanted { session: &session, account, uri, sdp: &sdp, audio, video }, ctx)
            }
            Request::VideoroomLeave { session } => self.leave(&session, ctx),
            Request::VideoroomSessionTrickle { session, candidates } => self.room_trickle(&session, &candidates, ctx),
            Request::VideoroomSessionUpdate { session, audio, video, bitrate } => {
                self.room_update(&session, audio, video, bitrate, ctx)
            }
            Request::VideoroomFeedAttach { session, publisher, feed } => self.attach(&session, &publisher, &feed, ctx),
            Request::VideoroomFeedAnswer { session, feed, sdp } => self.feed_answer(&session, &feed, &sdp, ctx),
            Request::VideoroomFeedDetach { session, feed } => self.detach(&session, &feed, ctx),
            Request::VideoroomConfigure { session, active_participants } => {
                self.configure(&session, &active_participants, ctx)
            }
            Request::VideoroomInvite { session, participants } => {
                // Each is a message to somebody.
                participants.iter().for_each(|_| self.charge(ctx));
                self.invite(&session, &participants, ctx)
            }
            Request::VideoroomMessage { session, message_id, content, content_type } => {
                self.room_message(&session, &message_id, &content, &content_type, transaction, ctx)
            }
            Request::VideoroomComposingIndication { session, state, refresh } => {
                self.compose(&session, state, refresh, ctx)
            }
            Request::VideoroomMuteAudioParticipants { session } => self.mute(&session, ctx),
            Request::VideoroomToggleHand { session, session_id } => {
                self.toggle(&session, session_id.as_deref().unwrap_or(&session), ctx)
            }
            // Answered above.
            _ => Ok(Done::Ack),
        }
    }

    /// Counts something that the client wants done; it is read no faster than it may.
    fn charge(&mut self, ctx: &mut Ctx<'_>) {
        let next = self.bucket.charge(self.settings.rate, ctx.now);
        if next > ctx.now {
            ctx.out.deafen(next);
        }
    }

    fn may_add(&self, address: &str, host: &str) -> Result<(), String> {
        if self.accounts.contains_key(address) {
            return Err(format!("Account {address} already added"));
        }
        let domains = &self.settings.domains;
        if !domains.is_empty() && !domains.iter().any(|domain| domain.eq_ignore_ascii_case(host)) {
            return Err(format!("SIP domain not allowed: {host}"));
        }
        if self.accounts.len() >= ACCOUNTS {
            return Err(format!("this connection has {ACCOUNTS} accounts, which is the most; remove one"));
        }
        Ok(())
    }

    fn unregister(&self, held: &Held, ctx: &mut Ctx<'_>) {
        if held.wanted {
            ctx.out.line(Order::Unregister { address: Arc::clone(&held.account.address) });
        }
    }

    fn registered(&self, address: &str) -> Result<Arc<str>, String> {
        let held = self.accounts.get(address).ok_or_else(|| unknown(address))?;
        if held.registered {
            Ok(Arc::clone(&held.account.address))
        } else {
            Err("Account not authenticated".to_owned())
        }
    }

    fn post(&mut self, address: &Arc<str>, to: &str, message: &Message<'_>, ctx: &mut Ctx<'_>) {
        let (tag, account) = (self.tag(), Arc::clone(&self.accounts[address].account));
        let text = posted(message);
        if self.posts.len() < POSTS {
            let post = Post { account: Arc::clone(address), id: text.id.clone(), time: text.time.clone() };
            self.posts.insert(tag, post);
        }
        ctx.out.line(Order::Text { tag, account, to: to.into(), text });
    }

    fn registration(&mut self, address: &str, state: &Stands, ctx: &mut Ctx<'_>) {
        // Of an account that has been removed, or told to stop, nothing is to be said any more.
        let Some(held) = self.accounts.get_mut(address).filter(|held| held.wanted) else { return };
        held.registered = *state == Stands::Registered;
        let asked = self.asking.take_if(|asking| *asking.address == *address);
        let state = match (state, asked) {
            (Stands::Nowhere(words), Some(asked)) => {
                held.wanted = false;
                return self.answer(&asked.transaction, Err(words.to_string()), ctx);
            }
            (state, asked) => {
                if let Some(asked) = asked {
                    self.answer(&asked.transaction, Ok(Done::Ack), ctx);
                }
                state
            }
        };
        let state = match state {
            Stands::Registering => Registration::Registering,
            Stands::Registered => Registration::Registered,
            Stands::Failed(reason) | Stands::Nowhere(reason) => Registration::Failed { reason },
        };
        self.tell_account(address, AccountEvent::Registration(state), ctx);
    }

    /// A registration takes its time.
    fn look_after_asking(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(asked) = self.asking.take_if(|asking| asking.until <= ctx.now) {
            self.answer(&asked.transaction, Ok(Done::Ack), ctx);
            self.go_on(ctx);
        }
    }

    fn delivered(&mut self, tag: Tag, code: u16, reason: &str, ctx: &mut Ctx<'_>) {
        let Some(Post { account, id, time }) = self.posts.remove(&tag) else { return };
        let state = if (200..300).contains(&code) { MessageState::Accepted } else { MessageState::Failed };
        let told = Notification { message_id: &id, message_timestamp: &time, state, code, reason };
        self.tell_account(&account, AccountEvent::Disposition(told), ctx);
    }

    fn look_after_silence(&mut self, ctx: &mut Ctx<'_>) {
        if self.pinged && ctx.now >= self.heard + PING + PONG {
            ctx.out.abort(CloseCause::Silent);
        } else if !self.pinged && ctx.now >= self.heard + PING {
            self.pinged = true;
            ctx.out.ping();
        }
    }
}

impl Session for SylkSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        (self.now, self.heard) = (ctx.now, ctx.now);
        let name = format!("{:016x}{:016x}", ctx.rng.next_u64(), ctx.rng.next_u64());
        if let Ok(name) = Name::parse(&name) {
            ctx.out.command(UNHEARD, Command::Register { name: name.clone(), merge: Merge::WINDOW });
            self.name = Some(name);
        }
        let subprotocol = self.subprotocol;
        ctx.out.text(|out| wire::ready(out, subprotocol));
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        (self.now, self.heard, self.pinged) = (ctx.now, ctx.now, false);
        let Frame::Text(text) = frame else { return };
        if !self.is_ready() || !self.waiting.is_empty() {
            self.waiting.push_back(text.into());
            if self.waiting.len() >= WAITING {
                ctx.out.deafen(ctx.now + PAUSE);
            }
        } else {
            self.message(text, ctx);
        }
        self.go_on(ctx);
    }

    fn on_line(&mut self, news: News, ctx: &mut Ctx<'_>) {
        self.now = ctx.now;
        match news {
            News::Registration { address, state } => self.registration(&address, &state, ctx),
            News::Dialled { tag, party } => self.dialled(tag, party, ctx),
            News::Missed { address, from } => {
                self.tell_account(&address, AccountEvent::MissedSession { originator: identity(&from) }, ctx);
            }
            News::Text { address, from, text, wants } => {
                let words = [(wants.delivered, "positive-delivery"), (wants.displayed, "display")];
                let words: Vec<_> = words.into_iter().filter_map(|(wanted, word)| wanted.then_some(word)).collect();
                let disposition_notification = Some(&*words).filter(|words| !words.is_empty());
                let received = Received { disposition_notification, ..received(&from, &text) };
                self.tell_account(&address, AccountEvent::Message(received), ctx);
            }
            News::Receipt { address, from: _, id, time, state } => {
                let state = match state {
                    Receipt::Delivered => MessageState::Delivered,
                    Receipt::Displayed => MessageState::Displayed,
                    Receipt::Failed => MessageState::Failed,
                    Receipt::Forbidden => MessageState::Forbidden,
                    Receipt::Error => MessageState::Error,
                };
                let told = Notification { message_id: &id, message_timestamp: &time, state, code: 200, reason: "OK" };
                self.tell_account(&address, AccountEvent::Disposition(told), ctx);
            }
            News::Delivered { tag, code, reason } => self.delivered(tag, code, &reason, ctx),
        }
        self.go_on(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        self.now = ctx.now;
        match event {
            Event::CallChanged { tag, link, caller, state, .. } => self.changed(tag, link, caller, state, ctx),
            Event::CallSignal { link, signal } => self.signalled(link, &signal, ctx),
            Event::Flowing { link } => {
                self.flows(link, ctx);
                self.room_flows(link, ctx);
            }
            Event::Joined { tag, room, .. } => self.joined(tag, room),
            Event::Members { room, list, .. } => self.members(room, &list, ctx),
            Event::Reserved { tag, link, .. } => self.reserved(tag, link, ctx),
            Event::Viewing { tag, link } => self.viewing(tag, link),
            Event::Described { link, sdp, .. } => self.described(link, &sdp, ctx),
            Event::LegEnded { link, cause, .. } => self.leg_ended(link, &cause, ctx),
            Event::MemberSignal { room, from, signal } => self.hears(room, &from, &signal, ctx),
            Event::Posted { body, .. } => self.invited(&body, ctx),
            Event::Declined { link } => {
                let unchanged = Detail::Unchanged { code: 488, reason: "Not Acceptable Here".into() };
                self.detail(link, unchanged, ctx);
            }
            Event::Ended { link, cause, .. } => self.ended(link, &cause, ctx),
            Event::Refused { tag, refusal } => {
                // A tag is that of one command, so of these one at most has to do with it.
                self.join_refused(tag, refusal, ctx);
                self.feed_refused(tag);
                self.refused(tag, refusal, ctx);
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        let silence = self.heard + if self.pinged { PING + PONG } else { PING };
        let due = self.asking.as_ref().map_or(silence, |asking| asking.until.min(silence));
        let waits = self.calls.wait() || self.rooms.wait() || self.is_ready() && !self.waiting.is_empty();
        Some(if waits { self.now } else { due })
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.now = ctx.now;
        self.look_after_asking(ctx);
        self.go_on(ctx);
        self.look_after_silence(ctx);
    }
}

/// The id of a call that comes in, as this client's generation writes it: 2015's had no dashes.
pub(crate) fn spelled(session: &str, vocabulary: Option<wire::Vocabulary>) -> Box<str> {
    match vocabulary {
        Some(wire::Vocabulary::V2) => session.into(),
        _ => session.replace('-', "").into(),
    }
}

pub(crate) fn unknown(account: impl Display) -> String {
    format!("Unknown account specified: {account}")
}

fn unknown_for(what: &str, account: &impl Display) -> String {
    format!("Unknown account specified for {what}: {account}")
}

pub(crate) fn identity(from: &Caller) -> Identity<'_> {
    Identity { uri: &from.address, display_name: from.display.as_deref() }
}

pub(crate) fn posted(message: &Message<'_>) -> Posted {
    Posted {
        id: Box::from(&*message.message_id),
        time: Box::from(&*message.timestamp),
        mime: Box::from(&*message.content_type),
        content: Box::from(&*message.content),
    }
}

pub(crate) fn received<'a>(from: &'a Caller, text: &'a Posted) -> Received<'a> {
    Received {
        sender: identity(from),
        timestamp: &text.time,
        message_id: &text.id,
        content: &text.content,
        content_type: &text.mime,
        disposition_notification: None,
        direction: None,
    }
}

fn receipt(state: Disposition) -> Receipt {
    match state {
        Disposition::Delivered => Receipt::Delivered,
        Disposition::Displayed => Receipt::Displayed,
        Disposition::Failed => Receipt::Failed,
        Disposition::Forbidden => Receipt::Forbidden,
        Disposition::Error => Receipt::Error,
    }
}

fn push(token: DeviceToken<'_>) -> Option<Push> {
    match token {
        // The old form names the device alone, and a registrar is told nothing that it could use.
        DeviceToken::Replaced { .. } => None,
        DeviceToken::Full { token, platform, device, silent, app } => Some(Push {
            token: Box::from(&*token),
            platform: Box::from(&*platform),
            device: Box::from(&*device),
            app: Box::from(&*app),
            silent,
        }),
    }
}

impl Calls {
    /// Whether there is a call of that id.
    pub(crate) fn knows(&self, session: &str) -> bool {
        self.of(session).is_some()
    }

    pub(crate) fn of(&self, session: &str) -> Option<&Call> {
        self.by_session.get(session)
    }
}
