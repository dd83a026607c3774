//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::target::Target;

/// Load for Patchbay: the relay benchmark, and a generator for any server of the dialects mesh and sid.
#[derive(Parser)]
#[command(name = "patchbay-loadgen", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure a server binary: starts and stops it by itself, prints one table
    BenchRelay(BenchArgs),
    /// Measure a server binary with publishers and viewers of WebRTC
    BenchSfu(SfuArgs),
    /// Measure a server binary with callers of WebRTC and telephones of SIP
    BenchSip(SipArgs),
    /// Fill a server binary with conferences, and watch its memory and what it leaves behind
    SoakConference(SoakArgs),
    /// Put load on a server of the mesh dialect that runs already
    Mesh(MeshArgs),
    /// Put load on a server of the sid dialect that runs already
    Sid(SidArgs),
    /// Serve an echo with the server's own socket code: the floor that a relay is compared to
    Echo(EchoArgs),
    /// Encrypt and send as a server would, but nothing else: the floor of `bench-sfu`
    SfuFloor,
}

#[derive(Args, Clone)]
pub(crate) struct BenchArgs {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// Runs of each measurement; the table has their medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Measure only this; may be repeated or divided by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<Measurement>,
    /// Seconds of each measured span [default: 10; stuck reader 60; idle ones 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Rooms of the saturated and the open loop of mesh
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub(crate) rooms: u32,
    /// Members of each of these rooms
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=9999))]
    pub(crate) members: u32,
    /// Pairs of the saturated and the open loop of sid
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub(crate) pairs: u32,
    /// Messages per second of the open loops, over all rooms or pairs
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: u64,
    /// Clients of the idle measurement and the join storm, in rooms of 50
    #[arg(long, default_value_t = 19_500, value_parser = clap::value_parser!(u32).range(50..))]
    pub(crate) clients: u32,
    /// Clients of the sid registrations
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=99_999))]
    pub(crate) registrations: u32,
    /// Clients of the idle measurement of sid
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(2..=99_999))]
    pub(crate) sid_clients: u32,
    /// Clients of the idle measurement of TLS, in rooms of 50, and of the handshakes
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(50..))]
    pub(crate) tls_clients: u32,
    /// Messages per second to the member that never reads
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) flood: u64,
    /// Seconds that each measurement may wait for other processes to be quiet, and be repeated where they were not;
    /// the least disturbed one counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) patience: u64,
    /// Write the table as JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measurement {
    /// The yardstick alone
    Calibration,
    /// The closed loop, with its echo floor
    Saturated,
    /// The fixed schedule, with its echo floor
    Open,
    /// Memory per client
    Idle,
    /// Clients that connect and join
    Storm,
    /// A member that never reads, beside the fixed schedule
    Stuck,
    /// Clients of sid that register and see each other
    SidRegistrations,
    /// The closed loop between pairs of sid, with its echo floor
    SidSaturated,
    /// The fixed schedule between pairs of sid, with its echo floor
    SidOpen,
    /// Memory per client of sid
    SidIdle,
    /// Clients that connect over TLS, and as many without it
    TlsHandshakes,
    /// Memory per client over TLS
    TlsIdle,
    /// The closed loop of mesh over TLS, with its echo floor
    TlsSaturated,
    /// The closed loop of sid over TLS, with its echo floor
    TlsSidSaturated,
}

#[derive(Args, Clone)]
pub(crate) struct SfuArgs {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// Runs of each measurement; the table has their medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Measure only this; may be repeated or divided by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<SfuMeasurement>,
    /// Of the steady loads only those with so many viewers; may be repeated or divided by commas
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(crate) viewers: Vec<usize>,
    /// Seconds of each measured span [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Measure another server by the same loads, by turns with ours
    #[arg(long, value_enum)]
    pub(crate) versus: Option<Versus>,
    /// Leave our server out: the floor and the other server alone
    #[arg(long)]
    pub(crate) without_ours: bool,
    /// Seconds that each measurement may wait for other processes to be quiet, and be repeated where they were not;
    /// the least disturbed one counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) patience: u64,
    /// Write the table as JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl SfuArgs {
    /// Whether the steady load of so many viewers is asked for.
    pub(crate) fn chosen(&self, viewers: usize) -> bool {
        self.viewers.is_empty() || self.viewers.contains(&viewers)
    }
}

/// Whom we compare ourselves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Versus {
    /// Janus' Streaming and VideoRoom plugins
    Janus,
}

/// What can be measured of an SFU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SfuMeasurement {
    /// The yardstick alone
    Calibration,
    /// One camera, 1 to 400 viewers, with its floor
    Steady,
    /// Bursts to 300 viewers, as fast as one core delivers them, with its floor
    Saturated,
    /// Ten people who see and hear each other
    Meeting,
    /// Viewers that come one by one
    Joins,
    /// A hundred viewers that come at once
    Storm,
    /// What a viewer's coming costs
    JoinCost,
    /// 400 viewers of nothing
    Idle,
    /// The same packets in 1, 20 and 200 rooms
    Rooms,
    /// One camera, viewed by another dialect and by its own
    Bridge,
    /// Ten people who see and hear each other, and one camera with as many views
    Conference,
}

#[derive(Args, Clone)]
pub(crate) struct SoakArgs {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// Conferences
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = between(1, 1_000))]
    pub(crate) rooms: usize,
    /// People in each, who all see and hear each other
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = between(2, 20))]
    pub(crate) parties: usize,
    /// How long all of them are there
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(20..))]
    pub(crate) seconds: u64,
    /// Megabytes per minute that the server may not grow by, over the last four fifths of the time
    #[arg(long, value_name = "MB", default_value_t = 1.0)]
    pub(crate) growth: f64,
}

#[derive(Args, Clone)]
pub(crate) struct SipArgs {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// Runs of each measurement; the table has their medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Measure only this; may be repeated or divided by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<SipMeasurement>,
    /// Calls that stand while packets are counted; memory is taken by a fifth and by twice as many as well
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = between(5, 240))]
    pub(crate) calls: usize,
    /// Callers of the set-ups, each of whom calls again when it has hung up
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = between(1, 240))]
    pub(crate) in_flight: usize,
    /// Accounts that register
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = between(1, 9_000))]
    pub(crate) accounts: usize,
    /// Seconds of each measured span
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// Leave Janus out, and with it all ratios
    #[arg(long)]
    pub(crate) without_janus: bool,
    /// Seconds that each measurement may wait for other processes to be quiet, and be repeated where they were not;
    /// the least disturbed one counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) patience: u64,
    /// Write the table as JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// A count within these bounds. Calls: each takes two ports of the default range of 1,000, and some are on their way out.
fn between(least: usize, most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(count) if (least..=most).contains(&count) => Ok(count),
        _ => Err(format!("a number from {least} to {most}")),
    }
}

/// What can be measured of telephone calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SipMeasurement {
    /// Calls that come and go
    Setups,
    /// Calls that stand
    Calls,
    /// Accounts that register at the same moment
    Registrations,
    /// Calls that stand while strangers flood the server with SIP
    Flood,
}

#[derive(Args, Clone)]
pub(crate) struct MeshArgs {
    /// The server's WebSocket address; certificates of wss:// are not checked
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws", value_parser = Target::parse)]
    pub(crate) url: Target,
    /// What the clients do
    #[arg(long, value_enum, default_value_t = MeshLoad::Open)]
    pub(crate) load: MeshLoad,
    /// Rooms
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub(crate) rooms: u32,
    /// Clients of each room
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=9999))]
    pub(crate) clients: u32,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

#[derive(Args, Clone)]
pub(crate) struct SidArgs {
    /// The server's WebSocket address; certificates of wss:// are not checked
    #[arg(long, default_value = "ws://127.0.0.1:8080/sid", value_parser = Target::parse)]
    pub(crate) url: Target,
    /// What the clients do
    #[arg(long, value_enum, default_value_t = SidLoad::Open)]
    pub(crate) load: SidLoad,
    /// Clients, two of which make a pair
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=99_999))]
    pub(crate) clients: u32,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

/// What any load on a running server may be told.
#[derive(Args, Clone)]
pub(crate) struct RunningArgs {
    /// Messages per second, over all rooms or pairs (open loop)
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: u64,
    /// How long it is measured, or left alone
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// Clients that connect, come in, call or send an offer at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) in_flight: u32,
    /// The server's process, if it is on this machine: adds its processor time and memory
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Write the table as JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeshLoad {
    /// Candidates on a fixed schedule
    Open,
    /// Each client sends its next candidate when its previous one has arrived
    Saturated,
    /// Clients that wait, then send one 6 kB offer each
    Idle,
    /// Clients that connect and join as fast as they can
    Storm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SidLoad {
    /// Candidates on a fixed schedule
    Open,
    /// Each client sends its next candidate when its previous one has arrived
    Saturated,
    /// Clients that register and wait, then call in pairs
    Idle,
    /// Clients that register as fast as they can
    Registrations,
}

#[derive(Args, Clone)]
pub(crate) struct EchoArgs {
    /// Listen here [default: ADDR of the environment, else a free port of 127.0.0.1]
    #[arg(long)]
    pub(crate) addr: Option<SocketAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn measurements_can_be_chosen() {
        let parse = |args: &[&str]| {
            let args = ["x", "bench-relay", "--server", "s"].iter().chain(args);
            match Cli::try_parse_from(args).unwrap().command {
                Command::BenchRelay(args) => args.only,
                _ => unreachable!(),
            }
        };
        assert_eq!(parse(&["--only", "idle,open"]), [Measurement::Idle, Measurement::Open]);
        assert_eq!(parse(&["--only", "stuck", "--only", "storm"]), [Measurement::Stuck, Measurement::Storm]);
        assert_eq!(parse(&["--only", "sid-saturated,tls-idle"]), [Measurement::SidSaturated, Measurement::TlsIdle]);
        assert!(Cli::try_parse_from(["x", "bench-relay", "--server", "s", "--only", "all"]).is_err());
    }

    #[test]
    fn counts_have_bounds() {
        let parse = |args: &[&str]| {
            let args = ["x", "bench-sip", "--server", "s"].iter().chain(args);
            match Cli::try_parse_from(args).map(|cli| cli.command) {
                Ok(Command::BenchSip(args)) => Some((args.calls, args.accounts)),
                _ => None,
            }
        };
        assert_eq!(parse(&[]), Some((100, 1_000)));
        assert_eq!(parse(&["--calls", "20", "--accounts", "1"]), Some((20, 1)));
        assert_eq!(parse(&["--calls", "241"]), None, "twice as many calls have no ports");
    }

    #[test]
    fn steady_loads_can_be_chosen() {
        let args = ["x", "bench-sfu", "--server", "s", "--only", "steady,join-cost", "--viewers", "20,100"];
        let Command::BenchSfu(args) = Cli::try_parse_from(args).unwrap().command else { unreachable!() };
        assert_eq!(args.only, [SfuMeasurement::Steady, SfuMeasurement::JoinCost]);
        assert!(args.chosen(20) && args.chosen(100) && !args.chosen(50));
        assert_eq!((args.versus, args.without_ours), (None, false));
    }
}
