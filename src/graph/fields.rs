//! Lines of fields: CSV, tab-separated, or separated by blanks, with comments and quotes.
//!
//! A field may stand in double quotes, a quote in it being doubled (RFC 4180), with whatever
//! separates: then it may hold separators and line ends. White space around a field is not part of
//! it. Lines that begin with `#` or `%`, and empty lines, are passed over. One pass, no allocation
//! but for doubled quotes.

use std::borrow::Cow;

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Separator {
    /// A comma.
    Comma,
    /// A tab.
    Tab,
    /// Blanks and tabs, as many as there are.
    Blanks,
}

/// The lines of a text, from the top.
#[derive(Clone)]
pub(super) struct Lines<'a> {
    rest: &'a str,
    /// The number of the line at hand, from 1.
    pub(super) line: u64,
    separator: Separator,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, separator: Separator) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 0, separator }
    }

    /// The fields of the next line; false at the end.
    pub(super) fn next(&mut self, fields: &mut Vec<Cow<'a, str>>) -> Result<bool, String> {
        fields.clear();
        loop {
            if self.rest.is_empty() {
                return Ok(false);
            }
            self.line += 1;
            let line = self.rest.trim_start_matches([' ', '\r']);
            let line = if self.separator == Separator::Tab { line } else { line.trim_start_matches([' ', '\t', '\r']) };
            match line.as_bytes().first() {
                Some(b'#' | b'%') => self.rest = line.split_once('\n').map_or("", |(_, rest)| rest),
                Some(b'\n') => self.rest = &line[1..],
                None => self.rest = "",
                Some(_) => {
                    self.rest = line;
                    break;
                }
            }
        }
        let first_line = self.line;
        while !self.field(fields).inspect_err(|_| self.line = first_line)? {}
        Ok(true)
    }

    /// Takes a field and what separates it from the next; true if it was the last of its line.
    fn field(&mut self, fields: &mut Vec<Cow<'a, str>>) -> Result<bool, String> {
        let separator = self.separator;
        let is_blank = |byte: u8| matches!(byte, b' ' | b'\r') || (byte == b'\t' && separator != Separator::Tab);
        let ends = |byte: u8| match separator {
            _ if byte == b'\n' => true,
            Separator::Comma => byte == b',',
            Separator::Tab => byte == b'\t',
            Separator::Blanks => is_blank(byte),
        };
        let blanks = |text: &str| text.bytes().take_while(|&byte| is_blank(byte)).count();
        self.rest = &self.rest[blanks(self.rest)..];
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let (length, doubled) = closing_quote(quoted).ok_or("a quote is opened and not closed")?;
            let text = &quoted[..length];
            self.line += text.bytes().filter(|&byte| byte == b'\n').count() as u64;
            fields.push(if doubled { text.replace("\"\"", "\"").into() } else { text.into() });
            let after = &quoted[length + 1..];
            self.rest = &after[blanks(after)..];
            let splits = separator == Separator::Blanks && self.rest.len() < after.len();
            if self.rest.bytes().next().is_some_and(|byte| !ends(byte) && !splits) {
                return Err("a quote is closed within a field".into());
            }
        } else {
            let bytes = self.rest.as_bytes();
            let length = bytes.iter().position(|&byte| ends(byte)).unwrap_or(bytes.len());
            let kept = bytes[..length].iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
            fields.push(Cow::Borrowed(&self.rest[..kept]));
            self.rest = &self.rest[length..];
        }
        self.rest = &self.rest[blanks(self.rest)..];
        match self.rest.bytes().next() {
            None => Ok(true),
            Some(b'\n') => {
                self.rest = &self.rest[1..];
                Ok(true)
            }
            Some(_) if separator == Separator::Blanks => Ok(false),
            Some(_) => {
                self.rest = &self.rest[1..];
                Ok(false)
            }
        }
    }
}

/// Where the quote that was opened closes, and whether quotes are doubled before that.
fn closing_quote(text: &str) -> Option<(usize, bool)> {
    let (bytes, mut from, mut doubled) = (text.as_bytes(), 0, false);
    loop {
        let at = from + bytes[from..].iter().position(|&byte| byte == b'"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some((at, doubled));
        }
        doubled = true;
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, separator: Separator) -> Result<Vec<(u64, Vec<String>)>, String> {
        let (mut lines, mut fields, mut all) = (Lines::new(text, separator), Vec::new(), Vec::new());
        while lines.next(&mut fields)? {
            all.push((lines.line, fields.iter().map(|field| field.to_string()).collect()));
        }
        Ok(all)
    }

    #[test]
    fn a_line_is_split_by_its_separator() {
        let split = |line: &str, separator| all(line, separator).unwrap().remove(0).1;
        assert_eq!(split(" a b ,\t\"c,\"\"d\"\"\" ,\r\n", Separator::Comma), ["a b", "c,\"d\"", ""]);
        assert_eq!(split("\ta b\t \tc\n", Separator::Tab), ["", "a b", "", "c"]);
        assert_eq!(split("  a \t b,c \"d e\"  \r\n", Separator::Blanks), ["a", "b,c", "d e"]);
        assert_eq!(split("µ é", Separator::Blanks), ["µ", "é"]);
    }

    #[test]
    fn comments_and_empty_lines_count_but_are_passed_over() {
        let text = "\u{feff}# head\n\n  % more\n1 2\n \t\r\n\"3\n4\" 5\n6 7\n#";
        let lines = all(text, Separator::Blanks).unwrap();
        let numbers: Vec<u64> = lines.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [4, 7, 8], "a line is named by its end");
        assert_eq!(lines[1].1, ["3\n4", "5"]);
        assert_eq!(all("", Separator::Comma).unwrap(), []);
    }

    #[test]
    fn quotes_that_do_not_close_are_errors() {
        assert!(all("a,\"b\n", Separator::Comma).unwrap_err().contains("not closed"));
        for text in ["a,\"b\"c\n", "a,\"b\" c\n", "\"b\" \u{ae87b},c", "\"b\"é"] {
            assert!(all(text, Separator::Comma).unwrap_err().contains("within a field"), "{text}");
        }
        assert_eq!(all("\"b\" é", Separator::Blanks).unwrap()[0].1, ["b", "é"]);
    }
}
