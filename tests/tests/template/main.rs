//! `infra/template.yaml` against the code: what CloudFormation cannot know.
//!
//! Each side is read into a set of lines, and the sets have to be the same: one missing fails, and so does one too many.
//! What a reader here does not understand becomes a line of its own, which the code never has.

#![expect(clippy::panic, clippy::unwrap_used, reason = "this is a test, its helpers included")]

mod mutations;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use aws::Config;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use cargo_metadata::MetadataCommand;
use landfall_tests::{TestApp, calls, functions};
use serde_json::json;
use store::TableNames;
use store::keys::{PK, SK};

use self::read::{Lines, Template};

/// What only one side has, for a person to read; nothing if they are the same.
fn difference(template: &Lines, code: &Lines) -> String {
    let side = |name, here: &Lines, there: &Lines| -> String {
        here.difference(there).map(|line| format!("only in the {name}: {line}\n")).collect()
    };
    side("template", template, code) + &side("code", code, template)
}

#[track_caller]
fn assert_same(template: &Lines, code: &Lines) {
    let difference = difference(template, code);
    assert!(difference.is_empty(), "\n{difference}");
}

/// A preflight is answered beside what a router describes, so each is asked.
#[tokio::test]
async fn api_gateway_has_the_routes_that_functions_answer() {
    let app = TestApp::new().await;
    let mut code = Lines::new();
    for route in functions::routes() {
        let by_iam = if route.guarded { " by IAM" } else { "" };
        code.insert(format!("{} {} {}{by_iam}", route.function, route.method, route.path));
        let preflight = Request::options(route.path.replace(['{', '}'], "")).body(Body::empty()).unwrap();
        if app.send(preflight).await.status != StatusCode::METHOD_NOT_ALLOWED {
            code.insert(format!("{} OPTIONS {}", route.function, route.path));
        }
    }
    assert_same(&Template::ours().routes(), &code);
}

#[test]
fn cargo_lambda_watch_has_the_same_routes() {
    let workspace = MetadataCommand::new().no_deps().exec().unwrap().workspace_metadata;
    let router = workspace["lambda"]["watch"]["router"].as_object().unwrap();
    let watched = router.iter().map(|(path, function)| format!("{} {path}", function.as_str().unwrap()));
    let code = functions::routes().into_iter().map(|route| format!("{} {}", route.function, route.path));
    assert_eq!(watched.collect::<Lines>(), code.collect::<Lines>());
}

#[test]
fn the_tables_are_those_of_the_store() {
    let names = TableNames::with_prefix("${AWS::StackName}");
    let attributes = [PK, SK].map(|key| json!({ "AttributeName": key, "AttributeType": "S" }));
    let keys = [(PK, "HASH"), (SK, "RANGE")].map(|(key, kind)| json!({ "AttributeName": key, "KeyType": kind }));
    let code = names.definitions().map(|table| {
        let mut properties = json!({
            "TableName": { "Fn::Sub": table.name },
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes,
            "KeySchema": keys,
        });
        if let Some(attribute) = table.expires {
            properties["TimeToLiveSpecification"] = json!({ "AttributeName": attribute, "Enabled": true });
        }
        properties.to_string()
    });
    assert_same(&Template::ours().tables(), &Lines::from(code));
}

#[test]
fn functions_are_told_only_what_they_read() {
    let template = Template::ours();
    let code = Config::REQUIRED.into_iter().chain(Config::OPTIONAL).map(str::to_owned).collect();
    assert_same(&template.variables(), &code);

    let names = TableNames::with_prefix("${AWS::StackName}");
    for (variable, name) in [
        ("LANDFALL_CONFIG_TABLE", names.config),
        ("LANDFALL_DIRECTORY_TABLE", names.directory),
        ("LANDFALL_SESSIONS_TABLE", names.sessions),
    ] {
        assert_eq!(template.table_in(variable), Some(name.as_str()), "{variable}");
    }
    // What the roles name secrets by, and what no header can change.
    for (variable, value) in [
        ("LANDFALL_SECRETS_PREFIX", json!({ "Fn::Sub": "${AWS::StackName}/" })),
        ("LANDFALL_ISSUER", json!({ "Ref": "IssuerUrl" })),
        ("LANDFALL_STACK", json!({ "Ref": "AWS::StackName" })),
    ] {
        assert_eq!(*template.variable(variable), value, "{variable}");
    }
}

/// What Lambda asks of a role for a function in a VPC.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
const NETWORK: [&str; 6] = [
    "AssignPrivateIpAddresses",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "UnassignPrivateIpAddresses",
];

/// Beside what it calls, a function writes its own log and its traces, and Lambda may put it into a VPC.
#[tokio::test]
async fn each_functions_role_allows_only_what_it_calls() {
    let mut code = Lines::new();
    for (function, uses) in calls::map().await.0 {
        let tables = uses.tables.iter().flat_map(|(table, actions)| actions.iter().map(move |action| (table, action)));
        code.extend(tables.map(|(table, action)| format!("{function} {table} {action}")));
        code.extend(uses.secrets.iter().map(|name| format!("{function} secret {name}")));
        code.extend(["CreateLogStream", "PutLogEvents"].map(|action| format!("{function} log {action}")));
        code.extend(["PutTelemetryRecords", "PutTraceSegments"].map(|action| format!("{function} traces {action}")));
        code.extend(NETWORK.map(|action| format!("{function} network {action}")));
        code.extend(NETWORK.map(|action| format!("{function} denies its code \"ec2:{action}\"")));
    }
    assert_same(&Template::ours().rights(), &code);
}

#[test]
fn users_outlive_the_stack() {
    let template = Template::ours();
    let directory = &template.0["Resources"]["DirectoryTable"];
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(directory[policy], "Retain", "{policy}");
    }
    let properties = &directory["Properties"];
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
#[test]
fn functions_end_before_api_gateway_gives_up_on_them() {
    let template = Template::ours();
    assert_eq!(template.0["Globals"]["Function"]["Timeout"], json!({ "Ref": "Timeout" }));
    assert!(template.0["Parameters"]["Timeout"]["MaxValue"].as_u64().unwrap() < 30);
    assert!(template.functions().all(|(_, function)| function.get("Timeout").is_none()));
}

#[test]
fn logs_are_json_traced_and_forgotten_in_time() {
    let template = Template::ours();
    assert_eq!(template.0["Globals"]["Function"]["Tracing"], "Active");
    for (name, function) in template.functions() {
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{name}");
    }
    // No text that a caller has a say in: API Gateway escapes nothing that it puts between the quotes.
    let format = template.properties("Api")["AccessLogSettings"]["Format"].as_str().unwrap();
    let fields: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    assert!(fields.values().all(|variable| !variable.to_lowercase().contains("message")), "{format}");
    let groups: BTreeSet<_> = template.of_type("AWS::Logs::LogGroup").collect();
    assert_eq!(groups.len(), template.functions().count() + 1, "one for each function, and API Gateway's");
    for group in groups {
        let retention = &template.properties(group)["RetentionInDays"];
        assert_eq!(*retention, json!({ "Ref": "LogRetention" }), "{group}");
    }
}
