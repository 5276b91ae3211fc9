//! Confidential values that outlive a request. Encrypted with AES-256-GCM under the deployment's sealing key and bound
//! to their place: an attacker who moves a sealed value to another session or step cannot open it there.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Entropy;

/// The key for [`Sealed`] values. Stored beside the signing key.
pub struct SealingKey(LessSafeKey);

impl SealingKey {
    /// A key from 256 random bits.
    pub fn new(material: &[u8; 32]) -> Result<Self, SealedError> {
        let key = UnboundKey::new(&AES_256_GCM, material).map_err(|_| SealedError)?;
        Ok(Self(LessSafeKey::new(key)))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

/// A `T` that only the holder of the sealing key can read, and only in the place it was sealed for.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed<T> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

/// The value does not open: wrong key, wrong place, or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open here")]
pub struct SealedError;

impl<T: Serialize + DeserializeOwned> Sealed<T> {
    /// Seals `value` for `place` (session and step).
    pub fn seal(key: &SealingKey, entropy: &dyn Entropy, place: &str, value: &T) -> Result<Self, SealedError> {
        // A random 96-bit nonce per value: NIST SP 800-38D section 8.3 allows 2^32 values per key. One deployment stays
        // far below.
        let nonce = entropy.bytes::<NONCE_LEN>();
        let mut bytes = serde_json::to_vec(value).map_err(|_| SealedError)?;
        key.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut bytes)
            .map_err(|_| SealedError)?;
        Ok(Self::from_bytes([nonce.as_slice(), &bytes].concat()))
    }

    /// Opens the value again in the `place` it was sealed for.
    pub fn open(&self, key: &SealingKey, place: &str) -> Result<T, SealedError> {
        let (nonce, sealed) = self.bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealedError)?;
        let mut sealed = zeroize::Zeroizing::new(sealed.to_vec());
        let value = key
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut sealed)
            .map_err(|_| SealedError)?;
        serde_json::from_slice(value).map_err(|_| SealedError)
    }
}

impl<T> Sealed<T> {
    /// The sealed bytes, for storage.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// From stored bytes. [`Sealed::open`] verifies them.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, of: PhantomData }
    }
}

/// Bytes, not base64 text: text would be a third larger, and DynamoDB bills writes by the kilobyte.
impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes).map(Self::from_bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    // JSON has no byte type: bytes are an array of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn a_sealed_value_opens_only_where_it_was_sealed() {
        let (key, entropy) = (SealingKey::new(&[1; 32]).unwrap(), SeededEntropy::new(1));
        let sealed = Sealed::seal(&key, &entropy, "ses_1/check", &"secret".to_owned()).unwrap();

        assert_eq!(sealed.open(&key, "ses_1/check").unwrap(), "secret");
        assert_eq!(sealed.open(&key, "ses_2/check"), Err(SealedError));
        assert_eq!(sealed.open(&SealingKey::new(&[2; 32]).unwrap(), "ses_1/check"), Err(SealedError));
        assert!(!sealed.as_bytes().windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_sealed_value_survives_serialization() {
        let (key, entropy) = (SealingKey::new(&[1; 32]).unwrap(), SeededEntropy::new(1));
        let sealed = Sealed::seal(&key, &entropy, "here", &1).unwrap();
        let stored: Sealed<i32> = serde_json::from_str(&serde_json::to_string(&sealed).unwrap()).unwrap();
        assert_eq!(stored.open(&key, "here"), Ok(1));
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let (key, entropy) = (SealingKey::new(&[1; 32]).unwrap(), SeededEntropy::new(1));
        let seal = || Sealed::seal(&key, &entropy, "here", &1).unwrap();
        assert_ne!(seal(), seal());
    }
}
