//! The load generator: the relay benchmark with its echo floor, the benchmarks of the SFU and of telephone calls, and load
//! for any server of the dialects mesh and sid.
//!
//! `docs/performance.md` says how it is run and how its table is read.

mod bench;
mod calibration;
mod child;
mod cli;
mod conn;
mod dialect;
mod echo;
mod figures;
mod frame;
mod histogram;
mod load;
mod message;
mod metric;
mod net;
mod process;
mod report;
mod running;
mod scenario;
mod schedule;
mod sfu;
mod sip;
mod table;
mod target;
mod tls;
mod window;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// Errors are for the reader of the terminal: they end the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    process::raise_open_files();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let done = match Cli::parse().command {
        Command::BenchRelay(args) => bench::run(&args, &mut out, &mut err),
        Command::BenchSfu(args) => sfu::run(&args, &mut out, &mut err),
        Command::BenchSip(args) => sip::run(&args, &mut out, &mut err),
        Command::Mesh(args) => running::mesh(&args, &mut out),
        Command::Sid(args) => running::sid(&args, &mut out),
        Command::Echo(args) => echo::serve(args.addr),
        Command::SoakConference(args) => sfu::soak(&args, &mut out, &mut err),
        Command::SfuFloor => sfu::floor(&mut out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(err, "patchbay-loadgen: {error}");
            ExitCode::FAILURE
        }
    }
}
