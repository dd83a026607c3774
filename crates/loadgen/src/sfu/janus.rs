//! Janus, as Debian has it, with a configuration of the benchmark's own.
//!
//! It gets what makes it fastest (`event_loops` instead of a thread per handle), and is spared whatever is not measured.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::script::janus::{feed, room};
use super::stage::{PLAIN_AUDIO, PLAIN_VIDEO};
use crate::child::empty_dir;

/// Plugins that Debian's Janus has and that are not needed for streams, or for telephones.
const BESIDE_STREAMS: &str = "libjanus_sip.so";
const BESIDE_TELEPHONES: &str = "libjanus_streaming.so,libjanus_videoroom.so";
const BESIDE_BOTH: &str = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,\
    libjanus_nosip.so,libjanus_recordplay.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so";

const PROGRAM: &str = "janus";
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Lines of its log that are shown if it fails.
const KEPT_LINES: usize = 15;
/// Threads for all handles: as many as the machine of the published figures has cores.
const EVENT_LOOPS: usize = 2;
/// Publishers of one room.
const MEMBERS: usize = 32;

pub(crate) struct JanusServer {
    child: Child,
    pub(crate) addr: SocketAddr,
    dir: PathBuf,
}

impl JanusServer {
    /// The mountpoint's ports. Fixed, since Janus takes no port 0; the benchmark has a network of its own.
    pub(crate) const PLAIN: (SocketAddr, SocketAddr) = (local(15_002), local(15_004));

    /// Starts it with one mountpoint and so many rooms.
    pub(crate) fn start(ip: IpAddr, rooms: usize) -> io::Result<Self> {
        let plugins = [("janus.plugin.streaming.jcfg", streaming()), ("janus.plugin.videoroom.jcfg", videoroom(rooms))];
        Self::launch(ip, BESIDE_STREAMS, &plugins)
    }

    /// Starts it as a gateway to telephones.
    pub(crate) fn gateway(ip: IpAddr) -> io::Result<Self> {
        Self::launch(ip, BESIDE_TELEPHONES, &[("janus.plugin.sip.jcfg", sip(ip))])
    }

    fn launch(ip: IpAddr, beside: &str, plugins: &[(&str, String)]) -> io::Result<Self> {
        if ip.is_loopback() {
            return Err(io::Error::other("Janus gathers no loopback address: run this by `cargo xtask bench`"));
        }
        let dir = empty_dir()?;
        // Free now, and nobody else is here to take it.
        let addr = TcpListener::bind((ip, 0))?.local_addr()?;
        let general = [
            ("janus.jcfg", main(ip, &dir.display().to_string(), beside)),
            ("janus.transport.websockets.jcfg", websockets(addr)),
        ];
        for (name, text) in general.iter().chain(plugins) {
            fs::write(dir.join(name), text)?;
        }
        let log = File::create(dir.join("log"))?;
        let child = Command::new(PROGRAM)
            .arg("-F")
            .arg(&dir)
            .arg("-C")
            .arg(dir.join("janus.jcfg"))
            .arg("-o")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::other(format!("{PROGRAM} could not be started: {error}")))?;
        let mut server = Self { child, addr, dir };
        let began = Instant::now();
        while TcpStream::connect(addr).is_err() {
            if began.elapsed() > START_TIMEOUT || server.child.try_wait()?.is_some() {
                return Err(io::Error::other(format!("{PROGRAM} is not ready: {}", server.last_words())));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn last_words(&mut self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(KEPT_LINES)..].iter().map(|line| format!("\n    {line}")).collect()
    }
}

impl Drop for JanusServer {
    fn drop(&mut self) {
        // It has nothing to save, and a second to say goodbye in would be added to each measurement.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn main(ip: IpAddr, dir: &str, beside: &str) -> String {
    format!(
        "general: {{ configs_folder = \"{dir}\"\n debug_level = 2\n event_loops = {EVENT_LOOPS}\n }}\n\
         nat: {{ ice_enforce_list = \"{ip}\"\n full_trickle = false\n }}\n\
         media: {{ rtp_port_range = \"20000-60000\"\n }}\n\
         plugins: {{ disable = \"{BESIDE_BOTH},{beside}\"\n }}\n\
         transports: {{ disable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,\
         libjanus_rabbitmq.so\"\n }}\n"
    )
}

fn websockets(addr: SocketAddr) -> String {
    format!("general: {{ ws = true\n ws_port = {}\n ws_ip = \"{}\"\n ws_logging = 0\n }}\n", addr.port(), addr.ip())
}

fn sip(ip: IpAddr) -> String {
    format!(
        "general: {{ local_ip = \"{ip}\"\n sdp_ip = \"{ip}\"\n behind_nat = false\n rtp_port_range = \"20000-31999\"\n }}\n"
    )
}

fn streaming() -> String {
    let (audio, video) = JanusServer::PLAIN;
    format!(
        "bench: {{ type = \"rtp\"\n id = {}\n audio = true\n audioport = {}\n audioiface = \"{}\"\n audiopt = {PLAIN_AUDIO}\n \
         audiocodec = \"opus\"\n video = true\n videoport = {}\n videoiface = \"{}\"\n videopt = {PLAIN_VIDEO}\n \
         videocodec = \"vp8\"\n }}\n",
        feed(0),
        audio.port(),
        audio.ip(),
        video.port(),
        video.ip()
    )
}

fn videoroom(rooms: usize) -> String {
    let mut text = String::new();
    for number in (0..rooms).map(room) {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "room-{number}: {{ publishers = {MEMBERS}\n bitrate = 0\n fir_freq = 0\n audiocodec = \"opus\"\n \
             videocodec = \"vp8\"\n notify_joining = false\n }}"
        );
    }
    text
}
