//! The doors of a dialect: where its clients come in, and who is let in there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use patchbay_dialect_kit::{At, Codec, Endpoint, Spec, Subprotocol};
use subtle::{Choice, ConstantTimeEq};

use crate::config::{ListenAddr, Networks, OriginPolicy};
use crate::socketio;

/// One place where a dialect's clients connect.
#[derive(Clone)]
pub struct Door {
    /// Where it is.
    pub at: Place,
    /// Which origins it admits.
    pub origins: OriginPolicy,
    /// Which tokens it admits; `None` = it asks for none.
    pub tokens: Option<Tokens>,
    /// What a request that is no upgrade is answered: 200, this text. `None`: 426, or at [`Place::Root`] the web app.
    pub plain: Option<&'static str>,
    /// Which of the offered subprotocols is agreed to.
    pub subprotocol: Subprotocol,
    /// The end of its path, for a door to which requests come instead of upgrades.
    pub requests: Option<&'static str>,
    /// Each of them is a party of its own ([`Codec::Exchange`]).
    pub once: bool,
    /// Whose they may be; `None`: anybody's. On a listener of its own, the dialect says it to the others in its own words.
    pub callers: Option<Networks>,
    /// Socket.IO is spoken there ([`Codec::SocketIo`]): handshakes, upgrades and polls below one folder.
    pub socket_io: bool,
    /// Where it is a listener of its own: the player's page is there, too.
    pub demo: bool,
}

/// Where a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path of the HTTP and HTTPS listeners.
    Path(String),
    /// What is below a path of the HTTP and HTTPS listeners.
    Tree(String),
    /// `/` of the HTTP and HTTPS listeners, for upgrades alone.
    Root,
    /// A listener of its own, where every path is the door. One for each dialect: the ready line names it by the
    /// dialect.
    Own(ListenAddr),
}

/// What an operator can set about the doors of a dialect.
pub struct Setting<'a> {
    /// The path, for the endpoints that have one, or that of the application that they are below.
    pub path: &'a str,
    /// Where the dialect's own listener is bound.
    pub listen: Option<&'a ListenAddr>,
    /// A dialect's own listener without an address is bound to its native one.
    pub native_ports: bool,
    /// Which origins are admitted.
    pub origins: OriginPolicy,
    /// Which tokens are admitted.
    pub tokens: Option<Tokens>,
}

impl Door {
    /// The doors of all endpoints of a dialect, as set; an own listener that nobody asked for is left out.
    ///
    /// # Panics
    /// If a native address in the specification is none; `tests/workspace.rs` reads them all.
    #[must_use]
    pub fn all(spec: &Spec, setting: &Setting<'_>) -> Vec<Self> {
        let door = |endpoint: &Endpoint| {
            let at = match endpoint.at {
                // Its clients have that path built in.
                At::Path(_) if endpoint.codec == Codec::SocketIo => Place::Tree(socketio::PATH.to_owned()),
                At::Path(_) => Place::Path(setting.path.to_owned()),
                At::Below(tail) if endpoint.codec != Codec::WebSocket => Place::Tree(format!("{}{tail}", setting.path)),
                At::Below(tail) => Place::Path(format!("{}{tail}", setting.path)),
                At::Root => Place::Root,
                // Listeners for doors that are doors already: `Ports`.
                At::Ports { .. } => return None,
                At::Own { native } => {
                    let native = || native.parse().expect("a native address is one");
                    let open = setting.listen.cloned().or_else(|| setting.native_ports.then(native));
                    Place::Own(open?)
                }
            };
            Some(Self {
                at,
                origins: setting.origins.clone(),
                tokens: setting.tokens.clone(),
                plain: endpoint.plain,
                subprotocol: endpoint.subprotocol,
                requests: match (&endpoint.codec, &endpoint.at) {
                    (Codec::Http | Codec::Exchange, At::Below(tail)) => Some(tail),
                    (Codec::Exchange, At::Own { .. }) => Some(""),
                    _ => None,
                },
                once: endpoint.codec == Codec::Exchange,
                callers: None,
                socket_io: endpoint.codec == Codec::SocketIo,
                demo: false,
            })
        };
        spec.endpoints.iter().filter_map(door).collect()
    }
}

/// The listeners that a dialect has for its paths: those that are set, else the native ones if they are wanted; the
/// secure one of them only where there is a certificate.
///
/// # Panics
/// As [`Door::all`].
pub(crate) fn ports(spec: &Spec, listen: &[ListenAddr], native_ports: bool, certificate: bool) -> Vec<ListenAddr> {
    if !listen.is_empty() || !native_ports {
        return listen.to_vec();
    }
    let native = |endpoint: &Endpoint| match endpoint.at {
        At::Ports { plain, secure } => Some(std::iter::once(plain).chain(certificate.then_some(secure))),
        _ => None,
    };
    let addresses = spec.endpoints.iter().filter_map(native).flatten();
    addresses.map(|address| address.parse().expect("a native address is one")).collect()
}

/// Secrets of which a client must show one in its handshake. They have no `Debug` and are in no message.
#[derive(Clone)]
pub struct Tokens(Arc<[Box<[u8]>]>);

impl Tokens {
    /// Reads a file with one token per line; `key` is the configuration key that names the file.
    ///
    /// # Errors
    /// As [`token_lines`].
    pub fn read(key: &str, path: &Path) -> Result<Self, String> {
        let tokens = token_lines(key, path)?;
        Ok(Self(tokens.into_iter().map(|token| token.into_bytes().into()).collect()))
    }

    /// Without a file.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of(tokens: &[&str]) -> Self {
        Self(tokens.iter().map(|token| token.as_bytes().into()).collect())
    }

    /// Whether this is one of them. The time it takes tells only how long the tokens are and how many.
    pub(crate) fn admit(&self, given: &[u8]) -> bool {
        self.0.iter().fold(Choice::from(0), |found, token| found | token.ct_eq(given)).into()
    }
}

/// Reads a file with one token per line; blank lines and those that begin with `#` do not count. `key` is the
/// configuration key that names the file.
///
/// # Errors
/// If the file cannot be read, holds no token, or a line that no client could send as a bearer token; with cause
/// and next action, and without the line's text.
pub(crate) fn token_lines(key: &str, path: &Path) -> Result<Vec<String>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {key} {shown}: {error}; check its path and mode"))?;
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "line {} of {key} {shown} is no token; use printable ASCII characters without blanks",
                index + 1
            ));
        }
        tokens.push(line.to_owned());
    }
    if tokens.is_empty() {
        // Whoever names a file wants a lock: neither an open door nor one that nobody can pass is meant.
        return Err(format!("{key} {shown} holds no token; write one per line, or unset the key"));
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn endpoint(at: At, plain: Option<&'static str>) -> Endpoint {
        Endpoint { at, codec: Codec::WebSocket, plain, subprotocol: Subprotocol::First }
    }

    static SPEC: Spec = Spec {
        name: "probe",
        serves: "tests",
        endpoints: &[
            endpoint(At::Path("/probe"), Some("...\n")),
            endpoint(At::Root, None),
            endpoint(At::Own { native: ":90" }, Some("...\n")),
            endpoint(At::Below("/x"), None),
            endpoint(At::Ports { plain: ":5080", secure: ":5443" }, None),
        ],
        keys: &[],
        messages: &[],
    };

    #[test]
    fn doors_are_where_the_endpoints_and_the_settings_say() {
        let own = "127.0.0.1:9090".parse().expect("an address");
        let native: ListenAddr = ":90".parse().expect("an address");
        let places = |listen, native_ports| {
            let origins = OriginPolicy::new(&["*"], false);
            let setting = Setting { path: "/here", listen, native_ports, origins, tokens: None };
            let doors = Door::all(&SPEC, &setting);
            assert!(doors.iter().all(|door| door.subprotocol == Subprotocol::First));
            doors.into_iter().map(|door| (door.at, door.plain)).collect::<Vec<_>>()
        };
        let [here, root, below] = [
            (Place::Path("/here".to_owned()), Some("...\n")),
            (Place::Root, None),
            (Place::Path("/here/x".to_owned()), None),
        ];
        let with = |own: &ListenAddr| {
            [here.clone(), root.clone(), (Place::Own(own.clone()), Some("...\n")), below.clone()].to_vec()
        };
        assert_eq!(places(None, false), [here.clone(), root.clone(), below.clone()]);
        assert_eq!(places(None, true), with(&native));
        assert_eq!(places(Some(&own), false), with(&own));
        assert_eq!(places(Some(&own), true), with(&own), "an explicit address wins");
    }

    #[test]
    fn ports_are_those_set_or_the_native_ones() {
        let set: Vec<ListenAddr> = vec!["127.0.0.1:9090".parse().expect("an address")];
        let shown = |listen: &[ListenAddr], native_ports, certificate| {
            let found = ports(&SPEC, listen, native_ports, certificate);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[], false, true), [""; 0]);
        assert_eq!(shown(&[], true, false), [":5080"]);
        assert_eq!(shown(&[], true, true), [":5080", ":5443"]);
        assert_eq!(shown(&set, false, false), ["127.0.0.1:9090"]);
        assert_eq!(shown(&set, true, true), ["127.0.0.1:9090"], "an explicit address wins");
    }

    fn read(text: &str) -> Result<Tokens, String> {
        let path = std::env::temp_dir().join(format!("patchbay-tokens-{}-{}", std::process::id(), text.len()));
        fs::write(&path, text).expect("a file");
        let read = Tokens::read("dialect.x.token_file", &path);
        fs::remove_file(path).expect("it was there");
        read
    }

    #[test]
    fn a_token_is_admitted_if_it_stands_on_a_line_of_its_own() {
        let tokens = read("# keys of the lab\nfirst\r\n\n  second \n#third\n").expect("two tokens");
        for (given, admitted) in
            [("first", true), ("second", true), ("third", false), ("#third", false), ("firs", false), ("", false)]
        {
            assert_eq!(tokens.admit(given.as_bytes()), admitted, "{given:?}");
        }
    }

    #[test]
    fn a_file_that_admits_nobody_is_an_error_without_its_text() {
        for (text, part) in [
            ("", "holds no token; write one per line"),
            ("# only\n\n", "holds no token"),
            ("good\nhunter2 with blanks\n", "line 2 of dialect.x.token_file"),
            ("h\u{fc}nter2\n", "line 1 of"),
        ] {
            let error = read(text).err().expect("an error");
            assert!(error.contains(part) && !error.contains("nter2"), "{error}");
        }
        let missing = Tokens::read("dialect.x.token_file", Path::new("/nowhere/tokens")).err().expect("no such file");
        assert!(missing.contains("cannot read dialect.x.token_file /nowhere/tokens"), "{missing}");
    }
}
