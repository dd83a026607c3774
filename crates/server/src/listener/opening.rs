//! What comes before the request head: a TLS handshake, or finding out that there is none.

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::refuse;
use crate::metrics::Refused;
use crate::shell::Shell;
use crate::socket::{Rewind, Socket};
use crate::tls::{HANDSHAKE, Tls, TlsStream};

/// How the connections of a listener begin.
#[derive(Clone)]
pub(crate) enum Security {
    /// Without TLS.
    Plain,
    /// With TLS.
    Tls(Tls),
    /// As the client likes: its first byte tells.
    Either(Tls),
}

/// Bytes that the first read takes at most: most clients' first flight, so that it is one call.
const FIRST_READ: usize = 2_048;

/// The stream that HTTP is spoken on, with what has been read of it; `None` if the connection is over.
pub(super) async fn open(
    shell: &Shell,
    security: &Security,
    mut socket: Socket,
    deadline: Instant,
) -> Option<(Socket, Vec<u8>)> {
    let (tls, either) = match security {
        Security::Plain => return Some((socket, Vec::new())),
        Security::Tls(tls) => (tls, false),
        Security::Either(tls) => (tls, true),
    };
    let mut first = Vec::with_capacity(FIRST_READ);
    match timeout_at(deadline, socket.read_buf(&mut first)).await {
        Ok(Ok(1..)) => {}
        Ok(_) => return None,
        Err(_) => {
            shell.metrics.connection_refused(Refused::Tls);
            return None;
        }
    }
    if first[0] == HANDSHAKE {
        let accept = TlsStream::accept(Rewind::new(first, socket), tls.config());
        return match timeout_at(deadline, accept).await {
            Ok(Ok(stream)) => Some((Socket::Tls(stream), Vec::new())),
            Ok(Err(error)) => {
                if error.kind() == std::io::ErrorKind::InvalidData {
                    shell.metrics.connection_refused(Refused::Tls);
                }
                tracing::debug!(%error, "no TLS connection");
                None
            }
            Err(_) => {
                shell.metrics.connection_refused(Refused::Tls);
                None
            }
        };
    }
    if either {
        return Some((socket, first));
    }
    shell.metrics.connection_refused(Refused::Tls);
    refuse(&mut socket, "400 Bad Request", "This port speaks TLS: write https:// or wss://\n").await;
    None
}
