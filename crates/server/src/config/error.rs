//! What was wrong, where, and what to do about it.

use std::fmt;

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A configuration file; the line counts from 1, and is missing where the whole file is meant.
    File {
        /// The path as it was given.
        path: String,
        /// The line of the key.
        line: Option<usize>,
    },
    /// An environment variable, by its name.
    Env(String),
    /// A flag, as it is written on the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths and names come from outside: escaped, so that one error stays one line.
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: None } => write!(f, "{}", path.escape_debug()),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.escape_debug()),
            Self::Env(name) => write!(f, "environment variable {}", name.escape_debug()),
            Self::Flag(flag) => write!(f, "flag {}", flag.escape_debug()),
        }
    }
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the wrong setting stands.
    pub source: Source,
    /// The cause.
    pub problem: String,
    /// What the operator should do next.
    pub action: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.source, self.problem, self.action)
    }
}

/// Everything that is wrong with the configuration, one line each; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            let line_break = if n == 0 { "" } else { "\n" };
            write!(f, "{line_break}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
impl std::error::Error for ConfigErrors {}

/// A value that its key does not take: a [`ConfigError`] that does not know its source yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) problem: String,
    pub(super) action: String,
}

impl Fault {
    pub(super) fn new(problem: impl Into<String>, action: impl Into<String>) -> Self {
        Self { problem: problem.into(), action: action.into() }
    }

    pub(super) fn at(self, source: Source) -> ConfigError {
        ConfigError { source, problem: self.problem, action: self.action }
    }
}

/// A value as an error shows it: quoted, escaped, and cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(SHOWN_CHARS).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("{head:?}{rest}")
}
