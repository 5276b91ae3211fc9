//! API Gateway's events, and what becomes of them before a route sees a request.
//!
//! lambda_http makes requests of events. It takes API Gateway at its word, and panics where an event is at odds with
//! itself; so an event is put in order first. What comes out of it is the same whether API Gateway writes payload version
//! 2.0 or 1.0, and whatever environment the function has.
//!
//! How events look:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html> (both versions),
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html> (REST APIs).
//!
//! # Limits
//!
//! An HTTP API passes on a request line and headers of 10,240 bytes together and waits for 30 seconds
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>), Lambda 6 MB of event and of answer
//! (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>). Whoever comes to these hears of API Gateway,
//! not of us, so ours come first: a body has at most 64 KiB once it is decoded ([`crate::Json`], [`crate::Form`]; a route
//! that takes none does not look at one), an id 64 characters, a token 512, a parameter of a start 1024 and its
//! `redirect_uri` 2048, which is nearly all of the longest `Location`; a request is over before API Gateway stops waiting.
//! What is answered is bounded by that and by what is stored: a problem document says a few times what the body said, a view
//! no more than the journey's document, which is one item of DynamoDB.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName};
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use tower::{Service, ServiceExt};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::edge::router;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Serves a function's routes as a Lambda.
pub async fn serve<T: Send + Sync + 'static>(
    app: App<T>,
    routes: OpenApiRouter<App<T>>,
) -> Result<(), lambda_runtime::Error> {
    let base = Arc::clone(&app.base);
    lambda_runtime::run(events(router(base, routes.with_state(app)))).await
}

/// What answers events with what these routes answer.
pub fn events(
    router: Router,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize, Error = Infallible, Future: Send> {
    Adapter::from(router).map_request(|mut event: LambdaEvent<LambdaRequest>| {
        normalize(&mut event.payload);
        event
    })
}

fn normalize(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV2(event) => {
            remove_host(&mut event.headers);
            normalize_path(&mut event.raw_path, event.request_context.stage.take());
            event.raw_query_string.take_if(|query| !is_query(query));
            drop_invalid_body(&mut event.body, event.is_base64_encoded);
        }
        LambdaRequest::ApiGatewayV1(event) => {
            // Beside all values of each header there is its last, which lambda_http would put in their place: of two
            // `Authorization` headers, one.
            if !event.multi_value_headers.is_empty() {
                event.headers.clear();
            }
            remove_host(&mut event.headers);
            remove_host(&mut event.multi_value_headers);
            normalize_path(&mut event.path, event.request_context.stage.take());
            drop_invalid_body(&mut event.body, event.is_base64_encoded);
        }
        _ => {}
    }
}

/// Landfall ignores what a request says of its host, and lambda_http would make a URL of it.
fn remove_host(headers: &mut HeaderMap) {
    headers.remove(HOST);
    headers.remove(X_FORWARDED_PROTO);
}

/// The path as routes know it: without the name of the stage, which an HTTP API puts before it unless that is `$default`, a
/// REST API never (<https://github.com/aws-powertools/powertools-lambda-python/issues/621>). So a stage may not be called like
/// the first part of a route, `v1`.
///
/// REST APIs hand over a path as it came, HTTP APIs one that is decoded (<https://github.com/aws/aws-lambda-dotnet/pull/1901>),
/// in which what came as `%252F` is `%2F` and what came as `%3F` would start a query. lambda_http makes a URL of either, which
/// resolves `..` and `%2e%2e`; and a router decodes it once more. No route or id of ours has to be encoded: a path that could
/// be read in two ways names nothing.
fn normalize_path(path: &mut Option<String>, stage: Option<String>) {
    let text = path.take().unwrap_or_default();
    let stage = stage.filter(|stage| stage != "$default");
    let inside = stage.and_then(|stage| text.strip_prefix('/')?.strip_prefix(&stage).map(str::to_owned));
    let text = inside.filter(|path| path.starts_with('/')).unwrap_or(text);
    *path = Some(if is_plain(&text) { text } else { "/".to_owned() });
}

fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(plain) && path.split('/').all(|part| !matches!(part, "." | ".."))
}

/// As long as API Gateway passes on, and written as a query is.
fn is_query(query: &str) -> bool {
    query.len() <= 10_240 && PathAndQuery::try_from(format!("/?{query}")).is_ok()
}

/// A body that is declared as base64 and does not decode is dropped.
fn drop_invalid_body(body: &mut Option<String>, is_base64: bool) {
    if is_base64 {
        body.take_if(|body| STANDARD.decode(body.as_bytes()).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, stage: Option<&str>) -> String {
        let mut path = Some(path.to_owned());
        normalize_path(&mut path, stage.map(str::to_owned));
        path.unwrap()
    }

    #[test]
    fn a_stage_comes_off_once_and_whole() {
        for (given, stage, left) in [
            ("/v1/journeys/a/start", None, "/v1/journeys/a/start"),
            ("/v1/journeys/a/start", Some("$default"), "/v1/journeys/a/start"),
            ("/v1/journeys/a/start", Some("prod"), "/v1/journeys/a/start"),
            ("/prod/v1/journeys/a/start", Some("prod"), "/v1/journeys/a/start"),
            ("/prod/prod/v1/journeys/a/start", Some("prod"), "/prod/v1/journeys/a/start"),
            ("/production/v1/journeys/a/start", Some("prod"), "/production/v1/journeys/a/start"),
            ("/prod", Some("prod"), "/prod"),
            ("/prod/", Some("prod"), "/"),
            ("/v1/prod/a", Some("prod"), "/v1/prod/a"),
            ("/v1//prod/a", Some(""), "/v1//prod/a"),
        ] {
            assert_eq!(path(given, stage), left, "{given} {stage:?}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_names_nothing() {
        for odd in [
            "",
            "v1",
            ":80",
            "@evil.example/",
            "/v1/sessions/..",
            "/v1/./sessions",
            "/v1/sessions/%2e%2e/a",
            "/v1/sessions/a%2Fb",
            "/v1/sessions/a?b",
            "/v1/sessions/a#b",
            "/v1\\sessions",
            "/v1/sessions/a b",
            "/v1/sess\tions/a",
            "/v1/sessions/\u{e4}",
            "/prod/../v1",
        ] {
            assert_eq!(path(odd, Some("prod")), "/", "{odd}");
        }
    }
}
