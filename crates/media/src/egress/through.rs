//! Through str0m, which numbers, paces, estimates and sends again by itself.

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::rtp::{ExtensionValues, RtpWrite, Vp8Descriptor, Vp8Patch};

use super::{Egress, Outgoing, Stream, Wire};
use crate::burst::Burst;
use crate::rewrite::Vp8Numbers;

/// Packets leave with the next poll.
pub(crate) struct Through<'a>(pub(crate) &'a mut Rtc);

impl Egress for Through<'_> {
    fn forward(
        &mut self,
        stream: &Stream,
        burst: &Arc<Burst>,
        packets: &[Outgoing],
        _now: Instant,
        _wire: &mut Wire<'_>,
    ) -> bool {
        let mut api = self.0.direct_api();
        let Some(out) = api.stream_tx(&stream.ssrc.into()) else { return false };
        for one in packets {
            let Some(packet) = burst.packets.get(one.place) else { continue };
            let values = ExtensionValues {
                audio_level: packet.level.and_then(|level| i8::try_from(level).ok()).map(|level| -level),
                // str0m leaves a level out that comes without it.
                voice_activity: packet.level.map(|_| packet.voice),
                video_orientation: packet.rotation,
                ..ExtensionValues::default()
            };
            let mut write = RtpWrite::new(stream.pt.into(), one.seq.into(), one.time, burst.at, packet.payload.clone())
                .marker(packet.marker)
                .ext_vals(values)
                .nackable(stream.nackable);
            if let Some(patch) = patch(one.numbers, &packet.payload) {
                write = write.vp8_patch(patch);
            }
            out.write_rtp(write);
        }
        true
    }
}

/// The frame numbers that a packet leaves with, as str0m writes them.
fn patch(numbers: Vp8Numbers, payload: &[u8]) -> Option<Vp8Patch> {
    if numbers == Vp8Numbers::default() {
        return None;
    }
    let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
    if let Some(id) = numbers.picture_id {
        patch = patch.picture_id(id);
    }
    if let Some(index) = numbers.tl0_pic_idx {
        patch = patch.tl0_pic_idx(index);
    }
    patch.build().ok()
}
