use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::{ClientAddress, FixedClock, SeededEntropy};

use super::*;
use crate::Lifetimes;

#[derive(Debug)]
struct FakeSecrets(Mutex<BTreeMap<String, SecretString>>);

#[async_trait]
impl SecretSource for FakeSecrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.0.lock().unwrap().get(name.as_str()).cloned().ok_or_else(|| SecretError::Unknown(name.clone()))
    }
}

impl FakeSecrets {
    fn generated(seed: u64) -> Self {
        let keys = Keys::generate(start(), &SeededEntropy::new(seed)).unwrap();
        Self(Mutex::new(keys.into_iter().map(|(name, value)| (name.to_string(), value)).collect()))
    }

    fn rotate(&self, kind: KeyKind, now: DateTime<Utc>, seed: u64) -> Result<DateTime<Utc>, KeyError> {
        let mut stored_keys = self.0.lock().unwrap();
        let stored = stored_keys.get_mut(kind.secret().as_str()).unwrap();
        let mut ring = Ring::read(kind, stored)?;
        let from = ring.rotate(kind, now, &SeededEntropy::new(seed))?;
        *stored = ring.to_secret()?;
        Ok(from)
    }

    fn put(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.into());
    }
}

fn start() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn cx() -> RequestContext {
    at(start())
}

fn at(now: DateTime<Utc>) -> RequestContext {
    let clock = Arc::new(FixedClock::at(now));
    RequestContext::new("req".parse().unwrap(), clock, Duration::from_secs(1), ClientAddress::default(), None)
}

async fn load(secrets: &FakeSecrets) -> Result<Keys, KeyError> {
    Keys::load(&cx(), secrets, KeyKind::ALL).await
}

fn published(keys: &Keys, now: DateTime<Utc>) -> Vec<String> {
    keys.public(now).unwrap().keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
}

fn signs(keys: &Keys, now: DateTime<Utc>) -> String {
    keys.signing(now).unwrap().kid.clone()
}

#[tokio::test]
async fn generated_keys_load_and_publish_only_their_public_half() {
    let keys = load(&FakeSecrets::generated(1)).await.unwrap();
    let jwk = serde_json::to_value(keys.public(start()).unwrap()).unwrap()["keys"][0].clone();
    let members: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    let kid = signs(&keys, start());
    assert_eq!((&jwk["alg"], &jwk["use"], &jwk["kid"]), (&"ES256".into(), &"sig".into(), &kid.into()));
}

#[tokio::test]
async fn each_key_has_its_own_constant_id() {
    let kid = async |seed| signs(&load(&FakeSecrets::generated(seed)).await.unwrap(), start());
    assert_eq!(kid(1).await, kid(1).await);
    assert_ne!(kid(1).await, kid(2).await);
}

#[tokio::test]
async fn the_error_names_a_missing_or_invalid_key() {
    let ring = |key: &str| format!(r#"{{ "keys": [ {{ "from": "2026-01-02T03:04:05Z", "key": "{key}" }} ] }}"#);
    for (name, value) in [
        ("keys/signing", ring("no PEM")),
        ("keys/session", ring("c2hvcnQ")),
        ("keys/session", "c2hvcnQ".to_owned()),
        ("keys/session", r#"{ "keys": [] }"#.to_owned()),
    ] {
        let secrets = FakeSecrets::generated(1);
        secrets.put(name, &value);
        assert_eq!(
            load(&secrets).await.unwrap_err().to_string(),
            format!("secret {name} does not contain valid keys of its kind")
        );
        secrets.0.lock().unwrap().remove(name);
        assert_eq!(load(&secrets).await.unwrap_err().to_string(), format!("there is no secret {name}"));
    }
}

#[tokio::test]
async fn a_process_loads_only_the_kinds_it_uses() {
    let secrets = FakeSecrets::generated(1);
    secrets.0.lock().unwrap().remove("keys/signing");
    let keys = Keys::load(&cx(), &secrets, &[KeyKind::Session]).await.unwrap();
    let session = SessionId::generate(start(), &SeededEntropy::new(1));

    assert!(keys.session(&session).is_ok());
    assert!(matches!(keys.public(start()), Err(KeyError::Unused(_))));
    assert!(matches!(keys.signing(start()), Err(KeyError::Unused(_))));
}

#[tokio::test]
async fn keys_are_published_before_and_after_they_sign() {
    let (secrets, second) = (FakeSecrets::generated(1), TimeDelta::seconds(1));
    let keys = load(&secrets).await.unwrap();
    let old = signs(&keys, start());

    let from = secrets.rotate(KeyKind::Signing, start(), 2).unwrap();
    keys.refresh(&cx(), &secrets).await.unwrap();
    let both = published(&keys, start());
    let new = both[1].clone();
    assert_eq!((both[0].clone(), both.len()), (old.clone(), 2));
    assert_eq!(
        (signs(&keys, start()), signs(&keys, from - second), signs(&keys, from)),
        (old.clone(), old, new.clone())
    );

    let last_token = from - second + Lifetimes::default().id_token.max(Lifetimes::default().access_token);
    assert_eq!(published(&keys, last_token).len(), 2);
    assert_eq!(published(&keys, from + Ring::<()>::KEPT), [new]);
}

#[tokio::test]
async fn instances_a_day_apart_verify_each_others_tokens() {
    let secrets = FakeSecrets::generated(1);
    let stale = load(&secrets).await.unwrap();
    let from = secrets.rotate(KeyKind::Signing, start(), 2).unwrap();
    let fresh = load(&secrets).await.unwrap();

    // While the stale instance may use its keys, each publishes the key with which the other signs.
    let mut now = start();
    while now < start() + TimeDelta::hours(24) {
        assert!(published(&fresh, now).contains(&signs(&stale, now)), "{now}");
        assert!(published(&stale, now).contains(&signs(&fresh, now)), "{now}");
        now += TimeDelta::minutes(30);
    }
    assert!(now < from);
}

#[tokio::test]
async fn a_session_keeps_its_first_key_on_every_instance() {
    let secrets = FakeSecrets::generated(1);
    let before = SessionId::generate(start() + TimeDelta::hours(24), &SeededEntropy::new(1));
    let of = |keys: &Keys, session: &SessionId| {
        keys.session(session).unwrap().derivation.state(session, 1).hash_at(&"keycloak".parse().unwrap())
    };
    let stale = load(&secrets).await.unwrap();
    let state = of(&stale, &before);

    let from = secrets.rotate(KeyKind::Session, start(), 2).unwrap();
    let fresh = load(&secrets).await.unwrap();
    assert!(of(&fresh, &before) == state);
    let after = SessionId::generate(from, &SeededEntropy::new(1));
    assert!(of(&fresh, &after) != of(&stale, &after));

    // After another rotation, the session still has its first key.
    secrets.rotate(KeyKind::Session, from, 3).unwrap();
    assert!(of(&load(&secrets).await.unwrap(), &before) == state);
}

#[tokio::test]
async fn a_second_rotation_waits_and_drops_expired_keys() {
    let secrets = FakeSecrets::generated(1);
    let from = secrets.rotate(KeyKind::Signing, start(), 2).unwrap();
    let again = secrets.rotate(KeyKind::Signing, from - TimeDelta::seconds(1), 3);
    assert_eq!(
        again.unwrap_err().to_string(),
        format!("a new key is already announced, and becomes active at {from}: rotate again after that")
    );

    let later = from + Ring::<()>::KEPT;
    secrets.rotate(KeyKind::Signing, later, 3).unwrap();
    let stored = secrets.0.lock().unwrap()["keys/signing"].expose_secret().matches("BEGIN PRIVATE KEY").count();
    assert_eq!(stored, 2);
}

#[tokio::test]
async fn damaged_keys_do_not_stop_a_running_process() {
    let secrets = FakeSecrets::generated(1);
    let keys = load(&secrets).await.unwrap();
    let kid = signs(&keys, start());
    secrets.put("keys/signing", "{}");

    keys.refresh(&cx(), &secrets).await.unwrap();
    assert_eq!(signs(&keys, start()), kid);
    assert!(load(&secrets).await.is_err());
}

#[tokio::test]
async fn a_process_uses_lost_keys_for_a_day_and_retries() {
    for damaged in [None, Some("{}")] {
        let secrets = FakeSecrets::generated(1);
        let keys = load(&secrets).await.unwrap();
        let good = secrets.0.lock().unwrap().remove("keys/signing").unwrap();
        let session = secrets.0.lock().unwrap()["keys/session"].clone();
        if let Some(text) = damaged {
            secrets.put("keys/signing", text);
        }
        let refresh = async |after: TimeDelta| keys.refresh(&at(start() + after), &secrets).await;

        refresh(TimeDelta::zero()).await.unwrap();
        secrets.put("keys/signing", good.expose_secret());
        secrets.rotate(KeyKind::Signing, start(), 2).unwrap();
        refresh(TimeDelta::seconds(29)).await.unwrap();
        assert_eq!(published(&keys, start()).len(), 1);
        refresh(TimeDelta::seconds(30)).await.unwrap();
        assert_eq!(published(&keys, start()).len(), 2);

        secrets.0.lock().unwrap().retain(|name, _| name == "keys/session");
        refresh(TimeDelta::hours(24)).await.unwrap();
        assert!(refresh(TimeDelta::hours(24) + TimeDelta::seconds(30)).await.is_err());
        assert_eq!(secrets.0.lock().unwrap()["keys/session"].expose_secret(), session.expose_secret());
    }
}

#[test]
fn a_new_key_is_announced_longer_than_old_ones_are_used() {
    assert!(Keys::MAX_AGE_WHILE_LOST < Ring::<()>::AHEAD);
    assert!(Lifetimes::default().access_token.max(Lifetimes::default().id_token) < Ring::<()>::KEPT);
}

#[test]
fn keys_must_be_in_the_order_of_their_times() {
    let entry = |from: &str| format!(r#"{{ "from": "{from}", "key": "k" }}"#);
    let ring = |first: &str, second: &str| {
        let stored = format!(r#"{{ "keys": [ {}, {} ] }}"#, entry(first), entry(second));
        Ring::read(KeyKind::Session, &stored.into())
    };
    assert!(ring("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").is_ok());
    assert!(ring("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z").is_err());
    assert!(ring("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z").is_err());
}
