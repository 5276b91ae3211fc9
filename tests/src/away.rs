//! Logins at the provider's own page.

use landfall::demo::PASSWORD;
use simulators::{Browser, Return};

use crate::{Answer, Login, TestApp, TestSession};

/// A session whose browser is away at the provider.
#[derive(Debug, Clone)]
pub struct Away {
    /// The session, as the client that started it holds it.
    pub session: TestSession,
    /// Where the browser goes.
    pub url: String,
}

impl Away {
    /// Starts the journey that begins at the provider's own page.
    pub async fn new(app: &TestApp) -> Self {
        Self::through(app, &app.redirect_journey()).await
    }

    /// Starts another journey that begins with a redirect.
    pub async fn through(app: &TestApp, journey: &str) -> Self {
        let start = app.try_start(journey, &TestApp::start_body()).await.expect(201);
        Self::after(&TestSession::of(&start.body), &start)
    }

    /// A session whose step has sent the browser away.
    pub fn after(session: &TestSession, answer: &Answer) -> Self {
        Self { session: session.after(answer), url: answer.redirect_url().to_owned() }
    }

    /// What the browser brings back once Ada has logged in at the provider.
    pub async fn back(&self) -> Return {
        self.back_as("ada").await
    }

    /// The same, of another user with the demo's password.
    pub async fn back_as(&self, username: &str) -> Return {
        Browser::default().come_back(&self.url, username, PASSWORD).await
    }

    /// Brings back Ada's login: what the browser then carries to the application.
    pub async fn resume(&self, app: &TestApp) -> String {
        app.arrive(&self.back().await).await.carried().1
    }

    /// Goes on with what the browser has brought back, whatever comes of it.
    pub async fn go_on(&self, app: &TestApp, back: &Return) -> Answer {
        let (_, resume) = app.arrive(back).await.carried();
        self.session.resume(app, &resume).await
    }

    /// Signs Ada in.
    pub async fn log_in(&self, app: &TestApp) -> Login {
        let answer = self.go_on(app, &self.back().await).await.expect(200);
        Login::of(&self.session, &answer)
    }

    /// A parameter of the address the browser goes to.
    pub fn parameter(&self, name: &str) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        let found = url.query_pairs().find(|(parameter, _)| parameter == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_else(|| panic!("no {name} in {url}"))
    }
}
