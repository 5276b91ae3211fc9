//! Resolves names and checks their addresses.
//!
//! A name is looked up once per connection, and the checked addresses are the ones that are called. So an attacker
//! cannot change the DNS answer between check and connection (DNS rebinding).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::Reach;
use crate::address::is_allowed;

/// Resolves names with `lookup` and returns only addresses that may be called.
pub(crate) struct VettingResolver<L> {
    reach: Reach,
    lookup: Arc<L>,
}

/// A name resolves to a forbidden address. The HTTP client wraps this error: see `cause_of` in `crate::client`.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that is not public")]
pub(crate) struct RefusedName;

/// The system's resolver. Port 0 stands for the URL's port.
pub(crate) async fn system(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl<L> VettingResolver<L> {
    pub(crate) fn new(reach: Reach, lookup: L) -> Self {
        Self { reach, lookup: Arc::new(lookup) }
    }
}

/// All addresses of a name, or none: a name with a private address beside a public one is a sign of an attack.
fn vetted(reach: Reach, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, RefusedName> {
    if addresses.iter().all(|address| is_allowed(reach, address.ip())) { Ok(addresses) } else { Err(RefusedName) }
}

impl<L, F> Resolve for VettingResolver<L>
where
    L: Fn(String) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send,
{
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookup) = (self.reach, Arc::clone(&self.lookup));
        Box::pin(async move {
            let addresses = lookup(name.as_str().to_owned()).await?;
            let vetted: Addrs = Box::new(vetted(reach, addresses)?.into_iter());
            Ok(vetted)
        })
    }
}

impl<L> fmt::Debug for VettingResolver<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VettingResolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_one_private_address_is_refused() {
        let vetted = |reach, addresses: [&str; 2]| {
            let addresses = addresses.map(|address| SocketAddr::new(address.parse().unwrap(), 0)).to_vec();
            vetted(reach, addresses).is_ok()
        };
        assert!(vetted(Reach::Public, ["8.8.8.8", "2606:4700::1111"]));
        for private in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:8.8.8.8", "64:ff9b::808:808", "::"] {
            assert!(!vetted(Reach::Public, ["8.8.8.8", private]), "{private}");
            assert!(!vetted(Reach::Public, [private, "8.8.8.8"]), "{private}");
        }
        assert!(vetted(Reach::Local, ["127.0.0.1", "::1"]));
        assert!(!vetted(Reach::Local, ["127.0.0.1", "10.0.0.1"]));

        let named = Reach::Networks("10.20.0.0/16".parse().unwrap());
        assert!(vetted(named, ["10.20.0.1", "10.20.0.2"]));
        assert!(!vetted(named, ["10.20.0.1", "169.254.169.254"]));
        assert!(!vetted(named, ["10.20.0.1", "127.0.0.1"]));
    }
}
