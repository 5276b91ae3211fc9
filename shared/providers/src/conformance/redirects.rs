use serde_json::{Value, json};
use simulators::{Endpoint, Registration};

use super::Row;
use crate::bench::{CALLBACK, SECRET, state};
use crate::{Check, Hints, ProviderError, Stage};

#[tokio::test]
async fn an_authorization_request_has_state_nonce_and_challenge() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        let (one, two) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
        let url = bench.hop(&one).await.unwrap();
        assert_eq!(bench.hop(&one).await.unwrap(), url);

        let parameter = |url: &url::Url, name: &str| {
            let mut values = url.query_pairs().filter(|(parameter, _)| parameter == name).map(|(_, value)| value);
            let value = values.next().map(|value| value.into_owned());
            assert!(values.next().is_none(), "{name} is there twice");
            value
        };
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "landfall"),
            ("redirect_uri", CALLBACK),
            ("scope", row.scope()),
            ("code_challenge_method", "S256"),
            ("state", state().expose()),
        ] {
            assert_eq!(parameter(&url, name).as_deref(), Some(value));
        }
        let other = bench.hop(&two).await.unwrap();
        // A nonce comes back in ID tokens alone.
        for (name, length) in [("nonce", row.has(Endpoint::Keys).then_some(43)), ("code_challenge", Some(43))] {
            assert_eq!(parameter(&url, name).map(|value| value.len()), length);
            assert!(length.is_none() || parameter(&url, name) != parameter(&other, name));
        }
        assert_eq!(parameter(&url, "response_mode").as_deref(), row.response_mode());
        for absent in ["login_hint", "prompt", "acr_values", "ui_locales", "client_secret"] {
            assert_eq!(parameter(&url, absent), None);
        }
        assert_eq!(bench.calls(), [row.published()[0], 0, 0, 0]);
    }
}

#[tokio::test]
async fn what_is_kept_of_a_redirect_is_small() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        assert_eq!(bench.begin().await.unwrap().0.to_string().len(), r#"{"s":""}"#.len() + 22);

        let long = "x".repeat(10_000);
        let hints = Hints { login: Some(&long), locales: Some(&long), prompt: Some("login"), ..Hints::default() };
        assert!(bench.begin_with(hints).await.unwrap().0.to_string().len() < 80);
    }
}

#[tokio::test]
async fn hints_come_before_settings_and_settings_before_nothing() {
    let settings = json!({
        "prompt": "login", "acr_values": "1", "response_mode": "query", "pkce": false, "scopes": ["email", "openid"],
        "authorize_params": { "kc_idp_hint": "google&x=y", "theme": "dark" }, "claims": { "userinfo": {} },
    });
    let claims = serde_json::from_value(json!({ "id_token": {} })).unwrap();
    let params = serde_json::from_value(json!({ "kc_idp_hint": "apple" })).unwrap();
    for row in Row::redirects() {
        let bench = row.with(json!({ "settings": settings })).await;
        let query = async |hints| {
            let url = bench.hop(&bench.begin_with(hints).await.unwrap()).await.unwrap();
            url.query().unwrap().split('&').skip(3).map(str::to_owned).collect::<Vec<_>>()
        };
        let without = |query: Vec<String>| {
            query
                .into_iter()
                .filter(|pair| !pair.starts_with("nonce=") && !pair.starts_with("state="))
                .collect::<Vec<_>>()
        };
        let common = ["scope=email+openid", "response_mode=query"];
        let unhinted = without(query(Hints::default()).await);
        assert_eq!(unhinted[..2], common);
        assert_eq!(
            unhinted[2..],
            [
                "prompt=login",
                "acr_values=1",
                "claims=%7B%22userinfo%22%3A%7B%7D%7D",
                "kc_idp_hint=google%26x%3Dy",
                "theme=dark"
            ]
        );

        let hints = Hints {
            login: Some("ada@example.org"),
            locales: Some("de en"),
            prompt: Some("consent"),
            acr_values: Some("2 3"),
            claims: Some(&claims),
            params: Some(&params),
            ..Hints::default()
        };
        let hinted = without(query(hints).await);
        assert_eq!(
            hinted[2..],
            [
                "login_hint=ada%40example.org",
                "ui_locales=de+en",
                "prompt=consent",
                "acr_values=2+3",
                "claims=%7B%22id_token%22%3A%7B%7D%7D",
                "kc_idp_hint=apple",
                "theme=dark"
            ]
        );
    }
}

#[tokio::test]
async fn every_mode_of_response_signs_in() {
    for row in Row::redirects() {
        let modes = [("query", false), ("form_post", true)];
        for (mode, posted) in modes.into_iter().filter(|(mode, _)| row.response_mode().is_none_or(|only| only == *mode))
        {
            let bench = row.with(json!({ "settings": { "response_mode": mode } })).await;
            let pending = bench.begin().await.unwrap();
            let returned = bench.visit(&pending).await.unwrap();
            assert_eq!((returned.address().as_str(), returned.form.is_some()), (CALLBACK, posted), "{row:?}");
            assert_eq!(returned.parameter("state").as_deref(), Some(state().expose()));
            bench.answer(&pending, &returned).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_application_may_be_called_back_itself() {
    let own = "https://shop.example/after?from=login";
    for row in Row::redirects() {
        let bench = row.with(json!({ "settings": { "redirect_uri": own } })).await;
        bench.register(Registration::confidential("landfall", SECRET, own));
        assert_eq!(bench.adapter().callback_of_application(), Some(own));
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        assert_eq!(returned.address(), "https://shop.example/after");
        bench.answer(&pending, &returned).await.unwrap();
        assert_eq!(row.bench().await.adapter().callback_of_application(), None);
    }
}

#[tokio::test]
async fn a_browser_is_sent_to_https_addresses_only() {
    for row in Row::redirects().filter(|row| row.has(Endpoint::Discovery)) {
        for endpoint in [
            json!("javascript:alert(1)"),
            json!("data:text/html,<script>"),
            json!("file:///etc/passwd"),
            json!("http://id.example.com/authorize"),
            json!("https://a:b@id.example.com/authorize"),
            json!("https://id.example.com/authorize#a"),
            json!("no address"),
            Value::Null,
        ] {
            let bench = row.bench().await;
            bench.change_document(json!({ "authorization_endpoint": endpoint }));
            let error = bench.begin().await.unwrap_err();
            assert!(
                matches!(error, ProviderError::Misconfigured { stage: Stage::Authorize, .. }),
                "{row:?} {endpoint}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn an_authorization_endpoint_keeps_its_query_and_repeats_no_parameter() {
    for row in Row::redirects().filter(|row| row.has(Endpoint::Discovery)) {
        let bench = row.bench().await;
        bench.change_document(json!({ "authorization_endpoint": "https://id.example.com/a?p=sign%20in&tenant" }));
        let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
        let start = "https://id.example.com/a?p=sign%20in&tenant&response_type=code&";
        assert!(url.as_str().starts_with(start), "{row:?} {url}");

        for own in ["client_id=a", "redirect_uri=https://evil.example", "st%61te=x", "request_uri=https://evil.example"]
        {
            let bench = row.bench().await;
            bench.change_document(json!({ "authorization_endpoint": format!("https://id.example.com/a?{own}") }));
            assert_eq!(bench.begin().await.err(), Some(Stage::Authorize.refused(Check::Format)), "{row:?} {own}");
        }
    }
}
