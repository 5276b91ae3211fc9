//! Browsers on their way to a login: what Keycloak calls authentication sessions, with one tab for every request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};

use super::authorize::AuthorizationRequest;
use super::pages::Notice;
use super::visit::Visit;
use super::{State, cookies};
use crate::core::signer;

/// "Login timeout" of a fresh realm.
const TIMEOUT: TimeDelta = TimeDelta::minutes(30);

/// A browser that is logging in, by the id that its session will have.
#[derive(Debug)]
pub(super) struct AuthSession {
    realm: String,
    cookie: String,
    tabs: BTreeMap<String, Tab>,
    since: DateTime<Utc>,
}

/// One authorization request that waits for a login.
#[derive(Debug, Clone)]
pub(super) struct Tab {
    pub(super) request: AuthorizationRequest,
    /// Changes with every form, so that each is good for one answer.
    pub(super) session_code: String,
    pub(super) step: Step,
    /// Said once, on the next page.
    pub(super) notice: Option<Notice>,
    /// Who is signed in already and only has to prove it once more.
    pub(super) returning: Option<String>,
}

/// What a tab waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Username and password.
    Password,
    /// The code of this user's second factor.
    Otp(String),
    /// Something the user has to do first, by its name.
    Action(Proof, String),
    /// The user's consent.
    Consent(Proof),
}

/// Who was proven to sit there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) username: String,
    pub(super) authenticated: DateTime<Utc>,
    /// Nothing was asked: the browser was signed in already.
    pub(super) by_session: bool,
}

/// A tab of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) browser: String,
    pub(super) tab: String,
}

impl Step {
    /// The name under which the step's form is answered.
    pub(super) fn execution(&self, visit: &Visit<'_>) -> String {
        let id = |step| signer::uuid(signer::derive(&["keycloak-execution", &visit.realm.name, step]));
        match self {
            Self::Password => id("auth-username-password-form"),
            Self::Otp(_) => id("auth-otp-form"),
            Self::Action(_, name) => name.clone(),
            Self::Consent(_) => "OAUTH_GRANT".to_owned(),
        }
    }
}

impl Place {
    /// The address of the tab's present step.
    pub(super) fn address(&self, visit: &Visit<'_>, tab: &Tab) -> String {
        let action = if matches!(tab.step, Step::Password | Step::Otp(_)) { "authenticate" } else { "required-action" };
        visit.action(action, &[("execution", tab.step.execution(visit))], self, &tab.request)
    }
}

/// Opens a tab: in the session the browser is signed in with, in the login it is at already, or in a new one.
pub(super) fn open(
    state: &mut State,
    visit: &Visit<'_>,
    signed_in: Option<&str>,
    request: AuthorizationRequest,
) -> Place {
    let now = visit.call.now;
    state.browsers.retain(|_, browser| now - browser.since < TIMEOUT);
    let known = known(state, visit).map(|(id, _)| id.clone());
    let id = signed_in.map(str::to_owned).or(known).unwrap_or_else(|| visit.random::<18>());

    let browser = state.browsers.entry(id.clone()).or_insert_with(|| AuthSession {
        realm: visit.realm.name.clone(),
        cookie: URL_SAFE_NO_PAD.encode(format!("{id}.{}", visit.random::<64>())),
        tabs: BTreeMap::new(),
        since: now,
    });
    let tab = visit.random::<8>();
    let session_code = visit.random::<32>();
    browser
        .tabs
        .insert(tab.clone(), Tab { request, session_code, step: Step::Password, notice: None, returning: None });
    Place { browser: id, tab }
}

/// The cookies that a login at `place` needs.
pub(super) fn cookies(state: &mut State, visit: &Visit<'_>, place: &Place) -> Vec<String> {
    let Some(browser) = state.browsers.get(&place.browser) else { return Vec::new() };
    let mut set = Vec::new();
    if cookies::AUTH_SESSION.get(visit) != Some(&browser.cookie) {
        set.push(cookies::AUTH_SESSION.set(visit, &browser.cookie));
        set.push(cookies::AUTH_SESSION_HASH.set(visit, &STANDARD.encode(signer::sha384(&place.browser))));
    }
    if let Some(tab) = browser.tabs.get(&place.tab) {
        let restart = visit.random::<48>();
        set.push(cookies::RESTART.set(visit, &restart));
        state.restarts.insert(restart, (visit.realm.name.clone(), tab.request.clone()));
    }
    set
}

/// The request with which a lost login begins anew.
pub(super) fn restart(state: &State, visit: &Visit<'_>) -> Option<AuthorizationRequest> {
    let (realm, request) = state.restarts.get(cookies::RESTART.get(visit)?)?;
    (*realm == visit.realm.name).then(|| request.clone())
}

/// The tab that an address names, if it is one of this browser's.
pub(super) fn find(state: &State, visit: &Visit<'_>) -> Option<Place> {
    let (id, browser) = known(state, visit)?;
    let query = &visit.call.query;
    let name = query.text("tab_id")?;
    let tab = browser.tabs.get(&name)?;
    (query.text("client_id").as_deref() == Some(&tab.request.client)).then(|| Place { browser: id.clone(), tab: name })
}

/// A tab, to change it.
pub(super) fn tab<'a>(state: &'a mut State, place: &Place) -> Option<&'a mut Tab> {
    state.browsers.get_mut(&place.browser)?.tabs.get_mut(&place.tab)
}

/// Puts a tab that was changed in its place.
pub(super) fn replace(state: &mut State, place: &Place, changed: Tab) {
    if let Some(tab) = tab(state, place) {
        *tab = changed;
    }
}

/// Closes a tab, and the login with its last one. What it was for comes back.
pub(super) fn close(state: &mut State, place: &Place) -> Option<AuthorizationRequest> {
    let browser = state.browsers.get_mut(&place.browser)?;
    let closed = browser.tabs.remove(&place.tab);
    if browser.tabs.is_empty() {
        state.browsers.remove(&place.browser);
    }
    closed.map(|tab| tab.request)
}

fn known<'a>(state: &'a State, visit: &Visit<'_>) -> Option<(&'a String, &'a AuthSession)> {
    let cookie = cookies::AUTH_SESSION.get(visit)?;
    let ours = |browser: &AuthSession| browser.realm == visit.realm.name && browser.cookie == cookie;
    state.browsers.iter().find(|(_, browser)| ours(browser) && visit.call.now - browser.since < TIMEOUT)
}
