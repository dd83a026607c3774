use patchbay_core::Kind;

use super::*;

fn frame(text: &str) -> ClientFrame<'_> {
    read(text).expect("a message").1
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("messages are UTF-8")
}

fn name(text: &str) -> Name {
    stream_name(text).expect("a name")
}

#[test]
fn what_is_no_object_with_a_command_is_no_message() {
    for text in [
        "",
        "undefined",
        "{",
        "[]",
        "null",
        "\"ping\"",
        r#"{"x":1}"#,
        r#"{"command":null}"#,
        r#"{"command":""}"#,
        r#"{"command":5}"#,
        r#"{"command":"ping"} x"#,
        r#"{"command":"ping",}"#,
        r#"{"Command":"ping"}"#,
        r#"[{"command":"ping"}]"#,
    ] {
        assert!(read(text).is_none(), "{text}");
    }
}

#[test]
fn commands_are_exact() {
    for (command, kind) in [
        ("ping", ClientKind::Ping),
        ("getIceServerConfig", ClientKind::IceServers),
        ("publish", ClientKind::Publish),
        ("play", ClientKind::Play),
        ("stop", ClientKind::Stop),
        ("takeConfiguration", ClientKind::Configuration),
        ("takeCandidate", ClientKind::Candidate),
        ("toggleVideo", ClientKind::ToggleVideo),
        ("toggleAudio", ClientKind::ToggleAudio),
        ("enableTrack", ClientKind::EnableTrack),
        ("getTrackList", ClientKind::TrackList),
        ("getStreamInfo", ClientKind::StreamInfo),
        ("forceStreamQuality", ClientKind::Quality),
        ("joinRoom", ClientKind::JoinRoom),
        ("leaveFromRoom", ClientKind::LeaveRoom),
        ("registerPushNotificationToken", ClientKind::RegisterPush),
        ("sendPushNotification", ClientKind::SendPush),
        ("join", ClientKind::Join),
        ("leave", ClientKind::Leave),
        ("peerMessageCommand", ClientKind::PeerMessage),
        ("getRoomInfo", ClientKind::RoomInfo),
        ("getBroadcastObject", ClientKind::Object),
        ("updateStreamMetaData", ClientKind::MetaData),
        ("getSubtracks", ClientKind::Subtracks),
        ("getSubtracksCount", ClientKind::SubtrackCount),
        ("getSubscriberCount", ClientKind::SubscriberCount),
        ("getSubscribers", ClientKind::Subscribers),
        ("getVideoTrackAssignmentsCommand", ClientKind::Assignments),
        ("updateVideoTrackAssignmentsCommand", ClientKind::Assignments),
        ("getDebugInfo", ClientKind::DebugInfo),
        ("Ping", ClientKind::Unknown),
        ("ping ", ClientKind::Unknown),
    ] {
        let text = format!(r#"{{"streamId":"s","command":"{command}"}}"#);
        assert_eq!(read(&text).expect("a message").0, kind, "{command}");
    }
    assert_eq!(read(r#"{"command":"play","command":"st\u006fp"}"#).expect("a message").0, ClientKind::Stop);
}

#[test]
fn fields_may_be_absent_null_empty_or_of_another_type() {
    for value in ["null", "\"\"", "5", "[]", "{\"a\":[1]}", "true"] {
        let text =
            format!(r#"{{"command":"x","streamId":{value},"mainTrack":{value},"sdp":{value},"trackList":{value}}}"#);
        let frame = frame(&text);
        assert_eq!((frame.stream, frame.main, frame.sdp, frame.tracks.len()), (None, None, None, 0), "{value}");
    }
    let frame =
        frame(r#"{"command":"x","streamId":"a","streamId":"b","sdp":"v=0\r\n","candidate":"c","userPublishId":"u"}"#);
    assert_eq!(frame.stream.as_deref(), Some("b"), "the last counts");
    assert_eq!(frame.sdp.as_deref(), Some("v=0\r\n"));
    assert_eq!((frame.candidate.as_deref(), frame.own.as_deref()), (Some("c"), Some("u")));
}

#[test]
fn switches_and_numbers_may_be_texts() {
    for (value, switch, number) in [
        ("true", Some(true), None),
        ("\"true\"", Some(true), None),
        ("false", Some(false), None),
        ("\"false\"", Some(false), None),
        ("null", None, None),
        ("\"auto\"", None, None),
        ("0", None, Some(0)),
        ("360", None, Some(360)),
        ("\"360\"", None, Some(360)),
        ("-1", None, None),
        ("1.5", None, None),
        ("99999999999", None, None),
        ("[true]", None, None),
    ] {
        let text = format!(
            r#"{{"command":"x","video":{value},"audio":{value},"enabled":{value},"disableTracksByDefault":{value},"streamHeight":{value}}}"#
        );
        let frame = frame(&text);
        let switches = [frame.video, frame.audio, frame.enabled, frame.all_off];
        assert_eq!((switches, frame.height), ([switch; 4], number), "{value}");
    }
}

#[test]
fn a_track_list_says_yes_and_no() {
    let text = r#"{"command":"play","trackList":["!main1","cam1",null,"!c\u0061m2",5,""]}"#;
    let tracks: Vec<(String, bool)> =
        frame(text).tracks.into_iter().map(|(track, on)| (track.into_owned(), on)).collect();
    let expected = [("main1", false), ("cam1", true), ("cam2", false)];
    assert_eq!(tracks, expected.map(|(track, on)| (track.to_owned(), on)));
    let many = format!(r#"{{"command":"play","trackList":[{}"x"]}}"#, r#""t","#.repeat(TRACKS));
    assert_eq!(frame(&many).tracks.len(), TRACKS);
}

#[test]
fn names_are_letters_digits_and_three_signs() {
    for good in ["s", "A_1-b.c", &"x".repeat(256)] {
        assert!(stream_name(good).is_some(), "{good}");
    }
    for bad in ["", "a b", "a/b", "a:b", "ü", "a\n", "!a", &"x".repeat(257)] {
        assert!(stream_name(bad).is_none(), "{bad}");
    }
}

#[test]
fn messages_are_written_as_the_strictest_client_reads_them() {
    let (s, cam) = (name("s"), name("cam1"));
    let section =
        |mid: &str, kind, source: Option<&Name>| Section { mid: mid.to_owned(), kind, source: source.cloned() };
    let sections = [
        section("0", Some(Kind::Audio), Some(&cam)),
        section("v", Some(Kind::Video), Some(&cam)),
        section("2", Some(Kind::Video), None),
        section("3", None, None),
    ];
    let report = Report { audio_bps: 1, video_bps: 2, target_bps: 3, ..Report::default() };
    let renditions = [Rendition { width: 1280, height: 720, bps: 9 }, Rendition { width: 640, height: 360, bps: 8 }];
    for (message, expected) in [
        (written(pong), r#"{"command":"pong"}"#),
        (written(|out| start(out, &s)), r#"{"command":"start","streamId":"s"}"#),
        (
            written(|out| configuration(out, &s, DescriptionKind::Answer, "v=0\r\nm=audio\r\na=mid:0\r\n", &sections)),
            r#"{"command":"takeConfiguration","streamId":"s","type":"answer","sdp":"v=0\r\nm=audio\r\na=mid:0\r\n"}"#,
        ),
        (
            written(|out| configuration(out, &s, DescriptionKind::Offer, "v=0\r\nm=audio\r\na=mid:0\r\n", &sections)),
            r#"{"command":"takeConfiguration","streamId":"s","type":"offer","sdp":"v=0\r\nm=audio\r\na=mid:0\r\na=msid:cam1 ARDAMSacam1\r\n","idMapping":{"0":"ARDAMSacam1","v":"ARDAMSvcam1"}}"#,
        ),
        (
            written(|out| configuration(out, &s, DescriptionKind::Offer, "v=0\r\n", &sections[3..])),
            r#"{"command":"takeConfiguration","streamId":"s","type":"offer","sdp":"v=0\r\n","idMapping":{}}"#,
        ),
        (
            written(|out| candidate(out, &s, "0", "candidate:1")),
            r#"{"command":"takeCandidate","streamId":"s","label":0,"id":"0","candidate":"candidate:1"}"#,
        ),
        (
            written(|out| notice(out, Notice::PublishStarted, &s)),
            r#"{"command":"notification","definition":"publish_started","streamId":"s"}"#,
        ),
        (
            written(|out| measurement(out, &s, &report)),
            r#"{"command":"notification","definition":"bitrateMeasurement","streamId":"s","targetBitrate":3,"videoBitrate":2,"audioBitrate":1}"#,
        ),
        (
            written(|out| resolution(out, &s, 360)),
            r#"{"command":"notification","definition":"resolutionChangeInfo","streamId":"s","streamHeight":360}"#,
        ),
        (
            written(|out| track_changed(out, &s, &cam, true)),
            r#"{"command":"notification","definition":"subtrackAdded","streamId":"s","trackId":"cam1"}"#,
        ),
        (
            String::from_utf8(event::track_list_updated(&s)).expect("UTF-8"),
            r#"{"command":"event","streamId":"s","eventType":"TRACK_LIST_UPDATED"}"#,
        ),
        (
            written(|out| stream_information(out, &s, Some(Codec::Vp8), 7, &renditions)),
            r#"{"command":"streamInformation","streamId":"s","streamInfo":[{"streamWidth":1280,"streamHeight":720,"videoBitrate":9,"audioBitrate":7,"videoCodec":"VP8"},{"streamWidth":640,"streamHeight":360,"videoBitrate":8,"audioBitrate":7,"videoCodec":"VP8"}]}"#,
        ),
        (
            written(|out| stream_information(out, &s, None, 7, &[])),
            r#"{"command":"streamInformation","streamId":"s","streamInfo":[{"streamWidth":0,"streamHeight":0,"videoBitrate":0,"audioBitrate":7,"videoCodec":""}]}"#,
        ),
        (
            written(|out| track_list(out, &s, &[cam.clone(), s.clone()])),
            r#"{"command":"trackList","streamId":"s","trackList":["cam1","s"]}"#,
        ),
        (written(|out| track_list(out, &s, &[])), r#"{"command":"trackList","streamId":"s","trackList":[]}"#),
        (
            written(|out| ice_servers(out, "turn:h", "u", "\"")),
            r#"{"command":"iceServerConfig","stunServerUri":"turn:h","turnServerUsername":"u","turnServerCredential":"\""}"#,
        ),
        (
            written(|out| error(out, WireError::NoStreamName, None)),
            r#"{"command":"error","definition":"noStreamNameSpecified"}"#,
        ),
        (
            written(|out| error(out, WireError::InvalidStreamName, Some("a \"b"))),
            r#"{"command":"error","definition":"invalidStreamName","streamId":"a \"b"}"#,
        ),
        (
            written(|out| error(out, WireError::InvalidStreamName, Some(&"x".repeat(257)))),
            r#"{"command":"error","definition":"invalidStreamName"}"#,
        ),
        (
            written(|out| error(out, WireError::NoStream, Some("s"))),
            r#"{"command":"error","definition":"no_stream_exist","streamId":"s","error_code":"404"}"#,
        ),
        (
            written(|out| not_playable(out, &s)),
            r#"{"command":"error","definition":"no_stream_exist","streamId":"s","error_code":"404","information":"stream_not_exist_or_not_streaming"}"#,
        ),
    ] {
        assert_eq!(message, expected);
    }
}
