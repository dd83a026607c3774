//! What the fuzz targets of `fuzz/` run; the tests replay their corpus (`docs/testing.md`, "Fuzzing").

/// A client's bytes after the handshake: a byte that chooses the largest message, one that chooses where the stream is
/// cut, then the stream.
///
/// # Panics
/// If the frame loop breaks RFC 6455.
pub fn frames(data: &[u8]) {
    crate::ws::fuzz::target(data);
}

/// What Socket.IO reads out of requests: the body of a poll's other direction, and target and query.
///
/// # Panics
/// If packets are made up or lost, or an id or a number is none.
pub fn socketio(data: &[u8]) {
    crate::socketio::fuzz::target(data);
}

/// A client's first bytes: a byte that chooses where they are cut, then the bytes.
///
/// # Panics
/// If an upgrade is admitted that should not be, or the other way round.
pub fn upgrade(data: &[u8]) {
    crate::listener::fuzz::target(data);
}
