//! Which events are logged: `info`, `info,patchbay_server=debug`, …

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A level of detail; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing at all.
    Off,
    /// The server could not do what it is there for.
    Error,
    /// Something an operator should look at.
    Warn,
    /// The course of the process.
    Info,
    /// The course of a connection.
    Debug,
    /// Every message.
    Trace,
}

impl Level {
    const NAMES: [(&'static str, Self); 6] = [
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    fn named(text: &str) -> Option<Self> {
        let mut names = Self::NAMES.into_iter();
        names.find_map(|(name, level)| name.eq_ignore_ascii_case(text).then_some(level))
    }
}

/// A level for everything and other levels for named targets (a target is a module path, or its beginning).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Levels {
    /// What no target below names; `info` where only targets were given.
    pub default: Level,
    /// Module path and level.
    pub targets: Vec<(String, Level)>,
}

impl FromStr for Levels {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, LevelsError> {
        let mut levels = Self { default: Level::Info, targets: Vec::new() };
        let mut bare = 0;
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                // A misspelled level must not pass as the name of a target that nobody has.
                None => {
                    levels.default = Level::named(part).ok_or(LevelsError)?;
                    bare += 1;
                }
                Some((target, level)) => {
                    let level = Level::named(level.trim()).ok_or(LevelsError)?;
                    let target = target.trim();
                    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_:".contains(&b);
                    if target.is_empty() || !target.bytes().all(plain) {
                        return Err(LevelsError);
                    }
                    levels.targets.push((target.to_owned(), level));
                }
            }
        }
        if bare > 1 { Err(LevelsError) } else { Ok(levels) }
    }
}

/// The text is no list of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelsError;

impl LevelsError {
    pub(super) const ACTION: &'static str = "write one of off, error, warn, info, debug, trace, \
        and beside it target=level pairs, e.g. \"info,patchbay_server=debug\"";
}

impl fmt::Display for LevelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ACTION)
    }
}

impl std::error::Error for LevelsError {}

impl TryFrom<String> for Levels {
    type Error = LevelsError;

    fn try_from(text: String) -> Result<Self, LevelsError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_targets() {
        let levels: Levels = " WARN , patchbay_server::ws = debug ".parse().expect("valid");
        assert_eq!(levels.default, Level::Warn);
        assert_eq!(levels.targets, [("patchbay_server::ws".to_owned(), Level::Debug)]);
        let only: Levels = "patchbay_server=trace".parse().expect("valid");
        assert_eq!(only.default, Level::Info);
    }

    #[test]
    fn misspellings_are_refused() {
        for text in ["", "inof", "info,", "info,debug", "x=loud", "=info", "a b=info", "a=b=c", "3"] {
            assert_eq!(text.parse::<Levels>(), Err(LevelsError), "{text}");
        }
    }
}
