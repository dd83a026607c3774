//! Keys that this version knows, but does nothing with yet. Setting one is allowed, so that one
//! file serves several versions, but not silent.

use super::key::Key;
use super::values::Values;

/// A key, or a section with all below it, and what is missing. A line leaves with its feature.
const UNSERVED: &[(&str, &str)] = &[("media.tcp_port", "ICE over TCP")];

/// What is missing for a key to have an effect.
pub(super) fn missing(key: &Key) -> Option<&'static str> {
    let covers = |prefix: &str| {
        let rest = key.path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    UNSERVED.iter().find_map(|(prefix, what)| covers(prefix).then_some(*what))
}

/// One warning per key that is set to something else than its default, but has no effect.
pub(super) fn warnings(values: &Values) -> Vec<String> {
    let changed = values.iter().filter(|setting| !Values::is_default(setting));
    let warning = |setting: &super::values::Setting| {
        let what = missing(setting.key)?;
        let label = match setting.key.section() {
            "" => setting.key.name().to_owned(),
            section => format!("[{section}] {}", setting.key.name()),
        };
        Some(format!("{label} is set ({}), but this version does not serve {what} yet", setting.source))
    };
    changed.filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::key::find;
    use crate::config::table::TABLE;

    #[test]
    fn every_line_covers_a_key() {
        for (prefix, _) in UNSERVED {
            let covered = |key: &&Key| key.path == *prefix || key.path.starts_with(&format!("{prefix}."));
            assert!(TABLE.iter().any(|key| covered(&key)), "{prefix}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_dot() {
        assert_eq!(missing(find("media.tcp_port").expect("known")), Some("ICE over TCP"));
        assert_eq!(missing(find("media.udp_port").expect("known")), None);
        assert_eq!(missing(find("http.addr").expect("known")), None);
        assert_eq!(missing(find("limits.connections").expect("known")), None);
    }
}
