//! The JSON cursor: tables.

use patchbay_dialect_kit::json::{Cursor, DEPTH, Fault, Kind, write_string};

fn compact(text: &str) -> Result<String, Fault> {
    let (mut cursor, mut out) = (Cursor::new(text), Vec::new());
    cursor.compact(&mut out)?;
    if !cursor.at_end() {
        return Err(Fault::Syntax);
    }
    Ok(String::from_utf8(out).expect("what was UTF-8 stays UTF-8"))
}

fn written(text: &str) -> String {
    let mut out = Vec::new();
    write_string(&mut out, text);
    String::from_utf8(out).expect("a JSON string is UTF-8")
}

#[test]
fn white_space_between_tokens_goes_and_all_else_stays() {
    for (text, expected) in [
        (" {\t\"a\" :\n1 ,\r\"a\": [ ] } ", r#"{"a":1,"a":[]}"#),
        ("[ 1e3 , 1.0 , -0 , 12345678901234567890123 , 1E+05 ]", "[1e3,1.0,-0,12345678901234567890123,1E+05]"),
        (r#"" a b ""#, r#"" a b ""#),
        (r#"{"a b":" \" \\ \/ \u0041 "}"#, r#"{"a b":" \" \\ \/ \u0041 "}"#),
        ("[{},{ },[ ]]", "[{},{},[]]"),
        ("null", "null"),
    ] {
        assert_eq!(compact(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_could_leave_a_script_is_escaped() {
    for (text, expected) in [
        (r#""</script>&""#, r#""\u003c/script\u003e\u0026""#),
        ("\"\u{2028}\u{2029}\u{202a}\u{2027}\u{2068}\u{20a8}\"", "\"\\u2028\\u2029\u{202a}\u{2027}\u{2068}\u{20a8}\""),
        (r#"{"<k>":"\u003c"}"#, r#"{"\u003ck\u003e":"\u003c"}"#),
        ("\"â\u{2028}â\"", "\"â\\u2028â\""),
    ] {
        assert_eq!(compact(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(written("<a&b>\u{2028}\u{2029}é"), r#""\u003ca\u0026b\u003e\u2028\u2029é""#);
    assert_eq!(written("\"\\/\u{0}\u{8}\u{c}\n\r\t\u{1f}\u{7f}"), "\"\\\"\\\\/\\u0000\\b\\f\\n\\r\\t\\u001f\u{7f}\"");
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "01",
        "-",
        "-a",
        "+1",
        ".5",
        "1.",
        "1.e3",
        "1e",
        "1e+",
        "0x1",
        "1_000",
        "NaN",
        "Infinity",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\n\"",
        "\"\t\"",
        "\"\u{0}\"",
        "'a'",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{,}",
        "{null:1}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "//x",
        "1//x",
        "\u{feff}1",
        "\u{a0}1",
        "\u{b}1",
        "1 1",
    ] {
        assert!(compact(text).is_err(), "{text:?}");
    }
}

#[test]
fn the_first_byte_tells_the_kind() {
    for (text, kind) in [
        (" {", Kind::Object),
        ("[", Kind::Array),
        ("\"", Kind::String),
        ("t", Kind::Bool),
        ("f", Kind::Bool),
        ("n", Kind::Null),
        ("-", Kind::Number),
        ("7", Kind::Number),
    ] {
        assert_eq!(Cursor::new(text).kind(), Ok(kind), "{text}");
    }
    assert_eq!(Cursor::new("x").kind(), Err(Fault::Syntax));
}

#[test]
fn a_value_of_another_type_is_not_a_fault_of_syntax() {
    assert_eq!(Cursor::new("1").string(), Err(Fault::WrongType));
    assert_eq!(Cursor::new("[]").object(|_, value| value.skip()), Err(Fault::WrongType));
    assert_eq!(Cursor::new("{}").array(Cursor::skip), Err(Fault::WrongType));
    assert_eq!(Cursor::new("{1:2}").object(|_, value| value.skip()), Err(Fault::Syntax));
}

#[test]
fn strings_mean_what_their_escapes_say() {
    for (text, expected) in [
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u00e9\u2028\uD83D\uDE00""#, "é\u{2028}😀"),
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\udc00x""#, "\u{fffd}x"),
        (r#""\ud800\u0041""#, "\u{fffd}A"),
        (r#""\ud800\ud83d\ude00""#, "\u{fffd}😀"),
        (r#""\ud800\n""#, "\u{fffd}\n"),
        (r#""\\u0041""#, "\\u0041"),
        (r#""é\u0041é""#, "éAé"),
    ] {
        assert_eq!(Cursor::new(text).string().as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_cursor_goes_on_after_each_value() {
    let mut cursor = Cursor::new(" {\"a\":[1]} \"x\" 5 junk");
    assert_eq!(cursor.skip(), Ok(()));
    assert_eq!(cursor.string().as_deref(), Ok("x"));
    assert_eq!(cursor.skip(), Ok(()));
    assert!(!cursor.at_end());
    assert_eq!(cursor.skip(), Err(Fault::Syntax));
}

#[test]
fn nesting_is_bounded_on_both_sides() {
    let nested = |open: &str, close: &str, levels: usize, inside: &str| {
        let (open, close) = (open.repeat(levels), close.repeat(levels));
        compact(&format!("{open}{inside}{close}")).map(|_| ())
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let per = open.matches(['[', '{']).count();
        assert_eq!(nested(open, close, DEPTH / per, "1"), Ok(()), "{open} at the limit");
        assert_eq!(nested(open, close, DEPTH / per + 1, "1"), Err(Fault::TooDeep), "{open} beyond it");
        // An empty value is a level like any other.
        assert_eq!(nested(open, close, DEPTH / per, "[]"), Err(Fault::TooDeep), "{open} around []");
        assert_eq!(nested(open, close, DEPTH / per, "{ }"), Err(Fault::TooDeep), "{open} around {{}}");
    }
    assert_eq!(nested("[", "]", DEPTH - 1, "[]"), Ok(()));
}

#[test]
fn closing_brackets_match_at_every_depth() {
    // The memory of what is open is kept in words of 64 levels: its borders must not be felt.
    for levels in [1, 63, 64, 65, 127, 128, 129, 191, 193] {
        let text = "[{\"a\":".repeat(levels) + "1" + &"}]".repeat(levels);
        assert!(compact(&text).is_ok(), "{levels} pairs");
        let wrong = "[{\"a\":".repeat(levels) + "1" + &"}]".repeat(levels - 1) + "]}";
        assert_eq!(compact(&wrong), Err(Fault::Syntax), "{levels} pairs, the outermost swapped");
    }
}

#[test]
fn plain_text_has_the_escapes_that_it_needs_and_no_others() {
    let plain = |text: &str| {
        let (mut cursor, mut out) = (Cursor::new(text), Vec::new());
        cursor.plain(&mut out).map(|()| String::from_utf8(out).expect("what was UTF-8 stays UTF-8"))
    };
    for (text, expected) in [
        (" { \"a\" : [ 1.50 , null ] } ", r#"{"a":[1.50,null]}"#),
        (r#""v=0\u000d\u000Aa=ice-pwd:a\/b\r\n""#, r#""v=0\r\na=ice-pwd:a/b\r\n""#),
        (
            r#"{"\u0061\/":"\u003c\u0022\u005c\u0000\u001f\u00e9\ud83d\ude00\ud83d\"\\\b\f\t"}"#,
            "{\"a/\":\"<\\\"\\\\\\u0000\\u001fé😀\u{fffd}\\\"\\\\\\b\\f\\t\"}",
        ),
        (r#""<>& ""#, r#""<>& ""#),
        (r#""\\/\\u0041""#, r#""\\/\\u0041""#),
    ] {
        assert_eq!(plain(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(plain(r#"{"a":"\x"}"#), Err(Fault::Syntax));
}
