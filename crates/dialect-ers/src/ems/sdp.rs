//! Our offers as an original writes them, and answers as they would be to ours (ers.md section 3.2): sections are named by what
//! they carry, candidates are told apart, data has its old form.
//!
//! A view has a section of each kind at most when it begins; of several, each but the first keeps the name that it has.

use patchbay_core::{Kind, Name, Section};

/// The old name of the data section, for the candidates of a peer that names none.
pub(crate) const DATA: &str = "data";

/// The names of sections: ours, and those that the peer knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<(String, &'static str)>);

impl Names {
    pub(crate) fn of(sections: &[Section<Name>]) -> Self {
        let mut names: Vec<(String, &'static str)> = Vec::new();
        for section in sections {
            let name = match section.kind {
                Some(Kind::Audio) => "audio",
                Some(Kind::Video) => "video",
                None => DATA,
            };
            if names.iter().all(|(_, known)| *known != name) {
                names.push((section.mid.clone(), name));
            }
        }
        Self(names)
    }

    fn theirs<'a>(&'a self, mid: &'a str) -> &'a str {
        self.0.iter().find(|(ours, _)| ours == mid).map_or(mid, |(_, theirs)| theirs)
    }

    fn ours<'a>(&'a self, mid: &'a str) -> &'a str {
        self.0.iter().find(|(_, theirs)| *theirs == mid).map_or(mid, |(ours, _)| ours)
    }

    /// Our offer, as the peer is to read it.
    pub(crate) fn offer(&self, sdp: &str) -> String {
        let mut out = String::with_capacity(sdp.len());
        let mut session = true;
        for line in sdp.lines().map(str::trim_end) {
            if line.starts_with("m=") && std::mem::take(&mut session) {
                // Sections have each its own, but old players look for it here.
                out.push_str("a=ice-options:trickle\r\n");
            }
            match line {
                "a=end-of-candidates" | "a=ice-options:trickle" => continue,
                _ if line.starts_with("a=candidate:") => continue,
                // Their packets would be told apart by names that the peer does not know.
                _ if line.starts_with("a=extmap:") && line.ends_with(":sdes:mid") => continue,
                _ if line.starts_with("m=application ") => out.push_str("m=application 9 DTLS/SCTP 5000"),
                // Beside the old form, browsers take neither line of the new one.
                _ if line.starts_with("a=sctp-port:") => out.push_str("a=sctpmap:5000 webrtc-datachannel 4"),
                _ if line.starts_with("a=max-message-size:") => continue,
                _ => out.push_str(&renamed(line, |mid| self.theirs(mid))),
            }
            out.push_str("\r\n");
        }
        out
    }

    /// The peer's answer, as it would be to our offer.
    pub(crate) fn answer(&self, sdp: &str) -> String {
        let mut out = String::with_capacity(sdp.len());
        for line in sdp.lines().map(str::trim_end) {
            out.push_str(&renamed(line, |mid| self.ours(mid)));
            out.push_str("\r\n");
        }
        out
    }
}

/// The line with names of sections put into other words.
fn renamed<'a>(line: &'a str, name: impl Fn(&'a str) -> &'a str) -> String {
    if let Some(mid) = line.strip_prefix("a=mid:") {
        return format!("a=mid:{}", name(mid));
    }
    if let Some(list) = line.strip_prefix("a=group:BUNDLE ") {
        let list: Vec<_> = list.split(' ').map(name).collect();
        return format!("a=group:BUNDLE {}", list.join(" "));
    }
    line.to_owned()
}

/// Whether an offer has data in the form of 2015.
pub(crate) fn is_old(sdp: &str) -> bool {
    sdp.lines().any(|line| line.starts_with("m=application ") && line.trim_end().ends_with(" DTLS/SCTP 5000"))
}

/// An answer of ours without its candidates, which are told apart.
pub(crate) fn apart(sdp: &str) -> String {
    let ours = |line: &&str| !line.starts_with("a=candidate:") && *line != "a=end-of-candidates";
    sdp.lines().map(str::trim_end).filter(ours).fold(String::with_capacity(sdp.len()), |out, line| out + line + "\r\n")
}

/// The candidates of a description, each once: sections that share a connection repeat them.
pub(crate) fn candidates(sdp: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for candidate in sdp.lines().filter_map(|line| line.strip_prefix("a=")).map(str::trim_end) {
        if candidate.starts_with("candidate:") && !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

/// The name of the first section of a description.
pub(crate) fn first_mid(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE x1 y2 z3\r\na=msid-semantic:WMS *\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:x1\r\na=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\na=end-of-candidates\r\n\
        a=ice-options:trickle\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:1 urn:other\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 107\r\na=mid:y2\r\na=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:z3\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

    fn names() -> Names {
        let section = |mid: &str, kind| Section { mid: mid.to_owned(), kind, source: None };
        Names::of(&[
            section("x1", Some(Kind::Audio)),
            section("y2", Some(Kind::Video)),
            section("z3", None),
            section("w4", None),
        ])
    }

    #[test]
    fn an_offer_is_as_old_players_know_it() {
        let expected = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio video data\r\n\
            a=msid-semantic:WMS *\r\na=ice-options:trickle\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio\r\n\
            a=extmap:1 urn:other\r\nm=video 9 UDP/TLS/RTP/SAVPF 107\r\na=mid:video\r\n\
            m=application 9 DTLS/SCTP 5000\r\na=mid:data\r\na=sctpmap:5000 webrtc-datachannel 4\r\n";
        assert_eq!(names().offer(OFFER), expected);
    }

    #[test]
    fn an_answer_has_our_names_again() {
        let answer = "v=0\r\na=group:BUNDLE audio video data\r\nm=audio 9 x 111\r\na=mid:audio\r\na=candidate:1\r\nm=video 9 x 107\n\
            a=mid:video\nm=application 9 DTLS/SCTP 5000\r\na=mid:data\r\n";
        let expected = "v=0\r\na=group:BUNDLE x1 y2 z3\r\nm=audio 9 x 111\r\na=mid:x1\r\na=candidate:1\r\nm=video 9 x 107\r\n\
            a=mid:y2\r\nm=application 9 DTLS/SCTP 5000\r\na=mid:z3\r\n";
        assert_eq!(names().answer(answer), expected);
        assert_eq!(first_mid(answer), Some("audio"));
    }

    #[test]
    fn an_answer_has_the_form_of_the_offer_and_no_candidates() {
        assert!(!is_old(OFFER) && is_old(&names().offer(OFFER)));
        let answer = apart(OFFER);
        assert!(!answer.contains("candidate") && answer.ends_with("a=max-message-size:262144\r\n"), "{answer}");
        assert!(is_old(&Names::default().offer(OFFER)) && Names::default().offer(OFFER).contains("a=mid:z3"));
    }

    #[test]
    fn a_candidate_is_told_once() {
        assert_eq!(candidates(OFFER), ["candidate:1 1 udp 1 127.0.0.1 5 typ host"]);
    }
}
