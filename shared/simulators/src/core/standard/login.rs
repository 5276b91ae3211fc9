//! The browser's part: an authorization request, a form, and the way back (RFC 6749 section 4.1, OIDC Core section 3.1.2).

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Login, Quirks, State, Waiting};
use crate::core::callback::{Delivery, Fields, ResponseMode, Target};
use crate::core::pkce::{Challenge, Pkce};
use crate::core::server::Call;
use crate::core::wire::{Form, Reply, escape_html};
use crate::core::{Endpoint, Misbehaviour, Person, signer};

impl<Q: Quirks> State<Q> {
    pub(super) fn authorize(&mut self, call: &Call<'_>, parameters: &Form) -> Reply {
        let get = |name: &str| parameters.text(name);
        let is_browserless = Q::BROWSERLESS.is_some() && get("response_mode").as_deref() == Q::BROWSERLESS;
        let client = get("client_id").and_then(|id| self.applications.get(&id));
        let redirect_uri = get("redirect_uri").unwrap_or_default();
        // No redirect to an unregistered address (RFC 6749 section 4.1.2.1).
        let Some(application) = client.filter(|application| application.redirect_uri == redirect_uri) else {
            if is_browserless {
                let wrong = if client.is_some() { "redirect_uri" } else { "client_id" };
                return self.refuse_browserless(wrong, call);
            }
            let (status, text) = Q::unregistered(client.is_some());
            return match status.is_redirection() {
                true => Reply::empty(status).header(LOCATION, text),
                false => Reply::html(status, text),
            };
        };
        let mode = get("response_mode")
            .filter(|_| !is_browserless)
            .map_or(Some(ResponseMode::Default), |mode| ResponseMode::named(&mode));
        let target = Target { redirect_uri, mode: mode.unwrap_or(ResponseMode::Default), state: get("state") };
        let client = application.id.clone();
        let scopes: Vec<_> = get("scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
        if let Some((status, text)) = Q::page(&scopes, get("response_mode").as_deref()) {
            return Reply::html(status, text);
        }
        let challenge = match (get("code_challenge"), get("code_challenge_method").as_deref()) {
            _ if Q::PKCE != Pkce::Checked => Ok(None),
            (None, None) if !application.pkce_required => Ok(None),
            (Some(challenge), Some("S256")) => Challenge::s256(challenge).map(Some),
            _ => Err("code_challenge"),
        };
        let error = match challenge {
            _ if parameters.has_duplicates() || mode.is_none() => Some("invalid_request"),
            _ if get("response_type").as_deref() != Some("code") => Some("unsupported_response_type"),
            _ if Q::DEMANDS_OPENID && Self::gives_id_tokens() && !scopes.iter().any(|scope| scope == "openid") => {
                Some("invalid_scope")
            }
            Err(_) => Some("invalid_request"),
            // There is no session to go on with.
            Ok(_) if Q::KNOWS_PROMPTS && get("prompt").as_deref() == Some("none") => Some("login_required"),
            Ok(_) if matches!(self.book.at(Endpoint::Authorize), Some(Misbehaviour::CallbackError(_))) => {
                Some("server_error")
            }
            Ok(_) => None,
        };
        if let Some(error) = error {
            if is_browserless {
                return self.refuse_browserless(if error == "invalid_scope" { "scope" } else { "request" }, call);
            }
            return self.deliver(&target, target.refusal(&self.issuer(call), error, None));
        }
        let waiting = Waiting { client, target, scopes, nonce: get("nonce"), challenge: challenge.unwrap_or_default() };
        if is_browserless {
            let handle = signer::uuid(call.entropy.bytes());
            self.waiting.insert(handle.clone(), waiting);
            return self.begin_browserless(&handle, call);
        }
        let tab = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<16>());
        self.waiting.insert(tab.clone(), waiting);
        self.form(call, &tab, "")
    }

    /// What the form was answered with.
    pub(super) fn log_in(&mut self, call: &Call<'_>) -> Reply {
        let get = |name: &str| call.form.text(name).unwrap_or_default();
        let tab = get("tab");
        let Some(request) = self.waiting.get(&tab).cloned() else {
            return Reply::html(StatusCode::BAD_REQUEST, "This login is over.");
        };
        let name = get("username");
        let by_email = |person: &&Person| person.email.as_ref().is_some_and(|(email, _)| *email == name);
        let person = self.people.get(&name).or_else(|| self.people.values().find(by_email));
        let Some(person) = person.filter(|person| person.password == get("password")) else {
            return self.form(call, &tab, "The username or the password is wrong.");
        };
        let username = person.username.clone();
        let is_new = self.known.insert((request.client.clone(), username.clone()));
        let first = if is_new { Q::first_callback(person, &request.scopes) } else { Fields::new() };
        self.waiting.remove(&tab);
        let code = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<32>());
        let mut fields = vec![("code", code.clone()), ("iss", self.issuer(call))];
        fields.extend(request.target.state.clone().map(|state| ("state", state)));
        fields.extend(first);
        let reply = self.deliver(&request.target, fields);
        self.codes.insert(code, Login { username, at: call.now, request });
        reply
    }

    fn form(&self, call: &Call<'_>, tab: &str, error: &str) -> Reply {
        let action = self.address(call, Endpoint::Login);
        let fields = [("tab", "hidden", tab), ("username", "text", ""), ("password", "password", "")];
        let form = form(&action, &fields);
        page(&format!("<h1>Sign in</h1><p>{error}</p>{form}<p>A simulated provider. Nothing here is real.</p>"))
    }

    fn deliver(&self, target: &Target, mut fields: Fields) -> Reply {
        fields.retain(|(name, _)| Q::SENDS_ISS || *name != "iss");
        match target.deliver(&self.book, fields) {
            Delivery::Redirect(mut address) => {
                if !Q::FRAGMENT.is_empty() {
                    address = format!("{address}#{}", Q::FRAGMENT);
                }
                Reply::empty(StatusCode::SEE_OTHER).header(LOCATION, address)
            }
            Delivery::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, "hidden", value.as_str())).collect();
                // As in the example of OAuth 2.0 Form Post Response Mode, appendix A: the browser goes on by itself.
                let form = form(&target.redirect_uri, &fields);
                page(&format!(r#"<body onload="document.forms[0].submit()">{form}</body>"#))
            }
        }
    }
}

/// A form with fields as name, type and value.
fn form(action: &str, fields: &[(&str, &str, &str)]) -> String {
    let input = |(name, kind, value): &(&str, &str, &str)| {
        let input = format!(r#"<input type="{kind}" name="{name}" value="{}">"#, escape_html(value));
        if *kind == "hidden" { input } else { format!("<p><label>{name}<br>{input}</label></p>") }
    };
    let inputs: String = fields.iter().map(input).collect();
    format!(r#"<form method="post" action="{}">{inputs}<button>Continue</button></form>"#, escape_html(action))
}

fn page(text: &str) -> Reply {
    Reply::html(StatusCode::OK, text).header(CACHE_CONTROL, "no-store")
}
