//! The mdBook preprocessor of this book: `{{#experiment NAME key=value …}}` becomes the place of an
//! experiment in the page.
//!
//! - [`directive`] finds the directives in a chapter, and leaves code alone;
//! - [`library`] reads `experiments/NAME.toml`;
//! - [`parameters`] lays a directive's `key=value` over it;
//! - [`recording`] is a real run of it, from which [`figure`] draws what stands in the page for
//!   print, for readers without JavaScript, and until the widget is there;
//! - [`herd`] does the same for an experiment with a crowd, from the model;
//! - [`scale`] does it for `{{#scale NAME}}`, the chart of what clients cost;
//! - [`place`] writes the element with that figure inside;
//! - [`full`] makes the playground of one: what it adds is said there;
//! - [`near`] finds what a misspelt word may have meant.
//!
//! Whatever is wrong fails the build, all of it at once, each with its file and line. A directive
//! that stays in the page as text would be found by readers.

use std::path::Path;

use anyhow::{Result, bail};
use mdbook_preprocessor::book::{Book, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use standby_trace::Experiment;

pub mod directive;
pub mod figure;
pub mod full;
pub mod herd;
pub mod library;
pub mod near;
pub mod parameters;
pub mod place;
pub mod recording;
pub mod scale;

use directive::Directive;
use library::Library;

/// The module that the pages load, below the book's `src`.
pub const WIDGETS: &str = "standby/standby.js";

/// The preprocessor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standby {
    figures: Figures,
}

/// Whether the experiments have figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Figures {
    /// An experiment without a recording fails the build.
    #[default]
    Needed,
    /// Figures are left out: the book is there to be recorded.
    LeftOut,
}

impl Standby {
    /// For a book from whose pages the experiments are recorded: none has a figure.
    #[must_use]
    pub fn for_recording() -> Self {
        Self { figures: Figures::LeftOut }
    }
}

impl Preprocessor for Standby {
    fn name(&self) -> &str {
        "standby"
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }

    fn run(&self, ctx: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let library = Library::read(&ctx.root.join("experiments"))?;
        let mut problems = library.problems().to_vec();
        let mut places = 0;
        book.for_each_chapter_mut(|chapter| {
            let file = file_of(chapter, &ctx.config.book.src);
            match expand(&chapter.content, &library, self.figures) {
                Ok(expanded) => {
                    places += expanded.places;
                    chapter.content = expanded.text;
                }
                Err(found) => problems.extend(found.iter().map(|p| format!("{file}:{p}"))),
            }
        });
        if !problems.is_empty() {
            bail!("{}", problems.join("\n"));
        }
        let widgets = ctx.config.book.src.join(WIDGETS);
        if places > 0 && !ctx.root.join(&widgets).is_file() {
            bail!(
                "the book has experiments, but their widgets have not been built: {} is missing.\n\
                 Run `cargo xtask widgets` once, and again after a change under `playground/` or `crates/`.",
                widgets.display()
            );
        }
        Ok(book)
    }
}

/// A chapter's file, from the book's root.
fn file_of(chapter: &Chapter, src: &Path) -> String {
    let path = chapter.source_path.as_deref().or(chapter.path.as_deref());
    path.map_or_else(|| chapter.name.clone(), |path| src.join(path).display().to_string())
}

/// A chapter's text with its experiments in place.
#[derive(Debug)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// How many experiments it has.
    pub places: usize,
}

/// Puts each experiment of a chapter in its place.
///
/// # Errors
/// All that is wrong, each as `line:column: what`.
pub fn expand(text: &str, library: &Library, figures: Figures) -> Result<Expanded, Vec<String>> {
    let mut problems = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut names: Vec<&str> = Vec::new();
    for found in directive::find(text) {
        let (range, placed) = match found {
            Ok(directive) => {
                let count = names.iter().filter(|name| **name == directive.name).count();
                names.push(directive.name);
                (directive.range.clone(), place_of(&directive, count, library, figures))
            }
            Err(problem) => (problem.range, Err(problem.what)),
        };
        match placed {
            Ok(html) => {
                out.push_str(&text[done..range.start]);
                out.push_str(&html);
                done = range.end;
            }
            Err(what) => problems.push(format!("{}: {what}", directive::line_and_column(text, range.start))),
        }
    }
    out.push_str(&text[done..]);
    if problems.is_empty() { Ok(Expanded { text: out, places: names.len() }) } else { Err(problems) }
}

/// The element for one directive; `before` counts those of the same name above it in the chapter.
fn place_of(
    directive: &Directive<'_>,
    before: usize,
    library: &Library,
    figures: Figures,
) -> Result<String, String> {
    if directive.scale {
        let constants = match library.constants() {
            Ok(constants) => constants,
            // There is nothing to record in it.
            Err(_) if figures == Figures::LeftOut => return Ok(String::new()),
            Err(what) => return Err(what),
        };
        return Ok(scale::html(directive.name, &constants));
    }
    let mut experiment = library.get(directive.name)?.clone();
    for (key, value) in &directive.parameters {
        parameters::set(&mut experiment, key, value)?;
    }
    experiment.scenario.check().map_err(|e| format!("experiment `{}`: {e}", directive.name))?;
    let id = match before {
        0 => directive.name.to_owned(),
        n => format!("{}-{}", directive.name, n + 1),
    };
    // The model needs no recording: it is run here, and gives the same on every machine.
    if experiment.scenario.crowd.is_some() {
        return herd::html(&id, &experiment).map_err(|e| format!("experiment `{}`: {e}", directive.name));
    }
    let name = recording_of(directive, &experiment, library);
    let recording = match figures {
        Figures::Needed => Some(library.recording(&name, &experiment.scenario)?),
        Figures::LeftOut => None,
    };
    let html = place::html(&id, &experiment, &name, recording.as_ref());
    Ok(if directive.full { full::mark(&html, library.ready()) } else { html })
}

/// The name of a directive's recording: the experiment's, and where the directive sets another
/// scenario, its parameters too, in a fixed order: `four-ways.every-4s.seed-9`.
fn recording_of(directive: &Directive<'_>, experiment: &Experiment, library: &Library) -> String {
    let mut name = directive.name.to_owned();
    if library.get(directive.name).is_ok_and(|own| own.scenario == experiment.scenario) {
        return name;
    }
    let mut parameters = directive.parameters.clone();
    parameters.sort_unstable();
    for (key, value) in parameters.into_iter().filter(|(key, _)| *key != "autostart") {
        name.push_str(&format!(".{key}-{value}"));
    }
    name
}
