//! Tables for the origin rule.

use super::OriginPolicy;

fn admits(list: &str, origin: Option<&str>, host: Option<&str>) -> bool {
    let list: Vec<_> = list.split(',').collect();
    OriginPolicy::new(&list, false).admits(origin, host)
}

/// Five values of the list by nine origins; the Host header is `sig.example.com:8080` throughout.
#[test]
fn matrix_of_lists_and_origins() {
    let lists = ["*", "good.example", "https://good.example", "good.example:8443, localhost", "same-host"];
    #[rustfmt::skip]
    let rows = [
        (None,                                [true,  true,  true,  true,  true]),
        (Some("https://good.example"),        [true,  true,  true,  false, false]),
        (Some("http://good.example"),         [true,  true,  false, false, false]),
        (Some("https://GOOD.example:8443"),   [true,  true,  false, true,  false]),
        (Some("http://localhost:3000"),       [true,  false, false, true,  false]),
        (Some("https://evil.example"),        [true,  false, false, false, false]),
        (Some("https://good.example.evil.com"), [true, false, false, false, false]),
        (Some("https://sig.example.com"),     [true,  false, false, false, true]),
        (Some("null"),                        [true,  false, false, false, false]),
    ];
    for (origin, expected) in rows {
        for (list, expected) in lists.into_iter().zip(expected) {
            let admitted = admits(list, origin, Some("sig.example.com:8080"));
            assert_eq!(admitted, expected, "list {list:?}, origin {origin:?}");
        }
    }
}

/// Nothing that only looks like `good.example` gets in, whichever way the entry is written.
#[test]
fn tricks_are_refused() {
    for list in ["good.example", "https://good.example", "good.example:443", "same-host"] {
        for origin in [
            "https://good.example.evil.com",
            "https://evilgood.example",
            "https://evil.com/good.example",
            "https://evil.com#good.example",
            "https://evil.com?good.example",
            "https://good.example@evil.com",
            "https://evil.com@good.example",
            "https://user:pass@good.example",
            "https://good.example/",
            "https://good.example/path",
            "https://good.example:443:80",
            "https://good.example:",
            "https://good.example:+443",
            "https://good.example:65979",
            "https://good.example.",
            "https://good.example,https://evil.com",
            "https://good.example https://evil.com",
            " https://good.example",
            "https://good.example\n",
            "https://good.example\\.evil.com",
            "https://good%2eexample",
            "https:///good.example",
            "https://",
            "://good.example",
            "1https://good.example",
            "//good.example",
            "good.example",
            "good.example:443",
            "https:good.example",
            "null",
            "",
            "*",
            "same-host",
        ] {
            assert!(!admits(list, Some(origin), Some("good.example")), "{list:?} admits {origin:?}");
        }
    }
}

#[test]
fn spellings_of_the_same_origin_are_equal() {
    #[rustfmt::skip]
    let rows = [
        ("HTTPS://Good.Example",        "https://good.EXAMPLE",        true),
        ("https://good.example:443",    "https://good.example",        true),
        ("https://good.example",        "https://good.example:443",    true),
        ("good.example:443",            "https://good.example",        true),
        ("good.example:80",             "https://good.example",        false),
        ("good.example:443",            "http://good.example",         false),
        ("https://good.example",        "https://good.example:8443",   false),
        ("  good.example  ",            "https://good.example:1",      true),
        ("good.example",                "app://good.example",          true),
        ("app://good.example",          "app://good.example",          true),
        ("app://good.example:443",      "app://good.example",          false),
        ("[::1]",                       "http://[::1]:8080",           true),
        ("::1",                         "http://[::1]:8080",           true),
        ("[0:0::1]:8080",               "http://[::1]:8080",           true),
        ("[::1]:8081",                  "http://[::1]:8080",           false),
        ("http://[2001:DB8::1]",        "http://[2001:db8:0::1]",      true),
        ("2001:db8::1",                 "http://[2001:db8::11]",       false),
        ("127.0.0.1",                   "http://127.0.0.1:5500",       true),
        ("localhost",                   "http://127.0.0.1:5500",       false),
        ("null",                        "null",                        false),
        ("null",                        "https://null",                false),
        ("evil.example,*",              "null",                        true),
        ("",                            "https://good.example",        false),
    ];
    for (list, origin, expected) in rows {
        assert_eq!(admits(list, Some(origin), None), expected, "{list:?} {origin:?}");
    }
}

#[test]
fn same_host_compares_hosts_only() {
    #[rustfmt::skip]
    let rows = [
        ("https://a.example",      Some("a.example"),       true),
        ("https://a.example",      Some("A.Example:8080"),  true),
        ("http://a.example:3000",  Some("a.example:8080"),  true),
        ("http://[::1]:3000",      Some("[0::1]:8080"),     true),
        ("https://a.example",      Some("b.example"),       false),
        ("https://a.example",      Some("a.example.evil"),  false),
        ("https://a.example",      Some("x@a.example"),     false),
        ("https://a.example",      Some(""),                false),
        ("https://a.example",      None,                    false),
        ("null",                   Some("null"),            false),
    ];
    for (origin, host, expected) in rows {
        assert_eq!(admits("Same-Host", Some(origin), host), expected, "{origin:?} {host:?}");
    }
}

#[test]
fn a_missing_origin_is_refused_only_on_demand() {
    for list in ["*", "good.example", "same-host", ""] {
        for host in [None, Some("good.example")] {
            assert!(OriginPolicy::new(&[list], false).admits(None, host));
            assert!(!OriginPolicy::new(&[list], true).admits(None, host));
        }
    }
    assert!(OriginPolicy::new(&["*"], true).admits(Some("https://x"), None));
}

#[test]
fn useless_entries_are_named() {
    let list = [
        "*",
        "same-host",
        "a.example",
        "a:1",
        "https://a",
        "::1",
        "*.b.example",
        "https://a/",
        "bücher.example",
        "null",
        "a b",
        "a:x",
        "",
    ];
    let list: Vec<_> = list.map(str::to_owned).into();
    let useless: Vec<_> = OriginPolicy::useless(&list).into_iter().map(|(e, _)| e).collect();
    assert_eq!(useless, ["*.b.example", "https://a/", "bücher.example", "null", "a b", "a:x", ""]);
}
