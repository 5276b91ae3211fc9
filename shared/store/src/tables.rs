//! The definitions of the three tables.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::keys::{PK, SK};
use crate::{Store, StoreError};

/// The names of the tables in a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// Connectors, clients, journeys: read often, cached for 60 s.
    pub config: String,
    /// Users, links, identifiers.
    pub directory: String,
    /// Sessions, which expire.
    pub sessions: String,
}

impl TableNames {
    /// `<prefix>-config`, `<prefix>-directory`, `<prefix>-sessions`.
    pub fn with_prefix(prefix: &str) -> Self {
        let name = |table: &str| format!("{prefix}-{table}");
        Self { config: name("config"), directory: name("directory"), sessions: name("sessions") }
    }

    /// The definitions of all three tables.
    pub fn definitions(&self) -> [TableDefinition<'_>; 3] {
        [
            TableDefinition { name: &self.config, expires: None },
            TableDefinition { name: &self.directory, expires: None },
            TableDefinition { name: &self.sessions, expires: Some(EXPIRES_AT) },
        ]
    }
}

/// The attribute with the expiry time of sessions, in seconds since 1970. DynamoDB may delete days later: every read
/// checks it.
pub const EXPIRES_AT: &str = "expires_at";

/// One table. All have a partition and a sort key of strings, [`PK`] and [`SK`], and are billed on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition<'a> {
    /// Its name.
    pub name: &'a str,
    /// The time-to-live attribute.
    pub expires: Option<&'static str>,
}

impl Store {
    /// Creates the missing tables. For `landfall serve` and tests.
    pub async fn create_missing_tables(&self) -> Result<(), StoreError> {
        for table in self.tables().definitions() {
            self.create_if_missing(&table).await?;
        }
        Ok(())
    }

    async fn create_if_missing(&self, table: &TableDefinition<'_>) -> Result<(), StoreError> {
        let invalid = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Refused {
            operation: "CreateTable",
            reason: error.to_string(),
        };
        let mut create = self.client().create_table().table_name(table.name).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create
                .attribute_definitions(attribute.build().map_err(invalid)?)
                .key_schema(key.build().map_err(invalid)?);
        }
        match create.send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => return Ok(()),
            Err(error) => return Err(StoreError::from_sdk("CreateTable", &error)),
        }
        if let Some(attribute) = table.expires {
            let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute);
            self.client()
                .update_time_to_live()
                .table_name(table.name)
                .time_to_live_specification(ttl.build().map_err(invalid)?)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("UpdateTimeToLive", &error))?;
        }
        Ok(())
    }
}
