//! Where on a line which value stands, and the rows of a file.

use super::column::{Column, Row, unknown};
use super::lines::Lines;
use super::{Format, Wrong, csv, jsonl};
use std::io::{self, BufRead};
use std::sync::Arc;

/// How a line becomes a row.
#[derive(Clone, Debug)]
pub(in crate::cli::sub) enum Layout {
    /// Cells, in the order of the header.
    Csv(Arc<[Column]>),
    /// An object.
    Jsonl,
}

impl Layout {
    /// The row on a line.
    ///
    /// # Errors
    /// When it is none.
    pub fn row(&self, line: &str) -> Result<Row, Wrong> {
        let Self::Csv(header) = self else { return jsonl::row(line) };
        let cells = csv::cells(line).map_err(Wrong::row)?;
        if cells.len() != header.len() {
            let (cells, columns) = (cells.len(), header.len());
            return Err(Wrong::row(format_args!("{cells} cells, and the header has {columns}")));
        }
        let mut row = Row::default();
        for (column, cell) in header.iter().zip(cells) {
            row.set(*column, cell);
        }
        Ok(row)
    }
}

/// Why a file has no rows.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli::sub) enum LayoutError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its first line is no header.
    #[error("line {line}: {why}")]
    Header {
        /// Where it stands.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// A line of a file.
pub(in crate::cli::sub) struct Line<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// As it is written; empty if it cannot be read.
    pub text: &'a str,
    /// The row on it.
    pub row: Result<Row, Wrong>,
}

/// The rows of a file.
pub(in crate::cli::sub) struct Rows<R> {
    lines: Lines<R>,
    layout: Layout,
}

impl<R: BufRead> Rows<R> {
    /// Begins to read; a format that is not told is seen by the first octet.
    ///
    /// # Errors
    /// When the input cannot be read, or has a wrong header.
    pub fn open(mut input: R, format: Option<Format>) -> Result<Self, LayoutError> {
        let format = match format {
            Some(format) => format,
            None => seen(&mut input)?,
        };
        let mut lines = Lines::new(input);
        let layout = match format {
            Format::Jsonl => Layout::Jsonl,
            Format::Csv => {
                let (line, text) = match lines.next()? {
                    Some((line, text)) => (line, text.map_err(|error| error.to_string())),
                    None => (1, Err("a header line with the names of the columns is missing".to_owned())),
                };
                let columns = text.and_then(header).map_err(|why| LayoutError::Header { line, why })?;
                Layout::Csv(columns.into())
            }
        };
        Ok(Self { lines, layout })
    }

    /// How its lines are read.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let Some((number, line)) = self.lines.next()? else { return Ok(None) };
        let (text, row) = match line {
            Ok(text) => (text, self.layout.row(text)),
            Err(error) => ("", Err(Wrong::row(error))),
        };
        Ok(Some(Line { number, text, row }))
    }
}

/// An object begins with a brace, which begins no header; nothing at all is no objects.
fn seen(input: &mut impl BufRead) -> io::Result<Format> {
    loop {
        match input.fill_buf() {
            Ok(octets) => {
                let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets).trim_ascii_start();
                return Ok(if octets.first().is_none_or(|first| *first == b'{') { Format::Jsonl } else { Format::Csv });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn header(line: &str) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    for cell in csv::cells(line)? {
        let name = cell.unwrap_or_default();
        let column = Column::named(name.trim()).ok_or_else(|| format!("column {}", unknown(&name)))?;
        if columns.contains(&column) {
            return Err(format!("column {:?} is there twice", column.name()));
        }
        columns.push(column);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<Rows<&[u8]>, String> {
        Rows::open(text.as_bytes(), None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_format_is_seen_by_the_first_octet() {
        assert!(matches!(opened("to,feed\n").unwrap().layout, Layout::Csv(_)));
        assert!(matches!(opened("\u{feff}{\"to\":").unwrap().layout, Layout::Jsonl));
        assert!(matches!(opened("").unwrap().layout, Layout::Jsonl));
    }

    #[test]
    fn a_wrong_header_is_named() {
        let error = |text| opened(text).err().unwrap();
        assert!(error("\nto,sorce\n").starts_with("line 2: column \"sorce\" is none of tenant, source, "));
        assert_eq!(error("to,feed,number"), "line 1: column \"to\" is there twice");
        let empty = Rows::open(&b""[..], Some(Format::Csv)).err().unwrap().to_string();
        assert!(empty.contains("header line"), "{empty}");
    }

    #[test]
    fn rows_have_their_lines_numbers() {
        let mut rows = opened("to,application\r\n+15551234567,\r\n\r\n+15551234567,\"\"\n1\n").unwrap();
        let line = rows.next().unwrap().unwrap();
        assert_eq!((line.number, line.text), (2, "+15551234567,"));
        assert_eq!(line.row.unwrap().get(Column::Application), None);
        let line = rows.next().unwrap().unwrap();
        assert_eq!((line.number, line.row.unwrap().get(Column::Application)), (4, Some("")));
        let line = rows.next().unwrap().unwrap();
        assert_eq!((line.number, line.row.unwrap_err().why.as_str()), (5, "1 cells, and the header has 2"));
        assert!(rows.next().unwrap().is_none());
    }
}
