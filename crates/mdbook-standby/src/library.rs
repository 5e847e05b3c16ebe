//! The book's experiments: one TOML file each, `experiments/NAME.toml`; and the playground's ready
//! ones, `experiments/ready/NAME.toml`.
//!
//! A file holds the members of [`Experiment`] and of its [`Scenario`] side by side. The name is the
//! file's, the version is implied, and what a lane leaves out is as [`LaneSpec::default_for`] has it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use standby_trace::scenario::{
    Conditions, Control, Experiment, LaneSpec, PlannedFault, Publish, Scenario, Transport, VERSION,
};
use toml::Spanned;

use crate::directive::line_and_column;
use crate::near;

/// All experiments of a book, by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    experiments: BTreeMap<String, Experiment>,
    ready: Vec<Experiment>,
    problems: Vec<String>,
}

impl Library {
    /// Reads all TOML files of a folder. A book without the folder has no experiments.
    ///
    /// # Errors
    /// When a file can't be read. A file that makes no sense is told by [`Library::problems`].
    pub fn read(folder: &Path) -> Result<Self> {
        let mut library = Self::default();
        for (name, text) in files(folder)? {
            library.add(&name, &text);
        }
        for (name, text) in files(&folder.join("ready"))? {
            match parse(&name, &text) {
                Ok(experiment) => library.ready.push(experiment),
                Err(e) => library.complain(&format!("ready/{name}"), &text, e),
            }
        }
        Ok(library)
    }

    /// The playground's ready experiments, in order of their files' names.
    #[must_use]
    pub fn ready(&self) -> &[Experiment] {
        &self.ready
    }

    fn complain(&mut self, file: &str, toml: &str, (at, what): (usize, String)) {
        let place = line_and_column(toml, at.min(toml.len()));
        self.problems.push(format!("experiments/{file}.toml:{place}: {what}"));
    }

    /// Adds an experiment; what is wrong with it is kept in [`Library::problems`].
    pub fn add(&mut self, name: &str, toml: &str) {
        match parse(name, toml) {
            Ok(experiment) => {
                self.experiments.insert(name.to_owned(), experiment);
            }
            Err(e) => self.complain(name, toml, e),
        }
    }

    /// What is wrong with the files, each as `file:line:column: what`.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The experiments, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Experiment> {
        self.experiments.values()
    }

    /// An experiment.
    ///
    /// # Errors
    /// When there is none of that name: says what is near it.
    pub fn get(&self, name: &str) -> Result<&Experiment, String> {
        self.experiments.get(name).ok_or_else(|| {
            let hint = near::hint(name, self.experiments.keys().map(String::as_str));
            format!("no experiment is named `{name}` (expected a file experiments/{name}.toml): {hint}")
        })
    }
}

/// The TOML files of a folder, by name: each one's name and text. None if there is no such folder.
fn files(folder: &Path) -> Result<Vec<(String, String)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "toml")) {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        files.push((name.to_owned(), text));
    }
    Ok(files)
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    look: String,
    controls: Vec<Control>,
    #[serde(default)]
    autostart: bool,
    lanes: Vec<Spanned<toml::Table>>,
    publish: Publish,
    #[serde(default)]
    conditions: Conditions,
    #[serde(default)]
    faults: Vec<PlannedFault>,
    #[serde(default = "default_seed")]
    seed: u64,
    #[serde(default = "default_window_ms")]
    window_ms: u32,
}

fn default_seed() -> u64 {
    1
}

fn default_window_ms() -> u32 {
    8_000
}

/// Reads one file. An error comes with the place in the text.
fn parse(name: &str, text: &str) -> Result<Experiment, (usize, String)> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        return Err((0, "an experiment's file is named with a-z, 0-9 and - only".to_owned()));
    }
    let file: File =
        toml::from_str(text).map_err(|e| (e.span().map_or(0, |span| span.start), e.message().to_owned()))?;
    let lanes = file.lanes.into_iter().map(lane).collect::<Result<_, _>>()?;
    let experiment = Experiment {
        name: name.to_owned(),
        title: file.title,
        look: file.look,
        controls: file.controls,
        autostart: file.autostart,
        scenario: Scenario {
            v: VERSION,
            lanes,
            publish: file.publish,
            conditions: file.conditions,
            faults: file.faults,
            clients: 1,
            seed: file.seed,
            window_ms: file.window_ms,
        },
    };
    experiment.scenario.check().map_err(|e| (0, e.to_string()))?;
    Ok(experiment)
}

/// A lane: what is written, over the defaults of its transport.
fn lane(written: Spanned<toml::Table>) -> Result<LaneSpec, (usize, String)> {
    let at = written.span().start;
    let written = written.into_inner();
    let names = || Transport::ALL.map(Transport::name);
    let word = written.get("transport").and_then(toml::Value::as_str);
    let Some(word) = word else {
        return Err((at, format!("expected `transport = \"…\"`; there are: {}", names().join(", "))));
    };
    let Some(transport) = Transport::ALL.into_iter().find(|t| t.name() == word) else {
        return Err((at, format!("no transport is named `{word}`: {}", near::hint(word, names()))));
    };
    let mut lane =
        toml::Table::try_from(LaneSpec::default_for(transport)).map_err(|e| (at, e.to_string()))?;
    lane.extend(written);
    lane.try_into().map_err(|e: toml::de::Error| (at, e.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "title = \"T\"\nlook = \"L\"\ncontrols = []\npublish = { every_ms = 1000 }\n";

    fn problem(name: &str, rest: &str) -> String {
        let mut library = Library::default();
        library.add(name, &format!("{HEAD}{rest}"));
        library.problems()[0].clone()
    }

    #[test]
    fn what_a_lane_leaves_out_is_as_the_book_sets_it() {
        let mut library = Library::default();
        library.add(
            "two",
            &format!(
                "{HEAD}[[lanes]]\ntransport = \"websocket\"\n[[lanes]]\ntransport = \"sse\"\nretry_ms = 700\n"
            ),
        );
        assert!(library.problems().is_empty(), "{:?}", library.problems());
        let lanes = &library.get("two").unwrap().scenario.lanes;
        assert_eq!(lanes[0], LaneSpec::default_for(Transport::WebSocket));
        assert!(matches!(lanes[1], LaneSpec::Sse { retry_ms: 700, .. }));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let told = problem("x", "[[lanes]]\ntransport = \"web-socket\"\n");
        assert!(told.starts_with("experiments/x.toml:5:"), "{told}");
        assert!(told.contains("did you mean `websocket`?"), "{told}");

        let told = problem("x", "colour = 1\nlanes = []\n");
        assert!(
            told.starts_with("experiments/x.toml:5:") && told.contains("unknown field `colour`"),
            "{told}"
        );

        let told = problem("x", "[[lanes]]\ntransport = \"sse\"\nretry = 1\n");
        assert!(told.contains("unknown field `retry`") && told.contains("retry_ms"), "{told}");
    }

    #[test]
    fn a_value_out_of_bounds_is_told_with_its_bounds() {
        let told = problem("x", "[[lanes]]\ntransport = \"sse\"\nretry_ms = 1\n");
        assert!(told.contains("`retry_ms` is 1; it must be 500 to 60000"), "{told}");
    }

    #[test]
    fn a_name_that_is_no_anchor_is_refused() {
        assert!(problem("Four Ways", "lanes = []\n").contains("a-z, 0-9 and -"));
    }

    #[test]
    fn an_unknown_name_is_told_with_what_is_near() {
        let mut library = Library::default();
        library.add("four-ways", &format!("{HEAD}[[lanes]]\ntransport = \"sse\"\n"));
        let told = library.get("four-way").unwrap_err();
        assert!(told.contains("did you mean `four-ways`?"), "{told}");
    }
}
