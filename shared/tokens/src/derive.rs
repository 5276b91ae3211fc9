//! Session tokens and codes are derived, not drawn: a repeated request gets the same answer although only hashes are
//! kept. Who knows neither the derivation key nor what went in can make none of them.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use domain::{AuthorizationCode, CallbackState, SessionId, SessionToken, StepId, SubmitKey};
use zeroize::Zeroizing;

/// The key all session tokens and codes are derived from.
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

    /// What tells one answer to a step from any other: by its key, and by all that was submitted under it.
    ///
    /// A client may choose its keys badly. Then who planted a session knows its token and the key, and still gets no answer
    /// that was given to another's password. Keyed, because what is kept of it must not let a password be guessed.
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

    /// The token in force after `turn` was answered with `presented` and `key`, when somebody was authenticated in it.
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

    /// The code of a completed session, for whoever holds the token in force.
    pub fn code(&self, session: &SessionId, token: &SessionToken) -> AuthorizationCode {
        let parts = [b"code".as_slice(), session.as_str().as_bytes(), token.expose().as_bytes()];
        AuthorizationCode::from_derived(session, &self.expand(&parts))
    }

    /// The `state` of the redirect that `turn` waits for. Each turn has its own, so that one that was given up is dead.
    pub fn state(&self, session: &SessionId, turn: u32) -> CallbackState {
        let parts = [b"state".as_slice(), session.as_str().as_bytes(), &turn.to_be_bytes()];
        CallbackState::from_derived(session, &self.expand(&parts))
    }

    /// The key that seals what outlives a request.
    pub(crate) fn sealing(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.expand(&[b"sealing"]))
    }

    fn expand(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HKDF-Expand (RFC 5869 section 2.3) for one hash of output is its first block: by hand, because the library's may
        // fail, for more than 255 blocks, and a token made of what a failure left would be one that can be guessed. Piece
        // by piece, because what was copied together would leave passwords in memory.
        let mut block = hmac::Context::with_key(&self.0);
        for part in parts {
            // Length-prefixed: no two lists of parts give the same bytes.
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
    fn what_is_derived_is_hkdf() {
        use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
        let mut expected = [0; 32];
        let info = [2_u64.to_be_bytes().as_slice(), b"ab", &1_u64.to_be_bytes(), b"c"].concat();
        let pseudo_random_key = Salt::new(HKDF_SHA256, b"landfall/1").extract(&[1; 32]);
        pseudo_random_key.expand(&[&info], HKDF_SHA256).unwrap().fill(&mut expected).unwrap();
        assert_eq!(DerivationKey::new(&[1; 32]).expand(&[b"ab", b"c"]), expected);
    }

    #[test]
    fn the_same_answer_gives_the_same_token_and_any_other_another() {
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
