//! JSON read by way of a tree.
//!
//! serde writes a reader of its own for each type and each source that it is read from. In a page
//! that is a third of what is loaded. Read from a tree, a type's reader is half as large as read from
//! text, and the types that need a tree anyhow (those with a tag inside) share it.

use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

/// Reads a value from JSON.
///
/// # Errors
/// The text is not JSON, or not of this type. What is wrong with a type is told without its place.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    T::deserialize(tree(text)?)
}

// Not generic: there is one of it.
fn tree(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
}
