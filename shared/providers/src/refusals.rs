//! What a provider's refusals mean: one table for each kind of request, which is code, documentation and test in one.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use domain::{Channel, Factor, Method};
use egress::Response;

use crate::answers::{OauthError, throttled};
use crate::{Outage, ProviderError, Stage};

/// The refusals of one kind of request. The first row that fits an answer counts.
#[derive(Debug)]
pub struct Refusals {
    /// To what: `a password`, `an authorization code`.
    pub to: &'static str,
    /// At which points of a login they are looked at: the conformance suite answers there with each of the rows.
    pub at: &'static [At],
    /// In the order in which they are looked at.
    pub rows: &'static [Row],
}

/// A point of a login at which a provider may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The browser comes back with an error.
    Redirect,
    /// Landfall sends the authorization request of a method itself.
    Authorize(Method),
    /// A code is redeemed.
    Redemption,
    /// The provider's API is asked with an access token.
    Api,
    /// At a server that a preset is for; the preset's own tests know.
    Preset,
    /// A password is sent.
    Password,
    /// A name and the code of an authenticator app are sent.
    Totp,
    /// A code shall be sent, as the first factor.
    Sending(Channel),
    /// The code that was sent as the first factor is given.
    Sent(Channel),
    /// A second factor shall be sent or begun, after the password, by a call to a path that ends so.
    Begin(Factor, &'static str),
    /// One of the calls of a method, to a path that ends so.
    Call(Method, &'static str),
    /// A second factor is given.
    Factor(Factor),
    /// A new password is given.
    NewPassword,
}

/// One refusal: how to recognise it, what it means, and the source.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    error: Option<&'static str>,
    numbers: &'static [u64],
    text: Option<Text>,
    status: Option<u16>,
    page: bool,
    meaning: ProviderError,
    note: &'static str,
    source: &'static str,
}

/// What an `error_description` has to say.
#[derive(Debug, Clone, Copy)]
enum Text {
    /// This, to the letter.
    Whole(&'static str),
    /// This, among other words.
    Part(&'static str),
}

impl Text {
    fn is_in(self, description: &str) -> bool {
        match self {
            Self::Whole(text) => description == text,
            Self::Part(text) => description.contains(text),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Whole(text) | Self::Part(text) => text,
        }
    }
}

impl Row {
    /// An answer with this `error` (RFC 6749 section 5.2).
    pub const fn error(error: &'static str, meaning: ProviderError, source: &'static str) -> Self {
        Self { error: Some(error), ..Self::any(meaning, source) }
    }

    /// An answer with one of these among its `error_codes`, which Microsoft adds to the standard's `error`.
    pub const fn numbered(numbers: &'static [u64], meaning: ProviderError, source: &'static str) -> Self {
        Self { numbers, ..Self::any(meaning, source) }
    }

    const fn any(meaning: ProviderError, source: &'static str) -> Self {
        Self { error: None, numbers: &[], text: None, status: None, page: false, meaning, note: "", source }
    }

    /// Any answer of this status.
    pub const fn status(status: u16, meaning: ProviderError, source: &'static str) -> Self {
        Self { status: Some(status), ..Self::any(meaning, source) }
    }

    /// An HTML page of this status.
    pub const fn page(status: u16, meaning: ProviderError, source: &'static str) -> Self {
        Self { page: true, ..Self::status(status, meaning, source) }
    }

    /// Only with this `error_description`, to the letter.
    #[must_use]
    pub const fn saying(self, text: &'static str) -> Self {
        Self { text: Some(Text::Whole(text)), ..self }
    }

    /// Only with these words in its `error_description`: where a provider puts values of its own around them.
    #[must_use]
    pub const fn mentioning(self, text: &'static str) -> Self {
        Self { text: Some(Text::Part(text)), ..self }
    }

    /// Only with this status.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// What the documentation adds for people.
    #[must_use]
    pub const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    fn fits(&self, response: &Response, error: Option<&OauthError>) -> bool {
        self.is_said_by(error)
            && self.status.is_none_or(|status| response.status == status)
            && (!self.page || response.media_type() == "text/html")
    }

    fn is_said_by(&self, error: Option<&OauthError>) -> bool {
        let has_number = |error: &OauthError| error.numbers.iter().any(|number| self.numbers.contains(number));
        self.error.is_none_or(|code| error.is_some_and(|error| error.code == code))
            && (self.numbers.is_empty() || error.is_some_and(has_number))
            && self.text.is_none_or(|text| error.is_some_and(|error| text.is_in(&error.description)))
    }
}

/// What an error answer means by these tables: 429 first, then the first row that fits, then the status.
///
/// A row that names 429 may give it another meaning: some providers answer so for a locked account. If it means the usual, the wait that
/// the answer asks for counts.
pub fn classify(now: DateTime<Utc>, stage: Stage, response: &Response, tables: &[&Refusals]) -> ProviderError {
    let error = OauthError::of(response);
    let mut rows = tables.iter().flat_map(|table| table.rows);
    if let Some(throttled) = throttled(now, response) {
        let row = rows.find(|row| row.status == Some(429) && row.fits(response, error.as_ref()));
        let another = row.map(|row| row.meaning).filter(|meaning| !matches!(meaning, ProviderError::Throttled { .. }));
        return another.unwrap_or(throttled);
    }
    match rows.find(|row| row.fits(response, error.as_ref())) {
        Some(row) => row.meaning,
        None if response.status.is_server_error() => stage.unavailable(Outage::ServerError),
        None => stage.unavailable(Outage::Protocol),
    }
}

/// What an error in a callback means; `None` if no row has it.
pub(crate) fn of_error(tables: &[&Refusals], error: &OauthError) -> Option<ProviderError> {
    let rows = tables.iter().flat_map(|table| table.rows);
    rows.into_iter().find(|row| row.is_said_by(Some(error))).map(|row| row.meaning)
}

impl Refusals {
    /// The table in Markdown, for the provider's guide.
    pub fn table(&self) -> String {
        let mut table =
            format!("To {}:\n\n| answer | outcome | what it means | source |\n|---|---|---|---|\n", self.to);
        for row in self.rows {
            let Row { error, numbers, text, status, page, meaning, note, source } = row;
            let quoted = |text: Option<&str>| text.map(|text| format!("`{text}`"));
            let status = status.map(|status| if *page { format!("a page with {status}") } else { status.to_string() });
            let numbers: Vec<String> = numbers.iter().map(|number| format!("`{number}`")).collect();
            let numbers = (!numbers.is_empty()).then(|| numbers.join(" or "));
            let answer: Vec<String> =
                [quoted(*error), numbers, quoted(text.map(Text::as_str)), status].into_iter().flatten().collect();
            let outcome = meaning.outcome().map_or("refused".to_owned(), |outcome| format!("`{outcome}`"));
            let means = match (note, meaning) {
                (&"", ProviderError::Misconfigured { hint, .. }) => hint,
                (note, _) => note,
            };
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {} | {outcome} | {means} | {source} |", answer.join(", "));
        }
        table
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;
    use crate::{Check, Registry, Rejection};

    impl Row {
        /// The status that it needs, or one of those it may come with.
        pub(crate) fn a_status(&self) -> u16 {
            self.status.unwrap_or(400)
        }

        /// The numbers it is recognised by; zero for one that has none.
        pub(crate) fn numbers(&self) -> &'static [u64] {
            if self.numbers.is_empty() { &[0] } else { self.numbers }
        }

        /// The error and the description of an answer that it fits; `None` if that is a page.
        pub(crate) fn said(&self) -> Option<(&'static str, &'static str)> {
            (!self.page).then(|| (self.error.unwrap_or("-"), self.text.map_or("-", Text::as_str)))
        }
    }

    const TABLE: Refusals = Refusals {
        to: "a test",
        at: &[At::Password],
        rows: &[
            Row::error("a", ProviderError::Rejected(Rejection::Declined), "one").saying("text").with_status(400),
            Row::error("a", Stage::Token.refused(Check::Code), "two").note("another's"),
            Row::page(403, ProviderError::Rejected(Rejection::AccountDisabled), "three"),
            Row::status(403, Stage::Token.misconfigured("do this"), "four"),
            Row::error("locked", ProviderError::Rejected(Rejection::AccountLocked), "five").with_status(429),
        ],
    };

    fn meaning(status: u16, media_type: &str, body: &str) -> ProviderError {
        meaning_in(&[&TABLE], status, media_type, body)
    }

    /// What these tables say of an answer.
    pub(crate) fn meaning_in(tables: &[&Refusals], status: u16, media_type: &str, body: &str) -> ProviderError {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        classify(DateTime::UNIX_EPOCH, Stage::Token, &response, tables)
    }

    /// Each row of tables that are asked one after the other counts: none is hidden by an earlier one. What a row means is
    /// in the guide, which a test compares with the tables.
    pub(crate) fn assert_each_row_counts(tables: &[&Refusals]) {
        for row in tables.iter().flat_map(|table| table.rows) {
            // The status decides nothing where a row names none: some releases and providers differ in it.
            let statuses = row.status.map_or(vec![400, 402, 403, 500], |status| vec![status]);
            let numbers = row.numbers();
            for (status, number) in statuses.iter().flat_map(|status| numbers.iter().map(|number| (*status, number))) {
                let (media_type, body) = match row.said() {
                    None => ("text/html", "<p>".to_owned()),
                    Some((error, text)) => {
                        let body = json!({ "error": error, "error_description": text, "error_codes": [0, number] });
                        ("application/json", body.to_string())
                    }
                };
                let found = meaning_in(tables, status, media_type, &body);
                assert_eq!(found, row.meaning, "to {} with {status}: {row:?}", tables[0].to);
            }
        }
    }

    #[test]
    fn the_first_row_that_fits_counts_and_then_the_status() {
        let json = "application/json";
        let declined = ProviderError::Rejected(Rejection::Declined);
        assert_eq!(meaning(400, json, r#"{"error":"a","error_description":"text"}"#), declined);
        assert_eq!(
            meaning(401, json, r#"{"error":"a","error_description":"text"}"#),
            Stage::Token.refused(Check::Code)
        );
        assert_eq!(meaning(403, "text/html", "<p>").outcome(), Some("rejected.account_disabled"));
        assert_eq!(meaning(403, json, "{}").outcome(), Some("unavailable.misconfigured"));
        assert_eq!(meaning(429, json, r#"{"error":"a"}"#).outcome(), Some("unavailable.throttled"));
        assert_eq!(meaning(429, json, r#"{"error":"locked"}"#).outcome(), Some("rejected.account_locked"));
        assert_eq!(meaning(500, json, r#"{"error":"b"}"#), Stage::Token.unavailable(Outage::ServerError));
        assert_eq!(meaning(400, "text/plain", "no"), Stage::Token.unavailable(Outage::Protocol));
    }

    #[test]
    fn no_row_of_any_provider_is_hidden_by_an_earlier_one() {
        for table in Registry::default().providers().iter().flat_map(|provider| provider.refusals) {
            assert_each_row_counts(&[table]);
        }
    }

    #[test]
    fn a_table_says_all_of_a_row() {
        let table = TABLE.table();
        let rows: Vec<_> = table.lines().skip(4).collect();
        assert_eq!(
            rows,
            [
                "| `a`, `text`, 400 | `rejected.declined` |  | one |",
                "| `a` | refused | another's | two |",
                "| a page with 403 | `rejected.account_disabled` |  | three |",
                "| 403 | `unavailable.misconfigured` | do this | four |",
                "| `locked`, 429 | `rejected.account_locked` |  | five |",
            ]
        );
    }
}
