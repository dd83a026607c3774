use std::sync::Mutex;

use patchbay_core::{Profile, Tag};
use patchbay_dialect_kit::job::{Done, Job};
use patchbay_dialect_kit::line::News;
use patchbay_dialect_kit::{Dialect, Spec};

use super::*;
use crate::probe::{self, Probe};

#[tokio::test]
async fn a_session_has_a_last_word_unless_it_panicked() {
    for (frame, speaks) in [("word", true), ("panic", false)] {
        let shell = probe::shell(Vec::new());
        let mut attached = Attached::new(Arc::clone(&shell), 0, shell.dialects[0].open(), &mut ());
        attached.frame(attached.now(), &mut (), Frame::Text(frame));
        assert!(!probe::has_spoken(&shell), "it has not ended");
        drop(attached);
        assert_eq!(probe::has_spoken(&shell), speaks, "{frame}");
    }
}

#[tokio::test]
async fn a_resident_is_there_before_anybody_comes() {
    let shell = probe::shell(Vec::new());
    let parties = || shell.switchboard.snapshot().parties.load(std::sync::atomic::Ordering::Relaxed);
    let before = parties();
    let resident = reside(Arc::clone(&shell), 0, shell.dialects[0].open());
    assert_eq!(parties(), before + 1, "also before its task has begun");
    drop(resident);
    assert_eq!(parties(), before);
}

type Heard = Arc<Mutex<Vec<&'static str>>>;

/// Notes what it hears.
#[derive(Clone, Default)]
struct Listener(Heard);

impl Listener {
    fn note(&self, what: &'static str) {
        self.0.lock().expect("sound").push(what);
    }
}

impl Dialect for Listener {
    fn spec(&self) -> &'static Spec {
        Probe.spec()
    }

    fn profile(&self) -> Profile {
        Probe.profile()
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(self.clone())
    }
}

impl Session for Listener {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {
        self.note("open");
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text("ask") => ctx.out.job(Tag(7), Job::Get(Vec::new())),
            Frame::Text("end") => ctx.out.close(1000, CloseCause::Peer),
            _ => {}
        }
        self.note("frame");
    }

    fn on_line(&mut self, _news: News, _ctx: &mut Ctx<'_>) {
        self.note("news");
    }

    fn on_job(&mut self, _tag: Tag, done: Done, _ctx: &mut Ctx<'_>) {
        assert!(matches!(done, Done::Records(_)));
        self.note("outcome");
    }

    fn on_drain(&mut self, _ctx: &mut Ctx<'_>) {
        self.note("drain");
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {
        self.note("event");
    }

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_close(&mut self, _ctx: &mut Ctx<'_>) {
        self.note("close");
    }
}

/// There may be room for nothing.
struct Narrow(bool);

impl Sink for Narrow {
    fn has_room(&self) -> bool {
        self.0
    }
}

fn listener() -> (Heard, Attached) {
    let listener = Listener::default();
    let shell = probe::shell_of(Arc::new(listener.clone()), Vec::new());
    let session = shell.dialects[0].open();
    (listener.0, Attached::new(shell, 0, session, &mut ()))
}

#[tokio::test]
async fn whatever_waits_is_delivered_once_there_is_room() {
    let (heard, mut attached) = listener();
    let now = attached.now();
    attached.frame(now, &mut (), Frame::Text("ask"));
    attached.mailbox.push_news(News::Dialled { tag: Tag(1), party: Err("no".into()) });
    assert!(!attached.attend(now, &mut Narrow(false)), "there is no room");
    assert_eq!(*heard.lock().expect("sound"), ["open", "frame"]);
    assert!(attached.attend(now, &mut Narrow(true)));
    assert_eq!(heard.lock().expect("sound")[2..], ["news", "outcome"]);
    assert!(!attached.attend(now, &mut Narrow(true)), "there is nothing left");
}

/// Also when the order to close is there already, and a frame that comes before it is met.
#[tokio::test]
async fn who_is_sent_away_hears_first_that_the_server_stops() {
    let (heard, mut attached) = listener();
    attached.shell.set_closing();
    attached.shell.switchboard.drain_all();
    attached.shell.switchboard.close_all(CloseCause::Shutdown);
    attached.frame(attached.now(), &mut (), Frame::Text("word"));
    assert!(attached.is_open());
    attached.attend(attached.now(), &mut ());
    assert_eq!(attached.over(), Some(Close { code: None, cause: CloseCause::Shutdown }));
    assert_eq!(*heard.lock().expect("sound"), ["open", "frame", "drain", "close"]);
}

#[tokio::test]
async fn who_has_ended_hears_nothing_more_and_the_first_cause_counts() {
    let (heard, mut attached) = listener();
    attached.frame(attached.now(), &mut (), Frame::Text("end"));
    attached.frame(attached.now(), &mut (), Frame::Text("word"));
    attached.end(CloseCause::Lost);
    assert_eq!(attached.over(), Some(Close { code: Some(1000), cause: CloseCause::Peer }));
    assert_eq!(*heard.lock().expect("sound"), ["open", "frame", "close"]);
}

/// The bound's clock starts when there is too much, and the peer's progress winds it back.
#[tokio::test]
async fn who_takes_nothing_while_too_much_waits_is_ended() {
    let (_, mut attached) = listener();
    let (start, patience) = (attached.now(), attached.shell.slow_timeout);
    let event = || Event::Registered { tag: Tag(0), name: patchbay_core::Name::parse("a").expect("a name") };
    for _ in 0..=attached.shell.bounds.soft_messages {
        attached.mailbox.push(event(), &attached.shell.bounds);
    }
    attached.judge(start, false, start);
    assert_eq!(attached.due(start), None, "it takes what it is given");
    attached.judge(start, true, start);
    assert_eq!(attached.due(start), Some(start + patience));
    let progress = start + patience / 2;
    attached.judge(start + patience, true, progress);
    assert_eq!(attached.due(start + patience), Some(progress + patience));
    attached.judge(progress + patience, true, progress);
    assert_eq!(attached.over().map(|close| close.cause), Some(CloseCause::TooSlow));
}
