//! The mesh dialect's transcripts over real sockets, and the runner's self-test for those that run nowhere else.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::process::Server;
use common::world::SocketWorld;
use patchbay_dialect_kit::testing::{Place, Script, alterations, run};

/// A loaded machine may take its time; nothing passes by waiting longer.
const PATIENCE: Duration = Duration::from_secs(10);

fn for_sockets() -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialect-mesh/transcripts");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of transcripts")
        .map(|entry| entry.expect("an entry of the folder").path())
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("a transcript is text");
        Script::parse(&name, &text).unwrap_or_else(|failure| panic!("{failure}"))
    };
    files.iter().map(read).filter(|script| script.only != Some(Place::Sessions)).collect()
}

#[test]
fn every_transcript_comes_true_over_sockets() {
    let mut failures = Vec::new();
    for script in for_sockets() {
        // A server of its own: one transcript fills all rooms, and what another left behind must not help or hurt.
        let server = Server::start(&[]);
        let mut world = SocketWorld::new(server.address(), PATIENCE);
        if let Err(failure) = run(&script, &mut world) {
            failures.push(format!("{failure}\n{}", server.log()));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The other transcripts are altered in the session world, where nothing costs time.
#[test]
fn every_altered_expectation_of_a_socket_transcript_fails_where_it_stands() {
    let (mut count, mut passed) = (0, Vec::new());
    for script in for_sockets().into_iter().filter(|script| script.only == Some(Place::Sockets)) {
        for altered in alterations(&script) {
            count += 1;
            let wrong = Script::parse(&script.file, &altered.text).unwrap_or_else(|failure| panic!("{failure}"));
            let server = Server::start(&[]);
            // Waiting is for what must come; here it must not.
            let mut world = SocketWorld::new(server.address(), Duration::from_millis(500));
            let line = run(&wrong, &mut world).err().map(|failure| failure.line);
            let caught =
                line.is_some_and(|line| if altered.there { line == altered.line } else { line >= altered.line });
            if !caught {
                let shown: String = altered.altered.chars().take(200).collect();
                passed.push(format!("{}:{}: {shown:?} failed at {line:?}", script.file, altered.line));
            }
        }
    }
    assert!(passed.is_empty(), "\n{}", passed.join("\n"));
    assert!(count > 50, "only {count} alterations: the transcripts have shrunk");
}
