//! What providers send unasked.

use std::sync::Arc;

use base::Base;
use directory::{Directory, Notified};
use domain::{Code, ConnectorId, ErrorAnswer, RequestContext};
use providers::{Acknowledgement, ProviderError};
use store::StoreError;

use crate::Connectors;

/// Receives the notifications of providers.
#[derive(Debug)]
pub struct Notifications {
    connectors: Arc<Connectors>,
    directory: Directory,
}

/// A notification is not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// No enabled connector has this id.
    #[error("there is no such connector")]
    Unknown,
    /// It did not pass verification, or could not be verified now.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotificationError> for ErrorAnswer {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Unknown => Code::UnknownConnector.into(),
            NotificationError::Provider(error @ ProviderError::Refused { .. }) => {
                Self::with_reason(Code::InvalidRequest, error)
            }
            // The provider sends it again.
            NotificationError::Provider(error) => Self::unavailable(error),
            NotificationError::Store(error) => error.into(),
        }
    }
}

impl Notifications {
    /// Notifications of these connectors' providers, about the accounts of the deployment's users.
    pub fn new(base: &Base, connectors: Arc<Connectors>) -> Self {
        Self { connectors, directory: Directory::new(base.store.clone(), Arc::clone(&base.entropy)) }
    }

    /// Verifies the body of a notification, and keeps what it tells of linked accounts. Returns how to answer. A copy of an
    /// earlier notification changes nothing.
    ///
    /// # Errors
    /// `unknown_connector`; `invalid_request` if it is not verified, too old, or for another application; `unavailable` if
    /// the provider's keys cannot be fetched, or DynamoDB does not answer. In all cases nothing changed.
    pub async fn receive(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        body: &[u8],
    ) -> Result<Acknowledgement, NotificationError> {
        let found = self.connectors.find(cx, connector).await?;
        let adapter = found.and_then(|found| found.adapter.clone()).ok_or(NotificationError::Unknown)?;
        // Time is left for the writes.
        let outbound = cx.within_quarters(3);
        let told = adapter.notification(&self.connectors.cx(&outbound), body).await?;
        let notified = Notified { connector, id: &told.id, until: told.until, notices: &told.notices };
        let Some(users) = self.directory.notify(cx, &notified).await? else { return Ok(told.answer) };
        cx.count(|counts| counts.notices += users.len() as u64);
        for (notice, user) in told.notices.iter().zip(users) {
            let user = user.as_ref().map(|user| user.as_str());
            tracing::info!(event = "account_changed", %connector, notice = notice.kind.as_str(), user);
        }
        Ok(told.answer)
    }
}
