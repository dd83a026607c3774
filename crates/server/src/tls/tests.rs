//! The stream against rustls's buffered client, in pieces and batches that no ordinary client sends.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream as StdStream};
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::*;
use crate::socket::{Rewind, Socket};

/// Files with a pair, removed at the end.
pub(crate) struct Pair {
    folder: PathBuf,
    der: CertificateDer<'static>,
}

impl Pair {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("patchbay-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(folder.join("cert.pem"), cert.pem()).expect("a file");
        std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).expect("a file");
        Self { folder, der: cert.der().clone() }
    }

    pub(crate) fn load(&self) -> Tls {
        Tls::load(&self.folder.join("cert.pem"), &self.folder.join("key.pem")).expect("a pair")
    }

    /// The client's side of a stream; it blocks.
    pub(crate) fn client(&self, stream: StdStream) -> StreamOwned<ClientConnection, StdStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a configuration"), stream)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

type Client = StreamOwned<ClientConnection, StdStream>;

/// Both ends of a connection after its handshake.
async fn connect(name: &str) -> (Box<TlsStream>, Client) {
    let pair = Pair::new(name);
    let tls = pair.load();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let client = spawn_blocking(move || {
        let mut client = pair.client(StdStream::connect(address).expect("it accepts"));
        client.conn.complete_io(&mut client.sock).expect("a handshake");
        client
    });
    let (socket, _) = listener.accept().await.expect("a client");
    let stream = TlsStream::accept(Rewind::new(Vec::new(), Socket::Tcp(socket)), tls.config()).await;
    (stream.expect("a handshake"), client.await.expect("no panic"))
}

/// Text of which no part looks like another.
fn counted(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 251 + at) % 251).unwrap_or_default()).collect()
}

#[tokio::test]
async fn records_in_pieces_are_read_in_pieces() {
    let (mut stream, mut client) = connect("pieces").await;
    let sent = counted(40_000);
    let expected = sent.clone();
    let client = spawn_blocking(move || {
        client.conn.writer().write_all(&sent).expect("it is buffered");
        let mut records = Vec::new();
        while client.conn.wants_write() {
            client.conn.write_tls(&mut records).expect("into memory");
        }
        client.sock.set_nodelay(true).expect("an option");
        // The end of one record and the start of the next in one piece, and pieces of every small length.
        for (number, piece) in records.chunks(997).enumerate() {
            let (first, second) = piece.split_at((number % 7).min(piece.len()));
            client.sock.write_all(first).and_then(|()| client.sock.write_all(second)).expect("it reads");
        }
        client
    });
    let mut read = Vec::new();
    for length in (1..=300).cycle() {
        let mut buffer = vec![0; length];
        let got = stream.read(&mut buffer).await.expect("the connection stands");
        read.extend_from_slice(&buffer[..got]);
        if read.len() >= expected.len() {
            break;
        }
    }
    assert!(read == expected, "{} bytes", read.len());
    drop(client.await.expect("no panic"));
    assert_eq!(stream.read(&mut [0; 16]).await.expect("an end"), 0);
}

/// What a client that does not read has not taken is known, bounded, and goes out when it reads.
#[tokio::test]
async fn what_the_socket_does_not_take_waits_and_is_counted() {
    let (mut stream, mut client) = connect("waits").await;
    let message = counted(1 << 20);
    let mut taken = 0;
    // Until a write waits: the kernel is full, and so is our batch.
    let waits = |written: Result<io::Result<usize>, _>| written.map(|written| written.expect("the connection stands"));
    while let Ok(length) = waits(tokio::time::timeout(Duration::from_millis(300), stream.write(&message)).await) {
        taken += length;
        assert!(taken < 64 << 20, "the socket takes everything");
    }
    let unsent = stream.unsent();
    assert!(unsent > 0 && unsent < 80 * 1024, "{unsent} bytes wait");
    let flushed = tokio::time::timeout(Duration::from_millis(100), stream.flush()).await;
    assert!(flushed.is_err(), "there is something to flush");
    let reader = spawn_blocking(move || {
        let mut left = taken;
        let mut buffer = [0; 65_536];
        while left > 0 {
            left -= client.read(&mut buffer).expect("the connection stands");
        }
        assert_eq!(client.read(&mut buffer).expect("a farewell, not a cut"), 0);
    });
    stream.flush().await.expect("the connection stands");
    assert_eq!(stream.unsent(), 0);
    stream.shutdown().await.expect("a farewell");
    reader.await.expect("every byte and the farewell");
    assert_eq!(stream.write(b"more").await.map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
}

#[tokio::test]
async fn new_keys_are_taken_up_on_both_sides() {
    let (mut stream, mut client) = connect("keys").await;
    let client = spawn_blocking(move || {
        for _ in 0..3 {
            client.conn.refresh_traffic_keys().expect("TLS 1.3");
            client.write_all(b"question").expect("it reads");
            let mut answer = [0; 6];
            client.read_exact(&mut answer).expect("an answer");
            assert_eq!(&answer, b"answer");
        }
    });
    for _ in 0..3 {
        let mut question = [0; 8];
        stream.read_exact(&mut question).await.expect("a question");
        stream.write_all(b"answer").await.expect("it reads");
        stream.flush().await.expect("it reads");
    }
    client.await.expect("no panic");
}

/// Every byte of the client's flight and of a record, spoilt: an error each time, never a panic, never data.
#[tokio::test]
async fn a_spoilt_record_is_an_error_and_the_stream_stays_over() {
    for at in [0, 1, 3, 4, 5, 9, 30] {
        let (mut stream, mut client) = connect(&format!("spoilt{at}")).await;
        let mut records = Vec::new();
        client.conn.writer().write_all(b"hello, who is there?").expect("it is buffered");
        client.conn.write_tls(&mut records).expect("into memory");
        // A length becomes shorter; everything else may become anything.
        records[at] = if at == 3 || at == 4 { 0 } else { records[at] ^ 0x55 };
        records.extend_from_within(..);
        client.sock.write_all(&records).expect("it reads");
        let read = stream.read(&mut [0; 64]).await.map_err(|error| error.kind());
        assert_eq!(read, Err(io::ErrorKind::InvalidData), "byte {at}");
        assert_eq!(stream.read(&mut [0; 64]).await.expect("it is over"), 0, "byte {at}");
        let written = stream.write(b"x").await.map_err(|error| error.kind());
        assert_eq!(written, Err(io::ErrorKind::BrokenPipe), "byte {at}");
        let heard = spawn_blocking(move || client.read(&mut [0; 64]).expect_err("an alert"));
        drop(stream);
        let heard = heard.await.expect("no panic").to_string();
        assert!(heard.contains("alert"), "byte {at}: {heard}");
    }
}
