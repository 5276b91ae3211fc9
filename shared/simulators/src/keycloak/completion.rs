//! What stands between a user who is proven to sit there and the code: pending actions, then consent.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::auth_session::{self, Place, Proof, Step};
use super::authorize::AuthorizationRequest;
use super::code::Code;
use super::session::Session;
use super::visit::Visit;
use super::{State, User, callback, consent, cookies};
use crate::core::signer;
use crate::core::wire::Reply;

/// Whether this user would be asked for anything but a password.
pub(super) fn asks_anything(state: &State, visit: &Visit<'_>, request: &AuthorizationRequest, username: &str) -> bool {
    visit.realm.users.get(username).is_none_or(|user| {
        visit.realm.pending_action(user).is_some() || consent::is_missing(state, visit, request, user)
    })
}

/// Takes the user as far as it goes: to the next page, or back to the client.
pub(super) fn advance(state: &mut State, visit: &Visit<'_>, place: &Place, proof: Proof) -> Reply {
    let user = visit.realm.users.get(&proof.username);
    let tab = auth_session::tab(state, place).cloned();
    let (Some(user), Some(mut tab)) = (user, tab) else { return nobody(visit) };
    tab.step = match visit.realm.pending_action(user) {
        Some(action) => Step::Action(proof, action.to_owned()),
        None if consent::is_missing(state, visit, &tab.request, user) => Step::Consent(proof),
        None => return finish(state, visit, place, user, proof),
    };
    let address = place.address(visit, &tab);
    auth_session::replace(state, place, tab);
    visit.redirect(&address)
}

/// Signs the user in and sends them back to the client with a code.
pub(super) fn finish(state: &mut State, visit: &Visit<'_>, place: &Place, user: &User, proof: Proof) -> Reply {
    let now = visit.call.now;
    let sid = place.browser.clone();
    let known = state.sessions.get(&sid).map(|session| session.username.clone());
    if let Some(known) = known.filter(|known| *known != user.username) {
        let text = format!(
            "You are already authenticated as different user '{known}' in this session. Please sign out first."
        );
        return visit.error_page(StatusCode::BAD_REQUEST, &text);
    }
    let Some(request) = auth_session::close(state, place) else { return nobody(visit) };
    if let Some(realm) = state.realms.get_mut(&visit.realm.name) {
        realm.forget_failures(&user.username);
    }
    let new = || Session::new(&visit.realm.name, &user.username, &request.client, now);
    let session = state.sessions.entry(sid.clone()).or_insert_with(new);
    session.authenticated = proof.authenticated;
    session.used = now;
    session.clients.insert(request.client.clone());
    let identity = session.cookie.get_or_insert_with(|| visit.random::<64>()).clone();

    let mut fields = Vec::new();
    fields.extend(request.target.state.clone().map(|state| ("state", state)));
    fields.push(("session_state", sid.clone()));
    fields.push(("iss", visit.issuer.clone()));
    if request.wants_code {
        fields.push(("code", issue(state, visit, &request, sid, proof)));
    }
    callback::deliver(state, visit, &request.target, fields).cookies([
        cookies::RESTART.clear(visit),
        cookies::IDENTITY.set(visit, &identity),
        cookies::SESSION.set(visit, &URL_SAFE_NO_PAD.encode(signer::sha384(&place.browser))),
    ])
}

/// The user or their login is gone in the meantime.
fn nobody(visit: &Visit<'_>) -> Reply {
    visit.error_page(StatusCode::BAD_REQUEST, "Unexpected error when handling authentication request.")
}

/// A code of three parts: itself, the session, the client.
fn issue(state: &mut State, visit: &Visit<'_>, request: &AuthorizationRequest, sid: String, proof: Proof) -> String {
    let id = signer::uuid(visit.call.entropy.bytes());
    let client = visit.realm.clients.get(&request.client);
    let client = client.map(|client| client.uuid_in(&visit.realm.name)).unwrap_or_default();
    let text = format!("{id}.{sid}.{client}");
    let code = Code {
        sid,
        client: request.client.clone(),
        username: proof.username,
        redirect_uri: request.redirect_uri.clone(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        issued: visit.call.now,
        authenticated: proof.authenticated,
        by_session: proof.by_session,
    };
    state.codes.insert(id, code);
    text
}
