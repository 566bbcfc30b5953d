use proptest::prelude::*;

use super::super::error::Fault;
use super::*;

/// A value as `serde_json` has it, for comparison. It rounds some floats wrongly when it reads them; the standard library
/// does not.
fn to_json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => value.into(),
        Value::Number(number) if number.is_integer() => serde_json::from_str(number.text()).unwrap(),
        Value::Number(number) => number.text().parse::<f64>().unwrap().into(),
        Value::Text(text) => text.into(),
        Value::List(elements) => elements.into_iter().map(to_json).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name.to_owned(), to_json(value))).collect()
        }
    }
}

fn parsed(line: &str) -> serde_json::Value {
    let mut parser = JsonParser::default();
    let document = parser.parse(line.as_bytes()).unwrap().unwrap();
    document.members().into_iter().map(|(name, value)| (name.to_owned(), to_json(value))).collect()
}

/// Where a line is refused (byte, from 0), what was expected and what was found.
fn refused(line: impl AsRef<[u8]>) -> (usize, String, String) {
    let mut parser = JsonParser::default();
    match parser.parse(line.as_ref()) {
        Err(Fault::Syntax { at, expected, found }) => (at, expected.into_owned(), found),
        other => panic!("{other:?} should have been refused"),
    }
}

#[test]
fn lines_are_read_as_json() {
    for line in [
        "{}",
        " \t{ \"a\" : 1 , \"b\" : [ ] } \r",
        r#"{"a":[1,-2,3.5,1e5,-0.0,1E+2,2e-2],"b":{"c":{"d":null}},"e":true,"f":false}"#,
        r#"{"":"","é":"日本","esc":"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\u0000","mixed":"ab\ncd\u20acef"}"#,
        r#"{"aA":{"a":1},"b":[{"a":1},{"a":2}]}"#,
    ] {
        assert_eq!(parsed(line), serde_json::from_str::<serde_json::Value>(line).unwrap(), "{line}");
    }
}

#[test]
fn blank_lines_are_none() {
    let mut parser = JsonParser::default();
    for line in ["", " ", "\t\r"] {
        assert!(parser.parse(line.as_bytes()).unwrap().is_none());
    }
}

#[test]
fn what_is_no_json_is_refused_where_it_shows() {
    let cases: &[(&str, usize, &str)] = &[
        ("[1]", 0, "an object, one a line (`jq -c '.[]'` makes lines of a list)"),
        ("1", 0, "an object, one a line"),
        ("{\"a\":1} x", 8, "the end of the line"),
        ("{\"a\":1}{\"a\":2}", 7, "the end of the line"),
        ("{\"a\":1,}", 7, "a member's name in double quotes"),
        ("{a:1}", 1, "a member's name in double quotes"),
        ("{\"a\" 1}", 5, "`:`"),
        ("{\"a\":}", 5, "a value"),
        ("{\"a\":[1,]}", 8, "a value"),
        ("{\"a\":[1 2]}", 8, "`,` or `]`"),
        ("{\"a\":1 \"b\":2}", 7, "`,` or `}`"),
        ("{\"a\":tru}", 5, "a value"),
        ("{\"a\":NaN}", 5, "a value"),
        ("{\"a\":truex}", 9, "`,` or `}`"),
        ("{\"a\":01}", 5, "a number as JSON writes it"),
        ("{\"a\":+1}", 5, "a value"),
        ("{\"a\":1.}", 5, "a number as JSON writes it"),
        ("{\"a\":.5}", 5, "a value"),
        ("{\"a\":1e}", 5, "a number as JSON writes it"),
        ("{\"a\":-}", 5, "a number as JSON writes it"),
        ("{\"a\":0x10}", 5, "a number as JSON writes it"),
        ("{\"a\":\"x", 7, "the closing quote of a string"),
        ("{\"a\":\"x\ty\"}", 7, "control characters escaped (\\n, \\u0000)"),
        ("{\"a\":\"\\x\"}", 7, "one of \" \\ / b f n r t u after a backslash"),
        ("{\"a\":\"\\u12g4\"}", 7, "four hexadecimal digits after \\u"),
        ("{\"a\":\"\\u12", 7, "four hexadecimal digits after \\u"),
        ("{\"a\":\"\\ud800\"}", 6, "a pair of surrogates"),
        ("{\"a\":\"\\ud800x\"}", 6, "a pair of surrogates"),
        ("{\"a\":\"\\ud800\\u0041\"}", 6, "a pair of surrogates"),
        ("{\"a\":\"\\udc00\\ud800\"}", 6, "a pair of surrogates"),
        ("{\"a\":1", 6, "`,` or `}`"),
        ("{", 1, "a member's name in double quotes"),
    ];
    for (line, at, expected) in cases {
        let (found_at, found_expected, _) = refused(line);
        assert_eq!((found_at, found_expected.as_str()), (*at, *expected), "{line}");
        assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).is_err(), "{line}");
    }
}

#[test]
fn bad_utf8_is_refused_with_its_byte() {
    assert_eq!(refused(b"{\"a\":\"\xff\"}"), (6, "UTF-8".to_owned(), "byte 0xff".to_owned()));
    assert_eq!(refused(b"{\"a\":\"\xc3").0, 6);
}

#[test]
fn a_member_that_comes_twice_is_refused() {
    assert_eq!(
        refused(r#"{"a":1,"b":2,"a":3}"#),
        (13, "each member once".to_owned(), "the member \"a\" again".to_owned())
    );
    assert_eq!(refused(r#"{"x":{"a":1,"\u0061":3}}"#).0, 12);
    let mut many: Vec<_> = (0..40).map(|n| format!("\"m{n}\":{n}")).collect();
    assert!(parsed(&format!("{{{}}}", many.join(","))).is_object());
    many.push("\"m7\":0".to_owned());
    assert_eq!(refused(format!("{{{}}}", many.join(","))).2, "the member \"m7\" again");
}

#[test]
fn as_many_levels_as_are_printed_are_read_and_no_more() {
    crate::on_deep_stack(read_all_levels).unwrap();
}

fn read_all_levels() {
    let lists = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let most = MAX_DEPTH as usize;
    let mut parser = JsonParser::default();
    for line in [lists(most), objects(most)] {
        let document = parser.parse(line.as_bytes()).unwrap().unwrap();
        assert!(document.members().into_iter().all(|(_, value)| !value.is_void()));
    }
    let expected = format!("at most {MAX_DEPTH} levels");
    assert_eq!(refused(lists(most + 1)).1, expected);
    assert_eq!(refused(objects(most + 1)).1, expected);
    assert_eq!(refused("{\"a\":".to_owned() + &"[".repeat(1 << 20)).1, expected);
}

#[test]
fn numbers_lose_no_digit() {
    let integer = |text| Number::parse(text).unwrap().integer();
    assert_eq!(integer("18446744073709551615"), Some(Integer { negative: false, magnitude: u64::MAX }));
    assert_eq!(integer("18446744073709551616"), None);
    assert_eq!(integer("-9223372036854775808"), Some(Integer { negative: true, magnitude: 1 << 63 }));
    assert_eq!(integer("-9223372036854775809"), None);
    assert_eq!(integer("-0"), Some(Integer { negative: false, magnitude: 0 }));
    assert_eq!(integer("1.0"), None);

    let float = |text| Number::parse(text).unwrap().float64();
    assert_eq!(float("9007199254740992"), Some(9_007_199_254_740_992.0));
    assert_eq!(float("9007199254740993"), None, "2^53 + 1");
    assert_eq!(float("-9007199254740993"), None);
    assert_eq!(float("100000000000000000000"), Some(1e20));
    assert_eq!(float("100000000000000000001"), None);
    assert_eq!(float("9007199254740993.0"), Some(9_007_199_254_740_992.0), "a fraction is rounded");
    assert_eq!(float("1e400"), None);
    assert_eq!(float("-0.0").map(f64::to_bits), Some((-0.0f64).to_bits()));
    assert_eq!(float("-0").map(f64::to_bits), Some((-0.0f64).to_bits()));

    let float = |text| Number::parse(text).unwrap().float32();
    assert_eq!(float("16777216"), Some(16_777_216.0));
    assert_eq!(float("16777217"), None, "2^24 + 1");
    assert_eq!(float("1e39"), None);
    // Just above the middle between two Float32s, and just below as a Float64: one rounding, not two.
    assert_eq!(float("1.00000005960464477540").map(f32::to_bits), Some(0x3f80_0001));
}

#[test]
fn values_that_say_nothing_are_void() {
    let is_void = |line: &str| {
        let mut parser = JsonParser::default();
        let document = parser.parse(line.as_bytes()).unwrap().unwrap();
        document.members().into_iter().all(|(_, value)| value.is_void())
    };
    assert!(is_void(r#"{"a":null,"b":[],"c":[[],[null]],"d":{},"e":{"f":null}}"#));
    assert!(!is_void(r#"{"a":[0]}"#));
    assert!(!is_void(r#"{"a":""}"#));
    assert!(!is_void(r#"{"a":{"b":false}}"#));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    /// serde_json, which shares nothing with this parser, reads the same.
    #[test]
    fn what_another_parser_reads_is_read(members in prop::collection::btree_map(any::<String>(), json(), 0..5)) {
        let value: serde_json::Value = members.into_iter().collect::<serde_json::Map<_, _>>().into();
        prop_assert_eq!(parsed(&value.to_string()), value);
    }

    /// Any bytes are read or refused as `serde_json` does; members that come twice apart, which it lets pass.
    #[test]
    fn damaged_lines_are_read_or_refused(
        members in prop::collection::btree_map("[a-c\"\\\\]{0,3}", json(), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b','), Just(b'}'), Just(b'0')]), 0..3),
    ) {
        let value: serde_json::Value = members.into_iter().collect::<serde_json::Map<_, _>>().into();
        let mut line = value.to_string().into_bytes();
        for (at, byte) in damage {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let mut parser = JsonParser::default();
        match (parser.parse(&line), serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&line)) {
            (Ok(None), theirs) => prop_assert!(theirs.is_err()),
            (Ok(Some(_)), theirs) => {
                // A float beyond the largest is a number all the same until it is known what it is for.
                let is_range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
                prop_assert!(theirs.is_ok() || is_range, "{:?}", String::from_utf8_lossy(&line));
            }
            (Err(Fault::Syntax { expected, .. }), theirs) => {
                prop_assert!(theirs.is_err() || expected == "each member once", "{:?} {}", String::from_utf8_lossy(&line), expected);
            }
            (Err(other), _) => prop_assert!(false, "{other:?}"),
        }
    }
}
