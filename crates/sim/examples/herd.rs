//! How fast the herd runs natively, and what it takes: `cargo xtask bench sim` runs it, and then the same
//! in browsers.

use std::time::Instant;

use standby_sim::herd::{Herd, bench};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("  natively\n{}", bench::head());
    for clients in bench::CLIENTS {
        for (name, backoff) in bench::STRATEGIES {
            let scenario = bench::scenario(clients, backoff)?;
            let began = Instant::now();
            let mut herd = Herd::new(&scenario, 0)?;
            let done = herd.run_until(i64::MAX, u64::MAX);
            let seconds = began.elapsed().as_secs_f64();
            println!("{}", bench::line(&scenario, name, done.events, seconds, None));
        }
    }
    Ok(())
}
