//! A function as Lambda invokes it: an event of API Gateway in, an answer for API Gateway out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::{Answer, TestApp, functions};

/// What stands in events for what only a run makes.
pub mod examples {
    /// A session's id.
    pub const SESSION: &str = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    /// Its token.
    pub const TOKEN: &str = "example-session-token";
    /// What a browser takes to the provider, and brings back.
    pub const STATE: &str = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.example-state";
    /// The provider's issuer.
    pub const ISSUER: &str = "http://127.0.0.1:8787/demo/keycloak/realms/demo";
    /// The provider's code.
    pub const PROVIDER_CODE: &str = "example-provider-code";
    /// What a browser brings the application back.
    pub const RESUME: &str = "example-resume-0123456789";
    /// Our own code.
    pub const CODE: &str = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.example-authorization-code";
    /// A token that Apple has signed.
    pub const NOTIFICATION: &str = "example-notification";
    /// The signature of a request that Meta has signed.
    pub const SIGNATURE: &str = "example-signature";
    /// What it has signed.
    pub const PAYLOAD: &str = "example-payload";
    /// The code of a request to delete data.
    pub const CONFIRMATION: &str = "0123456789abcdef0123456789abcdef";
    /// RFC 7636 Appendix B.
    pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
}

/// How long before its end a function is asked.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An event of `events/`, as its file has it: `issuer/token.success.v2`. One of payload version 1.0 that has no file is made
/// from that of 2.0.
pub fn event(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../events/{name}.json"));
    if let Some(case) = name.strip_suffix(".v1")
        && !file.exists()
    {
        return by_a_rest_api(&event(&format!("{case}.v2")));
    }
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An event of payload version 2.0 as a REST API would have written it.
fn by_a_rest_api(event: &Value) -> Value {
    let (http, path) = (&event["requestContext"]["http"], event["rawPath"].as_str().unwrap());
    let (_, resource) = event["routeKey"].as_str().unwrap().split_once(' ').unwrap();
    let mut headers = event["headers"].as_object().unwrap().clone();
    let cookies = event["cookies"].as_array().into_iter().flatten().map(|cookie| cookie.as_str().unwrap());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    headers.extend((!cookies.is_empty()).then(|| ("cookie".to_owned(), cookies.into())));
    let all = |values: &Map<String, Value>| -> Value {
        values.iter().map(|(name, value)| (name.clone(), json!([value]))).collect::<Map<_, _>>().into()
    };
    let query = event["queryStringParameters"].as_object();
    json!({
        "resource": resource, "path": path, "httpMethod": http["method"],
        "multiValueHeaders": all(&headers), "headers": headers,
        "queryStringParameters": query, "multiValueQueryStringParameters": query.map(all),
        "requestContext": {
            "httpMethod": http["method"], "path": format!("/prod{path}"), "stage": "prod", "resourcePath": resource,
            "identity": { "sourceIp": http["sourceIp"], "userAgent": http["userAgent"], "userArn": null },
            "requestId": event["requestContext"]["requestId"], "requestTimeEpoch": event["requestContext"]["timeEpoch"],
        },
        "pathParameters": event["pathParameters"],
        "body": event["body"], "isBase64Encoded": event["isBase64Encoded"],
    })
}

/// The same with what is real in the place of these examples, each of which it has.
pub fn event_with(name: &str, real: &[(&str, &str)]) -> Value {
    let text = real.iter().fold(event(name).to_string(), |text, (example, real)| {
        assert!(text.contains(example), "{example} is not in {name}");
        text.replace(example, real)
    });
    serde_json::from_str(&text).unwrap()
}

impl TestApp {
    /// Has a function answer an event, as its `main` does, ten seconds before its end.
    pub async fn invoke(&self, function: &str, event: &Value) -> Answer {
        let deadline = self.time.now().timestamp_millis() + i64::try_from(TIMEOUT.as_millis()).unwrap();
        self.invoke_until(function, event, deadline.try_into().unwrap()).await
    }

    /// The same, with the end at that time, in milliseconds since 1970.
    pub async fn invoke_until(&self, function: &str, event: &Value, deadline: u64) -> Answer {
        let function = functions::named(function);
        self.calls.request_begins(Some(function.name));
        let event: LambdaRequest = serde_json::from_str(&event.to_string()).expect("an event of API Gateway");
        let mut context = Context::default();
        context.deadline = deadline;
        let service = web::events(self.serving(function.keys).await.router_of(function));
        let answered = service.oneshot(LambdaEvent::new(event, context)).await.unwrap();
        answer(&serde_json::to_value(answered).unwrap())
    }
}

/// What API Gateway makes of an answer for it.
fn answer(answered: &Value) -> Answer {
    assert_eq!(answered["isBase64Encoded"], false, "nothing of ours is binary: {answered:#}");
    let mut headers = HeaderMap::new();
    let single = answered["headers"].as_object().into_iter().flatten();
    let several = answered["multiValueHeaders"].as_object().into_iter().flatten();
    for (name, value) in single.chain(several) {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        // Version 2.0 has room for one value of a header, and lambda_http takes the first: no answer may have two.
        let [value] = values else { panic!("{name} is there {} times", values.len()) };
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    let text = answered["body"].as_str().unwrap_or_default().to_owned();
    let status = u16::try_from(answered["statusCode"].as_u64().unwrap()).unwrap();
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}
