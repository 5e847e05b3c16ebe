//! A line a step, with its time. Commands stay quiet unless they fail; where there is a terminal,
//! the line shows what Cargo is at.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stdout};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Does something, and prints what and how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    print!("  {what} … ");
    let _ = stdout().flush();
    let start = Instant::now();
    let done = work();
    let result = if done.is_ok() { "" } else { "failed after " };
    if stdout().is_terminal() {
        print!("\r\x1b[K  {what} … ");
    }
    println!("{result}{}", took(start.elapsed()));
    done
}

/// A time for people.
pub(crate) fn took(time: Duration) -> String {
    if time < Duration::from_secs(120) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// What a command said, and whether it succeeded.
pub(crate) struct Said {
    /// Its exit status was 0.
    pub success: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end and keeps what it says.
pub(crate) fn listen(command: &mut Command) -> Result<Said> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| missing(&program))?;
    let out = child.stdout.take().context("no standard output")?;
    let err = child.stderr.take().context("no standard error")?;
    let out = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = BufReader::new(out).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let err = follow(err);
    let status = child.wait().with_context(|| format!("waiting for {program}"))?;
    Ok(Said { success: status.success(), out: out.join().unwrap_or_default(), err })
}

/// Runs a command; when it fails, the error is what it said and what may help.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let said = listen(command)?;
    if said.success {
        return Ok(said.out);
    }
    let text = format!("{}{}", said.out, said.err);
    let call: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    bail!("`{}` failed:\n{}{}", call.join(" "), text.trim_end(), hint(&text))
}

/// Reads lines to the end, and shows on a terminal what Cargo compiles or fetches.
fn follow(from: impl Read) -> String {
    let show = stdout().is_terminal();
    let mut text = String::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let progress = line.trim_start();
        if show
            && ["Compiling ", "Checking ", "Downloaded ", "Documenting "]
                .iter()
                .any(|w| progress.starts_with(w))
        {
            let short: String = progress.chars().take(50).collect();
            print!("\x1b7\x1b[K{short}\x1b8");
            let _ = stdout().flush();
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What to do about a program that is not there.
fn missing(program: &str) -> String {
    match program.rsplit('/').next().unwrap_or(program) {
        "cargo" | "rustup" | "rustc" => {
            format!("`{program}` is not installed: install Rust with rustup (https://rustup.rs)")
        }
        other => format!("`{other}` could not be started"),
    }
}

/// What to do about failures that have nothing to do with the code.
fn hint(said: &str) -> &'static str {
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if any(&["Could not resolve host", "Couldn't resolve host", "network failure", "failed to download from"])
    {
        "\n\nThe package registry can't be reached: connect to the network and run it again. \
         Once everything is downloaded, no network is needed."
    } else if any(&["No space left on device"]) {
        "\n\nThe disk is full: `cargo clean` frees what earlier builds took."
    } else if any(&["linker `cc` not found", "linker `link.exe` not found"]) {
        "\n\nRust needs a C linker: install your system's build tools (Debian: apt install build-essential)."
    } else {
        ""
    }
}
