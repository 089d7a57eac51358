//! A section of the tree, read key by key: each reader gives the meaning or the default, and notes what is wrong.

use super::origin::{ConfigError, Origin};
use super::secret::Secret;
use super::written::{Table, Value, Written};
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// One table while it is read. Keys that nobody has read by [`Section::finish`] are unknown.
pub(super) struct Section<'a> {
    path: String,
    origin: Origin,
    entries: Option<&'a Table>,
    read: Vec<&'static str>,
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Section<'a> {
    /// The table `key` of the document; absent ones read as empty.
    pub(super) fn of(root: &'a Written, key: &'static str, errors: &'a mut Vec<ConfigError>) -> Self {
        let written = match &root.value {
            Value::Table(entries) => entries.get(key),
            _ => None,
        };
        Self::at(key.to_owned(), written, &root.origin, errors)
    }

    fn at(path: String, written: Option<&'a Written>, above: &Origin, errors: &'a mut Vec<ConfigError>) -> Self {
        let origin = written.map_or(above, |written| &written.origin).clone();
        let entries = match written.map(|written| &written.value) {
            Some(Value::Table(entries)) => Some(entries),
            Some(value) => {
                let allowed = format!("a table, [{path}]");
                errors.push(ConfigError::Value {
                    origin: origin.clone(),
                    key: path.clone(),
                    value: value.kind().to_owned(),
                    allowed,
                });
                None
            }
            None => None,
        };
        Self { path, origin, entries, read: Vec::new(), errors }
    }

    /// What is written at `key`, wherever it was.
    pub(super) fn written(&mut self, key: &'static str) -> Option<&'a Written> {
        if !self.read.contains(&key) {
            self.read.push(key);
        }
        self.entries?.get(key)
    }

    /// Reads `key` by `meaning`, which gives nothing for what is not `allowed`.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: impl fmt::Display,
        meaning: impl FnOnce(&Value) -> Option<T>,
    ) -> T {
        let Some(written) = self.written(key) else {
            return default;
        };
        if let Some(meant) = meaning(&written.value) {
            return meant;
        }
        self.refuse(key, written, written.value.shown(), allowed);
        default
    }

    /// Notes that the value of `key` is not allowed.
    pub(super) fn refuse(&mut self, key: &str, written: &Written, value: String, allowed: impl fmt::Display) {
        let (origin, key) = (written.origin.clone(), format!("{}.{key}", self.path));
        self.errors.push(ConfigError::Value { origin, key, value, allowed: allowed.to_string() });
    }

    /// Notes that `key` is needed and was not written.
    pub(super) fn miss(&mut self, key: &str, allowed: impl fmt::Display) {
        let (origin, key) = (self.origin.clone(), format!("{}.{key}", self.path));
        self.errors.push(ConfigError::Missing { origin, key, allowed: allowed.to_string() });
    }

    /// An integer of `range`.
    pub(super) fn integer<T>(&mut self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        // Where a range follows from another key, the default may have fallen out of it.
        if !range.contains(&default) && self.written(key).is_none() {
            self.miss(key, &allowed);
        }
        self.read(key, default, allowed, |value| {
            T::try_from(integer(value)?).ok().filter(|integer| range.contains(integer))
        })
    }

    /// One of a few numbers.
    pub(super) fn choice_of_numbers(&mut self, key: &'static str, default: u8, numbers: &[u8]) -> u8 {
        let allowed: Vec<String> = numbers.iter().map(|number| format!("{number:#04x}")).collect();
        self.read(key, default, format!("one of {}", allowed.join(", ")), |value| {
            u8::try_from(integer(value)?).ok().filter(|number| numbers.contains(number))
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, default: T, words: &[(&str, T)]) -> T {
        let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.read(key, default, format!("one of {}", allowed.join(", ")), |value| {
            let text = text(value)?;
            words.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant)
        })
    }

    /// The `name` of an array's entry: 1 to 32 of a-z, 0-9, '_', '-', and none of `names`, to which it is added.
    pub(super) fn unique_name(&mut self, names: &mut Vec<String>) -> String {
        const ALLOWED: &str = "1 to 32 of a-z, 0-9, '_', '-', and unlike every other";
        let Some(written) = self.written("name") else {
            self.miss("name", ALLOWED);
            return String::new();
        };
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        match text(&written.value) {
            Some(name)
                if (1..=32).contains(&name.len()) && name.chars().all(legal) && !names.iter().any(|n| n == name) =>
            {
                names.push(name.to_owned());
                name.to_owned()
            }
            _ => {
                self.refuse("name", written, written.value.shown(), ALLOWED);
                String::new()
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, default, "true or false", |value| match value {
            Value::Boolean(truth) => Some(*truth),
            Value::Raw(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A duration of `range` such as `"30s"`.
    pub(super) fn duration(&mut self, key: &'static str, default: &str, range: (&str, &str)) -> Duration {
        let known = |text: &str| humantime::parse_duration(text).unwrap_or_default();
        let (least, most) = (known(range.0), known(range.1));
        let allowed = format!(r#"a duration such as "30s", from {} to {}"#, range.0, range.1);
        self.read(key, known(default), allowed, |value| {
            let duration = humantime::parse_duration(text(value)?).ok()?;
            (least..=most).contains(&duration).then_some(duration)
        })
    }

    /// Text that is one of something's words.
    pub(super) fn word<T: FromStr>(&mut self, key: &'static str, default: T, allowed: &str) -> T {
        self.read(key, default, allowed, |value| text(value)?.parse().ok())
    }

    /// Text of at most `most` octets, all of them printable ASCII, as SMPP's C-Octet Strings want it.
    pub(super) fn ascii(&mut self, key: &'static str, default: &str, most: usize) -> String {
        let allowed = format!("at most {most} characters of printable ASCII");
        self.read(key, default.to_owned(), allowed, |value| {
            text(value).filter(|text| printable(text, most)).map(str::to_owned)
        })
    }

    /// A secret of at most `most` octets of printable ASCII; what was written is never repeated.
    pub(super) fn secret(&mut self, key: &'static str, most: usize) -> Secret {
        let Some(written) = self.written(key) else {
            return Secret::default();
        };
        match text(&written.value).filter(|text| printable(text, most)) {
            Some(text) => Secret::new(text),
            None => {
                let shown = text(&written.value).map_or_else(
                    || "of another kind (not shown)".to_owned(),
                    |text| format!("of {} octets (not shown)", text.len()),
                );
                self.refuse(key, written, shown, format!("at most {most} characters of printable ASCII"));
                Secret::default()
            }
        }
    }

    /// Where to listen: an IP address and a port; port 0 takes a free one.
    pub(super) fn listen(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        self.word(key, default, r#"an IP address and a port such as "127.0.0.1:9090" or "[::1]:9090""#)
    }

    /// A list of texts, each of which `legal` has to take.
    pub(super) fn list(&mut self, key: &'static str, allowed: &str, legal: impl Fn(&str) -> bool) -> Vec<String> {
        let shown = |text: &str| (format!("{text:?}"), allowed.to_owned());
        self.list_of(key, allowed, |text| if legal(text) { Ok(text.to_owned()) } else { Err(shown(text)) })
    }

    /// A list of texts that have a `meaning`, or else how to show what was written, and what is allowed instead.
    pub(super) fn list_of<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        meaning: impl Fn(&str) -> Result<T, (String, String)>,
    ) -> Vec<T> {
        let Some(written) = self.written(key) else {
            return Vec::new();
        };
        let items: Vec<(&Written, Option<&str>)> = match &written.value {
            Value::Raw(raw) if raw.is_empty() => return Vec::new(),
            Value::Raw(raw) => raw.split(',').map(|item| (written, Some(item.trim()))).collect(),
            Value::List(items) => items.iter().map(|item| (item, text(&item.value))).collect(),
            other => {
                self.refuse(key, written, other.shown(), format!("a list, of {allowed}"));
                return Vec::new();
            }
        };
        let mut list = Vec::new();
        for (item, text) in items {
            match text.map(&meaning) {
                Some(Ok(meant)) => list.push(meant),
                Some(Err((shown, allowed))) => self.refuse(key, item, shown, allowed),
                None => self.refuse(key, item, item.value.shown(), allowed),
            }
        }
        list
    }

    /// The table `key` of this one; absent ones read as empty.
    pub(super) fn table(&mut self, key: &'static str) -> Section<'_> {
        let path = format!("{}.{key}", self.path);
        let written = self.written(key);
        Section::at(path, written, &self.origin, self.errors)
    }

    /// Reads each entry of the array of tables `key`; in errors an entry is called by its name, or else its index.
    pub(super) fn entries<T>(&mut self, key: &'static str, read: impl FnMut(Section<'_>) -> T) -> Vec<T> {
        let path = format!("{}.{key}", self.path);
        let written = self.written(key);
        entries(&path, written, self.errors, read)
    }

    /// Notes the keys that nobody read.
    pub(super) fn finish(self) {
        for (key, written) in self.entries.into_iter().flatten() {
            if !self.read.contains(&key.as_str()) {
                let (origin, key) = (written.key.clone(), format!("{}.{key}", self.path));
                self.errors.push(ConfigError::UnknownKey { origin, key, known: self.read.join(", ") });
            }
        }
    }
}

/// Reads each entry of an array of tables at `path`.
pub(super) fn entries<T>(
    path: &str,
    written: Option<&Written>,
    errors: &mut Vec<ConfigError>,
    mut read: impl FnMut(Section<'_>) -> T,
) -> Vec<T> {
    let Some(written) = written else { return Vec::new() };
    let Value::List(items) = &written.value else {
        let (origin, value) = (written.origin.clone(), written.value.kind().to_owned());
        let allowed = format!("an array of tables, [[{path}]]");
        errors.push(ConfigError::Value { origin, key: path.to_owned(), value, allowed });
        return Vec::new();
    };
    let mut all = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let called = item.name().map_or_else(|| index.to_string(), str::to_owned);
        all.push(read(Section::at(format!("{path}.{called}"), Some(item), &written.origin, errors)));
    }
    all
}

/// The text of a value that is one.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Raw(text) | Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The whole number of a value that is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(integer) => Some(*integer),
        Value::Raw(text) => match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

fn printable(text: &str, most: usize) -> bool {
    text.len() <= most && text.bytes().all(|octet| matches!(octet, 0x20..=0x7e))
}
