//! Documents as people write them: YAML, of which JSON is a part. A key that occurs twice or is unknown is an error with its
//! line, and `no` is a text, not a boolean.

use std::collections::BTreeMap;

use domain::{Client, ConnectorDocument, JourneyDocument, RequestContext};
use journeys::Journey;
use providers::Registry;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Document, Revision, Saved, Store};

use crate::error::CommandError;

/// Reads a document; `place` is what errors call it.
pub fn parse<T: DeserializeOwned>(place: &str, text: &str) -> Result<T, CommandError> {
    parse_as("", place, text)
}

/// The same with what a file of this kind has in it, for the error.
fn parse_as<T: DeserializeOwned>(form: &'static str, place: &str, text: &str) -> Result<T, CommandError> {
    read(text).map_err(|error| CommandError::Syntax { place: place.to_owned(), error: Box::new(error), form })
}

/// Reads secrets by name. An error says only where it is: a snippet of the file, or a message that quotes a value, would
/// show secrets.
pub fn secrets(place: &str, text: &str) -> Result<BTreeMap<String, SecretString>, CommandError> {
    read(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
        CommandError::Secrets { place: place.to_owned(), line, column }
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options)
}

/// Reads a journey and checks it whole.
pub fn journey(place: &str, text: &str) -> Result<JourneyDocument, CommandError> {
    let form = "A file of a journey has format, id, start and steps: see shared/journeys/README.md#journeys";
    let document: JourneyDocument = parse_as(form, place, text)?;
    Journey::validate(document.clone(), steps::TYPES)
        .map_err(|errors| CommandError::Journey { place: place.to_owned(), errors })?;
    Ok(document)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connectors {
    connectors: Vec<ConnectorDocument>,
}

/// Reads a file of connectors to the providers in `registry`, and checks each.
pub fn connectors(registry: &Registry, place: &str, text: &str) -> Result<Vec<ConnectorDocument>, CommandError> {
    check_secrets(place, text)?;
    let form = "A file of connectors has one list, `connectors`: see shared/journeys/README.md#connectors";
    let Connectors { connectors } = parse_as(form, place, text)?;
    if connectors.is_empty() {
        return Err(CommandError::NoConnector { place: place.to_owned() });
    }
    for (index, connector) in connectors.iter().enumerate() {
        let (place, id) = (place.to_owned(), connector.id.to_string());
        if connectors[..index].iter().any(|other| other.id == connector.id) {
            return Err(CommandError::Twice { place, what: format!("connector {id}") });
        }
        registry.adapter(connector).map_err(|error| CommandError::Connector { place, connector: id, error })?;
    }
    check_callbacks(registry, place, &connectors, &[])?;
    Ok(connectors)
}

/// Before anything else is said of the file: an error with a snippet of it would show a secret that stands there.
fn check_secrets(place: &str, text: &str) -> Result<(), CommandError> {
    let Ok(file) = read::<Value>(text) else { return Ok(()) };
    let connectors = file["connectors"].as_array().into_iter().flatten().filter_map(Value::as_object);
    for connector in connectors {
        let id = connector.get("id").and_then(Value::as_str).unwrap_or_default();
        let (place, connector_id) = (place.to_owned(), id.to_owned());
        providers::check_secrets(connector).map_err(|error| CommandError::Connector {
            place,
            connector: connector_id,
            error,
        })?;
    }
    Ok(())
}

/// Checks that each of `connectors` has a redirect URI of its own, beside each other and beside those in `saved` that they
/// do not replace. Answers of two providers are told apart by it (RFC 9700 section 4.4.2.2).
pub fn check_callbacks(
    registry: &Registry,
    place: &str,
    connectors: &[ConnectorDocument],
    saved: &[ConnectorDocument],
) -> Result<(), CommandError> {
    let own = |connector: &ConnectorDocument| {
        registry.adapter(connector).ok().and_then(|adapter| adapter.callback_of_application().map(str::to_owned))
    };
    let mut callbacks: BTreeMap<_, _> =
        beside(connectors, saved).filter_map(|other| Some((own(other)?, &other.id))).collect();
    for connector in connectors {
        if let Some(callback) = own(connector)
            && let Some(other) = callbacks.insert(callback, &connector.id)
        {
            let (place, one, other) = (place.to_owned(), other.to_string(), connector.id.to_string());
            return Err(CommandError::SharedCallback { place, one, other });
        }
    }
    Ok(())
}

/// Notes for an administrator: connectors that lead to the same accounts and keep them apart, beside those in `saved`.
pub fn split_pools(registry: &Registry, connectors: &[ConnectorDocument], saved: &[ConnectorDocument]) -> Vec<String> {
    let all: Vec<_> = beside(connectors, saved).chain(connectors).cloned().collect();
    let split = registry.split_pools(&all).into_iter();
    split
        .filter(|split| connectors.iter().any(|one| one.id == *split.connector))
        .map(|split| split.to_string())
        .collect()
}

/// The connectors in `saved` that none of `connectors` replaces.
fn beside<'a>(
    connectors: &'a [ConnectorDocument],
    saved: &'a [ConnectorDocument],
) -> impl Iterator<Item = &'a ConnectorDocument> {
    saved.iter().filter(|saved| connectors.iter().all(|connector| connector.id != saved.id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clients {
    clients: Vec<Client>,
}

/// Reads a file of clients, and checks each.
pub fn clients(place: &str, text: &str) -> Result<Vec<Client>, CommandError> {
    let form = "A file of clients has one list, `clients`: see shared/journeys/README.md#clients";
    let Clients { clients } = parse_as(form, place, text)?;
    for (index, client) in clients.iter().enumerate() {
        let invalid = |error| CommandError::Client { place: place.to_owned(), client: client.id.to_string(), error };
        client.check().map_err(invalid)?;
        if clients[..index].iter().any(|other| other.id == client.id) {
            return Err(CommandError::Twice { place: place.to_owned(), what: format!("client {}", client.id) });
        }
    }
    Ok(clients)
}

/// Otherwise the first user would find out that a journey names a connector that does not exist.
pub fn check_connectors(journeys: &[JourneyDocument], known: &[ConnectorDocument]) -> Result<(), CommandError> {
    for document in journeys {
        let id = document.id.to_string();
        let journey = Journey::compile(document.clone(), 0, steps::TYPES);
        let journey = journey.map_err(|errors| CommandError::Journey { place: id.clone(), errors })?;
        if let Some(connector) = journey.connectors().find(|named| known.iter().all(|known| known.id != **named)) {
            let known: Vec<_> = known.iter().map(|known| known.id.as_str()).collect();
            let (connector, known) = (connector.to_string(), known.join(", "));
            return Err(CommandError::UnknownConnector { journey: id, connector, known });
        }
    }
    Ok(())
}

/// All documents in the order in which they are saved: connectors before the journeys that name them, and journeys before
/// the clients that may start them.
pub fn in_order(
    connectors: &[ConnectorDocument],
    journeys: &[JourneyDocument],
    clients: &[Client],
) -> impl Iterator<Item = Document> {
    let connectors = connectors.iter().cloned().map(Document::from);
    let journeys = journeys.iter().cloned().map(Document::from);
    connectors.chain(journeys).chain(clients.iter().cloned().map(Document::from))
}

/// Saves a document in place of the revision that was `read`.
pub async fn save(
    store: &Store,
    cx: &RequestContext,
    document: &Document,
    read: Option<Revision>,
) -> Result<(), CommandError> {
    match store.save(cx, document, read).await? {
        Saved::Done => Ok(()),
        Saved::Conflict => Err(CommandError::Conflict { what: document.to_string() }),
    }
}

/// Saves documents. They have been checked: only the functions above make them of text.
pub async fn publish(
    store: &Store,
    cx: &RequestContext,
    documents: impl Iterator<Item = Document>,
) -> Result<(), CommandError> {
    for document in documents {
        let read = store.revision(cx, &document).await?;
        save(store, cx, &document, read).await?;
    }
    Ok(())
}
