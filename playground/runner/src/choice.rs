//! The choice between the sources, behind the pill that says which it is.
//!
//! A row of three buttons in each widget's head would be seen sooner; a chapter has a dozen widgets, most
//! readers never choose, and on a phone there is room for the title or for the buttons. The pill says
//! what is, so it is where a reader looks who wants something else.

use standby_dom as dom;
use standby_figure::format::length;
use standby_trace::link::Sources;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{HtmlElement, HtmlInputElement};

#[wasm_bindgen]
extern "C" {
    /// The widget that is asked and told.
    pub type Chooser;

    /// What it runs by now: a name of [`Sources`].
    #[wasm_bindgen(method)]
    fn sources(this: &Chooser) -> Option<String>;

    /// The reader wants other sources.
    #[wasm_bindgen(method)]
    fn choose(this: &Chooser, sources: &str);
}

/// How wide it is, in pixels.
const WIDTH: f64 = 280.0;

fn words(sources: Sources) -> (&'static str, &'static str) {
    match sources {
        Sources::Live => ("Live", "Your browser, the book’s server, and what passes between them."),
        Sources::Simulated => {
            ("Simulated", "A model of all three, in this page. The same seed gives the same run.")
        }
        Sources::Both => ("Both", "Live above and simulated below, begun together, and what they differ in."),
    }
}

/// Builds it around a pill. Once.
pub(crate) fn build(pill: &HtmlElement, id: &str, chooser: Chooser) {
    let Some(head) = pill.parent_element().filter(|head| !head.has_attribute("popovertarget")) else {
        return;
    };
    let list = format!("{id}-sources");
    let legend = dom::html("legend").text("What runs this experiment").done();
    let mut group = dom::html("fieldset").child(&legend);
    let mut inputs = Vec::new();
    for sources in Sources::ALL {
        let (name, means) = words(sources);
        let about = format!("{list}-{}", sources.name());
        let input: HtmlInputElement = dom::html("input")
            .set("type", "radio")
            .set("name", &list)
            .set("value", sources.name())
            .set("aria-label", name)
            .set("aria-describedby", &about)
            .into();
        let means = dom::html("small").set("id", &about).text(means).done();
        let words = dom::html("span").child(&dom::html("b").text(name).done()).child(&means).done();
        group = group.child(&dom::html("label").child(&input).child(&words).done());
        inputs.push(input);
    }
    let shown = inputs.clone();
    let show = move |chosen: Option<String>| {
        for input in &shown {
            input.set_checked(chosen.as_deref() == Some(input.value().as_str()));
        }
    };
    show(chooser.sources());
    let note = dom::html("p").text("What runs begins anew, with the same parameters.").done();
    let popover = dom::classed("div", "standby-about standby-sources")
        .set("id", &list)
        .set("popover", "auto")
        .child(&group.done())
        .child(&note)
        .done();
    let button = dom::button("standby-source", "").set("popovertarget", &list).done();
    let _ = head.insert_before(&button, Some(pill));
    let _ = button.append_child(pill);
    let unseen = dom::classed("span", "standby-unseen").text(" Choose what runs this experiment").done();
    let mark = dom::classed("span", "standby-more").set("aria-hidden", "true").text("▾").done();
    let _ = button.append_with_node_2(&unseen, &mark);
    let _ = head.append_child(&popover);

    let (by, own) = (button.clone(), popover.clone());
    let chooser = std::rc::Rc::new(chooser);
    let asked = chooser.clone();
    dom::on(&button, "click", move |_| {
        // A link may have chosen since.
        show(asked.sources());
        let at = by.get_bounding_client_rect();
        let wide = dom::document().document_element().map_or(0, |root| root.client_width());
        let left = (at.right() - WIDTH).min(f64::from(wide) - WIDTH - 8.0).max(8.0);
        let [left, top, width] = [left, at.bottom() + 4.0, WIDTH].map(|px| length(px as f32));
        dom::set(&own, "style", &format!("left:{left}px;top:{top}px;width:{width}px"));
    });
    dom::on(&popover, "change", move |event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(input) = input {
            chooser.choose(&input.value());
        }
    });
}
