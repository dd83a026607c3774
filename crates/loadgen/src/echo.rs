//! The echo floor: the server's own listener, handshake, WebSocket loop and socket code around a session that sends
//! every text back. What a relay costs above it is JSON, the hub and the way to another connection's task.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use patchbay_core::{Event, Lang, Moment, Profile, Realm};
use patchbay_dialect_kit::{At, Codec, Ctx, Dialect, Endpoint, Frame, Session, Spec, Subprotocol};
use patchbay_server::cli::{self, ServeArgs};
use patchbay_server::config::Environment;
use patchbay_server::{Door, Served, Setting, run, telemetry};

use crate::Result;

static SPEC: Spec = Spec {
    name: "echo",
    serves: "the load generator",
    endpoints: &[Endpoint {
        at: At::Path("/ws"),
        codec: Codec::WebSocket,
        plain: None,
        subprotocol: Subprotocol::None,
    }],
    keys: &[],
    messages: &[],
};

struct EchoDialect;

impl Dialect for EchoDialect {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(0),
            peer_to_peer: false,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(EchoSession)
    }
}

struct EchoSession;

impl Session for EchoSession {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        if let Frame::Text(text) = frame {
            ctx.out.text(|out| out.extend_from_slice(text.as_bytes()));
        }
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {}

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}

/// Serves the echo with the server's defaults until it is told to stop; the ready line is the server's.
pub(crate) fn serve(addr: Option<SocketAddr>) -> Result<()> {
    let environment = Environment::of_process();
    // A flag wins over ADDR, so it is only given where it was asked for or where ADDR is missing.
    let addr = match (addr, std::env::var_os("ADDR")) {
        (Some(addr), _) => vec![addr.to_string()],
        (None, Some(_)) => Vec::new(),
        (None, None) => vec!["127.0.0.1:0".to_owned()],
    };
    let args = ServeArgs { addr, ..ServeArgs::default() };
    let loaded = cli::load(&args, &environment, Path::new(".")).map_err(|errors| {
        let errors: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        errors.join("; ")
    })?;
    telemetry::init(&loaded.config.log)?;
    let origins = loaded.config.mesh_origins();
    let doors = Setting { path: "/ws", listen: None, native_ports: false, origins, tokens: None };
    let echo = Served::new(Arc::new(EchoDialect), Door::all(&SPEC, &doors));
    Ok(run(&loaded.config, vec![echo])?)
}
