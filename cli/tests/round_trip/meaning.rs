//! When two records mean the same: absent is null is a list or object with nothing in it, members have no order, 1 is
//! 1.0. Text is compared by its characters.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// A line of JSON, by a parser that is not the program's.
pub(crate) fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// What records mean, each with how often it is there.
pub(crate) fn meanings(records: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for record in records {
        let meaning = meaning(record).unwrap_or(Value::Null).to_string();
        *counts.entry(meaning).or_default() += 1;
    }
    counts
}

/// What a value means; `None` if nothing.
///
/// A list without a meaningful element is none only because the type of its elements may never be known; a null among others stays, as it
/// has a place.
fn meaning(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Number(number) => Some(Value::Number(one_way_to_write(number))),
        Value::Array(elements) => {
            let elements: Vec<Option<Value>> = elements.iter().map(meaning).collect();
            let is_void = elements.iter().all(Option::is_none);
            (!is_void).then(|| elements.into_iter().map(Option::unwrap_or_default).collect())
        }
        Value::Object(members) => {
            let meant = members.iter().filter_map(|(name, value)| Some((name.clone(), meaning(value)?)));
            // In the order of names, whatever order the map keeps.
            let meant: BTreeMap<String, Value> = meant.collect();
            (!meant.is_empty()).then(|| Value::Object(meant.into_iter().collect::<Map<_, _>>()))
        }
        other => Some(other.clone()),
    }
}

/// Integers without a point, whether or not they had one.
fn one_way_to_write(number: &Number) -> Number {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.clone() };
    let is_integer = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    if is_integer { Number::from(float as i64) } else { number.clone() }
}
