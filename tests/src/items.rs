//! Straight to DynamoDB, past everything of ours: what is stored, and what is put in the way.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use store::tables::EXPIRES_AT;

use crate::TestApp;

impl TestApp {
    /// Every item of the directory and the sessions, as DynamoDB shows them, by key, but for the counters of attempts.
    pub async fn items(&self) -> BTreeMap<String, Value> {
        let mut items = BTreeMap::new();
        for table in [&self.tables.directory, &self.tables.sessions] {
            for item in self.scan(table).await {
                items.insert(item["pk"]["S"].as_str().unwrap().to_owned(), item);
            }
        }
        items.retain(|key, _| !key.starts_with("COUNT#"));
        items
    }

    /// The items whose key starts with `prefix`.
    pub async fn items_of(&self, prefix: &str) -> Vec<Value> {
        self.items().await.into_iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, item)| item).collect()
    }

    /// How many users there are.
    pub async fn users(&self) -> usize {
        self.items_of("USER#").await.len()
    }

    /// Takes the items away whose key starts with `prefix`, from directory and sessions.
    pub async fn delete_items_of(&self, prefix: &str) {
        for table in [&self.tables.directory, &self.tables.sessions] {
            let mut deletes = Vec::new();
            for item in self.scan(table).await {
                if item["pk"]["S"].as_str().unwrap().starts_with(prefix) {
                    let key = json!({ "pk": item["pk"], "sk": item["sk"] });
                    deletes.push(json!({ "Delete": { "TableName": table, "Key": key } }));
                }
            }
            for deletes in deletes.chunks(100) {
                self.dynamodb("TransactWriteItems", &json!({ "TransactItems": deletes })).await;
            }
        }
    }

    /// Every item of every table, as DynamoDB shows them.
    pub async fn all_items(&self) -> Vec<Value> {
        let tables = [&self.tables.config, &self.tables.directory, &self.tables.sessions];
        let mut items = Vec::new();
        for table in tables {
            items.extend(self.scan(table).await);
        }
        items
    }

    /// Changes the items whose key starts with `prefix` without the application.
    pub async fn change_items_of(&self, prefix: &str, change: impl Fn(&mut Value)) {
        for table in [&self.tables.config, &self.tables.directory, &self.tables.sessions] {
            for mut item in self.scan(table).await {
                if item["pk"]["S"].as_str().unwrap().starts_with(prefix) {
                    change(&mut item);
                    self.dynamodb("PutItem", &json!({ "TableName": table, "Item": item })).await;
                }
            }
        }
    }

    async fn scan(&self, table: &str) -> Vec<Value> {
        let mut answer = self.dynamodb("Scan", &json!({ "TableName": table, "ConsistentRead": true })).await;
        answer["Items"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) async fn dynamodb(&self, operation: &str, body: &Value) -> Value {
        call(self.dynamodb, &self.access_key, operation, body).await
    }
}

/// A server's clock is the system's: by that the sessions of a test are long over, and it sweeps every few seconds.
pub(crate) async fn keep_expired(address: SocketAddr, access_key: &SecretString, table: &str) {
    let keep = json!({ "Enabled": false, "AttributeName": EXPIRES_AT });
    let body = json!({ "TableName": table, "TimeToLiveSpecification": keep });
    call(address, access_key, "UpdateTimeToLive", &body).await;
}

async fn call(address: SocketAddr, access_key: &SecretString, operation: &str, body: &Value) -> Value {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{address}/"))
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header(CONTENT_TYPE, "application/x-amz-json-1.0")
        .header("x-amz-date", "20260102T030405Z")
        .header(
            AUTHORIZATION,
            format!("AWS4-HMAC-SHA256 Credential={}/20260102/local/dynamodb/aws4_request", access_key.expose_secret()),
        )
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}
