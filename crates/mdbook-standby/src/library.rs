//! The book's experiments: one TOML file each, `experiments/NAME.toml`, and their recordings,
//! `experiments/traces/NAME.json`; and the playground's ready ones, `experiments/ready/NAME.toml`.
//!
//! A file holds the members of [`Experiment`] and of its [`Scenario`] side by side. The name is the
//! file's, the version is implied, and what a lane leaves out is as [`LaneSpec::default_for`] has it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use standby_figure::scale::Constants;
use standby_trace::scenario::{
    Conditions, Control, Crowd, Experiment, LaneSpec, PlannedFault, Publish, Scenario, Transport, VERSION,
};
use toml::Spanned;

use crate::directive::line_and_column;
use crate::near;
use crate::recording::Recording;
use crate::scale;

/// Where the recordings are, below the folder of the experiments.
const TRACES: &str = "traces";
/// What happens by hand in one recording: at most so many events.
const MOST_BY_HAND: usize = 16;

/// All experiments of a book, by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    experiments: BTreeMap<String, Experiment>,
    by_hand: BTreeMap<String, Vec<u32>>,
    recordings: BTreeMap<String, String>,
    ready: Vec<Experiment>,
    costs: Option<String>,
    problems: Vec<String>,
}

impl Library {
    /// Reads all TOML files of a folder, and the recordings below it. A book without the folder has
    /// no experiments.
    ///
    /// # Errors
    /// When a file can't be read. A file that makes no sense is told by [`Library::problems`].
    pub fn read(folder: &Path) -> Result<Self> {
        let mut library = Self::default();
        for (name, text) in files(folder, "toml")? {
            library.add(&name, &text);
        }
        for (name, text) in files(&folder.join("ready"), "toml")? {
            match parse(&name, &text) {
                Ok((experiment, _)) => library.ready.push(experiment),
                Err(e) => library.complain(&format!("ready/{name}"), &text, e),
            }
        }
        library.recordings = files(&folder.join(TRACES), "json")?.into_iter().collect();
        let costs = folder.join(scale::COSTS);
        if costs.is_file() {
            let text = fs::read_to_string(&costs).with_context(|| format!("reading {}", costs.display()))?;
            library.costs = Some(text);
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
            Ok((experiment, by_hand)) => {
                self.experiments.insert(name.to_owned(), experiment);
                self.by_hand.insert(name.to_owned(), by_hand);
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

// The recordings of a library.
impl Library {
    /// Adds a recording, as its file has it.
    pub fn add_recording(&mut self, name: &str, json: &str) {
        self.recordings.insert(name.to_owned(), json.to_owned());
    }

    /// When somebody publishes while an experiment is recorded, in milliseconds after its start.
    #[must_use]
    pub fn by_hand(&self, name: &str) -> &[u32] {
        self.by_hand.get(name).map_or(&[], Vec::as_slice)
    }

    /// The recording of a scenario, as an experiment's directive has set it.
    ///
    /// # Errors
    /// When there is none, or it is of another scenario: says what to run.
    pub fn recording(&self, name: &str, scenario: &Scenario) -> Result<Recording, String> {
        let path = path_of_recording(name);
        // Variants are recorded along with what they are variants of.
        let run = format!("run `cargo xtask record {}`", name.split('.').next().unwrap_or(name));
        let Some(text) = self.recordings.get(name) else {
            return Err(format!("this experiment has no figure, because {path} is missing: {run}"));
        };
        let recording = Recording::from_json(text)
            .map_err(|e| format!("{path} can't be read: {e} To record it anew, {run}"))?;
        match recording.differs_from(scenario) {
            None => Ok(recording),
            Some(member) => Err(format!("{path} was recorded with another `{member}`: {run}")),
        }
    }
}

// What was measured.
impl Library {
    /// What the recordings and `experiments/costs.json`, if it is there, have measured.
    ///
    /// # Errors
    /// When one of them can't be read, or something is in none.
    pub fn constants(&self) -> Result<Constants, String> {
        let read = |(name, text): (&String, &String)| {
            Recording::from_json(text).map_err(|e| format!("{} can't be read: {e}", path_of_recording(name)))
        };
        let recordings = self.recordings.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let memory = self.costs.as_deref().map(scale::memory).transpose();
        let memory = memory.map_err(|e| format!("experiments/{}: {e}", scale::COSTS))?;
        scale::constants(&recordings, memory)
    }
}

/// All files of a folder with an extension: their names without it, in order, and their texts. None if
/// there is no such folder.
fn files(folder: &Path, extension: &str) -> Result<Vec<(String, String)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_some_and(|ext| ext == extension) {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            files.push((name.to_owned(), text));
        }
    }
    Ok(files)
}

/// Where a recording is, from the book's root.
#[must_use]
pub fn path_of_recording(name: &str) -> String {
    format!("experiments/{TRACES}/{name}.json")
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
    #[serde(default = "default_clients")]
    clients: u32,
    #[serde(default)]
    crowd: Option<Crowd>,
    #[serde(default = "default_seed")]
    seed: u64,
    #[serde(default = "default_window_ms")]
    window_ms: u32,
    #[serde(default)]
    recording: ByHand,
}

/// What a reader would do, done by `cargo xtask record` for an experiment that shows nothing without.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    /// An event is published from a terminal, so many milliseconds after the start.
    publish_at_ms: Vec<u32>,
}

fn default_clients() -> u32 {
    1
}

fn default_seed() -> u64 {
    1
}

fn default_window_ms() -> u32 {
    8_000
}

/// Reads one file. An error comes with the place in the text.
fn parse(name: &str, text: &str) -> Result<(Experiment, Vec<u32>), (usize, String)> {
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
            clients: file.clients,
            crowd: file.crowd,
            seed: file.seed,
            window_ms: file.window_ms,
        },
    };
    experiment.scenario.check().map_err(|e| (0, e.to_string()))?;
    let by_hand = file.recording.publish_at_ms;
    if by_hand.len() > MOST_BY_HAND || by_hand.iter().any(|at_ms| *at_ms >= file.window_ms) {
        let bounds = format!("at most {MOST_BY_HAND} times, all within `window_ms`");
        return Err((0, format!("`publish_at_ms` is out of bounds: {bounds}")));
    }
    Ok((experiment, by_hand))
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
