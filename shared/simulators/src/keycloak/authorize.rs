//! The authorization endpoint: who is signed in already is sent back at once, everybody else sees the login form.

mod request;

use super::auth_session::{self, Proof};
use super::pages::Notice;
use super::session::{self, Session};
use super::visit::Visit;
use super::{State, callback, completion, cookies, login_action};
use crate::core::wire::{Form, Reply};
use crate::core::{Endpoint, Misbehaviour};

pub(super) use request::AuthorizationRequest;
use request::Refused;

/// Answers an authorization request with these parameters.
pub(super) fn answer(state: &mut State, visit: &Visit<'_>, parameters: &Form) -> Reply {
    let request = match AuthorizationRequest::check(&visit.realm, parameters) {
        Ok(request) => request,
        Err(Refused::Page(status, text)) => return visit.error_page(status, text),
        Err(Refused::Callback(target, error, description)) => {
            return callback::refuse(state, visit, &target, error, description.as_deref());
        }
    };
    if let Some(Misbehaviour::CallbackError(_)) = state.book.at(Endpoint::Authorize) {
        return callback::refuse(state, visit, &request.target, "server_error", None);
    }
    let signed_in = session::current(state, visit);
    if request.prompts("none")
        && let Some(error) = hindrance(state, visit, &request, signed_in.as_ref())
    {
        return callback::refuse(state, visit, &request.target, error, None);
    }

    let place = auth_session::open(state, visit, signed_in.as_ref().map(|(sid, _)| sid.as_str()), request.clone());
    let cookies = auth_session::cookies(state, visit, &place);
    match signed_in {
        Some((_, session)) if !must_prove(visit, &request, &session) => {
            let Session { username, authenticated, .. } = session;
            let proof = Proof { username, authenticated, by_session: true };
            completion::advance(state, visit, &place, proof).cookies(cookies)
        }
        Some((_, session)) => {
            if let Some(tab) = auth_session::tab(state, &place) {
                tab.returning = Some(session.username);
                tab.notice = Some(Notice::REAUTHENTICATE);
            }
            login_action::show(state, visit, &place).cookies(cookies)
        }
        None => {
            let reply = login_action::show(state, visit, &place);
            // The cookie of a session that has ended is of no more use.
            let stale = cookies::IDENTITY.get(visit).is_some();
            let cleared = [&cookies::IDENTITY, &cookies::SESSION].map(|cookie| cookie.clear(visit));
            reply.cookies(cleared.into_iter().filter(|_| stale)).cookies(cookies)
        }
    }
}

/// Whether somebody who is signed in has to give the password once more.
fn must_prove(visit: &Visit<'_>, request: &AuthorizationRequest, session: &Session) -> bool {
    let age = (visit.call.now - session.authenticated).num_seconds();
    request.prompts("login") || request.max_age.is_some_and(|longest| age > longest)
}

/// Why `prompt=none` cannot be obeyed (OIDC Core section 3.1.2.6).
fn hindrance(
    state: &State,
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    signed_in: Option<&(String, Session)>,
) -> Option<&'static str> {
    match signed_in {
        None => Some("login_required"),
        Some((_, session)) if must_prove(visit, request, session) => Some("login_required"),
        Some((_, session)) => {
            completion::asks_anything(state, visit, request, &session.username).then_some("interaction_required")
        }
    }
}

#[cfg(test)]
mod tests;
