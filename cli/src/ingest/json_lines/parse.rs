//! From the bytes of a line to tokens.

use hollowcast::tools::json::plain_length;

use super::super::error::{Fault, shown};
use super::document::{Document, Piece, Token};
use super::{MAX_DEPTH, MAX_LINE};

/// Objects with more members than this are searched for duplicates by sorting.
const FEW_MEMBERS: usize = 16;

/// Capacity that the buffers keep from one line to the next.
const KEPT_TOKENS: usize = 1 << 16;

/// Parses lines one after another, in buffers it keeps.
#[derive(Debug, Default)]
pub struct JsonParser {
    tokens: Vec<Token>,
    unescaped: String,
    /// Names of the objects that are open, the innermost last.
    names: Vec<Piece>,
}

impl JsonParser {
    /// Parses one line: a single object, with white space around it. `None` for a blank line.
    ///
    /// Refuses, at the byte where it shows: bad UTF-8, anything that is no JSON, a record that is no object, a name that
    /// comes twice in an object, more than [`MAX_DEPTH`] levels, lone surrogates, text behind the object. Cost: one look at
    /// each byte; no allocation once the buffers have grown.
    ///
    /// # Panics
    ///
    /// When the line is longer than [`MAX_LINE`]: lines are cut no longer.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<Document<'a>>, Fault> {
        assert!(line.len() <= MAX_LINE, "lines are cut at their limit");
        let text = std::str::from_utf8(line).map_err(|error| {
            let at = error.valid_up_to();
            Fault::syntax(at, "UTF-8", format!("byte 0x{:02x}", line[at]))
        })?;
        self.clear();
        let mut cursor = Cursor { line: text, at: 0, parser: self };
        cursor.skip_space();
        if cursor.at == line.len() {
            return Ok(None);
        }
        cursor.record()?;
        Ok(Some(Document { line: text, unescaped: &self.unescaped, tokens: &self.tokens }))
    }

    fn clear(&mut self) {
        self.tokens.clear();
        self.tokens.shrink_to(KEPT_TOKENS);
        self.unescaped.clear();
        self.unescaped.shrink_to(KEPT_TOKENS);
        self.names.clear();
        self.names.shrink_to(KEPT_TOKENS);
    }
}

struct Cursor<'a, 'p> {
    line: &'a str,
    at: usize,
    parser: &'p mut JsonParser,
}

impl Cursor<'_, '_> {
    fn record(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'{') => self.object(1)?,
            Some(b'[') => {
                return Err(self.expected("an object, one a line (`jq -c '.[]'` makes lines of a list)"));
            }
            _ => return Err(self.expected("an object, one a line")),
        }
        self.skip_space();
        if self.at == self.line.len() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    fn value(&mut self, depth: u32) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                let piece = self.text()?;
                self.parser.tokens.push(Token::Text(piece));
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b't') => self.word("true", Token::Bool(true)),
            Some(b'f') => self.word("false", Token::Bool(false)),
            Some(b'n') => self.word("null", Token::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<(), Fault> {
        let opened = self.open(depth)?;
        let outer_names = self.parser.names.len();
        let mut count = 0;
        if !self.take(b'}') {
            loop {
                self.member(depth, outer_names)?;
                count += 1;
                if !self.goes_on(b'}', "`,` or `}`")? {
                    break;
                }
            }
        }
        if count as usize > FEW_MEMBERS {
            self.refuse_duplicates(outer_names)?;
        }
        self.parser.names.truncate(outer_names);
        let end = self.parser.tokens.len() as u32;
        self.parser.tokens[opened] = Token::Object { count, end };
        Ok(())
    }

    fn member(&mut self, depth: u32, outer_names: usize) -> Result<(), Fault> {
        self.skip_space();
        let start = self.at;
        if !self.take(b'"') {
            return Err(self.expected("a member's name in double quotes"));
        }
        let name = self.text()?;
        let names = &self.parser.names[outer_names..];
        if names.len() < FEW_MEMBERS && names.iter().any(|known| self.same(*known, name)) {
            return Err(self.duplicate(start, name));
        }
        self.parser.names.push(name);
        self.parser.tokens.push(Token::Text(name));
        self.skip_space();
        if !self.take(b':') {
            return Err(self.expected("`:`"));
        }
        self.skip_space();
        self.value(depth)
    }

    fn list(&mut self, depth: u32) -> Result<(), Fault> {
        let opened = self.open(depth)?;
        let mut count = 0;
        if !self.take(b']') {
            loop {
                self.skip_space();
                self.value(depth)?;
                count += 1;
                if !self.goes_on(b']', "`,` or `]`")? {
                    break;
                }
            }
        }
        let end = self.parser.tokens.len() as u32;
        self.parser.tokens[opened] = Token::List { count, end };
        Ok(())
    }

    /// Steps into a list or object; its token is written when it is closed.
    fn open(&mut self, depth: u32) -> Result<usize, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::syntax(self.at, format!("at most {MAX_DEPTH} levels"), "one more"));
        }
        self.at += 1;
        self.skip_space();
        self.parser.tokens.push(Token::Null);
        Ok(self.parser.tokens.len() - 1)
    }

    /// Whether another element follows, after one was read.
    fn goes_on(&mut self, close: u8, expected: &'static str) -> Result<bool, Fault> {
        self.skip_space();
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(close) { Ok(false) } else { Err(self.expected(expected)) }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let rest = &self.line.as_bytes()[self.at..];
        let Some((len, is_integer)) = number_length(rest) else {
            return Err(self.expected("a number as JSON writes it"));
        };
        let piece = Piece { start: self.at as u32, len: len as u32, unescaped: false };
        self.parser.tokens.push(Token::Number { piece, is_integer });
        self.at += len;
        if matches!(self.peek(), Some(b'0'..=b'9' | b'.' | b'+' | b'-' | b'a'..=b'z' | b'A'..=b'Z' | b'_')) {
            self.at -= len;
            return Err(self.expected("a number as JSON writes it"));
        }
        Ok(())
    }

    fn word(&mut self, word: &'static str, token: Token) -> Result<(), Fault> {
        if !self.line.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        self.parser.tokens.push(token);
        Ok(())
    }

    /// A string whose opening quote was taken.
    #[inline]
    fn text(&mut self) -> Result<Piece, Fault> {
        let start = self.at;
        self.at += plain_length(&self.line.as_bytes()[start..]);
        if self.peek() == Some(b'"') {
            let piece = Piece { start: start as u32, len: (self.at - start) as u32, unescaped: false };
            self.at += 1;
            return Ok(piece);
        }
        self.escaped_text(start)
    }

    #[cold]
    fn escaped_text(&mut self, mut start: usize) -> Result<Piece, Fault> {
        let from = self.parser.unescaped.len();
        loop {
            self.parser.unescaped.push_str(&self.line[start..self.at]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("control characters escaped (\\n, \\u0000)")),
                None => return Err(self.expected("the closing quote of a string")),
            }
            start = self.at;
            self.at += plain_length(&self.line.as_bytes()[start..]);
        }
        self.at += 1;
        let len = self.parser.unescaped.len() - from;
        Ok(Piece { start: from as u32, len: len as u32, unescaped: true })
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let backslash = self.at;
        self.at += 1;
        let letter = match self.peek() {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let letter = self.code_point(backslash)?;
                self.parser.unescaped.push(letter);
                return Ok(());
            }
            _ => return Err(self.expected("one of \" \\ / b f n r t u after a backslash")),
        };
        self.at += 1;
        self.parser.unescaped.push(letter);
        Ok(())
    }

    /// `\uXXXX`, or two of them that are a pair of surrogates.
    fn code_point(&mut self, backslash: usize) -> Result<char, Fault> {
        let first = self.code_unit()?;
        if let Some(letter) = char::from_u32(first) {
            return Ok(letter);
        }
        let is_high = first < 0xdc00;
        if is_high && self.line.as_bytes()[self.at..].starts_with(b"\\u") {
            self.at += 1;
            let second = self.code_unit()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).expect("a pair of surrogates is a character"));
            }
        }
        Err(Fault::syntax(backslash, "a pair of surrogates", format!("a lone \\u{first:04x}")))
    }

    /// `uXXXX`
    fn code_unit(&mut self) -> Result<u32, Fault> {
        let digits = self.line.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        let is_hexadecimal = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        if !is_hexadecimal {
            return Err(self.expected("four hexadecimal digits after \\u"));
        }
        let unit =
            digits.iter().fold(0, |unit, digit| unit * 16 + char::from(*digit).to_digit(16).unwrap_or(0));
        self.at += 5;
        Ok(unit)
    }

    fn refuse_duplicates(&mut self, outer_names: usize) -> Result<(), Fault> {
        let mut names = self.parser.names.split_off(outer_names);
        names.sort_unstable_by(|one, other| self.piece(*one).cmp(self.piece(*other)));
        match names.windows(2).find(|pair| self.same(pair[0], pair[1])) {
            Some(pair) => {
                let later = if pair[0].start > pair[1].start { pair[0] } else { pair[1] };
                let at = if later.unescaped { self.at } else { later.start as usize - 1 };
                Err(self.duplicate(at, later))
            }
            None => Ok(()),
        }
    }

    fn duplicate(&self, at: usize, name: Piece) -> Fault {
        Fault::syntax(at, "each member once", format!("the member {} again", shown(self.piece(name))))
    }

    #[inline]
    fn same(&self, one: Piece, other: Piece) -> bool {
        one.len == other.len && self.piece(one) == self.piece(other)
    }

    #[inline]
    fn piece(&self, piece: Piece) -> &str {
        let whole = if piece.unescaped { self.parser.unescaped.as_str() } else { self.line };
        &whole[piece.start as usize..(piece.start + piece.len) as usize]
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> Fault {
        let found = match self.line[self.at..].chars().next() {
            None => "the end of the line".to_owned(),
            Some(letter) if letter.is_control() => format!("the control character {letter:?}"),
            Some(letter) => format!("`{letter}`"),
        };
        Fault::syntax(self.at, expected, found)
    }
}

/// Bytes of the number that `bytes` begin with, and whether it has neither point nor exponent; `None` when they begin
/// with no number as JSON writes it.
pub(super) fn number_length(bytes: &[u8]) -> Option<(usize, bool)> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => at += digits(at),
        _ => return None,
    }
    let integer = at;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at = (fraction > 0).then_some(at + 1 + fraction)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        at = (exponent > 0).then_some(at + 1 + sign + exponent)?;
    }
    Some((at, at == integer))
}
