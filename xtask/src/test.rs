//! `cargo xtask test`: every check, counted.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::step::{listen, run, step, took};
use crate::workspace::Workspace;
use crate::{browser, links, site, tools, widgets};

/// What passed and what failed. A step counts as one, and each test in it as one more.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
}

impl Tally {
    /// Counts a step and, where it ran tests, each of them.
    fn step(&mut self, what: &str, work: impl FnOnce() -> Result<Tests>) {
        let mut tests = Tests::default();
        let done = step(what, || {
            tests = work()?;
            if tests.failed > 0 { bail!("{} tests failed:\n{}", tests.failed, tests.said) } else { Ok(()) }
        });
        self.count(what, &tests, done);
    }

    fn count(&mut self, what: &str, tests: &Tests, done: Result<()>) {
        self.passed += tests.passed;
        self.failed += tests.failed;
        match done {
            Ok(()) => self.passed += 1,
            Err(e) => {
                println!("{e:#}\n");
                self.failures.push(what.to_owned());
                // Failed tests are counted one by one: the step would count them twice.
                self.failed += usize::from(tests.failed == 0);
            }
        }
    }
}

/// What a step's tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tests {
    passed: usize,
    failed: usize,
    said: String,
}

impl Tests {
    /// A step without tests of its own.
    const NONE: Self = Self { passed: 0, failed: 0, said: String::new() };

    /// Adds up all lines `test result: ok. 17 passed; 0 failed; …`.
    fn of(said: String) -> Self {
        let number = |part: &str, word: &str| -> usize {
            part.trim()
                .strip_suffix(word)
                .and_then(|n| n.trim().rsplit(' ').next()?.parse().ok())
                .unwrap_or(0)
        };
        let (mut passed, mut failed) = (0, 0);
        for line in said.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            for part in line.split(';') {
                passed += number(part, "passed");
                failed += number(part, "failed");
            }
        }
        Self { passed, failed, said }
    }
}

/// Runs the checks, or a part of them, and ends with one line that counts them all.
pub(crate) fn test(workspace: &Workspace, part: Option<&str>) -> Result<ExitCode> {
    let start = Instant::now();
    let mut tally = Tally::default();
    match part {
        None => {
            native(workspace, &mut tally);
            in_browsers(workspace, None, &mut tally);
        }
        Some("native") => native(workspace, &mut tally),
        Some("browser") => in_browsers(workspace, None, &mut tally),
        Some(name) => named(workspace, name, &mut tally),
    }
    println!("  all of it … {}", took(start.elapsed()));
    for failure in &tally.failures {
        println!("  failed: {failure}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All that needs no browser.
fn native(workspace: &Workspace, tally: &mut Tally) {
    tally.step("formatting", || {
        run(workspace.cargo().args(["fmt", "--all", "--check"])).context("`cargo fmt` puts it right")?;
        Ok(Tests::NONE)
    });
    let clippy =
        ["clippy", "--quiet", "--workspace", "--all-targets", "--features", "standby-server/capture"];
    tally.step("clippy", || {
        run(workspace.cargo().args(clippy).args(["--", "-D", "warnings"])).map(|_| Tests::NONE)
    });
    let clippy = [
        "clippy",
        "--quiet",
        "--package",
        "standby-runner",
        "--package",
        "standby-playground",
        "--package",
        "standby-inspector",
        "--target",
        "wasm32-unknown-unknown",
    ];
    tally.step("clippy, as the browser compiles it", || {
        widgets::add_target(workspace)?;
        run(workspace.cargo().args(clippy).args(["--", "-D", "warnings"])).map(|_| Tests::NONE)
    });
    tally.step("unit and doc tests", || cargo_test(workspace, &["--workspace"]));
    tally.step("the tap against a packet capture", || {
        tools::for_capture()?;
        if !tools::is_root() {
            bail!(
                "only root may capture packets: run this as root, or `cargo xtask test browser` without it"
            );
        }
        cargo_test(
            workspace,
            &["--package", "standby-server", "--features", "capture", "--test", "net", "capture"],
        )
    });
    tally.step("documentation", || {
        let doc = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
        run(workspace.cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings")).map(|_| Tests::NONE)
    });
    let built = site::site(workspace, None);
    tally.count("the book", &Tests::NONE, built);
    tally.step("links", || {
        let (followed, problems) = links::check(&workspace.book())?;
        if problems.is_empty() && followed > 0 {
            return Ok(Tests::NONE);
        }
        bail!("{followed} links followed; {} problems:\n{}", problems.len(), problems.join("\n"))
    });
    let plain = plain_mdbook(workspace);
    tally.count("plain mdbook", &Tests::NONE, plain);
}

fn in_browsers(workspace: &Workspace, name: Option<&str>, tally: &mut Tally) {
    let what = "browser tests";
    match browser::test(workspace, name) {
        Ok((success, said)) => {
            let tests = Tests::of(said);
            let done =
                if success { Ok(()) } else { Err(anyhow::anyhow!("some browser tests failed: see above")) };
            tally.count(what, &tests, done);
        }
        Err(e) => tally.count(what, &Tests::NONE, Err(e)),
    }
}

/// Every test, native or in a browser, with `name` in its name.
fn named(workspace: &Workspace, name: &str, tally: &mut Tally) {
    tally.step(&format!("tests named like `{name}`"), || cargo_test(workspace, &["--workspace", "--", name]));
    if tally.passed + tally.failed <= 1 {
        in_browsers(workspace, Some(name), tally);
    }
}

fn cargo_test(workspace: &Workspace, args: &[&str]) -> Result<Tests> {
    let said = listen(workspace.cargo().arg("test").arg("--no-fail-fast").args(args))?;
    let tests = Tests::of(said.out);
    if !said.success && tests.failed == 0 {
        bail!("`cargo test` failed:\n{}\n{}", tests.said, said.err);
    }
    Ok(tests)
}

/// The book by the plain program, with the preprocessor as an external command, in a copy: first
/// without the widgets, where it must say what to run, then with them.
fn plain_mdbook(workspace: &Workspace) -> Result<()> {
    let mdbook = tools::mdbook(workspace)?;
    step("plain mdbook", || {
        let copy = workspace.target.join("xtask/plain");
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        copy_sources(workspace, &copy)?;
        let build = || {
            let mut command = Command::new(&mdbook);
            command.arg("build").current_dir(&copy).env("CARGO_TARGET_DIR", &workspace.target);
            listen(&mut command)
        };
        let widgets = copy.join("src/standby");
        fs::remove_dir_all(&widgets)?;
        let said = build()?;
        if said.success || !said.err.contains("cargo xtask widgets") {
            bail!(
                "without widgets it must fail and say which command to run; it said:\n{}{}",
                said.out,
                said.err
            );
        }
        copy_folder(&workspace.path("src/standby"), &widgets)?;
        let said = build()?;
        let page = fs::read_to_string(copy.join("book/index.html")).unwrap_or_default();
        if !said.success || !page.contains("<standby-experiment") || page.contains("{{#experiment") {
            bail!("`mdbook build` did not build the book:\n{}{}", said.out, said.err);
        }
        Ok(())
    })
}

/// What is in version control or would be, which is all but what is built.
fn copy_sources(workspace: &Workspace, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(&workspace.root)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if ["target", "book", "book.next", "book.old", ".git"].iter().any(|built| name == *built)
            || path == workspace.target
        {
            continue;
        }
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_test_programs_are_added_up() {
        let said = "\
running 2 tests
test result: ok. 17 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s
noise: 5 passed
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let tests = Tests::of(said.to_owned());
        assert_eq!((tests.passed, tests.failed), (18, 2));
    }

    #[test]
    fn a_step_whose_tests_failed_is_not_counted_twice() {
        let mut tally = Tally::default();
        tally.count("a", &Tests { passed: 3, failed: 0, said: String::new() }, Ok(()));
        tally.count("b", &Tests { passed: 1, failed: 2, said: String::new() }, Err(anyhow::anyhow!("x")));
        tally.count("c", &Tests::NONE, Err(anyhow::anyhow!("does not compile")));
        assert_eq!((tally.passed, tally.failed), (5, 3));
    }
}
