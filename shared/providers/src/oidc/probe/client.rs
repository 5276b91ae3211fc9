//! Whether the provider accepts the client's credentials: they are sent with a made-up code, which gives no tokens.

use domain::{ConnectorClient, Method};
use egress::Response;
use serde_json::json;

use super::super::connection::Grant;
use super::super::profile::Trial;
use super::super::token::{Credentials, TokenAnswer, post, redeem};
use super::Probing;
use crate::report::{Finding, NotPassed, Verdict};
use crate::{Check, Outage, ProviderError, Rejection};

const CODE: &str = "made-up-by-a-connector-test";
/// 43 characters (RFC 7636 section 4.1).
const VERIFIER: &str = "made-up-by-a-connector-test-for-no-request-";

const ITS_OWN_WORDS: NotPassed = NotPassed::Unverifiable(
    "the token endpoint's answer to a made-up code does not show whether the client is accepted: log in once to see",
);
const TAKES_ANY_CODE: NotPassed =
    NotPassed::Failed("the token endpoint gives tokens for a made-up code: is this the provider's address?");

impl<'a> Probing<'a> {
    /// Each client of the connector's methods, once.
    pub(super) async fn clients(&mut self) -> Vec<Finding> {
        let mut clients: Vec<(Method, &'a ConnectorClient)> = Vec::new();
        let methods = self.registration.document.methods.keys();
        for method in methods.filter(|method| !self.provider.has_own_api(**method)) {
            if let Some(client) = self.registration.document.client_for(*method)
                && clients.iter().all(|(_, known)| *known != client)
            {
                clients.push((*method, client));
            }
        }
        let several = clients.len() > 1;
        let mut findings = Vec::new();
        for (method, client) in clients {
            let mut verdict = self.is_accepted(client).await;
            if verdict.is_ok() {
                self.accepted.push(client);
                verdict = self.is_told_from_others(client).await;
            }
            let mut detail = json!({ "client_id": client.id });
            if verdict.is_err() && !self.auth_methods.is_empty() {
                detail["token_endpoint_auth_method"] = json!(client.token_endpoint_auth_method);
                detail["token_endpoint_auth_methods_supported"] = json!(self.auth_methods);
            }
            let finding = Finding::of("client_credentials", verdict).with(detail);
            findings.push(Finding { method: several.then_some(method), ..finding });
        }
        findings
    }

    /// A client is authenticated before a code is looked at (RFC 6749 section 4.1.3): if the answer is that the code is
    /// wrong, the client was accepted.
    async fn is_accepted(&self, client: &ConnectorClient) -> Verdict {
        let metadata = self.callable("token_endpoint")?;
        let trial = self.trial(client);
        let read = |response: &Response| TokenAnswer::of(response, |response| self.meaning(response));
        let parameters = self.grant_of(trial);
        match redeem(self.connection(), metadata, client, &Grant::of(&parameters), read).await {
            Ok(_) if matches!(trial, Trial::ClientCredentials(_)) => Ok(()),
            Ok(_) => Err(TAKES_ANY_CODE),
            Err(error) if is_about_the_code(&error) => Ok(()),
            // A refusal in the provider's own words: of the code or of the client, there is no telling.
            Err(ProviderError::Unavailable { outage: Outage::Protocol, .. }) => Err(ITS_OWN_WORDS),
            Err(error) => Err(error.into()),
        }
    }

    /// With wrong credentials: if they are accepted, the provider does not authenticate this client.
    async fn is_told_from_others(&self, client: &ConnectorClient) -> Verdict {
        if !client.shows_secret() {
            return Ok(());
        }
        let metadata = self.callable("token_endpoint")?;
        let secret = self.cx.secret(client).await?;
        let right = Credentials::of(self.connection(), metadata, client, secret.as_ref())?;
        let wrong = right.spoilt(self.cx.entropy());
        let parameters = self.grant_of(self.trial(client));
        let response = post(self.cx, metadata, client, &wrong, &Grant::of(&parameters)).await?;
        match self.meaning(&response) {
            error if is_about_the_code(&error) => Err(self.registration.profile.any_secret),
            error @ (ProviderError::Unavailable { .. } | ProviderError::Throttled { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn trial(&self, client: &ConnectorClient) -> Trial {
        if client.shows_secret() { self.registration.profile.trial } else { Trial::Code }
    }

    fn grant_of(&self, trial: Trial) -> Vec<(&str, &str)> {
        if let Trial::ClientCredentials(scope) = trial {
            let scope = Some(("scope", scope)).filter(|(_, scope)| !scope.is_empty());
            return [("grant_type", "client_credentials")].into_iter().chain(scope).collect();
        }
        let mut grant =
            vec![("grant_type", "authorization_code"), ("code", CODE), ("redirect_uri", self.redirect_uri.as_str())];
        if self.registration.options.pkce {
            grant.push(("code_verifier", VERIFIER));
        }
        grant
    }

    fn meaning(&self, response: &Response) -> ProviderError {
        self.registration.code_refused(self.cx.now(), response)
    }
}

fn is_about_the_code(error: &ProviderError) -> bool {
    matches!(
        error,
        ProviderError::Rejected(Rejection::InteractionRequired) | ProviderError::Refused { check: Check::Code, .. }
    )
}
