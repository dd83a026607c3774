//! What is measured: our server, or Janus' SIP plugin.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::script::janus::JanusSip;
use super::script::sylk::{self, Sylk};
use super::telephone::free;
use crate::Result;
use crate::child::Server;
use crate::sfu::janus::JanusServer;
use crate::sfu::script::{Script, janus};
use crate::sfu::subject::address;
use crate::target::Target;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Patchbay,
    Janus,
}

/// A running subject.
pub(super) enum Program {
    /// With the port where strangers speak SIP to it.
    Ours(Server, SocketAddr),
    Janus(JanusServer),
}

impl Subject {
    /// Starts it anew; everything that ours says by SIP goes to `telephone`.
    pub(super) fn start(self, server: &Path, telephone: SocketAddr) -> Result<Program> {
        Ok(match self {
            Self::Patchbay => {
                let proxy = format!("{telephone};transport=udp");
                let sip = SocketAddr::new(address(), free(address())?);
                let listen = format!("udp:{sip}");
                // A free port, and no refusal for a machine that is busy: that is what is measured.
                let environment = [
                    ("PATCHBAY_MEDIA__UDP_PORT", "0"),
                    ("PATCHBAY_LIMITS__CPU_PERCENT", "100"),
                    ("PATCHBAY_SIP__OUTBOUND_PROXY", proxy.as_str()),
                    ("PATCHBAY_SIP__LISTEN", listen.as_str()),
                ];
                Program::Ours(Server::start_at(server, &[], address(), &environment, None)?, sip)
            }
            Self::Janus => Program::Janus(JanusServer::gateway(address())?),
        })
    }

    /// The script of a caller.
    pub(super) fn script(self, number: usize, telephone: SocketAddr) -> Box<dyn Script> {
        match self {
            Self::Patchbay => Box::new(Sylk::new(number, false)),
            Self::Janus => Box::new(JanusSip::new(number, telephone)),
        }
    }
}

impl Program {
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Ours(server, _) => server.pid(),
            Self::Janus(server) => server.pid(),
        }
    }

    /// Where strangers speak SIP to it.
    pub(super) fn sip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ours(_, sip) => Some(*sip),
            Self::Janus(_) => None,
        }
    }

    pub(super) fn target(&self) -> Target {
        let at = |addr, subprotocol, path| Target { subprotocol: Some(subprotocol), ..Target::at(addr, false, path) };
        match self {
            Self::Ours(server, _) => at(server.addr, sylk::SUBPROTOCOL, sylk::PATH),
            Self::Janus(server) => at(server.addr, janus::SUBPROTOCOL, janus::PATH),
        }
    }

    /// What it has to say to a measurement that failed.
    pub(super) fn last_words(&mut self) -> String {
        match self {
            Self::Ours(server, _) => server.last_words(),
            Self::Janus(server) => server.last_words(),
        }
    }

    pub(super) fn stop(self) -> io::Result<()> {
        match self {
            Self::Ours(server, _) => server.stop(),
            Self::Janus(server) => {
                drop(server);
                Ok(())
            }
        }
    }
}
