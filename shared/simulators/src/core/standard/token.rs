//! The token endpoint and userinfo (RFC 6749 section 4.1.3, OIDC Core sections 3.1.3 and 5.3).

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CACHE_CONTROL, WWW_AUTHENTICATE};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ApiCall, Login, Quirks, Refused, State, Verb, subject};
use crate::core::pkce::{Challenge, Pkce};
use crate::core::server::{Call, Provider};
use crate::core::signer::SignError;
use crate::core::wire::{self, Reply};
use crate::core::{Endpoint, Misbehaviour, Registration};

/// How long codes and tokens are good, in seconds.
const CODE: i64 = 60;
const TOKEN: i64 = 300;

impl<Q: Quirks> State<Q> {
    pub(super) fn token(&mut self, call: &Call<'_>) -> Reply {
        let mut reply = match self.grant(call) {
            Ok(answer) => answer.unwrap_or_else(|_| Self::server_error()),
            Err(why) => Self::refusal(why),
        };
        let accept = call.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if Q::answers_with_form(accept) {
            reply = reply.into_form();
        }
        reply.header(CACHE_CONTROL, "no-store")
    }

    pub(super) fn refusal(why: Refused) -> Reply {
        let (status, body) = Q::refused(why);
        Reply::json(status, &body)
    }

    fn grant(&mut self, call: &Call<'_>) -> Result<Result<Reply, SignError>, Refused> {
        let application = self.client(call, &self.address(call, Endpoint::Token))?;
        if call.form.has_duplicates() {
            return Err(Refused::Malformed);
        }
        match call.form.text("grant_type").as_deref() {
            Some("authorization_code") => {
                let login = self.redeem(&application, call)?;
                let answer = self.tokens(&login, &application, call);
                Ok(answer.map(|body| Reply::json(StatusCode::OK, &body)))
            }
            Some("client_credentials") if Q::CLIENT_CREDENTIALS => {
                let access_token = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<32>());
                let body = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN });
                Ok(Ok(Reply::json(StatusCode::OK, &body)))
            }
            Some(other) => self.other_grant(other, &application, call).ok_or(Refused::UnknownGrant),
            None => Err(Refused::UnknownGrant),
        }
    }

    /// The client that calls the endpoint at this address, which has shown what it authenticates with.
    pub(super) fn client(&mut self, call: &Call<'_>, address: &str) -> Result<Registration, Refused> {
        let (id, secret) = call.client();
        let text = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let application = text(id).and_then(|id| self.applications.get(&id)).ok_or(Refused::UnknownClient)?.clone();
        let shown = text(secret);
        if Q::is_for_public_clients(call.form.text("grant_type").as_deref()) {
            let shows_nothing = shown.is_none() && call.form.bytes("client_assertion").is_none();
            return if shows_nothing { Ok(application) } else { Err(Refused::PublicClient) };
        }
        if let (Some(key), Some(demanded), Some(secret)) = (&application.key, &Q::SIGNED_SECRET, &shown) {
            let is_right = key.has_signed_secret(secret, &application.id, demanded, call.now);
            return if is_right { Ok(application) } else { Err(Refused::WrongSecret) };
        }
        match (&application.secret, shown) {
            (Some(_), None) => return Err(Refused::NoSecret),
            (None, Some(_)) => return Err(Refused::PublicClient),
            (registered, shown) if *registered != shown => return Err(Refused::WrongSecret),
            _ => {}
        }
        if let Some(key) = &application.key {
            let audiences = [address.to_owned(), self.issuer(call)];
            let checked = key.check(call, &application.id, &audiences, &mut self.assertions);
            if checked.is_err() || !key.is_named(call) {
                return Err(Refused::WrongSecret);
            }
        }
        Ok(application)
    }

    /// The login that a code stands for, which is gone then.
    fn redeem(&mut self, application: &Registration, call: &Call<'_>) -> Result<Login, Refused> {
        let get = |name: &str| call.form.text(name);
        let code = get("code").ok_or(Refused::Malformed)?;
        let unknown = if self.used_codes.contains(&code) { Refused::UsedCode } else { Refused::UnknownCode };
        let login = self.codes.remove(&code).ok_or(unknown)?;
        self.used_codes.insert(code);
        let request = &login.request;
        if request.client != application.id || get("redirect_uri").as_ref() != Some(&request.target.redirect_uri) {
            return Err(Refused::CodeOfAnother);
        }
        if (call.now - login.at).num_seconds() >= CODE {
            return Err(Refused::ExpiredCode);
        }
        let verifier = get("code_verifier").filter(|_| Q::PKCE != Pkce::Ignored);
        match Challenge::check(request.challenge.as_ref(), verifier.as_deref()) {
            Ok(()) => Ok(login),
            Err(_) => Err(Refused::WrongVerifier),
        }
    }

    /// RFC 6749 section 5.1.
    pub(super) fn tokens(
        &mut self,
        login: &Login,
        application: &Registration,
        call: &Call<'_>,
    ) -> Result<Value, SignError> {
        let access_token = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<32>());
        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN, "scope": login.request.scopes.join(" "),
        });
        let wants_id_token = Self::gives_id_tokens() && login.request.scopes.iter().any(|scope| scope == "openid");
        if wants_id_token && self.book.at(Endpoint::Token) != Some(&Misbehaviour::NoIdToken) {
            body["id_token"] = json!(self.id_token(login, application, &access_token, call)?);
        }
        Q::tokens(&mut body);
        let access_token = body["access_token"].as_str().unwrap_or_default().to_owned();
        self.access_tokens.insert(access_token, Login { at: call.now, ..login.clone() });
        Ok(body)
    }

    fn id_token(
        &self,
        login: &Login,
        application: &Registration,
        access_token: &str,
        call: &Call<'_>,
    ) -> Result<String, SignError> {
        let now = call.now.timestamp();
        let person = self.people.get(&login.username);
        let mut claims = person.map(|person| self.claims_of(person, &login.request.scopes)).unwrap_or_default();
        claims.retain(|name, _| name == "sub" || application.claims_in_id_token);
        claims.extend([
            ("iss".to_owned(), json!(self.issuer(call))),
            ("aud".to_owned(), json!(application.id)),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now + TOKEN)),
            ("auth_time".to_owned(), json!(login.at.timestamp())),
            ("at_hash".to_owned(), json!(self.keys.newest().algorithm().at_hash(access_token))),
        ]);
        claims.extend(login.request.nonce.as_ref().map(|nonce| ("nonce".to_owned(), json!(nonce))));
        Q::id_token(&mut claims);
        let secret = application.secret.as_deref().unwrap_or_default();
        self.keys.id_token(self.book.at(Endpoint::Token), claims, secret, now)
    }

    /// Whether there is anything to verify them with.
    pub(super) fn gives_id_tokens() -> bool {
        Q::ENDPOINTS.contains(&Endpoint::Keys)
    }

    pub(super) fn userinfo(&self, path: &str, verb: &Verb, call: &Call<'_>) -> Reply {
        let token = wire::bearer(call.headers).unwrap_or_default();
        let login = self.access_tokens.get(token);
        let login = login.filter(|login| (call.now - login.at).num_seconds() < TOKEN);
        let found = login.and_then(|login| Some((login, self.people.get(&login.username)?)));
        let client = found.map_or("", |(login, _)| login.request.client.as_str());
        let said = found.map(|(login, person)| {
            let mut info = self.claims_of(person, &login.request.scopes);
            Q::userinfo(&mut info, client);
            if let Some(misbehaviour) = self.book.at(Endpoint::Userinfo) {
                misbehaviour.spoil_userinfo(&mut info);
            }
            info
        });
        let api = ApiCall {
            path,
            is_post: *verb == Verb::POST,
            header: &|name| {
                let value = call.headers.get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            },
            parameter: &|name| call.query.text(name),
            token,
            client: (client, self.applications.get(client).and_then(|application| application.secret.as_deref())),
            user: found.map(|(_, person)| (person, subject::<Q>(person))),
            scopes: found.map_or(&[], |(login, _)| &login.request.scopes),
            said: said.as_ref(),
        };
        if let Some((status, body)) = Q::api(&api) {
            return Reply::json(status, &body);
        }
        let Some(mut info) = said else {
            let challenge = r#"Bearer error="invalid_token""#;
            return Reply::empty(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, challenge);
        };
        if !self.applications.get(client).is_some_and(|application| application.signed_userinfo) {
            return Reply::json(StatusCode::OK, &Value::Object(info));
        }
        info.insert("iss".into(), json!(self.issuer(call)));
        info.insert("aud".into(), json!(client));
        match self.keys.newest().sign(&Value::Object(info).to_string()) {
            Ok(token) => Reply::text(StatusCode::OK, "application/jwt", token),
            Err(_) => Self::server_error(),
        }
    }
}
