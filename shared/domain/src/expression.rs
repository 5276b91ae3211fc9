//! `${...}` in a journey: where a setting takes a value from what happened before.
//!
//! A bare reference (`${ask.email}`) is looked up; anything more (`${params.plan == "gold"}`) is computed by minijinja in an
//! environment with nothing in it: no filters, functions or tests, no secrets, and bounded work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use minijinja::value::ValueKind;
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::Value;

use crate::StepId;
use crate::ids::is_field_name;

/// A value a step left, or a parameter the journey was started with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `${ask.email}`
    Value {
        /// Who left it.
        step: StepId,
        /// Under which name.
        name: String,
    },
    /// `${params.plan}`
    Param(String),
}

impl Reference {
    /// `ask.email`, as it stands inside the braces.
    fn parse(text: &str) -> Option<Self> {
        let (root, name) = text.split_once('.')?;
        if !is_field_name(name) {
            return None;
        }
        Some(match root {
            "params" => Reference::Param(name.to_owned()),
            step => Reference::Value { step: step.parse().ok()?, name: name.to_owned() },
        })
    }

    fn root(&self) -> &str {
        match self {
            Reference::Value { step, .. } => step.as_str(),
            Reference::Param(_) => "params",
        }
    }

    fn name(&self) -> &str {
        match self {
            Reference::Value { name, .. } | Reference::Param(name) => name,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}.{}}}", self.root(), self.name())
    }
}

/// The text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reference: write ${{step.name}} or ${{params.name}} and nothing beside it")]
pub struct InvalidReference(String);

impl TryFrom<String> for Reference {
    type Error = InvalidReference;

    fn try_from(text: String) -> Result<Self, InvalidReference> {
        let reference = inside_braces(&text).and_then(|inside| Self::parse(inside.trim()));
        reference.ok_or(InvalidReference(text))
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A setting that is a literal or comes from what happened before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum Expression {
    /// The value itself.
    Literal(Value),
    /// Where to find it.
    Reference(Reference),
    /// How to compute it.
    Computed(Computed),
}

/// A value that is computed from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    source: String,
    reads: Vec<Reference>,
}

/// The text is no literal and no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// Braces that open and do not close, or text beside them.
    #[error("{0:?}: an expression stands alone, as ${{...}} with nothing beside it")]
    NotAlone(String),
    /// Longer than anybody can read.
    #[error("an expression has at most {MAX_SOURCE} bytes")]
    TooLong,
    /// `*` makes long lists out of short ones.
    #[error("{0:?}: expressions do not multiply")]
    Multiplies(String),
    /// `|` and `is` call something.
    #[error("{0:?}: expressions have no filters and no tests")]
    Filters(String),
    /// It is none.
    #[error("{0:?} is not an expression: {1}")]
    Syntax(String, String),
    /// It reads something that is no value.
    #[error("{0:?} reads {1:?}: it may read step.name and params.name")]
    Reads(String, String),
}

/// An expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an expression has no value")]
pub struct NoValue;

const MAX_SOURCE: usize = 1024;

/// In bytes, of a computed value.
const MAX_VALUE: usize = 4096;

/// Instructions of minijinja's machine. An expression has no loops: more than this is no honest one.
const FUEL: u64 = 10_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
});

fn inside_braces(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}')
}

impl TryFrom<Value> for Expression {
    type Error = InvalidExpression;

    fn try_from(value: Value) -> Result<Self, InvalidExpression> {
        let text = match value {
            Value::String(text) if text.contains("${") => text,
            literal => return Ok(Expression::Literal(literal)),
        };
        let Some(inside) = inside_braces(&text).map(str::trim) else { return Err(InvalidExpression::NotAlone(text)) };
        match Reference::parse(inside) {
            Some(reference) => Ok(Expression::Reference(reference)),
            None => Computed::parse(inside).map(Expression::Computed),
        }
    }
}

impl Expression {
    /// All it reads.
    pub fn reads(&self) -> &[Reference] {
        match self {
            Expression::Literal(_) => &[],
            Expression::Reference(reference) => std::slice::from_ref(reference),
            Expression::Computed(computed) => &computed.reads,
        }
    }

    /// Its value, where `find` knows those it reads.
    pub fn eval<'a>(&self, find: impl Fn(&Reference) -> Option<&'a Value>) -> Result<Value, NoValue> {
        match self {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Reference(reference) => find(reference).cloned().ok_or(NoValue),
            Expression::Computed(computed) => computed.eval(find),
        }
    }
}

impl Computed {
    fn parse(source: &str) -> Result<Self, InvalidExpression> {
        if source.len() > MAX_SOURCE {
            return Err(InvalidExpression::TooLong);
        }
        let owned = || source.to_owned();
        let bare = without_texts(source);
        // The machine's fuel does not count what one multiplication of a text or list costs.
        if bare.contains('*') {
            return Err(InvalidExpression::Multiplies(owned()));
        }
        // There are none, which the machine would notice when somebody logs in.
        if bare.contains('|') || bare.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "is") {
            return Err(InvalidExpression::Filters(owned()));
        }
        let compiled = ENVIRONMENT
            .compile_expression(source)
            .map_err(|error| InvalidExpression::Syntax(owned(), error.detail().unwrap_or_default().to_owned()))?;
        let mut names: Vec<_> = compiled.undeclared_variables(true).into_iter().collect();
        names.sort_unstable();
        let reads = names
            .into_iter()
            .map(|name| Reference::parse(&name).ok_or_else(|| InvalidExpression::Reads(owned(), name)));
        let computed = Self { reads: reads.collect::<Result<_, _>>()?, source: owned() };
        // One that reads nothing is known by now.
        if computed.reads.is_empty() && computed.eval(|_| None).is_err() {
            return Err(InvalidExpression::Syntax(owned(), "it has no value".to_owned()));
        }
        Ok(computed)
    }

    fn eval<'a>(&self, find: impl Fn(&Reference) -> Option<&'a Value>) -> Result<Value, NoValue> {
        let mut context: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
        for reference in &self.reads {
            let value = find(reference).ok_or(NoValue)?;
            context.entry(reference.root()).or_default().insert(reference.name(), value);
        }
        let compiled = ENVIRONMENT.compile_expression(&self.source).map_err(|_| NoValue)?;
        let value = compiled.eval(minijinja::value::Serde(&context)).map_err(|_| NoValue)?;
        if !is_defined(&value) {
            return Err(NoValue);
        }
        let value = serde_json::to_value(&value).map_err(|_| NoValue)?;
        // It is kept in a session, and short texts can be put together into a long one.
        if value.to_string().len() <= MAX_VALUE { Ok(value) } else { Err(NoValue) }
    }
}

/// The source without what stands between quotes.
fn without_texts(source: &str) -> String {
    let (mut bare, mut quote, mut escaped) = (String::new(), None, false);
    for c in source.chars() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => bare.push(c),
        }
    }
    bare
}

/// What is undefined would be written as null, and null is a value: a field that was left empty.
fn is_defined(value: &minijinja::Value) -> bool {
    match value.kind() {
        ValueKind::Undefined | ValueKind::Invalid => false,
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().is_ok_and(|mut items| items.all(|item| is_defined(&item)))
        }
        ValueKind::Map => value
            .try_iter()
            .is_ok_and(|mut keys| keys.all(|key| value.get_item(&key).is_ok_and(|item| is_defined(&item)))),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Expression, InvalidExpression> {
        Expression::try_from(json!(text))
    }

    fn eval(text: &str) -> Result<Value, NoValue> {
        let values = BTreeMap::from([
            ("${ask.email}", json!("ada@example.org")),
            ("${ask.name}", json!(null)),
            ("${params.plan}", json!("gold")),
            ("${params.seats}", json!(3)),
        ]);
        parse(text).unwrap().eval(|reference| values.get(reference.to_string().as_str()))
    }

    #[test]
    fn a_string_is_itself_unless_it_refers() {
        assert_eq!(parse("plain $ {x}"), Ok(Expression::Literal(json!("plain $ {x}"))));
        assert_eq!(parse("${params.plan}"), Ok(Expression::Reference(Reference::Param("plan".into()))));
        let email = Reference::Value { step: "ask".parse().unwrap(), name: "email".into() };
        assert_eq!(parse("${ask.email}"), Ok(Expression::Reference(email)));
    }

    #[test]
    fn an_expression_says_what_it_reads() {
        let reads = |text| parse(text).unwrap().reads().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(reads("${ask.email}"), ["${ask.email}"]);
        assert_eq!(
            reads("${params.plan == 'gold' and (ask.email or params.seats > 2)}"),
            ["${ask.email}", "${params.plan}", "${params.seats}"]
        );
    }

    #[test]
    fn an_expression_is_computed() {
        assert_eq!(eval("${params.plan == 'gold' and params.seats > 2}"), Ok(json!(true)));
        assert_eq!(eval("${'@example.org' in ask.email}"), Ok(json!(true)));
        assert_eq!(eval("${not ask.name}"), Ok(json!(true)));
        assert_eq!(eval("${'big' if params.seats > 9 else 'small'}"), Ok(json!("small")));
        assert_eq!(eval("${ask.name}"), Ok(json!(null)));
    }

    #[test]
    fn what_is_undefined_is_no_value() {
        for text in ["${[params.plan][1]}", "${[[params.plan][1]]}", "${{'a': [params.plan][1]}}", "${ask.other}"] {
            assert_eq!(eval(text), Err(NoValue), "{text}");
        }
    }

    #[test]
    fn nothing_is_called_and_nothing_is_multiplied() {
        for text in ["${range(1000000000)}", "${params.plan|upper}", "${'a' * 1000000000}", "${params.plan is defined}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        // Between quotes they are text.
        assert_eq!(eval("${params.plan == '2 * 3 | this is \\' it'}"), Ok(json!(false)));
        assert!(matches!(parse("${params.plan.upper()}"), Err(InvalidExpression::Reads(..))));
    }

    #[test]
    fn what_only_looks_like_an_expression_is_refused() {
        let long = format!("${{params.plan == '{}'}}", "a".repeat(MAX_SOURCE));
        for bad in [
            "a ${ask.email}",
            "${ask}",
            "${ask.email",
            "${env.HOME!}",
            "${ask.email.x}",
            "${ask['email']}",
            "${1.x}",
            "${}",
            "${params.A}",
            "${params.plan == }",
            long.as_str(),
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(Reference::try_from("${params.plan == 'gold'}".to_owned()).is_err());
    }
}
