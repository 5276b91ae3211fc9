//! `step-submit` as a company deploys it that has compiled in a provider which panics.

use std::error::Error;

use landfall_tests::falling::FALLING;
use providers::Registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    web::logs::init_deployed(std::io::stdout, "falling");
    let registry = Registry::default().and(FALLING);
    let app = aws::app_from_env_with(registry, steps::TYPES, step_submit::KEYS, aws::Reach::Public).await?;
    web::serve(app, step_submit::routes()).await
}
