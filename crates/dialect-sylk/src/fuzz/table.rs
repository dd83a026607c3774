//! What every request is made of.

/// Names, the reference's name for the object, and the request: `<rule property>` stands for the value of a property,
/// checked in this order.
pub(super) const REQUESTS: [(&str, &str, &str); 34] = [
    ("ping", "PingRequest", "Ping"),
    (
        "add_account account-add",
        "AccountAddRequest",
        "AccountAdd { account: <account account>, password: <ha1 password>, display_name: <line? display_name>, user_agent: <line? user_agent>, incoming_header_prefixes: <prefixes incoming_header_prefixes> }",
    ),
    ("remove_account account-remove", "AccountRemoveRequest", "AccountRemove { account: <account account> }"),
    ("register account-register", "AccountRegisterRequest", "AccountRegister { account: <account account> }"),
    ("unregister account-unregister", "AccountUnregisterRequest", "AccountUnregister { account: <account account> }"),
    (
        "account-devicetoken",
        "AccountDeviceTokenRequest",
        "AccountDeviceToken { account: <account account>, token: Full { token: <line token>, platform: <line platform>, device: <line device>, silent: <flag silent>, app: <line app> } }",
    ),
    (
        "account-fetch-addressbook",
        "AccountFetchAddressbookRequest",
        "AccountFetchAddressbook { account: <account account> }",
    ),
    (
        "account-update-addressbook",
        "AccountUpdateAddressBookRequest",
        "AccountUpdateAddressbook { account: <account account>, action: <add,delete,update action>, kind: <contact,group,policy type>, data: <object data> }",
    ),
    (
        "account-message",
        "AccountMessageRequest",
        "AccountMessage { account: <account account>, uri: <aor uri>, message: Message { message_id: <id message_id>, content: <text content>, content_type: <line content_type>, timestamp: <line timestamp> } }",
    ),
    (
        "account-disposition-notification",
        "AccountDispositionNotificationRequest",
        "AccountDispositionNotification { account: <account account>, uri: <aor uri>, message_id: <id message_id>, state: <delivered,displayed,error,failed,forbidden state>, timestamp: <line timestamp> }",
    ),
    (
        "account-sync-conversations",
        "AccountSyncConversationsRequest",
        "AccountSyncConversations { account: <account account>, message_id: <id? message_id>, since: <line? since>, limit: <5000 limit> }",
    ),
    (
        "account-mark-conversation-read",
        "AccountMarkConversationReadRequest",
        "AccountMarkConversationRead { account: <account account>, contact: <aor contact> }",
    ),
    (
        "account-remove-message",
        "AccountMessageRemoveRequest",
        "AccountRemoveMessage { account: <account account>, message_id: <id message_id>, contact: <aor contact> }",
    ),
    (
        "account-remove-conversation",
        "AccountConversationRemoveRequest",
        "AccountRemoveConversation { account: <account account>, contact: <aor contact> }",
    ),
    ("lookup-public-key", "LookupPublicKeyRequest", "LookupPublicKey { uri: <aor uri> }"),
    (
        "call session-create",
        "SessionCreateRequest",
        "SessionCreate { session: <id session>, account: <account account>, uri: <aor uri>, sdp: <text sdp>, headers: <headers headers> }",
    ),
    (
        "answer session-answer",
        "SessionAnswerRequest",
        "SessionAnswer { session: <id session>, sdp: <text sdp>, headers: <headers headers> }",
    ),
    (
        "trickle session-trickle",
        "SessionTrickleRequest",
        "SessionTrickle { session: <id session>, candidates: <candidates candidates> }",
    ),
    ("terminate session-terminate", "SessionTerminateRequest", "SessionTerminate { session: <id session> }"),
    (
        "session-update",
        "SessionUpdateRequest",
        "SessionUpdate { session: <id session>, sdp: <text sdp>, headers: <headers headers> }",
    ),
    (
        "session-message",
        "SessionMessageRequest",
        "SessionMessage { session: <id session>, message: Message { message_id: <id message_id>, content: <text content>, content_type: <line content_type>, timestamp: <line timestamp> } }",
    ),
    (
        "session-dtmf-info",
        "SessionDtmfInfoRequest",
        "SessionDtmfInfo { session: <id session>, digit: <digit digit>, duration: <number? duration> }",
    ),
    (
        "videoroom-join",
        "VideoroomJoinRequest",
        "VideoroomJoin { session: <id session>, account: <account account>, uri: <aor uri>, sdp: <text sdp>, audio: <true audio>, video: <true video> }",
    ),
    ("videoroom-leave", "VideoroomLeaveRequest", "VideoroomLeave { session: <id session> }"),
    ("videoroom-terminate", "VideoroomTerminateRequest", "VideoroomLeave { session: <id session> }"),
    (
        "videoroom-session-trickle",
        "VideoroomSessionTrickleRequest",
        "VideoroomSessionTrickle { session: <id session>, candidates: <candidates candidates> }",
    ),
    (
        "videoroom-feed-attach",
        "VideoroomFeedAttachRequest",
        "VideoroomFeedAttach { session: <id session>, publisher: <id publisher>, feed: <id feed> }",
    ),
    (
        "videoroom-feed-answer",
        "VideoroomFeedAnswerRequest",
        "VideoroomFeedAnswer { session: <id session>, feed: <id feed>, sdp: <text sdp> }",
    ),
    (
        "videoroom-feed-detach",
        "VideoroomFeedDetachRequest",
        "VideoroomFeedDetach { session: <id session>, feed: <id feed> }",
    ),
    (
        "videoroom-configure",
        "VideoroomConfigureRequest",
        "VideoroomConfigure { session: <id session>, active_participants: <speakers active_participants> }",
    ),
    (
        "videoroom-invite",
        "VideoroomInviteRequest",
        "VideoroomInvite { session: <id session>, participants: <participants participants> }",
    ),
    (
        "videoroom-message",
        "VideoroomMessageRequest",
        "VideoroomMessage { session: <id session>, message_id: <id message_id>, content: <text content>, content_type: <line content_type> }",
    ),
    (
        "videoroom-composing-indication",
        "VideoroomComposingIndicationRequest",
        "VideoroomComposingIndication { session: <id session>, state: <active,idle state>, refresh: <number? refresh> }",
    ),
    (
        "videoroom-toggle-hand",
        "VideoroomToggleHandRequest",
        "VideoroomToggleHand { session: <id session>, session_id: <id? session_id> }",
    ),
];

/// The same for options of `videoroom-ctl`, whose properties are in an object of their own. `$` is the session.
pub(super) const CONTROLS: [(&str, &str, &str); 7] = [
    (
        "configure-room",
        "VideoroomControlConfigureRoomOptions",
        "VideoroomConfigure { session: $, active_participants: <speakers active_participants> }",
    ),
    (
        "feed-answer",
        "VideoroomControlFeedAnswerOptions",
        "VideoroomFeedAnswer { session: $, feed: <id session>, sdp: <text sdp> }",
    ),
    (
        "feed-attach",
        "VideoroomControlFeedAttachOptions",
        "<!id session>VideoroomFeedAttach { session: $, publisher: <id publisher>, feed: <id session> }",
    ),
    ("feed-detach", "VideoroomControlFeedDetachOptions", "VideoroomFeedDetach { session: $, feed: <id session> }"),
    (
        "invite-participants",
        "VideoroomControlInviteParticipantsOptions",
        "VideoroomInvite { session: $, participants: <participants participants> }",
    ),
    (
        "trickle",
        "VideoroomControlTrickleOptions",
        "VideoroomSessionTrickle { session: <or$ session>, candidates: <candidates candidates> }",
    ),
    ("update", "VideoroomControlUpdateOptions", UPDATE),
];

pub(super) const UPDATE: &str =
    "VideoroomSessionUpdate { session: $, audio: <flag? audio>, video: <flag? video>, bitrate: <number? bitrate> }";
pub(super) const REPLACED: &str = "AccountDeviceToken { account: <account account>, token: Replaced { old: <line? old_token>, new: <line? new_token> } }";
pub(super) const MUTE: (&str, &str, &str) = (
    "videoroom-mute-audio-participants",
    "VideoroomMuteAudioParticipantsRequest",
    "VideoroomMuteAudioParticipants { session: <id session> }",
);
