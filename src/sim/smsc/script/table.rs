//! A table of a script, read key by key. What is wrong is noted with line, key, value and what is allowed, so that one
//! look at a script finds everything that is wrong with it.

use crate::codec::smpp::CommandStatus;
use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// No run is longer, and sums of such times still are times.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is no script: everything that is wrong with it, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", wrong.iter().map(Wrong::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ScriptError {
    /// In the order of lines.
    pub wrong: Vec<Wrong>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its line, from 1.
    pub line: usize,
    /// The key and what is wrong with it.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// What is wrong so far.
pub(super) struct Notes<'a> {
    text: &'a str,
    wrong: RefCell<Vec<Wrong>>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, wrong: RefCell::default() }
    }

    pub(super) fn note(&self, offset: usize, what: String) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = 1 + before.bytes().filter(|octet| *octet == b'\n').count();
        self.wrong.borrow_mut().push(Wrong { line, what });
    }

    /// The script, if nothing was noted.
    pub(super) fn settle<T>(self, read: T) -> Result<T, ScriptError> {
        let mut wrong = self.wrong.into_inner();
        if wrong.is_empty() {
            return Ok(read);
        }
        wrong.sort_by_key(|wrong| wrong.line);
        Err(ScriptError { wrong })
    }
}

/// One table while it is read. Keys that nobody has read by [`Table::finish`] are unknown.
pub(super) struct Table<'a> {
    path: String,
    offset: usize,
    entries: Option<&'a DeTable<'a>>,
    read: Vec<&'static str>,
    notes: &'a Notes<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn root(entries: &'a DeTable<'a>, notes: &'a Notes<'a>) -> Self {
        Self { path: String::new(), offset: 0, entries: Some(entries), read: Vec::new(), notes }
    }

    /// A value that should be a table; `offset` is that of its key.
    fn at(path: String, offset: usize, value: &'a Spanned<DeValue<'a>>, notes: &'a Notes<'a>) -> Self {
        let entries = match value.get_ref() {
            DeValue::Table(entries) => Some(entries),
            other => {
                notes.note(offset, format!("{path} = {} is not allowed: a table is", shown(other)));
                None
            }
        };
        Self { path, offset, entries, read: Vec::new(), notes }
    }

    /// The table at `key`; what is not there reads as empty.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        let path = self.path_of(key);
        match self.entry(key) {
            Some((offset, value)) => Self::at(path, offset, value, self.notes),
            None => Self { path, offset: self.offset, entries: None, read: Vec::new(), notes: self.notes },
        }
    }

    /// The tables at `key`, which is written `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let path = self.path_of(key);
        match self.entry(key) {
            None => Vec::new(),
            Some((_, value)) if let DeValue::Array(items) = value.get_ref() => {
                let numbered = items.iter().enumerate();
                numbered
                    .map(|(at, item)| Self::at(format!("{path}[{}]", at + 1), item.span().start, item, self.notes))
                    .collect()
            }
            Some((offset, value)) => {
                self.notes.note(offset, format!("{path} = {} is not allowed: [[{path}]] is", shown(value.get_ref())));
                Vec::new()
            }
        }
    }

    /// Whether anything is written here.
    pub(super) fn is_written(&self) -> bool {
        self.entries.is_some()
    }

    /// Whether this key is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.get(key).is_some())
    }

    /// What is written at `key`, and whether it is a table.
    pub(super) fn has_table(&self, key: &str) -> bool {
        let value = self.entries.and_then(|entries| entries.get(key));
        value.is_some_and(|value| matches!(value.get_ref(), DeValue::Table(_)))
    }

    fn entry(&mut self, key: &'static str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        if !self.read.contains(&key) {
            self.read.push(key);
        }
        let (name, value) = self.entries?.get_key_value(key)?;
        Some((name.span().start, value))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The meaning of `key`, which gives nothing for what is not `allowed`.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        allowed: impl fmt::Display,
        meaning: impl FnOnce(&DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let path = self.path_of(key);
        let (_, value) = self.entry(key)?;
        let meant = meaning(value.get_ref());
        if meant.is_none() {
            let what = format!("{path} = {} is not allowed: {allowed} is", shown(value.get_ref()));
            self.notes.note(value.span().start, what);
        }
        meant
    }

    /// Notes that this table makes no sense.
    pub(super) fn refuse(&self, what: impl fmt::Display) {
        self.notes.note(self.offset, format!("{}: {what}", self.path));
    }

    /// Notes that `key` makes no sense here.
    pub(super) fn refuse_key(&mut self, key: &'static str, what: impl fmt::Display) {
        let path = self.path_of(key);
        let offset = self.entry(key).map_or(self.offset, |(offset, _)| offset);
        self.notes.note(offset, format!("{path}: {what}"));
    }

    /// A duration above or equal to nothing.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.read(key, "a duration such as \"250ms\" or \"2s\"", duration)
    }

    pub(super) fn count(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let allowed = match *range.end() {
            u64::MAX => format!("a whole number from {}", range.start()),
            end => format!("a whole number from {} to {end}", range.start()),
        };
        self.read(key, allowed, |value| whole(value).filter(|number| range.contains(number)))
    }

    /// A command_status, 1 and more.
    pub(super) fn status(&mut self, key: &'static str) -> Option<CommandStatus> {
        self.read(key, "a command_status from 1 to 0xFFFFFFFF", status)
    }

    pub(super) fn probability(&mut self, key: &'static str) -> Option<f64> {
        self.read(key, "a number from 0 to 1", |value| number(value).filter(|number| (0.0..=1.0).contains(number)))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |value| match value {
            DeValue::Boolean(truth) => Some(*truth),
            _ => None,
        })
    }

    /// Text of `octets` octets at most, and at least one.
    pub(super) fn text(&mut self, key: &'static str, octets: usize) -> Option<String> {
        self.read(key, format!("a text of 1 to {octets} octets"), |value| {
            text(value).filter(|text| (1..=octets).contains(&text.len())).map(str::to_owned)
        })
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.read(key, format!("one of {}", allowed.join(", ")), |value| word(value, words))
    }

    /// One value, or a list of one or more.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        meaning: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.read(key, format!("{allowed}, or a list of such,"), |value| match value {
            DeValue::Array(items) if items.is_empty() => None,
            DeValue::Array(items) => items.iter().map(|item| meaning(item.get_ref())).collect(),
            one => Some(vec![meaning(one)?]),
        })
    }

    /// Notes every key that nobody has read.
    pub(super) fn finish(self) {
        for (key, _) in self.entries.into_iter().flatten() {
            let name: &str = key.get_ref();
            if !self.read.contains(&name) {
                let what = format!("{}: unknown key, known here are {}", self.path_of(name), self.read.join(", "));
                self.notes.note(key.span().start, what);
            }
        }
    }
}

pub(super) fn duration(value: &DeValue<'_>) -> Option<Duration> {
    humantime::parse_duration(text(value)?).ok().filter(|time| *time <= LONGEST)
}

pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

pub(super) fn whole(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
        _ => None,
    }
}

pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => whole(value).map(|number| number as f64),
        DeValue::Float(digits) => digits.as_str().parse().ok(),
        _ => None,
    }
}

pub(super) fn status(value: &DeValue<'_>) -> Option<CommandStatus> {
    whole(value).and_then(|code| u32::try_from(code).ok()).filter(|code| *code > 0).map(CommandStatus)
}

pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Option<T> {
    let text = text(value)?;
    words.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant)
}

/// A value as it is repeated in a message.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(digits) => digits.to_string(),
        DeValue::Float(digits) => digits.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{} = {}", key.get_ref(), shown(value.get_ref())));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
