use super::*;

const fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn expires(value: &str) -> SessionExpires {
    SessionExpires::parse(value).expect(value)
}

#[test]
fn lines_are_read_and_written() {
    for (value, interval, refresher) in [
        ("1800", 1_800, None),
        (" 90 ;refresher=uac", 90, Some(Role::Uac)),
        ("90;x=y; Refresher = UAS", 90, Some(Role::Uas)),
        ("90;refresher=both", 90, None),
        ("99999999999", u32::MAX, None),
    ] {
        let line = expires(value);
        assert_eq!((line.interval, line.refresher), (interval, refresher), "{value}");
        assert_eq!(SessionExpires::parse(&line.write()), Some(line));
    }
    for value in ["", "x", "-1", "+90", ";refresher=uac"] {
        assert_eq!(SessionExpires::parse(value), None, "{value}");
    }
    assert_eq!((min_se("120;x=1"), min_se("soon")), (Some(120), None));
}

#[test]
fn too_small_an_interval_is_raised() {
    let asking = Asking::new(INTERVAL);
    assert_eq!((asking.interval, asking.least), (1_800, 90));
    let raised = asking.on_422(Some(3_600)).expect("it may");
    assert_eq!((raised.interval, raised.least), (3_600, 3_600));
    for least in [None, Some(3_600), Some(60), Some(u32::MAX)] {
        assert_eq!(raised.on_422(least), None, "{least:?}");
    }
    let third = raised.on_422(Some(3_601)).and_then(|next| next.on_422(Some(3_602))).expect("three");
    assert_eq!(third.on_422(Some(3_603)), None, "that is a quarrel");
    assert_eq!(Asking::new(1).interval, 90);
}

#[test]
fn the_answer_to_our_call_says_who_refreshes() {
    let asking = Asking::new(INTERVAL);
    assert_eq!(asking.on_success(None, at(0)), None);
    for (answer, ours, deadline) in [
        ("90;refresher=uac", true, 45),
        ("90", true, 45),
        ("90;refresher=uas", false, 60),
        ("1800;refresher=uac", true, 900),
        ("1800;refresher=uas", false, 1_768),
        ("30;refresher=uac", true, 45),
    ] {
        let timer = asking.on_success(Some(expires(answer)), at(0)).expect(answer);
        assert_eq!((timer.is_ours(), timer.deadline()), (ours, at(deadline)), "{answer}");
    }
}

#[test]
fn a_request_is_answered() {
    assert_eq!(asked(None, true, at(0)), Asked::Nothing);
    assert_eq!(asked(Some(expires("89")), true, at(0)), Asked::TooSmall);
    for (value, supported, written, requires) in [
        ("90;refresher=uac", true, "90;refresher=uac", true),
        ("90;refresher=uas", true, "90;refresher=uas", false),
        ("90", true, "90;refresher=uac", true),
        ("90", false, "90;refresher=uas", false),
        ("90;refresher=uac", false, "90;refresher=uas", false),
        ("30", false, "90;refresher=uas", false),
        ("999999", true, "86400;refresher=uac", true),
    ] {
        let Asked::Timer { answer, require, timer } = asked(Some(expires(value)), supported, at(0)) else {
            panic!("{value} is no timer");
        };
        assert_eq!((answer.write().as_str(), require), (written, requires), "{value} {supported}");
        assert_eq!(timer.is_ours(), !requires);
    }
}

#[test]
fn who_refreshes_does_so_at_half_time() {
    let mut timer = Timer::new(90, true, at(100));
    assert_eq!(timer.on_deadline(at(144)), None);
    assert_eq!(timer.deadline(), at(145));
    assert_eq!(timer.on_deadline(at(145)), Some(Due::Refresh));
    assert_eq!(timer.ask().write(), "90;refresher=uac");
    assert_eq!((timer.deadline(), timer.on_deadline(at(146))), (at(160), None), "it waits for the answer");
    assert_eq!(timer.on_answer(200, Some(expires("120;refresher=uac")), at(147)), Refreshed::On);
    assert_eq!(timer.deadline(), at(207));
    timer.on_deadline(at(207));
    assert_eq!(timer.on_answer(200, Some(expires("120;refresher=uas")), at(208)), Refreshed::On);
    assert_eq!((timer.is_ours(), timer.deadline()), (false, at(296)), "roles may change");
}

#[test]
fn a_refresh_that_asks_for_too_little_asks_for_more() {
    let mut timer = Timer::new(90, true, at(0));
    timer.on_deadline(at(45));
    timer.on_422(Some(90), at(45));
    timer.on_422(None, at(45));
    assert_eq!(timer.deadline(), at(60), "no more than that");
    for (least, asked) in [(120, 120), (121, 121), (122, 122), (123, 122)] {
        timer.on_422(Some(least), at(46));
        assert_eq!(timer.ask().interval, asked);
        assert_eq!(timer.on_deadline(at(46)), (least == asked).then_some(Due::Refresh), "{least}");
    }
    timer.on_answer(200, Some(expires("122;refresher=uac")), at(47));
    timer.on_422(Some(200), at(50));
    assert_eq!(timer.ask().interval, 200, "the next may again");
}

#[test]
fn who_is_not_refreshed_ends_the_call() {
    let mut peer = Timer::new(90, false, at(0));
    assert_eq!(peer.on_deadline(at(59)), None);
    assert_eq!(peer.on_deadline(at(60)), Some(Due::Bye));
    let mut ours = Timer::new(90, true, at(0));
    ours.on_deadline(at(45));
    assert_eq!(ours.on_answer(500, None, at(46)), Refreshed::On, "it may still be mended");
    assert_eq!(ours.on_deadline(at(60)), Some(Due::Bye));
    for status in [408, 481] {
        assert_eq!(Timer::new(90, true, at(0)).on_answer(status, None, at(1)), Refreshed::Bye);
    }
}

#[test]
fn two_requests_that_meet_are_sent_again_apart() {
    let mut timer = Timer::new(90, true, at(0));
    timer.on_deadline(at(45));
    timer.on_answer(491, None, at(45));
    timer.again(at(45) + glare(true, 0));
    assert_eq!(timer.deadline(), Moment::from_micros(47_100_000));
    assert_eq!(timer.on_deadline(timer.deadline()), Some(Due::Refresh));
    for random in 0..1_000 {
        assert!((2_100..=4_000).contains(&glare(true, random).as_millis()));
        assert!(glare(false, random).as_millis() <= 2_000);
    }
}
