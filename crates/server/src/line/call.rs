//! One call that travels by SIP: a party of the hub, and a dialog of the agent.
//!
//! What the hub tells becomes orders to the dialog, what the dialog brings becomes commands. Descriptions pass through: the
//! engine writes and reads those of telephones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use patchbay_core::{
    Address, Body, CallState, Cause, CauseKind, Command, Event, LinkId, Merge, Name, PartyId, Profile, Signal,
    SignalKind, Tag,
};
use patchbay_dialect_kit::line::{Account, Detail, Header, Text};
use patchbay_sip::dtmf::{self, Digit, Press};
use patchbay_sip::uri::Uri;
use patchbay_sip::{call, header, picture, reason};
use patchbay_sip_io::{By, Dialog, DialogNews, DialogOrder, Ended, Found, Incoming, Outgoing};

use super::account::{known, spelled};
use crate::mailbox::Mailbox;
use crate::shell::Shell;

/// How long a party may wait to be called that was made for a call out: the caller asks for it in the same moment.
const UNCALLED: std::time::Duration = std::time::Duration::from_secs(10);

/// Texts of one call on their way; of one more, nobody is told what became of the oldest.
const TEXTS: usize = 64;

/// Who calls.
pub(super) enum Way {
    Out(Dial),
    In { account: Arc<Account>, client: Name, incoming: Box<Incoming> },
}

pub(super) struct Dial {
    pub(super) account: Arc<Account>,
    pub(super) to: Uri,
    /// Where that is.
    pub(super) way: Option<Found>,
    pub(super) headers: Vec<Header>,
}

/// Makes the party, under that name.
///
/// # Errors
/// In words that a client is told, if there can be none.
pub(super) fn start(shell: &Arc<Shell>, profile: Profile, name: Name, way: Way) -> Result<(), String> {
    let account = match &way {
        Way::Out(Dial { account, .. }) | Way::In { account, .. } => Arc::clone(account),
    };
    let who = spelled(&account)?;
    let mailbox = Arc::new(Mailbox::default());
    let party = shell.switchboard.attach(profile, Arc::clone(&mailbox));
    let call = Call {
        shell: Arc::clone(shell),
        profile,
        party,
        mailbox,
        account,
        link: None,
        dialog: None,
        stage: Stage::New,
        headers: Vec::new(),
        came: matches!(way, Way::In { .. }),
        out: None,
        owes_offer: false,
        insisted: false,
        sent: VecDeque::new(),
        texts: 0,
    };
    call.command(Command::Register { name, merge: Merge::WINDOW });
    tokio::spawn(call.run(way, who));
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Answered,
    Over,
}

struct Call {
    shell: Arc<Shell>,
    profile: Profile,
    party: PartyId,
    mailbox: Arc<Mailbox>,
    account: Arc<Account>,
    link: Option<LinkId>,
    dialog: Option<Dialog>,
    stage: Stage,
    /// Lines of the client's, for the answer that comes next.
    headers: Vec<Header>,
    /// The telephone called us.
    came: bool,
    /// A call out that has not been made, as its offer is awaited; then the same again, for a telephone that wants to be
    /// asked otherwise.
    out: Option<Outgoing>,
    /// The telephone wants to be offered anew what there is: our next offer answers it.
    owes_offer: bool,
    /// It has been asked in both ways that there are.
    insisted: bool,
    /// Texts on their way, by the agent's numbers of them.
    sent: VecDeque<(u64, Box<str>)>,
    texts: u64,
}

impl Call {
    async fn run(mut self, way: Way, who: patchbay_sip_io::Account) {
        let mut coming = None;
        match way {
            Way::Out(Dial { to, way, headers, .. }) => {
                self.out = Some(Outgoing {
                    from: who.aor,
                    display: who.display,
                    ha1: Some(who.ha1),
                    user_agent: who.user_agent,
                    to,
                    sdp: None,
                    headers: plain(headers),
                    way,
                });
            }
            Way::In { client, incoming, .. } => {
                self.command(Command::Call { to: client, token: None });
                coming = Some(incoming);
            }
        }
        let deadline = tokio::time::Instant::now() + UNCALLED;
        while self.stage != Stage::Over {
            let mailbox = Arc::clone(&self.mailbox);
            let told =
                std::future::poll_fn(move |cx| if mailbox.sleep(1, cx) { Poll::Pending } else { Poll::Ready(()) });
            let (dialog, link) = (&mut self.dialog, self.link);
            let news = async {
                match dialog {
                    Some(dialog) => dialog.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = told => self.deliver(&mut coming),
                news = news => match news {
                    Some(news) => self.news(news),
                    None => self.hang_up(CauseKind::Failed.into()),
                },
                () = tokio::time::sleep_until(deadline), if link.is_none() => self.stage = Stage::Over,
            }
        }
    }

    fn command(&self, command: Command) {
        let mut wake = Vec::new();
        let commands = std::iter::once((Tag(0), command));
        self.shell.switchboard.handle(self.shell.clock.now(), self.party, commands, &mut wake);
        wake.into_iter().for_each(Waker::wake);
    }

    fn signal(&self, signal: Signal) {
        if let Some(link) = self.link {
            self.command(Command::Signal { to: Address::Link(link), signal });
        }
    }

    fn describe(&self, kind: SignalKind, sdp: &str) {
        self.signal(Signal { kind, body: Body::new(self.profile.lang, sdp.as_bytes()) });
    }

    fn order(&self, order: DialogOrder) {
        // An agent that is too busy to take it ends the call by its timers.
        if let Some(dialog) = &self.dialog {
            let _ = dialog.order(order);
        }
    }

    fn hang_up(&mut self, cause: Cause) {
        self.stage = Stage::Over;
        if let Some(link) = self.link {
            self.command(Command::Hangup { link, cause });
        }
    }

    fn deliver(&mut self, coming: &mut Option<Box<Incoming>>) {
        // A call goes on while the server drains; left there, the word would wake it for ever.
        self.mailbox.take_drain();
        while self.stage != Stage::Over {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.event(event, coming),
                Ok(None) => return,
                Err(_) => self.stage = Stage::Over,
            }
        }
    }

    fn event(&mut self, event: Event, coming: &mut Option<Box<Incoming>>) {
        match event {
            Event::CallChanged { link, state: CallState::New, .. } => {
                self.link = Some(link);
                if let Some(incoming) = coming.take() {
                    self.announce(*incoming);
                }
            }
            Event::CallChanged { state: CallState::Ringing, caller: true, .. } => self.order(DialogOrder::Ring),
            Event::CallSignal { signal, .. } => self.hear(&signal),
            Event::Declined { .. } => {
                self.owes_offer = false;
                self.order(DialogOrder::AnswerReinvite(Err(488)));
            }
            Event::KeyWanted { .. } => {
                self.order(DialogOrder::Info {
                    content_type: picture::CONTENT_TYPE.into(),
                    body: picture::UPDATE.into(),
                });
            }
            Event::Ended { cause, .. } => {
                // A telephone that still rings us is told why it gets no answer.
                let refused = self.came && self.stage == Stage::New;
                self.stage = Stage::Over;
                self.order(if refused { DialogOrder::Reject(refusal(&cause)) } else { DialogOrder::Hangup });
            }
            Event::Refused { .. } => self.stage = Stage::Over,
            _ => {}
        }
    }

    /// Somebody calls a client: who it is, and the offer.
    fn announce(&mut self, incoming: Incoming) {
        let Incoming { dialog, from, to: _, call_id, headers, sdp } = incoming;
        self.dialog = Some(dialog);
        let detail = Detail::Incoming {
            session: call::session(&call_id).into(),
            account: self.account.address.as_ref().into(),
            from: known(&from),
            call: call_id.into(),
            headers: self.shown(&headers),
        };
        self.signal(detail.signal());
        self.describe(SignalKind::Offer, sdp.as_deref().unwrap_or_default());
    }

    fn hear(&mut self, signal: &Signal) {
        if let Some(detail) = Detail::read(signal) {
            return self.detail(detail);
        }
        let sdp = String::from_utf8_lossy(signal.body.bytes()).into_owned();
        match (&signal.kind, self.stage) {
            (SignalKind::Offer, Stage::New) if self.dialog.is_none() => self.invite(sdp),
            // A call without an offer: ours goes with the answer.
            (SignalKind::Offer | SignalKind::Answer, Stage::New) if self.came => {
                self.stage = Stage::Answered;
                let headers = plain(std::mem::take(&mut self.headers));
                self.order(DialogOrder::Answer { sdp, headers });
            }
            (SignalKind::Progress { early: true }, Stage::New) if self.came => self.order(DialogOrder::Progress(sdp)),
            (SignalKind::Offer, Stage::Answered) if std::mem::take(&mut self.owes_offer) => {
                self.order(DialogOrder::AnswerReinvite(Ok(sdp)));
            }
            (SignalKind::Offer, Stage::Answered) => self.order(DialogOrder::Reinvite(sdp)),
            (SignalKind::Answer, Stage::Answered) => self.order(DialogOrder::AnswerReinvite(Ok(sdp))),
            _ => {}
        }
    }

    fn invite(&mut self, sdp: String) {
        let Some(out) = &mut self.out else { return };
        out.sdp = Some(sdp);
        let outgoing = out.clone();
        let shell = Arc::clone(&self.shell);
        match shell.lines.agent().map(|agent| agent.invite(outgoing)) {
            Some(Ok(dialog)) => self.dialog = Some(dialog),
            Some(Err(_)) | None => self.hang_up(CauseKind::Overloaded.into()),
        }
    }

    /// Telephones that talk under keys only do not look for them in an offer of plain RTP: sylk.md section 9.10. Whether it
    /// is asked again, by one that they take.
    fn insist(&mut self, ended: &Ended) -> bool {
        let refused = ended.code == 488 && self.stage == Stage::New && !std::mem::replace(&mut self.insisted, true);
        let offer = self.out.as_ref().and_then(|out| out.sdp.as_deref()).filter(|_| refused && !self.came);
        let Some(offer) = offer.and_then(patchbay_sdp::keyed) else { return false };
        self.invite(offer);
        self.stage != Stage::Over
    }

    fn detail(&mut self, detail: Detail) {
        match detail {
            Detail::Digit { digit, millis } => {
                let Some(digit) = Digit::parse(digit.encode_utf8(&mut [0; 4])) else { return };
                let body = dtmf::write(Press::new(digit, Some(i64::from(millis))));
                self.order(DialogOrder::Info { content_type: dtmf::CONTENT_TYPE.to_owned(), body });
            }
            Detail::Text(text) => {
                let (content_type, body) = (text.mime.to_string(), text.content.to_string());
                self.texts += 1;
                if self.sent.len() >= TEXTS {
                    self.sent.pop_front();
                }
                self.sent.push_back((self.texts, text.id));
                self.order(DialogOrder::Text { tag: self.texts, content_type, body });
            }
            Detail::Headers(headers) => self.headers = headers,
            Detail::Unchanged { code, .. } => self.order(DialogOrder::AnswerReinvite(Err(code))),
            Detail::Incoming { .. } | Detail::Proceeding { .. } | Detail::Taken { .. } | Detail::Delivered { .. } => {}
        }
    }

    fn taken(&self, call_id: &str, headers: &[(String, String)]) {
        self.signal(Detail::Taken { call: call_id.into(), headers: self.shown(headers) }.signal());
    }

    /// Those lines of a telephone's that the account wants to see.
    fn shown(&self, headers: &[(String, String)]) -> Vec<Header> {
        let prefixes: Vec<_> = self.account.prefixes.iter().map(AsRef::as_ref).collect();
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let shown = header::incoming(pairs, &prefixes);
        shown.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn news(&mut self, news: DialogNews) {
        match news {
            DialogNews::Calling { call_id } => self.taken(&call_id, &[]),
            DialogNews::Unresolved(words) => {
                let phrase = patchbay_core::Phrase::new(&words);
                self.hang_up(Cause { kind: CauseKind::Failed, code: Some(503), phrase });
            }
            DialogNews::Trying => {}
            DialogNews::Provisional { code, phrase: _, sdp } => {
                match &sdp {
                    Some(sdp) => self.describe(SignalKind::Progress { early: true }, sdp),
                    None if matches!(code, 180 | 183) => {
                        if let Some(link) = self.link {
                            self.command(Command::Ring { link });
                        }
                    }
                    None => {}
                }
                self.signal(Detail::Proceeding { code, early: sdp.is_some() }.signal());
            }
            DialogNews::Accepted { sdp, call_id, headers } => {
                self.stage = Stage::Answered;
                self.taken(&call_id, &headers);
                self.describe(SignalKind::Answer, sdp.as_deref().unwrap_or_default());
                if let Some(link) = self.link {
                    self.command(Command::Accept { link });
                }
            }
            DialogNews::Acked { sdp } => {
                if let Some(sdp) = sdp {
                    self.describe(SignalKind::Answer, &sdp);
                }
            }
            DialogNews::Reinvite { sdp } => {
                self.owes_offer = sdp.is_none();
                self.describe(SignalKind::Offer, sdp.as_deref().unwrap_or_default());
            }
            DialogNews::Reinvited { sdp } => self.describe(SignalKind::Answer, sdp.as_deref().unwrap_or_default()),
            DialogNews::ReinviteFailed { code, reason } => {
                let reason = reason.split_once(' ').map_or("", |(_, phrase)| phrase).into();
                self.signal(Detail::Unchanged { code, reason }.signal());
            }
            DialogNews::Info { .. } => {}
            DialogNews::Dtmf(press) => {
                let (digit, millis) = (press.digit.as_char(), press.duration);
                self.signal(Detail::Digit { digit, millis }.signal());
            }
            DialogNews::Text(text) => {
                let text = Text {
                    id: text.call_id.into(),
                    time: Box::default(),
                    mime: text.content_type.into(),
                    content: text.body.into(),
                };
                self.signal(Detail::Text(text).signal());
            }
            DialogNews::Sent { tag, code, reason } => {
                let Some(place) = self.sent.iter().position(|(of, _)| *of == tag) else { return };
                let Some((_, id)) = self.sent.remove(place) else { return };
                self.signal(Detail::Delivered { id, code, reason: reason.into() }.signal());
            }
            DialogNews::Ended(ended) if self.insist(&ended) => {}
            DialogNews::Ended(ended) => self.hang_up(cause(&ended)),
        }
    }
}

/// What the hub is told of the end. Somebody else of the account has taken a call: then nobody has missed it.
fn cause(ended: &Ended) -> Cause {
    match ended.by {
        By::Elsewhere => {
            let phrase = patchbay_core::Phrase::new("Call completed elsewhere");
            Cause { kind: CauseKind::Cancelled, code: Some(200), phrase }
        }
        By::Peer | By::Here | By::Network => ended.cause(),
    }
}

/// The status for a telephone that gets no answer.
fn refusal(cause: &Cause) -> u16 {
    let final_one = |code: &u16| (300..700).contains(code);
    cause.code.filter(final_one).or(Some(reason::status(cause.kind)).filter(final_one)).unwrap_or(480)
}

fn plain(headers: Vec<Header>) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// However the call ends, the hub lets its party go; the dialog ends by being dropped.
impl Drop for Call {
    fn drop(&mut self) {
        self.shell.switchboard.detach(self.shell.clock.now(), self.party);
    }
}
