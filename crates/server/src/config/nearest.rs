//! The known name that somebody probably meant.

/// The candidate nearest to `name`, by edit distance over the whole path; a candidate whose last
/// part is spelled the same counts as near, so that `addr` finds `http.addr`.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SAME_LAST_PART: usize = 2;
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
    candidates.min_by_key(|candidate| {
        let whole = strsim::osa_distance(name, candidate);
        let capped = if last(name) == last(candidate) { whole.min(SAME_LAST_PART) } else { whole };
        (capped, whole)
    })
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let known = ["log.level", "http.addr", "https.addr", "limits.message_bytes"];
        for (typed, meant) in [
            ("http.adr", "http.addr"),
            ("http_addr", "http.addr"),
            ("addr", "http.addr"),
            ("limits.message_byte", "limits.message_bytes"),
            ("loglevel", "log.level"),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), Some(meant), "{typed}");
        }
        assert_eq!(nearest("x", [].into_iter()), None);
    }
}
