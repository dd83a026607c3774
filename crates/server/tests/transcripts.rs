//! The dialects' transcripts over real sockets, at every door, plain and with TLS, and the runner's self-test for those that run
//! nowhere else.

mod common;

use std::path::Path;
use std::time::Duration;

use common::tls::Secure;
use common::world::SocketWorld;
use patchbay_dialect_kit::testing::{Place, Script, alterations, run};

/// A loaded machine may take its time; nothing passes by waiting longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a dialect is spoken to.
struct Door {
    dialect: &'static str,
    settings: &'static [(&'static str, &'static str)],
    /// The path, unless a transcript names one.
    path: &'static str,
    /// The dialect's own listener, not the one of all.
    own: bool,
    tls: bool,
}

const MESH: Door = Door { dialect: "mesh", settings: &[], path: "/ws", own: false, tls: false };
const MESH_TLS: Door = Door { tls: true, ..MESH };
const SID_PATH: Door = Door { dialect: "sid", settings: &[], path: "/sid", own: false, tls: false };
const SID_TLS: Door = Door { tls: true, ..SID_PATH };
const SID_ROOT: Door = Door { path: "/", ..SID_PATH };
const SID_OWN: Door =
    Door { settings: &[("PATCHBAY_DIALECT__SID__LISTEN", "127.0.0.1:0")], path: "/", own: true, ..SID_PATH };
const SID_OWN_TLS: Door = Door { tls: true, ..SID_OWN };
const SID_TENANT: Door =
    Door { settings: &[("PATCHBAY_DIALECT__SID__TENANTS", "acme,other")], path: "/sid/other", ..SID_PATH };

const ANTMEDIA: Door = Door { dialect: "antmedia", settings: &[], path: "/LiveApp/websocket", own: false, tls: false };
const ANTMEDIA_TLS: Door = Door { tls: true, ..ANTMEDIA };
const ANTMEDIA_PORT: Door = Door {
    settings: &[("PATCHBAY_DIALECT__ANTMEDIA__LISTEN", "127.0.0.1:0")],
    path: "/StreamApp/websocket/signaling?target=origin",
    own: true,
    ..ANTMEDIA
};
const ANTMEDIA_PORT_TLS: Door = Door { tls: true, ..ANTMEDIA_PORT };

impl Door {
    fn scripts(&self) -> impl Iterator<Item = Script> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(format!("dialect-{}", self.dialect));
        let scripts = Script::folder(&folder.join("transcripts"));
        // Any path, and any HTTP request: on a listener of its own alone (DECISIONS 17).
        let common = !self.own;
        let everywhere =
            move |script: &Script| !(common && ["39-http.txt", "40-any-path.txt"].contains(&&*script.file));
        let sid = self.dialect == "sid";
        scripts.into_iter().filter(move |script| script.only != Some(Place::Sessions) && (!sid || everywhere(script)))
    }

    /// A server of its own for each transcript: some fill all rooms, and what another left behind must not help or hurt.
    fn open(&self, patience: Duration) -> (Secure, SocketWorld) {
        let secure = Secure::start(self.settings);
        let address = match (self.own, self.tls) {
            (false, false) => secure.server.address(),
            (false, true) => secure.address(),
            (true, false) => secure.server.own(self.dialect),
            (true, true) => secure.trusted(secure.server.own(self.dialect)),
        };
        (secure, SocketWorld::new(address, self.path, patience))
    }

    fn every_transcript_comes_true(&self) {
        let mut failures = Vec::new();
        let mut count = 0;
        for script in self.scripts() {
            count += 1;
            let (secure, mut world) = self.open(PATIENCE);
            if let Err(failure) = run(&script, &mut world) {
                failures.push(format!("{failure}\n{}", secure.server.log()));
            }
        }
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
        // Most of antmedia's are about media.
        let at_least = if self.dialect == "antmedia" { 15 } else { 40 };
        assert!(count > at_least, "only {count} transcripts");
    }

    /// The other transcripts are altered in the session world, where nothing costs time.
    fn every_altered_expectation_fails(&self, at_least: usize) {
        let (mut count, mut passed) = (0, Vec::new());
        for script in self.scripts().filter(|script| script.only == Some(Place::Sockets)) {
            for altered in alterations(&script) {
                count += 1;
                let wrong = Script::parse(&script.file, &altered.text).unwrap_or_else(|failure| panic!("{failure}"));
                // Waiting is for what must come; here it must not.
                let (_secure, mut world) = self.open(Duration::from_millis(500));
                let line = run(&wrong, &mut world).err().map(|failure| failure.line);
                if !altered.is_caught_at(line) {
                    let shown: String = altered.altered.chars().take(200).collect();
                    passed.push(format!("{}:{}: {shown:?} failed at {line:?}", script.file, altered.line));
                }
            }
        }
        assert!(passed.is_empty(), "\n{}", passed.join("\n"));
        assert!(count >= at_least, "only {count} alterations: the transcripts have shrunk");
    }
}

#[test]
fn mesh() {
    MESH.every_transcript_comes_true();
}

#[test]
fn mesh_over_tls() {
    MESH_TLS.every_transcript_comes_true();
}

#[test]
fn sid_over_tls() {
    SID_TLS.every_transcript_comes_true();
}

#[test]
fn sid_on_its_own_listener_over_tls() {
    SID_OWN_TLS.every_transcript_comes_true();
}

#[test]
fn sid_at_its_path() {
    SID_PATH.every_transcript_comes_true();
}

#[test]
fn sid_by_an_upgrade_of_the_root() {
    SID_ROOT.every_transcript_comes_true();
}

#[test]
fn sid_on_its_own_listener() {
    SID_OWN.every_transcript_comes_true();
}

#[test]
fn sid_of_a_tenant() {
    SID_TENANT.every_transcript_comes_true();
}

#[test]
fn antmedia() {
    ANTMEDIA.every_transcript_comes_true();
}

#[test]
fn antmedia_over_tls() {
    ANTMEDIA_TLS.every_transcript_comes_true();
}

#[test]
fn antmedia_on_its_own_port() {
    ANTMEDIA_PORT.every_transcript_comes_true();
}

#[test]
fn antmedia_on_its_own_port_over_tls() {
    ANTMEDIA_PORT_TLS.every_transcript_comes_true();
}

#[test]
fn every_altered_expectation_of_a_socket_transcript_fails_where_it_stands() {
    MESH.every_altered_expectation_fails(50);
    SID_OWN.every_altered_expectation_fails(4);
    ANTMEDIA.every_altered_expectation_fails(4);
}
