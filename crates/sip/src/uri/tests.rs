use super::*;

#[test]
fn addresses_of_record_lose_their_scheme_alone() {
    for (text, as_str, user, domain) in [
        ("alice@example.com", "alice@example.com", "alice", "example.com"),
        ("sip:alice@example.com", "alice@example.com", "alice", "example.com"),
        ("SIPS:Alice@Example.COM", "Alice@Example.COM", "Alice", "Example.COM"),
        ("+4930123@10.0.0.1:5070", "+4930123@10.0.0.1:5070", "+4930123", "10.0.0.1"),
        ("a;b?c@[2001:db8::1]:5060;transport=tcp", "a;b?c@[2001:db8::1]:5060;transport=tcp", "a;b?c", "[2001:db8::1]"),
        (" room%20one@my_host.local;lr ", "room%20one@my_host.local;lr", "room%20one", "my_host.local"),
    ] {
        let aor = Aor::parse(text).expect(text);
        assert_eq!((aor.as_str(), aor.user(), aor.domain()), (as_str, user, domain));
        assert_eq!(Aor::parse(aor.as_str()).expect("again").as_str(), as_str, "its own form is read again");
    }
}

#[test]
fn what_is_no_address_of_record() {
    use InvalidUri::*;
    for (text, why) in [
        ("", Host),
        ("no-at-sign", User),
        ("@example.com", User),
        ("alice@", Host),
        ("a b@example.com", User),
        ("a@b@example.com", Host),
        ("alice:secret@example.com", User),
        ("al\r\nVia: x@example.com", User),
        ("alice@example.com\r\nVia: x", Host),
        ("alice@example.com\n", Host),
        ("alice@example.com;x=\r\n", Parameter),
        ("alice%0d%0a@example.com", User),
        ("alice%7F@example.com", User),
        ("alice%4@example.com", User),
        ("alice@exa mple.com", Host),
        ("alice@example..com", Host),
        ("alice@[::g]", Host),
        ("alice@[::1", Host),
        ("alice@[::1]x", Host),
        ("alice@example.com:0", Port),
        ("alice@example.com:65536", Port),
        ("alice@example.com:+5060", Port),
        ("alice@example.com:", Port),
        ("alice@example.com;", Parameter),
        ("alice@example.com;=x", Parameter),
        ("alice@example.com;x=\"y\"", Parameter),
        ("alice@example.com?Subject=x", Headers),
        ("sip:alice@example.com?Subject=x", Headers),
        ("\"<alice>\"@example.com", User),
        ("älice@example.com", User),
    ] {
        assert_eq!(Aor::parse(text), Err(why), "{text:?}");
    }
    assert_eq!(Aor::parse(&format!("{}@example.com", "a".repeat(AOR_BYTES))), Err(TooLong));
    assert_eq!(Uri::parse(&format!("a@b;x={}", "a".repeat(URI_BYTES))), Err(TooLong));
    assert_eq!(Aor::parse(&format!("a@{}", "a".repeat(254))), Err(Host));
}

#[test]
fn a_client_is_told_its_own_value_in_one_line() {
    let value = "bad\r\nvalue";
    let error = Aor::parse(value).expect_err("it is bad");
    assert_eq!(error.text(value), "invalid SIP URI: badvalue");
    assert!(error.text(&"x".repeat(100_000)).len() < 500);
}

#[test]
fn uris_of_devices_have_parameters_and_no_header_fields() {
    let uri = Uri::parse("sip:t1@10.0.0.1:5062;Transport=TCP;ob?Replaces=x").expect("a contact");
    assert_eq!(uri.to_string(), "sip:t1@10.0.0.1:5062;Transport=TCP;ob");
    assert_eq!((uri.param("transport"), uri.param("ob"), uri.param("lr")), (Some("TCP"), Some(""), None));
    assert_eq!(uri.port(), Some(5062));
    let proxy = Uri::parse("sips:proxy.example.com").expect("a proxy");
    assert_eq!((proxy.user(), proxy.host(), proxy.is_secure()), (None, "proxy.example.com", true));
    assert_eq!(proxy.to_string(), "sips:proxy.example.com");
}

#[test]
fn a_place_is_user_host_and_port() {
    let uri = |text: &str| Uri::parse(text).expect(text);
    let own = uri("sip:t1@10.0.0.1;transport=tcp");
    assert!(own.same_place(&uri("sip:t1@10.0.0.1:5060;pn-tok=1")));
    assert!(!own.same_place(&uri("sip:t2@10.0.0.1")));
    assert!(!own.same_place(&uri("sip:t1@10.0.0.2")));
    assert!(!own.same_place(&uri("sip:t1@10.0.0.1:5061")));
    assert!(uri("sips:a@EXAMPLE.com").same_place(&uri("sip:a@example.com:5061")));
}
