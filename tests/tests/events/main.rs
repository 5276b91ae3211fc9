//! The events in `events/`, each answered by its function as Lambda has it: deserialised, put in order and answered by the
//! same service that a deployed function runs, ten seconds before its deadline. What is expected of each stands in the table
//! of `events/README.md`: a file without a row there fails, and a row without its files.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

mod files;
mod prepared;

use std::collections::{BTreeMap, BTreeSet};

use landfall::demo::EMAIL;
use landfall_tests::{Answer, TestApp};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::files::{DEPLOYED, Event, IN_BOTH, OTHER, Row};
use crate::prepared::Prepared;

/// What is worth saying of an answer.
fn essence(app: &TestApp, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = match (status, &answer.body) {
        (303, _) => {
            let (address, carried) = answer.header("location").split_once('?').expect("it carries something");
            let names: Vec<_> = carried.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
            format!("{address} {}", names.join(" "))
        }
        (400.., _) if answer.header("content-type").starts_with("text/html") => "page".into(),
        (400.., _) => answer.code().into(),
        (_, body) if body["id_token"].is_string() => {
            assert_eq!(app.claims_of(answer)["email"], EMAIL);
            "tokens".into()
        }
        (_, body) if body["keys"].is_array() => "keys".into(),
        (_, body) if body["checks"].is_array() => {
            let failed = body["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "failed");
            let failed: Vec<_> = failed.map(|check| format!("{} failed", text(&check["id"]))).collect();
            assert_eq!(body["ok"], failed.is_empty());
            if failed.is_empty() { "ok".into() } else { failed.join(" ") }
        }
        (_, body) => [&body["status"], &body["step"]["id"]].map(text).join(" ").trim_end().to_owned(),
    };
    format!("{status} {what}").trim_end().to_owned()
}

/// An answer without what differs between two of the same: the request's id and what is as long as that, ports of this
/// test, and what is signed or made by a key of its own.
fn alike(answer: &Answer, prepared: &Prepared) -> Value {
    let mut headers: BTreeMap<_, _> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers.remove("content-length"), Some(answer.text.len().to_string().as_str()));
    let mut body = match answer.body {
        Value::Null => json!(answer.text),
        _ => answer.body.clone(),
    };
    for name in ["id_token", "access_token", "keys"] {
        if let Some(value) = body.get_mut(name) {
            value.take();
        }
    }
    let all = json!({ "status": answer.status.as_u16(), "headers": headers, "body": body }).to_string();
    let all = all.replace(answer.header("x-request-id"), "REQUEST").replace(prepared.provider(), "PROVIDER");
    serde_json::from_str(&all).unwrap()
}

/// The answers to all events by name, each of a new app, used for no more than what the event's request goes on from.
async fn replayed() -> &'static BTreeMap<String, (String, Value)> {
    static REPLAYED: OnceCell<BTreeMap<String, (String, Value)>> = OnceCell::const_new();
    let replay = async || {
        let mut replayed = BTreeMap::new();
        for row in Row::all() {
            for version in row.versions() {
                let event = Event::read(&row.name, version);
                let app = Prepared::app(&event).await;
                let prepared = Prepared::of(&app, &event).await;
                let answer = app.invoke(event.function, &prepared.fill_in(&event)).await;
                let answered = (essence(&app, &answer), alike(&answer, &prepared));
                replayed.insert(format!("{}.{version}", row.name), answered);
            }
        }
        replayed
    };
    REPLAYED.get_or_init(replay).await
}

#[test]
fn every_event_has_its_row_and_every_row_its_events() {
    let rows = Row::all();
    let names = rows.iter().flat_map(|row| row.versions().map(|version| format!("{}.{version}", row.name)));
    let (expected, there) = (names.collect::<BTreeSet<_>>(), Event::names());
    assert_eq!(expected.len(), rows.len() + IN_BOTH.len(), "a row is there twice");
    assert_eq!(there, expected);
}

#[test]
fn every_route_has_each_case_that_makes_sense_for_it() {
    let mut cases = BTreeMap::<_, BTreeSet<_>>::new();
    for row in Row::all() {
        let event = Event::read(&row.name, DEPLOYED);
        cases.entry((event.function, event.route)).or_default().insert(event.case);
    }
    let routes = landfall_tests::functions::routes();
    let routes: BTreeSet<_> = routes.into_iter().map(|route| (route.function, route.key())).collect();
    assert_eq!(cases.keys().cloned().collect::<BTreeSet<_>>(), routes);
    for ((_, route), cases) in cases {
        let mut expected = BTreeSet::from(["success", "cookies", "stage-prefix"].map(str::to_owned));
        expected.extend(route.starts_with("POST").then(|| "base64".into()));
        expected.extend(route.contains('{').then(|| "double-encoded".into()));
        expected.extend((route != "GET /oauth2/jwks").then(|| "wrong-token".into()));
        assert_eq!(cases, expected, "{route}");
    }
}

#[tokio::test]
async fn every_event_is_answered_alike_in_both_versions() {
    let replayed = replayed().await;
    for row in Row::all() {
        assert_eq!(replayed[&format!("{}.{DEPLOYED}", row.name)].0, row.prepared, "{}", row.name);
    }
    for name in IN_BOTH {
        let [two, one] = [DEPLOYED, OTHER].map(|version| Event::read(name, version));
        assert_eq!((two.function, two.route), (one.function, one.route), "{name}");
        assert_eq!(replayed[&format!("{name}.{DEPLOYED}")], replayed[&format!("{name}.{OTHER}")], "{name}");
    }
}

/// What a cookie says, how the body travels and what the stage is called change nothing.
#[tokio::test]
async fn cookies_base64_and_the_stage_make_no_difference() {
    let replayed = replayed().await;
    for (name, answered) in replayed {
        let (route, rest) = name.split_once('.').unwrap();
        let (case, version) = rest.split_once('.').unwrap();
        if ["cookies", "base64", "stage-prefix"].contains(&case) {
            let plain = replayed.get(&format!("{route}.success.{version}"));
            assert_eq!(answered, plain.unwrap_or(&replayed[&format!("{route}.success.{DEPLOYED}")]), "{name}");
        }
    }
}

#[tokio::test]
async fn every_event_is_answered_as_it_lies_here() {
    let app = TestApp::new().await;
    for row in Row::all() {
        for version in row.versions() {
            let event = Event::read(&row.name, version);
            let answer = app.invoke(event.function, &event.json).await;
            assert_eq!(essence(&app, &answer), row.as_it_is, "{}.{version}", row.name);
        }
    }
}
