//! What was called.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde_json::Value;
use tokio::sync::Notify;

use super::Door;
use super::door::Line;
use super::fault::{Fault, Lasting, Trap};

/// One outbound call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `dynamodb` or `provider`.
    pub service: &'static str,
    /// DynamoDB's operation, or a provider's method and path.
    pub operation: String,
    /// Write units it used (DynamoDB).
    pub write_units: f64,
    /// Read units (DynamoDB).
    pub read_units: f64,
    /// What was sent.
    pub body: Bytes,
    /// `Authorization`, if it had one.
    pub authorization: Option<String>,
    /// What was answered.
    pub answer: Bytes,
    /// The function on whose behalf, by the route of the request that [`TestApp`](crate::TestApp) sent last.
    pub function: Option<&'static str>,
    /// Of the requests since a trap was set, which; and which call of that request's, further attempts of one not counted.
    pub number: (usize, usize),
}

/// The calls so far, in the order they were answered.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    doors: Vec<(&'static str, Door)>,
    trap: Option<Trap>,
    function: Option<&'static str>,
    /// How many requests have begun since the trap was set.
    requests: usize,
    /// How many calls of this one have arrived, further attempts of one not counted.
    arrived: usize,
    last: Option<(usize, CallAttempt)>,
    /// The call that the trap struck.
    struck: Option<Struck>,
    /// How often anything has happened.
    activity: u64,
}

#[derive(Debug, Clone)]
struct Struck {
    service: &'static str,
    attempt: CallAttempt,
}

/// What tells an attempt of a call from another call.
#[derive(Debug, Clone, Default)]
struct CallAttempt {
    /// The SDK gives all of its own one.
    invocation: Option<String>,
    /// A write to DynamoDB that found a transaction at its item is sent by Landfall as it was.
    write: Option<Value>,
}

impl CallAttempt {
    fn of(call: &Call, invocation: Option<String>) -> Self {
        let write = call.is_write().then(|| serde_json::from_slice(&call.body).unwrap_or_default());
        Self { invocation, write }
    }

    fn is_of_the_call_of(&self, other: &Self) -> bool {
        (self.invocation.is_some() && self.invocation == other.invocation)
            || (self.write.is_some() && self.write == other.write)
    }
}

/// What becomes of a call that arrives.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) number: (usize, usize),
    pub(super) function: Option<&'static str>,
    pub(super) fault: Option<Fault>,
}

impl Call {
    pub(super) fn of(service: &'static str, parts: &Parts, body: Bytes) -> Self {
        let operation = match parts.headers.get("x-amz-target") {
            Some(target) => target.to_str().unwrap().rsplit('.').next().unwrap().to_owned(),
            None => format!("{} {}", parts.method, parts.uri.path()),
        };
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (write_units, read_units, answer) = (0.0, 0.0, Bytes::new());
        Self {
            service,
            operation,
            write_units,
            read_units,
            body,
            authorization,
            answer,
            function: None,
            number: (0, 0),
        }
    }

    pub(super) fn answered_with(&mut self, answer: Bytes) {
        let units = consumed(&answer);
        (self.read_units, self.write_units) = if self.is_write() { (0.0, units) } else { (units, 0.0) };
        self.answer = answer;
    }

    /// Whether it changes items of DynamoDB.
    pub fn is_write(&self) -> bool {
        ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&self.operation.as_str())
    }

    /// Whether it changes nothing anywhere.
    pub fn is_read(&self) -> bool {
        ["GetItem", "Query"].contains(&self.operation.as_str()) || self.operation.starts_with("GET ")
    }

    /// Whether what it reads is then remembered by the instance: configuration, and what a provider publishes.
    pub fn is_remembered(&self) -> bool {
        let published = ["/.well-known/openid-configuration", "/certs"];
        let configuration = || self.actions().iter().any(|(table, _)| table.ends_with("-config"));
        match self.service {
            "dynamodb" => self.is_read() && configuration(),
            _ => published.iter().any(|path| self.operation.ends_with(path)),
        }
    }

    /// A parameter of the form that was sent.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&self.body).ok()?;
        form.into_iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value)
    }

    /// DynamoDB: the tables, each with the action that IAM asks a permission for. A transaction needs those of its parts.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
    pub fn actions(&self) -> Vec<(String, String)> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let table = |part: &Value| part["TableName"].as_str().unwrap_or_default().to_owned();
        let Some(parts) = body["TransactItems"].as_array() else { return vec![(table(&body), self.operation.clone())] };
        let named = [("Put", "PutItem"), ("Update", "UpdateItem"), ("Delete", "DeleteItem")];
        let named = named.into_iter().chain([("ConditionCheck", "ConditionCheckItem")]);
        let parts = parts.iter().flat_map(|part| named.clone().map(move |(name, action)| (&part[name], action)));
        parts.filter(|(part, _)| part.is_object()).map(|(part, action)| (table(part), action.to_owned())).collect()
    }
}

impl Calls {
    /// All since the last time, forgotten thereby.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// All since they were last forgotten.
    pub fn peek(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Sets a trap for a call to come, in place of the one before; numbers start anew.
    pub fn set(&self, trap: Option<Trap>) {
        let mut state = self.state();
        for (_, door) in &state.doors {
            door.reopen();
        }
        (state.requests, state.arrived, state.last, state.struck) = (0, 0, None, None);
        state.trap = trap;
    }

    /// A request begins, on behalf of a function.
    pub fn request_begins(&self, function: Option<&'static str>) {
        let mut state = self.state();
        (state.function, state.arrived, state.last) = (function, 0, None);
        state.requests += 1;
        state.shut_before(0, None);
    }

    /// Whether the trap has struck.
    pub fn has_struck(&self) -> bool {
        self.state().struck.is_some()
    }

    /// The function that serves the request under way.
    pub fn function(&self) -> Option<&'static str> {
        self.state().function
    }

    /// The request is over: whatever was to last as long as that is over too.
    pub fn request_ends(&self) {
        let mut state = self.state();
        if state.struck.is_some() {
            state.trap = None;
            for (_, door) in &state.doors {
                door.reopen();
            }
        }
    }

    /// Waits until a trap has the function die.
    pub async fn crash(&self) {
        self.0.crash.notified().await;
    }

    /// Breaks every connection that is open.
    pub fn break_connections(&self) {
        for (_, door) in &self.state().doors {
            door.cut_lines(None);
        }
    }

    /// A number that is another one whenever something has happened.
    pub fn activity(&self) -> u64 {
        self.state().activity
    }

    pub(super) fn stands_behind(&self, service: &'static str, door: Door) {
        self.state().doors.push((service, door));
    }

    pub(super) fn record(&self, call: Call) {
        let mut state = self.state();
        state.activity += 1;
        state.calls.push(call);
    }

    pub(super) fn crashes(&self) {
        self.0.crash.notify_one();
    }

    /// What becomes of a call of the request under way.
    pub(super) fn arrives(&self, call: &Call, invocation: Option<String>) -> Verdict {
        let mut state = self.state();
        state.activity += 1;
        let attempt = CallAttempt::of(call, invocation);
        let repeated = state.last.as_ref().filter(|(_, last)| attempt.is_of_the_call_of(last));
        let call_number = repeated.map(|(number, _)| *number).unwrap_or_else(|| {
            state.arrived += 1;
            state.arrived - 1
        });
        state.last = Some((call_number, attempt.clone()));
        let number = (state.requests.saturating_sub(1), call_number);
        let fault = state.strike(call.service, number, attempt);
        Verdict { number, function: state.function, fault }
    }

    /// Whether the connection that carries the answer is to end with it.
    pub(super) fn answered(&self, (request, call): (usize, usize), over: &Line) -> bool {
        let mut state = self.state();
        state.activity += 1;
        request + 1 == state.requests && state.shut_before(call + 1, Some(over))
    }

    /// The call that was recorded last was no call of ours.
    pub(super) fn forget_last(&self) {
        self.state().calls.pop();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    fn strike(&mut self, service: &'static str, number: (usize, usize), attempt: CallAttempt) -> Option<Fault> {
        // A call that is refused never arrives.
        let trap = self.trap.filter(|trap| trap.fault != Fault::Refused)?;
        let strikes = match &self.struck {
            None => number.0 == trap.request && number.1 >= trap.call && service == trap.service,
            Some(struck) => match trap.lasting {
                Lasting::Once => false,
                Lasting::Call => attempt.is_of_the_call_of(&struck.attempt),
                Lasting::Request => struck.service == service,
            },
        };
        if strikes && self.struck.is_none() {
            self.struck = Some(Struck { service, attempt });
        }
        strikes.then_some(trap.fault)
    }

    /// Shuts the door of the service that the next call goes to, if that is to be refused.
    fn shut_before(&mut self, call: usize, answering: Option<&Line>) -> bool {
        let next = (self.requests.saturating_sub(1), call);
        let refused = |trap: &Trap| trap.fault == Fault::Refused && (trap.request, trap.call) == next;
        let Some(trap) = self.trap.filter(refused) else { return false };
        for (_, door) in self.doors.iter().filter(|(service, _)| *service == trap.service) {
            door.shut(answering);
        }
        self.struck = Some(Struck { service: trap.service, attempt: CallAttempt::default() });
        true
    }
}

fn consumed(body: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}
