//! Opening, decompressing, cutting; rows and lines and what is wrong with them.

use std::io::Write as _;

use hollowcast::error::{Classify, ErrorKind};
use proptest::prelude::*;

use super::super::csv_rows::RowCutter;
use super::*;

/// `name:line` of the first value of each column, and the number of rows.
fn places(source: Source) -> String {
    let shape = observed(source).unwrap();
    let columns =
        shape.members().iter().map(|member| format!("{}:{}", member.name, member.shape.first().line));
    format!("{} rows {}", shape.side.count, columns.collect::<Vec<_>>().join(" "))
}

#[test]
fn rows_are_counted_by_lines_of_the_file() {
    assert_eq!(places(csv("a,b\n1,2\n")), "1 rows a:2 b:2");
    assert_eq!(places(csv("a,b\r\n1,2")), "1 rows a:2 b:2");
    assert_eq!(places(csv("a,b\r\r\n1,2\r")), "1 rows a:2 b:2");
    assert_eq!(places(csv("\u{feff}a,b\n1,2\n")), "1 rows a:2 b:2");
    assert_eq!(places(csv("\n\na,b\n\n\r\n1,2\n\n")), "1 rows a:6 b:6");
    assert_eq!(places(csv("a,b\n")), "0 rows a:0 b:0");
    assert_eq!(places(csv("")), "0 rows ");
    let shape = observed(csv("a,\"b\nb\"\n\"x\n\ny\",\n\"\"\"\",1\n")).unwrap();
    assert_eq!((shape.members()[1].name.as_str(), shape.members()[1].shape.integer.first.line), ("b\nb", 6));
}

#[test]
fn lines_are_counted_by_lines_of_the_file() {
    assert_eq!(places(json_lines("{\"a\":1}\n\n\r\n{\"b\":1}")), "2 rows a:1 b:4");
    assert_eq!(places(json_lines("\u{feff}{\"a\":1}")), "1 rows a:1");
    assert_eq!(places(json_lines("")), "0 rows ");
}

#[test]
fn wrong_rows_are_refused_by_line() {
    let cases = [
        ("a,b\n1,2\n1\n", "file:3: field (record): expected 2 cells, as many as there are columns, found 1"),
        (
            "a,b\n\"x\ny\",2\n1,2,3\n",
            "file:4: field (record): expected 2 cells, as many as there are columns, found 3",
        ),
        (
            "a,b\n1,\"x\"y\n",
            "file:2:6: expected `,`, the end of the row, or a double quote written twice, found 'y' behind a closing quote",
        ),
        (
            "a,b\n1,2\n3,\"x\n\n",
            "file:3: field (record): expected the double quote that is opened here to be closed, found the end of the file",
        ),
        ("a,b\r1,2\r", "file:1:5: expected a line feed, found '1' behind a carriage return"),
        ("a,a\n1,2\n", "file:1: field a: expected each column once, found it again"),
    ];
    for (content, expected) in cases {
        assert_eq!(message(observed(csv(content))), expected);
    }
    assert_eq!(
        message(observed(csv(b"a,b\n1,2\n3,x\xff\n"))),
        "file:3: field b: expected UTF-8, found byte 0xff after \"x\""
    );
    assert!(message(observed(csv(b"a\xff,b\n"))).starts_with("file:1: field (record): expected UTF-8"));
    assert!(message(observed(csv(b"\xff\xfea\0"))).contains("byte order mark of UTF-16"));
}

#[test]
fn quotes_within_plain_cells_are_characters() {
    assert_eq!(published(Format::Csv, "a,b\n5\" pipe,x\n", &[]).unwrap(), [r#"{"a":"5\" pipe","b":"x"}"#]);
}

#[test]
fn wrong_lines_are_refused_by_line_and_byte() {
    let cases = [
        ("{\"a\":1}\n\n{\"a\":}\n", "file:3:6: expected a value, found `}`"),
        (
            "{\"a\":[{\"b\":123456789012345678901}]}",
            "file:1: field a.0.b: expected an integer of 64 bits, or a string, found 123456789012345678901",
        ),
        (
            "[1,2]",
            "file:1:1: expected an object, one a line (`jq -c '.[]'` makes lines of a list), found `[`",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(message(observed(json_lines(content))), expected);
    }
}

#[test]
fn the_first_wrong_line_is_told_however_threads_run() {
    let mut content: Vec<_> = (1..=3000).map(|n| format!("{{\"id\":{n}}}")).collect();
    content[1999] = "{".to_owned();
    content[2000] = "{".to_owned();
    content[2999] = "[".to_owned();
    let content = content.join("\n");
    for chunk in [1, 64, 1000, 100_000] {
        let error = message(observed(json_lines(&content).in_chunks_of(chunk)));
        assert!(error.starts_with("file:2000:2: "), "{error}");
    }
}

#[test]
fn columns_are_in_the_order_of_the_file_however_threads_run() {
    // Every other line takes a while, so that the next one overtakes it.
    let line =
        |n: usize| format!("{{\"m{n}\":[{}0]}}", "0,".repeat(if n.is_multiple_of(2) { 2000 } else { 0 }));
    let content = (0..400).map(line).collect::<Vec<_>>().join("\n");
    let shape = observed(json_lines(content).in_chunks_of(8)).unwrap();
    let names: Vec<_> = shape.members().iter().map(|member| member.name.clone()).collect();
    assert_eq!(names, (0..400).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[test]
fn an_error_of_the_sink_has_the_line_and_the_kind() {
    let content = (1..=500).map(|n| format!("{{\"id\":{n}}}")).collect::<Vec<_>>().join("\n");
    let schema = inferred(&observed(json_lines(&content)).unwrap(), &["id"], None).schema;
    let structure = schema.types()[0].structure;
    let printer = JsonPrinter::new(&schema);
    let sink = |message: &[u64]| {
        let mut line = Vec::new();
        printer.print(structure, StructReader::root(message)?, &mut line)?;
        let is_late = String::from_utf8(line).unwrap().as_str() >= "{\"id\":300}";
        if is_late { Err(InputError::Keyless { type_name: "T".to_owned() }.into()) } else { Ok(()) }
    };
    let source = json_lines(&content).in_chunks_of(16);
    let error = encode(&[source], &schema, first_type(&schema), Order::Any, &|_| {}, sink).unwrap_err();
    assert!(error.to_string().starts_with("file:3: T has no key"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// Many threads, chunks of a line or two: whoever wants the order gets it, up to the record that is refused.
#[test]
fn records_come_in_the_order_of_their_lines_where_that_is_asked_for() {
    let lines: Vec<String> = (1..=5000).map(|id| format!("{{\"id\":{id}}}")).collect();
    let (content, csv_content) =
        (lines.join("\n"), format!("id\n{}", (1..=5000).map(|id| format!("{id}\n")).collect::<String>()));
    let schema = inferred(&observed(json_lines(&content)).unwrap(), &["id"], None).schema;
    let structure = schema.types()[0].structure;
    let printer = JsonPrinter::new(&schema);
    for source in [json_lines(&content), csv(&csv_content)] {
        let is_csv = source.format() == Format::Csv;
        let given = Mutex::new(Vec::new());
        let sink = |message: &[u64]| {
            let mut line = Vec::new();
            printer.print(structure, StructReader::root(message)?, &mut line)?;
            let mut given = given.lock().unwrap();
            given.push(String::from_utf8(line).unwrap());
            let is_last = given.len() == 4000;
            if is_last { Err(InputError::Keyless { type_name: "T".to_owned() }.into()) } else { Ok(()) }
        };
        let source = source.in_chunks_of(16);
        let error = encode(&[source], &schema, first_type(&schema), Order::Lines, &|_| {}, sink).unwrap_err();
        let line = if is_csv { 4001 } else { 4000 };
        assert!(error.to_string().starts_with(&format!("file:{line}: T has no key")), "{error}");
        assert_eq!(given.into_inner().unwrap(), lines[..4000]);
    }
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let plain = "a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(plain.as_bytes(), 1).unwrap();
    for packed in [&gzip, &zstd] {
        assert_eq!(places(csv(packed)), "2 rows a:2 b:2");
        let source = Source::spooled("file", &mut packed.as_slice(), None).unwrap();
        assert_eq!(source.format(), Format::Csv);
        for cut in [5, packed.len() / 2, packed.len() - 1] {
            let error = message(observed(csv(&packed[..cut])));
            assert!(error.starts_with("file: damaged ") && error.contains("make the file again"), "{error}");
        }
    }
    let twice = [gzip.as_slice(), &gzip].concat();
    assert_eq!(places(csv(twice)), "5 rows a:2 b:2", "members of a gzip file follow each other");
}

#[test]
fn formats_are_told_by_name_and_content() {
    let directory = tempfile::tempdir().unwrap();
    let format = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        Source::open(&path, None).unwrap().format()
    };
    assert_eq!(format("a.csv", "{"), Format::Csv);
    assert_eq!(format("a.JSONL", "a,b"), Format::JsonLines);
    assert_eq!(format("a.ndjson.gz", "a,b"), Format::JsonLines);
    assert_eq!(format("a.json.zst", "a,b"), Format::JsonLines);
    assert_eq!(format("a.txt", "\u{feff}\n {\"a\":1}"), Format::JsonLines);
    assert_eq!(format("a", "a,b"), Format::Csv);
    assert_eq!(format("a.gz", "{}"), Format::JsonLines);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = message(Source::open(&directory.path().join("nothing.csv"), None));
    assert!(error.contains("nothing.csv: cannot be read: "), "{error}");
    let error = message(Source::open(directory.path(), None));
    assert!(error.contains("cannot be read: "), "{error}");
}

#[test]
fn bytes_read_are_those_of_the_file() {
    let zstd = zstd::encode_all("a,b\n1,x\n".repeat(1000).as_bytes(), 1).unwrap();
    let source = csv(&zstd);
    let count = std::sync::atomic::AtomicU64::new(0);
    observe(std::slice::from_ref(&source), &|bytes| {
        count.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(count.into_inner(), zstd.len() as u64);
    assert_eq!(source.len().unwrap(), zstd.len() as u64);
}

#[test]
fn a_line_beyond_the_limit_is_refused() {
    use super::super::json_lines::MAX_LINE;
    let long = |len: usize| format!("{{}}\n{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(len - 8));
    assert_eq!(places(json_lines(long(MAX_LINE))), "3 rows a:2");
    for len in [MAX_LINE + 1, MAX_LINE + (3 << 20)] {
        let error = message(observed(json_lines(long(len))));
        assert!(error.starts_with(&format!("file:2: longer than {MAX_LINE} bytes")), "{error}");
    }
}

/// Rows and the line of each, or the line of the first fault, as one chunk or many have them.
fn rows_in_chunks(content: &str, chunk: usize) -> Result<(u64, Vec<(String, u64)>), String> {
    let shape = observed(csv(content).in_chunks_of(chunk)).map_err(|error| error.to_string())?;
    let column =
        |member: &hollowcast::schema::infer::Member| (member.name.clone(), member.shape.first().line);
    Ok((shape.side.count, shape.members().iter().map(column).collect()))
}

proptest! {
    #[test]
    fn rows_are_the_same_in_chunks_of_any_size(
        content in "(x,y\r?\n)?([a,\r\n]|\"[ab,\r\n]{0,3}(\"\")?\"|\n|\"){0,12}", chunk in 1usize..9
    ) {
        prop_assert_eq!(rows_in_chunks(&content, chunk), rows_in_chunks(&content, 1 << 20));
    }

    /// Where the cutter finds nothing wrong, it ends rows only where the reader of rows does.
    #[test]
    fn rows_are_cut_where_they_end(content in "([ab,\n]|\"([ab,\n]|\"\"){0,3}\"[,\n]|\r\n){0,12}") {
        let rows = |content: &str| -> Vec<Vec<String>> {
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content.as_bytes());
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
        };
        let mut cutter = RowCutter::default();
        let (end, fault) = cutter.scan(content.as_bytes());
        if let (Some(end), None) = (end, fault) {
            prop_assert_eq!([rows(&content[..end]), rows(&content[end..])].concat(), rows(&content));
        }
    }
}
