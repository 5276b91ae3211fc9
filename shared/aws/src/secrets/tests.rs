mod fake;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::{ClientAddress, FixedClock};
use listener::Log;
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use self::fake::{Fake, Mood};
use super::*;

const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(30);

/// A Secrets Manager that holds one secret, and the source over it.
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

    /// What so many requests at once are told.
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
async fn a_read_counts_for_the_request_that_made_it() {
    let bench = Bench::start().await;
    let cx = bench.cx(LATER);
    for _ in 0..2 {
        bench.source.get(&cx, &name()).await.unwrap();
    }
    assert_eq!(cx.counts().secrets_reads, 1);
}

#[tokio::test]
async fn a_burst_of_requests_reads_a_secret_once() {
    let bench = Bench::start().await;
    assert_eq!(bench.burst(16, false).await, vec![value("canary-1"); 16]);
    assert_eq!(bench.fake.calls(), ["landfall/connectors/acme"]);

    bench.fake.store(Some("canary-2"));
    bench.clock.advance(SecretsManager::MAX_AGE);
    assert_eq!(bench.burst(16, false).await, vec![value("canary-2"); 16]);
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn a_burst_fails_once_too() {
    let bench = Bench::start().await;
    bench.fake.set(Mood::Down);
    assert_eq!(bench.burst(16, false).await, vec![unavailable(); 16]);
    assert_eq!(bench.fake.calls().len(), 1);
    bench.fake.set(Mood::Up);
    bench.fake.store(None);
    assert_eq!(bench.burst(16, false).await, vec![unknown(); 16]);
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn a_rotated_secret_is_in_use_after_its_age() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    bench.clock.advance(SecretsManager::MAX_AGE - TimeDelta::seconds(1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 1));
    bench.clock.advance(TimeDelta::seconds(1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-2"), 2));
    // A clock that goes back makes it old.
    bench.clock.advance(TimeDelta::hours(-1));
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-2"), 3));
}

#[tokio::test]
async fn the_last_good_value_serves_while_secrets_manager_is_down_and_then_closes() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.set(Mood::Down);
    bench.clock.advance(SecretsManager::MAX_AGE);
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 2));
    // Not asked again by every request.
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 2));
    bench.clock.advance(cached::REST);
    assert_eq!((bench.get().await, bench.fake.calls().len()), (value("canary-1"), 3));

    bench.clock.advance(SecretsManager::MAX_AGE_WHILE_DOWN - SecretsManager::MAX_AGE - cached::REST * 2);
    assert_eq!(bench.get().await, value("canary-1"));
    bench.clock.advance(cached::REST);
    assert_eq!(bench.get().await, unavailable());
    assert_eq!(bench.reread().await, unavailable());
    assert_eq!(bench.get().await, unavailable());

    bench.fake.set(Mood::Up);
    assert_eq!(bench.get().await, value("canary-1"));
}

#[tokio::test]
async fn a_silent_secrets_manager_costs_a_request_no_more_than_it_has() {
    let bench = Bench::start().await;
    bench.fake.set(Mood::Silent);
    assert_eq!(bench.get_within(SOON).await, unavailable());
    // Whoever waits for another's read has their own time.
    tokio::select! {
        biased;
        _ = bench.get() => panic!("nobody answers"),
        waiting = bench.get_within(SOON) => assert_eq!(waiting, unavailable()),
    }
    // And whoever has more of it than the other reads for themselves.
    let hurried = async {
        assert_eq!(bench.get_within(SOON).await, unavailable());
        bench.fake.set(Mood::Up);
    };
    assert_eq!(tokio::join!(hurried, bench.get()).1, value("canary-1"));

    // With something to fall back on, a quarter of the time is enough.
    bench.fake.set(Mood::Silent);
    bench.clock.advance(SecretsManager::MAX_AGE);
    let fallen_back = tokio::time::timeout(SOON * 3, bench.get_within(SOON * 4)).await;
    assert_eq!(fallen_back.unwrap(), value("canary-1"));
}

#[tokio::test]
async fn a_forced_read_replaces_what_is_kept() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    assert_eq!(bench.get().await, value("canary-1"));
    assert_eq!(bench.burst(16, true).await, vec![value("canary-2"); 16]);
    assert_eq!(bench.get().await, value("canary-2"));
    assert_eq!(bench.fake.calls().len(), 2);
}

#[tokio::test]
async fn a_wrong_secret_costs_one_forced_read_in_a_while_whatever_comes_of_it() {
    let bench = Bench::start().await;
    assert_eq!(bench.get().await, value("canary-1"));
    for (mood, calls) in [(Mood::Up, 2), (Mood::Down, 3), (Mood::Up, 4)] {
        bench.fake.set(mood);
        for _ in 0..10 {
            assert_eq!(bench.reread().await, value("canary-1"));
        }
        assert_eq!(bench.fake.calls().len(), calls);
        bench.clock.advance(cached::REST);
    }
    // Another secret is another matter.
    let other = SecretName::connector("other");
    assert_eq!(exposed(bench.source.reread(&bench.cx(LATER), &other).await), value("canary-1"));
    assert_eq!(bench.fake.calls().last().map(String::as_str), Some("landfall/connectors/other"));
}

#[tokio::test]
async fn absence_is_not_kept_and_a_deleted_secret_is_not_used() {
    let bench = Bench::start().await;
    bench.fake.store(None);
    assert_eq!(bench.get().await, unknown());
    bench.fake.store(Some("canary-1"));
    assert_eq!(bench.get().await, value("canary-1"));
    for gone in [Mood::Up, Mood::Deleted] {
        bench.fake.store(Some("canary-1"));
        bench.clock.advance(SecretsManager::MAX_AGE);
        assert_eq!(bench.get().await, value("canary-1"));
        bench.fake.set(gone);
        bench.fake.store(None);
        bench.clock.advance(SecretsManager::MAX_AGE);
        assert_eq!(bench.get().await, unknown());
        assert_eq!(bench.reread().await, unknown());
        // Nor when Secrets Manager is down afterwards.
        bench.fake.set(Mood::Down);
        assert_eq!(bench.get().await, unavailable());
        bench.fake.set(Mood::Up);
    }
}

#[tokio::test]
async fn what_an_administrator_reads_is_there_now_or_the_reason_is_told() {
    let bench = Bench::start().await;
    let fetch = async || bench.source.fetch(&bench.cx(LATER), &name()).await;
    assert_eq!(bench.get().await, value("canary-1"));
    bench.fake.store(Some("canary-2"));
    assert_eq!(fetch().await.unwrap().unwrap().expose_secret(), "canary-2");
    bench.fake.store(None);
    assert!(fetch().await.unwrap().is_none());
    bench.fake.set(Mood::Down);
    let error = fetch().await.unwrap_err().to_string();
    assert_eq!(error, "landfall/connectors/acme cannot be read: InternalServiceError: no");
}

#[tokio::test]
async fn a_call_is_logged_with_awss_name_for_what_went_wrong() {
    let (bench, log) = (Bench::start().await, Log::default());
    let _listening = log.listen();
    for (mood, budget, outcome) in [
        (Mood::Up, LATER, "ok"),
        (Mood::Down, LATER, "InternalServiceError"),
        (Mood::Deleted, LATER, "InvalidRequestException"),
        (Mood::Silent, SOON, "timeout"),
    ] {
        bench.fake.set(mood);
        bench.clock.advance(SecretsManager::MAX_AGE);
        let _ = bench.get_within(budget).await;
        let text = log.take();
        assert!(text.contains(&format!(r#""outcome":"{outcome}""#)), "{mood:?}: {text}");
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let bench = Bench::start().await;
    let secret = bench.source.get(&bench.cx(LATER), &name()).await;
    bench.fake.set(Mood::Down);
    bench.clock.advance(SecretsManager::MAX_AGE_WHILE_DOWN);
    let error = bench.get().await;
    let printed = format!("{:?} {:?} {secret:?} {error:?}", bench.source, bench.source.kept);
    assert!(!printed.contains("canary"), "{printed}");
}
