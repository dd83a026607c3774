//! The corpus of a fuzz target, run as a test.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs every input that fuzzing has kept for `target`, and every one that once broke something. `package` is the
/// package's own folder, two below the repository's root.
///
/// # Panics
/// If an input breaks something, with its name; if a folder is missing or empty.
pub fn replay(package: &str, target: &str, run: impl Fn(&[u8])) {
    let mut broke = Vec::new();
    for folder in ["corpus", "findings"] {
        let folder = Path::new(package).join("../../fuzz").join(folder).join(target);
        let entries: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        assert!(!entries.is_empty(), "{} is missing or empty: the replay would test nothing", folder.display());
        for path in entries.iter().map(fs::DirEntry::path) {
            let data = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if catch_unwind(AssertUnwindSafe(|| run(&data))).is_err() {
                broke.push(path);
            }
        }
    }
    assert!(broke.is_empty(), "{broke:?}");
}
