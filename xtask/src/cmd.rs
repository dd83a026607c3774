//! One external command: run it, and say how a person would repeat it.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::paths;

#[derive(Debug, Clone)]
pub(crate) struct Cmd {
    program: String,
    args: Vec<String>,
    /// Folder below the repository's root; empty for the root itself.
    dir: &'static str,
    env: Vec<(&'static str, String)>,
    shown_as: Option<String>,
}

impl Cmd {
    pub(crate) fn new(line: &str) -> Self {
        let mut words = line.split_whitespace().map(str::to_owned);
        Self {
            program: words.next().unwrap_or_default(),
            args: words.collect(),
            dir: "",
            env: Vec::new(),
            shown_as: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn dir(mut self, dir: &'static str) -> Self {
        self.dir = dir;
        self
    }

    pub(crate) fn env(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.env.push((key, value.into()));
        self
    }

    /// Another of our own commands; people repeat it through cargo.
    pub(crate) fn xtask(line: &str) -> Self {
        let mut cmd = Self::new(line);
        cmd.args.insert(0, cmd.program);
        cmd.program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("xtask")).to_string_lossy().into_owned();
        cmd.shown_as = Some(format!("cargo xtask {line}"));
        cmd
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(paths::root().join(self.dir));
        if let Some(path) = paths::search_path() {
            command.env("PATH", path);
        }
        for (key, value) in &self.env {
            command.env(key, value);
        }
        command
    }

    /// Whether it runs at all and ends well; nothing is shown.
    pub(crate) fn quietly(&self) -> bool {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// What it writes to stdout, if it ends well.
    pub(crate) fn stdout(&self) -> Option<String> {
        let output = self.command().stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// As one would type it at the repository's root.
impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_dir = !self.dir.is_empty();
        if in_dir {
            write!(f, "(cd {} && ", self.dir)?;
        }
        for (key, value) in &self.env {
            write!(f, "{key}={} ", quoted(value))?;
        }
        match &self.shown_as {
            Some(line) => write!(f, "{line}")?,
            None => {
                write!(f, "{}", quoted(&self.program))?;
                for arg in &self.args {
                    write!(f, " {}", quoted(arg))?;
                }
            }
        }
        if in_dir {
            write!(f, ")")?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_one_would_type() {
        let cmd = Cmd::new("npm test").dir("e2e").env("E2E_ONLY", "chat both").arg("it's");
        assert_eq!(cmd.to_string(), r"(cd e2e && E2E_ONLY='chat both' npm test 'it'\''s')");
        assert_eq!(Cmd::xtask("netns -- npm test").to_string(), "cargo xtask netns -- npm test");
    }

    #[test]
    fn a_missing_program_is_a_plain_no() {
        assert!(!Cmd::new("no-such-program-at-all").quietly());
        assert_eq!(Cmd::new("no-such-program-at-all").stdout(), None);
    }
}
