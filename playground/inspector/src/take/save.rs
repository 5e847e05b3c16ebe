//! Files to keep: HAR, the trace, the picture, the log.

use standby_dissect::har::har;
use standby_dom as dom;
use standby_figure::{View, describe, figure, format, svg};
use standby_trace::Trace;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Url};

use super::svg::{Palette, alone};
use crate::host::Host;
use crate::log::lines::{self, Columns};
use crate::panel::Panel;
use crate::words;

/// A file that can be had.
struct File {
    button: &'static str,
    says: &'static str,
    /// How its name ends.
    ending: &'static str,
    kind: &'static str,
    /// Its text; none before there is anything to save.
    text: fn(&Host, &HtmlElement) -> Option<String>,
}

const FILES: [File; 5] = [
    File {
        button: "Save trace",
        says: "The whole record with its bytes, as JSON. Drop it on this page and it opens again.",
        ending: "trace.json",
        kind: "application/json",
        text: |host, _| host.file(),
    },
    File {
        button: "Save HAR",
        says: "The requests and their answers as an HTTP Archive: a browser's developer tools open it.",
        ending: "har",
        kind: "application/json",
        text: archive,
    },
    File {
        button: "Save picture",
        says: "SVG of the picture as it stands, in the colours that you see.",
        ending: "svg",
        kind: "image/svg+xml",
        text: picture,
    },
    File {
        button: "Save log (TSV)",
        says: "What happened, line by line, with tabs: for a terminal.",
        ending: "tsv",
        kind: "text/tab-separated-values",
        text: |host, _| log(host, Columns::Tabs),
    },
    File {
        button: "Save log (CSV)",
        says: "The same with commas: for a spreadsheet.",
        ending: "csv",
        kind: "text/csv",
        text: |host, _| log(host, Columns::Commas),
    },
];

/// The panel with the files.
pub(crate) struct Save;

impl Save {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: &Host) -> Self {
        let mut list = dom::classed("div", "standby-taken standby-files");
        for file in &FILES {
            let (host, panel) = (host.clone(), element.clone());
            let press = dom::button("", file.button).on("click", move |_| match (file.text)(&host, &panel) {
                Some(text) => {
                    let name = name(&host, file.ending);
                    download(&text, &name, file.kind);
                    let size = format::bytes(text.len() as u64);
                    host.announce(&format!("Saved {name}, {size}."));
                }
                None => host.announce("There is nothing to save yet. Run the experiment first."),
            });
            list = list.child(&press.done()).child(&dom::html("p").text(file.says).done());
        }
        let _ = element.append_child(&list.done());
        Self
    }
}

impl Panel for Save {
    /// What is saved is made when a button is pressed.
    fn changed(&self) {}
}

/// `standby-four-ways-20261124-140500.svg`: the experiment, and when its run began.
fn name(host: &Host, ending: &str) -> String {
    let place = host.place();
    let began_ms = host.trace().map_or(0, |trace| trace.began_at_ms);
    let began = js_sys::Date::new(&JsValue::from_f64(began_ms as f64)).to_iso_string();
    let began: String =
        String::from(began).chars().filter(|c| c.is_ascii_digit() || *c == 'T').take(15).collect();
    format!("standby-{}-{}.{ending}", place.id, began.replace('T', "-"))
}

fn archive(host: &Host, _: &HtmlElement) -> Option<String> {
    let trace: Trace = standby_trace::json::read(&host.file()?).ok()?;
    let trace = Some(trace).filter(has_something)?;
    serde_json::to_string_pretty(&har(&trace, &host.place().title)).ok()
}

fn log(host: &Host, columns: Columns) -> Option<String> {
    let trace = host.trace().filter(has_something)?;
    Some(lines::text(lines::lines(&trace).iter(), &words::lanes(&trace), columns))
}

fn has_something(trace: &Trace) -> bool {
    !trace.messages.is_empty() || !trace.marks.is_empty()
}

fn picture(host: &Host, panel: &HtmlElement) -> Option<String> {
    let trace = host.trace().filter(has_something)?;
    let seen = host.view()?;
    let view = View {
        from_us: seen.from_us,
        to_us: seen.to_us,
        now_us: seen.now_us,
        width: seen.width,
        narrow: seen.narrow,
        // On the page they are the page's own controls.
        labels: true,
        message: host.selected(),
        cursor_us: seen.cursor_us,
        ..View::default()
    };
    Some(alone(&svg(&figure(&trace, &view), &describe(&trace)), &palette(panel)?))
}

fn palette(element: &HtmlElement) -> Option<Palette> {
    let style = dom::window().get_computed_style(element).ok()??;
    let get = |name: &str| style.get_property_value(name).unwrap_or_default().trim().to_owned();
    let color = |name: &str| get(&format!("--standby-{name}"));
    Some(Palette {
        ground: color("ground"),
        text: color("text"),
        muted: color("muted"),
        line: color("line"),
        request: color("request"),
        news: color("news"),
        empty: color("empty"),
        held: color("held"),
        fault: color("fault"),
        age: color("age"),
        client: color("client"),
        font: get("font-family"),
    })
}

/// Hands a file to the browser, which puts it where downloads go.
fn download(text: &str, name: &str, kind: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) else { return };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else { return };
    let link: HtmlAnchorElement = dom::html("a").set("href", &url).set("download", name).into();
    link.click();
    // The browser has taken the blob by then: navigation to it starts with the click.
    let _ = Url::revoke_object_url(&url);
}
