//! Which waiting events a later one makes needless.

use super::PolicyError;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Of the events that wait and have the same key, only the latest is sent. This is what the key is. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Coalesce {
    /// There is none: every event is sent.
    #[default]
    None,
    /// One for all events of the subscription.
    Latest,
    /// The event's type.
    Type,
    /// The event's type and a member of its data.
    Field(FieldName),
}

/// The name of a member of JSON objects: 1 to 64 octets, each printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName(Arc<str>);

impl FieldName {
    /// Octets at most.
    pub const MAX_OCTETS: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FieldName {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let printable = text.bytes().all(|octet| matches!(octet, 0x20..=0x7e));
        match printable && (1..=Self::MAX_OCTETS).contains(&text.len()) {
            true => Ok(Self(text.into())),
            false => Err(PolicyError::Field(text.chars().take(Self::MAX_OCTETS).collect())),
        }
    }
}

impl Coalesce {
    /// What stands before the name of a member.
    const FIELD: &'static str = "field:";
    /// What can be written.
    pub const ALLOWED: &'static str = "none, latest, type, field:NAME";
}

impl fmt::Display for Coalesce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Latest => f.write_str("latest"),
            Self::Type => f.write_str("type"),
            Self::Field(name) => write!(f, "{}{}", Self::FIELD, name.as_str()),
        }
    }
}

impl FromStr for Coalesce {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "none" => Ok(Self::None),
            "latest" => Ok(Self::Latest),
            "type" => Ok(Self::Type),
            _ => match text.strip_prefix(Self::FIELD) {
                Some(name) => name.parse().map(Self::Field),
                None => Err(PolicyError::Word {
                    field: "coalesce",
                    value: text.chars().take(80).collect(),
                    allowed: Self::ALLOWED,
                }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for text in ["none", "latest", "type", "field:symbol", "field:a:b c"] {
            assert_eq!(text.parse::<Coalesce>().unwrap().to_string(), text);
        }
        let error = "newest".parse::<Coalesce>().unwrap_err();
        assert_eq!(error.to_string(), r#"coalesce "newest" is none of none, latest, type, field:NAME"#);
    }

    #[test]
    fn a_field_has_1_to_64_printable_octets() {
        assert!(format!("field:{}", "x".repeat(64)).parse::<Coalesce>().is_ok());
        for wrong in ["field:", &format!("field:{}", "x".repeat(65)), "field:a\nb", "field:naïve"] {
            assert!(wrong.parse::<Coalesce>().is_err(), "{wrong:?}");
        }
        let error = "field:".parse::<Coalesce>().unwrap_err();
        assert_eq!(error.to_string(), r#"coalesce: the field "" is not from 1 to 64 octets of printable ASCII"#);
    }
}
