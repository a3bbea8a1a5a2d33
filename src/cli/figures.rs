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
                writeln!(out, "{faint}{name:<width$}{faint:#}  {}", plain(name.as_str(), value))?;
            }
        }
        out.flush()
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
                _ => format!("{}", (value * 1e9).round() / 1e9),
            }
        }
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}
