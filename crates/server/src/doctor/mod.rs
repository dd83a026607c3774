//! `patchbay doctor`: what is likely to go wrong with this configuration on this machine, and what to do about it.
//!
//! Facts are gathered first ([`Facts`]), then judged by rules without I/O (`rules.rs`), so that each rule is tested with
//! the misconfiguration that it is about. The server judges itself by the same rules when it starts.

mod facts;
mod rules;

use std::fmt;
use std::io::{self, Write};

use crate::config::Config;

pub(crate) use self::facts::{Facts, Probe};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The server does not start, or serves nobody.
    Error,
    /// It works for some and not for others, or is open to whom it should not be.
    Warning,
    /// Right for a trial, seldom in production.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The configuration key, or the part of the machine, that it is about.
    pub(crate) about: &'static str,
    /// What is so, and what follows from it.
    pub(crate) what: String,
    /// What to do.
    pub(crate) next: String,
}

/// Everything that was found, the worst first.
pub(crate) fn examine(config: &Config, facts: &Facts) -> Vec<Finding> {
    let mut findings = rules::judge(config, facts);
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Examines and writes what was found, beside the warnings that reading the configuration gave; the exit status is 1 where
/// there is an error.
///
/// # Errors
/// If `out` takes nothing.
pub fn run(config: &Config, warnings: &[String], out: &mut dyn Write) -> io::Result<u8> {
    let facts = Facts::gather(config, Probe::Ports);
    for (address, reached) in &facts.reached {
        let how = if *reached { "reached from this machine" } else { "not reached from this machine" };
        writeln!(out, "UDP {address}: {how}")?;
    }
    let findings = examine(config, &facts);
    for warning in warnings {
        writeln!(out, "\nwarning: configuration: {warning}")?;
    }
    for Finding { severity, about, what, next } in &findings {
        writeln!(out, "\n{severity}: {about}: {what}\n  next: {next}")?;
    }
    let count = |wanted| findings.iter().filter(|finding| finding.severity == wanted).count();
    let (errors, notes) = (count(Severity::Error), count(Severity::Note));
    let warnings = count(Severity::Warning) + warnings.len();
    writeln!(out, "\n{errors} errors, {warnings} warnings, {notes} notes")?;
    Ok(u8::from(errors > 0))
}

/// Says in the log what was found, when the server starts. The ports are not tried: the server is about to bind them.
pub(crate) fn at_start(config: &Config) {
    for Finding { severity, about, what, next } in examine(config, &Facts::gather(config, Probe::Nothing)) {
        match severity {
            Severity::Error | Severity::Warning => tracing::warn!("{about}: {what}; {next}"),
            Severity::Note => tracing::debug!("{about}: {what}; {next}"),
        }
    }
}

#[cfg(test)]
mod tests;
