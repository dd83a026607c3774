use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::process::Server;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

const API: [(&str, &str); 4] = [
    ("PATCHBAY_DIALECT__ERS__EMS__JSON_LISTEN", "127.0.0.1:0"),
    ("PATCHBAY_DIALECT__ERS__EMS__ASCII_LISTEN", "127.0.0.1:0"),
    ("PATCHBAY_DIALECT__ERS__EMS__HTTP_LISTEN", "127.0.0.1:0"),
    ("PATCHBAY_DIALECT__ERS__EMS__ENVELOPE", "flat"),
];

pub(crate) fn server(settings: &[(&str, &str)]) -> Server {
    let all: Vec<_> = API.into_iter().chain(settings.iter().copied()).collect();
    Server::start(&all)
}

/// Where an interface of the API is.
pub(crate) fn at(server: &Server, endpoint: &str) -> SocketAddr {
    let name = &server.ready("ems")[endpoint];
    name.as_str().and_then(|name| name.parse().ok()).unwrap_or_else(|| panic!("no {endpoint}: {name}"))
}

pub(crate) fn connect(server: &Server, endpoint: &str) -> TcpStream {
    let stream = TcpStream::connect(at(server, endpoint)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

pub(crate) fn say(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("it takes bytes");
}

/// The next answer of the JSON interface, without its length and the line ends behind it.
pub(crate) fn answer(stream: &mut TcpStream) -> String {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a length");
    let mut text = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("small")];
    stream.read_exact(&mut text).expect("an answer");
    let text = String::from_utf8(text).expect("text");
    text.strip_suffix("\r\n\r\n").expect("two line ends").to_owned()
}

/// Everything that comes until the end.
pub(crate) fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut all);
    all
}

/// One command of the JSON interface, and its answer.
pub(crate) fn ask(server: &Server, line: &str) -> String {
    let mut stream = connect(server, "json");
    say(&mut stream, format!("{line}\r\n").as_bytes());
    answer(&mut stream)
}

pub(crate) fn http(server: &Server, request: &str) -> String {
    let mut stream = connect(server, "http");
    say(&mut stream, request.as_bytes());
    String::from_utf8(rest(&mut stream)).expect("text")
}
