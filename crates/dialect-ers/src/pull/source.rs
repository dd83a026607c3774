//! What is pulled, as an operator writes it: `http://HOST:PORT/ROOM/STREAM`, and ` as NAME` if it is to appear otherwise.

use std::sync::Arc;

use patchbay_core::Name;

/// A stream in a room of a rendezvous server.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) room: String,
    /// Its name at the media server.
    pub(crate) stream: String,
    /// Its name here.
    pub(crate) name: Name,
    /// Shown to the rendezvous server.
    pub(crate) token: Option<Arc<str>>,
}

/// Where rendezvous servers listen, where nothing is said (ers.md section 1.1).
const PORT: u16 = 3535;
/// Longest name of a room or stream, in bytes (ers.md section 1.5, rule 7).
const NAME_BYTES: usize = 128;

impl Source {
    /// Reads one; `token` is shown to its server.
    ///
    /// # Errors
    /// What is wrong with it, and how it is to be written.
    pub fn parse(text: &str, token: Option<Arc<str>>) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("{why}; write http://HOST:PORT/ROOM/STREAM, and \" as NAME\" for another name here");
        let (url, name) = text.trim().rsplit_once(" as ").map_or((text.trim(), None), |(url, name)| (url, Some(name)));
        let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(wrong("it is no http address")),
        };
        let mut parts = rest.split('/');
        let (authority, room, stream) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(authority), Some(room), Some(stream), None) => (authority, room.trim(), stream.trim()),
            _ => return Err(wrong("it names no room and stream")),
        };
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong("its port is no port"))?),
            None => (authority, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(wrong("it names no host"));
        }
        for part in [room, stream] {
            // Media servers undo no escapes.
            let plain = !part.contains(['"', '\\']) && !part.chars().any(char::is_control);
            if part.is_empty() || part.len() > NAME_BYTES || !plain {
                return Err(wrong("its room or stream has no name that such servers know"));
            }
        }
        let name = Name::parse(name.unwrap_or(stream).trim()).ok();
        let name = name.filter(|name| !name.as_str().chars().any(char::is_control));
        let name = name.ok_or_else(|| wrong("the name is none of a stream here"))?;
        Ok(Self { host: host.into(), port, tls, room: room.to_owned(), stream: stream.to_owned(), name, token })
    }

    /// What it is called here.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_documented() {
        for (text, expected) in [
            ("http://ers.example:4545/den/cam", "ers.example 4545 false den cam cam"),
            ("https://10.0.0.1/my den/cam as porch", "10.0.0.1 3535 true my den cam porch"),
            (" http://[::1]:1/r/s as a ", "::1 1 false r s a"),
            ("http://[::1]/r/s", "::1 3535 false r s s"),
        ] {
            let read = Source::parse(text, None).map(|source| {
                let Source { host, port, tls, room, stream, name, .. } = &source;
                format!("{host} {port} {tls} {room} {stream} {}", name.as_str())
            });
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
        for (text, part) in [
            ("ers.example/den/cam", "no http address"),
            ("http://ers.example/den", "names no room and stream"),
            ("http://ers.example/den/cam/more", "names no room and stream"),
            ("http://ers.example:x/den/cam", "port"),
            ("http://ers.example:0/den/cam", "host"),
            ("http://:1/den/cam", "host"),
            ("http://h/den/", "no name that such servers know"),
            ("http://h/d\"n/cam", "no name that such servers know"),
            ("http://h/den/cam as a\u{1}b", "none of a stream here"),
        ] {
            let error = Source::parse(text, None).err().expect("an error");
            assert!(error.contains(part) && error.contains("write http://HOST"), "{text}: {error}");
        }
    }
}
