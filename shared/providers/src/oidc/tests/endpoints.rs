use domain::{Method, Source};
use simulators::Return;
use url::Url;

use super::*;

/// A provider that answers with `document` and no keys, below the issuer `{url}/acme`.
async fn scripted(change: impl FnOnce(&str, &mut Value)) -> Bench {
    let mut bench = Bench::start().await;
    let (listener, url) = listen().await;
    let issuer = format!("{url}/acme");
    let mut document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
    });
    change(&issuer, &mut document);
    let answer = async move |uri: Uri| {
        let body = if uri.path().ends_with("/keys") { json!({ "keys": [] }) } else { document };
        ([(CONTENT_TYPE, "application/json")], body.to_string())
    };
    bench.and_serve(serve(listener, Router::new().fallback(answer)).await);
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": issuer } }));
    bench
}

#[tokio::test]
async fn a_browser_is_sent_to_https_addresses_only() {
    for endpoint in [
        "javascript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "http://id.example.com/authorize",
        "https://a:b@id.example.com/authorize",
        "https://id.example.com/authorize#a",
    ] {
        let bench = scripted(|_, document| document["authorization_endpoint"] = endpoint.into()).await;
        let error = bench.begin().await.unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Authorize, .. }), "{endpoint}: {error}");
    }
    let bench = scripted(|_, document| document["authorization_endpoint"] = Value::Null).await;
    assert_eq!(bench.begin().await.unwrap_err().outcome(), Some("unavailable.misconfigured"));
    let bench = scripted(|_, document| document["authorization_endpoint"] = "no address".into()).await;
    assert!(bench.begin().await.unwrap_err().to_string().contains("authorization_endpoint"));
}

#[tokio::test]
async fn an_authorization_endpoint_keeps_its_query_and_says_nothing_twice() {
    let bench = scripted(|_, document| {
        document["authorization_endpoint"] = "https://id.example.com/authorize?p=sign%20in&tenant".into();
    });
    let bench = bench.await;
    let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
    assert!(
        url.as_str().starts_with("https://id.example.com/authorize?p=sign%20in&tenant&response_type=code&"),
        "{url}"
    );

    for own in ["client_id=other", "redirect_uri=https://evil.example", "st%61te=x", "request_uri=https://evil.example"]
    {
        let endpoint = format!("https://id.example.com/authorize?{own}");
        let bench = scripted(|_, document| document["authorization_endpoint"] = endpoint.into()).await;
        assert_eq!(bench.begin().await.err(), Some(Stage::Authorize.refused(Check::Format)), "{own}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_say_it_names_itself_may_and_only_rightly() {
    let bench = scripted(|_, _| ()).await;
    let pending = bench.begin().await.unwrap();
    let returned =
        |iss: Option<&str>| Return::to("/v1/callback/staff?code=c").with(&[("iss", iss.unwrap_or_default())]);
    let issuer = bench.hop(&pending).await.unwrap().as_str().split("/authorize").next().unwrap().to_owned();
    // As far as the token endpoint, which answers with something else.
    for passed in [None, Some(issuer.as_str())] {
        let error = bench.answer(&pending, &returned(passed)).await.unwrap_err();
        assert!(error.to_string().contains("id_token"), "{error}");
    }
    let refused = Some(Stage::Callback.refused(Check::Issuer));
    assert_eq!(bench.answer(&pending, &returned(Some("https://evil.example"))).await.err(), refused);
}

#[tokio::test]
async fn whoever_is_told_every_endpoint_fetches_no_document() {
    let mut bench = Bench::start().await;
    let issuer = bench.issuer();
    let at = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
    bench.connect(
        "oidc",
        Method::Oidc,
        json!({ "source": null, "settings": {
        "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"), "jwks_uri": at("certs"),
    } }),
    );
    let identity = bench.login().await.unwrap();
    assert_eq!(bench.calls(), [0, 1, 1, 0]);
    // No document has said that this is the issuer: its accounts are not those of connectors that have read one.
    assert_eq!(identity.source, Source::of_connector(&identity.connector));
    // Nobody has said where userinfo is.
    bench.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();
    assert_eq!(bench.login().await.unwrap().claims.verified_email(), None);
    assert_eq!(bench.calls(), [0, 1, 2, 0]);
}

#[tokio::test]
async fn what_one_connector_is_told_of_an_issuer_is_not_believed_by_another() {
    let mut bench = scripted(|_, _| ()).await;
    let keys = bench.hop(&bench.begin().await.unwrap()).await.unwrap().join("keys").unwrap();
    let issuer = bench.issuer();
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": issuer, "jwks_uri": keys } }));
    assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)));
    bench.connect("oidc", Method::Oidc, json!({}));
    bench.login().await.unwrap();

    // And the other way round: what the document says gives way to the settings.
    let nowhere = Url::parse(&format!("{issuer}/nowhere")).unwrap();
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": issuer, "token_endpoint": nowhere } }));
    assert_eq!(bench.login().await.unwrap_err().outcome(), Some("unavailable.misconfigured"));
}
