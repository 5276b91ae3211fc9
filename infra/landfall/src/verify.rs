//! `landfall verify`: verifies a token as every application should.

use std::io::Write;
use std::sync::Arc;

use aws::{SystemClock, SystemEntropy};
use clap::Args;
use egress::{Egress, Reach, Request};
use jsonwebtoken::jwk::JwkSet;
use tokens::{Expected, TokenKind, verify};
use url::Url;

use crate::demo;
use crate::error::CommandError;
use crate::serve::DEFAULT_PORT;

/// Verifies a token with the keys of the issuer you name, and prints its claims.
#[derive(Debug, Args)]
pub struct Verify {
    /// The issuer. It is not taken from the token, because a forged token names any issuer.
    #[arg(long, default_value_t = format!("http://127.0.0.1:{DEFAULT_PORT}"))]
    issuer: String,
    /// The token is an access token; without this, an ID token.
    #[arg(long)]
    access_token: bool,
    /// The audience that the token must name: a client id for an ID token, an API for an access token [default: the demo
    /// application, or the issuer]
    #[arg(long)]
    audience: Option<String>,
    /// The token.
    token: String,
}

impl Verify {
    /// Fetches the keys, verifies, prints.
    pub async fn run(self) -> Result<(), CommandError> {
        let cx = aws::context(Arc::new(SystemClock), &SystemEntropy);
        let kind = if self.access_token { TokenKind::AccessToken } else { TokenKind::IdToken };
        let issuer = self.issuer.trim_end_matches('/');
        let usual = if self.access_token { issuer } else { demo::CLIENT_ID };
        let audience = self.audience.as_deref().unwrap_or(usual);

        let url = format!("{issuer}/oauth2/jwks");
        let no_keys = || CommandError::NoKeys(url.clone());
        let unreachable = |error| CommandError::Unreachable { url: url.clone(), error };
        let egress = Egress::new(Reach::Local).map_err(unreachable)?;
        let request = Request::get(Url::parse(&url).map_err(|_| no_keys())?);
        let response = egress.send(&cx, request).await.map_err(unreachable)?;
        let keys: JwkSet = serde_json::from_slice(&response.body).map_err(|_| no_keys())?;

        let expected = Expected { kind, issuer, audience };
        let verified = verify(&self.token, &keys, &expected, cx.now)?;
        let claims = serde_json::to_string_pretty(&verified.0).unwrap_or_default();
        writeln!(std::io::stdout(), "{claims}").map_err(CommandError::Output)
    }
}
