//! The authorization endpoint: a browser that is signed in is sent back at once, any other sees the login form.

mod request;

use super::State;
use super::login::{self, Proof};
use super::visit::Visit;
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
            return visit.refuse(&state.book, &target, error, description.as_deref());
        }
    };
    if let Some(Misbehaviour::CallbackError(_)) = state.book.at(Endpoint::Authorize) {
        return visit.refuse(&state.book, &request.target, "server_error", None);
    }
    let signed_in = login::signed_in(state, visit).filter(|_| !request.prompts("login"));
    let Some((sid, session)) = signed_in else {
        // OIDC Core section 3.1.2.6.
        return match request.prompts("none") {
            true => visit.refuse(&state.book, &request.target, "login_required", None),
            false => login::begin(state, visit, request),
        };
    };
    if request.prompts("none") && login::asks_anything(visit, &request, &session.username) {
        return visit.refuse(&state.book, &request.target, "interaction_required", None);
    }
    let proof = Proof { username: session.username, authenticated: session.authenticated, session: Some(sid) };
    login::advance(state, visit, request, proof)
}

#[cfg(test)]
mod tests;
