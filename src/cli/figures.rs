//! What a verb has to tell: named figures, for people or as one JSON object.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value};

/// Named figures in the order they were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    named: Map<String, Value>,
}

impl Figures {
    /// The same, with one more.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("figures are plain data");
        self.named.insert(name.to_string(), value);
        self
    }

    /// The same, with all of `others`.
    pub(crate) fn and(mut self, others: Figures) -> Self {
        self.named.extend(others.named);
        self
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.named.clone())
    }

    /// Prints them to stdout: one JSON object, or a line each.
    pub(crate) fn print(&self, json: bool) -> std::io::Result<()> {
        if self.named.is_empty() {
            return Ok(());
        }
        let mut out = anstream::stdout().lock();
        if json {
            writeln!(out, "{}", self.to_json())?;
        } else {
            let width = self.named.keys().map(|name| name.chars().count()).max().unwrap_or(0);
            let faint = anstyle::Style::new().dimmed();
            for (name, value) in &self.named {
                let name = name.replace('_', " ");
                match rows(value) {
                    Some(rows) => table(&mut out, &rows)?,
                    None => writeln!(out, "{faint}{name:<width$}{faint:#}  {}", plain(name.as_str(), value))?,
                }
            }
        }
        out.flush()
    }
}

/// The rows of a table: a list of objects, and not of figures.
fn rows(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let rows: Vec<_> = value.as_array()?.iter().map(Value::as_object).collect::<Option<_>>()?;
    (!rows.is_empty()).then_some(rows)
}

/// A table as people read it, between empty lines: columns as in the first row.
fn table(out: &mut impl Write, rows: &[&Map<String, Value>]) -> std::io::Result<()> {
    let faint = anstyle::Style::new().dimmed();
    let mut lines = vec![String::new(); rows.len() + 1];
    for key in rows[0].keys() {
        let cells = rows.iter().map(|row| row.get(key).map_or_else(String::new, |value| cell(key, value)));
        let name = key.strip_suffix("_bytes").map_or_else(|| key.clone(), |name| format!("{name}_MiB"));
        let cells: Vec<String> = std::iter::once(name.replace('_', " ")).chain(cells).collect();
        let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        let words = rows[0][key].is_string();
        for (line, cell) in lines.iter_mut().zip(&cells) {
            line.push_str(&if words { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") });
        }
    }
    for (place, line) in lines.iter().enumerate() {
        let style = if place == 0 { faint } else { anstyle::Style::new() };
        writeln!(out, "{}{style}{}{style:#}", if place == 0 { "\n" } else { "" }, line.trim_end())?;
    }
    writeln!(out)
}

/// A figure in a table: numbers short enough to be compared.
fn cell(key: &str, value: &Value) -> String {
    match value.as_f64() {
        Some(bytes) if key.ends_with("_bytes") => format!("{:.1}", bytes / f64::from(1 << 20)),
        Some(rate) if value.is_f64() && rate.abs() >= 1e4 => format!("{rate:.2e}"),
        Some(number) if value.is_f64() => {
            let digits = if number == 0.0 { 0.0 } else { number.abs().log10().floor() };
            format!("{number:.*}", (2.0 - digits).clamp(0.0, 6.0) as usize)
        }
        _ => plain(key, value),
    }
}

/// A figure as people read it.
fn plain(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A long list is for programs; people are told how long it is.
        Value::Array(items) if items.len() > 3 => items.len().to_string(),
        Value::Array(items) => items.iter().map(|item| plain(name, item)).collect::<Vec<_>>().join(" "),
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or(f64::NAN);
            match name {
                "seconds" => format!("{value:.3}"),
                "voxels per second" => format!("{:.1} M", value / 1e6),
                _ if value != 0.0 && value.abs() < 1e-6 => format!("{value:.2e}"),
                _ if value.abs() >= 1e15 => format!("{value:.9e}"),
                _ => format!("{}", (value * 1e9).round() / 1e9),
            }
        }
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}
