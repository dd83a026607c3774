//! Packets of Socket.IO protocol 1 (library 0.9.x): `type ':' [id ['+']] ':' [endpoint] [':' data]` (ers.md section 1.2).

/// A packet's kind, by the digit it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Disconnect,
    Connect,
    Heartbeat,
    Message,
    Json,
    Event,
    Ack,
    Error,
    Noop,
}

/// One packet, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) kind: Kind,
    /// By which an answer is asked for; empty if none is.
    pub(crate) id: &'a str,
    /// The answer is to carry arguments: the id was followed by `+`.
    pub(crate) with_data: bool,
    /// Empty: the default one.
    pub(crate) endpoint: &'a str,
    pub(crate) data: &'a str,
}

/// Longest id: those of clients count packets.
const ID_BYTES: usize = 20;

impl<'a> Packet<'a> {
    /// `None`: this is no packet.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let kind = match kind {
            "0" => Kind::Disconnect,
            "1" => Kind::Connect,
            "2" => Kind::Heartbeat,
            "3" => Kind::Message,
            "4" => Kind::Json,
            "5" => Kind::Event,
            "6" => Kind::Ack,
            "7" => Kind::Error,
            "8" => Kind::Noop,
            _ => return None,
        };
        // The library takes `2::` and `2:` alike.
        let (id, rest) = rest.split_once(':').unwrap_or((rest, ""));
        let (id, with_data) = id.strip_suffix('+').map_or((id, false), |id| (id, true));
        if id.len() > ID_BYTES || !id.bytes().all(|byte| byte.is_ascii_digit()) || (with_data && id.is_empty()) {
            return None;
        }
        let (endpoint, data) = rest.split_once(':').unwrap_or((rest, ""));
        Some(Self { kind, id, with_data, endpoint, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_the_library_writes_them() {
        let packet = |kind, id, with_data, endpoint, data| Some(Packet { kind, id, with_data, endpoint, data });
        for (text, expected) in [
            ("0::", packet(Kind::Disconnect, "", false, "", "")),
            ("0::/room", packet(Kind::Disconnect, "", false, "/room", "")),
            ("1::", packet(Kind::Connect, "", false, "", "")),
            ("2::", packet(Kind::Heartbeat, "", false, "", "")),
            ("2:", packet(Kind::Heartbeat, "", false, "", "")),
            ("3:1::a:b", packet(Kind::Message, "1", false, "", "a:b")),
            (
                r#"5:1+::{"name":"join","args":["r"]}"#,
                packet(Kind::Event, "1", true, "", r#"{"name":"join","args":["r"]}"#),
            ),
            ("6:::1+[null]", packet(Kind::Ack, "", false, "", "1+[null]")),
            ("7:::1+0", packet(Kind::Error, "", false, "", "1+0")),
            ("8::", packet(Kind::Noop, "", false, "", "")),
            ("", None),
            ("5", None),
            ("9::", None),
            ("55::", None),
            ("5:+::{}", None),
            ("5:x::{}", None),
            ("5:123456789012345678901::{}", None),
        ] {
            assert_eq!(Packet::parse(text), expected, "{text}");
        }
    }
}
