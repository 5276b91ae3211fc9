use async_trait::async_trait;
use journeys::{Flow, Read, Shape, Step, StepCx, StepError, StepType};
use serde::Deserialize;

pub(crate) const TYPE: StepType = StepType::of::<Complete>("complete");

/// Ends the journey: its user is signed in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {}

#[async_trait]
impl Step for Complete {
    fn shape(&self) -> Shape {
        Shape { reads: vec![Read::User], ..Shape::default() }
    }

    async fn enter(&self, _cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        Ok(Flow::Complete)
    }
}
