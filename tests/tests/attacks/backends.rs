//! Applications with a server, which hold one half of a redirect for each of their browsers: whose half it is, the cookie
//! says that the browser at hand brings. `tests/examples/backend.mjs` is a whole one; this has what the attack is about.

use landfall::demo::EMAIL;
use landfall_tests::TestSession;
use landfall_tests::witness::{Witness, directory};
use landfall_tests::{Away, Login, TestApp};

use crate::away::token_calls;

const GRACE: &str = "grace@example.org";

/// By what a backend finds the login that a browser comes back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finds {
    /// By its own cookie; `session` has to be that login's.
    ByCookie,
    /// By `session`, which an attacker can put into an address.
    BySession,
}

/// A cookie of the backend's.
type Cookie = usize;

struct Backend<'a> {
    app: &'a TestApp,
    finds: Finds,
    /// By cookie: the login, and who has signed in with it.
    kept: Vec<(TestSession, Option<String>)>,
}

/// A browser, as the backend sees it: the cookie it brings.
type Brings = Option<Cookie>;

impl Backend<'_> {
    /// Starts a login for a browser.
    async fn start(&mut self, browser: &mut Brings) -> Away {
        let away = Away::new(self.app).await;
        *browser = Some(self.kept.len());
        self.kept.push((away.session.clone(), None));
        away
    }

    /// A browser is at the redirect URI. Whether its backend takes it for one of a login.
    async fn arrive(&mut self, browser: &mut Brings, (session, resume): &(String, String)) -> bool {
        let found = match self.finds {
            Finds::ByCookie => browser.filter(|cookie| self.kept[*cookie].0.id == *session),
            Finds::BySession => self.kept.iter().position(|(kept, _)| kept.id == *session),
        };
        let Some(cookie) = found else { return false };
        let (kept, user) = &mut self.kept[cookie];
        let login = Login::of(kept, &kept.resume(self.app, resume).await.expect(200));
        *user = self.app.id_token(&login.code).await["email"].as_str().map(str::to_owned);
        *browser = Some(cookie);
        true
    }

    /// Whom the backend takes a browser for.
    fn user(&self, browser: Brings) -> Option<&str> {
        self.kept[browser?].1.as_deref()
    }
}

/// The attacker's half of a login in Ada's browser: she has finished it, who was sent its link; or he has, and sends her
/// the way back.
async fn plant(backend: &mut Backend<'_>, attacker: &mut Brings, ada: &mut Brings, she_finishes: bool) -> bool {
    let away = backend.start(attacker).await;
    let back = away.back_as(if she_finishes { "ada" } else { "grace" }).await;
    let carried = backend.app.arrive(&back).await.carried();
    let witness = Witness::of(backend.app, &[&carried.1]).await;
    let taken = backend.arrive(ada, &carried).await;
    if !taken {
        witness.changed_nothing().await;
    }
    taken
}

#[tokio::test]
async fn a_backend_that_asks_the_cookie_refuses_anothers_half() {
    for she_finishes in [true, false] {
        let app = TestApp::new().await;
        let mut backend = Backend { app: &app, finds: Finds::ByCookie, kept: Vec::new() };
        let (mut attacker, mut ada) = (None, None);

        assert!(!plant(&mut backend, &mut attacker, &mut ada, she_finishes).await);
        // The same while a login of her own waits.
        let away = backend.start(&mut ada).await;
        assert!(!plant(&mut backend, &mut attacker, &mut ada, she_finishes).await);

        assert_eq!((backend.user(attacker), backend.user(ada)), (None, None));
        assert_eq!((directory(&app).await.len(), app.events("session_completed").len()), (0, 0));
        // And hers goes on.
        let carried = app.arrive(&away.back().await).await.carried();
        assert!(backend.arrive(&mut ada, &carried).await);
        assert_eq!((backend.user(attacker), backend.user(ada)), (None, Some(EMAIL)));
        assert_eq!((app.users().await, token_calls(&app)), (1, 3));
    }
}

// What the rule is for: without it, each is in the other's account.
#[tokio::test]
async fn a_backend_that_asks_the_parameter_takes_anothers_half() {
    for (she_finishes, whose) in [(true, EMAIL), (false, GRACE)] {
        let app = TestApp::new().await;
        let mut backend = Backend { app: &app, finds: Finds::BySession, kept: Vec::new() };
        let (mut attacker, mut ada) = (None, None);

        assert!(plant(&mut backend, &mut attacker, &mut ada, she_finishes).await);

        // He is in her account, or she is in his.
        assert_eq!((backend.user(attacker), backend.user(ada)), (Some(whose), Some(whose)));
    }
}
