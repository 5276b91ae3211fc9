//! Logins without a browser, as far as they are the standard's: who the client is, and the tokens at the end.

use axum::http::{HeaderName, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Login, Quirks, State, Waiting};
use crate::core::callback::{ResponseMode, Target};
use crate::core::server::{Call, Provider};
use crate::core::signer::SignError;
use crate::core::wire::Reply;
use crate::core::{Direct, DirectCall, Endpoint, Registration};

/// What is asked of the provider's own code.
struct Asking<'a> {
    path: &'a str,
    is_post: bool,
    grant_type: Option<&'a str>,
    client: Option<&'a Registration>,
    json: &'a Value,
}

impl<Q: Quirks> State<Q> {
    /// The address of a path below the server.
    fn below(&self, call: &Call<'_>, path: &str) -> String {
        format!("http://{}{}{path}", call.host, self.root)
    }

    /// A call of an API of the provider's own.
    pub(super) fn login_api(&mut self, path: &str, is_post: bool, call: &Call<'_>) -> Reply {
        let json = serde_json::from_slice(call.body).unwrap_or_default();
        let client = match Q::authenticates_clients(path).then(|| self.client(call, &self.below(call, path))) {
            Some(Err(why)) => return Self::refusal(why),
            Some(Ok(client)) => Some(client),
            None => None,
        };
        match self.ask(Asking { path, is_post, grant_type: None, client: client.as_ref(), json: &json }, call) {
            Some(direct) => self.reply(direct, call).unwrap_or_else(|_| Self::server_error()),
            None => Reply::html(StatusCode::NOT_FOUND, "Not found"),
        }
    }

    /// A grant other than the code's, of a client that has shown its credentials; `None` if it is not offered.
    pub(super) fn other_grant(
        &mut self,
        grant_type: &str,
        client: &Registration,
        call: &Call<'_>,
    ) -> Option<Result<Reply, SignError>> {
        let (grant_type, client) = (Some(grant_type), Some(client));
        let direct = self.ask(Asking { path: "", is_post: true, grant_type, client, json: &Value::Null }, call)?;
        Some(self.reply(direct, call))
    }

    /// An authorization request that no browser makes, which goes by this handle.
    pub(super) fn begin_browserless(&mut self, handle: &str, call: &Call<'_>) -> Reply {
        let asking = Asking { path: "", is_post: false, grant_type: None, client: None, json: &Value::Null };
        let direct = Q::begun(&mut self.direct_call(asking, call), handle);
        self.reply(direct, call).unwrap_or_else(|_| Self::server_error())
    }

    /// Likewise, of one that is refused for this parameter.
    pub(super) fn refuse_browserless(&mut self, parameter: &str, call: &Call<'_>) -> Reply {
        self.reply(Q::not_begun(parameter), call).unwrap_or_else(|_| Self::server_error())
    }

    fn ask(&mut self, asking: Asking<'_>, call: &Call<'_>) -> Option<Direct> {
        Q::direct(&mut self.direct_call(asking, call))
    }

    fn direct_call<'a>(
        &'a mut self,
        Asking { path, is_post, grant_type, client, json }: Asking<'a>,
        call: &'a Call<'_>,
    ) -> DirectCall<'a> {
        DirectCall {
            path,
            is_post,
            grant_type,
            client,
            json,
            root: &self.root,
            query: &call.query,
            form: &call.form,
            headers: call.headers,
            host: call.host,
            now: call.now,
            entropy: call.entropy,
            people: &mut self.people,
            clients: &self.applications,
            desk: &mut self.desk,
        }
    }

    fn reply(&mut self, direct: Direct, call: &Call<'_>) -> Result<Reply, SignError> {
        match direct {
            Direct::Tokens { username, client, scopes, put_into } => {
                let Some(application) = self.applications.get(&client).cloned() else {
                    return Ok(Self::server_error());
                };
                let target = Target { redirect_uri: String::new(), mode: ResponseMode::Default, state: None };
                let request = Waiting { client, target, scopes, nonce: None, challenge: None };
                let mut body = self.tokens(&Login { username, at: call.now, request }, &application, call)?;
                // By the standard's names, wherever the provider puts the tokens.
                if let (Some(misbehaviour), Some(members)) = (self.book.at(Endpoint::Token), body.as_object_mut()) {
                    misbehaviour.spoil_members(members);
                }
                Ok(Reply::json(StatusCode::OK, &put_into(body)))
            }
            Direct::Code { username, handle, put_into } => {
                let Some(request) = self.waiting.remove(&handle) else { return Ok(Self::server_error()) };
                let code = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<32>());
                let body = put_into(&code, request.target.state.as_deref().unwrap_or_default());
                self.codes.insert(code, Login { username, at: call.now, request });
                Ok(Reply::json(StatusCode::OK, &body))
            }
            Direct::Answer { status, body, headers } => {
                let reply = Reply::json(status, &body);
                let add = |reply: Reply, (name, value)| reply.header(HeaderName::from_static(name), value);
                Ok(headers.into_iter().fold(reply, add))
            }
        }
    }
}
