//! The Lambda.

use aws::Reach;

/// Where connectors may lead. This machine's own addresses are for `cargo lambda watch --features local`.
const REACH: Reach = if cfg!(feature = "local") { Reach::Local } else { Reach::Public };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    web::logs::init_deployed(std::io::stdout, env!("CARGO_PKG_NAME"));
    let app = aws::app_from_env(steps::TYPES, journey_start::KEYS, REACH).await?; // once per cold start
    web::serve(app, journey_start::routes()).await
}
