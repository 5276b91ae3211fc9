//! What would have to be found, is.

use serde_json::{Value, json};

use crate::difference;
use crate::read::{Lines, Template};

/// What a reader sees of the template after a change of one place.
fn changed(read: fn(&Template) -> Lines, place: &str, value: &Value) -> String {
    let ours = Template::ours();
    let mut other = ours.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    match other.0.pointer_mut(parent).unwrap() {
        Value::Array(parent) if name == "-" => parent.push(value.clone()),
        Value::Array(parent) => parent[name.parse::<usize>().unwrap()] = value.clone(),
        parent if value.is_null() => drop(parent.as_object_mut().unwrap().remove(name).unwrap()),
        parent => parent[name] = value.clone(),
    }
    difference(&read(&other), &read(&ours))
}

#[test]
fn a_route_missing_renamed_or_open_is_found() {
    let changed = |place: &str, value: &Value| changed(Template::routes, &format!("/Resources/{place}"), value);
    let events = "Issuer/Properties/Events";
    assert_eq!(changed(&format!("{events}/Keys"), &Value::Null), "only in the code: issuer GET /oauth2/jwks\n");
    assert_eq!(
        changed(&format!("{events}/Keys/Properties/Path"), &json!("/oauth2/keys")),
        "only in the template: issuer GET /oauth2/keys\nonly in the code: issuer GET /oauth2/jwks\n"
    );
    assert_eq!(
        changed("ConnectorTest/Properties/Events/Draft/Properties/Auth", &Value::Null),
        "only in the template: connector-test POST /v1/connectors/test\n\
         only in the code: connector-test POST /v1/connectors/test by IAM\n"
    );
    for (place, value) in [("Auth", json!({ "Authorizer": "NONE" })), ("PayloadFormatVersion", json!("1.0"))] {
        let found = changed(&format!("{events}/Token/Properties/{place}"), &value);
        assert!(found.starts_with("only in the template: issuer {\""), "{found}");
    }
}

#[test]
fn a_right_missing_or_too_much_is_found() {
    let changed = |place: &str, value: &Value| changed(Template::rights, &format!("/Resources/{place}"), value);
    let statements = "IssuerRole/Properties/Policies/0/PolicyDocument/Statement";
    assert_eq!(
        changed(&format!("{statements}/1/Action"), &json!(["dynamodb:GetItem"])),
        "only in the code: issuer config Query\n"
    );
    assert_eq!(
        changed(&format!("{statements}/2/Action/-"), &json!("dynamodb:DeleteItem")),
        "only in the template: issuer sessions DeleteItem\n"
    );
    assert_eq!(
        changed(&format!("{statements}/2/Action"), &json!(["dynamodb:*"])),
        "only in the template: issuer sessions *\nonly in the code: issuer sessions UpdateItem\n"
    );
    let everything = json!("*");
    assert_eq!(
        changed(&format!("{statements}/2/Resource"), &everything),
        "only in the template: issuer \"dynamodb:UpdateItem\" on \"*\"\nonly in the code: issuer sessions UpdateItem\n"
    );
    let network = "NetworkInterfaces/Properties/PolicyDocument/Statement/1/Action";
    let denied_less = changed(network, &json!(["ec2:DescribeSubnets"]));
    assert_eq!(denied_less.lines().count(), 5 * Template::ours().functions().count(), "{denied_less}");
    for (place, value) in [
        (format!("{statements}/0/Resource"), json!({ "Fn::GetAtt": ["AccessLogs", "Arn"] })),
        (format!("{statements}/3/Resource/0"), json!({ "Fn::Sub": "arn:aws:secretsmanager:eu-central-1:1:secret:*" })),
        (format!("{statements}/-"), json!({ "Effect": "Allow", "NotAction": "iam:PassRole", "Resource": everything })),
        ("IssuerRole/Properties/ManagedPolicyArns".into(), json!([])),
        ("IssuerRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal".into(), json!({ "AWS": everything })),
        ("Issuer/Properties/Policies".into(), json!(["AdministratorAccess"])),
        ("Issuer/Properties/Role".into(), json!({ "Fn::GetAtt": ["StepSubmitRole", "Arn"] })),
        ("More".into(), json!({ "Type": "AWS::IAM::Policy", "Properties": { "Roles": [{ "Ref": "IssuerRole" }] } })),
    ] {
        assert_ne!(changed(&place, &value), "", "{place}");
    }
}

#[test]
fn a_table_or_variable_missing_or_too_much_is_found() {
    for place in ["Properties/TimeToLiveSpecification", "Properties/BillingMode", "Properties/KeySchema"] {
        let found = changed(Template::tables, &format!("/Resources/SessionsTable/{place}"), &Value::Null);
        assert_eq!(found.lines().count(), 2, "{found}");
    }
    let indexed = changed(Template::tables, "/Resources/ConfigTable/Properties/GlobalSecondaryIndexes", &json!([]));
    assert_eq!(indexed.lines().count(), 2, "{indexed}");

    let variables = "/Globals/Function/Environment/Variables";
    assert_eq!(
        changed(Template::variables, &format!("{variables}/LANDFALL_PRIVATE_NETWORKS"), &Value::Null),
        "only in the code: LANDFALL_PRIVATE_NETWORKS\n"
    );
    assert_eq!(
        changed(Template::variables, &format!("{variables}/LANDFALL_MORE"), &json!("x")),
        "only in the template: LANDFALL_MORE\n"
    );
}
