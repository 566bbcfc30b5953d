//! From the words of a record to JSON.

use super::base64::write_base64;
use super::compile::{ElementPlan, MemberPlan, Scalar, StructPlan, ValuePlan};
use super::text::{write_text, written_length};
use super::{JsonError, JsonPrinter, MAX_RECORD};
use crate::schema::StructIndex;
use crate::wire::{ElementSize, ListReader, MAX_NESTING, StructReader};

impl JsonPrinter {
    /// Appends `record`, of the struct `structure`, as one JSON object without line break.
    ///
    /// Errors leave a part of the object behind; the words are checked as they are read, so wrong ones do no harm.
    ///
    /// # Panics
    ///
    /// When the schema has no such struct.
    pub fn print(
        &self,
        structure: StructIndex,
        record: StructReader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        self.print_within(structure, record, MAX_RECORD, out)
    }

    /// The same in at most `limit` bytes.
    pub(super) fn print_within(
        &self,
        structure: StructIndex,
        record: StructReader<'_>,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let mut printing = Printing::new(self, limit, out);
        printing.structure(structure, record)?;
        printing.room(0)
    }

    /// Appends the value of one field of `record`, which lies behind `depth` pointers, without its name.
    pub(super) fn print_value(
        &self,
        plan: &ValuePlan,
        (record, depth): (StructReader<'_>, u32),
        nans: Nans,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let mut printing = Printing { depth, nans, ..Printing::new(self, MAX_RECORD, out) };
        printing.value(plan, record)?;
        printing.room(0)
    }
}

/// What becomes of floats that are no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nans {
    /// All are `"NaN"`.
    Alike,
    /// Their bits tell them apart; no JSON for people.
    ByBits,
}

struct Printing<'a> {
    printer: &'a JsonPrinter,
    out: &'a mut Vec<u8>,
    /// Length of `out` that is passed by a number, a name and what closes it at most.
    end: usize,
    /// Pointers on the way from the record's own to here, both counted, as the canonical copy counts them. Groups are no part of it.
    depth: u32,
    nans: Nans,
}

impl<'a> Printing<'a> {
    fn new(printer: &'a JsonPrinter, limit: usize, out: &'a mut Vec<u8>) -> Self {
        Self { printer, end: out.len().saturating_add(limit), out, depth: 1, nans: Nans::Alike }
    }

    fn structure(&mut self, index: StructIndex, reader: StructReader<'_>) -> Result<(), JsonError> {
        let printer = self.printer;
        let plan = &printer.structs[index.0 as usize];
        let set = set_member(plan, reader)?;
        self.out.push(b'{');
        let mut skipped = 1;
        for member in &plan.members {
            if member.discriminant.is_none() || member.discriminant == set {
                self.member(member, skipped, reader)?;
                skipped = 0;
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// A name without its first `skipped` bytes, and the value.
    #[inline]
    fn member(
        &mut self,
        member: &MemberPlan,
        skipped: usize,
        reader: StructReader<'_>,
    ) -> Result<(), JsonError> {
        self.room(member.prefix.len())?;
        self.out.extend_from_slice(&member.prefix[skipped..]);
        self.value(&member.value, reader)
    }

    fn value(&mut self, plan: &ValuePlan, reader: StructReader<'_>) -> Result<(), JsonError> {
        match plan {
            ValuePlan::Void => self.null(),
            ValuePlan::Data { offset, scalar, default } => {
                self.scalar(*scalar, stored_bits(*scalar, reader, *offset) ^ default);
            }
            ValuePlan::Text { pointer } => self.text(reader.text(*pointer)?)?,
            ValuePlan::Bytes { pointer } => self.bytes(reader.data(*pointer)?)?,
            ValuePlan::Struct { pointer, structure } => match reader.structure(*pointer)? {
                Some(inner) => {
                    self.enter()?;
                    self.structure(*structure, inner)?;
                    self.depth -= 1;
                }
                None => self.null(),
            },
            ValuePlan::List { pointer, element } => self.list(element, reader.list(*pointer)?)?,
            ValuePlan::Group(group) => self.structure(*group, reader)?,
            ValuePlan::Optional { discriminant_offset, value } => match reader.u16(*discriminant_offset) {
                0 => self.null(),
                1 => self.value(value, reader)?,
                found => return Err(unknown_member("optional group", 2, found)),
            },
        }
        Ok(())
    }

    fn list(&mut self, plan: &ElementPlan, list: Option<ListReader<'_>>) -> Result<(), JsonError> {
        let Some(list) = list else {
            self.null();
            return Ok(());
        };
        self.enter()?;
        self.out.push(b'[');
        if let Some(size) = element_size(plan) {
            list.expect(size)?;
        }
        for index in 0..list.len() {
            if index > 0 {
                self.out.push(b',');
            }
            self.element(plan, list, index)?;
            self.room(0)?;
        }
        self.out.push(b']');
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn element(&mut self, plan: &ElementPlan, list: ListReader<'_>, index: u32) -> Result<(), JsonError> {
        match plan {
            ElementPlan::Void => self.null(),
            ElementPlan::Data(scalar) => self.scalar(*scalar, list.bits(index)),
            ElementPlan::Text => self.text(list.pointer(index)?.text()?)?,
            ElementPlan::Bytes => self.bytes(list.pointer(index)?.data()?)?,
            ElementPlan::Struct(structure) => self.structure(*structure, list.structure(index)?)?,
            ElementPlan::List(inner) => self.list(inner, list.pointer(index)?.list()?)?,
        }
        Ok(())
    }

    /// Follows a pointer.
    fn enter(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > MAX_NESTING { Err(JsonError::TooDeep) } else { Ok(()) }
    }

    /// Refuses to go on when there is no room for `bytes` more.
    #[inline]
    fn room(&self, bytes: usize) -> Result<(), JsonError> {
        if self.out.len() + bytes > self.end { Err(JsonError::TooLong) } else { Ok(()) }
    }

    #[inline]
    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    #[inline]
    fn text(&mut self, text: Option<&str>) -> Result<(), JsonError> {
        match text {
            Some(text) => {
                // No byte takes more than six.
                if self.room(6 * text.len() + 2).is_err() {
                    self.room(written_length(text))?;
                }
                write_text(text, self.out);
            }
            None => self.null(),
        }
        Ok(())
    }

    fn bytes(&mut self, data: Option<&[u8]>) -> Result<(), JsonError> {
        let Some(data) = data else {
            self.null();
            return Ok(());
        };
        self.room(2 + data.len().div_ceil(3) * 4)?;
        self.out.push(b'"');
        write_base64(data, self.out);
        self.out.push(b'"');
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar, bits: u64) {
        match scalar {
            Scalar::Bool => self.out.extend_from_slice(if bits == 0 { b"false" } else { b"true" }),
            Scalar::Int8 => self.integer((bits as u8).cast_signed()),
            Scalar::Int16 => self.integer((bits as u16).cast_signed()),
            Scalar::Int32 => self.integer((bits as u32).cast_signed()),
            Scalar::Int64 => self.integer(bits.cast_signed()),
            Scalar::UInt8 | Scalar::UInt16 | Scalar::UInt32 | Scalar::UInt64 => self.integer(bits),
            Scalar::Float32 => self.float(f32::from_bits(bits as u32), bits),
            Scalar::Float64 => self.float(f64::from_bits(bits), bits),
            Scalar::Enum(index) => {
                let names = &self.printer.enums[index.0 as usize];
                match names.get(bits as usize) {
                    Some(name) => self.out.extend_from_slice(name),
                    None => self.integer(bits),
                }
            }
        }
    }

    #[inline]
    fn integer<I: itoa::Integer>(&mut self, value: I) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline]
    fn float<F: zmij::Float + Into<f64> + Copy>(&mut self, value: F, bits: u64) {
        let wide: f64 = value.into();
        if wide.is_finite() {
            self.out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        } else if wide.is_nan() && self.nans == Nans::ByBits {
            self.integer(bits);
        } else if wide.is_nan() {
            self.out.extend_from_slice(b"\"NaN\"");
        } else if wide > 0.0 {
            self.out.extend_from_slice(b"\"Infinity\"");
        } else {
            self.out.extend_from_slice(b"\"-Infinity\"");
        }
    }
}

/// The discriminant of a struct's union, which is one that the schema knows.
pub(super) fn set_member(plan: &StructPlan, reader: StructReader<'_>) -> Result<Option<u16>, JsonError> {
    let Some(offset) = plan.discriminant_offset else { return Ok(None) };
    let found = reader.u16(offset);
    if found < plan.union_members {
        Ok(Some(found))
    } else {
        Err(unknown_member(&plan.name, plan.union_members, found))
    }
}

#[cold]
pub(super) fn unknown_member(structure: &str, expected: u16, found: u16) -> JsonError {
    JsonError::UnknownMember { structure: structure.to_owned(), expected, found }
}

#[inline]
fn stored_bits(scalar: Scalar, reader: StructReader<'_>, offset: u32) -> u64 {
    match scalar {
        Scalar::Bool => u64::from(reader.bool(offset)),
        Scalar::Int8 | Scalar::UInt8 => u64::from(reader.u8(offset)),
        Scalar::Int16 | Scalar::UInt16 | Scalar::Enum(_) => u64::from(reader.u16(offset)),
        Scalar::Int32 | Scalar::UInt32 | Scalar::Float32 => u64::from(reader.u32(offset)),
        Scalar::Int64 | Scalar::UInt64 | Scalar::Float64 => reader.u64(offset),
    }
}

/// The size that elements must have; `None` for structs, which are checked one by one.
fn element_size(plan: &ElementPlan) -> Option<ElementSize> {
    Some(match plan {
        ElementPlan::Void => ElementSize::Void,
        ElementPlan::Text | ElementPlan::Bytes | ElementPlan::List(_) => ElementSize::Pointer,
        ElementPlan::Struct(_) => return None,
        ElementPlan::Data(scalar) => match scalar {
            Scalar::Bool => ElementSize::Bit,
            Scalar::Int8 | Scalar::UInt8 => ElementSize::Byte,
            Scalar::Int16 | Scalar::UInt16 | Scalar::Enum(_) => ElementSize::TwoBytes,
            Scalar::Int32 | Scalar::UInt32 | Scalar::Float32 => ElementSize::FourBytes,
            Scalar::Int64 | Scalar::UInt64 | Scalar::Float64 => ElementSize::EightBytes,
        },
    })
}
