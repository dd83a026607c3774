//! What becomes of this side, told to other servers: JSON by HTTP POST to each sink (ers.md section 2.3). Who happens to know
//! orders the news itself; they are numbered together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_core::Tag;
use patchbay_dialect_kit::Ctx;
use patchbay_dialect_kit::job::Job;

use super::api::answer::Answer;
use super::api::parse::{Given, Typed};
use super::api::value::Value;

/// Orders of one session that are not taken yet. Less than a session may have, so that there is room for its other ones.
const UNDER_WAY: usize = 32;
/// News of one session that wait behind them; more are dropped, and the log says so once. All configurations may stop at once
/// (a hundred, for each sink one); more would let a script that floods the interfaces keep more memory.
const WAITING: usize = 512;

/// Whose values are nobody else's business.
const SECRETS: [&str; 2] = ["token", "key"];

/// Where news go.
#[derive(Debug, Default)]
pub struct Sinks {
    urls: Vec<Arc<str>>,
    process: u32,
    /// The number of the next one.
    next: AtomicU64,
}

impl Sinks {
    /// Sinks at these addresses, and the number of our process.
    #[must_use]
    pub fn new(urls: Vec<Arc<str>>, process: u32) -> Self {
        Self { urls, process, next: AtomicU64::new(0) }
    }

    fn number(&self) -> u64 {
        // Only that each is another one.
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// A session's news on their way.
#[derive(Debug)]
pub(crate) struct Reporter {
    sinks: Arc<Sinks>,
    waiting: VecDeque<Job>,
    under_way: usize,
}

impl Reporter {
    /// The outcome of what it orders comes with this tag.
    pub(crate) const TAG: Tag = Tag(u64::MAX);

    pub(crate) fn new(sinks: &Arc<Sinks>) -> Self {
        Self { sinks: Arc::clone(sinks), waiting: VecDeque::new(), under_way: 0 }
    }

    /// Tells every sink. What is told of one subject arrives in order.
    pub(crate) fn report(&mut self, subject: &str, kind: &str, payload: Value, ctx: &mut Ctx<'_>) {
        if self.sinks.urls.is_empty() {
            return;
        }
        let body = written(self.sinks.number(), self.sinks.process, ctx.unix_ms / 1_000, kind, payload);
        for url in &self.sinks.urls {
            if self.waiting.len() >= WAITING {
                return ctx
                    .out
                    .warn("events for dialect.ers.ems.event_sinks are dropped: there are more than can be sent");
            }
            let (url, subject) = (Arc::clone(url), subject.into());
            self.waiting.push_back(Job::Notify { url, subject, body: body.clone().into_bytes() });
        }
        self.go_on(ctx);
    }

    /// One has been taken, or cannot be.
    pub(crate) fn taken(&mut self, ctx: &mut Ctx<'_>) {
        self.under_way = self.under_way.saturating_sub(1);
        self.go_on(ctx);
    }

    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        while self.under_way < UNDER_WAY
            && let Some(job) = self.waiting.pop_front()
        {
            self.under_way += 1;
            ctx.out.job(Self::TAG, job);
        }
    }
}

fn written(id: u64, process: u32, unix: u64, kind: &str, payload: Value) -> String {
    let mut out = String::new();
    let whole = [
        ("id", Value::Number(id)),
        ("payload", payload),
        ("processId", Value::Number(process.into())),
        ("timestamp", Value::Number(unix)),
        ("type", Value::text(kind)),
    ];
    Value::map(whole).json(&mut out);
    out
}

/// The payload of `cliRequest`.
pub(crate) fn request(typed: &Typed) -> Value {
    let parameters = typed.parameters.iter().map(|(key, given)| {
        let value = match given {
            Given::One(text) => Value::text(&**text),
            Given::Several(texts) => Value::List(texts.iter().map(|text| Value::text(&**text)).collect()),
        };
        (key.as_str(), value)
    });
    without_secrets(Value::map([("command", Value::text(&*typed.command)), ("parameters", Value::map(parameters))]))
}

/// The payload of `cliResponse`.
pub(crate) fn response(answer: &Answer) -> Value {
    without_secrets(answer.value())
}

/// Keys stay, to show what was said.
fn without_secrets(value: Value) -> Value {
    match value {
        Value::Map(map) => {
            let entry = |(key, value): (String, Value)| {
                let secret = SECRETS.iter().any(|secret| key.eq_ignore_ascii_case(secret));
                let value = if secret { Value::text("") } else { without_secrets(value) };
                (key, value)
            };
            Value::Map(map.into_iter().map(entry).collect())
        }
        Value::List(list) => Value::List(list.into_iter().map(without_secrets).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_keys_in_order() {
        assert_eq!(
            written(3, 42, 1_700_000_000, "webRtcServiceStopped", Value::map([("configId", Value::Number(1))])),
            r#"{"id":3,"payload":{"configId":1},"processId":42,"timestamp":1700000000,"type":"webRtcServiceStopped"}"#
        );
    }

    #[test]
    fn secrets_are_told_to_nobody() {
        let typed = Typed::parse("startWebRTC ersip=127.0.0.1 TOKEN=hush list=a,b key=hush");
        let mut out = String::new();
        request(&typed).json(&mut out);
        assert_eq!(
            out,
            r#"{"command":"startwebrtc","parameters":{"TOKEN":"","ersip":"127.0.0.1","key":"","list":["a","b"]}}"#
        );
        let inner = Value::map([("webrtc", Value::List(vec![Value::map([("token", Value::text("hush"))])]))]);
        out.clear();
        response(&Answer::success("d", inner).with_id(Some("7".to_owned()))).json(&mut out);
        assert_eq!(out, r#"{"data":{"webrtc":[{"token":""}]},"description":"d","responseId":"7","status":"SUCCESS"}"#);
    }
}
