//! What else a dissection has to look at: the head before, and the request that is answered.

use standby_trace::tap::Part;
use standby_trace::trace::{Direction, Kind, Message, Piece, Trace};

/// What else there is to look at. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The pieces of the message before of the same sort ([`earlier`]): a header that stands in its
    /// head too is a header that was sent again.
    pub earlier: &'a [Piece],
    /// The pieces of the request that this message answers ([`request_of`]): a handshake's answer
    /// is made from the key in it.
    pub request: &'a [Piece],
}

impl<'a> Context<'a> {
    pub(crate) fn earlier_head(self, part: Part) -> &'a [u8] {
        self.earlier.iter().find(|piece| piece.part == part).map_or(&[], |piece| &piece.bytes)
    }

    pub(crate) fn request_head(self) -> &'a [u8] {
        self.request.iter().find(|piece| piece.part == Part::RequestHead).map_or(&[], |piece| &piece.bytes)
    }
}

fn is_request(message: &Message) -> bool {
    matches!(message.kind, Kind::Request | Kind::Publish | Kind::Preflight)
        && message.direction == Direction::ToServer
}

/// The messages before a number, newest first, each with its own.
fn before(trace: &Trace, number: u64) -> impl Iterator<Item = (u64, &Message)> {
    let index = usize::try_from(number.saturating_sub(trace.before)).unwrap_or(usize::MAX);
    let end = index.min(trace.messages.len());
    trace.messages[..end]
        .iter()
        .enumerate()
        .rev()
        .map(|(index, m)| (trace.before.saturating_add(index as u64), m))
}

/// The number of the message before of the same sort, on the same lane: the request before this
/// request, the answer before this answer.
#[must_use]
pub fn earlier(trace: &Trace, number: u64) -> Option<u64> {
    let message = trace.message(number)?;
    let asked = |number| request_of(trace, number).and_then(|request| trace.message(request)).map(|r| r.kind);
    let same = |(other_number, other): &(u64, &Message)| {
        other.lane == message.lane
            && other.direction == message.direction
            && other.kind == message.kind
            && (is_request(message) || asked(*other_number) == asked(number))
    };
    before(trace, number).find(same).map(|(number, _)| number)
}

/// The number of the request that a message answers or that opened its stream.
#[must_use]
pub fn request_of(trace: &Trace, number: u64) -> Option<u64> {
    let message = trace.message(number)?;
    if is_request(message) {
        return None;
    }
    let asked = |(_, other): &(u64, &Message)| {
        (other.lane, other.n) == (message.lane, message.n)
            && is_request(other)
            && (other.kind == Kind::Preflight) == (message.kind == Kind::Preflight)
    };
    before(trace, number).find(asked).map(|(number, _)| number)
}

/// The pieces of a message, as far as they are kept.
#[must_use]
pub fn pieces(trace: &Trace, number: u64) -> Vec<Piece> {
    let ids = trace.message(number).map_or(&[][..], |message| &message.pieces);
    ids.iter().filter_map(|&id| trace.piece(id).cloned()).collect()
}
