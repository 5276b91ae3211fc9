//! Registrations of applications at our issuer: look-up, authentication and origins.

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::{Cache, Client, ClientId, Code, RequestContext, SecretError, SecretName, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use store::{Store, StoreError};
use subtle::ConstantTimeEq;

/// Registrations, cached for [`Clients::MAX_AGE`]. A removed registration stops working within that time.
pub struct Clients {
    store: Store,
    secrets: Arc<dyn SecretSource>,
    by_id: Cache<ClientId, Arc<Client>>,
    all: Cache<(), Arc<[Client]>>,
}

/// A client's credentials (RFC 6749 section 2.3.1).
#[derive(Clone)]
pub struct ClientCredentials {
    /// Its `client_id`, as sent.
    pub id: String,
    /// Its secret, as sent.
    pub secret: SecretString,
}

/// A client could not be authenticated.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client is refused.
    #[error("{0}")]
    Refused(Code),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client's secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Clients {
    /// The maximum age of a cached registration.
    pub const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

    /// Registrations in `store`, their secrets in `secrets`.
    pub fn new(store: Store, secrets: Arc<dyn SecretSource>) -> Self {
        Self { store, secrets, by_id: Cache::new(Self::MAX_AGE), all: Cache::new(Self::MAX_AGE) }
    }

    /// The client with this id, if it exists. Also sets it as the request's application.
    pub async fn find(&self, cx: &RequestContext, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let load = async { Ok(self.store.get_client(cx, id).await?.map(Arc::new)) };
        let client = self.by_id.get_or::<StoreError>(cx.now, id, load).await?;
        Ok(client.inspect(|client| cx.set_application(client)))
    }

    /// Authenticates `client` with its secret. Returns `false` if no authentication is required and no credentials are
    /// given.
    ///
    /// # Errors
    /// `origin_not_allowed` if the page's origin is not the client's; `invalid_client` if credentials are missing,
    /// wrong, another client's, or given for a client without a secret.
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
        let matches = |secret: SecretString| {
            bool::from(secret.expose_secret().as_bytes().ct_eq(credentials.secret.expose_secret().as_bytes()))
        };
        // The secret may have been rotated a moment ago. The source limits how often it is read again.
        let proven = matches(self.secrets.get(cx, &name).await?) || matches(self.secrets.reread(cx, &name).await?);
        if proven { Ok(true) } else { refused }
    }

    /// Whether any client has this origin. A CORS preflight does not name the client.
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
