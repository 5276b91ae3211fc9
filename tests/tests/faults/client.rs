//! A client as it should be: repeats what went unanswered with the same key, starts a redirect over where the view offers
//! it, enters again what was asked for again.

use std::cell::RefCell;
use std::time::Duration;

use domain::Clock;
use landfall_tests::house::House;
use landfall_tests::proxy::Call;
use landfall_tests::sent::{Sent, token_form};
use landfall_tests::{Answer, Browser, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::totp;

use crate::time::{BUDGET, STEP, Time};

/// A user's client, with the application behind it.
pub(crate) struct Client<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) time: &'a Time,
    /// The calls of each request.
    pub(crate) calls: RefCell<Vec<Vec<Call>>>,
    /// What came of each.
    pub(crate) heard: RefCell<Vec<String>>,
}

/// Who a user is at the provider, and what they enter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) username: &'a str,
    pub(crate) email: &'a str,
    /// One after the other, the last again and again.
    pub(crate) passwords: &'a [&'a str],
    pub(crate) codes: Codes<'a>,
}

/// Where a user has one-time codes from.
#[derive(Clone, Copy)]
pub(crate) enum Codes<'a> {
    Nowhere,
    /// From what a house has sent, once these have been tried.
    Sent(&'a House, &'a [&'a str]),
    /// From an app with this seed.
    App(&'a str),
}

impl std::fmt::Debug for Codes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nowhere => "Nowhere",
            Self::Sent(..) => "Sent",
            Self::App(_) => "App",
        })
    }
}

/// A user that the provider knows.
pub(crate) const PERSON: Person<'_> = Person {
    username: "ada",
    email: landfall::demo::EMAIL,
    passwords: &[landfall::demo::PASSWORD],
    codes: Codes::Nowhere,
};

/// How long an app shows a code, which is good once.
const NEXT_CODE: Duration = Duration::from_secs(30);

/// What a login comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Tokens about this subject.
    Tokens(String),
    /// The journey says no.
    Rejected(String),
    /// The token endpoint does.
    Refused(String),
}

impl End {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            End::Tokens(_) => "in",
            End::Rejected(_) => "rejected by the journey",
            End::Refused(_) => "code refused",
        }
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(app: &'a TestApp, time: &'a Time) -> Self {
        Self { app, time, calls: RefCell::default(), heard: RefCell::default() }
    }

    /// Signs `person` in through `journey`, as far as that goes.
    pub(crate) async fn log_in(&self, journey: &str, person: Person<'_>) -> End {
        let view =
            self.settle(&Sent::json(format!("/v1/journeys/{journey}/start"), None, &TestApp::start_body())).await;
        assert_eq!(view.status.as_u16(), 201, "{}", view.text);
        let (mut session, mut view, mut passwords) = (TestSession::of(&view.body), view, person.passwords.iter());
        let mut wrong_codes = 0;
        let mut password = *passwords.next().unwrap();
        for turn in 1..20 {
            assert!([200, 201].contains(&view.status.as_u16()), "{} {}", view.status, view.text);
            session = session.after(&view);
            let step = view.body["step"]["id"].as_str().unwrap_or_default().to_owned();
            let offers = |option: &str| {
                view.body["step"]["options"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == option))
            };
            view = match view.body["status"].as_str().unwrap() {
                "completed" => return self.redeem(&view).await,
                "rejected" => return End::Rejected(view.body["rejection"]["code"].as_str().unwrap().to_owned()),
                "redirect" => match view.body["redirect"]["url"].as_str() {
                    Some(url) => self.go_and_come_back(&session, url, person.username, password).await,
                    None => self.submit(&session, &step, "restart", None, turn).await,
                },
                "input_required" if step == "which" => {
                    self.submit(&session, &step, "submit", Some(json!({ "connector": "keycloak" })), turn).await
                }
                "input_required" if offers("restart") => self.submit(&session, &step, "restart", None, turn).await,
                "input_required" if asks(&view, "code") => {
                    let code = self.code(person.codes, &mut wrong_codes).await;
                    let mut data = json!({ "code": code });
                    if asks(&view, "email") {
                        data["email"] = person.email.into();
                    }
                    self.submit(&session, &step, "submit", Some(data), turn).await
                }
                "input_required" => {
                    let error = &view.body["step"]["error"]["code"];
                    if error == "invalid_credentials" {
                        password = passwords.next().copied().unwrap_or(password);
                    }
                    self.submit(&session, &step, "submit", Some(data(person.email, password)), turn).await
                }
                other => panic!("{other} is no status to go on from: {}", view.text),
            };
        }
        panic!("it goes round in circles: {:#?}", self.heard.borrow())
    }

    /// What the user enters next.
    async fn code(&self, codes: Codes<'_>, wrong: &mut usize) -> String {
        match codes {
            Codes::Nowhere => panic!("a code is asked for: {:#?}", self.heard.borrow()),
            Codes::Sent(house, first) => {
                let next = first.get(*wrong).map(|code| (*code).to_owned());
                *wrong += 1;
                next.unwrap_or_else(|| house.last_code())
            }
            Codes::App(seed) => {
                self.time.pass(self.app, NEXT_CODE).await;
                totp(seed, self.app.clock.now())
            }
        }
    }

    async fn submit(&self, session: &TestSession, step: &str, option: &str, data: Option<Value>, turn: u32) -> Answer {
        let mut body = json!({ "turn": session.turn, "key": key(turn), "option": option });
        if let Some(data) = data {
            body["data"] = data;
        }
        let path = format!("/v1/sessions/{}/steps/{step}", session.id);
        let answer = self.settle(&Sent::json(path, Some(&session.token), &body)).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        answer
    }

    /// The browser goes to the provider and comes back; the client goes on with what it brings, or looks where it is.
    async fn go_and_come_back(&self, session: &TestSession, url: &str, username: &str, password: &str) -> Answer {
        let back = Browser::default().come_back(url, username, password).await;
        // A page that does not load is loaded again.
        let arrived = self.settle(&Sent::get(back.path, None)).await;
        let look = Sent::get(format!("/v1/sessions/{}", session.id), Some(&session.token));
        if arrived.status.as_u16() == 400 {
            assert_eq!(arrived.code(), "redirect_expired");
            return self.settle(&look).await;
        }
        let (_, resume) = arrived.carried();
        let path = format!("/v1/sessions/{}/resume", session.id);
        let answer = self.settle(&Sent::json(path, Some(&session.token), &json!({ "resume": resume }))).await;
        if answer.status.as_u16() == 400 {
            assert_eq!(answer.code(), "redirect_expired");
            return self.settle(&look).await;
        }
        answer
    }

    async fn redeem(&self, view: &Answer) -> End {
        let Some(code) = view.body["completion"]["code"].as_str() else { return End::Refused("no code".into()) };
        let answer = self.settle(&Sent::form("/oauth2/token", &token_form(code, &[]))).await;
        match answer.status.as_u16() {
            200 => End::Tokens(self.app.claims_of(&answer)["sub"].as_str().unwrap().to_owned()),
            400 => End::Refused(answer.code().to_owned()),
            _ => panic!("{} {}", answer.status, answer.text),
        }
    }

    /// Sends a request until its answer is one, each time after twice as long as before, or as long as it is told.
    async fn settle(&self, request: &Sent) -> Answer {
        for attempt in 0..8 {
            let answer = self.send(request).await;
            let told = match &answer {
                // The gateway says 502.
                None => 1,
                Some(answer) if answer.status.as_u16() == 503 => {
                    answer.header("retry-after").parse().expect("a 503 says when to come back")
                }
                Some(answer) if answer.body["status"] == "processing" => {
                    answer.body["retry_after"].as_u64().expect("what is under way says when to come back")
                }
                Some(_) => return answer.unwrap(),
            };
            self.time.pass(self.app, Duration::from_secs(told.max(1 << attempt))).await;
        }
        panic!("never settled: {request:?} {:#?}", self.heard.borrow())
    }

    /// Sends it once. `None` if the function dies before it answers.
    async fn send(&self, request: &Sent) -> Option<Answer> {
        self.app.calls.take();
        let answer = async {
            tokio::select! {
                biased;
                () = self.app.calls.crash() => None,
                answer = self.app.send(request.to_request()) => Some(answer),
            }
        };
        let (answer, took) = self.time.run(self.app, answer).await;
        self.app.calls.request_ends();
        self.calls.borrow_mut().push(self.app.calls.take());
        let came = answer.as_ref().map_or_else(
            || "died".to_owned(),
            |answer| {
                format!(
                    "{} {}{}",
                    answer.status.as_u16(),
                    answer.body["status"].as_str().unwrap_or_default(),
                    answer.code()
                )
            },
        );
        self.heard.borrow_mut().push(format!("{} {}: {came} after {took:?}", request.method, request.path));
        assert!(took <= BUDGET + STEP, "{:#?}", self.heard.borrow());
        let documented =
            answer.as_ref().is_none_or(|answer| [200, 201, 303, 400, 503].contains(&answer.status.as_u16()));
        assert!(documented, "{:#?}", self.heard.borrow());
        answer
    }
}

/// Whether a form has such a field.
fn asks(view: &Answer, field: &str) -> bool {
    view.body["step"]["data"]["fields"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == field))
}
