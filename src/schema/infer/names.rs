//! Column names as Cap'n Proto allows them.

use super::super::names::BUILT_IN;

/// Names that `capnp` declares besides its types: inside a parent, a struct of that name would hide them.
const DECLARED: [&str; 4] = ["AnyStruct", "AnyList", "Capability", "Object"];

/// The field name of a column: ASCII letters and digits, a small letter first.
///
/// Words are divided by whatever is neither; a character beyond ASCII is a word of its own, `u` and its code point. The
/// first word begins small, the others with a capital: `icao_code` → `icaoCode`, `ICAO` → `icao`, `ICAOCode` →
/// `icaoCode`, `Straße` → `straUdfE`, `2024` → `n2024`. A name of symbols only is spelled by their code points (`%` →
/// `u25`), and the empty one is `empty`.
#[must_use]
pub fn field_name(column: &str) -> String {
    let mut words = words(column, char::is_alphanumeric);
    if words.is_empty() {
        words = self::words(column, |_| true);
    }
    let Some((first, others)) = words.split_first() else {
        return "empty".to_owned();
    };
    let mut name = uncapitalised(first);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, 'n');
    }
    name.extend(others.iter().map(|word| capitalised(word)));
    name
}

/// The name of the struct that a field holds: the field's, with a capital, and `Value` behind it while it would hide a
/// built-in type or is `taken`.
pub(super) fn struct_name(field: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = capitalised(field);
    while is_reserved(&name) || taken(&name) {
        name.push_str("Value");
    }
    name
}

/// Whether a record type may be called so.
pub(super) fn is_type_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric())
        && !is_reserved(name)
}

fn is_reserved(name: &str) -> bool {
    BUILT_IN.contains(&name) || DECLARED.contains(&name)
}

/// Words of ASCII letters and digits; characters beyond, and symbols that `keep` holds on to, are spelled.
fn words(column: &str, keep: impl Fn(char) -> bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in column.chars() {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        words.push(std::mem::take(&mut word));
        if keep(letter) || !letter.is_ascii() {
            words.push(format!("u{:x}", u32::from(letter)));
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// `ICAOCode` → `icaoCode`: leading capitals are one word, and the last of several begins the next.
fn uncapitalised(word: &str) -> String {
    let capitals = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let small = if capitals > 1 && word[capitals..].starts_with(|next: char| next.is_ascii_lowercase()) {
        capitals - 1
    } else {
        capitals
    };
    word[..small].to_ascii_lowercase() + &word[small..]
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_legal_names() {
        let cases = [
            ("icao", "icao"),
            ("icao_code", "icaoCode"),
            ("userId", "userId"),
            ("ICAO", "icao"),
            ("ICAOCode", "icaoCode"),
            ("Name", "name"),
            ("a-b.c d", "aBCD"),
            ("_id", "id"),
            ("2024", "n2024"),
            ("2nd place", "n2ndPlace"),
            ("Straße", "straUdfE"),
            ("名前", "u540dU524d"),
            ("%", "u25"),
            ("$ %", "u24U20U25"),
            ("", "empty"),
            ("A", "a"),
            ("x1Y", "x1Y"),
        ];
        for (column, expected) in cases {
            assert_eq!(field_name(column), expected, "{column}");
        }
    }

    #[test]
    fn structs_do_not_hide_built_in_types() {
        assert_eq!(struct_name("ratings", |_| false), "Ratings");
        assert_eq!(struct_name("text", |_| false), "TextValue");
        assert_eq!(struct_name("list", |name| name == "ListValue"), "ListValueValue");
        assert!(is_type_name("Airport2"));
        for refused in ["", "airport", "My_Type", "Text", "2A", "É"] {
            assert!(!is_type_name(refused), "{refused}");
        }
    }
}
