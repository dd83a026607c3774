//! The layer that makes one line of each event, with the spans around it.

use std::time::SystemTime;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::Sink;
use super::clock::write_utc;
use super::format::{Fields, quote};
use crate::config::LogFormat;

pub(super) struct LineLayer<S> {
    format: LogFormat,
    sink: S,
}

impl<S: Sink> LineLayer<S> {
    pub(super) fn new(format: LogFormat, sink: S) -> Self {
        Self { format, sink }
    }
}

impl<Sub, S> Layer<Sub> for LineLayer<S>
where
    Sub: Subscriber + for<'a> LookupSpan<'a>,
    S: Sink,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Sub>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::new(self.format);
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Sub>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Sub>) {
        let mut fields = Fields::new(self.format);
        event.record(&mut fields);
        let mut spans = Vec::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let rest = extensions.get::<Fields>().map_or("", |fields| &fields.rest);
            spans.push((span.name(), rest.to_owned()));
        }
        let mut line = String::with_capacity(256);
        let head = (event.metadata().level(), event.metadata().target());
        match self.format {
            LogFormat::Text => text(&mut line, head, &fields, &spans),
            LogFormat::Json => json(&mut line, head, &fields, &spans),
        }
        line.push('\n');
        self.sink.line(&line);
    }
}

type Head<'a> = (&'a Level, &'a str);
type Spans<'a> = [(&'a str, String)];

/// `TIME LEVEL target: span{a=1}: message b=2`
fn text(line: &mut String, (level, target): Head<'_>, fields: &Fields, spans: &Spans<'_>) {
    write_utc(line, SystemTime::now());
    line.push_str(&format!(" {:>5} {target}: ", level.as_str()));
    for (name, rest) in spans {
        line.push_str(name);
        if !rest.is_empty() {
            line.push_str(&format!("{{{}}}", rest.trim_start()));
        }
        line.push_str(": ");
    }
    line.push_str(&fields.message);
    let rest = if fields.message.is_empty() { fields.rest.trim_start() } else { &fields.rest };
    line.push_str(rest);
}

/// `{"time":…,"level":…,"target":…,"message":…,"fields":{…},"spans":[{"name":…,"fields":{…}}]}`;
/// fields stand apart, so that none can pass for the line's own members.
fn json(line: &mut String, (level, target): Head<'_>, fields: &Fields, spans: &Spans<'_>) {
    line.push_str("{\"time\":\"");
    write_utc(line, SystemTime::now());
    line.push_str(&format!("\",\"level\":\"{}\",\"target\":", level.as_str()));
    quote(line, target, LogFormat::Json);
    // Escaped already.
    line.push_str(&format!(",\"message\":\"{}\"", fields.message));
    if !fields.rest.is_empty() {
        line.push_str(&format!(",\"fields\":{{{}}}", fields.rest));
    }
    if !spans.is_empty() {
        line.push_str(",\"spans\":[");
        for (n, (name, rest)) in spans.iter().enumerate() {
            line.push_str(if n == 0 { "{\"name\":" } else { ",{\"name\":" });
            quote(line, name, LogFormat::Json);
            line.push_str(&format!(",\"fields\":{{{rest}}}}}"));
        }
        line.push(']');
    }
    line.push('}');
}

#[cfg(test)]
mod tests {
    use super::super::{Sink, report_panic, subscriber};
    use crate::config::{Log, LogFormat};
    use std::sync::{Arc, Mutex};
    use tracing::subscriber::with_default;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Sink for Lines {
        fn line(&self, line: &str) {
            self.0.lock().expect("no panic while locked").push(line.to_owned());
        }
    }

    const HOSTILE: &str =
        "x\r\n2026-01-01T00:00:00Z  INFO forged: in\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\0\u{e0041}\"a\\b=c";

    fn lines(format: LogFormat, level: &str, events: impl FnOnce()) -> Vec<String> {
        let log = Log { format, level: level.parse().expect("valid") };
        let lines = Lines::default();
        with_default(subscriber(&log, lines.clone()), events);
        let found = lines.0.lock().expect("no panic while locked").clone();
        for line in &found {
            let body = line.strip_suffix('\n').expect("ends its line");
            let bad = |c: char| c.is_control() || "\u{202e}\u{2028}\u{e0041}".contains(c);
            assert!(!body.contains(bad), "{body:?}");
        }
        found
    }

    #[test]
    fn a_panic_tells_its_place_and_no_words_of_a_client() {
        let said = String::from("canary");
        let quoting = std::panic::catch_unwind(|| panic!("cut within {said}")).expect_err("it panics");
        let literal = std::panic::catch_unwind(|| panic!("a rule is broken")).expect_err("it panics");
        let place = std::panic::Location::caller();
        let events = || [&quoting, &literal].into_iter().for_each(|panic| report_panic(&**panic, Some(place)));
        let found = lines(LogFormat::Text, "info", events);
        assert!(found.len() == 2 && found.iter().all(|line| line.contains(" place=") && line.contains("layer.rs:")));
        assert!(!found.concat().contains("canary") && found[1].contains("panic: a rule is broken"), "{found:?}");
        assert!(lines(LogFormat::Text, "debug", events).concat().contains("panic: cut within canary"));
    }

    fn hostile_events() {
        tracing::info!(text = HOSTILE, shown = %HOSTILE, debug = ?HOSTILE, "plain");
        tracing::info!("{HOSTILE}");
        let span = tracing::info_span!("conn", peer = HOSTILE, late = tracing::field::Empty);
        span.record("late", HOSTILE);
        span.in_scope(|| tracing::info!("inside"));
    }

    #[test]
    fn hostile_values_stay_inside_their_field_in_text() {
        let found = lines(LogFormat::Text, "info", hostile_events);
        assert_eq!(found.len(), 3);
        let quoted =
            r#""x\r\n2026-01-01T00:00:00Z  INFO forged: in\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\u{0}\u{e0041}\"a\\b=c""#;
        assert!(found[0].contains(&format!(": plain text={quoted} shown={quoted} debug=\"\\\"x")), "{}", found[0]);
        assert!(found[1].contains(r": x\r\n2026"), "{}", found[1]);
        assert!(found[2].contains(&format!("conn{{peer={quoted} late={quoted}}}: inside")), "{}", found[2]);
    }

    #[test]
    fn hostile_values_survive_as_json() {
        let found = lines(LogFormat::Json, "info", hostile_events);
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        let first = parse(&found[0]);
        assert_eq!(first["fields"]["text"], HOSTILE);
        assert_eq!(first["fields"]["shown"], HOSTILE);
        assert_eq!(first["message"], "plain");
        assert_eq!(first["level"], "INFO");
        assert_eq!(parse(&found[1])["message"], HOSTILE);
        let span = &parse(&found[2])["spans"][0];
        assert_eq!(span["name"], "conn");
        assert_eq!(span["fields"]["peer"], HOSTILE);
        assert_eq!(span["fields"]["late"], HOSTILE);
    }

    #[test]
    fn the_usual_line() {
        let event =
            || tracing::warn!(count = 3, ok = true, ratio = 0.5, name = "a", empty = "", nan = f64::NAN, "done");
        let text = lines(LogFormat::Text, "info", event).concat();
        let (time, rest) = text.split_once(' ').expect("time");
        assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
        let target = module_path!();
        assert_eq!(rest, format!(" WARN {target}: done count=3 ok=true ratio=0.5 name=a empty=\"\" nan=NaN\n"));
        let json = lines(LogFormat::Json, "info", event).concat();
        let expected = format!(
            r#","level":"WARN","target":"{target}","message":"done","fields":{{"count":3,"ok":true,"ratio":0.5,"name":"a","empty":"","nan":"NaN"}}}}"#
        );
        assert!(json.trim_end().ends_with(&expected), "{json}");
    }

    #[test]
    fn long_values_are_cut() {
        let long = "é".repeat(100_000);
        for format in [LogFormat::Text, LogFormat::Json] {
            let found = lines(format, "info", || tracing::info!(long, debug = ?vec![1; 100_000], "{long}"));
            assert!(found[0].len() < 8000 && found[0].contains('…'), "{}", found[0].len());
        }
    }

    #[test]
    fn levels_choose_events() {
        let events = || {
            tracing::debug!(target: "patchbay_server::ws", "one");
            tracing::debug!(target: "other", "two");
            tracing::info!(target: "other", "three");
        };
        for (levels, count) in
            [("info", 1), ("debug", 3), ("warn,patchbay_server=debug", 1), ("patchbay_server=debug", 2), ("off", 0)]
        {
            assert_eq!(lines(LogFormat::Text, levels, events).len(), count, "{levels}");
        }
    }
}
