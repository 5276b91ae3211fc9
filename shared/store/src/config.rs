//! Connectors, clients and journeys: documents that an administrator saves and every function reads.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::{Client, ClientId, ConnectorDocument, ConnectorId, JourneyDocument, JourneyId, RequestContext};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::item::{Item, NewItem, number, text};
use crate::keys::{self, Key, PK};
use crate::{Store, StoreError};

const DOCUMENT: &str = "document";

impl Store {
    /// A connector's document.
    pub async fn get_connector(
        &self,
        cx: &RequestContext,
        id: &ConnectorId,
    ) -> Result<Option<ConnectorDocument>, StoreError> {
        self.read_document(cx, "connector", keys::connector(id)).await
    }

    /// A client's document.
    pub async fn get_client(&self, cx: &RequestContext, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.read_document(cx, "client", keys::client(id)).await
    }

    /// All clients. Strongly consistent. One that cannot be read is passed over: it is not the others' fault.
    pub async fn list_clients(&self, cx: &RequestContext) -> Result<Vec<Client>, StoreError> {
        let read = self.list_documents(cx, "client", keys::CLIENTS).await?;
        let broken = |error: &StoreError| tracing::error!(event = "client_broken", %error);
        Ok(read.into_iter().filter_map(|client| client.inspect_err(broken).ok()).collect())
    }

    /// All connectors. Strongly consistent. One that cannot be read is an error: whoever asks wants to know of each.
    pub async fn list_connectors(&self, cx: &RequestContext) -> Result<Vec<ConnectorDocument>, StoreError> {
        self.list_documents(cx, "connector", keys::CONNECTORS).await?.into_iter().collect()
    }

    /// One version of a journey.
    pub async fn get_journey(
        &self,
        cx: &RequestContext,
        id: &JourneyId,
        version: u32,
    ) -> Result<Option<JourneyDocument>, StoreError> {
        self.read_document(cx, "journey", keys::journey(id, version)).await
    }

    /// The version of a journey that new sessions run.
    pub async fn get_live_version(&self, cx: &RequestContext, id: &JourneyId) -> Result<Option<u32>, StoreError> {
        let item = self.read(cx, "journey", &self.tables().config, keys::journey_live(id)).await?;
        item.map(|item| item.number("version")).transpose()
    }

    /// Saves a connector.
    pub async fn put_connector(&self, cx: &RequestContext, connector: &ConnectorDocument) -> Result<(), StoreError> {
        self.put_document(cx, keys::connector(&connector.id), connector).await
    }

    /// Saves a client.
    pub async fn put_client(&self, cx: &RequestContext, client: &Client) -> Result<(), StoreError> {
        self.put_document(cx, keys::client(&client.id), client).await
    }

    /// Makes `journey` the live version, as a new one unless the live one is the same. Returns the live version.
    /// Sessions that run keep theirs. The caller has validated it.
    pub async fn publish_journey(&self, cx: &RequestContext, journey: &JourneyDocument) -> Result<u32, StoreError> {
        let live = self.get_live_version(cx, &journey.id).await?;
        if let Some(version) = live
            && self.get_journey(cx, &journey.id, version).await?.as_ref() == Some(journey)
        {
            return Ok(version);
        }
        let version = live.unwrap_or(0) + 1;
        self.put_document(cx, keys::journey(&journey.id, version), journey).await?;
        let mut pointer = NewItem::at(&keys::journey_live(&journey.id));
        pointer.set("version", number(version));
        self.put(cx, pointer).await?;
        Ok(version)
    }

    async fn list_documents<T: DeserializeOwned>(
        &self,
        cx: &RequestContext,
        what: &'static str,
        pk: &'static str,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let (mut documents, mut after) = (Vec::new(), None);
        loop {
            let query = self
                .client()
                .query()
                .table_name(&self.tables().config)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":pk", text(pk))
                .consistent_read(true)
                .set_exclusive_start_key(after)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let page = self.call(cx, "Query", || query.clone().send()).await?;
            for attributes in page.items.unwrap_or_default() {
                documents.push(Item::read(what, attributes).and_then(|item| document(what, &item)));
            }
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(documents);
            }
        }
    }

    async fn read_document<T: DeserializeOwned>(
        &self,
        cx: &RequestContext,
        kind: &'static str,
        key: Key,
    ) -> Result<Option<T>, StoreError> {
        let item = self.read(cx, kind, &self.tables().config, key).await?;
        item.map(|item| document(kind, &item)).transpose()
    }

    async fn put_document<T: Serialize>(&self, cx: &RequestContext, key: Key, document: &T) -> Result<(), StoreError> {
        let json = serde_json::to_string(document)
            .map_err(|error| StoreError::Corrupt { item: "document", reason: error.to_string() })?;
        let mut item = NewItem::at(&key);
        item.set(DOCUMENT, text(&json));
        self.put(cx, item).await
    }

    async fn put(&self, cx: &RequestContext, item: NewItem) -> Result<(), StoreError> {
        let put = self
            .client()
            .put_item()
            .table_name(&self.tables().config)
            .set_item(Some(item.build()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.call(cx, "PutItem", || put.clone().send()).await?;
        Ok(())
    }
}

fn document<T: DeserializeOwned>(kind: &'static str, item: &Item) -> Result<T, StoreError> {
    serde_json::from_str(item.text(DOCUMENT)?)
        .map_err(|error| StoreError::Corrupt { item: kind, reason: error.to_string() })
}
