use std::task::Context;

use patchbay_core::Hub;
use patchbay_dialect_kit::job::{Key, Table};

use super::*;

pub(crate) fn party() -> PartyId {
    let mut effects = patchbay_core::Effects::new();
    let profile = patchbay_core::Profile {
        realm: patchbay_core::Realm(0),
        lang: patchbay_core::Lang(1),
        peer_to_peer: false,
        one_call: false,
        transport: patchbay_core::Transport::default(),
    };
    Hub::new(0, patchbay_core::Limits { realms: vec![patchbay_core::RealmLimits::default()] })
        .attach(profile, &mut effects)
}

fn get() -> Job {
    Job::Get(vec![Key::new(Table::Setting, "one")])
}

#[test]
fn an_outcome_wakes_who_waits_for_it() {
    let (jobs, mailbox) = (Jobs::new(Store::memory(), Hooks::nowhere()), Arc::new(Mailbox::default()));
    jobs.take(party(), &mailbox, Tag(7), get());
    assert!(!mailbox.sleep(1, &Context::from_waker(Waker::noop())), "there is work");
    assert_eq!(mailbox.take_done(), Some((Tag(7), Done::Records(vec![None]))));
    assert_eq!(mailbox.take_done(), None);
    assert!(mailbox.sleep(1, &Context::from_waker(Waker::noop())));
}

#[test]
fn one_more_than_may_be_fails_at_once() {
    let (jobs, mailbox) = (Jobs::new(Store::memory(), Hooks::nowhere()), Arc::new(Mailbox::default()));
    for tag in 0..=ORDERS {
        jobs.take(party(), &mailbox, Tag(tag as u64), get());
    }
    for _ in 0..ORDERS {
        assert!(matches!(mailbox.take_done(), Some((_, Done::Records(_)))));
    }
    assert_eq!(mailbox.take_done(), Some((Tag(ORDERS as u64), Done::Failed)));
    jobs.take(party(), &mailbox, Tag(1), get());
    assert_eq!(mailbox.take_done(), Some((Tag(1), Done::Records(vec![None]))), "there is room again");
}

#[test]
fn who_says_nothing_has_failed() {
    let mailbox = Arc::new(Mailbox::default());
    mailbox.order();
    drop(Waiting { party: party(), mailbox: Arc::clone(&mailbox), tag: Tag(3), told: false, counts: true });
    assert_eq!(mailbox.take_done(), Some((Tag(3), Done::Failed)));
}
