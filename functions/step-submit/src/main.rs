//! The Lambda function.

use aws::Reach;
use connectors::Connectors;
use journeys::Journeys;
use providers::Registry;
use web::App;

/// The addresses that connectors may reach. Addresses of this machine only with `cargo lambda watch --features local`.
const REACH: Reach = if cfg!(feature = "local") { Reach::Local } else { Reach::Public };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    web::logs::init_deployed(std::io::stdout, env!("CARGO_PKG_NAME"));
    let base = aws::start(step_submit::KEYS, REACH).await?; // once per cold start
    let connectors = Connectors::new(&base, Registry::default())?;
    let journeys = Journeys::new(&base, connectors.into(), steps::TYPES);
    web::serve(App::new(&base, journeys), step_submit::routes()).await
}
