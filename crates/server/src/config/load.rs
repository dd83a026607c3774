//! The layers brought together: defaults, file, environment, flags.

use std::path::{Path, PathBuf};

use super::environment::{self, Environment};
use super::error::{ConfigError, ConfigErrors, Fault, Source};
use super::ers;
use super::file;
use super::key::{find, is_section};
use super::red5;
use super::rules;
use super::typed::Config;
use super::values::{Setting, Values};

/// Read where it exists and no file was named.
pub const DEFAULT_FILE: &str = "patchbay.toml";

/// What the command line asks for.
#[derive(Clone, Default)]
pub struct Request {
    /// The file that was named.
    pub file: Option<PathBuf>,
    /// Keys set by flags; the later wins.
    pub overrides: Vec<Override>,
}

/// A key set by a flag. No `Debug`: the text may be a secret.
#[derive(Clone)]
pub struct Override {
    /// The flag as it is written, e.g. `--addr`.
    pub flag: String,
    /// The key's path.
    pub path: String,
    /// The value's text, read like that of a variable.
    pub text: String,
}

/// A valid configuration, and where its values came from.
#[derive(Clone)]
pub struct Loaded {
    /// The effective settings.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    pub(super) values: Values,
    /// Names in foreign files that have no effect, by the key that names the file.
    pub(super) ignored: Vec<(&'static str, Vec<String>)>,
}

impl Loaded {
    /// Where a key's value came from; `None` for an unknown path.
    pub fn source(&self, path: &str) -> Option<&Source> {
        self.values.get(path).map(|setting| &setting.source)
    }

    /// Whether anybody set a key, be it to its default.
    pub fn is_set(&self, path: &str) -> bool {
        self.source(path).is_some_and(|source| *source != Source::Default)
    }

    /// How many keys somebody set.
    pub fn set_count(&self) -> usize {
        self.values.iter().filter(|s| s.source != Source::Default).count()
    }
}

/// Reads all layers. `dir` is the folder in which [`DEFAULT_FILE`] is looked for and that a
/// named file is relative to: the working directory, except in tests.
pub fn load(request: &Request, environment: &Environment, dir: &Path) -> Result<Loaded, ConfigErrors> {
    let mut values = Values::defaults();
    let mut errors = Vec::new();
    let mut read_file = None;

    match file_to_read(request, dir) {
        Ok(None) => {}
        Ok(Some((shown, text))) => {
            let (settings, wrong) = file::parse(&shown.display().to_string(), &text);
            settings.into_iter().for_each(|setting| values.put(setting));
            errors.extend(wrong);
            read_file = Some(shown);
        }
        Err(error) => errors.push(error),
    }
    let (settings, wrong) = environment::parse(environment);
    settings.into_iter().for_each(|setting| values.put(setting));
    errors.extend(wrong);
    for given in &request.overrides {
        match flag(given) {
            Ok(setting) => values.put(setting),
            Err(error) => errors.push(error),
        }
    }
    let mut ignored = Vec::new();
    for (key, applied) in [(red5::FILE, red5::apply(&mut values, dir)), (ers::FILE, ers::apply(&mut values, dir))] {
        match applied {
            Ok(names) => ignored.push((key, names)),
            Err(wrong) => errors.extend(wrong),
        }
    }
    // Rules between keys are about the values that count; with a layer missing they would mislead.
    if errors.is_empty() {
        errors = rules::check(&values);
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    Ok(Loaded { config: values.to_config(), file: read_file, values, ignored })
}

fn file_to_read(request: &Request, dir: &Path) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let shown = match &request.file {
        Some(named) => named.clone(),
        // `exists` is false for a file that may not be looked at; then reading it says why.
        None if matches!(dir.join(DEFAULT_FILE).try_exists(), Ok(false)) => return Ok(None),
        None => PathBuf::from(DEFAULT_FILE),
    };
    match file::read(&dir.join(&shown)) {
        Ok(text) => Ok(Some((shown, text))),
        Err(error) => {
            Err(ConfigError { source: Source::File { path: shown.display().to_string(), line: None }, ..error })
        }
    }
}

fn flag(given: &Override) -> Result<Setting, ConfigError> {
    let source = Source::Flag(given.flag.clone());
    let path = given.path.as_str();
    let Some(key) = find(path) else {
        let section = is_section(path);
        let fault = if section { Fault::section(path) } else { Fault::unknown_key(path) };
        return Err(fault.at(source));
    };
    match key.kind.read_text(&given.text) {
        Ok(value) => Ok(Setting { key, value, source }),
        Err(fault) => Err(fault.of_key(path).at(source)),
    }
}
