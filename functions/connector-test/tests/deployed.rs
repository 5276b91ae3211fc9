//! The binary as it is deployed.

#[tokio::test]
async fn whatever_the_environment_says_nobody_on_this_machine_is_called() {
    landfall_tests::deployed::calls_nothing_on_this_machine(env!("CARGO_BIN_EXE_connector-test"), "connector-test")
        .await;
}
