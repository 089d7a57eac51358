//! Which events a subscriber wants, by their type.

use super::PolicyError;
use std::sync::Arc;

/// The type of an event that its origin gave none (HTML §9.2.6).
const MESSAGE: &str = "message";

/// Types of events that are wanted; none of them stands for every type. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(Option<Arc<[Box<str>]>>);

impl EventTypes {
    /// Types at most.
    pub const MAX: usize = 32;
    /// Octets of a type at most; at least it has one.
    pub const MAX_OCTETS: usize = 64;

    /// These types, in their order; one that is there twice counts once. Without any, every type is wanted.
    ///
    /// # Errors
    /// When there are more than [`EventTypes::MAX`], or one has no octet, more than [`EventTypes::MAX_OCTETS`], or one
    /// that no type can have: CR, LF or NUL.
    pub fn new(types: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, PolicyError> {
        let mut list: Vec<Box<str>> = Vec::new();
        for one in types {
            let one = one.as_ref();
            if !(1..=Self::MAX_OCTETS).contains(&one.len()) || one.contains(['\r', '\n', '\0']) {
                return Err(PolicyError::EventType(one.chars().take(Self::MAX_OCTETS).collect()));
            }
            if list.iter().all(|known| **known != *one) {
                if list.len() == Self::MAX {
                    return Err(PolicyError::EventTypes);
                }
                list.push(one.into());
            }
        }
        Ok(Self((!list.is_empty()).then(|| list.into())))
    }

    /// Whether every event is wanted, whatever its type.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether events of `event_type` are wanted; an event without a type is a `message`.
    pub fn wants(&self, event_type: &[u8]) -> bool {
        let event_type = if event_type.is_empty() { MESSAGE.as_bytes() } else { event_type };
        self.0.as_ref().is_none_or(|types| types.iter().any(|one| one.as_bytes() == event_type))
    }

    /// Each type, in the order they were given in.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|types| types.iter()).map(|one| &**one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_types_every_event_is_wanted() {
        let all = EventTypes::new([""; 0]).unwrap();
        assert_eq!((&all, all.is_all()), (&EventTypes::default(), true));
        assert!(all.wants(b"") && all.wants(b"price"));
    }

    #[test]
    fn an_event_without_a_type_is_a_message() {
        let types = EventTypes::new(["price", "message", "price"]).unwrap();
        assert!(types.wants(b"") && types.wants(b"message") && types.wants(b"price"));
        assert!(!types.wants(b"pric") && !types.wants(b"prices"));
        assert_eq!(types.iter().collect::<Vec<_>>(), ["price", "message"]);
        assert!(!EventTypes::new(["price"]).unwrap().wants(b""));
    }

    #[test]
    fn what_no_type_can_be_is_refused() {
        for wrong in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(65)] {
            assert!(EventTypes::new([wrong]).is_err(), "{wrong:?}");
        }
        assert!(EventTypes::new(["x".repeat(64), "two words".to_owned()]).is_ok());
        let many = |count: usize| EventTypes::new((0..count).map(|at| at.to_string()));
        assert!(many(32).is_ok());
        assert_eq!(many(33).unwrap_err().to_string(), "types: more than 32");
        let error = EventTypes::new(["a\nb"]).unwrap_err();
        assert_eq!(error.to_string(), r#"types: "a\nb" is not from 1 to 64 octets without CR, LF and NUL"#);
    }
}
