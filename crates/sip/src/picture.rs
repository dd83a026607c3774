//! Asking for a key frame in `INFO` (RFC 5168), for telephones that cannot be asked in RTCP.

/// The type of the body.
pub const CONTENT_TYPE: &str = "application/media_control+xml";

/// The body that asks for a whole picture (RFC 5168 section 5).
pub const UPDATE: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?>"#,
    "<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>"
);
