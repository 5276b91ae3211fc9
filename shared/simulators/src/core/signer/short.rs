//! An RSA key of 512 bits, which anyone can factor. No library signs with one any more, so the arithmetic is here.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// 512 bits, least significant word first.
type Number = [u64; 8];

const MODULUS: Number = [
    0x0715_dcef_3c9b_64d9,
    0x1e08_55a5_2480_245c,
    0x11e9_0ce7_56fe_442a,
    0x5587_d6e5_d8ce_1e0a,
    0x9fce_6aeb_8a7d_1b25,
    0x7a78_efc1_c42e_b8ad,
    0x1d65_047b_b244_da0f,
    0xdbbb_84d3_25e2_bf54,
];
const PRIVATE_EXPONENT: Number = [
    0xcc1e_97fa_966e_d511,
    0xa385_553d_a8cd_b003,
    0x0355_b36f_54d9_0c90,
    0xded0_a843_ef33_9c90,
    0xaa5c_3857_5c0f_4e47,
    0xab81_efdb_bed2_e074,
    0x0334_275e_64fe_fcd9,
    0x2a9b_7df2_0392_a84f,
];
/// `DigestInfo` of SHA-256 up to the digest itself (RFC 8017 section 9.2, note 1).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A short RSA key; there is only this one.
pub(crate) struct ShortKey;

impl ShortKey {
    /// The public half as a JWK (RFC 7517) under the name `kid`.
    pub(crate) fn jwk(kid: &str) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode(to_bytes(MODULUS));
        json!({ "kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB" })
    }

    /// `payload` as a JWT, signed RS256: sound but for the length of the key.
    pub(crate) fn sign(header: &Value, payload: &str) -> String {
        let message = super::message(header, payload);
        let signature = to_bytes(power(padded(message.as_bytes()), PRIVATE_EXPONENT));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) for 64 bytes.
fn padded(message: &[u8]) -> Number {
    let digest = digest::digest(&digest::SHA256, message);
    let mut bytes = vec![0x00, 0x01];
    bytes.resize(12, 0xff);
    bytes.push(0x00);
    bytes.extend(DIGEST_INFO);
    bytes.extend(digest.as_ref());

    let mut number = [0; 8];
    for (word, chunk) in number.iter_mut().zip(bytes.rchunks(8)) {
        *word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    number
}

fn to_bytes(number: Number) -> Vec<u8> {
    number.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
}

/// The bits of a number, the most significant one first.
fn bits(number: Number) -> impl Iterator<Item = bool> {
    number.into_iter().rev().flat_map(|word| (0..64).rev().map(move |bit| word >> bit & 1 == 1))
}

fn power(base: Number, exponent: Number) -> Number {
    let one = [1, 0, 0, 0, 0, 0, 0, 0];
    bits(exponent).fold(one, |result, bit| {
        let squared = multiply(result, result);
        if bit { multiply(squared, base) } else { squared }
    })
}

fn multiply(left: Number, right: Number) -> Number {
    bits(right).fold([0; 8], |result, bit| {
        let doubled = add(result, result);
        if bit { add(doubled, left) } else { doubled }
    })
}

/// The sum of two numbers below the modulus.
fn add(left: Number, right: Number) -> Number {
    let mut sum = [0; 8];
    let mut carry = false;
    for ((sum, left), right) in sum.iter_mut().zip(left).zip(right) {
        let (part, first) = left.overflowing_add(right);
        let (whole, second) = part.overflowing_add(u64::from(carry));
        (*sum, carry) = (whole, first || second);
    }
    let (reduced, borrow) = subtract(sum, MODULUS);
    if carry || !borrow { reduced } else { sum }
}

fn subtract(left: Number, right: Number) -> (Number, bool) {
    let mut difference = [0; 8];
    let mut borrow = false;
    for ((difference, left), right) in difference.iter_mut().zip(left).zip(right) {
        let (part, first) = left.overflowing_sub(right);
        let (whole, second) = part.overflowing_sub(u64::from(borrow));
        (*difference, borrow) = (whole, first || second);
    }
    (difference, borrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_undoes_what_the_private_half_has_done() {
        let token = ShortKey::sign(&json!({ "alg": "RS256" }), "{}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut number = [0; 8];
        for (word, chunk) in number.iter_mut().zip(signature.rchunks(8)) {
            *word = u64::from_be_bytes(chunk.try_into().unwrap());
        }
        assert_eq!(signature.len(), 64);
        assert_eq!(power(number, [65_537, 0, 0, 0, 0, 0, 0, 0]), padded(message.as_bytes()));
    }
}
