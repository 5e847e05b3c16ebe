//! The event stream format (HTML §9.2.5 and §9.2.6), read as it arrives.

use std::fmt;

/// The longest line that is read, in bytes, where nothing else is said.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// The largest data of one event, in bytes, where nothing else is said.
pub const MAX_DATA_BYTES: usize = 8 << 20;

/// What a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event, as a page would be handed it.
    Event {
        /// Its type; `message` where the stream named none.
        event_type: String,
        /// Its data: the `data` lines, joined by line feeds.
        data: String,
        /// The last `id` on the stream, which may be an earlier event's.
        last_event_id: String,
    },
    /// The reconnection time is to be this many milliseconds.
    Retry {
        /// As large as the stream likes: whoever waits has to bound it.
        ms: u64,
    },
}

/// A line or an event is larger than what is read of one. The format has no bound, memory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The bound, in bytes.
    pub limit: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line or an event of more than {} bytes", self.limit)
    }
}

impl std::error::Error for TooLarge {}

/// Reads one stream, from its first byte. A new connection needs a new parser: what was unfinished
/// when the old one ended is dropped with it (§9.2.6, "the incomplete event is not dispatched").
///
/// Chunks may be cut anywhere, inside a character or between the two bytes of a CRLF too; HTTP
/// promises nothing about where they end, and proxies cut them anew.
#[derive(Clone, Debug)]
pub struct Parser {
    max_line: usize,
    max_data: usize,
    /// The line that has not ended yet. Bytes, because a character may be cut as well; it is decoded
    /// when it is whole. A line break is never part of a longer UTF-8 sequence, so decoding line by
    /// line gives what decoding the whole stream would.
    line: Vec<u8>,
    /// No line has ended yet: a byte order mark may stand here, and nowhere else.
    at_start: bool,
    /// The last byte was a CR. A LF that follows belongs to the same line break.
    after_cr: bool,
    /// The three buffers of §9.2.6.
    data: String,
    event_type: String,
    id: String,
    /// What the last empty line made of `id`.
    last_event_id: String,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// At the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(MAX_LINE_BYTES, MAX_DATA_BYTES)
    }

    /// At the start of a stream, with other bounds.
    #[must_use]
    pub fn bounded(max_line: usize, max_data: usize) -> Self {
        Self {
            max_line,
            max_data,
            line: Vec::new(),
            at_start: true,
            after_cr: false,
            data: String::new(),
            event_type: String::new(),
            id: String::new(),
            last_event_id: String::new(),
        }
    }

    /// The stream's last event ID: what a reconnect sends as `Last-Event-ID`. An `id` line without
    /// data sets it too.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    // ANCHOR: feed
    /// Takes the next bytes in and appends to `out` what they complete.
    ///
    /// # Errors
    /// A bound is passed. The stream is not to be read on.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<Item>) -> Result<(), TooLarge> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            // Before it is kept, or a line without an end would be held in full first.
            if self.line.len() + part.len() > self.max_line {
                return Err(TooLarge { limit: self.max_line });
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            // A CR ends the line here and now. Waiting for a LF that may not come would hold back
            // a finished event until the next one.
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            self.take_line(&line, out)?;
            line.clear();
            self.line = line;
        }
        Ok(())
    }
    // ANCHOR_END: feed

    // ANCHOR: line
    fn take_line(&mut self, line: &[u8], out: &mut Vec<Item>) -> Result<(), TooLarge> {
        let is_first = std::mem::take(&mut self.at_start);
        let line = if is_first { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line };
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            self.dispatch(out);
            return Ok(());
        }
        let (field, value) = match line.split_once(':') {
            // The first colon only: JSON has more of them. One space after it belongs to the format,
            // a second one to the value.
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            // A whole line without a colon is a field's name, with nothing as its value.
            None => (&*line, ""),
        };
        match field {
            // The last one counts, as with `id`.
            "event" => value.clone_into(&mut self.event_type),
            // Each `data` line is a line of the data, so a text with line breaks can be sent too.
            "data" => {
                if self.data.len() + value.len() + 1 > self.max_data {
                    return Err(TooLarge { limit: self.max_data });
                }
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A NUL can't be sent back in a header.
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push(Item::Retry { ms: value.parse().unwrap_or(u64::MAX) });
            }
            // An empty name is a comment, and what we don't know is ignored.
            _ => {}
        }
        Ok(())
    }

    /// An empty line: the event is complete.
    fn dispatch(&mut self, out: &mut Vec<Item>) {
        // First the id, even if there is nothing to dispatch. It stays for the events that follow
        // without one; type and data are each event's own.
        self.last_event_id.clone_from(&self.id);
        let event_type = std::mem::take(&mut self.event_type);
        let mut data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return;
        }
        data.pop(); // The line feed after the last line.
        let event_type = if event_type.is_empty() { "message".to_owned() } else { event_type };
        out.push(Item::Event { event_type, data, last_event_id: self.last_event_id.clone() });
    }
    // ANCHOR_END: line
}
