//! The functions, each listed once: the local server, the tests and the comparison with the template read this list.

use std::sync::Arc;

use axum::Router;
use base::Base;
use connectors::Connectors;
use egress::EgressError;
use journeys::Journeys;
use providers::Registry;
use tokens::{Issuer, KeyKind};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use web::App;

/// A function, as its `main` makes it.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// The crate in `functions/`.
    pub name: &'static str,
    /// Which of the issuer's keys it uses.
    pub keys: &'static [KeyKind],
    /// Its routes.
    pub routes: fn(&Services) -> OpenApiRouter,
    /// Its routes' OpenAPI document.
    pub openapi: fn() -> OpenApi,
}

/// Every function.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "journey-start",
        keys: journey_start::KEYS,
        routes: |services| journey_start::routes().with_state(services.journeys.clone()),
        openapi: || journey_start::routes().into_openapi(),
    },
    Function {
        name: "step-submit",
        keys: step_submit::KEYS,
        routes: |services| step_submit::routes().with_state(services.journeys.clone()),
        openapi: || step_submit::routes().into_openapi(),
    },
    Function {
        name: "oidc-callback",
        keys: oidc_callback::KEYS,
        routes: |services| oidc_callback::routes().with_state(services.callbacks.clone()),
        openapi: || oidc_callback::routes().into_openapi(),
    },
    Function {
        name: "connector-test",
        keys: connector_test::KEYS,
        routes: |services| connector_test::routes().with_state(services.connectors.clone()),
        openapi: || connector_test::routes().into_openapi(),
    },
    Function {
        name: "issuer",
        keys: issuer::KEYS,
        routes: |services| issuer::routes().with_state(services.issuer.clone()),
        openapi: || issuer::routes().into_openapi(),
    },
];

/// The services behind all functions, in one process: one of each, so that they share what is kept in memory.
#[derive(Debug)]
pub struct Services {
    base: Arc<Base>,
    journeys: App<Journeys>,
    callbacks: App<oidc_callback::Service>,
    connectors: App<Connectors>,
    issuer: App<Issuer>,
}

impl Services {
    /// On `base`, with connectors to the kinds of providers in `registry`.
    pub fn new(base: Arc<Base>, registry: Registry) -> Result<Self, EgressError> {
        let connectors = Arc::new(Connectors::new(&base, registry)?);
        Ok(Self {
            journeys: App::new(&base, Journeys::new(&base, Arc::clone(&connectors), steps::TYPES)),
            callbacks: App::new(&base, oidc_callback::service(&base, &connectors)),
            connectors: App::new(&base, connectors),
            issuer: App::new(&base, issuer::service(&base)),
            base,
        })
    }

    /// The routes of one function behind the edge, ready to be served.
    pub fn router_of(&self, function: &Function) -> Router {
        web::router(Arc::clone(&self.base), (function.routes)(self))
    }

    /// The routes of all functions, likewise.
    pub fn router(&self) -> Router {
        let routes = FUNCTIONS.iter().map(|function| (function.routes)(self));
        web::router(Arc::clone(&self.base), routes.fold(OpenApiRouter::new(), OpenApiRouter::merge))
    }
}

/// The OpenAPI document of all functions.
pub fn openapi() -> OpenApi {
    let described = FUNCTIONS.iter().map(|function| (function.openapi)());
    described.reduce(OpenApi::merge_from).unwrap_or_default()
}
