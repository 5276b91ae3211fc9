//! What is logged, for the tests that look at it.
//!
//! **Must not know**: who logs what.
//!
//! **To add one more** crate whose tests look at its log: this one among its `dev-dependencies`, and in `IN_TESTS` of
//! `tests/tests/architecture.rs`.
#![expect(clippy::unwrap_used, reason = "this crate is tests")]

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// What has been logged. Its clones are the same log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Log {
    /// Takes down what this thread logs, as JSON without the time, as long as the guard lives.
    #[must_use]
    pub fn listen(&self) -> Listening {
        let writer = self.clone();
        listen(tracing_subscriber::fmt().json().without_time().with_writer(move || writer.clone()).finish())
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).unwrap()
    }

    /// All of it since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.bytes())).unwrap()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

/// As long as it lives, what this thread logs is heard.
#[derive(Debug)]
pub struct Listening {
    _default: DefaultGuard,
    _other: Dispatch,
}

/// Gives a subscriber what this thread logs.
#[must_use]
pub fn listen(subscriber: impl Into<Dispatch>) -> Listening {
    // `tracing` caches whether a log line has a subscriber. With one subscriber only, a line first logged by another test
    // without one would stay off in this test, too.
    let other = Dispatch::new(NoSubscriber::default());
    Listening { _default: tracing::dispatcher::set_default(&subscriber.into()), _other: other }
}
