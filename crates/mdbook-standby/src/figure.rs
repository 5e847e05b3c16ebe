//! The static figure of an experiment: its recording, drawn as the live picture draws it.

use standby_figure::{View, describe, figure, svg, timeline};

use crate::recording::Recording;

/// How wide the widget's picture is in a page as wide as text gets: 750 px, less its frame and its
/// margins (15 px each side).
pub(crate) const WIDE_PX: f32 = 720.0;
/// And on a phone of 360 px: less the page's own margins too.
pub(crate) const NARROW_PX: f32 = 310.0;

/// Both pictures, each with its timeline, of which the page shows the one that fits. Text that is scaled down with its
/// picture can't be read on a phone.
#[must_use]
pub fn pictures(recording: &Recording) -> String {
    let trace = &recording.trace;
    let words = describe(trace);
    let draw = |width: f32, narrow: bool, class: &str| {
        let view = View { to_us: trace.until_us, now_us: trace.until_us, width, narrow, ..View::default() };
        let (above, below) = (svg(&figure(trace, &view), &words), svg(&timeline(trace, &view), ""));
        format!("<div class=\"{class}\">{above}{below}</div>")
    };
    let wide = draw(WIDE_PX, false, "standby-drawn standby-drawn-wide");
    wide + &draw(NARROW_PX, true, "standby-drawn standby-drawn-narrow")
}

/// Keeps a piece of HTML out of the book's search index: a reader who looks for `WebSocket` is not
/// helped by the words in pictures. It must be of one line.
///
/// mdBook's index leaves out what is in a `style` element, and mdBook writes that as it stands. A
/// browser reads `style` within `svg` as it reads any element there (HTML §13.2.6.5): the end tag of
/// the `svg` closes both, and what follows is the page's own. The two last end tags close nothing any
/// more, and are passed over (§13.2.6.4.7, "any other end tag").
#[must_use]
pub fn unsearched(html: &str) -> String {
    debug_assert!(!html.contains("</style"), "this would end the element");
    format!(
        "<svg class=\"standby-apart\" width=\"0\" height=\"0\" aria-hidden=\"true\"><style></svg>{html}</style></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::tests::recording;

    #[test]
    fn there_is_a_picture_for_a_page_and_one_for_a_phone() {
        let html = pictures(&recording());
        assert_eq!(html.matches("<svg ").count(), 4, "{html}");
        assert!(html.contains("viewBox=\"0 0 720 ") && html.contains("viewBox=\"0 0 310 "), "{html}");
        let told = html.matches("role=\"img\" aria-label=\"8.0 s on a time axis; ").count();
        assert_eq!(told, 2, "each has a text alternative: {html}");
    }

    #[test]
    fn many_fit_on_a_page_and_none_ends_the_block_that_it_stands_in() {
        let html = unsearched(&pictures(&recording()));
        assert!(!html.contains(" id="), "{html}");
        assert!(!html.contains('\n'), "{html}");
    }
}
