//! The playground: an experiment in which everything can be set, with ready ones to begin with.

use standby_trace::scenario::Experiment;

use crate::place::attribute;

/// Marks an experiment's element as the playground's (`data-playground`), and gives it the ready
/// experiments as a JSON array (`data-ready`), which its editor offers.
#[must_use]
pub fn mark(html: &str, ready: &[Experiment]) -> String {
    // An experiment is numbers, text and lists of them: this can't fail.
    let json = serde_json::to_string(ready).unwrap_or_default();
    let marks = format!(" data-playground data-ready='{}' data-experiment=", attribute(&json));
    html.replacen(" data-experiment=", &marks, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;
    use crate::place;

    #[test]
    fn a_playground_offers_what_is_ready() {
        let mut library = Library::default();
        library.add(
            "x",
            "title = \"It's\"\nlook = \"L\"\ncontrols = []\npublish = { every_ms = 1200 }\n\
             [[lanes]]\ntransport = \"sse\"\n",
        );
        let experiment = library.get("x").unwrap();
        let html = mark(&place::html("x", experiment, "x", None), std::slice::from_ref(experiment));
        assert!(
            html.contains("<standby-experiment id=\"x\" data-recording=\"x\" data-playground data-ready='[{"),
            "{html}"
        );
        let json = html.split("data-ready='").nth(1).unwrap().split('\'').next().unwrap();
        let back: Vec<Experiment> = serde_json::from_str(&json.replace("&#39;", "'")).unwrap();
        assert_eq!(back, std::slice::from_ref(experiment));
    }
}
