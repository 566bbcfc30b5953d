//! Where a dataset lies: a store and the path in it.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::exit::Usage;

/// A dataset in a local folder; the last part of the path is the dataset's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetUrl {
    /// The folder that holds datasets.
    pub folder: PathBuf,
    /// The dataset's name.
    pub name: String,
}

impl FromStr for DatasetUrl {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let path = match text.split_once("://") {
            Some(("file", _)) => path_of_url(text)?,
            Some((scheme, _)) => {
                let known = "this version knows local folders: ./data/airports or file:///data/airports";
                return Err(Usage(format!("{text}: no store for {scheme}://; {known}")));
            }
            None => PathBuf::from(text),
        };
        let last = path.components().next_back();
        let Some(Component::Normal(name)) = last else {
            return Err(Usage(format!("{text}: name the folder of the dataset, such as ./data/airports")));
        };
        let name = name.to_str().ok_or_else(|| Usage(format!("{text}: a dataset's name must be UTF-8")))?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { folder, name: name.to_owned() })
    }
}

/// The path that an URL of a file names: absolute, of this host, and nothing behind it.
fn path_of_url(text: &str) -> Result<PathBuf, Usage> {
    let url = Url::parse(text).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
    let path = url.filter(|_| text.starts_with("file:///")).and_then(|url| url.to_file_path().ok());
    path.ok_or_else(|| {
        let advice = "an absolute path goes behind file://, such as file:///data/airports, in it %23 for # and %3F for ?";
        Usage(format!("{text}: {advice}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_is_the_name() {
        let url = |text: &str| text.parse::<DatasetUrl>().map(|url| (url.folder, url.name)).ok();
        assert_eq!(url("./data/airports"), Some(("./data".into(), "airports".into())));
        assert_eq!(url("airports"), Some((".".into(), "airports".into())));
        assert_eq!(url("file:///var/hc/airports"), Some(("/var/hc".into(), "airports".into())));
        assert_eq!(url("/airports/"), Some(("/".into(), "airports".into())));
        assert_eq!(url("file:///var/a%20b/%C3%A4%23"), Some(("/var/a b".into(), "ä#".into())));
        assert_eq!(url("./a%20b"), Some((".".into(), "a%20b".into())), "a path has no escapes");
        for wrong in ["file://localhost/x", "file://data/x", "file://", "file:///a?b", "file:///a#b"] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
        for wrong in ["", "/", "..", "s3://bucket/airports", "./data/.."] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }
}
