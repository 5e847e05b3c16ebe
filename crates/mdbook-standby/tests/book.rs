//! Whole books through mdBook, with the preprocessor in them.

#![allow(clippy::unwrap_used, reason = "a harness of tests: what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mdbook_driver::MDBook;
use mdbook_standby::library::Library;
use mdbook_standby::{Standby, WIDGETS};

const FOUR_WAYS: &str = r#"
title = "One stream, four ways to stand by"
look = "Who has it first?"
controls = ["every", "drop"]
publish = { every_ms = 1200 }
conditions = { latency_ms = 100 }
[[lanes]]
transport = "short-poll"
[[lanes]]
transport = "sse"
"#;

/// A book in a folder of its own.
struct BookTest {
    folder: tempfile::TempDir,
    chapters: Vec<&'static str>,
}

impl BookTest {
    /// A book with the experiment `four-ways`, built widgets and no chapter.
    fn new() -> Self {
        let book = Self { folder: tempfile::tempdir().unwrap(), chapters: Vec::new() };
        let toml = "[book]\ntitle = \"A book\"\n[preprocessor.standby]\nbefore = [\"links\"]\n";
        book.file("book.toml", toml).file(&format!("src/{WIDGETS}"), "").experiment("four-ways", FOUR_WAYS)
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn chapter(mut self, path: &'static str, text: &str) -> Self {
        self.chapters.push(path);
        self.file(&format!("src/{path}"), text)
    }

    fn experiment(self, name: &str, toml: &str) -> Self {
        self.file(&format!("experiments/{name}.toml"), toml)
    }

    fn without_widgets(self) -> Self {
        fs::remove_file(self.path("src").join(WIDGETS)).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&self) -> Result<(), String> {
        let summary: String = self.chapters.iter().map(|path| format!("- [{path}]({path})\n")).collect();
        fs::write(self.path("src/SUMMARY.md"), summary).unwrap();
        let mut book = MDBook::load(self.folder.path()).map_err(|e| format!("{e:#}"))?;
        book.with_preprocessor(Standby);
        book.build().map_err(|e| format!("{e:#}"))
    }

    fn builds(self) -> Self {
        self.run().unwrap();
        self
    }

    #[track_caller]
    fn fails_with(self, told: &[&str]) {
        let error = self.run().unwrap_err();
        for part in told {
            assert!(error.contains(part), "expected {part:?} in:\n{error}");
        }
    }

    #[track_caller]
    fn page(&self, path: &str) -> String {
        let page = fs::read_to_string(self.path("book").join(path)).unwrap();
        let main = page.split("<main>").nth(1).unwrap();
        main.split("</main>").next().unwrap().to_owned()
    }
}

#[test]
fn an_experiment_has_its_place_with_a_figure_inside() {
    let book =
        BookTest::new().chapter("one.md", "# One\n\nBefore.\n{{#experiment four-ways}}\nAfter.\n").builds();
    let page = book.page("one.html");
    assert!(page.contains(r#"<standby-experiment id="four-ways" data-experiment="#), "{page}");
    assert!(page.contains("<figcaption><strong>One stream, four ways to stand by</strong>"), "{page}");
    assert!(page.contains("<p>Before.</p>") && page.contains("<p>After.</p>"), "{page}");
    assert!(!page.contains("{{#experiment"), "{page}");
}

#[test]
fn a_page_may_have_the_same_experiment_twice_set_differently() {
    let book = BookTest::new()
        .chapter("deep/one.md", "{{#experiment four-ways}}\n\n{{#experiment four-ways every=4s}}\n")
        .builds();
    let page = book.page("deep/one.html");
    assert!(page.contains(r#"id="four-ways""#) && page.contains(r#"id="four-ways-2""#), "{page}");
    assert!(page.contains("about every 1.2 s") && page.contains("about every 4.0 s"), "{page}");
}

#[test]
fn code_and_escapes_are_left_as_the_author_wrote_them() {
    let book = BookTest::new()
        .chapter(
            "one.md",
            "```text\n{{#experiment nope}}\n```\n\n`{{#experiment nope}}`\n\n\\{{#experiment nope}}\n",
        )
        .builds();
    let page = book.page("one.html");
    assert_eq!(page.matches("{{#experiment nope}}").count(), 3, "{page}");
    assert!(!page.contains(r"\{{"), "{page}");
    assert!(!page.contains("<standby-experiment"), "{page}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_file_and_line() {
    BookTest::new()
        .experiment("broken", "title = 1\n")
        .chapter("one.md", "# One\n\n{{#experiment four-way}}\n")
        .chapter("deep/two.md", "{{#experiment four-ways evry=1s}}\n\n{{#experiment four-ways every=1}}\n")
        .fails_with(&[
            "experiments/broken.toml:1:9: invalid type",
            "src/one.md:3:1: no experiment is named `four-way`",
            "did you mean `four-ways`?",
            "src/deep/two.md:1:1: no parameter is named `evry`: did you mean `every`?",
            "src/deep/two.md:3:1: `every` is `1`; expected a time with its unit",
        ]);
}

#[test]
fn a_value_out_of_bounds_fails_the_build() {
    BookTest::new()
        .chapter("one.md", "{{#experiment four-ways retry=1ms}}\n")
        .fails_with(&["src/one.md:1:1: experiment `four-ways`: `retry_ms` is 1; it must be 500 to 60000"]);
}

#[test]
fn without_the_widgets_the_build_says_which_command_to_run() {
    BookTest::new()
        .without_widgets()
        .chapter("one.md", "{{#experiment four-ways}}\n")
        .fails_with(&["cargo xtask widgets"]);
}

#[test]
fn a_book_without_experiments_needs_no_widgets() {
    let _ = BookTest::new().without_widgets().chapter("one.md", "# One\n").builds();
}

#[test]
fn the_books_own_experiments_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let library = Library::read(&folder).unwrap();
    assert_eq!(library.problems(), [] as [String; 0]);
    assert!(library.iter().count() > 0);
}

#[test]
fn the_program_speaks_mdbooks_protocol() {
    let program = || Command::new(env!("CARGO_BIN_EXE_mdbook-standby"));
    assert!(program().args(["supports", "html"]).status().unwrap().success());
    assert!(!program().args(["supports", "epub"]).status().unwrap().success());
    let output = program().arg("build").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("mdbook build"));
}
