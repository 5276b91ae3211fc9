//! What must hold whatever happens.

use std::collections::BTreeSet;

use landfall_tests::TestApp;
use landfall_tests::proxy::Call;
use serde_json::Value;

/// Fails if a login is completed without a user, or if an account has two. All users.
pub(crate) async fn check_items(app: &TestApp) -> BTreeSet<String> {
    let items = app.items().await;
    let of = |prefix: &'static str| items.iter().filter(move |(key, _)| key.starts_with(prefix));
    let text = |value: &Value| value["S"].as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();

    let users: BTreeSet<String> = of("USER#").map(|(_, item)| text(&item["id"])).collect();
    let linked: Vec<String> = of("LINK#").map(|(_, item)| text(&item["user"])).collect();
    // Each account has one link by its key; so no user has two, and none has none.
    assert_eq!(users, linked.iter().cloned().collect(), "{items:#?}");
    assert_eq!(users.len(), linked.len(), "{items:#?}");
    for (key, item) in of("IDENTIFIER#") {
        assert!(users.contains(&text(&item["user"])), "{key} is reserved for no user");
    }
    for (key, item) in of("SESSION#") {
        let is_completed = item["status"]["S"] == "completed";
        let user = &item["run"]["M"]["user"]["M"]["id"]["S"];
        assert!(!is_completed || users.contains(user.as_str().unwrap_or_default()), "{key} is completed for no user");
        assert!(is_completed || item["code"].is_null(), "{key} has a code and is not completed");
    }
    users
}

/// Fails if a password or a one-time code was sent twice within one request, or an authorization code at all.
pub(crate) fn check_calls(requests: &[Vec<Call>]) {
    let mut codes = BTreeSet::new();
    for calls in requests {
        let of_the_provider = || calls.iter().filter(|call| call.service == "provider");
        let passwords = of_the_provider().filter(|call| call.parameter("password").is_some());
        assert!(passwords.count() <= 1, "a password was sent twice: {calls:#?}");
        let otp = |call: &&Call| call.parameter("totp").is_some() || call.operation == "POST /code";
        assert!(of_the_provider().filter(otp).count() <= 1, "a one-time code was sent twice: {calls:#?}");
        let exchanged = |call: &Call| call.parameter("grant_type").is_some().then(|| call.parameter("code")).flatten();
        for code in of_the_provider().filter_map(exchanged) {
            assert!(codes.insert(code), "a code was sent twice: {calls:#?}");
        }
    }
}
