//! MT9: many joins in flight, and every client gets `joined` before any list.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use patchbay_dialect_kit::testing::Heard;

use crate::common::client::Client;
use crate::common::process::Server;

const IN_FLIGHT: usize = 64;
const MEMBERS: usize = 50;
/// As many as fit below 20,000 descriptors of one process, with much to spare for other tests.
const ROOMS: usize = 195;

#[test]
fn joined_comes_first_with_64_joins_in_flight() {
    // Clients that wait for the others answer no ping; that is not what is asked here.
    let patient =
        [("PATCHBAY_DIALECT__MESH__PING_INTERVAL_MS", "200000"), ("PATCHBAY_DIALECT__MESH__PONG_TIMEOUT_MS", "300000")];
    let server = Server::start(&patient);
    let address = server.address();
    let next = AtomicUsize::new(0);
    let mut clients: Vec<(Client, usize, usize)> = thread::scope(|scope| {
        let join = || {
            let mut joined = Vec::new();
            loop {
                // Neighbours in time are neighbours in a room.
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= ROOMS * MEMBERS {
                    return joined;
                }
                let (room, member) = (number / MEMBERS, number % MEMBERS);
                let mut client = Client::new(&address);
                client.text(&format!(r#"{{"type":"join","room":"room {room}","from":"m{member}"}}"#));
                let first = client.message();
                assert_eq!(first["type"], "joined", "client {number} heard {first} first");
                let second = client.message();
                assert_eq!(second["type"], "room_members", "client {number} heard {second}");
                let own = serde_json::Value::from(format!("m{member}"));
                let members = second["members"].as_array().expect("a list");
                assert!(members.contains(&own), "{second} without {own}");
                joined.push((client, members.len(), number));
            }
        };
        let running: Vec<_> = (0..IN_FLIGHT).map(|_| scope.spawn(join)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a client failed")).collect()
    });
    assert_eq!(clients.len(), ROOMS * MEMBERS);
    // When it has become quiet, everybody has heard of everybody.
    let mut lists = 0;
    for (client, known, number) in &mut clients {
        while *known < MEMBERS {
            let Some(message) = client.hear(Duration::from_secs(10)) else {
                panic!("client {number} knows of {known} members and hears no more")
            };
            let Heard::Text(message) = message else { panic!("{message:?}") };
            let message: serde_json::Value = serde_json::from_slice(&message).expect("JSON");
            assert_eq!(message["type"], "room_members");
            let count = message["members"].as_array().map_or(0, Vec::len);
            assert!(count > *known, "nobody leaves: {count} members after {known}");
            (*known, lists) = (count, lists + 1);
        }
    }
    println!("{} clients, {lists} further lists", ROOMS * MEMBERS);
}
