//! Structs that the function builds: known by their fields, which are variables of their own where the struct may change.

use super::lists_of_records::parts_of;
use super::mutation::strip;
use super::{Lower, Lowered, refuse};
use crate::scope::{Binding, Made, Value};
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::rc::Rc;
use syn::Expr;
use syn::ext::IdentExt;

/// What is written like a struct with its fields: a literal, or a pattern.
pub(super) struct Literal {
    /// `None` if it cannot be told.
    path: Option<String>,
    fields: Vec<String>,
    /// Whether `..` stands for others.
    has_rest: bool,
}

impl Lower<'_> {
    /// Whether a struct with these fields is certainly what a pattern names: nothing else in this function is written
    /// with them. A pattern of an enum fits some of its values only.
    pub(super) fn is_struct_of(&self, path: &syn::Path, fields: &[(String, Value)]) -> bool {
        let own = path.to_token_stream().to_string();
        self.struct_literals.iter().all(|literal| {
            let known = |name: &String| fields.iter().any(|(own, _)| own == name);
            let same = literal.fields.iter().all(known)
                && (literal.has_rest || literal.fields.len() == fields.len());
            !same || literal.path.as_ref() == Some(&own)
        })
    }

    /// `Point { x: a, y: b }`, of which the fields are read.
    pub(super) fn record(&mut self, literal: &syn::ExprStruct, expr: &Expr) -> Lowered<Value> {
        if self.is_inert(expr) {
            return refuse(expr, "inert");
        }
        let rest = match &literal.rest {
            Some(rest) => match self.expr(rest) {
                Ok(Value::Record(fields)) => fields,
                Ok(_) => {
                    return refuse(
                        rest,
                        "the other fields of this struct are not known\nhelp: write out every field",
                    );
                }
                Err(refusal) => return Err(refusal),
            },
            None => Vec::new(),
        };
        let mut fields: Vec<(String, Value)> = Vec::new();
        for field in &literal.fields {
            let mut value = self.expr(&field.expr)?;
            // What may change or has effects is evaluated here, and once.
            if let (Value::Inert(inert), 0) = (&mut value, self.closures) {
                self.evaluate(inert);
            }
            fields.push((field.member.to_token_stream().to_string(), value));
        }
        for (name, value) in rest {
            if !fields.iter().any(|(own, _)| *own == name) {
                fields.push((name, value));
            }
        }
        Ok(Value::Record(fields))
    }

    /// The fields of a struct that is given differentiated values later.
    pub(super) fn first_fields(&mut self, literal: &syn::ExprStruct) -> Lowered<Option<Value>> {
        if literal.rest.is_some() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        for field in &literal.fields {
            let value = match self.first_value(&field.expr, None)? {
                Some(value) => value,
                None => self.expr(&field.expr)?,
            };
            fields.push((field.member.to_token_stream().to_string(), value));
        }
        Ok(Some(Value::Record(fields)))
    }

    /// The struct that a variable holds, by its fields as they are now.
    pub(super) fn record_of(&mut self, fields: &[(String, Ident)]) -> Lowered<Value> {
        if let Some(option) = self.option_in(fields)? {
            return Ok(option);
        }
        let mut values = Vec::new();
        for (name, variable) in fields {
            if self.scope.get(&variable.to_string()).is_none() {
                return refuse(
                    variable,
                    format!(
                        "the field `{name}` is out of reach here\nhelp: bind it before, as in `let x = s.{name};`"
                    ),
                );
            }
            let mut value = self.expr(&syn::parse_quote!(#variable))?;
            // What stays Rust may change later: a copy keeps what it was.
            if let (Value::Inert(inert), 0) = (&mut value, self.closures) {
                self.evaluate(inert);
            }
            values.push((name.clone(), value));
        }
        // A tuple in a list is held in the same way where it is borrowed.
        let is_tuple = values.iter().all(|(name, _)| name.parse::<usize>().is_ok());
        let made = if is_tuple { Made::Tuple } else { Made::Struct };
        Ok(made.of(values))
    }

    /// A variable for each field of a struct that may change.
    pub(super) fn bind_record(
        &mut self,
        name: &syn::PatIdent,
        fields: Vec<(String, Value)>,
    ) -> Lowered<()> {
        let mut variables = Vec::new();
        for (field, value) in fields {
            let variable = self.fresh(&format!("{}_{field}", name.ident.unraw()));
            // A value of the graph stays one, whatever it is given later.
            let follows = !matches!(value, Value::Inert(_));
            self.changing.insert(variable.to_string());
            self.bind(&syn::parse_quote!(mut #variable), value)?;
            if follows {
                self.scope.activate(&variable.to_string());
            }
            variables.push((field, variable));
        }
        self.scope.bind(Binding::active(
            name.ident.clone(),
            Value::Fields(variables.into()),
        ));
        Ok(())
    }

    /// Tokens that stay as they stand, with the variables of the fields for `s.x`.
    pub(super) fn with_fields(&self, tokens: TokenStream) -> TokenStream {
        let known = self.scope.read_by(tokens.clone()).into_iter();
        // A name that stands without a field may be another variable, as the parameter of a closure.
        let whole = known.filter(|b| match b.value {
            Value::Fields(_) => stands_alone(tokens.clone(), &b.ident),
            Value::Lists(..) => self.list_stands_alone(tokens.clone(), &b.ident),
            _ => false,
        });
        let whole: Vec<Ident> = whole.map(|b| b.ident.clone()).collect();
        self.with_fields_but(tokens, &whole)
    }

    pub(super) fn with_fields_but(&self, tokens: TokenStream, whole: &[Ident]) -> TokenStream {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut out, mut next) = (TokenStream::new(), 0);
        let mut is_field = false;
        while let Some(tree) = trees.get(next) {
            next += 1;
            let mut tree = match tree {
                TokenTree::Group(group) => {
                    let inner = self.with_fields_but(group.stream(), whole);
                    let mut new = Group::new(group.delimiter(), inner);
                    new.set_span(group.span());
                    TokenTree::Group(new)
                }
                tree => tree.clone(),
            };
            while let (TokenTree::Ident(name), Some(TokenTree::Punct(dot)), Some(field)) =
                (&tree, trees.get(next), trees.get(next + 1))
                && dot.as_char() == '.'
                && !is_field
                && !whole.contains(name)
                && let Some(Value::Fields(fields)) =
                    self.scope.get(&name.to_string()).map(|b| &b.value)
                && let Some((_, variable)) =
                    fields.iter().find(|(own, _)| *own == field.to_string())
            {
                let mut variable = variable.clone();
                variable.set_span(variable.span().located_at(field.span()));
                tree = TokenTree::Ident(variable);
                next += 2;
            }
            let mut at = None;
            while let TokenTree::Ident(name) = &tree
                && !is_field
                && !whole.contains(name)
                && let Some((variable, index, taken)) = self.read_of_list(&trees, name, next)
            {
                let span = name.span();
                let mut variable = variable;
                variable.set_span(variable.span().located_at(span));
                tree = TokenTree::Ident(variable);
                next += taken;
                at = index.or(at);
                // What was an index of the list is one of the part's.
                if at.is_some() {
                    break;
                }
            }
            is_field = matches!(&tree, TokenTree::Punct(p) if p.as_char() == '.');
            out.extend([tree]);
            if let Some(index) = at {
                let inner = self.with_fields_but(index.stream(), whole);
                let mut new = Group::new(index.delimiter(), inner);
                new.set_span(index.span());
                out.extend([TokenTree::Group(new)]);
            }
        }
        out
    }

    /// `s.clone()` of a struct of the function's own.
    pub(super) fn copied_record(&mut self, call: &syn::ExprMethodCall) -> Option<Lowered<Value>> {
        let Expr::Path(path) = strip(&call.receiver) else {
            return None;
        };
        let known = self.scope.named(path)?;
        let is_record = matches!(known.value, Value::Record(_) | Value::Fields(_));
        (is_record && call.method == "clone").then(|| self.expr(&call.receiver))
    }

    pub(super) fn fields_of(&self, name: &Expr) -> Option<Rc<[(String, Ident)]>> {
        let path = match strip(name) {
            Expr::Path(path) => path,
            // Behind `&mut s`.
            Expr::Unary(of) if matches!(of.op, syn::UnOp::Deref(_)) => {
                return self.fields_of(&of.expr);
            }
            _ => return None,
        };
        match self.scope.named(path)?.value {
            Value::Fields(ref fields) => Some(fields.clone()),
            _ => None,
        }
    }

    /// A place in a struct of the function's own as one in the variable that its field is.
    pub(super) fn in_field(&self, place: &Expr) -> Option<Expr> {
        Some(match place {
            Expr::Field(field) => {
                let inner = self.in_field(&field.base);
                let base = inner.as_ref().unwrap_or(&field.base);
                let name = field.member.to_token_stream().to_string();
                if let Some(fields) = self.fields_of(base) {
                    let (_, variable) = fields.iter().find(|(own, _)| *own == name)?;
                    return Some(syn::parse_quote!(#variable));
                }
                if let Some(element) = self.in_list(base, &name) {
                    return Some(element);
                }
                Expr::Field(syn::ExprField {
                    base: Box::new(inner?),
                    ..field.clone()
                })
            }
            Expr::Index(index) => Expr::Index(syn::ExprIndex {
                expr: Box::new(self.in_field(&index.expr)?),
                ..index.clone()
            }),
            Expr::MethodCall(call) => Expr::MethodCall(syn::ExprMethodCall {
                receiver: Box::new(self.in_field(&call.receiver)?),
                ..call.clone()
            }),
            Expr::Paren(inner) => self.in_field(&inner.expr)?,
            Expr::Group(inner) => self.in_field(&inner.expr)?,
            Expr::Reference(reference) => Expr::Reference(syn::ExprReference {
                expr: Box::new(self.in_field(&reference.expr)?),
                ..reference.clone()
            }),
            _ => return None,
        })
    }

    /// `s = e;` of a struct: field by field.
    pub(super) fn assign_fields(
        &mut self,
        fields: &[(String, Ident)],
        value: Value,
        at: &Expr,
    ) -> Lowered<Value> {
        let Some((values, _)) = parts_of(&value) else {
            return refuse(
                at,
                "what is assigned here is not known by its fields\nhelp: write it out, as in `State { x: …, v: … }`",
            );
        };
        let mut given = Vec::new();
        for (field, variable) in fields {
            let value = values.iter().find(|(own, _)| own == field);
            let Some((_, value)) = value.cloned() else {
                return refuse(
                    at,
                    format!("there is no field `{field}` in what is assigned"),
                );
            };
            let known = self.scope.get(&variable.to_string()).map(|b| &b.value);
            given.push(match value {
                // What stays Rust is evaluated before any field changes.
                Value::Inert(inert) if matches!(known, Some(Value::Inert(_))) => {
                    let name = self.keep_as(field, &inert.tokens, inert.reads);
                    (variable, Err(name))
                }
                value => (variable, Ok(value)),
            });
        }
        for (variable, value) in given {
            let left: Expr = syn::parse_quote!(#variable);
            let value = match value {
                Ok(value) => value,
                Err(name) => {
                    self.verbatim(&quote!(#left = #name;))?;
                    continue;
                }
            };
            if let Some(inner) = self.fields_of(&left) {
                self.assign_fields(&inner, value, at)?;
                continue;
            }
            self.assign_value(&left, value, (at, at))?;
        }
        Ok(Value::Unit)
    }

    /// What is changed is inert, with all that it is given: it stays as it stands.
    pub(super) fn kept_change(&mut self, change: Expr) -> Lowered<Option<Value>> {
        if !self.is_inert(&change) {
            return Ok(None);
        }
        self.verbatim(&quote!(#change;))?;
        Ok(Some(Value::Unit))
    }
}

/// All that is written like a struct with its fields, by the tokens.
pub(super) fn literals_in(tokens: TokenStream) -> Vec<Literal> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let mut all = Vec::new();
    for (i, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        all.extend(literals_in(group.stream()));
        let before = i.checked_sub(1).and_then(|i| trees.get(i));
        let named = match before {
            Some(TokenTree::Ident(name)) => name.to_string().starts_with(char::is_uppercase),
            Some(TokenTree::Punct(p)) => p.as_char() == '>',
            _ => false,
        };
        if group.delimiter() != proc_macro2::Delimiter::Brace || !named {
            continue;
        }
        let Some((fields, has_rest)) = fields_written(group.stream()) else {
            continue;
        };
        // `a::b::C`
        let mut first = i - 1;
        while matches!(trees.get(first), Some(TokenTree::Ident(_)))
            && first >= 3
            && is(first - 1, ':')
            && is(first - 2, ':')
        {
            first -= 3;
        }
        let known = matches!(trees.get(first), Some(TokenTree::Ident(_)));
        let path: TokenStream = trees[first..i].iter().cloned().collect();
        all.push(Literal {
            path: known.then(|| path.to_string()),
            fields,
            has_rest,
        });
    }
    all
}

/// The names of the fields in the braces of a struct, and whether there is `..`; `None` if it is something else.
fn fields_written(tokens: TokenStream) -> Option<(Vec<String>, bool)> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |tree: &TokenTree, c: char| matches!(tree, TokenTree::Punct(p) if p.as_char() == c);
    let (mut fields, mut has_rest) = (Vec::new(), false);
    for part in trees.split(|tree| is(tree, ',')) {
        let mut words = part.iter().filter(
            |tree| !matches!(tree, TokenTree::Ident(word) if *word == "ref" || *word == "mut"),
        );
        match (words.next(), words.next()) {
            (None, _) => {}
            (Some(TokenTree::Punct(dot)), _) if dot.as_char() == '.' => has_rest = true,
            (Some(TokenTree::Ident(name)), None) => fields.push(name.to_string()),
            (Some(name @ (TokenTree::Ident(_) | TokenTree::Literal(_))), Some(colon))
                if is(colon, ':') =>
            {
                fields.push(name.to_string());
            }
            // A comma inside of angle brackets or a closure parts nothing.
            _ if !fields.is_empty() => {}
            _ => return None,
        }
    }
    Some((fields, has_rest))
}

/// Whether a name stands somewhere without a field after it.
fn stands_alone(tokens: TokenStream, name: &Ident) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let dot =
        |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(p)) if p.as_char() == '.');
    trees.iter().enumerate().any(|(i, tree)| match tree {
        TokenTree::Ident(ident) if ident == name => {
            let is_field = i > 0 && dot(trees.get(i - 1));
            !is_field && !dot(trees.get(i + 1))
        }
        TokenTree::Group(group) => stands_alone(group.stream(), name),
        _ => false,
    })
}
