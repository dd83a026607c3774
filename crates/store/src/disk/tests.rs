use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

use patchbay_dialect_kit::job::{Change, Key, Record, Table, Was};
use redb::StorageBackend;

use super::*;
use crate::file;

/// A folder of one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("patchbay-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn disk(&self) -> Disk {
        Disk::new(file::opener(self.0.clone()), |_, _| None)
    }

    fn file(&self) -> PathBuf {
        self.0.join("store.redb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(name: &str) -> Key {
    Key::new(Table::Broadcast, name)
}

fn record(text: &str) -> Record {
    Record(Arc::from(text.as_bytes()))
}

fn change(name: &str, was: Was, is: Option<&str>) -> Change {
    Change { key: key(name), was, is: is.map(record) }
}

fn put(name: &str, text: &str) -> Job {
    Job::Put(vec![change(name, Was::Anything, Some(text))])
}

fn get(name: &str) -> Job {
    Job::Get(vec![key(name)])
}

fn found(text: &str) -> Done {
    Done::Records(vec![Some(record(text))])
}

fn later(disk: &Disk, job: Job) -> Receiver<Done> {
    let (tell, told) = channel();
    disk.order(job, Box::new(move |done| tell.send(done).expect("somebody waits")));
    told
}

fn ask(disk: &Disk, job: Job) -> Done {
    later(disk, job).recv_timeout(Duration::from_secs(20)).expect("each job is answered once")
}

/// Orders until the store is there again.
fn persist(disk: &Disk, job: &Job) -> Done {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let done = ask(disk, job.clone());
        if done != Done::Failed || Instant::now() > until {
            return done;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A disk whose thread is held up by its first job until the sender is dropped: what is ordered meanwhile waits.
fn held(mut open: Open) -> (Sender<()>, Disk) {
    let (release, released) = channel();
    let gate: Open = Box::new(move |make| {
        let _ = released.recv();
        open(make)
    });
    let disk = Disk::new(gate, |_, _| None);
    disk.order(get("a"), Box::new(|_| ()));
    while disk.counts().queued > 0 {
        std::thread::yield_now();
    }
    (release, disk)
}

#[test]
fn who_stores_nothing_has_no_file() {
    let folder = Folder::new("lazy");
    let disk = folder.disk();
    assert_eq!(ask(&disk, get("a")), Done::Records(vec![None]));
    let list = Job::List { table: Table::Token, prefix: Arc::from(""), after: None, offset: 0, size: 1 };
    assert_eq!(ask(&disk, list), Done::Page { entries: Vec::new(), more: false });
    assert!(!folder.0.exists(), "nothing was to be stored");
    assert_eq!(ask(&disk, put("a", "1")), Done::Stored(true));
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(folder.0.clone()), mode(folder.file())), (0o700, 0o600), "it is nobody else's");
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1, "nothing is left of its making");
}

#[test]
fn changes_are_made_all_or_none_and_outlive_the_thread() {
    let folder = Folder::new("changes");
    let disk = folder.disk();
    let both = |was: Was, text| Job::Put(vec![change("a", Was::Anything, Some(text)), change("b", was, Some(text))]);
    assert_eq!(ask(&disk, both(Was::Nothing, "1")), Done::Stored(true));
    assert_eq!(ask(&disk, both(Was::Nothing, "2")), Done::Stored(false));
    assert_eq!(ask(&disk, both(Was::Exactly(record("3")), "4")), Done::Stored(false));
    assert_eq!(ask(&disk, get("a")), found("1"), "none of them was made");
    assert_eq!(ask(&disk, both(Was::Exactly(record("1")), "5")), Done::Stored(true));
    assert_eq!(ask(&disk, Job::Put(vec![change("b", Was::Anything, None)])), Done::Stored(true));
    disk.close();
    assert_eq!(ask(&disk, get("a")), Done::Failed, "it is closed");
    let again = folder.disk();
    assert_eq!(ask(&again, Job::Get(vec![key("b"), key("a")])), Done::Records(vec![None, Some(record("5"))]));
}

#[test]
fn what_waits_goes_to_the_disk_at_once() {
    let folder = Folder::new("group");
    let (release, disk) = held(Box::new(file::opener(folder.0.clone())));
    let waiting: Vec<_> = (0..BATCH).map(|number| later(&disk, put(&number.to_string(), "x"))).collect();
    assert_eq!(disk.counts().queued, BATCH, "the thread waits for the file");
    drop(release);
    for told in waiting {
        assert_eq!(told.recv(), Ok(Done::Stored(true)));
    }
    let Counts { puts, commits, queued, failed, .. } = disk.counts();
    assert_eq!((puts, queued, failed), (BATCH as u64, 0, 0));
    assert_eq!(commits, 1);
}

#[test]
fn more_than_may_wait_fails_at_once() {
    let (release, disk) = held(Box::new(|_| Ok(None)));
    let waiting: Vec<_> = (0..QUEUE).map(|_| later(&disk, get("a"))).collect();
    assert_eq!(ask(&disk, get("a")), Done::Failed, "while nothing moves");
    assert_eq!((disk.counts().refused, disk.counts().queued), (1, QUEUE));
    drop(release);
    for told in waiting {
        assert_eq!(told.recv(), Ok(Done::Records(vec![None])));
    }
    assert_eq!(ask(&disk, get("a")), Done::Records(vec![None]), "there is room again");
}

#[test]
fn large_records_count_by_their_bytes() {
    let (release, disk) = held(Box::new(|_| Ok(None)));
    let large = "x".repeat(Record::BYTES);
    let waiting: Vec<_> = (0..QUEUED_BYTES / Record::BYTES + 2).map(|_| later(&disk, put("a", &large))).collect();
    assert!(waiting.last().is_some_and(|told| told.try_recv() == Ok(Done::Failed)));
    drop(release);
    let too_large = put("a", &"x".repeat(Record::BYTES + 1));
    assert_eq!(ask(&disk, too_large), Done::Failed);
    assert_eq!(ask(&disk, get(&"k".repeat(Key::BYTES + 1))), Done::Failed);
    assert_eq!(ask(&disk, get("")), Done::Failed);
}

#[test]
fn a_file_that_another_process_has_is_waited_for() {
    let folder = Folder::new("locked");
    let first = folder.disk();
    assert_eq!(ask(&first, put("a", "1")), Done::Stored(true));
    let second = folder.disk();
    assert_eq!(ask(&second, get("a")), Done::Failed);
    assert_eq!(ask(&second, put("a", "2")), Done::Failed);
    first.close();
    assert_eq!(persist(&second, &get("a")), found("1"));
}

#[test]
fn a_damaged_file_fails_jobs_until_it_is_moved_away() {
    for (name, damage) in [
        ("garbage", Box::new(|bytes: &mut Vec<u8>| bytes.fill(7)) as Box<dyn Fn(&mut Vec<u8>)>),
        ("cut", Box::new(|bytes: &mut Vec<u8>| bytes.truncate(5_000))),
        ("empty", Box::new(Vec::clear)),
        ("pages", Box::new(|bytes: &mut Vec<u8>| bytes[4_096..].fill(0xAA))),
    ] {
        let folder = Folder::new(name);
        let disk = folder.disk();
        assert_eq!(ask(&disk, put("a", "1")), Done::Stored(true));
        disk.close();
        let mut bytes = fs::read(folder.file()).expect("the file");
        damage(&mut bytes);
        fs::write(folder.file(), bytes).expect("it is written");
        let disk = folder.disk();
        assert_eq!(ask(&disk, get("a")), Done::Failed, "{name}");
        assert_eq!(ask(&disk, put("b", "1")), Done::Failed, "{name}");
        fs::remove_file(folder.file()).expect("it is there");
        assert_eq!(persist(&disk, &put("b", "1")), Done::Stored(true), "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_fails_jobs() {
    let folder = Folder::new("folder");
    fs::create_dir_all(&folder.0).expect("a folder");
    fs::write(folder.0.join("file"), "x").expect("a file");
    let disk = Disk::new(file::opener(folder.0.join("file/below")), |_, _| None);
    assert_eq!(ask(&disk, put("a", "1")), Done::Failed);
    assert_eq!(disk.counts().failed, 1);
}

/// A disk that can be full.
#[derive(Clone, Debug, Default)]
struct Full {
    bytes: Arc<Mutex<Vec<u8>>>,
    full: Arc<AtomicBool>,
    /// Writes that still succeed when it is full.
    left: Arc<AtomicUsize>,
}

impl Full {
    fn check(&self) -> Result<(), Error> {
        let some = |left: usize| left.checked_sub(1);
        let is_full = self.full.load(Ordering::SeqCst)
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, some).is_err();
        if is_full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Full {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.bytes.lock().expect("sound").len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = usize::try_from(offset).expect("small");
        let bytes = self.bytes.lock().expect("sound");
        let found = bytes.get(offset..offset + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.check()?;
        self.bytes.lock().expect("sound").resize(usize::try_from(len).expect("small"), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.check()?;
        let offset = usize::try_from(offset).expect("small");
        self.bytes.lock().expect("sound")[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn a_full_disk_fails_jobs_and_takes_nothing_back() {
    // The disk is full after every number of writes that one change may take.
    for left in 0..12 {
        let full = Full::default();
        let backend = full.clone();
        let open: Open = Box::new(move |_| {
            let database = Database::builder().create_with_backend(backend.clone())?;
            file::tables(&database)?;
            Ok(Some(database))
        });
        let disk = Disk::new(open, |_, _| None);
        assert_eq!(ask(&disk, put("a", "1")), Done::Stored(true));
        full.left.store(left, Ordering::SeqCst);
        full.full.store(true, Ordering::SeqCst);
        let mut stored = 0;
        let failed = (0..100).any(|number| {
            let done = ask(&disk, put("a", &number.to_string()));
            stored += usize::from(done == Done::Stored(true));
            done == Done::Failed
        });
        assert!(failed, "it is full");
        full.full.store(false, Ordering::SeqCst);
        // Of the change that failed nobody knows whether it was made.
        let known = [stored.checked_sub(1).map_or("1".to_owned(), |last| last.to_string()), stored.to_string()];
        let have = persist(&disk, &get("a"));
        assert!(known.iter().any(|text| have == found(text)), "{left}: {have:?} of {known:?}");
        assert_eq!(persist(&disk, &put("a", "2")), Done::Stored(true), "{left}");
        assert_eq!(ask(&disk, get("a")), found("2"));
    }
}

#[test]
fn records_whose_time_is_over_are_removed() {
    let folder = Folder::new("sweep");
    let disk = folder.disk();
    let token = |name: &str, at: &str| {
        Job::Put(vec![Change { key: Key::new(Table::Token, name), was: Was::Nothing, is: Some(record(at)) }])
    };
    for (name, at) in [("a", "1"), ("b", "99999999999"), ("c", "2"), ("d", "never")] {
        assert_eq!(ask(&disk, token(name, at)), Done::Stored(true));
    }
    disk.close();
    let mut open = file::opener(folder.0.clone());
    let database = open(false).expect("it opens").expect("there is one");
    let expires = |_, record: &[u8]| std::str::from_utf8(record).ok()?.parse().ok();
    let mut sweep = Sweep::new(expires);
    let now = Instant::now();
    let wait = sweep.wait(now);
    assert!(!sweep.is_due(now) && sweep.is_due(now + wait) && !sweep.is_due(now + wait), "once a period");
    assert_eq!(sweep.step(&database).expect("it can be read"), 2);
    assert_eq!(sweep.step(&database).expect("it can be read"), 0);
    drop(database);
    let disk = folder.disk();
    let list = Job::List { table: Table::Token, prefix: Arc::from(""), after: None, offset: 0, size: 10 };
    let left = match ask(&disk, list) {
        Done::Page { entries, .. } => entries.into_iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(left, ["b", "d"]);
}

/// Most servers store nothing, and each publication asks.
#[test]
fn where_nothing_is_nobody_waits_for_the_thread() {
    let folder = Folder::new("spared");
    let disk = folder.disk();
    let (nothing, token) = (Done::Records(vec![None]), || Job::Get(vec![Key::new(Table::Token, "a")]));
    assert_eq!((ask(&disk, get("a")), disk.counts().spared), (nothing.clone(), 0), "nobody has looked");
    assert_eq!((ask(&disk, get("a")), disk.counts().spared), (nothing.clone(), 1));
    // What is ordered behind a change sees it, whether that has been made yet or not.
    let changed = later(&disk, put("a", "1"));
    assert_eq!(ask(&disk, get("a")), found("1"));
    assert_eq!(changed.recv(), Ok(Done::Stored(true)));
    assert_eq!((ask(&disk, token()), disk.counts().spared), (nothing.clone(), 2), "another table");
    assert_eq!(ask(&disk, Job::Put(vec![change("a", Was::Anything, None)])), Done::Stored(true));
    assert_eq!((ask(&disk, get("a")), disk.counts().spared), (nothing.clone(), 2), "it has been used");
    disk.close();
    assert_eq!(ask(&disk, token()), Done::Failed, "a closed store knows nothing");
    let again = folder.disk();
    assert_eq!((ask(&again, token()), again.counts().spared), (nothing.clone(), 0));
    for job in [token(), get("a"), Job::Count { table: Table::Broadcast, prefix: "".into() }] {
        assert_eq!(ask(&again, job.clone()), batch::nothing(&job));
    }
    assert_eq!(again.counts().spared, 3, "what was removed before it was opened is gone");
}

#[test]
fn who_looks_at_many_records_is_passed_by_others() {
    let folder = Folder::new("walks");
    let disk = folder.disk();
    let many: Vec<_> = (0..200).map(|number| change(&format!("x/{number:03}"), Was::Nothing, Some("1"))).collect();
    assert_eq!(ask(&disk, Job::Put(many)), Done::Stored(true));
    disk.close();
    let (release, disk) = held(file::opener(folder.0.clone()));
    let (tell, told) = channel();
    let count = || Job::Count { table: Table::Broadcast, prefix: "x/".into() };
    for (number, job) in [count(), get("x/007"), count()].into_iter().enumerate() {
        let tell = tell.clone();
        disk.order(job, Box::new(move |done| tell.send((number, done)).expect("somebody waits")));
    }
    drop(release);
    let done = |_| told.recv_timeout(Duration::from_secs(20)).expect("each is answered");
    let all: Vec<_> = (0..3).map(done).collect();
    assert_eq!(all, [(1, found("1")), (0, Done::Number(200)), (2, Done::Number(200))]);
}

/// More than may walk at once fails, and leaves the others alone; what walks when the store is closed is told.
#[test]
fn so_many_walk_and_no_more() {
    let folder = Folder::new("walkers");
    let disk = folder.disk();
    let many: Vec<_> = (0..100).map(|number| change(&format!("x/{number:03}"), Was::Nothing, Some("1"))).collect();
    assert_eq!(ask(&disk, Job::Put(many)), Done::Stored(true));
    disk.close();
    let (release, disk) = held(file::opener(folder.0.clone()));
    let count = || Job::Count { table: Table::Broadcast, prefix: "".into() };
    let told: Vec<_> = (0..=WALKS).map(|_| later(&disk, count())).collect();
    drop(release);
    disk.close();
    let done = |told: &Receiver<Done>| told.recv_timeout(Duration::from_secs(20)).expect("each is answered");
    let all: Vec<_> = told.iter().map(done).collect();
    assert_eq!(all.iter().filter(|done| **done == Done::Number(100)).count(), WALKS);
    assert_eq!((all.last(), disk.counts().refused), (Some(&Done::Failed), 1));
}
