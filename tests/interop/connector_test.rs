//! Connector tests against real servers: each error is found, with a hint where to fix it.

use landfall_tests::{ADMIN, Answer, TestApp};
use serde_json::{Value, json};

/// The report of a connector test.
pub(crate) struct Tested(Answer);

/// Tests a saved connector, with a test user if there is one.
pub(crate) async fn test(app: &TestApp, connector: &str, test_user: Option<&str>) -> Tested {
    let body = test_user.map_or(json!({}), |user| json!({ "test_user": user }));
    Tested(app.post(&format!("/v1/connectors/{connector}/test"), Some(ADMIN), &body).await.expect(200))
}

impl Tested {
    fn with_status(&self, status: &str) -> Vec<&Value> {
        let checks = self.0.body["checks"].as_array().unwrap_or_else(|| panic!("no report: {:#}", self.0.body));
        checks.iter().filter(|check| check["status"] == status).collect()
    }

    /// The ids of the checks with this status.
    pub(crate) fn ids(&self, status: &str) -> Vec<&str> {
        self.with_status(status).into_iter().map(|check| check["id"].as_str().unwrap()).collect()
    }

    /// Asserts that exactly these checks failed, and that their hints contain these texts.
    pub(crate) fn assert_failed(&self, expected: &[(&str, &str)]) {
        assert_eq!(self.ids("failed"), expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{:#}", self.0.body);
        for (check, (id, hint)) in self.with_status("failed").into_iter().zip(expected) {
            let found = check["hint"].as_str().unwrap();
            assert!(found.contains(hint), "{id}: {found}");
        }
        assert_eq!(self.0.body["ok"], expected.is_empty());
    }
}
