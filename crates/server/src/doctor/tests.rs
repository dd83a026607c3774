use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::PathBuf;

use super::*;
use crate::config::Networks;

/// A server in the open internet, with all that it needs: nothing is to be found.
fn sound() -> (Config, Facts) {
    let mut config = Config::default();
    config.https.addr = vec![":443".parse().unwrap()];
    (config.https.cert, config.https.key) = (Some("cert.pem".into()), Some("key.pem".into()));
    config.allowed_origins = vec!["https://app.example".to_owned()];
    config.media.advertise = vec!["198.18.0.7".to_owned()];
    let facts = Facts {
        advertised: addresses(&["198.18.0.7"]),
        own: addresses(&["198.18.0.7"]),
        cores: 4,
        workers: 4,
        descriptors: Some(1_048_576),
        buffers: Some((4_194_304, 4_194_304)),
        memory_mb: Some(8_000),
        reached: vec![("198.18.0.7:10000".parse().unwrap(), true)],
        ..Facts::default()
    };
    (config, facts)
}

fn addresses(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|address| address.parse().unwrap()).collect()
}

fn found(config: &Config, facts: &Facts) -> Vec<String> {
    examine(config, facts).iter().map(|found| format!("{} {}", found.severity, found.about)).collect()
}

/// Somebody is told there, and knows by whom.
fn told(config: &mut Config, url: &str) {
    let app = crate::config::App { name: "live".into(), listener_hook_url: url.into(), ..Default::default() };
    config.dialect.antmedia.app = vec![app];
    config.dialect.antmedia.hook_secret_file = Some("secret".into());
}

type Seed = fn(&mut Config, &mut Facts);

/// What is wrong, and the one thing that is to be found.
const SEEDS: [(&str, Seed, &str); 40] = [
    ("an example's address", |_, facts| facts.advertised = addresses(&["203.0.113.7"]), "error media.advertise"),
    (
        "an example's IPv6 address",
        |_, facts| facts.advertised.extend(addresses(&["2001:db8::7"])),
        "error media.advertise",
    ),
    ("no address", |_, facts| facts.advertised = addresses(&["0.0.0.0"]), "error media.advertise"),
    ("link-local", |_, facts| facts.advertised = addresses(&["169.254.1.1"]), "warning media.advertise"),
    (
        "a private address of nobody here",
        |_, facts| facts.advertised = addresses(&["10.1.2.3"]),
        "warning media.advertise",
    ),
    ("twice the same", |_, facts| facts.advertised = addresses(&["198.18.0.7", "198.18.0.7"]), "note media.advertise"),
    ("loopback alone", |_, facts| facts.advertised = addresses(&["127.0.0.1", "::1"]), "warning media.advertise"),
    ("IPv6 alone", |_, facts| facts.advertised = addresses(&["2a00::7"]), "note media.advertise"),
    (
        "a container's own address",
        |config, facts| {
            config.media.advertise.clear();
            facts.container = true;
            facts.advertised = addresses(&["172.17.0.2"]);
        },
        "warning media.advertise",
    ),
    (
        "a private network",
        |config, facts| {
            config.media.advertise.clear();
            facts.advertised = addresses(&["192.168.1.2"]);
        },
        "note media.advertise",
    ),
    (
        "a carrier's translation",
        |config, facts| {
            config.media.advertise.clear();
            facts.advertised = addresses(&["100.64.0.2"]);
        },
        "note media.advertise",
    ),
    ("somebody else's interface", |_, facts| facts.foreign_binds = vec!["198.18.0.9".to_owned()], "error media.bind"),
    ("settings of no use", |_, facts| facts.unusable = Some("media.bind: no address".to_owned()), "error media"),
    ("a port that is taken", |_, facts| facts.taken = vec![(10_000, ErrorKind::AddrInUse)], "error media.udp_port"),
    ("a privileged port", |_, facts| facts.taken = vec![(443, ErrorKind::PermissionDenied)], "error media.udp_port"),
    (
        "a port on no interface",
        |_, facts| facts.taken = vec![(443, ErrorKind::AddrNotAvailable)],
        "error media.udp_port",
    ),
    ("too few ports", |config, _| config.media.udp_port = 65_533, "error media.udp_port"),
    ("any port", |config, _| config.media.udp_port = 0, "note media.udp_port"),
    ("a closed port", |_, facts| facts.reached[0].1 = false, "warning firewall"),
    (
        "a translation that does not loop back",
        |_, facts| {
            facts.own.clear();
            facts.reached[0].1 = false;
        },
        "note media.advertise",
    ),
    ("more workers than cores", |config, _| config.media.workers = 5, "note media.workers"),
    (
        "a camera page without TLS",
        |config, _| {
            config.https.addr.clear();
            (config.https.cert, config.https.key) = (None, None);
        },
        "note https.addr",
    ),
    (
        "everybody is a proxy",
        |config, _| config.http.trusted_proxies = Networks::new(&["0.0.0.0/0"]).unwrap(),
        "warning http.trusted_proxies",
    ),
    (
        "everybody of IPv6 is a proxy",
        |config, _| config.http.trusted_proxies = Networks::new(&["::/0"]).unwrap(),
        "warning http.trusted_proxies",
    ),
    ("open metrics", |config, _| config.admin.addr = Some(":9000".parse().unwrap()), "warning admin.addr"),
    (
        "a file that is not there",
        |_, facts| facts.missing = vec![("https.cert", PathBuf::from("x"))],
        "error https.cert",
    ),
    (
        "pages that are not there",
        |_, facts| facts.missing = vec![("dialect.antmedia.pages_dir", PathBuf::from("x"))],
        "error dialect.antmedia.pages_dir",
    ),
    (
        "a secret for everybody",
        |_, facts| facts.readable = vec![("admin.token_file", PathBuf::from("x"))],
        "warning admin.token_file",
    ),
    (
        "a short secret",
        |_, facts| facts.weak = vec![("dialect.antmedia.app.totp_secret_file_play", PathBuf::from("x"))],
        "warning dialect.antmedia.app.totp_secret_file_play",
    ),
    (
        "a webhook to this machine",
        |config, _| told(config, "https://127.0.0.1/x"),
        "error dialect.antmedia.app.listener_hook_url",
    ),
    (
        "a webhook in the open",
        |config, _| told(config, "http://example.com/x"),
        "warning dialect.antmedia.app.listener_hook_url",
    ),
    (
        "webhooks without a signature",
        |config, _| {
            told(config, "https://example.com/x");
            config.dialect.antmedia.hook_secret_file = None;
        },
        "note dialect.antmedia.hook_secret_file",
    ),
    (
        "a certificate of no use",
        |_, facts| facts.certificate = Some("no certificate in it".to_owned()),
        "error https.cert",
    ),
    ("few descriptors", |_, facts| facts.descriptors = Some(1_024), "warning limits.connections"),
    ("small buffers", |_, facts| facts.buffers = Some((212_992, 4_194_304)), "note net.core.rmem_max"),
    ("little processor time", |config, _| config.limits.cpu_percent = 10, "warning limits.cpu_percent"),
    ("more memory than there is", |config, _| config.limits.min_available_mb = 8_000, "error limits.min_available_mb"),
    (
        "no codec",
        |config, _| {
            config.dialect.antmedia.audio_codecs.clear();
            config.dialect.antmedia.video_codecs.clear();
        },
        "warning dialect.antmedia.video_codecs",
    ),
    ("no patience", |config, _| config.limits.slow_timeout_ms = 100, "note limits.slow_timeout_ms"),
    ("both sides check", |config, _| config.media.ice_lite = false, "note media.ice_lite"),
];

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let (config, facts) = sound();
    assert_eq!(found(&config, &facts), [""; 0]);
}

#[test]
fn each_mistake_is_found_and_nothing_else() {
    for (name, seed, expected) in SEEDS {
        let (mut config, mut facts) = sound();
        seed(&mut config, &mut facts);
        assert_eq!(found(&config, &facts), [expected], "{name}");
        let findings = examine(&config, &facts);
        assert!(!findings[0].what.is_empty() && !findings[0].next.is_empty(), "{name}");
    }
}

#[test]
fn a_server_for_this_machine_alone_is_left_alone() {
    let (mut config, mut facts) = (Config::default(), Facts::default());
    config.http.addr = vec!["127.0.0.1:8080".parse().unwrap()];
    facts.advertised = addresses(&["127.0.0.1"]);
    (facts.cores, facts.workers) = (2, 2);
    assert_eq!(found(&config, &facts), [""; 0]);
}

#[test]
fn the_worst_comes_first() {
    let (mut config, mut facts) = sound();
    config.media.ice_lite = false;
    config.admin.addr = Some(":9000".parse().unwrap());
    facts.taken = vec![(10_000, ErrorKind::AddrInUse)];
    assert_eq!(found(&config, &facts), ["error media.udp_port", "warning admin.addr", "note media.ice_lite"]);
}

#[test]
fn this_machine_is_looked_at() {
    let mut config = Config::default();
    config.media.bind = vec!["127.0.0.1".to_owned()];
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    config.media.udp_port = socket.local_addr().unwrap().port();
    config.media.workers = 1;
    let facts = Facts::gather(&config, Probe::Ports);
    assert_eq!(facts.taken, [(config.media.udp_port, ErrorKind::AddrInUse)]);
    assert_eq!((facts.advertised.clone(), facts.own), (addresses(&["127.0.0.1"]), addresses(&["127.0.0.1"])));
    assert!(facts.cores > 0 && facts.descriptors.is_some_and(|descriptors| descriptors > 0));
    drop(socket);
    let facts = Facts::gather(&config, Probe::Ports);
    assert_eq!(facts.reached, [(([127, 0, 0, 1], config.media.udp_port).into(), true)], "{:?}", facts.taken);
    config.media.bind = vec!["0.0.0.0".to_owned(), "::".to_owned()];
    assert_eq!(Facts::gather(&config, Probe::Ports).taken, [], "both families have the port");
    config.media.bind = vec!["192.0.2.1".to_owned()];
    assert_eq!(Facts::gather(&config, Probe::Nothing).foreign_binds, ["192.0.2.1"]);
    config.media.bind = vec!["nonsense".to_owned()];
    assert!(Facts::gather(&config, Probe::Nothing).unusable.is_some());
}

#[test]
fn files_are_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("patchbay-doctor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let token = folder.join("token");
    std::fs::write(&token, "secret").unwrap();
    let mut config = Config::default();
    config.admin.token_file = Some(token.clone());
    config.dialect.antmedia.pages_dir = Some(folder.join("pages"));
    for (mode, readable) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        let facts = Facts::gather(&config, Probe::Nothing);
        assert_eq!(facts.readable == [("admin.token_file", token.clone())], readable, "{mode:o}");
        assert_eq!(facts.missing, [("dialect.antmedia.pages_dir", folder.join("pages"))]);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_report_says_what_and_what_next() {
    let mut config = Config::default();
    config.media.bind = vec!["192.0.2.1".to_owned()];
    let mut out = Vec::new();
    assert_eq!(run(&config, &["b is old".to_owned()], &mut out).unwrap(), 1);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("\nerror: media.bind: this machine has no address 192.0.2.1\n  next: bind to"), "{text}");
    assert!(text.contains("\nwarning: configuration: b is old\n"), "{text}");
    assert!(text.trim_end().ends_with("notes"), "{text}");
}
