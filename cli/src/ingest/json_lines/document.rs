//! A parsed line: a flat run of tokens, and views on it.

/// Where a piece of text lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) len: u32,
    /// Whether in the buffer of unescaped strings, and not in the line itself.
    pub(super) unescaped: bool,
}

/// One step of a document in reading order. Lists and objects are followed by what is in them; an object's member is
/// its name, a text, and then its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Null,
    Bool(bool),
    Number { piece: Piece, is_integer: bool },
    Text(Piece),
    List { count: u32, end: u32 },
    Object { count: u32, end: u32 },
}

/// A parsed line. It borrows the line and the parser's buffers, so reading it allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    pub(super) line: &'a str,
    pub(super) unescaped: &'a str,
    pub(super) tokens: &'a [Token],
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, not yet read.
    Number(Number<'a>),
    /// A string, escapes resolved.
    Text(&'a str),
    /// `[…]`
    List(Elements<'a>),
    /// `{…}`
    Object(Members<'a>),
}

impl Value<'_> {
    /// What it is, in a message's words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.text().chars().take(40).collect(),
            Self::Text(text) => super::super::error::shown(text),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }

    /// Whether it says nothing: null, or lists and objects of nothing else. A column that only ever holds such values
    /// has no type and no field.
    #[must_use]
    pub fn is_void(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(elements) => elements.into_iter().all(|element| element.is_void()),
            Self::Object(members) => members.into_iter().all(|(_, value)| value.is_void()),
            Self::Bool(_) | Self::Number(_) | Self::Text(_) => false,
        }
    }
}

/// A number as it is written; its grammar is checked.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    text: &'a str,
    is_integer: bool,
}

/// A number's sign and magnitude, when it is an integer of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Whether it is below zero.
    pub negative: bool,
    /// Without the sign.
    pub magnitude: u64,
}

impl<'a> Number<'a> {
    /// Reads JSON's grammar of numbers; `None` when `text` is anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (len, is_integer) = super::parse::number_length(text.as_bytes())?;
        (len == text.len()).then_some(Self { text, is_integer })
    }

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.text
    }

    /// Whether it has neither point nor exponent.
    #[must_use]
    pub fn is_integer(self) -> bool {
        self.is_integer
    }

    /// Its value, if it is an integer from -2^63 to 2^64 - 1.
    #[must_use]
    pub fn integer(self) -> Option<Integer> {
        if !self.is_integer {
            return None;
        }
        let digits = self.text.strip_prefix('-');
        let magnitude = digits.unwrap_or(self.text).parse().ok()?;
        let negative = digits.is_some() && magnitude > 0;
        (!negative || magnitude <= 1 << 63).then_some(Integer { negative, magnitude })
    }

    /// The nearest `Float64`; `None` beyond the largest, and for an integer that no `Float64` holds exactly.
    #[must_use]
    pub fn float64(self) -> Option<f64> {
        let value: f64 = self.text.parse().ok()?;
        let is_held = !self.is_integer || self.text.len() <= 15 || is_written_so(self.text, value);
        (value.is_finite() && is_held).then_some(value)
    }

    /// The nearest `Float32`; `None` beyond the largest, and for an integer that no `Float32` holds exactly.
    #[must_use]
    pub fn float32(self) -> Option<f32> {
        let value: f32 = self.text.parse().ok()?;
        let is_held = !self.is_integer || self.text.len() <= 6 || is_written_so(self.text, f64::from(value));
        (value.is_finite() && is_held).then_some(value)
    }
}

/// Whether all digits of an integer are those of `value`. Negative zero counts as zero.
fn is_written_so(integer: &str, value: f64) -> bool {
    format!("{value:.0}") == integer
}

/// A list of a document.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a>(Inside<'a>);

/// An object of a document. No name comes twice.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(Inside<'a>);

/// What a list or object holds: so many values, or names and values, from a token on.
#[derive(Clone, Copy, Debug)]
struct Inside<'a> {
    document: &'a Document<'a>,
    first: u32,
    count: u32,
}

impl Elements<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(self) -> u32 {
        self.0.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.count == 0
    }
}

impl<'a> IntoIterator for Elements<'a> {
    type Item = Value<'a>;
    type IntoIter = ElementIterator<'a>;

    fn into_iter(self) -> ElementIterator<'a> {
        ElementIterator(self.0)
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (&'a str, Value<'a>);
    type IntoIter = MemberIterator<'a>;

    fn into_iter(self) -> MemberIterator<'a> {
        MemberIterator(self.0)
    }
}

/// Elements in order.
#[derive(Clone, Debug)]
pub struct ElementIterator<'a>(Inside<'a>);

/// Names and values in the order of the file.
#[derive(Clone, Debug)]
pub struct MemberIterator<'a>(Inside<'a>);

impl<'a> Iterator for ElementIterator<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        let Inside { document, first, count } = &mut self.0;
        *count = count.checked_sub(1)?;
        let (value, end) = document.value(*first);
        *first = end;
        Some(value)
    }
}

impl<'a> Iterator for MemberIterator<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Inside { document, first, count } = &mut self.0;
        *count = count.checked_sub(1)?;
        let Token::Text(name) = document.tokens[*first as usize] else {
            unreachable!("an object's member begins with its name")
        };
        let (value, end) = document.value(*first + 1);
        *first = end;
        Some((document.text(name), value))
    }
}

impl<'a> Document<'a> {
    /// The members of the record.
    #[must_use]
    pub fn members(&self) -> Members<'_> {
        match self.value(0).0 {
            Value::Object(members) => members,
            _ => unreachable!("the parser refuses records that are no objects"),
        }
    }

    /// The value at a token, and the token after it.
    #[inline]
    fn value(&self, at: u32) -> (Value<'_>, u32) {
        let first = at + 1;
        match self.tokens[at as usize] {
            Token::Null => (Value::Null, first),
            Token::Bool(value) => (Value::Bool(value), first),
            Token::Number { piece, is_integer } => {
                (Value::Number(Number { text: self.text(piece), is_integer }), first)
            }
            Token::Text(piece) => (Value::Text(self.text(piece)), first),
            Token::List { count, end } => {
                (Value::List(Elements(Inside { document: self, first, count })), end)
            }
            Token::Object { count, end } => {
                (Value::Object(Members(Inside { document: self, first, count })), end)
            }
        }
    }

    #[inline]
    fn text(&self, piece: Piece) -> &'a str {
        let whole = if piece.unescaped { self.unescaped } else { self.line };
        let start = piece.start as usize;
        &whole[start..start + piece.len as usize]
    }
}
