//! JSON with limits: size, depth, no key twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Most bytes of a payload: GitHub's own limit for all inputs of a dispatch is 65,535 characters.
pub const LARGEST: usize = 256 * 1024;
/// Most levels of objects and lists.
const DEEPEST: usize = 64;

/// The fault of a payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("payload: `{path}` {what}")]
pub struct PayloadError {
    /// JSON path, with dots.
    pub path: String,
    /// The fault.
    pub what: String,
}

impl PayloadError {
    pub(super) fn new(path: &str, what: &str) -> Self {
        Self {
            path: path.to_owned(),
            what: what.to_owned(),
        }
    }

    pub(super) fn below(mut self, parent: &str) -> Self {
        self.path = if self.path == "$" {
            parent.to_owned()
        } else {
            format!("{parent}.{}", self.path)
        };
        self
    }
}

/// Parses JSON; `path` is what errors call the text.
///
/// # Errors
/// When it is too large, nested too deeply, has a key twice or is not JSON.
pub fn parse(text: &str, path: &str) -> Result<Value, PayloadError> {
    if text.len() > LARGEST {
        return Err(PayloadError::new(
            path,
            &format!("has {} bytes; at most {LARGEST} are read", text.len()),
        ));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = JsonLevel { left: DEEPEST }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| PayloadError::new(path, &format!("cannot be read: {error}")))
}

#[derive(Clone, Copy)]
struct JsonLevel {
    left: usize,
}

impl JsonLevel {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left })
            .ok_or_else(|| E::custom(format!("nested more than {DEEPEST} levels deep")))
    }
}

impl<'de> DeserializeSeed<'de> for JsonLevel {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonLevel {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = pairs.next_key::<String>()? {
            let value = pairs.next_value_seed(level)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!(
                    "the key `{}` is there twice",
                    promote_core::text::line(&key)
                )));
            }
        }
        Ok(Value::Object(map))
    }
}
