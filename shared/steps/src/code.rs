//! One-time codes as people type them.

use secrecy::SecretString;

/// In bytes. The longest that a provider sends is far below.
pub(super) const MAX: usize = 64;

/// What was typed, without the blanks in which mails and apps group digits.
pub(super) fn bare(typed: &str) -> SecretString {
    typed.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().into()
}
