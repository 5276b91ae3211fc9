//! Each provider's guide shows the tables that its code goes by.

use std::path::Path;

use crate::oidc::{OF_A_CODE, OF_A_REDIRECT};
use crate::refusals::Refusals;
use crate::{Provider, Registry};

const BEGIN: &str = "<!-- refusals: made from the code -->\n";
const END: &str = "<!-- end of refusals -->";

/// The standard's own tables stand in the guide of the standard alone.
fn tables(provider: &Provider) -> String {
    let standard = [OF_A_REDIRECT.table(), OF_A_CODE.table()];
    let is_standard = |table: &Refusals| standard.contains(&table.table());
    let shown = |table: &&Refusals| match is_standard(table) && provider.name != "oidc" {
        true => format!("To {}: [as at any OpenID Connect provider](oidc.md#what-its-answers-mean).\n\n", table.to),
        false => format!("{}\n", table.table()),
    };
    provider.refusals.iter().map(shown).collect()
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
