//! A broadcast as it is now: what was said of it beforehand, and what is published. Clients and the REST interface are
//! shown the same.

use std::collections::BTreeSet;

use patchbay_core::{Known, Moment, Name};

use crate::records::{Broadcast, status};
use crate::wire::About;

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Moment,
    pub(crate) unix_ms: u64,
}

impl Clock {
    /// Milliseconds since 1970 of a moment that has been.
    fn unix_ms(self, then: Moment) -> i64 {
        let ago = self.now.as_micros().saturating_sub(then.as_micros()) / 1_000;
        i64::try_from(self.unix_ms.saturating_sub(ago)).unwrap_or_default()
    }
}

/// A broadcast as it is now; `None`: there is neither a record of it nor anything published.
pub(crate) fn shown(
    clock: Clock,
    stream: &Name,
    stored: Option<Broadcast>,
    known: Option<&Known>,
) -> Option<Broadcast> {
    let Some(known) = known else { return stored };
    let made = stored.is_some();
    let mut shown =
        stored.unwrap_or_else(|| Broadcast { stream_id: stream.as_str().to_owned(), ..Broadcast::default() });
    let tracks = known.tracks.iter().filter(|track| track.live).map(|track| track.stream.as_str());
    let mut ids: BTreeSet<String> = std::mem::take(&mut shown.sub_track_stream_ids).into_iter().collect();
    ids.extend(tracks.map(ToOwned::to_owned));
    shown.sub_track_stream_ids = ids.into_iter().collect();
    shown.web_rtc_viewer_count = u32::try_from(known.viewers).unwrap_or(u32::MAX);
    let begun = known.own.iter().chain(&known.tracks).map(|one| one.since).min();
    let is_live = known.own.iter().chain(&known.tracks).any(|one| one.live);
    if let Some(own) = &known.own {
        let about = About::read(own);
        let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
        shown.name = owned(about.name).or(shown.name);
        shown.meta_data = owned(about.meta).or(shown.meta_data);
        shown.role = owned(about.role).or(shown.role);
        shown.main_track_stream_id =
            own.main.as_ref().map(|main| main.as_str().to_owned()).or(shown.main_track_stream_id);
        shown.speed = 1.0;
    }
    if is_live {
        shown.status = status::BROADCASTING.to_owned();
    } else if begun.is_some() {
        shown.status = status::PREPARING.to_owned();
    }
    if let Some(begun) = begun {
        shown.start_time = clock.unix_ms(begun);
        shown.publish_type.get_or_insert_with(|| "WebRTC".to_owned());
    }
    if !made {
        shown.zombi = true;
        shown.date = shown.start_time;
    }
    Some(shown)
}
