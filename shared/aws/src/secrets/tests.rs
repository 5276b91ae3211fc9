mod fake;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::{ClientAddress, FixedClock};
use listener::Log;
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use self::fake::{Fake, Mode};
use super::*;

const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(30);

/// A fake Secrets Manager with one secret, and its client.
struct Bench {
    fake: Fake,
    source: Arc<SecretsManager>,
    clock: Arc<FixedClock>,
}

impl Bench {
    async fn start() -> Self {
        let fake = Fake::start().await;
        fake.store(Some("canary-1"));
        let source = Arc::new(SecretsManager::new(fake.client(), "landfall/".to_owned()));
        Self { fake, source, clock: Arc::new(FixedClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap())) }
    }

    fn cx(&self, budget: Duration) -> RequestContext {
        RequestContext::new("req".parse().unwrap(), self.clock.clone(), budget, ClientAddress::default(), None)
    }

    async fn get(&self) -> Result<String, SecretError> {
        self.get_within(LATER).await
    }

    async fn get_within(&self, budget: Duration) -> Result<String, SecretError> {
        exposed(self.source.get(&self.cx(budget), &name()).await)
    }

    async fn reread(&self) -> Result<String, SecretError> {
        exposed(self.source.reread(&self.cx(LATER), &name()).await)
    }

    /// The results of this many concurrent requests.
    async fn burst(&self, size: usize, forced: bool) -> Vec<Result<String, SecretError>> {
        let mut requests = JoinSet::new();
        for _ in 0..size {
            let (source, cx) = (Arc::clone(&self.source), self.cx(LATER));
            requests.spawn(async move {
                exposed(if forced { source.reread(&cx, &name()).await } else { source.get(&cx, &name()).await })
            });
        }
        requests.join_all().await
    }
}

fn name() -> SecretName {
    SecretName::connector("acme")
}

fn exposed(secret: Result<SecretString, SecretError>) -> Result<String, SecretError> {
    secret.map(|secret| secret.expose_secret().to_owned())
}

fn value(text: &str) -> Result<String, SecretError> {
    Ok(text.to_owned())
}

fn unavailable() -> Result<String, SecretError> {
    Err(SecretError::Unavailable(name()))
}

fn unknown() -> Result<String, SecretError> {
    Err(SecretError::Unknown(name()))
}

#[tokio::test]
async fn a_read_is_counted_in_its_request() {
    let bench = Bench::start().await;
    let cx = bench.cx(LATER);
    for _ in 0..2 {
        bench.source.get(&cx, &name()).await.unwrap();
    }
    assert_eq!(cx.counts().secrets_reads, 1);
}

#[tokio::test]
async fn concurrent_requests_read_a_secret_once() {
    let bench = Bench::start().await;
    assert_eq!(bench.burst(16, false).await, vec![value("canary-1"); 16]);
    assert_eq!(bench.fake.calls(), ["landfall/connectors/acme"]);

    bench.fake.store(Some("canary-2"));
    bench.clock.advance(SecretsManager::MAX_AGE);
    assert_eq!(bench.burst(16, false).await, vec![value("canary-2"); 16]);
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn concurrent_requests_share_one_failed_read() {
    let bench = Bench::start().await;
    bench.fake.set(Mode::Down);
    assert_eq!(bench.burst(16, false).await, vec![unavailable(); 16]);
    assert_eq!(bench.fake.calls().len(), 1);
    bench.fake.set(Mode::Up);
    bench.fake.store(None);
    assert_eq!(bench.burst(16, false).await, vec![unknown(); 16]);
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn a_rotated_secret_is_used_after_the_maximum_age() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    bench.clock.advance(SecretsManager::MAX_AGE - TimeDelta::seconds(1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 1));
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-2"), 2));
    // If the clock is set back, the value counts as old.
    bench.clock.advance(TimeDelta::hours(-1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-2"), 3));
}

#[tokio::test]
async fn the_last_value_is_used_for_a_day_during_an_outage() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.set(Mode::Down);
    bench.clock.advance(SecretsManager::MAX_AGE);
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 2));
    // Not every request reads again.
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 2));
    bench.clock.advance(cached::RETRY_PAUSE);
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 3));

    bench.clock.advance(SecretsManager::MAX_AGE_WHILE_DOWN - SecretsManager::MAX_AGE - cached::RETRY_PAUSE * 2);
    assert_eq!(bench.get().await, value("canary-1"));
    bench.clock.advance(cached::RETRY_PAUSE);
    assert_eq!(bench.get().await, unavailable());
    assert_eq!(bench.reread().await, unavailable());
    assert_eq!(bench.get().await, unavailable());

    bench.fake.set(Mode::Up);
    assert_eq!(bench.get().await, value("canary-1"));
}

#[tokio::test]
async fn a_read_without_an_answer_ends_with_the_requests_time() {
    let bench = Bench::start().await;
    bench.fake.set(Mode::Silent);
    assert_eq!(bench.get_within(SOON).await, unavailable());
    // A request that waits for another's read has its own time limit.
    tokio::select! {
        biased;
        _ = bench.get() => panic!("the fake does not answer"),
        waiting = bench.get_within(SOON) => assert_eq!(waiting, unavailable()),
    }
    // A request with more time than the other then reads itself.
    let hurried = async {
        assert_eq!(bench.get_within(SOON).await, unavailable());
        bench.fake.set(Mode::Up);
    };
    assert_eq!(tokio::join!(hurried, bench.get()).1, value("canary-1"));

    // With a value to fall back on, only a quarter of the time is used.
    bench.fake.set(Mode::Silent);
    bench.clock.advance(SecretsManager::MAX_AGE);
    let fallen_back = tokio::time::timeout(SOON * 3, bench.get_within(SOON * 4)).await;
    assert_eq!(fallen_back.unwrap(), value("canary-1"));
}

#[tokio::test]
async fn a_forced_read_replaces_the_cached_value() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    assert_eq!(bench.get().await, value("canary-1"));
    assert_eq!(bench.burst(16, true).await, vec![value("canary-2"); 16]);
    assert_eq!(bench.get().await, value("canary-2"));
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn forced_reads_of_a_wrong_secret_are_limited() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    for (mode, calls) in [(Mode::Up, 2), (Mode::Down, 3), (Mode::Up, 4)] {
        bench.fake.set(mode);
        for _ in 0..10 {
            assert_eq!(bench.reread().await, value("canary-1"));
        }
        assert_eq!(bench.fake.calls().len(), calls);
        bench.clock.advance(cached::RETRY_PAUSE);
    }
    // The limit is per secret.
    let other = SecretName::connector("other");
    assert_eq!(exposed(bench.source.reread(&bench.cx(LATER), &other).await), value("canary-1"));
    assert_eq!(bench.fake.calls().last().map(String::as_str), Some("landfall/connectors/other"));
}

#[tokio::test]
async fn absence_is_not_cached_and_a_deleted_secret_not_used() {
    let bench = Bench::start().await;
    bench.fake.store(None);
    assert_eq!(bench.get().await, unknown());
    bench.fake.store(Some("canary-1"));
    assert_eq!(bench.get().await, value("canary-1"));
    for gone in [Mode::Up, Mode::Deleted] {
        bench.fake.store(Some("canary-1"));
        bench.clock.advance(SecretsManager::MAX_AGE);
        assert_eq!(bench.get().await, value("canary-1"));
        bench.fake.set(gone);
        bench.fake.store(None);
        bench.clock.advance(SecretsManager::MAX_AGE);
        assert_eq!(bench.get().await, unknown());
        assert_eq!(bench.reread().await, unknown());
        // Also not if Secrets Manager is down afterwards.
        bench.fake.set(Mode::Down);
        assert_eq!(bench.get().await, unavailable());
        bench.fake.set(Mode::Up);
    }
}

#[tokio::test]
async fn an_administrator_reads_the_stored_value_or_the_reason() {
    let bench = Bench::start().await;
    let fetch = async || bench.source.fetch(&bench.cx(LATER), &name()).await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    assert_eq!(fetch().await.unwrap().unwrap().expose_secret(), "canary-2");
    bench.fake.store(None);
    assert!(fetch().await.unwrap().is_none());
    bench.fake.set(Mode::Down);
    let error = fetch().await.unwrap_err().to_string();
    assert_eq!(error, "landfall/connectors/acme cannot be read: InternalServiceError: no");
}

#[tokio::test]
async fn a_call_is_logged_with_awss_error_code() {
    let (bench, log) = (Bench::start().await, Log::default());
    let _listening = log.listen();
    for (mode, budget, outcome) in [
        (Mode::Up, LATER, "ok"),
        (Mode::Down, LATER, "InternalServiceError"),
        (Mode::Deleted, LATER, "InvalidRequestException"),
        (Mode::Silent, SOON, "timeout"),
    ] {
        bench.fake.set(mode);
        bench.clock.advance(SecretsManager::MAX_AGE);
        let _ = bench.get_within(budget).await;
        let text = log.take();
        assert!(text.contains(&format!(r#""outcome":"{outcome}""#)), "{mode:?}: {text}");
    }
}

#[tokio::test]
async fn debug_prints_no_secret() {
    let bench = Bench::start().await;
    let secret = bench.source.get(&bench.cx(LATER), &name()).await;
    bench.fake.set(Mode::Down);
    bench.clock.advance(SecretsManager::MAX_AGE_WHILE_DOWN);
    let error = bench.get().await;
    let printed = format!("{:?} {:?} {secret:?} {error:?}", bench.source, bench.source.cache);
    assert!(!printed.contains("canary"), "{printed}");
}
