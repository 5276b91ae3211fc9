//! Items. Attributes are read one by one, so that an error names the attribute.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use domain::SecretHash;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::keys::{Key, PK};

/// The schema version, the same for all kinds of items so far.
pub(crate) const V: u32 = 1;

/// An item to write.
pub(crate) struct NewItem(HashMap<String, AttributeValue>);

impl NewItem {
    pub(crate) fn at(key: &Key) -> Self {
        let mut item = Self(key.attributes());
        item.set("v", number(V));
        item
    }

    pub(crate) fn set(&mut self, name: &str, value: AttributeValue) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn set_some(&mut self, name: &str, value: Option<AttributeValue>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds each field of a value as an attribute.
    pub(crate) fn with<T: Serialize>(mut self, kind: &'static str, value: &T) -> Result<Self, StoreError> {
        let fields: HashMap<String, AttributeValue> =
            serde_dynamo::to_item(value).map_err(|error| corrupt(kind, &error))?;
        self.0.extend(fields);
        Ok(self)
    }

    pub(crate) fn build(self) -> HashMap<String, AttributeValue> {
        self.0
    }
}

/// An item that was read.
pub(crate) struct Item {
    kind: &'static str,
    attributes: HashMap<String, AttributeValue>,
}

impl Item {
    /// Checks the schema version of an item from DynamoDB.
    pub(crate) fn read(kind: &'static str, attributes: HashMap<String, AttributeValue>) -> Result<Self, StoreError> {
        let item = Self { kind, attributes };
        let v: u32 = item.number("v")?;
        // From V = 2 on, also accept V - 1: during a deployment both versions write.
        if v == V { Ok(item) } else { Err(item.broken("v")) }
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.attributes
            .get(name)
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
            .ok_or_else(|| self.broken(name))
    }

    /// The id after `prefix` in the partition key.
    pub(crate) fn id<T: std::str::FromStr>(&self, prefix: &str) -> Result<T, StoreError> {
        let id = self.text(PK)?.strip_prefix(prefix).and_then(|id| id.parse().ok());
        id.ok_or_else(|| self.broken(PK))
    }

    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| self.broken(name))
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.optional_number(name)?.ok_or_else(|| self.broken(name))
    }

    pub(crate) fn optional_number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        value.as_n().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| self.broken(name))
    }

    pub(crate) fn optional_millis(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(number) = self.optional_number(name)? else { return Ok(None) };
        DateTime::from_timestamp_millis(number).map(Some).ok_or_else(|| self.broken(name))
    }

    pub(crate) fn seconds(&self, name: &str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp(self.number(name)?, 0).ok_or_else(|| self.broken(name))
    }

    pub(crate) fn optional_hash(&self, name: &str) -> Result<Option<SecretHash>, StoreError> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        value
            .as_b()
            .ok()
            .and_then(|blob| SecretHash::from_bytes(blob.as_ref()))
            .map(Some)
            .ok_or_else(|| self.broken(name))
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.attributes.get(name).and_then(|value| value.as_b().ok()).map(Blob::as_ref)
    }

    pub(crate) fn hash(&self, name: &str) -> Result<SecretHash, StoreError> {
        self.optional_hash(name)?.ok_or_else(|| self.broken(name))
    }

    /// One attribute that holds a map.
    pub(crate) fn map<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let value = self.attributes.get(name).cloned().ok_or_else(|| self.broken(name))?;
        serde_dynamo::from_attribute_value(value).map_err(|error| corrupt(self.kind, &error))
    }

    /// Decodes all attributes as the fields of a value.
    pub(crate) fn into<T: DeserializeOwned>(self) -> Result<T, StoreError> {
        serde_dynamo::from_item(self.attributes).map_err(|error| corrupt(self.kind, &error))
    }

    fn broken(&self, attribute: &str) -> StoreError {
        StoreError::Corrupt { item: self.kind, reason: format!("attribute {attribute}") }
    }
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn millis(at: DateTime<Utc>) -> AttributeValue {
    number(at.timestamp_millis())
}

pub(crate) fn seconds(at: DateTime<Utc>) -> AttributeValue {
    number(at.timestamp())
}

pub(crate) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

pub(crate) fn map<T: Serialize>(kind: &'static str, value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| corrupt(kind, &error))
}

/// The log gets only the kind of item: serde's message may quote a user's input.
fn corrupt(item: &'static str, _error: &serde_dynamo::Error) -> StoreError {
    StoreError::Corrupt { item, reason: "its fields".into() }
}
