//! The telephones' side: what sessions ask of lines, and a party for each call that travels by SIP.
//!
//! An account that a client registers is a task with a line of the agent (`account.rs`); a call is a party of the hub with a
//! dialog of the agent (`call.rs`). This module knows who has asked for what, and lets go of it when the client goes.

mod account;
mod book;
mod call;
mod settings;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use patchbay_core::{Name, PartyId, Profile, Tag};
use patchbay_dialect_kit::Random;
use patchbay_dialect_kit::line::{Account, Header, News, Order};
use patchbay_sip::uri::Uri;
use patchbay_sip_io::{Agent, Incoming, Listen, Refused};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::book::Book;
pub(crate) use settings::start;

use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::Shell;

/// Orders that wait for one account's task. Clients give one or two; one more is not carried out, and the client is told.
const ORDERS: usize = 32;

/// How long a client waits to be told that somebody has no address; what it asks meanwhile waits as well. Its patience
/// with us ends after 30 s.
const LOOKING: Duration = Duration::from_secs(5);

/// What clients are told who ask for more than there is.
const UNAVAILABLE: &str = "503 Service Unavailable";

/// All lines and what they are made of.
#[derive(Default)]
pub(crate) struct Lines {
    seat: OnceLock<Seat>,
    /// The accounts that clients have registered.
    accounts: Mutex<Book<account::Held>>,
}

struct Seat {
    agent: Agent,
    /// What a telephone is to the hub.
    profile: Profile,
    shell: Weak<Shell>,
}

/// A client, as far as telephones are concerned.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) party: PartyId,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Client {
    pub(crate) fn tell(&self, news: News) {
        self.mailbox.push_news(news).into_iter().for_each(Waker::wake);
    }

    /// There are no telephones.
    fn decline(&self, order: Order) {
        match order {
            Order::Register { account, .. } => self.tell(account::failed(&account.address, UNAVAILABLE)),
            Order::Dial { tag, .. } => self.tell(News::Dialled { tag, party: Err(UNAVAILABLE.into()) }),
            Order::Text { tag, .. } => self.tell(News::Delivered { tag, code: 503, reason: UNAVAILABLE.into() }),
            Order::Unregister { .. } | Order::Receipt { .. } => {}
        }
    }
}

impl Lines {
    /// Takes the agent in; the first stays.
    pub(crate) fn seat(&self, agent: Agent, profile: Profile, shell: &Arc<Shell>) {
        if let Some(door) = agent.door() {
            tokio::spawn(answer(door, Arc::downgrade(shell)));
        }
        let _ = self.seat.set(Seat { agent, profile, shell: Arc::downgrade(shell) });
    }

    /// The listeners of the agent, with their ports.
    pub(crate) fn bound(&self) -> Vec<String> {
        let listen = |seat: &Seat| seat.agent.bound().iter().map(Listen::to_string).collect();
        self.seat.get().map(listen).unwrap_or_default()
    }

    /// Hangs up, and takes all bindings back.
    pub(crate) async fn stop(&self) {
        if let Some(seat) = self.seat.get() {
            seat.agent.stop().await;
        }
    }

    /// What the agent counts.
    pub(crate) fn counts(&self) -> Option<patchbay_sip_io::Counts> {
        self.seat.get().map(|seat| seat.agent.counts())
    }

    /// A session asks for something. Never waits.
    pub(crate) fn order(&self, party: PartyId, mailbox: &Arc<Mailbox>, order: Order) {
        let client = Client { party, mailbox: Arc::clone(mailbox) };
        let shell = self.seat.get().and_then(|seat| seat.shell.upgrade());
        let Some(shell) = shell else { return client.decline(order) };
        match order {
            Order::Register { account, name } => self.register(&shell, client, account, name),
            Order::Unregister { address } => self.lock().remove(party, &address),
            Order::Dial { tag, account, to, headers } => {
                tokio::spawn(dial(shell, client, tag, account, to, headers));
            }
            Order::Text { tag, account, to, text } => {
                let wish = account::Wish::Text { tag, to, text };
                if !self.wish(party, &account.address, wish) {
                    client.tell(News::Delivered { tag, code: 480, reason: "Temporarily Unavailable".into() });
                }
            }
            Order::Receipt { account, to, id, time, state } => {
                self.wish(party, &account.address, account::Wish::Receipt { to, id, time, state });
            }
        }
    }

    fn register(&self, shell: &Arc<Shell>, client: Client, account: Arc<Account>, name: Name) {
        let Some(seat) = self.seat.get() else { return };
        let (mut accounts, party) = (self.lock(), client.party);
        if let Some(known) = accounts.get(party, &account.address)
            && known.wishes.try_send(account::Wish::Again(Arc::clone(&account))).is_ok()
        {
            return;
        }
        let address = Arc::clone(&account.address);
        match account::start(shell, seat.profile, client.clone(), account, name) {
            Ok(held) => accounts.insert(party, address, held),
            Err(reason) => client.tell(account::failed(&address, &reason)),
        }
    }

    /// Whether somebody hears it.
    fn wish(&self, party: PartyId, address: &str, wish: account::Wish) -> bool {
        self.lock().get(party, address).is_some_and(|known| known.wishes.try_send(wish).is_ok())
    }

    /// Somebody calls a user of our own domains who has no line there: it is for a client here that has proved to its
    /// provider who it is, if there is one; else the dialog is dropped, and refused by that.
    fn comes(&self, incoming: Incoming) {
        let standing = self.lock().of(&incoming.to).find(|held| held.stands()).map(|held| held.wishes.clone());
        if let Some(wishes) = standing {
            // A client that does not listen is not available.
            let _ = wishes.try_send(account::Wish::Call(Box::new(incoming)));
        }
    }

    /// A client has gone: its accounts are unregistered.
    pub(crate) fn gone(&self, party: PartyId) {
        if self.seat.get().is_some() {
            self.lock().remove_all(party);
        }
    }

    fn agent(&self) -> Option<&Agent> {
        self.seat.get().map(|seat| &seat.agent)
    }

    fn lock(&self) -> MutexGuard<'_, Book<account::Held>> {
        // Nothing panics under this lock.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens to who calls our own domains.
async fn answer(mut door: mpsc::Receiver<Incoming>, shell: Weak<Shell>) {
    while let Some(incoming) = door.recv().await {
        let Some(shell) = shell.upgrade() else { return };
        shell.lines.comes(incoming);
    }
}

/// Looks for the way to somebody, and makes a party of it.
async fn dial(shell: Arc<Shell>, client: Client, tag: Tag, account: Arc<Account>, to: Box<str>, headers: Vec<Header>) {
    let party = async {
        let to = Uri::parse(&to).map_err(|error| error.text(&to))?;
        let seat = shell.lines.seat.get().ok_or(UNAVAILABLE)?;
        // A way that takes longer is looked for again by the call itself, which has more patience.
        let way = timeout(LOOKING, seat.agent.find(&to)).await.unwrap_or(Ok(None))?;
        let (name, dial) = (drawn(&shell), call::Dial { account, to, way, headers });
        call::start(&shell, seat.profile, name.clone(), call::Way::Out(dial)).map(|()| name)
    };
    let party = party.await.map_err(Into::into);
    client.tell(News::Dialled { tag, party });
}

/// A name that nobody can guess.
fn drawn(shell: &Shell) -> Name {
    let mut name = None;
    shell.entropy.lend(&mut SystemRandom::default(), |rng: &mut dyn Random| {
        name = Name::parse(&format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())).ok();
    });
    name.expect("hexadecimal digits are a name")
}

/// What a client is told whose order the agent did not take.
fn refused(why: Refused) -> String {
    match why {
        Refused::Full | Refused::Busy | Refused::Gone => UNAVAILABLE.to_owned(),
    }
}

/// Nobody asked for it.
const UNASKED: Tag = Tag(0);
