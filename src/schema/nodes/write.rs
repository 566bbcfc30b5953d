//! Schemas as Cap'n Proto's own nodes: the form in which they are stored.

use capnp::message::Builder;
use capnp::schema_capnp::{ElementSize, code_generator_request, field, node, type_};
use capnp::text_list;

use super::defaults;
use crate::schema::declare::CollectionDeclaration;
use crate::schema::file::{FILE_NAME, File, Node};
use crate::schema::model::{EnumDefinition, Field, FieldKind, Schema, StructDefinition, Type};
use crate::schema::{annotations, names, wrappers};

impl Schema {
    /// The schema as a stream-framed `CodeGeneratorRequest` of one file, which any Cap'n Proto tool understands.
    ///
    /// Deterministic: equal schemas with equal ids and code order give equal bytes. Holds the annotations that tell
    /// record types, keys, references and original names, and the structs that the sections of the dataset's files
    /// are (`MovieRows`, `MovieChanges`, `Keys`).
    #[must_use]
    pub fn to_code_generator_request(&self) -> Vec<u8> {
        let wrappers = wrappers::structs_of(self);
        let file = File::new(self, &wrappers);
        let mut message = Builder::new_default();
        Writer { schema: self, file: &file }.request(message.init_root());
        capnp::serialize::write_message_to_words(&message)
    }

    /// The form in which a schema is stored with its dataset: [`Schema::to_code_generator_request`].
    #[must_use]
    pub fn stored_bytes(&self) -> Vec<u8> {
        self.to_code_generator_request()
    }
}

struct Writer<'a> {
    schema: &'a Schema,
    file: &'a File<'a>,
}

/// What one node of the request is.
enum Entry<'a> {
    File,
    Of(&'a str, Node<'a>),
    /// A group and the id of the struct or group around it.
    Group(&'a StructDefinition, u64),
    Annotation(&'static annotations::Declaration),
}

impl<'a> Writer<'a> {
    fn request(&self, mut request: code_generator_request::Builder<'_>) {
        let entries = self.entries();
        let mut nodes = request.reborrow().init_nodes(entries.len() as u32);
        for (entry, at) in entries.iter().zip(0..) {
            self.node(entry, nodes.reborrow().get(at));
        }
        let mut requested = request.init_requested_files(1).get(0);
        requested.set_id(self.file.id);
        requested.set_filename(FILE_NAME);
    }

    fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries = vec![Entry::File];
        for (name, node) in &self.file.nodes {
            entries.push(Entry::Of(name, *node));
            if let Node::Struct(definition) = node {
                self.add_groups(definition, &mut entries);
            }
        }
        entries.extend(annotations::used_by(self.schema).map(Entry::Annotation));
        entries
    }

    fn add_groups(&self, definition: &StructDefinition, entries: &mut Vec<Entry<'a>>) {
        for field in &definition.fields {
            if let FieldKind::Group(group) = field.kind {
                let group = self.schema.structure(group);
                entries.push(Entry::Group(group, definition.id));
                self.add_groups(group, entries);
            }
        }
    }

    fn node(&self, entry: &Entry<'a>, mut out: node::Builder<'_>) {
        match entry {
            Entry::File => {
                out.set_id(self.file.id);
                out.set_display_name(FILE_NAME);
                let ours = annotations::used_by(self.schema);
                let ours = ours.map(|annotation| (annotation.name, annotation.id));
                self.nested("", ours, out.reborrow());
                out.set_file(());
            }
            Entry::Of(name, node) => {
                let scope = names::scope_of(name).unwrap_or("");
                head(name, self.file.id_of(name), self.file.id_of(scope), out.reborrow());
                self.nested(name, std::iter::empty(), out.reborrow());
                match node {
                    Node::Struct(definition) => self.structure(definition, out),
                    Node::Enum(definition) => enumeration(definition, out),
                    Node::Scope => {
                        out.init_struct().set_preferred_list_encoding(ElementSize::InlineComposite);
                    }
                }
            }
            Entry::Group(definition, scope) => {
                head(&definition.name, definition.id, *scope, out.reborrow());
                self.structure(definition, out);
            }
            Entry::Annotation(declaration) => self.annotation(declaration, out),
        }
    }

    /// Lists what stands in `scope`.
    fn nested(&self, scope: &str, more: impl Iterator<Item = (&'a str, u64)>, out: node::Builder<'_>) {
        let children =
            self.file.children(scope).iter().map(|name| (names::last_part(name), self.file.id_of(name)));
        let all: Vec<_> = children.chain(more).collect();
        if all.is_empty() {
            return;
        }
        let mut nested = out.init_nested_nodes(all.len() as u32);
        for ((name, id), at) in all.into_iter().zip(0..) {
            let mut nested = nested.reborrow().get(at);
            nested.set_name(name);
            nested.set_id(id);
        }
    }

    fn structure(&self, definition: &StructDefinition, mut out: node::Builder<'_>) {
        self.key(definition, out.reborrow());
        let mut structure = out.init_struct();
        structure.set_data_word_count(definition.data_words);
        structure.set_pointer_count(definition.pointer_words);
        structure.set_preferred_list_encoding(ElementSize::InlineComposite);
        structure.set_is_group(definition.is_group);
        let arms = definition.fields.iter().filter(|field| field.discriminant.is_some()).count();
        structure.set_discriminant_count(arms as u16);
        structure.set_discriminant_offset(definition.discriminant_offset.unwrap_or(0));
        let mut in_order: Vec<(u16, usize)> =
            definition.fields.iter().zip(0..).map(|(field, at)| (self.first_ordinal(field), at)).collect();
        in_order.sort_unstable();
        let mut fields = structure.init_fields(in_order.len() as u32);
        for ((_, code_order), at) in in_order.into_iter().zip(0..) {
            let mut out = fields.reborrow().get(at);
            out.set_code_order(code_order as u16);
            self.field(&definition.fields[code_order], out);
        }
    }

    /// The smallest ordinal of a field or in a group, which is what nodes order fields by.
    fn first_ordinal(&self, field: &Field) -> u16 {
        match &field.kind {
            FieldKind::Slot { .. } => field.ordinal.expect("every slot has an ordinal"),
            FieldKind::Group(group) => {
                let fields = self.schema.structure(*group).fields.iter();
                fields.map(|field| self.first_ordinal(field)).min().expect("no group is empty")
            }
        }
    }

    fn field(&self, field: &Field, mut out: field::Builder<'_>) {
        out.set_name(&field.name);
        out.set_discriminant_value(field.discriminant.unwrap_or(field::NO_DISCRIMINANT));
        let values = self.annotations_of(field);
        if !values.is_empty() {
            let mut annotations = out.reborrow().init_annotations(values.len() as u32);
            for ((id, text), at) in values.into_iter().zip(0..) {
                let mut annotation = annotations.reborrow().get(at);
                annotation.set_id(id);
                match text {
                    Some(text) => annotation.init_value().set_text(text),
                    None => annotation.init_value().set_void(()),
                }
            }
        }
        match &field.kind {
            FieldKind::Group(group) => out.init_group().set_type_id(self.schema.structure(*group).id),
            FieldKind::Slot { offset, value_type, default } => {
                out.reborrow().init_ordinal().set_explicit(self.first_ordinal(field));
                let mut slot = out.init_slot();
                slot.set_offset(*offset);
                slot.set_had_explicit_default(*default != crate::schema::Default::Zero);
                self.type_of(value_type, slot.reborrow().init_type());
                defaults::write(self.schema, value_type, default, slot.init_default_value());
            }
        }
    }

    /// Ids and texts of a field's annotations; no text for those that have none.
    fn annotations_of(&self, field: &Field) -> Vec<(u64, Option<String>)> {
        let collection = self.schema.declared_collection(field).map(|is| match is {
            CollectionDeclaration::Set => (annotations::SET, None),
            CollectionDeclaration::Map { key } => (annotations::MAP, Some(key)),
        });
        let texts = [(annotations::NAME, &field.original_name), (annotations::REFERENCES, &field.references)];
        let texts = texts.into_iter().filter(|(_, text)| text.is_some());
        texts.map(|(id, text)| (id, text.clone())).chain(collection).collect()
    }

    fn type_of(&self, value_type: &Type, mut out: type_::Builder<'_>) {
        match value_type {
            Type::Void => out.set_void(()),
            Type::Bool => out.set_bool(()),
            Type::Int8 => out.set_int8(()),
            Type::Int16 => out.set_int16(()),
            Type::Int32 => out.set_int32(()),
            Type::Int64 => out.set_int64(()),
            Type::UInt8 => out.set_uint8(()),
            Type::UInt16 => out.set_uint16(()),
            Type::UInt32 => out.set_uint32(()),
            Type::UInt64 => out.set_uint64(()),
            Type::Float32 => out.set_float32(()),
            Type::Float64 => out.set_float64(()),
            Type::Text => out.set_text(()),
            Type::Data => out.set_data(()),
            Type::Enum(at) => out.init_enum().set_type_id(self.schema.enumeration(*at).id),
            Type::Struct(at) => out.init_struct().set_type_id(self.schema.structure(*at).id),
            Type::List(element) => self.type_of(element, out.init_list().init_element_type()),
        }
    }

    /// Annotates the struct of a record type with its key.
    fn key(&self, definition: &StructDefinition, out: node::Builder<'_>) {
        let mut types = self.schema.types.iter();
        let Some(record_type) = types.find(|is| self.schema.structure(is.structure).id == definition.id)
        else {
            return;
        };
        let mut annotation = out.init_annotations(1).get(0);
        annotation.set_id(annotations::KEY);
        let list = annotation.init_value().init_list();
        let mut fields: text_list::Builder<'_> = list.initn_as(record_type.key.len() as u32);
        for (path, at) in record_type.key.iter().zip(0..) {
            fields.set(at, self.schema.joined(record_type.structure, path, |field| &field.name));
        }
    }

    fn annotation(&self, declaration: &annotations::Declaration, mut out: node::Builder<'_>) {
        head(declaration.name, declaration.id, self.file.id, out.reborrow());
        let mut annotation = out.init_annotation();
        annotation.set_targets_struct(declaration.targets.contains(&"struct"));
        annotation.set_targets_field(declaration.targets.contains(&"field"));
        annotation.set_targets_group(declaration.targets.contains(&"group"));
        annotation.set_targets_union(declaration.targets.contains(&"union"));
        let mut value_type = annotation.reborrow().init_type();
        match declaration.value {
            annotations::Value::Void => value_type.set_void(()),
            annotations::Value::Text => value_type.set_text(()),
            annotations::Value::Texts => value_type.init_list().init_element_type().set_text(()),
        }
    }
}

fn head(name: &str, id: u64, scope: u64, mut out: node::Builder<'_>) {
    let display_name = format!("{FILE_NAME}:{name}");
    out.set_id(id);
    out.set_scope_id(scope);
    out.set_display_name_prefix_length((display_name.len() - names::last_part(name).len()) as u32);
    out.set_display_name(display_name);
}

fn enumeration(definition: &EnumDefinition, out: node::Builder<'_>) {
    let mut enumerants = out.init_enum().init_enumerants(definition.enumerants.len() as u32);
    for (name, value) in definition.enumerants.iter().zip(0..) {
        let mut enumerant = enumerants.reborrow().get(value.into());
        enumerant.set_name(name);
        enumerant.set_code_order(value);
    }
}
