//! Fuzzing on the stable toolchain: coverage by rustc's own sanitizer pass, the engine by the crate `libfuzzer-sys`.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cmd::Cmd;
use crate::paths;

/// A program in `fuzz/fuzz_targets`, and how it is driven.
struct Target {
    name: &'static str,
    /// Longest input, in bytes: longer ones reach more, shorter ones are tried more often.
    longest: u32,
    /// Words that mutation would hardly find, in `fuzz/dictionaries`.
    dictionary: Option<&'static str>,
}

const TARGETS: [Target; 21] = [
    Target { name: "antmedia", longest: 2_048, dictionary: Some("antmedia.dict") },
    // Some sixty messages: four times what fills a reader's queue.
    Target { name: "data", longest: 128, dictionary: None },
    // Some fifty datagrams behind a handshake that takes a millisecond.
    Target { name: "datagrams", longest: 1_024, dictionary: None },
    // Some six challenges.
    Target { name: "digest", longest: 1_024, dictionary: Some("digest.dict") },
    // Some ten commands.
    Target { name: "ems", longest: 2_048, dictionary: Some("ems.dict") },
    // Some twelve packets.
    Target { name: "ers", longest: 1_024, dictionary: Some("ers.dict") },
    // As many as it takes to send more fragments than one message may have.
    Target { name: "frames", longest: 8_192, dictionary: None },
    // Some two hundred operations.
    Target { name: "hub", longest: 1_024, dictionary: None },
    Target { name: "mesh", longest: 2_048, dictionary: Some("mesh.dict") },
    // Some sixty packets, and what changes between them.
    Target { name: "phone", longest: 1_024, dictionary: Some("sdp.dict") },
    // Some hundred operations.
    Target { name: "rtcp", longest: 512, dictionary: None },
    // Some three hundred packets; a payload has at most 255 bytes.
    Target { name: "rtp", longest: 1_024, dictionary: None },
    // A whole offer, and a second one that differs from it.
    Target { name: "sdp", longest: 4_096, dictionary: Some("sdp.dict") },
    Target { name: "sid", longest: 2_048, dictionary: Some("sid.dict") },
    // Some eight messages.
    Target { name: "sip", longest: 4_096, dictionary: Some("sip.dict") },
    // What matters of a browser's offer, and a telephone's.
    Target { name: "sipsdp", longest: 4_096, dictionary: Some("sdp.dict") },
    // A few packets, or a target.
    Target { name: "socketio", longest: 512, dictionary: Some("http.dict") },
    // Some hundred datagrams.
    Target { name: "stun", longest: 512, dictionary: None },
    Target { name: "sylk", longest: 2_048, dictionary: Some("sylk.dict") },
    // A head of a browser has some 600 bytes.
    Target { name: "upgrade", longest: 1_024, dictionary: Some("http.dict") },
    Target { name: "whip", longest: 2_048, dictionary: Some("sdp.dict") },
];

/// What `cargo fuzz` passes, without a sanitizer (they need another toolchain, and there is no `unsafe` to watch):
/// counters per edge, the program's edges, operands of comparisons; overflow and debug assertions stop the program.
const FLAGS: [&str; 9] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions=yes",
    "-Coverflow-checks=yes",
    "--cfg=fuzzing",
];

/// The same run every time, as far as the machine's speed allows.
const SEED: &str = "-seed=1";
/// An input that takes longer, in seconds, is a finding.
const TIMEOUT: &str = "-timeout=10";
/// A program that needs more, in megabytes, is a finding: the largest input has some tens of kilobytes.
const MEMORY: &str = "-rss_limit_mb=512";

/// What is asked for on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// One target; without a name all, one after another.
    pub(crate) target: Option<String>,
    /// For each target.
    pub(crate) seconds: u32,
    /// Replace the committed corpus by the least files that reach as much as it and the last runs together.
    pub(crate) minimise: bool,
}

impl Options {
    /// `[TARGET] [--seconds N] [--minimise]`.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { target: None, seconds: 60, minimise: false };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            match word {
                "--minimise" => options.minimise = true,
                "--seconds" => {
                    let number = words.next().and_then(|number| number.parse().ok()).filter(|seconds| *seconds > 0);
                    options.seconds = number.ok_or("--seconds wants a number above zero")?;
                }
                name if options.target.is_none() && TARGETS.iter().any(|target| target.name == name) => {
                    options.target = Some(name.to_owned());
                }
                other => {
                    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                    return Err(format!("fuzz knows {}, --seconds N and --minimise, not {other:?}", names.join(", ")));
                }
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match build().and_then(|programs| each(options, &programs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Builds all targets; the folder with the programs.
fn build() -> Result<PathBuf, String> {
    // Named, so that build scripts, which run here and now, are not built with these flags.
    let version = Cmd::new("rustc -vV").stdout().unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let target = home().join("build");
    let build = Cmd::new("cargo build --release --locked --manifest-path fuzz/Cargo.toml --target")
        .arg(host)
        .env("CARGO_TARGET_DIR", text(&target))
        .env("RUSTFLAGS", FLAGS.join(" "));
    println!("== {build}");
    if !build.command().status().is_ok_and(|status| status.success()) {
        return Err("the fuzz targets could not be built; a C++ compiler is needed (apt-get install g++)".into());
    }
    Ok(target.join(host).join("release"))
}

fn each(options: &Options, programs: &Path) -> Result<(), String> {
    let chosen = |target: &&Target| options.target.as_deref().is_none_or(|name| name == target.name);
    for target in TARGETS.iter().filter(chosen) {
        let folders = Folders::prepare(target)?;
        if options.minimise {
            minimise(target, programs, &folders)?;
        } else {
            fuzz(target, programs, &folders, options.seconds)?;
        }
    }
    Ok(())
}

/// Where a target's inputs lie.
struct Folders {
    /// Committed: what the tests replay.
    corpus: PathBuf,
    /// Committed: every input that ever broke something; new ones are written here.
    findings: PathBuf,
    /// Not committed: what the runs on this machine have found to reach something new.
    found: PathBuf,
}

impl Folders {
    fn prepare(target: &Target) -> Result<Self, String> {
        let folders = Self {
            corpus: paths::root().join("fuzz/corpus").join(target.name),
            findings: paths::root().join("fuzz/findings").join(target.name),
            found: home().join("corpus").join(target.name),
        };
        for folder in [&folders.corpus, &folders.findings, &folders.found] {
            fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        Ok(folders)
    }

    /// The first is the one that the program writes to.
    fn as_arguments(&self) -> [String; 3] {
        [&self.found, &self.corpus, &self.findings].map(|folder| text(folder))
    }
}

fn fuzz(target: &Target, programs: &Path, folders: &Folders, seconds: u32) -> Result<(), String> {
    let mut fuzz = program(target, programs)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", text(&folders.findings)))
        .arg("-print_final_stats=1");
    if let Some(file) = target.dictionary {
        fuzz = fuzz.arg(format!("-dict={}", text(&paths::root().join("fuzz/dictionaries").join(file))));
    }
    for folder in folders.as_arguments() {
        fuzz = fuzz.arg(folder);
    }
    println!("\n== {}: {fuzz}", target.name);
    match fuzz.command().status() {
        Ok(status) if status.success() => Ok(()),
        // Ctrl-C ends a run, it is no finding.
        Ok(status) if status.signal() == Some(2) || status.code() == Some(72) => Err("interrupted".into()),
        Ok(status) => Err(format!(
            "{} found something ({status}); the input is in fuzz/findings/{}, where the tests replay it: give it a \
             name that says what it is, and mend what it breaks",
            target.name, target.name
        )),
        Err(error) => Err(format!("{} could not be started: {error}", target.name)),
    }
}

/// The least inputs that reach every edge which all inputs together reach, the smallest ones first.
fn minimise(target: &Target, programs: &Path, folders: &Folders) -> Result<(), String> {
    let least = home().join("least").join(target.name);
    let failed = |error: std::io::Error| format!("cannot replace the corpus of {}: {error}", target.name);
    if least.exists() {
        fs::remove_dir_all(&least).map_err(failed)?;
    }
    fs::create_dir_all(&least).map_err(failed)?;
    // Edges alone: how often each is taken would multiply the files, and a run finds that out again within a minute.
    let mut merge = program(target, programs).arg("-use_counters=0").arg("-use_cmp=0").arg("-set_cover_merge=1");
    merge = merge.arg(text(&least));
    for folder in folders.as_arguments() {
        merge = merge.arg(folder);
    }
    println!("\n== {}: {merge}", target.name);
    if !merge.command().status().is_ok_and(|status| status.success()) {
        return Err(format!("the corpus of {} could not be minimised", target.name));
    }
    for entry in fs::read_dir(&folders.corpus).map_err(failed)?.flatten() {
        fs::remove_file(entry.path()).map_err(failed)?;
    }
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(&least).map_err(failed)?.flatten() {
        files += 1;
        bytes += fs::copy(entry.path(), folders.corpus.join(entry.file_name())).map_err(failed)?;
    }
    println!("{}: {files} files, {bytes} bytes in fuzz/corpus/{}", target.name, target.name);
    Ok(())
}

fn program(target: &Target, programs: &Path) -> Cmd {
    Cmd::new(&text(&programs.join(target.name)))
        .arg(SEED)
        .arg(TIMEOUT)
        .arg(MEMORY)
        .arg(format!("-max_len={}", target.longest))
}

/// Everything that fuzzing makes and does not commit.
fn home() -> PathBuf {
    paths::target().join("fuzz")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn options() {
        let parsed = |line: &str| Options::parse(&line.split_whitespace().collect::<Vec<_>>());
        let all = Options { target: None, seconds: 60, minimise: false };
        assert_eq!(parsed(""), Ok(all));
        let one = Options { target: Some("hub".into()), seconds: 5, minimise: true };
        assert_eq!(parsed("--seconds 5 hub --minimise"), Ok(one));
        for line in ["hbu", "hub hub", "--seconds", "--seconds x", "--seconds 0", "--minimize"] {
            assert!(parsed(line).is_err(), "{line:?} was accepted");
        }
    }

    /// A target that is forgotten here would never run; one without its folders would be replayed by no test.
    #[test]
    fn every_target_has_its_program_and_its_folders() {
        let fuzz = paths::root().join("fuzz");
        let names = |folder: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(fuzz.join(folder)).expect(folder).flatten();
            entries.map(|entry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned()).collect()
        };
        let expected: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        for folder in ["fuzz_targets", "corpus", "findings"] {
            assert_eq!(names(folder), expected, "fuzz/{folder}");
        }
        for dictionary in TARGETS.iter().filter_map(|target| target.dictionary) {
            assert!(fuzz.join("dictionaries").join(dictionary).is_file(), "{dictionary}");
        }
    }
}
