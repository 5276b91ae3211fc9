use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, FixedClock};
use serde_json::{Value, json};
use simulators::keycloak::totp;

/// How long a question waits for its answer.
const LIFE: TimeDelta = TimeDelta::minutes(3);
/// How many wrong codes lock an account.
const MAX_WRONG: u32 = 8;

/// A user of the house.
#[derive(Clone, Copy)]
pub struct Person {
    /// Their address, which is their name as well.
    pub email: &'static str,
    /// What they type.
    pub password: &'static str,
    /// What is asked of them after it, in this order: `sms_otp`, `email_otp`, `totp`; `choice` between SMS and app;
    /// `push`, a confirmation on their phone; `new_password`.
    pub after: &'static [&'static str],
    /// What their app was set up with.
    pub seed: &'static str,
}

struct Ticket {
    of: Option<Person>,
    to: String,
    way: String,
    code: String,
    left: &'static [&'static str],
    until: DateTime<Utc>,
}

#[derive(Default)]
struct Books {
    people: Vec<Person>,
    tickets: BTreeMap<String, Ticket>,
    asked: usize,
    sent: Vec<(String, String)>,
    wrong: BTreeMap<&'static str, u32>,
    calls: Vec<String>,
    answers_for: Option<Person>,
    confirmed: Option<bool>,
}

/// The service.
#[derive(Clone)]
pub struct House {
    clock: Arc<FixedClock>,
    books: Arc<Mutex<Books>>,
}

type Said = (StatusCode, String);

fn said(status: StatusCode, what: &Value) -> Said {
    (status, what.to_string())
}

fn refused(error: &str) -> Said {
    said(StatusCode::UNAUTHORIZED, &json!({ "error": error }))
}

async fn answer(State(house): State<House>, uri: Uri, body: String) -> Said {
    let form: BTreeMap<String, String> = serde_urlencoded::from_str(&body).unwrap();
    house.books().calls.push(uri.path().to_owned());
    match uri.path() {
        "/password" => house.password(&form),
        "/send" => house.send(&form),
        "/code" => house.code(&form),
        "/resend" => house.resend(&form),
        "/choose" => house.choose(&form),
        "/poll" => house.poll(&form),
        "/new-password" => house.new_password(&form),
        _ => refused("unknown"),
    }
}

impl House {
    /// Where these people work.
    pub fn of(clock: Arc<FixedClock>, people: &[Person]) -> Self {
        let books = Books { people: people.to_vec(), ..Books::default() };
        Self { clock, books: Arc::new(Mutex::new(books)) }
    }

    /// What the world sees.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// The codes sent so far, each with its address.
    pub fn sent(&self) -> Vec<(String, String)> {
        self.books().sent.clone()
    }

    /// The code that was sent last.
    pub fn last_code(&self) -> String {
        self.books().sent.last().expect("a code has been sent").1.clone()
    }

    /// What was called so far, and forgets it.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.books().calls)
    }

    /// What the user says on their phone.
    pub fn confirm(&self, is_right: bool) {
        self.books().confirmed = Some(is_right);
    }

    /// Mixes people up from now on: whichever user answers, it names this one.
    pub fn answer_for(&self, person: Option<Person>) {
        self.books().answers_for = person;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    fn password(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let find = |person: &&Person| person.email == form["username"] && person.password == form["password"];
        match books.people.iter().find(find).copied() {
            Some(person) => self.next(&mut books, person, person.after),
            None => refused("wrong_password"),
        }
    }

    fn send(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let person = books.people.iter().find(|person| person.email == form["to"]).copied();
        self.ask(&mut books, person, &form["to"], &form["way"], &[])
    }

    fn code(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let now = self.clock.now();
        let Some(ticket) = books.tickets.get(&form["ticket"]).filter(|ticket| now < ticket.until) else {
            return refused("expired");
        };
        let right = match ticket.way.as_str() {
            "totp" => ticket.of.is_some_and(|person| totp(person.seed, now) == form["code"]),
            _ => ticket.of.is_some() && ticket.code == form["code"],
        };
        let (of, left) = (ticket.of, ticket.left);
        let locked = of.is_some_and(|person| books.wrong.get(person.email).is_some_and(|wrong| *wrong >= MAX_WRONG));
        match of.filter(|_| right && !locked) {
            Some(person) => {
                books.tickets.remove(&form["ticket"]);
                books.wrong.remove(person.email);
                self.next(&mut books, person, left)
            }
            None => {
                *books.wrong.entry(of.map_or("", |person| person.email)).or_default() += 1;
                refused("wrong_code")
            }
        }
    }

    fn resend(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let Some(Ticket { of, to, way, left, .. }) = books.tickets.remove(&form["ticket"]) else {
            return refused("expired");
        };
        self.ask(&mut books, of, &to, &way, left)
    }

    fn choose(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        match books.tickets.remove(&form["ticket"]) {
            Some(Ticket { of, to, left, .. }) => self.ask(&mut books, of, &to, &form["id"], left),
            None => refused("expired"),
        }
    }

    fn poll(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let confirmed = books.confirmed.take();
        let Some(Ticket { of: Some(person), to, left, .. }) = books.tickets.remove(&form["ticket"]) else {
            return refused("expired");
        };
        match confirmed {
            Some(true) => self.next(&mut books, person, left),
            Some(false) => refused("declined"),
            None => self.ask(&mut books, Some(person), &to, "push", left),
        }
    }

    fn new_password(&self, form: &BTreeMap<String, String>) -> Said {
        let mut books = self.books();
        let Some(Ticket { of: Some(person), to, left, .. }) = books.tickets.remove(&form["ticket"]) else {
            return refused("expired");
        };
        match (form["current"] == person.password, form["new"].len()) {
            (false, _) => refused("wrong_password"),
            (true, ..12) => self.ask(&mut books, Some(person), &to, "refused_password", left),
            _ => self.next(&mut books, person, left),
        }
    }

    fn next(&self, books: &mut Books, person: Person, left: &'static [&'static str]) -> Said {
        if let Some((way, left)) = left.split_first() {
            return self.ask(books, Some(person), person.email, way, left);
        }
        let person = books.answers_for.unwrap_or(person);
        let (sub, now) = (person.email.replace('@', "-at-"), self.clock.now().timestamp());
        let claims = json!({ "sub": sub, "email": person.email, "email_verified": true, "auth_time": now });
        said(StatusCode::OK, &claims)
    }

    fn ask(&self, books: &mut Books, of: Option<Person>, to: &str, way: &str, left: &'static [&'static str]) -> Said {
        books.asked += 1;
        let ticket = format!("ticket-{}", books.asked);
        let code = format!("{:06}", (271_828 + 31_415 * books.asked) % 1_000_000);
        if matches!(way, "email_otp" | "sms_otp") && of.is_some() {
            books.sent.push((to.to_owned(), code.clone()));
        }
        let until = self.clock.now() + LIFE;
        books.tickets.insert(ticket.clone(), Ticket { of, to: to.to_owned(), way: way.to_owned(), code, left, until });
        let masked = (way != "totp").then(|| format!("{}***", &to[..1]));
        said(StatusCode::ACCEPTED, &json!({ "ticket": ticket, "way": way, "to": masked }))
    }
}
