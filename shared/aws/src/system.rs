use chrono::{DateTime, Utc};
use domain::{Clock, Entropy};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the room where the system's clock is read")]
        let now = std::time::SystemTime::now();
        now.into()
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the room where the system's randomness is read")]
        let filled = aws_lc_rs::rand::fill(buffer);
        if filled.is_err() {
            // Keys and tokens that can be guessed are worse than no answer.
            std::process::abort();
        }
    }
}
