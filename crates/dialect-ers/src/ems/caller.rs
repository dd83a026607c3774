//! A connection on which commands come in: one after the other is carried out, and answered in order.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use patchbay_core::{Command, Event, Lang, Merge, Moment, Name, Tag};
use patchbay_dialect_kit::http::{Exchange, Reply, Request as HttpRequest};
use patchbay_dialect_kit::job::{Done, Job};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use super::api::answer::{Answer, Form};
use super::api::parse::Typed;
use super::api::wire::Request;
use super::events::{self, Reporter, Sinks};
use super::{api, note};

/// A command of this length, in bytes, ends the connection (ers.md section 2.1).
const COMMAND: usize = 16 * 1024;
/// Bytes of commands that wait for the one before them; at more the connection ends. More would let one caller hold more
/// memory, fewer would cut scripts that send all they have at once.
const WAITING: usize = 8 * COMMAND;

/// Nobody waits for what becomes of it.
const UNHEARD: Tag = Tag(0);
/// A command that was handed on.
const ASKED: Tag = Tag(1);
/// What is told of commands and answers, by whomever, arrives in order.
pub(crate) const SUBJECT: &str = "ems/api";
/// A name that is looked up.
const LOOKED_UP: Tag = Tag(2);

pub(crate) struct Caller {
    lang: Lang,
    form: Form,
    /// It comes from this machine, and may end the server.
    local: bool,
    waiting: VecDeque<String>,
    /// Bytes in it.
    bytes: usize,
    busy: Option<Busy>,
    /// A command may be carried out now.
    due: bool,
    /// Of HTTP, what is to be answered.
    exchange: Option<Exchange>,
    reporter: Reporter,
}

/// What the present command waits for.
enum Busy {
    /// The address of its server.
    Address { line: String, id: Option<String> },
    /// Its answer.
    Answer { id: Option<String> },
}

impl Caller {
    pub(crate) fn new(lang: Lang, form: Form, from: Option<IpAddr>, sinks: &Arc<Sinks>) -> Self {
        // Without an address, it comes by a file of this machine.
        let local = from.is_none_or(|from| from.to_canonical().is_loopback());
        Self {
            lang,
            form,
            local,
            waiting: VecDeque::new(),
            bytes: 0,
            busy: None,
            due: false,
            exchange: None,
            reporter: Reporter::new(sinks),
        }
    }

    /// Takes a command in; `false`: the connection is to end.
    fn take(&mut self, line: &str, ctx: &mut Ctx<'_>) {
        if line.len() >= COMMAND {
            return ctx.out.abort(CloseCause::TooLarge);
        }
        if is_http(line) && self.form != Form::Http {
            return ctx.out.abort(CloseCause::Protocol);
        }
        self.bytes += line.len();
        if self.bytes > WAITING {
            return ctx.out.abort(CloseCause::TooMany);
        }
        self.waiting.push_back(line.to_owned());
        self.go_on(ctx);
    }

    /// Carries out what waits, up to the first command that takes its time.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        while self.busy.is_none()
            && ctx.out.closing().is_none()
            && let Some(line) = self.waiting.pop_front()
        {
            self.bytes -= line.len();
            self.carry_out(line, ctx);
        }
    }

    fn carry_out(&mut self, line: String, ctx: &mut Ctx<'_>) {
        let typed = Typed::parse(&line);
        self.reporter.report(SUBJECT, "cliRequest", events::request(&typed), ctx);
        let id = typed.text("commandId").filter(|id| !id.is_empty()).map(ToOwned::to_owned);
        let answer = match Request::read(&typed) {
            Err(answer) => answer,
            Ok(Request::Version) => api::version(),
            Ok(Request::Help) => api::help(),
            Ok(Request::Quit) => {
                self.answer(&api::bye().with_id(id), ctx);
                return ctx.out.close(1000, CloseCause::Peer);
            }
            Ok(Request::Shutdown { .. }) if !self.local => {
                Answer::failure("shutdownServer is taken from this machine only")
            }
            Ok(Request::Start(start)) if !start.ers.is_empty() => {
                ctx.out.job(LOOKED_UP, Job::Resolve { host: start.ers.as_str().into() });
                self.busy = Some(Busy::Address { line, id });
                return;
            }
            Ok(_) => return self.ask(&line, id, ctx),
        };
        self.answer(&answer.with_id(id), ctx);
    }

    /// Answers what was not handed on.
    fn answer(&mut self, answer: &Answer, ctx: &mut Ctx<'_>) {
        self.reporter.report(SUBJECT, "cliResponse", events::response(answer), ctx);
        self.send(&answer.written(self.form), ctx);
    }

    fn ask(&mut self, line: &str, id: Option<String>, ctx: &mut Ctx<'_>) {
        let body = note::command(self.lang, self.form, line);
        ctx.out.command(ASKED, Command::Post { to: note::resident(), body });
        self.busy = Some(Busy::Answer { id });
    }

    fn send(&mut self, answer: &[u8], ctx: &mut Ctx<'_>) {
        match self.exchange.take() {
            Some(exchange) => {
                ctx.out.reply(exchange, Reply::new(200).body("text/plain", answer));
                ctx.out.close(1000, CloseCause::Peer);
            }
            None => ctx.out.text(|out| out.extend_from_slice(answer)),
        }
    }

    /// The present command has failed for a reason that is not its own.
    fn fail(&mut self, description: &str, id: Option<String>, ctx: &mut Ctx<'_>) {
        self.answer(&Answer::failure(description).with_id(id), ctx);
        self.due = true;
    }
}

/// A page can make its browser send such lines here, with commands of its own behind them: none are carried out.
fn is_http(line: &str) -> bool {
    let first = line.split([' ', ':']).next().unwrap_or_default();
    let method = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE"].contains(&first);
    first.eq_ignore_ascii_case("host") || (method && line.contains(" HTTP/1."))
}

/// Whether a page of somebody else's may have sent this: its browser says so, or it was led here under a name that may mean
/// anything (DNS rebinding).
fn is_foreign(request: &HttpRequest<'_>) -> bool {
    let site = request.header("sec-fetch-site").is_some_and(|site| !matches!(site, "none" | "same-origin"));
    let host = request.header("host").unwrap_or_default();
    let bare = host.strip_prefix('[').map_or_else(
        || host.rsplit_once(':').map_or(host, |(bare, _)| bare),
        |inside| inside.split_once(']').map_or(inside, |(bare, _)| bare),
    );
    let named = !host.is_empty() && !bare.eq_ignore_ascii_case("localhost") && bare.parse::<IpAddr>().is_err();
    site || named
}

impl Session for Caller {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        let name: Name = note::caller(ctx.rng.next_u64());
        ctx.out.command(UNHEARD, Command::Register { name, merge: Merge::WINDOW });
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text(line) => self.take(line, ctx),
            Frame::Binary(line) => self.take(&String::from_utf8_lossy(line), ctx),
            Frame::Pong(_) => {}
        }
    }

    fn on_request(&mut self, request: &HttpRequest<'_>, ctx: &mut Ctx<'_>) {
        let refuse = |status, ctx: &mut Ctx<'_>| {
            ctx.out.reply(request.exchange, Reply::new(status).body("text/plain", ""));
            ctx.out.close(1000, CloseCause::Protocol);
        };
        if !matches!(request.method, "GET" | "POST") {
            return refuse(405, ctx);
        }
        if is_foreign(request) {
            return refuse(403, ctx);
        }
        let Some(line) = api::http::line(request.name, request.query) else { return refuse(400, ctx) };
        self.exchange = Some(request.exchange);
        self.take(&line, ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Posted { from, body } if from == note::resident() && body.lang() == self.lang => {
                if matches!(self.busy, Some(Busy::Answer { .. })) {
                    self.busy = None;
                    self.due = true;
                    self.send(body.bytes(), ctx);
                }
            }
            Event::Refused { tag: ASKED, .. } => {
                if let Some(Busy::Answer { id }) = self.busy.take() {
                    self.fail("The service is not available", id, ctx);
                }
            }
            _ => {}
        }
    }

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        if tag == Reporter::TAG {
            return self.reporter.taken(ctx);
        }
        if tag != LOOKED_UP {
            return;
        }
        let Some(Busy::Address { line, id }) = self.busy.take() else { return };
        match done {
            // Of a key that comes twice, the last counts.
            Done::Address(address) => self.ask(&format!("{line} ersip={address}"), id, ctx),
            _ => self.fail("Unable to resolve ERS", id, ctx),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        (self.due && !self.waiting.is_empty()).then_some(Moment::START)
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.due = false;
        self.go_on(ctx);
    }
}
