//! The store on the disk does what the one in memory does, also when it is opened anew in between.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Table, Was};
use patchbay_store::{Memory, Store};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Jobs that wait at the same time.
    Jobs(Vec<Job>),
    Reopen,
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::Broadcast), Just(Table::Token), Just(Table::Subscriber)]
}

/// Few, so that they meet; some begin like others.
fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just("a/1"), Just("a/2"), Just("a/10"), Just("ab/1"), Just("b/1"), Just("b/\u{e9}")].prop_map(Arc::from)
}

fn key() -> impl Strategy<Value = Key> {
    (table(), name()).prop_map(|(table, key)| Key { table, key })
}

fn record() -> impl Strategy<Value = Record> {
    (0..4_u8).prop_map(|number| Record(Arc::from(vec![number; usize::from(number) * 1_000])))
}

fn was() -> impl Strategy<Value = Was> {
    prop_oneof![Just(Was::Anything), Just(Was::Nothing), record().prop_map(Was::Exactly)]
}

fn change() -> impl Strategy<Value = Change> {
    (key(), was(), prop::option::of(record())).prop_map(|(key, was, is)| Change { key, was, is })
}

fn prefix() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just(""), Just("a"), Just("a/"), Just("a/1"), Just("c")].prop_map(Arc::from)
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        1 => vec(key(), 0..4).prop_map(Job::Get),
        4 => vec(change(), 0..4).prop_map(Job::Put),
        1 => (table(), prefix(), prop::option::of(name()), 0..4_usize, 0..4_usize)
            .prop_map(|(table, prefix, after, offset, size)| Job::List { table, prefix, after, offset, size }),
        1 => (table(), prefix()).prop_map(|(table, prefix)| Job::Count { table, prefix }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![8 => vec(job(), 1..6).prop_map(Step::Jobs), 1 => Just(Step::Reopen)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_in_memory(steps in vec(step(), 1..24), number in any::<u64>()) {
        let folder = std::env::temp_dir().join(format!("patchbay-store-model-{}-{number}", std::process::id()));
        let result = run(&folder, steps);
        let _ = std::fs::remove_dir_all(&folder);
        result?;
    }
}

fn run(folder: &Path, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut store = Store::below(folder.to_path_buf(), |_, _| None);
    let mut memory = Memory::default();
    for step in steps {
        match step {
            Step::Reopen => {
                store.close();
                store = Store::below(folder.to_path_buf(), |_, _| None);
            }
            Step::Jobs(jobs) => {
                let (tell, told) = channel::<(usize, Done)>();
                for (number, job) in jobs.iter().enumerate() {
                    let tell = tell.clone();
                    store.order(job.clone(), Box::new(move |done| tell.send((number, done)).expect("somebody waits")));
                }
                let answer = |_| told.recv_timeout(Duration::from_secs(20)).expect("each is answered");
                let mut have: Vec<_> = (0..jobs.len()).map(answer).collect();
                // What is known to be empty is told before what waits.
                have.sort_by_key(|(number, _)| *number);
                let want: Vec<_> = jobs.into_iter().map(|job| memory.carry_out(job)).enumerate().collect();
                prop_assert_eq!(have, want);
            }
        }
    }
    store.close();
    Ok(())
}
