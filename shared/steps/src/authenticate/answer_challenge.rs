mod form;

use async_trait::async_trait;
use domain::{Challenge, Code, Factor, Failure, FieldProblem, Interaction, ProviderOutcome, Rejection, StepId};
use journeys::{
    Ending, Flow, OptionView, Read, Shape, Step, StepCx, StepError, StepType, StepView, SubmitRequest, ViewCx, unusable,
};
use providers::Answer;
use serde::Deserialize;
use serde_json::json;

pub(crate) const TYPE: StepType = StepType::of::<AnswerChallenge>("answer_challenge");

/// Asks the question of an earlier step's provider: a one-time code, a choice of factors, a confirmation on another
/// device, or a new password. Stores the identity, or sets `reason` if it fails.
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
        match (response.option.as_str(), &open.challenge) {
            ("submit", Challenge::Code { .. }) => match form::code(response) {
                Ok(code) => self.answer(cx, open, Answer::Code(&code)).await,
                Err(invalid) => Ok(invalid),
            },
            ("submit", Challenge::Choose { choices }) => match form::choice(response, choices) {
                Ok(choice) => self.answer(cx, open.clone(), Answer::Choose(&choice.id)).await,
                Err(invalid) => Ok(invalid),
            },
            ("submit", Challenge::NewPassword { current, .. }) => match form::passwords(response, *current) {
                Ok(form::Passwords { new, current }) => {
                    let answer = Answer::NewPassword { new: &new, current: current.as_ref() };
                    self.answer(cx, open, answer).await
                }
                Err(invalid) => Ok(invalid),
            },
            ("poll", Challenge::Wait { .. }) => self.poll(cx, open, response).await,
            ("resend", _) if open.may_resend() => self.answer(cx, open, Answer::Resend).await,
            ("cancel", _) => {
                cx.provider().forget_interaction(&self.of);
                Ok(cx.session().cancelled())
            }
            _ => Ok(Flow::unknown_option()),
        }
    }

    async fn view(&self, cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        let open = self.open(cx)?;
        let main = if matches!(open.challenge, Challenge::Wait { .. }) { OptionView::POLL } else { OptionView::SUBMIT };
        let resend = open.may_resend().then_some(OptionView::RESEND);
        Ok(StepView {
            kind: TYPE.name,
            data: json!({ "challenge": form::challenge(&open.challenge), "fields": form::fields(&open.challenge) }),
            options: [Some(main), resend, Some(OptionView::CANCEL)].into_iter().flatten().collect(),
        })
    }
}

/// An open question.
#[derive(Clone)]
struct Open {
    interaction: Interaction,
    challenge: Challenge,
}

impl Open {
    fn may_resend(&self) -> bool {
        matches!(self.challenge, Challenge::Code { resend: true, .. }) && self.interaction.resent < MAX_RESENT
    }

    /// The factors that are proven once the provider has accepted `answer`, in addition to the first method.
    fn proven_by(&self, answer: Answer<'_>) -> Vec<Factor> {
        let factor = match (&self.challenge, answer) {
            (Challenge::Code { factor, .. }, Answer::Code(_)) => Some(*factor),
            (Challenge::Wait { .. }, Answer::Poll) => Some(Factor::Push),
            _ => None,
        };
        self.interaction.proven.iter().copied().chain(factor).collect()
    }
}

impl AnswerChallenge {
    fn open(&self, cx: &ViewCx<'_>) -> Result<Open, StepError> {
        let open = cx
            .interaction(&self.of)?
            .and_then(|interaction| Some(Open { challenge: interaction.challenge.clone()?, interaction }));
        open.ok_or(StepError::Broken("there is no open question to answer"))
    }

    /// Asks the provider whether the user has confirmed, at most as often as it allows.
    async fn poll(&self, cx: &mut StepCx<'_>, open: Open, response: &SubmitRequest) -> Result<Flow, StepError> {
        if let Some(unknown) = response.data.keys().next() {
            return Ok(Flow::invalid(unknown, FieldProblem::Unknown));
        }
        match open.interaction.not_before {
            Some(not_before) if cx.request.now < not_before => Ok(Flow::Ask),
            _ => self.answer(cx, open, Answer::Poll).await,
        }
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
                cx.provider().authenticated(identity, &open.proven_by(answer))?;
                Ok(Flow::Done("authenticated"))
            }
            ProviderOutcome::Interaction(next) if next.challenge.is_some() => self.ask(cx, &open, answer, next),
            // It is unknown whether another code was sent, and the earlier one may still be valid. Of a poll nothing is
            // lost.
            ProviderOutcome::Failed(Failure::Unavailable { retry_after, .. })
                if resends || matches!(answer, Answer::Poll) =>
            {
                let resent = resent.saturating_add(resends.into());
                cx.provider().keep_interaction(&self.of, &Interaction { resent, ..open.interaction.clone() })?;
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

    /// Asks the provider's next question: the next factor, or the same again.
    fn ask(&self, cx: &mut StepCx<'_>, open: &Open, answer: Answer<'_>, next: Interaction) -> Result<Flow, StepError> {
        let Interaction { wrong, resent, proven, .. } = &open.interaction;
        let (mut wrong, mut resent, mut proven) = (*wrong, *resent, proven.clone());
        match (answer, &next.challenge) {
            (Answer::Resend, _) => resent = resent.saturating_add(1),
            (Answer::NewPassword { .. }, Some(Challenge::NewPassword { refused: true, .. })) => {
                wrong += 1;
                if wrong >= MAX_WRONG {
                    cx.provider().forget_interaction(&self.of);
                    return super::end(cx, Failure::Rejected(Rejection::PasswordExpired));
                }
                cx.session().fail(Code::PasswordRefused);
            }
            // Not confirmed yet.
            (Answer::Poll, Some(Challenge::Wait { .. })) => {}
            _ => {
                proven = open.proven_by(answer);
                cx.session().rotate();
            }
        }
        cx.provider().keep_interaction(&self.of, &Interaction { wrong, resent, proven, ..next })?;
        Ok(Flow::Ask)
    }
}
