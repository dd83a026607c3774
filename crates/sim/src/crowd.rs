//! A scenario: full rooms, as many as the limits allow, through the whole shell.

use std::time::{Duration, Instant};

use patchbay_server::config::Config;

use crate::dialect::{Dialect, Line};
use crate::life::Failure;
use crate::mesh::Mesh;
use crate::net::Id;
use crate::plan::{Hello, Nature};
use crate::rng::Rng;
use crate::trace::Trace;
use crate::world::{Fault, World};

/// How a crowd fared.
#[derive(Debug)]
pub struct Crowd {
    /// Connections in all.
    pub connections: usize,
    /// Wall time until everybody was in, until all lists were right again after the coming and going, and in all.
    pub joined: Duration,
    /// As above.
    pub settled: Duration,
    /// As above.
    pub ended: Duration,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// Candidates that each member sends to the next one.
const CANDIDATES: usize = 3;
/// Connections that begin in one millisecond.
const WAVE: usize = 500;

/// `rooms` rooms of `members`: all join, each sends to its neighbour, one of ten leaves and comes back, all go.
///
/// # Panics
/// If the runtime cannot be built.
#[must_use]
pub fn crowd(rooms: usize, members: usize) -> Crowd {
    crate::on_one_thread(async move {
        let start = Instant::now();
        let mut crowd = Crowd {
            connections: 0,
            joined: start.elapsed(),
            settled: start.elapsed(),
            ended: start.elapsed(),
            failure: None,
        };
        let mut config = Config::default();
        config.dialect.mesh.rooms = rooms;
        config.dialect.mesh.members = members;
        config.limits.connections = 2 * rooms * members;
        let dialects: Vec<Box<dyn Dialect>> = vec![Box::new(Mesh::new(&config))];
        let mut world = match World::new(config, dialects, Rng::new(1), Trace::new(false)) {
            Ok(world) => world,
            Err(fault) => {
                crowd.failure = Some(Failure { fault, last: Vec::new(), at: 0 });
                return crowd;
            }
        };
        world.is_crowd = true;
        let result = run(&mut world, rooms, members, start, &mut crowd).await;
        crowd.connections = world.clients.len();
        crowd.ended = start.elapsed();
        let at = world.now();
        crowd.failure = result.err().map(|fault| Failure { fault, last: world.trace.into_last(), at });
        crowd
    })
}

async fn run(world: &mut World, rooms: usize, members: usize, start: Instant, crowd: &mut Crowd) -> Result<(), Fault> {
    let seats = rooms * members;
    let mut ids: Vec<Id> = Vec::with_capacity(seats);
    for seat in 0..seats {
        ids.push(enter(world, seat, members));
        if seat % WAVE == WAVE - 1 {
            let until = world.now() + 1;
            world.pass(until).await?;
        }
    }
    world.calm(5_000).await?;
    crowd.joined = start.elapsed();
    everybody_is_in(world, seats)?;

    for (seat, id) in ids.iter().enumerate() {
        let (room, place) = (seat / members, seat % members);
        let next = name(room, (place + 1) % members);
        let texts: Vec<_> =
            (0..CANDIDATES).map(|_| world.dialects[0].script(*id, Line::Tell { name: &next })).collect();
        world.say(*id, &texts);
    }
    world.calm(5_000).await?;

    // One of ten goes: some leave and come back on the same connection, some hang up and come back on another.
    for seat in (0..seats).step_by(10) {
        if seat % 20 == 0 {
            let (place, name) = (room_name(seat / members), name(seat / members, seat % members));
            let leave = world.dialects[0].script(ids[seat], Line::Leave);
            let enter = world.dialects[0].script(ids[seat], Line::Enter { place: &place, name: &name });
            world.say(ids[seat], &[leave, enter]);
        } else {
            let now = world.now();
            world.close(ids[seat], now);
        }
    }
    world.calm(5_000).await?;
    for seat in (10..seats).step_by(20) {
        ids[seat] = enter(world, seat, members);
    }
    world.calm(5_000).await?;
    everybody_is_in(world, seats)?;
    crowd.settled = start.elapsed();

    let now = world.now();
    ids.iter().for_each(|id| world.close(*id, now));
    world.calm(5_000).await?;
    world.check_empty()
}

fn everybody_is_in(world: &World, seats: usize) -> Result<(), Fault> {
    let counts = world.server.counts();
    if counts.members == seats as u64 { Ok(()) } else { Err(format!("{seats} should be in rooms: {counts:?}")) }
}

fn enter(world: &mut World, seat: usize, members: usize) -> Id {
    let (place, name) = (room_name(seat / members), name(seat / members, seat % members));
    let line = Line::Enter { place: &place, name: &name };
    world.connect_cut(0, Hello::Good { early: true }, Nature::plain(), &[line], usize::MAX)
}

fn room_name(room: usize) -> String {
    format!("room {room}")
}

/// Equal names in all rooms would hide a message that goes to the wrong one.
fn name(room: usize, place: usize) -> String {
    format!("m{room}-{place}")
}
