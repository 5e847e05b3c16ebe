//! What an observer hears and says.

use std::sync::Arc;

use standby_trace::tap::{FromObserver, ToObserver};
use standby_transport::Frame;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Experiment;
use crate::net::clock;
use crate::net::tap::hub::Observer;
use crate::rate::Client;
use crate::socket::{CloseCode, Ended, Incoming, Socket};
use crate::{AppState, Problem};

/// Tells an observer what happens, until either end is gone.
pub(super) async fn observe(
    app: AppState,
    experiment: Arc<Experiment>,
    client: Client,
    proxied: bool,
    mut socket: Socket,
) {
    let keep_alive = app.config.keep_alive(None);
    let mut ping = interval_at(Instant::now() + keep_alive, keep_alive);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Before the hello is written: what happens from here on is not missed.
    let observer: Observer = experiment.link.hub.join();
    if !app.experiments.has(&experiment) {
        // It was let go between the request and here. The next request hears of it.
        return socket.close(CloseCode::Away, "the experiment has ended").await;
    }
    let mut sent = send(&mut socket, &hello(&experiment, proxied)).await;
    while sent.is_ok() {
        sent = tokio::select! {
            // A question about the clock is answered before what waits: the round trip is measured.
            biased;
            incoming = socket.recv() => match incoming {
                Ok(incoming) => match answer(&app, client, &incoming) {
                    Ok(answer) => send(&mut socket, &answer).await,
                    Err(problem) => socket.send_text(refusal(&problem)).await,
                },
                Err(ended) => Err(ended),
            },
            () = app.shutdown.cancelled() => {
                return socket.close(CloseCode::Away, "the server is stopping").await;
            }
            frame = observer.next() => {
                ping.reset();
                socket.send_text(frame).await
            }
            _ = ping.tick() => socket.ping().await,
        };
    }
    if let Err(ended) = sent {
        socket.end(ended).await;
    }
}

fn hello(experiment: &Experiment, proxied: bool) -> ToObserver {
    let (epoch, last_id) = experiment.topic.head();
    ToObserver::Hello {
        topic: experiment.topic.name().to_owned(),
        epoch: epoch.map(|epoch| epoch.as_str().to_owned()),
        last_id,
        server_us: clock::now_us(),
        conditions: experiment.link.conditions(),
        publish: experiment.publish(),
        proxied,
    }
}

fn answer(app: &AppState, client: Client, incoming: &Incoming) -> Result<ToObserver, Problem> {
    let server_us = clock::now_us();
    app.rates.check(client)?;
    let question = match incoming {
        Incoming::Text(text) => serde_json::from_str(text.as_str()).ok(),
        Incoming::Binary(_) => None,
    };
    let Some(FromObserver::Clock { sent }) = question else {
        let detail = r#"Send {"clock": {"sent": number}} in a text frame."#;
        return Err(Problem::bad_request("Not a question", detail));
    };
    Ok(ToObserver::Clock { echo: sent, server_us })
}

async fn send(socket: &mut Socket, record: &ToObserver) -> Result<(), Ended> {
    // Records always serialise.
    socket.send_text(Utf8Bytes::from(serde_json::to_string(record).unwrap_or_default())).await
}

fn refusal(problem: &Problem) -> Utf8Bytes {
    let (title, detail) = (problem.title.clone().into_owned(), problem.detail.clone().into_owned());
    Frame::Error { title, detail }.to_json().into()
}
