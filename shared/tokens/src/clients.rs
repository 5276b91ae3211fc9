//! Applications' registrations at our issuer: who they are, proven where they have a secret, and where their pages live.

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::{Cache, Client, ClientId, Code, RequestContext, SecretError, SecretName, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use store::{Store, StoreError};
use subtle::ConstantTimeEq;

/// Registrations, kept in memory for [`Clients::MAX_AGE`]: one that is removed stops within that.
pub struct Clients {
    store: Store,
    secrets: Arc<dyn SecretSource>,
    by_id: Cache<ClientId, Arc<Client>>,
    all: Cache<(), Arc<[Client]>>,
}

/// What a client says of itself (RFC 6749 section 2.3.1).
#[derive(Clone)]
pub struct ClientCredentials {
    /// Its `client_id`, as sent.
    pub id: String,
    /// Its secret, as sent.
    pub secret: SecretString,
}

/// A client is not who it would have to be.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It did something that is refused.
    #[error("{0}")]
    Refused(Code),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Clients {
    /// How old a registration may be.
    pub const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

    /// Registrations in `store`, their secrets in `secrets`.
    pub fn new(store: Store, secrets: Arc<dyn SecretSource>) -> Self {
        Self { store, secrets, by_id: Cache::new(Self::MAX_AGE), all: Cache::new(Self::MAX_AGE) }
    }

    /// The client of that id, if there is one. The request is its from now on.
    pub async fn find(&self, cx: &RequestContext, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let load = async { Ok(self.store.get_client(cx, id).await?.map(Arc::new)) };
        let client = self.by_id.get_or::<StoreError>(cx.now, id, load).await?;
        Ok(client.inspect(|client| cx.set_application(client)))
    }

    /// Whether `client` has proven to be itself, with its secret. `false` if it did not have to and did not try.
    ///
    /// # Errors
    /// `origin_not_allowed` from a page that is not the client's; `invalid_client` where credentials are missing, wrong,
    /// another's, or given for a client that has none.
    pub async fn authenticate(
        &self,
        cx: &RequestContext,
        client: &Client,
        credentials: Option<&ClientCredentials>,
        secret_required: bool,
    ) -> Result<bool, ClientError> {
        if !client.allows_origin(cx.origin.as_deref()) {
            return Err(ClientError::Refused(Code::OriginNotAllowed));
        }
        let refused = Err(ClientError::Refused(Code::InvalidClient));
        let (Some(name), Some(credentials)) = (&client.secret, credentials) else {
            return if credentials.is_some() || secret_required { refused } else { Ok(false) };
        };
        if credentials.id != client.id.as_str() {
            return refused;
        }
        let name = SecretName::client(name);
        let is_theirs = |secret: SecretString| {
            bool::from(secret.expose_secret().as_bytes().ct_eq(credentials.secret.expose_secret().as_bytes()))
        };
        // It may have been rotated a moment ago; how often that is asked is bounded by the source.
        let proven = is_theirs(self.secrets.get(cx, &name).await?) || is_theirs(self.secrets.reread(cx, &name).await?);
        if proven { Ok(true) } else { refused }
    }

    /// Whether pages of this origin are some client's: all that a browser asks before it sends a request (CORS preflight).
    pub async fn any_allows_origin(&self, cx: &RequestContext, origin: &str) -> Result<bool, StoreError> {
        let load = async { Ok(Some(self.store.list_clients(cx).await?.into())) };
        let clients = self.all.get_or::<StoreError>(cx.now, &(), load).await?.unwrap_or_default();
        Ok(clients.iter().any(|client: &Client| client.allows_origin(Some(origin))))
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCredentials")
    }
}
