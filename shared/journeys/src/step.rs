//! What a step is, and all it may touch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Asked, CallbackState, Client, Code, ConnectorId, Expression, ExternalIdentity, IdentityKey, Method, Proof,
    Redirect, Reference, RequestContext, Returned, Sealed, Session, SessionUser, Slot, StepId, SubmitKey,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use store::{DirectoryWrite, Lost, StoreError};
use tokens::KeyError;

use crate::engine::{Parts, place};
use crate::library::Connector;
use crate::{FieldError, FieldProblem, Outcome, Shape, StepView};

/// A kind of step, with its settings read.
#[async_trait]
pub trait Step: fmt::Debug + Send + Sync {
    /// What it reads, leaves and may end with, by its settings.
    fn shape(&self) -> Shape;

    /// The session has arrived here.
    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError>;

    /// The client has answered. Only steps whose `enter` asks are ever answered.
    async fn submit(&self, _cx: &mut StepCx<'_>, _response: &SubmitRequest) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step asks nothing"))
    }

    /// The redirect that the step sent the browser on has come back, and the client with it. Only steps that hop are ever
    /// told.
    async fn returned(&self, _cx: &mut StepCx<'_>, _returned: Returned) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step sends nobody anywhere"))
    }

    /// What the client is shown while the session waits here.
    async fn view(&self, _cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        Err(StepError::Broken("this step asks nothing"))
    }
}

/// What happens after a step did its part.
#[derive(Debug)]
pub enum Flow {
    /// The session waits here for the client.
    Ask,
    /// The input breaks rules of fields: the turn stays as it was.
    Invalid(Vec<FieldError>),
    /// The step is done.
    Done(Outcome),
    /// The journey is done, and its user signed in.
    Complete,
    /// The journey is over, and nobody is signed in.
    Reject(Code),
}

impl Flow {
    /// One field that does not fit.
    pub fn invalid(name: impl fmt::Display, problem: FieldProblem) -> Self {
        Flow::Invalid(vec![FieldError::new(name, problem)])
    }

    /// The step has no such option.
    pub fn unknown_option() -> Self {
        Flow::invalid("option", FieldProblem::Unknown)
    }
}

/// A step could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A provider's answer failed validation: never routable, the session ends `identity_refused`.
    #[error("a provider's answer was refused")]
    Refused,
    /// The document reads what no earlier step of this run left: the session ends `journey_broken`.
    #[error("{0}")]
    Broken(&'static str),
    /// DynamoDB: the turn stays as it was.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for StepError {
    fn from(_: KeyError) -> Self {
        Self::Broken("there is no key for this session")
    }
}

/// A submit's body.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// The turn it answers.
    pub turn: u32,
    /// Made anew for each submit, and sent again with a repeat of it: 128 random bits or more, as 22 to 128 characters
    /// of hexadecimal or base64.
    #[schema(value_type = String)]
    pub key: SubmitKey,
    /// Which of the step's options.
    pub option: String,
    /// What was entered, by field. All of it is taken for secret until a step says otherwise.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub data: BTreeMap<String, SecretString>,
}

impl fmt::Debug for SubmitRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitRequest").field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// Secret inputs of this request, by the step that took them. Never stored.
pub(crate) type Secrets = BTreeMap<(StepId, String), SecretString>;

/// What a step wants written together with the session's advance, and what an earlier plan lost.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<DirectoryWrite>,
    pub(crate) lost: Vec<Lost>,
}

/// All a step may look at to show itself.
pub struct ViewCx<'a> {
    /// The request that looks.
    pub request: &'a RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) session: &'a Session,
}

impl ViewCx<'_> {
    /// A connector and its adapter; `None` if there is none of that id, or it is switched off.
    pub async fn connector(&self, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
        self.parts.library.connector(self.request, id).await
    }

    /// What the provider of a step waits for; `None` if nothing.
    pub fn asked(&self, of: &StepId) -> Result<Option<Asked>, StepError> {
        asked(self.parts, self.session, of)
    }

    /// The application that the session belongs to, if it still has its registration.
    pub async fn client(&self) -> Result<Option<Arc<Client>>, StoreError> {
        self.parts.clients.find(self.request, &self.session.request.client_id).await
    }

    /// The value of an expression.
    pub fn eval(&self, expression: &Expression) -> Result<Value, StepError> {
        let run = &self.session.run;
        let find = |reference: &Reference| match reference {
            Reference::Param(name) => run.params.get(name),
            Reference::Value { step, name } => run.values.get(step).and_then(|values| values.get(name)),
        };
        let value = expression.eval(find);
        value.map_err(|_| StepError::Broken("a setting reads a value that no step of this run has left"))
    }

    /// The value of an expression that has to be text.
    pub fn eval_text(&self, expression: &Expression) -> Result<String, StepError> {
        match self.eval(expression)? {
            Value::String(text) => Ok(text),
            _ => Err(StepError::Broken("a setting that takes text reads something else")),
        }
    }
}

/// What the provider of a step of a session waits for.
pub(crate) fn asked(parts: &Parts, session: &Session, of: &StepId) -> Result<Option<Asked>, StepError> {
    let Some(sealed) = session.run.asked.get(of) else { return Ok(None) };
    let asked = sealed.open(&parts.keys.session(&session.id)?.sealing, &place(&session.id, "step", of.as_str()));
    asked.map(Some).map_err(|_| StepError::Broken("a pending state does not open in this session"))
}

/// All a step may touch.
pub struct StepCx<'a> {
    /// The request it runs in.
    pub request: &'a RequestContext,
    /// The same request for calls to providers: what they say has to be committed afterwards.
    pub(crate) outbound: RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) here: &'a StepId,
    pub(crate) slot: Option<&'a Slot>,
    pub(crate) session: &'a mut Session,
    pub(crate) secrets: &'a mut Secrets,
    pub(crate) plan: &'a mut Plan,
    pub(crate) rotates: &'a mut bool,
}

impl StepCx<'_> {
    /// The session as it may be looked at.
    pub fn look(&self) -> ViewCx<'_> {
        ViewCx { request: self.request, parts: self.parts, session: self.session }
    }

    /// The value of an expression.
    pub fn eval(&self, expression: &Expression) -> Result<Value, StepError> {
        self.look().eval(expression)
    }

    /// The value of an expression that has to be text.
    pub fn eval_text(&self, expression: &Expression) -> Result<String, StepError> {
        self.look().eval_text(expression)
    }

    /// What the application asked for.
    pub fn authorization_request(&self) -> &domain::AuthorizationRequest {
        &self.session.request
    }

    /// Which connector the application expects, once: who comes back to the choice is asked.
    pub fn take_idp_hint(&mut self) -> Option<String> {
        self.session.request.idp_hint.take()
    }

    /// A secret input of this request.
    pub fn secret(&self, reference: &Reference) -> Result<&SecretString, StepError> {
        let secret = match reference {
            Reference::Value { step, name } => self.secrets.get(&(step.clone(), name.clone())),
            Reference::Param(_) => None,
        };
        secret.ok_or(StepError::Broken("a setting reads a secret that was not entered in this request"))
    }

    /// Leaves a value for later steps.
    pub fn leave(&mut self, name: &str, value: impl Into<Value>) {
        self.session.run.values.entry(self.here.clone()).or_default().insert(name.to_owned(), value.into());
    }

    /// Leaves a secret for later steps of this request.
    pub fn leave_secret(&mut self, name: &str, value: SecretString) {
        self.secrets.insert((self.here.clone(), name.to_owned()), value);
    }

    /// A connector and its adapter; `None` if there is none of that id, or it is switched off.
    pub async fn connector(&self, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
        self.look().connector(id).await
    }

    /// For calls to providers.
    pub fn providers(&self) -> providers::Cx<'_> {
        self.parts.providers.cx(&self.outbound)
    }

    /// The directory.
    pub fn directory(&self) -> &directory::Directory {
        &self.parts.directory
    }

    /// A provider has vouched for somebody: keeps the identity in this step's slot and the factor as a proof. The
    /// session's token rotates with this turn. Two factors of one source in one run have to be one person's.
    pub fn authenticated(&mut self, identity: &ExternalIdentity) -> Result<(), StepError> {
        let key = identity.key();
        let is_another = |of: &IdentityKey| of.source() == key.source() && *of != key;
        if self.session.run.proofs.iter().filter_map(|proof| proof.of.as_ref()).any(is_another) {
            return Err(StepError::Refused);
        }
        let slot = self.slot.ok_or(StepError::Broken("a step that identifies has no slot"))?;
        let place = place(&self.session.id, "slot", slot.as_str());
        let key = self.parts.keys.session(&self.session.id)?;
        let sealed = Sealed::seal(&key.sealing, self.parts.entropy.as_ref(), &place, identity)
            .map_err(|_| StepError::Broken("an identity cannot be sealed"))?;
        self.session.run.identities.insert(slot.clone(), sealed);
        self.session.run.error = None;
        self.prove(identity.method, identity);
        self.rotate();
        Ok(())
    }

    /// Keeps a factor of somebody who is vouched for, once.
    pub fn prove(&mut self, method: Method, identity: &ExternalIdentity) {
        let proof = Proof { method, of: Some(identity.key()), at: identity.authenticated_at };
        let proofs = &mut self.session.run.proofs;
        if !proofs.contains(&proof) {
            proofs.push(proof);
        }
    }

    /// From this turn on another token opens the session: whoever planted it in somebody's browser does not hold that.
    pub fn rotate(&mut self) {
        *self.rotates = true;
    }

    /// The identity in a slot.
    pub fn identity(&self, slot: &Slot) -> Result<ExternalIdentity, StepError> {
        let sealed = self.session.run.identities.get(slot);
        let sealed =
            sealed.ok_or(StepError::Broken("a setting reads an identity that no step of this run has left"))?;
        sealed
            .open(&self.parts.keys.session(&self.session.id)?.sealing, &place(&self.session.id, "slot", slot.as_str()))
            .map_err(|_| StepError::Broken("an identity does not open in this session"))
    }

    /// Sends the browser to a provider: the client is shown where, and the step is told what came of it.
    pub fn hop(&mut self, asked: &Asked) -> Result<(), StepError> {
        // The turn that the session will rest on.
        let key = self.parts.keys.session(&self.session.id)?;
        let state = key.derivation.state(&self.session.id, self.session.turn.saturating_add(1));
        self.session.redirect = Some(Redirect::Out(state.hash_at(&asked.connector)));
        self.keep_asked(self.here, asked)
    }

    /// What the provider of a step waits for, which is answered thereby. `None` if nothing, or if it has been answered.
    pub fn take_asked(&mut self, of: &StepId) -> Result<Option<Asked>, StepError> {
        let asked = self.look().asked(of)?;
        self.forget_asked(of);
        Ok(asked)
    }

    /// Nobody waits for it any more.
    pub fn forget_asked(&mut self, of: &StepId) {
        self.session.run.asked.remove(of);
    }

    /// Whether this turn's redirect went out to `connector` with `state`, and nobody has brought that back before.
    pub fn is_out(&self, connector: &ConnectorId, state: &CallbackState) -> bool {
        self.session.redirect.as_ref().and_then(Redirect::out) == Some(&state.hash_at(connector))
    }

    /// Keeps what the provider of a step waits for until it is answered.
    pub fn keep_asked(&mut self, of: &StepId, asked: &Asked) -> Result<(), StepError> {
        let place = place(&self.session.id, "step", of.as_str());
        let key = self.parts.keys.session(&self.session.id)?;
        let sealed = Sealed::seal(&key.sealing, self.parts.entropy.as_ref(), &place, asked)
            .map_err(|_| StepError::Broken("a pending state cannot be sealed"))?;
        self.session.run.asked.insert(of.clone(), sealed);
        Ok(())
    }

    /// Sets the user the journey is about. Another than before is refused: two factors must be of one person.
    pub fn set_user(&mut self, user: SessionUser) -> Result<(), StepError> {
        match &self.session.run.user {
            Some(before) if before.id != user.id => Err(StepError::Refused),
            _ => {
                self.session.run.user = Some(user);
                Ok(())
            }
        }
    }

    /// Plans writes to be committed with the session's advance.
    pub fn plan(&mut self, writes: Vec<DirectoryWrite>) {
        self.plan.writes.extend(writes);
    }

    /// What an earlier plan of this step lost to another request.
    pub fn lost(&self) -> &[Lost] {
        &self.plan.lost
    }

    /// What the client is shown as `step.error` next.
    pub fn fail(&mut self, code: Code) {
        self.session.run.error = Some(code);
    }

    /// The user gives up.
    pub fn cancelled(&mut self) -> Flow {
        self.fail(Code::Declined);
        Flow::Done("cancelled")
    }

    /// After how many seconds another try may help.
    pub fn retry_after(&mut self, seconds: u32) {
        self.session.run.retry_after = Some(seconds);
    }
}
