use chrono::{DateTime, Utc};
use domain::{Clock, Entropy};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the only place that reads the system's clock")]
        let now = std::time::SystemTime::now();
        now.into()
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the only place that reads the system's randomness")]
        let filled = aws_lc_rs::rand::fill(buffer);
        if filled.is_err() {
            // Without randomness, keys and tokens could be guessed: no answer is better.
            std::process::abort();
        }
    }
}
