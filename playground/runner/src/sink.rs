//! The widget's end of a run, which is in another module: everything that happens is told to it.

use std::cell::Cell;

use standby_dom::time;
use standby_trace::json;
use standby_trace::recorder::Fact;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// What the widget gives a run to tell things to.
    pub type Sink;

    /// Time 0 of the run is now; says when that is, in microseconds of the page's clock. `simulated`:
    /// the model runs it.
    #[wasm_bindgen(method)]
    fn begin(this: &Sink, simulated: bool) -> f64;

    /// A lane did or saw something at a moment of the run: a [`Fact`] as JSON.
    #[wasm_bindgen(method)]
    fn fact(this: &Sink, lane: usize, at_us: f64, fact: &str);

    /// What the server's tap tells, as it came, at a moment of the run.
    #[wasm_bindgen(method)]
    pub(crate) fn tap(this: &Sink, at_us: f64, told: &str);

    /// Nobody observes any more: the server that comes next may be another process.
    #[wasm_bindgen(method)]
    pub(crate) fn unobserved(this: &Sink);

    /// Something that concerns all lanes happened now.
    #[wasm_bindgen(method)]
    pub(crate) fn note(this: &Sink, text: &str);

    /// Something that the reader must know: see [`News`].
    #[wasm_bindgen(method)]
    fn news(this: &Sink, kind: &str, text: &str);
}

/// What a run tells its widget besides what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The observer's connection stands, and the lanes run.
    Connected,
    /// The server went away. The run goes on trying.
    Lost,
    /// The server that these pages come from does not answer.
    NotThere,
    /// No answer came in time: the browser has no connection free.
    Busy,
    /// The server refused to run the experiment.
    Refused(String),
    /// Something that the reader asked for did not work. The run goes on.
    Failed(String),
    /// Something of the run that stands over it until it is read; nothing: what stood there is over.
    Notice(String),
}

impl Sink {
    /// Tells the widget.
    pub(crate) fn tell(&self, news: &News) {
        let (kind, text) = match news {
            News::Connected => ("connected", ""),
            News::Lost => ("lost", ""),
            News::NotThere => ("not-there", ""),
            News::Busy => ("busy", ""),
            News::Refused(said) => ("refused", said.as_str()),
            News::Failed(said) => ("failed", said.as_str()),
            News::Notice(text) => ("notice", text.as_str()),
        };
        self.news(kind, text);
    }
}

/// What all parts of one run share: where to tell what happens, when it began, and whether the
/// server is there.
pub(crate) struct Run {
    sink: Sink,
    began_us: Cell<i64>,
    away: Cell<bool>,
}

impl Run {
    /// A run that has not begun.
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink, began_us: Cell::new(0), away: Cell::new(false) }
    }

    /// The run begins now. `simulated`: the model runs it.
    pub(crate) fn begin(&self, simulated: bool) {
        self.began_us.set(self.sink.begin(simulated) as i64);
    }

    /// The widget's end.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Microseconds since the run's start.
    pub(crate) fn now_us(&self) -> i64 {
        time::now_us() - self.began_us.get()
    }

    /// A moment of the page's clock on the run's axis.
    pub(crate) fn since_start_us(&self, page_us: u64) -> i64 {
        i64::try_from(page_us).unwrap_or(i64::MAX) - self.began_us.get()
    }

    /// A lane did or saw something now.
    pub(crate) fn record(&self, lane: usize, fact: &Fact) {
        self.record_at(lane, fact, self.now_us());
    }

    /// A lane did or saw something at a moment of the run.
    pub(crate) fn record_at(&self, lane: usize, fact: &Fact, at_us: i64) {
        self.sink.fact(lane, at_us as f64, &json::write(fact));
    }

    /// The server is known to be away.
    pub(crate) fn is_away(&self) -> bool {
        self.away.get()
    }

    /// The server went away, or is back.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.set(away);
    }
}
