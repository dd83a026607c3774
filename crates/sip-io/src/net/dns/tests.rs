use std::collections::BTreeMap;

use super::*;

const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

#[derive(Default)]
struct Fake {
    records: BTreeMap<&'static str, Vec<Record>>,
    addresses: BTreeMap<&'static str, Vec<IpAddr>>,
    dead: bool,
    asked: std::sync::Mutex<Vec<String>>,
}

impl Lookup for Fake {
    async fn records(&self, name: &str, kind: Kind) -> Result<Vec<Record>, ()> {
        self.asked.lock().expect("a lock").push(format!("{kind:?} {name}"));
        if self.dead { Err(()) } else { Ok(self.records.get(name).cloned().unwrap_or_default()) }
    }

    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.addresses.get(name).cloned().unwrap_or_default()
    }
}

fn target(text: &str) -> Target {
    Target::of(&patchbay_sip::uri::Uri::parse(text).expect("a URI"))
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Record {
    Record::Srv(Srv { priority, weight, port, target: target.to_owned() })
}

fn naptr_of(order: u16, service: &str, replacement: &str) -> Record {
    let (flags, service, replacement) = ("s".to_owned(), service.to_owned(), replacement.to_owned());
    Record::Naptr(Naptr { order, preference: 10, flags, service, replacement })
}

async fn asked(fake: &Fake, text: &str) -> Result<Vec<String>, String> {
    let found = candidates(fake, &target(text), &ALL, |_| 0).await?;
    Ok(found.into_iter().map(|(transport, address)| format!("{} {address}", transport.word())).collect())
}

fn one() -> Fake {
    let mut fake = Fake::default();
    fake.records.insert(
        "example.com",
        vec![
            naptr_of(50, "SIP+D2U", "_sip._udp.example.com"),
            naptr_of(20, "SIP+D2T", "_sip._tcp.example.com"),
            naptr_of(10, "E2U+sip", "x.example.com"),
        ],
    );
    fake.records
        .insert("_sip._tcp.example.com", vec![srv(2, 0, 5070, "b.example.com"), srv(1, 0, 5080, "a.example.com")]);
    fake.records.insert("_sip._udp.example.com", vec![srv(1, 0, 5060, "a.example.com")]);
    fake.records.insert("_sip._udp.plain.org", vec![srv(1, 0, 5090, "a.example.com")]);
    fake.addresses.insert("a.example.com", vec![[10, 0, 0, 1].into()]);
    fake.addresses.insert("b.example.com", vec![[10, 0, 0, 2].into()]);
    fake.addresses.insert("example.com", vec![[10, 0, 0, 9].into()]);
    fake.addresses.insert("bare.org", vec![[10, 0, 0, 8].into(), [10, 0, 0, 7].into()]);
    fake
}

#[tokio::test]
async fn names_lead_where_their_records_say() {
    let fake = one();
    for (text, expected) in [
        ("sip:10.1.1.1", vec!["udp 10.1.1.1:5060"]),
        ("sips:10.1.1.1", vec!["tls 10.1.1.1:5061"]),
        ("sip:[::1]:5070;transport=tcp", vec!["tcp [::1]:5070"]),
        ("sip:x@example.com", vec!["tcp 10.0.0.1:5080", "tcp 10.0.0.2:5070"]),
        ("sip:x@example.com;transport=tcp", vec!["tcp 10.0.0.1:5080", "tcp 10.0.0.2:5070"]),
        ("sip:x@example.com:5099", vec!["udp 10.0.0.9:5099"]),
        ("sip:x@example.com;transport=udp", vec!["udp 10.0.0.1:5060"]),
        ("sips:x@example.com", vec!["tls 10.0.0.9:5061"]),
        ("sip:plain.org", vec!["udp 10.0.0.1:5090"]),
        ("sip:bare.org", vec!["udp 10.0.0.8:5060", "udp 10.0.0.7:5060"]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(asked(&fake, text).await, Ok(expected), "{text}");
    }
    assert_eq!(asked(&fake, "sip:nowhere.org").await, Err("no address for nowhere.org".to_owned()));
    let long = Target { stream: true, ..target("sip:plain.org") };
    assert!(candidates(&fake, &long, &ALL, |_| 0).await.is_err(), "its datagrams are no stream, and it has no address");
}

#[tokio::test]
async fn a_dead_server_is_asked_once() {
    let fake = Fake { dead: true, ..one() };
    assert_eq!(asked(&fake, "sip:example.com").await, Ok(vec!["udp 10.0.0.9:5060".to_owned()]));
    assert_eq!(*fake.asked.lock().expect("a lock"), ["Naptr example.com"]);
}

#[test]
fn equals_are_drawn_by_weight() {
    let records =
        || vec![srv(1, 70, 1, "a"), srv(1, 20, 2, "b"), srv(1, 0, 3, "c"), srv(9, 9, 4, "z"), srv(1, 1, 5, "")];
    let order = |lot: u64| {
        weigh(records(), &move |below| lot.min(below - 1)).into_iter().map(|srv| srv.target).collect::<String>()
    };
    assert_eq!(order(0), "cbaz");
    assert_eq!(order(1), "bacz");
    assert_eq!(order(21), "abcz");
    assert_eq!(order(1_000), "abcz");
}

#[test]
fn answers_are_read_and_written_questions_answered() {
    let question = message::question(7, "_sip._udp.example.com", Kind::Srv).expect("a question");
    // One answer, its names compressed.
    let mut answer = question[..question.len() - 11].to_vec();
    answer[2] = 0x81;
    answer[3] = 0x80;
    answer[7] = 1;
    answer[11] = 0;
    answer.extend_from_slice(&[0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 12, 0, 1, 0, 2, 0x13, 0xc4]);
    answer.extend_from_slice(&[3, b'S', b'i', b'p', 0xc0, 22]);
    assert!(message::is_answer(&answer, &question) && !message::is_cut(&answer));
    assert_eq!(message::records(&answer, Kind::Srv), Some(vec![srv(1, 2, 5060, "sip.example.com")]));
    assert_eq!(message::records(&answer, Kind::Naptr), Some(vec![]));
    // No cut, no flip makes it panic or run for ever.
    for end in 0..answer.len() {
        _ = message::records(&answer[..end], Kind::Srv);
        let mut bent = answer.clone();
        bent[end] = 0xc0;
        _ = message::records(&bent, Kind::Srv);
        _ = message::addresses(&bent);
    }
    // A name that points at itself.
    let mut turning = answer.clone();
    let name = turning.len() - 2;
    turning[name + 1] = u8::try_from(name).expect("short");
    assert_eq!(message::records(&turning, Kind::Srv), Some(vec![]));
    answer[3] = 0x83;
    assert_eq!(message::records(&answer, Kind::Srv), Some(vec![]), "no such name");
    answer[3] = 0x82;
    assert_eq!(message::records(&answer, Kind::Srv), None, "the server has failed");
    for name in ["", "a..b", &"x".repeat(64), &"x.".repeat(200)] {
        assert_eq!(message::question(1, name, Kind::A), None, "{name}");
    }
}

#[test]
fn servers_of_the_system() {
    let file = "# x\nsearch a.b\nnameserver 10.0.0.53\noptions x\nnameserver fe80::1%eth0\nnameserver ::1\n";
    assert_eq!(servers(file), ["10.0.0.53:53".parse().expect("an address"), "[::1]:53".parse().expect("an address")]);
}
