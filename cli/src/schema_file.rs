//! Schemas in files: Cap'n Proto text, or compiled.
//!
//! Both are told apart by what is in them. Text is compiled by Cap'n Proto's own `capnp`; the annotations that it may import as
//! `/hollowcast.capnp` are given to the compiler in a temporary folder, so that nobody needs that file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hollowcast::error::{Classify, ErrorKind};
use hollowcast::schema::{ANNOTATIONS_FILE, Schema, SchemaError, limits};

/// Why a file gives no schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaFileError {
    /// The file cannot be read, or the compiler not be given what it needs.
    #[error("{file}: cannot be read as a schema: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// More bytes than a schema has.
    #[error("{file}: longer than {limit} bytes; is it a schema?")]
    TooLong {
        /// The file.
        file: String,
        /// The limit.
        limit: usize,
    },
    /// No compiler for text.
    #[error(
        "{file}: schemas in text are compiled by `capnp`, which is not on the PATH: install Cap'n Proto (apt install capnproto, \
         brew install capnp), or pass what `capnp compile -o- {file}` prints elsewhere"
    )]
    NoCompiler {
        /// The file.
        file: String,
    },
    /// The compiler does not run.
    #[error("{file}: `capnp compile` cannot be run: {source}")]
    CompilerFailed {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The compiler refuses the text.
    #[error("{file} does not compile ({status}):\n{words}")]
    Refused {
        /// The file.
        file: String,
        /// How the compiler ended.
        status: String,
        /// What it says: file, line, column and fault.
        words: String,
    },
    /// No struct is a record type.
    #[error(
        "{file}: no struct is a record type; say `using Hollowcast = import \"/hollowcast.capnp\";` and mark each with its key, as in \
         `struct Movie $Hollowcast.key([\"id\"]) {{ … }}`, or with `key([])` if its records have none"
    )]
    NoRecordType {
        /// The file.
        file: String,
    },
    /// Records cannot have this schema.
    #[error("{file}: {source}")]
    Unfit {
        /// The file.
        file: String,
        /// What is wrong.
        source: SchemaError,
    },
}

impl Classify for SchemaFileError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// Reads the schema in a file, or on standard input for `-`. Its record types are the structs with a `$key`.
pub fn read_schema(path: &Path) -> Result<Schema, SchemaFileError> {
    let file = SchemaFile::open(path)?;
    let text;
    let compiled = if file.is_compiled() {
        &file.content
    } else {
        text = file.compile()?;
        &text
    };
    Schema::from_code_generator_request(compiled, &[]).map_err(|source| match source {
        SchemaError::NoRecordType => SchemaFileError::NoRecordType { file: file.name },
        source => SchemaFileError::Unfit { file: file.name, source },
    })
}

struct SchemaFile {
    /// What messages call it.
    name: String,
    /// Where the compiler finds it; a stream is gone once it was read.
    path: Option<PathBuf>,
    content: Vec<u8>,
}

impl SchemaFile {
    fn open(path: &Path) -> Result<Self, SchemaFileError> {
        let is_standard_input = path == Path::new("-");
        let name = if is_standard_input { "standard input".to_owned() } else { path.display().to_string() };
        let limit = limits::COMPILED_BYTES;
        let read = || {
            let mut content = Vec::new();
            if is_standard_input {
                io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut content)?;
                return Ok((content, None));
            }
            let file = File::open(path)?;
            let is_stream = !file.metadata()?.is_file();
            file.take(limit as u64 + 1).read_to_end(&mut content)?;
            Ok((content, (!is_stream).then(|| path.to_owned())))
        };
        match read() {
            Ok((content, _)) if content.len() > limit => Err(SchemaFileError::TooLong { file: name, limit }),
            Ok((content, path)) => Ok(Self { name, path, content }),
            Err(source) => Err(SchemaFileError::Unreadable { file: name, source }),
        }
    }

    /// A compiled schema begins with the lengths of its segments, which are never without a zero byte; text has none.
    fn is_compiled(&self) -> bool {
        self.content.contains(&0)
    }

    /// What `capnp compile -o-` prints.
    fn compile(&self) -> Result<Vec<u8>, SchemaFileError> {
        let unreadable = |source| SchemaFileError::Unreadable { file: self.name.clone(), source };
        let folder = tempfile::tempdir().map_err(unreadable)?;
        let imports = folder.path().join("imports");
        fs::create_dir(&imports).map_err(unreadable)?;
        fs::write(imports.join("hollowcast.capnp"), ANNOTATIONS_FILE).map_err(unreadable)?;
        let text = match &self.path {
            Some(path) => path.clone(),
            None => {
                let copy = folder.path().join("schema.capnp");
                fs::write(&copy, &self.content).map_err(unreadable)?;
                copy
            }
        };
        self.run(&imports, &text)
    }

    fn run(&self, imports: &Path, text: &Path) -> Result<Vec<u8>, SchemaFileError> {
        let mut import_path = OsString::from("-I");
        import_path.push(imports);
        // The dot keeps a name that begins with a dash from being an option.
        let text = Path::new(".").join(text);
        let mut command = Command::new("capnp");
        command.arg("compile").arg(import_path).arg("-o-").arg(text).stdin(Stdio::null());
        // A working directory that its variable does not know brings a warning.
        command.env_remove("PWD");
        let output = command.output().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SchemaFileError::NoCompiler { file: self.name.clone() },
            _ => SchemaFileError::CompilerFailed { file: self.name.clone(), source },
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Err(SchemaFileError::Refused { file: self.name.clone(), status: output.status.to_string(), words })
    }
}
