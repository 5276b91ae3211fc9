//! Faults, and how each ends: the rows of the list of faults, each with the tests that hold it. `faults` is this target,
//! `flows` and `attacks` are its neighbours; the rest are the crates' own. What may happen to a call: `landfall_tests::proxy`.
//!
//! | fault | held by |
//! |---|---|
//! | provider: connect or read time-out, half-open connection, blackhole, byte-a-second body | `faults::flows::*` (`Refused`, `Silence`), `faults::provider::a_provider_that_never_answers_is_left_alone`, `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `egress::client::tests::{a_peer_that_never_answers_costs_what_the_request_has_left, a_body_that_never_ends_costs_what_the_request_has_left, nothing_is_sent_where_nobody_listens}`, `providers::conformance::faults::a_token_endpoint_that_never_answers_costs_what_the_request_has_left` |
//! | provider 429 with Retry-After (seconds, date, absurd) | `faults::flows::*` (`Throttled`), `flows::journey::a_throttling_provider_says_when_to_come_back`; `providers::answers::tests::a_wait_is_capped_and_nonsense_is_none`, `providers::conformance::faults::whatever_becomes_of_it_a_code_is_exchanged_once` |
//! | provider 5xx | `faults::flows::*` (`ServerError`), `faults::provider::what_is_only_read_is_asked_for_once_more`, `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `providers::cx::tests::*`, `providers::conformance::faults::{a_provider_that_errs_again_and_again_is_asked_again_and_again, whatever_becomes_of_it_a_code_is_exchanged_once}` |
//! | connection reset after the code or password was sent | `faults::flows::*` (`CutAfter`, `Twice`, and `invariants::check_calls` after each); `providers::conformance::faults::a_connection_that_breaks_once_the_code_is_sent_is_not_tried_again`, `egress::client::tests::a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown` |
//! | 200 with HTML, truncated JSON, wrong content type | `attacks::oidc::a_token_endpoint_that_fails_is_asked_once`; `providers::conformance::faults::whatever_becomes_of_it_a_code_is_exchanged_once`, `providers::answers::tests::a_page_or_half_a_document_is_a_fault_and_an_ambiguous_one_is_refused` |
//! | discovery or key endpoint down | `faults::flows::*` (the calls of a cold start), `flows::redirect::a_provider_that_is_away_is_an_outcome`; `providers::oidc::tests::documents_serve_on_for_a_day_while_the_provider_does_not_give_them`, `providers::conformance::faults::{what_is_known_serves_on_while_discovery_is_down, keys_that_cannot_be_had_leave_the_code_unsent}` |
//! | provider key rotation in mid-login | `providers::conformance::id_tokens::a_key_that_is_rotated_in_mid_login_is_fetched_once_and_found`, `providers::oidc::tests::{a_rotated_key_is_fetched_once_and_found, a_key_that_was_removed_is_refused_once_keys_are_too_old}` |
//! | DynamoDB throttling, 500, time-out | `faults::dynamodb::*`, `faults::flows::*`; `store` suite `a_fault_on_their_side_may_be_tried_again_whatever_it_is_called` |
//! | TransactionConflict, failed condition | `faults::dynamodb::*` (`Conflict`; above all `a_submit_that_meets_its_own_commit_waits_for_it`), `faults::flows::*` (`Conflict`), `faults::races::*`; `store` suite `an_account_and_an_identifier_are_one_users_and_a_lost_commit_writes_nothing`, `store::writes::tests::a_cancelled_transaction_says_what_was_lost` |
//! | crash or time-out before or after each single write | `faults::flows::*` (`CrashBefore`, `CrashAfter`, `SilenceAfter`); `store` suite `a_call_whose_answer_was_lost_and_that_the_sdk_repeats_is_answered_as_the_first` |
//! | two first logins at once, same subject or same e-mail | `faults::races::{first_logins_of_one_account_at_once_make_one_user, first_logins_with_one_email_at_once_make_one_user}` |
//! | items past `expires_at` still readable | `faults::clocks::what_is_past_its_time_is_absent`; `store` suite `a_session_is_absent_for_another_token_and_after_its_time_though_the_item_is_there` |
//! | client secret rotated in mid-flight | `providers::conformance::secrets::*`; `aws::secrets::tests::{a_forced_read_replaces_what_is_kept, the_last_good_value_serves_while_secrets_manager_is_down_and_then_closes, a_silent_secrets_manager_costs_a_request_no_more_than_it_has}` |
//! | our signing-key rotation | `faults::rotation::*`; `tokens::keys::tests::{a_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token_has_expired, an_instance_that_has_not_looked_for_a_day_verifies_what_others_sign_and_is_verified, a_session_is_kept_by_the_key_it_began_with_on_every_instance}` |
//! | function time-out or crash in mid-step | `faults::flows::*` (`CrashBefore`, `CrashAfter`), `flows::journey::a_function_that_died_does_not_strand_its_user`, `flows::redirect::a_callback_that_dies_halfway_leaves_a_working_session`; `store` suite `a_turn_is_locked_by_one_and_by_the_next_when_the_lock_has_lapsed` |
//! | API Gateway delivers twice | `faults::races::an_event_delivered_to_two_instances_is_done_once`, `attacks::journeys::{two_identical_submits_at_once_send_one_password, a_repeat_after_a_lost_answer_sends_no_password}`, `attacks::halves::resumes_at_the_same_time_make_one_user`, `attacks::issuer::a_code_redeemed_twice_at_once_gives_tokens_once` |
//! | freeze for hours, clock jumps | `faults::clocks::{a_function_frozen_for_hours_dials_anew, a_clock_that_jumps_back_locks_no_user_out}`; `web::edge::tests::a_request_has_what_its_function_has_as_far_as_anybody_waits`; `egress::breaker::tests::a_clock_that_goes_back_does_not_close_a_host_for_ever` |
//! | clock skew 60 s / 5 min | `faults::clocks::{a_providers_clock_a_minute_off_signs_users_in, a_providers_clock_five_minutes_off_is_refused}` |
//! | e-mail or SMS service fails | `faults::codes::*` (generic answer, the question stands, the code before stays good, no guess is counted), `faults::flows::a_password_and_codes_survive_every_fault` |
//! | burst of cold starts | `faults::provider::a_burst_of_first_logins_fetches_discovery_and_keys_once`; `providers::oidc::tests::a_burst_of_first_logins_fetches_once`, `aws::secrets::tests::a_burst_of_requests_reads_a_secret_once`, `issuer` deployed `each_instance_reads_each_secret_once_however_many_requests_it_serves` |
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

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
