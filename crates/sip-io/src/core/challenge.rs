//! Who asks for a password gets the request once more.

use patchbay_sip::digest::{Attempt, Challenged, Digest, Source, Verdict};

use super::Path;
use super::send::{Draft, Home};
use crate::wire::Message;

/// What follows from a 401 or 407 to `draft`: the same request with the next number, to be sent along `path`, or the
/// reason why not.
pub(super) fn answer(
    digest: Option<&mut Digest>,
    mut draft: Draft,
    path: &Path,
    response: &Message,
    (seq, random): (u32, u64),
) -> Result<Draft, String> {
    let status = response.status().unwrap_or(401);
    let home = match draft.home {
        Home::Yes => true,
        Home::At(address) => address == Some(path.remote),
        Home::No => false,
    };
    let www: Vec<&str> = response.values("WWW-Authenticate").collect();
    let proxy: Vec<&str> = response.values("Proxy-Authenticate").collect();
    let told = Challenged {
        status,
        phrase: response.phrase(),
        www: &www,
        proxy: &proxy,
        source: if home { Source::Home } else { Source::Foreign },
    };
    let Some(digest) = digest else { return Err(patchbay_sip::reason::text(status, response.phrase())) };
    let mut attempt: Attempt = draft.attempt;
    match digest.on_challenge(&mut attempt, &told, random) {
        Verdict::Again => {
            draft.attempt = attempt;
            draft.seq = seq;
            Ok(draft)
        }
        Verdict::Failed(reason) => Err(reason),
    }
}
