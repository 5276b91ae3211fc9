//! Logs: one JSON object a line, for CloudWatch and for people with `jq`.
//!
//! What never gets there: secrets (their types print nothing), bodies, headers, query strings, claims. Each request ends
//! with one line of `event: request`; each outbound call has one of `target: outbound` with its duration.

use std::io::Write;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Logs to `writer` from now on: standard output in a Lambda.
pub fn init<W>(writer: W)
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    // A second call, by a tool that serves twice in one process, changes nothing.
    let _already_set = tracing::subscriber::set_global_default(subscriber(writer));
}

/// The subscriber itself, for whoever wants to see what is logged.
pub fn subscriber<W>(writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w, Writer: Write> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::INFO).with(layer)
}
