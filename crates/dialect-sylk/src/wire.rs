//! Frames in and out: bytes to types and back, no behaviour.
//!
//! Three generations of clients are served (sylk.md section 0). What comes in is read by the union of their names, what
//! goes out is written in the one that the client speaks:
//!
//! | module | what |
//! |---|---|
//! | [`request`] | what clients ask, whatever they call it |
//! | [`read`](mod@read) | text to [`Request`], by way of `object` (keys), `property` and `list` (checks) and `control` (`videoroom-ctl`) |
//! | [`problem`] | what is wrong with a text, and the words for it |
//! | [`vocabulary`] | which spelling a client is written to |
//! | [`event`] | what clients are told |
//! | [`write`](mod@write) | [`Event`] to text, one file per spelling |
//!
//! Of two equal keys the last counts; keys that nobody knows vanish; texts leave as `JSON.stringify` writes them.

pub mod between;
mod choice;
mod control;
pub mod event;
mod json;
mod list;
mod object;
pub mod problem;
mod property;
pub mod read;
pub mod request;
#[cfg(test)]
mod tests;
pub mod vocabulary;
pub mod write;

pub use event::Event;
pub use problem::{Ignored, Problem};
pub use read::{Decoded, read};
pub use request::{Request, Verb};
pub use vocabulary::{Latch, Originator, Spelling, Subprotocol, Vocabulary};
pub use write::{ack, error, ready, write};

/// A request as a client names it.
#[derive(Debug)]
pub struct Name {
    /// On the wire, without regard to case.
    pub name: &'static str,
    /// What it asks for. `None`: that stands in the request, which is `videoroom-ctl`.
    pub verb: Option<Verb>,
    /// What a client of the old subprotocol speaks that uses it; `None` if it says nothing about that.
    pub of: Option<Vocabulary>,
    /// The reference's word for it in errors.
    pub model: &'static str,
}

const fn name(name: &'static str, verb: Verb, of: Vocabulary, model: &'static str) -> Name {
    Name { name, verb: Some(verb), of: Some(of), model }
}

/// All names of all generations (sylk.md section 3): none means two things, so one table serves all.
pub const NAMES: &[Name] = {
    use Vocabulary::{V0, V1};
    &[
        // Clients of the old subprotocol never send it, so it tells nothing of them.
        Name { name: "ping", verb: Some(Verb::Ping), of: None, model: "PingRequest" },
        name("add_account", Verb::AccountAdd, V0, "AccountAddRequest"),
        name("remove_account", Verb::AccountRemove, V0, "AccountRemoveRequest"),
        name("register", Verb::AccountRegister, V0, "AccountRegisterRequest"),
        name("unregister", Verb::AccountUnregister, V0, "AccountUnregisterRequest"),
        name("call", Verb::SessionCreate, V0, "SessionCreateRequest"),
        name("answer", Verb::SessionAnswer, V0, "SessionAnswerRequest"),
        name("trickle", Verb::SessionTrickle, V0, "SessionTrickleRequest"),
        name("terminate", Verb::SessionTerminate, V0, "SessionTerminateRequest"),
        name("account-add", Verb::AccountAdd, V1, "AccountAddRequest"),
        name("account-remove", Verb::AccountRemove, V1, "AccountRemoveRequest"),
        name("account-register", Verb::AccountRegister, V1, "AccountRegisterRequest"),
        name("account-unregister", Verb::AccountUnregister, V1, "AccountUnregisterRequest"),
        name("account-devicetoken", Verb::AccountDeviceToken, V1, "AccountDeviceTokenRequest"),
        name("account-fetch-addressbook", Verb::AccountFetchAddressbook, V1, "AccountFetchAddressbookRequest"),
        name("account-update-addressbook", Verb::AccountUpdateAddressbook, V1, "AccountUpdateAddressBookRequest"),
        name("account-message", Verb::AccountMessage, V1, "AccountMessageRequest"),
        name(
            "account-disposition-notification",
            Verb::AccountDispositionNotification,
            V1,
            "AccountDispositionNotificationRequest",
        ),
        name("account-sync-conversations", Verb::AccountSyncConversations, V1, "AccountSyncConversationsRequest"),
        name(
            "account-mark-conversation-read",
            Verb::AccountMarkConversationRead,
            V1,
            "AccountMarkConversationReadRequest",
        ),
        name("account-remove-message", Verb::AccountRemoveMessage, V1, "AccountMessageRemoveRequest"),
        name("account-remove-conversation", Verb::AccountRemoveConversation, V1, "AccountConversationRemoveRequest"),
        name("lookup-public-key", Verb::LookupPublicKey, V1, "LookupPublicKeyRequest"),
        name("session-create", Verb::SessionCreate, V1, "SessionCreateRequest"),
        name("session-answer", Verb::SessionAnswer, V1, "SessionAnswerRequest"),
        name("session-trickle", Verb::SessionTrickle, V1, "SessionTrickleRequest"),
        name("session-terminate", Verb::SessionTerminate, V1, "SessionTerminateRequest"),
        name("session-update", Verb::SessionUpdate, V1, "SessionUpdateRequest"),
        name("session-message", Verb::SessionMessage, V1, "SessionMessageRequest"),
        name("session-dtmf-info", Verb::SessionDtmfInfo, V1, "SessionDtmfInfoRequest"),
        name("videoroom-join", Verb::VideoroomJoin, V1, "VideoroomJoinRequest"),
        name("videoroom-leave", Verb::VideoroomLeave, V1, "VideoroomLeaveRequest"),
        name("videoroom-terminate", Verb::VideoroomLeave, V1, "VideoroomTerminateRequest"),
        Name { name: "videoroom-ctl", verb: None, of: Some(V1), model: "VideoroomControlRequest" },
        name("videoroom-session-trickle", Verb::VideoroomSessionTrickle, V1, "VideoroomSessionTrickleRequest"),
        name("videoroom-session-update", Verb::VideoroomSessionUpdate, V1, "VideoroomSessionUpdateRequest"),
        name("videoroom-feed-attach", Verb::VideoroomFeedAttach, V1, "VideoroomFeedAttachRequest"),
        name("videoroom-feed-answer", Verb::VideoroomFeedAnswer, V1, "VideoroomFeedAnswerRequest"),
        name("videoroom-feed-detach", Verb::VideoroomFeedDetach, V1, "VideoroomFeedDetachRequest"),
        name("videoroom-configure", Verb::VideoroomConfigure, V1, "VideoroomConfigureRequest"),
        name("videoroom-invite", Verb::VideoroomInvite, V1, "VideoroomInviteRequest"),
        name("videoroom-message", Verb::VideoroomMessage, V1, "VideoroomMessageRequest"),
        name(
            "videoroom-composing-indication",
            Verb::VideoroomComposingIndication,
            V1,
            "VideoroomComposingIndicationRequest",
        ),
        name(
            "videoroom-mute-audio-participants",
            Verb::VideoroomMuteAudioParticipants,
            V1,
            "VideoroomMuteAudioParticipantsRequest",
        ),
        name("videoroom-toggle-hand", Verb::VideoroomToggleHand, V1, "VideoroomToggleHandRequest"),
    ]
};
