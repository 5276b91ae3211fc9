use async_trait::async_trait;
use domain::Expression;
use journeys::{Ending, Flow, Read, Shape, Step, StepCx, StepError, StepType};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const TYPE: StepType = StepType::of::<Condition>("condition");

/// Branches on an expression: `${params.plan == "gold" and ask.company}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    /// Must be true or false.
    #[serde(rename = "if")]
    condition: Expression,
}

#[async_trait]
impl Step for Condition {
    fn shape(&self) -> Shape {
        Shape {
            endings: ["met", "unmet"].map(Ending::new).into(),
            reads: Read::of("if", &self.condition).collect(),
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        match cx.values().eval(&self.condition)? {
            Value::Bool(true) => Ok(Flow::Done("met")),
            Value::Bool(false) => Ok(Flow::Done("unmet")),
            _ => Err(StepError::Broken("a condition is neither true nor false")),
        }
    }
}
