//! Journey documents: a short one compiles, and every structural rule has a copy of it that breaks that rule alone.

use insta::assert_snapshot;
use landfall::documents;
use landfall_tests::password_journey;

use crate::refusal;

/// A journey with other text in some places.
fn with(changes: &[(&str, &str)]) -> String {
    password_journey("migrate-from-keycloak", changes)
}

fn broken(changes: &[(&str, &str)]) -> String {
    refusal::of_journey(&with(changes))
}

#[track_caller]
fn compiles(changes: &[(&str, &str)]) {
    refusal::no_journey(&with(changes));
}

#[test]
fn the_journey_compiles() {
    compiles(&[]);
}

#[test]
fn a_journey_may_be_written_in_json() {
    let document = documents::journey("journey.yaml", &with(&[])).unwrap();
    let json = serde_json::to_string_pretty(&document).unwrap();
    assert_eq!(documents::journey("journey.json", &json).unwrap(), document);
}

#[test]
fn another_format_is_not_guessed_at() {
    assert_snapshot!(broken(&[("format: 1", "format: 2")]), @"
    journey.yaml:
      format: this is format 2; format 1 is understood
    ");
}

#[test]
fn every_document_says_its_format() {
    assert_snapshot!(broken(&[("format: 1\n", "")]), @"
    journey.yaml:
    error: line 6 column 1: missing field `format`
     --> <input>:6:1
      |
    4 | params: { plan: { type: string, max: 40 } }
    5 | start: ask
    6 | steps:
      | ^ missing field `format`
    7 |   ask:
    8 |     type: collect_information
      |
    ");
}

#[test]
fn a_misspelled_member_is_found() {
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
    ");
}

#[test]
fn a_misspelled_member_of_a_step_is_found() {
    assert_snapshot!(broken(&[("as: who", "is: who")]), @r#"
    journey.yaml:
    error: line 18 column 5: unknown field `is`, expected one of type, with, as, next
      --> <input>:18:5
       |
    16 |     type: authenticate_password
    17 |     with: { connector: "keycloak", username: "${ask.email}", password…
    18 |     is: who
       |     ^ unknown field `is`, expected one of type, with, as, next
    19 |     next: { authenticated: provision, challenged: no_access, rejected…
    20 |   provision:
       |
    "#);
}

#[test]
fn a_key_may_be_there_only_once() {
    assert_snapshot!(broken(&[("start: ask", "start: ask\nstart: done")]), @"
    journey.yaml:
    error: line 7 column 1: duplicate mapping key: start, set DuplicateKeyPolicy in Options if acceptable
     --> <input>:7:1
      |
    5 | params: { plan: { type: string, max: 40 } }
    6 | start: ask
    7 | start: done
      | ^ duplicate mapping key: start, set DuplicateKeyPolicy in Options if acceptable
    8 | steps:
    9 |   ask:
      |
    ");
}

#[test]
fn a_step_may_be_there_only_once() {
    assert_snapshot!(broken(&[("  later: {", "  done: {")]), @"
    journey.yaml:
    error: line 25 column 3: duplicate mapping key: done, set DuplicateKeyPolicy in Options if acceptable
      --> <input>:25:3
       |
    23 |     next: { created: done, linked: done, recognised: done, proof_re…
    24 |   done: { type: complete }
    25 |   done: { type: reject, with: { code: try_later } }
       |   ^ duplicate mapping key: done, set DuplicateKeyPolicy in Options if acceptable
    26 |   no_access: { type: reject, with: { code: access_denied } }
       |
    ");
}

#[test]
fn a_setting_may_be_there_only_once() {
    assert_snapshot!(broken(&[("label: field.email", "label: field.email, required: false")]), @"
    journey.yaml:
    error: line 12 column 76: duplicate mapping key: required, set DuplicateKeyPolicy in Options if acceptable
      --> <input>:12:66
       |
    10 | …
    11 | …s:
    12 | … name: email, type: email, label: field.email, required: false, required: true, autocomplete: username }
       |                                                                  ^ duplicate mapping key: required, set DuplicateKeyPolicy in Options if acceptable
    13 | … name: password, type: password, label: field.password, required: true, autocomplete: current-password }
    14 | … submitted: check, cancelled: no_access }
       |
    ");
}

#[test]
fn a_step_id_is_a_word() {
    assert_snapshot!(broken(&[("  later: {", "  Try-Later: {")]), @"
    journey.yaml:
    error: line 25 column 3: not a step id: 1 to 64 lower-case letters, digits or '_', starting with a letter
      --> <input>:25:3
       |
    23 |     next: { created: done, linked: done, recognised: done, proof_re…
    24 |   done: { type: complete }
    25 |   Try-Later: { type: reject, with: { code: try_later } }
       |   ^ not a step id: 1 to 64 lower-case letters, digits or '_', starting with a letter
    26 |   no_access: { type: reject, with: { code: access_denied } }
       |
    ");
}

#[test]
fn a_journey_id_is_a_name() {
    assert_snapshot!(broken(&[("id: migrate-from-keycloak", "id: migrate from keycloak")]), @"
    journey.yaml:
    error: line 4 column 5: not a journey id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
     --> <input>:4:5
      |
    2 | # in the company's own directory at that moment. `keycloak` is the id…
    3 | format: 1
    4 | id: migrate from keycloak
      |     ^ not a journey id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    5 | params: { plan: { type: string, max: 40 } }
    6 | start: ask
      |
    ");
}

#[test]
fn what_is_no_yaml_is_shown_where_it_stops_to_be() {
    assert_snapshot!(broken(&[("start: ask", "start: [ask")]), @"
    journey.yaml:
    error: line 6 column 8: expected string scalar
     --> <input>:6:8
      |
    4 | id: migrate-from-keycloak
    5 | params: { plan: { type: string, max: 40 } }
    6 | start: [ask
      |        ^ expected string scalar
    7 | steps:
    8 |   ask:
      |
    ");
    assert_snapshot!(broken(&[("  done: {", "\tdone: {")]), @r#"
    journey.yaml:
    error: line 24 column 2: tabs disallowed within this context (block indentation)
      --> <input>:24:2
       |
    22 |     with: { identity: who, attributes: { plan: "${params.plan}" } …
    23 |     next: { created: done, linked: done, recognised: done, proof_r…
    24 |     done: { type: complete }
       |     ^ tabs disallowed within this context (block indentation)
    25 |   later: { type: reject, with: { code: try_later } }
    26 |   no_access: { type: reject, with: { code: access_denied } }
       |
    "#);
    assert_snapshot!(broken(&[("\"${ask.email}\"", "\"${ask.email}")]), @r#"
    journey.yaml:
    error: line 17 column 72: invalid trailing content after double-quoted scalar
      --> <input>:17:66
       |
    15 | …:
    16 | …e: authenticate_password
    17 | …h: { connector: "keycloak", username: "${ask.email}, password: "${ask.password}" }
       |                                                                  ^ invalid trailing content after double-quoted scalar
    18 | … who
    19 | …t: { authenticated: provision, challenged: no_access, rejected: ask, unavailable: later }
       |
    "#);
}

#[test]
fn a_format_is_a_number() {
    assert_snapshot!(broken(&[("format: 1", "format: one")]), @"
    journey.yaml:
    error: line 3 column 9: invalid u32
     --> <input>:3:9
      |
    1 | # Migrates every user: asks for e-mail and password, checks them with the…
    2 | # in the company's own directory at that moment. `keycloak` is the id of …
    3 | format: one
      |         ^ invalid u32
    4 | id: migrate-from-keycloak
    5 | params: { plan: { type: string, max: 40 } }
      |
    ");
    assert_snapshot!(broken(&[("format: 1", "format: 1.5")]), @"
    journey.yaml:
    error: line 3 column 9: invalid u32
     --> <input>:3:9
      |
    1 | # Migrates every user: asks for e-mail and password, checks them with the…
    2 | # in the company's own directory at that moment. `keycloak` is the id of …
    3 | format: 1.5
      |         ^ invalid u32
    4 | id: migrate-from-keycloak
    5 | params: { plan: { type: string, max: 40 } }
      |
    ");
}

#[test]
fn an_empty_document_is_none() {
    let error = documents::journey("journey.yaml", "").unwrap_err();
    assert_snapshot!(error, @"
    journey.yaml:
    unexpected end of input at line 1, column 1
    ");
}

#[test]
fn an_unknown_step_type_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("type: authenticate_password", "type: authenticate")]), @r#"
    journey.yaml:
      steps.check.type: there is no step type "authenticate"; there are answer_challenge, authenticate_password, authenticate_redirect, authenticate_totp, choose_provider, collect_information, complete, condition, provision_user, reject, send_otp
    "#);
}

#[test]
fn an_unknown_setting_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("with: { connector:", "with: { realm: demo, connector:")]), @"
    journey.yaml:
      steps.check.with.realm: unknown field `realm`, expected one of `connector`, `username`, `password`, `otp`
    ");
}

#[test]
fn an_unknown_setting_of_a_field_is_named_with_its_place() {
    assert_snapshot!(broken(&[("autocomplete: username", "autofill: username")]), @"
    journey.yaml:
      steps.ask.with.fields[0].autofill: unknown field `autofill`, expected one of `name`, `type`, `label`, `required`, `autocomplete`
    ");
}

#[test]
fn a_missing_setting_is_named() {
    assert_snapshot!(broken(&[("connector: \"keycloak\", ", "")]), @"
    journey.yaml:
      steps.check.with: missing field `connector`
    ");
}

#[test]
fn a_step_without_any_of_its_settings_is_missing_the_first() {
    assert_snapshot!(broken(&[("    with: { identity: who, attributes: { plan: \"${params.plan}\" } }\n", "")]), @"
    journey.yaml:
      steps.provision.with: missing field `identity`
    ");
}

#[test]
fn a_setting_of_the_wrong_type_is_named() {
    assert_snapshot!(broken(&[("{ identity: who,", "{ identity: [who],")]), @"
    journey.yaml:
      steps.provision.with.identity: invalid type: sequence, expected a string
    ");
}

#[test]
fn no_is_a_word_and_no_boolean() {
    let no = ("label: field.email, required: true", "label: field.email, required: no");
    assert_snapshot!(broken(&[no]), @r#"
    journey.yaml:
      steps.ask.with.fields[0].required: invalid type: string "no", expected a boolean
    "#);
}

#[test]
fn an_unknown_type_of_field_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("type: email", "type: mail")]), @"
    journey.yaml:
      steps.ask.with.fields[0].type: unknown variant `mail`, expected one of `text`, `email`, `password`, `code`
    ");
}

#[test]
fn an_unknown_label_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("label: field.email", "label: field.mail")]), @r#"
    journey.yaml:
      steps.ask.with.fields[0].label: unknown text "field.mail", known are field.email, field.username, field.password, field.code, field.name, field.given_name, field.family_name, field.phone, choose_provider.heading
    "#);
}

#[test]
fn two_fields_have_two_names() {
    assert_snapshot!(broken(&[("name: password", "name: email")]), @r#"
    journey.yaml:
      steps.ask.with: field "email" is there twice
    "#);
}

#[test]
fn a_fields_name_is_a_word() {
    assert_snapshot!(broken(&[("name: email", "name: E-mail")]), @r#"
    journey.yaml:
      steps.ask.with: field "E-mail": a name is 1 to 64 lower-case letters, digits or '_', starting with a letter
    "#);
}

#[test]
fn a_form_has_fields() {
    let demo = with(&[]);
    let (from, _) = demo.split_once("    next: { submitted").unwrap();
    let (_, fields) = from.split_once("      fields:\n").unwrap();
    assert_snapshot!(broken(&[("      fields:\n", "      fields: []\n"), (fields, "")]), @"
    journey.yaml:
      steps.ask.with: there are no fields
    ");
}

#[test]
fn a_rejection_is_one_that_applications_know() {
    assert_snapshot!(broken(&[("code: try_later", "code: try_again")]), @r#"
    journey.yaml:
      steps.later.with.code: unknown rejection "try_again", known are access_denied, try_later, proof_required
    "#);
}

#[test]
fn the_start_is_a_step() {
    assert_snapshot!(broken(&[("start: ask", "start: asks")]), @"
    journey.yaml:
      start: there is no step asks
    ");
}

#[test]
fn an_outcome_leads_to_a_step() {
    assert_snapshot!(broken(&[("submitted: check", "submitted: checks")]), @"
    journey.yaml:
      steps.ask.next.submitted: there is no step checks
    ");
}

#[test]
fn every_base_outcome_leads_somewhere() {
    assert_snapshot!(broken(&[("challenged: no_access, ", "")]), @r#"
    journey.yaml:
      steps.check.next: the outcome "challenged" leads nowhere
    "#);
}

#[test]
fn a_step_without_targets_lists_every_outcome_that_leads_nowhere() {
    let next =
        "    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }\n";
    assert_snapshot!(broken(&[(next, "")]), @r#"
    journey.yaml:
      steps.provision.next: the outcome "created" leads nowhere
      steps.provision.next: the outcome "linked" leads nowhere
      steps.provision.next: the outcome "recognised" leads nowhere
      steps.provision.next: the outcome "proof_required" leads nowhere
      steps.provision.next: the outcome "refused" leads nowhere
    "#);
}

#[test]
fn an_outcome_is_one_the_step_can_have() {
    assert_snapshot!(broken(&[("unavailable: later", "unavailable: later, timeout: later")]), @r#"
    journey.yaml:
      steps.check.next.timeout: the step never ends with "timeout"
    "#);
}

#[test]
fn a_step_that_ends_the_journey_has_no_outcomes() {
    assert_snapshot!(broken(&[("done: { type: complete }", "done: { type: complete, next: { done: ask } }")]), @r#"
    journey.yaml:
      steps.done.next.done: the step never ends with "done"
    "#);
}

#[test]
fn a_dotted_outcome_refines_its_base() {
    compiles(&[("rejected: ask", "rejected: ask, rejected.account_locked: no_access")]);
}

#[test]
fn a_dotted_outcome_is_one_the_step_can_have() {
    assert_snapshot!(broken(&[("rejected: ask", "rejected: ask, rejected.tired: no_access")]), @r#"
    journey.yaml:
      steps.check.next.rejected.tired: the step never ends with "rejected.tired"
    "#);
}

#[test]
fn a_dotted_outcome_does_not_stand_in_for_its_base() {
    assert_snapshot!(broken(&[("unavailable: later", "unavailable.timeout: later")]), @r#"
    journey.yaml:
      steps.check.next: the outcome "unavailable" leads nowhere
    "#);
}

#[test]
fn every_step_is_reached() {
    assert_snapshot!(broken(&[("  done: {", "  lost: { type: complete }\n  done: {")]), @"
    journey.yaml:
      steps.lost: no path from the start leads here
    ");
}

#[test]
fn a_step_only_reached_from_unreached_ones_is_not_reached() {
    let island = "  one: { type: collect_information, with: { fields: [{ name: a, type: text, label: field.name }] }, \
                  next: { submitted: two, cancelled: two } }\n  two: { type: complete }\n  done: {";
    assert_snapshot!(broken(&[("  done: {", island)]), @"
    journey.yaml:
      steps.one: no path from the start leads here
      steps.two: no path from the start leads here
    ");
}

#[test]
fn a_loop_asks_somebody_something() {
    assert_snapshot!(broken(&[("refused: no_access", "refused: check")]), @"
    journey.yaml:
      steps.check: these steps form a loop that never asks the user anything: check -> provision -> check
    ");
}

#[test]
fn a_step_does_not_lead_to_itself_unasked() {
    assert_snapshot!(broken(&[("rejected: ask", "rejected: check")]), @"
    journey.yaml:
      steps.check: these steps form a loop that never asks the user anything: check -> check
    ");
}

#[test]
fn a_step_that_identifies_says_where() {
    assert_snapshot!(broken(&[("    as: who\n", "")]), @"
    journey.yaml:
      steps.check: this step leaves an identity: say where with `as`
    ");
}

#[test]
fn a_step_that_identifies_nobody_leaves_no_identity() {
    assert_snapshot!(broken(&[("done: { type: complete }", "done: { type: complete, as: who }")]), @"
    journey.yaml:
      steps.done.as: this step leaves no identity: `as` has no meaning here
    ");
}

#[test]
fn a_slot_is_filled_by_some_step() {
    assert_snapshot!(broken(&[("identity: who", "identity: whom")]), @"
    journey.yaml:
      steps.provision.with.identity: no step leaves an identity in whom
    ");
}

#[test]
fn a_reference_names_a_step() {
    assert_snapshot!(broken(&[("${ask.email}", "${asked.email}")]), @"
    journey.yaml:
      steps.check.with.username: ${asked.email} names nothing that a step leaves or `params` declares
    ");
}

#[test]
fn a_reference_names_a_value_the_step_leaves() {
    assert_snapshot!(broken(&[("${ask.email}", "${ask.mail}")]), @"
    journey.yaml:
      steps.check.with.username: ${ask.mail} names nothing that a step leaves or `params` declares
    ");
}

#[test]
fn a_reference_names_a_declared_parameter() {
    assert_snapshot!(broken(&[("${params.plan}", "${params.tariff}")]), @"
    journey.yaml:
      steps.provision.with.attributes: ${params.tariff} names nothing that a step leaves or `params` declares
    ");
}

#[test]
fn an_identity_is_no_value() {
    assert_snapshot!(broken(&[("${params.plan}", "${check.who}")]), @"
    journey.yaml:
      steps.provision.with.attributes: ${check.who} names nothing that a step leaves or `params` declares
    ");
}

#[test]
fn a_secret_is_read_by_nothing_that_would_keep_it() {
    assert_snapshot!(broken(&[("${params.plan}", "${ask.password}")]), @"
    journey.yaml:
      steps.provision.with.attributes: ${ask.password} is a secret input: only settings that take a secret may read it
    ");
    assert_snapshot!(broken(&[("${ask.email}", "${ask.password}")]), @"
    journey.yaml:
      steps.check.with.username: ${ask.password} is a secret input: only settings that take a secret may read it
    ");
}

#[test]
fn a_password_is_a_secret_input() {
    assert_snapshot!(broken(&[("${ask.password}", "${ask.email}")]), @"
    journey.yaml:
      steps.check.with.password: ${ask.email} is no secret input
    ");
    assert_snapshot!(broken(&[("${ask.password}", "${params.plan}")]), @"
    journey.yaml:
      steps.check.with.password: ${params.plan} is no secret input
    ");
}

#[test]
fn a_password_is_not_written_into_a_document() {
    assert_snapshot!(broken(&[("\"${ask.password}\"", "hunter2")]), @r#"
    journey.yaml:
      steps.check.with.password: "hunter2" is not a reference: write ${step.name} or ${params.name} and nothing beside it
    "#);
}

#[test]
fn a_reference_is_the_whole_text() {
    assert_snapshot!(broken(&[("${ask.email}", "${ask.email}@example.org")]), @r#"
    journey.yaml:
      steps.check.with.username: "${ask.email}@example.org": an expression stands alone, as ${...} with nothing beside it
    "#);
    assert_snapshot!(broken(&[("${ask.email}", "${ask}")]), @r#"
    journey.yaml:
      steps.check.with.username: "ask" reads "ask": it may read step.name and params.name
    "#);
    assert_snapshot!(broken(&[("${ask.email}", "${ask.email")]), @r#"
    journey.yaml:
      steps.check.with.username: "${ask.email": an expression stands alone, as ${...} with nothing beside it
    "#);
    assert_snapshot!(broken(&[("${ask.password}", "${ask.password | upper}")]), @r#"
    journey.yaml:
      steps.check.with.password: "${ask.password | upper}" is not a reference: write ${step.name} or ${params.name} and nothing beside it
    "#);
}

#[test]
fn a_default_is_what_the_parameter_may_hold() {
    assert_snapshot!(broken(&[("max: 40", "max: 40, default: 7")]), @"
    journey.yaml:
      params.plan.default: the default is not what the parameter may hold
    ");
    assert_snapshot!(broken(&[("max: 40", "max: 3, default: gold")]), @"
    journey.yaml:
      params.plan.default: the default is not what the parameter may hold
    ");
    assert_snapshot!(broken(&[("type: string, max: 40", "type: boolean, default: no")]), @"
    journey.yaml:
      params.plan.default: the default is not what the parameter may hold
    ");
    compiles(&[("max: 40", "max: 40, default: gold")]);
}

#[test]
fn a_parameter_is_of_a_known_type() {
    assert_snapshot!(broken(&[("type: string", "type: text")]), @"
    journey.yaml:
    error: line 5 column 25: unknown variant `text`, expected one of string, integer, boolean
     --> <input>:5:25
      |
    3 | format: 1
    4 | id: migrate-from-keycloak
    5 | params: { plan: { type: text, max: 40 } }
      |                         ^ unknown variant `text`, expected one of string, integer, boolean
    6 | start: ask
    7 | steps:
      |
    ");
}

#[test]
fn a_parameters_name_is_a_word() {
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
      params.plan.default: the default is not what the parameter may hold
      steps.check.type: there is no step type "authenticate"; there are answer_challenge, authenticate_password, authenticate_redirect, authenticate_totp, choose_provider, collect_information, complete, condition, provision_user, reject, send_otp
      steps.later.with.code: unknown rejection "later", known are access_denied, try_later, proof_required
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
      steps.check.next: the outcome "unavailable" leads nowhere
    "#);
}

#[test]
fn what_is_read_is_set_on_every_path() {
    assert_snapshot!(broken(&[("cancelled: no_access }", "cancelled: check }")]), @"
    journey.yaml:
      steps.check.with.username: ${ask.email} is not set on every path that leads here
      steps.check.with.password: ${ask.password} is not at hand on every path that leads here: a secret is kept until the user is next asked something
    ");
}

#[test]
fn what_only_a_failure_leaves_is_not_there_after_a_success() {
    assert_snapshot!(broken(&[("${params.plan}", "${check.reason}")]), @"
    journey.yaml:
      steps.provision.with.attributes: ${check.reason} is not set on every path that leads here
    ");
}

#[test]
fn an_identity_is_there_on_every_path() {
    assert_snapshot!(broken(&[("challenged: no_access", "challenged: provision")]), @"
    journey.yaml:
      steps.provision.with.identity: no identity is in who on some path that leads here
    ");
}

#[test]
fn nobody_is_signed_in_on_a_path_that_finds_no_user() {
    assert_snapshot!(broken(&[("proof_required: no_access", "proof_required: done")]), @"
    journey.yaml:
      steps.done: no user was found on some path that leads here
    ");
}

#[test]
fn a_secret_is_not_there_any_more_after_the_next_question() {
    let more = "next: { submitted: more, cancelled: no_access }
  more:
    type: collect_information
    with: { fields: [ { name: name, type: text, label: field.name } ] }
    next: { submitted: check, cancelled: no_access }";
    assert_snapshot!(broken(&[("next: { submitted: check, cancelled: no_access }", more)]), @"
    journey.yaml:
      steps.check.with.password: ${ask.password} is not at hand on every path that leads here: a secret is kept until the user is next asked something
    ");
}
