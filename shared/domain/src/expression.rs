//! `${...}` in a journey: a setting takes its value from an earlier step or a parameter.
//!
//! A bare reference (`${ask.email}`) is looked up. Anything else (`${params.plan == "gold"}`) is computed by minijinja
//! in an empty environment: no filters, functions or tests, no secrets, and bounded work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use minijinja::value::ValueKind;
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::Value;

use crate::StepId;
use crate::ids::is_field_name;

/// A reference to a step's value or a journey parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `${ask.email}`
    Value {
        /// The step that stored the value.
        step: StepId,
        /// The value's name.
        name: String,
    },
    /// `${params.plan}`
    Param(String),
}

impl Reference {
    /// Parses the text inside the braces: `ask.email`.
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

/// The text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reference: write only ${{step.name}} or ${{params.name}}, without other text")]
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

/// A setting: a literal, a reference, or a computed value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum Expression {
    /// A literal value.
    Literal(Value),
    /// A reference.
    Reference(Reference),
    /// A computed value.
    Computed(Computed),
}

/// An expression that computes a value from references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    source: String,
    reads: Vec<Reference>,
}

/// The text is not a valid expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// The braces are not closed, or there is text outside them.
    #[error("{0:?}: write an expression as ${{...}}, without text before or after it")]
    NotAlone(String),
    /// The expression is too long.
    #[error("an expression has at most {MAX_SOURCE} bytes")]
    TooLong,
    /// `*` could make a very long text or list from a short one.
    #[error("{0:?}: expressions must not use *")]
    Multiplies(String),
    /// `|` and `is` would call a filter or a test.
    #[error("{0:?}: expressions have no filters and no tests")]
    Filters(String),
    /// The syntax is wrong.
    #[error("{0:?} is not an expression: {1}")]
    Syntax(String, String),
    /// It reads something other than a step's value or a parameter.
    #[error("{0:?} reads {1:?}: only step.name and params.name are allowed")]
    Reads(String, String),
}

/// The expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an expression has no value")]
pub struct NoValue;

const MAX_SOURCE: usize = 1024;

/// The largest computed value, in bytes.
const MAX_VALUE: usize = 4096;

/// The instruction limit of minijinja's engine. Expressions have no loops, so no legitimate one needs more.
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
    /// The references that it reads.
    pub fn reads(&self) -> &[Reference] {
        match self {
            Expression::Literal(_) => &[],
            Expression::Reference(reference) => std::slice::from_ref(reference),
            Expression::Computed(computed) => &computed.reads,
        }
    }

    /// Computes the value; `find` returns the values of references.
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
        // minijinja's fuel does not count the cost of multiplying a text or list.
        if bare.contains('*') {
            return Err(InvalidExpression::Multiplies(owned()));
        }
        // No filter or test exists; minijinja would report that only at a login.
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
        // An expression without references can be evaluated now.
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
        // The value is stored in a session, and an expression can join short texts into a long one.
        if value.to_string().len() <= MAX_VALUE { Ok(value) } else { Err(NoValue) }
    }
}

/// The source without its quoted texts.
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

/// Serialization would turn undefined into null, but null is a value: an empty field.
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
    fn a_string_without_a_reference_is_a_literal() {
        assert_eq!(parse("plain $ {x}"), Ok(Expression::Literal(json!("plain $ {x}"))));
        assert_eq!(parse("${params.plan}"), Ok(Expression::Reference(Reference::Param("plan".into()))));
        let email = Reference::Value { step: "ask".parse().unwrap(), name: "email".into() };
        assert_eq!(parse("${ask.email}"), Ok(Expression::Reference(email)));
    }

    #[test]
    fn an_expression_lists_its_references() {
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
    fn an_undefined_value_is_no_value() {
        for text in ["${[params.plan][1]}", "${[[params.plan][1]]}", "${{'a': [params.plan][1]}}", "${ask.other}"] {
            assert_eq!(eval(text), Err(NoValue), "{text}");
        }
    }

    #[test]
    fn calls_and_multiplication_are_refused() {
        for text in ["${range(1000000000)}", "${params.plan|upper}", "${'a' * 1000000000}", "${params.plan is defined}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        // Inside quotes they are text.
        assert_eq!(eval("${params.plan == '2 * 3 | this is \\' it'}"), Ok(json!(false)));
        assert!(matches!(parse("${params.plan.upper()}"), Err(InvalidExpression::Reads(..))));
    }

    #[test]
    fn an_invalid_expression_is_refused() {
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
