//! Reads the directory. Only [`crate::writes`] changes it, together with the session that causes the change.

use domain::identity::IdentityKey;
use domain::{Identifier, Link, RequestContext, User, UserId};
use serde::Deserialize;

use crate::item::Item;
use crate::keys;
use crate::{Store, StoreError};

impl Store {
    /// The link of an account at a provider, if the account is linked. Strongly consistent, so that a new link is seen
    /// at once.
    pub async fn get_link(&self, cx: &RequestContext, key: &IdentityKey) -> Result<Option<Link>, StoreError> {
        self.read(cx, "link", &self.tables().directory, keys::link(key)).await?.map(Item::into).transpose()
    }

    /// A user.
    pub async fn get_user(&self, cx: &RequestContext, id: &UserId) -> Result<Option<User>, StoreError> {
        self.read(cx, "user", &self.tables().directory, keys::user(id)).await?.map(Item::into).transpose()
    }

    /// The user for whom an identifier is reserved.
    pub async fn get_identifier(
        &self,
        cx: &RequestContext,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, StoreError> {
        #[derive(Deserialize)]
        struct Reservation {
            user: UserId,
        }
        let item = self.read(cx, "identifier", &self.tables().directory, keys::identifier(identifier)).await?;
        Ok(item.map(Item::into::<Reservation>).transpose()?.map(|reservation| reservation.user))
    }
}
