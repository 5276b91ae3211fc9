//! Signed requests: what Meta sends unasked. `signature.payload`, both base64url; the signature is an HMAC-SHA256 of the
//! encoded payload by the app's secret:
//! <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>.
//!
//! No official text has the payload of the deauthorise callback. Assumed: it is signed alike, as in
//! <https://docs.rs/facebook-fb-login-deauth-callback>.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::{ConfirmationCode, Method, json};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::key;
use crate::notification::issued_at;
use crate::oidc::Connection;
use crate::{Check, ProviderError, Stage};

const NO_SECRET: ProviderError = Stage::ClientAuthentication
    .misconfigured("Meta signs notifications with the App secret: store it, and let client.secret name it");

/// Before what a confirmation code is derived from. It has spaces in it, as has nothing else that the App secret signs
/// (payloads, access tokens): otherwise one could be had in the place of the other.
const CONFIRMATION: &str = "Landfall's confirmation code of ";

fn refused(check: Check) -> ProviderError {
    Stage::Notification.refused(check)
}

/// A signed request that Meta has signed for the connector's app.
#[derive(Debug)]
pub(super) struct SignedRequest {
    /// The user, as the app knows them: a login's `sub`.
    pub(super) user_id: String,
    pub(super) issued_at: DateTime<Utc>,
    /// As it was signed: a copy has the same.
    pub(super) payload: String,
    /// The code by which the user can ask about it. A copy has the same, and it takes the App secret to compute it. Letters and digits,
    /// as Meta wants it.
    pub(super) confirmation: ConfirmationCode,
}

impl SignedRequest {
    /// Verifies the field `signed_request` of a form.
    pub(super) async fn verify(provider: &Connection<'_>, body: &[u8]) -> Result<Self, ProviderError> {
        let cx = provider.cx;
        let request = field(body).ok_or_else(|| refused(Check::Format))?;
        let (signature, payload) = request.split_once('.').ok_or_else(|| refused(Check::Format))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused(Check::Signature))?;
        // Before the secret is read: a request that could never be good costs no call.
        let members = URL_SAFE_NO_PAD.decode(payload).map_err(|_| refused(Check::Format))?;
        let members = json::object(&members).map_err(|_| refused(Check::Json))?;
        let user_id = check_members(&members)?;
        let issued_at = issued_at(&members, "issued_at", cx.now())?;
        let client = provider.registration.client(Method::Oidc)?;
        let secret = if client.shows_secret() { cx.secret(client).await? } else { None }.ok_or(NO_SECRET)?;
        // In constant time.
        let signed_by = |secret: &SecretString| hmac::verify(&key(secret), payload.as_bytes(), &signature).is_ok();
        let secret = match signed_by(&secret) {
            true => secret,
            // The secret may have been rotated since it was read.
            false => {
                let rotated = cx.rotated_secret(client, &secret).await;
                rotated.filter(signed_by).ok_or_else(|| refused(Check::Signature))?
            }
        };
        let mut derived = [0; 32];
        derived.copy_from_slice(hmac::sign(&key(&secret), format!("{CONFIRMATION}{payload}").as_bytes()).as_ref());
        let confirmation = ConfirmationCode::from_derived(&derived);
        Ok(Self { user_id, issued_at, payload: payload.to_owned(), confirmation })
    }
}

/// The one `signed_request` in a form.
fn field(body: &[u8]) -> Option<String> {
    let mut found = form_urlencoded::parse(body).filter(|(name, _)| name == "signed_request");
    let (_, request) = found.next()?;
    found.next().is_none().then(|| request.into_owned())
}

/// The user that a payload is about, whose age is another matter. Its `expires`, if there is one, is the end of an access token.
fn check_members(members: &Map<String, Value>) -> Result<String, ProviderError> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    // In any case, as the sample code for the deauthorise callback has it:
    // <https://www.yiiframework.com/wiki/379/facebook-deauthorize-callback-url-and-its-response-data>.
    if !text("algorithm").is_some_and(|algorithm| algorithm.eq_ignore_ascii_case("HMAC-SHA256")) {
        return Err(refused(Check::Algorithm));
    }
    // A signed request of a login has one of these; scripts of the application's pages can read it (cookie `fbsr_`):
    // <https://github.com/facebookarchive/php-graph-sdk/blob/master/src/Facebook/SignedRequest.php>, `hasOAuthData`.
    if ["code", "oauth_token"].iter().any(|name| members.contains_key(*name)) {
        return Err(refused(Check::Header));
    }
    text("user_id").filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| refused(Check::Subject))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::{Clock, Notice, SecretError};
    use egress::Reach;
    use serde_json::json;
    use simulators::meta::SIMULATOR;

    use super::*;
    use crate::bench::{Bench, IN_TIME};
    use crate::{Acknowledgement, Notification, Outage, Received};

    async fn bench(over: Value) -> Bench {
        Bench::at(&SIMULATOR, Method::Oidc, Reach::Local, over).await
    }

    fn sent(bench: &Bench, event: &str) -> String {
        bench.subject.notification(event, "ada", "landfall").unwrap().body
    }

    async fn receive(bench: &Bench, about: &str, body: &str) -> Result<Notification, ProviderError> {
        let received = Received { about: Some(about), body: body.as_bytes() };
        let request = bench.request(IN_TIME);
        bench.adapter().notification(&bench.cx(&request), &received).await
    }

    fn code(notification: Notification) -> String {
        match notification.answer {
            Acknowledgement::Confirmed(code) => code.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_notification_is_about_the_account_that_logs_in() {
        let bench = bench(json!({})).await;
        let account = bench.login().await.unwrap().key();
        let now = bench.clock.now();
        for (about, kind) in [("deletion", "deletion_requested"), ("deauthorisation", "consent_revoked")] {
            let told = receive(&bench, about, &sent(&bench, about)).await.unwrap();
            let [Notice { account: of, kind: what, at }] = &told.notices[..] else { panic!("{told:?}") };
            assert_eq!((of, what.as_str(), *at), (&account, kind, now));
            assert!(told.until >= now + TimeDelta::days(3));
        }
        // In any case, and whatever else there is.
        for extra in [json!({ "algorithm": "hmac-sha256" }), json!({ "expires": 1, "profile_id": "1" })] {
            bench.subject.misbehave(Some(simulators::Misbehaviour::claims(&extra)));
            receive(&bench, "deletion", &sent(&bench, "deletion")).await.unwrap();
        }
        assert_eq!(bench.secrets.rereads(), 0);
    }

    #[tokio::test]
    async fn a_rotated_secret_is_read_again() {
        let bench = bench(json!({})).await;
        let old = sent(&bench, "deletion");
        let before = code(receive(&bench, "deletion", &old).await.unwrap());
        bench.change_secret("a new one");
        let new = sent(&bench, "deletion");
        let signature = Err(refused(Check::Signature));
        assert_eq!(receive(&bench, "deletion", &new).await.map(code), signature);
        bench.secrets.rotate(Ok("a new one"));
        let after = code(receive(&bench, "deletion", &new).await.unwrap());
        assert_eq!(bench.secrets.rereads(), 2);
        assert_eq!(code(receive(&bench, "deletion", &new).await.unwrap()), after);
        assert_eq!(bench.secrets.rereads(), 2);
        assert_ne!(before, after);
        // The old one is over.
        assert_eq!(receive(&bench, "deletion", &old).await.map(code), signature);
    }

    #[tokio::test]
    async fn without_the_secret_nothing_is_verified() {
        let bench = bench(json!({})).await;
        let body = sent(&bench, "deletion");
        bench.secrets.set(Err(SecretError::Unavailable));
        let unavailable = Stage::ClientAuthentication.unavailable(Outage::Secret);
        assert_eq!(receive(&bench, "deletion", &body).await.map(code), Err(unavailable));
        let client = json!({ "secret": null, "token_endpoint_auth_method": "none" });
        let public = self::bench(json!({ "client": client })).await;
        assert_eq!(receive(&public, "deletion", &body).await.map(code), Err(NO_SECRET));
    }

    #[tokio::test]
    async fn a_request_that_could_never_be_good_reads_no_secret() {
        let bench = bench(json!({})).await;
        bench.secrets.set(Err(SecretError::Unavailable));
        let old = sent(&bench, "deletion");
        bench.pass(TimeDelta::days(3) + TimeDelta::seconds(1));
        for (body, check) in [
            (old.as_str(), Check::Expired),
            ("", Check::Format),
            ("signed_request=", Check::Format),
            ("signed_request=a.b", Check::Signature),
            ("signed_request=.e30", Check::Algorithm),
            ("signed_request=.bnVsbA", Check::Json),
        ] {
            assert_eq!(receive(&bench, "deletion", body).await.map(code), Err(refused(check)), "{body}");
        }
        assert_eq!(receive(&bench, "removal", &old).await.map(code), Err(refused(Check::Address)));
        assert_eq!(bench.secrets.rereads(), 0);
    }
}
