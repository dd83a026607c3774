use std::time::Duration;

use patchbay_dialect_kit::testing::{Handshake, Heard, HttpAnswer, Input, Place, Turned, World};

use super::client::Client;
use super::http;
use super::wire::Address;

/// The server behind real sockets, in real time.
pub(crate) struct SocketWorld {
    address: Address,
    path: &'static str,
    patience: Duration,
    clients: Vec<Client>,
}

impl SocketWorld {
    /// `path`: where clients connect unless their transcript says otherwise. `patience`: how long to wait for what must
    /// come.
    pub(crate) fn new(address: Address, path: &'static str, patience: Duration) -> Self {
        Self { address, path, patience, clients: Vec::new() }
    }
}

impl World for SocketWorld {
    fn place(&self) -> Place {
        Place::Sockets
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn open(&mut self, handshake: &Handshake) -> Result<usize, Turned> {
        self.clients.push(Client::at(&self.address, self.path, handshake)?);
        Ok(self.clients.len() - 1)
    }

    fn say(&mut self, connection: usize, input: &Input) -> Result<(), String> {
        self.clients[connection].say(input)
    }

    fn hear(&mut self, connection: usize, within: Duration) -> Option<Heard> {
        self.clients[connection].hear(within)
    }

    fn pass(&mut self, span: Duration) {
        // Time is what is waited for here, not an event.
        std::thread::sleep(span);
    }

    fn left_over(&mut self, connection: usize) -> Option<Heard> {
        self.clients[connection].hear(Duration::ZERO)
    }

    fn http(&mut self, method: &str, path: &str) -> Result<HttpAnswer, String> {
        http::request(&self.address, method, path)
    }
}
