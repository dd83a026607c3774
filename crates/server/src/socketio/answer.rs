//! What is said before there is a session.

use std::time::{Duration, UNIX_EPOCH};

use super::Sid;

/// What a client is told that comes with an id that waits for nobody: an error of the first kind, with the advice to connect
/// anew (`7:::reason+advice`).
pub(crate) const NOT_HANDSHAKEN: &str = "7:::1+0";

/// The id, the seconds of heartbeat and close timeout, and the library's transports, all of them: clients choose among
/// them, and devices count the characters.
pub(crate) fn handshake_text(sid: &Sid, jsonp: Option<&str>) -> String {
    let text = format!("{}:60:60:websocket,htmlfile,xhr-polling,jsonp-polling", sid.as_str());
    match jsonp {
        // Nothing in it needs an escape.
        Some(number) => format!("io.j[{number}](\"{text}\");"),
        None => text,
    }
}

/// How a script is told that it is refused.
pub(crate) fn jsonp_error(number: &str, text: &str) -> String {
    format!("io.j[{number}](new Error(\"{text}\"));")
}

/// The whole answer to a handshake, byte for byte as ers.md section 1.2.1 has it: the id stands three lines behind
/// `chunked`, which must be the last header, and the end must not come later than the rest.
pub(super) fn handshake(sid: &Sid, jsonp: Option<&str>, origin: Option<&str>, unix_ms: u64, keep: bool) -> String {
    let body = handshake_text(sid, jsonp);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(unix_ms));
    let media_type = if jsonp.is_some() { "application/javascript" } else { "text/plain" };
    let shared = origin
        .filter(|_| jsonp.is_none())
        .map(|origin| format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"));
    let (shared, connection) = (shared.unwrap_or_default(), if keep { "keep-alive" } else { "close" });
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n{shared}Date: {date}\r\nConnection: {connection}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid() -> Sid {
        Sid::parse("AbC-_0123456789xyzAB").expect("an id")
    }

    /// The moment of the device's own capture (ers.md section 0).
    const MOMENT: u64 = 1_432_678_854_000;

    #[test]
    fn the_handshake_is_the_librarys_byte_for_byte() {
        assert_eq!(
            handshake(&sid(), None, Some("http://192.0.2.1:3535"), MOMENT, true),
            "HTTP/1.1 200 OK\r\n\
             Content-Type: text/plain\r\n\
             Access-Control-Allow-Origin: http://192.0.2.1:3535\r\n\
             Access-Control-Allow-Credentials: true\r\n\
             Date: Tue, 26 May 2015 22:20:54 GMT\r\n\
             Connection: keep-alive\r\n\
             Transfer-Encoding: chunked\r\n\
             \r\n\
             47\r\n\
             AbC-_0123456789xyzAB:60:60:websocket,htmlfile,xhr-polling,jsonp-polling\r\n\
             0\r\n\
             \r\n"
        );
        let plain = handshake(&sid(), None, None, MOMENT, false);
        assert!(plain.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: "), "{plain}");
        assert!(plain.contains("\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n47\r\n"), "{plain}");
    }

    #[test]
    fn a_script_is_answered_with_a_call() {
        let script = handshake(&sid(), Some("3"), Some("http://x"), MOMENT, true);
        assert!(script.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/javascript\r\nDate: "), "{script}");
        let call = "io.j[3](\"AbC-_0123456789xyzAB:60:60:websocket,htmlfile,xhr-polling,jsonp-polling\");";
        assert!(script.ends_with(&format!("\r\n\r\n{:x}\r\n{call}\r\n0\r\n\r\n", call.len())), "{script}");
        assert_eq!(jsonp_error("0", "handshake bad origin"), "io.j[0](new Error(\"handshake bad origin\"));");
    }

    /// How the device finds the id: behind the third line feed after `chunked`, up to the next colon.
    #[test]
    fn the_devices_scanner_finds_the_id() {
        let text = handshake(&sid(), None, Some("http://192.0.2.1:3535"), MOMENT, true);
        let behind = &text[text.find("chunked").expect("the word")..];
        let line = behind.splitn(4, '\n').nth(3).expect("three line feeds");
        assert_eq!(line.split(':').next(), Some(sid().as_str()));
    }
}
