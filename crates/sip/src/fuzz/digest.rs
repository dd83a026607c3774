//! What the fuzz target `digest` runs: any text as the challenges of a server, each line a header value, to one that
//! trusts all of them. What is answered is checked as a server would: it looks for its own words, and sums for itself.

use crate::digest::{Asked, Attempt, Challenged, Digest, Ha1, Source, Verdict, md5, read};
use crate::uri::Aor;

const HA1: &str = "939e7578ed9e3c518a452acee763bce9";
const ASKED: Asked<'static> = Asked { method: "INVITE", uri: "sip:bob@example.com;transport=tcp", body: b"v=0\r\n" };

/// Runs `data`.
///
/// # Panics
/// If an answer could not be written, is not that of its challenge, or a server could ask for ever.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let values: Vec<_> = text.split('\n').take(8).collect();
    let challenges: Vec<_> = values.iter().flat_map(|value| read(value)).collect();
    for challenge in &challenges {
        let opaque = challenge.opaque.as_deref().unwrap_or_default();
        for part in [&challenge.realm, &challenge.nonce, opaque] {
            assert!(stands_between_quotes(part), "{part:?}");
        }
    }
    let realms: Vec<_> = challenges.iter().map(|challenge| challenge.realm.as_str()).collect();
    let account = Aor::parse("alice@example.com").expect("an address");
    for proxies in [0, values.len() / 2] {
        let mut digest = Digest::new(&account, Ha1::parse(HA1).expect("an HA1"), &realms);
        let (proxy, www) = values.split_at(proxies);
        let told = Challenged { status: 401, phrase: &text, www, proxy, source: Source::Home };
        let foreign = Challenged { source: Source::Foreign, ..told };
        let refused = digest.on_challenge(&mut Attempt::default(), &foreign, 1);
        assert!(matches!(&refused, Verdict::Failed(reason) if is_line(reason)));
        assert!(digest.headers(&ASKED, Source::Home).is_empty(), "strangers were believed");

        let mut attempt = Attempt::default();
        // Each realm once, and as often as a nonce may be old; then it must have an end.
        let mut rounds = 0;
        while digest.on_challenge(&mut attempt, &told, 0xfeed) == Verdict::Again {
            rounds += 1;
            assert!(rounds <= 3, "a server could ask for ever");
            for (count, round) in [(1, 1), (2, 2)] {
                let lines = digest.headers(&ASKED, Source::Home);
                assert!(!lines.is_empty(), "round {round} answers nobody");
                for line in lines {
                    assert!(is_line(&line.value), "{:?}", line.value);
                    let proxy = line.name == "Proxy-Authorization";
                    let asked = if proxy { told.proxy } else { told.www };
                    serve(&line.value, count, asked);
                }
            }
        }
    }
}

/// What a server does with an answer: whether one of its challenges is meant, and whether the sum is right.
fn serve(value: &str, count: u32, asked: &[&str]) {
    let field = |name: &str| {
        let start = value.find(&format!(" {name}="))? + name.len() + 2;
        let rest = &value[start..];
        let Some(inner) = rest.strip_prefix('"') else { return rest.split(',').next().map(str::to_owned) };
        let (mut escaped, mut end) = (false, 0);
        while escaped || inner.as_bytes()[end] != b'"' {
            escaped = !escaped && inner.as_bytes()[end] == b'\\';
            end += 1;
        }
        Some(inner[..end].to_owned())
    };
    let again = read(value);
    let [told] = again.as_slice() else { panic!("{value:?} is {} challenges", again.len()) };
    let challenges = asked.iter().flat_map(|value| read(value));
    let mut meant = challenges.filter(|one| {
        (&one.realm, &one.nonce, &one.opaque) == (&told.realm, &told.nonce, &told.opaque)
            && one.algorithm == told.algorithm
            && (one.qop == told.qop)
    });
    assert!(meant.next().is_some(), "nobody asked for {value:?}");
    // The realm may have anything in it, so these are looked for behind it.
    let behind = format!(" uri=\"{}\", response=\"", ASKED.uri);
    let response = value.split(&behind).last().and_then(|rest| rest.get(..32)).expect("a response");
    let session = value.contains("\", algorithm=MD5-sess");
    let (qop, nc, cnonce) = (field_behind(value, "qop"), field_behind(value, "nc"), field_behind(value, "cnonce"));
    let ours = field("username").expect("a name");
    assert_eq!(ours, "alice");
    let nonce = &told.nonce;
    let cnonce = cnonce.unwrap_or_default();
    let a1 = if session { md5(format!("{HA1}:{nonce}:{cnonce}").as_bytes()) } else { HA1.to_owned() };
    let a2 = match qop.as_deref() {
        Some("auth-int") => md5(format!("INVITE:{}:{}", ASKED.uri, md5(ASKED.body)).as_bytes()),
        _ => md5(format!("INVITE:{}", ASKED.uri).as_bytes()),
    };
    let sum = match qop {
        Some(qop) => {
            assert_eq!(nc, Some(format!("{count:08x}")), "{value:?}");
            format!("{a1}:{nonce}:{count:08x}:{cnonce}:{qop}:{a2}")
        }
        None => format!("{a1}:{nonce}:{a2}"),
    };
    assert_eq!(response, md5(sum.as_bytes()), "{value:?}");
}

/// A parameter of ours behind the response, quotes or not; what is the server's own comes last.
fn field_behind(value: &str, name: &str) -> Option<String> {
    let (_, rest) = value.split_once(&format!(" uri=\"{}\", response=\"", ASKED.uri))?;
    let rest = rest.split(", opaque=").next()?;
    let (_, found) = rest.split_once(&format!(", {name}="))?;
    Some(found.split(',').next()?.trim_matches('"').to_owned())
}

fn stands_between_quotes(part: &str) -> bool {
    let mut escaped = false;
    for character in part.chars() {
        if character.is_control() || (character == '"' && !escaped) {
            return false;
        }
        escaped = character == '\\' && !escaped;
    }
    !escaped
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_passes() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "digest", super::target);
    }
}
