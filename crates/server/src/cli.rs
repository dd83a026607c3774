//! The command line: which flags there are, and the `config` commands.
//!
//! Flags only say which keys they set; `config::load` decides what they mean.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{self, ConfigErrors, Environment, Loaded, Override, Request};
use crate::doctor;

/// A server for WebRTC signalling.
#[derive(Parser)]
#[command(name = "patchbay", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What the process is to do.
#[derive(Subcommand)]
pub enum Command {
    /// Serve clients (also without any command)
    Serve(ServeArgs),
    /// Check, print or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what is likely to go wrong on this machine, and say what to do; exit status 1 where there is an error
    Doctor(ServeArgs),
}

impl Cli {
    /// The command; serving is what happens without one.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

/// Flags that set configuration keys. Order of precedence: these flags, then `--set`, then the
/// environment, the file and the defaults.
#[derive(Args, Clone, Default)]
pub struct ServeArgs {
    /// Configuration file [default: ./patchbay.toml where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Open the native ports of all dialects
    #[arg(long)]
    pub native_ports: bool,
    /// Listen here: ":8080", "host:port" or "unix:/path.sock"; may be repeated
    #[arg(long, value_name = "ADDR")]
    pub addr: Vec<String>,
    /// Origins that browsers may connect from, divided by commas
    #[arg(long, value_name = "LIST")]
    pub allowed_origins: Option<String>,
    /// Form of log lines: text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged: off, error, warn, info, debug, trace, or target=level pairs
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Set any key, e.g. --set limits.connections=500; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

fn key_and_value(pair: &str) -> Result<(String, String), &'static str> {
    let (path, text) = pair.split_once('=').ok_or("there is no \"=\"; write e.g. http.addr=:8080")?;
    Ok((path.trim().to_owned(), text.to_owned()))
}

impl ServeArgs {
    /// The flags as settings.
    pub fn request(&self) -> Request {
        let with = |flag: &str, path: &str, text: &str| Override {
            flag: flag.to_owned(),
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let set = self.set.iter();
        let mut overrides: Vec<_> = set.map(|(path, text)| with("--set", path, text)).collect();
        if self.native_ports {
            overrides.push(with("--native-ports", "native_ports", "true"));
        }
        if !self.addr.is_empty() {
            overrides.push(with("--addr", "http.addr", &self.addr.join(",")));
        }
        let named = [
            ("--allowed-origins", "allowed_origins", &self.allowed_origins),
            ("--log-format", "log.format", &self.log_format),
            ("--log-level", "log.level", &self.log_level),
        ];
        for (flag, path, text) in named {
            overrides.extend(text.iter().map(|text| with(flag, path, text)));
        }
        Request { file: self.config.clone(), overrides }
    }
}

/// What to do with the configuration. Each takes the flags of `serve`, so that it sees what `serve` would see.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Report every error and warning; exit status 1 where there is an error
    Check(ServeArgs),
    /// Print the effective configuration, and where each value came from
    Print {
        /// Flags that change what is printed.
        #[command(flatten)]
        serve: ServeArgs,
        /// Print secrets as well
        #[arg(long)]
        show_secrets: bool,
    },
    /// List every key with its default and meaning (Markdown)
    Keys,
}

/// Reads all layers of the configuration. `dir` is the working directory, except in tests.
pub fn load(args: &ServeArgs, environment: &Environment, dir: &Path) -> Result<Loaded, ConfigErrors> {
    config::load(&args.request(), environment, dir)
}

/// Runs a `config` command; the result is the exit status. Answers go to `out`, errors and
/// warnings to `err`.
pub fn run_config(
    command: &ConfigCommand,
    environment: &Environment,
    dir: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let args = match command {
        ConfigCommand::Check(args) | ConfigCommand::Print { serve: args, .. } => args,
        ConfigCommand::Keys => {
            out.write_all(config::reference().as_bytes())?;
            return Ok(0);
        }
    };
    let loaded = match load(args, environment, dir) {
        Ok(loaded) => loaded,
        Err(errors) => {
            write_errors(&errors, err)?;
            return Ok(1);
        }
    };
    for warning in loaded.warnings() {
        writeln!(err, "warning: {warning}")?;
    }
    if let ConfigCommand::Print { show_secrets, .. } = command {
        out.write_all(loaded.to_toml(*show_secrets).as_bytes())?;
    } else {
        let file = match &loaded.file {
            Some(path) => format!("{:?} read", path.display().to_string()),
            None => format!("no file, ./{} does not exist", config::DEFAULT_FILE),
        };
        let keys = match loaded.set_count() {
            1 => "1 key set".to_owned(),
            n => format!("{n} keys set"),
        };
        writeln!(out, "ok: {keys}, {file}")?;
    }
    Ok(0)
}

/// Runs the `doctor` command; the result is the exit status.
///
/// # Errors
/// If `out` or `err` takes nothing.
pub fn run_doctor(
    args: &ServeArgs,
    environment: &Environment,
    dir: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    match load(args, environment, dir) {
        Ok(loaded) => doctor::run(&loaded.config, &loaded.warnings(), out),
        Err(errors) => {
            write_errors(&errors, err)?;
            Ok(1)
        }
    }
}

/// Writes the errors of a configuration, one line each; `serve` uses it before there is a log.
pub fn write_errors(errors: &ConfigErrors, err: &mut dyn Write) -> io::Result<()> {
    for error in &errors.0 {
        writeln!(err, "error: {error}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn serve(args: &[&str]) -> ServeArgs {
        let args = ["patchbay"].iter().chain(args);
        match Cli::try_parse_from(args).map(Cli::into_command) {
            Ok(Command::Serve(args)) => args,
            Ok(_) => panic!("expected serve"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_command() {
        for args in [&["--addr", ":1"][..], &["serve", "--addr", ":1"]] {
            assert_eq!(serve(args).addr, [":1"]);
        }
        assert!(!serve(&[]).native_ports);
    }

    #[test]
    fn dedicated_flags_come_after_set() {
        let args =
            serve(&["--addr", ":1", "--addr", ":2", "--native-ports", "--set", "http.addr=:3", "--log-level=debug"]);
        let overrides = args.request().overrides;
        let shown: Vec<_> = overrides.iter().map(|o| format!("{} {}={}", o.flag, o.path, o.text)).collect();
        assert_eq!(
            shown,
            [
                "--set http.addr=:3",
                "--native-ports native_ports=true",
                "--addr http.addr=:1,:2",
                "--log-level log.level=debug",
            ]
        );
    }

    #[test]
    fn misspelled_flags_are_refused() {
        assert!(Cli::try_parse_from(["patchbay", "--adr", ":1"]).is_err());
        assert!(Cli::try_parse_from(["patchbay", "--addr", ":1", "config", "check"]).is_err());
        assert!(Cli::try_parse_from(["patchbay", "--set", "http.addr"]).is_err());
    }
}
