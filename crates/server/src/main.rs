//! The `patchbay` command.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use patchbay_server::cli::{self, Cli, Command, ServeArgs};
use patchbay_server::config::Environment;
use patchbay_server::{serve, telemetry};

fn main() -> ExitCode {
    let environment = Environment::of_process();
    match Cli::parse().into_command() {
        Command::Serve(args) => run(&args, &environment),
        Command::Config(command) => {
            let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
            let code = cli::run_config(&command, &environment, Path::new("."), &mut out, &mut err);
            // Standard output was closed (`patchbay config keys | head`): the reader has what it wants.
            code.map_or(ExitCode::SUCCESS, ExitCode::from)
        }
        Command::Doctor(args) => {
            let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
            let code = cli::run_doctor(&args, &environment, Path::new("."), &mut out, &mut err);
            code.map_or(ExitCode::SUCCESS, ExitCode::from)
        }
    }
}

fn run(args: &ServeArgs, environment: &Environment) -> ExitCode {
    let loaded = match cli::load(args, environment, Path::new(".")) {
        Ok(loaded) => loaded,
        Err(errors) => {
            let _ = cli::write_errors(&errors, &mut io::stderr().lock());
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = telemetry::init(&loaded.config.log) {
        let _ = writeln!(io::stderr(), "cannot start logging: {error}");
        return ExitCode::FAILURE;
    }
    telemetry::log_panics();
    for warning in loaded.warnings() {
        tracing::warn!("{warning}");
    }
    match serve(&loaded.config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
