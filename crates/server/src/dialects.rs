//! The list of dialects: the one file of the server that names them.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::{Dialect, Rate, Spec};
use patchbay_dialect_mesh::{self as mesh, Mesh};
use patchbay_dialect_sid::{self as sid, Sid};

use crate::config::Config;
use crate::door::{Door, Place, Setting, Tokens};

/// A dialect with its doors.
pub struct Served {
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// Where its clients connect.
    pub doors: Vec<Door>,
}

/// The specifications of all dialects, for documents.
pub static SPECS: [&Spec; 2] = [&mesh::SPEC, &sid::SPEC];

const MESH: (Lang, Realm) = (Lang(0), Realm(0));
/// The first of sid's realms; those of its tenants follow.
const SID: (Lang, Realm) = (Lang(1), Realm(1));

/// Every dialect, as configured.
///
/// # Errors
/// With cause and next action, if a file that the configuration names is of no use.
pub fn served(config: &Config) -> Result<Vec<Served>, String> {
    let mut served = vec![served_mesh(config)];
    served.extend(served_sid(config)?);
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
    Served { dialect: Arc::new(Mesh::new(MESH.0, MESH.1, settings)), doors: Door::all(&mesh::SPEC, &doors) }
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
    let in_realm = |realm: Realm, doors| Served { dialect: Arc::new(Sid::new(SID.0, realm, settings)), doors };
    let tenants = keys.tenants.iter().zip(SID.1.0 + 1..).map(|(tenant, realm)| {
        let doors = doors(&format!("{}/{tenant}", keys.path.trim_end_matches('/')));
        let at_path = |door: &Door| matches!(door.at, Place::Path(_));
        in_realm(Realm(realm), doors.into_iter().filter(at_path).collect())
    });
    Ok(std::iter::once(in_realm(SID.1, doors(&keys.path))).chain(tenants).collect())
}

/// The hub's bounds, by realm.
pub(crate) fn limits(config: &Config) -> Limits {
    let (mesh, sid) = (&config.dialect.mesh, &config.dialect.sid);
    let window = Duration::from_millis(mesh.list_window_ms);
    let rooms = RealmLimits { rooms: mesh.rooms, members: mesh.members, window, ..RealmLimits::default() };
    // Without rooms: its clients know calls alone.
    let calls = RealmLimits {
        rooms: 0,
        members: 0,
        window: Duration::from_millis(sid.list_window_ms),
        ..RealmLimits::default()
    };
    let realms = std::iter::once(rooms).chain(std::iter::repeat_n(calls, 1 + sid.tenants.len()));
    Limits { realms: realms.collect() }
}

fn rate(config: &Config) -> Rate {
    Rate { per_second: config.limits.rate_per_second, burst: config.limits.rate_burst }
}
