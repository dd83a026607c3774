//! Programs that people use: Kamailio as registrar and proxy, baresip and linphone as telephones, each with a tone of its own.
//! Without them these tests say so and pass; `cargo xtask test` installs them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::common::process::{Folder, Server};
use super::super::tone;
use super::client::{HA1, Sylk, behind};

/// What may take long on a machine that does much besides.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of what is heard has to be the other's tone. Both codings and the first moments leave more than nine tenths.
const ENOUGH: f32 = 0.6;

fn is_installed(program: &str) -> bool {
    let found =
        std::env::var("PATH").unwrap_or_default().split(':').any(|folder| Path::new(folder).join(program).exists());
    if !found {
        // Past the harness, which keeps what passing tests print to itself; `cargo xtask` looks for it.
        _ = writeln!(std::io::stderr(), "{} NOT TESTED", program.to_uppercase());
    }
    found
}

/// A port of both kinds that was free a moment ago.
fn free() -> u16 {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound").port();
        if TcpListener::bind(("127.0.0.1", udp)).is_ok() {
            return udp;
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A program that ends with the test.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = fs::File::create(&log).expect("a file");
        let errors = file.try_clone().expect("a file");
        command.stdin(Stdio::piped()).stdout(file).stderr(errors);
        Self { child: command.spawn().expect("the program starts"), log }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("a pipe")
    }
}

/// Its children end when their parent asks them to; a parent that is killed asks nobody.
impl Drop for Program {
    fn drop(&mut self) {
        _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The registrar and proxy of example.com, where each user's password is `secret-` and the name.
struct Kamailio {
    program: Program,
    folder: Folder,
    port: u16,
}

impl Kamailio {
    fn start() -> Self {
        let (folder, port, tls_port) = (Folder::new(), free(), free());
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("a file");
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sip-io/tests/kamailio/kamailio.cfg");
        let config = fs::read_to_string(template).expect("the configuration");
        let own = format!("{}/", folder.path().display());
        let config = config.replace("TLSPORT", &tls_port.to_string()).replace(":PORT", &format!(":{port}"));
        let file = folder.path().join("kamailio.cfg");
        fs::write(&file, config.replace("DIR/", &own)).expect("a file");
        let mut command = Command::new("kamailio");
        command.arg("-f").arg(&file).args(["-m", "64", "-M", "8", "-DD", "-E", "-Y"]).arg(folder.path());
        command.arg("-P").arg(folder.path().join("pid"));
        let program = Program::start(&mut command, folder.path().join("log"));
        let kamailio = Self { program, folder, port };
        until("kamailio is ready", || TcpStream::connect(("127.0.0.1", tls_port)).is_ok());
        kamailio
    }

    fn server(&self, settings: &[(&str, &str)]) -> Server {
        behind(&format!("127.0.0.1:{}", self.port), settings)
    }

    /// A client that is registered there.
    fn registered(&self, server: &Server) -> Sylk {
        let mut client = Sylk::new(server);
        client.add(HA1);
        client.register();
        client.registration(&json!({"state": "registered"}));
        client
    }
}

/// bob, with 440 Hz. It writes what it hears into files.
struct Baresip {
    program: Program,
    folder: PathBuf,
    control: u16,
}

impl Baresip {
    /// `account`: parameters of its account, `mode=…` say.
    fn start(kamailio: &Kamailio, account: &str) -> Self {
        let (sip, control, rtp) = (free(), free(), free());
        let folder = kamailio.folder.path().join("baresip");
        fs::create_dir_all(folder.join("heard")).expect("a folder");
        let last = rtp.saturating_add(20);
        let heard = folder.join("heard");
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{sip}\nnet_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\n\
             audio_source ausine,440\naudio_player aubridge,sink\naudio_alert aubridge,alert\n\
             ausrc_srate 48000\nauplay_srate 48000\nausrc_channels 2\nauplay_channels 2\nrtp_ports {rtp}-{last}\n\
             module opus.so\nmodule g711.so\nmodule ausine.so\nmodule aubridge.so\nmodule sndfile.so\nmodule srtp.so\n\
             module stdio.so\nsnd_path {}\nmodule_tmp account.so\nmodule_tmp uuid.so\nmodule_app menu.so\n\
             module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control}\n",
            heard.display()
        );
        fs::write(folder.join("config"), config).expect("a file");
        let port = kamailio.port;
        let accounts = format!(
            "<sip:bob@example.com;transport=udp>;auth_user=bob;auth_pass=secret-bob;regint=120;{account};\
             outbound=\"sip:127.0.0.1:{port};transport=udp\"\n"
        );
        fs::write(folder.join("accounts"), accounts).expect("a file");
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&folder);
        let program = Program::start(&mut command, folder.join("log"));
        let baresip = Self { program, folder, control };
        until("baresip is registered", || baresip.program.log().contains("200 OK"));
        baresip
    }

    /// A command, as its control port takes it: a netstring of JSON.
    fn says(&self, command: &str, parameters: &str) {
        let request = json!({"command": command, "params": parameters}).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.control)).expect("its control port");
        write!(stream, "{}:{request},", request.len()).expect("it reads");
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout that is not zero");
        let mut answer = [0; 512];
        _ = stream.read(&mut answer);
    }

    /// The longest of what it has heard.
    fn heard(&self) -> Option<(Vec<i16>, u32)> {
        let files = fs::read_dir(self.folder.join("heard")).ok()?.flatten();
        let of = files.filter(|file| file.file_name().to_string_lossy().contains("-dec"));
        of.filter_map(|file| tone::wav(&fs::read(file.path()).ok()?)).max_by_key(|(samples, _)| samples.len())
    }
}

/// carol, with 523 Hz from a file, and a file of what she hears.
struct Linphone {
    program: Program,
    folder: PathBuf,
}

impl Linphone {
    fn start(kamailio: &Kamailio) -> Self {
        let folder = kamailio.folder.path().join("linphone");
        fs::create_dir_all(folder.join(".local/share/linphone")).expect("a folder");
        let (sip, rtp, port) = (free(), free(), kamailio.port);
        let config = format!(
            "[sip]\nsip_port={sip}\nsip_tcp_port=-1\nsip_tls_port=-1\nguess_hostname=0\nauto_net_state_mon=0\n\
             contact=\"carol\" <sip:carol@127.0.0.1>\nregister_only_when_network_is_up=0\ndefault_proxy=0\n\
             [proxy_0]\nreg_proxy=<sip:127.0.0.1:{port}>\nreg_route=<sip:127.0.0.1:{port};lr>\n\
             reg_identity=sip:carol@example.com\nreg_expires=600\nreg_sendregister=1\npublish=0\n\
             [auth_info_0]\nusername=carol\npasswd=secret-carol\nrealm=example.com\n\
             [audio_codec_0]\nmime=PCMU\nrate=8000\nchannels=1\nenabled=1\n\
             [audio_codec_1]\nmime=opus\nrate=48000\nchannels=2\nenabled=0\n\
             [rtp]\naudio_rtp_port={rtp}\n[net]\nforce_ice_disable=1\n[sound]\nechocancellation=0\n"
        );
        fs::write(folder.join("rc"), config).expect("a file");
        fs::write(folder.join("tone.wav"), tone_file(523)).expect("a file");
        let mut command = Command::new("linphonec");
        command.env("HOME", &folder).arg("-c").arg(folder.join("rc")).args(["-d", "0", "-a"]);
        let mut program = Program::start(&mut command, folder.join("log"));
        let lines = [
            "soundcard use files".to_owned(),
            format!("play {}", folder.join("tone.wav").display()),
            format!("record {}", folder.join("heard.wav").display()),
        ];
        for line in lines {
            writeln!(program.stdin(), "{line}").expect("it reads");
        }
        let mut linphone = Self { program, folder };
        until("linphone is registered", || {
            // It takes one line at a time, and not many in a second.
            std::thread::sleep(Duration::from_millis(500));
            linphone.says("status register");
            linphone.program.log().contains("registered, identity")
        });
        linphone
    }

    fn says(&mut self, line: &str) {
        writeln!(self.program.stdin(), "{line}").expect("it reads");
    }

    fn heard(&self) -> Option<(Vec<i16>, u32)> {
        tone::wav(&fs::read(self.folder.join("heard.wav")).ok()?)
    }
}

/// Half a minute of a tone.
fn tone_file(hertz: u32) -> Vec<u8> {
    let samples: Vec<u8> = (0..1_500)
        .flat_map(|number| tone::decoded(&tone::packet(hertz, number)).flat_map(i16::to_le_bytes).collect::<Vec<_>>())
        .collect();
    let length = |bytes: usize| u32::try_from(bytes).expect("a short file").to_le_bytes();
    let mut file = b"RIFF".to_vec();
    file.extend(length(36 + samples.len()));
    file.extend(b"WAVEfmt ");
    file.extend(length(16));
    file.extend([1, 0, 1, 0]);
    file.extend(tone::RATE.to_le_bytes());
    file.extend((2 * tone::RATE).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(length(samples.len()));
    file.extend(samples);
    file
}

/// The client's peer hears that tone.
fn hears(client: &Sylk, hertz: u32) {
    client.peer.seen().sound.clear();
    let share = || {
        let sound: Vec<i16> = client.peer.seen().sound.iter().copied().collect();
        if sound.len() < tone::RATE as usize { 0.0 } else { tone::share(&sound, tone::RATE, hertz) }
    };
    until(&format!("{hertz} Hz are heard"), || share() > ENOUGH);
}

/// The last second of what a telephone has written hears our tone.
fn is_heard(heard: impl Fn() -> Option<(Vec<i16>, u32)>) {
    until("the telephone hears our tone", || {
        let Some((samples, rate)) = heard() else { return false };
        let last = samples.len().saturating_sub(rate as usize);
        samples.len() > rate as usize && tone::share(&samples[last..], rate, tone::OURS) > ENOUGH
    });
}

/// Reads the states of a call until it is established; its description goes to the peer.
fn established(client: &mut Sylk, session: &str) {
    let mut accepted = false;
    loop {
        let told = client.patiently(PATIENCE);
        assert_eq!(told["session"], json!(session), "{told}");
        match told["state"].as_str() {
            Some("ringing" | "proceeding") => {}
            Some("accepted") => {
                client.peer.accept(told["sdp"].as_str().expect("a description"));
                accepted = true;
            }
            Some("established") if accepted => return,
            _ => panic!("{told}"),
        }
    }
}

fn incoming(client: &mut Sylk) -> (String, Value) {
    let told = client.patiently(PATIENCE);
    assert_eq!(told["event"], json!("incoming-session"), "{told}");
    (told["session"].as_str().expect("a text").to_owned(), told)
}

#[test]
fn baresip_is_called_holds_and_hears_keys() {
    if !is_installed("kamailio") || !is_installed("baresip") {
        return;
    }
    let kamailio = Kamailio::start();
    let bob = Baresip::start(&kamailio, "answermode=auto;audio_codecs=PCMU/8000/1");
    let server = kamailio.server(&[]);
    let mut client = kamailio.registered(&server);
    client.calls("s1", "bob@example.com", true);
    established(&mut client, "s1");
    hears(&client, 440);
    is_heard(|| bob.heard());
    // Held, nothing comes; then it goes on, and nobody has told the client.
    bob.says("hold", "");
    until("the telephone is silent", || {
        client.peer.seen().sound.clear();
        std::thread::sleep(Duration::from_millis(300));
        client.peer.seen().sound.is_empty()
    });
    bob.says("resume", "");
    hears(&client, 440);
    client.hears_nothing(Duration::from_millis(100));
    client.ask(json!({"sylkrtc": "session-dtmf-info", "session": "s1", "digit": "7"}));
    until("a key is told of", || bob.program.log().contains("received DTMF: '7'"));
    client.peer.press(9);
    until("a key is heard", || bob.program.log().contains("received event: '9'") || bob.program.log().contains("'9'"));
    bob.says("hangup", "");
    client.terminated("s1", "200 OK");
    assert!(!kamailio.program.log().contains("CRITICAL"), "{}", kamailio.program.log());
}

#[test]
fn baresip_under_keys_only() {
    if !is_installed("kamailio") || !is_installed("baresip") {
        return;
    }
    let kamailio = Kamailio::start();
    let bob = Baresip::start(&kamailio, "answermode=auto;audio_codecs=PCMU/8000/1;mediaenc=srtp-mand");
    let server = kamailio.server(&[]);
    let mut client = kamailio.registered(&server);
    client.calls("s1", "bob@example.com", false);
    established(&mut client, "s1");
    hears(&client, 440);
    is_heard(|| bob.heard());
    client.ends("s1");
    client.terminated("s1", "200 OK");
}

#[test]
fn baresip_calls() {
    if !is_installed("kamailio") || !is_installed("baresip") {
        return;
    }
    let kamailio = Kamailio::start();
    let bob = Baresip::start(&kamailio, "audio_codecs=PCMU/8000/1");
    let server = kamailio.server(&[]);
    let mut client = kamailio.registered(&server);
    bob.says("dial", "sip:alice@example.com");
    let (session, told) = incoming(&mut client);
    assert_eq!(told["originator"]["uri"], json!("bob@example.com"), "{told}");
    let answer = client.peer.give(told["sdp"].as_str().expect("a description"));
    client.ask(json!({"sylkrtc": "session-answer", "session": session, "sdp": answer}));
    client.state(&session, "accepted", &json!({}));
    client.established(&session);
    hears(&client, 440);
    is_heard(|| bob.heard());
    client.ends(&session);
    client.terminated(&session, "200 OK");
    until("the telephone knows", || bob.program.log().contains("session closed"));
}

#[test]
fn linphone_is_called_and_calls() {
    if !is_installed("kamailio") || !is_installed("linphonec") {
        return;
    }
    let kamailio = Kamailio::start();
    let mut carol = Linphone::start(&kamailio);
    let server = kamailio.server(&[]);
    let mut client = kamailio.registered(&server);
    client.calls("s1", "carol@example.com", false);
    established(&mut client, "s1");
    hears(&client, 523);
    // So that a second of ours is there as well.
    client.hears(client.heard() + 75);
    carol.says("terminate");
    let told = client.patiently(PATIENCE);
    assert_eq!((&told["state"], &told["reason"]), (&json!("terminated"), &json!("200 OK")), "{told}");
    // Its file is whole when the call is over.
    is_heard(|| carol.heard());
    client.peer = super::super::peer::Peer::telephonist();
    carol.says("call sip:alice@example.com");
    let (session, told) = incoming(&mut client);
    let answer = client.peer.give(told["sdp"].as_str().expect("a description"));
    client.ask(json!({"sylkrtc": "session-answer", "session": session, "sdp": answer}));
    client.state(&session, "accepted", &json!({}));
    client.established(&session);
    hears(&client, 523);
    client.ends(&session);
    client.terminated(&session, "200 OK");
}
