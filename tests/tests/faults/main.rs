//! The list of faults, each with the tests that show how Landfall ends in it. `faults` is this target, `flows` and `attacks` are
//! the targets beside it, and all others are unit tests of the crates. What may happen to a call is in `landfall_tests::proxy`.
//!
//! | fault | tests |
//! |---|---|
//! | provider: connect or read time-out, half-open connection, blackhole, byte-a-second body | `faults::flows::*` (`Refused`, `Silence`), `faults::provider::a_provider_that_never_answers_is_left_alone`, `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `egress::client::tests::{a_call_ends_at_the_requests_deadline, an_endless_body_ends_at_the_requests_deadline, without_a_listener_there_is_no_connection}`, `providers::conformance::faults::a_silent_token_endpoint_ends_at_the_requests_deadline` |
//! | provider 429 with Retry-After (seconds, date, absurd) | `faults::flows::*` (`Throttled`), `flows::journey::a_throttling_provider_says_when_to_come_back`; `providers::answers::tests::a_wait_is_capped_and_nonsense_is_none`, `providers::conformance::faults::a_code_or_a_password_is_sent_once_whatever_is_answered` |
//! | provider 5xx | `faults::flows::*` (`ServerError`), `faults::provider::what_is_only_read_is_asked_for_once_more`, `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `providers::cx::tests::*`, `providers::conformance::faults::{a_provider_that_fails_repeatedly_is_still_asked, a_code_or_a_password_is_sent_once_whatever_is_answered}` |
//! | connection reset after the code or password was sent | `faults::flows::*` (`CutAfter`, `Twice`, and `invariants::check_calls` after each); `providers::conformance::faults::a_connection_that_breaks_after_the_code_was_sent_is_not_retried`, `egress::client::tests::a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown` |
//! | 200 with HTML, truncated JSON, wrong content type | `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `providers::conformance::faults::a_code_or_a_password_is_sent_once_whatever_is_answered`, `providers::answers::tests::invalid_json_is_an_outage_and_duplicate_members_are_refused` |
//! | discovery or key endpoint down | `faults::flows::*` (the calls of a cold start), `flows::redirect::a_provider_that_is_away_is_an_outcome`; `providers::oidc::tests::a_rotation_while_the_keys_are_down_is_an_outage`, `providers::conformance::faults::{cached_documents_are_used_for_a_day_during_an_outage, no_code_or_password_is_sent_without_document_and_keys}` |
//! | provider key rotation in mid-login | `providers::conformance::id_tokens::a_key_that_is_rotated_in_mid_login_is_fetched_once_and_found`, `providers::conformance::faults::cached_documents_are_used_for_a_day_during_an_outage` (keys that are too old) |
//! | DynamoDB throttling, 500, time-out | `faults::dynamodb::*`, `faults::flows::*`; `store` suite `any_server_error_may_be_retried` |
//! | TransactionConflict, failed condition | `faults::dynamodb::*` (`Conflict`; above all `a_submit_that_meets_its_own_commit_waits_for_it`), `faults::flows::*` (`Conflict`), `faults::races::*`; `store` suite `a_commit_that_would_duplicate_an_account_writes_nothing`, `store::writes::tests::a_cancelled_transaction_says_what_was_lost` |
//! | crash or time-out before or after each single write | `faults::flows::*` (`CrashBefore`, `CrashAfter`, `SilenceAfter`); `store` suite `a_call_that_the_sdk_repeats_gets_the_same_answer` |
//! | two first logins at once, same subject or same e-mail | `faults::races::{first_logins_of_one_account_at_once_make_one_user, first_logins_with_one_email_at_once_make_one_user}` |
//! | items past `expires_at` still readable | `faults::clocks::what_is_past_its_time_is_absent`; `store` suite `a_session_is_absent_for_another_token_or_after_expiry` |
//! | client secret rotated in mid-flight | `providers::conformance::secrets::*`; `aws::secrets::tests::{a_forced_read_replaces_the_cached_value, the_last_value_is_used_for_a_day_during_an_outage, a_read_without_an_answer_ends_with_the_requests_time}` |
//! | our signing-key rotation | `faults::rotation::*`; `tokens::keys::tests::{keys_are_published_before_and_after_they_sign, instances_a_day_apart_verify_each_others_tokens, a_session_keeps_its_first_key_on_every_instance}` |
//! | function time-out or crash in mid-step | `faults::flows::*` (`CrashBefore`, `CrashAfter`), `flows::journey::a_function_that_died_does_not_strand_its_user`, `flows::redirect::a_callback_that_dies_halfway_leaves_a_working_session`; `store` suite `a_turn_is_locked_once_until_the_lock_expires` |
//! | API Gateway delivers twice | `faults::races::an_event_delivered_to_two_instances_is_done_once`, `attacks::journeys::{two_identical_submits_at_once_send_one_password, a_repeat_after_a_lost_answer_sends_no_password}`, `attacks::halves::resumes_at_the_same_time_make_one_user`, `attacks::issuer::a_code_redeemed_twice_at_once_gives_tokens_once` |
//! | freeze for hours, clock jumps | `faults::clocks::{a_function_frozen_for_hours_dials_anew, a_clock_that_jumps_back_locks_no_user_out}`; `web::edge::tests::a_request_has_its_functions_time_up_to_the_gateways_timeout`; `egress::breaker::tests::a_clock_set_back_does_not_keep_the_circuit_open` |
//! | clock skew 60 s / 5 min | `faults::clocks::{a_providers_clock_a_minute_off_signs_users_in, a_providers_clock_five_minutes_off_is_refused}` |
//! | e-mail or SMS service fails | `faults::codes::*` (generic answer, the question stands, the code before stays good, no guess is counted), `faults::flows::a_password_and_codes_survive_every_fault` |
//! | burst of cold starts | `faults::provider::a_burst_of_first_logins_fetches_discovery_and_keys_once`; `providers::oidc::tests::a_burst_of_first_logins_fetches_once`, `aws::secrets::tests::concurrent_requests_read_a_secret_once`, `issuer` deployed `each_instance_reads_each_secret_once` |
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

use std::fs;
use std::path::Path;

mod client;
mod clocks;
mod codes;
mod dynamodb;
mod flows;
mod invariants;
mod map;
mod provider;
mod races;
mod rotation;
mod sweep;
mod time;

/// The text of all Rust files below a folder.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.file_name().and_then(|name| name.to_str()) {
            Some("target" | "node_modules") => String::new(),
            Some(name) if !name.starts_with('.') && path.is_dir() => sources(&path),
            Some(name) if name.ends_with(".rs") => fs::read_to_string(path).unwrap(),
            _ => String::new(),
        })
        .collect()
}

#[test]
fn every_test_that_the_list_names_exists() {
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
    let rows = include_str!("main.rs").lines().filter(|line| line.starts_with("//! |"));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let last = quoted.filter_map(|path| path.rsplit("::").next());
    let names = last.flat_map(|last| last.trim_matches(['{', '}']).split(", "));
    let tests = names.filter(|name| name.matches('_').count() > 1);

    let missing: Vec<&str> = tests.filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "in the list above, name these tests as they are called now: {missing:#?}");
}
