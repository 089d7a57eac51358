//! Where a value was written, and what is wrong with it there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the file; line and column count from 1, columns in characters.
    File {
        /// The file's name as given.
        name: Arc<str>,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// In a variable of the environment.
    Environment(Arc<str>),
    /// In a `--set` argument, by its key.
    Set(Arc<str>),
}

impl Origin {
    /// The place of octet `offset` of `text`, the contents of the file `name`.
    pub(super) fn in_file(name: &Arc<str>, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self::File { name: name.clone(), line, column }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Set(key) => write!(f, "--set {key}"),
        }
    }
}

/// One thing wrong with the configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is no TOML.
    #[error("{origin}: {reason}")]
    Syntax {
        /// The place.
        origin: Origin,
        /// What the parser expected.
        reason: String,
    },
    /// A value that is not allowed.
    #[error("{origin}: {key}: value {value} is not allowed: {allowed}")]
    Value {
        /// The place.
        origin: Origin,
        /// The key's whole path.
        key: String,
        /// What was written; a secret is not repeated.
        value: String,
        /// What could have been written.
        allowed: String,
    },
    /// A key that nothing reads.
    #[error("{origin}: {key}: unknown key, known here are {known}")]
    UnknownKey {
        /// The place.
        origin: Origin,
        /// The key's whole path.
        key: String,
        /// The keys of the same section.
        known: String,
    },
    /// A key that has no default.
    #[error("{origin}: {key}: missing, needed is {allowed}")]
    Missing {
        /// The place of the section, or the file.
        origin: Origin,
        /// The key's whole path.
        key: String,
        /// What to write.
        allowed: String,
    },
    /// An override that fits nowhere.
    #[error("{origin}: {reason}")]
    Override {
        /// The variable or argument.
        origin: Origin,
        /// Why it fits nowhere.
        reason: String,
    },
}

impl ConfigError {
    /// Sorts errors as a reader meets them: the file from top to bottom, then what lies over it.
    pub(super) fn place(&self) -> (u8, usize, usize) {
        let origin = match self {
            Self::Unreadable { .. } => return (0, 0, 0),
            Self::Syntax { origin, .. }
            | Self::Value { origin, .. }
            | Self::UnknownKey { origin, .. }
            | Self::Missing { origin, .. }
            | Self::Override { origin, .. } => origin,
        };
        match origin {
            Origin::File { line, column, .. } => (0, *line, *column),
            Origin::Environment(_) => (1, 0, 0),
            Origin::Set(_) => (2, 0, 0),
        }
    }
}

/// Everything wrong with the configuration: at least one error, one a line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
