//! Logs: one JSON object a line, for CloudWatch and for people with `jq`.
//!
//! Never logged: secrets (their types print nothing), bodies, headers, query strings, claims, and messages of panics.
//! Each request ends with one line with `event: request`; each outbound call has one line with `target: outbound` and
//! its duration. [`LINES`] lists all lines, and `infra/README.md` has the tables made from it. A new line must be added
//! there, and a flow in the tests must log it.
//!
//! If Lambda's log format is JSON, it does not change lines that are JSON already, and reads their time and level from
//! `timestamp` and `level`:
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>.

mod lines;

use std::fmt;
use std::io::Write;
use std::panic::PanicHookInfo;

use chrono::DateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::metrics;

pub use lines::{FIELDS, LINES, Line, table};

/// Starts logging for a deployed `function`: the last line of a request has metrics, and a panic is logged with its
/// location, without its message.
pub fn init_deployed<W>(writer: W, function: &'static str)
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(layer(writer, Some(function)));
    // A second call, by a tool that serves twice in one process, changes nothing.
    let _already_set = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(log_panic));
}

/// The layer that writes lines of any level; with metrics if there is a deployed `function`.
pub fn layer<S, W>(writer: W, function: Option<&'static str>) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    let json = tracing_subscriber::fmt::format().json();
    let json = json.flatten_event(true).with_current_span(true).with_span_list(false);
    tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Embedding { json, function })
        .with_writer(writer)
}

/// A JSON format that adds metrics to the last line of a request, if there is a deployed function.
struct Embedding {
    json: Format<Json>,
    function: Option<&'static str>,
}

impl<S, N> FormatEvent<S, N> for Embedding
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(function) = self.function.filter(|_| fields.of_request) else {
            return self.json.format_event(cx, writer, event);
        };
        let mut line = String::new();
        self.json.format_event(cx, Writer::new(&mut line), event)?;
        // The first member is the time of writing, which is the end of the request.
        let timestamp = line.split('"').nth(3).and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let (brace, members) = line.split_at_checked(1).ok_or(fmt::Error)?;
        let time = timestamp.ok_or(fmt::Error)?.timestamp_millis();
        write!(writer, "{brace}{}{members}", metrics::members(function, time, &fields.names))
    }
}

/// The names of an event's fields, and whether it is the last line of a request.
#[derive(Default)]
struct Fields {
    names: Vec<&'static str>,
    of_request: bool,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, _value: &dyn fmt::Debug) {
        self.names.push(field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.of_request |= field.name() == "event" && value == metrics::EVENT;
        self.names.push(field.name());
    }
}

/// Logs a panic. Its message may quote a password or token, so it is logged only if it is a constant of the program.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(tracing::field::display);
    let reason = panic.payload().downcast_ref::<&'static str>().copied();
    tracing::error!(event = "panicked", location, reason);
}
