use super::*;

const AVP: Profile = Profile { secure: false, feedback: false };
const SAVP: Profile = Profile { secure: true, feedback: false };
/// The example of RFC 4568 section 4.1, without its MKI.
const LINE: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20";

fn key(tag: u32, suite: Suite) -> Crypto {
    Crypto::new(tag, suite, &std::array::from_fn(|index| index as u8 ^ tag as u8))
}

#[test]
fn keys_are_written_and_read() {
    for suite in Suite::ALL {
        let ours = key(7, suite);
        assert_eq!(ours.key().len(), suite.key_bytes());
        assert!(Crypto::parse(&ours.write()) == Some(ours.clone()), "{ours:?}");
    }
    let theirs = Crypto::parse(LINE).expect("a key");
    assert_eq!((theirs.tag, theirs.suite), (1, Suite::AesCm128HmacSha1_80));
    assert_eq!(theirs.key(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
    assert_eq!(theirs.write(), LINE.replace("|2^20", ""));
    assert_eq!(format!("{theirs:?}"), "Crypto(1 AES_CM_128_HMAC_SHA1_80)", "the key is nobody's business");
}

#[test]
fn keys_that_we_could_not_use() {
    for (from, to) in [
        ("|2^20", "|2^20|1:4"),
        ("|2^20", "|1:32"),
        ("|2^20", ";inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"),
        ("|2^20", "|2^20;inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"),
        ("|2^20", " UNENCRYPTED_SRTP"),
        ("|2^20", " UNAUTHENTICATED_SRTP"),
        ("|2^20", " KDR=1"),
        ("HMAC_SHA1_80", "HMAC_SHA1_64"),
        ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"),
        ("inline:", "uri:"),
        ("inline:PS", "inline:P"),
        ("inline:PS", "inline:P-"),
        ("1 AES", "+1 AES"),
        ("1 AES", "1000000000 AES"),
        ("1 AES", "AES"),
    ] {
        assert!(Crypto::parse(&LINE.replacen(from, to, 1)).is_none(), "{from} {to}");
    }
    for (from, to) in [("|2^20", ""), ("|2^20", "== WSH=64 -X=1 KDR=0"), ("AES_CM", "aes_cm"), ("inline", "INLINE")] {
        assert!(Crypto::parse(&LINE.replacen(from, to, 1)).is_some(), "{from} {to}");
    }
    assert!(Crypto::parse("").is_none());
}

#[test]
fn we_answer() {
    use Policy::*;
    let offered = [key(3, Suite::AesCm128HmacSha1_32), key(1, Suite::AesCm128HmacSha1_80)];
    let random = [9; KEY_BYTES];
    let secure =
        Choice::Secure { ours: Crypto::new(3, Suite::AesCm128HmacSha1_32, &random), theirs: offered[0].clone() };
    for (policy, profile, offered, choice) in [
        (Off, AVP, &offered[..], Choice::Plain),
        (Off, SAVP, &offered, Choice::Refused),
        (Optional, AVP, &offered, secure.clone()),
        (Optional, SAVP, &offered, secure.clone()),
        (Mandatory, AVP, &offered, secure),
        (Optional, AVP, &[], Choice::Plain),
        (Optional, SAVP, &[], Choice::Refused),
        (Mandatory, AVP, &[], Choice::Refused),
    ] {
        assert_eq!(answer(policy, profile, offered, &random), choice, "{policy:?} {profile:?}");
    }
}

#[test]
fn they_answer() {
    use Policy::*;
    let (first, second) = (key(1, Suite::AesCm128HmacSha1_80), key(2, Suite::AesCm128HmacSha1_32));
    let ours = [first.clone(), second.clone()];
    let theirs = |tag, suite| vec![Crypto::new(tag, suite, &[5; KEY_BYTES])];
    let picked = theirs(2, Suite::AesCm128HmacSha1_32);
    let secure = Choice::Secure { ours: second, theirs: picked[0].clone() };
    for (policy, profile, ours, theirs, choice) in [
        (Optional, AVP, &ours[..], picked.clone(), secure.clone()),
        (Mandatory, SAVP, &ours, picked.clone(), secure),
        (Optional, AVP, &ours, vec![], Choice::Plain),
        (Optional, SAVP, &ours, vec![], Choice::Refused),
        (Mandatory, AVP, &ours, vec![], Choice::Refused),
        (Off, AVP, &[], picked, Choice::Plain),
        (Optional, AVP, &ours, theirs(2, Suite::AesCm128HmacSha1_80), Choice::Plain),
        (Optional, SAVP, &ours, theirs(4, Suite::AesCm128HmacSha1_80), Choice::Refused),
    ] {
        assert_eq!(chosen(policy, profile, ours, &theirs), choice, "{policy:?} {profile:?} {theirs:?}");
    }
}

#[test]
fn profiles_that_are_tried() {
    assert_eq!(Policy::Off.offers(), (false, AVP));
    assert_eq!(Policy::Optional.offers(), (true, AVP));
    assert_eq!(Policy::Mandatory.offers(), (true, SAVP));
    assert_eq!(Policy::Optional.after_488(AVP), Some(SAVP));
    for (policy, tried) in [(Policy::Optional, SAVP), (Policy::Off, AVP), (Policy::Mandatory, SAVP)] {
        assert_eq!(policy.after_488(tried), None);
    }
}
