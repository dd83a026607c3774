//! Lists the web app's files, so that they are in the binary: a page cannot be missing where the server runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Endings that are served, and their media types. Everything else in `web/` (tests, tool settings) stays out.
const TYPES: [(&str, &str); 6] = [
    (".html", "text/html; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".d.ts", "text/plain; charset=utf-8"),
    (".js", "application/javascript; charset=utf-8"),
    (".svg", "image/svg+xml"),
    (".webmanifest", "application/manifest+json"),
];

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let web = manifest.join("../../web").canonicalize()?;
    println!("cargo::rerun-if-changed={}", web.display());
    let mut files = Vec::new();
    let below = ["types", "sid", "studio", "phone", "demo"].map(|name| (web.join(name), format!("/{name}/")));
    for (folder, prefix) in std::iter::once((web.clone(), "/".to_owned())).chain(below) {
        println!("cargo::rerun-if-changed={}", folder.display());
        list(&folder, &prefix, &mut files)?;
    }
    files.sort();
    let mut table = String::from("[\n");
    for (path, media_type, file) in files {
        let _ = writeln!(table, "    ({path:?}, {media_type:?}, include_bytes!({file:?})),");
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("pages.rs"), table)
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, &'static str, String)>) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        // `internal.d.ts` is for the type checker; `webrtc.d.ts` is for whoever writes against the page.
        if name.starts_with('.') || name == "internal.d.ts" || !path.is_file() {
            continue;
        }
        if let Some((_, media_type)) = TYPES.iter().find(|(ending, _)| name.ends_with(ending)) {
            println!("cargo::rerun-if-changed={}", path.display());
            let url = if name == "index.html" { prefix.to_owned() } else { format!("{prefix}{name}") };
            files.push((url, media_type, path.display().to_string()));
        }
    }
    Ok(())
}
