//! Where things are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The checkout we were started from: cargo tells. What was built in is only for calls without cargo,
/// since checkouts that share a target directory share this program, too.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.filter(|dir| dir.ends_with("xtask")).unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    here.parent().map(Path::to_owned).unwrap_or(here)
}

/// The target directory of the cargo commands that we start.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

pub(crate) fn release_binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// Where a Node of our own goes, if the machine's is too old.
pub(crate) fn own_node() -> PathBuf {
    target().join("node")
}

/// PATH for all we start: our own Node first, where there is one.
pub(crate) fn search_path() -> Option<OsString> {
    let bin = own_node().join("node_modules/.bin");
    if !bin.join("node").exists() {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).ok()
}
