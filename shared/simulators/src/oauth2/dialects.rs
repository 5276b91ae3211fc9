//! One [`Dialect`] for each provider.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Dialect, Play, User, bare, number, preset, standard};
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
        // JSON comes where nothing else is asked for.
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

/// X, once Twitter: <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>,
/// <https://docs.x.com/x-api/users/get-my-user>.
#[derive(Debug)]
pub struct Twitter;

impl Play for Twitter {
    const DIALECT: Dialect = Dialect {
        settings: |address| preset("x", address, "/2", "/i/oauth2/authorize", "/2/oauth2/token"),
        authorize: "/i/oauth2/authorize",
        token: "/2/oauth2/token",
        apis: &[Api {
            path: "/2/users/me",
            is_post: false,
            scope: Some(("users.read", StatusCode::FORBIDDEN)),
            says: |user| {
                let mut data = json!({ "id": user.id, "name": user.name, "username": user.username });
                // An address that is not confirmed is not there at all.
                if let Some(email) = user.address().filter(|_| user.is_verified() && user.granted("users.email")) {
                    data["confirmed_email"] = json!(email);
                }
                json!({ "data": data })
            },
        }],
        id: |id| number(id).to_string(),
        pkce: Pkce::Checked,
        iss: None,
        answers_with_form: |_| false,
        tokens: |_| {},
        refused: |why| match why.error() {
            "invalid_client" => refusal(401, "unauthorized_client", "Missing valid authorization header"),
            _ => refusal(400, "invalid_request", "Value passed for the authorization code was invalid."),
        },
        forbidden: |status| {
            let title = status.canonical_reason().unwrap_or_default();
            json!({ "title": title, "detail": title, "type": "about:blank", "status": status.as_u16() })
        },
    };
}

fn refusal(status: u16, error: &str, description: &str) -> (StatusCode, Value) {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, json!({ "error": error, "error_description": description }))
}

/// LinkedIn: <https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow>,
/// <https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>.
#[derive(Debug)]
pub struct LinkedIn;

impl Play for LinkedIn {
    const DIALECT: Dialect = Dialect {
        settings: |address| preset("linkedin", address, "/v2", "/oauth/v2/authorization", "/oauth/v2/accessToken"),
        authorize: "/oauth/v2/authorization",
        token: "/oauth/v2/accessToken",
        apis: &[Api {
            path: "/v2/userinfo",
            is_post: false,
            scope: Some(("openid", StatusCode::FORBIDDEN)),
            says: |user| {
                let mut info = json!({
                    "sub": user.id, "name": user.name, "picture": "https://media.licdn-ei.com/dms/image/p.jpg",
                    "locale": { "country": "US", "language": "en" },
                });
                if let Some(email) = user.address().filter(|_| user.granted("email")) {
                    // Documented as a boolean, and seen as text.
                    (info["email"], info["email_verified"]) = (json!(email), json!(user.is_verified().to_string()));
                }
                info
            },
        }],
        id: |id| id.replace('-', "").get(..10).unwrap_or_default().to_owned(),
        pkce: Pkce::Refused,
        iss: None,
        answers_with_form: |_| false,
        tokens: |answer| {
            let scope = answer["scope"].as_str().unwrap_or_default().replace(' ', ",");
            (answer["scope"], answer["expires_in"]) = (json!(scope), json!(5_184_000));
            // Without the nonce that was sent, and nothing here looks at it.
            answer["id_token"] = json!("e30.e30.e30");
        },
        refused: |why| match why {
            // Of a verifier it says what it says of a wrong secret.
            Refused::WrongVerifier
            | Refused::WrongSecret
            | Refused::NoSecret
            | Refused::UnknownClient
            | Refused::PublicClient => refusal(401, "invalid_client", "Client authentication failed"),
            Refused::UnknownCode | Refused::UsedCode => {
                refusal(401, "invalid_request", "Unable to retrieve access token: authorization code not found")
            }
            Refused::CodeOfAnother | Refused::ExpiredCode => refusal(
                400,
                "invalid_request",
                "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or \
                 authorization code expired. Or external member binding exists",
            ),
            _ => refusal(400, "invalid_request", "A required parameter is missing"),
        },
        forbidden: |status| json!({ "status": status.as_u16(), "serviceErrorCode": 65600, "message": "Invalid access token" }),
    };
}

/// Discord: <https://docs.discord.com/developers/topics/oauth2>, <https://docs.discord.com/developers/resources/user>,
/// <https://discord.com/.well-known/oauth-authorization-server>.
#[derive(Debug)]
pub struct Discord;

impl Play for Discord {
    const DIALECT: Dialect = Dialect {
        settings: |address| bare(address, &Self::DIALECT),
        authorize: "/oauth2/authorize",
        token: "/api/oauth2/token",
        apis: &[Api {
            path: "/api/users/@me",
            is_post: false,
            scope: Some(("identify", StatusCode::UNAUTHORIZED)),
            says: |user| {
                let mut me = json!({
                    "id": user.id, "username": user.username, "discriminator": "0", "global_name": user.name, "avatar": null,
                    "mfa_enabled": false, "locale": "en-US",
                });
                if user.granted("email") {
                    (me["email"], me["verified"]) = (json!(user.address()), json!(user.is_verified()));
                }
                me
            },
        }],
        id: |id| format!("80{:016}", number(id)),
        pkce: Pkce::Checked,
        iss: Some("https://discord.com"),
        answers_with_form: |_| false,
        tokens: |answer| answer["refresh_token"] = json!("D43f5y0ahjqew82jZ4NViEr2YafMKhue"),
        refused: |why| standard(why, &[("invalid_grant", "Invalid \"code\" in request.")]),
        forbidden: |status| json!({ "message": format!("{}: Unauthorized", status.as_u16()), "code": 0 }),
    };
}

/// Spotify: <https://developer.spotify.com/documentation/web-api/tutorials/code-flow>,
/// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>.
#[derive(Debug)]
pub struct Spotify;

impl Play for Spotify {
    const DIALECT: Dialect = Dialect {
        settings: |address| bare(address, &Self::DIALECT),
        authorize: "/authorize",
        token: "/api/token",
        apis: &[Api {
            path: "/v1/me",
            is_post: false,
            scope: None,
            says: |user| {
                let mut me = json!({
                    "id": user.id, "display_name": user.name, "type": "user", "followers": { "href": null, "total": 0 },
                    "images": [{ "url": "https://i.scdn.co/image/ab67616d00001e02", "height": 300, "width": 300 }],
                    "external_urls": { "spotify": format!("https://open.spotify.com/user/{}", user.id) },
                });
                // As the user has typed it.
                if user.granted("user-read-email") {
                    me["email"] = json!(user.address());
                }
                me
            },
        }],
        id: |id| id.replace('-', "").get(..25).unwrap_or_default().to_owned(),
        pkce: Pkce::Checked,
        iss: None,
        answers_with_form: |_| false,
        tokens: |_| {},
        refused: |why| {
            standard(
                why,
                &[("invalid_grant", "Invalid authorization code"), ("invalid_client", "Invalid client secret")],
            )
        },
        forbidden: |status| json!({ "error": { "status": status.as_u16(), "message": "Invalid access token" } }),
    };
}

/// Bitbucket Cloud: <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>,
/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/>.
#[derive(Debug)]
pub struct Bitbucket;

impl Play for Bitbucket {
    const DIALECT: Dialect = Dialect {
        settings: |address| bare(address, &Self::DIALECT),
        authorize: "/site/oauth2/authorize",
        token: "/site/oauth2/access_token",
        apis: &[
            Api {
                path: "/2.0/user",
                is_post: false,
                scope: Some(("account", StatusCode::FORBIDDEN)),
                says: |user| {
                    json!({
                        "type": "user", "uuid": user.id, "account_id": "557058:c0b72ad0", "display_name": user.name,
                        "nickname": user.username, "links": { "avatar": { "href": "https://secure.gravatar.com/avatar/a" } },
                    })
                },
            },
            Api {
                path: "/2.0/user/emails",
                is_post: false,
                scope: Some(("email", StatusCode::FORBIDDEN)),
                says: |user| {
                    let entry = |email: &str, primary: bool, confirmed: bool| json!({ "type": "email", "email": email, "is_primary": primary, "is_confirmed": confirmed });
                    let own = user.address().map(|address| entry(address, true, user.is_verified()));
                    let values: Vec<_> = std::iter::once(entry("old@example.org", false, true)).chain(own).collect();
                    json!({ "pagelen": 10, "page": 1, "size": values.len(), "values": values })
                },
            },
        ],
        id: |id| format!("{{{id}}}"),
        pkce: Pkce::Ignored,
        iss: None,
        answers_with_form: |_| false,
        tokens: |answer| answer["scopes"] = json!("account email"),
        refused: |why| standard(why, &[("invalid_grant", "The specified code is not valid.")]),
        forbidden: |_| json!({ "type": "error", "error": { "message": "Access token expired." } }),
    };
}

/// Dropbox: <https://www.dropbox.com/developers/documentation/http/documentation>. Its API is one of remote procedures: each call is a POST.
#[derive(Debug)]
pub struct Dropbox;

impl Play for Dropbox {
    const DIALECT: Dialect = Dialect {
        settings: |address| bare(address, &Self::DIALECT),
        authorize: "/oauth2/authorize",
        token: "/oauth2/token",
        apis: &[Api {
            path: "/2/users/get_current_account",
            is_post: true,
            scope: Some(("account_info.read", StatusCode::UNAUTHORIZED)),
            says: |user| {
                let (given, family) = user.name.split_once(' ').unwrap_or_default();
                json!({
                    "account_id": user.id, "email": user.address(), "email_verified": user.is_verified(), "disabled": false,
                    "name": { "given_name": given, "surname": family, "familiar_name": given, "display_name": user.name },
                    "country": "US", "locale": "en",
                })
            },
        }],
        id: |id| format!("dbid:{}", id.replace('-', "")),
        pkce: Pkce::Checked,
        iss: None,
        answers_with_form: |_| false,
        tokens: |_| {},
        refused: |why| standard(why, &[("invalid_grant", "code doesn't exist or has expired")]),
        forbidden: |_| json!({ "error_summary": "expired_access_token/", "error": { ".tag": "expired_access_token" } }),
    };
}

/// Reddit: <https://github.com/reddit-archive/reddit/wiki/OAuth2>, <https://www.reddit.com/dev/api/#GET_api_v1_me>. There is no e-mail.
#[derive(Debug)]
pub struct Reddit;

impl Play for Reddit {
    const DIALECT: Dialect = Dialect {
        settings: |address| bare(address, &Self::DIALECT),
        authorize: "/api/v1/authorize",
        token: "/api/v1/access_token",
        apis: &[Api {
            path: "/api/v1/me",
            is_post: false,
            scope: Some(("identity", StatusCode::FORBIDDEN)),
            says: |user| {
                json!({
                    "id": user.id, "name": user.username, "has_verified_email": user.is_verified(), "created_utc": 1_389_649_907.0,
                    "icon_img": "https://www.redditstatic.com/avatars/a.png",
                })
            },
        }],
        id: |id| id.get(..7).unwrap_or_default().to_owned(),
        pkce: Pkce::Ignored,
        iss: None,
        answers_with_form: |_| false,
        tokens: |_| {},
        refused: |why| match why.error() {
            "invalid_client" => (StatusCode::UNAUTHORIZED, json!({ "message": "Unauthorized", "error": 401 })),
            // With the status of a success.
            error => (StatusCode::OK, json!({ "error": error })),
        },
        forbidden: |status| json!({ "message": "Unauthorized", "error": status.as_u16() }),
    };
}
