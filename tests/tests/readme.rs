//! The documentation: the README is one page, every link leads somewhere, and code that is quoted is the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::Method;
use providers::Registry;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(file: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(&file)).unwrap_or_else(|error| panic!("{}: {error}", file.as_ref().display()))
}

/// The Markdown files of the repository: none of what is built or installed.
fn markdown_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let skipped = name.starts_with('.') || ["target", "node_modules"].contains(&name.as_ref());
        if path.is_dir() && !skipped {
            markdown_files(&path, files);
        } else if name.ends_with(".md") {
            files.push(path);
        }
    }
}

/// The text outside of blocks of code.
fn prose(markdown: &str) -> String {
    let mut inside = false;
    let lines = markdown.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The anchors of a file, as GitHub makes them of its headings.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let text = prose(markdown);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            kept.chars().filter(|char| char.is_alphanumeric() || "-_".contains(*char)).collect()
        })
        .collect()
}

#[test]
fn the_readme_is_one_page() {
    let bytes = read("README.md").len();
    assert!(bytes <= 12 * 1024, "README.md has {bytes} bytes: move details to the README of their folder");
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let mut files = Vec::new();
    markdown_files(&root(), &mut files);
    let mut dead = Vec::new();
    for file in &files {
        let text = prose(&read(file));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name(path) };
            if !target.exists() || (!anchor.is_empty() && !anchors(&read(target)).contains(anchor)) {
                dead.push(format!("{}: {link}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(files.len() > 10 && dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_provider_has_its_row_with_methods_and_guide() {
    let columns = [Method::Oidc, Method::Password, Method::EmailOtp, Method::SmsOtp, Method::Totp];
    let readme = read("README.md");
    for provider in Registry::default().providers() {
        let guide = format!("](shared/providers/guides/{}.md) |", provider.name);
        let row = readme.lines().find(|line| line.ends_with(&guide));
        let row = row.unwrap_or_else(|| panic!("README.md has no row of the table that ends with {guide}"));
        let cells: Vec<_> = row.split(" | ").skip(1).collect();
        for (method, cell) in columns.iter().zip(cells) {
            assert_eq!(cell.starts_with('S'), provider.methods.contains(method), "{method:?} in {row}");
        }
    }
}

/// The blocks of a language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let blocks = markdown.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn what_is_quoted_of_the_examples_stands_in_them() {
    let guide = read("tests/examples/README.md");
    let [clients] = blocks(&guide, "yaml")[..] else { panic!("one file of clients") };
    assert_eq!(format!("{clients}\n"), read("tests/examples/clients.yaml"));
    // In the order of their sections.
    let quotes = blocks(&guide, "js");
    let page = "infra/landfall/page/login.js";
    let [backend, native] = ["tests/examples/backend.mjs", "tests/examples/native.mjs"];
    let files = [page, backend, backend, native];
    assert_eq!(quotes.len(), files.len());
    for (quote, file) in quotes.into_iter().zip(files) {
        assert_eq!(read(file).matches(&format!("\n{quote}\n")).count(), 1, "{file} has not, or not once:\n{quote}");
    }
}
