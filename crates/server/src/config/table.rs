//! The one list of keys. Everything else that knows keys (the reading of files, variables and
//! flags, `config print`, `config keys`, docs/configuration.md) is derived from it.

use super::key::Key;
use super::kind::Kind::{
    Choice, Levels, Listen, Listens, Networks, Number, Patches, Path, Secret, Switch, Text, Texts, UrlPath,
};

const PORT: super::kind::Kind = Number(0, 65_535);
const COUNT: super::kind::Kind = Number(1, 1_000_000_000);
/// A day: longer waits are mistakes in the unit.
const DURATION_MS: super::kind::Kind = Number(1, 86_400_000);
const BYTES: super::kind::Kind = Number(1, 1_073_741_824);
const THREADS: super::kind::Kind = Number(0, 1024);

pub(super) const TABLE: &[Key] = &[
    Key::new(
        "native_ports",
        Switch,
        "false",
        "Opens the native ports of all dialects at once (sid 90, antmedia 5080 and 5443, 3535, 3030, 1112, 1222, 7777, 10888, SIP 5060). Also `--native-ports`.",
    ),
    Key::new(
        "allowed_origins",
        Texts,
        r#"["*"]"#,
        "Origins that browsers may connect from: full origins, `host:port`, `host`, `*` (all), `same-host`. Also `--allowed-origins`.",
    ),
    Key::new("require_origin", Switch, "false", "Refuses requests without an Origin header, which no browser sends."),
    Key::new("data_dir", Path, r#""./patchbay-data""#, "The folder of the embedded store and of recordings."),
    Key::new("threads", THREADS, "0", "Threads that serve connections; 0 = one per core."),
    Key::new(
        "log.format",
        Choice(&["text", "json"]),
        r#""text""#,
        "The form of log lines on standard error. Also `--log-format`.",
    ),
    Key::new(
        "log.level",
        Levels,
        r#""info""#,
        "What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, and `target=level` pairs beside it, e.g. `info,patchbay_server=debug`. Also `--log-level`.",
    ),
    Key::new(
        "http.addr",
        Listens,
        r#"[":8080"]"#,
        "Addresses of the plain listeners: `:8080` (all interfaces, IPv4 and IPv6), `host:port`, `[::1]:port`, `unix:/path.sock`. Also `--addr`.",
    ),
    Key::new(
        "http.trusted_proxies",
        Networks,
        "[]",
        "Reverse proxies that are believed about their clients' addresses (`X-Forwarded-For`), on all listeners: addresses, ranges (`10.0.0.0/8`), and `unix` for whoever connects to a Unix socket.",
    ),
    Key::new("https.addr", Listens, "[]", "Addresses of the TLS listeners, with the same routes."),
    Key::new(
        "https.cert",
        Path,
        r#""""#,
        "The certificate chain, a PEM file, read again when it changes. With it, a dialect's own listener takes TLS as well.",
    ),
    Key::new("https.key", Path, r#""""#, "Its private key, an unencrypted PEM file, read again when it changes."),
    Key::new(
        "admin.addr",
        Listen,
        r#""""#,
        "A listener for metrics, console and admin API; empty = on the plain listeners, for loopback callers only.",
    ),
    Key::new("admin.token_file", Path, r#""""#, "A file with the admin API's token."),
    Key::new(
        "rtc.config_json",
        Secret,
        r#""""#,
        "The RTCConfiguration that clients are given, a JSON object; empty = a public STUN server; `{\"iceServers\":[]}` contacts nobody. May hold TURN credentials.",
    ),
    Key::new("media.udp_port", PORT, "10000", "The first media port; media worker i uses this port + i."),
    Key::new("media.tcp_port", PORT, "0", "The port of ICE-TCP; 0 = off."),
    Key::new("media.bind", Texts, r#"["0.0.0.0", "[::]"]"#, "Addresses that media sockets are bound to."),
    Key::new("media.advertise", Texts, "[]", "Addresses put into ICE candidates; empty = found by itself."),
    Key::new("media.workers", THREADS, "0", "Media threads; 0 = one per core."),
    Key::new(
        "media.ice_lite",
        Switch,
        "true",
        "Answers connectivity checks without sending any (ICE-lite): right where clients can reach this server; off = both sides check.",
    ),
    Key::new("limits.connections", COUNT, "100000", "Connections at a time, over all listeners."),
    Key::new(
        "limits.connections_per_address",
        Number(0, 1_000_000_000),
        "0",
        "Connections at a time from one client address (IPv6: one /64), Unix sockets and the admin listener exempt; 0 = no limit of its own, since many people may share an address (NAT), and all do behind a proxy that is not in `http.trusted_proxies`.",
    ),
    Key::new("limits.message_bytes", BYTES, "1048576", "The longest message from a client."),
    Key::new(
        "limits.handshake_timeout_ms",
        DURATION_MS,
        "5000",
        "How long a connection may take over its TLS handshake, and then over its request head; also how long an HTTP client may take no byte of its answer.",
    ),
    Key::new("limits.head_bytes", Number(256, 1_048_576), "8192", "The longest request head."),
    Key::new(
        "limits.mailbox_messages_soft",
        COUNT,
        "64",
        "Messages waiting for one client before it must show progress within `slow_timeout_ms`.",
    ),
    Key::new(
        "limits.mailbox_messages_hard",
        COUNT,
        "1024",
        "Messages waiting for one client before it is disconnected at once.",
    ),
    Key::new(
        "limits.mailbox_bytes_hard",
        BYTES,
        "8388608",
        "Bytes waiting for one client before it is disconnected at once.",
    ),
    Key::new("limits.slow_timeout_ms", DURATION_MS, "2000", "How long a client above the soft bound may take no byte."),
    Key::new(
        "limits.rate_per_second",
        COUNT,
        "500",
        "Messages per second and connection that change state; relays inside a room are exempt.",
    ),
    Key::new("limits.rate_burst", COUNT, "1000", "Messages that a connection may send at once before the rate counts."),
    Key::new(
        "limits.cpu_percent",
        Number(1, 100),
        "85",
        "The load of the whole machine above which new publishers are refused.",
    ),
    Key::new(
        "limits.min_available_mb",
        Number(0, 1_000_000_000),
        "10",
        "The available memory below which new publishers are refused.",
    ),
    Key::new(
        "drain.deadline_ms",
        Number(0, 86_400_000),
        "0",
        "How long clients may stay after a signal to end; 0 = all are closed at once.",
    ),
    Key::new("dialect.mesh.path", UrlPath, r#""/ws""#, "Where the mesh dialect is served."),
    Key::new("dialect.mesh.origins", Texts, "[]", "Origins for this dialect alone; empty = `allowed_origins`."),
    Key::new("dialect.mesh.rooms", COUNT, "1000", "Rooms at a time."),
    Key::new("dialect.mesh.members", COUNT, "50", "Members of one room."),
    Key::new("dialect.mesh.ping_interval_ms", DURATION_MS, "15000", "How often a client is pinged."),
    Key::new("dialect.mesh.pong_timeout_ms", DURATION_MS, "20000", "How long a client may send no pong."),
    Key::new(
        "dialect.mesh.list_window_ms",
        Number(0, 60_000),
        "50",
        "Changes of a room within this time share one member list.",
    ),
    Key::new("dialect.sid.path", UrlPath, r#""/sid""#, "Where the sid dialect is served."),
    Key::new(
        "dialect.sid.listen",
        Listen,
        r#""""#,
        "A listener of its own, where any path speaks sid; its native port is 90.",
    ),
    Key::new("dialect.sid.origins", Texts, "[]", "Origins for this dialect alone; empty = `allowed_origins`."),
    Key::new(
        "dialect.sid.token_file",
        Path,
        r#""""#,
        "A file with tokens, one per line: a handshake must show one (`?token=` or `Authorization: Bearer`); empty = none is asked for.",
    ),
    Key::new(
        "dialect.sid.tenants",
        Texts,
        "[]",
        "Worlds of their own, each at the path followed by `/` and its name: clients of different tenants never see each other.",
    ),
    Key::new(
        "dialect.sid.ping_interval_ms",
        DURATION_MS,
        "3000",
        "How often a registered client is pinged, and how long it may take to answer.",
    ),
    Key::new(
        "dialect.sid.register_timeout_ms",
        DURATION_MS,
        "60000",
        "How long a connection may stand without an sId.",
    ),
    Key::new(
        "dialect.sid.every_list_up_to",
        Number(0, 100_000),
        "200",
        "Up to this many clients every change of the list is sent by itself.",
    ),
    Key::new(
        "dialect.sid.list_window_ms",
        Number(0, 60_000),
        "100",
        "Above `every_list_up_to`, changes within this time share one list.",
    ),
    Key::new(
        "dialect.antmedia.apps",
        Texts,
        r#"["WebRTCAppEE", "LiveApp", "live", "StreamApp", "Conference"]"#,
        "The applications; the first is the default one.",
    ),
    Key::new("dialect.antmedia.listen", Listens, "[]", "Listeners of its own, e.g. `[\":5080\"]`."),
    Key::new(
        "dialect.antmedia.publish_timeout_ms",
        DURATION_MS,
        "5000",
        "How long a publisher may take until its media arrives.",
    ),
    Key::new(
        "dialect.antmedia.pages_dir",
        Path,
        r#""""#,
        "A folder with the vendor's pages, served below each application.",
    ),
    Key::new("dialect.whip.token_file", Path, r#""""#, "A file with the bearer tokens of WHIP and WHEP."),
    Key::new("dialect.ers.config", Path, r#""""#, "An ERS `default.json`, taken as it is."),
    Key::new("dialect.ers.listen", Listen, r#""""#, "A listener of its own, e.g. `:3535`."),
    Key::new("dialect.ers.admin_listen", Listen, r#""""#, "The admin interface, e.g. `127.0.0.1:3030`."),
    Key::new("dialect.ers.ems.json_listen", Listen, r#""""#, "The runtime API in JSON, e.g. `127.0.0.1:1112`."),
    Key::new("dialect.ers.ems.ascii_listen", Listen, r#""""#, "The runtime API in ASCII, e.g. `127.0.0.1:1222`."),
    Key::new("dialect.ers.ems.http_listen", Listen, r#""""#, "The runtime API over HTTP, e.g. `127.0.0.1:7777`."),
    Key::new(
        "dialect.ers.ems.envelope",
        Choice(&["both", "flat", "nested"]),
        r#""both""#,
        "The form of the runtime API's replies.",
    ),
    Key::new("dialect.sylk.path", UrlPath, r#""/webrtcgateway/ws""#, "Where the sylk dialect is served."),
    Key::new("dialect.sylk.listen", Listen, r#""""#, "A listener of its own, e.g. `:10888`."),
    Key::new(
        "sip.listen",
        Texts,
        "[]",
        "SIP listeners, e.g. `[\"udp:127.0.0.1:5060\"]`; transports are `udp`, `tcp` and `tls`.",
    ),
    Key::new("sip.domains", Texts, "[]", "Our own domains: calls to them reach rooms and accounts here."),
    Key::new("sip.outbound_proxy", Text, r#""""#, "The proxy of outgoing requests, `host[:port][;transport=udp]`."),
    Key::new("sip.rtp_ports", Text, r#""20000-20999""#, "The ports of telephone media."),
    Key::new("sip.srtp", Choice(&["off", "optional", "mandatory"]), r#""optional""#, "Encryption of telephone media."),
    Key::new("patch", Patches, "[]", "Rooms that are one across dialects."),
];

/// The keys of one `[[patch]]` section.
pub(super) const PATCH_KEYS: &[Key] = &[
    Key::new("room", Text, r#""""#, "The room's name; required."),
    Key::new("mesh", Text, r#""""#, "A mesh room."),
    Key::new(
        "antmedia",
        Text,
        r#""""#,
        "An application: streams published with `mainTrack` = room, or listed in `streams`.",
    ),
    Key::new("streams", Texts, "[]", "Streams of the application that belong to the room."),
    Key::new("whip", Switch, "false", "WHIP publishers and WHEP players belong to it."),
    Key::new("pull", Switch, "false", "A mesh member's camera may be asked for while somebody outside watches it."),
];

/// What a section of the file is about, in the order of the documentation.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("", "Keys at the top of the file."),
    ("log", "Log lines go to standard error, one line per event."),
    ("http", "The plain listeners."),
    ("https", "The TLS listeners; off without `addr`."),
    ("admin", "Metrics, console and admin API."),
    ("rtc", "What clients are told about STUN and TURN servers."),
    ("media", "The media engine."),
    ("limits", "Bounds on what clients can cost."),
    ("drain", "The end of the process."),
    ("dialect.mesh", "Rooms of browsers that call each other."),
    ("dialect.sid", "One-to-one calls with a presence list."),
    ("dialect.antmedia", "Publish, play, peer to peer and conferences."),
    ("dialect.whip", "WHIP publishers and WHEP players."),
    ("dialect.ers", "The rendezvous server of cameras."),
    ("dialect.ers.ems", "The runtime API beside the rendezvous server."),
    ("dialect.sylk", "SIP accounts, calls and video rooms."),
    ("sip", "SIP listeners and policies; the client side is always on."),
];
