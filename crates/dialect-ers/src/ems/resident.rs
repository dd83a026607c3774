//! The session that knows the configurations: it lives as long as the server, carries out commands, and opens connections.
//!
//! It is registered under a name of its own; who has a command, and who is on a connection, posts to it (`note.rs`). What it
//! is told it hears in the order in which the hub was told, so all callers see one list.

use std::collections::VecDeque;
use std::sync::Arc;

use patchbay_core::{Body, Command, Event, Lang, Merge, Moment, Tag};
use patchbay_dialect_kit::job::{Change, Dial, Done, Job, Key, Record, Table, Was};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Random, Session};

use super::api::answer::{Answer, Form};
use super::api::parse::Typed;
use super::api::value::Value;
use super::api::wire::{Request, Start};
use super::book::answers::{Envelope, started};
use super::book::{Book, CONFIGURATIONS, Deed};
use super::caller::SUBJECT;
use super::events::{self, Reporter, Sinks};
use super::note::{self, News, Told, Wish};
use super::{api, opening};

/// What a command's outcome is not waited for.
const UNHEARD: Tag = Tag(0);
/// The list of what was stored.
const STORED: Tag = Tag(1);
/// Connections, by their numbers, stand behind these.
const FIRST: u64 = 2;
/// Posts that wait, while the store is read. More than callers have connections, and each waits for its answer.
const INBOX: usize = 1_024;
/// What keys of stored configurations begin with.
const PREFIX: &str = "ems/";

pub(crate) struct Resident {
    lang: Lang,
    envelope: Envelope,
    book: Book,
    inbox: VecDeque<Told>,
    /// What was stored has been read, or cannot be.
    ready: bool,
    /// What the next `shutdownServer` has to show.
    key: Option<String>,
    reporter: Reporter,
}

impl Resident {
    pub(crate) fn new(lang: Lang, envelope: Envelope, sinks: &Arc<Sinks>) -> Self {
        let (book, inbox, reporter) = (Book::default(), VecDeque::new(), Reporter::new(sinks));
        Self { lang, envelope, book, inbox, ready: false, key: None, reporter }
    }

    /// Hears what was posted.
    fn listen(&mut self, ctx: &mut Ctx<'_>) {
        if self.ready {
            for told in std::mem::take(&mut self.inbox) {
                self.hear(told, ctx);
            }
        }
    }

    fn hear(&mut self, told: Told, ctx: &mut Ctx<'_>) {
        match told {
            Told::Command { from, form, line } => {
                if let Some(answer) = self.answer(form, &line, ctx) {
                    self.reporter.report(SUBJECT, "cliResponse", events::response(&answer), ctx);
                    let body = Body::new(self.lang, &answer.written(form));
                    ctx.out.command(UNHEARD, Command::Post { to: from, body });
                }
            }
            Told::Of { number, news } => match news {
                News::Here => self.book.connected(number),
                News::Joined => self.book.joined(number),
                News::Refused(why) => self.book.refused(number, &why),
                News::Serves(stream) => self.book.serves(number, &stream, ctx.now),
                News::Welcome(name) => self.welcome(number, &name, ctx),
                News::Commands(open) => self.book.commands(number, open),
                News::Cut => self.book.cut(number, ctx.now, ctx.rng.next_u64()),
            },
        }
    }

    /// `None`: there is nothing to say any more.
    fn answer(&mut self, form: Form, line: &str, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let typed = Typed::parse(line);
        let id = typed.text("commandId").filter(|id| !id.is_empty()).map(ToOwned::to_owned);
        let answer = match Request::read(&typed) {
            Err(answer) => answer,
            Ok(Request::Version) => api::version(),
            Ok(Request::Help) => api::help(),
            Ok(Request::Quit) => api::bye(),
            Ok(Request::Start(start)) => self.start(start, form, ctx),
            Ok(Request::Stop(filter)) if self.book.stop(&filter) => {
                Answer::success("Stopped WebRTC Negotiation Service", filter.data())
            }
            Ok(Request::Stop(_)) => Answer::failure("Unable to stop WebRTC"),
            Ok(Request::List) => self.book.list(),
            Ok(Request::Info { id }) => self.book.info(id),
            Ok(Request::Remove { id }) => self.book.removed(id),
            Ok(Request::Send(send)) => {
                if self.book.say(&send, &opening::command(&send)) {
                    Answer::success("Command sent.", send.data())
                } else {
                    Answer::failure("Command not sent.")
                }
            }
            Ok(Request::Shutdown { key: None }) => {
                let key = self.key.insert(secret(ctx.rng));
                let data = Value::map([("key", Value::text(&**key))]);
                Answer::success("Call shutdownserver again with the provided key", data)
            }
            Ok(Request::Shutdown { key: Some(shown) }) => {
                if self.key.as_ref().is_some_and(|key| is_same(key, &shown)) {
                    ctx.out.job(UNHEARD, Job::Stop);
                    return None;
                }
                Answer::failure("Shutdown key provided is invalid")
            }
        };
        Some(answer.with_id(id))
    }

    fn start(&mut self, start: Start, form: Form, ctx: &mut Ctx<'_>) -> Answer {
        match self.book.start(start.clone(), ctx.now) {
            Some(id) => {
                self.has_started(id, &start, ctx);
                started(&start, id, self.envelope, form == Form::Ascii)
            }
            None => Answer::failure("Unable to start WebRTC"),
        }
    }

    fn has_started(&mut self, id: u64, start: &Start, ctx: &mut Ctx<'_>) {
        let payload = Value::map([
            ("configId", Value::Number(id)),
            ("ersIp", Value::text(&*start.ersip)),
            ("ersPort", Value::Number(start.port.into())),
            ("roomId", Value::text(&*start.room)),
        ]);
        self.reporter.report(&subject(id), "webRtcServiceStarted", payload, ctx);
    }

    /// A server has said what it calls a connection.
    fn welcome(&mut self, number: u64, name: &str, ctx: &mut Ctx<'_>) {
        let Some((id, start)) = self.book.behind(number) else { return };
        let payload = Value::map([
            ("configId", Value::Number(id)),
            ("ers", Value::text(&*start.ers)),
            ("ersId", Value::text(name)),
            ("ersIp", Value::text(&*start.ersip)),
            ("ersPort", Value::Number(start.port.into())),
            ("roomId", Value::text(&*start.room)),
        ]);
        self.reporter.report(&subject(id), "webRtcServiceConnected", payload, ctx);
    }

    /// What was started before the server was, numbered anew.
    fn revive(&mut self, stored: &[(Arc<str>, Record)], ctx: &mut Ctx<'_>) {
        let forgotten = stored.iter().map(|(key, _)| Change {
            key: Key::new(Table::Setting, Arc::clone(key)),
            was: Was::Anything,
            is: None,
        });
        let mut changes: Vec<_> = forgotten.collect();
        for (_, record) in stored {
            let line = String::from_utf8_lossy(&record.0);
            if let Ok(Request::Start(start)) = Request::read(&Typed::parse(&line))
                && let Some(id) = self.book.start(start.clone(), ctx.now)
            {
                self.has_started(id, &start, ctx);
            }
        }
        // Where nothing is numbered otherwise, nothing is written.
        let keeps: Vec<_> = self
            .book
            .take_deeds()
            .into_iter()
            .filter_map(|deed| match deed {
                Deed::Keep { id, line } => Some(kept(id, Some(&line))),
                deed => {
                    self.carry_out(deed, ctx);
                    None
                }
            })
            .collect();
        let same =
            keeps.len() == stored.len() && keeps.iter().zip(stored).all(|(keep, (key, _))| *keep.key.key == **key);
        if !same {
            changes.extend(keeps);
            ctx.out.job(UNHEARD, Job::Put(changes));
        }
    }

    fn carry_out(&self, deed: Deed, ctx: &mut Ctx<'_>) {
        let post = |number, wish: Wish| Command::Post { to: note::connection(number), body: wish.body(self.lang) };
        match deed {
            Deed::Dial { number, start } => {
                let session = opening::Opening { number, room: start.room.clone(), token: start.token.clone() };
                let dial = Dial {
                    host: start.host().into(),
                    port: start.port,
                    tls: start.tls,
                    session: session.text().into(),
                };
                ctx.out.job(Tag(FIRST + number), Job::Dial(dial));
            }
            Deed::End { number } => ctx.out.command(UNHEARD, post(number, Wish::End)),
            Deed::Say { number, text } => ctx.out.command(UNHEARD, post(number, Wish::Say(text))),
            Deed::Keep { id, line } => ctx.out.job(UNHEARD, Job::Put(vec![kept(id, Some(&line))])),
            Deed::Forget { id } => ctx.out.job(UNHEARD, Job::Put(vec![kept(id, None)])),
        }
    }

    fn carry_out_all(&mut self, ctx: &mut Ctx<'_>) {
        for deed in self.book.take_deeds() {
            self.carry_out(deed, ctx);
        }
        for id in self.book.take_gone() {
            let payload = Value::map([("configId", Value::Number(id))]);
            self.reporter.report(&subject(id), "webRtcServiceStopped", payload, ctx);
        }
    }
}

/// What is told of a configuration arrives in order.
fn subject(id: u64) -> String {
    format!("ems/{id}")
}

/// Keys are sorted as numbers are.
fn kept(id: u64, line: Option<&str>) -> Change {
    let record = line.map(|line| Record(line.as_bytes().into()));
    Change { key: Key::new(Table::Setting, format!("{PREFIX}{id:020}")), was: Was::Anything, is: record }
}

/// Sixteen letters and digits: 80 random bits.
fn secret(rng: &mut dyn Random) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let (high, low) = (rng.next_u64(), rng.next_u64());
    let digit =
        |word: u64, place: u32| char::from(LETTERS[usize::try_from(word >> (5 * place) & 31).unwrap_or_default()]);
    (0..8).map(|place| digit(high, place)).chain((0..8).map(|place| digit(low, place))).collect()
}

/// Takes as long wherever they differ.
fn is_same(key: &str, shown: &str) -> bool {
    key.len() == shown.len() && key.bytes().zip(shown.bytes()).fold(0, |found, (one, other)| found | (one ^ other)) == 0
}

impl Session for Resident {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        ctx.out.command(UNHEARD, Command::Register { name: note::resident(), merge: Merge::WINDOW });
        let list =
            Job::List { table: Table::Setting, prefix: PREFIX.into(), after: None, offset: 0, size: CONFIGURATIONS };
        ctx.out.job(STORED, list);
    }

    fn on_frame(&mut self, _frame: Frame<'_>, _ctx: &mut Ctx<'_>) {}

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        match (tag, done) {
            (Reporter::TAG, _) => return self.reporter.taken(ctx),
            (STORED, done) => {
                self.ready = true;
                if let Done::Page { entries, .. } = done {
                    self.revive(&entries, ctx);
                }
            }
            // Whatever became of it, it is over. What it said before that comes first.
            (Tag(number @ FIRST..), Done::Over | Done::Failed) => {
                self.listen(ctx);
                self.book.ended(number - FIRST, ctx.now, ctx.rng.next_u64());
            }
            _ => {}
        }
        self.carry_out_all(ctx);
    }

    /// Whoever is served is served to the end; nobody new is.
    fn on_drain(&mut self, ctx: &mut Ctx<'_>) {
        ctx.out.close(1001, CloseCause::Shutdown);
    }

    fn on_event(&mut self, event: Event, _ctx: &mut Ctx<'_>) {
        let Event::Posted { from, body } = event else { return };
        if self.inbox.len() < INBOX
            && let Some(told) = Told::read(self.lang, from, &body)
        {
            self.inbox.push_back(told);
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if self.ready && !self.inbox.is_empty() { Some(Moment::START) } else { self.book.deadline() }
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.listen(ctx);
        self.book.on_deadline(ctx.now);
        self.carry_out_all(ctx);
    }
}
