//! A scenario: one client's conversation is cut behind every single byte, in every way that a connection can end,
//! while another client looks on.

use patchbay_server::config::Config;

use crate::dialect::{Dialect, Line};
use crate::life::Failure;
use crate::mesh::Mesh;
use crate::plan::{Hello, Nature};
use crate::rng::Rng;
use crate::trace::Trace;
use crate::world::{Fault, World};

/// How the client ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It says no more, and goes on reading.
    HalfClose,
    /// It lets its end go.
    Close,
    /// It resets the connection.
    Reset,
    /// It vanishes without a word.
    Vanish,
}

impl Ending {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::HalfClose, Self::Close, Self::Reset, Self::Vanish];
}

const CONVERSATION: [Line<'static>; 5] = [
    Line::Enter { place: "room", name: "cut" },
    Line::Tell { name: "other" },
    Line::Leave,
    Line::Enter { place: "room", name: "cut" },
    Line::Tell { name: "other" },
];

/// Bytes of the whole conversation are fewer than this.
pub const MOST_BYTES: usize = 900;

/// Cuts the conversation behind `bytes` bytes.
///
/// # Panics
/// If the runtime cannot be built.
#[must_use]
pub fn cut(bytes: usize, ending: Ending) -> Option<Failure> {
    crate::on_one_thread(async move {
        let config = Config::default();
        let dialects: Vec<Box<dyn Dialect>> = vec![Box::new(Mesh::new(&config))];
        let mut world = match World::new(config, dialects, Rng::new(bytes as u64), Trace::new(false)) {
            Ok(world) => world,
            Err(fault) => return Some(Failure { fault, last: Vec::new(), at: 0 }),
        };
        let result = run(&mut world, bytes, ending).await;
        let at = world.now();
        result.err().map(|fault| Failure { fault, last: world.trace.into_last(), at })
    })
}

async fn run(world: &mut World, bytes: usize, ending: Ending) -> Result<(), Fault> {
    let hello = Hello::Good { early: true };
    let other = [Line::Enter { place: "room", name: "other" }];
    let other = world.connect_cut(0, hello, Nature::plain(), &other, usize::MAX);
    world.calm(1_000).await?;
    let cut = world.connect_cut(0, hello, Nature::plain(), &CONVERSATION, bytes);
    // A reset loses what is on its way: once it has arrived, once it has not.
    if bytes.is_multiple_of(2) {
        world.calm(1_000).await?;
    }
    match ending {
        Ending::HalfClose => world.half_close(cut),
        Ending::Close => {
            let now = world.now();
            world.close(cut, now);
        }
        Ending::Reset => world.reset(cut),
        Ending::Vanish => world.vanish(cut),
    }
    // The other one is told, whatever it takes to find out.
    let until = world.now() + 30_000;
    world.pass(until).await?;
    world.calm(1_000).await?;
    if world.server.connections() != 1 {
        return Err(format!("{} connections are left, not one", world.server.connections()));
    }
    let now = world.now();
    world.close(other, now);
    world.calm(1_000).await?;
    world.check_empty()
}
