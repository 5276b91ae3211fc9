//! A separate store for each test, and its test data.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AuthorizationRequest, ClientAddress, Clock, FixedClock, Identifier, IdentityKey, LastAnswer, Link, LinkStatus,
    RequestContext, Run, SeededEntropy, Session, SessionId, SessionToken, Status, SubmitKey, User,
};
use serde_json::json;
use store::sessions::TurnAnswer;
use store::tables::EXPIRES_AT;
use store::{CommitError, DirectoryWrite, LockId, Locked, Store, TableNames, TurnLock};
use tokio::net::TcpListener;

/// A separate store and its clock.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) entropy: SeededEntropy,
}

/// Runs a test with its own tables: in an embedded engine or, if `LANDFALL_TEST_DYNAMODB` is set, on that server, which
/// all tests share.
pub(crate) async fn with_store(test: impl AsyncFnOnce(Bench)) {
    if let Some(endpoint) = shared_server() {
        return test(bench_on(&endpoint).await).await;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let bench = bench_at(&listener);
    let engine = dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap());
    tokio::select! {
        () = engine => panic!("the engine ended before the test"),
        () = async { bench.store.create_missing_tables().await.unwrap(); test(bench).await } => {}
    }
}

fn shared_server() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the environment of the test, not of a deployed function")]
    std::env::var("LANDFALL_TEST_DYNAMODB").ok().filter(|endpoint| !endpoint.is_empty())
}

async fn bench_on(endpoint: &str) -> Bench {
    static BENCHES: AtomicU32 = AtomicU32::new(0);
    let own = format!("suite{}x{}", std::process::id(), BENCHES.fetch_add(1, Ordering::Relaxed));
    // Idempotency tokens must be unique per account, and the server treats each access key as an account.
    let client = client(endpoint, &own);
    let bench = bench(client.clone(), &own);
    bench.store.create_missing_tables().await.unwrap();
    // The server uses the system's clock and would delete the test's sessions, which expired long ago by that clock.
    let keep = TimeToLiveSpecification::builder().enabled(false).attribute_name(EXPIRES_AT).build().unwrap();
    let sessions = &bench.store.tables().sessions;
    client.update_time_to_live().table_name(sessions).time_to_live_specification(keep).send().await.unwrap();
    bench
}

pub(crate) fn bench_at(listener: &TcpListener) -> Bench {
    bench(client(&format!("http://{}", listener.local_addr().unwrap()), "local"), "suite")
}

fn client(endpoint: &str, access_key: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .credentials_provider(Credentials::new(access_key, "local", None, None, "local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn bench(client: Client, prefix: &str) -> Bench {
    let store = Store::new(client, TableNames::with_prefix(prefix), Arc::new(SeededEntropy::new(2)));
    let start: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
    Bench { store, clock: Arc::new(FixedClock::at(start)), entropy: SeededEntropy::new(1) }
}

impl Bench {
    pub(crate) fn cx(&self) -> RequestContext {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        RequestContext::new("req".parse().unwrap(), clock, Duration::from_secs(10), ClientAddress::default(), None)
    }

    pub(crate) fn token(&self) -> SessionToken {
        SessionToken::presented("the token in force")
    }

    pub(crate) fn key(&self) -> SubmitKey {
        SubmitKey::try_from("0123456789abcdef0123456789abcdef".to_owned()).unwrap()
    }

    pub(crate) fn session(&self) -> Session {
        let now = self.clock.now();
        Session {
            id: SessionId::generate(now, &self.entropy),
            expires_at: now + TimeDelta::minutes(15),
            status: Status::InputRequired,
            turn: 1,
            step: "ask".parse().unwrap(),
            token: self.token().hash(),
            answered: None,
            code: None,
            revoked: None,
            redirect: None,
            request: AuthorizationRequest {
                client_id: "shop".parse().unwrap(),
                redirect_uri: "https://shop.example/after".into(),
                response_type: None,
                scope: Some("openid".into()),
                nonce: None,
                code_challenge: Some("challenge".into()),
                code_challenge_method: Some("S256".into()),
                login_hint: None,
                idp_hint: None,
                ui_locales: None,
                prompt: None,
                acr_values: None,
            },
            run: Run {
                journey: "login".parse().unwrap(),
                version: 1,
                steps: 0,
                params: BTreeMap::from([("plan".into(), json!("gold"))]),
                values: BTreeMap::new(),
                identities: BTreeMap::new(),
                pending: BTreeMap::new(),
                first_only: None,
                proofs: Vec::new(),
                user: None,
                error: None,
                retry_after: None,
                end_user: None,
            },
        }
    }

    pub(crate) async fn stored(&self) -> Session {
        let session = self.session();
        self.store.create_session(&self.cx(), &session).await.unwrap();
        session
    }

    pub(crate) async fn lock_with(
        &self,
        session: &Session,
        turn: u32,
        token: &SessionToken,
        key: &SubmitKey,
    ) -> TurnLock {
        let answer = TurnAnswer { turn, step: &"ask".parse().unwrap(), token, key };
        self.store.lock_turn(&self.cx(), &session.id, &answer, LockId::generate(&self.entropy)).await.unwrap()
    }

    pub(crate) async fn lock(&self, session: &Session) -> TurnLock {
        self.lock_with(session, 1, &self.token(), &self.key()).await
    }

    pub(crate) async fn taken(&self, session: &Session) -> Locked {
        match self.lock(session).await {
            TurnLock::Taken(locked) => *locked,
            other => panic!("{other:?}"),
        }
    }

    /// The session after its turn was answered.
    pub(crate) fn advanced(&self, session: &Session) -> Session {
        let answered = Some(LastAnswer { token: self.token().hash(), key: self.key().hash() });
        Session { turn: session.turn + 1, answered, ..session.clone() }
    }

    pub(crate) fn user(&self, subject: &str) -> (User, Link) {
        let identity: domain::ExternalIdentity = serde_json::from_value(json!({
            "c": "keycloak", "p": "keycloak", "m": "password", "i": "https://idp.example", "u": subject,
            "d": { "email": "ada@example.org" }, "t": self.clock.now().timestamp(),
        }))
        .unwrap();
        let id = domain::UserId::generate(self.clock.now(), &self.entropy);
        let (key, claims): (IdentityKey, _) = (identity.key(), identity.claims);
        let link = Link {
            key,
            user: id.clone(),
            subject: id.to_string(),
            status: LinkStatus::Active,
            claims: claims.clone(),
            notices: Default::default(),
        };
        let user = User {
            subject: id.to_string(),
            id,
            version: 1,
            claims,
            attributes: serde_json::Map::new(),
            links: Vec::new(),
            created_at: self.clock.now(),
        };
        (user, link)
    }

    /// Commits a new user from a new session.
    pub(crate) async fn provision(&self, user: &User, link: &Link, email: Option<&str>) -> Result<(), CommitError> {
        let session = self.stored().await;
        let locked = self.taken(&session).await;
        let mut writes = vec![DirectoryWrite::CreateUser(user.clone()), DirectoryWrite::CreateLink(link.clone())];
        writes.extend(email.map(|email| DirectoryWrite::ReserveIdentifier {
            identifier: Identifier::email(email).unwrap(),
            user: user.id.clone(),
        }));
        self.store.commit(&self.cx(), &self.advanced(&session), &locked.lock, &writes, 0).await
    }
}
