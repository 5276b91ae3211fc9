//! Whether the redirect URI is registered: asks the authorization endpoint as a browser without cookies, with
//! `prompt=none` (OIDC Core 3.1.2.1), so that the provider has to send the browser back at once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Method;
use egress::Request;
use http::StatusCode;
use http::header::LOCATION;
use serde_json::json;
use url::{Position, Url};

use super::super::authorize::{self, PendingRedirect};
use super::super::callback;
use super::super::options::ResponseMode;
use super::Probing;
use crate::answers::throttled;
use crate::report::{Finding, NotPassed, Verdict};
use crate::{Callback, Hints, Outage, ProviderError, Stage};

const OUT_OF_REACH: NotPassed =
    NotPassed::Unverifiable("the authorization endpoint does not answer Landfall; browsers may still reach it");
const ITS_OWN_PAGE: NotPassed = NotPassed::Unverifiable(
    "the provider shows a page of its own instead of answering at the redirect URI: log in once to see whether it \
     comes back",
);
const NO_STATE: NotPassed =
    NotPassed::Failed("the provider does not send state back: no callback can be matched to its login");

impl Probing<'_> {
    pub(super) async fn redirect(&self) -> Finding {
        Finding::of("redirect_uri", self.comes_back().await).with(json!({ "redirect_uri": self.redirect_uri }))
    }

    async fn comes_back(&self) -> Verdict {
        let metadata = self.callable("authorization_endpoint")?;
        let redirect = PendingRedirect::new(self.cx.entropy(), Hints { prompt: Some("none"), ..Hints::default() });
        let state = URL_SAFE_NO_PAD.encode(self.cx.entropy().bytes::<16>());
        // Without a response mode, unless the provider demands one: a form that a browser would post cannot be read here.
        let mode = self.registration.profile.response_mode.map(ResponseMode::as_str);
        let url = authorize::url(self.connection(), Method::Oidc, metadata, &redirect, &state, mode)?;
        let answer = self.cx.send(Stage::Authorize, Request::get_page(url)).await.map_err(|_| OUT_OF_REACH)?;

        if let Some(throttled) = throttled(self.cx.now(), &answer) {
            return Err(throttled.into());
        }
        let own_page = || self.provider.own_page(&answer);
        match answer.status {
            StatusCode::FOUND | StatusCode::SEE_OTHER => {}
            status if status.is_server_error() => return Err(Stage::Authorize.unavailable(Outage::ServerError).into()),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
                return own_page().unwrap_or(Err(NotPassed::Failed(self.registration.profile.refused_page)));
            }
            _ => return own_page().unwrap_or(Err(ITS_OWN_PAGE)),
        }
        let returned = answer.header(&LOCATION).and_then(|location| returned(&self.redirect_uri, location));
        let Some(callback) = returned else { return own_page().unwrap_or(Err(ITS_OWN_PAGE)) };
        if callback.get("state") != Some(&state) {
            return Err(NO_STATE);
        }
        match callback::code(metadata, &self.registration.profile, &callback) {
            Ok(_) => Ok(()),
            Err(ProviderError::Rejected(_)) if callback.get("error").is_some_and(callback::wants_a_person) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is brought back, if it is to exactly this address: its own query comes first.
fn returned(redirect_uri: &str, location: &str) -> Option<Callback> {
    let (own, found) = (Url::parse(redirect_uri).ok()?, Url::parse(location).ok()?);
    let mut parameters = found.query_pairs().into_owned();
    let same = own[..Position::AfterPath] == found[..Position::AfterPath]
        && own.query_pairs().into_owned().all(|own| parameters.next() == Some(own));
    if same { Callback::read(parameters) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exactly_the_redirect_uri_is_come_back_to() {
        for (redirect_uri, location, same) in [
            ("https://a.example/back", "https://a.example/back?error=login_required", true),
            ("https://a.example", "https://a.example/?error=login_required", true),
            ("https://a.example/back?b=c", "https://a.example/back?b=c&error=login_required", true),
            ("com.example.shop:/back", "com.example.shop:/back?error=login_required", true),
            ("https://a.example/back?b=c", "https://a.example/back?error=login_required", false),
            ("https://a.example/back", "https://a.example/back/?error=login_required", false),
            ("https://a.example/back", "https://a.example/background?error=login_required", false),
            ("https://a.example/back", "https://b.example/back?error=login_required", false),
            ("https://a.example/back", "https://a.example:8443/back?error=login_required", false),
            ("https://a.example/back", "https://x@a.example/back?error=login_required", false),
            ("https://a.example/back", "/back?error=login_required", false),
            ("https://a.example/back", "https://a.example/back?error=a&error=login_required", false),
        ] {
            let callback = returned(redirect_uri, location);
            assert_eq!(callback.is_some(), same, "{redirect_uri} {location}");
            assert!(callback.is_none_or(|callback| callback.get("error") == Some("login_required")));
        }
    }
}
