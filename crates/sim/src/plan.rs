//! What a seed decides before and while it runs: the server's limits, and what each connection is like.

use patchbay_server::config::Config;

use crate::link::{Profile, Reader};
use crate::rng::Rng;

/// A configuration whose limits are small enough to be reached.
pub(crate) fn config(rng: &mut Rng) -> Config {
    let mut config = Config::default();
    let limits = &mut config.limits;
    limits.mailbox_messages_soft = *rng.pick(&[4, 16, 64]);
    limits.mailbox_messages_hard = *rng.pick(&[300, 1_024]);
    limits.slow_timeout_ms = *rng.pick(&[500, 2_000]);
    // As by default, a mailbox holds eight of the largest messages.
    limits.message_bytes = *rng.pick(&[70_000, 1_048_576]);
    limits.mailbox_bytes_hard = 8 * limits.message_bytes;
    (limits.rate_per_second, limits.rate_burst) = *rng.pick(&[(500, 1_000), (500, 1_000), (20, 5)]);
    if rng.percent(10) {
        limits.connections = rng.between(2, 8) as usize;
    }
    let mesh = &mut config.dialect.mesh;
    mesh.rooms = *rng.pick(&[1, 3, 1_000]);
    mesh.members = *rng.pick(&[2, 4, 50, 50]);
    mesh.list_window_ms = *rng.pick(&[50, 50, 400]);
    (mesh.ping_interval_ms, mesh.pong_timeout_ms) = *rng.pick(&[(15_000, 20_000), (3_000, 5_000)]);
    let sid = &mut config.dialect.sid;
    sid.ping_interval_ms = *rng.pick(&[3_000, 3_000, 1_000]);
    sid.register_timeout_ms = *rng.pick(&[60_000, 1_500]);
    sid.every_list_up_to = *rng.pick(&[200, 200, 3]);
    sid.list_window_ms = *rng.pick(&[100, 400]);
    config
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// As it should, and perhaps with the first messages behind it in one segment.
    Good { early: bool },
    /// It stops within the head after this part of it, in percent.
    Cut(u64),
    /// A request that gets an answer with one of these statuses.
    Other { request: &'static str, status: u16 },
}

const OTHERS: [Hello; 7] = [
    Hello::Other { request: "GET /healthz HTTP/1.1\r\nHost: sim\r\n\r\n", status: 200 },
    Hello::Other { request: "GET /nothing/here HTTP/1.1\r\nHost: sim\r\n\r\n", status: 404 },
    Hello::Other { request: "GET /ws HTTP/1.1\r\nHost: sim\r\n\r\n", status: 426 },
    Hello::Other { request: "POST /healthz HTTP/1.1\r\nHost: sim\r\nContent-Length: 0\r\n\r\n", status: 405 },
    Hello::Other {
        request: "GET /ws HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        status: 400,
    },
    Hello::Other { request: "GET /metrics HTTP/1.1\r\nHost: sim\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", status: 403 },
    Hello::Other { request: "\r\n\r\nnonsense\r\n\r\n", status: 400 },
];

pub(crate) fn hello(rng: &mut Rng) -> Hello {
    match rng.below(100) {
        0..6 => Hello::Cut(rng.below(100)),
        6..10 => *rng.pick(&OTHERS),
        10..40 => Hello::Good { early: true },
        _ => Hello::Good { early: false },
    }
}

/// The head of an upgrade that has to be admitted.
pub(crate) fn head(path: &str, rng: &mut Rng) -> String {
    let more =
        if rng.percent(20) { "X-Padding: ".to_owned() + &"x".repeat(rng.index(2_000)) + "\r\n" } else { String::new() };
    format!(
        "GET {path} HTTP/1.1\r\nHost: sim.example\r\n{more}Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// What the answer to it begins with, its accept value included.
pub(crate) const ACCEPTED: [&str; 2] = ["HTTP/1.1 101 ", "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"];

/// What a connection is like.
pub(crate) struct Nature {
    pub(crate) profile: Profile,
    pub(crate) reader: Reader,
    /// It answers no ping.
    pub(crate) mute: bool,
    /// It has not always read.
    pub(crate) faltered: bool,
}

pub(crate) fn nature(rng: &mut Rng) -> Nature {
    let crumbs = if rng.percent(25) { rng.between(1, 500) } else { 0 };
    let chunk = *rng.pick(&[(1, 1_460), (1_460, 1_460), (1, 65_536), (65_536, 65_536)]);
    let delay = *rng.pick(&[(0, 0), (0, 0), (0, 3), (1, 1), (5, 40)]);
    // The answer to a handshake fits into any kernel's buffer at once.
    let send = *rng.pick(&[600, 2_000, 16_384, 65_536, 1 << 20]);
    let receive = *rng.pick(&[300, 4_096, 65_536, 1 << 20]);
    let stingy = *rng.pick(&[0, 0, 0, 30]);
    // Crumbs cost an event each: not with a delay as well.
    let delay = if crumbs > 0 { (0, delay.1.min(1)) } else { delay };
    let profile = Profile { crumbs, chunk, delay, send, receive, stingy };
    let reader = match rng.below(100) {
        0..12 => Reader::Stopped,
        12..20 => Reader::Slow { bytes: rng.between(50, 2_000) as usize, every: rng.between(5, 400) },
        _ => Reader::Prompt,
    };
    Nature { profile, reader, mute: rng.percent(5), faltered: reader != Reader::Prompt }
}

impl Nature {
    /// A client that reads everything at once, on a connection without delays.
    pub(crate) fn plain() -> Self {
        let profile =
            Profile { crumbs: 0, chunk: (65_536, 65_536), delay: (0, 0), send: 1 << 20, receive: 1 << 20, stingy: 0 };
        Self { profile, reader: Reader::Prompt, mute: false, faltered: false }
    }

    /// A client that nothing can be said against, on a connection that carries more than it is given.
    pub(crate) fn is_sound(&self) -> bool {
        self.reader == Reader::Prompt
            && !self.mute
            && !self.faltered
            && self.profile.crumbs == 0
            && (self.profile.delay.1 == 0 || self.profile.delay.1 <= 3 && self.profile.chunk.1 >= 65_536)
            && self.profile.send >= 16_384
            && self.profile.receive >= 65_536
    }
}
