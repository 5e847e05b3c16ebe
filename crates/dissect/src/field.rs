//! What a dissection is made of.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

use crate::Class;

/// More fields than this are not listed: nobody reads them, and each costs an element of a page.
/// Bytes keep their classes.
pub const MAX_FIELDS: usize = 4_096;

/// A stretch of bytes that has a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// How deep it lies in others: those that follow it with a greater depth are parts of it.
    pub depth: u8,
    /// Which bytes of the piece.
    pub at: Range<usize>,
    /// Which bits of the first of these bytes, where it is no whole byte. As in RFC 6455's figure,
    /// bit 0 is the most significant one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<Range<u8>>,
    /// What it is called in its standard.
    pub name: Cow<'static, str>,
    /// Its value as text. It may hold anything that a client sent, and is to be shown as text.
    pub value: String,
    /// What it is there for, in a sentence or two.
    pub meaning: Cow<'static, str>,
    /// What kind of bytes these are, those of its parts aside.
    pub class: Class,
    /// The field's name in Wireshark, for a display filter. Empty where it has none there.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub filter: &'static str,
}

/// Bytes of one class that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Which bytes of the piece.
    pub at: Range<usize>,
    /// What they are there for.
    pub class: Class,
}

/// How a frame was masked (RFC 6455 §5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mask {
    /// The four bytes.
    pub key: [u8; 4],
    /// Where they stand in the piece.
    pub key_at: Range<usize>,
    /// Where the masked bytes stand in the piece.
    pub payload_at: Range<usize>,
}

/// How one byte is unmasked: `masked ^ key = clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MaskStep {
    /// Where the masked byte stands in the piece.
    pub at: usize,
    /// Where the byte of the key stands in the piece: byte `i mod 4` of it.
    pub key_at: usize,
    /// The byte as it stands on the wire.
    pub masked: u8,
    /// The key's byte.
    pub key: u8,
    /// What was meant.
    pub clear: u8,
}

/// What the bytes of one piece mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dissection {
    /// The fields in order, parts behind what they are parts of.
    pub fields: Vec<Field>,
    /// The classes of all bytes: the runs follow each other without a hole, from the first byte to
    /// the last that was kept.
    pub runs: Vec<Run>,
    /// The masking of a client's frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// A frame's payload with the masking undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmasked: Option<Vec<u8>>,
    /// Why this is not all of it, or not as its standard has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Dissection {
    /// The class of a byte.
    #[must_use]
    pub fn class_at(&self, at: usize) -> Option<Class> {
        let run = self.runs.partition_point(|run| run.at.end <= at);
        self.runs.get(run).map(|run| run.class)
    }

    /// The innermost field of a byte, as an index into [`Dissection::fields`].
    #[must_use]
    pub fn field_at(&self, at: usize) -> Option<usize> {
        let holds = |field: &Field| field.at.contains(&at);
        self.fields
            .iter()
            .enumerate()
            .filter(|(_, field)| holds(field))
            .max_by_key(|(_, f)| f.depth)
            .map(|x| x.0)
    }

    /// The bytes of the news in it: what `standby_trace::carried` counts as payload.
    #[must_use]
    pub fn news_bytes(&self) -> usize {
        self.runs.iter().filter(|run| run.class.is_news()).map(|run| run.at.len()).sum()
    }

    /// How byte number `index` of the payload is unmasked, given the piece's bytes.
    #[must_use]
    pub fn mask_step(&self, bytes: &[u8], index: usize) -> Option<MaskStep> {
        let mask = self.mask.as_ref()?;
        let at = mask.payload_at.start.checked_add(index).filter(|at| mask.payload_at.contains(at))?;
        let (masked, key) = (*bytes.get(at)?, mask.key[index % 4]);
        Some(MaskStep { at, key_at: mask.key_at.start + index % 4, masked, key, clear: masked ^ key })
    }
}

/// Takes fields down and paints their bytes.
pub(crate) struct Notes {
    done: Dissection,
    classes: Vec<Class>,
    depth: u8,
    /// Where the JSON of events stands, as the ledger has it.
    news: Vec<Range<usize>>,
    /// Takes the place of what is beyond [`MAX_FIELDS`].
    beyond: Field,
    full: bool,
}

impl Notes {
    pub(crate) fn new(bytes: usize, news: Vec<Range<usize>>) -> Self {
        let beyond = Field {
            depth: 0,
            at: 0..0,
            bits: None,
            name: Cow::Borrowed(""),
            value: String::new(),
            meaning: Cow::Borrowed(""),
            class: Class::Unread,
            filter: "",
        };
        let classes = vec![Class::Unread; bytes];
        Self { done: Dissection::default(), classes, depth: 0, news, beyond, full: false }
    }

    /// A field. What was said of the class of its bytes before is said anew.
    pub(crate) fn field(
        &mut self,
        at: Range<usize>,
        class: Class,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
        meaning: impl Into<Cow<'static, str>>,
    ) -> &mut Field {
        self.paint(at.clone(), class);
        if self.done.fields.len() >= MAX_FIELDS {
            self.full = true;
            return &mut self.beyond;
        }
        self.done.fields.push(Field {
            depth: self.depth,
            at,
            bits: None,
            name: name.into(),
            value: value.into(),
            meaning: meaning.into(),
            class,
            filter: "",
        });
        self.done.fields.last_mut().unwrap_or(&mut self.beyond)
    }

    /// Says the class of bytes that are no field of their own.
    pub(crate) fn paint(&mut self, at: Range<usize>, class: Class) {
        if let Some(classes) = self.classes.get_mut(at) {
            classes.fill(class);
        }
    }

    /// What is noted in here are parts of the field before.
    pub(crate) fn inside(&mut self, parts: impl FnOnce(&mut Self)) {
        self.depth += 1;
        parts(self);
        self.depth -= 1;
    }

    pub(crate) fn remark(&mut self, text: impl Into<String>) {
        self.done.remarks.push(text.into());
    }

    /// Whether these bytes are an event's JSON, by the ledger's reading.
    pub(crate) fn is_news(&self, at: &Range<usize>) -> bool {
        self.news.binary_search_by_key(&at.start, |news| news.start).is_ok_and(|i| self.news[i] == *at)
    }

    pub(crate) fn masked(&mut self, mask: Mask) {
        self.done.mask = Some(mask);
    }

    pub(crate) fn unmasked(&mut self, payload: Vec<u8>) {
        self.done.unmasked = Some(payload);
    }

    pub(crate) fn done(mut self) -> Dissection {
        // Where the ledger finds news and the standard's reading has something else, the ledger's
        // word stands: the bar and the totals must not differ.
        for at in std::mem::take(&mut self.news) {
            self.paint(at, Class::News);
        }
        if self.full {
            self.remark(format!("It has more than {MAX_FIELDS} fields. The rest of them is not listed."));
        }
        let mut from = 0;
        for run in self.classes.chunk_by(|a, b| a == b) {
            let at = from..from + run.len();
            from = at.end;
            self.done.runs.push(Run { at, class: run[0] });
        }
        self.done
    }
}

/// Bytes as text; what is no UTF-8 becomes U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `1 byte`, `2 bytes`.
pub(crate) fn count(bytes: usize) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

/// `37 fa 21 3d`
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
