//! A measured span: who used the processors in it.

use std::io;
use std::time::{Duration, Instant};

use crate::process::{self, Cpu, MachineUse};

pub(crate) struct Window {
    pid: Option<u32>,
    began: Instant,
    server: Option<Cpu>,
    exact: Option<Duration>,
    own: Duration,
    machine: MachineUse,
}

/// What happened between the opening of a window and the look through it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// Processor time of the server, where its process is known.
    pub(crate) server: Option<Cpu>,
    /// Share of the span in which the generator computed, in percent.
    pub(crate) busy: f64,
    /// Share of all processors that neither server nor generator used, but somebody did, in percent.
    pub(crate) others: Option<f64>,
}

impl Window {
    pub(crate) fn open(pid: Option<u32>) -> io::Result<Self> {
        let server = pid.map(Cpu::of).transpose()?;
        let exact = pid.map(process::exact_cpu).transpose()?;
        Ok(Self { pid, server, exact, own: process::own_cpu(), machine: MachineUse::now()?, began: Instant::now() })
    }

    pub(crate) fn look(&self) -> io::Result<Usage> {
        let wall = self.began.elapsed();
        let own = process::own_cpu().saturating_sub(self.own);
        let now = self.pid.map(Cpu::of).transpose()?;
        let exact = self.pid.map(process::exact_cpu).transpose()?;
        let server = now.zip(self.server).map(|(now, before)| now.since(before));
        let exact = exact.zip(self.exact).map(|(now, before)| now.saturating_sub(before));
        let server = server.map(|server| exact.map_or(server, |exact| server.refined(exact)));
        let machine = MachineUse::now()?;
        Ok(Usage {
            wall,
            server,
            busy: 100.0 * own.as_secs_f64() / wall.as_secs_f64(),
            others: server.map(|server| machine.others_since(self.machine, own + server.total())),
        })
    }
}
