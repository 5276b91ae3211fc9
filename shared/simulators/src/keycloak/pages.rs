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

/// Something said above a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notice {
    text: &'static str,
    /// Wants to be heard at once.
    is_alert: bool,
}

impl Notice {
    pub(super) const REAUTHENTICATE: Self = Self { text: "Please re-authenticate to continue", is_alert: false };
    pub(super) const ACCOUNT_DISABLED: Self =
        Self { text: "Account is disabled, contact your administrator.", is_alert: true };
    pub(super) const ACTION_EXPIRED: Self =
        Self { text: "Action expired. Please continue with login now.", is_alert: true };
    pub(super) const TIMED_OUT: Self =
        Self { text: "Your login attempt timed out. Login will start from the beginning.", is_alert: true };

    fn render(&self) -> String {
        let (class, role) = if self.is_alert { ("notice alert", "alert") } else { ("notice", "status") };
        format!(r#"<p class="{class}" role="{role}"><span class="kc-feedback-text">{}</span></p>"#, self.text)
    }
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

/// The form for username and password.
#[derive(Debug)]
pub(super) struct LoginForm<'a> {
    pub(super) action: String,
    /// Where somebody else begins anew.
    pub(super) again: String,
    /// What stands in the field already.
    pub(super) username: &'a str,
    /// Who only has to give the password once more.
    pub(super) returning: Option<&'a str>,
    pub(super) error: Option<&'static str>,
    pub(super) notice: Option<Notice>,
}

/// The form for the code of a second factor.
#[derive(Debug)]
pub(super) struct OtpForm<'a> {
    pub(super) action: String,
    pub(super) again: String,
    pub(super) username: &'a str,
    pub(super) error: Option<&'static str>,
    pub(super) notice: Option<Notice>,
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

const SUBMIT: &str = r#"<button name="login" id="kc-login" type="submit">Sign In</button>"#;

/// Username and password; of somebody who is signed in already, the password alone.
pub(super) fn login(form: &LoginForm<'_>) -> Page {
    let LoginForm { action, again, username, returning, error, notice } = form;
    let who = match returning {
        Some(returning) => attempted(returning, again),
        None => Field {
            name: "username",
            label: "Username or email",
            value: username,
            attributes: r#"type="text" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus"#,
            error: *error,
        }
        .render(),
    };
    let password = Field {
        name: "password",
        label: "Password",
        value: "",
        attributes: r#"type="password" autocomplete="current-password""#,
        error: error.filter(|_| returning.is_some()),
    }
    .render();
    let notice = notice.map(|notice| notice.render()).unwrap_or_default();
    let action = escape_html(action);
    let body = format!(
        r#"{notice}
<form id="kc-form-login" action="{action}" method="post" novalidate="novalidate">
{who}
{password}
<input type="hidden" id="id-hidden-input" name="credentialId">
{SUBMIT}
</form>"#
    );
    Page { id: "login-login", title: "Sign in to your account".into(), body }
}

/// The code of the second factor.
pub(super) fn otp(form: &OtpForm<'_>) -> Page {
    let OtpForm { action, again, username, error, notice } = form;
    let who = attempted(username, again);
    let code = Field {
        name: "otp",
        label: "One-time code",
        value: "",
        attributes: r#"type="text" autocomplete="one-time-code" inputmode="numeric" autofocus"#,
        error: *error,
    }
    .render();
    let notice = notice.map(|notice| notice.render()).unwrap_or_default();
    let action = escape_html(action);
    let body = format!(
        r#"{notice}
<form id="kc-otp-login-form" action="{action}" method="post">
{who}
{code}
{SUBMIT}
</form>"#
    );
    Page { id: "login-login-otp", title: "Sign In".into(), body }
}

/// Who is logging in, and the way out for anybody else.
fn attempted(username: &str, again: &str) -> String {
    let (username, again) = (escape_html(username), escape_html(again));
    format!(
        r#"<div class="field">
<label for="kc-attempted-username">Username or email</label>
<input id="kc-attempted-username" value="{username}" readonly>
<a id="reset-login" href="{again}">Restart login</a>
</div>"#
    )
}

/// What a user has to do before they can go on, by the action's name. The simulator does not let them.
pub(super) fn required_action(name: &str, email: &str, again: &str) -> Page {
    let (title, text) = match name {
        "UPDATE_PASSWORD" => ("Update password", "You need to change your password to activate your account."),
        "VERIFY_EMAIL" => ("Email verification", "You need to verify your email address to activate your account."),
        "CONFIGURE_TOTP" => {
            ("Mobile Authenticator Setup", "You need to set up Mobile Authenticator to activate your account.")
        }
        "TERMS_AND_CONDITIONS" => ("Terms and Conditions", "Terms and conditions to be defined"),
        _ => ("Update Account Information", "You need to update your user profile to activate your account."),
    };
    let sent = match name {
        "VERIFY_EMAIL" => format!(
            "<p>An email with instructions to verify your email address has been sent to your address {}.</p>",
            escape_html(email)
        ),
        _ => String::new(),
    };
    let again = escape_html(again);
    let body = format!(
        r#"<p class="notice alert" role="alert"><span class="kc-feedback-text">{text}</span></p>
{sent}
<p>The simulated server cannot do this for you. <a id="reset-login" href="{again}">Restart login</a></p>"#
    );
    Page { id: "login-required-action", title: title.into(), body }
}

/// What a client wants to see of the user.
pub(super) fn consent(client: &str, texts: &[&str], action: &str, code: &str) -> Page {
    let items: String = texts.iter().map(|text| format!("<li>{text}</li>")).collect();
    let (client, action) = (escape_html(client), escape_html(action));
    let body = format!(
        r#"<div id="kc-oauth">
<h2>Do you grant these access privileges?</h2>
<ul>{items}</ul>
<form action="{action}" method="POST">
<input type="hidden" name="code" value="{code}">
<button name="accept" id="kc-login" type="submit">Yes</button>
<button name="cancel" id="kc-cancel" type="submit">No</button>
</form>
</div>"#
    );
    Page { id: "login-login-oauth-grant", title: format!("Grant Access to {client}"), body }
}

/// A form that belongs to another step than the one the login is at.
pub(super) fn expired(restart: &str, forward: &str) -> Page {
    let (restart, forward) = (escape_html(restart), escape_html(forward));
    let body = format!(
        r#"<p id="instruction1">To restart the login process <a id="loginRestartLink" href="{restart}">Click here</a>.<br>
To continue the login process <a id="loginContinueLink" href="{forward}">Click here</a>.</p>"#
    );
    Page { id: "login-login-page-expired", title: "Page has expired".into(), body }
}

/// The end of a login that cannot go on.
pub(super) fn error(text: &str) -> Page {
    let text = escape_html(text);
    let body = format!(r#"<div id="kc-error-message"><p class="instruction">{text}</p></div>"#);
    Page { id: "login-error", title: "We are sorry...".into(), body }
}

/// A form that the browser posts to the client by itself (OAuth 2.0 Form Post Response Mode), in the real server's own
/// letters: whoever reads it out in a test reads what they will meet.
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
    fn a_page_says_only_as_text_what_a_request_has_brought() {
        let evil = r#""><script>alert('1')</script>"#;
        let form = |returning| LoginForm {
            action: evil.into(),
            again: evil.into(),
            username: evil,
            returning,
            error: Some("Invalid username or password."),
            notice: Some(Notice::ACTION_EXPIRED),
        };
        let otp_form = OtpForm { action: evil.into(), again: evil.into(), username: evil, error: None, notice: None };
        for page in [
            login(&form(None)),
            login(&form(Some(evil))),
            otp(&otp_form),
            required_action("VERIFY_EMAIL", evil, evil),
            consent(evil, &["User profile"], evil, "code"),
            expired(evil, evil),
            error(evil),
        ] {
            let page = page.render(evil);
            assert!(!page.contains("<script") && !page.contains("alert('1')"), "{page}");
        }
        let posted = form_post(evil, &[("state", evil.into()), ("code", evil.into())]);
        assert!(!posted.contains("<script"), "{posted}");
    }

    #[test]
    fn every_field_has_a_label_and_names_its_error() {
        let form = LoginForm {
            action: String::new(),
            again: String::new(),
            username: "ada",
            returning: None,
            error: Some("Invalid username or password."),
            notice: None,
        };
        let page = login(&form).render("demo");
        for name in ["username", "password"] {
            assert!(
                page.contains(&format!(r#"<label for="{name}">"#)) && page.contains(&format!(r#"<input id="{name}""#))
            );
        }
        assert!(page.contains(r#"aria-invalid="true" aria-describedby="input-error-username""#), "{page}");
        assert!(page.contains(r#"<html lang="en">"#) && page.contains("width=device-width"));
        assert!(!page.contains("<script"));
    }
}
