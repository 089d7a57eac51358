//! What was written: one tree of the file and everything laid over it, each value with its origin.
//!
//! The file is TOML 1.1. Over it lies the environment: `BELLWIRE_OPS__LISTEN` is `ops.listen`; over that lie `--set`
//! arguments, `ops.listen=127.0.0.1:9091`. Both give a value as it stands, without quotes; lists are separated by
//! commas. An entry of an array is meant by its index or by its name, `smsc.0.window` or `smsc.main.window`; digits
//! alone are an index, and the index after the last one begins a new entry. Variables without a double underscore are none of
//! ours: Kubernetes sets `BELLWIRE_PORT` and the like for a service of that name.

use super::origin::{ConfigError, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Arrays of tables, by their path.
const ARRAYS: [&[&str]; 3] = [&["smsc"], &["access", "credential"], &["access", "token", "key"]];
/// What every variable of ours begins with.
const VARIABLE_PREFIX: &str = "BELLWIRE_";

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Where the value is.
    pub(super) origin: Origin,
    /// Where its key is.
    pub(super) key: Origin,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// From the environment or `--set`: what kind it is depends on the key.
    Raw(String),
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// Floats, dates and integers beyond 64 bits, which no key takes.
    Other(String),
    List(Vec<Written>),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Written>;

/// Reads the file's text; what could not be read is in `errors`.
pub(super) fn file(name: &Arc<str>, text: &str, errors: &mut Vec<ConfigError>) -> Written {
    let (document, wrong) = DeTable::parse_recoverable(text);
    for error in wrong {
        let offset = error.span().map_or(0, |span| span.start);
        let origin = Origin::in_file(name, text, offset);
        errors.push(ConfigError::Syntax { origin, reason: error.message().to_owned() });
    }
    let place = |offset| Origin::in_file(name, text, offset);
    Written { origin: place(0), key: place(0), value: Value::Table(table(document.get_ref(), &place)) }
}

fn table(entries: &DeTable<'_>, place: &impl Fn(usize) -> Origin) -> Table {
    entries.iter().map(|(key, value)| (key.get_ref().to_string(), written(key.span().start, value, place))).collect()
}

/// Tables are placed at their key, for theirs is the place of a key that is missing; values at themselves.
fn written(key_at: usize, spanned: &Spanned<DeValue<'_>>, place: &impl Fn(usize) -> Origin) -> Written {
    let at = spanned.span().start;
    let (at, value) = match spanned.get_ref() {
        DeValue::String(text) => (at, Value::Text(text.to_string())),
        DeValue::Integer(digits) => {
            let integer = i64::from_str_radix(digits.as_str(), digits.radix());
            (at, integer.map_or_else(|_| Value::Other(digits.to_string()), Value::Integer))
        }
        DeValue::Boolean(truth) => (at, Value::Boolean(*truth)),
        DeValue::Float(number) => (at, Value::Other(number.to_string())),
        DeValue::Datetime(date) => (at, Value::Other(date.to_string())),
        DeValue::Array(items) => {
            (at, Value::List(items.iter().map(|item| written(item.span().start, item, place)).collect()))
        }
        DeValue::Table(entries) => (key_at, Value::Table(table(entries, place))),
    };
    Written { origin: place(at), key: place(key_at), value }
}

/// Lays the variables of `environment` over `root`, in an order that does not depend on theirs.
pub(super) fn lay_environment(
    root: &mut Written,
    environment: impl IntoIterator<Item = (String, String)>,
    errors: &mut Vec<ConfigError>,
) {
    let ours = environment.into_iter().filter_map(|(variable, value)| {
        let path = variable.strip_prefix(VARIABLE_PREFIX)?;
        let segments: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        (segments.len() > 1).then_some((segments, variable, value))
    });
    let mut ours: Vec<_> = ours.collect();
    // Entry 2 of an array before entry 10.
    ours.sort_by_cached_key(|(segments, ..)| {
        segments.iter().map(|segment| (segment.parse::<u32>().ok(), segment.clone())).collect::<Vec<_>>()
    });
    for (segments, variable, value) in ours {
        lay(root, &segments, &value, Origin::Environment(variable.into()), errors);
    }
}

/// Lays `section.key=value` arguments over `root`, the last of several for one key winning.
pub(super) fn lay_sets(root: &mut Written, sets: &[String], errors: &mut Vec<ConfigError>) {
    for set in sets {
        let Some((path, value)) = set.split_once('=') else {
            // Only the key is repeated: what follows may be a secret.
            let key = set.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-')).next();
            let origin = Origin::Set(key.unwrap_or_default().into());
            errors.push(ConfigError::Override { origin, reason: "expected section.key=value".to_owned() });
            continue;
        };
        let segments: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        lay(root, &segments, value, Origin::Set(path.trim().into()), errors);
    }
}

fn lay(root: &mut Written, segments: &[String], value: &str, origin: Origin, errors: &mut Vec<ConfigError>) {
    match slot(root, segments, &origin) {
        Ok(slot) => *slot = Written { key: origin.clone(), origin, value: Value::Raw(value.to_owned()) },
        Err(reason) => errors.push(ConfigError::Override { origin, reason }),
    }
}

/// The place in the tree that `segments` mean, made if it is not there.
fn slot<'a>(root: &'a mut Written, segments: &[String], origin: &Origin) -> Result<&'a mut Written, String> {
    let mut node = root;
    for (depth, segment) in segments.iter().enumerate() {
        let path = segments[..=depth].join(".");
        let fresh = || Written { origin: origin.clone(), key: origin.clone(), value: fresh(&segments[..=depth]) };
        node = match &mut node.value {
            Value::Table(entries) => entries.entry(segment.clone()).or_insert_with(fresh),
            Value::List(items) => {
                let index = entry(items, segment)?;
                if index == items.len() {
                    items.push(fresh());
                }
                items.get_mut(index).ok_or_else(|| format!("{path} does not exist"))?
            }
            _ => return Err(format!("{path}: a value has no keys")),
        };
    }
    Ok(node)
}

/// An empty value of the kind that stands at `path`.
fn fresh(path: &[String]) -> Value {
    match ARRAYS.iter().any(|array| array.iter().eq(path)) {
        true => Value::List(Vec::new()),
        false => Value::Table(Table::new()),
    }
}

/// The index of the entry that `segment` means: up to one past the last.
fn entry(items: &[Written], segment: &str) -> Result<usize, String> {
    if let Ok(index) = segment.parse::<usize>() {
        return match index <= items.len() {
            true => Ok(index),
            false => Err(format!("entry {index} does not exist, there are {}", items.len())),
        };
    }
    let named = items.iter().position(|item| item.name() == Some(segment));
    named.ok_or_else(|| format!("no entry has the name {segment:?}"))
}

impl Written {
    /// The `name` of an array's entry.
    pub(super) fn name(&self) -> Option<&str> {
        let Value::Table(entries) = &self.value else {
            return None;
        };
        match &entries.get("name")?.value {
            Value::Raw(name) | Value::Text(name) => Some(name),
            _ => None,
        }
    }
}

impl Value {
    /// What sort of value it is, for errors where the value itself may be a secret.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Raw(_) | Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "a truth value",
            Self::Other(_) => "a fraction or date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The value as it is shown in an error, cut where it gets long.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Raw(text) | Self::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
            Self::Integer(integer) => integer.to_string(),
            Self::Boolean(truth) => truth.to_string(),
            Self::Other(text) => text.chars().take(80).collect(),
            Self::List(_) | Self::Table(_) => self.kind().to_owned(),
        }
    }
}
