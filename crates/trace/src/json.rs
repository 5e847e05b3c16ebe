//! JSON read by way of a tree.
//!
//! serde writes a reader of its own for each type and for each source that it is read from. In a page
//! that was a third of what is loaded. So what a page reads is read from a tree, which is one source,
//! by hand, member by member, with [`Members`]. That is a tenth of the code, and it says which member
//! is wrong. Elsewhere the same types are `Deserialize`, by the same tree.

mod tree;
mod write;

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{Error as NoSuchName, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer};

pub use tree::Value;
pub use write::write;

/// What can be read from a tree.
pub trait Read: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, by the name of the member.
    fn read(value: &Value<'_>) -> Result<Self, Wrong>;
}

/// Reads a value from JSON.
///
/// # Errors
/// The text is not JSON, or not of this type.
pub fn read<T: Read>(text: &str) -> Result<T, Wrong> {
    T::read(&Value::parse(text)?)
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value<'_>) -> Result<Self, Wrong> {
        value.as_list().ok_or_else(|| Wrong::new("it is not a list"))?.iter().map(T::read).collect()
    }
}

/// What is wrong with a text or a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl Wrong {
    /// In words.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// For a `Deserialize` of what can be read: whatever it is written in becomes JSON first.
pub(crate) fn by_hand<'de, T: Read, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = serde_json::Value::deserialize(deserializer)?.to_string();
    read(&text).map_err(serde::de::Error::custom)
}

/// Types that are read by a function.
macro_rules! read_by_hand {
    ($($type:ty: $read:ident),* $(,)?) => {
        $(impl $crate::json::Read for $type {
            fn read(value: &$crate::json::Value<'_>) -> Result<Self, $crate::json::Wrong> {
                $read(value)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::by_hand(deserializer)
            }
        })*
    };
}
pub(crate) use read_by_hand;

/// The members of an object. Those that nobody asks for are ignored; `null` is as absent.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a> {
    of: &'static str,
    map: &'a [(Cow<'a, str>, Value<'a>)],
}

impl<'a> Members<'a> {
    /// The members of `value`, which is a `what`.
    pub fn of(what: &'static str, value: &'a Value<'a>) -> Result<Self, Wrong> {
        let map = value.as_object().ok_or_else(|| Wrong::new(format!("{what} is not an object")))?;
        Ok(Self { of: what, map })
    }

    fn wrong(&self, name: &str, must: &str) -> Wrong {
        Wrong::new(format!("`{name}` of {} {must}", self.of))
    }

    /// A member, if it is there.
    pub fn get(&self, name: &str) -> Option<&'a Value<'a>> {
        let (_, value) = self.map.iter().rfind(|(known, _)| known == name)?;
        (!value.is_null()).then_some(value)
    }

    /// A member that must be there.
    pub fn need(&self, name: &str) -> Result<&'a Value<'a>, Wrong> {
        self.get(name).ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A number from 0 on, if it is there.
    pub fn maybe_u64(&self, name: &str) -> Result<Option<u64>, Wrong> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| self.wrong(name, "is not a whole number from 0 on"))
    }

    /// A number from 0 on.
    pub fn u64(&self, name: &str) -> Result<u64, Wrong> {
        self.maybe_u64(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A number from 0 to 2^32 - 1, if it is there.
    pub fn maybe_u32(&self, name: &str) -> Result<Option<u32>, Wrong> {
        let Some(n) = self.maybe_u64(name)? else { return Ok(None) };
        u32::try_from(n).map(Some).map_err(|_| self.wrong(name, "is too large"))
    }

    /// A number from 0 to 2^32 - 1.
    pub fn u32(&self, name: &str) -> Result<u32, Wrong> {
        self.maybe_u32(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A number from 0 to 65,535, if it is there.
    pub fn maybe_u16(&self, name: &str) -> Result<Option<u16>, Wrong> {
        let Some(n) = self.maybe_u64(name)? else { return Ok(None) };
        u16::try_from(n).map(Some).map_err(|_| self.wrong(name, "is too large"))
    }

    /// A number, if it is there.
    pub fn maybe_i64(&self, name: &str) -> Result<Option<i64>, Wrong> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| self.wrong(name, "is not a whole number"))
    }

    /// A number.
    pub fn i64(&self, name: &str) -> Result<i64, Wrong> {
        self.maybe_i64(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Yes or no; no where it is absent.
    pub fn flag(&self, name: &str) -> Result<bool, Wrong> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.wrong(name, "is neither true nor false"))
    }

    /// A text, if it is there.
    pub fn maybe_text(&self, name: &str) -> Result<Option<&'a str>, Wrong> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(name, "is not a text"))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'a str, Wrong> {
        self.maybe_text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// One of the names of an enum without contents.
    pub fn name<T: DeserializeOwned>(&self, name: &str) -> Result<T, Wrong> {
        self.named(name, self.need(name)?)
    }

    /// The same, if it is there.
    pub fn maybe_name<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Wrong> {
        self.get(name).map(|value| self.named(name, value)).transpose()
    }

    /// The same for a value of the member `name`.
    pub fn named<T: DeserializeOwned>(&self, name: &str, value: &Value<'_>) -> Result<T, Wrong> {
        let text = value.as_str().ok_or_else(|| self.wrong(name, "is not a text"))?;
        let text: StrDeserializer<'_, NoSuchName> = text.into_deserializer();
        T::deserialize(text).map_err(|e| self.wrong(name, &format!("is wrong: {e}")))
    }

    /// Refuses members of other names.
    pub fn only(&self, known: &[&str]) -> Result<(), Wrong> {
        let Some((name, _)) = self.map.iter().find(|(name, _)| !known.contains(&name.as_ref())) else {
            return Ok(());
        };
        let known = known.join("`, `");
        Err(Wrong::new(format!("unknown field `{name}` of {}, expected one of `{known}`", self.of)))
    }

    /// A list, each of its items read by `item`; an empty one where it is absent.
    pub fn list<T>(
        &self,
        name: &str,
        item: impl Fn(&'a Value<'a>) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        value.as_list().ok_or_else(|| self.wrong(name, "is not a list"))?.iter().map(item).collect()
    }

    /// Numbers from 0 on; none where it is absent.
    pub fn numbers(&self, name: &str) -> Result<Vec<u64>, Wrong> {
        self.list(name, |value| value.as_u64().ok_or_else(|| self.wrong(name, "holds what is no number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Direction;

    #[test]
    fn what_is_wrong_with_a_member_is_said_with_its_name() {
        let tree =
            Value::parse(r#"{"n":-1,"long":70000,"text":5,"way":"up","list":[1,"a"],"null":null}"#).unwrap();
        let members = Members::of("a thing", &tree).unwrap();
        let said = [
            members.u64("n").unwrap_err(),
            members.u64("absent").unwrap_err(),
            members.maybe_u16("long").unwrap_err(),
            members.text("text").unwrap_err(),
            members.numbers("list").unwrap_err(),
            members.name::<Direction>("way").unwrap_err(),
        ];
        for (wrong, name) in said.iter().zip(["n", "absent", "long", "text", "list", "way"]) {
            assert!(wrong.0.starts_with(&format!("`{name}` of a thing ")), "{wrong}");
        }
        assert_eq!(members.maybe_u64("null"), Ok(None));
        assert!(Members::of("a thing", &Value::parse("null").unwrap()).is_err());
    }
}
