//! Logs: one JSON object a line, for CloudWatch and for people with `jq`.
//!
//! What never gets there: secrets (their types print nothing), bodies, headers, query strings, claims, and what a panic
//! says. Each request ends with one line of `event: request`; each outbound call has one of `target: outbound` with its
//! duration. [`LINES`] has them all, and `infra/README.md` the tables made of it: one more has to be there, and some flow
//! of the tests has to log it.
//!
//! Lambda leaves lines as they are that are JSON already, and takes their time and level from `timestamp` and `level`
//! where it is set to JSON logs:
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

/// Logs to `writer` from now on.
pub fn init<W>(writer: W)
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    // A second call, by a tool that serves twice in one process, changes nothing.
    let _already_set = tracing::subscriber::set_global_default(subscriber(writer, None));
}

/// The same for a deployed `function`: with metrics in the lines that requests end with, and of a panic where it was and
/// nothing else, whether the process survives it or not.
pub fn init_deployed<W>(writer: W, function: &'static str)
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    let _already_set = tracing::subscriber::set_global_default(subscriber(writer, Some(function)));
    std::panic::set_hook(Box::new(log_panic));
}

fn subscriber<W>(writer: W, function: Option<&'static str>) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(LevelFilter::INFO).with(layer(writer, function))
}

/// What writes the lines, whatever their level; of a deployed `function`, with metrics.
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

/// Lines as they are, and that of a request with its metrics where there is a function they are of.
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
        // The first member is when it is written, which is when the request has ended.
        let timestamp = line.split('"').nth(3).and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let (brace, members) = line.split_at_checked(1).ok_or(fmt::Error)?;
        let time = timestamp.ok_or(fmt::Error)?.timestamp_millis();
        write!(writer, "{brace}{}{members}", metrics::members(function, time, &fields.names))
    }
}

/// The fields that an event has, and whether it is the end of a request.
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

/// What a panic says may quote anything, a password or a token among it; unless it is a constant of the program.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(tracing::field::display);
    let reason = panic.payload().downcast_ref::<&'static str>().copied();
    tracing::error!(event = "panicked", location, reason);
}
