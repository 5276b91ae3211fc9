//! Validation and comparison of e-mail addresses.

/// The longest address, in bytes (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const MAX: usize = 254;

/// Whether `text` is one e-mail address by HTML's definition: ASCII, one `@`, a domain of letters, digits and hyphens (in
/// its IDNA A-label form where it has others), no quoted local part, no comments, no list, no final dot.
/// <https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address>
///
/// Everything else is refused: mail to it may reach several mailboxes, or two different spellings may look alike.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    text.len() <= MAX && !local.is_empty() && local.bytes().all(is_local) && domain.split('.').all(is_label)
}

/// A label of a domain (RFC 1035 section 2.3.1, RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The canonical spelling for comparison. Only ASCII is folded: the Kelvin sign is not `k`. RFC 5321 section 2.4 makes
/// local parts case-sensitive, but providers treat `Ada@` and `ada@` as one mailbox. If we did not, an attacker could
/// register the other spelling as a second account.
pub fn normalize(address: &str) -> String {
    address.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_single_ascii_mailbox() {
        let long = format!("{}@example.org", "a".repeat(MAX - "@example.org".len()));
        for good in
            ["ada@example.org", "a.b+c@xn--bcher-kva.example", "x@localhost", "!#$%&'*+/=?^_`{|}~-@a-b.c", &long]
        {
            assert!(is_address(good), "{good}");
        }
        let too_long = format!("a{long}");
        let label = format!("a@{}.org", "b".repeat(64));
        for bad in [
            "",
            "none",
            "@example.org",
            "ada@",
            "a@b@example.org",
            "a@x.org, b@y.org",
            "a@x.org,b@y.org",
            "a@x.org;b@y.org",
            "ada@example.org\r\nBcc: eve@evil.example",
            "ada@example.org\0",
            " ada@example.org",
            "\"ada lovelace\"@example.org",
            "Ada <ada@example.org>",
            "ada\u{ff20}example.org",
            "ada@example.org.",
            "ada@.example.org",
            "ada@-example.org",
            "ada@[127.0.0.1]",
            "ada@b\u{fc}cher.example",
            "ada@bu\u{308}cher.example",
            "ad\u{e1}@example.org",
            "ada@e\u{212a}.example",
            "ad\u{131}@example.org",
            &too_long,
            &label,
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_ascii_case_is_folded() {
        assert_eq!(normalize("Ada@EXAMPLE.org"), "ada@example.org");
        assert_eq!(normalize("\u{212a}"), "\u{212a}");
    }
}
