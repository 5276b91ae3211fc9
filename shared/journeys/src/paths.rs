//! Checks that every path to a step sets what the step reads: definite assignment, as compilers check it for variables.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Reference, Slot, StepId};

use crate::compile::CompiledStep;
use crate::document_error::{DocumentError, DocumentProblem};
use crate::{Ending, Journey, Read};

/// Something that is set when a step is entered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Value(StepId, String),
    Secret(StepId, String),
    Identity(Slot),
    Challenge(StepId),
    User,
}

type Facts = BTreeSet<Fact>;

/// The reads of steps that are not set on every path.
pub(crate) fn unset_reads(journey: &Journey) -> Vec<DocumentError> {
    let arrivals = arrivals(journey);
    let mut errors = Vec::new();
    for (id, step) in journey.steps() {
        let Some(facts) = arrivals.get(id) else { continue };
        for read in &step.shape.reads {
            if let Some((setting, problem)) = missing(read, facts) {
                errors.push(DocumentError { place: format!("steps.{id}{setting}"), problem });
            }
        }
    }
    errors
}

/// The facts that hold on every path to each step: the intersection over all paths. The sets only shrink, so the loop
/// ends.
fn arrivals(journey: &Journey) -> BTreeMap<&StepId, Facts> {
    let mut arrivals = BTreeMap::from([(&journey.start, Facts::new())]);
    let mut open = vec![&journey.start];
    while let Some(id) = open.pop() {
        let (Some(step), Some(facts)) = (journey.step(id), arrivals.get(id).cloned()) else { continue };
        let kept = after_entering(id, step, facts);
        for ending in &step.shape.endings {
            let Some(target) = step.target(ending.outcome) else { continue };
            let facts = after_ending(id, step, ending, kept.clone());
            match arrivals.get_mut(target) {
                None => {
                    arrivals.insert(target, facts);
                    open.push(target);
                }
                Some(before) if before.is_subset(&facts) => {}
                Some(before) => {
                    before.retain(|fact| facts.contains(fact));
                    open.push(target);
                }
            }
        }
    }
    arrivals
}

/// When a step is entered, its outputs from an earlier visit are removed. Secrets last only for the request in which
/// they were entered.
fn after_entering(id: &StepId, step: &CompiledStep, mut facts: Facts) -> Facts {
    facts.retain(|fact| match fact {
        Fact::Value(of, _) | Fact::Challenge(of) => of != id,
        Fact::Secret(of, _) => of != id && !step.shape.client_facing,
        Fact::Identity(slot) => Some(slot) != step.slot.as_ref(),
        Fact::User => true,
    });
    facts
}

fn after_ending(id: &StepId, step: &CompiledStep, ending: &Ending, mut facts: Facts) -> Facts {
    for output in &ending.outputs {
        let fact = if output.secret { Fact::Secret } else { Fact::Value };
        facts.insert(fact(id.clone(), output.name.clone()));
    }
    let question = Fact::Challenge(step.shape.answers().unwrap_or(id).clone());
    if ending.asks {
        facts.insert(question);
    } else {
        facts.remove(&question);
    }
    if ending.identifies {
        facts.extend(step.slot.clone().map(Fact::Identity));
    }
    if ending.finds_user {
        facts.insert(Fact::User);
    }
    facts
}

fn missing(read: &Read, facts: &Facts) -> Option<(String, DocumentProblem)> {
    let with = |setting: &str| format!(".with.{setting}");
    let (fact, setting, problem) = match read {
        // Parameters are checked at the start.
        Read::Value(_, Reference::Param(_)) | Read::Secret(_, Reference::Param(_)) => return None,
        Read::Value(setting, reference @ Reference::Value { step, name }) => {
            (Fact::Value(step.clone(), name.clone()), with(setting), DocumentProblem::Unset(reference.clone()))
        }
        Read::Secret(setting, reference @ Reference::Value { step, name }) => {
            (Fact::Secret(step.clone(), name.clone()), with(setting), DocumentProblem::SecretUnset(reference.clone()))
        }
        Read::Identity(setting, slot) => {
            (Fact::Identity(slot.clone()), with(setting), DocumentProblem::SlotUnset(slot.clone()))
        }
        Read::Challenge(setting, step) => {
            (Fact::Challenge(step.clone()), with(setting), DocumentProblem::NothingAsked(step.clone()))
        }
        Read::User => (Fact::User, String::new(), DocumentProblem::NoUser),
    };
    (!facts.contains(&fact)).then_some((setting, problem))
}
