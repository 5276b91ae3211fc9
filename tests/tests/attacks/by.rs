//! The ways to sign in: what a provider's token endpoint answers is taken no more lightly by one of them.

use domain::Method;
use landfall::demo::{EMAIL, PASSWORD, SECRET};
use landfall_tests::{Answer, Away, ISSUER, PLAIN, SEED, Setup, TestApp, data, key};
use simulators::Registration;

use crate::away::{Before, is_refused, told_none};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// At the page of the demo's provider.
    Redirect,
    /// At the page of a textbook provider.
    PlainRedirect,
    Password,
    AppCode,
}

/// Who has the app: a password alone signs Ada in.
const GRACE: &str = "grace@example.org";

/// The demo's connector by all of its methods.
pub(crate) fn three_ways(setup: &mut Setup) {
    setup.take_app_codes();
    setup.keycloak().change_user("demo", "ada", |ada| ada.without_totp()).unwrap();
}

impl By {
    pub(crate) const ALL: [Self; 4] = [Self::Redirect, Self::PlainRedirect, Self::Password, Self::AppCode];
    /// Those in which no browser goes anywhere.
    pub(crate) const DIRECT: [Self; 2] = [Self::Password, Self::AppCode];

    /// Whether a browser is sent to the provider.
    pub(crate) fn redirects(self) -> bool {
        !Self::DIRECT.contains(&self)
    }

    /// An app whose users may sign in so.
    pub(crate) async fn app(self) -> TestApp {
        self.app_with(|_| {}).await
    }

    /// The same with something else about it.
    pub(crate) async fn app_with(self, change: fn(&mut Setup)) -> TestApp {
        match self {
            Self::PlainRedirect => TestApp::over(&PLAIN, change).await,
            _ => {
                TestApp::with(|setup| {
                    three_ways(setup);
                    change(setup);
                })
                .await
            }
        }
    }

    /// Has ID tokens say nothing of a user, so that userinfo is asked, which answers signed or not.
    pub(crate) fn thin(self, app: &TestApp, signed: bool) {
        let (method, id, secret) = match self {
            Self::AppCode => (Method::Totp, "landfall-otp", landfall_tests::APP_CODE_SECRET),
            _ => (Method::Oidc, "landfall", SECRET),
        };
        let callback = providers::callback_url(ISSUER, &app.connector.parse().unwrap());
        let client = Registration::confidential(id, secret, &callback).claims_in_id_token(false);
        app.subject.register(method, client.signed_userinfo(signed));
    }

    /// What comes of it, in the end.
    pub(crate) async fn sign_in(self, app: &TestApp) -> Answer {
        match self {
            Self::Redirect | Self::PlainRedirect => {
                let away = Away::new(app).await;
                away.go_on(app, &away.back().await).await
            }
            Self::Password => {
                app.start("migrate-from-keycloak").await.submit(app, &key(1), &data(EMAIL, PASSWORD)).await
            }
            Self::AppCode => {
                // An app that was set up anew has used no code yet.
                app.keycloak().change_user("demo", "grace", |grace| grace.totp(SEED)).unwrap();
                app.start("app-code-from-keycloak").await.submit_app_code(app, GRACE, &app.app_code()).await
            }
        }
    }

    /// Fails unless what the provider answers is refused for this reason: the session ends without a login. One line
    ///  of the log says why, and no text of the provider's or secret is anywhere.
    pub(crate) async fn is_refused(self, app: &TestApp, reason: &str) {
        if self.redirects() {
            let away = Away::new(app).await;
            return is_refused(app, &away, &away.back().await, reason).await;
        }
        let before = Before::look(app).await;
        let answer = self.sign_in(app).await;
        before.refused(app, &answer, reason).await;
        told_none(app, &[PASSWORD.to_owned(), app.app_code(), GRACE.to_owned()], &[&answer]);
    }

    /// Fails unless it signs its user in now, as the only one: what was refused before was not merely broken.
    pub(crate) async fn signs_in(self, app: &TestApp) {
        let answer = self.sign_in(app).await;
        let code = answer.body["completion"]["code"].as_str();
        let code = code.unwrap_or_else(|| panic!("no code in {:#}", answer.body));
        assert_eq!(app.id_token(code).await["email"], if self == Self::AppCode { GRACE } else { EMAIL });
        assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    }
}
