//! The routes of the functions.

use landfall::functions::{FUNCTIONS, Function};
use serde_json::{Map, Value};
use tokens::KeyKind;

/// One route, as a function's router describes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The function's name.
    pub function: &'static str,
    /// Which of the issuer's keys the function uses.
    pub keys: &'static [KeyKind],
    /// `GET`, `POST`.
    pub method: String,
    /// `/v1/sessions/{session}`.
    pub path: String,
    /// Whether it is for administrators only.
    pub guarded: bool,
}

impl Route {
    /// As API Gateway writes it: `POST /oauth2/token`.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The function of that name.
pub(crate) fn named(function: &str) -> &'static Function {
    let found = FUNCTIONS.iter().find(|known| known.name == function);
    found.unwrap_or_else(|| panic!("there is no function {function}"))
}

/// Every route of every function. Preflights are not among them: routers answer those beside what they describe.
pub fn routes() -> Vec<Route> {
    let described = FUNCTIONS.iter().flat_map(|Function { name, keys, openapi, .. }| {
        let paths = serde_json::to_value(openapi().paths).unwrap();
        let paths: Map<String, Value> = serde_json::from_value(paths).unwrap();
        paths.into_iter().flat_map(move |(path, item)| routes_at(name, keys, &path, &item))
    });
    described.collect()
}

fn routes_at(function: &'static str, keys: &'static [KeyKind], path: &str, item: &Value) -> Vec<Route> {
    let route = |(method, operation): (&String, &Value)| Route {
        function,
        keys,
        method: method.to_uppercase(),
        path: path.to_owned(),
        guarded: operation["security"][0].get("administrator").is_some(),
    };
    item.as_object().unwrap().iter().map(route).collect()
}

/// The route that has that path, of whichever method.
pub(crate) fn serving<'a>(routes: &'a [Route], path: &str) -> Option<&'a Route> {
    routes.iter().find(|route| fits(&route.path, path))
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
    route.len() == path.len() && route.iter().zip(&path).all(same)
}
