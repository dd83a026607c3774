//! `soak-conference`: many conferences for some minutes. Whether everybody hears everybody all the time, whether the
//! server's memory stands still, and whether nothing of it is left when all have gone.

mod gauges;
mod line;
mod watch;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::cast::{Setting, Until, rest};
use super::script::{Part, ant};
use super::source::{Source, Video};
use super::stage::Stage;
use super::subject::Subject;
use crate::Result;
use crate::child::Server;
use crate::cli::SoakArgs;
use crate::process;
use crate::target::Target;
use crate::window::Window;
use gauges::Gauges;
use watch::Watch;

/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_secs(5);
/// Share of the time whose memory is judged: before that caches and allocators reach their size.
const JUDGED: f64 = 0.8;
/// After so long nothing of those who have left may be there: a client that went without a word is waited for, in case
/// it comes back.
const EMPTIED: Duration = Duration::from_secs(60);
/// Less than this share of what was sent to all who listen has come, in percent: the machine was too small for the load,
/// and what was seen says little.
const LEAST_DELIVERED: f64 = 90.0;

/// Ten packets of pictures per second, each a frame.
const PICTURE: Video =
    Video { every: Duration::from_millis(100), bytes: 1_000, packets: 1, fourth: 1, key_packets: 1, key_every: 100 };
/// Twenty of sound.
const SOUND: Duration = Duration::from_millis(50);

/// Runs it; what happens goes to `progress`, the result to `out`.
///
/// # Errors
/// If anything is not as it should be.
pub(crate) fn run(args: &SoakArgs, out: &mut dyn Write, progress: &mut dyn Write) -> Result<()> {
    let people = args.rooms * args.parties;
    writeln!(out, "{}\n{} rooms of {}: {people} people", process::machine(), args.rooms, args.parties)?;
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // A busy machine is meant to take them in all the same, and they all come from one address.
    let environment = [
        ("PATCHBAY_MEDIA__UDP_PORT", "0"),
        ("PATCHBAY_LIMITS__CPU_PERCENT", "100"),
        ("PATCHBAY_LIMITS__CONNECTIONS_PER_ADDRESS", "100000"),
    ];
    let mut server = Server::start_at(&args.server, &[], ip, &environment, None)?;
    match soak(args, &server, out, progress) {
        Ok(()) => Ok(server.stop()?),
        Err(error) => Err(format!("{error}; {}", server.last_words()).into()),
    }
}

fn soak(args: &SoakArgs, server: &Server, out: &mut dyn Write, progress: &mut dyn Write) -> Result<()> {
    let before = Gauges::ask(server.addr)?;
    let setting = Setting {
        subject: Subject::Patchbay,
        target: Target::at(server.addr, false, ant::PATH),
        plain: None,
        pid: server.pid(),
        span: Duration::from_secs(args.seconds),
    };
    let mut stage = setting.stage()?;
    let viewers = gather(args, &setting, &mut stage, progress)?;
    let mut faults = stay(args, &setting, &mut stage, viewers, out, progress)?;
    leave(args, stage)?;
    let left = Gauges::wait(server.addr, &before, EMPTIED)?;
    writeln!(out, "all have left: {left}")?;
    faults.extend(left.faults());
    match &faults[..] {
        [] => Ok(()),
        faults => Err(format!("not as it should be: {}", faults.join("; ")).into()),
    }
}

/// Everybody publishes into a room and plays it, room by room. Gives the number of the first leg that plays.
fn gather(args: &SoakArgs, setting: &Setting, stage: &mut Stage, progress: &mut dyn Write) -> Result<usize> {
    let (people, began) = (args.rooms * args.parties, Instant::now());
    for number in 0..people {
        // Not in step.
        let start = Instant::now() + Duration::from_millis(number as u64 * 37 % 100);
        let source = Source::paced(PICTURE, Some(SOUND), start);
        setting.publisher(stage, number, Some(number / args.parties), source)?;
    }
    writeln!(progress, "{people} publish after {:.0?}", began.elapsed())?;
    let first = stage.legs.len();
    let part = |number| {
        let room = number / args.parties;
        let members = (room * args.parties..(room + 1) * args.parties).collect();
        Part::ViewRoom { room, members, except: number }
    };
    setting.gather(stage, people, Until::Key, part)?;
    writeln!(progress, "{people} play after {:.0?}", began.elapsed())?;
    Ok(first)
}

/// All of them are there. Gives what is wrong.
fn stay(
    args: &SoakArgs,
    setting: &Setting,
    stage: &mut Stage,
    viewers: usize,
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> Result<Vec<String>> {
    let streams = 2 * (args.parties - 1);
    let mut watch = Watch::new(stage, viewers..stage.legs.len(), streams);
    let (began, window) = (Instant::now(), Window::open(Some(setting.pid))?);
    let (counted, sent) = (stage.counted(), stage.sent());
    let mut memory = Vec::new();
    while began.elapsed() < setting.span {
        rest(stage, LOOK)?;
        let (at, bytes) = (began.elapsed(), process::resident(setting.pid)?);
        memory.push((at.as_secs_f64() / 60.0, bytes as f64 / 1e6));
        watch.look(stage);
        writeln!(progress, "{:>4.0} s  {:.1} MB", at.as_secs_f64(), bytes as f64 / 1e6)?;
    }
    let usage = window.look()?;
    stage.tally.check()?;
    let (counted, sent) = (stage.counted().since(counted), stage.sent() - sent);
    let expected = sent * (args.parties - 1) as u64;
    let share = 100.0 * counted.received as f64 / expected.max(1) as f64;
    let judged = memory.iter().filter(|(minute, _)| *minute > (1.0 - JUDGED) * args.seconds as f64 / 60.0);
    let slope = line::slope(&judged.copied().collect::<Vec<_>>()).ok_or("too short to judge the memory")?;
    let packets = counted.received.max(1) as f64;
    let cost = usage.server.unwrap_or_default().total().as_secs_f64() * 1e6 / packets;
    let rate = packets / usage.wall.as_secs_f64();
    writeln!(
        out,
        "{rate:.0} packets per second delivered ({share:.1} % of what was sent), {:.3} % lost",
        counted.loss()
    )?;
    writeln!(
        out,
        "server: {cost:.2} µs per packet; others used {:.0} % of the machine",
        usage.others.unwrap_or_default()
    )?;
    let last = memory.last().map_or(0.0, |(_, megabytes)| *megabytes);
    writeln!(out, "memory: {last:.1} MB, {slope:+.2} MB per minute over the last {:.0} %", 100.0 * JUDGED)?;
    let mut faults = watch.faults();
    if slope >= args.growth {
        faults.push(format!("memory grows by {slope:.2} MB per minute"));
    }
    if share < LEAST_DELIVERED {
        faults.push(format!("only {share:.0} % of what was sent came"));
    }
    Ok(faults)
}

/// Half of them say farewell, the others go without a word.
fn leave(args: &SoakArgs, mut stage: Stage) -> Result<()> {
    let people = args.rooms * args.parties;
    let polite = (0..stage.legs.len()).filter(|leg| (leg % people / args.parties).is_multiple_of(2));
    for leg in polite.collect::<Vec<_>>() {
        stage.farewell(leg)?;
    }
    drop(stage);
    Ok(())
}
