//! The connector test.

use simulators::{Misbehaviour, Registration};

use super::*;
use crate::Status;
use crate::bench::SECRET;

#[tokio::test]
async fn what_shows_without_a_user_is_tested() {
    for (method, over, expected) in [
        (Method::Password, json!({}), vec![("password_grant", Status::Unverifiable)]),
        (Method::Totp, json!({}), vec![("interaction_code", Status::Passed), ("totp_policy", Status::Unverifiable)]),
        (Method::Totp, json!({ "settings": { "totp_flow": "otp_grant" } }), vec![("otp_grant", Status::Unverifiable)]),
    ] {
        let bench = Bench::at(&SIMULATOR, method, Reach::Local, over).await;
        let report = bench.probe(None).await;
        let found: Vec<_> = report.checks.iter().map(|check| (check.id, check.status)).collect();
        assert!(found.ends_with(&expected), "{method:?} {found:?}");
        assert!(report.ok);
    }
}

#[tokio::test]
async fn a_mistake_about_the_interaction_code_is_named() {
    let bench = async || Bench::at(&SIMULATOR, Method::Totp, Reach::Local, json!({})).await;
    let verdict = async |bench: &Bench| {
        let finding = bench.probe(None).await.check("interaction_code").clone();
        (finding.status, finding.hint.or(finding.why).unwrap())
    };
    let off = "The requested feature (Interaction Code flow) isn't enabled in this environment.";
    for (path, error, description, hint) in [
        ("/v1/interact", "access_denied", off, "Embedded widget sign-in support"),
        ("/v1/interact", "unauthorized_client", "-", "Grant type > Interaction Code"),
        ("/idp/idx/introspect", "idx.error.code.no_matching_policy", "-", "Access Policies"),
    ] {
        let bench = bench().await;
        let body = bench.subject.error_body(error, description, 0);
        let how = Misbehaviour::At(path, Box::new(Misbehaviour::Answer(400, body)));
        bench.subject.misbehave(Some(how));
        let (status, said) = verdict(&bench).await;
        assert_eq!(status, Status::Failed);
        assert!(said.contains(hint), "{said}");
    }
    let bench = bench().await;
    bench.register(Registration::confidential("landfall-otp", SECRET, "https://login.example/other"));
    let (status, said) = verdict(&bench).await;
    assert_eq!(status, Status::Failed);
    assert!(said.contains("Sign-in redirect URIs"), "{said}");
    // A secret that is not accepted is sent to no other endpoint.
    bench.change_secret("another");
    let (status, said) = verdict(&bench).await;
    assert_eq!((status, said.contains("client_credentials")), (Status::Unverifiable, true));
}
