//! "What is overhead?": a message's bytes by what they are there for.

use standby_dissect::Class;
use standby_dom as dom;
use standby_figure::format;
use web_sys::HtmlElement;

/// A bar with its legend. The legend has the figures; the bar only shows them.
pub(crate) fn bar(kinds: &[(Class, u64)]) -> HtmlElement {
    let total: u64 = kinds.iter().map(|(_, bytes)| bytes).sum();
    let mut bar = dom::classed("div", "standby-kinds").set("aria-hidden", "true");
    let mut legend =
        dom::classed("ul", "standby-kinds-legend").set("aria-label", "What its bytes are there for");
    for (class, bytes) in kinds {
        // Growth by bytes; a part of one byte is to be seen too.
        let style = format!("flex-grow:{bytes}");
        bar = bar.child(&dom::html("span").set("data-class", class.key()).set("style", &style).done());
        legend = legend.child(
            &dom::html("li")
                .child(&dom::classed("span", "standby-key").set("data-class", class.key()).done())
                .text(class.name())
                .child(&dom::html("b").text(&format!(" {}", format::count(*bytes))).done())
                .done(),
        );
    }
    let news: u64 = kinds.iter().filter(|(class, _)| class.is_news()).map(|(_, bytes)| bytes).sum();
    dom::classed("div", "standby-what-for")
        .child(&dom::html("p").text(&says(total, news)).done())
        .child(&bar.done())
        .child(&legend.done())
        .done()
}

/// The bar in a sentence.
fn says(total: u64, news: u64) -> String {
    let bytes = format::of(total, "byte", "bytes");
    match (total, news) {
        (0, _) => "No byte of it was kept.".to_owned(),
        (_, 0) => format!("{bytes}, none of it news."),
        _ if news == total => format!("{bytes}, all of it news."),
        _ => format!(
            "{bytes}: {} of news, {} of overhead ({} %).",
            format::count(news),
            format::count(total - news),
            (total - news) * 100 / total
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_much_is_news() {
        assert_eq!(says(63, 61), "63 bytes: 61 of news, 2 of overhead (3 %).");
        assert_eq!(says(1, 0), "1 byte, none of it news.");
        assert_eq!(says(0, 0), "No byte of it was kept.");
    }
}
