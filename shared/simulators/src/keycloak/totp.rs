//! One-time codes by the clock (RFC 6238), as the OTP policy of a fresh realm has them: SHA-1, six digits, a new code
//! every 30 seconds.

use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};

const STEP: TimeDelta = TimeDelta::seconds(30);
/// "Look around window": how many steps the user's clock may be ahead or behind.
const LOOK_AROUND: i32 = 1;

/// What an authenticator app with this secret shows at that time. The bytes of `secret` are the key, as where the admin
/// API takes a credential's `secretData`; the Base32 of a QR code is the same in other clothes.
pub fn totp(secret: &str, at: DateTime<Utc>) -> String {
    hotp(secret.as_bytes(), at.timestamp().div_euclid(STEP.num_seconds()))
}

/// RFC 4226 section 5.3.
fn hotp(secret: &[u8], counter: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let hash = tag.as_ref();
    let offset = usize::from(hash[hash.len() - 1] & 0x0f);
    let word = hash[offset..offset + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// A user's second factor.
#[derive(Clone)]
pub(super) struct Totp {
    secret: String,
    /// The codes that were used, and until when that is remembered.
    used: Vec<(String, DateTime<Utc>)>,
}

impl Totp {
    pub(super) fn new(secret: &str) -> Self {
        Self { secret: secret.into(), used: Vec::new() }
    }

    /// Uses up a code. It is refused for as long as it would still be right; one that is older but was never used is
    /// not, even after a newer one.
    pub(super) fn redeem(&mut self, code: &[u8], now: DateTime<Utc>) -> bool {
        self.used.retain(|(_, until)| now < *until);
        let mut window = (-LOOK_AROUND..=LOOK_AROUND).map(|steps| totp(&self.secret, now + STEP * steps));
        let Some(right) = window.find(|right| right.as_bytes() == code) else { return false };
        if self.used.iter().any(|(used, _)| *used == right) {
            return false;
        }
        self.used.push((right, now + STEP * (2 * LOOK_AROUND + 1)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_codes_are_the_last_six_digits_of_those_in_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(totp(SECRET, at(seconds)), code[2..], "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step_and_not_by_two() {
        let now = at(1_790_000_000);
        for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = totp(SECRET, now + STEP * steps);
            assert_eq!(Totp::new(SECRET).redeem(code.as_bytes(), now), good, "{steps}");
        }
    }

    #[test]
    fn a_code_works_once() {
        let (mut app, start) = (Totp::new(SECRET), at(1_790_000_010)); // a step begins
        let code = totp(SECRET, start + STEP);
        assert!(app.redeem(code.as_bytes(), start));
        for seconds in [0, 29, 30, 60, 89, 90] {
            assert!(!app.redeem(code.as_bytes(), start + TimeDelta::seconds(seconds)), "{seconds}");
        }
    }

    #[test]
    fn an_older_code_that_was_not_used_works_after_a_newer_one() {
        let (mut app, now) = (Totp::new(SECRET), at(1_790_000_000));
        for steps in [1, -1, 0] {
            assert!(app.redeem(totp(SECRET, now + STEP * steps).as_bytes(), now), "{steps}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let now = at(1_790_000_000);
        let code = totp(SECRET, now);
        for text in ["", "000000", "abcdef", &code[..5], &format!(" {code}"), &format!("{code}0")] {
            assert!(!Totp::new(SECRET).redeem(text.as_bytes(), now), "{text}");
        }
    }
}
