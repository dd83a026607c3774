//! What is wrong, as the dialect's definitions: antmedia.md section 4.3.

use patchbay_core::{Cause, CauseKind, Refusal};

use crate::legs::Role;

/// The `definition` of an error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    NoStreamName,
    InvalidStreamName,
    HighResourceUsage,
    StreamIdInUse,
    PublishTimeout,
    AlreadyPublishing,
    AlreadyPlaying,
    NoCodec,
    NoStream,
    ViewerLimit,
    RemoteDescription,
    LocalDescription,
    NoPeer,
    NoSpaceForPeer,
    NotInitialized,
    NoRoom,
    NoActiveStreams,
    Server,
    /// The reference transcodes and may lack a profile to do it with; here only another part of the server can say so.
    NoEncoderSettings,
    /// Nothing here is licensed by the hour; kept for a part of the server that is.
    LicenseSuspended,
    /// What was shown does not open it.
    Unauthorized,
    /// Nobody made it beforehand, where that is wanted.
    Unregistered,
    /// The store is gone.
    DataStore,
    /// It is not its time.
    StreamExpired,
    /// As before, of a room.
    RoomExpired,
    /// This subscriber is not let in for a while.
    Blocked,
    /// The main stream has as many tracks as it may.
    TracksFull,
}

impl WireError {
    /// Every error.
    pub(crate) const ALL: [Self; 27] = [
        Self::NoStreamName,
        Self::InvalidStreamName,
        Self::HighResourceUsage,
        Self::StreamIdInUse,
        Self::PublishTimeout,
        Self::AlreadyPublishing,
        Self::AlreadyPlaying,
        Self::NoCodec,
        Self::NoStream,
        Self::ViewerLimit,
        Self::RemoteDescription,
        Self::LocalDescription,
        Self::NoPeer,
        Self::NoSpaceForPeer,
        Self::NotInitialized,
        Self::NoRoom,
        Self::NoActiveStreams,
        Self::Server,
        Self::NoEncoderSettings,
        Self::LicenseSuspended,
        Self::Unauthorized,
        Self::Unregistered,
        Self::DataStore,
        Self::StreamExpired,
        Self::RoomExpired,
        Self::Blocked,
        Self::TracksFull,
    ];

    pub(crate) const fn definition(self) -> &'static str {
        match self {
            Self::NoStreamName => "noStreamNameSpecified",
            Self::InvalidStreamName => "invalidStreamName",
            Self::HighResourceUsage => "highResourceUsage",
            Self::StreamIdInUse => "streamIdInUse",
            Self::PublishTimeout => "publishTimeoutError",
            Self::AlreadyPublishing => "already_publishing",
            Self::AlreadyPlaying => "already_playing",
            Self::NoCodec => "no_codec_enabled_in_the_server",
            Self::NoStream => "no_stream_exist",
            Self::ViewerLimit => "viewerLimitReached",
            Self::RemoteDescription => "notSetRemoteDescription",
            Self::LocalDescription => "notSetLocalDescription",
            Self::NoPeer => "no_peer_associated_before",
            Self::NoSpaceForPeer => "NoSpaceForNewPeer",
            Self::NotInitialized => "not_initialized_yet",
            Self::NoRoom => "no_room_specified",
            Self::NoActiveStreams => "no_active_streams_in_room",
            Self::Server => "server_error_check_logs",
            Self::NoEncoderSettings => "no_encoder_settings",
            Self::LicenseSuspended => "license_suspended_please_renew_license",
            Self::Unauthorized => "unauthorized_access",
            Self::Unregistered => "not_allowed_unregistered_streams",
            Self::DataStore => "data_store_not_available",
            Self::StreamExpired => "stream_not_active_or_expired",
            Self::RoomExpired => "room_not_active_or_expired",
            Self::Blocked => "user_blocked",
            Self::TracksFull => "main_track_has_max_subtrack_count__not_allowed_to_add_more_subtracks",
        }
    }
}

/// The error for a refusal.
pub(crate) const fn error(refusal: Refusal) -> WireError {
    match refusal {
        Refusal::Overloaded | Refusal::TooManyRooms => WireError::HighResourceUsage,
        Refusal::Publishing => WireError::AlreadyPublishing,
        Refusal::StreamTaken | Refusal::NameTaken | Refusal::NameReserved => WireError::StreamIdInUse,
        Refusal::NoCodec => WireError::NoCodec,
        Refusal::Viewing => WireError::AlreadyPlaying,
        Refusal::NoSuchStream => WireError::NoStream,
        Refusal::StreamFull => WireError::ViewerLimit,
        Refusal::TracksFull => WireError::TracksFull,
        Refusal::NoEngine => WireError::NotInitialized,
        Refusal::NoSuchParty | Refusal::NoSuchLink | Refusal::NotMember | Refusal::NoSuchRoom => WireError::NoPeer,
        Refusal::RoomFull => WireError::NoSpaceForPeer,
        // Calls and the names of callers are nothing that a client of this dialect can ask for.
        Refusal::Busy
        | Refusal::InCall
        | Refusal::NotRegistered
        | Refusal::Oneself
        | Refusal::Registered
        | Refusal::TokenTaken => WireError::Server,
    }
}

/// The error that tells of the end of a publication or view; `None`: it has just finished. A part of the server that
/// has a definition's own words for the cause is taken at its word.
pub(crate) fn end(role: Role, cause: &Cause) -> Option<WireError> {
    let phrase = cause.phrase.as_ref().map(|phrase| phrase.as_str());
    if let Some(said) = WireError::ALL.into_iter().find(|error| Some(error.definition()) == phrase) {
        return Some(said);
    }
    match (cause.kind, role) {
        (CauseKind::Faulty, _) => Some(WireError::RemoteDescription),
        (CauseKind::Failed, _) => Some(WireError::LocalDescription),
        (CauseKind::Overloaded, _) => Some(WireError::HighResourceUsage),
        (CauseKind::TimedOut, Role::Publish) => Some(WireError::PublishTimeout),
        (CauseKind::TimedOut, Role::Play)
        | (
            CauseKind::Busy
            | CauseKind::Cancelled
            | CauseKind::Declined
            | CauseKind::Gone
            | CauseKind::Hangup
            | CauseKind::Over
            | CauseKind::Shutdown,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::Phrase;

    use super::*;

    /// The definitions that antmedia.md section 4.3 lists.
    const DOCUMENTED: [&str; 27] = [
        "noStreamNameSpecified",
        "invalidStreamName",
        "no_encoder_settings",
        "no_peer_associated_before",
        "notSetLocalDescription",
        "notSetRemoteDescription",
        "highResourceUsage",
        "streamIdInUse",
        "publishTimeoutError",
        "license_suspended_please_renew_license",
        "already_playing",
        "already_publishing",
        "no_codec_enabled_in_the_server",
        "viewerLimitReached",
        "no_stream_exist",
        "not_initialized_yet",
        "no_room_specified",
        "no_active_streams_in_room",
        "server_error_check_logs",
        "NoSpaceForNewPeer",
        "unauthorized_access",
        "not_allowed_unregistered_streams",
        "data_store_not_available",
        "stream_not_active_or_expired",
        "room_not_active_or_expired",
        "user_blocked",
        "main_track_has_max_subtrack_count__not_allowed_to_add_more_subtracks",
    ];

    #[test]
    fn definitions_are_those_of_the_specification() {
        let mut ours = WireError::ALL.map(WireError::definition);
        let mut documented = DOCUMENTED;
        ours.sort_unstable();
        documented.sort_unstable();
        assert_eq!(ours, documented);
    }

    #[test]
    fn what_a_client_can_cause_has_its_own_definition() {
        for (refusal, definition) in [
            (Refusal::Overloaded, "highResourceUsage"),
            (Refusal::Publishing, "already_publishing"),
            (Refusal::StreamTaken, "streamIdInUse"),
            (Refusal::NoCodec, "no_codec_enabled_in_the_server"),
            (Refusal::Viewing, "already_playing"),
            (Refusal::NoSuchStream, "no_stream_exist"),
            (Refusal::StreamFull, "viewerLimitReached"),
            (Refusal::TracksFull, "main_track_has_max_subtrack_count__not_allowed_to_add_more_subtracks"),
        ] {
            assert_eq!(error(refusal).definition(), definition);
        }
    }

    #[test]
    fn an_end_is_an_error_if_somebody_is_to_blame() {
        let told = |role, kind: CauseKind| end(role, &kind.into()).map(WireError::definition);
        for kind in CauseKind::ALL {
            let expected = match kind {
                CauseKind::Faulty => Some("notSetRemoteDescription"),
                CauseKind::Failed => Some("notSetLocalDescription"),
                CauseKind::Overloaded => Some("highResourceUsage"),
                _ => None,
            };
            assert_eq!(told(Role::Play, kind), expected, "{kind:?}");
            let expected = if kind == CauseKind::TimedOut { Some("publishTimeoutError") } else { expected };
            assert_eq!(told(Role::Publish, kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_cause_in_the_dialects_own_words_is_said_as_it_is() {
        for definition in ["no_encoder_settings", "license_suspended_please_renew_license"] {
            let cause = Cause { phrase: Phrase::new(definition), ..CauseKind::Hangup.into() };
            assert_eq!(end(Role::Publish, &cause).map(WireError::definition), Some(definition));
        }
        let cause = Cause { phrase: Phrase::new("no_encoder"), ..CauseKind::Hangup.into() };
        assert_eq!(end(Role::Publish, &cause), None);
    }
}
