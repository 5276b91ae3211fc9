//! Tests against real servers, which they install and start on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this crate is tests: a panic fails a test"
)]

mod cognito;
mod connector_test;
mod keycloak;
mod keycloak_admin;
mod keycloak_connector_test;
mod keycloak_otp;
mod keycloak_outage;
mod keycloak_password;
mod keycloak_password_and_code;
mod keycloak_redirect;
mod keycloak_totp;
mod landfall;
mod moto;
mod oidc_provider;
mod oidc_provider_connector_test;
mod oidc_provider_redirect;
mod server;
mod wire;
