//! YAML → entries with their places. Only what a configuration needs: mappings, lists and scalars;
//! anchors, aliases, tags and several documents are refused, so nothing can grow by reference.

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::problem::{Place, Problem};

/// A configuration is a page, not a data set.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;
/// Sections within sections.
const DEPTH_MAX: usize = 8;

/// What stands at a key.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    /// Nothing: `key:`, `~` or `null`.
    Nothing,
    /// One value.
    Scalar(Scalar),
    /// Several.
    List(Vec<Scalar>),
}

/// A value as written, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct Scalar {
    pub text: String,
    pub place: Place,
    /// Written without quotes.
    pub is_plain: bool,
}

/// A key with what stands there. Sections are spelt out: `limits.cpu`.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

/// Reads the text of a file. What cannot be read stops it: everything behind would be a guess.
pub(crate) fn entries(text: &str, source: &str) -> Result<Vec<Entry>, Problem> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes are no configuration: at most 1 MiB is read", text.len());
        return Err(Problem::of(source, message));
    }
    let mut reader = Reader { text, source, parser: Parser::new_from_str(text), found: Vec::new() };
    reader.document()?;
    Ok(reader.found)
}

struct Reader<'a> {
    text: &'a str,
    source: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    found: Vec<Entry>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::MappingStart(..) => {
                    self.mapping("", 1)?;
                    break;
                }
                Event::Scalar(text, ScalarStyle::Plain, ..) if is_nothing(&text) => break,
                Event::StreamEnd => return Ok(()),
                _ => return Err(self.problem(&span, "expected a mapping of settings")),
            }
        }
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(()),
                _ => return Err(self.problem(&span, "one document is expected, here is another")),
            }
        }
    }

    /// Everything up to the end of a mapping that has just begun.
    fn mapping(&mut self, section: &str, depth: usize) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(()),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.problem(&span, "expected the name of a setting")),
            };
            let key = if section.is_empty() { name } else { format!("{section}.{name}") };
            let place = place(&span);
            if self.found.iter().any(|entry| entry.key == key) {
                return Err(self.problem(&span, &format!("`{key}` stands here twice")));
            }
            let (event, span) = self.next()?;
            let node = match event {
                Event::MappingStart(..) if depth == DEPTH_MAX => {
                    return Err(self.problem(&span, "sections are nested too deep"));
                }
                Event::MappingStart(..) => {
                    self.mapping(&key, depth + 1)?;
                    continue;
                }
                Event::SequenceStart(..) => Node::List(self.list()?),
                Event::Scalar(text, style, ..) => scalar(&text, style, &span),
                _ => return Err(self.problem(&span, "expected a value")),
            };
            self.found.push(Entry { key, place, node });
        }
    }

    fn list(&mut self) -> Result<Vec<Scalar>, Problem> {
        let mut all = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd => return Ok(all),
                Event::Scalar(text, style, ..) => {
                    let is_plain = style == ScalarStyle::Plain;
                    all.push(Scalar { text: text.into_owned(), place: place(&span), is_plain });
                }
                _ => return Err(self.problem(&span, "expected a text: lists hold texts only")),
            }
        }
    }

    /// The next event that matters.
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Ok((event, span))) => {
                if matches!(event, Event::Alias(_)) || event.anchor_id().is_some() {
                    return Err(self.problem(&span, "anchors and aliases are not read here"));
                }
                if event.tag().is_some() {
                    return Err(self.problem(&span, "tags are not read here"));
                }
                Ok((event, span))
            }
            Some(Err(error)) => {
                let place =
                    Place { line: error.marker().line().max(1), column: error.marker().col() + 1 };
                Err(self.at(place, &format!("this is no YAML: {}", error.info())))
            }
        }
    }

    fn problem(&self, span: &Span, message: &str) -> Problem {
        self.at(place(span), message)
    }

    fn at(&self, place: Place, message: &str) -> Problem {
        at(self.text, self.source, place, message)
    }
}

/// A problem at a place of a file, with its line.
pub(crate) fn at(text: &str, source: &str, place: Place, message: &str) -> Problem {
    let excerpt = text.lines().nth(place.line - 1).unwrap_or_default().to_owned();
    let (source, message) = (source.to_owned(), message.to_owned());
    Problem { source, place: Some(place), excerpt, message }
}

fn scalar(text: &str, style: ScalarStyle, span: &Span) -> Node {
    let is_plain = style == ScalarStyle::Plain;
    if is_plain && is_nothing(text) {
        return Node::Nothing;
    }
    Node::Scalar(Scalar { text: text.to_owned(), place: place(span), is_plain })
}

/// The spellings of null in YAML's core schema (YAML 1.2.2 §10.3.2).
pub(crate) fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line().max(1), column: span.start.col() + 1 }
}
