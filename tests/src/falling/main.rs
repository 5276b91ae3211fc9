//! `step-submit` as a company deploys it that has compiled in a provider which panics.

use std::error::Error;

use connectors::Connectors;
use journeys::Journeys;
use landfall_tests::falling::FALLING;
use providers::Registry;
use web::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    web::logs::init_deployed(std::io::stdout, "falling");
    let base = aws::start(step_submit::KEYS, aws::Reach::Public).await?;
    let connectors = Connectors::new(&base, Registry::default().and(FALLING))?;
    let journeys = Journeys::new(&base, connectors.into(), steps::TYPES);
    web::serve(App::new(&base, journeys), step_submit::routes()).await
}
