//! What a provider sends with the first callback of a user only (Apple: the name). The session keeps it, or an attempt that
//! fails would lose it for good.

use domain::{ConnectorId, Entropy, FirstOnly, Sealed, SessionId};
use providers::{Callback, ProviderAdapter};
use tokens::{KeyError, Keys};

use crate::engine::place;

/// In bytes, of all of it: it comes from a browser, and is stored.
const MAX: usize = 2048;

/// For which session and connector something is kept.
pub(crate) struct KeptFor<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) session: &'a SessionId,
    pub(crate) connector: &'a ConnectorId,
}

impl KeptFor<'_> {
    /// What `callback` has of it; `None` if it has nothing, or too much.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        adapter: &dyn ProviderAdapter,
        callback: &Callback,
    ) -> Result<Option<Sealed<FirstOnly>>, KeyError> {
        let found = callback.only(adapter.first_only());
        let size: usize = found.values().map(String::len).sum();
        if !(1..=MAX).contains(&size) {
            return Ok(None);
        }
        let key = self.keys.session(self.session)?;
        Ok(Sealed::seal(&key.sealing, entropy, &self.place(), &found).ok())
    }

    /// What was kept; nothing, if it is another connector's.
    pub(crate) fn open(&self, kept: Option<&Sealed<FirstOnly>>) -> FirstOnly {
        let open =
            |kept: &Sealed<FirstOnly>| kept.open(&self.keys.session(self.session).ok()?.sealing, &self.place()).ok();
        kept.and_then(open).unwrap_or_default()
    }

    fn place(&self) -> String {
        place(self.session, "first_only", self.connector.as_str())
    }
}
