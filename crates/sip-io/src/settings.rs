//! What an agent is started with.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use patchbay_sip::{register, uri};

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams: what is lost is repeated.
    Udp,
    /// A stream in the clear.
    Tcp,
    /// A stream with TLS.
    Tls,
}

impl Transport {
    /// As in `;transport=` and in configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Reads [`Transport::word`], in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls].into_iter().find(|one| one.word().eq_ignore_ascii_case(word))
    }

    /// As in `Via`.
    pub(crate) const fn upper(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Where nobody says another port.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// Whether nothing is lost.
    pub(crate) fn is_reliable(self) -> bool {
        self != Self::Udp
    }
}

/// A socket that waits for strangers: `udp:127.0.0.1:5060`, `tcp:…`, `tls:…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// How.
    pub transport: Transport,
    /// Where; port 0 is any free one.
    pub address: SocketAddr,
}

impl Listen {
    /// Reads `transport:address:port`; without an address it is all of IPv4's.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no SIP listener; write udp:ADDRESS:PORT, tcp:… or tls:…");
        let (word, address) = text.split_once(':').ok_or_else(wrong)?;
        let transport = Transport::parse(word).ok_or_else(wrong)?;
        let address = match address.strip_prefix(':') {
            Some(port) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port.parse().map_err(|_| wrong())?),
            None => address.parse().map_err(|_| wrong())?,
        };
        Ok(Self { transport, address })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.transport.word())
    }
}

/// The server through which everything goes: `host[:port][;transport=udp|tcp|tls]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy(uri::Uri);

impl Proxy {
    /// Reads one.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no SIP proxy; write HOST[:PORT][;transport=udp|tcp|tls]");
        let uri = uri::Uri::parse(text).map_err(|_| wrong())?;
        let transport = uri.param("transport").map(Transport::parse);
        (uri.user().is_none() && transport != Some(None)).then_some(Self(uri)).ok_or_else(wrong)
    }

    pub(crate) fn uri(&self) -> &uri::Uri {
        &self.0
    }
}

/// Whom TLS believes.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// The authorities of this system (`SSL_CERT_FILE`, or where distributions keep them).
    #[default]
    System,
    /// These certificates, in PEM.
    Pem(Vec<u8>),
    /// Anybody. For laboratories: who sits between hears and changes everything.
    Anybody,
}

/// TLS.
#[derive(Clone, Default)]
pub struct Tls {
    /// Whom we believe when we connect.
    pub roots: Roots,
    /// Certificate chain and key in PEM, for `tls:` listeners.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// How much of everything there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls at once, in both directions. At the bound incoming ones get `503`, outgoing ones fail with
    /// [`Refused::Full`](crate::Refused::Full).
    pub dialogs: usize,
    /// Lines. At the bound [`Refused::Full`](crate::Refused::Full).
    pub registrations: usize,
    /// Transactions, those that only wait for copies included. At the bound requests of strangers are dropped, as in a
    /// full network; what belongs to a call still gets through.
    pub transactions: usize,
    /// Streams that others have opened. At the bound new ones are closed at once.
    pub connections: usize,
    /// News that wait for the owner of one line or dialog. At the bound it is ended: an owner that does not listen has
    /// nobody who would notice. Strangers' calls and messages get half of a line's, and `480` behind that.
    pub news: usize,
    /// Messages and orders that wait for the agent. At the bound datagrams are dropped, streams wait, and orders are
    /// [`Refused::Busy`](crate::Refused::Busy).
    pub queue: usize,
    /// Incoming calls of one line at once. At the bound `486` and [`LineNews::Missed`](crate::LineNews::Missed).
    pub calls_of_line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A call is some 4 kB, a transaction some 5 kB: with all of these at their bound some 200 MB.
        Self {
            dialogs: 10_000,
            registrations: 20_000,
            transactions: 20_000,
            connections: 2_000,
            news: 64,
            queue: 1_024,
            calls_of_line: 2,
        }
    }
}

/// What an agent is started with.
#[derive(Clone)]
pub struct Settings {
    /// Sockets for strangers. Besides them there is always a UDP socket of any port, and streams we open ourselves.
    pub listen: Vec<Listen>,
    /// The address that is written into messages; `None`: that of the interface by which a peer is reached.
    pub advertise: Option<IpAddr>,
    /// Our own domains: calls to users of them who have no line come to [`Agent::door`](crate::Agent::door).
    pub domains: Vec<String>,
    /// Wins over DNS.
    pub proxy: Option<Proxy>,
    /// Other hosts whose `P-Asserted-Identity` is believed, besides the proxy.
    pub trusted: Vec<IpAddr>,
    /// `User-Agent`, where an account has none of its own.
    pub user_agent: String,
    /// See there.
    pub tls: Tls,
    /// How long a binding is asked for.
    pub expires: Duration,
    /// What is taken where DNS leaves a choice, best first.
    pub transports: Vec<Transport>,
    /// Servers to ask for names; none: those of the system.
    pub nameservers: Vec<SocketAddr>,
    /// How long an incoming call rings.
    pub ring_timeout: Duration,
    /// See there.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            advertise: None,
            domains: Vec::new(),
            proxy: None,
            trusted: Vec::new(),
            user_agent: "Patchbay".to_owned(),
            tls: Tls::default(),
            expires: register::EXPIRES,
            transports: vec![Transport::Udp, Transport::Tcp, Transport::Tls],
            nameservers: Vec::new(),
            // Longer than people wait, shorter than a forgotten browser lives.
            ring_timeout: Duration::from_secs(120),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_and_proxies_are_read() {
        let listen = Listen::parse("udp:127.0.0.1:5060").expect("a listener");
        assert_eq!(listen.to_string(), "127.0.0.1:5060/udp");
        assert_eq!(Listen::parse("tls:[::1]:0").expect("a listener").to_string(), "[::1]:0/tls");
        assert_eq!(Listen::parse("TCP::5060").expect("a listener").to_string(), "0.0.0.0:5060/tcp");
        for text in ["", "udp", "udp:", "sctp:127.0.0.1:1", "udp:localhost:1", "udp:127.0.0.1"] {
            assert!(Listen::parse(text).is_err_and(|wrong| wrong.contains("write")), "{text}");
        }
        let proxy = Proxy::parse("sip.example.com:5070;transport=tcp").expect("a proxy");
        assert_eq!((proxy.uri().host(), proxy.uri().port()), ("sip.example.com", Some(5070)));
        for text in ["", "a b", "alice@example.com", "example.com;transport=sctp", "example.com:0"] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
