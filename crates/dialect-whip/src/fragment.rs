//! The part of a description that is about its network (`application/trickle-ice-sdpfrag`, RFC 8840), and an offer with
//! another network in it.

/// What a fragment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) ufrag: Option<&'a str>,
    pub(crate) pwd: Option<&'a str>,
    /// `candidate:…`, in their order.
    pub(crate) candidates: Vec<&'a str>,
}

impl<'a> Fragment<'a> {
    /// Most candidates of one fragment: a browser with many networks has some 30.
    const CANDIDATES: usize = 100;

    /// Reads a fragment, or what a whole description says of its network; `None` if a line is none, or there are more
    /// candidates than anybody has.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut fragment = Self::default();
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let (kind, value) = line.split_once('=')?;
            if kind.len() != 1 || !kind.bytes().all(|byte| byte.is_ascii_lowercase()) {
                return None;
            }
            if let Some(ufrag) = value.strip_prefix("ice-ufrag:") {
                fragment.ufrag.get_or_insert(ufrag);
            } else if let Some(pwd) = value.strip_prefix("ice-pwd:") {
                fragment.pwd.get_or_insert(pwd);
            } else if value.starts_with("candidate:") && !fragment.candidates.contains(&value) {
                fragment.candidates.push(value);
            }
            if fragment.candidates.len() > Self::CANDIDATES {
                return None;
            }
        }
        let legal = |text: &str, least: usize| {
            // RFC 8839 section 5.4.
            let ice_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            (least..=256).contains(&text.len()) && text.bytes().all(ice_char)
        };
        let fine = fragment.ufrag.is_none_or(|ufrag| legal(ufrag, 4)) && fragment.pwd.is_none_or(|pwd| legal(pwd, 22));
        fine.then_some(fragment)
    }

    /// The fragment's text, for a description whose first section is as given: its `m=` line and its `mid`.
    pub(crate) fn write(&self, media: &str, mid: &str) -> String {
        let mut out = String::new();
        let mut line = |parts: &[&str]| {
            parts.iter().for_each(|part| out.push_str(part));
            out.push_str("\r\n");
        };
        for (name, value) in [("a=ice-ufrag:", self.ufrag), ("a=ice-pwd:", self.pwd)] {
            if let Some(value) = value {
                line(&[name, value]);
            }
        }
        line(&["m=", media]);
        line(&["a=mid:", mid]);
        for candidate in &self.candidates {
            line(&["a=", candidate]);
        }
        line(&["a=end-of-candidates"]);
        out
    }
}

/// The offer with another network: what the fragment says instead of what it said.
pub(crate) fn renewed(offer: &str, fragment: &Fragment<'_>) -> String {
    let mut out = String::with_capacity(offer.len() + 64 * fragment.candidates.len());
    let mut sections = 0;
    for line in offer.split_inclusive('\n') {
        let text = line.trim_end();
        if text.starts_with("a=candidate:") || text.starts_with("a=end-of-candidates") {
            continue;
        }
        let value = if text.starts_with("a=ice-ufrag:") {
            fragment.ufrag.map(|ufrag| ("a=ice-ufrag:", ufrag))
        } else if text.starts_with("a=ice-pwd:") {
            fragment.pwd.map(|pwd| ("a=ice-pwd:", pwd))
        } else {
            None
        };
        if text.starts_with("m=") {
            sections += 1;
        }
        match value {
            Some((name, value)) => out.extend([name, value, "\r\n"]),
            None => out.push_str(line),
        }
        // Bundled: the first section's are everybody's.
        if sections == 1 && text.starts_with("a=mid:") {
            for candidate in &fragment.candidates {
                out.extend(["a=", candidate, "\r\n"]);
            }
        }
    }
    out
}

/// The first section of a description: what stands behind `m=`, and its `mid`.
pub(crate) fn first_section(sdp: &str) -> (&str, &str) {
    let media = sdp.lines().find_map(|line| line.strip_prefix("m=")).unwrap_or_default();
    let mid = sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
    (media.trim_end(), mid.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PWD: &str = "asd88fgpdd777uzjYhagZg";

    #[test]
    fn a_fragment_is_read_and_written() {
        let text = format!(
            "a=ice-ufrag:EsAw\r\na=ice-pwd:{PWD}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
             a=candidate:1 1 udp 2 192.0.2.1 9 typ host\r\na=candidate:1 1 udp 2 192.0.2.1 9 typ host\r\n\
             a=end-of-candidates\r\n"
        );
        let read = Fragment::read(&text).expect("a fragment");
        assert_eq!((read.ufrag, read.pwd), (Some("EsAw"), Some(PWD)));
        assert_eq!(read.candidates, ["candidate:1 1 udp 2 192.0.2.1 9 typ host"], "each once");
        let written = read.write("audio 9 UDP/TLS/RTP/SAVPF 0", "0");
        assert_eq!(Fragment::read(&written), Some(read));
        assert!(written.ends_with("a=end-of-candidates\r\n"));
    }

    #[test]
    fn what_is_no_fragment_is_none() {
        let many: String =
            (0..101).map(|port| format!("a=candidate:1 1 udp 2 192.0.2.1 {port} typ host\r\n")).collect();
        for text in ["hello", "a=ice-ufrag:abc\r\n", "a=ice-ufrag:ab\"cd\r\n", "a=ice-pwd:short\r\n", "ab=c\r\n", &many]
        {
            assert_eq!(Fragment::read(text), None, "{text}");
        }
        assert_eq!(Fragment::read(""), Some(Fragment::default()));
    }

    #[test]
    fn an_offer_is_renewed_in_its_network_alone() {
        let offer = "v=0\r\nm=audio 9 x 111\r\na=ice-ufrag:old1\r\na=ice-pwd:old\r\na=mid:0\r\na=candidate:old\r\n\
            m=video 9 x 96\r\na=ice-ufrag:old1\r\na=ice-pwd:old\r\na=mid:1\r\na=end-of-candidates\r\n";
        let fragment = Fragment { ufrag: Some("new1"), pwd: Some(PWD), candidates: vec!["candidate:new"] };
        let expected = format!(
            "v=0\r\nm=audio 9 x 111\r\na=ice-ufrag:new1\r\na=ice-pwd:{PWD}\r\na=mid:0\r\na=candidate:new\r\n\
             m=video 9 x 96\r\na=ice-ufrag:new1\r\na=ice-pwd:{PWD}\r\na=mid:1\r\n"
        );
        assert_eq!(renewed(offer, &fragment), expected);
        assert_eq!(first_section(offer), ("audio 9 x 111", "0"));
    }
}
