//! A measured span: who used the processors in it.

use std::io;
use std::time::{Duration, Instant};

use crate::process::{self, Cpu, MachineUse};

pub(crate) struct Window {
    pid: Option<u32>,
    began: Instant,
    server: Option<Cpu>,
    exact: Option<Duration>,
    /// Other processes that the load needs, and what they had used.
    beside: Vec<(u32, Cpu)>,
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
    /// Processor time of the processes that the load needs beside server and generator.
    pub(crate) beside: Duration,
    /// Share of all processors that neither server nor generator used, but somebody did, in percent.
    pub(crate) others: Option<f64>,
}

impl Window {
    pub(crate) fn open(pid: Option<u32>) -> io::Result<Self> {
        Self::open_beside(pid, &[])
    }

    /// The same for a load that has processes of its own, which are no strangers then.
    pub(crate) fn open_beside(pid: Option<u32>, beside: &[u32]) -> io::Result<Self> {
        let beside = beside.iter().map(|pid| Ok((*pid, Cpu::of(*pid)?))).collect::<io::Result<_>>()?;
        let server = pid.map(Cpu::of).transpose()?;
        let exact = pid.map(process::exact_cpu).transpose()?;
        let (own, machine) = (process::own_cpu(), MachineUse::now()?);
        Ok(Self { pid, server, exact, beside, own, machine, began: Instant::now() })
    }

    pub(crate) fn look(&self) -> io::Result<Usage> {
        let wall = self.began.elapsed();
        let own = process::own_cpu().saturating_sub(self.own);
        let now = self.pid.map(Cpu::of).transpose()?;
        let exact = self.pid.map(process::exact_cpu).transpose()?;
        let server = now.zip(self.server).map(|(now, before)| now.since(before));
        let exact = exact.zip(self.exact).map(|(now, before)| now.saturating_sub(before));
        let server = server.map(|server| exact.map_or(server, |exact| server.refined(exact)));
        let mut beside = Duration::ZERO;
        for (pid, before) in &self.beside {
            beside += Cpu::of(*pid)?.since(*before).total();
        }
        let machine = MachineUse::now()?;
        Ok(Usage {
            wall,
            server,
            busy: 100.0 * own.as_secs_f64() / wall.as_secs_f64(),
            beside,
            others: server.map(|server| machine.others_since(self.machine, own + beside + server.total())),
        })
    }
}
