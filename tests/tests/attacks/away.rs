//! Sessions whose browser is away at the provider, and what it brings back.

use std::collections::BTreeMap;

use landfall::demo::EMAIL;
use landfall_tests::witness::{calls, directory, ended};
use landfall_tests::{Answer, Away, Return, TestApp};
use serde_json::Value;

/// Fails unless what the browser brings back is taken, and refused for this reason: once the session goes on with it, it
/// ends without a login. One line of the log says why, and no text of the provider's or secret is anywhere.
pub(crate) async fn is_refused(app: &TestApp, away: &Away, back: &Return, reason: &str) {
    let before = Before::look(app).await;

    let arrived = app.arrive(back).await;
    let (session, resume) = arrived.carried();
    assert_eq!(session, away.session.id);
    let resumed = away.session.resume(app, &resume).await;

    before.refused(app, &resumed, reason).await;
    told_nothing(app, back, &[&arrived, &resumed]);
}

/// What there was before an answer of the provider's was refused.
pub(crate) struct Before {
    directory: BTreeMap<String, Value>,
    failed: usize,
}

impl Before {
    pub(crate) async fn look(app: &TestApp) -> Self {
        Self { directory: directory(app).await, failed: app.events("login_failed").len() }
    }

    /// Fails unless the session has ended for this reason, in one line of the log, and no user was written.
    pub(crate) async fn refused(self, app: &TestApp, answer: &Answer, reason: &str) {
        ended(app, answer, "identity_refused");
        assert_eq!(directory(app).await, self.directory);
        let failures = app.events("login_failed").split_off(self.failed);
        let reasons: Vec<_> = failures.iter().map(|line| line["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, [format!("an answer of the provider was refused at {reason}")]);
    }
}

/// Fails if an answer, or the log, has anything in it of what the provider or the browser said.
pub(crate) fn told_nothing(app: &TestApp, back: &Return, answers: &[&Answer]) {
    let said = back.parameters().into_iter().filter(|(name, _)| matches!(name.as_str(), "code" | "state"));
    let secrets: Vec<String> = said.map(|(_, value)| value.rsplit('.').next().unwrap_or_default().to_owned()).collect();
    told_none(app, &secrets, answers);
}

/// Fails if an answer, or the log, has any of `secrets` in it, or anything that the provider says.
pub(crate) fn told_none(app: &TestApp, secrets: &[String], answers: &[&Answer]) {
    let logs = app.logs();
    // `eyJ` is how every JWT starts; the others are what the simulator says when it lies, and whom it knows.
    let texts = ["attacker.example", "wrong-party", "<script", "eyJ", EMAIL, "Lovelace"].map(str::to_owned);
    for secret in secrets.iter().chain(&texts).filter(|text| !text.is_empty()) {
        assert!(!logs.contains(secret.as_str()), "{secret} is in the log");
        for answer in answers {
            assert!(!answer.text.contains(secret.as_str()), "{secret} is in {}", answer.text);
            assert!(!answer.header("location").contains(secret.as_str()), "{secret} is in {answer:?}");
        }
    }
}

/// How often a provider's token endpoint was called.
pub(crate) fn token_calls(app: &TestApp) -> usize {
    calls(app)[2]
}

/// Ways to write a state that is not the one that went out.
pub(crate) fn tampered(state: &str) -> Vec<String> {
    let (id, secret) = state.split_once('.').unwrap();
    let mut all: Vec<String> =
        ["", ".", "..", " ", "null", "ses_", id, secret, "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "SESSION#x.y", "%00"]
            .map(str::to_owned)
            .into();
    all.extend([
        format!("{id}."),
        format!(".{secret}"),
        format!("{secret}.{id}"),
        format!("{id}.{id}"),
        format!("{id}{secret}"),
        format!("{id}:{secret}"),
        format!("{id}..{secret}"),
        format!("{state}."),
        format!("{state}.{secret}"),
        format!("{state}="),
        format!("{state}A"),
        format!("{state}\0"),
        format!("{state} "),
        format!(" {state}"),
        format!("{}.{secret}", id.to_lowercase()),
        format!("{}.{secret}", id.to_uppercase()),
        format!("{id}.{}", secret.to_lowercase()),
        format!("{id}.{}", "A".repeat(secret.len())),
        format!("{id}.{}", &secret[1..]),
        format!("{id}.{}", &secret[..secret.len() - 1]),
        format!("keycloak {state}"),
        "x".repeat(10_000),
    ]);
    // Another letter in each place. In the last one, some change no bit of what is encoded: the text counts.
    all.extend((4..state.len()).map(|at| {
        let other = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &state[..at], &state[at + 1..])
    }));
    all
}
