//! Texts that are legal wherever WSP writes text: checked once, so that encoding cannot fail.

use std::fmt;

/// Longest text accepted, in octets. No header of a push needs more; it also keeps every length far below 2³².
pub const TEXT_MAX_OCTETS: usize = 2048;

/// Text-string of WAP-230 §8.4.2.1: 1 to [`TEXT_MAX_OCTETS`] octets of UTF-8 without control characters.
///
/// Without them no text can be mistaken for a length (first octet 0 to 31), nor smuggle a line into a header that a
/// receiver turns into text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(Box<str>);

impl Text {
    /// Checks and takes `text`.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, TextError> {
        let text = text.into();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > TEXT_MAX_OCTETS {
            return Err(TextError::TooLong { octets: text.len() });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(found) => Err(TextError::Unexpected { found }),
            None => Ok(Self(text)),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A header name: a token of RFC 2616 §2.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(Text);

impl Token {
    /// Checks and takes `text`.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, TextError> {
        let text = Text::new(text)?;
        match text.as_str().chars().find(|c| !is_token_char(*c)) {
            Some(found) => Err(TextError::Unexpected { found }),
            None => Ok(Self(text)),
        }
    }

    /// The name itself.
    pub fn as_text(&self) -> &Text {
        &self.0
    }
}

/// `type/subtype`, and nothing else: handsets compare the text as a whole, so parameters inside it match no receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType(Text);

impl MediaType {
    /// Checks and takes `text`.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it; a parameter is [`TextError::Unexpected`] `';'`.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, TextError> {
        let text = Text::new(text)?;
        let Some((main, sub)) = text.as_str().split_once('/') else {
            return Err(TextError::NoSubtype);
        };
        if let Some(found) = main.chars().chain(sub.chars()).find(|c| !is_token_char(*c)) {
            return Err(TextError::Unexpected { found });
        }
        if main.is_empty() || sub.is_empty() {
            return Err(TextError::NoSubtype);
        }
        Ok(Self(text))
    }

    /// `text/event-stream` (HTML §9.2.5), which has no WSP number.
    pub fn event_stream() -> Self {
        Self(Text("text/event-stream".into()))
    }

    /// The media type as text.
    pub fn as_text(&self) -> &Text {
        &self.0
    }
}

/// RFC 2616 §2.2: token = any CHAR except CTLs or separators.
fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !r#"()<>@,;:\"/[]?={}"#.contains(c)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// There is nothing in it.
    #[error("text is empty")]
    Empty,
    /// It is too long.
    #[error("text has {octets} octets, at most {TEXT_MAX_OCTETS} are allowed")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// A character that may not be in it.
    #[error("text has a {found:?} where none may be")]
    Unexpected {
        /// The first such character.
        found: char,
    },
    /// A media type is not of the form `type/subtype`.
    #[error("media type is not of the form type/subtype")]
    NoSubtype,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_inside_a_media_type_is_refused() {
        assert_eq!(MediaType::new("text/event-stream; charset=utf-8"), Err(TextError::Unexpected { found: ';' }));
        assert_eq!(MediaType::new("text"), Err(TextError::NoSubtype));
        assert_eq!(MediaType::new("text/"), Err(TextError::NoSubtype));
        assert!(MediaType::new("application/vnd.oma.dd+xml").is_ok());
        assert_eq!(MediaType::new("text/event-stream"), Ok(MediaType::event_stream()));
    }

    #[test]
    fn control_characters_are_refused_everywhere() {
        for found in ['\0', '\n', '\r', '\t', '\x1f', '\x7f'] {
            assert_eq!(Text::new(format!("a{found}b")), Err(TextError::Unexpected { found }));
        }
        assert_eq!(Token::new("X-A b"), Err(TextError::Unexpected { found: ' ' }));
        assert_eq!(Token::new(""), Err(TextError::Empty));
        assert_eq!(Text::new("x".repeat(2049)), Err(TextError::TooLong { octets: 2049 }));
    }
}
