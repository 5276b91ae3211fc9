//! A provider's keys: which one signs, which are published, and how they rotate.

use serde_json::{Map, Value, json};

use super::signer::{Algorithm, SignError, SigningKey};
use super::{Misbehaviour, OldKey};

/// The keys of an issuer or a realm, by whose name they are derived.
#[derive(Debug, Clone)]
pub(crate) struct KeyRing {
    owner: String,
    newest: SigningKey,
    older: Vec<SigningKey>,
    generations: usize,
}

impl KeyRing {
    pub(crate) fn new(owner: &str) -> Self {
        let newest = SigningKey::generation(owner, 0, Algorithm::default());
        Self { owner: owner.into(), newest, older: Vec::new(), generations: 1 }
    }

    /// The key that signs.
    pub(crate) fn newest(&self) -> &SigningKey {
        &self.newest
    }

    /// Signs with a new key from now on. It was not announced before.
    pub(crate) fn rotate(&mut self, old: OldKey) {
        let new = SigningKey::generation(&self.owner, self.generations, self.newest.algorithm());
        let replaced = std::mem::replace(&mut self.newest, new);
        self.generations += 1;
        match old {
            OldKey::Kept => self.older.insert(0, replaced),
            OldKey::Removed => self.older.clear(),
            OldKey::Replaced => {
                self.older.clear();
                self.newest = self.newest.clone().named(replaced.kid());
            }
        }
    }

    /// Signs with this algorithm from now on, by a new key.
    pub(crate) fn sign_with(&mut self, algorithm: Algorithm) {
        self.newest = SigningKey::generation(&self.owner, self.generations, algorithm);
        self.older.clear();
        self.generations += 1;
    }

    /// The key set, spoilt where the provider misbehaves. The encryption key stands first: who takes the first RSA key
    /// takes the wrong one.
    pub(crate) fn published(&self, misbehaviour: Option<&Misbehaviour>) -> Result<Value, SignError> {
        let encryption = SigningKey::encryption(&self.owner).jwk_for("enc", "RSA-OAEP");
        let signing = std::iter::once(&self.newest).chain(&self.older).map(SigningKey::jwk);
        let mut keys = std::iter::once(encryption).chain(signing).collect::<Result<_, _>>()?;
        if let Some(misbehaviour) = misbehaviour {
            misbehaviour.spoil_keys(&mut keys);
        }
        Ok(json!({ "keys": keys }))
    }

    /// An ID token with these claims, spoilt likewise; `now` in seconds.
    pub(crate) fn id_token(
        &self,
        misbehaviour: Option<&Misbehaviour>,
        mut claims: Map<String, Value>,
        client_secret: &str,
        now: i64,
    ) -> Result<String, SignError> {
        let Some(misbehaviour) = misbehaviour else { return self.newest.sign(&Value::Object(claims).to_string()) };
        misbehaviour.spoil_claims(&mut claims, now);
        let payload = Value::Object(claims).to_string();
        let spoilt = misbehaviour.sign(&self.owner, &self.newest, client_secret, &payload);
        spoilt.unwrap_or_else(|| self.newest.sign(&payload))
    }

    /// The claims of a token that a published key has signed.
    pub(crate) fn open(&self, token: &str) -> Option<Value> {
        std::iter::once(&self.newest).chain(&self.older).find_map(|key| key.open(token).ok().flatten())
    }
}
