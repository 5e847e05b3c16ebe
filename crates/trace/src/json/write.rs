//! JSON written without serde_json, for pages.
//!
//! serde_json writes to anything that takes bytes and may fail at it, and numbers of every kind. What a
//! page writes goes to a text in memory, which can't fail, and has whole numbers only. That is a third
//! of the code. A test holds it against serde_json, which everything but the page uses.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;
use serde::ser::{self, Serializer};

/// A value as JSON. None of ours holds a fraction, or a map whose keys are no texts; one that does
/// becomes an empty text.
pub fn write(value: &(impl Serialize + ?Sized)) -> String {
    let mut out = String::new();
    if value.serialize(Writer(&mut out)).is_err() {
        out.clear();
    }
    out
}

/// What this writes nowhere: fractions, and maps whose keys are no texts.
#[derive(Debug)]
struct Unwritten;

impl Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not written as JSON here")
    }
}

impl std::error::Error for Unwritten {}

impl ser::Error for Unwritten {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Done = Result<(), Unwritten>;

struct Writer<'a>(&'a mut String);

/// What stands between brackets.
struct Within<'a> {
    out: &'a mut String,
    first: bool,
    /// What closes it.
    end: &'static str,
}

impl<'a> Writer<'a> {
    fn text(self, text: &str) -> Done {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                '\u{8}' => self.0.push_str("\\b"),
                '\u{c}' => self.0.push_str("\\f"),
                '\0'..' ' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
        Ok(())
    }

    fn begin(self, begin: &str, end: &'static str) -> Within<'a> {
        self.0.push_str(begin);
        Within { out: self.0, first: true, end }
    }

    /// An object with one member.
    fn named(self, name: &str) -> &'a mut String {
        self.0.push('{');
        let _ = Writer(self.0).text(name);
        self.0.push(':');
        self.0
    }
}

impl Within<'_> {
    fn next(&mut self) -> Writer<'_> {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        Writer(self.out)
    }

    fn member(&mut self, name: &str) -> Writer<'_> {
        let _ = self.next().text(name);
        self.out.push(':');
        Writer(self.out)
    }

    fn close(self) -> Done {
        self.out.push_str(self.end);
        Ok(())
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Within<'a>;
    type SerializeTuple = Within<'a>;
    type SerializeTupleStruct = Within<'a>;
    type SerializeTupleVariant = Within<'a>;
    type SerializeMap = Within<'a>;
    type SerializeStruct = Within<'a>;
    type SerializeStructVariant = Within<'a>;

    fn serialize_bool(self, v: bool) -> Done {
        self.0.push_str(if v { "true" } else { "false" });
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Done {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Done {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Done {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Done {
        self.0.push_str(&v.to_string());
        Ok(())
    }
    fn serialize_u8(self, v: u8) -> Done {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Done {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Done {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Done {
        self.0.push_str(&v.to_string());
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Done {
        Err(Unwritten)
    }
    fn serialize_f64(self, _: f64) -> Done {
        Err(Unwritten)
    }
    fn serialize_char(self, v: char) -> Done {
        self.text(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Done {
        self.text(v)
    }
    fn serialize_bytes(self, v: &[u8]) -> Done {
        v.serialize(self)
    }
    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.0.push_str("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let out = self.named(variant);
        value.serialize(Writer(out))?;
        out.push('}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Within<'a>, Unwritten> {
        Ok(self.begin("[", "]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Within<'a>, Unwritten> {
        Ok(self.begin("[", "]"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Within<'a>, Unwritten> {
        Ok(self.begin("[", "]"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Within<'a>, Unwritten> {
        Ok(Writer(self.named(variant)).begin("[", "]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Within<'a>, Unwritten> {
        Ok(self.begin("{", "}"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Within<'a>, Unwritten> {
        Ok(self.begin("{", "}"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Within<'a>, Unwritten> {
        Ok(Writer(self.named(variant)).begin("{", "}}"))
    }
}

/// Items one after another.
macro_rules! items {
    ($($of:ident: $item:ident),*) => {
        $(impl ser::$of for Within<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                value.serialize(self.next())
            }

            fn end(self) -> Done {
                self.close()
            }
        })*
    };
}
items!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

/// Members one after another.
macro_rules! members {
    ($($of:ident),*) => {
        $(impl ser::$of for Within<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
                value.serialize(self.member(name))
            }

            fn end(self) -> Done {
                self.close()
            }
        })*
    };
}
members!(SerializeStruct, SerializeStructVariant);

/// What is flattened into another comes as a map.
impl ser::SerializeMap for Within<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        let begins = self.out.len();
        key.serialize(self.next())?;
        // A key is a text.
        let key = self.out.get(begins..).unwrap_or_default();
        if key.trim_start_matches(',').starts_with('"') { Ok(()) } else { Err(Unwritten) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.out.push(':');
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Done {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{Fault, PlannedFault};
    use crate::{Recorder, Scenario};

    /// One of each thing that serde knows and JSON has.
    #[derive(Clone, Debug, Serialize)]
    enum Any {
        Nothing,
        Unit(()),
        Flag(bool),
        Pair(u8, i64),
        Text(String),
        Letter(char),
        Named { maybe: Option<u32>, list: Vec<Any>, map: BTreeMap<String, i16> },
    }

    fn anything() -> impl Strategy<Value = Any> {
        let leaf = prop_oneof![
            Just(Any::Nothing),
            Just(Any::Unit(())),
            any::<bool>().prop_map(Any::Flag),
            any::<(u8, i64)>().prop_map(|(a, b)| Any::Pair(a, b)),
            any::<String>().prop_map(Any::Text),
            any::<char>().prop_map(Any::Letter),
            "[\\x00-\\x7f]{0,12}".prop_map(Any::Text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let map = prop::collection::btree_map(any::<String>(), any::<i16>(), 0..3);
            (any::<Option<u32>>(), prop::collection::vec(inner, 0..4), map)
                .prop_map(|(maybe, list, map)| Any::Named { maybe, list, map })
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_written_as_serde_json_does(value in anything()) {
            prop_assert_eq!(write(&value), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn a_trace_and_what_is_flattened_in_it_are_written_as_serde_json_does() {
        let scenario = r#"{"v":1,"lanes":[{"transport":"websocket","backoff":{"kind":"fixed","base_ms":500}},{"transport":"sse","retry_ms":1000}],"publish":{"every_ms":0}}"#;
        let mut scenario = Scenario::from_json(scenario).unwrap();
        let fault = Fault::Unavailable { sub: Some("sse".to_owned()), for_ms: 5, retry_after_s: None };
        scenario.faults = vec![PlannedFault { at_ms: 3_000, fault }];
        let mut recorder = Recorder::new(scenario, 7);
        recorder.sent(0, 1, 1_000);
        recorder.answered(0, 1, 200, &[], 9_000);
        recorder.note("a \"note\"\u{1}", 10_000);
        let trace = recorder.trace();
        assert_eq!(write(trace), serde_json::to_string(trace).unwrap());
    }

    #[test]
    fn what_has_no_place_in_it_leaves_nothing() {
        assert_eq!(write(&[0.5]), "");
        assert_eq!(write(&BTreeMap::from([(vec![1], 2)])), "");
    }
}
