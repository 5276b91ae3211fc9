//! What users have agreed to show to which client.

use super::authorize::AuthorizationRequest;
use super::visit::Visit;
use super::{State, User};

/// What the consent page says of a scope. Others are granted without a word.
const TEXTS: [(&str, &str); 7] = [
    ("profile", "User profile"),
    ("email", "Email address"),
    ("roles", "User roles"),
    ("address", "Address"),
    ("phone", "Phone number"),
    ("offline_access", "Offline Access"),
    ("organization", "Organization"),
];

/// One scope that one user shows to one client of one realm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Consent {
    realm: String,
    username: String,
    client: String,
    scope: String,
}

/// What the request asks the user to agree to, as the page says it.
pub(super) fn texts(request: &AuthorizationRequest) -> Vec<&'static str> {
    TEXTS.iter().filter(|(scope, _)| request.scopes.iter().any(|asked| asked == scope)).map(|(_, text)| *text).collect()
}

/// Whether the user has to be asked.
pub(super) fn is_missing(state: &State, visit: &Visit<'_>, request: &AuthorizationRequest, user: &User) -> bool {
    let client = visit.realm.clients.get(&request.client);
    let required = client.is_some_and(|client| client.consent_required);
    required
        && (request.prompts("consent")
            || asked_for(visit, request, user).any(|consent| !state.consents.contains(&consent)))
}

/// Keeps what the user has agreed to.
pub(super) fn give(state: &mut State, visit: &Visit<'_>, request: &AuthorizationRequest, user: &User) {
    state.consents.extend(asked_for(visit, request, user));
}

fn asked_for(visit: &Visit<'_>, request: &AuthorizationRequest, user: &User) -> impl Iterator<Item = Consent> {
    let shown = |scope: &&String| TEXTS.iter().any(|(text, _)| text == scope);
    request.scopes.iter().filter(shown).map(|scope| Consent {
        realm: visit.realm.name.clone(),
        username: user.username.clone(),
        client: request.client.clone(),
        scope: scope.clone(),
    })
}
