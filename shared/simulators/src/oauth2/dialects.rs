//! One [`Dialect`] for each provider.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Dialect, Play, User, number, preset};
use crate::core::{Pkce, Refused};

/// GitHub: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
/// <https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>,
/// <https://docs.github.com/rest/users/users>, <https://docs.github.com/rest/users/emails>.
#[derive(Debug)]
pub struct GitHub;

impl Play for GitHub {
    const DIALECT: Dialect = Dialect {
        settings: |address| preset("github", address, "", "/login/oauth/authorize", "/login/oauth/access_token"),
        authorize: "/login/oauth/authorize",
        token: "/login/oauth/access_token",
        apis: &[
            Api { path: "/user", is_post: false, scope: None, says: github_user },
            Api {
                path: "/user/emails",
                is_post: false,
                scope: Some(("user:email", StatusCode::NOT_FOUND)),
                says: github_emails,
            },
        ],
        id: |id| number(id).to_string(),
        pkce: Pkce::Checked,
        // <https://docs.github.com/apps/github-authentication-discovery-endpoints>
        iss: Some("https://github.com/login/oauth"),
        // JSON is given to whoever asks for nothing else.
        answers_with_form: |accept| accept != "application/json",
        tokens: |answer| {
            let scope = answer["scope"].as_str().unwrap_or_default().replace(' ', ",");
            let token = answer["access_token"].as_str().unwrap_or_default();
            *answer = json!({ "access_token": format!("gho_{token}"), "scope": scope, "token_type": "bearer" });
        },
        refused: |why| {
            let (error, description) = match why {
                Refused::UnknownClient | Refused::NoSecret | Refused::WrongSecret | Refused::PublicClient => {
                    ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
                }
                _ => ("bad_verification_code", "The code passed is incorrect or expired."),
            };
            let uri = "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";
            // With the status of a success.
            (StatusCode::OK, json!({ "error": error, "error_description": description, "error_uri": uri }))
        },
        forbidden: |status| {
            let message = match status {
                StatusCode::UNAUTHORIZED => "Bad credentials",
                StatusCode::FORBIDDEN => "Request forbidden by administrative rules.",
                _ => "Not Found",
            };
            json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.as_str() })
        },
    };
}

fn github_user(user: &User<'_>) -> Value {
    json!({
        "login": user.username, "id": number_of(user), "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User", "site_admin": false,
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{}?v=4", user.id),
        "html_url": format!("https://github.com/{}", user.username),
        // The one that the user shows to everybody: none.
        "name": user.name, "email": null, "bio": null, "created_at": "2011-01-25T18:44:36Z",
    })
}

/// The primary one is not the first.
fn github_emails(user: &User<'_>) -> Value {
    let own = user.address().map(
        |address| json!({ "email": address, "primary": true, "verified": user.is_verified(), "visibility": "private" }),
    );
    let hidden = format!("{}+{}@users.noreply.github.com", user.id, user.username);
    let hidden = json!({ "email": hidden, "primary": false, "verified": true, "visibility": null });
    std::iter::once(hidden).chain(own).collect()
}

fn number_of(user: &User<'_>) -> u64 {
    user.id.parse().unwrap_or_default()
}
