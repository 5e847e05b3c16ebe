//! Whole books through mdBook, with the preprocessor in them.

#![allow(clippy::unwrap_used, reason = "a harness of tests: what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mdbook_driver::MDBook;
use mdbook_standby::library::{Library, path_of_recording};
use mdbook_standby::recording::{Recorded, Recording, Rooms};
use mdbook_standby::{Standby, WIDGETS, parameters};
use standby_trace::Recorder;
use standby_trace::scenario::Experiment;

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
    /// A book with the experiment `four-ways` and its recording, built widgets and no chapter.
    fn new() -> Self {
        let book = Self { folder: tempfile::tempdir().unwrap(), chapters: Vec::new() };
        let toml = "[book]\ntitle = \"A book\"\n[preprocessor.standby]\nbefore = [\"links\"]\n";
        book.file("book.toml", toml)
            .file(&format!("src/{WIDGETS}"), "")
            .experiment("four-ways", FOUR_WAYS)
            .recorded("four-ways", &[])
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

    /// Records the experiment `four-ways` with parameters of a directive, in a run in which little
    /// happens.
    fn recorded(self, name: &str, parameters: &[(&str, &str)]) -> Self {
        let mut library = Library::default();
        library.add("four-ways", FOUR_WAYS);
        let mut experiment = library.get("four-ways").unwrap().clone();
        for (key, value) in parameters {
            parameters::set(&mut experiment, key, value).unwrap();
        }
        let text = recording(&experiment).to_json().unwrap();
        self.file(&path_of_recording(name), &text)
    }

    fn without_recording(self, name: &str) -> Self {
        fs::remove_file(self.path(&path_of_recording(name))).unwrap();
        self
    }

    fn without_widgets(self) -> Self {
        fs::remove_file(self.path("src").join(WIDGETS)).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&self) -> Result<(), String> {
        self.run_with(Standby::default())
    }

    fn run_with(&self, preprocessor: Standby) -> Result<(), String> {
        let summary: String = self.chapters.iter().map(|path| format!("- [{path}]({path})\n")).collect();
        fs::write(self.path("src/SUMMARY.md"), summary).unwrap();
        let mut book = MDBook::load(self.folder.path()).map_err(|e| format!("{e:#}"))?;
        book.with_preprocessor(preprocessor);
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

fn recording(experiment: &Experiment) -> Recording {
    let mut recorder = Recorder::new(experiment.scenario.clone(), 1_764_000_000_000);
    recorder.sent(0, 1, 1_000_000);
    recorder.answered(0, 1, 200, &[], 1_200_000);
    recorder.advance(9_000_000);
    let recorded = Recorded {
        on: "2026-11-24".to_owned(),
        browser: "Chromium 150.0.7871.100".to_owned(),
        server: "standby 0.1.0".to_owned(),
        machine: "2 cores".to_owned(),
        room_px: Rooms::default(),
    };
    Recording::of(recorded, recorder.trace().clone())
}

#[test]
fn an_experiment_has_its_place_with_a_figure_inside() {
    let book =
        BookTest::new().chapter("one.md", "# One\n\nBefore.\n{{#experiment four-ways}}\nAfter.\n").builds();
    let page = book.page("one.html");
    assert!(
        page.contains(
            r#"<standby-experiment id="four-ways" data-recording="four-ways" data-recorded="Recorded 24 November 2026 in Chromium 150." data-experiment="#
        ),
        "{page}"
    );
    assert!(
        page.contains("<strong class=\"standby-still-title\">One stream, four ways to stand by</strong>"),
        "{page}"
    );
    assert_eq!(
        page.matches("<svg class=\"sb-figure\"").count(),
        4,
        "wide and narrow, with timelines: {page}"
    );
    assert!(page.contains("Recorded 24 November 2026 in Chromium 150."), "{page}");
    assert!(page.contains("<p>Before.</p>") && page.contains("<p>After.</p>"), "{page}");
    assert!(!page.contains("{{#experiment"), "{page}");
}

/// mdBook finds a tag that is not closed, and goes on: an end tag that is taken for text would be one.
#[test]
fn the_picture_is_whole_in_the_page() {
    let book = BookTest::new().chapter("one.md", "{{#experiment four-ways}}\n\n## After\n").builds();
    let page = book.page("one.html");
    let figure = page.split("<figure").nth(1).and_then(|rest| rest.split("</figure>").next()).unwrap();
    // Each stretch that the index leaves out ends an `svg` twice: once for the browser, which sees an
    // empty one before it, once for mdBook, which sees one around it.
    let apart = figure.matches("standby-apart").count();
    assert_eq!(figure.matches("<svg").count() + apart, figure.matches("</svg>").count(), "{figure}");
    assert_eq!(figure.matches("<style>").count(), figure.matches("</style>").count(), "{figure}");
    assert!(figure.contains("<text class=\"sb-text"), "the text is no text any more: {figure}");
    assert!(!figure.contains("&lt;path"), "the shapes are text: {figure}");
}

#[test]
fn the_search_index_has_the_chapters_words_and_none_of_the_pictures() {
    let book = BookTest::new().chapter("one.md", "# One\n\nBefore.\n{{#experiment four-ways}}\n").builds();
    let index = fs::read_dir(book.path("book")).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("searchindex");
    let index = fs::read_to_string(index.into_iter().find(name).unwrap()).unwrap();
    for word in ["Before", "One stream, four ways", "Who has it first?"] {
        assert!(index.contains(word), "{word:?} is not to be found");
    }
    for word in
        ["Short polling", "asks: nothing new", "Recorded 24", "What it is set to", "sb-text", "time axis"]
    {
        assert!(!index.contains(word), "{word:?} is of the picture, and in the index");
    }
    // So that the words above are those of the picture.
    let page = book.page("one.html");
    for word in [">Short polling</text>", "Recorded 24", "What it is set to", "time axis"] {
        assert!(page.contains(word), "{word:?} is not in the page:\n{page}");
    }
}

#[test]
fn an_experiment_without_a_recording_fails_the_build_and_says_what_to_run() {
    let book =
        BookTest::new().without_recording("four-ways").chapter("one.md", "\n{{#experiment four-ways}}\n");
    book.run_with(Standby::for_recording()).unwrap();
    book.fails_with(&[
        "src/one.md:2:1: this experiment has no figure",
        "experiments/traces/four-ways.json is missing",
        "cargo xtask record four-ways",
    ]);
}

#[test]
fn a_recording_of_another_scenario_fails_the_build_with_what_differs() {
    BookTest::new()
        .experiment("four-ways", &FOUR_WAYS.replace("1200", "1300"))
        .chapter("one.md", "# One\n\n{{#experiment four-ways}}\n")
        .fails_with(&[
            "src/one.md:3:1: experiments/traces/four-ways.json was recorded with another `publish`",
            "cargo xtask record four-ways",
        ]);
}

#[test]
fn what_a_page_sets_otherwise_needs_a_recording_of_its_own() {
    BookTest::new()
        .chapter("one.md", "{{#experiment four-ways rtt=50ms every=4s}}\n")
        .fails_with(&["experiments/traces/four-ways.every-4s.rtt-50ms.json is missing"]);
    // Not if it is the same run.
    let _ =
        BookTest::new().chapter("one.md", "{{#experiment four-ways every=1.2s autostart=true}}\n").builds();
}

#[test]
fn a_recording_that_is_no_recording_fails_the_build() {
    BookTest::new()
        .file(&path_of_recording("four-ways"), "{\"v\": 2}")
        .chapter("one.md", "{{#experiment four-ways}}\n")
        .fails_with(&["src/one.md:1:1: experiments/traces/four-ways.json can't be read", "version 2"]);
}

#[test]
fn a_page_may_have_the_same_experiment_twice_set_differently() {
    let book = BookTest::new()
        .recorded("four-ways.every-4s.seed-9", &[("every", "4s"), ("seed", "9")])
        .chapter("deep/one.md", "{{#experiment four-ways}}\n\n{{#experiment four-ways seed=9 every=4s}}\n")
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
