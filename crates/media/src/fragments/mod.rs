//! Pictures of H.264 as fragmented MP4 on a data channel, for players that know nothing else (ers.md section 3.4).
//!
//! | step | module |
//! |---|---|
//! | RTP packets of one source become whole pictures | [`pictures`] |
//! | each picture has its place on a time line without gaps | [`timing`] |
//! | a picture becomes a fragment of MP4 | [`boxes`] |
//! | fragments become records, and those messages | [`records`] |
//!
//! Pure: what a player's network takes is its leg's business (`leg/channel.rs`).

pub(crate) mod boxes;
pub(crate) mod pictures;
pub(crate) mod records;
pub(crate) mod timing;

use self::pictures::{Parameters, Picture};
use self::timing::Timing;

/// One player's stream: pictures in, messages out.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    timing: Timing,
    /// Of the last fragment.
    sequence: u32,
    /// What the player knows of the stream: the parameter sets that it was told last.
    told: Option<Parameters>,
}

impl Fragments {
    /// The messages of a picture's fragment, and before them what the stream is, where that is news. None of a picture that
    /// no decoder could make anything of: before the first key frame, or larger than boxes can say.
    pub(crate) fn make(&mut self, picture: &Picture) -> Vec<Vec<u8>> {
        let mut records = records::Records::default();
        if let Some(parameters) =
            picture.parameters.as_ref().filter(|parameters| self.told.as_ref() != Some(parameters))
        {
            let Some(head) = boxes::head(parameters) else { return Vec::new() };
            records.head(parameters.profile(), &head);
            self.told = Some(parameters.clone());
        }
        if self.told.is_none() {
            return Vec::new();
        }
        let sequence = self.sequence.wrapping_add(1);
        let (timing, span) = self.timing.next(picture.time);
        let Some(moof) = boxes::moof(sequence, span, picture.data.len(), picture.key) else { return Vec::new() };
        records.fragment(&moof, &boxes::mdat_head(picture.data.len()), &picture.data);
        (self.sequence, self.timing) = (sequence, timing);
        records.done()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
