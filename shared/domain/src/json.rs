//! A strict reader for JSON from providers and callers.
//!
//! Duplicate names are refused: parsers read them differently (RFC 8259 section 4), so a document that passed a check
//! in one parser may mean something else in the next. Deep nesting is refused: it costs stack.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The maximum nesting. No legitimate document is deeper; serde_json's own limit is higher.
const DEPTH: u8 = 32;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// It is not complete JSON, or no object where one is read.
    Malformed,
    /// A name appears twice, or the nesting is too deep.
    Ambiguous,
}

/// Reads one object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::Malformed),
    }
}

/// Reads one value of any kind.
pub fn value(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(DEPTH).deserialize(&mut deserializer).map_err(|error| {
        // serde_json reports the visitor's own errors, and only those, as data errors.
        if error.is_data() { JsonError::Ambiguous } else { JsonError::Malformed }
    })?;
    deserializer.end().map_err(|_| JsonError::Malformed)?;
    Ok(value)
}

/// Reads one value; the number is the nesting that is still allowed.
#[derive(Clone, Copy)]
struct Strict(u8);

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
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

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("a name appears twice"));
            }
            object.insert(name, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

/// Converts an object to a type.
pub fn typed<T: for<'de> Deserialize<'de>>(object: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_not_appear_twice() {
        for twice in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            assert_eq!(object(twice.as_bytes()), Err(JsonError::Ambiguous), "{twice}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        assert!(object(&nested(31)).is_ok());
        assert_eq!(object(&nested(32)), Err(JsonError::Ambiguous));
        assert_eq!(object(&nested(10_000)), Err(JsonError::Ambiguous));
        assert_eq!(object(&"{\"a\":".repeat(10_000).into_bytes()), Err(JsonError::Ambiguous));
    }

    #[test]
    fn anything_but_a_complete_object_is_malformed() {
        for bad in ["", "<html>", "{\"a\":1", "{} {}", "[]", "null", "\"text\"", "{\"a\":1e400}", "{\"a\":\"\\ud800\"}"]
        {
            assert_eq!(object(bad.as_bytes()), Err(JsonError::Malformed), "{bad}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(JsonError::Malformed));
    }

    #[test]
    fn a_valid_object_is_read_unchanged() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x"],"b":{}}"#;
        assert_eq!(serde_json::to_string(&object(text.as_bytes()).unwrap()).unwrap(), text);
    }
}
