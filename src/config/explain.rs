//! The meaning of a configuration, written as TOML.

use std::fmt::{Display, Write};
use std::time::Duration;

/// TOML under construction.
#[derive(Debug, Default)]
pub(super) struct Explained(String);

impl Explained {
    /// Begins a section under a whole header such as `[node]` or `[[smsc]]`.
    pub(super) fn section(&mut self, header: &str) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(header);
        self.0.push('\n');
        self
    }

    /// A number or truth value.
    pub(super) fn plain(&mut self, key: &str, value: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{key} = {value}");
        self
    }

    /// A text, quoted.
    pub(super) fn text(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.plain(key, quoted(value.to_string()))
    }

    /// A duration such as `"1h"`.
    pub(super) fn duration(&mut self, key: &str, value: Duration) -> &mut Self {
        self.text(key, humantime::format_duration(value))
    }

    /// A list of texts.
    pub(super) fn list(&mut self, key: &str, values: &[String]) -> &mut Self {
        self.plain(key, toml::Value::Array(values.iter().cloned().map(toml::Value::String).collect()))
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

fn quoted(text: String) -> toml::Value {
    toml::Value::String(text)
}
