//! The Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    web::logs::init(std::io::stdout);
    let app = aws::app_from_env().await?; // once per cold start
    web::serve(app, connector_test::routes()).await
}
