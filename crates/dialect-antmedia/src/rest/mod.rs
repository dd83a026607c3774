//! The REST interface: `/{App}/rest/v2` (antmedia.md section 9.3).
//!
//! One session serves one exchange and ends with its reply. What an operation does one after the other is written as it is
//! thought, as a future; the session drives it with what the store and the hub answer ([`talk`]), so that nothing waits.
//! All that there is to be called stands in one table ([`routes`]), which the OpenAPI document is made from.

mod broadcasts;
mod live;
mod openapi;
mod query;
mod reply;
mod rooms;
mod routes;
mod subscribers;
mod talk;
mod tokens;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use patchbay_core::{Event, Moment, Tag};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::job::Done;
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use self::query::Query;
use self::routes::{Found, Operation, Shape};
use self::talk::{Said, Slot, Talk};
use crate::security::jwt;

/// The end of the endpoint's path.
pub(crate) const ENDPOINT: &str = "/rest/v2";

/// How long the store and the hub may take: longer would let callers wait for a disk that hangs, who give up themselves;
/// shorter would fail what a busy disk still does.
const PATIENCE: Duration = Duration::from_secs(8);

/// What an operation runs on.
pub(crate) struct Call {
    /// The application.
    pub(crate) app: Arc<str>,
    pub(crate) settings: Arc<crate::Settings>,
    pub(crate) talk: Talk,
    /// The parts of the path that the route leaves open, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) body: Vec<u8>,
    /// Milliseconds since 1970, and the moment that this is.
    pub(crate) unix_ms: u64,
    pub(crate) now: Moment,
    /// Randomness for what it makes.
    pub(crate) random: [u64; 4],
}

pub(crate) struct RestSession {
    settings: Arc<crate::Settings>,
    app: Arc<str>,
    talk: Talk,
    said: Receiver<Said>,
    /// Who waits for an answer of the store, or of the hub.
    job: Option<(Tag, Slot<Done>)>,
    asked: Option<(Tag, Slot<Event>)>,
    running: Option<(Exchange, Operation)>,
    /// The hub has answered; the operation goes on when the event is over (law 1).
    answered: bool,
    deadline: Option<Moment>,
    tags: u64,
}

impl RestSession {
    pub(crate) fn new(app: Arc<str>, settings: Arc<crate::Settings>) -> Self {
        let (talk, said) = Talk::new();
        Self {
            settings,
            app,
            talk,
            said,
            job: None,
            asked: None,
            running: None,
            answered: false,
            deadline: None,
            tags: 0,
        }
    }

    fn start(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<Operation, Reply> {
        if request.method != "OPTIONS" && !self.admits(request, ctx.unix_ms / 1_000) {
            return Err(reply::failed(403, "show a JSON Web Token of this application, as Authorization"));
        }
        let (route, path) = match routes::find(request.method, request.name) {
            Found::Route(route, path) => (route, path),
            Found::Methods(methods) if request.method == "OPTIONS" => {
                return Err(Reply::new(204).with("allow", methods));
            }
            Found::Methods(methods) => return Err(reply::wrong_method(&methods)),
            Found::Nothing => return Err(reply::failed(404, "there is nothing at this path; see openapi.json")),
        };
        query::check_path(route, &path)?;
        let query = Query::parse(request.query).ok_or_else(|| reply::failed(400, "the query is not well formed"))?;
        query.check(route)?;
        let wants_json = route.body.is_some_and(|shape| shape != Shape::Text);
        if wants_json && !request.body.is_empty() && !reply::is_json(request) {
            return Err(reply::failed(415, "send the body as application/json"));
        }
        let mut random = [0; 4];
        random.fill_with(|| ctx.rng.next_u64());
        let call = Call {
            app: Arc::clone(&self.app),
            settings: Arc::clone(&self.settings),
            talk: self.talk.clone(),
            path,
            query,
            body: request.body.to_vec(),
            unix_ms: ctx.unix_ms,
            now: ctx.now,
            random,
        };
        Ok((route.run)(call))
    }

    /// Whether the request shows the token that is asked for, if one is.
    fn admits(&self, request: &Request<'_>, now: u64) -> bool {
        let Some(key) = &self.settings.security.rest_key else { return true };
        let shown = request.header("authorization").unwrap_or_default();
        let bearer =
            shown.split_at_checked("Bearer ".len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer "));
        jwt::admits(bearer.map_or(shown, |(_, token)| token).trim(), key, now)
    }

    /// Lets the operation go on as far as it can.
    fn drive(&mut self, ctx: &mut Ctx<'_>) {
        let Some((exchange, operation)) = &mut self.running else { return };
        let reply = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for said in self.said.try_iter() {
            self.tags += 1;
            let tag = Tag(self.tags);
            match said {
                Said::Job(job, slot) => {
                    self.job = Some((tag, slot));
                    ctx.out.job(tag, job);
                }
                Said::Ask(command, slot) => {
                    self.asked = Some((tag, slot));
                    ctx.out.command(tag, command);
                }
                Said::Tell(command) => ctx.out.command(tag, command),
            }
        }
        if let Poll::Ready(reply) = reply {
            let exchange = *exchange;
            self.end(exchange, reply, ctx);
        }
    }

    fn end(&mut self, exchange: Exchange, reply: Reply, ctx: &mut Ctx<'_>) {
        self.running = None;
        self.deadline = None;
        ctx.out.reply(exchange, reply);
        ctx.out.close(1000, CloseCause::Peer);
    }
}

impl Session for RestSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.deadline = Some(ctx.now + PATIENCE);
    }

    fn on_frame(&mut self, _frame: Frame<'_>, _ctx: &mut Ctx<'_>) {}

    fn on_request(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) {
        if self.running.is_some() {
            return ctx.out.reply(request.exchange, reply::failed(409, "one request at a time"));
        }
        match self.start(request, ctx) {
            Ok(operation) => {
                self.running = Some((request.exchange, operation));
                self.drive(ctx);
            }
            Err(reply) => self.end(request.exchange, reply, ctx),
        }
    }

    fn on_event(&mut self, event: Event, _ctx: &mut Ctx<'_>) {
        let tag = match &event {
            Event::Refused { tag, .. }
            | Event::Known { tag, .. }
            | Event::Streams { tag, .. }
            | Event::Views { tag, .. }
            | Event::Renditions { tag, .. } => *tag,
            _ => return,
        };
        if let Some((_, slot)) = self.asked.take_if(|(asked, _)| *asked == tag) {
            self.answered = slot.set(event).is_ok();
        }
    }

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        if let Some((_, slot)) = self.job.take_if(|(ordered, _)| *ordered == tag)
            && slot.set(done).is_ok()
        {
            self.drive(ctx);
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if self.answered { Some(Moment::START) } else { self.deadline }
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        if std::mem::take(&mut self.answered) {
            return self.drive(ctx);
        }
        self.deadline = None;
        match self.running.take() {
            Some((exchange, _)) => self.end(exchange, reply::failed(504, "the store did not answer in time"), ctx),
            None => ctx.out.close(1000, CloseCause::Idle),
        }
    }
}

#[cfg(test)]
mod tests;
