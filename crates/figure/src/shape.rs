//! What a picture is made of: a few kinds of shape, each with what it means ([`Ink`]), never with a
//! colour. Whoever paints them looks the colour up in the page's theme.
//!
//! Lengths are CSS pixels; the origin is the picture's top left corner.

use std::ops::Range;

/// Which stretch of time is drawn, and how large.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The left end of the axis, in microseconds.
    pub from_us: i64,
    /// The right end.
    pub to_us: i64,
    /// How far the trace is known: nothing is drawn right of it, and what lasts ends there.
    pub now_us: i64,
    /// The whole picture's width.
    pub width: f32,
    /// Lane labels stand above the rails, not left of them (a phone).
    pub narrow: bool,
    /// Whether the figure holds the lanes' labels itself (static), or leaves their place empty for
    /// the page's own controls (live).
    pub labels: bool,
    /// The event that is pointed at: everything that carries it stands out.
    pub selected: Option<u64>,
    /// The message that is pointed at, by its number: it stands out, and everything that carried the
    /// same events.
    pub message: Option<u64>,
    /// The column of a lane's crowd that is pointed at: the lane, and a moment within the column, in
    /// microseconds.
    pub crowd: Option<(u16, i64)>,
    /// Where the cursor stands, in microseconds: a line through all lanes, with its time.
    pub cursor_us: Option<i64>,
    /// What happens where messages stand closer than can be told apart.
    pub density: Density,
}

impl Default for View {
    /// The first eight seconds, as wide as a page's text.
    fn default() -> Self {
        Self {
            from_us: 0,
            to_us: 8_000_000,
            now_us: 8_000_000,
            width: 750.0,
            narrow: false,
            labels: true,
            selected: None,
            message: None,
            crowd: None,
            cursor_us: None,
            density: Density::Auto,
        }
    }
}

/// What happens where messages stand closer than can be told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Density {
    /// They are counted, and the counts drawn.
    #[default]
    Auto,
    /// Each is drawn, whatever is to be seen of it.
    Off,
}

/// What is at a point of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hit {
    /// An event, by its id: its circle or its thread.
    Event(u64),
    /// A message, by its number ([`Trace::before`](standby_trace::Trace::before) and its index).
    Message(u64),
    /// What a lane's crowd did within a column of its band.
    Crowd {
        /// The lane.
        lane: u16,
        /// When the column begins, in microseconds.
        at_us: i64,
    },
}

/// What a shape means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Rails, and what is written beside them.
    Rail,
    /// The lines of the time axis.
    Grid,
    /// The axis' figures.
    Axis,
    /// A request, blue.
    Request,
    /// News, green.
    News,
    /// An answer that brought nothing: grey and dashed.
    Empty,
    /// A connection that opens: blue and dashed.
    Open,
    /// What the client sends of its own, purple.
    Client,
    /// What the browser did by itself.
    Browser,
    /// A connection that is held: a pale band.
    Held,
    /// Waiting to come back: hatched.
    Waiting,
    /// A fault, red.
    Fault,
    /// Staleness, orange.
    Stale,
    /// An event's thread down through the lanes: dotted, pale.
    Thread,
    /// A lane's name.
    Name,
    /// What is set for a lane, and other small words.
    Note,
    /// The ground of the picture: what stands on something dark.
    Ground,
    /// A connection that only one of the two ends believes in: hatched the other way.
    OneSided,
    /// The cursor, and its time.
    Cursor,
    /// Bytes that are no news.
    Overhead,
    /// Of a crowd: those that came and were let in.
    LetIn,
    /// Of a crowd: those that came and were turned away. Stripes, narrower than what was let in.
    TurnedAway,
}

/// How much a shape stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Weight {
    /// As everything.
    #[default]
    Normal,
    /// Belongs to the selected event.
    Selected,
    /// Its time is inferred, not measured.
    Inferred,
}

/// Where a text stands against its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

impl Anchor {
    /// SVG's word for it, `text-anchor`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A straight line, with an arrow's head at its second end or without.
    Line {
        /// First end.
        x1: f32,
        /// First end.
        y1: f32,
        /// Second end.
        x2: f32,
        /// Second end.
        y2: f32,
        /// An arrow's head at the second end.
        arrow: bool,
        /// What it means.
        ink: Ink,
        /// How much it stands out.
        weight: Weight,
    },
    /// A filled rectangle (`Waiting`: hatched).
    Rect {
        /// Left.
        x: f32,
        /// Top.
        y: f32,
        /// Width.
        w: f32,
        /// Height.
        h: f32,
        /// What it means.
        ink: Ink,
    },
    /// A circle, filled or as a ring.
    Circle {
        /// Centre.
        x: f32,
        /// Centre.
        y: f32,
        /// Radius.
        r: f32,
        /// Filled with its ink; otherwise with the ground, and its rim in its ink.
        filled: bool,
        /// What it means.
        ink: Ink,
        /// How much it stands out.
        weight: Weight,
    },
    /// A cross: a drop.
    Cross {
        /// Centre.
        x: f32,
        /// Centre.
        y: f32,
        /// Half its width.
        r: f32,
        /// What it means.
        ink: Ink,
    },
    /// One line of text, on the ground's colour as an outline so that it reads over lines.
    Text {
        /// Its point, on the base line.
        x: f32,
        /// Its point, on the base line.
        y: f32,
        /// Where it stands against its point.
        anchor: Anchor,
        /// Font size.
        size: f32,
        /// Half-bold.
        strong: bool,
        /// What it means.
        ink: Ink,
        /// The text; whatever it holds is text.
        text: String,
    },
}

/// Where a lane lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneBox {
    /// The top of the lane's place, its label included.
    pub top: f32,
    /// The server's rail.
    pub server_y: f32,
    /// The client's rail.
    pub client_y: f32,
    /// The base of the band that shows its crowd, 18 pixels high; `None` where it has none.
    pub crowd_y: Option<f32>,
    /// The bottom of its place.
    pub bottom: f32,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its width.
    pub width: f32,
    /// Its height; it depends on the lanes, on whether they have a crowd and on `narrow`, never on what
    /// happened.
    pub height: f32,
    /// Where the time axis begins, from the left.
    pub plot_x: f32,
    /// How wide the time axis is.
    pub plot_w: f32,
    /// Where each lane lies.
    pub lanes: Vec<LaneBox>,
    /// What to paint, in this order.
    pub shapes: Vec<Shape>,
    /// Which of the shapes are the lanes' labels: where a page has its own, it can hide them.
    pub labels: Range<usize>,
}
