//! The list of dialects: the one file of the server that names them.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::{Dialect, Rate, Spec};
use patchbay_dialect_mesh::{Mesh, SPEC, Settings};

use crate::config::{Config, OriginPolicy};

/// A dialect with what its endpoints need.
pub struct Served {
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// Where its WebSocket endpoint is on the HTTP listeners.
    pub path: String,
    /// Which origins it admits.
    pub origins: OriginPolicy,
}

/// The specifications of all dialects, for documents.
pub static SPECS: [&Spec; 1] = [&SPEC];

const MESH: (Lang, Realm) = (Lang(0), Realm(0));

/// Every dialect, as configured.
#[must_use]
pub fn served(config: &Config) -> Vec<Served> {
    let (mesh, limits) = (&config.dialect.mesh, &config.limits);
    let settings = Settings {
        ping_interval: Duration::from_millis(mesh.ping_interval_ms),
        pong_timeout: Duration::from_millis(mesh.pong_timeout_ms),
        rate: Rate { per_second: limits.rate_per_second, burst: limits.rate_burst },
    };
    vec![Served {
        dialect: Arc::new(Mesh::new(MESH.0, MESH.1, settings)),
        path: mesh.path.clone(),
        origins: config.mesh_origins(),
    }]
}

/// The hub's bounds, by realm.
pub(crate) fn limits(config: &Config) -> Limits {
    let mesh = &config.dialect.mesh;
    let window = Duration::from_millis(mesh.list_window_ms);
    Limits { realms: vec![RealmLimits { rooms: mesh.rooms, members: mesh.members, window }] }
}
