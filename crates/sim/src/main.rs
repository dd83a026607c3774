//! `cargo xtask sim`: seeds by the thousand, one seed again, or a scenario.
#![expect(clippy::print_stdout, reason = "a command-line tool talks to its terminal")]

use std::cell::Cell;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use patchbay_sim::{Ending, Failure, Living, MOST_BYTES, Size, crowd, cut, live, live_patched, shrink, sweep};

const USAGE: &str = "\
usage: cargo xtask sim [--seeds A..B] [--size P,M,S]
       cargo xtask sim --seed N [--size P,M,S] [--loud] [--shrink]
       cargo xtask sim --scenario patch [--seeds A..B | --seed N] [--size P,M,S] […]
       cargo xtask sim --scenario crowd [--rooms N] [--members N]
       cargo xtask sim --scenario cuts

  --seeds A..B   live these seeds [default: 0..10000]
  --seed N       live one seed, and show what happened last if it fails
  --size P,M,S   most players, moves between two calms, and storms
  --loud         show everything that happens, on standard error
  --shrink       look for the smallest size at which the seed still fails
  --scenario     patch: rooms across dialects, with an engine without media; crowd: 1,000 full rooms;
                 cuts: a conversation cut behind every byte";

/// The scenario that has seeds of its own.
const PATCH: &str = "patch";

#[derive(Clone)]
struct Args {
    seeds: Range<u64>,
    seed: Option<u64>,
    size: Size,
    loud: bool,
    shrink: bool,
    scenario: Option<String>,
    rooms: usize,
    members: usize,
}

thread_local! {
    /// Named when the server panics: a panic of the hub ends the process.
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(reason) => {
            println!("{reason}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let failed = match (&args.scenario, args.seed) {
        (Some(name), _) if name == "crowd" => run_crowd(&args),
        (Some(name), _) if name == "cuts" => run_cuts(),
        (Some(name), None) if name == PATCH => run_seeds(&args, live_patched),
        (Some(name), Some(seed)) if name == PATCH => run_seed(seed, &args, live_patched),
        (Some(name), _) => {
            println!("there is no scenario {name:?}\n\n{USAGE}");
            return ExitCode::from(2);
        }
        (None, Some(seed)) => run_seed(seed, &args, live),
        (None, None) => run_seeds(&args, live),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        seeds: 0..10_000,
        seed: None,
        size: Size::default(),
        loud: false,
        shrink: false,
        scenario: None,
        rooms: 1_000,
        members: 50,
    };
    while let Some(flag) = given.next() {
        let mut value = || given.next().ok_or(format!("{flag} wants a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
        match flag.as_str() {
            "--seeds" => {
                let text = value()?;
                let (from, to) = text.split_once("..").ok_or("--seeds wants A..B")?;
                args.seeds = number(from.to_owned())?..number(to.to_owned())?;
            }
            "--seed" => args.seed = Some(number(value()?)?),
            "--size" => {
                let text = value()?;
                let numbers: Vec<u64> =
                    text.split(',').map(|part| number(part.to_owned())).collect::<Result<_, _>>()?;
                let &[players, moves, storms] = numbers.as_slice() else { return Err("--size wants P,M,S".into()) };
                if players < 2 || moves < 10 || storms < 1 {
                    return Err("--size wants at least 2,10,1".into());
                }
                args.size = Size { players, moves, storms };
            }
            "--loud" => args.loud = true,
            "--shrink" => args.shrink = true,
            "--scenario" => args.scenario = Some(value()?),
            "--rooms" => args.rooms = number(value()?)? as usize,
            "--members" => args.members = number(value()?)? as usize,
            other => return Err(format!("{other:?} is no option")),
        }
    }
    Ok(args)
}

fn run_seeds(args: &Args, live: Living) -> bool {
    let start = Instant::now();
    let total = sweep(live, args.seeds.clone(), args.size);
    for (seed, failure) in &total.failures {
        println!("seed {seed}, at {} ms: {}", failure.at, failure.fault);
        println!("  repeat: {}", command(*seed, args));
    }
    if let Some((seed, failure)) = total.failures.first() {
        println!("\nthe last events of seed {seed}:");
        show(failure);
    }
    println!(
        "{} seeds, {} failed; {} connections, {} network events; {:.1} s",
        total.seeds,
        total.failures.len(),
        total.connections,
        total.events,
        start.elapsed().as_secs_f64()
    );
    !total.failures.is_empty()
}

fn run_seed(seed: u64, args: &Args, live: Living) -> bool {
    SEED.set(Some(seed));
    let outcome = live(seed, args.size, args.loud);
    let Some(failure) = &outcome.failure else {
        println!("seed {seed} is clean: {} connections, trace {:016x}", outcome.connections, outcome.hash);
        return false;
    };
    println!("seed {seed}, at {} ms: {}", failure.at, failure.fault);
    show(failure);
    let size = if args.shrink { shrink(live, seed, args.size) } else { args.size };
    println!("repeat: {}", command(seed, &Args { size, ..args.clone() }));
    true
}

fn command(seed: u64, args: &Args) -> String {
    let Size { players, moves, storms } = args.size;
    let scenario = args.scenario.as_ref().map(|name| format!(" --scenario {name}")).unwrap_or_default();
    if args.size == Size::default() {
        format!("cargo xtask sim{scenario} --seed {seed}")
    } else {
        format!("cargo xtask sim{scenario} --seed {seed} --size {players},{moves},{storms}")
    }
}

fn show(failure: &Failure) {
    failure.last.iter().for_each(|line| println!("  {line}"));
}

fn run_crowd(args: &Args) -> bool {
    let fared = crowd(args.rooms, args.members);
    if let Some(failure) = &fared.failure {
        println!("at {} ms: {}", failure.at, failure.fault);
        show(failure);
    }
    println!(
        "{} rooms x {} members: all in after {:.1} s, all lists right after {:.1} s, over after {:.1} s; {} connections, {} at most",
        args.rooms,
        args.members,
        fared.joined.as_secs_f64(),
        fared.settled.as_secs_f64(),
        fared.ended.as_secs_f64(),
        fared.connections,
        resident()
    );
    fared.failure.is_some()
}

/// The most memory that this process has had, where the system tells.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "an unknown amount of memory".to_owned(), |line| format!("{} of memory", line.trim()))
}

fn run_cuts() -> bool {
    let mut failed = 0;
    for bytes in 0..MOST_BYTES {
        for ending in Ending::ALL {
            if let Some(failure) = cut(bytes, ending) {
                failed += 1;
                println!("{ending:?} behind {bytes} bytes, at {} ms: {}", failure.at, failure.fault);
                show(&failure);
            }
        }
    }
    println!("{} cuts, {failed} failed", MOST_BYTES * Ending::ALL.len());
    failed > 0
}
