//! What commands ask for, and what is wrong with those that ask for nothing: in the original's order of checks and in its
//! words (ers.md sections 2.2 and 2.3).

use std::net::IpAddr;

use super::answer::Answer;
use super::parse::{Given, Typed, escape};
use super::value::Value;

/// Longest name of a room or a host, and longest token, in bytes: every rendezvous server's are shorter, and each
/// connection holds its own.
const TEXT_BYTES: usize = 256;
/// Parameters of one's own (`_…`) that are copied into an answer and kept.
const OWN: usize = 16;

/// A command that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Version,
    Help,
    Quit,
    Start(Start),
    Stop(Filter),
    List,
    Info {
        id: u64,
    },
    Remove {
        id: u64,
    },
    Send(Send),
    /// `None`: the key is asked for.
    Shutdown {
        key: Option<String>,
    },
}

/// What `startWebrtc` is given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// A name; empty if an address was given.
    pub(crate) ers: String,
    /// An address; empty until the name has been looked up.
    pub(crate) ersip: String,
    pub(crate) port: u16,
    pub(crate) room: String,
    pub(crate) token: String,
    pub(crate) keep_alive: bool,
    pub(crate) tls: bool,
    /// Parameters that begin with `_`.
    pub(crate) own: Vec<(String, String)>,
}

/// Rooms and tokens are secrets of two.
impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Start({}, keep alive {}, tls {})", self.port, self.keep_alive, self.tls)
    }
}

/// What `stopWebrtc` is given: empty and 0 stand for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) ersip: String,
    pub(crate) port: u16,
    pub(crate) room: String,
}

/// What `sendWebRTCCommand` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) command: String,
    pub(crate) stream: String,
    pub(crate) argument: String,
    pub(crate) base64: bool,
}

impl Request {
    /// # Errors
    /// The answer to a command that cannot be carried out.
    pub(crate) fn read(typed: &Typed) -> Result<Self, Answer> {
        match typed.command.as_str() {
            "version" => Ok(Self::Version),
            "help" => Ok(Self::Help),
            "quit" => Ok(Self::Quit),
            "startwebrtc" => Start::read(typed).map(Self::Start),
            "stopwebrtc" => Filter::read(typed).map(Self::Stop),
            "listconfig" | "listpullpushconfig" => Ok(Self::List),
            "getconfiginfo" => {
                has_parameters(typed)?;
                let (id, _) = number(typed, "id", 0, u64::MAX)?.ok_or_else(|| invalid("id"))?;
                Ok(Self::Info { id })
            }
            "removeconfig" | "removepullpushconfig" => {
                has_parameters(typed)?;
                match typed.given("id") {
                    Some(_) => {
                        let (id, _) = number(typed, "id", 0, u32::MAX.into())?.ok_or_else(|| invalid("id"))?;
                        if id == 0 {
                            Err(Answer::failure("No id nor group name provided"))
                        } else {
                            Ok(Self::Remove { id })
                        }
                    }
                    // Groups are of file formats that are not made here: none has a configuration in it.
                    None if typed.text("groupName").is_some_and(|group| !group.is_empty()) => {
                        Ok(Self::Remove { id: 0 })
                    }
                    None => Err(Answer::failure("No id nor group name provided")),
                }
            }
            "sendwebrtccommand" => Send::read(typed).map(Self::Send),
            "shutdownserver" if typed.parameters.iter().all(|(key, _)| key.eq_ignore_ascii_case("commandId")) => {
                Ok(Self::Shutdown { key: None })
            }
            "shutdownserver" => Ok(Self::Shutdown { key: Some(mandatory(typed, "key")?.to_owned()) }),
            other => Err(Answer::failure(format!("command {other} not known. Type help for list of commands"))),
        }
    }
}

impl Start {
    fn read(typed: &Typed) -> Result<Self, Answer> {
        has_parameters(typed)?;
        let (_, port) = number(typed, "ersport", 1, u16::MAX.into())?.ok_or_else(|| invalid("ersport"))?;
        let room = bounded(mandatory(typed, "roomid")?, "roomid")?;
        let ers = bounded(typed.text("ers").unwrap_or_default(), "ers")?;
        let ersip = typed.text("ersip").unwrap_or_default();
        let own =
            typed.parameters.iter().filter(|(key, _)| key.starts_with('_')).filter_map(|(key, given)| match given {
                Given::One(text) => Some((key.clone(), text.clone())),
                Given::Several(_) => None,
            });
        let start = Self {
            ersip: ersip.to_owned(),
            port,
            room,
            token: bounded(typed.text("token").unwrap_or_default(), "token")?,
            keep_alive: boolean(typed, "keepAlive", true),
            tls: boolean(typed, "ersOverSsl", false),
            own: own.take(OWN).collect(),
            ers,
        };
        if start.ers.is_empty() && ersip.is_empty() {
            return Err(Answer::failure("No ers parameter passed"));
        }
        // DECISIONS 28. Beside a name, an address that comes with it is of no use.
        match ersip.parse::<IpAddr>() {
            Err(_) if start.ers.is_empty() => Err(invalid("ersip")),
            Err(_) => Ok(Self { ersip: String::new(), ..start }),
            Ok(_) => Ok(start),
        }
    }

    /// Whom it connects to.
    pub(crate) fn host(&self) -> &str {
        if self.ers.is_empty() { &self.ersip } else { &self.ers }
    }

    /// Whether both are for the same room of the same server (DECISIONS 30).
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.host().eq_ignore_ascii_case(other.host()) && self.port == other.port && self.room == other.room
    }

    /// What is kept of it, in the order of the seed; the number is that of the configuration.
    pub(crate) fn entry(&self, id: u64) -> Vec<(&'static str, Value)> {
        vec![
            ("configId", Value::Number(id)),
            ("ers", Value::text(&*self.ers)),
            ("ersip", Value::text(&*self.ersip)),
            ("ersport", Value::Number(self.port.into())),
            ("keepAlive", Value::Bool(self.keep_alive)),
            ("operationType", Value::Number(9)),
            ("roomid", Value::text(&*self.room)),
            ("token", Value::text(&*self.token)),
        ]
    }

    /// The command that starts it, to be stored.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("startwebrtc ersport={} keepAlive=", self.port);
        line.push(if self.keep_alive { '1' } else { '0' });
        line.push_str(if self.tls { " ersOverSsl=1" } else { "" });
        let fixed = [("ers", &self.ers), ("ersip", &self.ersip), ("roomid", &self.room), ("token", &self.token)];
        let own = self.own.iter().map(|(key, value)| (key.as_str(), value));
        for (key, value) in fixed.into_iter().chain(own) {
            line.push(' ');
            escape(&mut line, key);
            line.push('=');
            escape(&mut line, value);
        }
        line
    }
}

impl Filter {
    fn read(typed: &Typed) -> Result<Self, Answer> {
        let text = |key| typed.text(key).unwrap_or_default().to_owned();
        let port = number(typed, "ersport", 0, u16::MAX.into())?.map_or(0, |(_, port)| port);
        Ok(Self { ersip: text("ersip"), port, room: text("roomid") })
    }

    pub(crate) fn matches(&self, start: &Start) -> bool {
        let address = self.ersip.is_empty()
            || self.ersip.eq_ignore_ascii_case(&start.ersip)
            || self.ersip.eq_ignore_ascii_case(&start.ers);
        let port = self.port == 0 || self.port == start.port;
        address && port && (self.room.is_empty() || self.room == start.room)
    }

    pub(crate) fn data(&self) -> Value {
        Value::map([
            ("ersip", Value::text(&*self.ersip)),
            ("ersport", Value::Number(self.port.into())),
            ("roomid", Value::text(&*self.room)),
        ])
    }
}

impl Send {
    fn read(typed: &Typed) -> Result<Self, Answer> {
        let wanted = [
            ("command", "missing command "),
            ("localstreamname", "missing targetstream "),
            ("argument", "missing argument "),
        ];
        let missing: String =
            wanted.iter().filter(|(key, _)| typed.text(key).is_none()).map(|(_, words)| *words).collect();
        if !missing.is_empty() {
            return Err(Answer::failure(missing));
        }
        let text = |key| mandatory(typed, key).map(ToOwned::to_owned);
        let (command, stream, argument) = (text("command")?, text("localstreamname")?, text("argument")?);
        Ok(Self { command, stream, argument, base64: boolean(typed, "base64", false) })
    }

    pub(crate) fn data(&self) -> Value {
        Value::map([
            ("argument", Value::text(&*self.argument)),
            ("base64", Value::text(if self.base64 { "true" } else { "false" })),
            ("command", Value::text(&*self.command)),
            ("localstreamname", Value::text(&*self.stream)),
        ])
    }
}

fn invalid(key: &str) -> Answer {
    Answer::failure(format!("Syntax error. Parameter {key} is invalid"))
}

fn has_parameters(typed: &Typed) -> Result<(), Answer> {
    if typed.parameters.is_empty() { Err(Answer::failure("Syntax error. No parameters provided")) } else { Ok(()) }
}

fn mandatory<'a>(typed: &'a Typed, key: &str) -> Result<&'a str, Answer> {
    typed.text(key).filter(|text| !text.is_empty()).ok_or_else(|| invalid(key))
}

fn bounded(text: &str, key: &str) -> Result<String, Answer> {
    let fits = text.len() <= TEXT_BYTES && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(invalid(key)) }
}

/// Canonical decimal only: no sign, no zero in front. The number, and as a port.
fn number(typed: &Typed, key: &str, least: u64, most: u64) -> Result<Option<(u64, u16)>, Answer> {
    let Some(text) = typed.text(key) else { return Ok(None) };
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text).ok_or_else(|| invalid(key))?;
    if number < least || number > most {
        return Err(Answer::failure(format!("Syntax error. Parameter {key} is invalid. Range: {least} - {most}")));
    }
    Ok(Some((number, u16::try_from(number).unwrap_or_default())))
}

/// As C's `atoi` reads it, and the two words, which the original takes for 0.
fn boolean(typed: &Typed, key: &str, default: bool) -> bool {
    let Some(text) = typed.text(key) else { return default };
    if text.eq_ignore_ascii_case("true") {
        return true;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.bytes().take_while(u8::is_ascii_digit).any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, String> {
        Request::read(&Typed::parse(line)).map_err(|answer| answer.description)
    }

    fn start(line: &str) -> Start {
        match read(line) {
            Ok(Request::Start(start)) => start,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_order() {
        let (port, room) = ("Syntax error. Parameter ersport is invalid", "Syntax error. Parameter roomid is invalid");
        let range = "Syntax error. Parameter ersport is invalid. Range: 1 - 65535";
        let address = "Syntax error. Parameter ersip is invalid";
        for (line, expected) in [
            ("foo bar=1", "command foo not known. Type help for list of commands"),
            ("FOO", "command foo not known. Type help for list of commands"),
            ("startWebrtc", "Syntax error. No parameters provided"),
            ("startWebrtc commandId=1", port),
            ("startWebrtc ersip=1.2.3.4 roomid=r", port),
            ("startWebrtc ersport=03535 roomid=r", port),
            ("startWebrtc ersport=+1 roomid=r", port),
            ("startWebrtc ersport=1,2 roomid=r", port),
            ("startWebrtc ersport=0", range),
            ("startWebrtc ersport=65536 roomid=r", range),
            ("startWebrtc ersport=3535", room),
            ("startWebrtc ersport=3535 roomid=", room),
            ("startWebrtc ersport=3535 roomid=a,b ersip=1.2.3.4", room),
            ("startWebrtc ersport=3535 roomid=r", "No ers parameter passed"),
            ("startWebrtc ersip= ersport=3535 roomid=testRoom", "No ers parameter passed"),
            ("startWebrtc ersip=nowhere ersport=3535 roomid=r", address),
            ("getConfigInfo", "Syntax error. No parameters provided"),
            ("getConfigInfo id=x", "Syntax error. Parameter id is invalid"),
            ("removeConfig", "Syntax error. No parameters provided"),
            ("removeConfig x=1", "No id nor group name provided"),
            ("removeConfig id=0", "No id nor group name provided"),
            ("stopWebrtc ersport=70000", "Syntax error. Parameter ersport is invalid. Range: 0 - 65535"),
            ("sendWebRTCCommand argument=a", "missing command missing targetstream "),
            ("shutdownServer key=", "Syntax error. Parameter key is invalid"),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn names_have_any_case_and_values_their_own() {
        let start = start("STARTWEBRTC ERSIP=127.0.0.1 ersPort=3535 roomId=testRoom Token=T keepalive=0 _x=1 other=2");
        assert_eq!((start.host(), start.port, &*start.room, &*start.token), ("127.0.0.1", 3535, "testRoom", "T"));
        assert!(!start.keep_alive && !start.tls);
        assert_eq!(start.own, [("_x".to_owned(), "1".to_owned())]);
        assert_eq!(read("listPullPushConfig"), Ok(Request::List));
        assert_eq!(read("shutdownserver commandId=3"), Ok(Request::Shutdown { key: None }));
        assert_eq!(read("removeConfig groupName=g"), Ok(Request::Remove { id: 0 }));
    }

    #[test]
    fn switches_are_read_as_the_original_reads_them_and_in_words() {
        for (text, on) in [
            ("1", true),
            ("0", false),
            ("true", true),
            ("false", false),
            ("yes", false),
            ("-1", true),
            ("007x", true),
            ("", false),
        ] {
            let line = format!("startwebrtc ersip=::1 ersport=1 roomid=r keepAlive={text}");
            assert_eq!(start(&line).keep_alive, on, "{text}");
        }
    }

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        for line in [
            r"startwebrtc ers=ers.example.com ersport=3535 roomid=a\ b\=c\,d\\ token=t,u _k=v\ w ersOverSsl=1 keepAlive=0",
            "startwebrtc ersip=::1 ersport=1 roomid=r",
        ] {
            let first = start(line);
            assert_eq!(start(&first.line()), first, "{line}");
        }
    }

    #[test]
    fn a_filter_s_blanks_match_anything() {
        let of = start("startwebrtc ersip=127.0.0.1 ersport=3535 roomid=r");
        let filter = |line: &str| match read(line) {
            Ok(Request::Stop(filter)) => filter.matches(&of),
            other => panic!("{other:?}"),
        };
        assert!(
            filter("stopwebrtc") && filter("stopwebrtc ersip=127.0.0.1") && filter("stopwebrtc roomid=r ersport=3535")
        );
        assert!(
            !filter("stopwebrtc ersport=1") && !filter("stopwebrtc roomid=R") && !filter("stopwebrtc ersip=127.0.0.2")
        );
    }
}
