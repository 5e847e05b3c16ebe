//! JSON (RFC 8259) as a tree that borrows from its text.
//!
//! Of serde_json's reader, what a page would need is four times as much code: it reads into any type
//! and prints numbers with fractions, of which nothing here has any. A test holds the two together.

use std::borrow::Cow;

use super::Wrong;

/// A tree that is deeper is refused: it is read by a function that calls itself.
const DEEPEST: u32 = 64;

/// A value, and the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    text: &'a str,
    what: What<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What<'a> {
    Null,
    Flag(bool),
    /// Its text says which.
    Number,
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads a text that is one value.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, Wrong> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.space();
        if parser.at == text.len() { Ok(value) } else { Err(parser.wrong()) }
    }

    /// The text of this value, as it stands.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn is_null(&self) -> bool {
        self.what == What::Null
    }

    /// Whether it is a number, of whatever kind.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.what == What::Number
    }

    /// A whole number from 0 on.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.is_number() { self.text.parse().ok() } else { None }
    }

    /// A whole number.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if self.is_number() { self.text.parse().ok() } else { None }
    }

    /// Yes or no.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let What::Flag(flag) = self.what { Some(flag) } else { None }
    }

    /// What a text says.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let What::Text(text) = &self.what { Some(text) } else { None }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let What::List(items) = &self.what { Some(items) } else { None }
    }

    /// The members of an object, in their order.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(Cow<'a, str>, Self)]> {
        if let What::Object(members) = &self.what { Some(members) } else { None }
    }

    /// A member of an object. Of two of one name the last counts, as for most readers (RFC 8259 §4).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.iter().rfind(|(known, _)| known == name).map(|(_, value)| value)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self) -> Wrong {
        Wrong::new(format!("what stands at byte {} is not JSON", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a byte, if it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let is_it = self.peek() == Some(byte);
        self.at += usize::from(is_it);
        is_it
    }

    fn need(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong()) }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: u32) -> Result<Value<'a>, Wrong> {
        self.space();
        let from = self.at;
        let what = match self.peek() {
            Some(b'{') if depth < DEEPEST => self.object(depth)?,
            Some(b'[') if depth < DEEPEST => self.list(depth)?,
            Some(b'"') => What::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { text: self.since(from), what })
    }

    fn word(&mut self) -> Result<What<'a>, Wrong> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, what) in [("null", What::Null), ("true", What::Flag(true)), ("false", What::Flag(false))] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(what);
            }
        }
        Err(self.wrong())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(self.wrong()) }
    }

    fn number(&mut self) -> Result<What<'a>, Wrong> {
        self.take(b'-');
        // No other digit follows a zero at the beginning.
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(What::Number)
    }

    fn list(&mut self, depth: u32) -> Result<What<'a>, Wrong> {
        self.need(b'[')?;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(What::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if !self.take(b',') {
                self.need(b']')?;
                return Ok(What::List(items));
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<What<'a>, Wrong> {
        self.need(b'{')?;
        let mut members = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(What::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.need(b':')?;
            members.push((name, self.value(depth + 1)?));
            self.space();
            if !self.take(b',') {
                self.need(b'}')?;
                return Ok(What::Object(members));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Wrong> {
        self.need(b'"')?;
        let mut from = self.at;
        let mut escaped: Option<String> = None;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let rest = self.since(from);
                    self.at += 1;
                    return Ok(match escaped {
                        None => Cow::Borrowed(rest),
                        Some(text) => Cow::Owned(text + rest),
                    });
                }
                Some(b'\\') => {
                    let text = escaped.get_or_insert_default();
                    text.push_str(self.text.get(from..self.at).unwrap_or_default());
                    self.at += 1;
                    let c = self.escape()?;
                    text.push(c);
                    from = self.at;
                }
                Some(0x20..) => self.at += 1,
                // A control character must be escaped.
                Some(_) | None => return Err(self.wrong()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let kind = self.peek().ok_or_else(|| self.wrong())?;
        let c = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(c)
    }

    /// Four digits, and four more where the first are the half of a pair.
    fn unicode(&mut self) -> Result<char, Wrong> {
        let first = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.need(b'\\')?;
            self.need(b'u')?;
            let second = self.hex()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.wrong());
            }
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.wrong())
    }

    fn hex(&mut self) -> Result<u32, Wrong> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|digit| char::from(digit).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.wrong())?;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Theirs;

    use super::*;

    /// As serde_json has it, by way of the same text.
    fn theirs(value: &Value<'_>) -> Theirs {
        match &value.what {
            What::Null => Theirs::Null,
            What::Flag(flag) => Theirs::Bool(*flag),
            What::Number => serde_json::from_str(value.text).unwrap(),
            What::Text(text) => Theirs::String(text.to_string()),
            What::List(items) => items.iter().map(theirs).collect(),
            What::Object(members) => {
                members.iter().map(|(name, value)| (name.to_string(), theirs(value))).collect()
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Theirs> {
        let leaf = prop_oneof![
            Just(Theirs::Null),
            any::<bool>().prop_map(Theirs::from),
            any::<i64>().prop_map(Theirs::from),
            any::<u64>().prop_map(Theirs::from),
            any::<f64>().prop_map(Theirs::from),
            any::<String>().prop_map(Theirs::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Theirs::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_as_serde_json_reads_it(json in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
            let text = text.unwrap();
            let again: Theirs = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(theirs(&Value::parse(&text).unwrap()), again);
        }

        #[test]
        fn a_text_with_a_byte_changed_is_json_for_both_or_for_neither(
            json in any_json(), at: prop::sample::Index, by: char
        ) {
            let text = serde_json::to_string(&json).unwrap();
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            let text: String = chars[..at].iter().copied().chain([by]).chain(chars[at + 1..].iter().copied()).collect();
            let ours = Value::parse(&text).map(|value| theirs_if_finite(&value));
            match (ours, serde_json::from_str::<Theirs>(&text)) {
                (Ok(Some(ours)), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                // serde_json refuses what no f64 holds; for us a number is a text until someone asks.
                (Ok(None), Err(_)) | (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{text:?}: {ours:?} and {theirs:?}"),
            }
        }
    }

    /// `None` where a number is too large for serde_json.
    fn theirs_if_finite(value: &Value<'_>) -> Option<Theirs> {
        serde_json::from_str::<Theirs>(value.text).is_ok().then(|| theirs(value))
    }

    #[test]
    fn escapes_are_undone_and_halves_of_pairs_refused() {
        let text = |json| Value::parse(json).map(|value| value.as_str().map(str::to_owned));
        assert_eq!(
            text(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#).unwrap().unwrap(),
            "a\"\\/\u{8}\u{c}\n\r\té😀z"
        );
        for bad in [
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83dA""#,
            r#""\ude00""#,
            r#""\x""#,
            r#""\u12g4""#,
            "\"\n\"",
            "\"a",
        ] {
            assert!(text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused_and_nothing_overflows() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Value::parse(&deep(DEEPEST as usize)).is_ok());
        assert!(Value::parse(&deep(DEEPEST as usize + 1)).is_err());
        assert!(Value::parse(&"[".repeat(1_000_000)).is_err());
        assert!(Value::parse(&r#"{"a":"#.repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_value_knows_its_own_text_and_of_two_members_the_last_counts() {
        let json = r#" {"a": 1 , "b" : [ 2,-3 , 4.5 ] ,"a":null} "#;
        let tree = Value::parse(json).unwrap();
        assert_eq!(tree.text(), json.trim());
        assert!(tree.get("a").unwrap().is_null());
        let items = tree.get("b").unwrap();
        assert_eq!(items.text(), "[ 2,-3 , 4.5 ]");
        let items: Vec<_> =
            items.as_list().unwrap().iter().map(|item| (item.as_u64(), item.as_i64())).collect();
        assert_eq!(items, [(Some(2), Some(2)), (None, Some(-3)), (None, None)]);
    }
}
