use directory::Provisioned;
use domain::ExternalIdentity;
use serde_json::{Map, Value};
use store::DirectoryWrite;

use super::StepCx;
use crate::StepError;

/// The company's own users: [`StepCx::directory`].
pub struct DirectoryCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

impl DirectoryCx<'_, '_> {
    /// Recognises the user whose account `identity` is, else plans a new one with `attributes`. What an earlier plan of
    /// this step lost to another request is taken into account.
    pub async fn provision(
        &self,
        identity: &ExternalIdentity,
        attributes: Map<String, Value>,
    ) -> Result<Provisioned, StepError> {
        let StepCx { request, parts, memory, .. } = &*self.0;
        Ok(parts.directory.provision(request, identity, attributes, &memory.plan.lost).await?)
    }

    /// Plans writes to be committed with the session's advance.
    pub fn plan(&mut self, writes: Vec<DirectoryWrite>) {
        self.0.memory.plan.writes.extend(writes);
    }
}
