//! A line of CSV (RFC 4180), one record on each. A bare empty cell is told from a quoted one.

/// The cells of a line; none for a bare empty one.
///
/// # Errors
/// When quotes are wrong.
pub(super) fn cells(line: &str) -> Result<Vec<Option<String>>, &'static str> {
    let (mut cells, mut rest) = (Vec::new(), line);
    loop {
        let (cell, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => {
                let (cell, behind) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                ((!cell.is_empty()).then(|| cell.to_owned()), behind)
            }
        };
        cells.push(cell);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(cells),
            None => return Err("there is something between a closing quote and the next comma"),
        }
    }
}

/// What is quoted, and what is behind its closing quote; two quotes stand for one.
fn quoted_cell(mut quoted: &str) -> Result<(Option<String>, &str), &'static str> {
    let mut cell = String::new();
    loop {
        let Some((before, behind)) = quoted.split_once('"') else {
            return Err("a quote is not closed on its line; no value has a line break in it");
        };
        cell.push_str(before);
        match behind.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                quoted = next;
            }
            None => return Ok((Some(cell), behind)),
        }
    }
}

/// Writes a line of cells.
pub(super) fn line<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            line.push(',');
        }
        match cell {
            Some(value) if value.is_empty() || value.contains([',', '"']) => {
                line.push('"');
                line.push_str(&value.replace('"', "\"\""));
                line.push('"');
            }
            value => line.push_str(value.unwrap_or_default()),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_written() {
        let cases: [&[Option<&str>]; 5] = [
            &[None],
            &[None, Some(""), None],
            &[Some("a,b"), Some("say \"x\""), Some("\"")],
            &[Some(" a "), Some("b\"c")],
            &[Some("größe"), None],
        ];
        for case in cases {
            let line = line(case.iter().copied());
            let read = cells(&line).unwrap();
            assert_eq!(read.iter().map(Option::as_deref).collect::<Vec<_>>(), case, "{line}");
        }
    }

    #[test]
    fn wrong_quotes_are_told() {
        assert!(cells("a,\"b").unwrap_err().contains("not closed"));
        assert!(cells("\"a\"b,c").unwrap_err().contains("closing quote"));
        assert_eq!(cells("a\"b,c").unwrap(), [Some("a\"b".to_owned()), Some("c".to_owned())], "a quote amid a cell");
    }
}
