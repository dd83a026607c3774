//! What the tests need of the machine: looked up first, installed only where it is missing.

use crate::cmd::Cmd;
use crate::paths;
use crate::report::{Report, Stopped};

pub(crate) const NODE_MAJOR: u32 = 20;

/// Brings Node where Debian's own is too old (Debian 12 has 18); npm has it as a package.
const NODE_PACKAGE: &str = "node@24.9.0";

/// (what we look for, the Debian package that has it)
const TOOLS: [(&str, &str); 11] = [
    ("cc --version", "build-essential"),
    ("chromium --version", "chromium"),
    ("ip -V", "iproute2"),
    ("unshare --version", "util-linux"),
    ("kill -l", "procps"),
    ("git --version", "git"),
    // Telephones, and a registrar for them. `sipp -v` ends as if it had failed.
    ("which sipp", "sip-tester"),
    ("kamailio -v", "kamailio"),
    ("dpkg -s kamailio-tls-modules", "kamailio-tls-modules"),
    ("which baresip", "baresip"),
    ("which linphonec", "linphone-cli"),
];

pub(crate) fn prepare(report: &mut Report) -> Result<(), Stopped> {
    let missing = missing_packages();
    if !missing.is_empty() {
        install(report, &missing)?;
        let left = missing_packages().join(" ");
        if !left.is_empty() {
            let cause = format!("installed, and still not found: {left}");
            return Err(report.refuse("install", &cause, "look at the output of apt-get above, and at PATH"));
        }
    }
    if node_major().is_none_or(|major| major < NODE_MAJOR) {
        let dir = paths::own_node().to_string_lossy().into_owned();
        let npm = Cmd::new("npm install --no-audit --no-fund --prefix").arg(dir).arg(NODE_PACKAGE);
        report.step("node", &npm)?;
    }
    match node_major() {
        Some(major) if major >= NODE_MAJOR => Ok(()),
        _ => Err(report.refuse(
            "node",
            "there is no node 20 or later",
            "install it from your distribution or https://nodejs.org, then run again",
        )),
    }
}

/// Brings one program that only some commands need.
pub(crate) fn provide(report: &mut Report, probe: &str, package: &'static str) -> Result<(), Stopped> {
    let there = || Cmd::new(probe).quietly();
    if there() {
        return Ok(());
    }
    install(report, &[package])?;
    if there() {
        return Ok(());
    }
    Err(report.refuse(package, &format!("installed, and `{probe}` still fails"), "look at the output of apt-get above"))
}

/// `v20.20.2` → 20
pub(crate) fn node_major() -> Option<u32> {
    // npm is what we call; a node without it is of no use here.
    Cmd::new("npm --version").stdout()?;
    major(&Cmd::new("node --version").stdout()?)
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<&str> =
        TOOLS.iter().filter(|(probe, _)| !Cmd::new(probe).quietly()).map(|&(_, package)| package).collect();
    if node_major().is_none() {
        missing.extend(["nodejs", "npm"]);
    }
    missing
}

fn install(report: &mut Report, packages: &[&str]) -> Result<(), Stopped> {
    let list = packages.join(" ");
    println!("missing on this machine: {list}");
    let become_root = if Cmd::new("id -u").stdout().as_deref() == Some("0") { "" } else { "sudo -n " };
    if !Cmd::new("apt-get --version").quietly() {
        return Err(report.refuse(
            "install",
            &format!("missing: {list}; and there is no apt-get here"),
            "install the counterparts of these Debian packages, then run again",
        ));
    }
    if !become_root.is_empty() && !Cmd::new("sudo -n true").quietly() {
        return Err(report.refuse(
            "install",
            &format!("missing: {list}; installing them needs root"),
            &format!("sudo apt-get install --no-install-recommends {list}"),
        ));
    }
    report.step("package lists", &Cmd::new(&format!("{become_root}apt-get update -qq")))?;
    let line = format!(
        "{become_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {list}"
    );
    report.step("install", &Cmd::new(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v9.1.0"), Some(9));
        assert_eq!(major("20.1"), None);
        assert_eq!(major(""), None);
    }
}
