//! Records on the stream channel: a byte for the type, three for the length, what there is to say (ers.md section 3.4).
//!
//! The channel is a stream of bytes, cut into messages wherever it may be. Players of the time read the first four bytes of a
//! message at once, and keep of the parts of a record only those of pictures and of `moov`. So what is short is never cut.

/// Longest message: what the originals send, and players of the time have room for.
pub(crate) const MESSAGE: usize = 15_000;
/// Records up to this many bytes stay in one message: longer would leave messages half empty, shorter would cut a `moof`.
const SHORT: usize = 2_048;

const BEGIN: u8 = 0xf9;
const INIT: u8 = 0xfa;
const MOOF: u8 = 0xfb;
const VIDEO: u8 = 0xfc;
const MDAT_HEAD: u8 = 0xfe;
const END: u8 = 0xff;
/// In the first byte of what is told at first: that bytes for a codec's name follow, and that there are pictures alone.
const PICTURES: u8 = 0xf1;

/// Messages in the making.
#[derive(Debug, Default)]
pub(crate) struct Records {
    done: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Records {
    /// What the stream is: profile, constraints and level; `ftyp` and `moov`.
    pub(crate) fn head(&mut self, profile: [u8; 3], boxes: &[u8]) {
        let [profile, compatible, level] = profile;
        let payload = [&[PICTURES, profile, compatible, level], boxes].concat();
        self.record(INIT, &payload);
    }

    /// A fragment. The picture comes first, as it would while it is made; a player puts it last.
    pub(crate) fn fragment(&mut self, moof: &[u8], mdat_head: &[u8], picture: &[u8]) {
        self.record(BEGIN, &[]);
        self.record(VIDEO, picture);
        self.record(MOOF, moof);
        self.record(MDAT_HEAD, mdat_head);
        self.record(END, &[]);
    }

    /// All of it, in messages.
    pub(crate) fn done(mut self) -> Vec<Vec<u8>> {
        self.close();
        self.done
    }

    fn record(&mut self, kind: u8, payload: &[u8]) {
        let whole = if payload.len() <= SHORT { payload.len() } else { 1 };
        if self.open.len() + 4 + whole > MESSAGE {
            self.close();
        }
        // A picture is bounded far below what three bytes can say.
        let [_, a, b, c] = u32::try_from(payload.len()).unwrap_or(0x00ff_ffff).to_be_bytes();
        self.open.extend_from_slice(&[kind, a, b, c]);
        let mut rest = payload;
        while !rest.is_empty() {
            if self.open.len() == MESSAGE {
                self.close();
            }
            let (now, later) = rest.split_at(rest.len().min(MESSAGE - self.open.len()));
            self.open.extend_from_slice(now);
            rest = later;
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
    }
}
