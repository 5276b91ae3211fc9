//! Journey documents: a short one compiles, and every structural rule has a copy of it that breaks that rule alone.

use insta::assert_snapshot;
use landfall::documents;
use landfall_tests::password_journey;

use crate::refusal::{self, of_each};

/// A journey with other text in some places.
fn with(changes: &[(&str, &str)]) -> String {
    password_journey("migrate-from-keycloak", changes)
}

fn broken(changes: &[(&str, &str)]) -> String {
    refusal::of_journey(&with(changes))
}

#[test]
fn a_journey_compiles_in_yaml_and_in_json() {
    for changes in [
        &[][..],
        &[("rejected: ask", "rejected: ask, rejected.account_locked: no_access")],
        &[("max: 40", "max: 40, default: gold")],
    ] {
        let document = documents::journey("journey.yaml", &with(changes)).unwrap();
        let json = serde_json::to_string_pretty(&document).unwrap();
        assert_eq!(documents::journey("journey.json", &json).unwrap(), document);
    }
}

#[test]
fn what_cannot_be_read_is_shown_with_its_place() {
    assert_snapshot!(broken(&[("start: ask", "begin: ask")]), @"
    journey.yaml:
    error: line 6 column 1: unknown field `begin`, expected one of format, id, params, start, steps
     --> <input>:6:1
      |
    4 | id: migrate-from-keycloak
    5 | params: { plan: { type: string, max: 40 } }
    6 | begin: ask
      | ^ unknown field `begin`, expected one of format, id, params, start, steps
    7 | steps:
    8 |   ask:
      |
    A file of a journey has format, id, start and steps: see shared/journeys/README.md#journeys
    ");
    assert_snapshot!(documents::journey("journey.yaml", "").unwrap_err(), @"
    journey.yaml:
    unexpected end of input at line 1, column 1
    A file of a journey has format, id, start and steps: see shared/journeys/README.md#journeys
    ");
    assert_snapshot!(of_each(broken, &[
        ("format: 1\n", ""),
        ("format: 1", "format: one"),
        ("format: 1", "format: 1.5"),
        ("format: 1", "format: 2"),
        ("as: who", "is: who"),
        ("start: ask", "start: ask\nstart: done"),
        ("  later: {", "  done: {"),
        ("label: field.email", "label: field.email, required: false"),
        ("  later: {", "  Try-Later: {"),
        ("id: migrate-from-keycloak", "id: migrate from keycloak"),
        ("type: string", "type: text"),
        ("start: ask", "start: [ask"),
        ("  done: {", "\tdone: {"),
        ("\"${ask.email}\"", "\"${ask.email}"),
    ]), @r#"
    without format: 1
      error: line 6 column 1: missing field `format`
    format: one
      error: line 3 column 9: invalid u32
    format: 1.5
      error: line 3 column 9: invalid u32
    format: 2
      format: format 2 is not supported: use format 1
    is: who
      error: line 18 column 5: unknown field `is`, expected one of type, with, as, next
    start: ask
      error: line 7 column 1: duplicate mapping key: start, set DuplicateKeyPolicy in Options if acceptable
    done: {
      error: line 25 column 3: duplicate mapping key: done, set DuplicateKeyPolicy in Options if acceptable
    label: field.email, required: false
      error: line 12 column 76: duplicate mapping key: required, set DuplicateKeyPolicy in Options if acceptable
    Try-Later: {
      error: line 25 column 3: not a step id: 1 to 64 lower-case letters, digits or '_', starting with a letter
    id: migrate from keycloak
      error: line 4 column 5: not a journey id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    type: text
      error: line 5 column 25: unknown variant `text`, expected one of string, integer, boolean
    start: [ask
      error: line 6 column 8: expected string scalar
    done: {
      error: line 24 column 2: tabs disallowed within this context (block indentation)
    "${ask.email}
      error: line 17 column 72: invalid trailing content after double-quoted scalar
    "#);
}

#[test]
fn a_step_has_the_settings_of_its_type() {
    assert_snapshot!(of_each(broken, &[
        ("type: authenticate_password", "type: authenticate"),
        ("with: { connector:", "with: { realm: demo, connector:"),
        ("autocomplete: username", "autofill: username"),
        ("connector: \"keycloak\", ", ""),
        ("    with: { identity: who, attributes: { plan: \"${params.plan}\" } }\n", ""),
        ("{ identity: who,", "{ identity: [who],"),
        ("label: field.email, required: true", "label: field.email, required: no"),
        ("type: email", "type: mail"),
        ("label: field.email", "label: field.mail"),
        ("name: password", "name: email"),
        ("name: email", "name: E-mail"),
        ("code: try_later", "code: try_again"),
        ("    as: who\n", ""),
        ("done: { type: complete }", "done: { type: complete, as: who }"),
    ]), @r#"
    type: authenticate
      steps.check.type: there is no step type "authenticate": use one of answer_challenge, authenticate_password, authenticate_redirect, authenticate_totp, choose_provider, collect_information, complete, condition, provision_user, reject, send_otp
    with: { realm: demo, connector:
      steps.check.with.realm: unknown field `realm`, expected one of `connector`, `username`, `password`, `otp`
    autofill: username
      steps.ask.with.fields[0].autofill: unknown field `autofill`, expected one of `name`, `type`, `label`, `required`, `autocomplete`
    without connector: "keycloak",
      steps.check.with: missing field `connector`
    without with: { identity: who, attributes: { plan: "${params.plan}" } }
      steps.provision.with: missing field `identity`
    { identity: [who],
      steps.provision.with.identity: invalid type: sequence, expected a string
    label: field.email, required: no
      steps.ask.with.fields[0].required: invalid type: string "no", expected a boolean
    type: mail
      steps.ask.with.fields[0].type: unknown variant `mail`, expected one of `text`, `email`, `password`, `code`
    label: field.mail
      steps.ask.with.fields[0].label: unknown text "field.mail": use one of field.email, field.username, field.password, field.code, field.name, field.given_name, field.family_name, field.phone, field.current_password, field.new_password, field.choice
    name: email
      steps.ask.with: field "email" is listed twice
    name: E-mail
      steps.ask.with: field "E-mail": a name must be 1 to 64 lower-case letters, digits or '_', starting with a letter
    code: try_again
      steps.later.with.code: unknown rejection "try_again": use one of access_denied, cancelled, try_later, proof_required
    without as: who
      steps.check: this step stores an identity: name its slot with `as`
    done: { type: complete, as: who }
      steps.done.as: this step stores no identity: remove `as`
    "#);
    let demo = with(&[]);
    let (from, _) = demo.split_once("    next: { submitted").unwrap();
    let (_, fields) = from.split_once("      fields:\n").unwrap();
    assert_snapshot!(broken(&[("      fields:\n", "      fields: []\n"), (fields, "")]), @"
    journey.yaml:
      steps.ask.with: there are no fields: name at least one
    ");
}

#[test]
fn outcomes_lead_to_steps_and_steps_are_reached() {
    let next =
        "    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }\n";
    let island = "  one: { type: collect_information, with: { fields: [{ name: a, type: text, label: field.name }] }, \
                  next: { submitted: two, cancelled: two } }\n  two: { type: complete }\n  done: {";
    assert_snapshot!(of_each(broken, &[
        ("start: ask", "start: asks"),
        ("submitted: check", "submitted: checks"),
        ("challenged: no_access, ", ""),
        (next, ""),
        ("unavailable: later", "unavailable: later, timeout: later"),
        ("done: { type: complete }", "done: { type: complete, next: { done: ask } }"),
        ("rejected: ask", "rejected: ask, rejected.tired: no_access"),
        ("unavailable: later", "unavailable.timeout: later"),
        ("  done: {", "  lost: { type: complete }\n  done: {"),
        ("  done: {", island),
        ("refused: no_access", "refused: check"),
        ("rejected: ask", "rejected: check"),
    ]), @r#"
    start: asks
      start: there is no step asks
    submitted: checks
      steps.ask.next.submitted: there is no step checks
    without challenged: no_access,
      steps.check.next: the outcome "challenged" has no target: add it here
    without next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
      steps.provision.next: the outcome "created" has no target: add it here
      steps.provision.next: the outcome "linked" has no target: add it here
      steps.provision.next: the outcome "recognised" has no target: add it here
      steps.provision.next: the outcome "proof_required" has no target: add it here
      steps.provision.next: the outcome "refused" has no target: add it here
    unavailable: later, timeout: later
      steps.check.next.timeout: the step never ends with "timeout"
    done: { type: complete, next: { done: ask } }
      steps.done.next.done: the step never ends with "done"
    rejected: ask, rejected.tired: no_access
      steps.check.next.rejected.tired: the step never ends with "rejected.tired"
    unavailable.timeout: later
      steps.check.next: the outcome "unavailable" has no target: add it here
    lost: { type: complete }
      steps.lost: no path from the start leads to this step
    one: { type: collect_information, with: { fields: [{ name: a, type: text, label: field.name }] }, next: { submitted: two, cancelled: two } }
      steps.one: no path from the start leads to this step
      steps.two: no path from the start leads to this step
    refused: check
      steps.check: these steps form a loop that never asks the user anything: check -> provision -> check
    rejected: check
      steps.check: these steps form a loop that never asks the user anything: check -> check
    "#);
}

#[test]
fn what_is_read_is_there_and_no_secret_is_kept() {
    assert_snapshot!(of_each(broken, &[
        ("identity: who", "identity: whom"),
        ("${ask.email}", "${asked.email}"),
        ("${ask.email}", "${ask.mail}"),
        ("${params.plan}", "${params.tariff}"),
        ("${params.plan}", "${check.who}"),
        ("${params.plan}", "${ask.password}"),
        ("${ask.email}", "${ask.password}"),
        ("${ask.password}", "${ask.email}"),
        ("${ask.password}", "${params.plan}"),
        ("\"${ask.password}\"", "hunter2"),
        ("${ask.email}", "${ask.email}@example.org"),
        ("${ask.email}", "${ask}"),
        ("${ask.email}", "${ask.email"),
        ("${ask.password}", "${ask.password | upper}"),
    ]), @r#"
    identity: whom
      steps.provision.with.identity: no step stores an identity in the slot whom
    ${asked.email}
      steps.check.with.username: ${asked.email} is neither an output of a step nor a declared parameter
    ${ask.mail}
      steps.check.with.username: ${ask.mail} is neither an output of a step nor a declared parameter
    ${params.tariff}
      steps.provision.with.attributes: ${params.tariff} is neither an output of a step nor a declared parameter
    ${check.who}
      steps.provision.with.attributes: ${check.who} is neither an output of a step nor a declared parameter
    ${ask.password}
      steps.provision.with.attributes: ${ask.password} is a secret input: only settings that take a secret may read it
    ${ask.password}
      steps.check.with.username: ${ask.password} is a secret input: only settings that take a secret may read it
    ${ask.email}
      steps.check.with.password: ${ask.email} is not a secret input: this setting needs a field of type password or code
    ${params.plan}
      steps.check.with.password: ${params.plan} is not a secret input: this setting needs a field of type password or code
    hunter2
      steps.check.with.password: "hunter2" is not a reference: write only ${step.name} or ${params.name}, without other text
    ${ask.email}@example.org
      steps.check.with.username: "${ask.email}@example.org": write an expression as ${...}, without text before or after it
    ${ask}
      steps.check.with.username: "ask" reads "ask": only step.name and params.name are allowed
    ${ask.email
      steps.check.with.username: "${ask.email": write an expression as ${...}, without text before or after it
    ${ask.password | upper}
      steps.check.with.password: "${ask.password | upper}" is not a reference: write only ${step.name} or ${params.name}, without other text
    "#);
}

#[test]
fn a_parameter_has_a_default_of_its_type() {
    assert_snapshot!(of_each(broken, &[
        ("max: 40", "max: 40, default: 7"),
        ("max: 40", "max: 3, default: gold"),
        ("type: string, max: 40", "type: boolean, default: no"),
    ]), @"
    max: 40, default: 7
      params.plan.default: does not fit the parameter's own type and max
    max: 3, default: gold
      params.plan.default: does not fit the parameter's own type and max
    type: boolean, default: no
      params.plan.default: does not fit the parameter's own type and max
    ");
    assert_snapshot!(broken(&[("{ plan: { type", "{ Plan: { type"), ("${params.plan}", "gold")]), @"
    journey.yaml:
      params.Plan: 1 to 64 lower-case letters, digits or '_', starting with a letter
    ");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let changes = [
        ("type: authenticate_password", "type: authenticate"),
        ("code: try_later", "code: later"),
        ("max: 40", "max: 2, default: gold"),
    ];
    assert_snapshot!(broken(&changes), @r#"
    journey.yaml:
      params.plan.default: does not fit the parameter's own type and max
      steps.check.type: there is no step type "authenticate": use one of answer_challenge, authenticate_password, authenticate_redirect, authenticate_totp, choose_provider, collect_information, complete, condition, provision_user, reject, send_otp
      steps.later.with.code: unknown rejection "later": use one of access_denied, cancelled, try_later, proof_required
    "#);
    let changes = [
        ("start: ask", "start: asks"),
        ("submitted: check", "submitted: checks"),
        ("unavailable: later", "away: later"),
    ];
    assert_snapshot!(broken(&changes), @r#"
    journey.yaml:
      start: there is no step asks
      steps.ask.next.submitted: there is no step checks
      steps.check.next.away: the step never ends with "away"
      steps.check.next: the outcome "unavailable" has no target: add it here
    "#);
}

#[test]
fn what_is_read_is_set_on_every_path() {
    let more = "next: { submitted: more, cancelled: no_access }
  more:
    type: collect_information
    with: { fields: [ { name: name, type: text, label: field.name } ] }
    next: { submitted: check, cancelled: no_access }";
    assert_snapshot!(of_each(broken, &[
        ("cancelled: no_access }", "cancelled: check }"),
        ("${params.plan}", "${check.reason}"),
        ("challenged: no_access", "challenged: provision"),
        ("proof_required: no_access", "proof_required: done"),
        ("next: { submitted: check, cancelled: no_access }", more),
    ]), @"
    cancelled: check }
      steps.check.with.username: ${ask.email} is not set on every path to this step
      steps.check.with.password: ${ask.password} is not available on every path to this step: a secret is kept only until the user is next asked something
    ${check.reason}
      steps.provision.with.attributes: ${check.reason} is not set on every path to this step
    challenged: provision
      steps.provision.with.identity: the slot who has no identity on some path to this step
    proof_required: done
      steps.done: there is no user on some path to this step
    next: { submitted: more, cancelled: no_access }
      steps.check.with.password: ${ask.password} is not available on every path to this step: a secret is kept only until the user is next asked something
    ");
}
