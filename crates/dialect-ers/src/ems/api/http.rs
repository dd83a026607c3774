//! Commands as HTTP requests: `GET /<command>?params=<base64>` (ers.md section 2.1).

/// The command line of a request's path and query; `None`: it is no text.
pub(crate) fn line(path: &str, query: &str) -> Option<String> {
    let command = percent(path.rsplit('/').next().unwrap_or_default())?;
    // The first value counts, whatever its name.
    let value = query.split('&').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value);
    let decoded = base64(&percent(value.unwrap_or_default())?)?;
    let parameters = String::from_utf8(decoded).ok()?;
    // One request is one command.
    let whole = format!("{command} {parameters}");
    Some(whole.split(['\r', '\n']).find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned())
}

fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits =
                std::str::from_utf8(&digits).ok().filter(|digits| digits.bytes().all(|one| one.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Both alphabets, with or without padding; a blank is a plus that somebody has decoded (RFC 4648 sections 4 and 5).
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len()), 0_u32, 0_u32);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' | b' ' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0x0fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or_default());
        }
    }
    // A single character holds no byte.
    (bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_command() {
        let params = "params=ZXJzaXA9MTI3LjAuMC4xIGVyc3BvcnQ9MzUzNSByb29taWQ9dGVzdFJvb20=";
        let expected = "startWebrtc ersip=127.0.0.1 ersport=3535 roomid=testRoom";
        for (path, query) in [
            ("/startWebrtc", params.to_owned()),
            ("/any/where/startWebrtc", params.replace("params", "x")),
            ("/startWebrtc", params.trim_end_matches('=').to_owned()),
            ("/startWebrtc", params.replacen("20=", "20%3D", 1)),
            ("/startWebrtc", format!("{params}&other=1")),
        ] {
            assert_eq!(line(path, &query).as_deref(), Some(expected), "{path} {query}");
        }
        assert_eq!(line("/version", "").as_deref(), Some("version "));
        assert_eq!(line("/version", "params").as_deref(), Some("version "));
        assert_eq!(line("/", "").as_deref(), Some(""));
        // "a>?" needs a plus and a slash.
        assert_eq!(line("/c", "p=YT4/").as_deref(), Some("c a>?"));
        assert_eq!(line("/c", "p=YX4 ").as_deref(), line("/c", "p=YX4+").as_deref());
    }

    #[test]
    fn what_is_no_base64_is_no_command() {
        for (path, query) in
            [("/c", "p=*"), ("/c", "p=A"), ("/c", "p=%4"), ("/%ff", ""), ("/c", "p=//8="), ("/c%zz", "")]
        {
            assert_eq!(line(path, query), None, "{path} {query}");
        }
    }

    #[test]
    fn a_second_command_cannot_be_smuggled_in() {
        // "a=1\nquit"
        assert_eq!(line("/version", "p=YT0xCnF1aXQ=").as_deref(), Some("version a=1"));
        assert_eq!(line("/a%0Aquit", "").as_deref(), Some("a"));
    }
}
