use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::identity::hash_parts;
use domain::{DirectApi, Failure, ProviderOutcome, Rejection};
use futures_util::future::join;
use store::{Guess, Taken};

use super::StepCx;
use crate::StepError;

/// A taken attempt, and the address under which a failure is counted.
pub(super) struct Attempted {
    guess: Guess,
    address: Option<String>,
}

/// The key under which attempts at an account are counted. Most providers ignore case and surrounding blanks in names.
/// The account need not exist.
pub(super) fn account_key(pool: &str, name: &str) -> String {
    hash_parts(&["account", pool, &name.trim().to_lowercase()])
}

impl StepCx<'_> {
    /// Takes an attempt at an account, if a secret of an account will be sent to its provider.
    pub(super) async fn take_guess(&self, account: Option<&str>) -> Result<Option<Attempted>, StepError> {
        let Some(account) = account else { return Ok(None) };
        // Boxed: the futures of DynamoDB's calls are large, and would make the step's future larger.
        Box::pin(self.take(account)).await.map(Some)
    }

    async fn take(&self, account: &str) -> Result<Attempted, StepError> {
        let (cx, store, limits) = (self.request, &self.parts.store, &self.parts.guesses);
        let address = self.address_key().await?;
        // Read concurrently with the write: a successful login costs no second write.
        let exhausted = async {
            match &address {
                Some(address) => store.no_guess_before(cx, address, &limits.address).await,
                None => Ok(None),
            }
        };
        let (taken, exhausted) = join(store.take_guess(cx, account, &limits.account), exhausted).await;
        match (taken?, exhausted?) {
            (Taken::Yes(guess), None) => Ok(Attempted { guess, address }),
            (Taken::NotBefore(until), None) | (Taken::Yes(_), Some(until)) => Err(self.too_many(until)),
            (Taken::NotBefore(one), Some(other)) => Err(self.too_many(one.max(other))),
        }
    }

    /// Records the outcome of an attempt. A successful attempt writes nothing.
    pub(super) async fn record_guess(
        &self,
        attempted: &Attempted,
        returned: &ProviderOutcome,
    ) -> Result<(), StepError> {
        let (cx, store, limits) = (self.request, &self.parts.store, &self.parts.guesses);
        match returned {
            ProviderOutcome::Failed(Failure::Rejected(rejection)) if was_wrong(*rejection) => {
                store.fail_guess(cx, &attempted.guess, &limits.account).await?;
                if let Some(address) = &attempted.address {
                    // The limit is checked before the next attempt.
                    let _taken = store.take_guess(cx, address, &limits.address).await?;
                }
            }
            ProviderOutcome::Failed(Failure::Unavailable { .. } | Failure::Refused) => {
                store.forget_guess(cx, &attempted.guess, &limits.account).await?;
            }
            _ => {}
        }
        Ok(())
    }

    fn too_many(&self, until: DateTime<Utc>) -> StepError {
        let milliseconds = (until - self.request.now).num_milliseconds().max(0).unsigned_abs();
        let retry_after = u32::try_from(milliseconds.div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        StepError::TooManyAttempts { retry_after }
    }

    /// The key under which failures of the user's address are counted. `None` for a backend that does not send its end
    /// user's address: otherwise one attacker would lock out all of the backend's users.
    async fn address_key(&self) -> Result<Option<String>, StepError> {
        Ok(self.user_ip().await?.map(|ip| hash_parts(&["address", &network(ip)])))
    }

    /// The user's own address; `None` if a backend that does not send it has called.
    pub(super) async fn user_ip(&self) -> Result<Option<IpAddr>, StepError> {
        if let Some(user) = &self.memory.session.run.end_user {
            return Ok(Some(user.ip));
        }
        let client = self.look().client().await?;
        let by_backend = client.is_none_or(|client| client.direct_api == DirectApi::Confidential);
        Ok(self.request.client.ip.filter(|_| !by_backend))
    }
}

/// The network of one subscriber: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177).
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => ip.segments()[..4].iter().map(|segment| format!("{segment:04x}")).collect(),
    }
}

/// Whether the secret may have been wrong. Providers give the other rejections only for a right secret.
fn was_wrong(rejection: Rejection) -> bool {
    match rejection {
        Rejection::InvalidCredentials
        | Rejection::OtpInvalid
        | Rejection::OtpExpired
        | Rejection::AccountLocked
        | Rejection::AccountDisabled => true,
        Rejection::PasswordExpired | Rejection::InteractionRequired | Rejection::Declined => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_a_subscriber_have_one_network() {
        let of = |ip: &str| network(ip.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
