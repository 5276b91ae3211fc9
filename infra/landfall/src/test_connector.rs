//! `landfall test-connector`: what can be wrong with a connector, before the first user signs in with it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws::{SystemClock, SystemEntropy};
use clap::Args;
use domain::{ClientAddress, ConnectorDocument, RequestContext};
use egress::{Egress, Reach};
use providers::{Finding, Probe, Providers, Registry, Report, Status};
use serde_json::Value;

use crate::documents;
use crate::error::CommandError;
use crate::secrets::LocalSecrets;
use crate::serve::{DEFAULT_PORT, check_secrets, read};
use crate::transcript::quoted;

/// How long the test of one connector may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tests the connectors in a file, from this machine, and writes nothing. A deployed function cannot reach this machine's own
/// addresses, and reaches private networks only where its deployment names them.
#[derive(Debug, Args)]
pub struct TestConnector {
    /// The file, as `landfall serve --connectors` takes it.
    #[arg(value_name = "FILE")]
    connectors: PathBuf,
    /// Their client secrets, `name: value`, by the names that the connectors use.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// A user made for this test at the provider, enabled and without a second factor: checks what only a login shows, and
    /// says what that added. It may leave the user a session or a failed login.
    #[arg(long, value_name = "NAME")]
    test_user: Option<String>,
    /// Where Landfall will be: providers send browsers back there.
    #[arg(long, default_value_t = format!("http://127.0.0.1:{DEFAULT_PORT}"))]
    issuer: String,
}

impl TestConnector {
    /// Tests each, and prints what was found and what to do next. Fails if a check has failed.
    pub async fn run(self) -> Result<(), CommandError> {
        let registry = Registry::default();
        let connectors =
            documents::connectors(&registry, &self.connectors.display().to_string(), &read(&self.connectors)?)?;
        let client_secrets = match &self.secrets {
            Some(path) => documents::secrets(&path.display().to_string(), &read(path)?)?,
            None => Default::default(),
        };
        check_secrets(&connectors, &client_secrets)?;
        let secrets = LocalSecrets::default();
        for (name, value) in client_secrets {
            secrets.add_connector(&name, value);
        }
        let egress = Egress::new(Reach::Local)?;
        let providers =
            Providers::new(egress, Arc::new(secrets), Arc::new(SystemEntropy), self.issuer.trim_end_matches('/'));

        let mut failed = Vec::new();
        for connector in &connectors {
            let id = aws::context(Arc::new(SystemClock), &SystemEntropy).id;
            let cx = RequestContext::new(id, Arc::new(SystemClock), PATIENCE, ClientAddress::default(), None);
            let adapter = registry.adapter(connector).map_err(|error| CommandError::Connector {
                place: self.connectors.display().to_string(),
                connector: connector.id.to_string(),
                error,
            })?;
            let report = adapter.probe(&providers.cx(&cx), &Probe { test_user: self.test_user.as_deref() }).await;
            let mut text = as_text(connector, &report);
            if self.test_user.is_some() {
                let without = adapter.probe(&providers.cx(&cx), &Probe::default()).await;
                text.push_str(&added(&without, &report));
            }
            if !report.ok {
                failed.push(connector.id.to_string());
            }
            writeln!(std::io::stdout(), "{text}").map_err(CommandError::Output)?;
        }
        if !failed.is_empty() {
            return Err(CommandError::ConnectorsFailed { failed: failed.join(", "), of: connectors.len() });
        }
        writeln!(std::io::stdout(), "No check failed. Next: {}, and log in once", self.serve())
            .map_err(CommandError::Output)
    }

    /// The command that serves what was tested.
    fn serve(&self) -> String {
        let file = |path: &PathBuf| quoted(&path.display().to_string());
        let secrets = self.secrets.as_ref().map(|path| format!(" --secrets {}", file(path))).unwrap_or_default();
        format!("cargo run -- --connectors {}{secrets}", file(&self.connectors))
    }
}

/// What a test user has shown: the checks that come to something else without one.
fn added(without: &Report, with: &Report) -> String {
    let before = |check: &Finding| {
        let same = without.checks.iter().find(|other| (other.id, other.method) == (check.id, check.method));
        same.map(|other| other.status)
    };
    let changed: Vec<_> = with.checks.iter().filter(|check| before(check) != Some(check.status)).collect();
    let mut text = String::new();
    for check in &changed {
        let (name, status) = (name(check), word(check.status));
        let before = before(check).map_or("not made", word);
        // Writing to a string does not fail.
        let _ = writeln!(text, "  The test user added: {name} {status}, {before} without");
    }
    if changed.is_empty() {
        text.push_str("  The test user added nothing: every check has the same result without one\n");
    }
    text
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "FAILED",
        Status::Unverifiable => "unverifiable",
    }
}

fn name(check: &Finding) -> String {
    let method = check.method.map(|method| format!(" of {}", method.as_str())).unwrap_or_default();
    format!("{}{method}", check.id)
}

/// A report as a person reads it: one line a check, and under it what to do.
fn as_text(connector: &ConnectorDocument, report: &Report) -> String {
    let mut text = format!("{} ({})\n", connector.id, connector.provider.as_str());
    for check in &report.checks {
        let Finding { status, detail, hint, why, .. } = check;
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:<13} {}", word(*status), name(check));
        for line in [*hint, *why].into_iter().flatten() {
            let _ = writeln!(text, "                {line}");
        }
        let details = detail.as_ref().and_then(|detail| detail.as_object());
        for (name, value) in details.into_iter().flatten() {
            let _ = writeln!(text, "                {name}: {}", plain(value));
        }
    }
    let _ = writeln!(text, "  {}", report.summary);
    text
}

/// Data without its punctuation.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members.values().map(plain).collect::<Vec<_>>().join(": "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use providers::NotPassed;

    use super::*;

    #[test]
    fn what_a_test_user_adds_is_told() {
        let report = |flow| Report::of(vec![Finding::of("discovery", Ok(())), Finding::of("totp_flow", flow)]);
        let without = report(Err(NotPassed::Unverifiable("a user is needed")));
        assert_eq!(added(&without, &report(Ok(()))), "  The test user added: totp_flow passed, unverifiable without\n");
        assert!(added(&without, &without).starts_with("  The test user added nothing"));
    }
}
