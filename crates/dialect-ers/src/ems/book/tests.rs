use super::answers::{Envelope, started};
use super::*;
use crate::ems::api::answer::Form;
use crate::ems::api::parse::Typed;
use crate::ems::api::wire::Request;

const AT: Moment = Moment::from_micros(1_000_000_000);

fn start(line: &str) -> Start {
    match Request::read(&Typed::parse(line)) {
        Ok(Request::Start(start)) => start,
        other => panic!("{line}: {other:?}"),
    }
}

fn room(room: &str) -> Start {
    start(&format!("startwebrtc ersip=127.0.0.1 ersport=3535 roomid={room}"))
}

fn dialled(book: &mut Book) -> Vec<u64> {
    let number = |deed| match deed {
        Deed::Dial { number, .. } => Some(number),
        _ => None,
    };
    book.take_deeds().into_iter().filter_map(number).collect()
}

/// G5, byte by byte.
#[test]
fn a_start_is_answered_as_the_product_answers() {
    let answer = started(&room("testRoom"), 1, Envelope::Flat, false).written(Form::Json);
    let expected = concat!(
        r#"{"data":{"configId":1,"ers":"","ersOverSsl":false,"ersip":"127.0.0.1","ersport":3535,"keepAlive":true,"#,
        r#""name":"evostreamms","operationType":9,"roomid":"testRoom","sslCert":"..\/config\/server.cert","#,
        r#""sslKey":"..\/config\/server.key","token":""},"description":"Started WebRTC Negotiation Service","#,
        r#""status":"SUCCESS"}"#,
        "\r\n\r\n"
    );
    assert_eq!(answer, [&[0, 0, 1, 0x3d], expected.as_bytes()].concat());
    assert_eq!(expected.len(), 317);
}

#[test]
fn the_other_envelopes_have_the_seed_s_form_as_well() {
    let keys = concat!(
        r#""ers":"","ersOverSsl":false,"ersip":"127.0.0.1","ersport":3535,"keepAlive":true,"name":"evostreamms","#,
        r#""operationType":9,"roomid":"r","sslCert":"..\/config\/server.cert","sslKey":"..\/config\/server.key""#
    );
    let words = r#""description":"Started WebRTC Negotiation Service""#;
    let inner = format!(r#"{{"configId":1,{keys},"token":""}}"#);
    let nested = format!(r#"{{"data":{{"data":{inner},{words},"status":"SUCCESS"}},{words},"status":"SUCCESS"}}"#);
    let both = format!(
        r#"{{"data":{{"configId":1,"data":{inner},{words},{keys},"status":"SUCCESS","token":""}},{words},"status":"SUCCESS"}}"#
    );
    for (envelope, expected) in [(Envelope::Nested, nested), (Envelope::Both, both)] {
        let answer = started(&room("r"), 1, envelope, false).written(Form::Http);
        assert_eq!(String::from_utf8(answer).expect("text"), format!("{expected}\r\n\r\n"));
    }
}

#[test]
fn people_are_shown_what_matters() {
    let answer = started(&room("r"), 1, Envelope::Both, true).written(Form::Ascii);
    let expected = "Command entered successfully!\n\rStarted WebRTC Negotiation Service\n\r\n\r    configId: 1\n\r    \
        ersip: 127.0.0.1\n\r    ersport: 3535\n\r    name: evostreamms\n\r    roomid: r\n\r    \
        sslCert: ../config/server.cert\n\r    sslKey: ../config/server.key\n\r\n\r\n";
    assert_eq!(String::from_utf8(answer).expect("text"), expected);
}

#[test]
fn own_parameters_come_back() {
    let own = start("startwebrtc ersip=127.0.0.1 ersport=1 roomid=r _mark=x");
    let answer = String::from_utf8(started(&own, 1, Envelope::Flat, false).written(Form::Http)).expect("text");
    assert!(answer.starts_with(r#"{"data":{"_mark":"x","configId":1,"#), "{answer}");
}

#[test]
fn a_room_is_started_once() {
    let mut book = Book::default();
    assert_eq!(book.start(room("a"), AT), Some(1));
    assert_eq!(book.start(room("a"), AT), None);
    assert_eq!(book.start(room("b"), AT), Some(2));
    assert_eq!(book.start(start("startwebrtc ersip=127.0.0.1 ersport=3536 roomid=a"), AT), Some(3));
    assert_eq!(book.start(start("startwebrtc ers=localhost ersip=127.0.0.1 ersport=3535 roomid=a"), AT), Some(4));
    assert!(!book.stop(&Filter { room: "c".to_owned(), ..Filter::default() }));
    assert!(book.stop(&Filter { room: "a".to_owned(), ..Filter::default() }));
    assert_eq!(book.configurations.len(), 1);
    assert_eq!(book.start(room("a"), AT), Some(5), "numbers do not come twice");
}

#[test]
fn as_many_as_may_be_and_no_more() {
    let mut book = Book::default();
    (0..CONFIGURATIONS).for_each(|number| assert!(book.start(room(&number.to_string()), AT).is_some()));
    assert_eq!(book.start(room("one more"), AT), None);
    let numbers = dialled(&mut book);
    for number in numbers {
        book.serves(number, "s", AT);
        assert!(dialled(&mut book).len() <= 1);
    }
    while book.connections.len() < CONNECTIONS {
        let waiting = *book.connections.iter().find(|(_, one)| one.phase == Phase::Waits).expect("one waits").0;
        book.serves(waiting, "s", AT);
    }
    book.take_deeds();
    let waiting = *book.connections.iter().find(|(_, one)| one.phase == Phase::Waits).expect("one waits").0;
    book.serves(waiting, "s", AT);
    assert_eq!(dialled(&mut book), [0; 0]);
}

#[test]
fn each_viewer_has_a_connection_and_one_waits() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    assert_eq!(dialled(&mut book), [1]);
    book.joined(1);
    book.serves(1, "s", AT);
    book.serves(1, "s", AT);
    assert_eq!(dialled(&mut book), [2], "once");
    book.joined(2);
    book.ended(1, AT, 0);
    assert_eq!((dialled(&mut book), book.deadline()), (Vec::new(), None), "the other one waits");
    book.ended(2, AT, 0);
    assert_eq!(book.deadline(), Some(AT + RETRY));
}

#[test]
fn what_is_lost_is_tried_again_after_a_second_and_then_by_chance() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    let mut now = AT;
    for (number, seconds) in [(1, 1), (2, 8), (3, 1), (4, 8)] {
        assert_eq!(dialled(&mut book), [number]);
        book.refused(number, "taken");
        book.ended(number, now, 17);
        now = book.deadline().expect("it is tried again");
        assert_eq!(
            now,
            AT + Duration::from_secs([1, 8, 1, 8][..usize::try_from(number).expect("small")].iter().sum()),
            "{seconds}"
        );
        book.on_deadline(now);
    }
    assert_eq!(dialled(&mut book), [5]);
    book.joined(5);
    book.ended(5, now, 17);
    assert_eq!(book.deadline(), Some(now + RETRY), "it begins anew");
}

#[test]
fn a_way_that_is_cut_is_tried_again_while_its_viewer_is_served() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    book.serves(1, "s", AT);
    dialled(&mut book);
    book.ended(2, AT, 0);
    book.cut(1, AT, 0);
    assert_eq!(book.deadline(), Some(AT + RETRY), "once");
    book.on_deadline(AT + RETRY);
    assert_eq!(dialled(&mut book), [3]);
}

#[test]
fn without_keep_alive_the_end_is_the_end() {
    let mut book = Book::default();
    book.start(start("startwebrtc ersip=127.0.0.1 ersport=1 roomid=r keepAlive=0"), AT);
    assert!(!book.take_deeds().iter().any(|deed| matches!(deed, Deed::Keep { .. })), "it is not stored");
    book.ended(1, AT, 0);
    assert_eq!((book.deadline(), book.configurations.len()), (None, 0));
}

#[test]
fn a_room_that_will_never_be_had_is_left_alone_and_stays_listed() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    book.refused(1, "invalidRoom");
    book.ended(1, AT, 0);
    assert_eq!(book.deadline(), None);
    let info = String::from_utf8(book.info(1).written(Form::Http)).expect("text");
    assert!(info.contains(r#""status":{"current":{"description":"invalidRoom"}}"#), "{info}");
}

#[test]
fn what_is_stopped_ends_even_if_it_comes_about_later() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    book.take_deeds();
    book.stop(&Filter::default());
    assert_eq!(book.take_deeds(), [Deed::Forget { id: 1 }, Deed::End { number: 1 }]);
    book.connected(1);
    assert_eq!(book.take_deeds(), [Deed::End { number: 1 }], "it had not heard it");
    book.serves(1, "s", AT);
    book.joined(1);
    book.ended(1, AT, 0);
    assert_eq!((book.take_deeds(), book.deadline(), book.connections.len()), (Vec::new(), None, 0));
    book.connected(1);
    assert_eq!(book.take_deeds(), [Deed::End { number: 1 }]);
}

#[test]
fn lists_and_entries_have_their_keys() {
    let mut book = Book::default();
    book.start(start("startwebrtc ersip=127.0.0.1 ersport=1 roomid=r token=t"), AT);
    let entry = r#"{"configId":1,"ers":"","ersip":"127.0.0.1","ersport":1,"keepAlive":true,"operationType":9,"roomid":"r","token":"t"}"#;
    let list = String::from_utf8(book.list().written(Form::Http)).expect("text");
    let none =
        r#""dash":[],"hds":[],"hls":[],"metalistener":[],"mss":[],"process":[],"pull":[],"push":[],"record":[],"#;
    assert_eq!(
        list,
        format!(
            "{{\"data\":{{{none}\"webrtc\":[{entry}]}},\"description\":\"Run-time configuration\",\"status\":\"SUCCESS\"}}\r\n\r\n"
        )
    );
    assert!(!book.info(2).ok && book.info(2).description == "Config ID not found");
    let removed = book.removed(1);
    assert_eq!((removed.ok, removed.description.as_str()), (true, "Configuration terminated"));
    assert_ne!(removed.data, crate::ems::api::value::Value::Null, "it was live");
    assert_eq!(book.removed(7).data, crate::ems::api::value::Value::Null);
}

#[test]
fn what_is_said_reaches_the_stream_s_viewers() {
    let mut book = Book::default();
    book.start(room("a"), AT);
    book.serves(1, "s", AT);
    book.serves(2, "other", AT);
    book.take_deeds();
    let send = |stream: &str| Send {
        command: "c".to_owned(),
        stream: stream.to_owned(),
        argument: "a".to_owned(),
        base64: false,
    };
    assert!(!book.say(&send("s"), "text"), "it cannot be told commands");
    book.commands(1, true);
    assert!(book.say(&send("s"), "text") && !book.say(&send("none"), "text"));
    assert_eq!(book.take_deeds(), [Deed::Say { number: 1, text: "text".to_owned() }]);
    book.commands(1, false);
    assert!(!book.say(&send("s"), "text"));
}
