//! The configuration: connectors, clients and journeys. Administrators save these documents, all functions read them.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use domain::{Client, ClientId, ConnectorDocument, ConnectorId, JourneyDocument, JourneyId, RequestContext};
use serde::de::DeserializeOwned;

use crate::client::CallError;
use crate::item::{Item, NewItem, number, text};
use crate::keys::{self, Key, PK};
use crate::writes::build_error;
use crate::{Store, StoreError};

const DOCUMENT: &str = "document";
const REVISION: &str = "revision";

/// A document that an administrator saves.
#[derive(Debug, Clone)]
pub enum Document {
    /// A configured identity provider.
    Connector(ConnectorDocument),
    /// A journey, which becomes the live version.
    Journey(JourneyDocument),
    /// An application's registration.
    Client(Client),
}

/// The number of times a document was saved. An update names the revision that it has read, so that it cannot overwrite
/// a change that it has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(u32);

/// The result of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Saved {
    /// The document is stored.
    Done,
    /// The document was changed since its revision was read. Nothing was written.
    Conflict,
}

impl Document {
    fn kind(&self) -> &'static str {
        match self {
            Document::Connector(_) => "connector",
            Document::Journey(_) => "journey",
            Document::Client(_) => "client",
        }
    }

    /// The key of the item that holds the revision.
    fn key(&self) -> Key {
        match self {
            Document::Connector(connector) => keys::connector(&connector.id),
            Document::Journey(journey) => keys::journey_live(&journey.id),
            Document::Client(client) => keys::client(&client.id),
        }
    }

    fn json(&self) -> Result<String, StoreError> {
        let json = match self {
            Document::Connector(connector) => serde_json::to_string(connector),
            Document::Journey(journey) => serde_json::to_string(journey),
            Document::Client(client) => serde_json::to_string(client),
        };
        json.map_err(|error| StoreError::Corrupt { item: self.kind(), reason: error.to_string() })
    }
}

/// For messages: `connector keycloak`.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Document::Connector(connector) => write!(f, "connector {}", connector.id),
            Document::Journey(journey) => write!(f, "journey {}", journey.id),
            Document::Client(client) => write!(f, "client {}", client.id),
        }
    }
}

impl From<ConnectorDocument> for Document {
    fn from(connector: ConnectorDocument) -> Self {
        Document::Connector(connector)
    }
}

impl From<JourneyDocument> for Document {
    fn from(journey: JourneyDocument) -> Self {
        Document::Journey(journey)
    }
}

impl From<Client> for Document {
    fn from(client: Client) -> Self {
        Document::Client(client)
    }
}

impl Revision {
    fn after(read: Option<Self>) -> Self {
        Self(read.map_or(1, |read| read.0.saturating_add(1)))
    }
}

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

    /// All clients, with strong consistency. A client that cannot be read is logged and skipped: one broken client must
    /// not break the others.
    pub async fn list_clients(&self, cx: &RequestContext) -> Result<Vec<Client>, StoreError> {
        let read = self.list_documents(cx, "client", keys::CLIENTS).await?;
        let broken = |error: &StoreError| tracing::error!(event = "client_broken", %error);
        Ok(read.into_iter().filter_map(|client| client.inspect_err(broken).ok()).collect())
    }

    /// All connectors, with strong consistency. A connector that cannot be read is an error: the caller needs all of
    /// them.
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

    /// The stored revision of a document; `None` if there is none. For a journey, the revision of the pointer to its
    /// live version.
    pub async fn revision(&self, cx: &RequestContext, document: &Document) -> Result<Option<Revision>, StoreError> {
        let item = self.read(cx, document.kind(), &self.tables().config, document.key()).await?;
        item.as_ref().map(revision).transpose()
    }

    /// Saves a document, replacing the revision that was `read`. The caller must have validated it.
    ///
    /// A journey becomes a new live version, unless it equals the live version. A version never changes, and running
    /// sessions keep theirs.
    pub async fn save(
        &self,
        cx: &RequestContext,
        document: &Document,
        read: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        match document {
            Document::Journey(journey) => self.publish(cx, journey, read).await,
            Document::Connector(_) | Document::Client(_) => self.replace(cx, document, read).await,
        }
    }

    async fn replace(
        &self,
        cx: &RequestContext,
        document: &Document,
        read: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let mut item = NewItem::at(&document.key());
        let (json, next) = (document.json()?, Revision::after(read));
        item.set(DOCUMENT, text(&json));
        item.set(REVISION, number(next.0));
        let (condition, attribute, values) = revision_condition(read);
        let put = self
            .client()
            .put_item()
            .table_name(&self.tables().config)
            .set_item(Some(item.build()))
            .condition_expression(condition)
            .expression_attribute_names("#is", attribute)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "PutItem", || put.clone().send()).await {
            Ok(_) => Ok(Saved::Done),
            Err(CallError::Service(_, PutItemError::ConditionalCheckFailedException(lost))) => {
                // If the answer to a put was lost, the SDK repeats it. The repeat finds our own document.
                let found = lost.item.map(|item| Item::read(document.kind(), item)).transpose()?;
                let ours = found.is_some_and(|item| {
                    revision(&item).ok() == Some(next) && item.text(DOCUMENT).is_ok_and(|found| found == json)
                });
                Ok(if ours { Saved::Done } else { Saved::Conflict })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn publish(
        &self,
        cx: &RequestContext,
        journey: &JourneyDocument,
        read: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let key = keys::journey_live(&journey.id);
        let pointer = self.read(cx, "journey", &self.tables().config, key.clone()).await?;
        let live: Option<u32> = pointer.as_ref().map(|item| item.number("version")).transpose()?;
        if let Some(version) = live
            && self.get_journey(cx, &journey.id, version).await?.as_ref() == Some(journey)
        {
            return Ok(Saved::Done);
        }
        if pointer.as_ref().map(revision).transpose()? != read {
            return Ok(Saved::Conflict);
        }
        let version = live.unwrap_or(0).saturating_add(1);
        let mut content = NewItem::at(&keys::journey(&journey.id, version));
        content.set(DOCUMENT, text(&Document::Journey(journey.clone()).json()?));
        let mut pointer = NewItem::at(&key);
        pointer.set("version", number(version));
        pointer.set(REVISION, number(Revision::after(read).0));
        let mut items = Vec::new();
        for (item, read) in [(content, None), (pointer, read)] {
            let (condition, attribute, values) = revision_condition(read);
            let put = Put::builder()
                .table_name(&self.tables().config)
                .set_item(Some(item.build()))
                .condition_expression(condition)
                .expression_attribute_names("#is", attribute)
                .set_expression_attribute_values(values);
            items.push(TransactWriteItem::builder().put(put.build().map_err(build_error)?).build());
        }
        // The SDK adds an idempotency token: a repeat after a lost answer is the same transaction.
        let transaction = self
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "TransactWriteItems", || transaction.clone().send()).await {
            Ok(_) => Ok(Saved::Done),
            Err(CallError::Service(operation, TransactWriteItemsError::TransactionCanceledException(cancelled))) => {
                let mut reasons = cancelled.cancellation_reasons().iter().filter_map(CancellationReason::code);
                match reasons.find(|reason| *reason != "None") {
                    Some("ConditionalCheckFailed" | "TransactionConflict") => Ok(Saved::Conflict),
                    reason => Err(StoreError::Unavailable { operation, reason: reason.unwrap_or_default().to_owned() }),
                }
            }
            Err(error) => Err(error.into()),
        }
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
}

/// The condition that the stored item still has the revision `read`: expression, attribute name, values.
fn revision_condition(read: Option<Revision>) -> (&'static str, &'static str, Option<HashMap<String, AttributeValue>>) {
    match read {
        Some(read) => ("#is = :read", REVISION, Some(HashMap::from([(":read".to_owned(), number(read.0))]))),
        None => ("attribute_not_exists(#is)", PK, None),
    }
}

fn revision(item: &Item) -> Result<Revision, StoreError> {
    item.number(REVISION).map(Revision)
}

fn document<T: DeserializeOwned>(kind: &'static str, item: &Item) -> Result<T, StoreError> {
    serde_json::from_str(item.text(DOCUMENT)?)
        .map_err(|error| StoreError::Corrupt { item: kind, reason: error.to_string() })
}
