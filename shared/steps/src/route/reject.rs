use async_trait::async_trait;
use domain::Code;
use journeys::{Flow, Shape, Step, StepCx, StepError, StepType};
use serde::Deserialize;

pub(crate) const TYPE: StepType = StepType::of::<Reject>("reject");

/// Ends the journey without a sign-in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reject {
    /// The code for the application.
    #[serde(deserialize_with = "rejection")]
    code: Code,
}

fn rejection<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let text = String::deserialize(deserializer)?;
    Code::REJECTIONS.iter().copied().find(|code| code.as_str() == text).ok_or_else(|| {
        let known: Vec<_> = Code::REJECTIONS.iter().map(|code| code.as_str()).collect();
        serde::de::Error::custom(format!("unknown rejection {text:?}: use one of {}", known.join(", ")))
    })
}

#[async_trait]
impl Step for Reject {
    fn shape(&self) -> Shape {
        Shape::default()
    }

    async fn enter(&self, _cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        Ok(Flow::Reject(self.code))
    }
}
