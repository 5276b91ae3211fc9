//! Changes to a running Keycloak by its admin REST API.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::keycloak::{ADMIN, Keycloak, REALM_FILE};
use crate::wire;

impl Keycloak {
    /// Creates a realm from [`REALM_FILE`] with these settings, for a test that changes it.
    pub(crate) async fn add_realm(&self, name: &str, settings: &Value) {
        let mut realm: Map<String, Value> = serde_json::from_str(REALM_FILE).expect("the realm is a JSON object");
        realm.insert("realm".to_owned(), json!(name));
        realm.extend(settings.as_object().expect("settings are an object").clone());
        for user in realm["users"].as_array_mut().expect("it has users") {
            // Ids must be unique in a server.
            user.as_object_mut().expect("a user is an object").remove("id");
        }
        self.create("realms", &Value::Object(realm)).await;
    }

    /// Lets a realm sign with a new key. The old key stays published.
    pub(crate) async fn rotate_keys(&self, realm: &str) {
        let key = json!({
            "name": "newer",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": { "priority": ["200"], "algorithm": ["RS256"], "keySize": ["2048"] },
        });
        self.create(&format!("realms/{realm}/components"), &key).await;
    }

    /// Changes these members of a user.
    pub(crate) async fn change_user(&self, realm: &str, id: &str, changes: &Value) {
        self.administer(Method::PUT, &format!("realms/{realm}/users/{id}"), changes, 204).await;
    }

    /// Creates a resource and returns its id.
    pub(crate) async fn create(&self, what: &str, body: &Value) -> String {
        let location = self.administer(Method::POST, what, body, 201).await.expect("there is a Location header");
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
        assert_eq!(status, 200, "the administrator's login failed: {answer:#}");
        let token = answer["access_token"].as_str().expect("an access token");
        let (status, answer, location) =
            wire::send_json(method, &format!("{}/admin/{what}", self.base_url()), token, body).await;
        assert_eq!(status, expected, "{what}: {answer:#}");
        location
    }
}
