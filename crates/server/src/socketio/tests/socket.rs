//! What goes over the WebSocket.

use super::*;
use crate::probe::text;

#[tokio::test]
async fn packets_go_both_ways_each_in_a_frame_however_long() {
    let house = House::new(&["*"]).await;
    let (mut client, sid) = Client::upgraded(house.public).await;
    assert_eq!(client.frame().await, "1::");
    assert_eq!(client.frame().await, format!("3:::{sid} 127.0.0.1 -"));
    client.say([text("3:::a"), text("3:::large"), text("5:1+::{}")].concat()).await;
    assert_eq!(client.frame().await, "3:::a");
    assert_eq!(client.frame().await.len(), 200_000);
    assert_eq!(client.frame().await, "5:1+::{}");
    // C: `0::` is answered, then the connection ends; devices never answer a close frame, so nobody waits for one.
    client.say(text("0::")).await;
    assert_eq!(client.frame().await, "0::");
    assert_eq!(client.rest().await, b"\x88\x02\x03\xe8");
    while house.shell.connections.load(std::sync::atomic::Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    let metrics = house.metrics();
    for line in [
        "patchbay_connections_opened_total{dialect=\"parrot\"} 1",
        "patchbay_connections_closed_total{dialect=\"parrot\",cause=\"peer\"} 1",
        "patchbay_messages_total{dialect=\"parrot\",direction=\"in\"} 4",
        "patchbay_parties 0",
    ] {
        assert!(metrics.lines().any(|have| have == line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let house = House::new(&["*"]).await;
    let (mut client, _) = Client::upgraded(house.public).await;
    let mut head = vec![0x81, 0xff];
    head.extend_from_slice(&(2u64 << 20).to_be_bytes());
    client.say(head).await;
    let rest = client.rest().await;
    assert!(rest.ends_with(b"\x88\x02\x03\xf1"), "{rest:?}");
}
