//! What is measured: our server, one of Janus' plugins, or the floor.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::janus::JanusServer;
use super::script::ant::{self, Ant};
use super::script::janus::{self, Janus, Plugin};
use super::script::mesh::{self, Mesh};
use super::script::{Part, Script};
use crate::Result;
use crate::child::Server;
use crate::target::Target;

/// `cargo xtask netns` names here the one address that is not loopback: Janus gathers none that is.
const ADDRESS_VARIABLE: &str = "NETNS_ADDRESS";

/// The core that a pinned server has for itself; the generator has the others.
const PINNED: usize = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Patchbay,
    /// Ours, with viewers of another dialect than the publisher's.
    Bridge,
    Streaming,
    VideoRoom,
    Floor,
}

/// A running subject.
pub(crate) enum Program {
    /// Our server, or the floor, which behaves as one.
    Ours(Server),
    Janus(JanusServer),
}

/// The address that servers and peers share.
pub(crate) fn address() -> IpAddr {
    let given = std::env::var(ADDRESS_VARIABLE).ok().and_then(|text| text.parse().ok());
    given.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

impl Subject {
    /// Starts it anew; `pinned`: on one core.
    pub(crate) fn start(self, server: &Path, rooms: usize, pinned: bool) -> Result<Program> {
        let _pin = pinned.then(|| Pin::to(|core| core == PINNED)).transpose()?;
        Ok(match self {
            Self::Patchbay => {
                // A free port, and no refusal for a machine that is busy: that is what is measured.
                let environment = [("PATCHBAY_MEDIA__UDP_PORT", "0"), ("PATCHBAY_LIMITS__CPU_PERCENT", "100")];
                Program::Ours(Server::start_at(server, &[], address(), &environment, None)?)
            }
            Self::Bridge => {
                let environment = [
                    ("PATCHBAY_MEDIA__UDP_PORT", "0"),
                    ("PATCHBAY_LIMITS__CPU_PERCENT", "100"),
                    ("PATCHBAY_DIALECT__MESH__MEMBERS", "1000"),
                    ("PATCHBAY_PATCH", mesh::PATCH),
                ];
                Program::Ours(Server::start_at(server, &[], address(), &environment, None)?)
            }
            Self::Floor => {
                Program::Ours(Server::start_at(&std::env::current_exe()?, &["sfu-floor"], address(), &[], None)?)
            }
            Self::Streaming | Self::VideoRoom => Program::Janus(JanusServer::start(address(), rooms)?),
        })
    }

    /// The script of a leg.
    pub(crate) fn script(self, part: Part) -> Box<dyn Script> {
        match self {
            Self::Bridge if matches!(part, Part::View { .. }) => Box::new(Mesh::new(&part)),
            Self::Patchbay | Self::Bridge | Self::Floor => Box::new(Ant::new("bench", part)),
            Self::Streaming => Box::new(Janus::new(Plugin::Streaming, part)),
            Self::VideoRoom => Box::new(Janus::new(Plugin::VideoRoom, part)),
        }
    }
}

impl Program {
    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Ours(server) => server.pid(),
            Self::Janus(server) => server.pid(),
        }
    }

    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Ours(server) => Target::at(server.addr, false, ant::PATH),
            Self::Janus(server) => {
                Target { subprotocol: Some(janus::SUBPROTOCOL), ..Target::at(server.addr, false, janus::PATH) }
            }
        }
    }

    /// Where plain RTP is taken: sound, pictures.
    pub(crate) fn plain(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Ours(_) => None,
            Self::Janus(_) => Some(JanusServer::PLAIN),
        }
    }

    /// What it has to say to a measurement that failed.
    pub(crate) fn last_words(&mut self) -> String {
        match self {
            Self::Ours(server) => server.last_words(),
            Self::Janus(server) => server.last_words(),
        }
    }

    pub(crate) fn stop(self) -> io::Result<()> {
        match self {
            Self::Ours(server) => server.stop(),
            Self::Janus(server) => {
                drop(server);
                Ok(())
            }
        }
    }
}

/// This thread, and what it starts meanwhile, runs on some of the cores; afterwards on all it had before.
pub(crate) struct Pin {
    before: CpuSet,
}

impl Pin {
    /// Where there is only one core, everything stays as it is.
    pub(crate) fn to(chosen: impl Fn(usize) -> bool) -> io::Result<Self> {
        let before = sched_getaffinity(None)?;
        let mut set = CpuSet::new();
        (0..CpuSet::MAX_CPU).filter(|core| before.is_set(*core) && chosen(*core)).for_each(|core| set.set(core));
        if set.count() > 0 {
            sched_setaffinity(None, &set)?;
        }
        Ok(Self { before })
    }

    /// The generator leaves the pinned server's core.
    pub(crate) fn away() -> io::Result<Self> {
        Self::to(|core| core != PINNED)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // It was allowed before.
        let _ = sched_setaffinity(None, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_as_long_as_it_lives() {
        let cores = || sched_getaffinity(None).unwrap().count();
        let before = cores();
        let pin = Pin::to(|core| core == PINNED).unwrap();
        assert_eq!(cores(), 1);
        drop(pin);
        assert_eq!(cores(), before);
    }
}
