//! Streams that are pulled out of rooms of rendezvous servers, as configured.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use patchbay_core::{Lang, Realm};
use patchbay_dialect_ers::pull::{Pull, Source};

use super::Served;
use crate::config::Config;

/// The dialect, where something is to be pulled into that realm.
///
/// # Errors
/// If an entry is none, or the file with the token is of no use; with cause and next action.
pub(super) fn served(config: &Config, lang: Lang, realm: Realm) -> Result<Option<Served>, String> {
    let keys = &config.dialect.ers.ems;
    if keys.pull.is_empty() {
        return Ok(None);
    }
    let token = keys.pull_token_file.as_deref().map(token).transpose()?;
    let source = |text: &String| {
        Source::parse(text, token.clone()).map_err(|why| format!("dialect.ers.ems.pull: {text:?}: {why}"))
    };
    let sources: Vec<Source> = keys.pull.iter().map(source).collect::<Result<_, _>>()?;
    for (place, source) in sources.iter().enumerate() {
        if sources[..place].iter().any(|other| other.name() == source.name()) {
            let name = source.name().as_str();
            return Err(format!(
                "dialect.ers.ems.pull: two entries are called {name:?} here; write \" as NAME\" behind one"
            ));
        }
    }
    Ok(Some(Served::new(Arc::new(Pull::new(lang, realm, sources)), Vec::new())))
}

fn token(path: &Path) -> Result<Arc<str>, String> {
    const KEY: &str = "dialect.ers.ems.pull_token_file";
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {KEY} {shown}: {error}; check its path and mode"))?;
    let token = text.trim();
    if token.is_empty() || token.chars().any(char::is_control) {
        return Err(format!("{KEY} {shown} holds no token; write one into it, or unset the key"));
    }
    Ok(token.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pull: &[&str], token: Option<&Path>) -> Result<Option<Realm>, String> {
        let mut config = Config::default();
        config.dialect.ers.ems.pull = pull.iter().map(ToString::to_string).collect();
        config.dialect.ers.ems.pull_token_file = token.map(Path::to_path_buf);
        Ok(served(&config, Lang(1), Realm(3))?.map(|served| served.dialect.profile().realm))
    }

    #[test]
    fn it_is_served_where_something_is_pulled() {
        assert_eq!(of(&[], None), Ok(None));
        assert_eq!(of(&["http://h/den/cam", "http://h/den/cam as other"], None), Ok(Some(Realm(3))));
        let error = |pull: &[&str]| of(pull, None).expect_err("an error");
        assert!(error(&["http://h/den"]).starts_with("dialect.ers.ems.pull: \"http://h/den\": it names no room"));
        assert!(error(&["http://h/den/cam", "http://g/a/cam"]).contains("two entries are called \"cam\""));
    }

    #[test]
    fn a_file_without_a_token_is_an_error_without_its_text() {
        let path = std::env::temp_dir().join(format!("patchbay-pull-token-{}", std::process::id()));
        for (text, good) in [("t1\n", true), ("\n", false), ("a\tb", false)] {
            fs::write(&path, text).expect("a file");
            let read = of(&["http://h/den/cam"], Some(&path));
            assert_eq!(read.is_ok(), good, "{text:?}");
            assert!(read.err().is_none_or(|error| error.contains("holds no token") && !error.contains("a\tb")));
        }
        fs::remove_file(&path).expect("it was there");
        assert!(of(&["http://h/den/cam"], Some(&path)).err().is_some_and(|error| error.contains("cannot read")));
    }
}
