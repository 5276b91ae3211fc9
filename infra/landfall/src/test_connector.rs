//! `landfall test-connector`: what an administrator is told of a connector, before anybody signs in with it.

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

/// How long the test of one connector may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tests the connectors in a file, from this machine: a deployed function reaches no loopback, and the private networks that
/// its deployment names. Writes nothing; a test user may be left a session or a failed login.
#[derive(Debug, Args)]
pub struct TestConnector {
    /// The file, as `landfall serve --connectors` takes it.
    #[arg(value_name = "FILE")]
    connectors: PathBuf,
    /// Their client secrets, `name: value`, by the names that the connectors use.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// A user made for this at the provider, enabled and without a second factor, to check what only a login shows. It may
    /// cost them a failed login.
    #[arg(long, value_name = "NAME")]
    test_user: Option<String>,
    /// Where Landfall will be: providers send browsers back there.
    #[arg(long, default_value_t = format!("http://127.0.0.1:{DEFAULT_PORT}"))]
    issuer: String,
}

impl TestConnector {
    /// Tests each and prints what was found. Fails if anything did.
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

        let mut failed = 0;
        for connector in &connectors {
            let id = aws::context(Arc::new(SystemClock), &SystemEntropy).id;
            let cx = RequestContext::new(id, Arc::new(SystemClock), PATIENCE, ClientAddress::default(), None);
            let adapter = registry.adapter(connector).map_err(|error| CommandError::Connector {
                place: self.connectors.display().to_string(),
                connector: connector.id.to_string(),
                error,
            })?;
            let report = adapter.probe(&providers.cx(&cx), &Probe { test_user: self.test_user.as_deref() }).await;
            failed += usize::from(!report.ok);
            write!(std::io::stdout(), "{}", as_text(connector, &report)).map_err(CommandError::Output)?;
        }
        if failed == 0 { Ok(()) } else { Err(CommandError::ConnectorsFailed(failed)) }
    }
}

/// A report as a person reads it: one line a check, and under it what to do.
fn as_text(connector: &ConnectorDocument, report: &Report) -> String {
    let mut text = format!("{} ({})\n", connector.id, connector.provider.as_str());
    for check in &report.checks {
        let Finding { id, method, status, detail, hint, why } = check;
        let status = match status {
            Status::Passed => "passed",
            Status::Failed => "FAILED",
            Status::Unverifiable => "unverifiable",
        };
        let method = method.map(|method| format!(" of {}", method.as_str())).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {status:<13} {id}{method}");
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
