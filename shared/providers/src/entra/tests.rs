mod native;
mod password;

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{ConnectorDocument, ExternalIdentity};
use egress::Reach;
use listener::Log;
use serde_json::json;
use simulators::entra::{EXTERNAL, ORGANIZATIONS, SIMULATOR, TENANT as ACME, refusing};
use simulators::{Browser, Endpoint, Misbehaviour, Registration, Simulator};

use super::*;
use crate::bench::{Bench, CALLBACK};
use crate::oidc::complaint_about;
use crate::{Outage, ProviderAdapter, Registry, Rejection, Report, Status};

const OTHER: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

async fn at(simulator: &'static Simulator, settings: Value) -> Bench {
    Bench::at(simulator, Method::Oidc, Reach::Local, json!({ "settings": settings })).await
}

fn issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

async fn login(bench: &Bench, claims: Value) -> Result<ExternalIdentity, ProviderError> {
    bench.subject.misbehave(Some(Misbehaviour::claims(&claims)));
    bench.login().await
}

fn refused(check: Check) -> Option<ProviderError> {
    Some(Stage::IdToken.refused(check))
}

#[tokio::test]
async fn one_person_is_one_key_by_every_address_and_client() {
    let mut keys = Vec::new();
    for (simulator, mut settings) in [
        (&SIMULATOR, json!({})),
        (&SIMULATOR, json!({ "tenant": "contoso.com" })),
        (&ORGANIZATIONS, json!({})),
        (&ORGANIZATIONS, json!({ "tenant": "common", "allowed_tenants": [], "any_tenant": true })),
        (&EXTERNAL, json!({})),
        (&EXTERNAL, json!({ "external_id": "login.acme.com" })),
    ] {
        let mut bench = at(simulator, settings.clone()).await;
        // With a custom domain they are fetched from Microsoft's own host, and from nowhere else unless the settings say so.
        let published =
            bench.subject.discovery(&bench.url).replace("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys");
        settings["jwks_uri"] = json!(published);
        bench.connect("entra", Method::Oidc, json!({ "settings": settings.clone() }));
        keys.push(bench.login().await.unwrap().key());
        bench.register(Registration::public("another", CALLBACK));
        bench.connect(
            "entra",
            Method::Oidc,
            json!({ "client": { "id": "another", "secret": null }, "settings": settings }),
        );
        keys.push(bench.login().await.unwrap().key());
    }
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[tokio::test]
async fn a_tenant_that_is_not_allowed_is_refused() {
    let bench = at(&ORGANIZATIONS, json!({})).await;
    let claims = json!({ "iss": issuer(OTHER), "tid": OTHER });
    assert_eq!(login(&bench, claims.clone()).await.err(), refused(Check::Tenant));
    let bench = at(&ORGANIZATIONS, json!({ "allowed_tenants": [OTHER, ACME] })).await;
    let identity = login(&bench, claims).await.unwrap();
    assert!(identity.subject_key.starts_with(&format!("{OTHER}.")), "{}", identity.subject_key);
}

#[tokio::test]
async fn a_personal_account_does_not_pass_as_an_organization() {
    let over = json!({ "allowed_tenants": [], "any_tenant": true });
    let bench = at(&ORGANIZATIONS, over.clone()).await;
    let claims = json!({ "iss": issuer(CONSUMERS), "tid": CONSUMERS });
    assert_eq!(login(&bench, claims.clone()).await.err(), refused(Check::Tenant));
    login(&bench, json!({ "iss": issuer(OTHER), "tid": OTHER })).await.unwrap();

    let mut over = over;
    over["tenant"] = json!("common");
    let bench = at(&ORGANIZATIONS, over).await;
    login(&bench, claims).await.unwrap();
}

#[tokio::test]
async fn a_tenant_id_beside_the_issuer_of_another_is_refused() {
    for simulator in [&SIMULATOR, &ORGANIZATIONS, &EXTERNAL] {
        let bench = at(simulator, json!({})).await;
        for claims in [
            json!({ "tid": OTHER }),
            json!({ "tid": null }),
            json!({ "tid": [ACME] }),
            json!({ "tid": "common" }),
            json!({ "iss": issuer(OTHER) }),
            json!({ "iss": format!("{}/", issuer(ACME)) }),
            json!({ "iss": issuer("{tenantid}") }),
            json!({ "iss": issuer("{tenantid}"), "tid": "{tenantid}" }),
            json!({ "iss": format!("https://sts.windows.net/{ACME}/") }),
            json!({ "iss": format!("https://{OTHER}.ciamlogin.com/{ACME}/v2.0") }),
        ] {
            // Or by its key, which is fetched anew once a minute.
            bench.pass(TimeDelta::minutes(1));
            let error = login(&bench, claims.clone()).await.err();
            assert!([Check::Issuer, Check::Key].map(refused).contains(&error), "{claims} {error:?}");
        }
    }
}

#[tokio::test]
async fn a_key_of_personal_accounts_signs_for_no_company() {
    for (simulator, claims) in [(&SIMULATOR, json!({})), (&ORGANIZATIONS, json!({}))] {
        let bench = at(simulator, json!({})).await;
        let document: Value = fetch(&bench.subject.discovery(&bench.url)).await;
        let mut keys = fetch(document["jwks_uri"].as_str().unwrap()).await;
        for key in keys["keys"].as_array_mut().unwrap() {
            key["issuer"] = json!(issuer(CONSUMERS));
        }
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::members(&keys)));
        assert_eq!(login(&bench, claims).await.err(), refused(Check::Key), "{}", simulator.provider);
    }
}

async fn fetch(url: &str) -> Value {
    let page = Browser::default().visit(&url.parse().unwrap(), None).await;
    serde_json::from_str(&page.body).unwrap()
}

#[tokio::test]
async fn a_domains_document_may_not_speak_for_every_tenant() {
    let bench = at(&ORGANIZATIONS, json!({ "tenant": "contoso.com", "allowed_tenants": [] })).await;
    assert_eq!(bench.login().await.err(), Some(crate::bench::another_issuer()));
}

#[tokio::test]
async fn an_email_of_a_foreign_tenant_is_not_verified_attack_2() {
    for (settings, claims, verified) in [
        (json!({}), json!({ "xms_edov": null }), false),
        (json!({}), json!({ "xms_edov": false }), false),
        (json!({}), json!({ "xms_edov": 0 }), false),
        (json!({}), json!({ "xms_edov": "no" }), false),
        (json!({}), json!({ "xms_edov": [true] }), false),
        (json!({}), json!({ "xms_edov": null, "email_verified": true }), false),
        (json!({}), json!({ "xms_edov": true }), true),
        (json!({}), json!({ "xms_edov": 1 }), true),
        (json!({}), json!({ "xms_edov": "true" }), true),
        (json!({ "verified_domains": ["example.org"] }), json!({ "xms_edov": null }), true),
        (json!({ "verified_domains": ["example.org"] }), json!({ "xms_edov": null, "idp": issuer(OTHER) }), false),
        (
            json!({ "verified_domains": ["example.org"] }),
            json!({ "xms_edov": null, "email": "a@x.example.org" }),
            false,
        ),
        (json!({ "verified_domains": ["contoso.com"] }), json!({ "xms_edov": null }), false),
    ] {
        let bench = at(&SIMULATOR, settings.clone()).await;
        let identity = login(&bench, claims.clone()).await.unwrap();
        assert_eq!(identity.claims.verified_email().is_some(), verified, "{settings} {claims}");
        assert_eq!(bench.calls()[3], 0);
    }
}

#[tokio::test]
async fn without_an_object_id_the_administrator_is_told_why() {
    let bench = at(&SIMULATOR, json!({ "scopes": ["openid", "email"] })).await;
    assert_eq!(bench.login().await.err(), Some(NO_OBJECT));
    let bench = at(&SIMULATOR, json!({})).await;
    for object in [json!(null), json!("ada"), json!(format!("{OTHER}.{OTHER}"))] {
        assert_eq!(login(&bench, json!({ "oid": object })).await.err(), Some(NO_OBJECT));
    }
}

#[tokio::test]
async fn a_user_of_too_many_groups_signs_in_without_them() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = at(&SIMULATOR, json!({})).await;
    let pointer =
        json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://x" } } });
    for (claims, logged) in [
        (json!({ "groups": [OTHER] }), 0),
        (json!({ "_claim_names": { "other": "src1" } }), 0),
        (json!({ "hasgroups": true }), 1),
        (pointer, 2),
    ] {
        login(&bench, claims).await.unwrap();
        assert_eq!(log.text().matches("claims_left_out").count(), logged);
    }
    assert!(log.text().contains("groups"), "{}", log.text());
}

#[tokio::test]
async fn every_number_of_a_refusal_has_its_outcome() {
    let bench = at(&SIMULATOR, json!({})).await;
    for (number, outcome) in [
        (54_005, Some("rejected.interaction_required")),
        (70_008, Some("rejected.interaction_required")),
        (9_002_313, Some("rejected.interaction_required")),
        (53_003, Some("rejected.interaction_required")),
        (70_000, Some("rejected.interaction_required")),
        (501_481, None),
        (700_005, None),
        (7_000_215, Some("unavailable.misconfigured")),
        (7_000_222, Some("unavailable.misconfigured")),
        (700_016, Some("unavailable.misconfigured")),
        (65_001, Some("unavailable.misconfigured")),
        (50_194, Some("unavailable.misconfigured")),
        (90_002, Some("unavailable.misconfigured")),
        (50_196, Some("unavailable.throttled")),
    ] {
        bench.subject.misbehave(Some(refusing(number)));
        assert_eq!(bench.login().await.unwrap_err().outcome(), outcome, "{number}");
    }
    // Several numbers, one of them unknown; and none at all.
    for (body, error) in [
        (
            json!({ "error": "invalid_grant", "error_codes": [1, 50_057] }),
            ProviderError::Rejected(Rejection::AccountDisabled),
        ),
        (
            json!({ "error": "invalid_grant", "error_codes": ["54005"] }),
            ProviderError::Rejected(Rejection::InteractionRequired),
        ),
        (json!({ "error": "new", "error_codes": [90_024] }), Stage::Token.unavailable(Outage::ServerError)),
        (json!({ "error": "new", "error_codes": {} }), Stage::Token.unavailable(Outage::Protocol)),
    ] {
        bench.subject.misbehave(Some(Misbehaviour::Answer(400, body.clone())));
        assert_eq!(bench.login().await.err(), Some(error), "{body}");
    }
}

#[tokio::test]
async fn an_unknown_resource_is_the_administrators_to_mend() {
    let bench = at(&SIMULATOR, json!({})).await;
    for (error, outcome) in [
        ("invalid_resource", "unavailable.misconfigured"),
        ("unauthorized_client", "unavailable.misconfigured"),
        ("access_denied", "rejected.declined"),
        ("interaction_required", "rejected.interaction_required"),
    ] {
        bench.subject.misbehave_at(Endpoint::Login, Some(Misbehaviour::CallbackError(error.to_owned())));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some(outcome), "{error}");
    }
}

/// What has not passed, but for what never can here: the check, and how what it says begins.
fn failures(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|check| check.status == Status::Failed);
    failed.map(|check| format!("{}: {}", check.id, check.hint.unwrap())).collect()
}

#[tokio::test]
async fn the_connector_test_finds_what_shows_from_outside() {
    let bench = at(&SIMULATOR, json!({})).await;
    let report = bench.probe(None).await;
    let doubts: Vec<_> =
        report.checks.iter().filter(|check| check.status != Status::Passed).map(|check| check.id).collect();
    assert_eq!(doubts, ["tls", "consent", "optional_claims"]);
    let grants: Vec<_> = bench.subject.received().iter().map(|sent| sent.grant_type().unwrap().to_owned()).collect();
    assert_eq!(grants, ["client_credentials"; 2]);

    type Mistake = fn(&Bench);
    let as_is: Mistake = |_| ();
    for (simulator, over, mistake, found) in [
        (
            &SIMULATOR,
            json!({ "settings": { "tenant": OTHER } }),
            (|bench| {
                let elsewhere = bench.subject.discovery(&bench.url).replace(ACME, OTHER);
                bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Moved(elsewhere)));
            }) as Mistake,
            vec!["discovery: the discovery document has moved"],
        ),
        (
            &SIMULATOR,
            json!({ "settings": { "tenant": OTHER } }),
            as_is,
            vec!["issuer: the discovery document names another issuer"],
        ),
        (
            &SIMULATOR,
            json!({}),
            |bench| bench.change_secret("another"),
            vec!["client_credentials: the client secret is wrong"],
        ),
        (
            &SIMULATOR,
            json!({}),
            |bench| bench.subject.misbehave(Some(refusing(7_000_222))),
            vec!["client_credentials: the client secret has expired"],
        ),
        (
            &SIMULATOR,
            json!({ "client": { "secret": null } }),
            as_is,
            vec!["client_credentials: the app has to authenticate, and no secret was sent"],
        ),
        (
            &SIMULATOR,
            json!({}),
            |bench| bench.register(Registration::public("landfall", CALLBACK)),
            vec!["client_credentials: a secret was sent, and the app is a public client"],
        ),
        (
            &SIMULATOR,
            json!({ "client": { "id": "unknown" } }),
            as_is,
            vec![
                "client_credentials: the tenant has no app of this id",
                "redirect_uri: the tenant has no app of this id",
            ],
        ),
        (
            &SIMULATOR,
            json!({}),
            |bench| bench.subject.misbehave(Some(refusing(7_000_112))),
            vec!["client_credentials: the app is switched off"],
        ),
        (
            &SIMULATOR,
            json!({}),
            |bench| bench.register(Registration::confidential("landfall", crate::bench::SECRET, "https://a.example")),
            vec!["redirect_uri: register the redirect URI"],
        ),
        (
            &ORGANIZATIONS,
            json!({}),
            |bench| bench.subject.misbehave(Some(refusing(50_194))),
            vec!["client_credentials: the app is for its own tenant only"],
        ),
    ] {
        let bench = Bench::at(simulator, Method::Oidc, Reach::Local, over.clone()).await;
        mistake(&bench);
        let failures = failures(&bench.probe(None).await);
        assert_eq!(failures.len(), found.len(), "{over} {failures:?}");
        for (failure, begins) in failures.iter().zip(found) {
            assert!(failure.starts_with(begins), "{over} {failure}");
        }
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_reported_in_test_and_login() {
    let mut bench = at(&SIMULATOR, json!({})).await;
    let elsewhere = bench.subject.discovery(&bench.url).replace(ACME, OTHER);
    bench.connect("entra", Method::Oidc, json!({ "settings": { "tenant": OTHER, "discovery_endpoint": elsewhere } }));
    assert_eq!(bench.login().await.err(), Some(Stage::Discovery.misconfigured(errors::NO_TENANT)));
    assert_eq!(failures(&bench.probe(None).await), [format!("discovery: {}", errors::NO_TENANT)]);
}

#[tokio::test]
async fn the_test_may_not_see_a_wrong_secret_with_many_tenants() {
    let bench = at(&ORGANIZATIONS, json!({})).await;
    bench.subject.misbehave(Some(refusing(9_002_313)));
    let report = bench.probe(None).await;
    let finding = report.checks.iter().find(|check| check.id == "client_credentials").unwrap();
    assert_eq!(finding.status, Status::Unverifiable, "{finding:?}");
}

fn adapter(settings: &Value) -> Arc<dyn ProviderAdapter> {
    let document: ConnectorDocument = serde_json::from_value(json!({
        "id": "acme", "provider": "entra", "name": "Acme", "client": { "id": "landfall" },
        "methods": { "oidc": {} }, "settings": settings,
    }))
    .unwrap();
    Registry::default().adapter(&document).unwrap()
}

#[test]
fn each_cloud_is_one_source_with_microsofts_addresses() {
    for (settings, cloud, at) in [
        (json!({ "tenant": ACME }), "login.microsoftonline.com", format!("login.microsoftonline.com/{ACME}")),
        (
            json!({ "tenant": "consumers" }),
            "login.microsoftonline.com",
            "login.microsoftonline.com/consumers".to_owned(),
        ),
        (
            json!({ "tenant": "contoso.us", "cloud": "us_government" }),
            "login.microsoftonline.us",
            "login.microsoftonline.us/contoso.us".to_owned(),
        ),
        (
            json!({ "tenant": "contoso.cn", "cloud": "china" }),
            "login.partner.microsoftonline.cn",
            "login.partner.microsoftonline.cn/contoso.cn".to_owned(),
        ),
        (
            json!({ "tenant": ACME, "external_id": "acme" }),
            "login.microsoftonline.com",
            format!("acme.ciamlogin.com/{ACME}"),
        ),
        (
            json!({ "tenant": ACME, "external_id": "login.acme.com" }),
            "login.microsoftonline.com",
            format!("login.acme.com/{ACME}"),
        ),
    ] {
        let key = format!("https://{cloud}");
        assert_eq!(adapter(&settings).issuer_key(), Some(key.as_str()));
        assert_eq!(adapter(&settings).source(), Some(&domain::Source::of_issuer(&key)));
        let Value::Object(settings) = settings else { panic!("an object") };
        let entra = Entra::read(settings).unwrap();
        let found = entra.profile().endpoints.discovery_endpoint.clone().unwrap();
        assert_eq!(found.as_str(), format!("https://{at}/v2.0/.well-known/openid-configuration"));
    }
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    const NO_TENANT: &str =
        "is neither a tenant id (GUID), a verified domain, nor common | organizations | consumers: all in lower case";
    let tenant = |tenant: &str| (json!({ "tenant": tenant }), format!("settings.tenant: {tenant:?} {NO_TENANT}"));
    let wrong = |settings: Value, reason: &str| (settings, format!("settings.{reason}"));
    let good = |settings: Value| (settings, "none".to_owned());
    for (settings, expected) in [
        good(json!({ "tenant": ACME, "verified_domains": ["contoso.com"] })),
        good(json!({ "tenant": "contoso.onmicrosoft.com" })),
        good(json!({ "tenant": "consumers" })),
        good(json!({ "tenant": "common", "allowed_tenants": [ACME, CONSUMERS] })),
        good(json!({ "tenant": "organizations", "any_tenant": true })),
        good(json!({ "tenant": ACME, "external_id": "acme" })),
        (json!({}), "settings: missing field `tenant`".to_owned()),
        tenant("contoso"),
        tenant(""),
        tenant("Common"),
        tenant(&ACME.to_uppercase()),
        tenant("https://contoso.com"),
        tenant("contoso.com/../common"),
        wrong(
            json!({ "tenant": "organizations" }),
            "allowed_tenants: users of every tenant could sign in through organizations: list the ids of the tenants that may, \
             or say any_tenant: true",
        ),
        wrong(
            json!({ "tenant": "common", "allowed_tenants": [ACME, "contoso.com"] }),
            "allowed_tenants[1]: \"contoso.com\" is not a tenant id, a GUID in lower case",
        ),
        wrong(
            json!({ "tenant": "common", "allowed_tenants": [ACME], "any_tenant": true }),
            "any_tenant: stands beside allowed_tenants: one of them is enough",
        ),
        wrong(
            json!({ "tenant": ACME, "allowed_tenants": [ACME] }),
            "allowed_tenants: is for common and organizations: tenant is one already",
        ),
        wrong(
            json!({ "tenant": "consumers", "any_tenant": true }),
            "any_tenant: is for common and organizations: tenant is one already",
        ),
        wrong(
            json!({ "tenant": ACME, "verified_domains": ["contoso.com", "@contoso.com"] }),
            "verified_domains[1]: \"@contoso.com\" is not a domain in lower case, such as contoso.com",
        ),
        wrong(
            json!({ "tenant": "common", "allowed_tenants": [ACME], "verified_domains": ["contoso.com"] }),
            "verified_domains: are domains of one tenant, and tenant is common: make a connector for that tenant",
        ),
        wrong(
            json!({ "tenant": ACME, "cloud": "germany" }),
            "cloud: unknown variant `germany`, expected one of `public`, `us_government`, `china`",
        ),
        wrong(
            json!({ "tenant": ACME, "external_id": "acme.ciamlogin.com" }),
            "external_id: \"acme.ciamlogin.com\" is neither the subdomain of ciamlogin.com, such as contoso, nor a domain of \
             your own",
        ),
        wrong(
            json!({ "tenant": "acme.onmicrosoft.com", "external_id": "acme" }),
            "tenant: \"acme.onmicrosoft.com\" is not the external tenant's id (GUID), which its tokens name",
        ),
        wrong(
            json!({ "tenant": ACME, "external_id": "acme", "cloud": "china" }),
            "cloud: stands beside external_id: external tenants are in the public cloud",
        ),
    ] {
        assert_eq!(complaint_about("entra", settings), expected);
    }
}
