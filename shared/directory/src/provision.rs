use std::sync::Arc;

use domain::{
    Entropy, ExternalIdentity, Identifier, Link, LinkStatus, Notices, RequestContext, SessionUser, User, UserId,
    UserLink,
};
use serde_json::{Map, Value};
use store::{DirectoryWrite, Lost, Store, StoreError};

/// The company's directory of users.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) store: Store,
    entropy: Arc<dyn Entropy>,
}

/// The result of provisioning an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioned {
    /// The account is linked to this user.
    Recognised(SessionUser),
    /// The account is not linked. The user is new, once these writes are committed.
    Created(SessionUser, Vec<DirectoryWrite>),
    /// Another user has the account's e-mail address. Nothing is written: without proof, an attacker with an account
    /// for that address at another provider could take over the user.
    ProofRequired,
    /// The user is disabled, or the provider has told meanwhile that the login is over.
    Refused,
}

impl Directory {
    /// A directory over `store`.
    pub fn new(store: Store, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, entropy }
    }

    /// Recognises the user to whom `identity` is linked, otherwise plans a new user with `attributes`. One read.
    ///
    /// `lost` has the writes of an earlier plan for the same identity that failed because of another request. After a
    /// lost link, this call reads the other request's link. A lost identifier means that another user has it.
    pub async fn provision(
        &self,
        cx: &RequestContext,
        identity: &ExternalIdentity,
        attributes: Map<String, Value>,
        lost: &[Lost],
    ) -> Result<Provisioned, StoreError> {
        if let Some(link) = self.store.get_link(cx, &identity.key()).await? {
            return Ok(match link.admits(identity.notified_since) {
                true => Provisioned::Recognised(SessionUser {
                    id: link.user,
                    subject: link.subject,
                    by: Some(link.key),
                    notified_since: identity.notified_since,
                    claims: link.claims,
                    created: false,
                }),
                false => Provisioned::Refused,
            });
        }
        if lost.iter().any(|lost| matches!(lost, Lost::Identifier(_))) {
            return Ok(Provisioned::ProofRequired);
        }
        Ok(self.plan_user(cx, identity, attributes))
    }

    fn plan_user(
        &self,
        cx: &RequestContext,
        identity: &ExternalIdentity,
        attributes: Map<String, Value>,
    ) -> Provisioned {
        let (id, key) = (UserId::generate(cx.now, self.entropy.as_ref()), identity.key());
        let user = User {
            id: id.clone(),
            subject: id.to_string(),
            version: 1,
            claims: identity.claims.clone(),
            attributes,
            links: vec![UserLink {
                key: key.clone(),
                connector: identity.connector.clone(),
                provider: identity.provider.clone(),
                linked_at: cx.now,
            }],
            created_at: cx.now,
        };
        let link = Link {
            key: key.clone(),
            user: id.clone(),
            subject: user.subject.clone(),
            status: LinkStatus::Active,
            claims: user.claims.clone(),
            notices: Notices::default(),
        };
        let session_user = SessionUser {
            id: id.clone(),
            subject: user.subject.clone(),
            by: Some(key),
            notified_since: identity.notified_since,
            claims: user.claims.clone(),
            created: true,
        };
        let mut writes = vec![DirectoryWrite::CreateUser(user), DirectoryWrite::CreateLink(link)];
        // A verified address is reserved for this user. An unverified one is not reserved, but if another user has it,
        // no second user is created: the owner must be asked for proof first.
        if let Some(identifier) = identity.claims.text("email").and_then(Identifier::email) {
            writes.push(match identity.claims.verified_email() {
                Some(_) => DirectoryWrite::ReserveIdentifier { identifier, user: id },
                None => DirectoryWrite::RequireUnreserved(identifier),
            });
        }
        Provisioned::Created(session_user, writes)
    }
}
