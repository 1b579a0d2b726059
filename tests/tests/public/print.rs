//! Declarations on one line, as rustfmt would write them if lines had no end.

use syn::{
    Attribute, Block, Fields, File, Item, ItemImpl, Signature, Type, Variant, Visibility,
    parse_quote,
};

/// Returns the declaration of an item: without body, fields, docs and visibility, with its derives.
pub(crate) fn declaration(item: &Item) -> String {
    match item {
        Item::Fn(item) => signature(&item.sig),
        Item::Struct(item) => {
            let mut shell = item.clone();
            let derives = derives(&item.attrs);
            shell.attrs = Vec::new();
            shell.vis = Visibility::Inherited;
            let rest = hide_fields(&mut shell.fields);
            let text = one_line(Item::Struct(shell));
            let text = text.trim_end_matches(['{', '}', ';', ' ']);
            format!("{derives}{text}{rest}")
        }
        Item::Enum(item) => {
            let mut shell = item.clone();
            let derives = derives(&item.attrs);
            shell.attrs = Vec::new();
            shell.vis = Visibility::Inherited;
            shell.variants.clear();
            let text = one_line(Item::Enum(shell));
            format!("{derives}{}", text.trim_end_matches(['{', '}', ' ']))
        }
        Item::Trait(item) => {
            let mut shell = item.clone();
            shell.attrs = Vec::new();
            shell.vis = Visibility::Inherited;
            shell.items.clear();
            let text = one_line(Item::Trait(shell));
            text.trim_end_matches(['{', '}', ' ']).to_owned()
        }
        Item::Const(item) => format!("const {}: {}", item.ident, kind(&item.ty)),
        Item::Static(item) => format!("static {}: {}", item.ident, kind(&item.ty)),
        Item::Type(item) => {
            let mut shell = item.clone();
            shell.attrs = Vec::new();
            shell.vis = Visibility::Inherited;
            one_line(Item::Type(shell)).trim_end_matches(';').to_owned()
        }
        _ => panic!("no other item is exported"),
    }
}

/// Takes the fields out of a struct, and returns what stands for them. The public fields of a tuple stand there
/// themselves, since they have no names for lines of their own.
fn hide_fields(fields: &mut Fields) -> String {
    let hidden = std::mem::replace(fields, Fields::Unit);
    match hidden {
        Fields::Unit => String::new(),
        Fields::Named(fields) => {
            let is_open = fields
                .named
                .iter()
                .all(|field| matches!(field.vis, Visibility::Public(_)));
            if is_open { " { .. }" } else { " { _ }" }.to_owned()
        }
        Fields::Unnamed(fields) => {
            let texts = fields.unnamed.iter().map(|field| match field.vis {
                Visibility::Public(_) => format!("pub {}", kind(&field.ty)),
                _ => "_".to_owned(),
            });
            format!("({})", texts.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns the derives of a type, since each of them is a way to make or to show one.
fn derives(attributes: &[Attribute]) -> String {
    let derives = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
        .cloned();
    let shell = Item::Struct(syn::ItemStruct {
        attrs: derives.collect(),
        ..parse_quote!(
            struct X;
        )
    });
    one_line(shell).trim_end_matches("struct X;").to_owned()
}

/// Returns a function without its body.
pub(crate) fn signature(signature: &Signature) -> String {
    let block: Block = parse_quote!({});
    let shell = Item::Fn(syn::ItemFn {
        attrs: Vec::new(),
        vis: Visibility::Inherited,
        sig: signature.clone(),
        block: Box::new(block),
    });
    one_line(shell)
        .trim_end_matches([' ', '{', '}', ','])
        .to_owned()
}

/// Returns a type.
pub(crate) fn kind(kind: &Type) -> String {
    let shell = one_line(parse_quote!(type X = #kind;));
    let text = shell.trim_start_matches("type X = ");
    text.trim_end_matches(';').to_owned()
}

/// Returns a variant with its fields.
pub(crate) fn variant(variant: &Variant) -> String {
    let mut shell = variant.clone();
    shell.attrs = Vec::new();
    for field in &mut shell.fields {
        field.attrs = Vec::new();
    }
    let text = one_line(parse_quote!(enum X { #shell }));
    let text = text.trim_start_matches("enum X {").trim_end_matches('}');
    text.trim().trim_end_matches(',').to_owned()
}

/// Returns the first line of an `impl` block.
pub(crate) fn heading(item: &ItemImpl) -> String {
    let mut shell = item.clone();
    shell.attrs = Vec::new();
    shell.items.clear();
    let text = one_line(Item::Impl(shell));
    text.trim_end_matches(['{', '}', ' ']).to_owned()
}

/// Formats an item, and joins its lines.
fn one_line(item: Item) -> String {
    let file = File {
        shebang: None,
        attrs: Vec::new(),
        items: vec![item],
    };
    let text = prettyplease::unparse(&file);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let joined = lines.join(" ");
    joined
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(" .", ".")
        .replace("< ", "<")
        .replace(", >", ">")
        .replace(",)", ")")
        .replace(", }", " }")
}
