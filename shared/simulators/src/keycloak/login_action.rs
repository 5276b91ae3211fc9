//! The forms of a login, and what they are answered with.

use axum::http::StatusCode;

use super::auth_session::{self, Place, Proof, Step};
use super::pages::{self, LoginForm, Notice, OtpForm};
use super::visit::Visit;
use super::{State, User, callback, completion, consent, cookies, session};
use crate::core::wire::Reply;

const WRONG_CREDENTIALS: &str = "Invalid username or password.";
const WRONG_OTP: &str = "Invalid authenticator code.";
const NO_COOKIE: &str = "Restart login cookie not found. It may have expired; it may have been deleted or cookies are \
     disabled in your browser. If cookies are disabled then enable them. Click Back to Application to login again.";
const CANNOT_GO_ON: &str = "An error occurred, please login again through your application.";

/// What can be done with a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Authenticate,
    Required,
    Consent,
    Restart,
}

impl Action {
    /// The action at the end of a path.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "authenticate" => Self::Authenticate,
            "required-action" => Self::Required,
            "consent" => Self::Consent,
            "restart" => Self::Restart,
            _ => return None,
        })
    }
}

/// Answers what a browser does with a login.
pub(super) fn answer(state: &mut State, visit: &Visit<'_>, action: Action) -> Reply {
    let client = visit.call.query.text("client_id").and_then(|id| visit.realm.clients.get(&id));
    if client.is_none_or(|client| !client.enabled) {
        return visit.error_page(StatusCode::BAD_REQUEST, CANNOT_GO_ON);
    }
    let Some(place) = auth_session::find(state, visit) else { return recover(state, visit) };
    match action {
        Action::Authenticate => authenticate(state, visit, &place),
        Action::Required => required_action(state, visit, &place),
        Action::Consent => answer_consent(state, visit, &place),
        Action::Restart => restart(state, visit, &place),
    }
}

/// The form of the tab's step, with a new session code.
pub(super) fn show(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    show_again(state, visit, place, FormError::default())
}

/// What was wrong with the last answer.
#[derive(Default)]
struct FormError<'a> {
    typed: Option<&'a str>,
    error: Option<&'static str>,
}

fn show_again(state: &mut State, visit: &Visit<'_>, place: &Place, failure: FormError<'_>) -> Reply {
    let Some(tab) = auth_session::tab(state, place) else {
        return visit.error_page(StatusCode::BAD_REQUEST, CANNOT_GO_ON);
    };
    tab.session_code = visit.random::<32>();
    let notice = tab.notice.take();
    let fields = [("session_code", tab.session_code.clone()), ("execution", tab.step.execution(visit))];
    let action = visit.action("authenticate", &fields, place, &tab.request);
    let again = visit.link("restart", &[("skip_logout", "false".to_owned())], place, &tab.request);
    let page = match &tab.step {
        Step::Password => {
            let hint = tab.request.login_hint.as_deref();
            let username = failure.typed.or(hint).unwrap_or_default();
            let returning = tab.returning.as_deref();
            pages::login(&LoginForm { action, again, username, returning, error: failure.error, notice })
        }
        Step::Otp(username) => pages::otp(&OtpForm { action, again, username, error: failure.error, notice }),
        Step::Action(..) | Step::Consent(_) => return visit.redirect(&place.address(visit, tab)),
    };
    visit.page(StatusCode::OK, &page)
}

fn authenticate(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    let Some(tab) = auth_session::tab(state, place) else { return recover(state, visit) };
    match visit.call.query.text("session_code") {
        None => return show(state, visit, place),
        // The form was left behind by a newer one, in this tab or by going back.
        Some(code) if code != tab.session_code => {
            tab.notice = Some(Notice::ACTION_EXPIRED);
            return visit.redirect(&place.address(visit, tab));
        }
        Some(_) => {}
    }
    if visit.call.query.text("execution") != Some(tab.step.execution(visit)) {
        let restart = visit.link("restart", &[("skip_logout", "false".to_owned())], place, &tab.request);
        return visit.page(StatusCode::OK, &pages::expired(&restart, &place.address(visit, tab)));
    }
    match tab.step.clone() {
        Step::Password => check_password(state, visit, place),
        Step::Otp(username) => check_otp(state, visit, place, username),
        Step::Action(..) | Step::Consent(_) => show(state, visit, place),
    }
}

fn check_password(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    let returning = auth_session::tab(state, place).and_then(|tab| tab.returning.clone());
    let typed = visit.call.form.text("username").unwrap_or_default();
    let username = returning.unwrap_or_else(|| typed.trim().to_owned());
    let Some(user) = proven(state, visit, &username) else {
        return show_again(state, visit, place, FormError { typed: Some(&typed), error: Some(WRONG_CREDENTIALS) });
    };
    if !user.enabled {
        if let Some(tab) = auth_session::tab(state, place) {
            tab.notice = Some(Notice::ACCOUNT_DISABLED);
        }
        return show_again(state, visit, place, FormError { typed: Some(&typed), error: None });
    }
    let username = user.username.clone();
    if user.totp.is_none() {
        return completion::advance(
            state,
            visit,
            place,
            Proof { username, authenticated: visit.call.now, by_session: false },
        );
    }
    if let Some(tab) = auth_session::tab(state, place) {
        tab.step = Step::Otp(username);
    }
    show(state, visit, place)
}

/// The user of that name, if the password is theirs. Who is locked has no right one.
fn proven<'a>(state: &mut State, visit: &'a Visit<'_>, username: &str) -> Option<&'a User> {
    let user = visit.realm.find_user(username)?;
    let realm = state.realms.get_mut(&visit.realm.name)?;
    realm.check_password(&user.username, visit.call.form.bytes("password"), visit.call.now).then_some(user)
}

fn check_otp(state: &mut State, visit: &Visit<'_>, place: &Place, username: String) -> Reply {
    let code = visit.call.form.bytes("otp");
    let enabled = visit.realm.users.get(&username).is_some_and(|user| user.enabled);
    let realm = state.realms.get_mut(&visit.realm.name).filter(|_| enabled);
    if !realm.is_some_and(|realm| realm.check_totp(&username, code, visit.call.now)) {
        return show_again(state, visit, place, FormError { typed: None, error: Some(WRONG_OTP) });
    }
    completion::advance(state, visit, place, Proof { username, authenticated: visit.call.now, by_session: false })
}

/// The page that asks for an action, or for consent. What the actions ask for is not simulated.
fn required_action(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    let Some(tab) = auth_session::tab(state, place) else { return recover(state, visit) };
    tab.session_code = visit.random::<32>();
    let page = match &tab.step {
        Step::Action(proof, name) => {
            let email = visit.realm.users.get(&proof.username).and_then(|user| user.email.as_deref());
            let again = visit.link("restart", &[("skip_logout", "false".to_owned())], place, &tab.request);
            pages::required_action(name, email.unwrap_or_default(), &again)
        }
        Step::Consent(_) => {
            let action = visit.link("consent", &[], place, &tab.request);
            pages::consent(&tab.request.client, &consent::texts(&tab.request), &action, &tab.session_code)
        }
        Step::Password | Step::Otp(_) => return visit.redirect(&place.address(visit, tab)),
    };
    visit.page(StatusCode::OK, &page)
}

fn answer_consent(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    let Some(tab) = auth_session::tab(state, place) else { return recover(state, visit) };
    let Step::Consent(proof) = tab.step.clone() else { return visit.redirect(&place.address(visit, tab)) };
    // The form carries a code, which the real server does not look at.
    let request = tab.request.clone();
    if visit.call.form.bytes("cancel").is_some() {
        auth_session::close(state, place);
        let reply = callback::refuse(state, visit, &request.target, "access_denied", None);
        return reply.cookies([cookies::RESTART.clear(visit)]);
    }
    let Some(user) = visit.realm.users.get(&proof.username) else { return recover(state, visit) };
    consent::give(state, visit, &request, user);
    completion::finish(state, visit, place, user, proof)
}

/// Begins the login anew, for somebody else if it has to be.
fn restart(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    let Some(request) = auth_session::close(state, place) else { return recover(state, visit) };
    let signs_out = visit.call.query.text("skip_logout").as_deref() == Some("false");
    if signs_out {
        state.sessions.remove(&place.browser);
    }
    let place = auth_session::open(state, visit, None, request);
    let cookies = auth_session::cookies(state, visit, &place);
    let cleared = [&cookies::IDENTITY, &cookies::SESSION].map(|cookie| cookie.clear(visit));
    let reply = begin(state, visit, &place).cookies(cleared.into_iter().filter(|_| signs_out));
    reply.cookies(cookies)
}

/// What to do about a login that is not known here, or no longer.
fn recover(state: &mut State, visit: &Visit<'_>) -> Reply {
    // It has been finished, and the user went back.
    if session::current(state, visit).is_some() {
        let query = &visit.call.query;
        let target = query.text("client_data").and_then(|data| callback::remembered(&data));
        let client = query.text("client_id").and_then(|id| visit.realm.clients.get(&id));
        // The address comes from the browser, so it is checked as in the first request.
        let target = target.filter(|target| client.is_some_and(|client| client.redirects_to(&target.redirect_uri)));
        return match target {
            Some(target) => {
                let description = Some("authentication_expired");
                callback::refuse(state, visit, &target, "temporarily_unavailable", description)
            }
            None => visit.error_page(StatusCode::BAD_REQUEST, "You are already logged in."),
        };
    }
    let Some(request) = auth_session::restart(state, visit) else {
        return visit.error_page(StatusCode::BAD_REQUEST, NO_COOKIE);
    };
    let place = auth_session::open(state, visit, None, request);
    if let Some(tab) = auth_session::tab(state, &place) {
        tab.notice = Some(Notice::TIMED_OUT);
    }
    let cookies = auth_session::cookies(state, visit, &place);
    begin(state, visit, &place).cookies(cookies)
}

/// Sends the browser to the first form of a tab.
fn begin(state: &mut State, visit: &Visit<'_>, place: &Place) -> Reply {
    match auth_session::tab(state, place) {
        Some(tab) => visit.redirect(&visit.action("authenticate", &[], place, &tab.request)),
        None => visit.error_page(StatusCode::BAD_REQUEST, CANNOT_GO_ON),
    }
}

#[cfg(test)]
mod tests;
