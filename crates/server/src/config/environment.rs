//! The environment: `PATCHBAY_` and the key's path in capitals, levels joined by `__`, beside the
//! seeds' own names. Passed in as a value, so that tests need not touch the process.

use std::collections::BTreeMap;

use super::error::{ConfigError, Fault, Source, quoted};
use super::key::{SEED_VARIABLES, VARIABLE_PREFIX, example_key, find, is_section, nearest_path, variable};
use super::values::Setting;

/// Names and values of environment variables. No `Debug`: secrets stand in it.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. What is not UTF-8 gets replacement characters: a value is
    /// then a little wrong, which its key or the system will say, instead of being ignored.
    pub fn of_process() -> Self {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        std::env::vars_os().map(|(n, v)| (lossy(n), lossy(v))).collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

/// Whether a name with our prefix is set by others. Kubernetes sets the first group in every
/// pod beside a service named "patchbay"; the second belongs to the project's own tools.
fn is_foreign(name: &str) -> bool {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    let kubernetes =
        matches!(rest, "PORT" | "SERVICE_HOST") || rest.starts_with("PORT_") || rest.starts_with("SERVICE_PORT");
    let tools = rest == "VENDOR" || ["TEST_", "E2E_", "BENCH_"].iter().any(|p| rest.starts_with(p));
    kubernetes || tools
}

/// The settings of the environment in order of precedence, and everything that is wrong with them.
pub(super) fn parse(environment: &Environment) -> (Vec<Setting>, Vec<ConfigError>) {
    let mut settings = Vec::new();
    let mut errors = Vec::new();
    let mut take = |name: &str, found: Result<Setting, Fault>| match found {
        Ok(setting) => settings.push(setting),
        Err(fault) => errors.push(fault.at(Source::Env(name.to_owned()))),
    };
    for (name, path) in SEED_VARIABLES {
        // The seeds' servers take an empty variable for a missing one.
        if let Some(text) = environment.0.get(name).filter(|text| !text.trim().is_empty()) {
            take(name, setting(name, path, text));
        }
    }
    for (name, text) in &environment.0 {
        if let Some(rest) = name.strip_prefix(VARIABLE_PREFIX)
            && !is_foreign(name)
        {
            let path = rest.replace("__", ".").to_ascii_lowercase();
            // A variable's name is in capitals throughout: there is one spelling for each key.
            let found = if variable(&path) == *name { setting(name, &path, text) } else { Err(unknown(name, &path)) };
            take(name, found);
        }
    }
    (settings, errors)
}

fn setting(name: &str, path: &str, text: &str) -> Result<Setting, Fault> {
    let key = find(path).ok_or_else(|| unknown(name, path))?;
    let value = key.kind.read_text(text).map_err(|fault| fault.of_key(path))?;
    Ok(Setting { key, value, source: Source::Env(name.to_owned()) })
}

fn unknown(name: &str, path: &str) -> Fault {
    let example = |section: &str| variable(example_key(&format!("{section}.")));
    if is_section(path) {
        return Fault::new(
            format!("{path} is a section, not a key"),
            format!("set one of its keys, e.g. {}", example(path)),
        );
    }
    let nearest = nearest_path(path);
    let nearest = if is_section(nearest) { example(nearest) } else { variable(nearest) };
    Fault::new(
        format!("{} is no known variable", quoted(name)),
        format!("the nearest known one is {nearest}; unset it if it is not meant for this server"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::TABLE;

    fn read(variables: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<String>) {
        let (settings, errors) = parse(&variables.iter().copied().collect());
        let setting = |s: &Setting| (s.key.path.to_owned(), s.value.to_string());
        let shown = errors.iter().map(ToString::to_string).collect();
        (settings.iter().map(setting).collect(), shown)
    }

    #[test]
    fn every_key_has_a_variable_that_no_stranger_uses() {
        for key in TABLE {
            let name = key.variable();
            assert!(!is_foreign(&name), "{name}");
            let text = match key.default_value() {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            let (settings, errors) = read(&[(&name, &text)]);
            assert_eq!(errors, [""; 0]);
            assert_eq!(settings[0].0, key.path);
        }
    }

    #[test]
    fn the_seeds_names_come_first_so_that_ours_win() {
        let (settings, errors) = read(&[
            ("PATCHBAY_HTTP__ADDR", ":2"),
            ("ADDR", "[::]:1,unix:/x"),
            ("WS_ALLOWED_ORIGINS", " a , b "),
            ("RTC_CONFIG_JSON", ""),
            ("HOME", "/root"),
        ]);
        assert_eq!(errors, [""; 0]);
        let row = |path: &str, value: &str| (path.to_owned(), value.to_owned());
        assert_eq!(
            settings,
            [
                row("http.addr", "[\"[::]:1\", \"unix:/x\"]"),
                row("allowed_origins", "[\"a\", \"b\"]"),
                row("http.addr", "[\":2\"]"),
            ]
        );
    }

    #[test]
    fn unknown_names_and_bad_values_are_errors() {
        for (name, value, part) in [
            ("PATCHBAY_HTTP_ADDR", ":1", "is PATCHBAY_HTTP__ADDR;"),
            ("PATCHBAY_LOGLEVEL", "info", "is PATCHBAY_LOG__LEVEL;"),
            ("PATCHBAY_http__addr", ":1", "is PATCHBAY_HTTP__ADDR;"),
            ("PATCHBAY_HTTP", ":1", "http is a section, not a key; set one of its keys, e.g. PATCHBAY_HTTP__ADDR"),
            ("PATCHBAY_THREADS", "two", "variable PATCHBAY_THREADS: threads: \"two\" is not accepted"),
            ("ADDR", "8080", "environment variable ADDR: http.addr: \"8080\" is no listener address"),
        ] {
            let (_, errors) = read(&[(name, value)]);
            assert_eq!(errors.len(), 1, "{name}: {errors:?}");
            assert!(errors[0].contains(part), "{errors:?}");
        }
    }

    #[test]
    fn strangers_with_our_prefix_are_left_alone() {
        let (settings, errors) = read(&[
            ("PATCHBAY_PORT", "tcp://10.0.0.1:8080"),
            ("PATCHBAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("PATCHBAY_SERVICE_HOST", "10.0.0.1"),
            ("PATCHBAY_SERVICE_PORT_HTTP", "8080"),
            ("PATCHBAY_VENDOR", "/vendor"),
        ]);
        assert!(settings.is_empty() && errors.is_empty(), "{errors:?}");
    }
}
