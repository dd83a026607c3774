//! One registered account of one client: its line, and the calls that come in on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_core::{Name, Profile, Tag};
use patchbay_dialect_kit::line::{Account, Caller, News, Receipt, Registration, Text, Wants};
use patchbay_sip::digest::Ha1;
use patchbay_sip::message::{self, imdn};
use patchbay_sip::register::Push;
use patchbay_sip::uri::{Aor, Uri};
use patchbay_sip_io::{Incoming, Line, LineNews, LineOrder, Refused};
use tokio::sync::mpsc;

use super::{Client, ORDERS, call, refused};
use crate::shell::Shell;

/// Texts of one account that are kept while they are on their way; one more that a telephone cannot read as it is fails.
const TEXTS: usize = 64;

/// What the client wants of it.
pub(super) enum Wish {
    /// Register again, perhaps otherwise.
    Again(Arc<Account>),
    Text {
        tag: Tag,
        to: Box<str>,
        text: Text,
    },
    Receipt {
        to: Box<str>,
        id: Box<str>,
        time: Box<str>,
        state: Receipt,
    },
    /// Somebody calls it at one of our own domains.
    Call(Box<Incoming>),
}

/// An account in the hands of who asked for it; the task ends, and the binding with it, when it is let go.
pub(super) struct Held {
    pub(super) wishes: mpsc::Sender<Wish>,
    stands: Arc<AtomicBool>,
}

impl Held {
    /// Whether its registrar has it.
    pub(super) fn stands(&self) -> bool {
        self.stands.load(Ordering::Relaxed)
    }
}

/// The agent's words for an account.
///
/// # Errors
/// In words that a client may be told, if a part of it is none of SIP's.
pub(super) fn spelled(account: &Account) -> Result<patchbay_sip_io::Account, String> {
    let wrong = || format!("400 Bad Request: {} is no account", account.address);
    let aor = Aor::parse(&account.address).map_err(|_| wrong())?;
    let ha1 = Ha1::parse(&account.secret).ok_or_else(wrong)?;
    let push = account.push.as_ref().map(|push| Push {
        app: push.app.to_string(),
        token: push.token.to_string(),
        platform: push.platform.to_string(),
        device: push.device.to_string(),
        silent: push.silent,
    });
    let text = |text: &Option<Box<str>>| text.as_deref().map(ToOwned::to_owned);
    Ok(patchbay_sip_io::Account { aor, ha1, display: text(&account.display), user_agent: text(&account.agent), push })
}

pub(super) fn failed(address: &Arc<str>, reason: &str) -> News {
    News::Registration { address: Arc::clone(address), state: Registration::Failed(reason.into()) }
}

/// Registers.
///
/// # Errors
/// In words that the client is told.
pub(super) fn start(
    shell: &Arc<Shell>,
    profile: Profile,
    client: Client,
    account: Arc<Account>,
    name: Name,
) -> Result<Held, String> {
    let spelled = spelled(&account)?;
    let (wishes, inbox) = mpsc::channel(ORDERS);
    let held = Held { wishes, stands: Arc::default() };
    let (shell, stands) = (Arc::clone(shell), Arc::clone(&held.stands));
    tokio::spawn(async move {
        match line(&shell, spelled).await {
            Ok(line) => {
                let sent = BTreeMap::new();
                Task { shell, profile, client, account, name, line, sent, stands }.run(inbox).await;
            }
            Err(why) => client.tell(failed(&account.address, &refused(why))),
        }
    });
    Ok(held)
}

/// A line that has begun to register. After a network has failed all clients come back at once: they have their turn one
/// after the other, and none is refused for being many.
async fn line(shell: &Shell, account: patchbay_sip_io::Account) -> Result<Line, Refused> {
    let agent = shell.lines.agent().ok_or(Refused::Gone)?;
    let line = agent.register_in_turn(account).await?;
    line.order_in_turn(LineOrder::Start).await?;
    Ok(line)
}

struct Task {
    shell: Arc<Shell>,
    profile: Profile,
    client: Client,
    account: Arc<Account>,
    /// What the client is called in the hub.
    name: Name,
    line: Line,
    /// Texts on their way, to be said again in plain words.
    sent: BTreeMap<Tag, (Box<str>, Text)>,
    stands: Arc<AtomicBool>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Wish>) {
        loop {
            tokio::select! {
                wish = inbox.recv() => match wish {
                    Some(wish) => self.wish(wish),
                    None => return,
                },
                news = self.line.next() => match news {
                    Some(news) => self.news(news),
                    None => return self.client.tell(failed(&self.account.address, "503 Service Unavailable")),
                },
            }
        }
    }

    fn wish(&mut self, wish: Wish) {
        let ordered = match wish {
            Wish::Again(account) => {
                let push = spelled(&account).ok().and_then(|account| account.push);
                self.account = account;
                self.line.order(LineOrder::Push(push)).and_then(|()| self.line.order(LineOrder::Start))
            }
            Wish::Call(incoming) => return self.comes(incoming),
            Wish::Text { tag, to, text } => return self.send(tag, to, text, false),
            Wish::Receipt { to, id, time, state } => {
                let Ok(to) = Uri::parse(&to) else { return };
                let state = match state {
                    Receipt::Delivered => imdn::State::Delivered,
                    Receipt::Displayed => imdn::State::Displayed,
                    Receipt::Failed => imdn::State::Failed,
                    Receipt::Forbidden => imdn::State::Forbidden,
                    Receipt::Error => imdn::State::Error,
                };
                let notification = imdn::Notification { message_id: id.to_string(), time: time.to_string(), state };
                let (content_type, body) = (imdn::CONTENT_TYPE.to_owned(), imdn::write(&notification));
                self.line.order(LineOrder::Text { tag: super::UNASKED.0, to, content_type, body })
            }
        };
        if let Err(why) = ordered {
            self.client.tell(failed(&self.account.address, &refused(why)));
        }
    }

    /// Type and body: with all that belongs to the text, or, for telephones that do not know that, alone.
    fn wrapped(&self, to: &Uri, text: &Text) -> Option<(String, String)> {
        let message = message::Message {
            display: self.account.display.as_deref().map(ToOwned::to_owned),
            from: Uri::parse(&self.account.address).ok()?,
            to: to.clone(),
            time: Some(text.time.to_string()),
            id: Some(text.id.to_string()),
            wishes: vec![message::Wish::PositiveDelivery, message::Wish::Display],
            content_type: text.mime.to_string(),
            content: text.content.to_string(),
        };
        Some((message::CONTENT_TYPE.to_owned(), message::write(&message)?))
    }

    fn send(&mut self, tag: Tag, to: Box<str>, text: Text, plain: bool) {
        let Some((uri, wrapped)) = Uri::parse(&to).ok().and_then(|uri| Some((uri.clone(), self.wrapped(&uri, &text)?)))
        else {
            return self.delivered(tag, 400, "400 Bad Request");
        };
        let (content_type, body) = if plain { (text.mime.to_string(), text.content.to_string()) } else { wrapped };
        if self.line.order(LineOrder::Text { tag: tag.0, to: uri, content_type, body }).is_err() {
            return self.delivered(tag, 503, super::UNAVAILABLE);
        }
        if !plain && self.sent.len() < TEXTS {
            self.sent.insert(tag, (to, text));
        }
    }

    fn delivered(&self, tag: Tag, code: u16, reason: &str) {
        if tag != super::UNASKED {
            self.client.tell(News::Delivered { tag, code, reason: reason.into() });
        }
    }

    fn news(&mut self, news: LineNews) {
        let account = Arc::clone(&self.account);
        let address = || Arc::clone(&account.address);
        match &news {
            LineNews::Registered => self.stands.store(true, Ordering::Relaxed),
            LineNews::Failed(_) | LineNews::Unresolved(_) => self.stands.store(false, Ordering::Relaxed),
            _ => {}
        }
        let registration = |state| News::Registration { address: address(), state };
        match news {
            LineNews::Registering => self.client.tell(registration(Registration::Registering)),
            LineNews::Registered => self.client.tell(registration(Registration::Registered)),
            LineNews::Failed(reason) => self.client.tell(registration(Registration::Failed(reason.into()))),
            LineNews::Unresolved(words) => self.client.tell(registration(Registration::Nowhere(words.into()))),
            LineNews::Missed(caller) => self.client.tell(News::Missed { address: address(), from: known(&caller) }),
            LineNews::Sent { tag, code, reason } => match self.sent.remove(&Tag(tag)) {
                // sylk.md section 9.11.
                Some((to, text)) if code == 415 => self.send(Tag(tag), to, text, true),
                _ => self.delivered(Tag(tag), code, &reason),
            },
            LineNews::Text(text) => self.text(&text),
            LineNews::Call(incoming) => self.comes(incoming),
        }
    }

    fn comes(&self, incoming: Box<Incoming>) {
        let name = super::drawn(&self.shell);
        let way = call::Way::In { account: Arc::clone(&self.account), client: self.name.clone(), incoming };
        // Nobody hears of a call that there is no room for: the dialog is dropped, and refused by that.
        let _ = call::start(&self.shell, self.profile, name, way);
    }

    fn text(&self, text: &patchbay_sip_io::Text) {
        let (address, from) = (Arc::clone(&self.account.address), known(&text.from));
        if text.content_type == COMPOSING {
            return;
        }
        let mut wants = Wants::default();
        let told = match text.content_type.as_str() {
            message::CONTENT_TYPE => message::read(&text.body),
            _ => None,
        };
        let body = told.as_ref().map_or((text.content_type.as_str(), text.body.as_str()), |told| {
            (told.content_type.as_str(), told.content.as_str())
        });
        if let (imdn::CONTENT_TYPE, Some(notification)) = (body.0, imdn::read(body.1)) {
            let Some(state) = receipt(notification.state) else { return };
            let (id, time) = (notification.message_id.into(), notification.time.into());
            return self.client.tell(News::Receipt { address, from, id, time, state });
        }
        let text = match told {
            Some(told) => {
                let asks = |wish| told.wishes.contains(&wish);
                wants =
                    Wants { delivered: asks(message::Wish::PositiveDelivery), displayed: asks(message::Wish::Display) };
                Text {
                    id: told.id.unwrap_or_else(|| text.call_id.clone()).into(),
                    time: told.time.unwrap_or_default().into(),
                    mime: told.content_type.into(),
                    content: told.content.into(),
                }
            }
            None => Text {
                id: text.call_id.as_str().into(),
                time: Box::default(),
                mime: text.content_type.as_str().into(),
                content: text.body.as_str().into(),
            },
        };
        self.client.tell(News::Text { address, from, text, wants });
    }
}

/// That somebody writes (RFC 3994), for which clients have no word outside of rooms.
const COMPOSING: &str = "application/im-iscomposing+xml";

/// What became of a text, for those to whom it says something.
fn receipt(state: imdn::State) -> Option<Receipt> {
    Some(match state {
        imdn::State::Delivered => Receipt::Delivered,
        imdn::State::Displayed => Receipt::Displayed,
        imdn::State::Failed => Receipt::Failed,
        imdn::State::Forbidden => Receipt::Forbidden,
        imdn::State::Error => Receipt::Error,
        imdn::State::Processed | imdn::State::Stored => return None,
    })
}

/// A caller in the words of the kit.
pub(super) fn known(caller: &patchbay_sip_io::Caller) -> Caller {
    Caller { address: caller.uri.as_str().into(), display: caller.display.as_deref().map(Box::from) }
}
