//! The Lambda function.

use aws::Reach;
use web::App;

/// With `cargo lambda watch --features local`, the issuer may be an address of this machine.
const REACH: Reach = if cfg!(feature = "local") { Reach::Local } else { Reach::Public };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    web::logs::init_deployed(std::io::stdout, env!("CARGO_PKG_NAME"));
    let base = aws::start(issuer::KEYS, REACH).await?; // once per cold start
    web::serve(App::new(&base, issuer::service(&base)), issuer::routes()).await
}
