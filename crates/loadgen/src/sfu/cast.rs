//! Brings publishers and viewers onto the stage.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::floor;
use super::script::Part;
use super::source::{CAMERA, Source, Video};
use super::stage::Stage;
use super::subject::Subject;
use crate::Result;
use crate::target::Target;

/// Viewers that connect at a time: more would only wait for each other, fewer would take longer.
const IN_FLIGHT: usize = 16;
/// How long all of them may take.
const GATHER_TIMEOUT: Duration = Duration::from_secs(120);

/// One measurement's server, and what it is measured with.
pub(crate) struct Setting {
    pub(crate) subject: Subject,
    pub(crate) target: Target,
    /// Where plain RTP is taken.
    pub(crate) plain: Option<(std::net::SocketAddr, std::net::SocketAddr)>,
    pub(crate) pid: u32,
    /// How long it is measured.
    pub(crate) span: Duration,
}

/// What a leg that has just come is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// It could begin.
    Ready,
    /// Its peer connection stands.
    Connected,
    /// The server says that its media flows.
    Started,
    /// The first key frame is whole.
    Key,
}

impl Setting {
    pub(crate) fn stage(&self) -> Result<Stage> {
        Ok(Stage::new(self.target.clone())?)
    }

    /// A publisher, from when the server has something of it to hand on.
    pub(crate) fn publisher(
        &self,
        stage: &mut Stage,
        number: usize,
        room: Option<usize>,
        source: Source,
    ) -> Result<()> {
        if let (Subject::Streaming, Some((audio, video))) = (self.subject, self.plain) {
            return stage.feed(source, audio, video);
        }
        let leg = stage.add(self.subject.script(Part::Publish { number, room }), Some(source))?;
        stage.begin(leg)?;
        wait(stage, leg..leg + 1, Until::Started)
    }

    /// A publisher of the camera.
    pub(crate) fn camera(&self, stage: &mut Stage, number: usize) -> Result<()> {
        self.publisher(stage, number, None, Source::new(CAMERA, true, Instant::now()))
    }

    /// Viewers of publisher 0, as many at a time as is good for all, until each is so far.
    pub(crate) fn viewers(&self, stage: &mut Stage, viewers: usize, until: Until) -> Result<()> {
        self.gather(stage, viewers, until, |_| Part::View { number: 0 })
    }

    /// Viewers, each with a part of its own.
    pub(crate) fn gather(
        &self,
        stage: &mut Stage,
        viewers: usize,
        until: Until,
        part: impl Fn(usize) -> Part,
    ) -> Result<()> {
        let first = stage.legs.len();
        let deadline = Instant::now() + GATHER_TIMEOUT;
        // Legs before this one are so far.
        let mut arrived = first;
        while arrived < first + viewers {
            while stage.legs.len() < first + viewers && stage.legs.len() < arrived + IN_FLIGHT {
                let leg = stage.add(self.subject.script(part(stage.legs.len() - first)), None)?;
                stage.begin(leg)?;
            }
            let came = stage.run(deadline, |stage| Ok(is_so_far(stage, arrived, until)))?;
            if !came {
                return Err(
                    format!("after {GATHER_TIMEOUT:?} viewer {} of {viewers} is not there", arrived - first).into()
                );
            }
            while arrived < stage.legs.len() && is_so_far(stage, arrived, until) {
                arrived += 1;
            }
        }
        Ok(())
    }

    /// Viewers of the floor, and the order to it; whoever holds what this gives keeps it going.
    pub(crate) fn floor(
        &self,
        stage: &mut Stage,
        viewers: usize,
        burst_rate: Option<f64>,
    ) -> Result<std::net::TcpStream> {
        use std::io::Write;
        let addrs: Result<Vec<_>> = (0..viewers).map(|_| stage.add_bare(&floor::keys(), floor::numbers())).collect();
        let mut control = std::net::TcpStream::connect(self.target.addr)?;
        control.write_all(floor::order(burst_rate, &addrs?).as_bytes())?;
        let first = stage.legs.len() - viewers;
        wait(stage, first..first + viewers, Until::Key)?;
        Ok(control)
    }
}

/// A source of sound and this picture.
pub(crate) fn source(video: Video) -> Source {
    Source::new(video, false, Instant::now())
}

/// Waits for legs that have begun.
pub(crate) fn wait(stage: &mut Stage, legs: Range<usize>, until: Until) -> Result<()> {
    let deadline = Instant::now() + GATHER_TIMEOUT;
    let mut left = legs.clone();
    let came = stage.run(deadline, |stage| {
        while !left.is_empty() && is_so_far(stage, left.start, until) {
            left.start += 1;
        }
        Ok(left.is_empty())
    })?;
    if came {
        Ok(())
    } else {
        Err(format!("leg {} is not so far after {GATHER_TIMEOUT:?}: {until:?}", left.start).into())
    }
}

fn is_so_far(stage: &Stage, leg: usize, until: Until) -> bool {
    let moments = &stage.legs[leg].moments;
    match until {
        Until::Ready => moments.ready.is_some(),
        Until::Connected => moments.connected.is_some(),
        Until::Started => moments.started.is_some(),
        Until::Key => moments.key.is_some(),
    }
}

/// Lets time pass.
pub(crate) fn rest(stage: &mut Stage, span: Duration) -> Result<()> {
    stage.run(Instant::now() + span, |_| Ok(false)).map(drop)
}
