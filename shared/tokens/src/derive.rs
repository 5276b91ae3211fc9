//! Session tokens and codes are derived from a key and the request, not random. So a repeated request gets the same
//! answer, although only hashes are stored. Without the derivation key and the inputs, an attacker cannot compute them.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use domain::{AuthorizationCode, CallbackState, SessionId, SessionToken, StepId, SubmitKey};
use zeroize::Zeroizing;

/// The key from which all session tokens and codes are derived.
pub struct DerivationKey(hmac::Key);

impl fmt::Debug for DerivationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivationKey")
    }
}

impl DerivationKey {
    /// From 256 random bits: HKDF-Extract (RFC 5869 section 2.2).
    pub fn new(material: &[u8; 32]) -> Self {
        let pseudo_random_key = hmac::sign(&hmac::Key::new(HMAC_SHA256, b"landfall/1"), material);
        Self(hmac::Key::new(HMAC_SHA256, pseudo_random_key.as_ref()))
    }

    /// The effective key of a submit: derived from its key and all its data.
    ///
    /// A client may choose predictable keys. An attacker who planted the session in the victim's browser then knows the
    /// token and the key, but not the victim's password, so they do not get the answer to the victim's submit. The
    /// derivation is keyed, because an unkeyed hash of the data would allow guessing the password offline.
    pub fn answer_key<'a>(
        &self,
        session: &SessionId,
        step: &StepId,
        key: &SubmitKey,
        option: &str,
        data: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> SubmitKey {
        let mut parts = vec![b"answer".as_slice(), session.as_str().as_bytes(), step.as_str().as_bytes()];
        parts.extend([key.expose().as_bytes(), option.as_bytes()]);
        parts.extend(data.into_iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
        SubmitKey::from_derived(&self.expand(&parts))
    }

    /// The new session token after `turn` was answered with `presented` and `key`, if the token rotates.
    pub fn next_token(
        &self,
        session: &SessionId,
        turn: u32,
        presented: &SessionToken,
        key: &SubmitKey,
    ) -> SessionToken {
        let turn = turn.to_be_bytes();
        let parts = [
            b"token".as_slice(),
            session.as_str().as_bytes(),
            &turn,
            presented.expose().as_bytes(),
            key.expose().as_bytes(),
        ];
        SessionToken::from_derived(&self.expand(&parts))
    }

    /// The authorization code of a completed session. Derived from the current session token.
    pub fn code(&self, session: &SessionId, token: &SessionToken) -> AuthorizationCode {
        let parts = [b"code".as_slice(), session.as_str().as_bytes(), token.expose().as_bytes()];
        AuthorizationCode::from_derived(session, &self.expand(&parts))
    }

    /// The `state` of the redirect that `turn` waits for. Each turn has its own, so that an abandoned redirect cannot
    /// be used later.
    pub fn state(&self, session: &SessionId, turn: u32) -> CallbackState {
        let parts = [b"state".as_slice(), session.as_str().as_bytes(), &turn.to_be_bytes()];
        CallbackState::from_derived(session, &self.expand(&parts))
    }

    /// The material of the sealing key.
    pub(crate) fn sealing(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.expand(&[b"sealing"]))
    }

    fn expand(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HKDF-Expand (RFC 5869 section 2.3); one hash of output is its first block. Implemented here because the
        // library's function can fail (for more than 255 blocks), and a token from the buffer after a failure could be
        // guessed. The parts are hashed one by one, because a joined copy would leave passwords in memory.
        let mut block = hmac::Context::with_key(&self.0);
        for part in parts {
            // Length-prefixed, so that two different lists of parts never give the same bytes.
            block.update(&(part.len() as u64).to_be_bytes());
            block.update(part);
        }
        block.update(&[1]);
        let mut derived = [0; 32];
        derived.copy_from_slice(block.sign().as_ref());
        derived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionId {
        "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn key(text: &str) -> SubmitKey {
        SubmitKey::try_from(text.repeat(32)).unwrap()
    }

    #[test]
    fn the_derivation_is_hkdf() {
        use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
        let mut expected = [0; 32];
        let info = [2_u64.to_be_bytes().as_slice(), b"ab", &1_u64.to_be_bytes(), b"c"].concat();
        let pseudo_random_key = Salt::new(HKDF_SHA256, b"landfall/1").extract(&[1; 32]);
        pseudo_random_key.expand(&[&info], HKDF_SHA256).unwrap().fill(&mut expected).unwrap();
        assert_eq!(DerivationKey::new(&[1; 32]).expand(&[b"ab", b"c"]), expected);
    }

    #[test]
    fn only_the_same_submit_gives_the_same_token() {
        let derivation = DerivationKey::new(&[1; 32]);
        let token = SessionToken::presented("t");
        let next =
            |turn, token: &SessionToken, key: &SubmitKey| derivation.next_token(&session(), turn, token, key).hash();

        let first = next(1, &token, &key("a"));
        assert_eq!(first, next(1, &token, &key("a")));
        assert_ne!(first, next(2, &token, &key("a")));
        assert_ne!(first, next(1, &SessionToken::presented("u"), &key("a")));
        assert_ne!(first, next(1, &token, &key("b")));
        let other = DerivationKey::new(&[2; 32]).next_token(&session(), 1, &token, &key("a"));
        assert_ne!(first, other.hash());
    }
}
