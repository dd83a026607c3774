use super::*;

fn ha1(user: &str, realm: &str, password: &str) -> Ha1 {
    Ha1::parse(&md5(format!("{user}:{realm}:{password}").as_bytes())).expect("a digest")
}

const REGISTER: Asked<'static> = Asked { method: "REGISTER", uri: "sip:example.com", body: b"" };

fn account() -> Digest {
    let account = Aor::parse("alice@example.com").expect("an address");
    Digest::new(&account, ha1("alice", "example.com", "secret-alice"), &["proxy.example.net"])
}

fn told<'a>(status: u16, www: &'a [&'a str]) -> Challenged<'a> {
    Challenged { status, phrase: "Unauthorized", www, proxy: &[], source: Source::Home }
}

const PLAIN: &str = r#"Digest realm="example.com", nonce="n1""#;
const QOP: &str = r#"Digest realm="example.com", nonce="n2", qop="auth", opaque="o""#;

#[test]
fn an_ha1_is_32_digits() {
    assert!(Ha1::parse("939e7578ed9e3c518a452acee763bce9").is_some());
    assert!(Ha1::parse("939E7578ED9E3C518A452ACEE763BCE9") == Ha1::parse("939e7578ed9e3c518a452acee763bce9"));
    for text in ["", "secret", "939e7578ed9e3c518a452acee763bce", "939e7578ed9e3c518a452acee763bce9a"] {
        assert!(Ha1::parse(text).is_none(), "{text}");
    }
    assert!(Ha1::parse("939e7578ed9e3c518a452acee763bcex").is_none());
}

/// RFC 2617 section 3.5, and RFC 7616 section 3.9.1 with MD5: the standard's own numbers.
#[test]
fn the_examples_of_the_standards() {
    let get = Asked { method: "GET", uri: "/dir/index.html", body: b"" };
    let value = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="x""#;
    let ha1_ = ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
    let digest = response(&ha1_, &read(value)[0], 1, "0a4f113b", &get);
    assert_eq!(digest, "6629fae49393a05397450978507c4ef1");

    let value = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    let ha1_ = ha1("Mufasa", "http-auth@example.org", "Circle of Life");
    let challenges = read(value);
    assert!(!challenges[0].is_answerable());
    let digest = response(&ha1_, &challenges[1], 1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", &get);
    assert_eq!(digest, "8ca523f5e9506fed4657c9700eebdbec");
}

/// The formulas of RFC 2617 section 3.2.2, each put together by hand.
#[test]
fn each_form_of_the_digest() {
    let ha1_ = ha1("alice", "example.com", "secret-alice");
    let a1 = md5(b"alice:example.com:secret-alice");
    let a2 = md5(b"INVITE:sip:bob@example.com");
    let whole = md5(format!("INVITE:sip:bob@example.com:{}", md5(b"v=0\r\n")).as_bytes());
    let session = md5(format!("{a1}:n:c0").as_bytes());
    let asked = Asked { method: "INVITE", uri: "sip:bob@example.com", body: b"v=0\r\n" };
    for (more, text) in [
        ("", format!("{a1}:n:{a2}")),
        (",qop=auth", format!("{a1}:n:0000001f:c0:auth:{a2}")),
        (",qop=auth-int", format!("{a1}:n:0000001f:c0:auth-int:{whole}")),
        (",algorithm=MD5-sess", format!("{session}:n:{a2}")),
        (",algorithm=MD5-sess,qop=\"auth-int,auth\"", format!("{session}:n:0000001f:c0:auth:{a2}")),
    ] {
        let challenge = &read(&format!("Digest realm=example.com,nonce=n{more}"))[0];
        assert_eq!(response(&ha1_, challenge, 31, "c0", &asked), md5(text.as_bytes()), "{more}");
    }
}

#[test]
fn a_challenge_is_answered_and_remembered() {
    let mut digest = account();
    assert!(digest.headers(&REGISTER, Source::Home).is_empty());
    assert_eq!(digest.on_challenge(&mut Attempt::default(), &told(401, &[QOP]), 0xab), Verdict::Again);
    for count in 1..=3 {
        let lines = digest.headers(&REGISTER, Source::Home);
        assert_eq!(lines.len(), 1);
        let expected = response(&digest.ha1, &read(QOP)[0], count, "00000000000000ab", &REGISTER);
        let value = format!(
            "Digest username=\"alice\", realm=\"example.com\", nonce=\"n2\", uri=\"sip:example.com\", \
             response=\"{expected}\", algorithm=MD5, qop=auth, nc=0000000{count}, cnonce=\"00000000000000ab\", opaque=\"o\""
        );
        assert_eq!((lines[0].name, lines[0].value.as_str()), ("Authorization", value.as_str()));
    }
    assert!(digest.headers(&REGISTER, Source::Foreign).is_empty(), "nothing for strangers, unasked or not");
}

#[test]
fn without_qop_there_is_no_counter() {
    let mut digest = account();
    assert_eq!(digest.on_challenge(&mut Attempt::default(), &told(401, &[PLAIN]), 1), Verdict::Again);
    let line = digest.headers(&REGISTER, Source::Home).remove(0).value;
    assert!(!line.contains("nc=") && !line.contains("cnonce") && !line.contains("qop"), "{line}");
}

#[test]
fn a_session_key_needs_the_client_s_nonce() {
    let mut digest = account();
    let line = format!("{PLAIN}, algorithm=MD5-sess");
    assert_eq!(digest.on_challenge(&mut Attempt::default(), &told(401, &[&line]), 1), Verdict::Again);
    let line = digest.headers(&REGISTER, Source::Home).remove(0).value;
    assert!(line.contains("algorithm=MD5-sess, cnonce=\"0000000000000001\""), "{line}");
}

#[test]
fn no_more_than_a_few_realms_are_remembered() {
    let names: Vec<_> = (0..20).map(|number| format!("r{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut digest = Digest::new(&Aor::parse("a@d").expect("an address"), ha1("a", "d", "x"), &names);
    for name in &names {
        let line = format!("Digest realm={name},nonce=n");
        assert_eq!(digest.on_challenge(&mut Attempt::default(), &told(401, &[&line]), 1), Verdict::Again);
    }
    let lines = digest.headers(&REGISTER, Source::Home);
    assert_eq!(lines.len(), REALMS);
    assert!(lines[REALMS - 1].value.contains("realm=\"r19\""), "the newest stay");
}

#[test]
fn outcomes() {
    let stale = format!("{QOP}, stale=true");
    let sha = r#"Digest realm="example.com", nonce="s", algorithm=SHA-256"#;
    let both = format!("{sha}, {PLAIN}");
    let foreign = r#"Digest realm="evil.example", nonce="e""#;
    let proxy = r#"Digest realm="Proxy.example.net", nonce="p""#;
    let again = || Verdict::Again;
    let failed = |reason: &str| Verdict::Failed(reason.to_owned());
    let wrong = || failed("904 Operation has no matching challenge ");
    for (what, steps) in [
        ("wrong password", vec![(vec![QOP], again()), (vec![QOP], wrong())]),
        (
            "an old nonce, twice",
            vec![
                (vec![QOP], again()),
                (vec![stale.as_str()], again()),
                (vec![stale.as_str()], again()),
                (vec![stale.as_str()], wrong()),
            ],
        ),
        (
            "an old nonce, then a wrong password",
            vec![(vec![stale.as_str()], again()), (vec![QOP], again()), (vec![QOP], wrong())],
        ),
        ("no challenge", vec![(vec![], failed("401 Unauthorized"))]),
        ("no challenge the second time", vec![(vec![QOP], again()), (vec![], failed("401 Unauthorized"))]),
        ("nothing for an HA1", vec![(vec![sha], failed("900 Operation cannot add credentials"))]),
        ("another scheme", vec![(vec!["Basic realm=\"x\""], failed("900 Operation cannot add credentials"))]),
        ("two in one line", vec![(vec![both.as_str()], again())]),
        ("two lines", vec![(vec![sha, PLAIN], again())]),
        ("two realms", vec![(vec![PLAIN, proxy], again()), (vec![proxy], wrong())]),
        ("one realm behind the other", vec![(vec![proxy], again()), (vec![PLAIN], again()), (vec![PLAIN], wrong())]),
        ("twice in one realm", vec![(vec![PLAIN, QOP], again()), (vec![PLAIN, QOP], wrong())]),
        ("a foreign realm", vec![(vec![foreign], failed("401 Unauthorized"))]),
        (
            "a foreign realm beside ours",
            vec![(vec![foreign, PLAIN], again()), (vec![foreign], failed("401 Unauthorized"))],
        ),
    ] {
        let (mut digest, mut attempt) = (account(), Attempt::default());
        for (step, (lines, verdict)) in steps.into_iter().enumerate() {
            assert_eq!(digest.on_challenge(&mut attempt, &told(401, &lines), 1), verdict, "{what}, {step}");
        }
    }
}

#[test]
fn strangers_get_no_answer_even_in_our_realm() {
    let challenged = Challenged {
        status: 407,
        phrase: "Proxy Authentication Required",
        www: &[],
        proxy: &[PLAIN],
        source: Source::Foreign,
    };
    let mut digest = account();
    let verdict = digest.on_challenge(&mut Attempt::default(), &challenged, 1);
    assert_eq!(verdict, Verdict::Failed("407 Proxy Authentication Required".into()));
    assert!(digest.headers(&REGISTER, Source::Home).is_empty(), "what they said is not kept");
}

#[test]
fn proxies_and_servers_of_one_realm_are_answered_apart() {
    let mut digest = account();
    let mut attempt = Attempt::default();
    let proxy = Challenged { proxy: &[QOP], ..told(407, &[]) };
    assert_eq!(digest.on_challenge(&mut attempt, &proxy, 1), Verdict::Again);
    assert_eq!(digest.on_challenge(&mut attempt, &told(401, &[PLAIN]), 1), Verdict::Again);
    let names: Vec<_> = digest.headers(&REGISTER, Source::Home).iter().map(|line| line.name).collect();
    assert_eq!(names, ["Proxy-Authorization", "Authorization"]);
}

#[test]
fn a_wrong_password_is_not_sent_unasked() {
    let (mut digest, mut attempt) = (account(), Attempt::default());
    digest.on_challenge(&mut attempt, &told(401, &[QOP]), 1);
    digest.on_challenge(&mut attempt, &told(401, &[QOP]), 1);
    assert!(digest.headers(&REGISTER, Source::Home).is_empty());
}

#[test]
fn a_counter_that_is_used_up_is_forgotten() {
    let mut digest = account();
    digest.on_challenge(&mut Attempt::default(), &told(401, &[QOP]), 1);
    digest.known[0].count = u32::MAX - 1;
    assert!(digest.headers(&REGISTER, Source::Home)[0].value.contains("nc=ffffffff"));
    assert!(digest.headers(&REGISTER, Source::Home).is_empty());
}

#[test]
fn an_address_that_cannot_stand_in_quotes_gets_no_line() {
    let mut digest = account();
    digest.on_challenge(&mut Attempt::default(), &told(401, &[QOP]), 1);
    for uri in ["sip:a\"b@c", "sip:a\r\nVia: x", "sip:a\\"] {
        assert!(digest.headers(&Asked { uri, ..REGISTER }, Source::Home).is_empty(), "{uri}");
    }
}
