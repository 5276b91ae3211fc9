use std::collections::BTreeMap;

use async_trait::async_trait;
use directory::Provisioned;
use domain::{Code, Expression, Slot};
use journeys::{Ending, Flow, Read, Shape, Step, StepCx, StepError, StepType};
use serde::Deserialize;
use serde_json::Map;

pub(crate) const TYPE: StepType = StepType::of::<ProvisionUser>("provision_user");

/// Recognises the user of an identity, or creates the user in the company's directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvisionUser {
    identity: Slot,
    /// Attributes for a new user.
    #[serde(default)]
    attributes: BTreeMap<String, Expression>,
}

#[async_trait]
impl Step for ProvisionUser {
    fn shape(&self) -> Shape {
        let attributes = self.attributes.values().flat_map(|value| Read::of("attributes", value));
        Shape {
            endings: ["created", "linked", "recognised"]
                .map(|outcome| Ending::new(outcome).finding_user())
                .into_iter()
                .chain(["proof_required", "refused"].map(Ending::new))
                .collect(),
            reads: attributes.chain([Read::Identity("identity", self.identity.clone())]).collect(),
            plans: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let identity = cx.provider().identity(&self.identity)?;
        let mut attributes = Map::new();
        for (name, value) in &self.attributes {
            attributes.insert(name.clone(), cx.values().eval(value)?);
        }
        let provisioned = cx.directory().provision(&identity, attributes).await?;
        let connector = &identity.connector;
        Ok(Flow::Done(match provisioned {
            Provisioned::Recognised(user) => {
                cx.request.count(|counts| {
                    counts.user_recognised = true;
                    counts.providers.extend([identity.provider.clone()]);
                });
                tracing::info!(event = "user_recognised", user = %user.id, %connector);
                cx.session().set_user(user)?;
                "recognised"
            }
            Provisioned::Created(user, writes) => {
                cx.session().set_user(user)?;
                cx.directory().plan(writes);
                "created"
            }
            Provisioned::ProofRequired => {
                tracing::warn!(event = "proof_required", code = %Code::ProofRequired, %connector);
                cx.session().fail(Code::ProofRequired);
                "proof_required"
            }
            Provisioned::Refused => {
                tracing::warn!(event = "user_refused", code = %Code::AccessDenied, %connector);
                cx.session().fail(Code::AccessDenied);
                "refused"
            }
        }))
    }
}
