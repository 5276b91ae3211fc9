//! Sessions whose browser is away at the provider, and what it brings back.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, Browser, Return, TestApp, TestSession};

use crate::witness::{calls, directory, ended};

/// Signs in by redirect at the demo's provider, and does nothing else.
pub(crate) const JOURNEY: &str = "sign-in-with-keycloak";

/// A session that waits for its redirect.
pub(crate) struct Away {
    /// The session, as whoever started it holds it.
    pub(crate) session: TestSession,
    /// Where the browser goes.
    pub(crate) url: String,
}

impl Away {
    /// Starts the journey that does nothing else.
    pub(crate) async fn new(app: &TestApp) -> Self {
        Self::through(app, &app.redirect_journey()).await
    }

    /// Starts a journey that begins with a redirect.
    pub(crate) async fn through(app: &TestApp, journey: &str) -> Self {
        let start = app.try_start(journey, &TestApp::start_body()).await.expect(201);
        Self { session: TestSession::of(&start.body), url: start.redirect_url().to_owned() }
    }

    /// What the browser brings back once Ada has logged in at the provider.
    pub(crate) async fn back(&self) -> Return {
        Browser::default().come_back(&self.url, "ada", PASSWORD).await
    }

    /// Brings that to us: what the browser then carries to the application.
    pub(crate) async fn resume(&self, app: &TestApp) -> String {
        app.arrive(&self.back().await).await.carried().1
    }

    /// A parameter of the address the browser goes to.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        let found = url.query_pairs().find(|(parameter, _)| parameter == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_else(|| panic!("no {name} in {url}"))
    }

    /// Fails unless what the browser brings back is taken, and refused for this reason: once the session goes on with it,
    /// it ends and nobody is signed in. One line of the log says why, and no text of the provider's or secret is anywhere.
    pub(crate) async fn signs_nobody_in(&self, app: &TestApp, back: &Return, reason: &str) {
        let (before, failed) = (directory(app).await, app.events("login_failed").len());

        let arrived = app.arrive(back).await;
        let (session, resume) = arrived.carried();
        assert_eq!(session, self.session.id);
        let resumed = self.session.resume(app, &resume).await;

        ended(app, &resumed, "identity_refused");
        assert_eq!(directory(app).await, before);
        let failures = app.events("login_failed").split_off(failed);
        let reasons: Vec<_> = failures.iter().map(|line| line["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, [format!("an answer of the provider was refused at {reason}")]);
        told_nothing(app, back, &[&arrived, &resumed]);
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
    let texts = ["attacker.example", "somebody-else", "<script", "eyJ", EMAIL, "Lovelace"].map(str::to_owned);
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
