//! Which function serves a request.

/// The functions, each with the paths of its routes.
pub(crate) struct Functions(Vec<(&'static str, Vec<String>)>);

impl Functions {
    pub(crate) fn all() -> Self {
        let functions = [
            ("journey-start", journey_start::routes()),
            ("step-submit", step_submit::routes()),
            ("oidc-callback", oidc_callback::routes()),
            ("connector-test", connector_test::routes()),
            ("issuer", issuer::routes()),
        ];
        let paths =
            functions.map(|(name, routes)| (name, routes.split_for_parts().1.paths.paths.into_keys().collect()));
        Self(paths.into())
    }

    /// The one whose routes have that path.
    pub(crate) fn serving(&self, path: &str) -> Option<&'static str> {
        let serves = |paths: &[String]| paths.iter().any(|route| fits(route, path));
        self.0.iter().find(|(_, paths)| serves(paths)).map(|(name, _)| *name)
    }
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
    route.len() == path.len() && route.iter().zip(&path).all(same)
}
