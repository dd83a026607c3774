//! The list of dialects: the one file of the server that names them.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::{Dialect, Rate, Spec};
use patchbay_dialect_mesh::{Mesh, SPEC, Settings};

use crate::config::Config;
use crate::door::{Door, Setting};

/// A dialect with its doors.
pub struct Served {
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// Where its clients connect.
    pub doors: Vec<Door>,
}

/// The specifications of all dialects, for documents.
pub static SPECS: [&Spec; 1] = [&SPEC];

const MESH: (Lang, Realm) = (Lang(0), Realm(0));

/// Every dialect, as configured.
///
/// # Errors
/// With cause and next action, if a file that the configuration names is of no use.
pub fn served(config: &Config) -> Result<Vec<Served>, String> {
    let (mesh, limits) = (&config.dialect.mesh, &config.limits);
    let settings = Settings {
        ping_interval: Duration::from_millis(mesh.ping_interval_ms),
        pong_timeout: Duration::from_millis(mesh.pong_timeout_ms),
        rate: Rate { per_second: limits.rate_per_second, burst: limits.rate_burst },
    };
    let doors = Setting {
        path: &mesh.path,
        listen: None,
        native_ports: config.native_ports,
        origins: config.mesh_origins(),
        tokens: None,
    };
    Ok(vec![Served { dialect: Arc::new(Mesh::new(MESH.0, MESH.1, settings)), doors: Door::all(&SPEC, &doors) }])
}

/// The hub's bounds, by realm.
pub(crate) fn limits(config: &Config) -> Limits {
    let mesh = &config.dialect.mesh;
    let window = Duration::from_millis(mesh.list_window_ms);
    Limits { realms: vec![RealmLimits { rooms: mesh.rooms, members: mesh.members, window }] }
}
