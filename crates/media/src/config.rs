use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::Codec;

/// What the legs of one worker share.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses that become ICE host candidates: where this worker's sockets can be reached.
    pub candidates: Vec<SocketAddr>,
    /// Codecs that a viewer is offered whose tracks may come in any.
    pub codecs: Vec<Codec>,
    /// We answer connectivity checks and send none (RFC 8445 section 2.5): right for a server that its peers can reach.
    pub ice_lite: bool,
    /// Most legs of this worker; one more is refused as overload. A leg takes some 80 to 250 kB.
    pub legs: usize,
    /// How long a peer may be out of reach before its leg is lost: longer forgives a change of network, shorter frees the
    /// stream's name sooner.
    pub grace: Duration,
    /// Sent video packets that a viewer may ask for again, and for how long. More mends longer round trips, less costs
    /// less memory: the packets are the source's, shared by its viewers, and 40 bytes of each are a viewer's own; where
    /// str0m sends, some 640.
    pub resend: (usize, Duration),
    /// RTP of telephones is taken only from the address that their description tells. Otherwise, without keys, the first
    /// packet may show another one, which is how telephones behind a translation of addresses can be heard.
    pub strict_source: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            codecs: vec![
                Codec::Opus,
                Codec::Pcmu,
                Codec::Pcma,
                Codec::G722,
                Codec::Vp8,
                Codec::H264 { profile_level: 0x0042_e01f, mode: 1 },
                Codec::Vp9 { profile: 0 },
                Codec::Av1 { profile: 0 },
            ],
            ice_lite: true,
            legs: 10_000,
            grace: Duration::from_secs(10),
            resend: (256, Duration::from_secs(1)),
            strict_source: false,
        }
    }
}
