//! Every link within the built book: its file is there, and so is its anchor. Besides, what only
//! the finished page shows: the same id twice, a directive that nobody expanded, an included piece
//! of code that is empty because its anchor is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::files_below;

/// What a page has and points at.
#[derive(Debug, Default)]
struct Page {
    ids: BTreeSet<String>,
    links: Vec<String>,
    problems: Vec<String>,
}

/// Checks all pages of a book. Returns how many links it followed, and what is wrong.
pub(crate) fn check(book: &Path) -> Result<(usize, Vec<String>)> {
    let mut pages = BTreeMap::new();
    for path in files_below(book).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "html"))
    {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(book).unwrap_or(&path).to_owned();
        pages.insert(name, read(&text));
    }
    let mut problems = Vec::new();
    let mut followed = 0;
    for (name, page) in &pages {
        // mdBook gathers all chapters here, and with them their ids.
        let in_print = name == Path::new("print.html");
        let own = page.problems.iter().filter(|p| !in_print || !p.starts_with("the id "));
        problems.extend(own.map(|p| format!("{}: {p}", name.display())));
        for link in page.links.iter().filter(|link| is_internal(link)) {
            followed += 1;
            if let Err(what) = follow(book, &pages, name, link) {
                problems.push(format!("{}: {what}", name.display()));
            }
        }
    }
    Ok((followed, problems))
}

/// A link that stays in the book.
fn is_internal(link: &str) -> bool {
    let scheme = link.split_once(':').map(|(scheme, _)| scheme);
    !scheme
        .is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)))
        && !link.starts_with("//")
}

/// Follows one link from a page.
fn follow(book: &Path, pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Result<(), String> {
    let (target, anchor) =
        link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
    let target = decode(target.split('?').next().unwrap_or_default());
    // Only the page for what is not found can't know where it stands: mdBook gives it a base.
    let is_404 = from == Path::new("404.html");
    if target.starts_with('/') && !is_404 {
        return Err(format!("`{link}` begins at the host's root; the book must work from any folder"));
    }
    let file = if target.is_empty() { from.to_owned() } else { resolve(from, &target) };
    let file = if book.join(&file).is_dir() { file.join("index.html") } else { file };
    if !book.join(&file).is_file() {
        return Err(format!("`{link}` leads nowhere: there is no {}", file.display()));
    }
    match (anchor, pages.get(&file)) {
        (Some(anchor), Some(page)) if !anchor.is_empty() && !page.ids.contains(&decode(anchor)) => {
            Err(format!("`{link}`: {} has no anchor `{anchor}`", file.display()))
        }
        _ => Ok(()),
    }
}

/// A relative path from a page's folder, without `.` and `..`.
fn resolve(from: &Path, target: &str) -> PathBuf {
    let mut path = from.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(target.trim_start_matches('/')).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(part) => path.push(part),
            _ => {}
        }
    }
    path
}

/// Percent-encoding and the few character references that stand in attributes.
fn decode(text: &str) -> String {
    let text =
        text.replace("&amp;", "&").replace("&#x2F;", "/").replace("&quot;", "\"").replace("&#39;", "'");
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads a page as mdBook writes it: well-formed tags, attributes in quotes.
fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut rest = html;
    let mut in_code = 0;
    while let Some(open) = rest.find('<') {
        let text = &rest[..open];
        if in_code == 0 && text.contains("{{#") {
            page.problems.push(format!("a directive stays in the page as text: {}", text.trim()));
        }
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (tag, after) = split_tag(rest);
        rest = after;
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let closing = tag.starts_with('/');
        match name {
            // What is within is no HTML.
            "script" | "style" => {
                let end = format!("</{name}");
                rest = rest.find(&end).map_or("", |at| &rest[at..]);
            }
            "code" => {
                in_code += 1;
                if rest.trim_start().starts_with("</code>") {
                    page.problems
                        .push("a piece of code is empty: is the anchor that it includes gone?".to_owned());
                }
            }
            "" if closing && tag[1..].starts_with("code") => in_code = (in_code - 1).max(0),
            _ => {}
        }
        for (key, value) in attributes(tag.get(name.len()..).unwrap_or_default()) {
            match key {
                "id" => {
                    let is_new = page.ids.insert(decode(value));
                    if !is_new {
                        page.problems.push(format!("the id `{value}` stands twice"));
                    }
                }
                "name" if name == "a" => drop(page.ids.insert(decode(value))),
                "href" | "src" if name != "base" => page.links.push(value.to_owned()),
                _ => {}
            }
        }
    }
    page
}

/// A tag's inside, and what follows it. A `>` in quotes does not end it.
fn split_tag(html: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match (quote, c) {
            (None, '>') => return (&html[..at], &html[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (html, "")
}

/// `key="value"` pairs; attributes without a value are left out.
fn attributes(mut tag: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    while let Some(equals) = tag.find('=') {
        let key = tag[..equals].split_whitespace().next_back().unwrap_or_default();
        let after = tag[equals + 1..].trim_start();
        let Some(quote) = after.chars().next().filter(|c| *c == '"' || *c == '\'') else {
            tag = after;
            continue;
        };
        let Some(end) = after[1..].find(quote) else { break };
        found.push((key, &after[1..=end]));
        tag = &after[end + 2..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let book = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = book.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        check(book.path()).unwrap().1
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let found = problems(&[
            (
                "index.html",
                r##"<a href="deep/one.html#a%20b">1</a><a href="#top">2</a><h1 id='top'>x</h1><a href="https://e.org/x">3</a>"##,
            ),
            (
                "deep/one.html",
                r#"<h1 id="a b">x</h1><img src="../pic.png?v=1"><a href="../">up</a><script>"<a href='no.html'>"</script>"#,
            ),
            ("pic.png", ""),
        ]);
        assert_eq!(found, [] as [String; 0]);
    }

    #[test]
    fn a_missing_file_or_anchor_is_told() {
        let found = problems(&[
            ("a.html", r#"<a href="b.html#no">x</a> <a href="c.html">y</a> <a href="/b.html">z</a>"#),
            ("b.html", ""),
        ]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("has no anchor `no`"), "{found:?}");
        assert!(found[1].contains("there is no c.html"), "{found:?}");
        assert!(found[2].contains("the host's root"), "{found:?}");
    }

    #[test]
    fn what_only_the_finished_page_shows_is_told() {
        let found = problems(&[(
            "a.html",
            "<p id=\"x\">{{#experiment a}}</p><p id=\"x\"><code>{{#fine}}</code></p><pre><code class=\"rust\"></code></pre>",
        )]);
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
