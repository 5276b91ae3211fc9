use async_trait::async_trait;
use domain::{Channel, Expression};
use journeys::{Ending, Flow, Read, Shape, Step, StepCx, StepError, StepType};
use providers::Attempt;
use serde::Deserialize;

use super::ConnectorSetting;

pub(crate) const TYPE: StepType = StepType::of::<SendOtp>("send_otp");

/// Lets a provider send a one-time code. `answer_challenge` asks for it. Sets `reason` if no code was sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SendOtp {
    connector: ConnectorSetting,
    channel: Channel,
    /// The user's name or address at the provider.
    to: Expression,
}

#[async_trait]
impl Step for SendOtp {
    fn shape(&self) -> Shape {
        Shape {
            endings: [Ending::new("challenged").asking()].into_iter().chain(super::failures()).collect(),
            reads: self.connector.reads().chain(Read::of("to", &self.to)).collect(),
            connectors: self.connector.literal().into_iter().collect(),
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let to = cx.values().eval_text(&self.to)?;
        super::begin(cx, &self.connector, Attempt::Otp { channel: self.channel, to: &to }).await
    }
}
