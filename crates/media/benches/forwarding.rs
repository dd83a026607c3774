//! Instructions that the engine takes for each packet that it forwards, which do not depend on the machine's mood
//! (`cargo xtask bench instructions`).
//!
//! It runs itself in callgrind, once for each number of viewers and rooms, and counts only inside [`measured`]: peers on
//! str0m connect as in the engine's tests, then are silent, and the engine gets recorded datagrams of the publishers.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]
#![allow(dead_code, reason = "the world of the engine's tests can do more")]

#[path = "../tests/engine/net.rs"]
mod net;
#[path = "../tests/engine/peer.rs"]
mod peer;
#[path = "../tests/engine/ports.rs"]
mod ports;
#[path = "../tests/engine/world.rs"]
mod world;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use patchbay_core::{MediaEvent, Track};
use patchbay_media::{Config, Datagram, Datagrams, Peer as To, PeerMessage, Sink, Worker};
use str0m::media::MediaKind;

use self::net::Path;
use self::peer::{Peer, vp8};
use self::world::{SERVER, World};

/// Rooms, and viewers of each.
const LOADS: [(usize, usize); 5] = [(1, 50), (1, 200), (1, 400), (20, 2), (200, 2)];
/// The rounds that are counted: each is a frame of four packets and two packets of sound, in every room.
const ROUNDS: u64 = 12;
const PACKETS: u64 = 4;
const SOUNDS: u64 = 2;
/// A frame's time.
const ROUND: Duration = Duration::from_millis(33);
/// Rounds before that, in which viewers find their first key frame and caches fill.
const WARM: u64 = 4;

fn main() -> ExitCode {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    match given[..] {
        [rooms, viewers] => {
            println!("{}", run(rooms, viewers));
            ExitCode::SUCCESS
        }
        _ => table(),
    }
}

/// Runs all loads in callgrind.
fn table() -> ExitCode {
    println!("rooms  viewers of each  instructions per delivered packet");
    for (rooms, viewers) in LOADS {
        match count(rooms, viewers) {
            Ok(each) => println!("{rooms:5}  {viewers:15}  {each:.0}"),
            Err(cause) => {
                eprintln!("{rooms} rooms, {viewers} viewers: {cause}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn count(rooms: usize, viewers: usize) -> Result<f64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--collect-atstart=no",
            "--toggle-collect=*measured*",
        ])
        .arg(this)
        .args([rooms.to_string(), viewers.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not start ({error}); install Debian's valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, number)| number.trim());
    let delivered = String::from_utf8_lossy(&output.stdout).trim().parse::<f64>();
    match (collected.and_then(|number| number.parse::<f64>().ok()), delivered) {
        (Some(instructions), Ok(delivered)) if instructions > 0.0 && delivered > 0.0 => Ok(instructions / delivered),
        _ => Err(format!("nothing was counted: {said}")),
    }
}

/// What leaves is counted.
#[derive(Default)]
struct Count {
    datagrams: u64,
}

impl Sink for Count {
    fn send(&mut self, datagrams: Datagrams<'_>) {
        self.datagrams += datagrams.contents.len().div_ceil(datagrams.segment) as u64;
    }

    fn event(&mut self, _event: MediaEvent) {}

    fn tell(&mut self, _to: To, _message: PeerMessage) -> bool {
        true
    }
}

/// Packets that viewers were sent while instructions were counted.
fn run(rooms: usize, viewers: usize) -> u64 {
    // Whoever is silent here is not gone.
    let config = Config { grace: Duration::from_secs(24 * 3600), ..Config::default() };
    let mut world = World::with(1, 1, config);
    let publishers: Vec<usize> = (0..rooms).map(|room| room * (viewers + 1)).collect();
    let mut links = 1..;
    for _ in 0..rooms {
        let publisher = world.peer(Path::GOOD, Path::GOOD);
        let track = world.publish(links.next().expect("numbers do not end"), publisher, true, true);
        world.pass(Duration::from_millis(300));
        send(&mut world, publisher, 0, true);
        world.pass(Duration::from_millis(100));
        for _ in 0..viewers {
            view(&mut world, links.next().expect("numbers do not end"), &track);
        }
    }
    // Recorded, so that the publishers' own work is not in the figure.
    let record = |world: &mut World, round: u64| {
        publishers.iter().for_each(|publisher| send(world, *publisher, round, round == 1));
        publishers.iter().map(|publisher| taken(&mut world.peers[*publisher])).collect::<Vec<_>>()
    };
    let mut now = world.now;
    let mut rounds = Vec::new();
    for round in 1..=WARM + ROUNDS {
        rounds.push(record(&mut world, round));
        world.now += ROUND;
    }
    let (warm, counted) = rounds.split_at(WARM as usize);
    let (worker, mut sink) = (&mut world.workers[0], Count::default());
    for round in warm {
        now += ROUND;
        play(worker, round, now, &mut sink);
    }
    let before = worker.counts().packets_out;
    for round in counted {
        now += ROUND;
        measured(worker, round, now, &mut sink);
    }
    let delivered = worker.counts().packets_out - before;
    assert_eq!(delivered, ROUNDS * (PACKETS + SOUNDS) * (rooms * viewers) as u64, "every packet reaches every viewer");
    assert!(sink.datagrams >= delivered, "and leaves");
    delivered
}

type Datagrammed = (std::net::SocketAddr, Vec<u8>);

/// The region that callgrind counts; it goes by this name.
#[inline(never)]
fn measured(worker: &mut Worker, round: &[Vec<Datagrammed>], now: Instant, sink: &mut Count) {
    play(worker, round, now, sink);
}

fn play(worker: &mut Worker, round: &[Vec<Datagrammed>], now: Instant, sink: &mut Count) {
    for room in round {
        for (source, bytes) in room {
            worker.receive(now, Datagram { source: *source, destination: Some(SERVER.into()), contents: bytes }, sink);
        }
        worker.run(now, sink);
    }
}

/// Connects a viewer, who then says nothing more.
fn view(world: &mut World, link: u64, track: &Track) {
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    world.view(link, viewer, vec![track.clone()]);
    world.pass(Duration::from_millis(150));
    assert!(world.peers[viewer].connected.is_some(), "viewer {viewer} does not connect");
    world.peers[viewer].closed = true;
}

/// A frame, and sound.
fn send(world: &mut World, publisher: usize, round: u64, key: bool) {
    let (now, peer) = (world.now, &mut world.peers[publisher]);
    let time = u32::try_from(round * 2_970).expect("short");
    for packet in 0..PACKETS {
        let payload = vp8(key, packet == 0, 640, 360, round as u16, 900);
        peer.write(MediaKind::Video, 100 + round * PACKETS + packet, time, now, packet + 1 == PACKETS, &payload);
    }
    for packet in 0..SOUNDS {
        let seq = 500 + round * SOUNDS + packet;
        peer.write(MediaKind::Audio, seq, u32::try_from(seq * 960).expect("short"), now, false, &[7; 80]);
    }
}

/// What a peer has for the server; of it the media alone.
fn taken(peer: &mut Peer) -> Vec<Datagrammed> {
    let address = peer.address;
    let media = |bytes: &Vec<u8>| matches!(bytes[..], [128..=191, kind, ..] if !(200..=207).contains(&kind));
    std::mem::take(&mut peer.out)
        .into_iter()
        .map(|transmit| transmit.contents.to_vec())
        .filter(media)
        .map(|bytes| (address, bytes))
        .collect()
}
