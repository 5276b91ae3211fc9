//! Names, and the addresses that are dialled for them.
//!
//! A name is looked up once for a connection, and what was looked at is what is dialled: an answer that changes between
//! check and dial changes nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::Reach;
use crate::address::admits;

/// Resolves names by `lookup`, and hands on what may be dialled.
pub(crate) struct VettingResolver<L> {
    reach: Reach,
    lookup: Arc<L>,
}

/// A name resolves to an address that may not be dialled. Travels through the client's errors: see `crate::client`.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that is not public")]
pub(crate) struct RefusedName;

/// As the system does it. Port 0 stands for the URL's own.
pub(crate) async fn system(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl<L> VettingResolver<L> {
    pub(crate) fn new(reach: Reach, lookup: L) -> Self {
        Self { reach, lookup: Arc::new(lookup) }
    }
}

/// All of a name's addresses, or none: a name that has one private address beside a public one is an attempt at
/// something.
fn vetted(reach: Reach, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, RefusedName> {
    if addresses.iter().all(|address| admits(reach, address.ip())) { Ok(addresses) } else { Err(RefusedName) }
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
    fn a_name_with_one_private_address_is_refused_whole() {
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
