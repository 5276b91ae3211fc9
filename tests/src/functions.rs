//! Which function serves a request.

use std::sync::Arc;

use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use web::App;

/// One function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Which of the issuer's keys it uses.
    pub(crate) keys: &'static [KeyKind],
    /// The paths of its routes.
    paths: Vec<String>,
}

/// All of them.
pub(crate) struct Functions(Vec<Function>);

impl Functions {
    pub(crate) fn all() -> Self {
        let function = |name, keys, routes: OpenApiRouter<Arc<App>>| Function {
            name,
            keys,
            paths: routes.split_for_parts().1.paths.paths.into_keys().collect(),
        };
        Self(vec![
            function("journey-start", journey_start::KEYS, journey_start::routes()),
            function("step-submit", step_submit::KEYS, step_submit::routes()),
            function("oidc-callback", oidc_callback::KEYS, oidc_callback::routes()),
            function("connector-test", connector_test::KEYS, connector_test::routes()),
            function("issuer", issuer::KEYS, issuer::routes()),
        ])
    }

    /// The one whose routes have that path.
    pub(crate) fn serving(&self, path: &str) -> Option<&Function> {
        self.0.iter().find(|function| function.paths.iter().any(|route| fits(route, path)))
    }
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
    route.len() == path.len() && route.iter().zip(&path).all(same)
}
