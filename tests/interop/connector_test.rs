//! An administrator has connectors to real servers tested: what is wrong is found, with where to click.

use landfall_tests::{ADMIN, Answer, TestApp};
use serde_json::{Value, json};

/// What came of a connector test.
pub(crate) struct Tested(Answer);

/// Has a connector tested as it is saved, with a test user if there is one.
pub(crate) async fn test(app: &TestApp, connector: &str, test_user: Option<&str>) -> Tested {
    let body = test_user.map_or(json!({}), |user| json!({ "test_user": user }));
    Tested(app.post(&format!("/v1/connectors/{connector}/test"), Some(ADMIN), &body).await.expect(200))
}

impl Tested {
    fn with_status(&self, status: &str) -> Vec<&Value> {
        let checks = self.0.body["checks"].as_array().unwrap_or_else(|| panic!("no report: {:#}", self.0.body));
        checks.iter().filter(|check| check["status"] == status).collect()
    }

    /// The checks with that status.
    pub(crate) fn ids(&self, status: &str) -> Vec<&str> {
        self.with_status(status).into_iter().map(|check| check["id"].as_str().unwrap()).collect()
    }

    /// Exactly these checks have failed, and what to do about each has this in it.
    pub(crate) fn assert_failed(&self, expected: &[(&str, &str)]) {
        assert_eq!(self.ids("failed"), expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{:#}", self.0.body);
        for (check, (id, hint)) in self.with_status("failed").into_iter().zip(expected) {
            let said = check["hint"].as_str().unwrap();
            assert!(said.contains(hint), "{id}: {said}");
        }
        assert_eq!(self.0.body["ok"], expected.is_empty());
    }
}
