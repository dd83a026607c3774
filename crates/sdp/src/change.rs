//! What a telephone's re-INVITE changes, so that most of them are answered without the browser hearing of it.

use patchbay_core::Kind;

use super::codecs::Format;
use super::to_browser::{Agreed, Phone, PhoneSection};

/// Hold, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// As it was.
    Same,
    /// Now on hold: send nothing.
    Begins,
    /// No longer: begin with a key frame, and rebase what is sent to the browser.
    Ends,
}

/// What has become of the codec that flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coded {
    /// It flows by the same number.
    Same,
    /// It is still offered, by another number.
    Renumbered(Format),
    /// It is no longer offered: the browser could not follow.
    Lost,
}

/// What changes for a section that has flowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which, by its place.
    pub place: usize,
    /// See there.
    pub hold: Hold,
    /// Another direction, with or without [`Hold`].
    pub direction: bool,
    /// Another address or port for RTP or RTCP.
    pub moved: bool,
    /// Other keys, or another profile.
    pub keys: bool,
    /// See there.
    pub codec: Coded,
    /// It is rejected now, or can no longer be used.
    pub ends: bool,
}

/// How a re-INVITE is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes but a timer: repeat the last answer.
    Refresh,
    /// Answer here; the browser need not know.
    Inside,
    /// New media is offered: pass it on to a client that can take it, else answer with the new sections rejected.
    NewMedia,
    /// The codec for sound that flows is gone: 488, and the call goes on as before.
    Refuse,
}

/// What a re-INVITE changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// For each section that has flowed.
    pub sections: Vec<Changed>,
    /// Sections for sound or pictures that have not flowed and are offered now, by place.
    pub added: Vec<usize>,
    /// Sound that has flowed has no codec any more.
    deaf: bool,
}

impl Changes {
    /// How to answer.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.deaf {
            Verdict::Refuse
        } else if !self.added.is_empty() {
            Verdict::NewMedia
        } else if self.sections.iter().all(Changed::is_nothing) {
            Verdict::Refresh
        } else {
            Verdict::Inside
        }
    }
}

impl Changed {
    fn is_nothing(&self) -> bool {
        self.hold == Hold::Same
            && self.codec == Coded::Same
            && !(self.direction || self.moved || self.keys || self.ends)
    }
}

/// Compares the telephone's last description, offer or answer, with its new offer. `agreed` is what was made of the last,
/// by section: what is `None` there has not flowed.
#[must_use]
pub fn compare(last: &Phone, new: &Phone, agreed: &[Option<Agreed>]) -> Changes {
    let mut changes = Changes { sections: Vec::new(), added: Vec::new(), deaf: false };
    for place in 0..last.sections.len().max(new.sections.len()) {
        let flowed = agreed.get(place).and_then(Option::as_ref).zip(last.sections.get(place));
        // A place may get another kind once its section was rejected (RFC 3264 section 8.2).
        let now = new.sections.get(place).filter(|now| now.is_usable());
        match flowed {
            Some((agreed, before)) => {
                let now = now.filter(|now| now.kind == before.kind);
                let changed = section(place, agreed, before, now);
                changes.deaf |= before.kind == Some(Kind::Audio) && changed.codec == Coded::Lost;
                changes.sections.push(changed);
            }
            None if now.is_some() && !before_refused(last, place, now) => changes.added.push(place),
            None => {}
        }
    }
    changes
}

/// A section that we refused the last time and that is offered again as it was is nothing new.
fn before_refused(last: &Phone, place: usize, now: Option<&PhoneSection>) -> bool {
    let before = last.sections.get(place).filter(|before| before.is_usable());
    before.zip(now).is_some_and(|(before, now)| before.kind == now.kind && before.formats == now.formats)
}

fn section(place: usize, agreed: &Agreed, before: &PhoneSection, now: Option<&PhoneSection>) -> Changed {
    let Some(now) = now else {
        let (hold, codec) = (Hold::Same, Coded::Same);
        return Changed { place, hold, direction: false, moved: false, keys: false, codec, ends: true };
    };
    let hold = match (before.held, now.held) {
        (false, true) => Hold::Begins,
        (true, false) => Hold::Ends,
        _ => Hold::Same,
    };
    let by_number = now.formats.codecs.iter().find(|format| **format == agreed.phone);
    let same = |format: &&Format| match (format.codec, agreed.phone.codec) {
        (patchbay_core::Codec::H264 { mode, .. }, patchbay_core::Codec::H264 { mode: ours, .. }) => mode == ours,
        (one, other) => one == other,
    };
    let codec = match (by_number, now.formats.codecs.iter().find(same)) {
        (Some(_), _) => Coded::Same,
        (None, Some(format)) if format.payload == agreed.phone.payload => Coded::Same,
        (None, Some(format)) => Coded::Renumbered(*format),
        (None, None) => Coded::Lost,
    };
    Changed {
        place,
        hold,
        direction: before.direction != now.direction,
        // Who is put on hold by 0.0.0.0 has not moved.
        moved: now.rtp.is_some() && (before.rtp, before.rtcp) != (now.rtp, now.rtcp),
        keys: before.crypto != now.crypto || before.profile != now.profile,
        codec,
        ends: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{BARESIP_OFFER, CHROMIUM_OFFER, LINPHONE_OFFER};
    use crate::{Description, offered};

    fn phone(text: &str) -> Phone {
        Phone::read(&Description::parse(text).expect("a description")).expect("usable")
    }

    fn compared(from: &str, to: &str) -> Changes {
        let last = phone(BARESIP_OFFER);
        let browser = Description::parse(CHROMIUM_OFFER).expect("an offer");
        let agreed = offered(&last, &browser).expect("agreed");
        assert!(BARESIP_OFFER.contains(from), "{from}");
        compare(&last, &phone(&BARESIP_OFFER.replace(from, to)), &agreed)
    }

    const NOTHING: Changed = Changed {
        place: 0,
        hold: Hold::Same,
        direction: false,
        moved: false,
        keys: false,
        codec: Coded::Same,
        ends: false,
    };

    #[test]
    fn what_is_repeated_is_a_refresh() {
        for (from, to) in [("1446186123", "1446186124"), ("a=label:1", "a=label:7"), ("s=-", "s=x")] {
            let changes = compared(from, to);
            assert_eq!(changes.sections, [NOTHING, Changed { place: 1, ..NOTHING }]);
            assert_eq!(changes.verdict(), Verdict::Refresh);
        }
    }

    #[test]
    fn hold_is_seen_in_each_of_its_forms() {
        for (from, to, direction) in [
            ("a=sendrecv", "a=sendonly", true),
            ("a=sendrecv", "a=inactive", true),
            ("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", false),
        ] {
            let changes = compared(from, to);
            let held = Changed { hold: Hold::Begins, direction, ..NOTHING };
            assert_eq!(changes.sections, [held, Changed { place: 1, ..held }], "{to}");
            assert_eq!(changes.verdict(), Verdict::Inside);
            let last = phone(&BARESIP_OFFER.replace(from, to));
            let browser = Description::parse(CHROMIUM_OFFER).expect("an offer");
            let agreed = offered(&last, &browser).expect("agreed");
            let back = compare(&last, &phone(BARESIP_OFFER), &agreed);
            assert!(back.sections.iter().all(|section| section.hold == Hold::Ends), "{to}");
        }
        let changes = compared("a=sendrecv", "a=recvonly");
        assert_eq!((changes.sections[0].hold, changes.sections[0].direction), (Hold::Same, true), "that is no hold");
    }

    #[test]
    fn moves_and_keys_are_seen() {
        for (from, to) in
            [("127.0.0.1\nt=", "127.0.0.2\nt="), ("audio 20002", "audio 20012"), ("rtcp:20003", "rtcp:20013")]
        {
            let changes = compared(from, to);
            assert_eq!(changes.sections[0], Changed { moved: true, ..NOTHING }, "{to}");
            assert_eq!(changes.verdict(), Verdict::Inside);
        }
        for (from, to) in [("inline:PS1u", "inline:QS1u"), ("RTP/AVP 96 0", "RTP/SAVP 96 0")] {
            assert_eq!(compared(from, to).sections[0], Changed { keys: true, ..NOTHING }, "{to}");
        }
    }

    #[test]
    fn codecs_may_be_renumbered_and_lost() {
        let opus = Format { payload: 97, codec: patchbay_core::Codec::Opus };
        let changes = compared("96 opus", "97 opus");
        assert_eq!(changes.verdict(), Verdict::Refuse, "97 is not in the media line");
        let text = BARESIP_OFFER.replace("RTP/AVP 96 0", "RTP/AVP 97 0").replace("96 opus", "97 opus");
        let browser = Description::parse(CHROMIUM_OFFER).expect("an offer");
        let last = phone(BARESIP_OFFER);
        let agreed = offered(&last, &browser).expect("agreed");
        let changes = compare(&last, &phone(&text), &agreed);
        assert_eq!(changes.sections[0].codec, Coded::Renumbered(opus));
        assert_eq!(changes.verdict(), Verdict::Inside);
        let changes = compared("VP8", "H264");
        assert_eq!((changes.sections[1].codec, changes.verdict()), (Coded::Lost, Verdict::Inside), "only the picture");
    }

    #[test]
    fn a_level_may_change() {
        let text = LINPHONE_OFFER.replace("VP8", "x");
        let browser = Description::parse(CHROMIUM_OFFER).expect("an offer");
        let last = phone(&text);
        let agreed = offered(&last, &browser).expect("agreed");
        for (level, codec) in [("42801E", Coded::Same), ("42801E;packetization-mode=1", Coded::Lost)] {
            let changes = compare(&last, &phone(&text.replace("42801F", level)), &agreed);
            assert_eq!(changes.sections[1].codec, codec, "{level}");
        }
    }

    #[test]
    fn sections_come_and_go() {
        let changes = compared("video 20004", "video 0");
        assert_eq!(changes.sections, [NOTHING, Changed { place: 1, ends: true, ..NOTHING }]);
        assert_eq!(changes.verdict(), Verdict::Inside);
        let sound = BARESIP_OFFER.split("m=video").next().expect("sound");
        let last = phone(sound);
        let browser = Description::parse(CHROMIUM_OFFER).expect("an offer");
        let agreed = offered(&last, &browser).expect("agreed");
        let changes = compare(&last, &phone(BARESIP_OFFER), &agreed);
        assert_eq!((changes.added.as_slice(), changes.verdict()), (&[1][..], Verdict::NewMedia));
        let changes = compare(&phone(BARESIP_OFFER), &phone(BARESIP_OFFER), &agreed);
        assert_eq!(changes.verdict(), Verdict::Refresh, "what was refused is no news");
        let changes = compared("m=video 20004 RTP/AVP 96", "m=audio 20004 RTP/AVP 96");
        assert_eq!(changes.sections[1], Changed { place: 1, ends: true, ..NOTHING }, "another kind in its place");
        let image = format!("{sound}m=image 9 udptl t38\n");
        assert_eq!(compare(&last, &phone(&image), &agreed).verdict(), Verdict::Refresh, "no sound, no picture");
    }
}
