//! The table of conformance cases (`docs/dialects/ers-cases.md`): all are in it, and what it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How many cases of each letter ers.md part 5 has.
const CASES: [(char, usize); 5] = [('C', 19), ('A', 18), ('T', 4), ('E', 7), ('P', 6)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_case_has_a_test_that_exists() {
    let table = fs::read_to_string(root().join("docs/dialects/ers-cases.md")).expect("the table");
    let mut seen = BTreeSet::new();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")).filter(|line| !line.starts_with("case |"));
    for row in rows {
        let cells: Vec<_> = row.trim_end_matches(" |").split(" | ").collect();
        let [case, _, file, test] = cells[..] else { panic!("{row}") };
        let file = file.trim_matches('`');
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{case}: {file}: {error}"));
        match test.strip_prefix('`').and_then(|test| test.strip_suffix('`')) {
            Some(test) => {
                let declared = text.split_once(&format!("fn {test}(")).map(|(before, _)| before);
                let before = declared.unwrap_or_else(|| panic!("{case}: {file} has no {test}"));
                let attribute = before.trim_end().trim_end_matches("async").trim_end().lines().next_back();
                assert!(attribute.is_some_and(|line| line.contains("test")), "{case}: {test} is no test");
            }
            None => {
                let named = text.lines().next().is_some_and(|line| line.starts_with(&format!("# {case},")));
                assert!(named && test == "the transcript", "{case}: {file} is no transcript of it");
            }
        }
        seen.insert(case.to_owned());
    }
    let all: BTreeSet<_> = CASES
        .into_iter()
        .flat_map(|(letter, count)| (1..=count).map(move |number| (letter, number)))
        .map(
            |(letter, number)| {
                if "CA".contains(letter) { format!("{letter}{number:02}") } else { format!("{letter}{number}") }
            },
        )
        .collect();
    assert_eq!(seen, all);
}
