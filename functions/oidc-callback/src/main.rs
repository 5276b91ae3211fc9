//! The Lambda function.

use std::sync::Arc;

use aws::Reach;
use connectors::Connectors;
use providers::Registry;
use web::App;

/// The addresses that connectors may reach. Addresses of this machine only with `cargo lambda watch --features local`.
const REACH: Reach = if cfg!(feature = "local") { Reach::Local } else { Reach::Public };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    web::logs::init_deployed(std::io::stdout, env!("CARGO_PKG_NAME"));
    let base = aws::start(oidc_callback::KEYS, REACH).await?; // once per cold start
    let connectors = Arc::new(Connectors::new(&base, Registry::default())?);
    web::serve(App::new(&base, oidc_callback::service(&base, &connectors)), oidc_callback::routes()).await
}
