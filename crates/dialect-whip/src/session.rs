//! One resource: what a publisher or player has asked for, from the request that made it to its end.

use std::sync::Arc;

use patchbay_core::{
    Address, Body, Cause, CauseKind, Command, DescriptionKind, Event, Kind, Kinds, Lang, LinkId, Moment, Name, Publish,
    Query, Section, Selection, Signal, SignalKind, Speaks, Tag, View,
};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session, TokenBucket};

use crate::fragment::{self, Fragment};
use crate::refusal;
use crate::wire::{self, FRAGMENT, IfMatch, Method, SDP};
use crate::{PUBLISH, Settings};

/// Commands whose answers are waited for.
const OPEN: Tag = Tag(1);
const LAYERS: Tag = Tag(2);
/// The end, and what is told of a leg by the leg itself.
const LEG: Tag = Tag(3);

pub(crate) struct WhipSession {
    lang: Lang,
    settings: Arc<Settings>,
    requests: TokenBucket,
    /// What was asked for, once something was.
    asked: Option<Asked>,
    link: Option<LinkId>,
    /// Who waits for an answer of the hub, and for which.
    waiting: Option<(Exchange, Wait)>,
    /// Who waits for the renditions; the hub answers in the same turn, so it is one at most.
    layers: Option<Exchange>,
    /// The offer is to be handed to the engine now: the stream's name is ours.
    offer_due: bool,
    /// Until then media has to flow.
    deadline: Option<Moment>,
}

struct Asked {
    publishes: bool,
    stream: Name,
    location: String,
    /// The client's offer, with the network that it has told last.
    offer: String,
    /// The state of the network's negotiation, which changes with each restart.
    etag: String,
    /// The section of the pictures.
    video: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Made,
    Restarted,
    Ended,
}

impl WhipSession {
    pub(crate) fn new(lang: Lang, settings: Arc<Settings>) -> Self {
        Self {
            lang,
            settings,
            requests: TokenBucket::full(),
            asked: None,
            link: None,
            waiting: None,
            layers: None,
            offer_due: false,
            deadline: None,
        }
    }

    /// Makes the resource.
    fn make(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<(), Reply> {
        let stream = wire::stream_name(request.name).ok_or_else(|| {
            Reply::problem(400, "Bad Request", "a stream's name is 1 to 256 of A-Z a-z 0-9 . _ -; choose such a one")
        })?;
        if !wire::is_of_type(request, SDP) {
            return Err(Reply::problem(415, "Unsupported Media Type", "send the offer as application/sdp")
                .with("accept-post", SDP));
        }
        let malformed = || Reply::problem(400, "Bad Request", "the body is no session description");
        let offer = std::str::from_utf8(request.body).map_err(|_| malformed())?;
        let kinds = wire::kinds(offer).ok_or_else(malformed)?;
        if kinds == Kinds::NONE {
            return Err(Reply::problem(
                422,
                "Unprocessable Content",
                "the offer has neither sound nor pictures; add a media section",
            ));
        }
        let publishes = request.endpoint == PUBLISH;
        let command = if publishes {
            Command::Publish(Publish {
                stream: stream.clone(),
                main: None,
                kinds,
                about: None,
                claim: None,
                tracks: None,
            })
        } else {
            let view = View {
                stream: stream.clone(),
                selection: Selection::ALL,
                except: None,
                speaks: Speaks::ToPublisher,
                viewers: None,
                about: None,
                shape: patchbay_core::Shape::default(),
            };
            Command::Watch { view, offer: Body::new(self.lang, offer.as_bytes()) }
        };
        ctx.out.command(OPEN, command);
        self.waiting = Some((request.exchange, Wait::Made));
        self.deadline = Some(ctx.now + self.settings.start_timeout);
        let (location, offer) = (request.location.to_owned(), offer.to_owned());
        self.asked = Some(Asked { publishes, stream, location, offer, etag: tag(ctx), video: None });
        Ok(())
    }

    /// A candidate more, or another network (RFC 9725 section 4.3).
    fn patch(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<(), Reply> {
        let (Some(asked), Some(link)) = (&mut self.asked, self.link) else { return Err(gone()) };
        if !wire::is_of_type(request, FRAGMENT) {
            return Err(Reply::problem(
                415,
                "Unsupported Media Type",
                "send candidates as application/trickle-ice-sdpfrag",
            )
            .with("accept-patch", FRAGMENT));
        }
        let malformed = || Reply::problem(400, "Bad Request", "the body is no fragment of a session description");
        let text = std::str::from_utf8(request.body).map_err(|_| malformed())?;
        let fragment = Fragment::read(text).ok_or_else(malformed)?;
        let condition = IfMatch::of(request);
        let known = Fragment::read(&asked.offer).unwrap_or_default();
        // The player of the draft's own author sends candidates without a condition: whose they are, their fragment tells.
        let told = !asked.publishes && fragment.ufrag.is_some() && fragment.ufrag == known.ufrag;
        if condition == IfMatch::Missing && !told {
            let detail = "say by If-Match which entity tag this is about, or * to restart";
            return Err(Reply::problem(428, "Precondition Required", detail));
        }
        if condition != IfMatch::Missing && !condition.has(&asked.etag) {
            let detail = "the network has been negotiated anew since; use the newest ETag";
            return Err(Reply::problem(412, "Precondition Failed", detail).with("etag", wire::quoted(&asked.etag)));
        }
        let same = |new: Option<&str>, old: Option<&str>| new.is_none() || new == old;
        if same(fragment.ufrag, known.ufrag) && same(fragment.pwd, known.pwd) {
            for candidate in &fragment.candidates {
                let signal = signal(self.lang, SignalKind::Candidate, candidate);
                ctx.out.command(LEG, Command::Signal { to: Address::Link(link), signal });
            }
            ctx.out.reply(request.exchange, Reply::new(204));
            return Ok(());
        }
        if fragment.ufrag.is_none() || fragment.pwd.is_none() {
            return Err(Reply::problem(400, "Bad Request", "a restart has both a=ice-ufrag and a=ice-pwd"));
        }
        if self.waiting.is_some() {
            let detail = "another restart is being answered; wait for it";
            return Err(Reply::problem(409, "Conflict", detail));
        }
        asked.offer = fragment::renewed(&asked.offer, &fragment);
        asked.etag = tag(ctx);
        let signal = signal(self.lang, SignalKind::Offer, &asked.offer);
        ctx.out.command(LEG, Command::Signal { to: Address::Link(link), signal });
        self.waiting = Some((request.exchange, Wait::Restarted));
        Ok(())
    }

    /// Ends the resource.
    fn delete(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<(), Reply> {
        let link = self.link.ok_or_else(gone)?;
        if let Some((exchange, _)) = self.waiting.replace((request.exchange, Wait::Ended)) {
            ctx.out.reply(exchange, refusal::of_end(&CauseKind::Hangup.into()));
        }
        ctx.out.command(LEG, Command::Hangup { link, cause: CauseKind::Hangup.into() });
        Ok(())
    }

    /// What a player can choose among, and its choice.
    fn layers(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<(), Reply> {
        let (Some(asked), Some(link)) = (&self.asked, self.link) else { return Err(gone()) };
        match Method::of(request) {
            Method::Get => {
                self.layers = Some(request.exchange);
                ctx.out.command(LAYERS, Command::Query(Query::Renditions(asked.stream.clone())));
            }
            Method::Post => {
                let height = wire::chosen_layer(request.body).ok_or_else(|| {
                    Reply::problem(
                        400,
                        "Bad Request",
                        "the body is a JSON object; encodingId is one of those that GET tells, or is left out",
                    )
                })?;
                ctx.out.command(LEG, Command::Prefer { link, track: None, height });
                ctx.out.reply(request.exchange, Reply::new(200));
            }
            // The draft's own client leaves the choice to the server by this.
            Method::Delete => {
                ctx.out.command(LEG, Command::Prefer { link, track: None, height: None });
                ctx.out.reply(request.exchange, Reply::new(200));
            }
            _ => return Err(not_allowed("DELETE, GET, OPTIONS, POST")),
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> Result<(), Reply> {
        let of = request.resource;
        let method = Method::of(request);
        if method == Method::Options {
            ctx.out.reply(request.exchange, self.options(request));
            return Ok(());
        }
        let publishes = request.endpoint == PUBLISH;
        let is_it = |asked: &Asked| asked.publishes == publishes && asked.stream.as_str() == request.name;
        if of.is_some() && !self.asked.as_ref().is_some_and(is_it) {
            return Err(gone());
        }
        match (of, method) {
            (None, Method::Post) => self.make(request, ctx),
            (None, _) => Err(not_allowed("OPTIONS, POST")),
            (Some(""), Method::Patch) => self.patch(request, ctx),
            (Some(""), Method::Delete) => self.delete(request, ctx),
            (Some(""), _) => Err(not_allowed("DELETE, OPTIONS, PATCH")),
            (Some("/layers"), _) if self.asked.as_ref().is_some_and(|asked| !asked.publishes) => {
                self.layers(request, ctx)
            }
            _ => Err(gone()),
        }
    }

    /// What may be asked here. ICE servers, whose credentials are worth something, are told to who is admitted.
    fn options(&self, request: &Request<'_>) -> Reply {
        let reply = match request.resource {
            None => Reply::new(204).with("allow", "OPTIONS, POST").with("accept-post", SDP),
            Some("/layers") => Reply::new(204).with("allow", "DELETE, GET, OPTIONS, POST"),
            Some(_) => Reply::new(204).with("allow", "DELETE, OPTIONS, PATCH").with("accept-patch", FRAGMENT),
        };
        if request.admitted { wire::with_ice_servers(reply, &self.settings.ice_servers) } else { reply }
    }

    fn is_opening(&self) -> bool {
        self.link.is_none() && matches!(self.waiting, Some((_, Wait::Made)))
    }

    fn described(&mut self, sdp: &str, sections: &[Section<Name>], ctx: &mut Ctx<'_>) {
        let Some(asked) = &mut self.asked else { return };
        match self.waiting {
            Some((exchange, Wait::Made)) => {
                self.waiting = None;
                let video = sections.iter().find(|section| section.kind == Some(Kind::Video));
                asked.video = video.map(|section| section.mid.clone());
                let reply = Reply::new(201)
                    .with("location", &asked.location)
                    .with("etag", wire::quoted(&asked.etag))
                    .with("accept-patch", FRAGMENT);
                let reply = wire::with_ice_servers(reply, &self.settings.ice_servers);
                let reply = if asked.publishes { reply } else { wire::with_layers(reply, &asked.location) };
                ctx.out.reply(exchange, reply.body(SDP, sdp));
            }
            Some((exchange, Wait::Restarted)) => {
                self.waiting = None;
                let ours = Fragment::read(sdp).unwrap_or_default();
                let (media, mid) = fragment::first_section(sdp);
                let reply = Reply::new(200).with("etag", wire::quoted(&asked.etag));
                ctx.out.reply(exchange, reply.body(FRAGMENT, ours.write(media, mid)));
            }
            _ => {}
        }
    }

    /// The leg is over, and the resource with it.
    fn ended(&mut self, cause: &Cause, ctx: &mut Ctx<'_>) {
        let asked_for = matches!(self.waiting, Some((_, Wait::Ended)));
        if let Some((exchange, wait)) = self.waiting.take() {
            let reply = if wait == Wait::Ended { Reply::new(200) } else { refusal::of_end(cause) };
            ctx.out.reply(exchange, reply);
        }
        (self.link, self.deadline, self.offer_due) = (None, None, false);
        let cause = match cause.kind {
            _ if asked_for => CloseCause::Peer,
            CauseKind::TimedOut => CloseCause::Idle,
            CauseKind::Faulty => CloseCause::BadMessage,
            CauseKind::Gone | CauseKind::Failed | CauseKind::Overloaded => CloseCause::Lost,
            _ => CloseCause::Peer,
        };
        ctx.out.close(1000, cause);
    }
}

/// The state of a negotiation by a name that was never used before.
fn tag(ctx: &mut Ctx<'_>) -> String {
    format!("{:016x}", ctx.rng.next_u64())
}

fn signal(lang: Lang, kind: SignalKind, text: &str) -> Signal {
    Signal { kind, body: Body::new(lang, text.as_bytes()) }
}

fn gone() -> Reply {
    Reply::problem(404, "Not Found", "there is no such resource, or no longer; begin anew with POST")
}

fn not_allowed(allow: &'static str) -> Reply {
    Reply::problem(405, "Method Not Allowed", "this resource has no such method; see Allow").with("allow", allow)
}

impl Session for WhipSession {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, _frame: Frame<'_>, _ctx: &mut Ctx<'_>) {}

    fn on_request(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) {
        let answered = if self.requests.take(self.settings.rate, ctx.now) {
            self.answer(request, ctx)
        } else {
            Err(Reply::problem(429, "Too Many Requests", "slow down").with("retry-after", "1"))
        };
        if let Err(reply) = answered {
            ctx.out.reply(request.exchange, reply);
        }
        if self.asked.is_none() {
            // Nothing was made: there is nothing that could be asked for later.
            ctx.out.close(1000, CloseCause::Peer);
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Reserved { tag: OPEN, link, .. } | Event::Viewing { tag: OPEN, link } if self.is_opening() => {
                self.link = Some(link);
                self.offer_due = self.asked.as_ref().is_some_and(|asked| asked.publishes);
            }
            Event::Refused { tag: OPEN, refusal } if self.link.is_none() => {
                if let Some((exchange, Wait::Made)) = self.waiting.take() {
                    ctx.out.reply(exchange, refusal::of_refusal(refusal));
                    self.deadline = None;
                    ctx.out.close(1000, CloseCause::Peer);
                }
            }
            Event::Refused { tag: LAYERS, refusal } => {
                if let Some(exchange) = self.layers.take() {
                    ctx.out.reply(exchange, refusal::of_refusal(refusal));
                }
            }
            Event::Described { link, kind: DescriptionKind::Answer, sdp, sections } if self.link == Some(link) => {
                self.described(&sdp, &sections, ctx);
            }
            Event::Flowing { link } if self.link == Some(link) => self.deadline = None,
            Event::LegEnded { link, cause, .. } if self.link == Some(link) => self.ended(&cause, ctx),
            Event::Renditions { tag: LAYERS, renditions, .. } => {
                if let Some(exchange) = self.layers.take() {
                    let mid = self.asked.as_ref().and_then(|asked| asked.video.as_deref()).unwrap_or_default();
                    ctx.out.reply(exchange, Reply::new(200).body(wire::JSON, wire::layers(mid, &renditions)));
                }
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if self.offer_due { Some(Moment::START) } else { self.deadline }
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        let (Some(link), Some(asked)) = (self.link, &self.asked) else {
            // It can only be that the hub never answered.
            self.deadline = None;
            return;
        };
        if std::mem::take(&mut self.offer_due) {
            let signal = signal(self.lang, SignalKind::Offer, &asked.offer);
            ctx.out.command(LEG, Command::Signal { to: Address::Link(link), signal });
        }
        if self.deadline.take_if(|deadline| *deadline <= ctx.now).is_some() {
            ctx.out.command(LEG, Command::Hangup { link, cause: CauseKind::TimedOut.into() });
        }
    }
}
