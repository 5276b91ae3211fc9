//! A journey with two ways in, and copies of it that break on one path only.

use domain::{ConnectorDocument, JourneyDocument};
use insta::assert_snapshot;
use landfall::{demo, documents};
use landfall_tests::changed;
use serde_json::json;

use crate::refusal::{self, of_each};

const WHOLE: &str = include_str!("whole.yaml");

fn broken(changes: &[(&str, &str)]) -> String {
    refusal::of_journey(&changed(WHOLE, changes))
}

#[track_caller]
fn compiles(changes: &[(&str, &str)]) {
    refusal::no_journey(&changed(WHOLE, changes));
}

const BACK: &str = "authenticated: provision, rejected: ask, unavailable: later, cancelled: cancelled";

/// The end of the step `browser`, with these targets.
fn browser(next: &str) -> String {
    format!("login_hint: \"${{ask.email}}\" }}\n    as: who\n    next: {{ {next} }}")
}

/// The end of the step `factor`, likewise.
fn factor(next: &str) -> String {
    format!("of: check }}\n    as: who\n    next: {{ {next} }}")
}

#[test]
fn the_whole_journey_is_what_is_served_for_each_connector() {
    let connector: ConnectorDocument = serde_json::from_value(json!({
        "id": "keycloak-prod", "provider": "keycloak", "name": "Keycloak", "client": { "id": "landfall" },
        "methods": { "password": {} }, "settings": { "url": "https://id.example.com", "realm": "acme" },
    }))
    .unwrap();
    let served = demo::journeys(&connector).unwrap().remove(0);
    let whole: JourneyDocument = documents::parse("whole.yaml", WHOLE).unwrap();
    assert_eq!(JourneyDocument { id: whole.id.clone(), ..served }, whole);
    compiles(&[]);
}

#[test]
fn what_a_step_reads_is_there_on_every_path() {
    let straight = "rejected.interaction_required: provision, rejected.account_disabled: browser";
    assert_snapshot!(of_each(broken, &[
        (&browser(BACK), &browser("authenticated: provision, rejected: ask, unavailable: later, cancelled: check")),
        ("rejected.interaction_required: browser", straight),
        (&browser(BACK), &browser("authenticated: done, rejected: ask, unavailable: later, cancelled: cancelled")),
        ("start: ask", "start: browser"),
        // What a failure leaves is there after the failure only.
        ("attributes: { plan: \"${params.plan}\" }", "attributes: { plan: \"${check.reason}\" }"),
    ]), @r#"
    login_hint: "${ask.email}" }
      steps.check.with.password: ${ask.password} is not available on every path to this step: a secret is kept only until the user is next asked something
    rejected.interaction_required: provision, rejected.account_disabled: browser
      steps.provision.with.identity: the slot who has no identity on some path to this step
    login_hint: "${ask.email}" }
      steps.done: there is no user on some path to this step
    start: browser
      steps.browser.with.login_hint: ${ask.email} is not set on every path to this step
    attributes: { plan: "${check.reason}" }
      steps.provision.with.attributes: ${check.reason} is not set on every path to this step
    "#);
}

#[test]
fn a_condition_is_an_expression_without_secrets() {
    let condition = |expression: &str| {
        let step = format!(
            "  gate: {{ type: condition, with: {{ if: \"{expression}\" }}, next: {{ met: provision, unmet: no_access }} }}\n  provision:"
        );
        broken(&[
            ("  provision:", &step),
            ("{ authenticated: provision, challenged", "{ authenticated: gate, challenged"),
        ])
    };
    assert_snapshot!(condition("${ask.password == 'secret'}"), @"
    journey.yaml:
      steps.gate.with.if: ${ask.password} is a secret input: only settings that take a secret may read it
    ");
    assert_snapshot!(condition("${params.plan == }"), @r#"
    journey.yaml:
      steps.gate.with.if: "params.plan ==" is not an expression: unexpected end of input, expected expression
    "#);
}

#[test]
fn a_connector_is_named_by_an_id_or_an_expression() {
    let named = "{ connector: keycloak-prod, login_hint";
    assert_snapshot!(of_each(broken, &[
        (named, "{ connector: \"Keycloak Prod\", login_hint"),
        (named, "{ connector: 7, login_hint"),
        // Without a login at the provider, no browser would come back.
        (named, "{ connector: keycloak-prod, prompt: none, login_hint"),
    ]), @r#"
    { connector: "Keycloak Prod", login_hint
      steps.browser.with.connector: not a connector id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    { connector: 7, login_hint
      steps.browser.with.connector: is not a connector id
    { connector: keycloak-prod, prompt: none, login_hint
      steps.browser.with.prompt: unknown variant `none`, expected one of `login`, `consent`, `select_account`
    "#);
    compiles(&[(named, "{ connector: \"${params.plan}\", login_hint")]);
}

/// A provider that is away sends no browser anywhere: the next try would come at once.
#[test]
fn a_redirect_is_not_tried_again_without_asking() {
    let again = "authenticated: provision, rejected: ask, unavailable: browser, cancelled: cancelled";
    assert_snapshot!(of_each(broken, &[(&browser(BACK), &browser(again))]), @r#"
    login_hint: "${ask.email}" }
      steps.browser: these steps form a loop that never asks the user anything: browser -> browser
    "#);
}

#[test]
fn a_choice_is_one_among_some() {
    let choose = |connectors: &str| {
        let step = format!(
            "  which: {{ type: choose_provider, with: {{ connectors: [{connectors}] }}, next: {{ chosen: ask, cancelled: cancelled, unavailable: later }} }}\n  ask:"
        );
        broken(&[("start: ask", "start: which"), ("  ask:", &step)])
    };
    assert_snapshot!([choose(""), choose("keycloak-prod, keycloak-prod")].join("\n"), @"
    journey.yaml:
      steps.which.with: there are no connectors: name at least one
    journey.yaml:
      steps.which.with: the connector keycloak-prod is listed twice
    ");
}

#[test]
fn a_question_is_asked_on_every_path_and_answered_once() {
    assert_snapshot!(of_each(broken, &[
        ("of: check", "of: ask"),
        ("of: check", "of: missing"),
        // A step that answers a question asks none.
        ("of: check", "of: factor"),
        ("start: ask", "start: factor"),
        ("rejected.interaction_required: browser", "rejected.interaction_required: browser, rejected.declined: factor"),
        (&factor(BACK), &factor("authenticated: provision, rejected: factor, unavailable: later, cancelled: cancelled")),
        (&factor(BACK), &factor("authenticated: provision, rejected: ask, unavailable: later, cancelled: factor")),
    ]), @"
    of: ask
      steps.factor.with.of: there is no step ask whose provider asks a question
    of: missing
      steps.factor.with.of: there is no step missing whose provider asks a question
    of: factor
      steps.factor.with.of: there is no step factor whose provider asks a question
    start: factor
      steps.factor.with.of: on some path to this step, no question of the step check is open
    rejected.interaction_required: browser, rejected.declined: factor
      steps.factor.with.of: on some path to this step, no question of the step check is open
    of: check }
      steps.factor.with.of: on some path to this step, no question of the step check is open
    of: check }
      steps.factor.with.of: on some path to this step, no question of the step check is open
    ");
    // After an outage it is not known whether the provider has looked at the answer.
    let outage = "authenticated: provision, rejected: ask, unavailable: factor, cancelled: cancelled";
    compiles(&[(&factor(BACK), &factor(outage))]);
}
