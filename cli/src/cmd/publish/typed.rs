//! `TYPE=` before a file or a key.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// A file, and the type of what is in it if that was said.
///
/// What stands before the first `=` is a type if it could be the name of one: letters and digits, a capital first. So `a=b.csv` is a path, and so is
/// `./A=b.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypedPath {
    pub(super) type_name: Option<String>,
    pub(super) path: PathBuf,
}

impl TypedPath {
    /// Takes every path that the system has, UTF-8 or not.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().map(Self::from)
    }

    pub(super) fn is_standard_input(&self) -> bool {
        self.path == Path::new("-")
    }
}

impl From<OsString> for TypedPath {
    fn from(text: OsString) -> Self {
        match text.to_str().and_then(split) {
            Some((name, path)) => Self { type_name: Some(name.to_owned()), path: PathBuf::from(path) },
            None => Self { type_name: None, path: PathBuf::from(text) },
        }
    }
}

/// The columns of a key, and the type whose key it is if that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypedKey {
    pub(super) type_name: Option<String>,
    pub(super) columns: Vec<String>,
}

impl FromStr for TypedKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (type_name, columns) = match split(text) {
            Some((name, columns)) => (Some(name.to_owned()), columns),
            None => (None, text),
        };
        Ok(Self { type_name, columns: columns.split(',').map(str::to_owned).collect() })
    }
}

/// The type before the first `=`, and what follows, if both are there.
fn split(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let is_type = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_type && !rest.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_stands_before_the_first_equals_sign() {
        let cases = [
            ("Movie=movies.csv", Some("Movie"), "movies.csv"),
            ("Movie=a=b.csv", Some("Movie"), "a=b.csv"),
            ("Movie=-", Some("Movie"), "-"),
            ("Movie=", None, "Movie="),
            ("movies.csv", None, "movies.csv"),
            ("a=b.csv", None, "a=b.csv"),
            ("./A=b.csv", None, "./A=b.csv"),
            ("My_A=b.csv", None, "My_A=b.csv"),
            ("=b.csv", None, "=b.csv"),
            ("-", None, "-"),
        ];
        for (text, name, path) in cases {
            let expected = TypedPath { type_name: name.map(str::to_owned), path: PathBuf::from(path) };
            assert_eq!(TypedPath::from(OsString::from(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_key_has_columns_in_order() {
        let key = |text: &str| {
            let key: TypedKey = text.parse().unwrap();
            (key.type_name, key.columns)
        };
        assert_eq!(key("id"), (None, vec!["id".to_owned()]));
        assert_eq!(
            key("City=country,code"),
            (Some("City".to_owned()), vec!["country".into(), "code".into()])
        );
        assert_eq!(key("a=b"), (None, vec!["a=b".to_owned()]));
    }
}
