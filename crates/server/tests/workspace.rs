//! What holds for the whole repository: the direction of dependencies, licences, the words that the core must not
//! know, documents that equal what they describe.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace exists")
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    license: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("cargo metadata has this shape")
    }

    fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The names of all packages that a package is built with (not those of its tests), itself left out.
    fn built_with(&self, package: &Package) -> BTreeSet<&str> {
        let nodes: BTreeMap<_, _> = self.resolve.nodes.iter().map(|node| (&node.id, node)).collect();
        let names: BTreeMap<_, _> = self.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
        let (mut found, mut next) = (BTreeSet::new(), vec![&package.id]);
        while let Some(id) = next.pop() {
            for edge in &nodes[id].deps {
                let normal = edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
                if normal && found.insert(names[&edge.pkg]) {
                    next.push(&edge.pkg);
                }
            }
        }
        found
    }
}

/// DESIGN section 2: what each crate of ours may be built with, of ours.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "patchbay-core" => &[],
        "patchbay-dialect-kit" => &["patchbay-core"],
        dialect if dialect.starts_with("patchbay-dialect-") => &["patchbay-core", "patchbay-dialect-kit"],
        "patchbay-store" => &["patchbay-core", "patchbay-dialect-kit"],
        "patchbay-sdp" => &["patchbay-core"],
        "patchbay-media" => &["patchbay-core", "patchbay-sdp"],
        "patchbay-sip" => &["patchbay-core", "patchbay-sdp"],
        "patchbay-sip-io" => &["patchbay-core", "patchbay-sip"],
        "patchbay-media-io" => &["patchbay-core", "patchbay-media"],
        "patchbay-server" => &[
            "patchbay-core",
            "patchbay-dialect-kit",
            "patchbay-dialect-*",
            "patchbay-media",
            "patchbay-media-io",
            "patchbay-sdp",
            "patchbay-sip",
            "patchbay-sip-io",
            "patchbay-store",
        ],
        "patchbay-sim" => &["patchbay-core", "patchbay-dialect-kit", "patchbay-server"],
        "patchbay-loadgen" => &["patchbay-core", "patchbay-dialect-kit", "patchbay-dialect-*", "patchbay-server"],
        "patchbay-xtask" => &[],
        other => panic!("say in this test what {other} may depend on"),
    }
}

/// The fuzz targets are built with `--locked`, and by no other test.
#[test]
fn the_fuzz_package_has_a_lock_file_with_all_crates_of_ours() {
    let read = |path: &str| fs::read_to_string(root().join("fuzz").join(path)).expect("the file exists");
    let (manifest, lock) = (read("Cargo.toml"), read("Cargo.lock"));
    let ours = |line: &str| line.split(" =").next().filter(|name| name.starts_with("patchbay-")).map(ToOwned::to_owned);
    let named: BTreeSet<String> = manifest.lines().filter_map(ours).collect();
    let metadata = Metadata::read();
    let built = metadata.own().filter(|package| named.contains(&package.name));
    let wanted: BTreeSet<&str> =
        built.flat_map(|package| metadata.built_with(package)).filter(|name| name.starts_with("patchbay-")).collect();
    assert!(!wanted.is_empty() && !named.is_empty(), "{named:?}");
    for name in wanted.into_iter().chain(named.iter().map(String::as_str)) {
        let locked = lock.contains(&format!("name = \"{name}\"\n"));
        assert!(locked, "{name} is missing; cargo metadata --manifest-path fuzz/Cargo.toml >/dev/null mends it");
    }
}

#[test]
fn dependencies_point_one_way() {
    let metadata = Metadata::read();
    for package in metadata.own() {
        let may = allowed(&package.name);
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            let name = dependency.name.as_str();
            let dialect = name.starts_with("patchbay-dialect-") && may.contains(&"patchbay-dialect-*");
            let ours = name.starts_with("patchbay-");
            assert!(!ours || may.contains(&name) || dialect, "{} must not depend on {name}", package.name);
        }
    }
}

#[test]
fn the_core_has_no_dependency_and_dialects_see_no_io() {
    let metadata = Metadata::read();
    let forbidden = ["tokio", "hyper", "mio", "str0m", "rustls", "socket2", "async-nats", "rsipstack"];
    for package in metadata.own() {
        let built_with = metadata.built_with(package);
        if package.name == "patchbay-core" {
            assert!(built_with.is_empty(), "the core is std only, but is built with {built_with:?}");
        }
        if package.name.starts_with("patchbay-dialect-")
            || ["patchbay-sdp", "patchbay-sip"].contains(&package.name.as_str())
        {
            let seen: Vec<_> = forbidden.iter().filter(|name| built_with.contains(*name)).collect();
            assert!(seen.is_empty(), "{} sees {seen:?}", package.name);
        }
    }
}

/// The core speaks of parties, rooms, calls and links; a word of a protocol in it is a leak.
#[test]
fn the_core_knows_no_protocol() {
    let words = [
        "json",
        "websocket",
        "streamid",
        "sylk",
        "socket.io",
        "antmedia",
        "room_members",
        "icecandidate",
        "takeconfiguration",
        "http",
        "mesh.md",
        "clu\"",
        "whip",
    ];
    for file in sources(&root().join("crates/core/src")) {
        let text = fs::read_to_string(&file).expect("readable").to_lowercase();
        for word in words {
            assert!(!text.contains(word), "{} knows {word:?}", file.display());
        }
    }
}

#[test]
fn licences_are_those_that_deny_toml_allows() {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).expect("there").parse().expect("TOML");
    let allow = deny["licenses"]["allow"].as_array().expect("a list");
    let allow: BTreeSet<_> = allow.iter().filter_map(|licence| licence.as_str()).collect();
    for package in Metadata::read().packages {
        let licence = package.license.unwrap_or_default();
        // Old manifests write MIT/Apache-2.0.
        let expression = licence.replace('/', " OR ");
        assert!(permits(&expression, &allow), "{}: {licence:?} is not allowed by deny.toml", package.name);
    }
}

/// Whether an SPDX expression can be met with the allowed licences: `AND` of `OR`s, which is what occurs.
fn permits(expression: &str, allow: &BTreeSet<&str>) -> bool {
    let clean = expression.replace(['(', ')'], "");
    !clean.is_empty()
        && clean.split(" AND ").all(|all| {
            all.split(" OR ").any(|one| allow.contains(one.trim().split(" WITH ").next().unwrap_or_default()))
        })
}

/// ARCHITECTURE.md's table of messages comes from the dialects' `spec()`.
#[test]
fn architecture_has_the_table_of_messages() {
    let mut table = String::from("| dialect | message | who sends it | stands for | file |\n|---|---|---|---|---|\n");
    for spec in patchbay_server::SPECS {
        for message in spec.messages {
            let who = match message.direction {
                patchbay_dialect_kit::Direction::In => "client",
                patchbay_dialect_kit::Direction::Out => "server",
                patchbay_dialect_kit::Direction::Both => "both",
            };
            // Two dialects share a crate.
            let home = if spec.name == "ems" { "ers" } else { spec.name };
            let file = format!("crates/dialect-{home}/{}", message.file);
            assert!(root().join(&file).is_file(), "{file} is named by the spec and missing");
            let text = fs::read_to_string(root().join(&file)).expect("readable");
            let wire = wire(&root().join(format!("crates/dialect-{home}/src")));
            assert!(wire.contains(&format!("\"{}\"", message.name)), "the wire does not know {}", message.name);
            assert!(!text.is_empty());
            table += &format!("| {} | `{}` | {who} | {} | `{file}` |\n", spec.name, message.name, message.meaning);
        }
    }
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there");
    assert!(document.contains(&table), "ARCHITECTURE.md must contain:\n{table}");
}

/// Every `wire.rs` of a dialect and the files below it, but for tests.
fn wire(source: &Path) -> String {
    let is_wire = |path: &&PathBuf| {
        let inside = path.strip_prefix(source).expect("of that folder");
        let names = || inside.iter().filter_map(|part| Path::new(part).file_stem());
        names().any(|name| name == "wire") && !names().any(|name| name == "tests")
    };
    let files = sources(source);
    let text: String = files.iter().filter(is_wire).map(|path| fs::read_to_string(path).expect("readable")).collect();
    assert!(!text.is_empty(), "{} has no wire.rs", source.display());
    text
}

/// The shell binds it where `native_ports` is set, and panics if it is none.
#[test]
fn native_addresses_are_addresses() {
    for endpoint in patchbay_server::SPECS.iter().flat_map(|spec| spec.endpoints) {
        let natives = match endpoint.at {
            patchbay_dialect_kit::At::Own { native } => vec![native],
            patchbay_dialect_kit::At::Ports { plain, secure } => vec![plain, secure],
            _ => vec![],
        };
        for native in natives {
            let parsed = native.parse::<patchbay_server::config::ListenAddr>();
            assert!(parsed.is_ok(), "{native}: {parsed:?}");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = vec![];
    for folder in [root(), root().join("docs"), root().join("docs/decisions"), root().join("docs/dialects")] {
        let entries = fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path());
        documents.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    assert!(documents.len() > 5);
    for document in documents {
        let text = fs::read_to_string(&document).expect("readable");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") {
                continue;
            }
            let path = document.parent().expect("in a folder").join(file);
            assert!(path.exists(), "{} links to {target}, which is not there", document.display());
        }
    }
}

/// A file past 800 lines has more than one idea (CONTRIBUTING).
#[test]
fn files_are_small() {
    for folder in ["crates", "xtask", "web", "e2e"] {
        for file in sources(&root().join(folder)) {
            let lines = fs::read_to_string(&file).unwrap_or_default().lines().count();
            assert!(lines <= 800, "{} has {lines} lines", file.display());
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && name != "node_modules" && name != "out" {
            found.extend(sources(&path));
        } else if [".rs", ".js", ".mjs", ".css", ".html"].iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found
}
