//! A table that is readable as it stands and is Markdown as well.

use std::io::{self, Write};

pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column| self.rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = widths.iter().enumerate().map(|(column, width)| format!("{:<width$}", cell(row, column)));
            writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "))?;
            if number == 0 {
                let rules = widths.iter().map(|width| "-".repeat(*width));
                writeln!(out, "|-{}-|", rules.collect::<Vec<_>>().join("-|-"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["a", "long head"]);
        table.row(vec!["µs µs".to_owned(), "x".to_owned()]);
        table.row(vec!["y".to_owned()]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        let wanted = "| a     | long head |\n|-------|-----------|\n| µs µs | x         |\n| y     |           |\n";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }
}
