//! The target `stun`: datagrams from anywhere, and connectivity checks that are genuine, forged or mangled.
//!
//! Held against the plain rule: an address belongs to a leg after a check from there that was signed with the leg's
//! password, and what comes from another is counted and changes nothing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::{LinkId, SignalKind};

use super::engine::{Engine, line};
use super::input::Input;
use crate::demux::{Class, classify};
use crate::dtls::identity;

/// What a browser would offer; its credentials are known, so that its checks can be made here.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:them\r\n\
    a=ice-pwd:theirpasswordtheirpassword\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:1 cname:x\r\n";
/// Legs, by their links from 0.
const LEGS: u64 = 2;
/// Shorter, all told, than a leg waits for its peer.
const LONGEST: Duration = Duration::from_secs(20);
/// The last attribute, the signature (RFC 8489 section 14.5).
const SIGNATURE: usize = 24;

/// Runs `data`: datagrams, each with where it comes from.
///
/// # Panics
/// If a leg panics or is lost, an address is taken for a leg's that nobody has proved, or a stranger is not counted.
pub fn target(data: &[u8]) {
    let mut world = World::new();
    let mut input = Input::new(data);
    while !input.is_over() {
        world.step(&mut input);
    }
}

struct World {
    engine: Engine,
    /// Name and password of each leg.
    credentials: Vec<(String, String)>,
    /// Who has shown at some time to know the password of which leg.
    proofs: BTreeSet<(SocketAddr, LinkId)>,
    waited: Duration,
}

/// What a datagram shows of its sender.
#[derive(Clone, Copy)]
enum Shows {
    /// That it knows the password.
    Password(LinkId),
    Nothing,
    /// It is signed well, but whether it may be like that is str0m's to say.
    Perhaps(LinkId),
}

impl World {
    fn new() -> Self {
        let mut engine = Engine::new();
        let mut credentials = Vec::new();
        for link in 0..LEGS {
            engine.open_receiving(link);
            engine.remote(link, SignalKind::Offer, OFFER.as_bytes());
            let answer = engine.described(link).expect("an answer");
            let [name, password] = ["a=ice-ufrag:", "a=ice-pwd:"].map(|prefix| line(&answer, prefix).to_owned());
            credentials.push((name, password));
        }
        Self { engine, credentials, proofs: BTreeSet::new(), waited: Duration::ZERO }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let head = input.byte();
        // More than a leg may have.
        let source = SocketAddr::from(([10, 0, 1, head >> 4], 5_000));
        match head & 0x07 {
            0 => {
                let count = usize::from(input.byte());
                self.send(source, input.take(count), Shows::Nothing);
            }
            1 => {
                let span = Duration::from_millis(1 << (head >> 4).min(12));
                if self.waited + span < LONGEST {
                    self.waited += span;
                    self.engine.wait(span);
                }
            }
            kind => {
                let link = u64::from(head >> 3 & 1);
                let (check, shows) = self.check(link, kind, input);
                self.send(source, &check, shows);
            }
        }
    }

    /// A check, as `kind` says: plain, of another user, with one more attribute, forged, or spoilt after it was signed.
    fn check(&self, link: u64, kind: u8, input: &mut Input<'_>) -> (Vec<u8>, Shows) {
        let (name, password) = &self.credentials[usize::from(link == 1)];
        let link = LinkId::new(link);
        let theirs = if kind == 3 { String::from_utf8_lossy(input.take(5)) } else { "them".into() };
        let mut attributes = Vec::new();
        attribute(&mut attributes, 0x0006, format!("{name}:{theirs}").as_bytes());
        attribute(&mut attributes, 0x0024, &[0x6e, 0, 0, 1]);
        attribute(&mut attributes, 0x802a, &[1, 2, 3, 4, 5, 6, 7, 8]);
        if kind == 4 {
            let (number, length) = (u16::from_be_bytes(input.bytes()), usize::from(input.byte()));
            attribute(&mut attributes, number, input.take(length));
        }
        let mut check = signed(&attributes, if kind == 5 { "guessed" } else { password });
        match kind {
            6 => {
                let at = usize::from(input.byte()) % check.len();
                check[at] ^= input.byte().max(1);
            }
            7 => check.truncate(usize::from(input.byte()) % check.len()),
            _ => {}
        }
        let shows = match kind {
            2 => Shows::Password(link),
            3 | 4 => Shows::Perhaps(link),
            _ => Shows::Nothing,
        };
        (check, shows)
    }

    fn send(&mut self, source: SocketAddr, datagram: &[u8], shows: Shows) {
        let (owner, strangers) = (self.engine.worker.owner(source), self.engine.worker.counts().strangers);
        self.engine.receive(source, datagram);
        let now = self.engine.worker.owner(source);
        match shows {
            Shows::Password(link) => {
                assert_eq!(now, Some(link), "who knows the password is heard");
                self.proofs.insert((source, link));
            }
            Shows::Perhaps(link) if now == Some(link) => drop(self.proofs.insert((source, link))),
            // str0m takes every check from the address that a leg sends to, which is no news.
            Shows::Perhaps(_) | Shows::Nothing if now == owner => {}
            Shows::Perhaps(_) | Shows::Nothing => {
                let known = now.is_some_and(|now| self.proofs.contains(&(source, now)));
                assert!(known, "{source} belonged to {owner:?}, and belongs to {now:?}");
            }
        }
        let strange = self.engine.worker.counts().strangers - strangers;
        match classify(datagram) {
            Class::Answer | Class::Dtls | Class::Media => assert_eq!(strange, u64::from(owner.is_none())),
            Class::Check(_) => assert!(strange == u64::from(now.is_none()) || strange == 1),
            Class::Junk => assert_eq!(strange, 1),
        }
        assert_eq!(self.engine.worker.counts().legs, LEGS, "a leg is lost: {:?}", self.engine.out.events);
        self.engine.out.sent.clear();
    }
}

/// RFC 8489 section 14: number, length, value, padding.
fn attribute(out: &mut Vec<u8>, number: u16, value: &[u8]) {
    out.extend(number.to_be_bytes());
    out.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A check with these attributes, signed with that password.
fn signed(attributes: &[u8], password: &str) -> Vec<u8> {
    let length = u16::try_from(attributes.len() + SIGNATURE).expect("short");
    let mut check = vec![0, 1];
    check.extend(length.to_be_bytes());
    check.extend([0x21, 0x12, 0xa4, 0x42]);
    check.extend([7; 12]);
    check.extend(attributes);
    let hmac = identity().expect("an identity").provider.sha1_hmac_provider;
    let signature = hmac.sha1_hmac(password.as_bytes(), &[&check]);
    attribute(&mut check, 0x0008, &signature);
    check
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "stun", super::target);
    }
}
