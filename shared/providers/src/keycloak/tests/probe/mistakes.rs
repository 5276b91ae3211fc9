//! One thing at a time that an administrator got wrong: what a login by password says of it, and the connector test.

use super::*;

#[tokio::test]
async fn every_mistake_is_found_where_it_is() {
    const SEE_CLIENT: &str = "the provider has not accepted th";
    let after = |ids: &[&str], why: &str| ids.iter().map(|id| format!("unverifiable {id}: {why}")).collect::<Vec<_>>();
    for (configure, over, login, first, then) in [
        (as_is as fn(Realm) -> Realm, json!({}), "", vec![], vec![]),
        (
            |realm| realm.client(landfall().secret("another")),
            json!({}),
            "client_authentication: the client secret is wrong",
            vec!["failed client_credentials: the client secret is wrong or mi"],
            after(&["password_grant"], SEE_CLIENT),
        ),
        (
            as_is,
            json!({ "client": { "id": "unknown" } }),
            "client_authentication: the realm has no enabled client",
            vec![
                "failed client_credentials: the realm has no enabled client ",
                "failed redirect_uri: the realm has no client of this ",
            ],
            after(&["password_grant"], SEE_CLIENT),
        ),
        (
            |realm| realm.client(landfall().enabled(false)),
            json!({}),
            "client_authentication: the realm has no enabled client",
            vec![
                "failed client_credentials: the realm has no enabled client ",
                "failed redirect_uri: the client is disabled: Clients ",
            ],
            after(&["password_grant"], SEE_CLIENT),
        ),
        (
            |realm| realm.client(landfall().direct_grants(false)),
            json!({}),
            "token: switch on Direct access grants",
            vec!["failed password_grant: switch on Direct access grants: "],
            vec![],
        ),
        (
            |realm| realm.client(otp(Requirement::Required).direct_grants(false)),
            json!({}),
            "",
            vec!["failed totp_grant: switch on Direct access grants: "],
            after(&["totp_flow"], "the client may not use the grant"),
        ),
        (
            |realm| realm.client(landfall().consent_required(true)),
            json!({}),
            "token: switch off Consent required",
            vec!["failed password_grant: switch off Consent required: Cli"],
            vec![],
        ),
        (
            |realm| realm.client(landfall().password_grant_prohibited(true)),
            json!({}),
            "token: a client policy forbids",
            vec!["failed password_grant: a client policy forbids the pass"],
            vec![],
        ),
        (
            |realm| realm.client(landfall().without_scope("email")),
            json!({}),
            "token: one of settings.scopes",
            vec![
                "failed redirect_uri: one of settings.scopes is unknow",
                "failed password_grant: one of settings.scopes is not am",
            ],
            vec![],
        ),
        (
            |realm| realm.client(Client::confidential("landfall", SECRET).direct_grants(true)),
            json!({}),
            "",
            vec!["failed redirect_uri: register the redirect URI: Clien"],
            vec![],
        ),
        (
            |realm| realm.client(landfall().standard_flow(false)),
            json!({}),
            "",
            vec!["failed redirect_uri: the provider does not let this c"],
            vec![],
        ),
        (
            |realm| realm.client(landfall().pkce_required(true)),
            json!({ "settings": { "pkce": false } }),
            "",
            vec!["failed redirect_uri: the provider does not take the a"],
            vec![],
        ),
        (
            |realm| realm.client(Client::public("landfall").direct_grants(true).redirect_uri(CALLBACK)),
            json!({}),
            "",
            vec!["failed client_credentials: the client is public, so Keycloa"],
            vec![],
        ),
        (
            |realm| realm.client(Client::signed_jwt("landfall-otp")),
            json!({}),
            "",
            vec!["failed client_credentials: the client authenticates with a "],
            after(&["totp_grant", "totp_flow"], SEE_CLIENT),
        ),
    ] {
        let bench = with(configure, over).await;
        let refused = bench.login().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains(login) && refused.is_empty() == login.is_empty(), "{refused}");
        let found = failures(&bench.probe(None).await);
        let mut expected: Vec<_> = first.into_iter().map(str::to_owned).chain(then).collect();
        let place = |doubt: &String| found.iter().position(|other| other == doubt);
        expected.sort_by_key(place);
        assert_eq!(found, expected);
    }
}
