//! A Keycloak as the subject of a test that knows no provider.

use std::sync::Arc;

use axum::Router;
use domain::{Factor, Method};
use serde_json::{Value, json};

use super::{Client, DirectGrantFlow, Keycloak, Realm, Requirement, User};
use crate::core::{
    Algorithm, Endpoint, Misbehaviour, OldKey, Person, Registration, Simulator, Standing, Subject, TokenRequest,
};

/// How it is made.
pub const SIMULATOR: Simulator = Simulator {
    provider: "keycloak",
    methods: &[Method::Oidc, Method::Password, Method::Totp],
    endpoints: &Endpoint::ALL,
    is_silent: true,
    checks_redirect_uris: true,
    make: |path, clock, entropy| Arc::new(Keycloak::new(clock, entropy).relative_path(path).realm(Realm::new(REALM))),
};

/// The realm of applications and users that name none.
const REALM: &str = "demo";

impl Keycloak {
    /// Changes the realm of such applications and users.
    fn change_demo(&self, change: impl FnOnce(Realm) -> Realm) {
        let mut state = self.state();
        let realm = state.realms.remove(REALM).unwrap_or_else(|| Realm::new(REALM));
        state.realms.insert(REALM.into(), change(realm));
    }
}

impl Subject for Keycloak {
    fn settings(&self, origin: &str) -> Vec<(&'static str, Value)> {
        vec![("url", json!(format!("{origin}{}", self.state().relative_path))), ("realm", json!(REALM))]
    }

    fn issuer(&self, origin: &str) -> String {
        format!("{origin}{}/realms/{REALM}", self.state().relative_path)
    }

    fn router(&self) -> Router {
        self.server.router()
    }

    fn register(&self, method: Method, application: Registration) {
        let client = Client::from(application);
        let client = if method == Method::Totp { client.checks_codes() } else { client };
        self.change_demo(|realm| realm.client(client));
    }

    fn enrol(&self, person: Person) {
        self.change_demo(|realm| realm.user(User::from(person)));
    }

    fn give_factors(&self, username: &str, factors: &[(Factor, &str)]) {
        let app = factors.iter().find(|(factor, _)| *factor == Factor::Totp);
        let change = |user: User| match app {
            Some((_, seed)) => user.totp(seed),
            None => user.without_totp(),
        };
        // A user who does not exist has no factors.
        let _changed = self.change_user(REALM, username, change);
    }

    fn subject(&self, username: &str) -> Option<String> {
        self.subject_in(REALM, username)
    }

    fn rotate_key(&self, old: OldKey) {
        self.change_demo(|mut realm| {
            realm.keys.rotate(old);
            realm
        });
    }

    fn sign_with(&self, algorithm: Algorithm) {
        self.change_demo(|mut realm| {
            realm.keys.sign_with(algorithm);
            realm
        });
    }

    fn misbehave_at(&self, endpoint: Endpoint, how: Option<Misbehaviour>) {
        self.state().book.misbehave_at(endpoint, how);
    }

    fn calls(&self, endpoint: Endpoint) -> usize {
        self.state().book.calls(endpoint)
    }

    fn received(&self) -> Vec<TokenRequest> {
        self.state().book.requests()
    }
}

impl From<Registration> for Client {
    /// A client that may send browsers and passwords.
    fn from(application: Registration) -> Self {
        let Registration { id, secret, key, redirect_uri, pkce_required, claims_in_id_token, signed_userinfo } =
            application;
        let client = match (&secret, key) {
            (Some(secret), _) => Self::confidential(&id, secret),
            (None, Some(key)) => Self::signed_with(&id, key),
            (None, None) => Self::public(&id),
        };
        let client = client.redirect_uri(&redirect_uri).direct_grants(true).pkce_required(pkce_required);
        client.claims_in_id_token(claims_in_id_token).signed_userinfo(signed_userinfo)
    }
}

impl Client {
    /// The same with a direct grant that takes a name and a code, and says so.
    pub fn checks_codes(self) -> Self {
        let flow = DirectGrantFlow::username_otp(Requirement::Required).otp_reference("otp");
        self.direct_grants(true).direct_grant_flow(flow).amr_mapper(true)
    }
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        let Person { username, password, email, name, factors, standing } = person;
        let mut user = Self::new(&username).password(&password);
        user = user.locked(standing == Standing::Locked).enabled(standing != Standing::Disabled);
        if standing == Standing::PasswordExpired {
            user = user.required_action("UPDATE_PASSWORD");
        }
        if let Some(app) = factors.iter().find(|enrolled| enrolled.factor == Factor::Totp) {
            user = user.totp(&app.to);
        }
        if let Some((address, verified)) = email {
            user = user.email(&address, verified);
        }
        if let Some((given, family)) = name {
            user = user.name(&given, &family);
        }
        user
    }
}
