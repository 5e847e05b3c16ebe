//! Finds `{{#experiment …}}` in a chapter.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::near;

/// What mdBook itself knows after `{{#`. Anything else it leaves in the page as text, so this
/// preprocessor refuses it.
const OF_MDBOOK: [&str; 5] = ["include", "rustdoc_include", "playground", "playpen", "title"];
const EXPERIMENT: &str = "experiment";
const SCALE: &str = "scale";
/// After the name: everything can be set.
const FULL: &str = "full";

/// One directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// Where it stands in the text: its whole line, without the line's end.
    pub range: Range<usize>,
    /// The experiment's name.
    pub name: &'a str,
    /// It is the chart of what clients cost, which has no parameters: `{{#scale NAME}}`.
    pub scale: bool,
    /// The word `full`: it is the playground's, where everything can be set.
    pub full: bool,
    /// Its parameters, in order.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// Something that can't be a directive and must not stay in the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub range: Range<usize>,
    /// What is wrong, and what to write.
    pub what: String,
}

/// All directives of a chapter, in order. Code, HTML comments and `\{{#…` are left alone.
pub fn find(text: &str) -> Vec<Result<Directive<'_>, Problem>> {
    let left_alone = code_and_comments(text);
    text.match_indices("{{#")
        .filter(|(at, _)| !text[..*at].ends_with('\\') && !left_alone.iter().any(|r| r.contains(at)))
        .filter_map(|(at, _)| read(text, at).transpose())
        .collect()
}

/// Reads what begins with `{{#` at `at`; `None` for mdBook's own.
fn read(text: &str, at: usize) -> Result<Option<Directive<'_>>, Problem> {
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[at..].find(['\n', '\r']).map_or(text.len(), |i| at + i);
    let word_start = at + "{{#".len();
    let word_len = text[word_start..line_end]
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
        .unwrap_or(line_end - word_start);
    let word = &text[word_start..word_start + word_len];
    let problem = |what: String| Problem { range: at..line_end, what };

    if OF_MDBOOK.contains(&word) {
        return Ok(None);
    }
    let scale = word == SCALE;
    if word != EXPERIMENT && !scale {
        let known = OF_MDBOOK.into_iter().filter(|w| *w != "playpen").chain([EXPERIMENT, SCALE]);
        let hint = near::hint(word, known);
        return Err(problem(format!(
            "nobody knows `{{{{#{word}`: {hint}. (To show it as text, write `\\{{{{#{word}`.)"
        )));
    }
    let Some(close) = text[at..line_end].find("}}").map(|i| at + i) else {
        return Err(problem("expected `}}` before the end of the line".to_owned()));
    };
    // The element that it becomes is a block: within a line it would break the paragraph.
    if line_start != at || !text[close + 2..line_end].trim().is_empty() {
        return Err(problem(
            "expected a line of its own, with nothing before `{{#experiment` and nothing after `}}`"
                .to_owned(),
        ));
    }
    let mut words = text[word_start + word_len..close].split_whitespace().peekable();
    let name = words.next().filter(|name| !name.contains('=')).ok_or_else(|| {
        problem("expected an experiment's name: `{{#experiment NAME key=value …}}`".to_owned())
    })?;
    if scale && let Some(word) = words.peek() {
        return Err(problem(format!("`{{{{#scale NAME}}}}` takes nothing more, found `{word}`")));
    }
    let full = words.next_if_eq(&FULL).is_some();
    let parameters = words
        .map(|word| {
            word.split_once('=')
                .filter(|(key, value)| !key.is_empty() && !value.is_empty())
                .ok_or_else(|| problem(format!("expected `key=value` without spaces in it, found `{word}`")))
        })
        .collect::<Result<_, _>>()?;
    Ok(Some(Directive { range: at..line_end, name, scale, full, parameters }))
}

/// Where the text is code (fenced, indented or inline) or an HTML comment.
fn code_and_comments(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut comment_from = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => ranges.push(range),
            // A block of HTML comes line by line.
            Event::Html(html) | Event::InlineHtml(html) => {
                if html.trim_start().starts_with("<!--") {
                    comment_from = Some(range.start);
                }
                if let Some(from) = comment_from.filter(|_| html.contains("-->")) {
                    ranges.push(from..range.end);
                    comment_from = None;
                }
            }
            Event::End(TagEnd::HtmlBlock) => {
                if let Some(from) = comment_from.take() {
                    ranges.push(from..range.end);
                }
            }
            _ => {}
        }
    }
    ranges
}

/// `line:column` of a place in the text, both from 1.
pub fn line_and_column(text: &str, at: usize) -> String {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    format!("{}:{}", before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|found| found.unwrap().name).collect()
    }

    fn problem(text: &str) -> String {
        find(text).into_iter().find_map(Result::err).unwrap().what
    }

    #[test]
    fn a_directive_is_read_with_its_parameters() {
        let found = find("# One\n\n{{#experiment four-ways every=1.2s rtt=200ms}}\n");
        let directive = found[0].as_ref().unwrap();
        assert_eq!(directive.name, "four-ways");
        assert_eq!(directive.parameters, [("every", "1.2s"), ("rtt", "200ms")]);
        assert_eq!(directive.range, 7..53);
    }

    #[test]
    fn the_playgrounds_word_stands_behind_the_name() {
        let found = find("{{#experiment playground full every=1s}}\n");
        let directive = found[0].as_ref().unwrap();
        assert!(directive.full);
        assert_eq!(directive.parameters, [("every", "1s")]);
        assert!(problem("{{#experiment playground every=1s full}}").contains("key=value"));
    }

    #[test]
    fn the_chart_has_a_name_and_nothing_more() {
        let found = find("{{#scale cost-at-scale}}\n");
        let directive = found[0].as_ref().unwrap();
        assert!(directive.scale && directive.name == "cost-at-scale");
        assert!(problem("{{#scale a every=1s}}").contains("takes nothing more"));
    }

    #[test]
    fn code_comments_and_escapes_are_left_alone() {
        let text = "\
```text
{{#experiment in-a-fence}}
```

    {{#experiment indented}}

Write `{{#experiment inline}}`.

\\{{#experiment escaped}}

<!-- {{#experiment commented}} -->

<!--
{{#experiment commented-out}}
-->

{{#experiment real}}
";
        assert_eq!(names(text), ["real"]);
    }

    #[test]
    fn a_line_end_of_windows_is_no_part_of_it() {
        assert_eq!(names("{{#experiment a}}\r\n\r\n{{#experiment b}}\r\n"), ["a", "b"]);
    }

    #[test]
    fn mdbooks_own_are_mdbooks() {
        assert!(find("{{#include a.rs}}\n{{#title T}}").is_empty());
    }

    #[test]
    fn what_cannot_be_one_is_told() {
        assert!(problem("{{#experimnt a}}").contains("did you mean `experiment`?"));
        assert!(problem("see {{#experiment a}}").contains("a line of its own"));
        assert!(problem("{{#experiment a}} here").contains("a line of its own"));
        assert!(problem("{{#experiment a").contains("expected `}}`"));
        assert!(problem("{{#experiment }}").contains("expected an experiment's name"));
        assert!(problem("{{#experiment every=1s}}").contains("expected an experiment's name"));
        assert!(problem("{{#experiment a every = 1s}}").contains("without spaces"));
        assert!(problem("{{#experiment a every=}}").contains("key=value"));
    }
}
