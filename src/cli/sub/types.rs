//! Types of events as they are written in an option or a cell: with commas between them, or as a list of JSON.

use crate::model::EventTypes;

/// Reads them.
///
/// # Errors
/// Says what is wrong.
pub(super) fn read(text: &str) -> Result<EventTypes, String> {
    let wrong = "no list such as price,alert or [\"price\",\"alert\"]";
    let list: Vec<String> = match text.starts_with('[') {
        true => serde_json::from_str(text).map_err(|_| wrong.to_owned())?,
        false => text.split(',').map(|one| one.trim().to_owned()).collect(),
    };
    EventTypes::new(list).map_err(|error| error.to_string())
}

/// Writes them so that they are read again.
pub(super) fn written(types: &[String]) -> String {
    let plain = |one: &String| !one.is_empty() && one.trim() == one && !one.contains(',') && !one.starts_with('[');
    match !types.is_empty() && types.iter().all(plain) {
        true => types.join(","),
        false => serde_json::Value::from(types).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for types in [&["price", "alert"][..], &[], &["a,b", "c"], &["[x"], &[" a"]] {
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            let read = read(&written(&types)).unwrap();
            assert_eq!(read.iter().collect::<Vec<_>>(), types);
        }
        assert_eq!(written(&["price".to_owned(), "alert".to_owned()]), "price,alert");
        assert_eq!(read("price, alert").unwrap().iter().collect::<Vec<_>>(), ["price", "alert"]);
    }

    #[test]
    fn what_is_no_list_is_told() {
        assert!(read("[1]").unwrap_err().starts_with("no list such as"));
        assert!(read("a,,b").unwrap_err().contains("1 to 64 octets"));
    }
}
