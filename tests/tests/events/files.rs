//! The files, and what is expected of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The payload version that is deployed, as files are called after it.
pub(crate) const DEPLOYED: &str = "v2";

/// The other, and the events that are there in it too: one of each kind that it writes otherwise.
pub(crate) const OTHER: &str = "v1";
pub(crate) const IN_BOTH: [&str; 7] = [
    "connector-test/saved.success",
    "issuer/token.base64",
    "oidc-callback/query.success",
    "step-submit/submit.cookies",
    "step-submit/submit.double-encoded",
    "step-submit/submit.stage-prefix",
    "step-submit/submit.success",
];

/// An event, read.
pub(crate) struct Event {
    pub(crate) function: &'static str,
    /// As API Gateway writes it: `POST /oauth2/token`.
    pub(crate) route: String,
    /// What is special about it: `base64`.
    pub(crate) case: String,
    pub(crate) json: Value,
}

/// A row of the table.
pub(crate) struct Row {
    /// `issuer/token.base64`.
    pub(crate) name: String,
    /// What comes of it once its examples are real.
    pub(crate) prepared: String,
    /// What comes of it unchanged.
    pub(crate) as_it_is: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

impl Row {
    /// The payload versions that it is there in.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &'static str> {
        [DEPLOYED].into_iter().chain(IN_BOTH.contains(&self.name.as_str()).then_some(OTHER))
    }

    pub(crate) fn all() -> Vec<Self> {
        let table = fs::read_to_string(folder().join("README.md")).unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect());
        let rows = cells.map(|cells: Vec<String>| match &cells[..] {
            [name, prepared, as_it_is, _] => {
                Self { name: name.clone(), prepared: prepared.clone(), as_it_is: as_it_is.clone() }
            }
            other => panic!("not a row: {other:?}"),
        });
        rows.collect()
    }
}

impl Event {
    /// All that are there, as `issuer/token.base64.v2`.
    pub(crate) fn names() -> BTreeSet<String> {
        let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
        let name = |path: PathBuf| {
            let path = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
            path.strip_suffix(".json").unwrap_or_else(|| panic!("{path} is no event")).to_owned()
        };
        files.map(name).collect()
    }

    pub(crate) fn read(name: &str, version: &str) -> Self {
        let json = landfall_tests::event(&format!("{name}.{version}"));
        let (function, file) = name.split_once('/').unwrap();
        let (_, case) = file.split_once('.').unwrap();
        let known = landfall_tests::functions::routes();
        let found = known.iter().find(|known| known.function == function);
        let function = found.expect("a folder is called after a function").function;
        let of = |name: &str| json[name].as_str().unwrap_or_default();
        let route = match version {
            DEPLOYED => of("routeKey").to_owned(),
            _ => format!("{} {}", of("httpMethod"), of("resource")),
        };
        Self { function, route, case: case.to_owned(), json }
    }
}
