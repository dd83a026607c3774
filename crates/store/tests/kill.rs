//! A process that is killed has lost nothing that it said was stored.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Table, Was};
use patchbay_store::Store;

/// The folder of the process that is going to be killed.
const FOLDER: &str = "PATCHBAY_TEST_STORE";
/// The first number that it stores.
const FIRST: &str = "PATCHBAY_TEST_FIRST";

/// Changes that wait for the disk at the same time.
const AT_ONCE: usize = 64;

fn key(number: u64) -> Key {
    Key::new(Table::Token, format!("live/{number}"))
}

fn record(number: u64) -> Record {
    Record(Arc::from(number.to_string().repeat(50).as_bytes()))
}

fn order(store: &Store, job: Job) -> Receiver<Done> {
    let (tell, told) = channel();
    // Who is killed hears nothing any more.
    store.order(job, Box::new(move |done| drop(tell.send(done))));
    told
}

/// Stores tokens, and uses every other one up, until it is killed; says on standard output what is done.
#[test]
#[ignore = "run by the test below"]
fn store_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut first: u64 = std::env::var(FIRST).expect("a number").parse().expect("a number");
    let store = Store::below(PathBuf::from(folder), |_, _| None);
    let mut out = std::io::stdout().lock();
    loop {
        let numbers = first..first + AT_ONCE as u64;
        first = numbers.end;
        for (word, job) in [
            ("stored", (|number| (Was::Nothing, Some(record(number)))) as fn(u64) -> (Was, Option<Record>)),
            ("used", |number| (Was::Exactly(record(number)), None)),
        ] {
            let meant = numbers.clone().filter(|number| word == "stored" || number % 2 == 0);
            let ordered = meant.map(|number| {
                let (was, is) = job(number);
                (number, order(&store, Job::Put(vec![Change { key: key(number), was, is }])))
            });
            for (number, told) in ordered.collect::<Vec<_>>() {
                assert_eq!(told.recv(), Ok(Done::Stored(true)), "{number}");
                writeln!(out, "\n{word} {number}").expect("somebody reads");
            }
        }
    }
}

/// Runs it for that time, and what it said until it was killed.
fn killed_after(folder: &Path, first: u64, time: Duration) -> Vec<(bool, u64)> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "store_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let reader = std::thread::spawn(move || {
        let said = |line: String| {
            let (word, number) = line.split_once(' ')?;
            let used = ["stored", "used"].iter().position(|one| *one == word)? == 1;
            // A line that was cut has a shorter number; it has no end, and is the last.
            Some((used, number.parse().ok()?))
        };
        let mut lines: Vec<_> = Vec::new();
        let (mut text, mut output) = (String::new(), output);
        while output.read_line(&mut text).unwrap_or(0) > 0 && text.ends_with('\n') {
            lines.extend(said(text.trim_end().to_owned()));
            text.clear();
        }
        lines
    });
    std::thread::sleep(time);
    child.kill().expect("it can be killed: SIGKILL");
    child.wait().expect("it is over");
    reader.join().expect("it has read to the end")
}

#[test]
fn nothing_that_was_said_is_lost() {
    let folder = std::env::temp_dir().join(format!("patchbay-store-kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let (mut stored, mut used) = (BTreeSet::new(), BTreeSet::new());
    // The first ones hit the making of the file, too.
    for (round, time) in [5, 15, 25, 35, 60, 110, 240, 310, 450].into_iter().enumerate() {
        let first = (round as u64 + 1) * 1_000_000;
        for (was_used, number) in killed_after(&folder, first, Duration::from_millis(time)) {
            if was_used { &mut used } else { &mut stored }.insert(number);
        }
        check(&folder, &stored, &used);
    }
    let _ = std::fs::remove_dir_all(&folder);
    assert!(
        stored.len() > 500 && used.len() > 200,
        "{} stored, {} used: too few to say anything",
        stored.len(),
        used.len()
    );
}

fn check(folder: &Path, stored: &BTreeSet<u64>, used: &BTreeSet<u64>) {
    let store = Store::below(folder.to_owned(), |_, _| None);
    let begun = Instant::now();
    for number in stored {
        let told = order(&store, Job::Get(vec![key(*number)])).recv().expect("an outcome");
        let Done::Records(found) = told else { panic!("{told:?} of {number}") };
        match &found[..] {
            // It was used up, or was going to be when the process was killed.
            [None] => assert!(number % 2 == 0, "{number} was stored"),
            [Some(have)] => assert!(*have == record(*number) && !used.contains(number), "{number} is as it was stored"),
            other => panic!("{other:?}"),
        }
    }
    store.close();
    assert!(begun.elapsed() < Duration::from_secs(30));
}
