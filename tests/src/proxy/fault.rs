//! What may happen to a call.

use std::future::pending;

use axum::body::{Bytes, to_bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::door::Line;
use super::{Call, Proxy};

/// A way for a call to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no listener, until the request is over.
    Refused,
    /// The connection is reset before the service has seen the call.
    CutBefore,
    /// The service does what it is asked, and the connection is reset before it can say so.
    CutAfter,
    /// The service answers 500 and has done nothing.
    ServerError,
    /// The service wants fewer calls. DynamoDB: the table's throughput is used up.
    Throttled,
    /// DynamoDB: the account's is.
    ThrottledAccount,
    /// The service answers with this status, and as the text of its error all that it was sent; a provider also what it
    /// would have answered. With 200 it breaks off.
    Echo(u16),
    /// DynamoDB: another transaction is at the same items.
    Conflict,
    /// The service never sees the call, and there is no answer.
    Silence,
    /// The service does what it is asked, and its answer never arrives.
    SilenceAfter,
    /// The call arrives twice. The caller sees the second answer.
    Twice,
    /// The function dies before the call has left.
    CrashBefore,
    /// The function dies before the answer has come; the service has done what it was asked.
    CrashAfter,
}

/// How long it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One attempt: the next is carried out.
    Once,
    /// This call, however often it is tried.
    Call,
    /// Every call to the same service from this one on, until the request is over.
    Request,
}

/// A fault that waits for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trap {
    /// In which request since the trap was set: the first is 0.
    pub request: usize,
    /// For which of its calls, or the first after it that goes to the service: the first is 0.
    pub call: usize,
    /// To which service that goes.
    pub service: &'static str,
    /// What happens to it.
    pub fault: Fault,
    /// And to which others.
    pub lasting: Lasting,
}

impl Fault {
    /// All that may happen to a call like this one, for as long as. Of a call that only reads, it makes no difference whether it
    /// was lost on its way there or back.
    pub fn all(call: &Call) -> Vec<(Fault, Lasting)> {
        use Lasting::{Call as EachAttempt, Once, Request};
        let mut all = vec![
            (Fault::Refused, Request),
            (Fault::CutBefore, Once),
            (Fault::ServerError, Once),
            (Fault::ServerError, Request),
            (Fault::Throttled, Once),
            (Fault::Silence, Once),
            (Fault::Silence, Request),
            (Fault::Twice, Once),
            (Fault::CrashBefore, Once),
        ];
        if !call.is_read() {
            all.extend([(Fault::CutAfter, Once), (Fault::SilenceAfter, Once), (Fault::CrashAfter, Once)]);
        }
        // Whatever else is sent to a provider is sent once.
        if call.service == "dynamodb" || call.is_read() {
            all.push((Fault::CutBefore, Request));
        }
        if call.service == "dynamodb" {
            all.push((Fault::ThrottledAccount, Request));
        }
        if call.is_write() {
            for fault in [Fault::CutBefore, Fault::ServerError, Fault::ThrottledAccount, Fault::Silence] {
                all.push((fault, EachAttempt));
            }
            for fault in [Fault::CutAfter, Fault::SilenceAfter] {
                all.extend([(fault, EachAttempt), (fault, Request)]);
            }
            all.extend([Once, EachAttempt].map(|lasting| (Fault::Conflict, lasting)));
        }
        all
    }

    pub(super) async fn befall(self, proxy: &Proxy, call: Call, line: &Line, parts: &Parts, body: Bytes) -> Response {
        let echoed = matches!(self, Self::Echo(_)) && call.service == "provider";
        if echoed {
            let answer = proxy.carry_out(call.clone(), parts, body).await;
            let answer = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            return self.echo(&call, &String::from_utf8_lossy(&answer));
        }
        let is_done = matches!(self, Self::CutAfter | Self::SilenceAfter | Self::Twice | Self::CrashAfter);
        if is_done {
            proxy.carry_out(call.clone(), parts, body.clone()).await;
        } else {
            proxy.calls.record(call.clone());
        }
        match self {
            // That door is shut before the call.
            Self::Refused | Self::CutBefore | Self::CutAfter => {
                line.cut();
                StatusCode::OK.into_response()
            }
            Self::ServerError | Self::Throttled | Self::ThrottledAccount | Self::Conflict => self.answer(&call),
            Self::Echo(_) => self.echo(&call, ""),
            Self::Twice => proxy.deliver_again(call, parts, body).await,
            Self::Silence | Self::SilenceAfter => pending().await,
            Self::CrashBefore | Self::CrashAfter => {
                proxy.calls.crashes();
                pending().await
            }
        }
    }

    fn echo(self, call: &Call, answer: &str) -> Response {
        let Self::Echo(status) = self else { return StatusCode::OK.into_response() };
        let said =
            format!("{} {:?} {} {answer}", call.operation, call.authorization, String::from_utf8_lossy(&call.body));
        let kind = if status < 500 { "ValidationException" } else { "InternalServerError" };
        let mut body = match call.service {
            "dynamodb" => json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": said }),
            _ => json!({ "error": "invalid_grant", "error_description": said, "access_token": said }),
        }
        .to_string();
        if status == 200 {
            body.truncate(body.len() - 1);
        }
        let kind = if call.service == "dynamodb" { "application/x-amz-json-1.0" } else { "application/json" };
        (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, kind)], body).into_response()
    }

    /// As the service itself writes it.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
    fn answer(self, call: &Call) -> Response {
        let error = |status: StatusCode, namespace: &str, name: &str, message: &str| {
            let body = json!({ "__type": format!("com.amazonaws.{namespace}#{name}"), "message": message });
            (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
        };
        let (bad, own) = (StatusCode::BAD_REQUEST, "dynamodb.v20120810");
        match (self, call.service) {
            (Self::Throttled, "provider") => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "7")]).into_response(),
            (_, "provider") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            (Self::Throttled, _) => error(
                bad,
                own,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API.",
            ),
            (Self::ThrottledAccount, _) => error(bad, "coral.availability", "ThrottlingException", "Rate exceeded"),
            (Self::Conflict, _) if call.operation == "TransactWriteItems" => cancelled(call),
            (Self::Conflict, _) => {
                error(bad, own, "TransactionConflictException", "Transaction is ongoing for the item")
            }
            _ => error(
                StatusCode::INTERNAL_SERVER_ERROR,
                own,
                "InternalServerError",
                "The request processing has failed because of an unknown error, exception or failure.",
            ),
        }
    }
}

impl Proxy {
    /// The call that came before was the first delivery of two. It is one call of ours: the second is not recorded.
    async fn deliver_again(&self, call: Call, parts: &Parts, body: Bytes) -> Response {
        let answer = self.carry_out(call, parts, body).await;
        self.calls.forget_last();
        answer
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
fn cancelled(call: &Call) -> Response {
    let codes: Vec<_> =
        (0..call.actions().len()).map(|part| if part == 1 { "TransactionConflict" } else { "None" }).collect();
    let reason = |code: &&str| match *code {
        "None" => json!({ "Code": "None" }),
        code => json!({ "Code": code, "Message": "Transaction is ongoing for the item" }),
    };
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": codes.iter().map(reason).collect::<Vec<_>>(),
    });
    (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}
