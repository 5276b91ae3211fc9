//! Facebook Login: users without an e-mail, logins without an ID token, and the fragment that Facebook appends.

use landfall::demo::{self, PASSWORD, Provider};
use landfall_tests::{Away, Browser, Return, Shown, TestApp};
use serde_json::{Value, json};
use simulators::{HtmlForm, Misbehaviour, Person};
use url::Url;
use url::form_urlencoded::Serializer;

fn meta() -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == "meta").unwrap()
}

#[tokio::test]
async fn a_user_without_an_email_is_one_user_with_and_without_id_token() {
    let app = TestApp::over(meta(), |setup| {
        setup.subject.enrol(Person::new("ada", PASSWORD).name("Ada", "Lovelace"));
    })
    .await;
    let mut subjects = Vec::new();
    for id_token in [false, true, false] {
        app.subject.misbehave((!id_token).then_some(Misbehaviour::NoIdToken));
        let login = Away::new(&app).await.log_in(&app).await;
        let claims = app.id_token(&login.code).await;
        assert_eq!((&claims["name"], &claims["email"]), (&json!("Ada Lovelace"), &Value::Null));
        subjects.push(claims["sub"].clone());
    }
    assert!(subjects.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1));
}

#[tokio::test]
async fn the_fragment_of_facebook_does_not_reach_the_application() {
    let app = TestApp::over(meta(), |_| {}).await;
    let away = Away::new(&app).await;
    let browser = Browser::default();
    let Shown::Page { html, url, .. } = browser.open(&away.url).await else { panic!("no page") };
    let form = HtmlForm::first(&html).unwrap();
    let mut fields = Serializer::new(String::new());
    fields.extend_pairs(form.hidden().iter().filter(|(name, _)| name == "tab"));
    fields.extend_pairs([("username", "ada"), ("password", PASSWORD)]);
    let page = browser.visit(&url.join(&form.action).unwrap(), Some(&fields.finish())).await;
    let called_back = Url::parse(page.headers["location"].to_str().unwrap()).unwrap();
    assert_eq!(called_back.fragment(), Some("_=_"));

    // No browser sends it.
    let back = Return::to(format!("{}?{}", called_back.path(), called_back.query().unwrap()));
    let answer = app.arrive(&back).await.expect(303);

    // A browser carries it over to an address that has none of its own (RFC 9110 section 10.2.2).
    let onward = Url::parse(answer.header("location")).unwrap();
    assert_eq!(onward.fragment(), Some(""));
    let (_, resume) = answer.carried();
    assert_eq!(away.session.resume(&app, &resume).await.expect(200).body["status"], "completed");
}
