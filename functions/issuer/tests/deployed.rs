//! The binary as it is deployed.

#[tokio::test]
async fn whatever_the_environment_says_nobody_on_this_machine_is_called() {
    landfall_tests::deployed::calls_nothing_on_this_machine(env!("CARGO_BIN_EXE_issuer"), "issuer").await;
}

#[tokio::test]
async fn each_instance_reads_each_secret_once_however_many_requests_it_serves() {
    landfall_tests::deployed::each_instance_reads_each_secret_once(env!("CARGO_BIN_EXE_issuer")).await;
}
