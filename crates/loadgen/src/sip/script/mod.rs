//! What a caller says to its server: one file per server's protocol. The trait is that of the SFU benchmark.

pub(super) mod janus;
pub(super) mod sylk;
