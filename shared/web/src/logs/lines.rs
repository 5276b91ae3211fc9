use std::fmt::Write;

/// A kind of line.
#[derive(Debug)]
pub struct Line {
    /// What its `event` says, or in a line about an outbound call (`target: outbound`) its `service`.
    pub name: &'static str,
    /// For people.
    pub meaning: &'static str,
    /// All that it may have beside what every line has, by [`FIELDS`].
    pub fields: &'static [&'static str],
}

const fn line(name: &'static str, meaning: &'static str, fields: &'static [&'static str]) -> Line {
    Line { name, meaning, fields }
}

/// All of them.
pub const LINES: &[Line] = &[
    line(
        "request",
        "a request was answered: its last line",
        &[
            "stack",
            "method",
            "route",
            "status",
            "outcome",
            "client",
            "code",
            "reason",
            "duration_ms",
            "init_ms",
            "dynamodb_calls",
            "dynamodb_conflicts",
            "secrets_reads",
            "provider",
            "provider_calls",
            "provider_ms",
            "provider_failures",
            "users_provisioned",
            "users_recognised",
            "claims_left_out",
            "attempts",
            "attempt",
            "logins",
            "login",
        ],
    ),
    line("dynamodb", "DynamoDB was called", &["operation", "outcome", "capacity", "duration_ms"]),
    line("secretsmanager", "Secrets Manager was called", &["operation", "outcome", "duration_ms"]),
    line(
        "provider",
        "an identity provider was called",
        &["method", "host", "path", "status", "error", "circuit", "duration_ms"],
    ),
    line("session_completed", "a journey has signed its user in", &["session", "user"]),
    line("session_rejected", "a journey has ended with nobody signed in", &["session", "code"]),
    line("session_abandoned", "a journey could not go on: why", &["session", "code", "reason"]),
    line("user_provisioned", "a user was created", &["user", "connector"]),
    line("user_recognised", "a user is back", &["user", "connector"]),
    line("proof_required", "somebody else has this e-mail address", &["code", "connector"]),
    line("user_refused", "the user may not sign in", &["code", "connector"]),
    line("login_failed", "a provider vouched for nobody: the true reason", &["connector", "method", "reason"]),
    line("redirect_returned", "a browser is back from a provider", &["session", "connector"]),
    line("redirect_unavailable", "a redirect cannot be shown again: why", &["connector", "reason"]),
    line("code_not_checked", "a provider let somebody in without looking at the code", &["hint"]),
    line("code_reused", "an authorization code came twice: what it gave is ended", &["code", "session", "client"]),
    line(
        "claims_left_out",
        "claims of a login are not of the form their standard gives them: the login goes on without them",
        &["connector", "claims"],
    ),
    line("lock_not_released", "a turn stays taken until its request's deadline", &["session", "error"]),
    line("circuit_opened", "a host does not answer and is left alone", &["host", "port"]),
    line("circuit_closed", "it answers again", &["host", "port"]),
    line("connector_tested", "an administrator has tested a connector", &["connector", "ok"]),
    line(
        "connector_unusable",
        "a journey's connector is gone, switched off or cannot do this",
        &["connector", "method"],
    ),
    line("connector_broken", "a stored connector makes no sense to this version", &["connector", "error"]),
    line("journey_broken", "a stored journey makes no sense to this version", &["journey", "version", "error"]),
    line("client_broken", "a stored client cannot be read", &["error"]),
    line("keys_unreadable", "stored keys are gone or spoilt: those from before go on, for a day", &["reason"]),
    line("panicked", "a mistake of ours: where; its request is answered `internal`", &["location", "reason"]),
    line("start_failed", "an instance cannot start: why", &["error"]),
];

/// What fields say.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "attempt",
        "what came of asking a provider: `authenticated`, `challenged`, `redirected`, `rejected`, `unavailable`, `throttled`, `misconfigured`, `refused`; the last, if it was asked again",
    ),
    ("attempts", "how often a provider was asked about somebody"),
    ("capacity", "capacity units, where DynamoDB says so"),
    ("circuit", "`open` if the call was not made because its host is left alone"),
    ("claims", "names of claims"),
    ("claims_left_out", "how many claims were left out because they are not of the form their standard gives them"),
    ("client", "the application's `client_id`"),
    ("code", "the code that the caller was told"),
    ("connector", "the connector's id"),
    ("duration_ms", "milliseconds"),
    ("dynamodb_calls", "how often DynamoDB was called"),
    ("dynamodb_conflicts", "how often another request was faster, or an item otherwise than expected"),
    ("error", "what went wrong, in words of ours"),
    ("hint", "what to change at the provider"),
    ("host", "the host that was called"),
    ("init_ms", "how long the instance took to make its app; in its first request only"),
    ("journey", "the journey's id"),
    ("location", "file, line and column"),
    ("login", "how a journey ended: `completed`, or the code it was rejected with"),
    ("logins", "1 if a journey has ended"),
    ("method", "of a request or call GET, POST and the like, of a login `password`, `oidc` and the like"),
    ("ok", "whether all checks passed"),
    ("operation", "what AWS calls it"),
    (
        "outcome",
        "of a request `ok`, `refused` (4xx, or a prefetch) or `failed` (5xx); of a call `ok`, `timeout` or AWS's name for the error",
    ),
    ("path", "the path that was called, without its query"),
    ("port", "its port"),
    ("provider", "the kind of provider that the request was about; `several` if there were more"),
    ("provider_calls", "how often providers were called"),
    ("provider_failures", "how many of those calls brought no answer, a 5xx or a 429"),
    ("provider_ms", "how long those calls took together"),
    ("reason", "why, in words of ours"),
    ("route", "the route, not the path: no ids"),
    ("secrets_reads", "how often Secrets Manager was read"),
    ("session", "the session's id"),
    ("stack", "the deployment's CloudFormation stack, where the function has been told it"),
    ("status", "the HTTP status"),
    ("user", "the user's id"),
    ("users_provisioned", "1 if a user was created"),
    ("users_recognised", "1 if a user was recognised"),
    ("version", "the version of the journey"),
];

/// The tables for README, in Markdown: the lines, then their fields.
pub fn table() -> String {
    let mut table = "| line | what | fields |\n|---|---|---|\n".to_owned();
    for Line { name, meaning, fields } in LINES {
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        // Writing to a string does not fail.
        let _ = writeln!(table, "| `{name}` | {meaning} | {} |", fields.join(" "));
    }
    table.push_str("\n| field | what |\n|---|---|\n");
    for (name, meaning) in FIELDS {
        let _ = writeln!(table, "| `{name}` | {meaning} |");
    }
    table
}
