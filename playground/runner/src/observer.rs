//! The observer's socket: the server's half of what happens, and the server's clock.
//!
//! It is opened before the lanes, because browsers do WebSocket handshakes to one host one at a
//! time, and because nothing can be placed on the axis before the clocks are set.

use std::future::poll_fn;
use std::pin::Pin;

use futures_util::future::{Either, select};
use futures_util::{Sink as _, StreamExt as _};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State};
use gloo_timers::future::TimeoutFuture;
use standby_dom::time;
use standby_trace::json;
use standby_trace::tap::{FromObserver, ToObserver};

use crate::sink::Run;

/// Questions about the clock that are asked one after another at the start.
const BURST: u32 = 8;
/// After so many answers the clocks are close enough for the lanes to start. The rest of the burst
/// makes them closer.
const ENOUGH: u32 = 3;
/// Then one each so often: clocks drift apart.
const ASK_EACH_US: i64 = 3_000_000;
/// Without a word for so long the connection is dead, though nobody closed it: the answers to the
/// questions alone come more often.
const SILENT_US: i64 = 10_000_000;
/// So long may the handshake take.
const OPEN_MS: u32 = 5_000;

/// Observes until the connection ends, for whatever reason. `ready` is called once: when the
/// clocks are set; `seen` with all that is told.
pub(crate) async fn observe(
    url: &str,
    run: &Run,
    mut ready: impl FnMut(),
    mut seen: impl FnMut(&ToObserver),
) {
    let Ok(mut socket) = WebSocket::open(url) else { return };
    let opened = poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx));
    // A handshake that failed is ready, too: to say that it is closed.
    if in_time(opened, OPEN_MS).await.is_none() || !matches!(socket.state(), State::Open) {
        return;
    }
    let (mut answers, mut heard_us, mut ask_us) = (0, time::now_us(), 0);
    loop {
        let now_us = time::now_us();
        if now_us - heard_us > SILENT_US {
            return;
        }
        if now_us >= ask_us {
            ask_us = now_us + ASK_EACH_US;
            ask(&mut socket, run);
        }
        let wait_ms = u32::try_from((ask_us - now_us) / 1_000 + 1).unwrap_or(1);
        match in_time(socket.next(), wait_ms).await {
            Some(Some(Ok(Message::Text(text)))) => {
                heard_us = time::now_us();
                // What a newer server may say besides is not for us.
                let Ok(told) = json::read::<ToObserver>(&text) else { continue };
                run.sink().tap(run.now_us() as f64, &text);
                seen(&told);
                if let ToObserver::Clock { .. } = told {
                    answers += 1;
                    if answers == ENOUGH {
                        ready();
                    }
                    if answers < BURST {
                        ask_us = 0;
                    }
                }
            }
            Some(Some(Ok(Message::Bytes(_)))) | None => {}
            Some(Some(Err(_)) | None) => return,
        }
    }
}

/// Asks for the server's clock.
fn ask(socket: &mut WebSocket, run: &Run) {
    let question = FromObserver::Clock { sent: run.now_us() };
    // A socket that is closed says so when it is read next.
    let _ = Pin::new(socket).start_send(Message::Text(json::write(&question)));
}

/// What comes within `ms`, or `None`.
async fn in_time<T>(what: impl Future<Output = T>, ms: u32) -> Option<T> {
    match select(Box::pin(what), TimeoutFuture::new(ms)).await {
        Either::Left((it, _)) => Some(it),
        Either::Right(((), _)) => None,
    }
}
