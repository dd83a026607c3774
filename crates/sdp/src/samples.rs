//! Descriptions of real programs, for tests.

/// Chromium's offer for a call with sound and pictures.
pub(crate) const CHROMIUM_OFFER: &str = include_str!("samples/chromium-offer.sdp");

/// The offer of a telephone that numbers its payloads for each section anew, and offers its keys to who wants them.
pub(crate) const BARESIP_OFFER: &str = include_str!("samples/baresip-offer.sdp");

/// A softphone's offer with feedback profiles, both families of video codecs, and lines of its own.
pub(crate) const LINPHONE_OFFER: &str = include_str!("samples/linphone-offer.sdp");

/// A desk telephone: no rtpmap where none is needed, its address in the section.
pub(crate) const DESK_OFFER: &str = "v=0\no=desk 8000 8000 IN IP4 10.0.0.9\ns=call\nt=0 0\n\
    m=audio 11780 RTP/AVP 8 0 18 101\nc=IN IP4 10.0.0.9\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\n";
