//! The browser login: password, second factor, required action, consent, and the way back to the client with a code.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};

use super::authorize::AuthorizationRequest;
use super::code::Code;
use super::pages::{self, Page};
use super::visit::Visit;
use super::{State, User};
use crate::core::signer;
use crate::core::wire::{self, Reply};

/// "Login timeout" of a fresh realm.
const TIMEOUT: TimeDelta = TimeDelta::minutes(30);
/// "SSO Session Idle" of a fresh realm.
const IDLE: TimeDelta = TimeDelta::minutes(30);
/// The cookie that signs a browser in.
const IDENTITY: &str = "KEYCLOAK_IDENTITY";

const WRONG_CREDENTIALS: &str = "Invalid username or password.";
const WRONG_OTP: &str = "Invalid authenticator code.";
const DISABLED: &str = "Account is disabled, contact your administrator.";
const OVER: &str = "An error occurred, please login again through your application.";

/// A login, by its `sid`: who is signed in, and since when.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) realm: String,
    pub(super) username: String,
    /// When the password was given.
    pub(super) authenticated: DateTime<Utc>,
    used: DateTime<Utc>,
    /// The cookie that stands for it; a direct grant has none.
    cookie: Option<String>,
}

impl Session {
    /// A session that begins now, without a browser.
    pub(super) fn new(realm: &str, username: &str, now: DateTime<Utc>) -> Self {
        Self { realm: realm.into(), username: username.into(), authenticated: now, used: now, cookie: None }
    }
}

/// A form that waits for its answer, by its session code. Each is good for one answer.
#[derive(Debug)]
pub(super) struct Form {
    realm: String,
    request: AuthorizationRequest,
    step: Step,
    shown: DateTime<Utc>,
}

/// What a form asks for.
#[derive(Debug)]
enum Step {
    /// Username and password.
    Password,
    /// The code of this user's second factor.
    Otp(String),
    /// The user's consent.
    Consent(Proof),
}

/// Who was proven to sit there.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) username: String,
    pub(super) authenticated: DateTime<Utc>,
    /// The session that the browser was signed in with already; otherwise something was asked.
    pub(super) session: Option<String>,
}

/// The session that the browser's cookie stands for; that of a user who is gone or disabled ends here.
pub(super) fn signed_in(state: &mut State, visit: &Visit<'_>) -> Option<(String, Session)> {
    let cookie = wire::cookie(visit.call.headers, IDENTITY)?;
    let same = |session: &Session| session.realm == visit.realm.name && session.cookie.as_deref() == Some(cookie);
    let (sid, session) = state.sessions.iter().find(|(_, session)| same(session))?;
    let (sid, session) = (sid.clone(), session.clone());
    let user = visit.realm.users.get(&session.username).filter(|user| user.enabled);
    if user.is_none() || visit.call.now - session.used >= IDLE {
        state.sessions.remove(&sid);
        return None;
    }
    Some((sid, session))
}

/// Whether this user would be asked for anything but a password.
pub(super) fn asks_anything(visit: &Visit<'_>, request: &AuthorizationRequest, username: &str) -> bool {
    let user = visit.realm.users.get(username);
    user.is_none_or(|user| visit.realm.pending_action(user).is_some()) || visit.asks_consent(request)
}

/// Shows the first form.
pub(super) fn begin(state: &mut State, visit: &Visit<'_>, request: AuthorizationRequest) -> Reply {
    let hint = request.login_hint.clone().unwrap_or_default();
    ask(state, visit, request, Step::Password, |action| pages::login(action, &hint, None))
}

/// Shows a page with a form, whose action it is given.
fn ask(
    state: &mut State,
    visit: &Visit<'_>,
    request: AuthorizationRequest,
    step: Step,
    page: impl FnOnce(&str) -> Page,
) -> Reply {
    let code = visit.random::<32>();
    let page = page(&format!("{}/login-actions/authenticate?session_code={code}", visit.issuer));
    let form = Form { realm: visit.realm.name.clone(), request, step, shown: visit.call.now };
    state.forms.insert(code, form);
    visit.page(StatusCode::OK, &page)
}

/// Answers a form.
pub(super) fn answer(state: &mut State, visit: &Visit<'_>) -> Reply {
    let code = visit.call.query.text("session_code").unwrap_or_default();
    let form = state.forms.remove(&code);
    let form = form.filter(|form| form.realm == visit.realm.name && visit.call.now - form.shown < TIMEOUT);
    let Some(Form { request, step, .. }) = form else { return visit.error_page(StatusCode::BAD_REQUEST, OVER) };
    match step {
        Step::Password => check_password(state, visit, request),
        Step::Otp(username) => check_otp(state, visit, request, username),
        // The form of a consent carries a code, which the real server does not look at.
        Step::Consent(_) if visit.call.form.bytes("cancel").is_some() => {
            visit.refuse(&state.book, &request.target, "access_denied", None)
        }
        Step::Consent(proof) => finish(state, visit, request, proof),
    }
}

fn check_password(state: &mut State, visit: &Visit<'_>, request: AuthorizationRequest) -> Reply {
    let typed = visit.call.form.text("username").unwrap_or_default();
    let error = match proven(state, visit, typed.trim()) {
        Some(user) if user.enabled => {
            let username = user.username.clone();
            if user.totp.is_none() {
                return advance(state, visit, request, Proof::now(visit, username));
            }
            return ask(state, visit, request, Step::Otp(username.clone()), |action| {
                pages::otp(action, &username, None)
            });
        }
        Some(_) => DISABLED,
        None => WRONG_CREDENTIALS,
    };
    ask(state, visit, request, Step::Password, |action| pages::login(action, &typed, Some(error)))
}

/// The user of that name, if the password is theirs. A locked user has no right one.
fn proven<'a>(state: &mut State, visit: &'a Visit<'_>, username: &str) -> Option<&'a User> {
    let user = visit.realm.find_user(username)?;
    let realm = state.realms.get_mut(&visit.realm.name)?;
    realm.check_password(&user.username, visit.call.form.bytes("password"), visit.call.now).then_some(user)
}

fn check_otp(state: &mut State, visit: &Visit<'_>, request: AuthorizationRequest, username: String) -> Reply {
    let code = visit.call.form.bytes("otp");
    let realm = state.realms.get_mut(&visit.realm.name);
    if realm.is_some_and(|realm| realm.check_totp(&username, code, visit.call.now)) {
        return advance(state, visit, request, Proof::now(visit, username));
    }
    ask(state, visit, request, Step::Otp(username.clone()), |action| pages::otp(action, &username, Some(WRONG_OTP)))
}

impl Proof {
    fn now(visit: &Visit<'_>, username: String) -> Self {
        Self { username, authenticated: visit.call.now, session: None }
    }
}

/// Takes the user as far as it goes: to the next page, or back to the client. What a required action asks for is not
/// simulated.
pub(super) fn advance(state: &mut State, visit: &Visit<'_>, request: AuthorizationRequest, proof: Proof) -> Reply {
    let user = visit.realm.users.get(&proof.username);
    if let Some(action) = user.and_then(|user| visit.realm.pending_action(user)) {
        return visit.page(StatusCode::OK, &pages::required_action(action));
    }
    if !visit.asks_consent(&request) {
        return finish(state, visit, request, proof);
    }
    let (client, scopes) = (request.client.clone(), request.scopes.clone());
    ask(state, visit, request, Step::Consent(proof), |action| pages::consent(action, &client, &scopes))
}

/// Signs the user in and sends them back to the client with a code.
fn finish(state: &mut State, visit: &Visit<'_>, request: AuthorizationRequest, proof: Proof) -> Reply {
    let (now, Proof { username, authenticated, session }) = (visit.call.now, proof);
    if let Some(realm) = state.realms.get_mut(&visit.realm.name) {
        realm.forget_failures(&username);
    }
    let by_session = session.is_some();
    let sid = session.unwrap_or_else(|| visit.random::<18>());
    let new = || Session::new(&visit.realm.name, &username, now);
    let session = state.sessions.entry(sid.clone()).or_insert_with(new);
    session.used = now;
    let cookie = session.cookie.get_or_insert_with(|| visit.random::<64>());
    let cookie = format!("{IDENTITY}={cookie};Version=1;Path={}/;HttpOnly;SameSite=Lax", visit.path());

    // A code of three parts: itself, the session, the client.
    let uuid = || signer::uuid(visit.call.entropy.bytes());
    let code = format!("{}.{sid}.{}", uuid(), uuid());
    let mut fields = Vec::new();
    fields.extend(request.target.state.clone().map(|state| ("state", state)));
    fields.push(("session_state", sid.clone()));
    fields.push(("iss", visit.issuer.clone()));
    fields.push(("code", code.clone()));
    let reply = visit.deliver(&state.book, &request.target, fields).cookies([cookie]);
    state.codes.insert(code, Code { sid, username, request, issued: now, authenticated, by_session });
    reply
}

#[cfg(test)]
mod tests;
