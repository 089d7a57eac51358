//! Logs: one line for each event, on standard error, as text or as JSON.

use std::io::IsTerminal;
use std::str::FromStr;
use tracing_subscriber::EnvFilter;

/// What is logged when nobody asks for more: an actor's coming and going is not news.
pub const DEFAULT_FILTER: &str = "info,ractor=warn";

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = LoggingError;

    fn from_str(text: &str) -> Result<Self, LoggingError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LoggingError::Format(text.to_owned())),
        }
    }
}

/// Starts logging in this process: `filter` as in `info,bellwire::egress=debug`.
///
/// # Errors
/// When `filter` cannot be read, or when logging was started before.
pub fn start(filter: &str, format: LogFormat) -> Result<(), LoggingError> {
    let wrong =
        |error: tracing_subscriber::filter::ParseError| LoggingError::Filter(filter.to_owned(), error.to_string());
    let levels = EnvFilter::builder().parse(filter).map_err(wrong)?;
    let lines = tracing_subscriber::fmt().with_env_filter(levels).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map_err(|_| LoggingError::Started)
}

/// Why logging does not start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggingError {
    /// The filter is none.
    #[error("log filter {0:?}: {1}")]
    Filter(String, String),
    /// The format is none.
    #[error("log format {0:?} is none of text, json")]
    Format(String),
    /// A process logs in one way only.
    #[error("logging was started before")]
    Started,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = start("bellwire=loud", LogFormat::Text).unwrap_err();
        assert!(error.to_string().starts_with(r#"log filter "bellwire=loud": "#), "{error}");
    }

    #[test]
    fn formats_are_two_words() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!("text".parse(), Ok(LogFormat::Text));
        assert_eq!("xml".parse::<LogFormat>().unwrap_err().to_string(), r#"log format "xml" is none of text, json"#);
    }
}
