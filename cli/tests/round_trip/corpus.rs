//! Datasets that parsers, type inference and layouts get wrong.

/// Name, key and lines of each.
pub(crate) fn corpus() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let written = WRITTEN.iter().map(|(name, key, said)| (*name, *key, lines(said)));
    written.chain(computed()).collect()
}

const WRITTEN: &[(&str, &str, &[&str])] = &[
    ("one record with nothing but a key", "k", &[r#"{"k":1}"#]),
    ("one record with nothing but a false", "", &[r#"{"v":false}"#]),
    ("columns that come late", "k", &[r#"{"k":1}"#, r#"{"k":2,"b":"x"}"#, r#"{"k":3,"a":1.5,"b":null}"#]),
    (
        "names that no language allows",
        "k",
        &[r#"{"k":1,"":"empty","2x":true,"a-b":0.5,"ключ":1,"😀":"s","$":[1],"c d":{"e f":1}}"#],
    ),
    (
        "names that schemas use themselves",
        "key",
        &[
            r#"{"key":"x","name":"n","references":["r"],"struct":1,"union":{"union":{"group":false}},"list":[{"void":1}]}"#,
        ],
    ),
    (
        "members called as the arms of an optional",
        "k",
        &[r#"{"k":1,"none":1,"value":{"none":null,"value":2}}"#, r#"{"k":2,"none":null,"value":{"none":3}}"#],
    ),
    (
        "integers at their bounds",
        "k",
        &[
            r#"{"k":-9223372036854775808,"u":18446744073709551615}"#,
            r#"{"k":9223372036854775807,"u":0}"#,
            r#"{"k":0,"u":9223372036854775808}"#,
        ],
    ),
    ("an unsigned key beyond the signed", "k", &[r#"{"k":18446744073709551615}"#, r#"{"k":0}"#]),
    (
        "floats at their bounds",
        "k",
        &[
            r#"{"k":1,"f":5e-324}"#,
            r#"{"k":2,"f":1.7976931348623157e308}"#,
            r#"{"k":3,"f":2.2250738585072011e-308}"#,
            r#"{"k":4,"f":1}"#,
            r#"{"k":5,"f":9007199254740993.0}"#,
            r#"{"k":6,"f":1E+2}"#,
        ],
    ),
    (
        "floats that round",
        "k",
        &[
            r#"{"k":1,"f":0.1}"#,
            r#"{"k":2,"f":0.30000000000000004}"#,
            r#"{"k":3,"f":123456789.123456789123456789}"#,
        ],
    ),
    (
        "text with every escape",
        "k",
        &[
            r#"{"k":"\u0000\u0001\u001f\u007f\u2028","t":"\"\\\/\b\f\n\r\t"}"#,
            r#"{"k":"\ud83d\ude00","t":"\u00e9"}"#,
            r#"{"k":"😀é","t":"e\u0301"}"#,
        ],
    ),
    (
        "keys that differ by a little",
        "k",
        &[
            r#"{"k":"a"}"#,
            r#"{"k":"a "}"#,
            r#"{"k":"A"}"#,
            r#"{"k":""}"#,
            r#"{"k":"a\u0000"}"#,
            r#"{"k":"é"}"#,
            r#"{"k":"e\u0301"}"#,
        ],
    ),
    ("a key that is true or false", "k", &[r#"{"k":true,"v":1}"#, r#"{"k":false,"v":2}"#]),
    (
        "keys whose parts could be joined wrongly",
        "a,b",
        &[r#"{"a":"x","b":"yz"}"#, r#"{"a":"xy","b":"z"}"#, r#"{"a":"","b":"xyz"}"#, r#"{"a":"xyz","b":""}"#],
    ),
    ("records that differ in one bit", "k", &[r#"{"k":1,"v":[true,false]}"#, r#"{"k":2,"v":[true,true]}"#]),
    (
        "empty and null",
        "k",
        &[
            r#"{"k":1,"t":"","l":[],"o":{}}"#,
            r#"{"k":2,"t":null,"l":null,"o":null}"#,
            r#"{"k":3,"t":"x","l":[1],"o":{"n":1}}"#,
        ],
    ),
    (
        "lists of lists of nothing",
        "k",
        &[
            r#"{"k":1,"l":[]}"#,
            r#"{"k":2,"l":[[]]}"#,
            r#"{"k":3,"l":[[{"a":[1]}],[]]}"#,
            r#"{"k":4,"l":[[{},{"b":["x"]}]]}"#,
        ],
    ),
    (
        "lists of every scalar",
        "k",
        &[
            r#"{"k":1,"i":[1,-1],"u":[18446744073709551615],"f":[0.5,1],"b":[true,false,true,true,false,true,true,true,true],"t":["","a"]}"#,
        ],
    ),
    (
        "a mark of byte order, blanks and a last line without an end",
        "k",
        &["\u{feff}{ \"k\" : 1 }", "  ", "\t{\"k\":2}\r"],
    ),
];

/// Those that are too long to be written.
fn computed() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let nested = |levels: usize, open: &str, close: &str, inner: &str| {
        format!("{{\"k\":1,\"v\":{}{inner}{}}}", open.repeat(levels), close.repeat(levels))
    };
    let wide = (0..500).map(|at| format!("\"f{at}\":{at}")).collect::<Vec<_>>().join(",");
    let many = (0..2000).map(|at| format!("{{\"k\":{at},\"e\":{{}}}}")).collect();
    vec![
        ("objects sixty deep", "k", vec![nested(58, "{\"d\":", "}", "1")]),
        ("lists thirty deep", "k", vec![nested(30, "[", "]", "1")]),
        ("five hundred columns", "k", vec![format!("{{\"k\":1,{wide}}}"), "{\"k\":2,\"f7\":8}".to_owned()]),
        ("a text of a mebibyte", "k", vec![format!("{{\"k\":1,\"t\":\"{}\"}}", "é".repeat(1 << 19))]),
        ("a list of a hundred thousand", "k", vec![format!("{{\"k\":1,\"l\":[{}1]}}", "1,".repeat(99_999))]),
        (
            "the same subtree everywhere",
            "k",
            (0..300).map(|at| format!("{{\"k\":{at},\"s\":{{\"x\":[1,2,3],\"y\":\"same\"}}}}")).collect(),
        ),
        ("many records with nothing to say", "k", many),
    ]
}
