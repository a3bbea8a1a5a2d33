//! XML event by event, with the line of each: what the reader of GraphML stands on.
//!
//! Nothing is expanded but the five entities of XML and character references, and nothing recurses;
//! the buffer grows to the longest tag or text.

use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// XML as events.
pub(super) struct Xml<R> {
    reader: quick_xml::Reader<Lines<R>>,
    buffer: Vec<u8>,
    /// The line where the last event began.
    pub(super) line: u64,
}

impl<R: BufRead> Xml<R> {
    /// XML from its beginning.
    pub(super) fn new(input: R) -> Self {
        let mut reader = quick_xml::Reader::from_reader(Lines { input, ended: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), line: 1 }
    }

    /// The next event; an empty element begins and ends.
    pub(super) fn next(&mut self) -> Result<Event<'_>, String> {
        self.line = self.reader.get_ref().ended + 1;
        self.buffer.clear();
        self.reader.read_event_into(&mut self.buffer).map_err(say)
    }

    /// Passes over what is left of the element that has begun.
    pub(super) fn skip(&mut self) -> Result<(), String> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The text of the element that has begun, to its end; false if there are elements in it.
    pub(super) fn text(&mut self, text: &mut String) -> Result<bool, String> {
        text.clear();
        let mut plain = true;
        loop {
            match self.next()? {
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(say)? {
                    Some(c) => text.push(c),
                    None => text.push_str(
                        quick_xml::escape::resolve_xml_entity(&reference.xml10_content())
                            .ok_or_else(|| format!("&{}; is not known", reference.xml10_content()))?,
                    ),
                },
                Event::Start(_) => {
                    plain = false;
                    self.skip()?;
                }
                Event::End(_) => return Ok(plain),
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
    }
}

/// What is said of a file that ends within an element.
pub(super) const CUT_SHORT: &str = "the file ends too early: it is cut short";

/// The words of a failure of the XML reader.
pub(super) fn say(cause: impl ToString) -> String {
    cause.to_string()
}

/// The value of an attribute, with references resolved and white space as XML has it.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = tag.try_get_attribute(name).map_err(say)?;
    found.map(|it| it.normalized_value(XmlVersion::Explicit1_0).map(Into::into).map_err(say)).transpose()
}

/// The value of an attribute that must be there.
pub(super) fn required(tag: &BytesStart<'_>, name: &str) -> Result<String, String> {
    attribute(tag, name)?.ok_or_else(|| format!("<{}> without {name}", tag.name().as_ref()))
}

/// Counts the lines that have ended.
struct Lines<R> {
    input: R,
    ended: u64,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed lies in the buffer, so there is nothing to read and nothing to fail.
        let buffer = self.input.fill_buf().unwrap_or_default();
        self.ended += buffer.iter().take(amount).filter(|&&byte| byte == b'\n').count() as u64;
        self.input.consume(amount);
    }
}
