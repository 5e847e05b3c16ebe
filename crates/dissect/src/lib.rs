//! What every byte on the wire means.
//!
//! A live run keeps the bytes of its messages piece by piece: heads, bodies, chunks, frames. This
//! crate reads them. It is pure: no I/O, no clock, and any bytes are welcome, since a trace is a
//! file that anyone can write.
//!
//! | to learn about | read | standard |
//! |---|---|---|
//! | heads: the start line, headers, the empty line, and the proof in a 101 | `head.rs`, `header.rs` | RFC 9112 §2 to §5, RFC 6455 §4 |
//! | bodies in chunks | `body.rs` | RFC 9112 §7.1 |
//! | frames: bits, lengths, masking, close codes | `frame.rs` | RFC 6455 §5, §7.4 |
//! | event streams: fields, comments, dispatch | `sse.rs` | HTML §9.2.5, §9.2.6 |
//! | the JSON in all of them: news and its envelope | `json.rs` | the book's contract |
//!
//! [`dissect`] gives the [`Field`]s of a piece, each with its bytes, its name in the standard, its
//! value and a sentence, and the [`Class`] of each byte. [`kinds`] sums classes up over a message:
//! what is overhead in it, and for what. What is news is decided in one place for the whole project,
//! `standby_trace::carried`; so the sums are the ledger's.
//!
//! `rows` lists a trace's messages, a row each, and [`har`](har::har) writes it for browsers'
//! developer tools. `flat` names fields as Wireshark does, and a test holds them against it.
//!
//! ```
//! use standby_dissect::{Class, Context, dissect};
//! use standby_trace::{Direction, Piece, tap::{Part, Via}};
//!
//! let piece = Piece {
//!     id: 0,
//!     via: Via::WebSocket,
//!     direction: Direction::ToServer,
//!     part: Part::Frame,
//!     bytes: vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
//!     cut_bytes: 0,
//! };
//! let dissection = dissect(&piece, Context::default());
//! assert_eq!(dissection.unmasked.as_deref(), Some(&b"Hello"[..]));
//! assert_eq!(dissection.class_at(2), Some(Class::MaskingKey));
//! ```

mod body;
mod class;
mod context;
mod field;
mod flat;
mod frame;
pub mod har;
mod head;
mod header;
mod json;
mod rows;
mod sse;

use standby_trace::tap::Part;
use standby_trace::{Piece, carried};

pub use class::{Class, kinds};
pub use context::{Context, earlier, pieces, request_of};
pub use field::{Dissection, Field, MAX_FIELDS, Mask, MaskStep, Run};
pub use flat::flat;
pub use rows::{Row, kind_words, rows};

use field::Notes;

/// What the bytes of a piece mean.
#[must_use]
pub fn dissect(piece: &Piece, context: Context<'_>) -> Dissection {
    let bytes = &piece.bytes[..];
    let way = (piece.via, piece.direction);
    let cut = piece.cut_bytes > 0;
    let news = carried(piece.via, piece.direction, piece.part, bytes).news;
    let mut notes = Notes::new(bytes.len(), news);
    match piece.part {
        Part::RequestHead | Part::ResponseHead => head::head(&mut notes, bytes, piece.part, cut, context),
        Part::RequestBody | Part::ResponseBody => {
            body::body(&mut notes, way, bytes, 0);
            if cut {
                notes.remark(format!("Only {} of the body were kept.", field::count(bytes.len())));
            }
        }
        Part::Chunk => body::chunk(&mut notes, way, bytes, cut),
        Part::LastChunk => body::last_chunk(&mut notes, bytes, cut),
        Part::Frame => frame::frame(&mut notes, way, bytes, cut),
    }
    if cut {
        notes.remark(format!("{} more of it were counted and not kept.", piece.cut_bytes));
    }
    notes.done()
}
