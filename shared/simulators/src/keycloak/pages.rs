//! The pages people see: titles, texts, ids and field names as the real server's, the look our own. Everything that a
//! request has brought is escaped.

use axum::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};

use crate::core::wire::{Reply, escape_html};

const STYLE: &str = include_str!("pages/style.css");

/// A page, but for what all pages have.
#[derive(Debug)]
pub(super) struct Page {
    id: &'static str,
    title: String,
    body: String,
}

impl Page {
    /// The whole document, for a realm.
    pub(super) fn render(&self, realm: &str) -> String {
        let (realm, Self { id, title, body }) = (escape_html(realm), self);
        format!(
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Sign in to {realm}</title>
<style>{STYLE}</style>
</head>
<body data-page-id="{id}">
<header id="kc-header">{realm}</header>
<main>
<h1 id="kc-page-title">{title}</h1>
{body}
</main>
<footer>A simulated Keycloak. Nothing here is real.</footer>
</body>
</html>
"#
        )
    }
}

/// Adds the headers that the real server has on every page.
pub(super) fn framed(reply: Reply) -> Reply {
    reply
        .header(CACHE_CONTROL, "no-store, must-revalidate, max-age=0")
        .header(CONTENT_LANGUAGE, "en")
        .header(CONTENT_SECURITY_POLICY, "frame-src 'self'; frame-ancestors 'self'; object-src 'none';")
        .header(REFERRER_POLICY, "no-referrer")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(X_FRAME_OPTIONS, "SAMEORIGIN")
}

/// A labelled field, with what was wrong with it.
struct Field<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    /// Further attributes.
    attributes: &'a str,
    error: Option<&'a str>,
}

impl Field<'_> {
    fn render(&self) -> String {
        let Self { name, label, attributes, .. } = self;
        let value = escape_html(self.value);
        let (invalid, described, error) = match self.error {
            None => ("", String::new(), String::new()),
            Some(text) => (
                "true",
                format!(r#" aria-describedby="input-error-{name}""#),
                format!(
                    r#"<div id="input-error-{name}" class="error" aria-live="polite"><span class="kc-feedback-text">{text}</span></div>"#
                ),
            ),
        };
        format!(
            r#"<div class="field">
<label for="{name}">{label}</label>
<input id="{name}" name="{name}" value="{value}" {attributes} aria-invalid="{invalid}"{described}>
<div id="input-error-container-{name}">{error}</div>
</div>"#
        )
    }
}

/// Username, filled in already, and password.
pub(super) fn login(action: &str, username: &str, error: Option<&str>) -> Page {
    let username = Field {
        name: "username",
        label: "Username or email",
        value: username,
        attributes: r#"type="text" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus"#,
        error,
    };
    let password = Field {
        name: "password",
        label: "Password",
        value: "",
        attributes: r#"type="password" autocomplete="current-password""#,
        error: None,
    };
    let fields = format!("{}{}", username.render(), password.render());
    form("login-login", "Sign in to your account", "kc-form-login", action, &fields)
}

/// The code of the second factor.
pub(super) fn otp(action: &str, username: &str, error: Option<&str>) -> Page {
    let code = Field {
        name: "otp",
        label: "One-time code",
        value: "",
        attributes: r#"type="text" autocomplete="one-time-code" inputmode="numeric" autofocus"#,
        error,
    };
    let fields = format!("<p>{}</p>{}", escape_html(username), code.render());
    form("login-login-otp", "Sign In", "kc-otp-login-form", action, &fields)
}

fn form(id: &'static str, title: &str, name: &str, action: &str, fields: &str) -> Page {
    let action = escape_html(action);
    let body = format!(
        r#"<form id="{name}" action="{action}" method="post" novalidate="novalidate">
{fields}
<button name="login" id="kc-login" type="submit">Sign In</button>
</form>"#
    );
    Page { id, title: title.into(), body }
}

/// What a user has to do before they can go on, by the action's name. The simulator does not let them.
pub(super) fn required_action(name: &str) -> Page {
    let (title, text) = match name {
        "UPDATE_PASSWORD" => ("Update password", "You need to change your password to activate your account."),
        "VERIFY_EMAIL" => ("Email verification", "You need to verify your email address to activate your account."),
        "CONFIGURE_TOTP" => {
            ("Mobile Authenticator Setup", "You need to set up Mobile Authenticator to activate your account.")
        }
        "TERMS_AND_CONDITIONS" => ("Terms and Conditions", "Terms and conditions to be defined"),
        _ => ("Update Account Information", "You need to update your user profile to activate your account."),
    };
    let body = format!(r#"<p class="notice alert" role="alert"><span class="kc-feedback-text">{text}</span></p>"#);
    Page { id: "login-required-action", title: title.into(), body }
}

/// What a client wants to see of the user.
pub(super) fn consent(action: &str, client: &str, scopes: &[String]) -> Page {
    let items: String = scopes.iter().map(|scope| format!("<li>{}</li>", escape_html(scope))).collect();
    let (client, action) = (escape_html(client), escape_html(action));
    let body = format!(
        r#"<h2>Do you grant these access privileges?</h2>
<ul>{items}</ul>
<form action="{action}" method="POST">
<button name="accept" id="kc-login" type="submit">Yes</button>
<button name="cancel" id="kc-cancel" type="submit">No</button>
</form>"#
    );
    Page { id: "login-login-oauth-grant", title: format!("Grant Access to {client}"), body }
}

/// The end of a login that cannot go on.
pub(super) fn error(text: &str) -> Page {
    let text = escape_html(text);
    let body = format!(r#"<div id="kc-error-message"><p class="instruction">{text}</p></div>"#);
    Page { id: "login-error", title: "We are sorry...".into(), body }
}

/// A form that the browser posts to the client by itself (OAuth 2.0 Form Post Response Mode), in the real server's own
/// letters.
pub(super) fn form_post(address: &str, fields: &[(&'static str, String)]) -> String {
    let order = ["code", "iss", "state", "session_state", "error", "error_description"];
    let sent = order.iter().filter_map(|name| fields.iter().find(|(field, _)| field == name));
    let inputs: String = sent
        .map(|(name, value)| format!(r#"  <INPUT TYPE="HIDDEN" NAME="{name}" VALUE="{}" />"#, escape_html(value)))
        .collect();
    let address = escape_html(address);
    format!(
        r#"<HTML>  <HEAD>    <TITLE>OIDC Form_Post Response</TITLE>  </HEAD>  <BODY Onload="document.forms[0].submit()">    <FORM METHOD="POST" ACTION="{address}">{inputs}      <NOSCRIPT>        <P>JavaScript is disabled. We strongly recommend to enable it. Click the button below to continue .</P>        <INPUT name="continue" TYPE="SUBMIT" VALUE="CONTINUE" />      </NOSCRIPT>    </FORM>  </BODY></HTML>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_what_a_request_brings_as_text_only() {
        let evil = r#""><script>alert('1')</script>"#;
        for page in [
            login(evil, evil, Some("Invalid username or password.")),
            otp(evil, evil, None),
            consent(evil, evil, &[evil.to_owned()]),
            error(evil),
        ] {
            let page = page.render(evil);
            assert!(!page.contains("<script") && !page.contains("alert('1')"), "{page}");
        }
        let posted = form_post(evil, &[("state", evil.into()), ("code", evil.into())]);
        assert!(!posted.contains("<script"), "{posted}");
    }
}
