//! The preprocessor as mdBook's external command:
//! `[preprocessor.standby] command = "cargo run -q -p mdbook-standby --"`.

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use mdbook_preprocessor::Preprocessor as _;
use mdbook_standby::Standby;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // mdBook first asks `supports RENDERER` and reads the exit status, then calls without arguments.
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => preprocess(),
        ["supports", renderer] => match Standby::default().supports_renderer(renderer) {
            Ok(true) => Ok(()),
            _ => return ExitCode::FAILURE,
        },
        _ => Err(anyhow::anyhow!(
            "this is an mdBook preprocessor: run `mdbook build`, which calls it (see book.toml)"
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn preprocess() -> Result<()> {
    let (ctx, book) = mdbook_preprocessor::parse_input(io::stdin().lock())?;
    let book = Standby::default().run(&ctx, book)?;
    serde_json::to_writer(io::stdout().lock(), &book)?;
    Ok(())
}
