//! The built book in real browsers. `cargo xtask test browser`, `… screens` and `… soak` build all
//! that is needed and call this program; the environment says where things are ([`setup`]).
//!
//! - [`browser`], [`server`]: a Chromium, Firefox or WebKit, and a `standby serve`, each test its own
//! - [`book`], [`widget`]: the pages, and an experiment on one of them; [`host`]: a host without a
//!   server
//! - [`cases`]: what must hold
//! - [`runner`]: runs the cases in all engines and keeps what helps when one fails
//! - [`record`]: the traces from which the static figures are drawn
//! - [`screens`], [`soak`], [`mod@bench`], [`bench_page`], [`bench_sim`]: the pictures, the long run, and what
//!   a frame, a page and the model of many clients cost

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod bench_page;
mod bench_sim;
mod book;
mod browser;
mod cases;
mod host;
mod record;
mod runner;
mod screens;
mod script;
mod server;
mod setup;
mod soak;
mod wait;
mod widget;

/// Drives the built book in real browsers.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests whose name holds NAME, or all
    Test {
        /// A part of a test's name, or of an engine's
        name: Option<String>,
    },
    /// Run every experiment and keep the trace of its first window, for its static figure
    Record {
        /// Only experiments with this in their name
        name: Option<String>,
        /// Keep the traces, and only measure how much room the widgets take
        #[arg(long)]
        room: bool,
        /// Record what each browser sends of its own instead, for the model
        #[arg(long, conflicts_with_all = ["name", "room"])]
        requests: bool,
        /// Record how the model compares with live runs instead, in every browser
        #[arg(long, conflicts_with_all = ["name", "room", "requests"])]
        truth: bool,
    },
    /// Take a picture of every experiment in each of its states
    Screens {
        /// Only experiments with this in their name
        name: Option<String>,
    },
    /// Run the four-lane experiment with drops, and watch the memory
    Soak {
        /// For how long
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Measure for how long a page with four lanes keeps the browser busy
    BenchPage,
    /// Measure how fast the model of many clients runs in a page's worker
    BenchSim,
    /// Measure what a frame of the picture costs
    BenchPicture {
        /// Where the widgets' bundle with its hook lies
        module: std::path::PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    let setup = setup::Setup::from_env()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match task {
            Task::Test { name } => runner::run(&setup, name.as_deref()).await,
            Task::Record { requests: true, .. } => record::requests::take(&setup).await,
            Task::Record { truth: true, .. } => record::truth::take(&setup).await,
            Task::Record { name, room, .. } => {
                record::take(&setup, &record::Choice { name: name.as_deref(), room }).await
            }
            Task::Screens { name } => screens::take(&setup, name.as_deref()).await,
            Task::Soak { minutes } => soak::run(&setup, minutes).await,
            Task::BenchSim => bench_sim::run(&setup).await,
            Task::BenchPage => bench_page::page(&setup).await,
            Task::BenchPicture { module } => bench::picture(&setup, &module).await,
        }
    })
}
