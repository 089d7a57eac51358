//! Which SMSC reaches a number.

use crate::model::Msisdn;

/// Prefixes of numbers and the SMSC, by its place in the configuration, that reaches them.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<(String, usize)>);

impl Routes {
    /// Routes by the prefixes that each SMSC lists; one that lists none reaches every number.
    pub fn new<'a>(prefixes: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut routes = Vec::new();
        for (smsc, prefixes) in prefixes.into_iter().enumerate() {
            match prefixes {
                [] => routes.push((String::new(), smsc)),
                _ => routes.extend(prefixes.iter().map(|prefix| (prefix.clone(), smsc))),
            }
        }
        // The longest prefix wins; among equals the SMSC that was configured first.
        routes.sort_by_key(|(prefix, smsc)| (std::cmp::Reverse(prefix.len()), *smsc));
        Self(routes)
    }

    /// The SMSC for `number`, if any reaches it.
    pub fn smsc(&self, number: &Msisdn) -> Option<usize> {
        let digits = number.digits();
        self.0.iter().find(|(prefix, _)| digits.starts_with(prefix.as_str())).map(|(_, smsc)| *smsc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_then_the_first_configured() {
        let lists = [vec![], vec!["44".to_owned(), "4477".to_owned()], vec!["447".to_owned()], vec!["44".to_owned()]];
        let routes = Routes::new(lists.iter().map(Vec::as_slice));
        let smsc = |number: &str| routes.smsc(&number.parse().unwrap());
        assert_eq!(smsc("447700900123"), Some(1));
        assert_eq!(smsc("447100900123"), Some(2));
        assert_eq!(smsc("442000900123"), Some(1));
        assert_eq!(smsc("15551234567"), Some(0));
        let none = Routes::new([["44".to_owned()].as_slice()]);
        assert_eq!(none.smsc(&"15551234567".parse().unwrap()), None);
    }
}
