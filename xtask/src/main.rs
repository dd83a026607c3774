//! Patchbay's chores: tests, namespaces, benchmarks, fuzzing. `cargo xtask help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod args;
mod bench;
mod cmd;
mod deny;
mod fast;
mod full;
mod fuzz;
mod machine;
mod netns;
mod paths;
mod promise;
mod report;
mod rest;
mod sim;
mod tally;

use std::process::ExitCode;

use args::Task;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match args::parse(&given) {
        Ok(Task::Help) => {
            println!("{}", args::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Task::TestFast) => fast::run(),
        Ok(Task::Test) => full::run(),
        Ok(Task::Netns { name, command }) => netns::run(name.as_deref(), &command),
        Ok(Task::NetnsInside { command }) => netns::inside(&command),
        Ok(Task::Promise) => promise::run(),
        Ok(Task::Deny) => deny::run(),
        Ok(Task::Fuzz(options)) => fuzz::run(&options),
        Ok(Task::BenchRelay { rest }) => bench::relay(&rest),
        Ok(Task::BenchInstructions) => bench::instructions(),
        Ok(Task::BenchSfu { rest }) => bench::sfu(&rest),
        Ok(Task::BenchSip { rest }) => bench::sip(&rest),
        Ok(Task::Rest) => rest::run(),
        Ok(Task::SoakConference { rest }) => bench::soak(&rest),
        Ok(Task::Sim { rest }) => sim::run(&rest),
        Err(reason) => {
            eprintln!("xtask: {reason}\n\n{}", args::USAGE);
            ExitCode::from(2)
        }
    }
}
