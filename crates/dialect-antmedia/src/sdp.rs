//! The few lines of a description that this dialect looks at (RFC 8866, RFC 8839, RFC 8830). The rest passes untouched.

use patchbay_core::{Kind, Name, Section};

/// What pages cut off the id of a track to find out whose it is: antmedia.md section 5.4.
const VIDEO: &str = "ARDAMSv";
const AUDIO: &str = "ARDAMSa";

/// The id under which a page knows the media of a section: `ARDAMSv` or `ARDAMSa`, and the stream's name.
pub(crate) fn track_id(section: &Section<Name>) -> Option<String> {
    let prefix = match section.kind? {
        Kind::Audio => AUDIO,
        Kind::Video => VIDEO,
    };
    Some(format!("{prefix}{}", section.source.as_ref()?.as_str()))
}

/// The user name fragment of whoever wrote the description.
pub(crate) fn ufrag(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::trim)
}

/// The user name fragment that a candidate belongs to, if it says so.
pub(crate) fn candidate_ufrag(candidate: &str) -> Option<&str> {
    let mut words = candidate.split_ascii_whitespace();
    words.find(|word| *word == "ufrag")?;
    words.next()
}

/// The candidates in a description, each once: every section of a bundle repeats them.
pub(crate) fn candidates(sdp: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for line in sdp.lines() {
        if let Some(candidate) = line.strip_prefix("a=").filter(|value| value.starts_with("candidate:"))
            && !found.contains(&candidate)
        {
            found.push(candidate);
        }
    }
    found
}

/// The offer with streams and tracks called as pages expect it: in each section with a source, one `a=msid` behind
/// `a=mid`, and the same in `a=ssrc` lines. A page that reads a track's own id finds the stream's name in it.
pub(crate) fn with_track_ids(sdp: &str, sections: &[Section<Name>]) -> String {
    let mut out = String::with_capacity(sdp.len() + 64 * sections.len());
    let mut left = sections.iter();
    let mut msid: Option<String> = None;
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            msid = left.next().and_then(|section| {
                let stream = section.source.as_ref()?.as_str();
                Some(format!("{stream} {}", track_id(section)?))
            });
        }
        let Some(msid) = &msid else {
            out.push_str(line);
            continue;
        };
        if line.starts_with("a=msid:") {
            continue;
        }
        match line.split_once(" msid:").filter(|(start, _)| start.starts_with("a=ssrc:")) {
            Some((start, _)) => out.extend([start, " msid:", msid, "\r\n"]),
            None => out.push_str(line),
        }
        if line.starts_with("a=mid:") {
            out.extend(["a=msid:", msid, "\r\n"]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(mid: &str, kind: Option<Kind>, source: Option<&str>) -> Section<Name> {
        let source = source.map(|source| Name::parse(source).expect("a name"));
        Section { mid: mid.to_owned(), kind, source }
    }

    #[test]
    fn a_section_with_a_source_has_one_msid_that_names_it() {
        let sdp = "v=0\r\na=msid-semantic: WMS *\r\n\
            m=audio 9\r\na=mid:0\r\na=msid:x y\r\na=ssrc:5 cname:c\r\na=ssrc:5 msid:x y\r\n\
            m=video 9\r\na=mid:1\r\na=sendonly\r\n\
            m=video 9\r\na=mid:2\r\na=msid:old one\r\na=inactive\r\n\
            m=application 9\r\na=mid:3\r\na=msid:- -\r\n";
        let sections = [
            section("0", Some(Kind::Audio), Some("cam1")),
            section("1", Some(Kind::Video), Some("cam.2")),
            section("2", Some(Kind::Video), None),
            section("3", None, None),
        ];
        let expected = "v=0\r\na=msid-semantic: WMS *\r\n\
            m=audio 9\r\na=mid:0\r\na=msid:cam1 ARDAMSacam1\r\na=ssrc:5 cname:c\r\na=ssrc:5 msid:cam1 ARDAMSacam1\r\n\
            m=video 9\r\na=mid:1\r\na=msid:cam.2 ARDAMSvcam.2\r\na=sendonly\r\n\
            m=video 9\r\na=mid:2\r\na=msid:old one\r\na=inactive\r\n\
            m=application 9\r\na=mid:3\r\na=msid:- -\r\n";
        assert_eq!(with_track_ids(sdp, &sections), expected);
        assert_eq!(with_track_ids(sdp, &[]), sdp, "sections that nobody told of stay as they are");
    }

    #[test]
    fn candidates_are_told_apart_and_keep_their_order() {
        let sdp = "v=0\r\nm=audio\r\na=candidate:2 1 udp 9 h 1 typ host\r\na=candidate:1 1 udp 9 h 2 typ host\r\n\
            m=video\r\na=candidate:2 1 udp 9 h 1 typ host\r\na=end-of-candidates\r\n";
        assert_eq!(candidates(sdp), ["candidate:2 1 udp 9 h 1 typ host", "candidate:1 1 udp 9 h 2 typ host"]);
        assert!(candidates("v=0\r\n").is_empty());
    }

    #[test]
    fn fragments_are_found_where_they_stand() {
        assert_eq!(ufrag("v=0\r\nm=audio\r\na=ice-ufrag:aB/+\r\na=ice-ufrag:other\r\n"), Some("aB/+"));
        assert_eq!(ufrag("v=0\r\n"), None);
        let candidate = "candidate:1 1 udp 2 192.0.2.1 9 typ host generation 0 ufrag aB/+ network-cost 10";
        assert_eq!(candidate_ufrag(candidate), Some("aB/+"));
        for none in ["", "candidate:1 1 udp 2 192.0.2.1 9 typ host", "candidate:1 ufrag"] {
            assert_eq!(candidate_ufrag(none), None, "{none}");
        }
    }
}
