//! The command line, parsed by hand: six commands do not earn a dependency.

use crate::fuzz;

pub(crate) const USAGE: &str = "\
usage: cargo xtask <command>

  test              every tier: formatting, lints, unit and web tests, release build, browsers
  test --fast       the same without browsers and without the release build
  netns [--name N] -- CMD…
                    run CMD in a network namespace of its own (10.77.0.1, fd77::1, default route)
  bench relay […]   load a release server and measure; the rest goes to the load generator
  bench sfu […]     the same with publishers and viewers of WebRTC; --versus janus measures Janus as well
  bench bridge […]  what a packet costs that goes to another dialect, next to one that does not
  bench conference […]
                    what a packet costs in a conference of ten, next to one to as many viewers; fails above a bound
  bench sip […]     calls from browsers to telephones, next to Janus' SIP plugin; fails where a bound is missed
  bench instructions
                    what the media engine takes for a packet that it forwards, counted by callgrind
  soak conference […]
                    100 conferences for five minutes; fails where memory grows, a stream is missing or something is left
  fuzz [TARGET] [--seconds N] [--minimise]
                    run one fuzz target or all, or make their corpus small
  sim […]           10,000 seeds of the simulation; --seed N lives one, --scenario crowd fills 1,000 rooms
  rest              the REST interface of antmedia against the document that it serves
  deny              licences, bans and sources of all dependencies (cargo-deny)
  help              this text";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Test,
    TestFast,
    Netns {
        name: Option<String>,
        command: Vec<String>,
    },
    /// What `netns` starts within the fresh namespace; not for people.
    NetnsInside {
        command: Vec<String>,
    },
    /// README's promise, checked within a namespace; a step of `test`.
    Promise,
    Deny,
    Fuzz(fuzz::Options),
    BenchRelay {
        rest: Vec<String>,
    },
    BenchInstructions,
    BenchSfu {
        rest: Vec<String>,
    },
    BenchSip {
        rest: Vec<String>,
    },
    Rest,
    SoakConference {
        rest: Vec<String>,
    },
    Sim {
        rest: Vec<String>,
    },
}

pub(crate) fn parse(args: &[String]) -> Result<Task, String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => Ok(Task::Help),
        ["test"] => Ok(Task::Test),
        ["test", "--fast"] => Ok(Task::TestFast),
        ["test", other, ..] => Err(format!("test knows --fast only, not {other:?}")),
        ["netns", "--name", name, "--", ..] => {
            Ok(Task::Netns { name: Some(namespace_name(name)?), command: command(&args[4..])? })
        }
        ["netns", "--", ..] => Ok(Task::Netns { name: None, command: command(&args[2..])? }),
        ["netns", ..] => Err("netns wants [--name N] -- CMD…".into()),
        ["netns-inside", "--", ..] => Ok(Task::NetnsInside { command: command(&args[2..])? }),
        ["promise"] => Ok(Task::Promise),
        ["deny"] => Ok(Task::Deny),
        ["rest"] => Ok(Task::Rest),
        ["fuzz", rest @ ..] => Ok(Task::Fuzz(fuzz::Options::parse(rest)?)),
        ["bench", "relay", ..] => Ok(Task::BenchRelay { rest: args[2..].to_vec() }),
        ["bench", "instructions"] => Ok(Task::BenchInstructions),
        ["bench", "sfu", ..] => Ok(Task::BenchSfu { rest: args[2..].to_vec() }),
        ["bench", "sip", ..] => Ok(Task::BenchSip { rest: args[2..].to_vec() }),
        ["bench", only @ ("bridge" | "conference"), ..] => {
            let only = ["--only", only].map(str::to_owned);
            Ok(Task::BenchSfu { rest: only.into_iter().chain(args[2..].iter().cloned()).collect() })
        }
        ["soak", "conference", ..] => Ok(Task::SoakConference { rest: args[2..].to_vec() }),
        ["soak", ..] => Err("soak knows conference".into()),
        ["sim", ..] => Ok(Task::Sim { rest: args[1..].to_vec() }),
        ["bench", ..] => Err("bench knows relay, sfu, bridge, conference, sip and instructions".into()),
        [other, ..] => Err(format!("unknown command {other:?}")),
    }
}

fn command(rest: &[String]) -> Result<Vec<String>, String> {
    if rest.is_empty() {
        return Err("no command after --".into());
    }
    Ok(rest.to_vec())
}

/// `ip netns` makes a file of the name, so it has to be a plain one.
fn namespace_name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(plain) {
        return Err(format!("{name:?} is no namespace name (A-Z a-z 0-9 - _)"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn commands() {
        assert_eq!(parsed(""), Ok(Task::Help));
        assert_eq!(parsed("test"), Ok(Task::Test));
        assert_eq!(parsed("test --fast"), Ok(Task::TestFast));
        assert_eq!(parsed("deny"), Ok(Task::Deny));
        assert_eq!(parsed("rest"), Ok(Task::Rest));
        assert_eq!(parsed("bench relay --seconds 5"), Ok(Task::BenchRelay { rest: strings(&["--seconds", "5"]) }));
        assert_eq!(parsed("bench sfu --versus janus"), Ok(Task::BenchSfu { rest: strings(&["--versus", "janus"]) }));
        let bridge = strings(&["--only", "bridge", "--runs", "5"]);
        assert_eq!(parsed("bench bridge --runs 5"), Ok(Task::BenchSfu { rest: bridge }));
        let conference = strings(&["--only", "conference", "--runs", "5"]);
        assert_eq!(parsed("bench conference --runs 5"), Ok(Task::BenchSfu { rest: conference }));
        let soak = strings(&["--rooms", "5"]);
        assert_eq!(parsed("soak conference --rooms 5"), Ok(Task::SoakConference { rest: soak }));
        assert_eq!(parsed("bench sip --runs 5"), Ok(Task::BenchSip { rest: strings(&["--runs", "5"]) }));
        assert_eq!(parsed("bench instructions"), Ok(Task::BenchInstructions));
        assert_eq!(parsed("sim"), Ok(Task::Sim { rest: vec![] }));
        assert_eq!(parsed("sim --seed 7"), Ok(Task::Sim { rest: strings(&["--seed", "7"]) }));
    }

    #[test]
    fn netns_takes_everything_after_the_dashes() {
        assert_eq!(
            parsed("netns -- npm test -- --name x"),
            Ok(Task::Netns { name: None, command: strings(&["npm", "test", "--", "--name", "x"]) })
        );
        assert_eq!(
            parsed("netns --name peers-1 -- true"),
            Ok(Task::Netns { name: Some("peers-1".into()), command: strings(&["true"]) })
        );
    }

    #[test]
    fn refusals() {
        for line in [
            "tset",
            "test --slow",
            "netns",
            "netns true",
            "netns --",
            "netns --name -- true",
            "netns --name ../x -- true",
            "netns --name -x -- true",
            "bench",
            "soak",
            "soak relay",
            "fuzz --all",
        ] {
            assert!(parsed(line).is_err(), "{line:?} was accepted");
        }
    }
}
