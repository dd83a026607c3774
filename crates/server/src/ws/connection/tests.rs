//! What can only be seen with a session of our own: law 5, and a session that wants too much at once.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::probe::{shell, text};

/// Both ends of a connection.
async fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it accepts");
    let (served, _) = listener.accept().await.expect("a client");
    (client, served)
}

/// A client's stream, and the task that serves its other end.
async fn connect(shell: &Arc<Shell>) -> (TcpStream, tokio::task::JoinHandle<()>) {
    let (client, served) = streams().await;
    let connection = Connection::new(Arc::clone(shell), 0, None, Socket::Tcp(served), Vec::new());
    (client, tokio::spawn(connection))
}

async fn echoes(client: &mut TcpStream) {
    client.write_all(&text("still here")).await.expect("the connection stands");
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer[2..], b"still here");
}

#[tokio::test]
async fn a_panic_in_a_session_ends_that_connection_alone_and_is_counted() {
    let shell = shell(Vec::new());
    let (mut well, _task) = connect(&shell).await;
    let (mut ill, ended) = connect(&shell).await;
    ill.write_all(&text("panic")).await.expect("the connection stands");
    ended.await.expect("the panic does not reach the runtime");
    assert_eq!(ill.read(&mut [0; 16]).await.unwrap_or(0), 0, "the connection is over");
    echoes(&mut well).await;
    let metrics = shell.metrics.render(shell.switchboard.snapshot(), shell.switchboard.seat(), &shell.lines);
    assert!(metrics.contains("closed_total{dialect=\"probe\",cause=\"panic\"} 1"), "{metrics}");
    assert!(metrics.contains("patchbay_parties 1"), "{metrics}");
}

/// Law: a client that sends without reading is slowed by its own window; the server reads no more of it.
#[tokio::test]
async fn who_does_not_read_is_not_read() {
    let shell = shell(Vec::new());
    let (mut greedy, _task) = connect(&shell).await;
    let (mut other, _other_task) = connect(&shell).await;
    greedy.write_all(&text("flood")).await.expect("the connection stands");
    let chunk = text(&"y".repeat(60_000));
    let mut sent = 0;
    // The kernel's buffers take some; then writing blocks, because nobody reads at the other end.
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(300), greedy.write_all(&chunk)).await {
        written.expect("the connection stands");
        sent += chunk.len();
        assert!(sent < 64 << 20, "the server goes on reading");
        echoes(&mut other).await;
    }
}

/// Whoever has much to say gives way to the others after a buffer full of it.
#[tokio::test]
async fn a_flood_is_read_a_buffer_at_a_time() {
    let shell = shell(Vec::new());
    let (mut client, served) = streams().await;
    // Room for more than one read; the system may give less than is asked for.
    socket2::SockRef::from(&served).set_recv_buffer_size(1 << 20).expect("a socket option");
    let message = text("x");
    let flood = message.repeat(3 * READ_BYTES / message.len());
    client.write_all(&flood).await.expect("the kernel takes it");
    let mut waiting = vec![0; flood.len()];
    while served.peek(&mut waiting).await.expect("the connection stands") < READ_BYTES * 3 / 2 {
        tokio::task::yield_now().await;
    }
    let mut connection = Connection::new(Arc::clone(&shell), 0, None, Socket::Tcp(served), Vec::new());
    assert!(Pin::new(&mut connection).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let metrics = shell.metrics.render(shell.switchboard.snapshot(), shell.switchboard.seat(), &shell.lines);
    let counted =
        |line: &str| line.strip_prefix("patchbay_messages_total{dialect=\"probe\",direction=\"in\"} ")?.parse().ok();
    let messages: usize = metrics.lines().find_map(counted).expect("messages are counted");
    assert!(messages > 0 && messages <= READ_BYTES / message.len(), "{messages} messages in one poll");
}
