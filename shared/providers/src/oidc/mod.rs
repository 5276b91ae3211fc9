//! What every OpenID Connect provider does alike (OpenID Connect Core 1.0, Discovery 1.0).

mod claims;
mod discovery;
mod id_token;
mod issuers;
mod keys;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

pub(crate) use claims::Vouched;
pub(crate) use issuers::IssuerCache;
pub(crate) use token::{TokenAnswer, post_as_client};

use crate::{Cx, ProviderError};
use discovery::Metadata;

/// Who a token answer is about: by its ID token, or where there is none by asking userinfo with its access token.
pub(crate) async fn vouched_by(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client_id: &str,
    answer: &TokenAnswer,
) -> Result<Vouched, ProviderError> {
    match answer.id_token() {
        Some(token) => id_token::verify(cx, metadata, client_id, token).await,
        None => userinfo::ask(cx, metadata, answer.access_token()).await,
    }
}
