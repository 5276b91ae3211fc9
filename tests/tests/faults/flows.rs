//! One test a flow.

use landfall::demo::PASSWORD;
use landfall_tests::house::Person as Employee;
use landfall_tests::{SEED, Setup, TestApp};

use crate::client::{Codes, PERSON, Person};
use crate::sweep::Flow;

const BY_PASSWORD: Flow<'_> = Flow {
    name: "password, new user",
    journey: "migrate-from-keycloak",
    returning: false,
    person: PERSON,
    whole: true,
};

const BY_REDIRECT: Flow<'_> = Flow { name: "redirect, new user", journey: "sign-in-with-keycloak", ..BY_PASSWORD };

#[tokio::test]
async fn a_first_login_by_password_survives_every_fault() {
    BY_PASSWORD.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_returning_login_by_password_survives_every_fault() {
    let flow = Flow { name: "password, returning user", returning: true, whole: false, ..BY_PASSWORD };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_wrong_password_then_the_right_survive_every_fault() {
    let person = Person { passwords: &["wrong", PASSWORD], ..PERSON };
    let flow = Flow { name: "wrong password, then right", person, whole: false, ..BY_PASSWORD };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_first_login_by_redirect_survives_every_fault() {
    BY_REDIRECT.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_returning_login_by_redirect_survives_every_fault() {
    let flow = Flow { name: "redirect, returning user", returning: true, whole: false, ..BY_REDIRECT };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_choice_and_a_redirect_survive_every_fault() {
    let mut app = TestApp::with(Setup::offer_a_choice).await;
    let flow = Flow { name: "choice, then redirect", journey: "choose", whole: false, ..BY_REDIRECT };
    flow.sweep(&mut app).await;
}

#[tokio::test]
async fn a_password_and_codes_survive_every_fault() {
    let employee = Employee { email: "ada@house.example", password: "opens", after: &["sms_otp"], seed: "" };
    let (mut app, house) = TestApp::with_house(&[employee]).await;
    let codes = Codes::Sent(&house, &["000000"]);
    let person = Person { email: employee.email, passwords: &["opens"], codes, ..PERSON };
    let flow = Flow { name: "password, wrong code, code", journey: "migrate-from-house", person, ..BY_PASSWORD };
    Flow { whole: false, ..flow }.sweep(&mut app).await;
}

#[tokio::test]
async fn a_first_login_by_app_code_survives_every_fault() {
    let person = Person { codes: Codes::App(SEED), ..PERSON };
    let flow = Flow { name: "code of an app", journey: "app-code-from-keycloak", person, ..BY_PASSWORD };
    Flow { whole: false, ..flow }.sweep(&mut TestApp::with_app_codes().await).await;
}
