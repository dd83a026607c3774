//! Bytes out of messages.

use super::{Message, Start};

impl Message {
    /// The message as it goes out, with its `Content-Length`. Control characters are left out of every line: what is
    /// written is the lines that are there and no other.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024 + self.body.len());
        match &self.start {
            Start::Request { method, uri } => {
                put(&mut out, method.as_str());
                out.push(b' ');
                put(&mut out, uri);
                out.extend_from_slice(b" SIP/2.0\r\n");
            }
            Start::Response { status, phrase } => {
                out.extend_from_slice(format!("SIP/2.0 {status:03} ").as_bytes());
                put(&mut out, phrase);
                out.extend_from_slice(b"\r\n");
            }
        }
        for line in self.lines.iter().filter(|line| !line.name.eq_ignore_ascii_case("Content-Length")) {
            put(&mut out, &line.name);
            out.extend_from_slice(b": ");
            put(&mut out, &line.value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        out.extend_from_slice(&self.body);
        out
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 4];
    for one in text.chars().filter(|one| !one.is_control()) {
        out.extend_from_slice(one.encode_utf8(&mut buffer).as_bytes());
    }
}
