//! `videoroom-ctl`, which says in an object of its own what today's clients say with a request each: sylk.md section 5.

use super::choice::Choice;
use super::object::Value;
use super::problem::Problem;
use super::property::{Checked, Properties, id};
use super::request::{Request, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    ConfigureRoom,
    FeedAnswer,
    FeedAttach,
    FeedDetach,
    InviteParticipants,
    Trickle,
    Update,
}

impl Choice for Control {
    const ALL: &'static [Self] = &[
        Self::ConfigureRoom,
        Self::FeedAnswer,
        Self::FeedAttach,
        Self::FeedDetach,
        Self::InviteParticipants,
        Self::Trickle,
        Self::Update,
    ];
    const WORDS: &'static [&'static str] =
        &["configure-room", "feed-answer", "feed-attach", "feed-detach", "invite-participants", "trickle", "update"];
}

impl Control {
    /// The key of the object that belongs to it, and the reference's word for that object.
    const fn object(self) -> (&'static str, &'static str) {
        match self {
            Self::ConfigureRoom => ("configure_room", "VideoroomControlConfigureRoomOptions"),
            Self::FeedAnswer => ("feed_answer", "VideoroomControlFeedAnswerOptions"),
            Self::FeedAttach => ("feed_attach", "VideoroomControlFeedAttachOptions"),
            Self::FeedDetach => ("feed_detach", "VideoroomControlFeedDetachOptions"),
            Self::InviteParticipants => ("invite_participants", "VideoroomControlInviteParticipantsOptions"),
            Self::Trickle => ("trickle", "VideoroomControlTrickleOptions"),
            Self::Update => ("update", "VideoroomControlUpdateOptions"),
        }
    }
}

/// The request that today's clients would have sent.
pub(super) fn control<'a>(properties: &mut Properties<'a>) -> Checked<'a, Request<'a>> {
    let session = properties.id("session")?;
    let control: Control = properties.choice("option")?;
    let (key, model) = control.object();
    let mut options = properties.object(key, model)?.ok_or(Problem::NoOption(key))?;
    Ok(match control {
        Control::ConfigureRoom => {
            Request::VideoroomConfigure { session, active_participants: options.active_participants()? }
        }
        Control::FeedAnswer => {
            Request::VideoroomFeedAnswer { session, feed: options.id("session")?, sdp: options.text("sdp")? }
        }
        Control::FeedAttach => {
            let feed = options.id("session")?;
            Request::VideoroomFeedAttach { session, feed, publisher: options.id("publisher")? }
        }
        Control::FeedDetach => Request::VideoroomFeedDetach { session, feed: options.id("session")? },
        Control::InviteParticipants => Request::VideoroomInvite { session, participants: options.participants()? },
        Control::Trickle => {
            // Of a feed, if one is named; an empty name is none.
            let feed = match options.may("session") {
                Some(Value::Text(name)) if name.is_empty() => None,
                feed => feed.map(|feed| id("session", feed)).transpose()?,
            };
            Request::VideoroomSessionTrickle { session: feed.unwrap_or(session), candidates: options.candidates()? }
        }
        Control::Update => update(session, &mut options)?,
    })
}

/// What is sent and how much of it, for a member or a feed.
pub(super) fn update<'a>(session: Text<'a>, options: &mut Properties<'a>) -> Checked<'a, Request<'a>> {
    Ok(Request::VideoroomSessionUpdate {
        session,
        audio: options.maybe_flag("audio")?,
        video: options.maybe_flag("video")?,
        bitrate: options.maybe_number("bitrate")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_like_options() {
        assert!(Control::WORDS.is_sorted());
        for (at, (control, word)) in Control::ALL.iter().zip(Control::WORDS).enumerate() {
            assert_eq!((*control as usize, control.object().0), (at, word.replace('-', "_").as_str()));
        }
    }
}
