//! Subscriptions as rows of a file: what `sub export` writes and `sub import` reads, one on each line.

mod column;
mod csv;
mod jsonl;
mod layout;
mod lines;
mod reading;
mod writing;

pub(super) use column::Column;
pub(super) use layout::{Layout, Line, Rows};
pub(super) use writing::row;

use clap::ValueEnum;
use std::fmt;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// RFC 4180, with a header line; no value has a line break in it. A bare empty cell is a value left out, and `""` an
    /// empty value.
    Csv,
    /// An object on each line.
    Jsonl,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Where, if it is one value.
    pub column: Option<Column>,
    /// What is there.
    pub value: String,
    /// What is allowed, or why it is not.
    pub why: String,
}

impl Wrong {
    /// A row that is wrong as a whole.
    pub fn row(why: impl fmt::Display) -> Self {
        Self { column: None, value: String::new(), why: why.to_string() }
    }

    /// A wrong value.
    pub fn value(column: Column, value: &str, why: impl fmt::Display) -> Self {
        Self { column: Some(column), value: value.to_owned(), why: why.to_string() }
    }

    /// In words. A phone number is shown only if `whole`.
    pub fn words(&self, whole: bool) -> String {
        match self.column {
            None => self.why.clone(),
            Some(column) if self.value.is_empty() || (column == Column::To && !whole) => {
                format!("{}: {}", column.name(), self.why)
            }
            Some(column) => {
                let value: String = self.value.chars().take(80).collect();
                format!("{} {value:?}: {}", column.name(), self.why)
            }
        }
    }
}
