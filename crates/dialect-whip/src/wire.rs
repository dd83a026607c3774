//! Headers and bodies, in and out.

use patchbay_core::{Kinds, Name, Rendition};
use patchbay_dialect_kit::IceServer;
use patchbay_dialect_kit::http::{Reply, Request};
use patchbay_dialect_kit::json::{self, Cursor};

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
pub(crate) const JSON: &str = "application/json";

/// What is to be done (RFC 9110 section 9); methods are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Delete,
    Get,
    Options,
    Patch,
    Post,
    Other,
}

impl Method {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match request.method {
            "DELETE" => Self::Delete,
            "GET" => Self::Get,
            "OPTIONS" => Self::Options,
            "PATCH" => Self::Patch,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

/// The extension by which a player chooses among renditions (draft-ietf-wish-whep, its extension for layers).
const LAYER: &str = "urn:ietf:params:whep:ext:core:layer";

/// A stream's name: as everywhere, 1 to 256 of `A-Z a-z 0-9 . _ -`.
pub(crate) fn stream_name(text: &str) -> Option<Name> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.bytes().all(legal) { Name::parse(text).ok() } else { None }
}

/// Whether the body is of that media type, whatever its parameters.
pub(crate) fn is_of_type(request: &Request<'_>, media_type: &str) -> bool {
    let given = request.header("content-type").unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}

/// What an offer has sections for; `None` if it is no description.
pub(crate) fn kinds(sdp: &str) -> Option<Kinds> {
    let has = |kind: &str| sdp.lines().any(|line| line.strip_prefix("m=").is_some_and(|media| media.starts_with(kind)));
    let described = sdp.starts_with("v=0") && sdp.lines().any(|line| line.starts_with("m="));
    described.then(|| Kinds { audio: has("audio "), video: has("video ") })
}

/// How a request says which state of the resource it is about (RFC 9725 section 4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch<'a> {
    Missing,
    Any,
    Tags(&'a str),
}

impl<'a> IfMatch<'a> {
    pub(crate) fn of(request: &Request<'a>) -> Self {
        match request.header("if-match") {
            None => Self::Missing,
            // RFC 9725 writes it with quotes in its examples, RFC 9110 section 13.1.1 without.
            Some("*" | "\"*\"") => Self::Any,
            Some(tags) => Self::Tags(tags),
        }
    }

    /// Whether that tag is among them. Clients that lose the quotes are understood.
    pub(crate) fn has(self, tag: &str) -> bool {
        match self {
            Self::Missing => false,
            Self::Any => true,
            Self::Tags(tags) => tags.split(',').any(|one| one.trim().trim_matches('"') == tag),
        }
    }
}

/// The entity tag as a header has it.
pub(crate) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// With a `Link` for each ICE server (RFC 9725 section 4.6).
pub(crate) fn with_ice_servers(reply: Reply, servers: &[IceServer]) -> Reply {
    servers.iter().fold(reply, |reply, server| {
        let mut link = format!("<{}>; rel=\"ice-server\"", server.uri);
        if !server.username.is_empty() {
            let (username, credential) = (escaped(&server.username), escaped(&server.credential));
            link.push_str(&format!(
                "; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
            ));
        }
        reply.with("link", link)
    })
}

/// What may stand between quotes in a header (RFC 9110 section 5.6.4).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// With a `Link` to where a player chooses among renditions.
pub(crate) fn with_layers(reply: Reply, location: &str) -> Reply {
    reply.with("link", format!("<{location}/layers>; rel=\"{LAYER}\""))
}

/// The renditions that a section can be sent, highest first.
pub(crate) fn layers(mid: &str, renditions: &[Rendition]) -> Vec<u8> {
    let mut out = b"{\"media\":{".to_vec();
    json::write_string(&mut out, mid);
    out.extend_from_slice(b":{\"active\":[");
    for (index, Rendition { width, height, bps }) in renditions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let one = format!("{{\"encodingId\":\"{height}\",\"width\":{width},\"height\":{height},\"bitrate\":{bps}}}");
        out.extend_from_slice(one.as_bytes());
    }
    out.extend_from_slice(b"]}}}");
    out
}

/// The rendition that a player chooses: `Some(None)` is the server's choice; `None` if it is no choice at all.
pub(crate) fn chosen_layer(body: &[u8]) -> Option<Option<u32>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut cursor = Cursor::new(text);
    let mut encoding = None;
    let read = cursor.object(|key, value| {
        if key == "encodingId" {
            encoding = Some(value.raw()?.trim_matches('"').to_owned());
            return Ok(());
        }
        value.skip()
    });
    if read.is_err() || !cursor.at_end() {
        return None;
    }
    match encoding.as_deref() {
        None | Some("null") => Some(None),
        Some(height) => height.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_other_characters() {
        assert_eq!(stream_name("cam_1.a-B").expect("a name").as_str(), "cam_1.a-B");
        for bad in ["", "a b", "a/b", "a%20b", "ü", &"x".repeat(257)] {
            assert!(stream_name(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_offer_tells_its_kinds() {
        let audio = Kinds { audio: true, video: false };
        assert_eq!(kinds("v=0\r\nm=audio 9\r\nm=application 9\r\n"), Some(audio));
        assert_eq!(kinds("v=0\r\nm=audio 9\r\nm=video 9\r\n"), Some(Kinds::ALL));
        assert_eq!(kinds("v=0\r\nm=application 9\r\n"), Some(Kinds::NONE));
        assert_eq!((kinds("v=0\r\n"), kinds("m=audio 9\r\n"), kinds("")), (None, None, None));
    }

    #[test]
    fn a_tag_is_found_in_a_list() {
        assert!(IfMatch::Tags("\"a\", \"b\"").has("b") && IfMatch::Tags("a").has("a") && IfMatch::Any.has("x"));
        assert!(!IfMatch::Tags("\"a\"").has("b") && !IfMatch::Missing.has("a"));
    }

    #[test]
    fn a_layer_is_chosen_or_left_to_the_server() {
        for (body, expected) in [
            (r#"{"mediaId":"1","encodingId":"720"}"#, Some(Some(720))),
            (r#"{"encodingId":360}"#, Some(Some(360))),
            (r#"{"mediaId":"1"}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"encodingId":null}"#, Some(None)),
            (r#"{"encodingId":"high"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(chosen_layer(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn quotes_of_a_credential_do_not_end_it() {
        let server = IceServer { uri: "turn:t".into(), username: "u".into(), credential: "a\"b\\".into() };
        let reply = with_ice_servers(Reply::new(204), &[server]);
        let link = r#"<turn:t>; rel="ice-server"; username="u"; credential="a\"b\\"; credential-type="password""#;
        assert_eq!(reply.headers, [("link", link.to_owned())]);
    }
}
