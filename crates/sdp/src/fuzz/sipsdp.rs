//! What the fuzz target `sipsdp` runs: two texts, the second from its `v=0` on, as descriptions of a browser and of a
//! telephone. Who writes is held to a list of what may be written at all, and to what the other side has named.

use crate::change::{self, Verdict};
use crate::crypto::{Crypto, KEY_BYTES, Suite};
use crate::to_phone::{self, Local, Port};
use crate::{Agreed, Description, Formats, Phone, Profile, Section, answered, offered};

/// More than any section of ours without keys: seven codecs with what belongs to them.
const SECTION_BYTES: usize = 700;
const LINES: [&str; 13] = [
    "o=- 7 8 IN IP4 192.0.2.10",
    "s=-",
    "c=IN IP4 192.0.2.10",
    "t=0 0",
    "a=rtpmap:",
    "a=fmtp:",
    "a=rtcp-fb:",
    "a=ptime:",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
    "a=sendrecv",
    "a=sendonly",
    "a=recvonly",
    "a=inactive",
];

/// Runs `data`.
///
/// # Panics
/// If a line becomes two, something is written that must not be, or numbers do not lead back to where they came from.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (browser, phone) = text.find("\nv=0").map_or((&*text, ""), |at| text.split_at(at + 1));
    let (browser, phone) = (read(browser), read(phone));
    for secure in [false, true] {
        let ports: Vec<_> = (0..3).map(|place| port(place, secure)).collect();
        let local = Local { address: [192, 0, 2, 10].into(), session: 14, version: 8, ports: &ports };
        if let Some(browser) = &browser {
            offer(browser, phone.as_ref(), &local);
        }
        if let (Some(browser), Some(phone)) = (&browser, &phone) {
            answer(browser, phone, &local);
        }
    }
}

fn port(place: u8, secure: bool) -> Port {
    let crypto = Crypto::new(1, Suite::AesCm128HmacSha1_80, &[place; KEY_BYTES]);
    Port {
        rtp: 30_000 + 2 * u16::from(place),
        profile: Profile { secure, feedback: false },
        crypto: secure.then_some(crypto).into_iter().collect(),
    }
}

/// Reads, writes and reads again.
fn read(text: &str) -> Option<Description> {
    let description = Description::parse(text).ok()?;
    let written = description.write();
    assert_eq!(Description::parse(&written).as_ref(), Ok(&description), "{written:?}");
    assert!(written.len() <= 2 * text.len() + 2, "it grows");
    let inside = |section: &Section| 1 + section.lines().len();
    let lines = description.lines().len() + description.sections().iter().map(inside).sum::<usize>();
    assert_eq!(written.matches(['\r', '\n']).count(), 2 * lines, "a line became two: {written:?}");
    assert!(!written.replace("\r\n", "").chars().any(char::is_control));
    Some(description)
}

/// What we write has no line that is not listed, and is read again.
fn allowed(written: &Description, from: &Description) -> Description {
    let text = written.write();
    for line in text.split_terminator("\r\n").skip(1) {
        let media = line.starts_with("m=");
        assert!(media || LINES.iter().any(|start| line.starts_with(start)), "{line:?}");
    }
    let bound = 200 + written.sections().len() * SECTION_BYTES + from.write().len();
    assert!(text.len() <= bound, "{} bytes", text.len());
    let kinds = |of: &Description| of.sections().iter().map(|section| section.kind().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(written), kinds(from), "sections keep number and order");
    let again = Description::parse(&text).expect("ours is read again");
    assert_eq!(&again, written);
    again
}

fn offer(browser: &Description, phone: Option<&Description>, local: &Local) {
    let Ok(ours) = to_phone::offer(browser, local) else { return };
    let ours = allowed(&ours, browser);
    for (place, (section, theirs)) in ours.sections().iter().zip(browser.sections()).enumerate() {
        if section.is_rejected() {
            assert_eq!(section.lines(), []);
            continue;
        }
        let (ours, theirs) = (Formats::read(section), Formats::read(theirs));
        assert_eq!(section.formats().len(), ours.codecs.len() + usize::from(ours.digits.is_some()), "all are known");
        assert!(ours.codecs.iter().all(|format| theirs.codecs.contains(format)), "the browser's own numbers");
        assert!(ours.digits.is_none() || ours.digits == theirs.digits);
        assert_eq!(section.port(), 30_000 + 2 * place as u16);
    }
    let phone_ = Phone::read(&ours).expect("ours can be used");
    for (section, port) in phone_.sections.iter().zip(local.ports).filter(|(section, _)| !section.rejected) {
        assert_eq!((section.profile, section.crypto.as_slice()), (Some(port.profile), port.crypto.as_slice()));
    }
    let Some(Ok(phone)) = phone.map(Phone::read) else { return };
    let Ok(agreed) = answered(&ours, &phone) else { return };
    for (place, agreed) in agreed.iter().enumerate() {
        let Some(agreed) = agreed else { continue };
        assert_eq!(agreed.browser, place);
        leads_back(agreed, &ours.sections()[place], &phone.sections[place].formats, true);
    }
}

fn answer(browser: &Description, theirs: &Description, local: &Local) {
    let Ok(phone) = Phone::read(theirs) else { return };
    let Ok(agreed) = offered(&phone, browser) else { return };
    let ours = allowed(&to_phone::answer(theirs, &phone, &agreed, local), theirs);
    for (place, section) in ours.sections().iter().enumerate() {
        let told = &phone.sections[place];
        let Some(agreed) = agreed[place].as_ref().filter(|_| local.ports.get(place).is_some()) else {
            assert!(section.is_rejected() && section.lines().is_empty());
            continue;
        };
        leads_back(agreed, &browser.sections()[agreed.browser], &told.formats, false);
        let formats = Formats::read(section);
        assert_eq!((formats.codecs.as_slice(), formats.digits), ([agreed.phone].as_slice(), agreed.digits));
        assert!(section.formats().iter().all(|one| {
            theirs.sections()[place]
                .formats()
                .iter()
                .any(|all| all == one || all.parse::<u8>().ok() == one.parse().ok())
        }));
        let way = ours.direction(section);
        assert!((told.direction.recv && !told.held) || !way.send, "we send to who does not listen");
        assert!(told.direction.send || !way.recv);
    }
    let again = change::compare(&phone, &phone, &agreed);
    assert_eq!(again.verdict(), Verdict::Refresh, "what is repeated changes nothing: {again:?}");
}

/// Every number leads to one that the other side has named, and back to itself.
fn leads_back(agreed: &Agreed, browser: &Section, phone: &Formats, answered: bool) {
    let ours = Formats::read(browser);
    let knows = |formats: &Formats, number: u8| {
        formats.digits == Some(number) || formats.codecs.iter().any(|format| format.payload == number)
    };
    let mut passed = 0;
    for number in 0..=u8::MAX {
        if let Some(theirs) = agreed.payloads.to_phone(number) {
            passed += 1;
            assert!(knows(&ours, number) && knows(phone, theirs), "{number} to {theirs}");
            // A telephone that sends by its own numbers is understood, unless they mean something else in our offer.
            let back = agreed.payloads.to_browser(theirs);
            assert!(back == Some(number) || (answered && knows(&ours, theirs)), "{number} to {theirs} to {back:?}");
            assert!(!answered || agreed.payloads.to_browser(number) == Some(number), "the telephone sends as offered");
        }
        if let Some(back) = agreed.payloads.to_browser(number) {
            assert!(agreed.payloads.to_phone(back).is_some(), "{number} is heard, and cannot be said");
        }
    }
    assert_eq!(passed, 1 + usize::from(agreed.digits.is_some()), "one codec, and digits");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_passes() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "sipsdp", super::target);
    }
}
