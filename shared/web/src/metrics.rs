//! Metrics: what CloudWatch makes of the line that each request ends with.
//!
//! A deployed function writes that line in CloudWatch's embedded metric format, so that nothing is logged twice and nothing
//! is called for it: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! Whatever the line has beside them, an id say, is no dimension: each of these has a handful of values.
//!
//! **To add one more**: a number in `domain::Counts`, counted where the event happens, its field in the line (`edge.rs` and
//! [`crate::logs::LINES`]), and its line below. Tests fail until some flow makes it happen and `infra/README.md` has it.

use std::fmt::Write;

use serde_json::{Value, json};

/// The `event` of the line.
pub(crate) const EVENT: &str = "request";

/// Where CloudWatch keeps them.
pub const NAMESPACE: &str = "Landfall";

/// One metric: a field of the line with a unit.
#[derive(Debug)]
pub struct Metric {
    /// The field.
    pub name: &'static str,
    /// As CloudWatch calls it.
    pub unit: &'static str,
    /// The sets of fields that it is told apart by.
    pub dimensions: &'static [&'static [&'static str]],
    /// For people.
    pub meaning: &'static str,
}

/// What the function is called: the only dimension that is a field of no other line.
pub const FUNCTION: &str = "function";

/// The deployment's CloudFormation stack, which every set begins with where the function has been told it.
pub const STACK: &str = "stack";

const PER_FUNCTION: &[&[&str]] = &[&[FUNCTION]];
const PER_PROVIDER: &[&[&str]] = &[&["provider"]];

/// All of them. One whose field the line does not have, or not all of its dimensions, is not in it.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "duration_ms",
        unit: "Milliseconds",
        dimensions: &[&[FUNCTION], &[FUNCTION, "outcome"]],
        meaning: "how long a request took; the sample count is the number of requests, and by `outcome` the number of failed ones",
    },
    Metric {
        name: "init_ms",
        unit: "Milliseconds",
        dimensions: PER_FUNCTION,
        meaning: "how long a new instance took to start; the sample count is the number of cold starts",
    },
    Metric { name: "dynamodb_calls", unit: "Count", dimensions: PER_FUNCTION, meaning: "calls to DynamoDB" },
    Metric {
        name: "dynamodb_conflicts",
        unit: "Count",
        dimensions: PER_FUNCTION,
        meaning: "calls to DynamoDB that met another transaction, or an item that was not as expected",
    },
    Metric {
        name: "secrets_reads",
        unit: "Count",
        dimensions: PER_FUNCTION,
        meaning: "reads of Secrets Manager, including those of a cold start",
    },
    Metric {
        name: "provider_calls",
        unit: "Count",
        dimensions: PER_PROVIDER,
        meaning: "calls to an identity provider",
    },
    Metric {
        name: "provider_ms",
        unit: "Milliseconds",
        dimensions: PER_PROVIDER,
        meaning: "how long the calls of one request took together",
    },
    Metric {
        name: "provider_failures",
        unit: "Count",
        dimensions: PER_PROVIDER,
        meaning: "calls to an identity provider that got no answer, a 5xx or a 429",
    },
    Metric { name: "users_provisioned", unit: "Count", dimensions: PER_PROVIDER, meaning: "created users" },
    Metric { name: "users_recognised", unit: "Count", dimensions: PER_PROVIDER, meaning: "users who existed already" },
    Metric {
        name: "claims_left_out",
        unit: "Count",
        dimensions: PER_PROVIDER,
        meaning: "claims that were left out because they do not have the type that their standard requires, or are too large",
    },
    Metric {
        name: "notices",
        unit: "Count",
        dimensions: PER_PROVIDER,
        meaning: "changes of accounts of which a provider told",
    },
    Metric {
        name: "attempts",
        unit: "Count",
        dimensions: &[&["provider", "attempt"]],
        meaning: "how often a provider was asked to authenticate a user, by result",
    },
    Metric {
        name: "logins",
        unit: "Count",
        dimensions: &[&["login"]],
        meaning: "completed and rejected journeys, by outcome",
    },
];

/// What goes before the other members of the line of a request that has these fields: its metrics, and the function.
pub(crate) fn members(function: &str, timestamp_ms: i64, fields: &[&str]) -> String {
    let has = |name: &&str| *name == FUNCTION || fields.contains(name);
    let stack = fields.contains(&STACK).then_some(STACK);
    let directive = |metrics: &[Metric]| {
        let sets = metrics.first()?.dimensions.iter().filter(|set| set.iter().all(&has));
        let sets = sets.map(|set| stack.iter().chain(*set).collect());
        let (sets, named) = (sets.collect::<Vec<Vec<_>>>(), metrics.iter().filter(|metric| has(&metric.name)));
        let named: Vec<_> = named.map(|metric| json!({ "Name": metric.name, "Unit": metric.unit })).collect();
        let empty = sets.is_empty() || named.is_empty();
        (!empty).then(|| json!({ "Namespace": NAMESPACE, "Dimensions": sets, "Metrics": named }))
    };
    let alike = METRICS.chunk_by(|one, next| one.dimensions == next.dimensions);
    let directives: Vec<Value> = alike.filter_map(directive).collect();
    let aws = json!({ "Timestamp": timestamp_ms, "CloudWatchMetrics": directives });
    format!("\"_aws\":{aws},\"{FUNCTION}\":{},", Value::from(function))
}

/// The table for `infra/README.md`, in Markdown.
pub fn table() -> String {
    let mut table = "| metric | unit | dimensions | what |\n|---|---|---|---|\n".to_owned();
    for Metric { name, unit, dimensions, meaning } in METRICS {
        let set = |set: &&[&str]| set.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" + ");
        let sets = dimensions.iter().map(set).collect::<Vec<_>>().join("; ");
        // Writing to a string does not fail.
        let _ = writeln!(table, "| `{name}` | {unit} | {sets} | {meaning} |");
    }
    table
}
