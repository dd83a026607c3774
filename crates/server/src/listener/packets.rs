//! Connections that begin with requests of Socket.IO: the handshake, and on the same connection the upgrade.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::{Head, parse, read_head};
use crate::http::Caller;
use crate::metrics::Refused;
use crate::shell::{Shell, Ticket};
use crate::socket::Socket;
use crate::socketio::{self, First};

/// Answers the requests that a connection begins with, as long as they are Socket.IO's: `first`, and those behind it. It goes
/// on with the head that is not, if it does.
pub(super) async fn greet(
    shell: &Arc<Shell>,
    caller: Caller,
    mut socket: Socket,
    (mut head, mut ticket): (Vec<u8>, Ticket),
    mut first: (First, usize),
) -> Option<(Socket, Vec<u8>, Ticket)> {
    loop {
        let behind = head.split_off(first.1);
        match first.0 {
            First::Handshake { answer, keep } => {
                if !written(shell, &mut socket, &answer).await {
                    return None;
                }
                if !keep {
                    // Fails only if the client has gone.
                    let _ = socket.shutdown().await;
                    return None;
                }
            }
            First::Socket { dialect, admitted, sid, comer } => {
                if written(shell, &mut socket, &admitted.response()).await {
                    let shell = Arc::clone(shell);
                    // A task of its own: this one's future is large.
                    tokio::spawn(async move {
                        socketio::meet(shell, dialect, sid, comer, socket, behind).await;
                        drop(ticket);
                    });
                }
                return None;
            }
        }
        // Whoever says nothing more, or no whole head in time, wanted no more.
        let deadline = Instant::now() + shell.head_timeout;
        match timeout_at(deadline, read_head(&mut socket, behind, shell.head_bytes)).await {
            Ok(Ok(Head::Whole(next))) => head = next,
            Ok(Ok(Head::TooLarge)) => {
                shell.metrics.connection_refused(Refused::Head);
                super::refuse(&mut socket, "431 Request Header Fields Too Large", "").await;
                return None;
            }
            _ => return None,
        }
        match judge(shell, caller, &head, &mut ticket) {
            Some(next) => first = next,
            None => return Some((socket, head, ticket)),
        }
    }
}

/// Writes an answer; `false`: the client has gone, or takes nothing, as who only asks does.
async fn written(shell: &Shell, socket: &mut Socket, answer: &str) -> bool {
    let written = timeout_at(Instant::now() + shell.head_timeout, socket.write_all(answer.as_bytes())).await;
    if written.is_err() {
        // What it has not taken is forgotten.
        socket.reset_on_drop();
    }
    matches!(written, Ok(Ok(())))
}

/// What the head is to us, and its length.
pub(super) fn judge(shell: &Shell, caller: Caller, head: &[u8], ticket: &mut Ticket) -> Option<(First, usize)> {
    parse(head, |request, length| {
        // What is no path, hyper judges.
        let target = request.path.filter(|target| ::http::uri::PathAndQuery::try_from(*target).is_ok())?;
        let path = target.split('?').next()?;
        let endpoint = shell.endpoint(caller.role, path).filter(|endpoint| endpoint.door.socket_io)?;
        let first = socketio::first(shell, caller, request, endpoint)?;
        if let First::Socket { .. } = first
            && let Some(place) = shell.place_of_proxied(caller, &*request.headers).ok()?
        {
            ticket.place = Some(place);
        }
        Some((first, length))
    })
    .ok()
    .flatten()
    .flatten()
}
