//! The mdBook preprocessor of this book: `{{#experiment NAME key=value …}}` becomes the place of an
//! experiment in the page.
//!
//! - [`directive`] finds the directives in a chapter, and leaves code alone;
//! - [`library`] reads `experiments/NAME.toml`;
//! - [`parameters`] lays a directive's `key=value` over it;
//! - [`place`] writes the element, with a plain figure inside for print and for readers without
//!   JavaScript;
//! - [`full`] makes the playground of one: what it adds is said there;
//! - [`near`] finds what a misspelt word may have meant.
//!
//! Whatever is wrong fails the build, all of it at once, each with its file and line. A directive
//! that stays in the page as text would be found by readers.

use std::path::Path;

use anyhow::{Result, bail};
use mdbook_preprocessor::book::{Book, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

pub mod directive;
pub mod full;
pub mod library;
pub mod near;
pub mod parameters;
pub mod place;

use directive::Directive;
use library::Library;

/// The module that the pages load, below the book's `src`.
pub const WIDGETS: &str = "standby/standby.js";

/// The preprocessor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standby;

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
            match expand(&chapter.content, &library) {
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
pub fn expand(text: &str, library: &Library) -> Result<Expanded, Vec<String>> {
    let mut problems = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut names: Vec<&str> = Vec::new();
    for found in directive::find(text) {
        let (range, placed) = match found {
            Ok(directive) => {
                let count = names.iter().filter(|name| **name == directive.name).count();
                names.push(directive.name);
                (directive.range.clone(), place_of(&directive, count, library))
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
fn place_of(directive: &Directive<'_>, before: usize, library: &Library) -> Result<String, String> {
    let mut experiment = library.get(directive.name)?.clone();
    for (key, value) in &directive.parameters {
        parameters::set(&mut experiment, key, value)?;
    }
    experiment.scenario.check().map_err(|e| format!("experiment `{}`: {e}", directive.name))?;
    let id = match before {
        0 => directive.name.to_owned(),
        n => format!("{}-{}", directive.name, n + 1),
    };
    let html = place::html(&id, &experiment);
    Ok(if directive.full { full::mark(&html, library.ready()) } else { html })
}
