//! The runtime API: commands, what they ask for, and their answers (ers.md sections 2.1 to 2.3). No behaviour: who keeps
//! the list of configurations is [`super::book`].

pub(crate) mod answer;
mod help;
pub(crate) mod http;
pub(crate) mod parse;
pub(crate) mod value;
pub(crate) mod wire;

use self::answer::Answer;
use self::value::Value;

/// What can be answered without knowing anything.
pub(crate) fn version() -> Answer {
    let text = Value::text;
    let data = Value::map([
        ("banner", text(concat!("Patchbay ", env!("CARGO_PKG_VERSION")))),
        ("branchName", text("")),
        ("buildDate", text("")),
        ("buildNumber", text(env!("CARGO_PKG_VERSION"))),
        ("codeName", text("Patchbay")),
        ("hash", text("")),
        ("releaseNumber", text(env!("CARGO_PKG_VERSION"))),
    ]);
    Answer::success("Version", data).showing(&["releaseNumber", "banner", "buildDate", "buildNumber", "codeName"])
}

/// The commands there are.
pub(crate) fn help() -> Answer {
    let shown = &["command", "description", "parameters", "defaultValue", "mandatory", "name"];
    Answer::success("Available commands", help::list()).showing(shown)
}

/// The last word of a connection.
pub(crate) fn bye() -> Answer {
    Answer::success("Bye!", Value::Null)
}
