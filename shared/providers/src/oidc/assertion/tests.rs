use super::*;
use crate::bench::{P256_KEY, RSA_KEY};

fn read(pem: &str) -> Result<PrivateKey, ProviderError> {
    PrivateKey::read(&SecretString::from(pem))
}

fn signed(pem: &str) -> (Value, Value) {
    let token = read(pem).unwrap().sign(None, None, &json!({ "sub": "ada" })).unwrap();
    let mut parts = token.expose_secret().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut read = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (read(), read())
}

#[test]
fn a_key_is_read_in_every_form_that_openssl_writes() {
    let bags = format!("Bag Attributes\n    friendlyName: landfall\n{}", RSA_KEY.secret);
    let certificate_first = format!("{}\r\n{}", RSA_KEY.public, RSA_KEY.secret);
    let of_an_authority =
        format!("{}{}", include_str!("../../../../simulators/src/core/keys/foreign.crt.pem"), RSA_KEY.secret);
    for (pem, algorithm, named) in [
        (RSA_KEY.secret, "RS256", true),
        (&bags, "RS256", true),
        (&certificate_first, "RS256", true),
        (&of_an_authority, "RS256", true),
        (include_str!("keys/rsa-pkcs1.pem"), "RS256", false),
        (P256_KEY.secret, "ES256", false),
        (include_str!("keys/p256-sec1.pem"), "ES256", false),
    ] {
        let (header, claims) = signed(pem);
        assert_eq!((header["alg"].as_str(), header.get("x5t").is_some()), (Some(algorithm), named), "{pem}");
        assert_eq!(claims, json!({ "sub": "ada" }));
    }
}

#[test]
fn the_thumbprints_are_those_that_openssl_prints() {
    let (header, _) = signed(RSA_KEY.secret);
    let hex = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(header[name].as_str().unwrap()).unwrap();
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    };
    assert_eq!(hex("x5t"), "DE:9D:E2:70:85:97:FC:60:41:33:6A:A2:AD:7E:1D:79:E2:F0:C0:F7");
    assert_eq!(
        hex("x5t#S256"),
        "F1:D6:A7:0E:1A:33:AE:A2:62:E5:04:12:CF:E4:DD:DA:62:0A:87:F1:56:E1:32:9E:E0:A1:69:10:93:7E:EC:DA"
    );
}

#[test]
fn an_invalid_key_is_reported_and_not_shown() {
    let foreign = include_str!("../../../../simulators/src/core/keys/foreign.crt.pem");
    for (pem, error) in [
        ("", NO_KEY),
        ("client-secret+canary", NO_KEY),
        (RSA_KEY.public, NO_KEY),
        (P256_KEY.public, NO_KEY),
        ("-----BEGIN PRIVATE KEY-----\ncanary\n", NO_KEY),
        (include_str!("keys/encrypted.pem"), NO_KEY),
        ("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n", OTHER_KEY),
        (include_str!("keys/rsa-1024.pem"), OTHER_KEY),
        (include_str!("keys/p384.pem"), OTHER_KEY),
        (include_str!("keys/ed25519.pem"), OTHER_KEY),
        (&format!("{}{foreign}", P256_KEY.secret), OTHER_CERTIFICATE),
        (&format!("{}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", P256_KEY.secret), OTHER_CERTIFICATE),
    ] {
        assert_eq!(read(pem).err(), Some(error), "{pem}");
    }
    assert_eq!(format!("{:?}", read(P256_KEY.secret)), "Ok(PrivateKey)");
}

#[test]
fn another_use_signs_its_own_claims_under_its_own_key_id() {
    // As Apple wants a client secret: <https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret>
    let claims = json!({ "iss": "TEAM", "sub": "com.example.web", "aud": "https://appleid.apple.com", "exp": 1 });
    let token = read(P256_KEY.secret).unwrap().sign(Some(AssertionAlgorithm::Es256), Some("ABC123DEFG"), &claims);
    let token = token.unwrap();
    let (message, signature) = token.expose_secret().rsplit_once('.').unwrap();
    let key = jsonwebtoken::DecodingKey::from_ec_pem(P256_KEY.public.as_bytes()).unwrap();
    let algorithm = jsonwebtoken::Algorithm::ES256;
    assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap());
    assert!(message.starts_with(&encoded(r#"{"alg":"ES256","kid":"ABC123DEFG","typ":"JWT"}"#)), "{message}");
}
