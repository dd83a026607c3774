//! What the sessions of this side say to each other, as posts through the hub: commands come in on many connections, one
//! session knows the configurations, and one session each serves a viewer.
//!
//! Whoever else may post in the realm speaks another dialect, which the hub tells: their posts are not read.

use patchbay_core::{Body, Lang, Name};

use super::api::answer::Form;

/// The name of the session that knows the configurations.
pub(crate) fn resident() -> Name {
    Name::parse("ems").expect("short enough")
}

/// The name of the session on the connection of that number.
pub(crate) fn connection(number: u64) -> Name {
    Name::parse(&format!("ems/{number}")).expect("short enough")
}

/// The number in such a name.
fn number(name: &Name) -> Option<u64> {
    name.as_str().strip_prefix("ems/")?.parse().ok()
}

/// A name for a connection on which commands come in.
pub(crate) fn caller(random: u64) -> Name {
    Name::parse(&format!("ems/api/{random:016x}")).expect("short enough")
}

/// What the one that knows is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A command, to be answered in that form.
    Command { from: Name, form: Form, line: String },
    /// What a connection of that number has come to.
    Of { number: u64, news: News },
}

/// What a connection has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It stands.
    Here,
    /// It waits in its room.
    Joined,
    /// It may not, for this reason.
    Refused(String),
    /// It serves a viewer with that stream.
    Serves(String),
    /// Its server has said what it calls it.
    Welcome(String),
    /// Its viewer can be told commands from now on, or no longer.
    Commands(bool),
    /// Its server cannot be reached any more, and its viewer is served still.
    Cut,
}

/// What the one that knows says to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Be gone.
    End,
    /// Hand your viewer this message.
    Say(String),
}

fn body(lang: Lang, kind: char, text: &str) -> Body {
    let mut bytes = String::with_capacity(text.len() + 1);
    bytes.push(kind);
    bytes.push_str(text);
    Body::new(lang, bytes.as_bytes())
}

/// The kind and the text of a post of ours.
fn opened(lang: Lang, body: &Body) -> Option<(char, &str)> {
    let text = std::str::from_utf8(body.bytes()).ok().filter(|_| body.lang() == lang)?;
    let kind = text.chars().next()?;
    Some((kind, &text[kind.len_utf8()..]))
}

pub(crate) fn command(lang: Lang, form: Form, line: &str) -> Body {
    let kind = match form {
        Form::Json => 'J',
        Form::Ascii => 'A',
        Form::Http => 'H',
    };
    body(lang, kind, line)
}

impl News {
    pub(crate) fn body(&self, lang: Lang) -> Body {
        match self {
            Self::Here => body(lang, 'h', ""),
            Self::Joined => body(lang, 'j', ""),
            Self::Refused(why) => body(lang, 'r', why),
            Self::Serves(stream) => body(lang, 's', stream),
            Self::Welcome(id) => body(lang, 'w', id),
            Self::Commands(true) => body(lang, 'o', ""),
            Self::Commands(false) => body(lang, 'x', ""),
            Self::Cut => body(lang, 'c', ""),
        }
    }
}

impl Told {
    pub(crate) fn read(lang: Lang, from: Name, body: &Body) -> Option<Self> {
        let (kind, text) = opened(lang, body)?;
        let news = |news| Some(Self::Of { number: number(&from)?, news });
        let form = match kind {
            'h' => return news(News::Here),
            'j' => return news(News::Joined),
            'r' => return news(News::Refused(text.to_owned())),
            's' => return news(News::Serves(text.to_owned())),
            'w' => return news(News::Welcome(text.to_owned())),
            'o' => return news(News::Commands(true)),
            'x' => return news(News::Commands(false)),
            'c' => return news(News::Cut),
            'J' => Form::Json,
            'A' => Form::Ascii,
            'H' => Form::Http,
            _ => return None,
        };
        Some(Self::Command { from, form, line: text.to_owned() })
    }
}

impl Wish {
    pub(crate) fn body(&self, lang: Lang) -> Body {
        match self {
            Self::End => body(lang, 'e', ""),
            Self::Say(text) => body(lang, 'y', text),
        }
    }

    pub(crate) fn read(lang: Lang, body: &Body) -> Option<Self> {
        match opened(lang, body)? {
            ('e', _) => Some(Self::End),
            ('y', text) => Some(Self::Say(text.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let lang = Lang(7);
        for news in [
            News::Here,
            News::Joined,
            News::Refused("taken".to_owned()),
            News::Serves("ströme/1".to_owned()),
            News::Welcome("E1".to_owned()),
            News::Commands(true),
            News::Commands(false),
            News::Cut,
        ] {
            let told = Told::read(lang, connection(12), &news.body(lang));
            assert_eq!(told, Some(Told::Of { number: 12, news: news.clone() }));
            assert_eq!(Told::read(lang, caller(1), &news.body(lang)), None, "who is no connection has no news");
            assert_eq!(Told::read(Lang(8), connection(12), &news.body(lang)), None, "another dialect's");
        }
        let (from, line) = (caller(9), "startwebrtc roomid=ä".to_owned());
        let told = Told::read(lang, from.clone(), &command(lang, Form::Ascii, &line));
        assert_eq!(told, Some(Told::Command { from, form: Form::Ascii, line }));
        for wish in [Wish::End, Wish::Say("{}".to_owned())] {
            assert_eq!(Wish::read(lang, &wish.body(lang)), Some(wish));
        }
    }
}
