#![doc = include_str!("../guides/meta.md")]

mod signed_request;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use chrono::TimeDelta;
use domain::{Method, NoticeKind, NotificationId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use self::signed_request::SignedRequest;
use crate::document::{self, InvalidConnector};
use crate::notification::accepted_until;
use crate::oidc::{
    Connection, Endpoints, IdentityFrom, IssuerPolicy, Lookup, OF_A_REDIRECT, OidcProvider, Profile, Said, Trial, Verb,
    VerifiedClaims,
};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{Acknowledgement, Check, Notification, Outage, ProviderError, Received, Rejection, Stage};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "meta",
    &[Method::Oidc],
    &[&REFUSED_REDIRECT, &OF_A_REDIRECT, &OF_A_CODE, &OF_THE_PROFILE],
    Meta::read,
);

const MANUAL: &str = "<https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow>";
const ERRORS: &str = "<https://developers.facebook.com/docs/graph-api/guides/error-handling>";
const SEEN: &str = "as answered by the Graph API";
const LIMITS: &str = "<https://developers.facebook.com/docs/graph-api/overview/rate-limiting>";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Meta does not accept the app's credentials: App Dashboard > App settings > Basic: compare App ID with client.id, and App secret \
     with the secret",
);
const VERSION: &str = "the Graph API does not know this method: settings.api_version has to be a version that is still served \
                       (App Dashboard > App settings > Advanced > Upgrade API version)";
const REJECTED_DISABLED: ProviderError = ProviderError::Rejected(Rejection::AccountDisabled);
const THROTTLED: ProviderError = ProviderError::Throttled { retry_after: None };
const LIMIT: &[u64] = &[4, 9, 17, 32, 341, 613];

const UNPUBLISHED: ProviderError = Stage::Callback.misconfigured(
    "the app is in development mode, in which only people with a role in it sign in: App Dashboard > Publish",
);

/// What Meta adds to the standard's errors at the callback.
const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, at the callback, before the standard's",
    at: &[At::Redirect],
    rows: &[Row::numbered(&[901], UNPUBLISHED, "as brought back by browsers")],
};

/// To an authorization code, and to the connector test.
const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code",
    at: &[At::Redemption],
    rows: &[
        Row::numbered(&[1], CLIENT, SEEN).mentioning("client secret"),
        Row::numbered(&[101], CLIENT, SEEN),
        Row::numbered(&[100], ProviderError::Rejected(Rejection::InteractionRequired), MANUAL)
            .note("the code is none, was used before, or has expired: only a new redirect brings a new code"),
        Row::numbered(
            &[191],
            Stage::Token
                .misconfigured("the redirect URI is no address that the app may have: check settings.redirect_uri"),
            SEEN,
        ),
        Row::numbered(LIMIT, THROTTLED, LIMITS),
        Row::numbered(&[1, 2], Stage::Token.unavailable(Outage::ServerError), ERRORS),
        Row::numbered(&[3, 2500], Stage::Token.misconfigured(VERSION), ERRORS),
        Row::numbered(&[368], REJECTED_DISABLED, ERRORS).note("blocked by Meta for a time"),
    ],
};

/// To a request for the profile, where there is no ID token.
const OF_THE_PROFILE: Refusals = Refusals {
    to: "a request for the profile (`/me`)",
    at: &[At::Api],
    rows: &[
        Row::numbered(
            &[100],
            Stage::Userinfo.misconfigured(
                "Meta does not accept the proof that the app has its secret: App Dashboard > App settings > Basic > App secret: \
                 compare it with the secret that client.secret names, which has to be there",
            ),
            "<https://developers.facebook.com/docs/graph-api/securing-requests>",
        )
        .mentioning("appsecret_proof"),
        Row::numbered(&[459, 464], REJECTED_DISABLED, ERRORS).note("the user has to do something at Facebook first"),
        Row::numbered(&[460], ProviderError::Rejected(Rejection::InteractionRequired), ERRORS)
            .note("the password was changed meanwhile"),
        Row::numbered(
            &[493],
            Stage::Userinfo.misconfigured("the app is inactive: App Dashboard > Required actions, or Publish"),
            SEEN,
        ),
        Row::numbered(&[102, 190], Stage::Userinfo.refused(Check::AccessToken), ERRORS),
        Row::numbered(&[10, 200, 412], ProviderError::Rejected(Rejection::Declined), ERRORS)
            .note("the user has removed the app, or a permission of its"),
        Row::numbered(&[368], REJECTED_DISABLED, ERRORS).note("blocked by Meta for a time"),
        Row::numbered(LIMIT, THROTTLED, LIMITS),
        Row::numbered(&[1, 2], Stage::Userinfo.unavailable(Outage::ServerError), ERRORS),
        Row::numbered(&[3, 2500], Stage::Userinfo.misconfigured(VERSION), ERRORS),
    ],
};

/// Both are in use, in ID tokens and in documents.
const ISSUERS: [&str; 2] = ["https://www.facebook.com", "https://facebook.com"];
const KEYS: &str = "https://www.facebook.com/.well-known/oauth/openid/jwks/";
/// Without them, the profile has only id and name.
const FIELDS: &str = "id,name,first_name,last_name,email,picture";

/// How long the page of a deletion request lasts: twice the three months in which a request has to be answered at the latest (GDPR,
/// article 12(3)), so that the user, and a review of Meta's, can look it up afterwards.
const DELETION_IS_KEPT: TimeDelta = TimeDelta::days(184);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The version of the Graph API, such as `v24.0`: each is served for about two years.
    api_version: String,
}

#[derive(Debug)]
struct Meta {
    profile: Profile,
}

impl Meta {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { api_version } = document::settings(settings)?;
        if !is_version(&api_version) {
            let reason = format!("{api_version:?} is no version of the Graph API, such as v24.0");
            return Err(InvalidConnector::at("settings.api_version", reason));
        }
        let at = |address: String| Url::parse(&address).ok();
        let profile = Profile {
            // Its discovery document is for ID tokens that browsers and apps receive: it names no token endpoint.
            endpoints: Endpoints {
                discovery_endpoint: None,
                authorization_endpoint: at(format!("https://www.facebook.com/{api_version}/dialog/oauth")),
                token_endpoint: at(format!("https://graph.facebook.com/{api_version}/oauth/access_token")),
                userinfo_endpoint: at(format!("https://graph.facebook.com/{api_version}/me")),
                jwks_uri: at(KEYS.to_owned()),
            },
            identity: IdentityFrom::IdTokenOrApi(profile_lookup()),
            is_pairwise: true,
            userinfo_for: &[],
            scopes: &["openid", "email", "public_profile"],
            of_a_redirect: &[&REFUSED_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&OF_A_CODE],
            of_api: &[&OF_THE_PROFILE],
            // Whether it looks at the client or at the code first is not documented.
            trial: Trial::ClientCredentials(""),
            sends_notifications: true,
            ..Profile::new(IssuerPolicy::any_of(ISSUERS.map(str::to_owned)).known_as("meta"))
        };
        Ok(Box::new(Self { profile }))
    }
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|version| version.split_once('.'));
    parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// The profile (`/me`), where there is no ID token.
fn profile_lookup() -> Lookup {
    let said = [
        ("sub", "/id"),
        ("name", "/name"),
        ("given_name", "/first_name"),
        ("family_name", "/last_name"),
        ("email", "/email"),
        ("picture", "/picture/data/url"),
    ];
    let claims = said.map(|(claim, pointer)| (claim.to_owned(), Said::At(pointer.to_owned()))).into();
    Lookup { url: None, verb: Verb::Get, entry: None, claims }
}

/// What the app's secret signs with, in both directions.
fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

#[async_trait]
impl OidcProvider for Meta {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// With a proof that who asks has the app's secret: <https://developers.facebook.com/docs/graph-api/securing-requests>.
    fn api_address(&self, mut address: Url, access_token: &str, secret: Option<&SecretString>) -> Url {
        address.query_pairs_mut().append_pair("fields", FIELDS);
        if let Some(secret) = secret {
            let proof = hmac::sign(&key(secret), access_token.as_bytes());
            let proof: String = proof.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            address.query_pairs_mut().append_pair("appsecret_proof", &proof);
        }
        address
    }

    /// Meta nowhere says that an e-mail is verified.
    fn describe(&self, claims: &mut VerifiedClaims) {
        claims.email_is_verified(false);
    }

    /// That a user wants their data deleted, or has removed the app. Both bodies have the same form: each has an address of its own.
    /// <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>
    async fn notification(
        &self,
        provider: &Connection<'_>,
        received: &Received<'_>,
    ) -> Result<Notification, ProviderError> {
        let kind = match received.about {
            Some("deletion") => NoticeKind::DeletionRequested,
            Some("deauthorisation") => NoticeKind::ConsentRevoked,
            _ => return Err(Stage::Notification.refused(Check::Address)),
        };
        let SignedRequest { user_id, issued_at, payload, confirmation } =
            SignedRequest::verify(provider, received.body).await?;
        let notices = vec![provider.notice(&user_id, kind, issued_at)];
        Ok(match kind {
            NoticeKind::DeletionRequested => {
                let (id, until) = (NotificationId::confirmed_by(&confirmation), issued_at + DELETION_IS_KEPT);
                Notification { id, until, answer: Acknowledgement::Confirmed(confirmation), notices }
            }
            _ => {
                let (id, until) = (NotificationId::of(&[kind.as_str(), &payload]), accepted_until(issued_at));
                Notification { id, until, answer: Acknowledgement::Ok, notices }
            }
        })
    }
}
