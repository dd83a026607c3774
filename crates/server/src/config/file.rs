//! The configuration file: TOML, every key by its line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Fault, Source, quoted};
use super::key::{example_key, find, is_section, nearest_path};
use super::values::Setting;

/// A configuration is a few kilobytes; whoever names a device or a recording by mistake is told so.
const FILE_BYTES: u64 = 1024 * 1024;
/// Behind some errors of syntax the parser only guesses.
const SYNTAX_ERRORS: usize = 10;

/// Reads a file; the path appears in errors as it was given.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let source = || Source::File { path: path.display().to_string(), line: None };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(|error| {
        let problem = format!("the configuration file cannot be read ({error})");
        Fault::new(problem, "check the path and its permissions").at(source())
    })?;
    if bytes.len() as u64 > FILE_BYTES {
        let fault = Fault::new("the file is larger than 1 MiB", "name a configuration file");
        return Err(fault.at(source()));
    }
    String::from_utf8(bytes).map_err(|_| Fault::new("the file is not UTF-8", "save it as UTF-8").at(source()))
}

/// The settings of a file's text, and everything that is wrong with it.
pub(super) fn parse(path: &str, text: &str) -> (Vec<Setting>, Vec<ConfigError>) {
    let mut reader = Reader { path, text, settings: Vec::new(), errors: Vec::new() };
    let (root, faults) = DeTable::parse_recoverable(text);
    if faults.is_empty() {
        reader.table("", root.get_ref());
    }
    // What a broken document seems to say is not looked at: its errors would be noise.
    for fault in faults.iter().take(SYNTAX_ERRORS) {
        // Only the message: the error's Display quotes the line, in which a secret may stand.
        let problem = format!("no valid TOML: {}", fault.message().replace(char::is_control, " "));
        let at = fault.span().map_or(0, |span| span.start);
        reader.fault(at, Fault::new(problem, "correct this line"));
    }
    // The parser gives tables in the order of their names; people read files from the top.
    reader.errors.sort_by_key(|error| match error.source {
        Source::File { line, .. } => line,
        _ => None,
    });
    (reader.settings, reader.errors)
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    settings: Vec<Setting>,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let at = name.span().start;
            // A quoted name with a dot in it is no path; in quotes it stays unknown.
            let name = name.get_ref();
            let part = if name.contains('.') { format!("\"{name}\"") } else { name.to_string() };
            let path = if prefix.is_empty() { part } else { format!("{prefix}.{part}") };
            self.entry(&path, at, value.get_ref());
        }
    }

    fn entry(&mut self, path: &str, at: usize, value: &DeValue<'_>) {
        if let Some(key) = find(path) {
            let checked = plain(value).and_then(|value| key.kind.check(&value));
            match checked {
                Ok(value) => self.settings.push(Setting { key, value, source: self.source(at) }),
                Err(fault) => self.fault(at, fault.of_key(path)),
            }
        } else if !is_section(path) {
            self.fault(at, Fault::unknown_key(path));
        } else if let DeValue::Table(table) = value {
            self.table(path, table);
        } else {
            self.fault(at, Fault::section(path));
        }
    }

    fn fault(&mut self, at: usize, fault: Fault) {
        let source = self.source(at);
        self.errors.push(fault.at(source));
    }

    fn source(&self, at: usize) -> Source {
        let before = self.text.as_bytes().iter().take(at);
        Source::File { path: self.path.to_owned(), line: Some(1 + before.filter(|b| **b == b'\n').count()) }
    }
}

impl Fault {
    pub(super) fn of_key(self, path: &str) -> Self {
        Self { problem: format!("{path}: {}", self.problem), ..self }
    }

    pub(super) fn unknown_key(path: &str) -> Self {
        let nearest = nearest_path(path);
        let action = if is_section(nearest) {
            format!("the nearest known section is [{nearest}]")
        } else {
            format!("the nearest known key is {nearest}")
        };
        Self::new(format!("{} is not a known key", quoted(path)), action)
    }

    pub(super) fn section(path: &str) -> Self {
        Self::new(
            format!("{path} is a section, not a key"),
            format!("set one of its keys, e.g. {}", example_key(&format!("{path}."))),
        )
    }
}

/// The parser's value as a plain one.
fn plain(value: &DeValue<'_>) -> Result<Value, Fault> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(on) => Value::Boolean(*on),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Integer(n) => {
            let number = i64::from_str_radix(n.as_str(), n.radix());
            Value::Integer(number.map_err(|_| Fault::new("the number is too large", "write a smaller number"))?)
        }
        DeValue::Float(n) => {
            // No key takes a fraction: it is only shown in the error that says so.
            Value::Float(n.as_str().parse().unwrap_or(f64::NAN))
        }
        DeValue::Array(items) => {
            let items = items.iter().map(|item| plain(item.get_ref()));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                plain(value.get_ref()).map(|value| (name.to_string(), value))
            };
            Value::Table(table.iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        parse("p.toml", text).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn settings_know_their_line() {
        let text =
            "# c\nlog = { format = \"json\" }\n[http]\n\naddr = \":1\"\n[dialect.ers.ems]\nenvelope = \"flat\"\n";
        let (settings, errors) = parse("p.toml", text);
        assert_eq!(errors, []);
        let found: Vec<_> = settings.iter().map(|s| (s.key.path, s.value.to_string(), s.source.to_string())).collect();
        let row = |path, value: &str, line| (path, value.to_owned(), format!("p.toml:{line}"));
        for expected in [
            row("log.format", "\"json\"", 2),
            row("http.addr", "[\":1\"]", 5),
            row("dialect.ers.ems.envelope", "\"flat\"", 7),
        ] {
            assert!(found.contains(&expected), "{expected:?} in {found:?}");
        }
    }

    #[test]
    fn all_errors_are_reported_with_their_lines() {
        let found = errors("threads = \"x\"\nmdeia = 1\nhttp = 5\n[dialect.mehs]\npath = \"/\"\n[http2]\n");
        assert_eq!(found.len(), 5, "{found:?}");
        let parts = [
            "p.toml:1: threads: \"x\" is not accepted",
            "p.toml:2: \"mdeia\" is not a known key; the nearest known section is [media]",
            "p.toml:3: http is a section, not a key; set one of its keys, e.g. http.addr",
            "p.toml:4: \"dialect.mehs\" is not a known key; the nearest known section is [dialect.mesh]",
            "p.toml:6: \"http2\" is not a known key; the nearest known section is [http]",
        ];
        for (error, part) in found.iter().zip(parts) {
            assert!(error.starts_with(part), "{part}\n{error}");
        }
    }

    #[test]
    fn broken_toml_shows_its_line_and_no_content() {
        let found = errors("[rtc]\nconfig_json = {\"credential\": hunter2\n");
        assert!(found[0].starts_with("p.toml:2: no valid TOML"), "{found:?}");
        assert!(!found.concat().contains("hunter2"), "{found:?}");
        let twice = errors("threads = 1\nthreads = 2\n");
        assert!(twice[0].starts_with("p.toml:2: "), "{twice:?}");
    }

    #[test]
    fn hostile_names_stay_on_one_line() {
        for text in
            ["\"a\\nb\" = 1", "\"http.addr\" = 1", "[http]\n\"\\u001b[2J\" = 1", "threads = 99999999999999999999"]
        {
            let found = errors(text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(!found[0].contains(char::is_control), "{found:?}");
        }
    }
}
