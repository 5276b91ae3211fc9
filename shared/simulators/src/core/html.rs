//! Forms in HTML, as far as a browser in a test has to read them. Names of elements and attributes are of any case.

/// A page's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HtmlForm {
    /// Where it is sent.
    pub action: String,
    /// Its inputs that have a name, as type, name and value.
    pub inputs: Vec<(String, String, String)>,
}

impl HtmlForm {
    /// The first form of a page.
    pub fn first(page: &str) -> Option<Self> {
        let mut tags = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
        let action = attribute(tags.find(|tag| is_element(tag, "form"))?, "action")?;
        let fields = tags.take_while(|tag| !is_element(tag, "/form")).filter(|tag| is_element(tag, "input"));
        let input = |tag| {
            let kind = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
            Some((kind, attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        };
        Some(Self { action, inputs: fields.filter_map(input).collect() })
    }

    /// What is sent along unseen.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let hidden = self.inputs.iter().filter(|(kind, ..)| kind == "hidden");
        hidden.map(|(_, name, value)| (name.clone(), value.clone())).collect()
    }
}

fn is_element(tag: &str, name: &str) -> bool {
    tag.split(|character: char| character.is_ascii_whitespace())
        .next()
        .is_some_and(|found| found.eq_ignore_ascii_case(name))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    // In ASCII alone, so that what is found in the one is in the same place of the other.
    let start = tag.to_ascii_lowercase().find(&format!(" {name}=\""))? + name.len() + 3;
    let value = tag[start..].split('"').next()?;
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    Some(entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_posts_are_read_in_any_case_and_with_parameters() {
        let page = r#"<p class="a" name="no"><FORM METHOD="POST" ACTION="/a?b=1&amp;c=2"><INPUT TYPE="HIDDEN" NAME="x"
            VALUE="&lt;&quot;"/><input name="y"><input value="z"></form><input type="hidden" name="after">"#;
        let form = HtmlForm::first(page).unwrap();
        assert_eq!(form.action, "/a?b=1&c=2");
        assert_eq!(form.hidden(), [("x".to_owned(), "<\"".to_owned())]);
        assert_eq!((form.inputs.len(), form.inputs[1].1.as_str()), (2, "y"));
        assert_eq!(HtmlForm::first("<formula>"), None);
    }
}
