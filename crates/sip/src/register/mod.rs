//! One registration: what is sent to the registrar, when, and what its client is told (RFC 3261 section 10).
//!
//! A client hears of changes alone: a refresh that works is silent, a registrar that is down is told once, however often
//! it is tried. At most one `REGISTER` is in flight; what is asked for meanwhile is done when its answer has come.

mod contact;

use std::time::Duration;

use patchbay_core::Moment;

use crate::address;
use crate::digest::{Asked, Attempt, Authorization, Challenged, Digest, Source, Verdict};
use crate::reason;
use crate::uri::Uri;

pub use contact::{Push, contact};

/// How long a binding is asked for, where nothing else is configured. Shorter ones find a lost network sooner and cost
/// the registrar more.
pub const EXPIRES: Duration = Duration::from_secs(600);
/// A refresh is sent so long before the end, or halfway where that is later. Longer would tell registrars nothing new,
/// shorter leaves no time for a lost request: 30 s are all the repetitions of one.
const MARGIN: Duration = Duration::from_secs(30);
/// Soonest refresh. A registrar that grants less loses us for a moment; without it, one that grants nothing would be
/// asked without end.
const SOONEST: Duration = Duration::from_secs(5);
/// Longest binding that is believed: one that forgets us sooner than it said is found out within a day.
const LONGEST: Duration = Duration::from_secs(86_400);
/// First pause after a failure that may pass. A shorter one would join the rush on a registrar that has just started.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest pause: so long may a client stay unreachable after its registrar has come back.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// How often one request may be sent again with a longer lifetime (423): once is right, more is a quarrel.
const BRIEF: u8 = 2;

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was asked for and is on its way.
    Registering,
    /// The registrar has it.
    Registered,
    /// It has not, and why (see [`reason`]).
    Failed(String),
}

/// A `REGISTER` to be sent: its URI is `sip:` and the account's domain, `From` and `To` are the account, the `Call-ID`
/// is the same for the whole registration.
#[derive(Clone, PartialEq, Eq)]
pub struct Register {
    /// One more than the last time.
    pub cseq: u32,
    /// `Contact`, never `*`.
    pub contact: String,
    /// `Expires`, in seconds; 0 takes the binding back.
    pub expires: u32,
    /// Answers to challenges.
    pub authorization: Vec<Authorization>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The client wants to be registered, perhaps again.
    Start,
    /// The client, or its socket, is gone, or it no longer wants to.
    Stop,
    /// The binding is to be renewed now: the way to the registrar has changed, say. A binding that nobody has is not.
    Refresh,
    /// A final response to the request in flight.
    Response(&'a Response<'a>),
    /// The request in flight was not answered in time.
    Timeout,
    /// The request in flight could not be sent.
    Unreachable,
    /// The moment of [`Registration::deadline`] has come.
    Deadline,
}

/// What matters of a final response.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// 200 to 699.
    pub status: u16,
    /// The phrase as received.
    pub phrase: &'a str,
    /// Values of all `Contact` lines.
    pub contacts: &'a [&'a str],
    /// `Expires`, in seconds.
    pub expires: Option<u32>,
    /// `Min-Expires`, in seconds.
    pub min_expires: Option<u32>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Values of all `WWW-Authenticate` lines.
    pub www: &'a [&'a str],
    /// Values of all `Proxy-Authenticate` lines.
    pub proxy: &'a [&'a str],
}

/// What is around an input.
pub struct Around<'a> {
    /// When it happened.
    pub now: Moment,
    /// The account's credentials.
    pub digest: &'a mut Digest,
    /// A random number, for a new nonce.
    pub random: u64,
}

/// What follows: both may, and then in this order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Tell the client.
    pub tell: Option<Told>,
    /// Send this.
    pub send: Option<Register>,
}

/// One registration of one account from one socket.
pub struct Registration {
    domain: String,
    contact: Uri,
    wished: Duration,
    cseq: u32,
    wants: Wants,
    /// What the client was told last.
    told: Option<Known>,
    flight: Option<Flight>,
    /// The next refresh or attempt.
    due: Option<Moment>,
    /// Failures in a row that may pass.
    failures: u32,
    /// Whether a binding may be at the registrar.
    bound: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    Binding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Registering,
    Registered,
    Failed,
}

/// A request that is not answered yet.
struct Flight {
    attempt: Attempt,
    expires: Duration,
    brief: u8,
    /// Its outcome no longer matters: something else was asked for meanwhile.
    overtaken: bool,
}

impl Registration {
    /// A registration that does nothing yet, for the account's `domain`, as `contact`, for `wished` ([`EXPIRES`]).
    #[must_use]
    pub fn new(domain: &str, contact: Uri, wished: Duration) -> Self {
        Self {
            domain: domain.to_owned(),
            contact,
            wished: wished.clamp(SOONEST, LONGEST),
            cseq: 0,
            wants: Wants::Nothing,
            told: None,
            flight: None,
            due: None,
            failures: 0,
            bound: false,
        }
    }

    /// Changes the contact, a push token say; it is sent with the next request. Its place must stay what it is.
    pub fn set_contact(&mut self, contact: Uri) {
        self.contact = contact;
    }

    /// The next moment at which [`Input::Deadline`] does something.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.due
    }

    /// Whether the registrar had us when we last heard of it: accounts send messages only then.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.told == Some(Known::Registered)
    }

    /// Whether nothing is left to be done, so that it can be dropped.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.wants == Wants::Nothing && self.flight.is_none()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input, around: &mut Around) -> Step {
        match input {
            Input::Start => self.on_start(around),
            Input::Stop => self.on_stop(around),
            Input::Refresh => {
                let idle = self.told == Some(Known::Registered) && self.flight.is_none();
                if idle { Step { tell: None, send: Some(self.begin(around)) } } else { Step::default() }
            }
            Input::Response(response) => self.on_response(response, around),
            Input::Timeout => self.on_failure(reason::text(408, ""), Retry::Later(None), around),
            Input::Unreachable => self.on_failure(reason::text(503, ""), Retry::Later(None), around),
            Input::Deadline => {
                let due = self.due.is_some_and(|due| due <= around.now) && self.flight.is_none();
                if due { Step { tell: None, send: Some(self.begin(around)) } } else { Step::default() }
            }
        }
    }

    fn on_start(&mut self, around: &mut Around) -> Step {
        self.wants = Wants::Binding;
        self.failures = 0;
        self.due = None;
        let tell = (self.told != Some(Known::Registering)).then_some(Told::Registering);
        self.told = Some(Known::Registering);
        if let Some(flight) = &mut self.flight {
            flight.overtaken = true;
            return Step { tell, send: None };
        }
        Step { tell, send: Some(self.begin(around)) }
    }

    fn on_stop(&mut self, around: &mut Around) -> Step {
        let wanted = std::mem::replace(&mut self.wants, Wants::Nothing) == Wants::Binding;
        self.told = None;
        self.due = None;
        if let Some(flight) = &mut self.flight {
            // It may bind us after all: taken back when it is answered.
            flight.overtaken |= wanted;
            return Step::default();
        }
        Step { tell: None, send: (wanted && self.bound).then(|| self.begin(around)) }
    }

    fn on_response(&mut self, response: &Response, around: &mut Around) -> Step {
        let Some(flight) = &mut self.flight else { return Step::default() };
        match response.status {
            200..=299 => self.on_success(response, around),
            401 | 407 => {
                let Response { status, phrase, www, proxy, .. } = *response;
                // A registrar is a server of the account's own domain, or behind the proxy that we chose.
                let told = Challenged { status, phrase, www, proxy, source: Source::Home };
                match around.digest.on_challenge(&mut flight.attempt, &told, around.random) {
                    Verdict::Again if flight.overtaken => Step { tell: None, send: self.next(around) },
                    Verdict::Again => Step { tell: None, send: Some(self.send(around)) },
                    Verdict::Failed(reason) => self.on_failure(reason, Retry::Never, around),
                }
            }
            423 => {
                let least = response.min_expires.map(|seconds| Duration::from_secs(seconds.into()));
                match least.filter(|least| (flight.expires..=LONGEST).contains(least) && flight.brief < BRIEF) {
                    Some(least) if !flight.overtaken && !flight.expires.is_zero() => {
                        flight.brief += 1;
                        flight.expires = least;
                        self.wished = least;
                        Step { tell: None, send: Some(self.send(around)) }
                    }
                    _ => self.on_failure(reason::text(423, response.phrase), Retry::Never, around),
                }
            }
            status => {
                let after = response.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
                let passes = matches!(status, 300..=399 | 408 | 500..=599);
                let retry = if passes { Retry::Later(after) } else { Retry::Never };
                self.on_failure(reason::text(status, response.phrase), retry, around)
            }
        }
    }

    fn on_success(&mut self, response: &Response, around: &mut Around) -> Step {
        let Some(flight) = self.flight.take() else { return Step::default() };
        self.bound = !flight.expires.is_zero();
        if flight.overtaken || !self.bound {
            return Step { tell: None, send: self.next(around) };
        }
        let bindings = address::list(response.contacts.iter().copied());
        let ours = bindings.iter().find(|binding| binding.uri.same_place(&self.contact));
        let granted = ours.and_then(|binding| binding.param("expires")?.parse().ok()).or(response.expires);
        let lifetime = granted.map_or(flight.expires, |seconds| Duration::from_secs(seconds.into()).min(LONGEST));
        let refresh = (lifetime / 2).max(lifetime.saturating_sub(MARGIN)).max(SOONEST);
        self.due = Some(around.now + refresh);
        self.failures = 0;
        let tell = (self.told != Some(Known::Registered)).then_some(Told::Registered);
        self.told = Some(Known::Registered);
        Step { tell, send: None }
    }

    fn on_failure(&mut self, reason: String, retry: Retry, around: &mut Around) -> Step {
        let Some(flight) = self.flight.take() else { return Step::default() };
        if flight.overtaken {
            return Step { tell: None, send: self.next(around) };
        }
        if self.wants == Wants::Nothing {
            // It could not be taken back, and ends by itself.
            self.bound = false;
            return Step::default();
        }
        self.due = match retry {
            Retry::Never => {
                // It would refuse to take the binding back, too.
                self.bound = false;
                None
            }
            Retry::Later(after) => {
                let pause = PAUSE.saturating_mul(1 << self.failures.min(16)).max(after.unwrap_or_default());
                self.failures = self.failures.saturating_add(1);
                Some(around.now + pause.min(LONGEST_PAUSE))
            }
        };
        let tell = (self.told != Some(Known::Failed)).then_some(Told::Failed(reason));
        self.told = Some(Known::Failed);
        Step { tell, send: None }
    }

    /// What is to be done after a request whose outcome no longer matters.
    fn next(&mut self, around: &mut Around) -> Option<Register> {
        self.flight = None;
        match self.wants {
            Wants::Binding => Some(self.begin(around)),
            Wants::Nothing => self.bound.then(|| self.begin(around)),
        }
    }

    /// A new request for what is wanted.
    fn begin(&mut self, around: &mut Around) -> Register {
        let expires = if self.wants == Wants::Binding { self.wished } else { Duration::ZERO };
        self.flight = Some(Flight { attempt: Attempt::default(), expires, brief: 0, overtaken: false });
        self.due = None;
        self.send(around)
    }

    /// The request in flight, once more.
    fn send(&mut self, around: &mut Around) -> Register {
        self.cseq = self.cseq.wrapping_add(1) & 0x7fff_ffff;
        let expires = self.flight.as_ref().map_or(Duration::ZERO, |flight| flight.expires);
        // From now on it may be bound, whether or not an answer comes.
        self.bound |= !expires.is_zero();
        let uri = format!("sip:{}", self.domain);
        let asked = Asked { method: "REGISTER", uri: &uri, body: b"" };
        Register {
            cseq: self.cseq,
            contact: address::write(None, &self.contact),
            expires: u32::try_from(expires.as_secs()).unwrap_or(u32::MAX),
            authorization: around.digest.headers(&asked, Source::Home),
        }
    }
}

/// Whether a failure may pass.
enum Retry {
    Never,
    /// After a pause, or after the one that the registrar asks for if it is longer.
    Later(Option<Duration>),
}

#[cfg(test)]
mod tests;
