//! What is asked: the query, and the commands.

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A token of players.
    Token,
    /// An allowed room.
    Room,
    /// A token of media servers.
    ServerToken,
}

impl Thing {
    /// Its key in answers.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Token | Self::ServerToken => "token",
            Self::Room => "room",
        }
    }
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Version,
    Add(Thing),
    Remove(Thing),
    List(Thing),
}

/// The commands by their names; also the list of the page. Names are accepted in any case.
const COMMANDS: [(&str, Command); 11] = [
    ("version", Command::Version),
    ("addToken", Command::Add(Thing::Token)),
    ("delToken", Command::Remove(Thing::Token)),
    ("listTokens", Command::List(Thing::Token)),
    ("addRoom", Command::Add(Thing::Room)),
    ("delRoom", Command::Remove(Thing::Room)),
    ("listRooms", Command::List(Thing::Room)),
    ("addEMSToken", Command::Add(Thing::ServerToken)),
    ("delEMSToken", Command::Remove(Thing::ServerToken)),
    ("listEMSToken", Command::List(Thing::ServerToken)),
    ("listEMSTokens", Command::List(Thing::ServerToken)),
];

/// The command of that name.
pub(super) fn find(name: &str) -> Option<Command> {
    COMMANDS.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, command)| *command)
}

/// The first value of a parameter, decoded; `None` if there is none, or no text.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(of, _)| *of == name)?;
    decoded(value)
}

/// Percent-encoding as forms write it; what is no encoding stays as it is.
fn decoded(value: &str) -> Option<String> {
    let (bytes, mut out, mut at) = (value.as_bytes(), Vec::with_capacity(value.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let encoded = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).and_then(hex);
        match (byte, encoded) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        for (query, expected) in [
            ("c=version&i=", Some("")),
            ("c=version", None),
            ("i=a&i=b", Some("a")),
            ("i=a%20b+c%2B%C3%A9", Some("a b c+é")),
            ("i=100%", Some("100%")),
            ("i=%zz%4", Some("%zz%4")),
            ("i=%ff", None),
            ("j=i&xi=1&i=a=b", Some("a=b")),
            ("", None),
        ] {
            assert_eq!(parameter(query, "i").as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn commands_are_found_in_any_case() {
        assert_eq!(find("VERSION"), Some(Command::Version));
        assert_eq!(find("addemstoken"), Some(Command::Add(Thing::ServerToken)));
        assert_eq!(find("listEMSTokens"), find("listEMSToken"));
        assert_eq!(find("shutdown"), None);
    }
}
