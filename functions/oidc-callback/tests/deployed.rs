//! Tests of the deployed binary.

#[tokio::test]
async fn no_environment_makes_the_function_call_this_machine() {
    landfall_tests::deployed::calls_nothing_on_this_machine(env!("CARGO_BIN_EXE_oidc-callback"), "oidc-callback").await;
}
