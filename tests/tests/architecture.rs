//! The map of the workspace, and who may use whom. When this fails, its message says what to do; when the map has to
//! change, change [`ROOMS`].

#![expect(clippy::unwrap_used, reason = "this is a test, its helpers included")]

use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every crate of the workspace, by its folder, and all it may use: nothing but what stands above it. `functions/*` is
/// every other function; what lives in `shared/` is called by its folder's name, as in the code.
const ROOMS: &[(&str, &str)] = &[
    ("shared/domain", ""),
    ("shared/store", "domain"),
    ("shared/egress", "domain"),
    ("shared/providers", "domain egress"),
    ("shared/directory", "domain store"),
    ("shared/tokens", "domain store"),
    ("shared/base", "domain store tokens"),
    ("shared/connectors", "domain store egress providers directory base"),
    ("shared/journeys", "domain store providers directory tokens base connectors"),
    ("shared/steps", "domain providers directory journeys"),
    ("shared/web", "domain tokens base"),
    ("shared/aws", "domain store tokens base"),
    // A function links what it serves and no more: the issuer dials no one else, a test of a connector plays no journey, and a
    // callback plays none either.
    ("functions/issuer", "tokens base web aws"),
    ("functions/connector-test", "domain providers tokens connectors web aws"),
    ("functions/oidc-callback", "domain providers tokens base connectors journeys web aws"),
    ("functions/*", "domain providers tokens connectors journeys steps web aws"),
    // From here on nothing is deployed.
    ("shared/simulators", "domain"),
    (
        "infra/landfall",
        "domain store egress providers tokens base connectors journeys steps web aws functions/* simulators",
    ),
    ("tests/listener", ""),
    (
        "tests",
        "domain store egress providers tokens base connectors journeys steps web aws functions/* simulators infra/landfall tests/listener",
    ),
    ("tests/bench", "simulators infra/landfall tests"),
];

/// What a crate's own tests may use beyond that.
const IN_TESTS: &[(&str, &str)] = &[
    ("shared/egress", "tests/listener"),
    ("shared/providers", "simulators tests/listener"),
    ("shared/aws", "tests/listener"),
    // Only a package's own tests have its binaries.
    ("functions/*", "tests"),
];

/// Crates of others that belong to some rooms only, and why. `aws-*` is all that start so.
const RESERVED: &[(&str, &str, &str)] = &[
    ("aws-*", "store aws", "only `store` and `aws` talk to AWS: ask for a port of `domain` instead"),
    ("reqwest", "egress", "only `egress` dials out: its client has a deadline, a body cap and an address check"),
    ("rustls", "egress", "only `egress` dials out, and brings its own TLS"),
    ("webpki-roots", "egress", "only `egress` dials out, and brings its own trust"),
    ("dynoxide-rs", "infra/landfall", "the embedded DynamoDB is for one machine: no Lambda links it"),
];

/// What tests may use of those: their own, and the crate of whole-flow tests.
const RESERVED_IN_TESTS: &[(&str, &str)] = &[("dynoxide-rs", "store tests")];

/// Cryptography, whatever its name starts with.
const NO_SDK: &[&str] = &["aws-lc-rs"];

/// A crate of the workspace, as far as the map is concerned.
#[derive(Debug, Clone)]
struct Room {
    /// From the workspace's root: `shared/domain`.
    folder: String,
    name: String,
    uses: Vec<Use>,
    inherits_lints: bool,
    /// The opening documentation of `lib.rs`.
    doc: String,
}

#[derive(Debug, Clone)]
struct Use {
    /// The folder of one of ours, the name of another's.
    what: Crate,
    in_tests: bool,
}

#[derive(Debug, Clone)]
enum Crate {
    Ours(String),
    Others(String),
}

/// All that the map has against these rooms, each with what to do about it.
fn complaints(rooms: &[Room]) -> Vec<String> {
    let empty = ROOMS.iter().filter(|(place, _)| !rooms.iter().any(|room| fits(place, &room.folder)));
    let empty = empty.map(|(place, _)| {
        format!("no crate lives in {place}: take its row out of ROOMS in tests/tests/architecture.rs")
    });
    empty.chain(rooms.iter().flat_map(complaints_about)).collect()
}

fn complaints_about(room: &Room) -> Vec<String> {
    let Room { folder, name, uses, inherits_lints, doc } = room;
    let Some((_, allowed)) = ROOMS.iter().find(|(place, _)| fits(place, folder)) else {
        return vec![format!(
            "{folder} is not on the map: give it a row in ROOMS in tests/tests/architecture.rs, below all that it uses"
        )];
    };
    let mut complaints = Vec::new();
    let rightly = package_in(folder);
    if *name != rightly {
        complaints.push(format!("the package in {folder} is called {name}: call it {rightly}"));
    }
    // Their libraries would be imported by one name.
    if let Some(function) = folder.strip_prefix("functions/")
        && ROOMS.iter().any(|(place, _)| place.strip_prefix("shared/") == Some(function))
    {
        complaints.push(format!("{folder} has the name of shared/{function}: give it another"));
    }
    if !inherits_lints {
        complaints
            .push(format!("{folder}/Cargo.toml does not inherit the lints: add `[lints]` with `workspace = true`"));
    }
    // What is true of every function is said once, by `web`.
    let phrases: &[_] =
        if folder.starts_with("functions/") { &[] } else { &["**Must not know**", "**To add one more"] };
    for phrase in phrases.iter().filter(|phrase| !doc.contains(**phrase)) {
        complaints.push(format!("{folder}/src/lib.rs does not open with a doc that has {phrase}: every crate's has"));
    }
    if doc.is_empty() {
        complaints.push(format!("{folder}/src/lib.rs does not open with a doc: say what it is"));
    }
    complaints.extend(uses.iter().filter_map(|used| match &used.what {
        Crate::Ours(other) => complaint_about_ours(folder, allowed, other, used.in_tests),
        Crate::Others(other) => complaint_about_others(folder, other, used.in_tests),
    }));
    complaints
}

fn complaint_about_ours(folder: &str, allowed: &str, other: &str, in_tests: bool) -> Option<String> {
    let beyond = if in_tests { row(IN_TESTS, folder) } else { "" };
    if names(allowed, other) || names(beyond, other) {
        return None;
    }
    let allowed = if allowed.is_empty() { "no other crate of ours" } else { allowed };
    Some(format!(
        "{folder} may not use {other}: it may use {allowed}. Move what you need to a room that both may use, or have it \
         handed in from outside"
    ))
}

fn complaint_about_others(folder: &str, other: &str, in_tests: bool) -> Option<String> {
    let (name, owners, why) = RESERVED.iter().find(|(name, ..)| fits(name, other) && !NO_SDK.contains(&other))?;
    // All of `tests` is tests.
    let beyond = if in_tests || folder == "tests" { row(RESERVED_IN_TESTS, name) } else { "" };
    if names(owners, folder) || names(beyond, folder) {
        return None;
    }
    Some(format!("{folder} may not use the crate {other}: {why}"))
}

fn row(table: &[(&str, &'static str)], key: &str) -> &'static str {
    table.iter().find(|(name, _)| fits(name, key)).map_or("", |(_, places)| places)
}

/// Whether a row of the table names that folder.
fn names(places: &str, folder: &str) -> bool {
    let called = folder.strip_prefix("shared/").unwrap_or(folder);
    places.split(' ').any(|place| fits(place, called))
}

/// `functions/*` is everything that starts so.
fn fits(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// `landfall-<folder>`; a function is called as its folder is, the command `landfall`.
fn package_in(folder: &str) -> String {
    let last = folder.rsplit('/').next().unwrap_or(folder);
    match folder {
        "infra/landfall" => last.to_owned(),
        _ if folder.starts_with("functions/") => last.to_owned(),
        _ => format!("landfall-{last}"),
    }
}

/// The rooms as they are.
fn rooms() -> Vec<Room> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let offline = ["--offline".to_owned()];
    let metadata = MetadataCommand::new().current_dir(root).no_deps().other_options(offline).exec().unwrap();
    let folder = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let room = |package: &cargo_metadata::Package| {
        let place = package.manifest_path.parent().unwrap().as_std_path();
        let uses = package.dependencies.iter().map(|dependency| Use {
            what: match &dependency.path {
                Some(path) => Crate::Ours(folder(path.as_std_path())),
                None => Crate::Others(dependency.name.clone()),
            },
            in_tests: dependency.kind == DependencyKind::Development,
        });
        Room {
            folder: folder(place),
            name: package.name.to_string(),
            uses: uses.collect(),
            inherits_lints: fs::read_to_string(place.join("Cargo.toml"))
                .unwrap()
                .contains("[lints]\nworkspace = true\n"),
            doc: opening(&fs::read_to_string(place.join("src/lib.rs")).unwrap()),
        }
    };
    metadata.packages.iter().map(room).collect()
}

fn opening(source: &str) -> String {
    source.lines().map_while(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_crate_uses_only_what_it_may() {
    let rooms = rooms();
    assert!(rooms.iter().any(|room| !room.uses.is_empty()));
    let complaints = complaints(&rooms);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_crate_may_use_only_what_stands_above_it() {
    for (index, (place, allowed)) in ROOMS.iter().enumerate() {
        for other in allowed.split(' ').filter(|other| !other.is_empty()) {
            let mut above = ROOMS[..index].iter().map(|(place, _)| place.strip_prefix("shared/").unwrap_or(place));
            assert!(above.any(|above| above == other), "{place} may use {other}, which does not stand above it");
        }
    }
}

/// A crate that nothing can be said against.
fn good(folder: &str) -> Room {
    Room {
        folder: folder.to_owned(),
        name: package_in(folder),
        uses: Vec::new(),
        inherits_lints: true,
        doc: " **Must not know**: x.\n **To add one more**: y.".to_owned(),
    }
}

fn using(folder: &str, what: Crate, in_tests: bool) -> Vec<String> {
    complaints_about(&Room { uses: vec![Use { what, in_tests }], ..good(folder) })
}

fn ours(folder: &str) -> Crate {
    Crate::Ours(folder.to_owned())
}

fn others(name: &str) -> Crate {
    Crate::Others(name.to_owned())
}

#[test]
fn an_edge_against_the_order_is_found() {
    for (from, to) in [
        ("shared/domain", "shared/store"),
        ("shared/store", "shared/egress"),
        ("shared/providers", "shared/store"),
        ("shared/directory", "shared/egress"),
        ("shared/tokens", "shared/directory"),
        ("shared/journeys", "shared/steps"),
        ("shared/steps", "shared/store"),
        ("shared/web", "shared/aws"),
        ("shared/web", "shared/simulators"),
        ("functions/issuer", "functions/step-submit"),
        ("functions/issuer", "shared/connectors"),
        ("functions/connector-test", "shared/journeys"),
        ("functions/oidc-callback", "shared/steps"),
        ("shared/web", "shared/journeys"),
        ("functions/issuer", "infra/landfall"),
        ("shared/simulators", "shared/providers"),
        ("infra/landfall", "tests"),
    ] {
        let found = using(from, ours(to), false);
        assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
        assert!(found[0].starts_with(&format!("{from} may not use {to}: it may use ")), "{found:?}");
    }
    assert_eq!(using("shared/providers", ours("shared/simulators"), false).len(), 1);
    assert_eq!(using("shared/providers", ours("shared/simulators"), true).len(), 0);
    assert_eq!(using("shared/journeys", ours("shared/simulators"), true).len(), 1);
    assert_eq!(using("functions/anything", ours("shared/aws"), false).len(), 0);
}

#[test]
fn a_crate_that_belongs_elsewhere_is_found() {
    for (from, name) in [
        ("shared/providers", "reqwest"),
        ("shared/web", "aws-sdk-dynamodb"),
        ("shared/tokens", "aws-types"),
        ("tests", "aws-smithy-http-client"),
        ("shared/aws", "rustls"),
        ("functions/issuer", "dynoxide-rs"),
        ("shared/store", "dynoxide-rs"),
    ] {
        let found = using(from, others(name), false);
        assert_eq!(found.len(), 1, "{from} -> {name}: {found:?}");
        assert!(found[0].starts_with(&format!("{from} may not use the crate {name}: ")), "{found:?}");
    }
    assert_eq!(using("shared/store", others("dynoxide-rs"), true).len(), 0);
    assert_eq!(using("shared/domain", others("aws-lc-rs"), false).len(), 0);
    assert_eq!(using("shared/aws", others("aws-sdk-secretsmanager"), false).len(), 0);
}

#[test]
fn a_crate_off_the_map_is_found() {
    assert_eq!(complaints_about(&good("shared/domain")), Vec::<String>::new());
    let found = complaints_about(&good("shared/utils"));
    assert!(found[0].starts_with("shared/utils is not on the map: "), "{found:?}");
    let found = complaints(&[good("shared/domain")]);
    assert!(found.contains(
        &"no crate lives in shared/store: take its row out of ROOMS in tests/tests/architecture.rs".to_owned()
    ));
}

#[test]
fn a_crate_without_its_name_lints_or_doc_is_found() {
    let bad = Room {
        name: "domain".to_owned(),
        inherits_lints: false,
        doc: " The words.".to_owned(),
        ..good("shared/domain")
    };
    let found = complaints_about(&bad);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].ends_with("call it landfall-domain"), "{found:?}");
    assert!(found[1].contains("does not inherit the lints"), "{found:?}");
    assert!(found[2].contains("**Must not know**"), "{found:?}");
    assert!(found[3].contains("**To add one more"), "{found:?}");

    let function = Room { doc: String::new(), ..good("functions/issuer") };
    assert_eq!(complaints_about(&function).len(), 1);
    let found = complaints_about(&good("functions/store"));
    assert_eq!(found, ["functions/store has the name of shared/store: give it another"]);
}

#[test]
fn a_doc_opens_its_file() {
    assert_eq!(opening("//! One.\n//!\n//! Two.\n\n//! Not.\nuse x;"), " One.\n\n Two.");
    assert_eq!(opening("use x;\n//! One."), "");
}
