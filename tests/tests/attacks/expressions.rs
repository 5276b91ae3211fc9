//! Journeys whose expressions want more than they may have.

use std::time::{Duration, Instant};

use landfall::demo::{EMAIL, PASSWORD};
use landfall::documents;
use landfall_tests::{TestApp, TestSession, data, key, password_journey};
use serde_json::json;

use landfall_tests::witness::{Witness, directory, ended};

const ATTRIBUTE: &str = "attributes: { plan: \"${params.plan}\" }";

/// The demo's journey, which notes the value of an expression with the user it creates.
fn noting(expression: &str) -> String {
    let quoted = serde_json::to_string(expression).unwrap();
    password_journey("odd", &[(ATTRIBUTE, &format!("attributes: {{ plan: {quoted} }}"))])
}

/// Expressions that must not be saved, and what the author is told.
fn forbidden() -> Vec<(String, &'static str)> {
    let expression = |inside: &str| format!("${{{inside}}}");
    let reads = "only step.name and params.name are allowed";
    let unknown = "is neither an output of a step nor a declared parameter";
    let secret = "is a secret input: only settings that take a secret may read it";
    let none = "is not an expression";
    vec![
        // A secret: itself, in part, or as an answer about it.
        (expression("ask.password"), secret),
        (expression("'x' ~ ask.password"), secret),
        (expression("ask.password[0]"), secret),
        (expression("'a' in ask.password"), secret),
        (expression("ask.password < 'm'"), secret),
        (expression("'yes' if ask.password == 'guess' else 'no'"), secret),
        (expression("[ask.email, ask.password]"), secret),
        (expression("{'p': ask.password}"), secret),
        (expression("ask['password']"), reads),
        (expression("ask"), reads),
        (expression("params"), reads),
        (expression("params['plan']"), reads),
        // The environment, the machine, the engine's own.
        (expression("env.HOME"), reads),
        (expression("env.home"), unknown),
        (expression("environ"), reads),
        (expression("process.env.path"), reads),
        (expression("self.secrets"), unknown),
        (expression("loop.index"), unknown),
        (expression("config.secret"), unknown),
        (expression("who.claims"), unknown),
        (expression("user.id"), unknown),
        (expression("session.token"), unknown),
        (expression("params.__class__"), reads),
        (expression("''.__class__"), none),
        (expression("params.plan.__class__"), reads),
        (expression("debug()"), reads),
        (expression("namespace(x=1)"), reads),
        (expression("include('/etc/passwd')"), reads),
        (expression("caller()"), reads),
        // A billion of anything.
        (expression("range(10**9)"), "expressions must not use *"),
        (expression("range(1000000000)"), reads),
        (expression("'a' * 10**9"), "expressions must not use *"),
        (expression("'a' * 1000000000"), "expressions must not use *"),
        (expression("params.plan * 1000000000"), "expressions must not use *"),
        (expression("[0] * 1000000000"), "expressions must not use *"),
        (expression("'%1000000000s'|format(1)"), "expressions have no filters and no tests"),
        (expression("params.plan.upper()"), reads),
        (expression(&format!("params.plan{}", " ~ params.plan".repeat(100))), "at most 1024 bytes"),
        (expression(&"(".repeat(1000)), none),
        (expression(&format!("{}1{}", "[".repeat(500), "]".repeat(500))), none),
        // Statements and templates.
        (expression("% for x in y %"), none),
        ("{% for i in range(9) %}${params.plan}{% endfor %}".into(), "write an expression as ${...}"),
        ("x ${params.plan}".into(), "write an expression as ${...}"),
        (expression("params.plan} ${params.plan"), none),
        (expression(""), none),
        (expression("params.missing"), unknown),
        (expression("nowhere.email"), unknown),
        (expression("ask.missing"), unknown),
    ]
}

#[tokio::test]
async fn an_expression_that_reaches_too_far_is_not_saved() {
    let started = Instant::now();
    documents::journey("journey", &noting("${params.plan == 'gold'}")).unwrap();
    let mut wrong = Vec::new();
    for (expression, told) in forbidden() {
        match documents::journey("journey", &noting(&expression)) {
            Ok(_) => wrong.push(format!("{expression} is saved")),
            Err(error) if error.to_string().contains(told) => {}
            Err(error) => wrong.push(format!("{expression}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_stored_journey_with_such_an_expression_is_not_started() {
    for expression in ["${ask.password}", "${'x' ~ ask.password}", "${env.home}", "${who.claims}"] {
        let app = TestApp::with(|setup| setup.unchecked.push(noting(expression))).await;
        let started = Instant::now();
        let mut witness = Witness::of(&app, &[]).await;
        let answer = app.try_start("odd", &TestApp::start_body()).await;
        witness.refused(&answer, 500, "internal").await;
        assert!(!answer.text.contains("password") && !answer.text.contains("env"), "{}", answer.text);
        assert_eq!(app.events("journey_broken").len(), 1);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn an_expression_without_a_value_ends_the_journey() {
    for expression in [
        "${[params.plan][1]}",
        "${[[params.plan][1]]}",
        "${params.plan + 1}",
        "${-params.plan}",
        "${1 // (params.plan == 'free')}",
    ] {
        let app = TestApp::with(|setup| setup.unchecked.push(noting(expression))).await;
        let session = app.start("odd").await;
        let started = Instant::now();
        let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await;
        println!("{expression}");
        ended(&app, &answer, "journey_broken");
        assert!(started.elapsed() < Duration::from_secs(5));
        assert_eq!(directory(&app).await.len(), 0);
        assert!(!app.logs().contains(PASSWORD) && !app.logs().contains("gold"));
    }
}

#[tokio::test]
async fn an_expression_that_grows_too_large_writes_nothing() {
    // As long as an expression may be, of as long a parameter as a journey may declare: a quarter of a megabyte.
    let much = format!("${{params.plan{}}}", " ~ params.plan".repeat(65));
    let journey = noting(&much).replace("max: 40", "max: 4096");
    let app = TestApp::with(|setup| setup.journeys.push(journey)).await;
    let mut start = TestApp::start_body();
    start["params"]["plan"] = json!("x".repeat(4096));
    let answer = app.try_start("odd", &start).await;
    let session = TestSession::of(&answer.expect(201).body);
    let started = Instant::now();

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await;

    ended(&app, &answer, "journey_broken");
    assert_eq!(directory(&app).await.len(), 0);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(!app.logs().contains("xxxx") && !answer.text.contains("xxxx"));
}

#[tokio::test]
async fn a_parameter_is_never_run_as_an_expression() {
    for expression in ["${params.plan}", "${'gold' if params.plan == 'gold' else 'none'}"] {
        let app = TestApp::with(|setup| setup.journeys.push(noting(expression))).await;
        for text in ["${1 + 1}", "${ask.password}", "'; range(10**9)", "{{ 7 * 7 }}", "gold' or 'a' == 'a", "$(id)"] {
            app.delete_items_of("").await;
            let mut start = TestApp::start_body();
            start["params"]["plan"] = json!(text);
            let session = TestSession::of(&app.try_start("odd", &start).await.expect(201).body);
            session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
            let expected = if expression == "${params.plan}" { text } else { "none" };
            assert_eq!(app.items_of("USER#").await[0]["attributes"]["M"]["plan"]["S"], expected, "{text}");
        }
    }
}
