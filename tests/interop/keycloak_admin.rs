//! What an administrator changes in a real Keycloak while it runs, by its admin REST API.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::keycloak::{ADMIN, Keycloak, REALM_FILE};
use crate::wire;

impl Keycloak {
    /// Makes a realm like that of [`REALM_FILE`] with these settings, for a test that changes it.
    pub(crate) async fn add_realm(&self, name: &str, settings: &Value) {
        let mut realm: Map<String, Value> = serde_json::from_str(REALM_FILE).expect("the realm is a JSON object");
        realm.insert("realm".to_owned(), json!(name));
        realm.extend(settings.as_object().expect("settings are an object").clone());
        for user in realm["users"].as_array_mut().expect("it has users") {
            // An id is taken once in a server.
            user.as_object_mut().expect("a user is an object").remove("id");
        }
        self.make("realms", &Value::Object(realm)).await;
    }

    /// Has a realm sign with a new key. The old one stays published.
    pub(crate) async fn rotate_keys(&self, realm: &str) {
        let key = json!({
            "name": "newer",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": { "priority": ["200"], "algorithm": ["RS256"], "keySize": ["2048"] },
        });
        self.make(&format!("realms/{realm}/components"), &key).await;
    }

    /// Changes what a user's representation has in common with this one.
    pub(crate) async fn change_user(&self, realm: &str, id: &str, changes: &Value) {
        self.administer(Method::PUT, &format!("realms/{realm}/users/{id}"), changes, 204).await;
    }

    /// Makes something, and says by which id.
    pub(crate) async fn make(&self, what: &str, body: &Value) -> String {
        let location = self.administer(Method::POST, what, body, 201).await.expect("what was made is somewhere");
        location.rsplit('/').next().expect("there is a last part").to_owned()
    }

    async fn administer(&self, method: Method, what: &str, body: &Value, expected: u16) -> Option<String> {
        let grant = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", ADMIN.email),
            ("password", ADMIN.password),
        ];
        let token = format!("{}/realms/master/protocol/openid-connect/token", self.base_url());
        let (status, answer) = wire::post_form(&token, &grant).await;
        assert_eq!(status, 200, "the administrator is not let in: {answer:#}");
        let token = answer["access_token"].as_str().expect("an access token");
        let (status, answer, location) =
            wire::send_json(method, &format!("{}/admin/{what}", self.base_url()), token, body).await;
        assert_eq!(status, expected, "{what}: {answer:#}");
        location
    }
}
