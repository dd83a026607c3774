//! A publisher that keeps the rules of an EvoStream media server (ers.md section 3.3): it checks no way by itself, and ends what
//! checks it too seldom.

use std::time::Duration;

use patchbay_core::{Ice, LinkId, MediaEvent};

use crate::join::stream;
use crate::net::Path;
use crate::world::World;

/// How far apart our checks may be.
const CHECKS: Duration = Duration::from_secs(10);
/// Of sound, what takes two minutes (20 ms each).
const LONG: u64 = 6_000;

/// P2 and P6: it is checked often enough for two minutes; and nothing is opened on its data channels that it has not offered.
#[test]
fn it_is_checked_all_the_time_and_its_channels_are_left_alone() {
    let mut world = World::new(1, 1);
    let server = world.peer_with(Path::GOOD, Path::GOOD, |builder| builder.set_ice_lite(true));
    world.ice = Ice::Full;
    world.publish(1, server, true, true);
    world.trickle(1, server);
    let begun = world.now;
    world.pass(Duration::from_millis(500));
    stream(&mut world, server, 0, LONG);
    assert!(
        world.flows(1) && !world.has(|event| matches!(event, MediaEvent::Lost { link } if *link == LinkId::new(1)))
    );
    let peer = &world.peers[server];
    assert!(!peer.closed && world.now - begun >= Duration::from_secs(120));
    let mut last = begun;
    for at in peer.checks.iter().copied().chain([world.now]) {
        assert!(at - last <= CHECKS, "no check for {:?}", at - last);
        last = at;
    }
    let channels: Vec<_> = peer.channels.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(channels, ["s"], "its own alone");
}
