//! Compiles a document into a journey that can run, and checks every structural rule.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{WORD_RULE, is_field_name};
use domain::{
    ConnectorId, JourneyDocument, JourneyId, ParamDocument, ParamType, Reference, Slot, StepDocument, StepId,
};

use crate::document_error::{DocumentError, DocumentProblem};
use crate::{Outcome, Read, Shape, Step, StepTypes, paths};

/// A compiled journey.
#[derive(Debug)]
pub struct Journey {
    /// Its id.
    pub id: JourneyId,
    /// Its version.
    pub version: u32,
    pub(crate) start: StepId,
    pub(crate) params: BTreeMap<String, ParamDocument>,
    steps: BTreeMap<StepId, CompiledStep>,
}

/// A compiled step.
#[derive(Debug)]
pub(crate) struct CompiledStep {
    pub(crate) step: Box<dyn Step>,
    pub(crate) slot: Option<Slot>,
    pub(crate) shape: Shape,
    next: BTreeMap<String, StepId>,
    /// What this step or a later one may read. Everything else is dropped when the session waits here.
    pub(crate) live: Live,
}

/// What a step or a later one may read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) values: BTreeSet<(StepId, String)>,
    pub(crate) params: BTreeSet<String>,
    pub(crate) slots: BTreeSet<Slot>,
    pub(crate) challenges: BTreeSet<StepId>,
}

impl Live {
    /// Nothing: at the end of a run.
    pub(crate) const NOTHING: Self =
        Self { values: BTreeSet::new(), params: BTreeSet::new(), slots: BTreeSet::new(), challenges: BTreeSet::new() };
}

/// The longest string parameter, in characters. Parameters are stored in the session's item, whose size is limited.
const MAX_TEXT: u32 = 4096;

/// The largest number of steps. The checks follow every path recursively: the limit bounds their time and stack.
pub(crate) const MAX_STEPS: usize = 200;

impl Journey {
    /// Checks the whole document, with steps of these types, and compiles it.
    ///
    /// # Errors
    /// All broken rules, each with its place, in the order of the document.
    pub fn compile(document: JourneyDocument, version: u32, types: StepTypes) -> Result<Self, Vec<DocumentError>> {
        let mut errors = Errors::default();
        if document.format != 1 {
            errors.at("format", DocumentProblem::Format(document.format));
            return Err(errors.0);
        }
        if document.steps.len() > MAX_STEPS {
            errors.at("steps", DocumentProblem::TooManySteps(document.steps.len()));
            return Err(errors.0);
        }
        check_params(&document.params, &mut errors);
        let mut compiled = BTreeMap::new();
        for (id, step) in document.steps {
            if let Some(step) = compile_step(&id, step, types, &mut errors) {
                compiled.insert(id, step);
            }
        }
        // The following checks concern the connections of steps. They need all steps to be valid.
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        let mut journey =
            Self { id: document.id, version, start: document.start, params: document.params, steps: compiled };
        journey.check_targets(&mut errors);
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        journey.check_reachable(&mut errors);
        journey.check_loops(&mut errors);
        journey.check_reads(&mut errors);
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        journey.find_live();
        Ok(journey)
    }

    /// The checks before a journey is saved: those of [`Journey::compile`], and that every path sets what its steps
    /// read. A stored journey is only compiled, so that a rule that is added here later does not stop a running
    /// journey.
    ///
    /// # Errors
    /// All broken rules, each with its place.
    pub fn validate(document: JourneyDocument, types: StepTypes) -> Result<(), Vec<DocumentError>> {
        let journey = Self::compile(document, 0, types)?;
        let errors = paths::unset_reads(&journey);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The connectors that its steps name literally, without those from expressions.
    pub fn connectors(&self) -> impl Iterator<Item = &ConnectorId> {
        self.steps.values().flat_map(|step| &step.shape.connectors)
    }

    /// All steps, by id.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&StepId, &CompiledStep)> {
        self.steps.iter()
    }

    /// The step with this id.
    pub(crate) fn step(&self, id: &StepId) -> Option<&CompiledStep> {
        self.steps.get(id)
    }

    fn check_targets(&self, errors: &mut Errors) {
        if !self.steps.contains_key(&self.start) {
            errors.at("start", DocumentProblem::UnknownStep(self.start.clone()));
        }
        for (id, step) in &self.steps {
            for (outcome, target) in &step.next {
                let place = format!("steps.{id}.next.{outcome}");
                if !step.shape.endings.iter().any(|ending| ending.outcome == outcome) {
                    errors.at(place, DocumentProblem::UnknownOutcome(outcome.clone()));
                } else if !self.steps.contains_key(target) {
                    errors.at(place, DocumentProblem::UnknownStep(target.clone()));
                }
            }
            let outcomes = step.shape.endings.iter().map(|ending| ending.outcome);
            let bases = outcomes.filter(|outcome| !outcome.contains('.'));
            for outcome in bases.filter(|outcome| !step.next.contains_key(*outcome)) {
                errors.at(format!("steps.{id}.next"), DocumentProblem::NoTarget(outcome));
            }
        }
    }

    fn check_reachable(&self, errors: &mut Errors) {
        let reachable = self.reachable_from(&self.start);
        for id in self.steps.keys().filter(|id| !reachable.contains(id)) {
            errors.at(format!("steps.{id}"), DocumentProblem::Unreachable);
        }
    }

    fn reachable_from<'a>(&'a self, from: &'a StepId) -> BTreeSet<&'a StepId> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(id) = open.pop() {
            if found.insert(id)
                && let Some(step) = self.steps.get(id)
            {
                open.extend(step.next.values());
            }
        }
        found
    }

    /// Refuses a loop without a client-facing step: it would run, and call providers, until the step limit.
    fn check_loops(&self, errors: &mut Errors) {
        let mut done = BTreeSet::new();
        for id in self.steps.keys() {
            let mut path = Vec::new();
            if let Some(cycle) = self.find_cycle(id, &mut path, &mut done) {
                errors.at(format!("steps.{}", cycle[0]), DocumentProblem::Loop(cycle));
            }
        }
    }

    fn find_cycle<'a>(
        &'a self,
        id: &'a StepId,
        path: &mut Vec<&'a StepId>,
        done: &mut BTreeSet<&'a StepId>,
    ) -> Option<Vec<StepId>> {
        if let Some(at) = path.iter().position(|seen| *seen == id) {
            return Some(path[at..].iter().copied().chain([id]).cloned().collect());
        }
        let step = self.steps.get(id)?;
        if !done.insert(id) {
            return None;
        }
        path.push(id);
        // A client-facing step can be in such a loop only through endings that come before it asks.
        let unasked = step.shape.endings.iter().filter(|ending| !step.shape.client_facing || ending.at_once);
        let targets: BTreeSet<_> = unasked.filter_map(|ending| step.target(ending.outcome)).collect();
        let cycle = targets.into_iter().find_map(|next| self.find_cycle(next, path, done));
        path.pop();
        cycle
    }

    fn check_reads(&self, errors: &mut Errors) {
        for (id, step) in &self.steps {
            for read in &step.shape.reads {
                if let Some((setting, problem)) = self.problem_with(read) {
                    errors.at(format!("steps.{id}.with.{setting}"), problem);
                }
            }
        }
    }

    fn problem_with(&self, read: &Read) -> Option<(&'static str, DocumentProblem)> {
        let secret = |reference: &Reference| match reference {
            Reference::Param(name) => self.params.contains_key(name).then_some(false),
            Reference::Value { step, name } => {
                let mut outputs = self.steps.get(step)?.shape.outputs();
                outputs.find(|output| output.name == *name).map(|output| output.secret)
            }
        };
        let problem = |setting: &'static str, problem| Some((setting, problem));
        match read {
            Read::Value(setting, reference) => match secret(reference) {
                Some(false) => None,
                Some(true) => problem(setting, DocumentProblem::SecretExposed(reference.clone())),
                None => problem(setting, DocumentProblem::UnknownReference(reference.clone())),
            },
            Read::Secret(setting, reference) => match secret(reference) {
                Some(true) => None,
                Some(false) => problem(setting, DocumentProblem::NotSecret(reference.clone())),
                None => problem(setting, DocumentProblem::UnknownReference(reference.clone())),
            },
            Read::Identity(setting, slot) => {
                let is_filled = self.steps.values().any(|step| step.slot.as_ref() == Some(slot));
                if is_filled { None } else { problem(setting, DocumentProblem::UnknownSlot(slot.clone())) }
            }
            Read::Challenge(setting, step) => {
                let asks = |step: &CompiledStep| step.shape.endings.iter().any(|ending| ending.asks);
                let begun = self.steps.get(step).is_some_and(|step| asks(step) && step.shape.answers().is_none());
                if begun { None } else { problem(setting, DocumentProblem::AsksNothing(step.clone())) }
            }
            // No setting names the user: the check of paths decides.
            Read::User => None,
        }
    }

    fn find_live(&mut self) {
        let live: Vec<_> = self.steps.keys().map(|id| (id.clone(), self.live_at(id))).collect();
        for (id, live) in live {
            if let Some(step) = self.steps.get_mut(&id) {
                step.live = live;
            }
        }
    }

    fn live_at(&self, id: &StepId) -> Live {
        let mut live = Live::default();
        let steps = self.reachable_from(id).into_iter().filter_map(|id| self.steps.get(id));
        for read in steps.flat_map(|step| &step.shape.reads) {
            match read {
                Read::Value(_, Reference::Param(name)) => {
                    live.params.insert(name.clone());
                }
                Read::Value(_, Reference::Value { step, name }) => {
                    live.values.insert((step.clone(), name.clone()));
                }
                Read::Identity(_, slot) => {
                    live.slots.insert(slot.clone());
                }
                Read::Challenge(_, step) => {
                    live.challenges.insert(step.clone());
                }
                // Secrets are never stored, and the user is never dropped.
                Read::Secret(..) | Read::User => {}
            }
        }
        live
    }
}

impl CompiledStep {
    /// The target of an outcome: its own, otherwise that of its base.
    pub(crate) fn target(&self, outcome: Outcome) -> Option<&StepId> {
        let base = outcome.split('.').next().unwrap_or(outcome);
        self.next.get(outcome).or_else(|| self.next.get(base))
    }
}

fn compile_step(id: &StepId, document: StepDocument, types: StepTypes, errors: &mut Errors) -> Option<CompiledStep> {
    if id.as_str() == "params" {
        errors.at(format!("steps.{id}"), DocumentProblem::ReservedId);
    }
    let Some(kind) = types.find(&document.kind) else {
        errors
            .at(format!("steps.{id}.type"), DocumentProblem::UnknownType { name: document.kind, known: types.names() });
        return None;
    };
    let step = match kind.parse(document.with.unwrap_or_else(|| serde_json::json!({}))) {
        Ok(step) => step,
        Err(invalid) => {
            let dot = if invalid.path.is_empty() { "" } else { "." };
            errors.at(format!("steps.{id}.with{dot}{}", invalid.path), DocumentProblem::Settings(invalid.reason));
            return None;
        }
    };
    let shape = step.shape();
    match (shape.identifies(), &document.slot) {
        (true, None) => errors.at(format!("steps.{id}"), DocumentProblem::NoSlot),
        (false, Some(_)) => errors.at(format!("steps.{id}.as"), DocumentProblem::NeedlessSlot),
        _ => {}
    }
    Some(CompiledStep { step, slot: document.slot, shape, next: document.next, live: Live::default() })
}

fn check_params(params: &BTreeMap<String, ParamDocument>, errors: &mut Errors) {
    for (name, param) in params {
        if !is_field_name(name) {
            errors.at(format!("params.{name}"), DocumentProblem::Param(WORD_RULE));
        }
        if param.kind == ParamType::String && param.max.is_some_and(|max| max > MAX_TEXT) {
            errors.at(format!("params.{name}.max"), DocumentProblem::Param("must be at most 4096 for a string"));
        }
        if param.default.as_ref().is_some_and(|default| !param.accepts(default)) {
            errors.at(
                format!("params.{name}.default"),
                DocumentProblem::Param("does not fit the parameter's own type and max"),
            );
        }
    }
}

#[derive(Default)]
struct Errors(Vec<DocumentError>);

impl Errors {
    fn at(&mut self, place: impl Into<String>, problem: DocumentProblem) {
        self.0.push(DocumentError { place: place.into(), problem });
    }
}
