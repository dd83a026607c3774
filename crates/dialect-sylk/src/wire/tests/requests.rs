//! Every request by every name it has.

use std::collections::BTreeSet;

use super::asked::{HA1, cases};
use crate::wire::request::{Candidate, Request};
use crate::wire::{Decoded, NAMES, Verb, Vocabulary, read};

#[test]
fn every_name_means_what_it_meant() {
    for case in cases() {
        for name in case.names {
            let of = match *name {
                "ping" => None,
                name if name.contains('-') => Some(Vocabulary::V1),
                _ => Some(Vocabulary::V0),
            };
            let comma = if case.members.is_empty() { "" } else { "," };
            for name in [(*name).to_owned(), name.to_uppercase()] {
                let text = format!(r#"{{"sylkrtc":"{name}"{comma}{},"transaction":"T"}}"#, case.members);
                let means = Decoded { transaction: "T".into(), of, request: Ok(case.means.clone()) };
                assert_eq!(read(&text), Ok(means), "{text}");
            }
        }
    }
}

/// Clients of all times put the keys in the order of their letters, or in any other.
#[test]
fn the_seed_s_own_example() {
    let text = r#"{"account": "saghul@sip2sip.info",
        "password": "884edfee38ed471b8a15006700139485",
        "sylkrtc": "add_account",
        "transaction": "04013f0f-25bb-4082-a02f-44399df492ff"}"#;
    let decoded = read(text).expect("a request");
    assert_eq!(decoded.transaction, "04013f0f-25bb-4082-a02f-44399df492ff");
    let Ok(Request::AccountAdd { account, password, .. }) = decoded.request else { panic!("{decoded:?}") };
    assert_eq!((account.as_str(), password.as_str()), ("saghul@sip2sip.info", HA1));
    assert_eq!(format!("{password:?}"), "Ha1(…)", "it is as good as the password");
}

#[test]
fn no_verb_and_no_name_is_forgotten() {
    let verbs: BTreeSet<Verb> = cases().map(|case| case.means.verb()).collect();
    assert_eq!(verbs.len(), Verb::COUNT);
    let tried: BTreeSet<&str> = cases().flat_map(|case| case.names).copied().collect();
    let names: Vec<&str> = NAMES.iter().map(|name| name.name).collect();
    assert_eq!(tried, names.iter().copied().collect());
    assert_eq!(tried.len(), names.len(), "a name is there twice");
    for name in NAMES {
        assert!(name.model.ends_with("Request"));
        let means: BTreeSet<Verb> =
            cases().filter(|case| case.names.contains(&name.name)).map(|case| case.means.verb()).collect();
        match name.verb {
            Some(verb) => assert_eq!(means, [verb].into(), "{}", name.name),
            None => assert_eq!(means.len(), 7, "each option of {}", name.name),
        }
    }
}

#[test]
fn candidates_are_taken_as_they_come() {
    let end = |mid: Option<&'static str>, index| Candidate { candidate: "".into(), mid: mid.map(Into::into), index };
    for (candidates, means) in [
        ("null", vec![]),
        ("[null]", vec![]),
        (r#"["candidate:1",5,[{}],true]"#, vec![]),
        ("[{}]", vec![end(None, None)]),
        (r#"[{"candidate":"","sdpMid":null,"sdpMLineIndex":1}]"#, vec![end(None, Some(1))]),
        (r#"[{"candidate":null,"sdpMid":"a","sdpMLineIndex":null}]"#, vec![end(Some("a"), None)]),
        (r#"[{"candidate":5,"sdpMid":5,"sdpMLineIndex":"1"}]"#, vec![end(None, None)]),
        (r#"[{"sdpMLineIndex":-1},{"sdpMLineIndex":1.0},{"sdpMLineIndex":4294967296}]"#, vec![end(None, None); 3]),
    ] {
        let text = format!(r#"{{"sylkrtc":"trickle","transaction":"T","session":"s","candidates":{candidates}}}"#);
        let request = read(&text).expect("a request").request;
        assert_eq!(request, Ok(Request::SessionTrickle { session: "s".into(), candidates: means }), "{candidates}");
    }
    let many = format!(
        r#"{{"sylkrtc":"trickle","transaction":"T","session":"s","candidates":[{}{{}}]}}"#,
        r#"{"candidate":"c"},"#.repeat(read::CANDIDATES)
    );
    let Ok(Request::SessionTrickle { candidates, .. }) = read(&many).expect("a request").request else {
        panic!("{many}")
    };
    assert_eq!(candidates.len(), read::CANDIDATES);
    assert!(candidates.iter().all(|candidate| candidate.candidate == "c"));
}

#[test]
fn the_last_of_equal_keys_counts_and_unknown_ones_vanish() {
    let text = r#" {"sylkrtc":"ping","x":{"session":1},"session":5,"s\u0065ssion":"b","sylkrtc":"terminate",
        "transaction":1,"transaction":"T\ud83d","Session":"c"} "#;
    let means = Request::SessionTerminate { session: "b".into() };
    let of = Some(Vocabulary::V0);
    assert_eq!(read(text), Ok(Decoded { transaction: "T\u{fffd}".into(), of, request: Ok(means) }));
}
