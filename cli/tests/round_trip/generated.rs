//! Datasets by the number: nested, of any shape, as JSON lines or CSV, and what they say.

use hollowcast::environment::{Random, SeededRandom};
use serde_json::{Map, Value, json};

/// A dataset in one version or two.
pub(crate) struct Generated {
    /// What sort of dataset it is, for the tally.
    pub(crate) kind: &'static str,
    pub(crate) file: &'static str,
    /// Key columns, joined by commas; none for records without a key.
    pub(crate) key: String,
    pub(crate) versions: Vec<Version>,
}

/// A file and the records in it.
pub(crate) struct Version {
    pub(crate) content: String,
    pub(crate) rows: Vec<Value>,
}

/// What the values of a column are like.
enum Column {
    Signed,
    Unsigned,
    Float,
    Mixed,
    Bool,
    Text,
    List(Box<Column>),
    Object(Vec<(String, Column)>),
}

const NAMES: [&str; 20] = [
    "a",
    "name",
    "b_c",
    "Über",
    "",
    "union",
    "text",
    "2x",
    "list",
    "none",
    "value",
    "x.y",
    "struct",
    "camelCase",
    "UPPER",
    "with space",
    "$x",
    "日本",
    "id2",
    "_",
];

const TEXTS: [&str; 16] = [
    "",
    " ",
    "plain",
    "0123",
    "1e5",
    "true",
    "null",
    "NaN",
    "a,b",
    "say \"hi\"",
    "line\nbreak",
    "tab\t",
    "naïve",
    "\u{1f600}",
    "\u{0}",
    "\\",
];

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        (self.0.next_u64() % bound as u64) as usize
    }

    fn one_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn column(&self, depth: usize) -> Column {
        match self.below(if depth < 4 { 10 } else { 6 }) {
            0 => Column::Signed,
            1 => Column::Unsigned,
            2 => Column::Float,
            3 => Column::Mixed,
            4 => Column::Bool,
            5 => Column::Text,
            6 | 7 => Column::List(Box::new(self.column(depth + 1))),
            _ => Column::Object(self.members(depth + 1)),
        }
    }

    fn members(&self, depth: usize) -> Vec<(String, Column)> {
        let first = self.below(NAMES.len());
        // A prime apart, so that no two are the same.
        let names = (0..self.below(6)).map(|at| NAMES[(first + 7 * at) % NAMES.len()].to_owned());
        names.map(|name| (name, self.column(depth))).collect()
    }

    fn value(&self, column: &Column) -> Value {
        match column {
            Column::Signed => (self.0.next_u64() as i64 >> self.below(64)).into(),
            Column::Unsigned => (self.0.next_u64() >> self.below(64)).into(),
            Column::Float => self.float().into(),
            Column::Mixed if self.one_in(2) => self.float().into(),
            Column::Mixed => (self.0.next_u64() as i32).into(),
            Column::Bool => self.one_in(2).into(),
            Column::Text if self.one_in(40) => TEXTS[self.below(TEXTS.len())].repeat(self.below(3000)).into(),
            Column::Text => TEXTS[self.below(TEXTS.len())].into(),
            Column::List(element) => (0..self.below(4)).map(|_| self.value(element)).collect(),
            Column::Object(members) => self.object(members),
        }
    }

    fn float(&self) -> f64 {
        let float = f64::from_bits(self.0.next_u64());
        if float.is_finite() { float } else { 0.1 }
    }

    /// An absent value is left out or null.
    fn object(&self, members: &[(String, Column)]) -> Value {
        let mut object = Map::new();
        for (name, column) in members {
            match self.below(6) {
                0 => {}
                1 => drop(object.insert(name.clone(), Value::Null)),
                _ => drop(object.insert(name.clone(), self.value(column))),
            }
        }
        Value::Object(object)
    }

    /// Records with keys, and contents of their own.
    fn rows(&self, keys: &[&str], members: &[(String, Column)]) -> Vec<Value> {
        let count = if self.one_in(12) { 200 + self.below(400) } else { 1 + self.below(30) };
        let row = |number: usize| {
            let mut row = self.object(members);
            // Without a key, something has to have a value.
            row["last"] = self.one_in(2).into();
            set_key(&mut row, keys, number);
            row
        };
        (0..count).map(row).collect()
    }

    /// The same contents under other keys, a few of which were there before: no column goes, and no type changes.
    fn changed(&self, keys: &[&str], rows: &[Value]) -> Vec<Value> {
        let (turn, shift) = (self.below(rows.len()), self.below(4));
        let row = |number: usize| {
            let mut row = rows[(number + turn) % rows.len()].clone();
            set_key(&mut row, keys, number + shift);
            row
        };
        (0..rows.len() + self.below(3)).map(row).collect()
    }
}

fn set_key(row: &mut Value, keys: &[&str], number: usize) {
    for key in keys {
        row[*key] = match *key {
            "key text" => format!("k{}", number / 3).into(),
            "key number" => json!(number as i64 % 3 - 1),
            _ => json!(number * 5),
        };
    }
}

impl Generated {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = Dice(SeededRandom::new(seed));
        let is_flat = dice.one_in(4);
        let members = if is_flat { flat(&dice) } else { dice.members(0) };
        let keys: &[&str] = [&["key"][..], &["key"], &["key text", "key number"], &[]][dice.below(4)];
        let (kind, file, write): (_, _, fn(&Dice, &[Value]) -> String) = match (is_flat, keys.is_empty()) {
            (true, _) => ("flat, CSV", "records.csv", csv),
            (false, true) => ("nested, without a key", "records.jsonl", json_lines),
            (false, false) => ("nested, with a key", "records.jsonl", json_lines),
        };
        let mut rows = dice.rows(keys, &members);
        if is_flat {
            rows.iter_mut().for_each(forget_empty_text);
        }
        let mut versions = vec![Version { content: write(&dice, &rows), rows: rows.clone() }];
        if dice.one_in(3) {
            let rows = dice.changed(keys, &rows);
            versions.push(Version { content: write(&dice, &rows), rows });
        }
        Self { kind, file, key: keys.join(","), versions }
    }
}

/// An empty cell of a CSV file is null, quoted or not.
fn forget_empty_text(row: &mut Value) {
    row.as_object_mut().unwrap().retain(|_, value| *value != "");
}

fn flat(dice: &Dice) -> Vec<(String, Column)> {
    let mut members = dice.members(9);
    members.retain(|(name, _)| !name.is_empty());
    members
}

fn json_lines(dice: &Dice, rows: &[Value]) -> String {
    let ends = ["\n", "\r\n", "\n\n"];
    rows.iter().map(|row| format!("{row}{}", ends[dice.below(ends.len())])).collect()
}

fn csv(dice: &Dice, rows: &[Value]) -> String {
    let names: std::collections::BTreeSet<&String> =
        rows.iter().flat_map(|row| row.as_object().unwrap().keys()).collect();
    let quoted = |text: &str, always: bool| {
        let must = always || text.contains([',', '"', '\n', '\r', ' ']);
        if must { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let header: Vec<String> = names.iter().map(|name| quoted(name, false)).collect();
    let mut text = header.join(",") + "\n";
    for row in rows {
        let cell = |name: &&String| match row.get(name.as_str()) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(cell)) => quoted(cell, dice.one_in(2)),
            Some(other) => other.to_string(),
        };
        text.push_str(&(names.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"));
    }
    text
}
