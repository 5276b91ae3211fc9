//! How an answer travels back to the client: in the query, in the fragment, or as a form the browser posts.

use super::Endpoint;
use super::server::Book;
use super::wire::encode_fields;

/// Where a client waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
}

/// OAuth 2.0 Multiple Response Types section 2.1, and OAuth 2.0 Form Post Response Mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// The way of the response type: the query for a code.
    Default,
    Query,
    Fragment,
    FormPost,
}

/// What a callback brings.
pub type Fields = Vec<(&'static str, String)>;

/// What the browser is answered so that it takes them to the client.
pub(crate) enum Delivery {
    /// A redirect to this address.
    Redirect(String),
    /// A page with a form that sends itself.
    Form(Fields),
}

impl ResponseMode {
    /// The mode of that name. Those that wrap the answer into a JWT are not simulated.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Query, Self::Fragment, Self::FormPost].into_iter().find(|mode| mode.name() == Some(name))
    }

    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Query => Some("query"),
            Self::Fragment => Some("fragment"),
            Self::FormPost => Some("form_post"),
        }
    }
}

impl Target {
    /// What a client learns that gets no code (RFC 6749 section 4.1.2.1, RFC 9207 section 2).
    pub(crate) fn refusal(&self, issuer: &str, error: &str, description: Option<&str>) -> Fields {
        let mut fields = vec![("error", error.to_owned())];
        fields.extend(description.map(|text| ("error_description", text.to_owned())));
        fields.extend(self.state.clone().map(|state| ("state", state)));
        fields.push(("iss", issuer.to_owned()));
        fields
    }

    /// Takes these fields to the client, spoilt where the provider misbehaves.
    pub(crate) fn deliver(&self, book: &Book, mut fields: Fields) -> Delivery {
        for misbehaviour in [Endpoint::Authorize, Endpoint::Login].into_iter().filter_map(|at| book.at(at)) {
            misbehaviour.spoil_callback(&mut fields);
        }
        let address = &self.redirect_uri;
        let separator = match self.mode {
            ResponseMode::FormPost => return Delivery::Form(fields),
            ResponseMode::Fragment => '#',
            ResponseMode::Query | ResponseMode::Default if address.contains('?') => '&',
            ResponseMode::Query | ResponseMode::Default => '?',
        };
        Delivery::Redirect(format!("{address}{separator}{}", encode_fields(&fields)))
    }
}
