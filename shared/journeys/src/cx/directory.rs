use directory::Provisioned;
use domain::ExternalIdentity;
use serde_json::{Map, Value};
use store::DirectoryWrite;

use super::StepCx;
use crate::StepError;

/// The company's users: see [`StepCx::directory`].
pub struct DirectoryCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

impl DirectoryCx<'_, '_> {
    /// Recognises the user to whom `identity` is linked, otherwise plans a new user with `attributes`. Takes into
    /// account which writes of an earlier plan failed because of another request.
    pub async fn provision(
        &self,
        identity: &ExternalIdentity,
        attributes: Map<String, Value>,
    ) -> Result<Provisioned, StepError> {
        let StepCx { request, parts, memory, .. } = &*self.0;
        Ok(parts.directory.provision(request, identity, attributes, &memory.plan.lost).await?)
    }

    /// Plans writes, which are committed together with the session.
    pub fn plan(&mut self, writes: Vec<DirectoryWrite>) {
        self.0.memory.plan.writes.extend(writes);
    }
}
