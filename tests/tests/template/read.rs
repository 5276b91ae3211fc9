//! The template, read into lines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What one side says.
pub(crate) type Lines = BTreeSet<String>;

/// What is deployed.
#[derive(Debug, Clone)]
pub(crate) struct Template(pub(crate) Value);

/// What a table has beside what the store wants of it.
const OPERATIONS: [&str; 4] =
    ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification", "StreamSpecification"];

/// In IAM `?` is one character: Secrets Manager ends each ARN with a hyphen and six random ones, and `*` in their place
/// would open every secret whose name only starts so.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html>
const SECRET: [&str; 2] =
    ["arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/", "-??????"];

impl Template {
    pub(crate) fn ours() -> Self {
        Self(serde_saphyr::from_str(include_str!("../../../infra/template.yaml")).unwrap())
    }

    /// The logical ids of a type's resources; all whose type starts so.
    pub(crate) fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let resources = self.0["Resources"].as_object().unwrap().iter();
        resources.filter(move |(_, it)| it["Type"].as_str().unwrap().starts_with(kind)).map(|(id, _)| id.as_str())
    }

    pub(crate) fn properties(&self, id: &str) -> &Value {
        &self.0["Resources"][id]["Properties"]
    }

    /// Every function's properties, by the name of its crate.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of_type("AWS::Serverless::Function").map(|id| {
            let properties = self.properties(id);
            (properties["CodeUri"].as_str().unwrap().strip_prefix("../functions/").unwrap(), properties)
        })
    }

    /// `issuer POST /oauth2/token`; with ` by IAM` where that decides who is let through.
    pub(crate) fn routes(&self) -> Lines {
        let auth = &self.properties("Api")["Auth"];
        assert_eq!(*auth, json!({ "EnableIamAuthorizer": true }), "no route has an authoriser unless it says so");
        let line = |function: &str, event: &Value| {
            let route = &event["Properties"];
            let common = json!({ "ApiId": { "Ref": "Api" }, "PayloadFormatVersion": "2.0" });
            let rest = json!({ "ApiId": route["ApiId"], "PayloadFormatVersion": route["PayloadFormatVersion"] });
            let by_iam = match route.get("Auth") {
                None => "",
                Some(auth) if *auth == json!({ "Authorizer": "AWS_IAM" }) => " by IAM",
                Some(_) => return format!("{function} {event}"),
            };
            match (event["Type"].as_str(), route["Method"].as_str(), route["Path"].as_str()) {
                (Some("HttpApi"), Some(method), Some(path)) if rest == common => {
                    format!("{function} {} {path}{by_iam}", method.to_uppercase())
                }
                _ => format!("{function} {event}"),
            }
        };
        let events = |(name, function)| -> Vec<_> {
            let events: &Value = function;
            events["Events"].as_object().unwrap().values().map(|event| line(name, event)).collect()
        };
        self.functions().flat_map(events).collect()
    }

    /// Each table's properties, without what protects it.
    pub(crate) fn tables(&self) -> Lines {
        let line = |id| {
            let mut properties = self.properties(id).clone();
            properties.as_object_mut().unwrap().retain(|name, _| !OPERATIONS.contains(&name.as_str()));
            properties.to_string()
        };
        self.of_type("AWS::DynamoDB::Table").map(line).collect()
    }

    /// The names of all functions' variables; one function's own with its name.
    pub(crate) fn variables(&self) -> Lines {
        let all = self.0["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap().keys().cloned();
        let own =
            self.functions().filter_map(|(name, function)| Some(format!("{name} {}", function.get("Environment")?)));
        all.chain(own).collect()
    }

    /// A variable's value.
    pub(crate) fn variable(&self, name: &str) -> &Value {
        &self.0["Globals"]["Function"]["Environment"]["Variables"][name]
    }

    /// What the table is called that a variable names.
    pub(crate) fn table_in(&self, variable: &str) -> Option<&str> {
        self.table(self.variable(variable)["Ref"].as_str()?)
    }

    fn table(&self, id: &str) -> Option<&str> {
        self.properties(id)["TableName"]["Fn::Sub"].as_str()
    }

    /// `issuer sessions UpdateItem`, `issuer secret keys/signing`, `issuer log PutLogEvents` and so on.
    pub(crate) fn rights(&self) -> Lines {
        let mut lines = Lines::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, function) in self.functions() {
            // SAM would put them into a role of its own making.
            lines.extend(function.get("Policies").map(|policies| format!("{name} {policies}")));
            let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
            if seen.contains(&role) {
                lines.insert(format!("{name} shares {role}"));
            }
            seen.push(role);
            let mut policies = Vec::new();
            for (property, value) in self.properties(role).as_object().unwrap() {
                let items = value.as_array().into_iter().flatten();
                match property.as_str() {
                    "AssumeRolePolicyDocument" if *value == trust() => {}
                    "Policies" => policies.extend(items.map(|policy| &policy["PolicyDocument"])),
                    "ManagedPolicyArns" => policies.extend(items.map(|policy| {
                        let id = policy["Ref"].as_str().unwrap_or_else(|| in_vpc(policy));
                        seen.push(id);
                        &self.properties(id)["PolicyDocument"]
                    })),
                    _ => drop(lines.insert(format!("{name} {property} {value}"))),
                }
            }
            let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().unwrap());
            lines.extend(statements.flat_map(|statement| self.allowed(name, function, statement)));
        }
        lines.extend(
            self.of_type("AWS::IAM::").filter(|id| !seen.contains(id)).map(|id| format!("{id} is no function's")),
        );
        lines
    }

    fn allowed(&self, name: &str, function: &Value, statement: &Value) -> Vec<String> {
        let (actions, resources) = (each(&statement["Action"]), each(&statement["Resource"]));
        let plain = json!({ "Effect": "Allow", "Action": statement["Action"], "Resource": statement["Resource"] });
        let kept_from_code = json!({
            "Effect": "Deny", "Action": statement["Action"], "Resource": "*",
            "Condition": { "Null": { "lambda:SourceFunctionArn": "false" } },
        });
        if *statement == kept_from_code {
            return actions.iter().map(|action| format!("{name} denies its code {action}")).collect();
        }
        if *statement != plain {
            return vec![format!("{name} {statement}")];
        }
        let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        pairs.map(|(action, resource)| format!("{name} {}", self.right(function, action, resource))).collect()
    }

    fn right(&self, function: &Value, action: &Value, resource: &Value) -> String {
        let (service, verb) = action.as_str().and_then(|action| action.split_once(':')).unwrap_or_default();
        let id = match resource["Fn::GetAtt"].as_array().map(Vec::as_slice) {
            Some([id, attribute]) if attribute == "Arn" => id.as_str(),
            _ => None,
        };
        let table = id.and_then(|id| self.table(id)).and_then(|name| name.strip_prefix("${AWS::StackName}-"));
        let log = id.filter(|id| function["LoggingConfig"]["LogGroup"]["Ref"] == *id);
        let [before, after] = SECRET;
        let secret = resource["Fn::Sub"].as_str().and_then(|arn| arn.strip_prefix(before)?.strip_suffix(after));
        match service {
            "dynamodb" if table.is_some() => format!("{} {verb}", table.unwrap_or_default()),
            "secretsmanager" if verb == "GetSecretValue" && secret.is_some() => {
                format!("secret {}", secret.unwrap_or_default())
            }
            "logs" if log.is_some() => format!("log {verb}"),
            // X-Ray has no resources.
            // <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html>
            "xray" if resource == "*" => format!("traces {verb}"),
            // Nor have interfaces that are yet to be made.
            "ec2" if resource == "*" => format!("network {verb}"),
            _ => format!("{action} on {resource}"),
        }
    }
}

/// Who may take a role: Lambda alone.
fn trust() -> Value {
    let lambda = json!({ "Service": "lambda.amazonaws.com" });
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": lambda, "Action": "sts:AssumeRole" }] })
}

/// The policy that a role has in a VPC only.
fn in_vpc(policy: &Value) -> &str {
    let [condition, policy, otherwise] = policy["Fn::If"].as_array().unwrap().as_slice() else { panic!("{policy}") };
    assert_eq!((condition, otherwise), (&json!("InVpc"), &json!({ "Ref": "AWS::NoValue" })));
    policy["Ref"].as_str().unwrap()
}

fn each(one_or_more: &Value) -> Vec<&Value> {
    one_or_more.as_array().map_or_else(|| vec![one_or_more], |all| all.iter().collect())
}
