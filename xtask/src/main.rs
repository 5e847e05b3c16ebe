//! What the workspace does besides compiling. `cargo xtask --help` says how to call it.
//!
//! - [`step`]: a line a step, with its time; commands that stay quiet unless they fail
//! - [`workspace`]: where things are
//! - [`widgets`], [`book`], [`server`]: the three things that are built
//! - [`serve`]: all three with live reload; [`site`]: all three to publish
//! - [`crowd`]: many real connections, measured
//! - [`mod@test`]: every check, counted; [`links`]: one of them; [`tools`]: what they need
//!
//! The browser's part (tests, records, screens, soak) is the package `standby-tests`, which xtask builds and
//! calls: this program itself must compile quickly.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod book;
mod browser;
mod crowd;
mod links;
mod serve;
mod server;
mod site;
mod step;
mod test;
mod tools;
mod widgets;
mod workspace;

use workspace::Workspace;

/// Builds, serves and checks the book.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build widgets, book and server, serve them, and rebuild what changes
    Serve {
        /// Where to listen; 0.0.0.0:3000 lets others on the network in
        #[arg(long, default_value = "127.0.0.1:3000")]
        addr: SocketAddr,
        /// Open the book in the browser
        #[arg(long)]
        open: bool,
    },
    /// Build the static site in book/ and the release binary `standby` with the book inside
    Build {
        /// Where the site will be, for its 404 page and link previews: <https://example.org/standby/>
        #[arg(long)]
        site_url: Option<String>,
    },
    /// Build only the widgets, for plain `mdbook build` and `mdbook serve`
    Widgets,
    /// Run every check; ends with one line `N passed, N failed`
    Test {
        /// `native`, `browser`, or a part of a test's name; all without it
        part: Option<String>,
    },
    /// Run every experiment in a browser, and keep its trace for the static figure
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
    /// Take a picture of every experiment in each of its states, under target/screens/
    Screens {
        /// Only experiments with this in their name
        name: Option<String>,
    },
    /// Drop 2,000 connections again and again with each strategy, hold the model against 20 live runs by
    /// chance, and run the four-lane experiment with drops: memory must stay what it is
    Soak {
        /// For how long
        #[arg(long, default_value_t = 10)]
        minutes: u32,
    },
    /// Measure something, and print it
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// What a frame of the live picture costs in script and paint, in each browser
    Picture,
    /// What a held connection and a delivered event cost the server, by transport; kept in
    /// experiments/costs.json
    Crowd,
    /// For how long a page keeps the browser busy while a widget loads and four lanes run
    Page,
    /// How many things a second the model of many clients does, natively and in each browser, and what
    /// a client takes
    Sim,
}

fn main() -> ExitCode {
    let done = Workspace::find().and_then(|workspace| run(&workspace, Cli::parse().task));
    match done {
        Ok(code) => code,
        Err(e) => {
            eprintln!("\nerror: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, task: Task) -> Result<ExitCode> {
    match task {
        Task::Serve { addr, open } => serve::serve(workspace, addr, open)?,
        Task::Build { site_url } => site::build(workspace, site_url.as_deref())?,
        Task::Widgets => {
            widgets::build(workspace, widgets::Profile::Small)?;
            widgets::weigh(workspace)?;
        }
        Task::Test { part } => return test::test(workspace, part.as_deref()),
        Task::Record { name, room, requests, truth } => {
            let options = [(room, "--room"), (requests, "--requests"), (truth, "--truth")];
            let options: Vec<&str> =
                options.into_iter().filter(|(is, _)| *is).map(|(_, option)| option).collect();
            browser::record(workspace, name.as_deref(), &options)?;
        }
        Task::Screens { name } => browser::screens(workspace, name.as_deref())?,
        Task::Soak { minutes } => {
            crowd::soak(workspace)?;
            browser::soak(workspace, minutes)?;
        }
        Task::Bench { what: Bench::Crowd } => crowd::bench(workspace)?,
        Task::Bench { what: Bench::Page } => browser::bench_page(workspace)?,
        Task::Bench { what: Bench::Sim } => {
            let mut cargo = workspace.cargo();
            cargo.args(["run", "--release", "--package", "standby-sim", "--example", "herd"]);
            if !cargo.status()?.success() {
                anyhow::bail!("the model could not be measured");
            }
            browser::bench_sim(workspace)?;
        }
        Task::Bench { what: Bench::Picture } => browser::bench_picture(workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
