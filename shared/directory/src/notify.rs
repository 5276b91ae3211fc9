use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{ConfirmationCode, ConnectorId, IdentityKey, Link, Notice, NotificationId, RequestContext, UserId};
use store::{Kept, Receipt, StoreError};

use crate::Directory;

/// The number of attempts to keep a notification whose links other requests change.
const MAX_ATTEMPTS: u32 = 3;

/// A notification of a provider that was verified.
#[derive(Debug)]
pub struct Notified<'a> {
    /// The connector that it arrived at.
    pub connector: &'a ConnectorId,
    /// Its id, which copies of it have too.
    pub id: &'a NotificationId,
    /// Until when it is kept that it was received: no copy is accepted after that.
    pub until: DateTime<Utc>,
    /// What it tells.
    pub notices: &'a [Notice],
}

impl Directory {
    /// Keeps what a notification tells of linked accounts. Logins end that it ends: see [`Link::admits`]. Returns the user of
    /// each notice, if its account is linked; `None` for a copy of an earlier notification, which changes nothing.
    pub async fn notify(
        &self,
        cx: &RequestContext,
        notified: &Notified<'_>,
    ) -> Result<Option<Vec<Option<UserId>>>, StoreError> {
        if notified.notices.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let accounts = || notified.notices.iter().map(|notice| &notice.account);
        for _ in 0..MAX_ATTEMPTS {
            let mut links = BTreeMap::<&IdentityKey, Link>::new();
            for account in accounts() {
                if !links.contains_key(account)
                    && let Some(link) = self.store.get_link(cx, account).await?
                {
                    links.insert(account, link);
                }
            }
            for Notice { account, kind, at } in notified.notices {
                if let Some(link) = links.get_mut(account) {
                    link.notices.add(*kind, *at, cx.now);
                }
            }
            let users = accounts().map(|account| links.get(account).map(|link| link.user.clone())).collect();
            let Notified { connector, id, until, .. } = *notified;
            let receipt = Receipt { connector, id, until };
            let links: Vec<_> = links.into_iter().map(|(account, link)| (account, link.notices)).collect();
            match self.store.keep_notification(cx, &receipt, &links).await? {
                Kept::Yes => return Ok(Some(users)),
                Kept::Before => return Ok(None),
                Kept::Outdated => {}
            }
        }
        Err(StoreError::Unavailable { operation: "TransactWriteItems", reason: "the links change too often".into() })
    }

    /// When a request was received to delete the data of a user who has this code; `None` if there is none, or it is too long
    /// ago.
    pub async fn deletion_requested_at(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        code: &ConfirmationCode,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.notification_received_at(cx, connector, &NotificationId::confirmed_by(code)).await
    }
}
