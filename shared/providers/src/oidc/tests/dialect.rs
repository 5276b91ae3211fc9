//! That the next provider is a small file.

use domain::{ExternalIdentity, Method};
use serde::Deserialize;

use super::*;
use crate::InvalidConnector;
use crate::oidc::{OidcDialect, VerifiedClaims};
use crate::registry::Provider;

const PROVIDER: Provider = Provider::oidc::<Hosted>("hosted");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hosted {
    issuer: String,
    name: String,
}

impl OidcDialect for Hosted {
    fn issuer(&self) -> Result<String, InvalidConnector> {
        Ok(self.issuer.clone())
    }

    fn check(&self, _method: Method, claims: &VerifiedClaims) -> Result<(), ProviderError> {
        if claims.text("name") == Some(&self.name) { Ok(()) } else { Err(Stage::IdToken.refused(Check::Subject)) }
    }
}

async fn login_for(name: &str) -> Result<ExternalIdentity, ProviderError> {
    let mut bench = Bench::start().await;
    let document = json!({
        "id": "staff", "provider": PROVIDER.name, "name": "Staff", "client": { "id": "landfall", "secret": "staff" },
        "methods": { "oidc": {} },
        "settings": { "issuer": bench.issuer(), "name": name, "prompt": "login" },
    });
    let adapter = crate::oidc::build::<Hosted>(&serde_json::from_value(document).unwrap()).unwrap();
    bench.use_adapter(adapter, Method::Oidc);
    bench.login().await
}

#[tokio::test]
async fn a_dialect_says_its_issuer_and_what_else_it_wants_of_an_id_token() {
    assert_eq!(PROVIDER.methods, [Method::Oidc]);
    assert_eq!(login_for("Ada Lovelace").await.unwrap().provider.as_str(), "hosted");
    assert_eq!(login_for("Charles Babbage").await.err(), Some(Stage::IdToken.refused(Check::Subject)));
}
