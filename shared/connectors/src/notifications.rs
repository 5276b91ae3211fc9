//! What providers send unasked.

use std::sync::Arc;

use base::Base;
use chrono::{DateTime, Utc};
use directory::{Directory, Notified};
use domain::{Code, ConfirmationCode, ConnectorId, ErrorAnswer, RequestContext};
use providers::{Acknowledgement, Check, ProviderError, Received};
use store::StoreError;

use crate::Connectors;

/// Receives the notifications of providers.
#[derive(Debug)]
pub struct Notifications {
    connectors: Arc<Connectors>,
    directory: Directory,
    issuer: String,
}

/// What is wrong with an address that lacks `about`.
const ADDRESS: &str = "about: the address has to say what the notification is about, with the words of the provider's guide: \
                       ?about=deletion, for example";

/// A notification is not accepted, or there is no such request. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// No enabled connector has this id.
    #[error("there is no such connector")]
    Unknown,
    /// No request to delete data has this code.
    #[error("there is no such deletion request")]
    UnknownDeletion,
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
            NotificationError::UnknownDeletion => Code::UnknownDeletionRequest.into(),
            NotificationError::Provider(error @ ProviderError::Refused { check: Check::Address, .. }) => {
                Self { detail: Some(ADDRESS.to_owned()), ..Self::with_reason(Code::InvalidRequest, error) }
            }
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
        let directory = Directory::new(base.store.clone(), Arc::clone(&base.entropy));
        Self { connectors, directory, issuer: base.issuer.clone() }
    }

    /// Verifies a notification, and keeps what it tells of linked accounts. Returns how to answer. A copy of an
    /// earlier notification changes nothing.
    ///
    /// # Errors
    /// `unknown_connector`; `invalid_request` if it is not verified, too old, or for another application, or if its address
    /// is not a right one; `unavailable` if the provider's keys or the client's secret cannot be fetched, or DynamoDB does
    /// not answer. In all cases nothing changed.
    pub async fn receive(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        received: &Received<'_>,
    ) -> Result<Acknowledgement, NotificationError> {
        let found = self.connectors.find(cx, connector).await?;
        let adapter = found.and_then(|found| found.adapter.clone()).ok_or(NotificationError::Unknown)?;
        // Time is left for the writes.
        let outbound = cx.within_quarters(3);
        let told = adapter.notification(&self.connectors.cx(&outbound), received).await?;
        let notified = Notified { connector, id: &told.id, until: told.until, notices: &told.notices };
        let Some(users) = self.directory.notify(cx, &notified).await? else { return Ok(told.answer) };
        cx.count(|counts| counts.notices += users.len() as u64);
        for (notice, user) in told.notices.iter().zip(users) {
            let user = user.as_ref().map(|user| user.as_str());
            tracing::info!(event = "account_changed", %connector, notice = notice.kind.as_str(), user);
        }
        Ok(told.answer)
    }

    /// When the deletion request with this code was received at a connector, which may be disabled or deleted by now.
    ///
    /// # Errors
    /// `unknown_deletion_request`; `unavailable` if DynamoDB does not answer.
    pub async fn deletion_requested_at(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        code: &ConfirmationCode,
    ) -> Result<DateTime<Utc>, NotificationError> {
        let received = self.directory.deletion_requested_at(cx, connector, code).await?;
        received.ok_or(NotificationError::UnknownDeletion)
    }

    /// The address of the page that says so.
    pub fn deletion_page(&self, connector: &ConnectorId, code: &ConfirmationCode) -> String {
        format!("{}/v1/connectors/{connector}/notifications/{}", self.issuer, code.expose())
    }
}
