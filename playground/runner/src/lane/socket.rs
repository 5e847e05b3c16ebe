//! A WebSocket, told to its machine.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{Sink as _, StreamExt as _};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State, WebSocketError};
use standby_transport::Input;
use wasm_bindgen_futures::spawn_local;

use super::Lane;
use standby_api::Api;

/// Abnormal closure (RFC 6455 §7.4.1): how a page sees every failed handshake.
const ABNORMAL: u16 = 1006;

/// A socket that opens or is open. To drop it is to close it.
pub(super) struct Socket {
    orders: UnboundedSender<Order>,
}

enum Order {
    Send(String),
    Close(u16),
}

impl Socket {
    /// Sends a text; says whether the socket was there to take it.
    pub(super) fn send(&self, text: String) -> bool {
        self.orders.unbounded_send(Order::Send(text)).is_ok()
    }

    /// Closes it with a code.
    pub(super) fn close(&self, code: u16) {
        let _ = self.orders.unbounded_send(Order::Close(code));
    }
}

/// Opens one. With `probe` the server is asked by fetch first, and where it does not answer the
/// attempt has failed.
pub(super) fn open(lane: &Rc<Lane>, n: u64, url: String, probe: Option<Api>) -> Socket {
    let (orders, taken) = unbounded();
    spawn_local(drive(Rc::downgrade(lane), n, url, probe, taken));
    Socket { orders }
}

async fn drive(
    lane: Weak<Lane>,
    n: u64,
    url: String,
    probe: Option<Api>,
    mut orders: UnboundedReceiver<Order>,
) {
    let tell = |input: &dyn Fn(u64) -> Input<'static>| {
        if let Some(lane) = lane.upgrade() {
            lane.tell(n, input);
        }
    };
    if let Some(api) = probe
        && !api.is_there().await
    {
        return tell(&|n| Input::Closed { n, code: ABNORMAL });
    }
    let Ok(mut socket) = WebSocket::open(&url) else {
        return tell(&|n| Input::Failed { n });
    };
    let mut opened = false;
    loop {
        match next(&mut socket, &mut orders, opened).await {
            Next::Opened => {
                opened = true;
                tell(&|n| Input::Opened { n });
            }
            Next::Order(Some(Order::Send(text))) => {
                let sink = Pin::new(&mut socket);
                let _ = sink.start_send(Message::Text(text));
            }
            Next::Order(Some(Order::Close(code))) => {
                let _ = socket.close(Some(code), None);
                return;
            }
            Next::Order(None) => return,
            Next::Message(Some(Ok(Message::Text(text)))) => {
                if let Some(lane) = lane.upgrade() {
                    lane.tell(n, |n| Input::Text { n, text: &text });
                }
            }
            Next::Message(Some(Err(WebSocketError::ConnectionClose(close)))) => {
                return tell(&|n| Input::Closed { n, code: close.code });
            }
            // The close that follows says all that a page may know.
            Next::Message(Some(Err(_))) => {}
            // The contract has no binary messages from the server.
            Next::Message(Some(Ok(Message::Bytes(_)))) => {}
            Next::Message(None) => return,
        }
    }
}

enum Next {
    Opened,
    Order(Option<Order>),
    Message(Option<Result<Message, WebSocketError>>),
}

/// Whatever comes first. A socket that is open tells so before its first message.
async fn next(socket: &mut WebSocket, orders: &mut UnboundedReceiver<Order>, opened: bool) -> Next {
    poll_fn(|cx| {
        if let Poll::Ready(order) = orders.poll_next_unpin(cx) {
            return Poll::Ready(Next::Order(order));
        }
        if !opened
            && Pin::new(&mut *socket).poll_ready(cx).is_ready()
            && matches!(socket.state(), State::Open)
        {
            return Poll::Ready(Next::Opened);
        }
        socket.poll_next_unpin(cx).map(Next::Message)
    })
    .await
}
