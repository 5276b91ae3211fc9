//! One test a flow.

use landfall::demo::PASSWORD;
use landfall_tests::house::Person as Employee;
use landfall_tests::{SEED, TestApp};

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
async fn a_new_users_login_by_password_survives_every_fault_of_every_call() {
    BY_PASSWORD.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_returning_users_login_by_password_survives_every_fault_of_every_call() {
    let flow = Flow { name: "password, returning user", returning: true, whole: false, ..BY_PASSWORD };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_wrong_password_and_then_the_right_one_survive_every_fault_of_every_call() {
    let person = Person { passwords: &["wrong", PASSWORD], ..PERSON };
    let flow = Flow { name: "wrong password, then right", person, whole: false, ..BY_PASSWORD };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_new_users_login_by_redirect_survives_every_fault_of_every_call() {
    BY_REDIRECT.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_returning_users_login_by_redirect_survives_every_fault_of_every_call() {
    let flow = Flow { name: "redirect, returning user", returning: true, whole: false, ..BY_REDIRECT };
    flow.sweep(&mut TestApp::new().await).await;
}

#[tokio::test]
async fn a_choice_and_a_redirect_survive_every_fault_of_every_call() {
    let mut app = TestApp::with(|setup| {
        setup.journeys.push(include_str!("../choose.yaml").into());
        let one = setup.connectors.clone();
        let two = one.replace("connectors:\n", "").replace("id: keycloak\n", "id: keycloak-two\n");
        setup.connectors = format!("{one}{two}");
    })
    .await;
    let flow = Flow { name: "choice, then redirect", journey: "choose", whole: false, ..BY_REDIRECT };
    flow.sweep(&mut app).await;
}

#[tokio::test]
async fn a_password_a_wrong_code_and_then_the_right_one_survive_every_fault_of_every_call() {
    let employee = Employee { email: "ada@house.example", password: "opens", after: &["sms_otp"], seed: "" };
    let (mut app, house) = TestApp::with_house(&[employee]).await;
    let codes = Codes::Sent(&house, &["000000"]);
    let person = Person { email: employee.email, passwords: &["opens"], codes, ..PERSON };
    let flow = Flow { name: "password, wrong code, code", journey: "migrate-from-house", person, ..BY_PASSWORD };
    Flow { whole: false, ..flow }.sweep(&mut app).await;
}

#[tokio::test]
async fn a_new_users_login_by_the_code_of_an_app_survives_every_fault_of_every_call() {
    let person = Person { codes: Codes::App(SEED), ..PERSON };
    let flow = Flow { name: "code of an app", journey: "app-code-from-keycloak", person, ..BY_PASSWORD };
    Flow { whole: false, ..flow }.sweep(&mut TestApp::with_app_codes().await).await;
}
