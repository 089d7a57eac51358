//! A line of JSON: an object whose members are the columns.

use super::Wrong;
use super::column::{Column, Row, unknown};
use crate::cli::sub::types;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::fmt;

/// Reads a line.
///
/// # Errors
/// When it is no such object.
pub(super) fn row(line: &str) -> Result<Row, Wrong> {
    serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        // The line is known better.
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        Wrong::row(format_args!("{what} (column {})", error.column()))
    })
}

/// Writes a line.
pub(super) fn line(row: &Row) -> serde_json::Result<String> {
    serde_json::to_string(row)
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Row, A::Error> {
        let mut row = Row::default();
        while let Some(key) = members.next_key::<String>()? {
            let column = Column::named(&key).ok_or_else(|| A::Error::custom(unknown(&key)))?;
            if row.get(column).is_some() {
                return Err(A::Error::custom(format_args!("{} is there twice", column.name())));
            }
            let value = match members.next_value::<Value>()? {
                Value::Null => None,
                Value::String(text) => Some(text),
                Value::Number(number) if column.is_count() => Some(number.to_string()),
                list @ Value::Array(_) if column.is_list() => Some(list.to_string()),
                other => {
                    let allowed = match column {
                        _ if column.is_count() => "a whole number",
                        _ if column.is_list() => "a list of strings",
                        _ => "a string",
                    };
                    let other: String = other.to_string().chars().take(80).collect();
                    return Err(A::Error::custom(format_args!("{} {other}: {allowed} or null", column.name())));
                }
            };
            row.set(column, value);
        }
        Ok(row)
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for column in Column::ALL {
            let Some(value) = self.get(column) else { continue };
            if let Some(count) = value.parse::<u32>().ok().filter(|_| column.is_count()) {
                members.serialize_entry(column.name(), &count)?;
            } else if let Some(list) = types::read(value).ok().filter(|_| column.is_list()) {
                members.serialize_entry(column.name(), &list.iter().collect::<Vec<_>>())?;
            } else {
                members.serialize_entry(column.name(), value)?;
            }
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let mut one = Row::default();
        one.set(Column::To, Some("+15551234567".to_owned()));
        one.set(Column::Application, Some(String::new()));
        one.set(Column::MaxEvents, Some("7".to_owned()));
        one.set(Column::Types, Some(r#"["a,b"]"#.to_owned()));
        let text = line(&one).unwrap();
        assert_eq!(text, r#"{"to":"+15551234567","application":"","max_events":7,"types":["a,b"]}"#);
        assert_eq!(row(&text), Ok(one.clone()));
        assert_eq!(
            row(r#" {"number":"+15551234567","feed":null,"application":"","max-events":"7","types":["a,b"]} "#),
            Ok(one)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let why = |line: &str| row(line).unwrap_err().why;
        assert!(why(r#"{"too":"1"}"#).starts_with(r#""too" is none of tenant, source, "#), "{}", why(r#"{"too":"1"}"#));
        assert!(why(r#"{"to":15551234567}"#).starts_with("to 15551234567: a string or null"));
        assert!(why(r#"{"ttl":{"seconds":3}}"#).starts_with(r#"ttl {"seconds":3}: a string"#));
        assert!(why(r#"{"to":"1","number":"2"}"#).starts_with("to is there twice"));
        assert_eq!(why(r#"{"to":"1""#), "EOF while parsing an object (column 9)");
        assert!(why("[]").contains("expected an object"));
        assert!(why("{} {}").starts_with("trailing characters"));
    }
}
