//! The log on standard error: for people where that is a terminal, JSON elsewhere.
//!
//! For people there is one line for each login, and one for each request that was refused or failed; `debug` adds the other
//! requests and every call. What events never have (claims, tokens, what users type) is in no line.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use aws::SystemClock;
use clap::{Args, ValueEnum};
use domain::{Clock, Code};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use web::logs::LINES;

use crate::hints;

/// What is logged, and how.
#[derive(Debug, Args)]
pub struct Logging {
    /// How the log on standard error is written: `pretty` for people, a line for each login; `json` for programs, every
    /// event. Without this, `pretty` on a terminal and `json` elsewhere. NO_COLOR switches colours off.
    #[arg(long = "log", value_name = "FORMAT")]
    format: Option<Format>,
    /// How much is logged. With `pretty`, `debug` adds every request and every call; `json` has those at `info`.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Pretty,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Logging {
    /// Logs from now on.
    pub fn init(&self) {
        let is_terminal = std::io::stderr().is_terminal();
        let format = self.format.unwrap_or(if is_terminal { Format::Pretty } else { Format::Json });
        // Below INFO, libraries log what they send.
        let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
        // A second call, by a tool that serves twice in one process, changes nothing.
        let _already_set = match format {
            Format::Json => {
                let most = self.log_level;
                let layer = web::logs::layer(std::io::stderr, None);
                let filter = filter_fn(move |metadata| metadata.is_span() || Level::of(*metadata.level()) <= most);
                tracing::subscriber::set_global_default(registry.with(layer.with_filter(filter)))
            }
            Format::Pretty => {
                let (clock, colours) = (Arc::new(SystemClock), is_terminal && !is_set("NO_COLOR"));
                let pretty = Pretty { writer: std::io::stderr, most: self.log_level, colours, clock };
                tracing::subscriber::set_global_default(registry.with(pretty))
            }
        };
    }
}

/// Whether a variable is set and not empty (<https://no-color.org>).
#[expect(clippy::disallowed_methods, reason = "colours are the terminal's, no setting of Landfall's")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

impl Level {
    fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Writes lines for people.
struct Pretty<W> {
    writer: W,
    most: Level,
    colours: bool,
    clock: Arc<dyn Clock>,
}

/// What the events of a request have said of its login.
#[derive(Default)]
struct Login {
    user: Option<String>,
    /// Created or recognised, and through which connector.
    found: Option<String>,
    failures: Vec<(Level, String)>,
}

/// A line: how much it matters, what it is about, and the rest.
type Line = (Level, &'static str, String);

impl<S, W> Layer<S> for Pretty<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let level = Level::of(*event.metadata().level());
        let fields = Fields::of(event);
        let span = cx.event_span(event);
        let mut extensions = span.as_ref().map(|span| span.extensions_mut());
        // What its events have said of the login so far.
        let mut login = extensions.as_mut().and_then(|extensions| extensions.remove::<Login>()).unwrap_or_default();
        if fields.name() == "request" {
            return self.write(event, of_request(login, level, &fields));
        }
        let is_noted = login.note(level, &fields);
        if let Some(extensions) = &mut extensions {
            extensions.insert(login);
            if is_noted {
                return;
            }
        }
        let line = of_event(fields.name(), level, &fields, event.metadata().target());
        self.write(event, line);
    }
}

impl<W> Pretty<W> {
    fn write(&self, event: &Event<'_>, (level, label, text): Line)
    where
        W: for<'w> MakeWriter<'w>,
    {
        if level > self.most {
            return;
        }
        let time = self.clock.now().format("%H:%M:%SZ");
        // Otherwise text from elsewhere could send control sequences to the terminal.
        let text = text.replace(char::is_control, " ");
        let line = match (self.colours, level) {
            (false, _) => format!("{time} {label:<14} {text}\n"),
            (true, Level::Debug) => format!("\x1b[2m{time} {label:<14} {text}\x1b[0m\n"),
            (true, _) => {
                let colour = match level {
                    Level::Error => 31,
                    Level::Warn => 33,
                    Level::Info | Level::Debug => 32,
                };
                format!("\x1b[2m{time}\x1b[0m \x1b[{colour}m{label:<14}\x1b[0m {text}\n")
            }
        };
        // Where the log cannot be written, there is nowhere to say so.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes());
    }
}

impl Login {
    /// Keeps what an event says of a login, until its request ends; whether it did.
    fn note(&mut self, level: Level, fields: &Fields) -> bool {
        let name = fields.name();
        let (connector, reason) = (fields.get("connector"), fields.get("reason"));
        let by = || format!("{connector} by {}", fields.get("method"));
        let failure = match name {
            "session_completed" => {
                self.user = Some(fields.get("user").to_owned());
                return true;
            }
            "user_provisioned" | "user_recognised" => {
                let how = if name == "user_provisioned" { "created" } else { "recognised" };
                self.found = Some(format!("{how}, connector {connector}"));
                return true;
            }
            // The end of the request says it as well.
            "session_rejected" => return true,
            "login_failed" => match fields.get("hint") {
                "" => format!("{}: {reason}", by()),
                hint => format!("{}: {reason}: {hint}", by()),
            },
            "connector_unusable" => format!("{}: {}", by(), meaning(name)),
            "session_abandoned" => reason.to_owned(),
            "proof_required" | "user_refused" => format!("{connector}: {}", explained(fields.get("code"))),
            _ => return false,
        };
        self.failures.push((level, failure));
        true
    }
}

/// The line of a request: of its login, if that has ended or failed.
fn of_request(login: Login, level: Level, fields: &Fields) -> Line {
    let Login { user, found, mut failures } = login;
    let code = fields.get("code");
    let request = format!("{} {}", fields.get("method"), fields.get("route"));
    match (fields.get("login"), failures.pop()) {
        ("completed", _) => {
            let user = user.map(|user| format!("user {user}"));
            (Level::Info, "signed in", user.into_iter().chain(found).collect::<Vec<_>>().join(", "))
        }
        ("", None) if code.is_empty() => {
            (Level::Debug, "request", format!("{request}: {}, {} ms", fields.get("status"), fields.get("duration_ms")))
        }
        ("", None) => {
            let reason = Some(fields.get("reason")).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(" Reason: {reason}.")).unwrap_or_default();
            let label = if level == Level::Error { "failed" } else { "refused" };
            (level, label, format!("{request}: {}{reason}", explained(code)))
        }
        ("", Some((level, failure))) => (level, "not signed in", failure),
        (code, Some((level, failure))) if failure.contains(code) => (level, "not signed in", failure),
        (code, Some((level, failure))) => (level, "not signed in", format!("{failure} ({code})")),
        (code, None) => (Level::Warn, "not signed in", explained(code)),
    }
}

/// The line of any other event.
fn of_event(name: &str, level: Level, fields: &Fields, target: &str) -> Line {
    let is_detail = target == "outbound" || name == "redirect_returned";
    let level = if is_detail && level == Level::Info { Level::Debug } else { level };
    let label = match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "note",
        Level::Debug => "call",
    };
    let text = match meaning(name) {
        "" => format!("{target}: {}", fields.rest()),
        meaning => format!("{meaning}: {}", fields.rest()),
    };
    (level, label, text)
}

fn meaning(name: &str) -> &'static str {
    LINES.iter().find(|line| line.name == name).map_or("", |line| line.meaning)
}

/// What a code means and what to do about it.
fn explained(code: &str) -> String {
    let Some(known) = Code::find(code) else { return code.to_owned() };
    let next = hints::next(known).map(|next| format!(" {next}")).unwrap_or_default();
    format!("{} ({code}).{next}", known.title())
}

/// The fields of an event, in their order.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value)
    }

    fn name(&self) -> &str {
        if self.get("event").is_empty() { self.get("service") } else { self.get("event") }
    }

    fn rest(&self) -> String {
        let rest = self.0.iter().filter(|(name, _)| !["event", "service"].contains(name));
        let text = rest.map(|(name, value)| match *name {
            "message" => value.clone(),
            name => format!("{name} {value}"),
        });
        text.collect::<Vec<_>>().join(", ")
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use domain::FixedClock;
    use insta::assert_snapshot;
    use tracing::{error, info, info_span, warn};

    use super::*;

    /// What is written of these events.
    fn written(most: Level, colours: bool, events: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&written);
        let clock = Arc::new(FixedClock::at("2026-01-02T14:03:12Z".parse().unwrap()));
        let pretty = Pretty { writer: move || Copy(Arc::clone(&writer)), most, colours, clock };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(pretty), events);
        String::from_utf8(written.lock().unwrap().clone()).unwrap()
    }

    struct Copy(Arc<Mutex<Vec<u8>>>);

    impl Write for Copy {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn call() {
        info!(target: "outbound", service = "dynamodb", operation = "GetItem", outcome = "ok", duration_ms = 3);
    }

    /// A login that succeeds, two that do not, a request that is refused, one that fails, and what has no request.
    fn events() {
        let (method, route) = ("POST", "/v1/sessions/{session}/steps/{step}");
        let request = || info_span!("request", id = "req_1").entered();
        {
            let _request = request();
            call();
            info!(event = "user_provisioned", user = "usr_1", connector = "keycloak");
            info!(event = "session_completed", session = "ses_1", user = "usr_1");
            info!(event = "request", method, route, status = 200, login = "completed", duration_ms = 7);
        }
        {
            let _request = request();
            let reason = "the provider is unavailable at token: connect";
            warn!(event = "login_failed", connector = "keycloak", method = "password", reason, hint = "is it running?");
            call();
            warn!(event = "session_rejected", session = "ses_2", code = "try_later");
            info!(event = "request", method, route, status = 200, login = "try_later", duration_ms = 7);
        }
        {
            let _request = request();
            warn!(event = "proof_required", code = "proof_required", connector = "keycloak");
            info!(event = "request", method, route, status = 200, login = "proof_required", duration_ms = 7);
        }
        {
            let _request = request();
            warn!(event = "request", method, route, status = 422, code = "invalid_input", duration_ms = 7);
        }
        {
            let _request = request();
            let reason = "DynamoDB\x1b[31m is away";
            error!(event = "request", method, route, status = 500, code = "internal", reason, duration_ms = 7);
        }
        {
            let _request = request();
            info!(event = "request", method, route, status = 200, duration_ms = 7);
        }
        warn!(event = "circuit_opened", host = "127.0.0.1", port = 8180);
        warn!("of a library");
    }

    #[test]
    fn a_login_is_one_line_with_reason_and_hint() {
        assert_snapshot!(written(Level::Info, false, events), @"
        14:03:12Z signed in      user usr_1, created, connector keycloak
        14:03:12Z not signed in  keycloak by password: the provider is unavailable at token: connect: is it running? (try_later)
        14:03:12Z not signed in  keycloak: An account with this identifier already exists (proof_required). The address belongs to an account of another provider: sign in through that one. The demo's provider is another one on each port: use the port of the first login, another --data, or --reset.
        14:03:12Z refused        POST /v1/sessions/{session}/steps/{step}: The input does not fit the fields of this step (invalid_input). Fill in the form as the step asks: the answer's `fields` says which fields do not fit.
        14:03:12Z failed         POST /v1/sessions/{session}/steps/{step}: Something went wrong on our side (internal). Reason: DynamoDB [31m is away.
        14:03:12Z warning        a host does not answer, and is not called for a while: host 127.0.0.1, port 8180
        14:03:12Z warning        landfall::log::tests: of a library
        ");
    }

    #[test]
    fn levels_say_how_much_is_written() {
        let lines = |most| written(most, false, events).lines().count();
        assert_eq!([Level::Error, Level::Warn, Level::Info, Level::Debug].map(lines), [1, 6, 7, 10]);
        let debug = written(Level::Debug, false, events);
        let details = debug.lines().filter(|line| line.contains(" call ") || line.contains(" request "));
        assert_snapshot!(details.collect::<Vec<_>>().join("\n"), @"
        14:03:12Z call           DynamoDB was called: operation GetItem, outcome ok, duration_ms 3
        14:03:12Z call           DynamoDB was called: operation GetItem, outcome ok, duration_ms 3
        14:03:12Z request        POST /v1/sessions/{session}/steps/{step}: 200, 7 ms
        ");
    }

    #[test]
    fn colours_are_where_they_are_asked_for() {
        assert!(!written(Level::Debug, false, events).contains('\x1b'));
        let line = written(Level::Info, true, || info!(event = "circuit_closed", host = "a", port = 1));
        assert_eq!(
            line,
            "\x1b[2m14:03:12Z\x1b[0m \x1b[32mnote          \x1b[0m a host answers again: host a, port 1\n"
        );
    }
}
