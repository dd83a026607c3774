//! Reads the result lines of the test runners that we start: cargo test, nextest, node:test.

use std::fmt;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
    /// Tests of the browser tier that passed at the second attempt; they are among `passed`.
    pub(crate) retried: u32,
}

/// Each runner has its own result line, and only that one counts: nextest, for one, shows what failed
/// tests wrote, and the test program it runs writes a `test result:` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Cargo,
    Nextest,
    Node,
}

impl Tally {
    /// Adds what one line of a runner's output says; most lines say nothing.
    pub(crate) fn read_line(&mut self, runner: Runner, line: &str) {
        let line = line.trim();
        match runner {
            Runner::Cargo => {
                if let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) {
                    self.add_list(counts, ';');
                }
            }
            Runner::Nextest => {
                if let Some((_, counts)) = line.strip_prefix("Summary [").and_then(|rest| rest.split_once(" run: ")) {
                    self.add_list(&without_parentheses(counts), ',');
                }
            }
            Runner::Node => self.add_node(line),
        }
    }

    /// `ℹ pass 12`, and `retried: 1` from our own browser tests.
    fn add_node(&mut self, line: &str) {
        let entry = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")).unwrap_or(line);
        let Some((word, number)) = entry.split_once(' ') else {
            return;
        };
        let Ok(number) = number.parse::<u32>() else {
            return;
        };
        match word {
            "retried:" => self.retried += number,
            _ if entry == line => {}
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }

    /// `8 passed, 1 timed out, 3 skipped`: what is neither passed nor set aside has failed.
    fn add_list(&mut self, counts: &str, separator: char) {
        for entry in counts.split(separator) {
            let Some((number, word)) = entry.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u32>() else {
                continue;
            };
            match word.trim() {
                "passed" => self.passed += number,
                "skipped" | "ignored" => self.skipped += number,
                "measured" | "filtered out" => {}
                _ => self.failed += number,
            }
        }
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.retried += other.retried;
    }
}

/// The closing line: `N passed, N failed`, and `, N skipped` where there are any.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|&c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(runner: Runner, lines: &[&str]) -> (u32, u32, u32) {
        let mut tally = Tally::default();
        for line in lines {
            tally.read_line(runner, line);
        }
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn cargo_test() {
        let ok = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s";
        assert_eq!(tally(Runner::Cargo, &[ok]), (5, 0, 1));
        assert_eq!(tally(Runner::Cargo, &[ok, bad]), (8, 2, 1));
    }

    #[test]
    fn nextest() {
        assert_eq!(
            tally(Runner::Nextest, &["     Summary [   0.123s] 10 tests run: 10 passed, 0 skipped"]),
            (10, 0, 0)
        );
        assert_eq!(
            tally(
                Runner::Nextest,
                &[
                    "     Summary [   9.5s] 12 tests run: 8 passed (1 slow, 2 leaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped"
                ]
            ),
            (8, 4, 3)
        );
        assert_eq!(tally(Runner::Nextest, &["     Summary [   0.1s] 1 test run: 1 passed, 0 skipped"]), (1, 0, 0));
    }

    #[test]
    fn node() {
        let spec = ["ℹ tests 9", "ℹ suites 0", "ℹ pass 6", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 1", "ℹ todo 0"];
        let tap = ["# tests 9", "# pass 6", "# fail 1", "# cancelled 1", "# skipped 1", "# todo 0"];
        assert_eq!(tally(Runner::Node, &spec), (6, 2, 1));
        assert_eq!(tally(Runner::Node, &tap), (6, 2, 1));
    }

    #[test]
    fn retries_are_counted_apart() {
        let mut tally = Tally::default();
        tally.read_line(Runner::Node, "retried: 2");
        assert_eq!(tally.retried, 2);
        assert_eq!(tally.passed, 0);
    }

    #[test]
    fn other_lines_say_nothing() {
        let lines = [
            "",
            "test hub::tests::joins ... ok",
            "error: test run failed",
            "# pass",
            "ℹ duration_ms 12.5",
            "pass 3",
            "warning: 3 passed",
            "retried: many",
        ];
        for runner in [Runner::Cargo, Runner::Nextest, Runner::Node] {
            assert_eq!(tally(runner, &lines), (0, 0, 0));
        }
    }

    #[test]
    fn what_a_failed_test_wrote_is_not_counted_again() {
        let lines = [
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out",
            "     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 0 skipped",
        ];
        assert_eq!(tally(Runner::Nextest, &lines), (0, 1, 0));
    }

    #[test]
    fn closing_line() {
        let mut tally = Tally { passed: 12, failed: 1, skipped: 0, retried: 3 };
        assert_eq!(tally.to_string(), "12 passed, 1 failed");
        tally.skipped = 4;
        assert_eq!(tally.to_string(), "12 passed, 1 failed, 4 skipped");
    }
}
