//! Lines and dialogs in the hands of their owners. Who lets go of one ends it.

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Permit, Receiver, Sender, UnboundedSender};

use crate::api::{DialogNews, DialogOrder, LineNews, LineOrder, Refused};
use crate::core::Order;

/// The way to the agent.
#[derive(Clone)]
pub(crate) struct Way {
    /// Bounded by [`Limits::queue`](crate::Limits::queue).
    pub(crate) orders: Sender<Order>,
    /// Those who let go. At most one entry for each handle, and handles are bounded.
    pub(crate) gone: UnboundedSender<Order>,
}

impl Way {
    pub(crate) fn order(&self, order: Order) -> Result<(), Refused> {
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Busy,
            TrySendError::Closed(_) => Refused::Gone,
        })
    }

    /// A place in the queue, once there is one.
    pub(crate) async fn place(&self) -> Result<Permit<'_, Order>, Refused> {
        self.orders.reserve().await.map_err(|_| Refused::Gone)
    }
}

/// An account at its registrar. When it is dropped, its binding is taken back.
pub struct Line {
    id: u64,
    way: Way,
    news: Receiver<LineNews>,
}

impl Line {
    pub(crate) fn new(id: u64, way: Way, news: Receiver<LineNews>) -> Self {
        Self { id, way, news }
    }

    /// Gives an order. Never waits.
    ///
    /// # Errors
    /// [`Refused::Busy`], [`Refused::Gone`].
    pub fn order(&self, order: LineOrder) -> Result<(), Refused> {
        self.way.order(Order::Line(self.id, order))
    }

    /// Gives an order, and waits for a place in the queue if there is none.
    ///
    /// # Errors
    /// [`Refused::Gone`].
    pub async fn order_in_turn(&self, order: LineOrder) -> Result<(), Refused> {
        self.way.place().await?.send(Order::Line(self.id, order));
        Ok(())
    }

    /// The next news; `None`: the agent has stopped, or has ended this line because its news were not taken.
    pub async fn next(&mut self) -> Option<LineNews> {
        self.news.recv().await
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        _ = self.way.gone.send(Order::DropLine(self.id));
    }
}

/// A call. When it is dropped, it is cancelled, refused with `480`, or hung up.
pub struct Dialog {
    id: u64,
    way: Way,
    news: Receiver<DialogNews>,
}

impl Dialog {
    pub(crate) fn new(id: u64, way: Way, news: Receiver<DialogNews>) -> Self {
        Self { id, way, news }
    }

    /// Gives an order. Never waits.
    ///
    /// # Errors
    /// [`Refused::Busy`], [`Refused::Gone`].
    pub fn order(&self, order: DialogOrder) -> Result<(), Refused> {
        self.way.order(Order::Dialog(self.id, order))
    }

    /// The next news; `None`: there will be none.
    pub async fn next(&mut self) -> Option<DialogNews> {
        self.news.recv().await
    }
}

impl Drop for Dialog {
    fn drop(&mut self) {
        _ = self.way.gone.send(Order::DropDialog(self.id));
    }
}
