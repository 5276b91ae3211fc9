//! Each provider's guide shows the tables that its code goes by.

use std::path::Path;

use crate::{Provider, Registry};

const BEGIN: &str = "<!-- refusals: made from the code -->\n";
const END: &str = "<!-- end of refusals -->";

fn tables(provider: &Provider) -> String {
    provider.refusals.iter().map(|refusals| format!("{}\n", refusals.table())).collect()
}

#[test]
fn every_providers_guide_says_what_its_refusals_mean() {
    for provider in Registry::default().providers() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("guides/{}.md", provider.name));
        let guide = std::fs::read_to_string(&path).unwrap();
        let (_, rest) = guide.split_once(BEGIN).unwrap();
        let (shown, _) = rest.split_once(END).unwrap();
        let tables = format!("\n{}", tables(provider));
        assert_eq!(shown, tables, "put this into {}:\n{tables}", path.display());
    }
}
