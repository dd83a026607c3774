//! What becomes of an upgraded connection: the session whose id it comes with, or the word that there is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Comer, NOT_HANDSHAKEN, Sid};
use crate::shell::Shell;
use crate::socket::Socket;
use crate::ws;

/// How long who comes with an id that waits for nobody may take to hang up.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a socket whose upgrade has been answered, until it ends; `early` is what came behind the upgrade.
pub(crate) async fn meet(shell: Arc<Shell>, dialect: usize, sid: String, comer: Comer, socket: Socket, early: Vec<u8>) {
    let known = Sid::parse(&sid).filter(|sid| shell.socket_io.unused.claim(shell.clock.now(), sid));
    let Some(sid) = known else { return turn_away(socket).await };
    let session = comer.open(&shell, dialect, &sid);
    let connection = Box::new(ws::Connection::with(shell, dialect, session, socket, early));
    drop(comer);
    connection.await;
}

/// Says that there is no such session, and ends the connection: the client makes a handshake then.
async fn turn_away(mut socket: Socket) {
    let _over = timeout(LINGER, async {
        socket.write_all(&ws::text_frame(NOT_HANDSHAKEN)).await?;
        socket.shutdown().await?;
        // Input that nobody has read would make the kernel reset the connection, and the word would be lost.
        let mut rest = [0; 1024];
        while socket.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}
