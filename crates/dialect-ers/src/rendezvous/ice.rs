//! The STUN and TURN servers that everybody is told of on arrival (ers.md sections 1.3 and 1.7).
//!
//! Devices look for the first `stun:` or `turn:` and take all up to the next quote, so the entries are what they were
//! configured as; browsers are told the same address as `urls` besides, the only key that those of today know.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use patchbay_dialect_kit::Random;
use patchbay_dialect_kit::json::write_plain_string;
use sha1::Sha1;

/// What a device is told where no TURN server is configured: without one it gathers no candidate at all (section 1.7).
const FALLBACK_PORT: u16 = 3478;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A web browser of today.
    Browser,
    /// Everything else.
    Device,
}

impl Audience {
    /// By what it calls itself. Devices may begin like a browser does, and name no product that is one.
    pub(crate) fn of(agent: Option<&str>) -> Self {
        const PRODUCTS: [&str; 5] = ["Chrome/", "Firefox/", "Safari/", "Edg/", "CriOS/"];
        let is_browser = agent.is_some_and(|agent| PRODUCTS.iter().any(|product| agent.contains(product)));
        if is_browser { Self::Browser } else { Self::Device }
    }
}

/// One server of the lists. No `Debug`: it holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum IceServer {
    /// As it is.
    Fixed {
        /// `stun:host:port` or `turn:host:port`.
        url: String,
        /// User name and credential, where one is asked for.
        login: Option<(String, String)>,
    },
    /// With a login that is good for a while, made for each connection of a secret that the TURN server knows as well.
    Timed {
        /// `turn:host:port`.
        url: String,
        /// What both know.
        secret: String,
        /// How long the login is good.
        expiry: Duration,
    },
}

/// The lists.
#[derive(Clone, Default)]
pub struct IceServers {
    /// STUN servers, the one for devices first.
    pub stun: Vec<IceServer>,
    /// TURN servers, the one for devices first.
    pub turn: Vec<IceServer>,
    /// The address that devices are told as that of a TURN server where there is none.
    pub fallback: Option<String>,
}

/// The login of a TURN server that knows the secret: until when it is good, and the proof.
pub(crate) fn credential(secret: &str, username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(username.as_bytes());
    BASE64.encode(&mac.finalize().into_bytes())
}

impl IceServer {
    fn write(&self, out: &mut Vec<u8>, audience: Audience, unix: u64) {
        let (url, login) = match self {
            Self::Fixed { url, login } => (url, login.clone()),
            Self::Timed { url, secret, expiry } => {
                let username = unix.saturating_add(expiry.as_secs()).to_string();
                let credential = credential(secret, &username);
                (url, Some((username, credential)))
            }
        };
        out.push(b'{');
        if let Some((username, credential)) = login {
            out.extend_from_slice(b"\"username\":");
            write_plain_string(out, &username);
            out.extend_from_slice(b",\"credential\":");
            write_plain_string(out, &credential);
            out.push(b',');
        }
        out.extend_from_slice(b"\"url\":");
        write_plain_string(out, url);
        if audience == Audience::Browser {
            out.extend_from_slice(b",\"urls\":");
            write_plain_string(out, url);
        }
        out.push(b'}');
    }
}

impl IceServers {
    pub(crate) fn write_stun(&self, out: &mut Vec<u8>, audience: Audience, unix: u64) {
        write_list(out, "stunservers", &self.stun, audience, unix);
    }

    pub(crate) fn write_turn(&self, out: &mut Vec<u8>, audience: Audience, unix: u64, rng: &mut dyn Random) {
        if let (Some(host), true, Audience::Device) = (&self.fallback, self.turn.is_empty(), audience) {
            let secret = BASE64.encode(&rng.next_u64().to_le_bytes());
            let url = format!("turn:{host}:{FALLBACK_PORT}");
            let entry = IceServer::Timed { url, secret, expiry: DAY };
            return write_list(out, "turnservers", &[entry], audience, unix);
        }
        write_list(out, "turnservers", &self.turn, audience, unix);
    }
}

/// How long a login is good if nothing else is said: signalmaster's default.
pub const DAY: Duration = Duration::from_secs(86_400);

fn write_list(out: &mut Vec<u8>, name: &str, servers: &[IceServer], audience: Audience, unix: u64) {
    out.extend_from_slice(format!("5:::{{\"name\":\"{name}\",\"args\":[[").as_bytes());
    for (index, server) in servers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        server.write(out, audience, unix);
    }
    out.extend_from_slice(b"]]}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Random for Ones {
        fn next_u64(&mut self) -> u64 {
            1
        }
    }

    fn turn(servers: &IceServers, audience: Audience) -> String {
        let mut out = Vec::new();
        servers.write_turn(&mut out, audience, 1_795_171_434, &mut Ones);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn logins_are_those_of_the_specification() {
        // ers.md G4.
        assert_eq!(credential("s3cret", "1795257834"), "PCeO1tmSf8uQNwRmhqCJtHP7ncY=");
        assert_eq!(credential("turnserversharedsecret", "1432765254"), "Rc3MtQv1k80CKuqaHQxZu5pauRk=");
    }

    #[test]
    fn the_lists_are_those_of_the_golden_transcript() {
        let login = IceServer::Timed { url: "turn:127.0.0.1:3478".into(), secret: "s3cret".into(), expiry: DAY };
        let stun = IceServer::Fixed { url: "stun:127.0.0.1:3478".into(), login: None };
        let servers = IceServers { stun: vec![stun], turn: vec![login], fallback: Some("192.0.2.1".into()) };
        let mut out = Vec::new();
        servers.write_stun(&mut out, Audience::Device, 0);
        assert_eq!(out, br#"5:::{"name":"stunservers","args":[[{"url":"stun:127.0.0.1:3478"}]]}"#);
        assert_eq!(
            turn(&servers, Audience::Device),
            r#"5:::{"name":"turnservers","args":[[{"username":"1795257834","credential":"PCeO1tmSf8uQNwRmhqCJtHP7ncY=","url":"turn:127.0.0.1:3478"}]]}"#
        );
        assert!(
            turn(&servers, Audience::Browser)
                .ends_with(r#","url":"turn:127.0.0.1:3478","urls":"turn:127.0.0.1:3478"}]]}"#)
        );
    }

    #[test]
    fn a_device_without_a_turn_server_is_told_of_one_and_a_browser_is_not() {
        let mut servers = IceServers { fallback: Some("192.0.2.1".into()), ..IceServers::default() };
        let told = turn(&servers, Audience::Device);
        assert!(
            told.starts_with(r#"5:::{"name":"turnservers","args":[[{"username":"1795257834","credential":""#),
            "{told}"
        );
        assert!(told.ends_with(r#"=","url":"turn:192.0.2.1:3478"}]]}"#), "{told}");
        assert_eq!(turn(&servers, Audience::Browser), r#"5:::{"name":"turnservers","args":[[]]}"#);
        servers.fallback = None;
        assert_eq!(turn(&servers, Audience::Device), r#"5:::{"name":"turnservers","args":[[]]}"#);
    }

    #[test]
    fn a_browser_is_known_by_its_product() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(Audience::of(Some(firefox)), Audience::Browser);
        for device in [None, Some("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"), Some("")] {
            assert_eq!(Audience::of(device), Audience::Device, "{device:?}");
        }
    }
}
