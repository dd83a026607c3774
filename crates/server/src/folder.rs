//! A folder of somebody else's pages, served as it is below a path: no header of ours changes what they may do.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Largest file that is served. A page's script has a megabyte or two; each request holds its file in memory, so more
/// would let a few clients fill it, and less would refuse a demonstration's video.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Pages below a path. What is read is read anew for each request, so that the folder can be changed at any time.
#[derive(Clone, Debug)]
pub struct Folder {
    below: String,
    root: PathBuf,
    /// Where the pages are instead, if there is such a folder.
    own: Option<PathBuf>,
}

/// What there is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A file.
    File {
        /// Its media type, by its name.
        media_type: &'static str,
        /// Its entity tag: another one once it has changed.
        tag: String,
        /// All of it.
        content: Vec<u8>,
    },
    /// A folder whose path wants a slash at its end, or relative links of its page would lead elsewhere. Relative
    /// itself, so that it holds behind a reverse proxy's prefix.
    Moved(String),
    /// Nothing that may be seen.
    Missing,
    /// A file above the bound.
    TooLarge,
}

impl Folder {
    /// The pages in `root`, to be had below the path `below` (`/LiveApp`).
    #[must_use]
    pub fn new(below: &str, root: &Path) -> Self {
        Self { below: below.to_owned(), root: root.to_owned(), own: None }
    }

    /// The pages in `root` for an application: those in a folder of its name, if there is one, else all that there are.
    #[must_use]
    pub fn of_application(app: &str, root: &Path) -> Self {
        Self { own: Some(root.join(app)), ..Self::new(&format!("/{app}"), root) }
    }

    /// Whether it is this folder that answers for a path.
    pub(crate) fn covers(&self, path: &str) -> bool {
        path.strip_prefix(&self.below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What is at a path that it covers. Waits for the disk.
    pub(crate) fn find(&self, path: &str) -> Found {
        let Some(rest) = path.strip_prefix(&self.below) else { return Found::Missing };
        let Some(rest) = rest.strip_prefix('/') else { return moved(&self.below) };
        let Some(relative) = relative(rest) else { return Found::Missing };
        let root = self.own.as_ref().filter(|own| own.is_dir()).unwrap_or(&self.root);
        let Ok(root) = root.canonicalize() else { return Found::Missing };
        match inside(&root, &root.join(relative)) {
            Some(found) if found.is_dir() && !path.ends_with('/') => moved(path),
            Some(found) if found.is_dir() => {
                inside(&root, &found.join("index.html")).map_or(Found::Missing, |index| read(&index))
            }
            // A file has no slash behind it.
            Some(found) if !path.ends_with('/') => read(&found),
            _ => Found::Missing,
        }
    }
}

/// Where a path really leads, if that is within the folder: links out of it lead nowhere.
fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|real| real.starts_with(root))
}

fn moved(path: &str) -> Found {
    let last = path.rsplit('/').next().unwrap_or_default();
    Found::Moved(format!("{last}/"))
}

/// The path below the folder; `None` if it has a part that is no name of a page: `..`, a hidden file, an empty one.
fn relative(path: &str) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(parts);
    }
    for part in path.split('/') {
        let part = decoded(part)?;
        if part.is_empty() || part.starts_with('.') || part.contains(['/', '\\', '\0']) {
            return None;
        }
        parts.push(part);
    }
    Some(parts)
}

/// A path's part without its percent-encoding (RFC 3986 section 2.1); `None` if it is malformed or no UTF-8.
fn decoded(part: &str) -> Option<String> {
    let mut out = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            out.push(u8::try_from(value).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn read(path: &Path) -> Found {
    let Ok(about) = fs::metadata(path) else { return Found::Missing };
    if !about.is_file() {
        return Found::Missing;
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut content));
    match read {
        Ok(length) if length as u64 > MOST_BYTES => Found::TooLarge,
        Ok(_) => Found::File { media_type: media_type(path), tag: tag(&about), content },
        Err(_) => Found::Missing,
    }
}

/// Of size and time, as web servers make them: weak, since a file that is changed twice within the clock's step has one.
fn tag(about: &fs::Metadata) -> String {
    let changed = about.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("W/\"{:x}-{:x}\"", about.len(), changed.unwrap_or_default().as_nanos())
}

/// By the ending of the name. A browser runs no script and shows no page under another type.
fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Pages in a folder of their own, removed at the end.
    struct Lab {
        top: PathBuf,
        folder: Folder,
    }

    impl Lab {
        fn new(name: &str) -> Self {
            let top = std::env::temp_dir().join(format!("patchbay-folder-{}-{name}", std::process::id()));
            let root = top.join("pages");
            fs::create_dir_all(root.join("samples")).expect("writable");
            for (path, text) in [
                ("pages/index.html", "index"),
                ("pages/samples/index.html", "samples"),
                ("pages/a b.js", "script"),
                ("pages/.hidden", "hidden"),
                ("secret.txt", "secret"),
            ] {
                fs::write(top.join(path), text).expect("writable");
            }
            let folder = Folder::new("/App", &root);
            Self { top, folder }
        }

        fn content(&self, path: &str) -> Option<String> {
            match self.folder.find(path) {
                Found::File { content, .. } => String::from_utf8(content).ok(),
                _ => None,
            }
        }
    }

    impl Drop for Lab {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(&self.top);
        }
    }

    #[test]
    fn pages_are_found_below_the_path() {
        let lab = Lab::new("found");
        for (path, text) in [
            ("/App/", "index"),
            ("/App/index.html", "index"),
            ("/App/samples/", "samples"),
            ("/App/samples/index.html", "samples"),
            ("/App/a%20b.js", "script"),
        ] {
            assert_eq!(lab.content(path).as_deref(), Some(text), "{path}");
        }
        assert_eq!(lab.folder.find("/App"), Found::Moved("App/".to_owned()));
        assert_eq!(lab.folder.find("/App/samples"), Found::Moved("samples/".to_owned()));
        assert!(lab.folder.covers("/App") && lab.folder.covers("/App/x"));
        assert!(!lab.folder.covers("/Apple") && !lab.folder.covers("/") && !lab.folder.covers("/x/App/"));
    }

    #[test]
    fn what_is_outside_hidden_or_no_file_is_missing() {
        let lab = Lab::new("missing");
        symlink(lab.top.join("secret.txt"), lab.top.join("pages/link.txt")).expect("a link");
        symlink(&lab.top, lab.top.join("pages/up")).expect("a link");
        symlink("index.html", lab.top.join("pages/alias.html")).expect("a link");
        for path in [
            "/App/nothing.html",
            "/App/../secret.txt",
            "/App/samples/../../secret.txt",
            "/App/%2e%2e/secret.txt",
            "/App/..%2fsecret.txt",
            "/App/%2e%2e%2fsecret.txt",
            "/App/..\\secret.txt",
            "/App/link.txt",
            "/App/up/secret.txt",
            "/App/.hidden",
            "/App/%2ehidden",
            "/App//index.html",
            "/App/index.html/",
            "/App/index.html%00",
            "/App/%zz",
            "/App/%2",
            "/App/%ff",
            "/Other/index.html",
        ] {
            assert_eq!(lab.folder.find(path), Found::Missing, "{path}");
        }
        assert_eq!(lab.content("/App/alias.html").as_deref(), Some("index"), "a link within is fine");
        fs::remove_file(lab.top.join("pages/samples/index.html")).expect("it was there");
        assert_eq!(lab.folder.find("/App/samples/"), Found::Missing, "no list of a folder's files");
        assert_eq!(Folder::new("/App", &lab.top.join("nowhere")).find("/App/"), Found::Missing);
    }

    #[test]
    fn an_application_may_have_pages_of_its_own() {
        let lab = Lab::new("own");
        let folder = |app| Folder::of_application(app, &lab.top.join("pages"));
        let content = |folder: &Folder, path: &str| match folder.find(path) {
            Found::File { content, .. } => String::from_utf8(content).ok(),
            _ => None,
        };
        let (one, other) = (folder("App"), folder("Other"));
        assert_eq!(content(&one, "/App/index.html").as_deref(), Some("index"), "the common ones");
        fs::create_dir(lab.top.join("pages/App")).expect("writable");
        fs::write(lab.top.join("pages/App/index.html"), "own").expect("writable");
        assert_eq!(content(&one, "/App/").as_deref(), Some("own"), "there is a folder from now on");
        assert_eq!(content(&one, "/App/samples/"), None, "and nothing else counts");
        assert_eq!(one.find("/App/../index.html"), Found::Missing);
        assert_eq!(one.find("/App/%2e%2e/index.html"), Found::Missing);
        assert_eq!(content(&other, "/Other/index.html").as_deref(), Some("index"));
        // A file of that name is no folder.
        fs::write(lab.top.join("pages/Other"), "a file").expect("writable");
        assert_eq!(content(&other, "/Other/index.html").as_deref(), Some("index"));
    }

    #[test]
    fn a_file_that_changes_has_another_tag() {
        let lab = Lab::new("tag");
        let tag = || match lab.folder.find("/App/index.html") {
            Found::File { tag, .. } => tag,
            other => panic!("{other:?}"),
        };
        let before = tag();
        assert!(before.starts_with("W/\"5-") && before.ends_with('"'), "{before}");
        assert_eq!(tag(), before);
        fs::write(lab.top.join("pages/index.html"), "index of another length").expect("writable");
        assert_ne!(tag(), before);
    }

    #[test]
    fn a_file_above_the_bound_is_not_read_into_memory() {
        let lab = Lab::new("large");
        let file = File::create(lab.top.join("pages/large.bin")).expect("writable");
        file.set_len(MOST_BYTES + 1).expect("a file with a hole");
        assert_eq!(lab.folder.find("/App/large.bin"), Found::TooLarge);
    }

    #[test]
    fn types_are_told_by_the_name() {
        for (name, expected) in [
            ("x.html", "text/html; charset=utf-8"),
            ("x.JS", "text/javascript; charset=utf-8"),
            ("x.min.css", "text/css; charset=utf-8"),
            ("x.wasm", "application/wasm"),
            ("x", "application/octet-stream"),
            ("x.exe", "application/octet-stream"),
        ] {
            assert_eq!(media_type(Path::new(name)), expected, "{name}");
        }
    }
}
