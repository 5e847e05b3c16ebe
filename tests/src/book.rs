//! The pages of the built book.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use standby_trace::Experiment;

use crate::setup::Setup;

/// An experiment on a page.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The page's path.
    pub page: String,
    /// The element's id.
    pub id: String,
    /// What it is.
    pub experiment: Experiment,
}

/// All pages that a reader can open, print and 404 too.
pub(crate) fn pages(setup: &Setup) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    gather(&setup.book(), &setup.book(), &mut pages)?;
    // The list of chapters is no page: scripts are what shows it.
    pages.retain(|page| page != "toc.html");
    pages.sort();
    ensure!(!pages.is_empty(), "the book has no pages");
    Ok(pages)
}

/// All experiments on the book's pages that run against a server.
pub(crate) fn places(setup: &Setup) -> Result<Vec<Place>> {
    let mut places = all_places(setup)?;
    places.retain(|place| place.experiment.scenario.crowd.is_none());
    ensure!(!places.is_empty(), "no page has an experiment");
    Ok(places)
}

/// All experiments on the book's pages that the model runs.
pub(crate) fn crowds(setup: &Setup) -> Result<Vec<Place>> {
    let mut places = all_places(setup)?;
    places.retain(|place| place.experiment.scenario.crowd.is_some());
    ensure!(!places.is_empty(), "no page has an experiment with a crowd");
    Ok(places)
}

/// All experiments on the book's pages.
pub(crate) fn all_places(setup: &Setup) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for page in pages(setup)?.into_iter().filter(|page| page != "print.html") {
        let html = read(setup, &page)?;
        for element in html.split("<standby-experiment ").skip(1) {
            // The chart of what clients cost is in the experiments' frame, but is none.
            if element.split('>').next().is_some_and(|tag| tag.contains(" data-scale=")) {
                continue;
            }
            let attribute = |name: &str| {
                let after = element.split_once(&format!("{name}=\""))?.1;
                Some(after.split_once('"')?.0.to_owned())
            };
            let id = attribute("id").context("an experiment without an id")?;
            let json = attribute("data-experiment").context("an experiment without its parameters")?;
            let json = unescape(&json);
            let experiment = serde_json::from_str(&json).with_context(|| format!("reading {json}"))?;
            places.push(Place { page: page.clone(), id, experiment });
        }
    }
    ensure!(!places.is_empty(), "no page has an experiment");
    // mdBook writes the first chapter a second time, as index.html.
    places.dedup_by(|a, b| a.page == b.page && a.id == b.id);
    Ok(places)
}

/// A page's HTML.
pub(crate) fn read(setup: &Setup, page: &str) -> Result<String> {
    fs::read_to_string(setup.book().join(page)).with_context(|| format!("reading {page}"))
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn gather(root: &Path, folder: &Path, pages: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            gather(root, &path, pages)?;
        } else if path.extension().is_some_and(|ext| ext == "html") {
            pages.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
