//! Pages for people: what every page is made of, and the page of an answer.

use axum::response::{Html, IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;

/// A page has no scripts, loads nothing and sends nothing.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A page that tells a person something, in plain text.
#[derive(Debug)]
pub struct Page {
    /// What browsers show as its title.
    pub name: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// What it says.
    pub paragraphs: Vec<String>,
}

impl Page {
    fn html(&self) -> String {
        let paragraphs = self.paragraphs.iter().map(|paragraph| format!("<p>{}</p>\n", escape(paragraph)));
        document(self.name, &format!("<h1>{}</h1>\n{}", escape(self.heading), paragraphs.collect::<String>()))
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        ([(CONTENT_SECURITY_POLICY, POLICY)], Html(self.html())).into_response()
    }
}

/// A document of this HTML.
pub(crate) fn document(name: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n\
         <style>:root {{ color-scheme: light dark; background: Canvas; color: CanvasText }} \
         body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem; \
         overflow-wrap: anywhere }} a {{ display: inline-block; padding: 0.625rem 1rem; border: 1px solid; \
         border-radius: 0.5rem; color: inherit; font-weight: 600; text-decoration: none }}</style>\n\
         <main>\n{content}</main>\n</html>\n",
        escape(name)
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_text_as_it_is() {
        let paragraphs = vec!["<script>alert(\"&\")</script>".to_owned()];
        let html = Page { name: "A", heading: "B", paragraphs }.html();
        assert!(html.contains("<h1>B</h1>\n<p>&lt;script>alert(&quot;&amp;&quot;)&lt;/script></p>"), "{html}");
    }
}
