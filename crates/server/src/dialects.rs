//! The list of dialects: the one file of the server that names them.

pub(crate) mod apps;
mod ems;
mod ers;
mod pull;

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Codec, Lang, Limits, MemberSpace, Name, Patch, Profile, Realm, RealmLimits, Speaks, StreamSpace};
use patchbay_dialect_antmedia::{self as antmedia, AntMedia};
use patchbay_dialect_ers::{admin, ems as ers_ems, rendezvous};
use patchbay_dialect_kit::job::Table;
use patchbay_dialect_kit::{Dialect, IceServer, Rate, Spec};
use patchbay_dialect_mesh::{self as mesh, Mesh};
use patchbay_dialect_sid::{self as sid, Sid};
use patchbay_dialect_sylk::{self as sylk, Sylk};
use patchbay_dialect_whip::{self as whip, Whip};

use crate::config::{self, Config, ListenAddr};
use crate::door::{self, Door, Place, Setting, Tokens};
use crate::folder::Folder;
use crate::lines::LinesPort;

/// A dialect with its doors.
pub struct Served {
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// Where its clients connect.
    pub doors: Vec<Door>,
    /// Listeners of its own for its paths.
    pub ports: Vec<ListenAddr>,
    /// Pages of its own.
    pub pages: Option<Folder>,
    /// Listeners of its own for commands.
    pub lines: Vec<LinesPort>,
}

impl Served {
    /// A dialect with doors and nothing else.
    #[must_use]
    pub fn new(dialect: Arc<dyn Dialect>, doors: Vec<Door>) -> Self {
        Self { dialect, doors, ports: Vec::new(), pages: None, lines: Vec::new() }
    }
}

/// The specifications of all dialects, for documents.
pub static SPECS: [&Spec; 8] = [
    &mesh::SPEC,
    &sid::SPEC,
    &antmedia::SPEC,
    &whip::SPEC,
    &sylk::SPEC,
    &rendezvous::SPEC,
    &admin::SPEC,
    &ers_ems::SPEC,
];

const MESH: (Lang, Realm) = (Lang(0), Realm(0));
/// The first of sid's realms; those of its tenants follow.
const SID: (Lang, Realm) = (Lang(1), Realm(1));
const ANTMEDIA: Lang = Lang(2);
const WHIP: Lang = Lang(3);
const SYLK: Lang = Lang(4);
const ERS: Lang = Lang(5);
const ERS_ADMIN: Lang = Lang(6);
const EMS: Lang = Lang(7);
const PULL: Lang = Lang(8);

/// The first of antmedia's realms, one for each application: those of sid stand before them.
fn first_app(config: &Config) -> usize {
    usize::from(SID.1.0) + 1 + config.dialect.sid.tenants.len()
}

/// The rooms that are one across dialects, as configured. What the configuration's rules did not let through is left out.
pub(crate) fn patches(config: &Config) -> Vec<Patch> {
    let patch = |patch: &config::Patch| {
        let name = |text: &str| Name::parse(text).ok();
        let apps = &config.dialect.antmedia.apps;
        // WHIP has no applications of its own: without one, it is the first, or that of the video rooms.
        let without = if patch.sylk.is_empty() { 0 } else { sylk_app(config) };
        let app =
            if patch.antmedia.is_empty() { without } else { apps.iter().position(|app| *app == patch.antmedia)? };
        let whip = patch.whip.then_some(WHIP);
        let antmedia = (!patch.antmedia.is_empty()).then_some(ANTMEDIA);
        let sylk = (!patch.sylk.is_empty()).then_some(SYLK);
        Some(Patch {
            room: name(&patch.room)?,
            members: MemberSpace {
                realm: MESH.1,
                room: name(&patch.mesh)?,
                stand_in: mesh::stand_in,
                is_reserved: mesh::is_reserved,
            },
            streams: StreamSpace {
                realm: Realm(u16::try_from(first_app(config) + app).ok()?),
                named: patch.streams.iter().filter_map(|stream| name(stream)).collect(),
                of: whip.into_iter().collect(),
                seen_by: antmedia.into_iter().chain(whip).chain(sylk).collect(),
                stream_of: antmedia::stream_of,
            },
            pull: patch.pull,
        })
    };
    config.patch.iter().filter_map(patch).collect()
}

/// Every dialect, as configured.
///
/// # Errors
/// With cause and next action, if a file that the configuration names is of no use.
pub fn served(config: &Config) -> Result<Vec<Served>, String> {
    let mut served = vec![served_mesh(config)];
    served.extend(served_sid(config)?);
    served.extend(served_antmedia(config)?);
    served.extend(served_whip(config)?);
    served.push(served_sylk(config)?);
    served.extend(ers::served(config, ERS, ERS_ADMIN, ers_realm(config)?)?);
    served.extend(ems::served(config, EMS, ems_realm(config)?));
    served.extend(pull::served(config, PULL, first_realm(config)?)?);
    Ok(served)
}

fn served_mesh(config: &Config) -> Served {
    let keys = &config.dialect.mesh;
    let settings = mesh::Settings {
        ping_interval: Duration::from_millis(keys.ping_interval_ms),
        pong_timeout: Duration::from_millis(keys.pong_timeout_ms),
        rate: rate(config),
    };
    let doors = Setting {
        path: &keys.path,
        listen: None,
        native_ports: config.native_ports,
        origins: config.mesh_origins(),
        tokens: None,
    };
    Served::new(Arc::new(Mesh::new(MESH.0, MESH.1, settings)), Door::all(&mesh::SPEC, &doors))
}

/// The world of everybody, then one for each tenant: the same dialect in a realm of its own, at a path of its own.
fn served_sid(config: &Config) -> Result<Vec<Served>, String> {
    let keys = &config.dialect.sid;
    let settings = sid::Settings {
        ping_interval: Duration::from_millis(keys.ping_interval_ms),
        register_timeout: Duration::from_millis(keys.register_timeout_ms),
        every_list_up_to: keys.every_list_up_to,
        rate: rate(config),
    };
    let token_file = keys.token_file.as_deref();
    let tokens = token_file.map(|path| Tokens::read("dialect.sid.token_file", path)).transpose()?;
    let doors = |path: &str| {
        let doors = Setting {
            path,
            listen: keys.listen.as_ref(),
            native_ports: config.native_ports,
            origins: config.sid_origins(),
            tokens: tokens.clone(),
        };
        Door::all(&sid::SPEC, &doors)
    };
    let in_realm = |realm: Realm, doors| Served::new(Arc::new(Sid::new(SID.0, realm, settings)), doors);
    let tenants = keys.tenants.iter().zip(SID.1.0 + 1..).map(|(tenant, realm)| {
        let doors = doors(&format!("{}/{tenant}", keys.path.trim_end_matches('/')));
        let at_path = |door: &Door| matches!(door.at, Place::Path(_));
        in_realm(Realm(realm), doors.into_iter().filter(at_path).collect())
    });
    Ok(std::iter::once(in_realm(SID.1, doors(&keys.path))).chain(tenants).collect())
}

/// One for each application. The first is also found under no name at all: a page at the root of a host asks there
/// (DECISIONS 19).
fn served_antmedia(config: &Config) -> Result<Vec<Served>, String> {
    let keys = &config.dialect.antmedia;
    let settings = antmedia::Settings {
        publish_timeout: Duration::from_millis(keys.publish_timeout_ms),
        speaks: match keys.data_channel.as_str() {
            "none" => Speaks::No,
            "publisher" => Speaks::ToPublisher,
            _ => Speaks::ToAll,
        },
        ice_server: ice_server(config),
        ping_interval: Duration::from_millis(keys.ping_interval_ms),
        idle_timeout: Duration::from_millis(keys.idle_timeout_ms),
        rate: rate(config),
        app: Arc::default(),
        security: antmedia::security::Security::default(),
    };
    let certificate = config.https.cert.is_some();
    let mut ports = door::ports(&antmedia::SPEC, &keys.listen, config.native_ports, certificate);
    let mut served = Vec::new();
    for (number, app) in keys.apps.iter().enumerate() {
        let realm = u16::try_from(first_app(config) + number).map_err(|_| "dialect.antmedia.apps are too many")?;
        let below = format!("/{app}");
        let paths = std::iter::once(below.as_str()).chain((number == 0).then_some("/"));
        let doors = paths.flat_map(|path| {
            let origins = config.antmedia_origins();
            Door::all(&antmedia::SPEC, &Setting { path, listen: None, native_ports: false, origins, tokens: None })
        });
        let doors = doors.map(|door| match door.once {
            true => Door { callers: Some(keys.rest_allowed.clone()), ..door },
            false => door,
        });
        let pages = keys.pages_dir.as_ref().map(|root| Folder::of_application(app, root));
        let security = apps::security(config, app)?;
        let settings = antmedia::Settings { app: Arc::from(app.as_str()), security, ..settings.clone() };
        let dialect = Arc::new(AntMedia::new(ANTMEDIA, Realm(realm), settings));
        served.push(Served { ports: std::mem::take(&mut ports), pages, ..Served::new(dialect, doors.collect()) });
    }
    Ok(served)
}

/// One for each application, whose streams it publishes and plays: `/NAME/whip/…`, and for the first `/whip/…` as well.
fn served_whip(config: &Config) -> Result<Vec<Served>, String> {
    let keys = &config.dialect.whip;
    let ice_servers = config.rtc.config_json.ice_servers().into_iter().flat_map(|server| {
        let one =
            move |uri| IceServer { uri, username: server.username.clone(), credential: server.credential.clone() };
        server.urls.into_iter().map(one).collect::<Vec<_>>()
    });
    let settings = whip::Settings {
        start_timeout: Duration::from_millis(keys.start_timeout_ms),
        ice_servers: ice_servers.collect(),
        rate: rate(config),
    };
    let token_file = keys.token_file.as_deref();
    let tokens = token_file.map(|path| Tokens::read("dialect.whip.token_file", path)).transpose()?;
    let in_app = |(number, app): (usize, &String)| {
        let below = format!("/{app}");
        let doors = std::iter::once(below.as_str()).chain((number == 0).then_some("")).flat_map(|path| {
            let (origins, tokens) = (config.whip_origins(), tokens.clone());
            Door::all(&whip::SPEC, &Setting { path, listen: None, native_ports: false, origins, tokens })
        });
        let realm = u16::try_from(first_app(config) + number).map_err(|_| "dialect.antmedia.apps are too many")?;
        Ok(Served::new(Arc::new(Whip::new(WHIP, Realm(realm), settings.clone())), doors.collect()))
    };
    config.dialect.antmedia.apps.iter().enumerate().map(in_app).collect()
}

/// Telephones live in it as well. It is an application's, the first or the one that a patch names beside a video room: streams
/// of video rooms are streams like others, so that all meet.
fn sylk_realm(config: &Config) -> Result<Realm, String> {
    let number = first_app(config) + sylk_app(config);
    Ok(Realm(u16::try_from(number).map_err(|_| "dialect.antmedia.apps are too many")?))
}

/// Which application that is.
fn sylk_app(config: &Config) -> usize {
    let named = config.patch.iter().find(|patch| !patch.sylk.is_empty() && !patch.antmedia.is_empty());
    let of = |patch: &config::Patch| config.dialect.antmedia.apps.iter().position(|app| *app == patch.antmedia);
    named.and_then(of).unwrap_or_default()
}

/// Rooms of which something is said: those that are one across dialects have the patch's name.
fn video_rooms(config: &Config) -> sylk::Rules {
    let keys = &config.dialect.sylk;
    let who = |text: &String| match text.contains('@') {
        true => sylk::Who::Address(text.clone()),
        false => sylk::Who::Domain(text.clone()),
    };
    let allow = keys.room_accounts.iter().map(who).collect::<Vec<_>>();
    let allow = if allow.is_empty() { vec![sylk::Who::All] } else { allow };
    let pictures = limits(config).realms[first_app(config) + sylk_app(config)].kinds().video;
    let default =
        sylk::Rule { allow, max_bitrate: keys.room_bitrate, video_disabled: !pictures, ..sylk::Rule::default() };
    let named = |patch: &config::Patch| {
        let name = Some(Name::parse(&patch.room).ok()?);
        (!patch.sylk.is_empty()).then(|| (patch.sylk.clone(), sylk::Rule { name, ..default.clone() }))
    };
    let rooms = config.patch.iter().filter_map(named).collect();
    sylk::Rules { default, rooms }
}

fn served_sylk(config: &Config) -> Result<Served, String> {
    let keys = &config.dialect.sylk;
    let settings = sylk::Settings {
        domains: keys.domains.clone(),
        rooms: video_rooms(config),
        rate: rate(config),
        ..sylk::Settings::default()
    };
    let doors = Setting {
        path: &keys.path,
        listen: keys.listen.as_ref(),
        native_ports: config.native_ports,
        origins: config.sylk_origins(),
        tokens: None,
    };
    let dialect = Arc::new(Sylk::new(SYLK, sylk_realm(config)?, settings));
    Ok(Served::new(dialect, Door::all(&sylk::SPEC, &doors)))
}

/// The key that sets a dialect's own listener.
pub(crate) fn listen_key(dialect: &str) -> String {
    match dialect {
        "ers_admin" => "dialect.ers.admin_listen".to_owned(),
        name => format!("dialect.{name}.listen"),
    }
}

/// That of the first application.
fn first_realm(config: &Config) -> Result<Realm, String> {
    Ok(Realm(u16::try_from(first_app(config)).map_err(|_| "dialect.sid.tenants are too many")?))
}

/// Behind the applications: it has a realm of its own.
fn ers_realm(config: &Config) -> Result<Realm, String> {
    let number = first_app(config) + config.dialect.antmedia.apps.len();
    Ok(Realm(u16::try_from(number).map_err(|_| "dialect.antmedia.apps are too many")?))
}

/// Behind that: who serves every application's streams has a realm that looks into theirs.
fn ems_realm(config: &Config) -> Result<Realm, String> {
    let Realm(ers) = ers_realm(config)?;
    Ok(Realm(ers.checked_add(1).ok_or("dialect.antmedia.apps are too many")?))
}

/// When a record of the store is of no use any more, in seconds since 1970.
pub(crate) fn expires(table: Table, record: &[u8]) -> Option<u64> {
    antmedia::records::expires(table, record).or_else(|| rendezvous::expires(table, record))
}

/// The profile of the parties that telephones call and are called by; `None`: they are not served.
pub(crate) fn caller(served: &[Served]) -> Option<Profile> {
    served
        .iter()
        .map(|served| &served.dialect)
        .find(|dialect| dialect.spec().name == sylk::SPEC.name)
        .map(|dialect| dialect.profile())
}

/// The first STUN or TURN server that clients are to be told of. Those of antmedia know these two schemes.
fn ice_server(config: &Config) -> Option<IceServer> {
    let known = |uri: &&str| uri.starts_with("stun:") || uri.starts_with("turn:");
    config.rtc.config_json.ice_servers().into_iter().find_map(|server| {
        let uri = server.urls.iter().map(String::as_str).find(known)?.to_owned();
        Some(IceServer { uri, username: server.username, credential: server.credential })
    })
}

/// Most rooms of an application, and as many pairs. Each has a member, so connections bound them, too: more would let few
/// connections, which may be in hundreds each, hold memory; fewer would refuse what a machine can carry.
const APP_ROOMS: usize = 100_000;

/// Most members of a room that clients enter by `joinRoom`. Each plays each other: more than this no client can, and each
/// change of who is in it is told to all.
const ROOM_MEMBERS: usize = 1_000;

/// The hub's bounds, by realm.
pub(crate) fn limits(config: &Config) -> Limits {
    let (mesh, sid, antmedia) = (&config.dialect.mesh, &config.dialect.sid, &config.dialect.antmedia);
    let window = Duration::from_millis(mesh.list_window_ms);
    let rooms = RealmLimits { rooms: mesh.rooms, members: mesh.members, window, ..RealmLimits::default() };
    // Without rooms: its clients know calls alone.
    let direct = RealmLimits {
        rooms: 0,
        members: 0,
        window: Duration::from_millis(sid.list_window_ms),
        ..RealmLimits::default()
    };
    let codecs = antmedia.audio_codecs.iter().chain(&antmedia.video_codecs).filter_map(|name| codec(name)).collect();
    let viewers = if antmedia.viewers == 0 { usize::MAX } else { antmedia.viewers };
    let streams = RealmLimits {
        rooms: APP_ROOMS,
        pairs: APP_ROOMS,
        members: ROOM_MEMBERS,
        window,
        viewers,
        restore: Duration::from_millis(antmedia.restore_ms),
        codecs: Some(codecs),
        // Nobody is registered there but who is no client's business.
        presence: false,
        ..RealmLimits::default()
    };
    // Telephones and video rooms are in one of these; nobody there is shown who else is there.
    let calls = TELEPHONES.iter().filter_map(|name| codec(name)).collect();
    let meeting = RealmLimits {
        rooms: mesh.rooms,
        members: config.dialect.sylk.room_members,
        window,
        presence: false,
        calls: Some(calls),
        ..streams.clone()
    };
    // Rooms of ers are names, and whose they are is nobody's business.
    let ers = RealmLimits { presence: false, ..direct.clone() };
    // Nothing is published here, and everything is seen that the applications have, the first one's first.
    let apps = (0..antmedia.apps.len()).filter_map(|app| u16::try_from(first_app(config) + app).ok());
    let ems = RealmLimits { codecs: streams.codecs.clone(), also: apps.map(Realm).collect(), ..ers.clone() };
    let realms = std::iter::once(rooms)
        .chain(std::iter::repeat_n(direct, 1 + sid.tenants.len()))
        .chain(antmedia.apps.iter().map(|name| {
            let (publications, views) = apps::places(config, name);
            RealmLimits { publications, views, ..streams.clone() }
        }))
        .chain([ers, ems]);
    let mut realms: Vec<_> = realms.collect();
    if let Some(limits) = realms.get_mut(first_app(config) + sylk_app(config)) {
        let (publications, views) = (limits.publications, limits.views);
        *limits = RealmLimits { publications, views, ..meeting };
    }
    Limits { realms }
}

/// What browsers and telephones have in common, best first: nothing is coded anew (sylk.md section 9.10).
const TELEPHONES: [&str; 6] = ["opus", "G722", "PCMU", "PCMA", "H264", "VP8"];

/// The codec of that name, in the profile that all browsers have: offers in others of H.264's are taken, too.
fn codec(name: &str) -> Option<Codec> {
    Some(match name {
        "opus" => Codec::Opus,
        "PCMU" => Codec::Pcmu,
        "PCMA" => Codec::Pcma,
        "G722" => Codec::G722,
        "VP8" => Codec::Vp8,
        "VP9" => Codec::Vp9 { profile: 0 },
        "H264" => Codec::H264 { profile_level: 0x0042_e01f, mode: 1 },
        "AV1" => Codec::Av1 { profile: 0 },
        _ => return None,
    })
}

fn rate(config: &Config) -> Rate {
    Rate { per_second: config.limits.rate_per_second, burst: config.limits.rate_burst }
}

#[cfg(test)]
mod tests {
    use patchbay_core::Kinds;

    use super::*;

    /// Both dialects keep tokens in one table, and each must leave the other's alone.
    #[test]
    fn tokens_expire_when_their_dialect_says() {
        let of = |record: &str| expires(Table::Token, record.as_bytes());
        assert_eq!((of("viewer"), of("viewer 7 192.0.2.1")), (None, Some(7)));
        assert_eq!(of(r#"{"tokenId":"t","expireDate":5}"#), Some(5));
    }

    #[test]
    fn every_dialect_has_limits_for_its_realm() {
        let mut config = Config::default();
        config.dialect.sid.tenants = vec!["acme".to_owned(), "other".to_owned()];
        config.dialect.antmedia.viewers = 7;
        config.dialect.antmedia.audio_codecs.clear();
        let (served, limits) = (served(&config).expect("no file is named"), limits(&config));
        let realm = |served: &Served| served.dialect.profile().realm.0;
        let own = |served: &&Served| !matches!(served.dialect.spec().name, "whip" | "sylk" | "ers_admin");
        let (others, guests): (Vec<_>, Vec<_>) = served.iter().partition(own);
        let realms: Vec<_> = others.iter().map(|served| realm(served)).collect();
        // The last is that of the media server's side, which nobody has asked for.
        let (last, limits_of_others) = limits.realms.split_last().expect("some");
        assert_eq!(realms, (0..u16::try_from(limits_of_others.len()).expect("few")).collect::<Vec<_>>());
        let of = |name| others.iter().filter(move |served| served.dialect.spec().name == name);
        let apps: Vec<_> = of("antmedia").map(|served| realm(served)).collect();
        let whip = guests.iter().filter(|served| served.dialect.spec().name == "whip");
        assert_eq!(whip.map(|served| realm(served)).collect::<Vec<_>>(), apps, "each in its application");
        let sylk = guests.iter().find(|served| served.dialect.spec().name == "sylk").expect("it is served");
        assert_eq!(realm(sylk), apps[0], "telephones and video rooms are in the first");
        assert_eq!(last.also.iter().map(|realm| realm.0).collect::<Vec<_>>(), apps, "and it has what all of them have");
        config.dialect.ers.ems.json_listen = "127.0.0.1:1112".parse().ok();
        let ems = super::served(&config).expect("no file is named");
        let ems = ems.iter().find(|served| served.dialect.spec().name == "ems").expect("it is asked for");
        assert_eq!(usize::from(realm(ems)) + 1, limits.realms.len());
        for served in others.iter().chain(&guests) {
            let limits = &limits.realms[usize::from(served.dialect.profile().realm.0)];
            let name = served.dialect.spec().name;
            let streams = matches!(name, "antmedia" | "whip" | "sylk");
            assert_eq!((limits.kinds(), limits.viewers == 7), (Kinds { audio: false, video: streams }, streams));
            if name == "sylk" {
                assert!(!limits.presence, "nobody is shown whose account is elsewhere");
                assert_eq!(
                    (limits.rooms, limits.members, limits.calls.as_ref().map(|calls| calls.len())),
                    (1_000, 10, Some(6))
                );
            }
        }
    }

    #[test]
    fn the_first_application_has_no_name_as_well_and_the_ports() {
        let mut config = Config::default();
        config.dialect.antmedia.apps = vec!["one".to_owned(), "two".to_owned()];
        config.dialect.antmedia.pages_dir = Some("pages".into());
        config.native_ports = true;
        let served = served_antmedia(&config).expect("no file is named");
        let places = |served: &Served| served.doors.iter().map(|door| door.at.clone()).collect::<Vec<_>>();
        let path = |path: &str| Place::Path(path.to_owned());
        let below = |app: &str| {
            let sockets = ["websocket", "websocket/signaling"].map(|end| path(&format!("{app}{end}")));
            sockets.into_iter().chain([Place::Tree(format!("{app}rest/v2"))]).collect::<Vec<_>>()
        };
        assert_eq!(places(&served[0]), [below("/one/"), below("//")].concat());
        assert_eq!(places(&served[1]), below("/two/"));
        let restricted = |door: &Door| door.once == door.callers.is_some();
        assert!(served.iter().flat_map(|served| &served.doors).all(restricted), "REST is for this machine");
        assert_eq!((served[0].ports.len(), served[1].ports.len()), (1, 0), "bound once");
        assert!(
            served
                .iter()
                .zip(["/one/x", "/two/x"])
                .all(|(served, path)| { served.pages.as_ref().is_some_and(|pages| pages.covers(path)) })
        );
    }

    #[test]
    fn video_rooms_are_what_the_configuration_says() {
        let mut config = Config::default();
        assert!(video_rooms(&config).of("any@x").admits("alice@example.com"));
        config.dialect.sylk.room_accounts = vec!["example.com".to_owned(), "bob@example.net".to_owned()];
        config.dialect.sylk.room_bitrate = 500_000;
        config.dialect.antmedia.video_codecs.clear();
        config.patch = vec![config::Patch { room: "demo".to_owned(), sylk: "demo@x".to_owned(), ..Default::default() }];
        let rules = video_rooms(&config);
        for (account, admitted) in [("alice@example.com", true), ("bob@example.net", true), ("eve@example.net", false)]
        {
            assert_eq!((rules.of("any@x").admits(account), rules.of("demo@x").admits(account)), (admitted, admitted));
        }
        assert!(rules.of("demo@x").video_disabled, "nothing here could carry pictures");
        assert_eq!(rules.of("demo@x").max_bitrate, 500_000);
        let name = |room: &str| rules.of(room).name.as_ref().map(|name| name.as_str().to_owned());
        assert_eq!((name("demo@x").as_deref(), name("any@x")), (Some("demo"), None));
    }

    #[test]
    fn whip_is_below_each_application_and_at_the_root() {
        let mut config = Config::default();
        config.dialect.antmedia.apps = vec!["one".to_owned(), "two".to_owned()];
        let served = served_whip(&config).expect("no file is named");
        let places = |served: &Served| served.doors.iter().map(|door| door.at.clone()).collect::<Vec<_>>();
        let tree = |path: &str| Place::Tree(path.to_owned());
        assert_eq!(places(&served[0]), ["/one/whip", "/one/whep", "/whip", "/whep"].map(tree));
        assert_eq!(places(&served[1]), ["/two/whip", "/two/whep"].map(tree));
    }

    #[test]
    fn an_ice_server_of_a_known_scheme_is_told() {
        for (json, expected) in [
            ("", Some("stun:stun.l.google.com:19302  ")),
            (r#"{"iceServers":[]}"#, None),
            (r#"{"iceServers":[{"urls":"turns:a"}]}"#, None),
            (
                r#"{"iceServers":[{"urls":["turns:a","turn:b"],"username":"u","credential":"c"},{"urls":"stun:d"}]}"#,
                Some("turn:b u c"),
            ),
            (r#"{"iceServers":[{"urls":7},{"url":"stun:x"},{"urls":"stun:d"}]}"#, Some("stun:d  ")),
            (r#"{"iceServers":"stun:d"}"#, None),
            ("nonsense", Some("stun:stun.l.google.com:19302  ")),
        ] {
            let mut config = Config::default();
            config.rtc.config_json = config::RtcConfig::parse(json);
            let told = ice_server(&config);
            let told = told.map(|server| format!("{} {} {}", server.uri, server.username, server.credential));
            assert_eq!(told.as_deref(), expected, "{json}");
        }
    }
}
