//! How much of a struct is live, decided before any of it is written.
//!
//! A struct's pointer says its widths, and the widths are those of what is live. So every struct is looked at twice:
//! [`StructPlan::measure`] checks discriminants, enumerants and unknown fields and finds the last live word that is not
//! zero; [`StructPlan::write`] copies through the masks into words that are zero.

use super::StructReader;
use super::copy_error::{CopyProblem, Failure, Outcome};
use super::plan::{EnumField, Members, PointerField, StructPlan, UnionPlan};

/// Widths of a struct's canonical form, in words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Widths {
    pub(super) data: u16,
    pub(super) pointers: u16,
}

impl Widths {
    /// Words of a struct that is this wide.
    pub(super) fn words(self) -> u32 {
        u32::from(self.data) + u32::from(self.pointers)
    }
}

impl StructPlan {
    /// Raises `widths` to the canonical ones of `source`, once its data section and its null pointers are known to fit the
    /// schema.
    #[inline]
    pub(super) fn measure(&self, source: StructReader<'_>, widths: &mut Widths) -> Outcome<()> {
        self.refuse_unknown_data(source)?;
        if self.is_plain {
            raise(&mut widths.data, source.data_section());
            self.members.check_enums(source)?;
        } else {
            self.members.measure(source, &mut widths.data)?;
        }
        self.measure_pointers(source, &mut widths.pointers)
    }

    #[inline]
    fn refuse_unknown_data(&self, source: StructReader<'_>) -> Outcome<()> {
        let (known, beyond) =
            source.data_section().split_at(self.unknown.len().min(source.data_section().len()));
        let unknown =
            known.iter().zip(&self.unknown).fold(0, |found, (word, unknown)| found | (word & unknown));
        if unknown == 0 && beyond.iter().all(|word| *word == 0) {
            Ok(())
        } else {
            Err(self.unknown_data(source))
        }
    }

    #[cold]
    fn unknown_data(&self, source: StructReader<'_>) -> Failure {
        let bits = |word: usize| self.unknown.get(word).copied().unwrap_or(u64::MAX);
        let words = source.data_section().iter().enumerate().map(|(word, data)| (word, data & bits(word)));
        let (word, found) = words.into_iter().find(|(_, found)| *found != 0).unwrap_or_default();
        unknown_field("data", word, found)
    }

    #[inline]
    fn measure_pointers(&self, source: StructReader<'_>, width: &mut u16) -> Outcome<()> {
        let pointers = source.pointer_section();
        if self.is_plain && pointers.len() <= self.slots.len() {
            raise(width, pointers);
            return Ok(());
        }
        for (word, pointer) in pointers.iter().enumerate().filter(|(_, pointer)| **pointer != 0) {
            match self.slots.get(word).map(|fields| &**fields) {
                None | Some([]) => return Err(unknown_field("pointer", word, *pointer)),
                Some(fields) if live_field(fields, source).is_some() => {
                    *width = (*width).max(word as u16 + 1);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Copies what is live of the data section into `target`, which is as wide as measured, or wider, and zero so far.
    #[inline]
    pub(super) fn write(&self, source: StructReader<'_>, target: &mut [u64]) {
        if self.is_plain {
            let section = source.data_section();
            let width = section.len().min(target.len());
            target[..width].copy_from_slice(&section[..width]);
        } else {
            self.members.write(source, target);
        }
    }
}

/// Raises `width` to hold all of `section` but the zeros at its end.
#[inline]
fn raise(width: &mut u16, section: &[u64]) {
    if let Some(beyond) = section.get(usize::from(*width)..) {
        *width += without_zeros(beyond).len() as u16;
    }
}

/// A section without the zeros at its end.
#[inline]
pub(super) fn without_zeros(section: &[u64]) -> &[u64] {
    let len = section.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
    &section[..len]
}

#[cold]
fn unknown_field(section: &'static str, word: usize, found: u64) -> Failure {
    Failure::new(CopyProblem::UnknownField { section, word: word as u32, found })
}

/// The field of a pointer word that is live in `source`.
#[inline]
pub(super) fn live_field<'p>(
    fields: &'p [PointerField],
    source: StructReader<'_>,
) -> Option<&'p PointerField> {
    fields.iter().find(|field| field.is_live(source))
}

impl PointerField {
    #[inline]
    fn is_live(&self, source: StructReader<'_>) -> bool {
        self.conditions.iter().all(|condition| source.u16(condition.discriminant) == condition.value)
    }
}

impl Members {
    /// Raises `width` to the last live data word that is not zero.
    fn measure(&self, source: StructReader<'_>, width: &mut u16) -> Outcome<()> {
        for (index, mask) in self.masks.iter().enumerate().rev() {
            let word = self.first_word + index as u16;
            if word < *width || source.data_word(u32::from(word)) & mask != 0 {
                *width = (*width).max(word + 1);
                break;
            }
        }
        self.check_enums(source)?;
        for union in &self.unions {
            union.live_arm(source)?.measure(source, width)?;
        }
        Ok(())
    }

    #[inline]
    fn check_enums(&self, source: StructReader<'_>) -> Outcome<()> {
        self.enums.iter().try_for_each(|field| field.check(source))
    }

    fn write(&self, source: StructReader<'_>, target: &mut [u64]) {
        let first = usize::from(self.first_word);
        let words = source.data_section().iter().skip(first).zip(target.iter_mut().skip(first));
        for ((word, target), mask) in words.zip(&self.masks) {
            *target |= word & mask;
        }
        for union in &self.unions {
            union.arms[usize::from(source.u16(union.discriminant))].write(source, target);
        }
    }
}

impl UnionPlan {
    fn live_arm(&self, source: StructReader<'_>) -> Outcome<&Members> {
        let found = source.u16(self.discriminant);
        self.arms.get(usize::from(found)).ok_or_else(|| {
            Failure::new(CopyProblem::UnknownMember { found, members: self.arms.len() as u32 })
                .in_field(&self.name)
        })
    }
}

impl EnumField {
    fn check(&self, source: StructReader<'_>) -> Outcome<()> {
        let found = source.u16(self.offset) ^ self.default;
        if u32::from(found) < self.enumerants {
            return Ok(());
        }
        let problem = CopyProblem::UnknownEnumerant { found, enumerants: self.enumerants };
        Err(Failure::new(problem).in_field(&self.name))
    }
}
