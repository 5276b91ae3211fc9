//! One-time codes as users type them.

use secrecy::SecretString;

/// The longest code, in bytes. Providers send much shorter ones.
pub(super) const MAX: usize = 64;

/// The code without blanks: mails and apps show digits in groups.
pub(super) fn bare(typed: &str) -> SecretString {
    typed.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().into()
}
