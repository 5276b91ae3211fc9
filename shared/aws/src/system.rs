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
        // AWS-LC aborts the process rather than hand out bytes that are not random.
        debug_assert!(filled.is_ok());
    }
}
