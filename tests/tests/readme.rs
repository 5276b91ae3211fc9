//! What README quotes of the examples is what stands in them: whoever reads one reads the other.

use std::fs;
use std::path::Path;

/// The blocks of a language in a section, `## TITLE` up to the next.
fn blocks<'a>(readme: &'a str, title: &str, language: &str) -> Vec<&'a str> {
    let section = readme.split("\n## ").find_map(|section| section.strip_prefix(title)).unwrap();
    let blocks = section.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn what_readme_quotes_of_the_examples_stands_in_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let readme = read("README.md");

    let [clients] = blocks(&readme, "Integrating an application", "yaml")[..] else { panic!("one file of clients") };
    assert_eq!(format!("{clients}\n"), read("tests/examples/clients.yaml"));
    // In the order of their sections.
    let quotes = blocks(&readme, "Integrating an application", "js");
    let page = "infra/landfall/page/login.js";
    let [backend, native] = ["tests/examples/backend.mjs", "tests/examples/native.mjs"];
    let files = [page, backend, backend, native];
    assert_eq!(quotes.len(), files.len());
    for (quote, file) in quotes.into_iter().zip(files) {
        assert_eq!(read(file).matches(&format!("\n{quote}\n")).count(), 1, "{file} has not, or not once:\n{quote}");
    }
}
