//! [`Config`]: the effective settings, plain data. The fields are the keys of `table.rs`, which
//! documents each; a field without a key, or a key without a field, fails the first test below.
//!
//! `Config` and [`Rtc`] have no `Debug`, since a secret stands in them.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::address::ListenAddr;
use super::levels::Levels;
use super::networks::Networks;
use super::origin::OriginPolicy;
use super::rtc::RtcConfig;
use super::values::Values;

/// Every setting of the server.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub native_ports: bool,
    pub allowed_origins: Vec<String>,
    pub require_origin: bool,
    pub data_dir: PathBuf,
    pub threads: usize,
    pub log: Log,
    pub http: Http,
    pub https: Https,
    pub admin: Admin,
    pub rtc: Rtc,
    pub media: Media,
    pub limits: Limits,
    pub drain: Drain,
    pub dialect: Dialects,
    pub sip: Sip,
    pub patch: Vec<Patch>,
}

impl Default for Config {
    fn default() -> Self {
        Values::defaults().to_config()
    }
}

impl Config {
    /// The origin rule of the mesh dialect: its own list, or else the global one.
    pub fn mesh_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.mesh.origins)
    }

    /// The origin rule of the sid dialect: its own list, or else the global one.
    pub fn sid_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.sid.origins)
    }

    /// The origin rule of the antmedia dialect: its own list, or else the global one.
    pub fn antmedia_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.antmedia.origins)
    }

    /// The origin rule of the whip dialect: its own list, or else the global one.
    pub fn whip_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.whip.origins)
    }

    /// The origin rule of the sylk dialect: its own list, or else the global one.
    pub fn sylk_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.sylk.origins)
    }

    /// The origin rule of the ers dialect: its own list, or else the global one.
    pub fn ers_origins(&self) -> OriginPolicy {
        self.origins(&self.dialect.ers.origins)
    }

    fn origins(&self, own: &[String]) -> OriginPolicy {
        let list = if own.is_empty() { self.allowed_origins.as_slice() } else { own };
        OriginPolicy::new(list, self.require_origin)
    }
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident [$($derive:ident)*] { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Deserialize, $($derive),*)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$attr])* pub $field: $type,)* }
        )*
    };
}

sections! {
    /// `[log]`
    Log [Debug] {
        format: LogFormat,
        level: Levels,
    }
    /// `[http]`
    Http [Debug] {
        addr: Vec<ListenAddr>,
        trusted_proxies: Networks,
    }
    /// `[https]`
    Https [Debug] {
        addr: Vec<ListenAddr>,
        #[serde(deserialize_with = "optional")] cert: Option<PathBuf>,
        #[serde(deserialize_with = "optional")] key: Option<PathBuf>,
    }
    /// `[admin]`
    Admin [Debug] {
        #[serde(deserialize_with = "optional")] addr: Option<ListenAddr>,
        #[serde(deserialize_with = "optional")] token_file: Option<PathBuf>,
    }
    /// `[rtc]`
    Rtc [] {
        config_json: RtcConfig,
    }
    /// `[media]`
    Media [Debug] {
        udp_port: u16,
        tcp_port: u16,
        bind: Vec<String>,
        advertise: Vec<String>,
        workers: usize,
        ice_lite: bool,
    }
    /// `[limits]`
    Limits [Debug] {
        connections: usize,
        connections_per_address: usize,
        message_bytes: usize,
        handshake_timeout_ms: u64,
        head_bytes: usize,
        mailbox_messages_soft: usize,
        mailbox_messages_hard: usize,
        mailbox_bytes_hard: usize,
        slow_timeout_ms: u64,
        rate_per_second: u32,
        rate_burst: u32,
        cpu_percent: u8,
        min_available_mb: u64,
    }
    /// `[drain]`
    Drain [Debug] {
        deadline_ms: u64,
    }
    /// `[dialect.…]`
    Dialects [Debug] {
        mesh: Mesh,
        sid: Sid,
        antmedia: Antmedia,
        whip: Whip,
        ers: Ers,
        sylk: Sylk,
    }
    /// `[dialect.mesh]`
    Mesh [Debug] {
        path: String,
        origins: Vec<String>,
        rooms: usize,
        members: usize,
        ping_interval_ms: u64,
        pong_timeout_ms: u64,
        list_window_ms: u64,
    }
    /// `[dialect.sid]`
    Sid [Debug] {
        path: String,
        #[serde(deserialize_with = "optional")] listen: Option<ListenAddr>,
        origins: Vec<String>,
        #[serde(deserialize_with = "optional")] token_file: Option<PathBuf>,
        tenants: Vec<String>,
        ping_interval_ms: u64,
        register_timeout_ms: u64,
        every_list_up_to: usize,
        list_window_ms: u64,
    }
    /// `[dialect.antmedia]`
    Antmedia [Debug] {
        apps: Vec<String>,
        listen: Vec<ListenAddr>,
        origins: Vec<String>,
        publish_timeout_ms: u64,
        restore_ms: u64,
        data_channel: String,
        viewers: usize,
        audio_codecs: Vec<String>,
        video_codecs: Vec<String>,
        ping_interval_ms: u64,
        idle_timeout_ms: u64,
        rest_allowed: Networks,
        #[serde(deserialize_with = "optional")] pages_dir: Option<PathBuf>,
        #[serde(deserialize_with = "optional")] red5_properties: Option<PathBuf>,
        hook_allow: Networks,
        #[serde(deserialize_with = "optional")] hook_secret_file: Option<PathBuf>,
        app: Vec<App>,
    }
    /// One `[[dialect.antmedia.app]]`
    App [Debug Default] {
        name: String,
        accept_only_streams_in_data_store: bool,
        accept_only_rooms_in_data_store: bool,
        publish_token_control_enabled: bool,
        play_token_control_enabled: bool,
        publish_jwt_control_enabled: bool,
        play_jwt_control_enabled: bool,
        #[serde(deserialize_with = "optional")] jwt_key_file: Option<PathBuf>,
        #[serde(deserialize_with = "optional")] rest_jwt_key_file: Option<PathBuf>,
        hash_control_publish_enabled: bool,
        hash_control_play_enabled: bool,
        #[serde(deserialize_with = "optional")] token_hash_secret_file: Option<PathBuf>,
        enable_time_token_for_publish: bool,
        enable_time_token_for_play: bool,
        #[serde(deserialize_with = "optional")] totp_secret_file_publish: Option<PathBuf>,
        #[serde(deserialize_with = "optional")] totp_secret_file_play: Option<PathBuf>,
        time_token_period_s: u64,
        time_token_subscriber_only: bool,
        webrtc_viewer_limit: i64,
        ingesting_stream_limit: i64,
        webhook_authenticate_url: String,
        webhook_play_auth_url: String,
        play_webrtc_stream_once_for_each_session: bool,
        listener_hook_url: String,
    }
    /// `[dialect.whip]`
    Whip [Debug] {
        #[serde(deserialize_with = "optional")] token_file: Option<PathBuf>,
        origins: Vec<String>,
        location: Location,
        start_timeout_ms: u64,
    }
    /// `[dialect.ers]`
    Ers [Debug] {
        #[serde(deserialize_with = "optional")] config: Option<PathBuf>,
        #[serde(deserialize_with = "optional")] listen: Option<ListenAddr>,
        #[serde(deserialize_with = "optional")] admin_listen: Option<ListenAddr>,
        origins: Vec<String>,
        web_server: bool,
        admin_allowed: Networks,
        tokens_enabled: bool,
        token_ttl_ms: u64,
        allowed_rooms: Vec<String>,
        #[serde(deserialize_with = "optional")] ems_token_file: Option<PathBuf>,
        empty_room_ack_delay_ms: u64,
        turn_fallback: bool,
        ice_max_retries: u32,
        ems: Ems,
    }
    /// `[dialect.ers.ems]`
    Ems [Debug] {
        #[serde(deserialize_with = "optional")] json_listen: Option<ListenAddr>,
        #[serde(deserialize_with = "optional")] ascii_listen: Option<ListenAddr>,
        #[serde(deserialize_with = "optional")] http_listen: Option<ListenAddr>,
        envelope: String,
        pull: Vec<String>,
        #[serde(deserialize_with = "optional")] pull_token_file: Option<PathBuf>,
        event_sinks: Vec<String>,
    }
    /// `[dialect.sylk]`
    Sylk [Debug] {
        path: String,
        #[serde(deserialize_with = "optional")] listen: Option<ListenAddr>,
        origins: Vec<String>,
        room_members: usize,
        room_accounts: Vec<String>,
        room_bitrate: u32,
        domains: Vec<String>,
    }
    /// `[sip]`
    Sip [Debug] {
        listen: Vec<String>,
        domains: Vec<String>,
        outbound_proxy: String,
        rtp_ports: String,
        srtp: String,
        strict_source: bool,
    }
    /// One `[[patch]]`
    Patch [Debug Default] {
        room: String,
        mesh: String,
        antmedia: String,
        sylk: String,
        streams: Vec<String>,
        whip: bool,
        pull: bool,
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How a resource of the whip dialect is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// By its path.
    #[default]
    Path,
    /// By its whole URL.
    Url,
}

/// An empty text is how a file says "none", since TOML has no null.
fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::address::Host;

    /// Building it proves that struct and table have the same keys, of fitting types.
    #[test]
    fn the_defaults_build() {
        let config = Config::default();
        let all_interfaces = ListenAddr::Tcp { host: Host::All, port: 8080 };
        assert!(config.http.addr == [all_interfaces]);
        assert_eq!(config.dialect.mesh.path, "/ws");
        assert_eq!(config.admin.addr, None);
        assert_eq!(config.limits.mailbox_bytes_hard, 8 * 1024 * 1024);
        assert!(config.rtc.config_json == RtcConfig::Default);
    }

    #[test]
    fn a_dialects_own_origins_win() {
        let mut config = Config::default();
        assert!(config.mesh_origins().admits_everybody());
        config.dialect.mesh.origins = vec!["a.example".to_owned()];
        assert!(!config.mesh_origins().admits(Some("https://b.example"), None));
        assert!(config.mesh_origins().admits(Some("https://a.example"), None));
    }
}
