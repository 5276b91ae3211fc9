//! A browser's request to a realm, and what it is answered with.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authorize::AuthorizationRequest;
use super::pages;
use super::{Realm, State};
use crate::core::callback::{Delivery, Fields, Target};
use crate::core::server::{Book, Call};
use crate::core::wire::Reply;

/// A browser's request to a realm.
pub(super) struct Visit<'a> {
    /// The realm as it is now.
    pub(super) realm: Realm,
    pub(super) issuer: String,
    pub(super) call: &'a Call<'a>,
}

impl<'a> Visit<'a> {
    pub(super) fn of(state: &State, realm: &Realm, call: &'a Call<'a>) -> Self {
        Self { realm: realm.clone(), issuer: state.issuer(call.host, &realm.name), call }
    }

    /// The path below which the realm lies: `/realms/demo`.
    pub(super) fn path(&self) -> &str {
        let rest = self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("", |at| &rest[at..])
    }

    /// Whether the client wants its users to agree. The real server remembers who has; this one asks at every login.
    pub(super) fn asks_consent(&self, request: &AuthorizationRequest) -> bool {
        self.realm.clients.get(&request.client).is_some_and(|client| client.consent_required)
    }

    /// `bytes` random bytes as text that fits into an address.
    pub(super) fn random<const BYTES: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.call.entropy.bytes::<BYTES>())
    }

    /// A page of this realm.
    pub(super) fn page(&self, status: StatusCode, page: &pages::Page) -> Reply {
        pages::framed(Reply::text(status, "text/html;charset=utf-8", page.render(&self.realm.name)))
    }

    /// The page that says that nothing more can be done.
    pub(super) fn error_page(&self, status: StatusCode, text: &str) -> Reply {
        self.page(status, &pages::error(text))
    }

    /// Sends the browser back without a code.
    pub(super) fn refuse(&self, book: &Book, target: &Target, error: &str, description: Option<&str>) -> Reply {
        self.deliver(book, target, target.refusal(&self.issuer, error, description))
    }

    /// Sends the browser back with these fields.
    pub(super) fn deliver(&self, book: &Book, target: &Target, fields: Fields) -> Reply {
        pages::framed(match target.deliver(book, fields) {
            Delivery::Redirect(address) => Reply::empty(StatusCode::FOUND).header(LOCATION, address),
            Delivery::Form(fields) => {
                Reply::text(StatusCode::OK, "text/html", pages::form_post(&target.redirect_uri, &fields))
            }
        })
    }
}
