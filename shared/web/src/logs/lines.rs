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
            "notices",
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
    line("session_completed", "a journey signed its user in", &["session", "user"]),
    line("session_rejected", "a journey ended without a sign-in", &["session", "code"]),
    line("session_abandoned", "a journey could not continue; `reason` says why", &["session", "code", "reason"]),
    line("user_provisioned", "a user was created", &["user", "connector"]),
    line("user_recognised", "a user who existed already signed in", &["user", "connector"]),
    line("proof_required", "the e-mail address belongs to another user", &["code", "connector"]),
    line("user_refused", "the user may not sign in", &["code", "connector"]),
    line(
        "login_failed",
        "a provider did not confirm an identity; `reason` says why",
        &["connector", "method", "reason", "hint"],
    ),
    line("redirect_returned", "a browser returned from a provider", &["session", "connector"]),
    line("redirect_unavailable", "a redirect cannot be shown again; `reason` says why", &["connector", "reason"]),
    line("code_not_checked", "a provider accepted a login without checking the code", &["hint"]),
    line(
        "code_not_sent",
        "a provider did not send a code; the user is asked for it all the same; `reason` says why",
        &["reason", "hint"],
    ),
    line(
        "code_reused",
        "an authorization code was redeemed twice: its session is revoked",
        &["code", "session", "client"],
    ),
    line(
        "claims_left_out",
        "claims of a login do not have the type that their standard requires, or are too large: the login continues without them",
        &["connector", "claims", "others"],
    ),
    line("account_changed", "a provider told of a change of an account", &["connector", "notice", "user"]),
    line(
        "login_ended",
        "a code was not redeemed, because the provider ended the user's login meanwhile",
        &["code", "session", "client"],
    ),
    line("lock_not_released", "a turn stays locked until the deadline of its request", &["session", "error"]),
    line("circuit_opened", "a host does not answer, and is not called for a while", &["host", "port"]),
    line("circuit_closed", "a host answers again", &["host", "port"]),
    line("connector_tested", "an administrator tested a connector", &["connector", "ok"]),
    line(
        "connector_unusable",
        "a journey's connector does not exist, is switched off or does not have this method",
        &["connector", "method"],
    ),
    line("connector_broken", "this version cannot read a stored connector", &["connector", "error"]),
    line("journey_broken", "this version cannot read a stored journey", &["journey", "version", "error"]),
    line("client_broken", "this version cannot read a stored client", &["error"]),
    line(
        "keys_unreadable",
        "stored keys are missing or damaged: the earlier ones are used for up to a day",
        &["reason"],
    ),
    line("panicked", "a bug in Landfall, at `location`; the request is answered `internal`", &["location", "reason"]),
    line("start_failed", "an instance cannot start; `error` says why", &["error"]),
];

/// What fields say.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "attempt",
        "the result of asking a provider: `authenticated`, `challenged`, `redirected`, `rejected`, `unavailable`, `throttled`, `misconfigured`, `refused`; the last result if there were several",
    ),
    ("attempts", "how often a provider was asked to authenticate a user"),
    ("capacity", "capacity units, if DynamoDB reports them"),
    ("circuit", "`open` if the call was not made because its host did not answer before"),
    ("claims", "names of claims"),
    (
        "claims_left_out",
        "how many claims were left out because they do not have the type that their standard requires, or are too large",
    ),
    ("client", "the application's `client_id`"),
    ("code", "the code in the answer to the caller"),
    ("connector", "the connector's id"),
    ("duration_ms", "milliseconds"),
    ("dynamodb_calls", "how often DynamoDB was called"),
    ("dynamodb_conflicts", "how often another request was faster, or an item was not as expected"),
    ("error", "what went wrong, in Landfall's words"),
    ("hint", "what to do about it, and where"),
    ("host", "the host that was called"),
    ("init_ms", "how long the instance took to start; in its first request only"),
    ("journey", "the journey's id"),
    ("location", "file, line and column"),
    ("login", "the outcome of a journey: `completed`, or the code of its rejection"),
    ("logins", "1 if a journey ended"),
    ("method", "of a request or call: GET, POST, ...; of a login: `password`, `oidc`, ..."),
    (
        "notice",
        "the change: `account_deleted`, `account_disabled`, `account_enabled`, `consent_revoked`, `credentials_at_risk`, `deletion_requested`, `email_disabled`, `email_enabled`, `sessions_revoked`",
    ),
    ("notices", "of how many changes of accounts a provider told"),
    ("ok", "whether all checks passed"),
    ("operation", "the AWS operation"),
    ("others", "how many claims were left out whose names are the provider's own"),
    (
        "outcome",
        "of a request: `ok`, `refused` (4xx, or a prefetch) or `failed` (5xx); of a call: `ok`, `timeout` or AWS's name for the error",
    ),
    ("path", "the path that was called, without its query"),
    ("port", "the port of that host"),
    ("provider", "the kind of provider that the request used; `several` if more than one"),
    ("provider_calls", "how often providers were called"),
    ("provider_failures", "how many of those calls got no answer, a 5xx or a 429"),
    ("provider_ms", "how long those calls took together"),
    ("reason", "why, in Landfall's words"),
    ("route", "the route without ids, not the path"),
    ("secrets_reads", "how often Secrets Manager was read"),
    ("session", "the session's id"),
    ("stack", "the deployment's CloudFormation stack, if the function's environment names it"),
    ("status", "the HTTP status"),
    ("user", "the user's id"),
    ("users_provisioned", "1 if a user was created"),
    ("users_recognised", "1 if a user was recognised"),
    ("version", "the version of the journey"),
];

/// The tables for `infra/README.md`, in Markdown: the lines, then their fields.
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
