//! A journey with two ways in, and copies of it that break on one path only.

use domain::{ConnectorDocument, JourneyDocument};
use insta::assert_snapshot;
use landfall::{demo, documents};
use landfall_tests::changed;
use serde_json::json;

use crate::refusal;

const WHOLE: &str = include_str!("whole.yaml");

fn broken(changes: &[(&str, &str)]) -> String {
    refusal::of_journey(&changed(WHOLE, changes))
}

#[track_caller]
fn compiles(changes: &[(&str, &str)]) {
    refusal::no_journey(&changed(WHOLE, changes));
}

const BACK: &str = "authenticated: provision, rejected: ask, unavailable: later, cancelled: no_access";

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
}

#[test]
fn the_whole_journey_compiles() {
    compiles(&[]);
}

#[test]
fn a_secret_is_gone_once_the_browser_has_been_elsewhere() {
    let back = "authenticated: provision, rejected: ask, unavailable: later, cancelled: check";
    assert_snapshot!(broken(&[(&browser(BACK), &browser(back))]), @"
    journey.yaml:
      steps.check.with.password: ${ask.password} is not at hand on every path that leads here: a secret is kept until the user is next asked something
    ");
}

#[test]
fn an_identity_has_to_be_there_on_every_path() {
    let straight = "rejected.interaction_required: provision, rejected.account_disabled: browser";
    assert_snapshot!(broken(&[("rejected.interaction_required: browser", straight)]), @"
    journey.yaml:
      steps.provision.with.identity: no identity is in who on some path that leads here
    ");
}

#[test]
fn a_user_has_to_be_there_on_every_path() {
    let past = "authenticated: done, rejected: ask, unavailable: later, cancelled: no_access";
    assert_snapshot!(broken(&[(&browser(BACK), &browser(past))]), @"
    journey.yaml:
      steps.done: no user was found on some path that leads here
    ");
}

#[test]
fn a_value_has_to_be_there_on_every_path() {
    assert_snapshot!(broken(&[("start: ask", "start: browser")]), @"
    journey.yaml:
      steps.browser.with.login_hint: ${ask.email} is not set on every path that leads here
    ");
    // What a failure leaves is there after the failure only.
    let attributes = "attributes: { plan: \"${check.reason}\" }";
    assert_snapshot!(broken(&[("attributes: { plan: \"${params.plan}\" }", attributes)]), @"
    journey.yaml:
      steps.provision.with.attributes: ${check.reason} is not set on every path that leads here
    ");
}

#[test]
fn a_condition_has_to_be_one() {
    let condition = |expression: &str| {
        let step = format!(
            "  gate: {{ type: condition, with: {{ if: \"{expression}\" }}, next: {{ met: provision, unmet: no_access }} }}\n  provision:"
        );
        broken(&[
            ("  provision:", &step),
            (
                "next: { authenticated: provision, challenged: factor, rejected: ask, rejected.",
                "next: { authenticated: gate, challenged: factor, rejected: ask, rejected.",
            ),
        ])
    };
    assert_snapshot!(condition("${ask.password == 'secret'}"), @"
    journey.yaml:
      steps.gate.with.if: ${ask.password} is a secret input: only settings that take a secret may read it
    ");
    assert_snapshot!(condition("${ask.nickname}"), @"
    journey.yaml:
      steps.gate.with.if: ${ask.nickname} names nothing that a step leaves or `params` declares
    ");
    assert_snapshot!(condition("${env.HOME == '/root'}"), @r#"
    journey.yaml:
      steps.gate.with.if: "env.HOME == '/root'" reads "env.HOME": it may read step.name and params.name
    "#);
    assert_snapshot!(condition("${range(1000000000)}"), @r#"
    journey.yaml:
      steps.gate.with.if: "range(1000000000)" reads "range": it may read step.name and params.name
    "#);
    assert_snapshot!(condition("${'a' * 1000000000}"), @r#"
    journey.yaml:
      steps.gate.with.if: "'a' * 1000000000": expressions do not multiply
    "#);
    assert_snapshot!(condition("${params.plan == }"), @r#"
    journey.yaml:
      steps.gate.with.if: "params.plan ==" is not an expression: unexpected end of input, expected expression
    "#);
}

#[test]
fn a_connector_is_named_by_an_id_or_an_expression() {
    let named = |name: &str| format!("{{ connector: {name}, login_hint");
    assert_snapshot!(broken(&[("{ connector: keycloak-prod, login_hint", &named("\"Keycloak Prod\""))]), @"
    journey.yaml:
      steps.browser.with.connector: not a connector id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    ");
    assert_snapshot!(broken(&[("{ connector: keycloak-prod, login_hint", &named("7"))]), @"
    journey.yaml:
      steps.browser.with.connector: is not the id of a connector
    ");
    compiles(&[("{ connector: keycloak-prod, login_hint", &named("\"${params.plan}\""))]);
}

#[test]
fn a_redirect_asks_for_nothing_that_brings_nobody_back() {
    let prompt = "{ connector: keycloak-prod, prompt: none, login_hint";
    assert_snapshot!(broken(&[("{ connector: keycloak-prod, login_hint", prompt)]), @"
    journey.yaml:
      steps.browser.with.prompt: unknown variant `none`, expected one of `login`, `consent`, `select_account`
    ");
}

/// A provider that is away sends nobody anywhere: the next try would come at once.
#[test]
fn a_redirect_is_not_tried_again_without_asking() {
    let again = "authenticated: provision, rejected: ask, unavailable: browser, cancelled: no_access";
    assert_snapshot!(broken(&[(&browser(BACK), &browser(again))]), @"
    journey.yaml:
      steps.browser: these steps form a loop that never asks the user anything: browser -> browser
    ");
}

#[test]
fn a_choice_is_one_among_some() {
    let choose = |connectors: &str| {
        let step = format!(
            "  which: {{ type: choose_provider, with: {{ connectors: [{connectors}] }}, next: {{ chosen: ask, cancelled: no_access, unavailable: later }} }}\n  ask:"
        );
        broken(&[("start: ask", "start: which"), ("  ask:", &step)])
    };
    assert_snapshot!(choose(""), @"
    journey.yaml:
      steps.which.with: there are no connectors
    ");
    assert_snapshot!(choose("keycloak-prod, keycloak-prod"), @"
    journey.yaml:
      steps.which.with: the connector keycloak-prod is there twice
    ");
}

#[test]
fn a_question_is_one_that_was_asked() {
    assert_snapshot!(broken(&[("of: check", "of: ask")]), @"
    journey.yaml:
      steps.factor.with.of: there is no step ask whose provider asks anything
    ");
    assert_snapshot!(broken(&[("of: check", "of: nobody")]), @"
    journey.yaml:
      steps.factor.with.of: there is no step nobody whose provider asks anything
    ");
    // Who answers one asks none.
    assert_snapshot!(broken(&[("of: check", "of: factor")]), @"
    journey.yaml:
      steps.factor.with.of: there is no step factor whose provider asks anything
    ");
}

#[test]
fn a_question_is_open_on_every_path() {
    assert_snapshot!(broken(&[("start: ask", "start: factor")]), @"
    journey.yaml:
      steps.factor.with.of: on some path that leads here, nothing that check was asked is open
    ");
    assert_snapshot!(broken(&[("rejected.interaction_required: browser", "rejected.interaction_required: browser, rejected.declined: factor")]), @"
    journey.yaml:
      steps.factor.with.of: on some path that leads here, nothing that check was asked is open
    ");
}

#[test]
fn a_question_is_answered_once() {
    let again = "authenticated: provision, rejected: factor, unavailable: later, cancelled: no_access";
    assert_snapshot!(broken(&[(&factor(BACK), &factor(again))]), @"
    journey.yaml:
      steps.factor.with.of: on some path that leads here, nothing that check was asked is open
    ");
    let given_up = "authenticated: provision, rejected: ask, unavailable: later, cancelled: factor";
    assert_snapshot!(broken(&[(&factor(BACK), &factor(given_up))]), @"
    journey.yaml:
      steps.factor.with.of: on some path that leads here, nothing that check was asked is open
    ");
    // Nobody knows whether the provider has looked at the answer.
    let outage = "authenticated: provision, rejected: ask, unavailable: factor, cancelled: no_access";
    compiles(&[(&factor(BACK), &factor(outage))]);
}
