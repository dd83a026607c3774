use std::fmt;

/// A STUN or TURN server, as clients are told of it.
#[derive(Clone)]
pub struct IceServer {
    /// `stun:…`, `turn:…` or `turns:…`; some clients ignore the last.
    pub uri: String,
    /// Empty for STUN.
    pub username: String,
    /// Empty for STUN.
    pub credential: String,
}

/// Without the credential.
impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({})", self.uri)
    }
}
