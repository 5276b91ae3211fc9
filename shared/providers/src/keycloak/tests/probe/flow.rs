//! What the flow of a one-time code says to a name alone, and what that costs whom.

use super::*;

#[tokio::test]
async fn a_user_name_alone_shows_which_flow_is_bound() {
    let bench = with(as_is, json!({})).await;
    let flow = async |user: Option<&str>| {
        let report = bench.probe(user).await;
        let flow = report.checks.into_iter().find(|check| check.id == "totp_flow").unwrap();
        format!("{:?} {}", flow.status, flow.hint.or(flow.why).unwrap_or_default().split(':').next().unwrap())
    };
    let bind = |client: Client| bench.keycloak().change_client("demo", "landfall-otp", |_| client).unwrap();
    const NOT_BOUND: &str = "Failed the client asks for a password";
    const NAME_ALONE: &str = "Failed a user name alone gets tokens";
    const UNKNOWN: &str = "Unverifiable only a test user shows whether the client uses the flow";

    for (client, of_grace) in [
        (otp(Requirement::Required), "Passed "),
        (otp(Requirement::Conditional), NAME_ALONE),
        (otp(Requirement::Disabled), NAME_ALONE),
        (Client::confidential("landfall-otp", SECRET).direct_grants(true), NOT_BOUND),
    ] {
        bind(client);
        assert_eq!(flow(Some("grace")).await, of_grace);
        assert_eq!(flow(None).await, UNKNOWN);
        assert_eq!(flow(Some("")).await, UNKNOWN);
    }

    bind(otp(Requirement::Required));
    let change = |change: fn(User) -> User| bench.keycloak().change_user("demo", "grace", change).unwrap();
    assert_eq!(flow(Some("unknown")).await, NOT_BOUND);
    change(|grace| grace.totp(SEED));
    assert_eq!(flow(Some("grace")).await, NOT_BOUND);
    change(User::without_totp);
    change(|grace| grace.required_action("UPDATE_PASSWORD"));
    assert_eq!(flow(Some("grace")).await, "Passed ");
    bind(otp(Requirement::Disabled));
    assert_eq!(flow(Some("grace")).await, NAME_ALONE);
}

#[tokio::test]
async fn no_real_user_fails_a_login() {
    let bench = with(|realm| realm.brute_force_detection(1), json!({})).await;
    for (user, direct) in [(None, false), (Some("grace"), false), (None, true), (Some("grace"), true)] {
        if direct {
            let client = Client::confidential("landfall-otp", SECRET).direct_grants(true);
            bench.keycloak().change_client("demo", "landfall-otp", |_| client).unwrap();
        }
        bench.probe(user).await;
        bench.login().await.unwrap();
        for sent in bench.subject.requests().iter().filter(|sent| sent.password().is_none()) {
            assert!(sent.username().is_none_or(|name| name == b"grace"));
            assert_eq!(sent.otp(), None);
        }
    }
    // Where the flow is as it has to be, not even the test user does.
    let bench = with(|realm| realm.brute_force_detection(1), json!({})).await;
    bench.probe(Some("grace")).await;
    bench.keycloak().change_user("demo", "grace", |grace| grace.password(PASSWORD)).unwrap();
    bench.login_as("grace", PASSWORD).await.unwrap();
}
