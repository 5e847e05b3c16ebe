//! The process of a crowd.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standby_trace::crowd::TALLY_US;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::count::Count;
use super::{OTHER_FILES, Order, Told, client};
use crate::net::lock;

/// An order is far shorter than this.
const ORDER_BYTES: u64 = 64 << 10;

/// Reads the order from standard input, and does it until that closes.
///
/// # Errors
/// There is no order, or nobody reads what is told.
pub async fn run() -> io::Result<()> {
    let mut input = BufReader::new(tokio::io::stdin().take(ORDER_BYTES));
    let mut line = String::new();
    input.read_line(&mut line).await?;
    let order: Order = serde_json::from_str(&line)?;
    let wanted = u64::from(order.clients) + OTHER_FILES;
    // A system without such a limit says so by an error: then there is nothing to raise.
    if let Ok(files) = rlimit::increase_nofile_limit(wanted)
        && files < wanted
    {
        return tell(Told::TooFewFiles(files));
    }
    tell(Told::Began)?;
    let began = Instant::now();
    let count = Arc::new(Mutex::new(Count::default()));
    let mut clients = JoinSet::new();
    clients.spawn(begin_all(Arc::new(order), began, Arc::clone(&count)));
    let tally = Duration::from_micros(TALLY_US.unsigned_abs());
    let mut tick = interval_at(began + tally, tally);
    // One that is late is told all the same: each stands for a tenth of a second.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut rest = [0; 64];
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let tally = lock(&count).take();
                match tell(Told::Tally(tally)) {
                    // Whoever started this is gone, or wants no more of it: as below.
                    Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    told => told?,
                }
            }
            // Whoever started this is gone, or wants no more of it.
            read = input.read(&mut rest) => if matches!(read, Ok(0) | Err(_)) { return Ok(()) },
        }
    }
}

/// Lets the clients begin, one after another.
async fn begin_all(order: Arc<Order>, began: Instant, count: Arc<Mutex<Count>>) {
    let mut clients = JoinSet::new();
    let ramp = Duration::from_millis(order.ramp_ms.into());
    for index in 0..order.clients {
        sleep_until(began + ramp * index / order.clients.max(1)).await;
        clients.spawn(client::run(Arc::clone(&order), index, Arc::clone(&count)));
    }
    // None of them ends by itself.
    while clients.join_next().await.is_some() {}
}

fn tell(told: Told) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &told)?;
    out.write_all(b"\n")?;
    out.flush()
}
