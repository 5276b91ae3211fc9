use std::sync::Arc;

use connectors::Connector;
use domain::{
    CallbackState, ConnectorId, ExternalIdentity, Factor, IdentityKey, Interaction, Method, Proof, ProviderOutcome,
    Redirect, Sealed, Session, Slot, StepId,
};
use providers::{Answer, Attempt, Callback, Progress, ProviderAdapter, ProviderError};
use store::StoreError;
use tokens::Keys;

use super::first_only::KeptFor;
use super::guesses::{self, Attempted};
use super::{StepCx, ViewCx};
use crate::StepError;
use crate::engine::place;
use crate::outcome::record_outcome;

/// Providers: calls, open interactions and asserted identities: see [`StepCx::provider`].
pub struct ProviderCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

/// An enabled connector that supports a method.
#[derive(Debug, Clone)]
pub struct Usable {
    connector: ConnectorId,
    method: Method,
    adapter: Arc<dyn ProviderAdapter>,
    /// The pool of accounts, for counting attempts: the same for all connectors to one issuer.
    pool: String,
}

impl Usable {
    /// Whether its callbacks go to an address of the application, which passes them on.
    pub fn calls_back_application(&self) -> bool {
        self.adapter.callback_of_application().is_some()
    }
}

impl ViewCx<'_> {
    /// A connector; `None` if it does not exist or is disabled.
    pub async fn connector(&self, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
        self.parts.connectors.find(self.request, id).await
    }

    /// A connector for `method`; `None` if it does not exist, is disabled, or does not support `method`.
    pub async fn usable(&self, id: &ConnectorId, method: Method) -> Result<Option<Usable>, StoreError> {
        let Some(connector) = self.connector(id).await? else { return Ok(None) };
        let adapter = connector.adapter.clone().filter(|adapter| adapter.methods().contains(&method));
        Ok(adapter.map(|adapter| {
            // If the issuer is known only during a login, the connector is the pool.
            let pool = adapter.source().map_or_else(|| id.to_string(), ToString::to_string);
            Usable { connector: id.clone(), method, adapter, pool }
        }))
    }

    /// The open interaction of a step; `None` if there is none.
    pub fn interaction(&self, of: &StepId) -> Result<Option<Interaction>, StepError> {
        interaction(&self.parts.keys, self.session, of)
    }
}

/// The open interaction of a session's step.
pub(crate) fn interaction(keys: &Keys, session: &Session, of: &StepId) -> Result<Option<Interaction>, StepError> {
    let Some(sealed) = session.run.pending.get(of) else { return Ok(None) };
    let interaction = sealed.open(&keys.session(&session.id)?.sealing, &place(&session.id, "step", of.as_str()));
    interaction.map(Some).map_err(|_| StepError::Broken("a pending state does not open in this session"))
}

impl ProviderCx<'_, '_> {
    /// Begins an attempt. A secret is sent only if the account's limit allows another attempt.
    pub async fn begin(&self, with: &Usable, attempt: Attempt<'_>) -> Result<ProviderOutcome, StepError> {
        let (name, secret) = match &attempt {
            Attempt::Password { username, .. } | Attempt::Totp { username, .. } => (Some(*username), true),
            Attempt::Otp { to, .. } => (Some(*to), false),
            Attempt::Redirect(_) => (None, false),
        };
        let account = name.map(|name| guesses::account_key(&with.pool, name));
        let attempted = self.0.take_guess(account.as_deref().filter(|_| secret)).await?;
        let user_ip = Box::pin(self.0.user_ip()).await?;
        let cx = self.0.parts.connectors.cx(&self.0.outbound).for_user(user_ip);
        let progress = with.adapter.begin(&cx, attempt).await;
        self.outcome(with, account, attempted, progress).await
    }

    /// Sends the answer to an open interaction. A code or a password is sent only if the account's limit allows another
    /// attempt.
    pub async fn answer(
        &self,
        with: &Usable,
        interaction: &Interaction,
        answer: Answer<'_>,
    ) -> Result<ProviderOutcome, StepError> {
        let is_guess = matches!(answer, Answer::Code(_) | Answer::NewPassword { current: Some(_), .. });
        let attempted = self.0.take_guess(interaction.account.as_deref().filter(|_| is_guess)).await?;
        let user_ip = Box::pin(self.0.user_ip()).await?;
        let cx = self.0.parts.connectors.cx(&self.0.outbound).for_user(user_ip);
        let progress = with.adapter.answer(&cx, &interaction.pending, answer).await;
        self.outcome(with, interaction.account.clone(), attempted, progress).await
    }

    /// A callback that the application has received, with what the provider sent with an earlier one only. What it brings of
    /// that itself is kept.
    pub fn completed(&mut self, with: &Usable, callback: Callback) -> Result<Callback, StepError> {
        let StepCx { parts, memory, .. } = &mut *self.0;
        let session = &mut memory.session;
        let kept = KeptFor { keys: &parts.keys, session: &session.id, connector: &with.connector };
        if let Some(first_only) = kept.seal(parts.entropy.as_ref(), with.adapter.as_ref(), &callback)? {
            session.run.first_only = Some(first_only);
        }
        Ok(callback.completed_by(kept.open(session.run.first_only.as_ref())))
    }

    async fn outcome(
        &self,
        with: &Usable,
        account: Option<String>,
        attempted: Option<Attempted>,
        progress: Result<Progress, ProviderError>,
    ) -> Result<ProviderOutcome, StepError> {
        let returned = record_outcome(self.0.request, &with.connector, with.method, progress);
        if let Some(attempted) = &attempted {
            Box::pin(self.0.record_guess(attempted, &returned)).await?;
        }
        Ok(match returned {
            ProviderOutcome::Interaction(interaction) => {
                ProviderOutcome::Interaction(Interaction { account, ..interaction })
            }
            other => other,
        })
    }

    /// Stores the open interaction of a step.
    pub fn keep_interaction(&mut self, of: &StepId, interaction: &Interaction) -> Result<(), StepError> {
        let StepCx { parts, memory, .. } = &mut *self.0;
        let session = &mut memory.session;
        let key = parts.keys.session(&session.id)?;
        let place = place(&session.id, "step", of.as_str());
        let sealed = Sealed::seal(&key.sealing, parts.entropy.as_ref(), &place, interaction)
            .map_err(|_| StepError::Broken("a pending state cannot be sealed"))?;
        session.run.pending.insert(of.clone(), sealed);
        Ok(())
    }

    /// Takes the open interaction of a step; `None` if there is none, or if it was taken before.
    pub fn take_interaction(&mut self, of: &StepId) -> Result<Option<Interaction>, StepError> {
        let interaction = self.0.look().interaction(of)?;
        self.forget_interaction(of);
        Ok(interaction)
    }

    /// Removes the open interaction of a step.
    pub fn forget_interaction(&mut self, of: &StepId) {
        self.0.memory.session.run.pending.remove(of);
    }

    /// Sends the browser to the provider. The client gets the URL; the step gets the outcome in `resume`.
    pub fn redirect(&mut self, interaction: &Interaction) -> Result<(), StepError> {
        let here = self.0.here;
        let session = &mut self.0.memory.session;
        // The number of the turn that will wait for the redirect.
        let key = self.0.parts.keys.session(&session.id)?;
        let state = key.derivation.state(&session.id, session.turn.saturating_add(1));
        session.redirect = Some(Redirect::Out(state.hash_at(&interaction.connector)));
        self.keep_interaction(here, interaction)
    }

    /// Whether this turn waits for `state` from `connector`.
    pub fn waits_for_state(&self, connector: &ConnectorId, state: &CallbackState) -> bool {
        self.0.memory.session.redirect.as_ref().and_then(Redirect::out) == Some(&state.hash_at(connector))
    }

    /// Stores an asserted identity in this step's slot, and the proven factors as proofs, each once. The session token
    /// rotates with this turn. All factors of one source in one run must belong to the same account; otherwise an
    /// attacker could combine their own factor with the victim's.
    pub fn authenticated(&mut self, identity: ExternalIdentity, also: &[Factor]) -> Result<(), StepError> {
        let key = identity.key();
        let is_another = |of: &IdentityKey| of.source() == key.source() && *of != key;
        let memory = &mut *self.0.memory;
        let run = &mut memory.session.run;
        if run.proofs.iter().filter_map(|proof| proof.of.as_ref()).any(is_another) {
            return Err(StepError::Refused);
        }
        let slot = self.0.slot.ok_or(StepError::Broken("a step that stores an identity has no slot"))?;
        for &factor in [identity.method.into()].iter().chain(also) {
            let proof = Proof { factor, of: Some(key.clone()), at: identity.authenticated_at };
            if !run.proofs.contains(&proof) {
                run.proofs.push(proof);
            }
        }
        run.error = None;
        memory.identities.insert(slot.clone(), identity);
        memory.rotate_token = true;
        Ok(())
    }

    /// The identity in a slot.
    pub fn identity(&self, slot: &Slot) -> Result<ExternalIdentity, StepError> {
        let StepCx { parts, memory, .. } = &*self.0;
        if let Some(identity) = memory.identities.get(slot) {
            return Ok(identity.clone());
        }
        let session = &memory.session;
        let sealed = session.run.identities.get(slot);
        let sealed =
            sealed.ok_or(StepError::Broken("a setting reads an identity that no step of this run has stored"))?;
        sealed
            .open(&parts.keys.session(&session.id)?.sealing, &place(&session.id, "slot", slot.as_str()))
            .map_err(|_| StepError::Broken("an identity does not open in this session"))
    }
}
