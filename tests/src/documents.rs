//! Saved documents, read and changed as an administrator does.

use domain::{Client, ConnectorDocument};
use serde_json::json;
use store::{Document, Saved};

use crate::TestApp;

impl TestApp {
    /// Saves a document, as the one administrator at that moment.
    pub async fn save(&self, document: impl Into<Document>) {
        let (cx, document) = (self.context(), document.into());
        let read = self.store.revision(&cx, &document).await.unwrap();
        assert_eq!(self.store.save(&cx, &document, read).await.unwrap(), Saved::Done);
    }

    /// An application's registration.
    pub async fn saved_client(&self, id: &str) -> Client {
        self.store.get_client(&self.context(), &id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Changes that of the demo application.
    pub async fn change_client(&self, change: impl FnOnce(Client) -> Client) {
        self.save(change(self.saved_client("demo").await)).await;
    }

    /// Registers another application, which has all that the demo application has but for its id and this change.
    pub async fn add_client(&self, id: &str, change: impl FnOnce(Client) -> Client) {
        let demo = self.saved_client("demo").await;
        self.save(change(Client { id: id.parse().unwrap(), ..demo })).await;
    }

    /// Takes an application's registration away, as an administrator does who deletes its item.
    pub async fn delete_client(&self, id: &str) {
        let key = json!({ "pk": { "S": "CLIENT" }, "sk": { "S": id } });
        let delete = json!({ "Delete": { "TableName": self.tables.config, "Key": key } });
        self.dynamodb("TransactWriteItems", &json!({ "TransactItems": [delete] })).await;
    }

    /// A connector's document.
    pub async fn saved_connector(&self, id: &str) -> ConnectorDocument {
        self.store.get_connector(&self.context(), &id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Switches a connector off.
    pub async fn switch_off(&self, id: &str) {
        let document = self.saved_connector(id).await;
        self.save(ConnectorDocument { enabled: false, ..document }).await;
    }
}
