//! A server, its clients and the network between them: runs what is due, and judges everything that is heard.

use std::net::{IpAddr, Ipv4Addr};

use patchbay_server::config::Config;
use patchbay_server::sim::Server;

use crate::client::{Client, Sent, Served, Stage};
use crate::dialect::{Dialect, Line, Pushed, Sight, Told, Verdict};
use crate::link::{Fin, Reader};
use crate::net::{Did, Event, Id, Network};
use crate::plan::{self, Hello, Nature};
use crate::rng::Rng;
use crate::trace::Trace;
use crate::ws;

/// The server waits this long for a peer to hang up after a close frame.
const LINGER: u64 = 2_000;
/// The same while it stops.
const LINGER_SHUTDOWN: u64 = 300;
/// How long an answer to a connection that is turned away may take to be written.
const REFUSING: u64 = 1_000;
/// What must have happened at a time is looked for this much later.
const LATE: u64 = 5;
/// More events at one seed mean that two machines keep each other busy.
const MOST_EVENTS: u64 = 3_000_000;

/// What went wrong, in words.
pub(crate) type Fault = String;

pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) server: Server,
    pub(crate) config: Config,
    pub(crate) dialects: Vec<Box<dyn Dialect>>,
    pub(crate) clients: Vec<Client>,
    /// Clients whose connection is not over at the server's side.
    pub(crate) alive: Vec<Id>,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    pub(crate) shutdown: Option<u64>,
    /// Whose turn it is to move; the caller carries moves out.
    pub(crate) turns: Vec<usize>,
    log: Vec<Did>,
    told: Told,
    events: u64,
    /// Too many to look at each of them at every moment.
    pub(crate) is_crowd: bool,
    /// When the server last did something with a connection.
    pub(crate) stirred: u64,
}

impl World {
    pub(crate) fn new(
        config: Config,
        dialects: Vec<Box<dyn Dialect>>,
        mut rng: Rng,
        trace: Trace,
    ) -> Result<Self, Fault> {
        let network = Network::new(rng.fork());
        let server = Server::start(&config, patchbay_server::served(&config)?, Box::new(rng.fork()))?;
        Ok(Self {
            network,
            server,
            config,
            dialects,
            clients: Vec::new(),
            alive: Vec::new(),
            rng,
            trace,
            shutdown: None,
            turns: Vec::new(),
            log: Vec::new(),
            told: Told::default(),
            events: 0,
            is_crowd: false,
            stirred: 0,
        })
    }

    pub(crate) fn now(&self) -> u64 {
        self.network.lock().now()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Runs what is due next, or waits until `most` if that is earlier; `turns` then says who is to move.
    pub(crate) async fn step(&mut self, most: u64) -> Result<(), Fault> {
        // The server goes first: it has been woken by what happened last.
        tokio::task::yield_now().await;
        self.network.wait(most).await;
        if let Some(id) = self.network.lock().spinning() {
            return Err(format!("#{id}: the server works on it without end, and time stands still"));
        }
        self.read_log()?;
        let now = self.now();
        loop {
            let event = self.network.lock().pop(now);
            let Some(event) = event else { break };
            self.event(event, now)?;
            // Sometimes the server runs between two events of one moment, sometimes it finds both.
            if self.rng.percent(30) {
                tokio::task::yield_now().await;
                self.read_log()?;
            }
        }
        Ok(())
    }

    /// Steps until `until`; nobody moves.
    pub(crate) async fn pass(&mut self, until: u64) -> Result<(), Fault> {
        while self.now() < until {
            self.step(until).await?;
            if !self.is_crowd {
                self.check()?;
            }
        }
        self.settle().await
    }

    /// Steps until all that was said has been heard and every list has been sent, `most` milliseconds at most.
    pub(crate) async fn calm(&mut self, most: u64) -> Result<(), Fault> {
        // A change is told when the window of the one before it is over, and that list opens a window in turn.
        let dialects = &self.config.dialect;
        let quiet = 2 * dialects.mesh.list_window_ms.max(dialects.sid.list_window_ms) + 100;
        let latest = self.now() + most;
        loop {
            let until = self.now() + quiet;
            self.pass(until).await?;
            self.turns.clear();
            let now = self.now();
            if now >= latest || !self.is_busy() && now >= self.stirred + quiet {
                break;
            }
        }
        self.check()?;
        self.check_settled()
    }

    /// Lets the server do whatever it can do without time passing.
    pub(crate) async fn settle(&mut self) -> Result<(), Fault> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.read_log()
    }

    fn event(&mut self, event: Event, now: u64) -> Result<(), Fault> {
        self.events += 1;
        if self.events > MOST_EVENTS && !self.is_crowd {
            return Err("it does not come to rest".to_owned());
        }
        match event {
            Event::Up(id) => {
                let mut net = self.network.lock();
                net.link(id).carry_up();
                net.carry(id);
            }
            Event::Down(id) => {
                let reader = {
                    let mut net = self.network.lock();
                    net.link(id).carry_down(now);
                    net.carry(id);
                    net.link(id).reader
                };
                if reader == Reader::Prompt {
                    self.read(id, usize::MAX, now)?;
                }
                self.see_end(id, now)?;
            }
            Event::Read(id) => {
                let reader = self.network.lock().link(id).reader;
                if let Reader::Slow { bytes, every } = reader {
                    self.read(id, bytes, now)?;
                    self.see_end(id, now)?;
                    if self.clients[id].stage != Stage::Over {
                        self.network.lock().at(now + every, Event::Read(id));
                    }
                }
            }
            Event::Resume(id) => {
                self.trace.note(now, format_args!("#{id} reads again"));
                self.network.lock().link(id).reader = Reader::Prompt;
                self.clients[id].nature.reader = Reader::Prompt;
                self.read(id, usize::MAX, now)?;
                self.see_end(id, now)?;
            }
            Event::Pong(id) => self.send(id, |client, offset, rng, out| client.pong(offset, rng, out)),
            Event::HangUp(id) => self.close(id, now),
            Event::Act(player) => self.turns.push(player),
            // These lives have none.
            Event::Media => {}
        }
        Ok(())
    }

    /// Opens a connection.
    pub(crate) fn connect(&mut self, dialect: usize, hello: Hello, nature: Nature) -> Id {
        self.connect_cut(dialect, hello, nature, &[], usize::MAX)
    }

    /// Opens a connection whose client says `lines` behind its request, and of all that sends `most` bytes.
    pub(crate) fn connect_cut(
        &mut self,
        dialect: usize,
        hello: Hello,
        nature: Nature,
        lines: &[Line<'_>],
        most: usize,
    ) -> Id {
        let now = self.now();
        let rng = self.rng.fork();
        // A handshake is read; how the client reads comes into force when it stands.
        let (id, end) = self.network.connect(nature.profile.clone(), Reader::Prompt, rng);
        let mut client = Client::new(id, dialect, hello, nature, now);
        let mut head = match hello {
            Hello::Other { request, .. } => request.as_bytes().to_vec(),
            _ => plan::head(self.dialects[dialect].path(), &mut self.rng).into_bytes(),
        };
        if let Hello::Good { .. } = hello {
            self.network.lock().link(id).up.head = head.len() as u64;
        }
        if let Hello::Cut(percent) = hello {
            head.truncate(head.len() * percent as usize / 100);
        }
        for line in lines {
            let text = self.dialects[dialect].script(id, *line);
            client.message(&text, 0, &mut self.rng, &mut head);
        }
        head.truncate(most);
        self.trace.note(now, format_args!("#{id} connects, {hello:?}"));
        self.clients.push(client);
        self.alive.push(id);
        self.server.accept(Box::new(end), IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | id as u32)));
        self.network.lock().send(id, &head);
        id
    }

    /// Sends what `write` makes; it is told the offset at which its bytes begin.
    pub(crate) fn send(&mut self, id: Id, write: impl FnOnce(&mut Client, u64, &mut Rng, &mut Vec<u8>)) {
        let mut out = Vec::new();
        let offset = self.network.lock().link(id).up.sent;
        write(&mut self.clients[id], offset, &mut self.rng, &mut out);
        self.network.lock().send(id, &out);
    }

    /// The client says messages of its dialect, in one write.
    pub(crate) fn say(&mut self, id: Id, texts: &[String]) {
        let now = self.now();
        if let Some(text) = texts.first() {
            self.trace.note(now, format_args!("#{id} says {} x {text}", texts.len()));
        }
        self.send(id, |client, offset, rng, out| {
            for text in texts {
                client.message(text, offset, rng, out);
            }
        });
    }

    /// What the client wants to say next.
    pub(crate) fn next_words(&mut self, id: Id, stuck: &[Id]) -> Vec<String> {
        let limits = &self.config.limits;
        let mut sight = Sight {
            rng: &mut self.rng,
            stuck,
            message_bytes: limits.message_bytes,
            hard_messages: limits.mailbox_messages_hard,
        };
        self.dialects[self.clients[id].dialect].act(id, &mut sight)
    }

    /// The client lets its end go.
    pub(crate) fn close(&mut self, id: Id, now: u64) {
        debug_assert_eq!(now, self.now(), "time does not pass while somebody acts");
        self.note_end(id, "hangs up");
        let mut net = self.network.lock();
        net.link(id).close_by_client();
        net.carry(id);
    }

    /// The client says no more, and goes on reading.
    pub(crate) fn half_close(&mut self, id: Id) {
        self.note_end(id, "says no more");
        let mut net = self.network.lock();
        net.link(id).up.fin = Fin::Sent;
        net.carry(id);
    }

    /// The client resets the connection.
    pub(crate) fn reset(&mut self, id: Id) {
        self.note_end(id, "resets");
        self.network.lock().link(id).reset_by_client();
    }

    /// The client vanishes: nobody is told.
    pub(crate) fn vanish(&mut self, id: Id) {
        self.note_end(id, "vanishes");
        self.network.lock().link(id).hole = true;
    }

    fn note_end(&mut self, id: Id, what: &str) {
        let now = self.now();
        self.trace.note(now, format_args!("#{id} {what}"));
        self.clients[id].done = true;
    }

    fn read_log(&mut self) -> Result<(), Fault> {
        let mut log = std::mem::take(&mut self.log);
        self.network.lock().take_log(&mut log);
        for did in log.drain(..) {
            let (Did::Handle { at, .. } | Did::Drop { at, .. }) = did;
            self.stirred = at;
            match did {
                Did::Handle { id, upto, at } => self.handled(id, upto, at),
                Did::Drop { id, reset, at } => self.dropped(id, reset, at)?,
            }
        }
        self.log = log;
        Ok(())
    }

    /// The server has handled a client's bytes up to an offset.
    fn handled(&mut self, id: Id, upto: u64, at: u64) {
        let client = &mut self.clients[id];
        let dialect = client.dialect;
        if client.served == Served::Greeting && matches!(client.hello, Hello::Good { .. }) {
            client.served = Served::Open;
            client.stirred = at;
            self.trace.note(at, format_args!("#{id} is served"));
            self.dialects[dialect].opened(id, at);
            if self.shutdown.is_some() {
                self.closing(id, 1001, at);
            }
        }
        while self.clients[id].served == Served::Open
            && let Some((_, sent)) = self.clients[id].sent.pop_front_if(|(end, _)| *end <= upto)
        {
            self.clients[id].stirred = at;
            match sent {
                Sent::Message => {
                    let verdict = self.dialects[dialect].handle(id, at, &mut self.told);
                    self.post(at);
                    if let Verdict::Close(code) = verdict {
                        self.closing(id, code, at);
                    }
                }
                Sent::Ping(payload) => self.clients[id].pings.push_back((payload, at)),
                Sent::Pong => self.dialects[dialect].pong(id, at),
                Sent::Close(code) | Sent::Breach(code) => self.closing(id, code, at),
            }
        }
    }

    pub(crate) fn closing(&mut self, id: Id, code: u16, at: u64) {
        let client = &mut self.clients[id];
        if client.served == Served::Open {
            client.served = Served::Closing(code, at);
            self.trace.note(at, format_args!("#{id} is to be closed, {code}"));
            // To everybody else it has gone from now on.
            self.dialects[client.dialect].gone(id, at, &mut self.told);
            self.post(at);
        }
    }

    /// The server closes whoever has not begun in time.
    pub(crate) fn expire(&mut self, id: Id, now: u64) {
        let client = &self.clients[id];
        if client.served == Served::Open
            && let Some((code, at)) = self.dialects[client.dialect].idle(id)
            && now >= at
        {
            self.closing(id, code, at);
        }
    }

    /// Counts whom the hub told something.
    fn post(&mut self, at: u64) {
        let mut net = self.network.lock();
        for telling in self.told.0.drain(..) {
            let told = &mut self.clients[telling.to].told;
            // What came before is handed out, unless the socket is full.
            let since = net.link(telling.to).full_since(at).unwrap_or(at);
            while told.front().is_some_and(|(before, _)| *before < since) {
                told.pop_front();
            }
            told.push_back((at, telling));
        }
    }

    /// The server has let a connection go: for a reason?
    fn dropped(&mut self, id: Id, reset: bool, at: u64) -> Result<(), Fault> {
        self.trace.note(at, format_args!("#{id} is dropped{}", if reset { " by a reset" } else { "" }));
        self.alive.retain(|one| *one != id);
        self.expire(id, at);
        let dialect = self.clients[id].dialect;
        if self.clients[id].served != Served::Greeting {
            let reason = self.judge(id, at);
            self.dialects[dialect].gone(id, at, &mut self.told);
            self.post(at);
            reason.map_err(|fault| format!("#{id}: {fault}"))?;
        }
        self.clients[id].served = Served::Gone;
        Ok(())
    }

    /// How long the server waits for a peer that it has told so at a time to hang up.
    fn linger(&self, since: u64) -> u64 {
        if self.shutdown.is_some_and(|shutdown| shutdown <= since) { LINGER_SHUTDOWN } else { LINGER }
    }

    fn judge(&self, id: Id, at: u64) -> Result<(), Fault> {
        let client = &self.clients[id];
        let limits = &self.config.limits;
        let net = self.network.lock();
        let link = &net.links()[id];
        if link.up.reset || link.up.fin == Fin::Arrived {
            return Ok(());
        }
        if let Served::Closing(_, since) = client.served {
            let linger = self.linger(since);
            let early = at < since + linger;
            return if early { Err("the server did not wait for it to hang up".to_owned()) } else { Ok(()) };
        }
        let throttled = self.dialects[client.dialect].is_throttled(id);
        let sound = client.nature.is_sound() && !link.hole && !throttled;
        let silent = self.dialects[client.dialect].silence(id).is_some_and(|(from, _)| at >= from);
        if silent {
            return if sound { Err("it answered every ping and was ended as silent".to_owned()) } else { Ok(()) };
        }
        if let Some(since) = link.full_since(at) {
            let waiting = client.told.iter().filter(|(told, _)| *told >= since).count();
            let bytes: usize = client.told.iter().map(|(_, telling)| telling.bytes + 200).sum();
            let stood_still = at >= link.down.progress + limits.slow_timeout_ms;
            if waiting > limits.mailbox_messages_soft && stood_still
                || waiting >= limits.mailbox_messages_hard
                || bytes >= limits.mailbox_bytes_hard
            {
                return Ok(());
            }
            return Err(format!("the server ended it, and only {waiting} messages of {bytes} bytes could wait for it"));
        }
        Err("the server ended it for no reason: its socket was never full".to_owned())
    }

    /// Reads what has arrived at the client, and understands what is whole.
    fn read(&mut self, id: Id, most: usize, now: u64) -> Result<(), Fault> {
        {
            let mut net = self.network.lock();
            net.link(id).take(most, &mut self.clients[id].inbox);
            net.carry(id);
        }
        let mut inbox = std::mem::take(&mut self.clients[id].inbox);
        let mut at = 0;
        while let Some(length) = self.understand(id, &inbox[at..], now).map_err(|fault| format!("#{id}: {fault}"))? {
            at += length;
        }
        inbox.drain(..at);
        self.clients[id].inbox = inbox;
        Ok(())
    }

    /// Understands one answer or frame at the start of `bytes`; its length.
    fn understand(&mut self, id: Id, bytes: &[u8], now: u64) -> Result<Option<usize>, Fault> {
        match self.clients[id].stage {
            Stage::Asking => self.understand_head(id, bytes, now),
            Stage::Open => {
                let Some(frame) = ws::read(bytes)? else { return Ok(None) };
                let mark = {
                    let mut net = self.network.lock();
                    let link = net.link(id);
                    let end = link.down.taken - (bytes.len() - frame.length) as u64;
                    link.pushed_at(end)
                };
                self.hear(id, &frame, Pushed { at: mark.at, free: mark.free }, now)?;
                Ok(Some(frame.length))
            }
            // The rest of an answer that is no upgrade.
            Stage::Over => Ok((!bytes.is_empty()).then_some(bytes.len())),
        }
    }

    fn understand_head(&mut self, id: Id, bytes: &[u8], now: u64) -> Result<Option<usize>, Fault> {
        let Some(length) = bytes.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4) else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let line = head.lines().next().unwrap_or_default().to_owned();
        self.trace.note(now, format_args!("#{id} is answered {line}"));
        let client = &mut self.clients[id];
        let status: u16 = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let full = self.config.limits.connections <= self.network.lock().links().len();
        let expected = match client.hello {
            Hello::Good { .. } => 101,
            Hello::Cut(_) => 408,
            Hello::Other { status, .. } => status,
        };
        let closing = self.shutdown.is_some();
        if status == 503 && (full || closing) {
            client.stage = Stage::Over;
            return Ok(Some(length));
        }
        if status != expected {
            return Err(format!("the request was answered {line}, not {expected}"));
        }
        client.stage = if status == 101 { Stage::Open } else { Stage::Over };
        if status == 101 {
            if !(head.starts_with(plan::ACCEPTED[0]) && head.to_lowercase().contains(plan::ACCEPTED[1])) {
                return Err(format!("the upgrade was answered {head}"));
            }
            let reader = client.nature.reader;
            self.network.lock().link(id).reader = reader;
            if let Reader::Slow { every, .. } = reader {
                self.network.lock().at(now + every, Event::Read(id));
            }
        }
        Ok(Some(length))
    }

    fn hear(&mut self, id: Id, frame: &ws::Frame, pushed: Pushed, now: u64) -> Result<(), Fault> {
        if self.clients[id].closed.is_some() {
            return Err("a frame came after the close frame".to_owned());
        }
        match frame.opcode {
            ws::TEXT => {
                let text = std::str::from_utf8(&frame.payload).map_err(|_| "a text came that is not UTF-8")?;
                self.trace.note(now, format_args!("#{id} hears {text}"));
                let dialect = self.clients[id].dialect;
                self.dialects[dialect].hear(id, text, pushed).map_err(|fault| format!("{fault}; heard: {text}"))
            }
            ws::PING => {
                self.trace.note(now, format_args!("#{id} is pinged"));
                if !self.clients[id].nature.mute {
                    let later = self.rng.between(0, 20);
                    self.network.lock().at(now + later, Event::Pong(id));
                }
                Ok(())
            }
            ws::PONG => {
                let (payload, at) = self.clients[id].pings.pop_front().ok_or("a pong came, and there was no ping")?;
                if payload != frame.payload {
                    return Err("a pong came whose payload is not the ping's".to_owned());
                }
                pushed.prompt(at).map_err(|fault| format!("a pong was late: {fault}"))
            }
            ws::CLOSE => self.hear_close(id, &frame.payload, now),
            other => Err(format!("a frame came with opcode {other}")),
        }
    }

    fn hear_close(&mut self, id: Id, payload: &[u8], now: u64) -> Result<(), Fault> {
        let &[high, low] = payload else { return Err(format!("a close frame came with {} bytes", payload.len())) };
        let code = u16::from_be_bytes([high, low]);
        self.trace.note(now, format_args!("#{id} hears close {code}"));
        self.expire(id, now);
        let client = &mut self.clients[id];
        client.closed = Some(code);
        match client.served {
            Served::Closing(expected, _) if expected == code => {}
            Served::Closing(expected, _) => return Err(format!("it was closed with {code}, not {expected}")),
            // The frame was still on its way.
            Served::Gone => {}
            _ => return Err(format!("it was closed with {code} for no reason")),
        }
        // Most hang up; some wait for the server to.
        if self.rng.percent(85) {
            let later = self.rng.between(0, 50);
            self.network.lock().at(now + later, Event::HangUp(id));
        }
        Ok(())
    }

    /// The client sees that the connection is over, if it is.
    fn see_end(&mut self, id: Id, now: u64) -> Result<(), Fault> {
        let (over, reset, held) = {
            let net = self.network.lock();
            let link = &net.links()[id];
            let over = link.down.reset || link.down.fin == Fin::Arrived && link.down.bytes.is_empty();
            (over && !link.down.closed, link.down.reset, link.down.free)
        };
        let client = &mut self.clients[id];
        if !over || client.stage == Stage::Over && client.done {
            return Ok(());
        }
        let heard_close = client.closed.is_some();
        let was_open = client.stage == Stage::Open;
        client.stage = Stage::Over;
        self.trace.note(now, format_args!("#{id} sees the end{}", if reset { ", a reset" } else { "" }));
        let client = &self.clients[id];
        let throttled = self.dialects[client.dialect].is_throttled(id);
        let sound = client.nature.is_sound() && held == 0 && !throttled;
        if was_open && !heard_close && !client.done && sound {
            return Err(format!("#{id} reads all it is sent, and its connection ended without a close frame"));
        }
        if !client.done {
            self.close(id, now);
        }
        Ok(())
    }

    /// What holds at every moment: the server's own invariants, and that nobody is kept longer than allowed.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if let Some(violation) = self.server.check().first() {
            return Err(format!("the hub is broken: {violation}"));
        }
        let now = self.now();
        let net = self.network.lock();
        for id in self.alive.iter().copied() {
            self.overdue(id, now, &net.links()[id]).map_err(|fault| format!("#{id}: {fault}"))?;
        }
        Ok(())
    }

    fn overdue(&self, id: Id, now: u64, link: &crate::link::Link) -> Result<(), Fault> {
        let client = &self.clients[id];
        let limits = &self.config.limits;
        match client.served {
            Served::Greeting => {
                let until = client.accepted + limits.handshake_timeout_ms + REFUSING;
                if now > until + LATE && !matches!(client.hello, Hello::Other { .. }) {
                    return Err(format!("its request is not whole since {} ms, and it is kept", client.accepted));
                }
            }
            Served::Closing(_, since) => {
                let linger = self.linger(since);
                if now > since + linger + LATE {
                    return Err(format!("it is closed since {since} ms, and it is kept"));
                }
            }
            Served::Open => {
                if let Some((_, until)) = self.dialects[client.dialect].silence(id)
                    && now > until + LATE
                {
                    return Err(format!("it is silent, and it is kept longer than until {until} ms"));
                }
                if let Some((_, until)) = self.dialects[client.dialect].idle(id)
                    && now > until + LINGER + LATE
                {
                    return Err(format!("it has not begun by {until} ms, and it is kept"));
                }
                self.stands_still(client, now, link)?;
            }
            Served::Gone => {}
        }
        Ok(())
    }

    /// A client that takes no byte is ended in time.
    fn stands_still(&self, client: &Client, now: u64, link: &crate::link::Link) -> Result<(), Fault> {
        let Some(blocked) = link.down.blocked else { return Ok(()) };
        let limits = &self.config.limits;
        // Whatever waited before was handed out with the answer to its last frame, or with its last ping.
        let since = blocked.max(client.stirred).max(self.dialects[client.dialect].stirred(client.id, now));
        let mut waiting = client.told.iter().filter(|(at, telling)| *at > since && telling.edge).map(|(at, _)| *at);
        if let Some(at) = waiting.clone().nth(limits.mailbox_messages_hard - 1)
            && now > at + LATE
        {
            return Err(format!("its mailbox is full since {at} ms, and it is kept"));
        }
        if let Some(at) = waiting.nth(limits.mailbox_messages_soft)
            && now > at.max(link.down.progress) + limits.slow_timeout_ms + LATE
        {
            return Err(format!("it takes nothing, too much waits for it since {at} ms, and it is kept"));
        }
        Ok(())
    }

    /// Nobody has said anything for a while: what everybody should know is known.
    pub(crate) fn check_settled(&self) -> Result<(), Fault> {
        for id in self.alive.iter().copied().filter(|id| self.hears_all(*id)) {
            let client = &self.clients[id];
            self.dialects[client.dialect].settled(id).map_err(|fault| format!("#{id}: {fault}"))?;
            if !client.pings.is_empty() {
                return Err(format!("#{id}: a ping of it was not answered"));
            }
        }
        Ok(())
    }

    /// Whether the client has heard all that the server sent.
    fn hears_all(&self, id: Id) -> bool {
        let net = self.network.lock();
        let link = &net.links()[id];
        self.clients[id].is_well() && !link.hole && link.down.bytes.is_empty() && link.down.blocked.is_none()
    }

    /// Whether bytes are on their way that will arrive, for a client that reads.
    pub(crate) fn is_busy(&self) -> bool {
        let net = self.network.lock();
        let mut alive = self.alive.iter().map(|id| &net.links()[*id]);
        alive.any(|link| {
            let up = !link.up.bytes.is_empty();
            let down = !link.down.bytes.is_empty() && link.reader != Reader::Stopped && !link.down.closed;
            !link.hole && (up || down)
        })
    }

    /// Everybody has gone: nothing may be left.
    pub(crate) fn check_empty(&self) -> Result<(), Fault> {
        let counts = self.server.counts();
        let connections = self.server.connections();
        if counts != Default::default() || connections != 0 || !self.alive.is_empty() {
            return Err(format!(
                "everybody has gone, and there are left {counts:?}, {connections} connections, {:?}",
                self.alive
            ));
        }
        Ok(())
    }
}
