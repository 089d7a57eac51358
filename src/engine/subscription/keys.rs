//! Keys of events that wait: of two with the same key the later makes the earlier needless.

use crate::codec::sse::EventRef;
use crate::model::{Coalesce, FieldName};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Keys kept at most; beyond that the oldest is forgotten, and its event is sent.
const MAX_KEYS: usize = 4096;

/// What is the same of events of which only the latest is sent: the first 128 bits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u128);

impl Key {
    /// The key of an event, if it has one.
    pub fn of(event: &EventRef<'_>, coalesce: &Coalesce) -> Option<Self> {
        match coalesce {
            Coalesce::None => None,
            Coalesce::Latest => Some(Self(0)),
            Coalesce::Type => Some(Self::hash(event.event_type, b"", b"")),
            Coalesce::Field(name) => {
                let raw = member(event.data, name)?.get();
                // The same text can be written with and without escapes.
                let text = if raw.starts_with('"') { serde_json::from_str::<String>(raw).ok() } else { None };
                Some(match text {
                    Some(text) => Self::hash(event.event_type, b"s", text.as_bytes()),
                    None => Self::hash(event.event_type, b"r", raw.as_bytes()),
                })
            }
        }
    }

    /// It as a number.
    pub fn number(self) -> u128 {
        self.0
    }

    fn hash(event_type: &[u8], kind: &[u8], value: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((event_type.len() as u64).to_be_bytes());
        hasher.update(event_type);
        hasher.update(kind);
        hasher.update(value);
        let (first, _) = hasher.finalize().split_first_chunk().map_or(([0; 16], ()), |(first, _)| (*first, ()));
        Self(u128::from_be_bytes(first))
    }
}

/// The latest event that waits, by its key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    latest: HashMap<Key, u64>,
    by_age: BTreeMap<u64, Key>,
}

impl Keys {
    /// The event numbered `seq` is the latest with `key`; which one it was before. Of those before `waiting` none waits
    /// any more.
    pub fn put(&mut self, key: Key, seq: u64, waiting: u64) -> Option<u64> {
        while let Some((oldest, _)) = self.by_age.first_key_value()
            && *oldest < waiting
        {
            self.forget_oldest();
        }
        let before = self.latest.insert(key, seq);
        if let Some(before) = before {
            self.by_age.remove(&before);
        }
        self.by_age.insert(seq, key);
        if self.by_age.len() > MAX_KEYS {
            self.forget_oldest();
        }
        before
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_first() {
            self.latest.remove(&key);
        }
    }
}

/// The value of a member of `data`, if that is a JSON object and has it. Of several the last counts.
fn member<'d>(data: &'d [u8], name: &FieldName) -> Option<&'d RawValue> {
    let mut reader = serde_json::Deserializer::from_slice(data);
    let value = reader.deserialize_map(Members(name.as_str())).ok()?;
    reader.end().ok()?;
    value
}

struct Members<'n>(&'n str);

impl<'d> Visitor<'d> for Members<'_> {
    type Value = Option<&'d RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(found) = members.next_key_seed(Named(self.0))? {
            match found {
                true => value = Some(members.next_value()?),
                false => _ = members.next_value::<IgnoredAny>()?,
            }
        }
        Ok(value)
    }
}

/// Whether a key is this one.
struct Named<'n>(&'n str);

impl<'d> DeserializeSeed<'d> for Named<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'d>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(event_type: &str, data: &str) -> Option<Key> {
        let event = EventRef { event_type: event_type.as_bytes(), data: data.as_bytes(), id: b"" };
        Key::of(&event, &"field:symbol".parse().unwrap())
    }

    #[test]
    fn the_same_member_of_the_same_type_is_the_same_key() {
        let same = [
            r#"{"symbol":"A\"","price":1}"#,
            "{ \"x\": [{\"symbol\":\"B\"}],\n\"symbol\" : \"A\\u0022\" }",
            r#"{"symbol":"B","symbol":"A\""}"#,
            r#"{"\u0073ymbol":"\u0041\""}"#,
        ];
        same.iter().for_each(|data| assert_eq!(key("price", data), key("price", same[0]), "{data}"));
        assert_ne!(key("trade", same[0]), key("price", same[0]));
    }

    #[test]
    fn other_values_are_other_keys_however_long() {
        let values =
            ["18446744073709551617", "18446744073709551618", "1", "\"1\"", "null", "\"\"", "[1]", "{\"a\":1}", "\"a\""];
        let keys: Vec<_> = values.iter().map(|value| key("t", &format!("{{\"symbol\":{value}}}")).unwrap().0).collect();
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), values.len());
    }

    #[test]
    fn without_the_member_or_without_an_object_there_is_no_key() {
        for data in [
            "",
            "A",
            "[]",
            "{}",
            r#"{"a":{"symbol":1}}"#,
            r#"{"symbol":1"#,
            r#"{"symbol":1} x"#,
            r#"{"symbol":}"#,
            "\"symbol\"",
            "{\"symbol\":01}",
        ] {
            assert_eq!(key("price", data), None, "{data}");
        }
        assert!(key("price", &format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))).is_none());
    }

    #[test]
    fn the_oldest_key_is_forgotten_when_there_are_too_many() {
        let mut keys = Keys::default();
        let name = |number: u64| Key(number.into());
        (0..MAX_KEYS as u64).for_each(|seq| assert_eq!(keys.put(name(seq), seq, 0), None));
        assert_eq!(keys.put(name(0), 5000, 0), Some(0));
        assert_eq!(keys.put(name(9999), 5001, 0), None, "and 1 is the oldest, and forgotten");
        assert_eq!(keys.put(name(1), 5002, 0), None, "and 2 is the oldest");
        assert_eq!(keys.put(name(3), 5003, 0), Some(3));
        assert_eq!(keys.put(name(4), 5004, 5000), None, "it does not wait any more");
        assert_eq!((keys.latest.len(), keys.by_age.len()), (5, 5));
    }
}
