use crate::vp8::{Descriptor, PictureId};

/// What to write over a packet's own numbers, as far as it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp8Numbers {
    /// In as many bits as the packet has for it: seven or fifteen.
    pub picture_id: Option<u16>,
    /// The number of the last frame of temporal layer 0.
    pub tl0_pic_idx: Option<u8>,
}

/// The frame numbers of one outgoing VP8 stream (RFC 7741 section 4.2). Decoders tell by them which frames are missing,
/// so they go on where the layer changes. How many bits a number has is the source's choice, packet by packet: bytes
/// are replaced, never added.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp8Rewriter {
    picture_id: Circle,
    tl0_pic_idx: Circle,
}

/// One of the numbers, which count in a circle.
#[derive(Clone, Copy, Debug, Default)]
struct Circle {
    /// The youngest that was sent.
    last: Option<u16>,
    /// What is added to the source's; none between a change of layer and its first number.
    shift: Option<u16>,
}

impl Vp8Rewriter {
    /// Nothing has been sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next packet is the first of another layer, or the first after a pause.
    pub fn switch(&mut self) {
        self.picture_id.shift = None;
        self.tl0_pic_idx.shift = None;
    }

    /// The numbers with which a packet goes out that [`Rewriter::map`](super::Rewriter::map) lets out.
    pub fn map(&mut self, descriptor: &Descriptor) -> Vp8Numbers {
        let picture_id = descriptor.picture_id.map(|PictureId { value, long }| {
            let mask = if long { 0x7fff } else { 0x7f };
            self.picture_id.map(value, mask)
        });
        let tl0_pic_idx = descriptor.tl0_pic_idx.map(|value| self.tl0_pic_idx.map(u16::from(value), 0xff) as u8);
        Vp8Numbers { picture_id, tl0_pic_idx }
    }
}

impl Circle {
    fn map(&mut self, value: u16, mask: u16) -> u16 {
        let last = self.last;
        let shift = *self.shift.get_or_insert_with(|| last.map_or(0, |last| last.wrapping_add(1).wrapping_sub(value)));
        let out = value.wrapping_add(shift) & mask;
        // A late packet is behind, by less than half of the circle.
        if last.is_none_or(|last| out.wrapping_sub(last) & mask <= mask / 2) {
            self.last = Some(out);
        }
        out
    }
}
