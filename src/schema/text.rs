//! Prints a schema as Cap'n Proto text.

use std::collections::HashMap;
use std::fmt::Write;

use super::file::{self, File, Node};
use super::literal::Literal;
use super::model::{Default, Field, FieldKind, RecordType, Schema, StructDefinition, Type};
use super::{annotations, names, wrappers};

impl Schema {
    /// The schema as text that `capnp compile` accepts by itself, the same for equal schemas with equal ids.
    ///
    /// Record types come first, each after those it references; what was nested is nested. The structs that hold the
    /// records in the dataset's files (`MovieRows`, `MovieChanges`, `Keys`) follow, then the annotations that the text
    /// uses, under the ids of `hollowcast.capnp`. Compiling the text and reading that gives this schema again.
    #[must_use]
    pub fn to_text(&self) -> String {
        let wrappers = wrappers::structs_of(self);
        let file = File::new(self, &wrappers);
        let types = self.types.iter().map(|is| (self.structure(is.structure).name.as_str(), is)).collect();
        let first_wrapper = wrappers[0].name.as_str();
        let mut text = Text { schema: self, file: &file, types, out: String::new(), indent: 0 };
        text.line(format_args!("@{:#018x};", file.id));
        for name in file.children("") {
            text.out.push('\n');
            if *name == first_wrapper {
                text.line(format_args!("# What holds the records in the files of the dataset.\n"));
            }
            text.node(name);
        }
        text.out.push('\n');
        annotations::used_by(self).for_each(|annotation| text.annotation(annotation));
        text.out
    }
}

impl Schema {
    /// A default of this schema as text writes it; empty for none.
    pub(super) fn default_text(&self, value_type: &Type, default: &Default) -> String {
        let literal = match default {
            Default::Zero => return String::new(),
            Default::Bits(bits) => Literal::from_bits(self, value_type, *bits),
            Default::Pointer(words) => Literal::read(self, value_type, words),
        };
        written(&literal.expect("defaults of a schema are checked"))
    }
}

struct Text<'a> {
    schema: &'a Schema,
    file: &'a File<'a>,
    types: HashMap<&'a str, &'a RecordType>,
    out: String,
    indent: usize,
}

impl Text<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let width = self.indent * 2;
        writeln!(self.out, "{:width$}{line}", "").expect("a String takes everything");
    }

    fn node(&mut self, name: &str) {
        let (short, id) = (names::last_part(name), self.file.id_of(name));
        match self.file.nodes[name] {
            Node::Enum(definition) => {
                self.line(format_args!("enum {short} @{id:#018x} {{"));
                self.indent += 1;
                for (enumerant, value) in definition.enumerants.iter().zip(0..) {
                    self.line(format_args!("{enumerant} @{value};"));
                }
            }
            Node::Struct(definition) => {
                let key = self.types.get(name).map(|is| self.key(is)).unwrap_or_default();
                self.line(format_args!("struct {short} @{id:#018x}{key} {{"));
                self.indent += 1;
                self.members(name, definition);
                self.nested(name, true);
            }
            Node::Scope => {
                self.line(format_args!("struct {short} @{id:#018x} {{"));
                self.indent += 1;
                self.nested(name, false);
            }
        }
        self.indent -= 1;
        self.line(format_args!("}}"));
    }

    fn nested(&mut self, scope: &str, mut is_behind: bool) {
        for name in self.file.children(scope) {
            if std::mem::replace(&mut is_behind, true) {
                self.out.push('\n');
            }
            self.node(name);
        }
    }

    fn key(&self, record_type: &RecordType) -> String {
        let path = |path| self.schema.joined(record_type.structure, path, |field| &field.name);
        let fields: Vec<_> = record_type.key.iter().map(|key| quoted(&path(key))).collect();
        format!(" $key([{}])", fields.join(", "))
    }

    /// The fields of a struct or group that stands within the struct called `scope`.
    fn members(&mut self, scope: &str, definition: &StructDefinition) {
        let in_union = || definition.fields.iter().filter(|field| field.discriminant.is_some());
        let mut union_stands = false;
        for field in &definition.fields {
            if field.discriminant.is_none() {
                self.field(scope, field);
            } else if !std::mem::replace(&mut union_stands, true) {
                self.line(format_args!("union {{"));
                self.indent += 1;
                in_union().for_each(|field| self.field(scope, field));
                self.indent -= 1;
                self.line(format_args!("}}"));
            }
        }
    }

    fn field(&mut self, scope: &str, field: &Field) {
        let name = &field.name;
        let original =
            field.original_name.as_deref().map(|is| format!(" $name({})", quoted(is))).unwrap_or_default();
        match &field.kind {
            FieldKind::Group(group) => {
                self.line(format_args!("{name} :group{original} {{"));
                self.indent += 1;
                self.members(scope, self.schema.structure(*group));
                self.indent -= 1;
                self.line(format_args!("}}"));
            }
            FieldKind::Slot { value_type, default, .. } => {
                let ordinal = field.ordinal.expect("every slot has an ordinal");
                let mut type_name = self.type_name(scope, value_type);
                if type_name.starts_with('.') {
                    // `:.` would be read as one operator.
                    type_name.insert(0, ' ');
                }
                let default = match self.schema.default_text(value_type, default) {
                    text if text.is_empty() => text,
                    text => format!(" = {text}"),
                };
                let references =
                    field.references.as_deref().map(|is| format!(" $references({})", quoted(is)));
                let references = references.unwrap_or_default();
                let collection = self.schema.declared_collection(field).map(|is| format!(" {is}"));
                let collection = collection.unwrap_or_default();
                self.line(format_args!(
                    "{name} @{ordinal} :{type_name}{default}{original}{references}{collection};"
                ));
            }
        }
    }

    fn type_name(&self, scope: &str, value_type: &Type) -> String {
        match value_type {
            Type::List(element) => format!("List({})", self.type_name(scope, element)),
            Type::Struct(at) => self.shortest(scope, &self.schema.structure(*at).name),
            Type::Enum(at) => self.shortest(scope, &self.schema.enumeration(*at).name),
            plain => format!("{plain:?}"),
        }
    }

    /// The shortest name that means `target` within `scope`: the first part of a name is looked for in the scope, then
    /// in those around it.
    fn shortest(&self, scope: &str, target: &str) -> String {
        let starts = target.rmatch_indices('.').map(|(dot, _)| dot + 1).chain([0]);
        for name in starts.map(|start| &target[start..]) {
            let (first, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
            let mut scopes =
                [scope].into_iter().chain(file::scopes_of(scope)).map(|scope| format!("{scope}.{first}"));
            let found = scopes.find(|found| self.file.nodes.contains_key(found.as_str()));
            if found.unwrap_or_else(|| first.into()) + rest == target {
                return name.into();
            }
        }
        format!(".{target}")
    }

    fn annotation(&mut self, annotation: &annotations::Declaration) {
        let annotations::Declaration { id, name, targets, value } = annotation;
        let targets = targets.join(", ");
        let type_name = match value {
            annotations::Value::Void => "Void",
            annotations::Value::Text => "Text",
            annotations::Value::Texts => "List(Text)",
        };
        self.line(format_args!("annotation {name} @{id:#018x} ({targets}) :{type_name};"));
    }
}

/// A value as text.
fn written(literal: &Literal) -> String {
    match literal {
        Literal::Void => "void".into(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::UInt(value) => value.to_string(),
        Literal::Float(value) if value.is_nan() => "nan".into(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Text(text) => quoted(text),
        Literal::Data(bytes) if bytes.is_empty() => quoted(""),
        Literal::Data(bytes) => hexadecimal(bytes),
        Literal::Enum(name) => name.clone(),
        Literal::List(elements) => {
            format!("[{}]", elements.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Literal::Struct(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} = {}", written(value)));
            format!("({})", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::from("0x\"");
    for byte in bytes {
        write!(out, "{byte:02x}").expect("a String takes everything");
    }
    out + "\""
}

/// A string literal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            letter if letter.is_ascii_control() => {
                write!(out, "\\x{:02x}", u32::from(letter)).expect("a String takes everything");
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use crate::schema::testing::{add_enum, add_struct, add_type, empty, field, named, optional};
    use crate::schema::{DeclaredType as T, Schema, compiler};

    /// The page that a user reads and edits. Names are as short as their scope allows.
    #[test]
    fn the_text_is_complete_and_readable() {
        let mut declaration = empty();
        let structure = |name: &str| T::Struct(name.into());
        let members = vec![
            named("icaoCode", 0, T::Text, "icao_code"),
            optional("elevation", 1, T::Float64),
            field("inner", 3, structure("Airport.Runway")),
            field("outer", 4, T::List(Box::new(structure("Runway")))),
            field("surface", 5, T::Enum("Runway.Surface".into())),
            field("region", 6, structure("World.Region")),
        ];
        add_type(&mut declaration, "Airport", &["icaoCode"], members);
        add_struct(&mut declaration, "Airport.Runway", vec![field("length", 0, T::UInt16)]);
        add_struct(&mut declaration, "Runway", vec![field("surface", 0, T::Enum("Runway.Surface".into()))]);
        add_enum(&mut declaration, "Runway.Surface", &["grass", "asphalt"]);
        add_struct(&mut declaration, "World.Region", vec![field("name", 0, T::Text)]);
        let schema = Schema::from_declaration(&declaration).unwrap();
        let text = schema.to_text();
        let ids = |line: &str| {
            line.split(' ').filter(|word| !word.starts_with("@0x")).collect::<Vec<_>>().join(" ")
        };
        let without_ids: Vec<_> = text.lines().map(ids).collect();
        assert_eq!(without_ids.join("\n"), include_str!("testdata/airports.txt").trim_end());
        assert_eq!(Schema::from_code_generator_request(&compiler::compile(&text), &[]).unwrap(), schema);
    }
}
