//! A trace as an HTTP Archive, version 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>), for
//! the developer tools of browsers and for any other reader of the format.
//!
//! An entry is a request with its answer. HAR knows neither WebSockets nor event streams; what goes
//! on behind a handshake or in a stream stands in members that begin with an underscore, named as
//! Chromium names them: `_webSocketMessages`, `_eventSourceMessages`.
//!
//! What the trace does not know is left out, or is -1 where the format says so. There are no figures
//! in it that nobody measured: a request whose bytes were not kept has the address `about:blank`, and
//! its entry has a comment that says so.

mod entry;
mod time;

use serde::Serialize;
use standby_trace::Trace;

use entry::{Entry, entries};
use time::iso;

/// A whole file.
#[derive(Clone, Debug, Serialize)]
pub struct Har {
    log: Log,
}

#[derive(Clone, Debug, Serialize)]
struct Log {
    version: &'static str,
    creator: Creator,
    pages: [Page; 1],
    entries: Vec<Entry>,
    comment: String,
}

#[derive(Clone, Debug, Serialize)]
struct Creator {
    name: &'static str,
    version: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    started_date_time: String,
    id: &'static str,
    title: String,
    page_timings: PageTimings,
}

/// A run is no page load: neither moment is known.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageTimings {
    on_content_load: i8,
    on_load: i8,
}

/// The one page that all entries refer to.
const PAGE: &str = "run";

/// A trace as an HTTP Archive. `page_title` names the page that ran it.
#[must_use]
pub fn har(trace: &Trace, page_title: &str) -> Har {
    let page = Page {
        started_date_time: iso(trace.began_at_ms, 0),
        id: PAGE,
        title: page_title.to_owned(),
        page_timings: PageTimings { on_content_load: -1, on_load: -1 },
    };
    let comment = "Bytes and times as the server's socket and the page saw them. Masked: the values of Cookie, Authorization, Referer and forwarding headers.";
    Har {
        log: Log {
            version: "1.2",
            creator: Creator { name: "Standby", version: env!("CARGO_PKG_VERSION") },
            pages: [page],
            entries: entries(trace),
            comment: comment.to_owned(),
        },
    }
}
