use async_trait::async_trait;
use domain::{Challenge, Code, Failure, FieldProblem, Interaction, Method, ProviderOutcome, Rejection, StepId, Text};
use journeys::{
    Ending, Flow, OptionView, Read, Shape, Step, StepCx, StepError, StepType, StepView, SubmitRequest, ViewCx, unusable,
};
use providers::Answer;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::code;

pub(crate) const TYPE: StepType = StepType::of::<AnswerChallenge>("answer_challenge");

/// Asks the question of an earlier step's provider: a one-time code. Stores the identity, or sets `reason` if it fails.
///
/// After a wrong code the user may try again, if the provider allows it, up to [`MAX_WRONG`] times in total. If the
/// provider can send another code, the user may request it up to [`MAX_RESENT`] times. Both are counted in the session,
/// so the counts hold in every instance, and they continue when the provider asks the next question. Each code also
/// counts as an attempt at its account, over all sessions. Only the provider limits how many codes it sends to an
/// account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerChallenge {
    /// The step whose provider asked.
    of: StepId,
}

/// NIST SP 800-63B section 5.2.2 allows a hundred. Users give up earlier, and a code of six digits allows only few
/// guesses.
const MAX_WRONG: u8 = 5;

/// Each code costs money and annoys its receiver.
const MAX_RESENT: u8 = 3;

const CODE: &str = "code";

#[async_trait]
impl Step for AnswerChallenge {
    fn shape(&self) -> Shape {
        // It is unknown whether the provider checked the answer, so the question stays open.
        let keep_open =
            |ending: Ending| if ending.outcome.starts_with("unavailable") { ending.asking() } else { ending };
        Shape {
            endings: [Ending::new("authenticated").identifying(), Ending::new("cancelled")]
                .into_iter()
                .chain(super::failures().map(keep_open))
                .collect(),
            reads: vec![Read::Challenge("of", self.of.clone())],
            client_facing: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, _cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        Ok(Flow::Ask)
    }

    async fn submit(&self, cx: &mut StepCx<'_>, response: &SubmitRequest) -> Result<Flow, StepError> {
        let open = self.open(&cx.look())?;
        match response.option.as_str() {
            "submit" => match typed(response) {
                Ok(code) => self.answer(cx, open, Answer::Code(&code)).await,
                Err(invalid) => Ok(invalid),
            },
            "resend" if open.may_resend() => self.answer(cx, open, Answer::Resend).await,
            "cancel" => {
                cx.provider().forget_interaction(&self.of);
                Ok(cx.session().cancelled())
            }
            _ => Ok(Flow::unknown_option()),
        }
    }

    async fn view(&self, cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        let open = self.open(cx)?;
        let Challenge::Code { method, digits, to, .. } = &open.challenge;
        let label = Text::find("field.code");
        let autocomplete = "one-time-code";
        let field =
            json!({ "name": CODE, "type": "code", "label": label, "required": true, "autocomplete": autocomplete });
        let resend = open.may_resend().then_some(OptionView::RESEND);
        Ok(StepView {
            kind: TYPE.name,
            data: json!({ "challenge": { "method": method, "digits": digits, "to": to }, "fields": [field] }),
            options: [Some(OptionView::SUBMIT), resend, Some(OptionView::CANCEL)].into_iter().flatten().collect(),
        })
    }
}

/// An open question.
struct Open {
    interaction: Interaction,
    challenge: Challenge,
}

impl Open {
    fn may_resend(&self) -> bool {
        let Challenge::Code { resend, .. } = self.challenge;
        resend && self.interaction.resent < MAX_RESENT
    }

    /// The methods that a right answer proves, with those of earlier answers, in addition to the first method.
    fn proven_methods(&self) -> Vec<Method> {
        let Challenge::Code { method, .. } = self.challenge;
        self.interaction.answered.iter().copied().chain([method]).collect()
    }
}

/// The code from a submit, which must contain nothing else.
fn typed(response: &SubmitRequest) -> Result<SecretString, Flow> {
    if let Some(unknown) = response.data.keys().find(|name| *name != CODE) {
        return Err(Flow::invalid(unknown, FieldProblem::Unknown));
    }
    let typed = response.data.get(CODE).map(|typed| code::bare(typed.expose_secret())).unwrap_or_default();
    match typed.expose_secret().len() {
        0 => Err(Flow::invalid(CODE, FieldProblem::Required)),
        1..=code::MAX => Ok(typed),
        _ => Err(Flow::invalid(CODE, FieldProblem::TooLong)),
    }
}

impl AnswerChallenge {
    fn open(&self, cx: &ViewCx<'_>) -> Result<Open, StepError> {
        let open = cx
            .interaction(&self.of)?
            .and_then(|interaction| Some(Open { challenge: interaction.challenge.clone()?, interaction }));
        open.ok_or(StepError::Broken("there is no open question to answer"))
    }

    async fn answer(&self, cx: &mut StepCx<'_>, open: Open, answer: Answer<'_>) -> Result<Flow, StepError> {
        let Interaction { connector, method, wrong, resent, .. } = &open.interaction;
        let Some(usable) = cx.look().usable(connector, *method).await? else {
            return super::end(cx, unusable(connector, *method));
        };
        let resends = matches!(answer, Answer::Resend);
        match cx.provider().answer(&usable, &open.interaction, answer).await? {
            ProviderOutcome::Identity(identity) => {
                cx.provider().forget_interaction(&self.of);
                cx.provider().authenticated(identity, &open.proven_methods())?;
                Ok(Flow::Done("authenticated"))
            }
            // The next factor, or the same question with another code.
            ProviderOutcome::Interaction(next) if next.challenge.is_some() => {
                let resent = resent.saturating_add(resends.into());
                let answered = if resends { open.interaction.answered.clone() } else { open.proven_methods() };
                cx.provider().keep_interaction(&self.of, &Interaction { wrong: *wrong, resent, answered, ..next })?;
                if !resends {
                    cx.session().rotate();
                }
                Ok(Flow::Ask)
            }
            // It is unknown whether another code was sent. The earlier code may still be valid.
            ProviderOutcome::Failed(Failure::Unavailable { retry_after, .. }) if resends => {
                cx.provider().keep_interaction(
                    &self.of,
                    &Interaction { resent: resent.saturating_add(1), ..open.interaction.clone() },
                )?;
                cx.session().fail(Code::ProviderUnavailable);
                if let Some(seconds) = retry_after {
                    cx.session().retry_after(seconds);
                }
                Ok(Flow::Ask)
            }
            ProviderOutcome::Failed(Failure::Rejected(Rejection::OtpInvalid)) if wrong + 1 < MAX_WRONG => {
                cx.provider()
                    .keep_interaction(&self.of, &Interaction { wrong: wrong + 1, ..open.interaction.clone() })?;
                cx.session().fail(Code::InvalidCredentials);
                Ok(Flow::Ask)
            }
            ProviderOutcome::Failed(failure @ Failure::Unavailable { .. }) => super::end(cx, failure),
            returned => {
                cx.provider().forget_interaction(&self.of);
                super::conclude(cx, returned)
            }
        }
    }
}
