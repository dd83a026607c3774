//! The configuration from outside: layers, the sample, the documentation, the `config` commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use patchbay_server::cli::{self, Cli, Command, ServeArgs};
use patchbay_server::config::{self, Environment, Loaded, RtcConfig, Source};

/// A folder of its own for each test, with a `patchbay.toml` if there is text for one.
fn folder(file: Option<&str>) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("config-{}-{number}", std::process::id());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir).expect("folder");
    if let Some(text) = file {
        fs::write(dir.join("patchbay.toml"), text).expect("file");
    }
    dir
}

fn serve(flags: &[&str]) -> ServeArgs {
    match Cli::parse_from(["patchbay"].iter().chain(flags)).into_command() {
        Command::Serve(args) => args,
        _ => panic!("expected serve"),
    }
}

fn load(file: Option<&str>, env: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, Vec<String>> {
    let environment: Environment = env.iter().copied().collect();
    let loaded = cli::load(&serve(flags), &environment, &folder(file));
    loaded.map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

fn loaded(file: Option<&str>, env: &[(&str, &str)], flags: &[&str]) -> Loaded {
    load(file, env, flags).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(file: Option<&str>, env: &[(&str, &str)], flags: &[&str]) -> Vec<String> {
    let result = load(file, env, flags);
    result.err().expect("the configuration is refused")
}

struct Ran {
    status: u8,
    out: String,
    err: String,
}

fn run(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Ran {
    let line = ["patchbay", "config"];
    let Command::Config(command) = Cli::parse_from(line.iter().chain(args)).into_command() else {
        panic!("expected a config command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let environment = env.iter().copied().collect();
    let status = cli::run_config(&command, &environment, dir, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: status.expect("written"), out: text(out), err: text(err) }
}

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn addresses(loaded: &Loaded) -> Vec<String> {
    let list = loaded.config.http.addr.iter();
    list.map(ToString::to_string).collect()
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let file = Some("http.addr = \":1\"\n");
    let seed = ("ADDR", ":2");
    let own = ("PATCHBAY_HTTP__ADDR", ":3");
    let set = ["--set", "http.addr=:4"];
    assert_eq!(addresses(&loaded(None, &[], &[])), [":8080"]);
    assert_eq!(addresses(&loaded(file, &[], &[])), [":1"]);
    assert_eq!(addresses(&loaded(file, &[seed], &[])), [":2"]);
    assert_eq!(addresses(&loaded(file, &[seed, own], &[])), [":3"]);
    assert_eq!(addresses(&loaded(file, &[seed, own], &set)), [":4"]);
    let flags = [&set[..], &["--addr", ":5", "--addr", "[::1]:6,unix:/x"]].concat();
    let all = loaded(file, &[seed, own], &flags);
    assert_eq!(addresses(&all), [":5", "[::1]:6", "unix:/x"]);
    assert_eq!(all.source("http.addr"), Some(&Source::Flag("--addr".into())));
    assert_eq!(all.source("threads"), Some(&Source::Default));
    assert!(all.is_set("http.addr") && !all.is_set("threads"));
}

#[test]
fn a_named_file_takes_the_place_of_the_one_found() {
    let dir = folder(Some("threads = 1"));
    fs::write(dir.join("other.toml"), "native_ports = true").expect("file");
    let with = |path: &str| cli::load(&serve(&["--config", path]), &Environment::default(), &dir);
    let found = with("other.toml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(found.config.threads, 0);
    assert!(found.config.native_ports);
    assert_eq!(found.file, Some("other.toml".into()));
    let error = with("gone.toml").err().expect("refused").to_string();
    assert!(error.starts_with("gone.toml: the configuration file cannot be read"), "{error}");
    // A folder cannot be read either, and a device is not read without end.
    for path in [".", "/dev/zero"] {
        assert!(with(path).is_err(), "{path}");
    }
}

#[test]
fn errors_of_all_layers_come_together() {
    let file = "[http]\nadr = \":1\"\n[limits]\nconnections = 0\n";
    let env = [("ADDR", "8080"), ("PATCHBAY_LOG__FORMAT", "xml")];
    #[rustfmt::skip]
    let flags = ["--set", "dialect.mesh.room=3", "--log-level", "inof", "--set", "http=1"];
    let expected = [
        "patchbay.toml:2: \"http.adr\" is not a known key; the nearest known key is http.addr",
        "patchbay.toml:4: limits.connections: 0 is not accepted; write a whole number from 1 to 1000000000",
        "environment variable ADDR: http.addr: \"8080\" is no listener address: a bare number may be a port or a host; \
         write \":8080\" for the port on all interfaces",
        "environment variable PATCHBAY_LOG__FORMAT: log.format: \"xml\" is not accepted; write one of text, json",
        "flag --set: \"dialect.mesh.room\" is not a known key; the nearest known key is dialect.mesh.rooms",
        "flag --set: http is a section, not a key; set one of its keys, e.g. http.addr",
        "flag --log-level: log.level: \"inof\" is not accepted; write one of off, error, warn, info, debug, trace, \
         and beside it target=level pairs, e.g. \"info,patchbay_server=debug\"",
    ];
    assert_eq!(errors(Some(file), &env, &flags), expected);
}

#[test]
fn rules_between_keys() {
    #[rustfmt::skip]
    let rows = [
        (&["--set", "limits.mailbox_messages_soft=2000"][..], "the hard bound would hide the soft one"),
        (&["--set", "limits.message_bytes=10000000"], "the longest message could never be delivered"),
        (&["--set", "dialect.mesh.pong_timeout_ms=100"], "every client would be closed"),
        (&["--set", "dialect.mesh.path=/healthz"], "is served by the server itself"),
        (&["--set", "dialect.mesh.path=/sid"], "is also dialect.mesh.path"),
        (&["--addr", ":1", "--addr", ":1"], ":1 is listed already (http.addr)"),
        (&["--addr", ":1", "--set", "dialect.sid.listen=:1"], "dialect.sid.listen: :1 is listed already (http.addr)"),
        (&["--set", "https.key=k.pem"], "https.key is set, but https.cert is not; set https.cert to the path"),
        (&["--set", "https.addr=:2", "--set", "https.cert=c.pem"], "https.addr is set, but https.key is not"),
        (&["--addr", ""], "there is nothing to listen on"),
        (&["--set", "dialect.sid.tenants=a/b"], "\"a/b\" cannot stand in a path"),
        (&["--set", "dialect.antmedia.apps=Live App"], "\"Live App\" cannot stand in a path"),
        (&["--set", "dialect.antmedia.apps=a,b,a"], "\"a\" is listed twice"),
        (&["--set", "dialect.antmedia.apps="], "dialect.antmedia.apps is empty"),
        (&["--set", "dialect.antmedia.video_codecs=VP8,H266"], "\"H266\" is no codec that is known here; use VP8, VP9"),
        (&["--set", "dialect.antmedia.audio_codecs=VP8"], "dialect.antmedia.audio_codecs: \"VP8\" is no codec"),
        (&["--set", "sip.listen=5060"], "sip.listen: \"5060\" is no SIP listener; write udp:ADDRESS:PORT"),
        (&["--set", "sip.outbound_proxy=a b"], "sip.outbound_proxy: \"a b\" is no SIP proxy; write HOST"),
        (&["--set", "dialect.antmedia.idle_timeout_ms=100"], "every client would be given up"),
        (&["--addr", ":1", "--set", "dialect.antmedia.listen=:1"], "dialect.antmedia.listen: :1 is listed already"),
        (&["--set", "patch=[{room=\"a\",mesh=\" a\",whip=true}]"], "patch 1: mesh is no room of that dialect"),
        (&["--set", "patch=[{room=\"a\",sylk=\"nobody\"}]"], "patch 1: sylk = \"nobody\" is no room"),
        (&["--set", "patch=[{room=\"a\",sylk=\"r@x\"},{room=\"b\",sylk=\"r@x\"}]"], "patch 2: the video room is in another"),
        (
            &["--set", "patch=[{room=\"a\",sylk=\"a@x\",antmedia=\"live\"},{room=\"b\",sylk=\"b@x\",antmedia=\"LiveApp\"}]"],
            "patch 2: video rooms of sylk meet one application, and that is \"live\" already",
        ),
        (&["--set", "patch=[{room=\"a\",mesh=\"a\",antmedia=\"No\"}]"], "patch 1: antmedia = \"No\" is no application"),
        (
            &["--set", "patch=[{room=\"a\",mesh=\"a\",whip=true},{room=\"b\",mesh=\"a\",whip=true}]"],
            "patch 2: the mesh room is in another patch already",
        ),
    ];
    for (flags, part) in rows {
        let found = errors(None, &[], flags);
        assert!(found.len() == 1 && found[0].contains(part), "{part}: {found:?}");
    }
    loaded(None, &[], &["--addr", ":0", "--addr", ":0"]);
    loaded(None, &[], &["--set", "https.addr=:2", "--set", "https.cert=c.pem", "--set", "https.key=k.pem"]);
    // Both are missing: an error for each.
    assert_eq!(errors(None, &[], &["--set", "https.addr=:2"]).len(), 2);
}

#[test]
fn origins_of_the_seeds_variable_are_trimmed() {
    let env = [("WS_ALLOWED_ORIGINS", " localhost , example.com,")];
    let found = loaded(None, &env, &[]);
    assert_eq!(found.config.allowed_origins, ["localhost", "example.com"]);
    let policy = found.config.mesh_origins();
    assert!(policy.admits(Some("https://example.com:8443"), None));
    assert!(!policy.admits(Some("https://other.example"), None));
    assert_eq!(found.warnings(), [""; 0]);
}

/// A foreign file: its names count above defaults and below our own layers.
#[test]
fn a_red5_properties_is_taken_as_it_is() {
    let dir = folder(Some("[dialect.antmedia]\nred5_properties = \"red5.properties\"\n[limits]\nmin_available_mb = 7"));
    let load = |text: &str, env: &[(&str, &str)]| {
        fs::write(dir.join("red5.properties"), text).expect("file");
        let environment: Environment = env.iter().copied().collect();
        cli::load(&serve(&[]), &environment, &dir).map_err(|errors| errors.to_string())
    };
    let text = "# theirs\nhttp.port=5080\nserver.cpu_limit=60\nserver.cpu_limit = 75\nserver.min_free_ram=99\n\
        settings.webrtc.client.start.timeoutMs: 9000\nrtmp.port=1935\n";
    let found = load(text, &[]).expect("it is read");
    let limits = &found.config.limits;
    assert_eq!((limits.cpu_percent, limits.min_available_mb), (75, 7), "our own file wins");
    assert_eq!(found.config.dialect.antmedia.publish_timeout_ms, 9_000);
    assert_eq!(found.source("limits.cpu_percent").map(ToString::to_string).as_deref(), Some("red5.properties:4"));
    let told: Vec<_> = found.warnings().into_iter().filter(|warning| warning.contains("red5")).collect();
    assert_eq!(told, ["\"red5.properties\" sets what has no effect here: http.port, rtmp.port"]);
    let found = load(text, &[("PATCHBAY_LIMITS__CPU_PERCENT", "50")]).expect("it is read");
    assert_eq!(found.config.limits.cpu_percent, 50, "and so does the environment");
    let error = load("server.cpu_limit=many\n", &[]).err().expect("no number");
    assert!(error.starts_with("red5.properties:1: server.cpu_limit: "), "{error}");
    fs::remove_file(dir.join("red5.properties")).expect("it was there");
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let error = cli::load(&serve(&[]), &environment, &dir).err().expect("no file").to_string();
    assert!(error.starts_with("red5.properties: "), "{error}");
}

#[test]
fn warnings_name_what_an_operator_should_know() {
    let warned = |file: &str, env: &[(&str, &str)], part: &str| {
        let warnings = loaded(Some(file), env, &[]).warnings();
        let some = warnings.iter().any(|warning| warning.contains(part));
        assert!(some, "{part}: {warnings:?}");
    };
    let tcp = "[media] tcp_port is set (patchbay.toml:2), but this version does not serve ICE over TCP yet";
    let not_an_object = "rtc.config_json (RTC_CONFIG_JSON) is JSON, but no object";
    warned("", &[], "allowed_origins is \"*\"");
    warned("", &[("WS_ALLOWED_ORIGINS", "*.a.example")], "\"*.a.example\" admits nobody");
    warned("allowed_origins = []", &[], "no browser can connect");
    warned("[media]\ntcp_port = 9", &[], tcp);
    warned("[[patch]]\nroom = \"demo\"", &[], "patch 1 has no members: set mesh to a room");
    warned("[[patch]]\nroom = \"demo\"\nmesh = \"demo\"", &[], "patch 1 joins its members with nothing");
    warned("", &[("RTC_CONFIG_JSON", "5")], not_an_object);
    // A default that somebody wrote down is no news.
    let spelled_out = "allowed_origins = [\"a\"]\n[https]\naddr = []\n[media]\nudp_port = 10000";
    assert_eq!(loaded(Some(spelled_out), &[], &[]).warnings(), [""; 0]);
}

#[test]
fn the_rtc_object_is_kept_and_never_shown_unasked() {
    const JSON: &str = "{ \"iceServers\": [ {\"urls\":\"turn:t\",\"credential\":\"hunter2 <x>\"} ] }";
    let env = [("RTC_CONFIG_JSON", JSON)];
    let rtc = loaded(None, &env, &[]).config.rtc.config_json;
    assert!(matches!(rtc, RtcConfig::Given(_)));
    let json = r#"{"iceServers":[{"urls":"turn:t","credential":"hunter2 \u003cx\u003e"}]}"#;
    assert_eq!(rtc.json(), json);

    let dir = folder(None);
    let hidden = run(&dir, &env, &["print"]);
    assert!(!(hidden.out + &hidden.err).contains("hunter2"));
    let shown = run(&dir, &env, &["print", "--show-secrets"]);
    assert!(shown.out.contains("hunter2"));
}

/// No error or warning may quote a broken value of a secret key, wherever it is broken.
#[test]
fn a_broken_rtc_object_is_not_quoted() {
    for (file, env) in [
        ("", &[("RTC_CONFIG_JSON", "{\"credential\":hunter2}")][..]),
        ("[rtc]\nconfig_json = {\"credential\": \"hunter2\"}", &[]),
        ("[rtc]\nconfig_json = {credential = \"hunter2\"}", &[]),
        ("[rtc]\nconfig_json = \"hunter2", &[]),
        ("[rtc]\nconfig_json = hunter2", &[]),
        ("[rtc]\nconfig_json = [\"hunter2\"]", &[]),
    ] {
        let ran = run(&folder(Some(file)), env, &["check"]);
        assert!(!ran.err.is_empty(), "{file}");
        assert!(!(ran.out + &ran.err).contains("hunter2"), "{}", ran.err);
    }
}

#[test]
fn check_answers_with_one_line_or_with_every_error() {
    let env = [("WS_ALLOWED_ORIGINS", "a")];
    let good = run(&folder(Some("threads = 2\n")), &env, &["check"]);
    assert_eq!((good.status, good.err.as_str()), (0, ""));
    assert_eq!(good.out, "ok: 2 keys set, \"patchbay.toml\" read\n");
    let bare = run(&folder(None), &[], &["check"]);
    assert_eq!(bare.status, 0);
    assert_eq!(bare.out, "ok: 0 keys set, no file, ./patchbay.toml does not exist\n");
    assert!(bare.err.starts_with("warning: any web page may connect"), "{}", bare.err);
    let bad = run(&folder(Some("a = 1\nb = 2\n")), &[], &["check", "--addr", "80"]);
    assert_eq!((bad.status, bad.out.as_str()), (1, ""));
    assert_eq!(bad.err.lines().count(), 3, "{}", bad.err);
    assert!(bad.err.lines().all(|line| line.starts_with("error: ")), "{}", bad.err);
}

#[test]
fn what_print_prints_is_accepted_and_means_the_same() {
    let env = [
        ("PATCHBAY_HTTP__ADDR", ":0,unix:/tmp/a b.sock"),
        ("RTC_CONFIG_JSON", "{\"iceServers\":[]}"),
        ("PATCHBAY_SIP__DOMAINS", "x.example"),
        ("PATCHBAY_DATA_DIR", "a\nb\"\\\u{1b}"),
        ("PATCHBAY_PATCH", "[{room = \"demo\", streams = [\"a\"]}, {room = \"b\", whip = true}]"),
    ];
    let file = Some("threads = 2");
    let flags = ["--set", "drain.deadline_ms=7"];
    let args = [&["print", "--show-secrets"][..], &flags].concat();
    let printed = run(&folder(file), &env, &args);
    assert_eq!(printed.status, 0);
    for line in [
        "threads = 2  # from patchbay.toml:1",
        "deadline_ms = 7  # from flag --set",
        "addr = [\":0\", \"unix:/tmp/a b.sock\"]  # from environment variable PATCHBAY_HTTP__ADDR",
        "[[patch]]  # from environment variable PATCHBAY_PATCH",
        "connections = 100000",
    ] {
        assert!(printed.out.lines().any(|l| l == line), "{line}\n{}", printed.out);
    }
    let again = loaded(Some(&printed.out), &[], &[]);
    assert!(again.config == loaded(file, &env, &flags).config, "{}", printed.out);

    // With its secrets hidden it is still a valid file.
    let hidden = run(&folder(None), &env, &["print"]).out;
    assert!(hidden.contains("config_json = \"<hidden>\""), "{hidden}");
    let warnings = loaded(Some(&hidden), &[], &[]).warnings();
    assert!(warnings.iter().any(|w| w.contains("--show-secrets")), "{warnings:?}");
}

#[test]
fn the_sample_is_accepted_and_has_every_key_with_its_default() {
    let sample = repository("patchbay.sample.toml");
    let found = loaded(Some(&sample), &[], &[]);
    for key in config::keys() {
        assert!(found.is_set(key.path), "{} is missing in patchbay.sample.toml", key.path);
    }
    let mut typed = found.config.clone();
    assert_eq!(typed.patch.len(), 1, "the sample shows one patch");
    typed.patch.clear();
    assert_eq!(typed.dialect.antmedia.app.len(), 1, "and one application");
    typed.dialect.antmedia.app.clear();
    assert!(typed == config::Config::default(), "the sample shows the defaults");
    assert_eq!(run(&folder(Some(&sample)), &[], &["check"]).status, 0);
}

/// The tables are generated: `patchbay config keys` prints what belongs there.
#[test]
fn the_documentation_ends_with_the_reference() {
    let page = repository("docs/configuration.md");
    let keys = run(&folder(None), &[], &["keys"]);
    let (_, section) = page.split_once("## Keys\n").expect("a section for the keys");
    let (_, tables) = section.split_once("-->\n").expect("a comment above the tables");
    assert!(
        tables.trim() == keys.out.trim(),
        "docs/configuration.md is out of date: put the output of `patchbay config keys` behind \
         the comment below \"## Keys\""
    );
    for key in config::keys() {
        if let Some(name) = key.seed_variable() {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}

#[test]
fn the_doctor_tells_by_its_exit_status_whether_the_server_can_serve() {
    let doctor = |flags: &[&str]| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let code = cli::run_doctor(&serve(flags), &environment, &folder(None), &mut out, &mut err).expect("it writes");
        (code, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
    };
    let here = ["--addr", "127.0.0.1:0", "--allowed-origins", "same-host", "--set", "media.bind=127.0.0.1"];
    let (code, out, _) = doctor(&[&here[..], &["--set", "media.udp_port=0"]].concat());
    assert!(code == 0 && out.contains("media gets other ports at each start") && out.contains("0 errors"), "{out}");
    let (code, out, _) = doctor(&[&here[..], &["--set", "limits.min_available_mb=999999999"]].concat());
    assert!(code == 1 && out.contains("error: limits.min_available_mb"), "{out}");
    let (code, _, err) = doctor(&["--set", "media.udp_prt=1"]);
    assert!(code == 1 && err.contains("media.udp_port"), "{err}");
}
