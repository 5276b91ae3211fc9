//! A secret as it may be written down by mistake.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use url::form_urlencoded::byte_serialize;

/// A secret in every spelling.
pub(crate) struct Spelled {
    what: String,
    spellings: BTreeSet<String>,
}

impl Spelled {
    pub(crate) fn of(what: &str, secret: &str) -> Self {
        let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
        let form: String = byte_serialize(secret.as_bytes()).collect();
        let percent = form.replace('+', "%20");
        let mut spellings = BTreeSet::from([
            secret.to_owned(),
            json(secret),
            json(&json(secret)),
            format!("{secret:?}").trim_matches('"').to_owned(),
            form.to_lowercase(),
            percent.to_lowercase(),
            form,
            percent,
        ]);
        spellings.extend(of_bytes(secret.as_bytes()));
        // A key is bytes, and text only where it is stored.
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(secret)
            && bytes.len() >= 16
        {
            spellings.extend(of_bytes(&bytes));
        }
        Self { what: what.to_owned(), spellings }
    }

    pub(crate) fn is_in(&self, place: &str) -> bool {
        self.spellings.iter().any(|spelling| place.contains(spelling.as_str()))
    }

    #[track_caller]
    pub(crate) fn is_not_in(&self, place: &str) {
        assert!(!self.is_in(place), "{} ({}) is in {place}", self.what, self.spellings.first().unwrap());
    }
}

fn of_bytes(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let mut spellings = vec![hex.to_uppercase(), hex, list];
    for before in 0..3 {
        // Of a longer text in base64, the characters that have nothing but bits of the secret in them.
        let whole = [&vec![0; before], bytes].concat();
        let (from, to) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            spellings.push(encoded[from..to].to_owned());
        }
    }
    spellings
}
