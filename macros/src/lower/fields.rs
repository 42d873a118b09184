//! Parameters of the user's own types: a field is of the kind that its use leaves possible, which rustc checks.

use super::{Lower, Lowered, Refusal, hint_of_plain_type, refuse};
use crate::error::text;
use crate::graph::{
    Dim, Elem, Extent, Field, Form, Graph, Id, Kind, Leaf, Member, Shape, Sources, Taken,
};
use crate::rules::Op;
use crate::scope::{Binding, Hint, Inert, Place, Value};
use crate::ty::{self, Class};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Pat};

/// A field whose kind is known.
pub struct Source {
    parameter: usize,
    path: Vec<Member>,
    tokens: TokenStream,
    /// What it is taken for; a list is what its type says.
    kind: Option<Kind>,
    /// Whether a call takes it, which knows what it is.
    whole: bool,
    pub id: Id,
}

/// What a field is, as far as a loop that reads it tells.
pub enum FieldKind {
    Value(Kind),
    List(ty::List),
    /// What a call takes as a whole.
    Whole,
}

impl Source {
    fn new(place: &Place, kind: Option<Kind>, id: Id) -> Self {
        Self {
            parameter: place.parameter,
            path: place.path.clone(),
            tokens: place.tokens.clone(),
            kind,
            whole: false,
            id,
        }
    }

    /// The same field inside of a loop.
    pub fn inside(&self, leaf: Id) -> Self {
        Self {
            path: self.path.clone(),
            tokens: self.tokens.clone(),
            kind: self.kind.clone(),
            id: leaf,
            ..*self
        }
    }

    /// What it is taken for.
    pub fn taken(self, parameters: &[(Ident, Option<Sources>)]) -> Taken {
        Taken {
            parameter: parameters[self.parameter].0.clone(),
            path: self.path,
            kind: self.kind,
        }
    }
}

/// Why a parameter cannot be differentiated by.
pub fn unknown(name: &Ident) -> String {
    format!(
        "nothing tells the type of `{name}`\nhelp: compute with its fields, if it is a struct with `#[derive(Differentiable)]`; for another name of one of nalgebra's types begin the body with that, as in `let {name}: &Vector3<f64> = {name};`"
    )
}

/// That nothing tells what a field is.
pub fn kind_of_field(place: &Place) -> String {
    let name = last_name(place);
    format!(
        "nothing tells the type of `{0}` here\nhelp: bind it with its type before, as in `let {name}: &DVector<f64> = &{0};`, or `let {name}: &[f64] = &{0};` for a list",
        text(&place.tokens)
    )
}

/// A field may be an integer or a real number: a cast does not tell.
pub fn cast(place: &Place, ty: &syn::Type) -> String {
    let name = last_name(place);
    format!(
        "nothing tells whether `{0}` is an integer or a real number, before it is cast to `{1}`\nhelp: bind it with its type before, as in `let {name}: usize = {0};`",
        text(&place.tokens),
        text(ty)
    )
}

/// A field that is counted by, and so is an integer.
pub fn integer(place: &Place) -> Option<Inert> {
    let inert = || Inert {
        hint: Hint::Int,
        ..Inert::plain(place.tokens.clone(), true)
    };
    (!place.path.is_empty()).then(inert)
}

fn last_name(place: &Place) -> String {
    let names = place.path.iter().rev().filter_map(|member| match member {
        Member::Named(name) => Some(name.to_string()),
        _ => None,
    });
    names
        .into_iter()
        .next()
        .unwrap_or_else(|| "field".to_string())
}

fn is_text(ty: &syn::Type) -> bool {
    let text = ty.to_token_stream().to_string();
    matches!(
        text.trim_start_matches(['&', ' ']),
        "String" | "str" | "char"
    )
}

impl Lower<'_> {
    /// A field of a struct, or of a field of one.
    pub(super) fn field_of(&mut self, place: &Place, member: &syn::Member) -> Value {
        let member = match member {
            syn::Member::Named(name) => Member::Named(name.clone()),
            syn::Member::Unnamed(index) => Member::Unnamed(index.index),
        };
        self.inside(place, member)
    }

    fn inside(&mut self, place: &Place, member: Member) -> Value {
        let tokens = &place.tokens;
        let tokens = quote!(#tokens #member);
        let mut path = place.path.clone();
        path.push(member);
        self.resolved(Value::Untyped(Place {
            parameter: place.parameter,
            path,
            tokens,
            reference: false,
        }))
    }

    /// An element of a field, by a literal index.
    pub(super) fn element_of_field(
        &mut self,
        place: &Place,
        index: &syn::ExprIndex,
    ) -> Lowered<Value> {
        let literal = match &*index.index {
            Expr::Lit(lit) => match &lit.lit {
                syn::Lit::Int(int) => int.base10_parse().ok(),
                _ => None,
            },
            _ => None,
        };
        match literal {
            Some(literal) => Ok(self.inside(place, Member::Index(literal))),
            None => refuse(&index.expr, kind_of_field(place)),
        }
    }

    /// The value of a field whose kind is known already.
    pub(super) fn resolved(&self, value: Value) -> Value {
        match &value {
            Value::Untyped(place) => match self.known_field(place) {
                Some(source) if source.kind.is_some() => Value::Node(source.id),
                Some(source) => {
                    let lists = self.graph.lists.borrow();
                    let elements = lists.get(&source.id).is_some_and(|l| l.element.is_some());
                    if elements {
                        Value::Elements(source.id)
                    } else {
                        Value::Slice(source.id)
                    }
                }
                None => value,
            },
            _ => value,
        }
    }

    fn known_field(&self, place: &Place) -> Option<&Source> {
        let mut known = self.fields.iter().filter(|f| !f.whole);
        known.find(|f| f.parameter == place.parameter && f.path == place.path)
    }

    /// The column of all entries of a struct, or of a part of one whose kind a call knows: another source of
    /// derivatives. Nothing is computed with it here, and what its fields add comes beside it.
    pub(super) fn whole_of(&mut self, place: &Place, at: &dyn ToTokens) -> Lowered<Id> {
        if place.path.is_empty()
            && let Some((name, _)) = self.parameters.get(place.parameter)
            && !self.may_be_struct(name)
        {
            return refuse(at.to_token_stream(), unknown(name));
        }
        let known = self
            .fields
            .iter()
            .find(|f| f.whole && f.parameter == place.parameter && f.path == place.path);
        if let Some(known) = known {
            return Ok(known.id);
        }
        if self.is_in_loop() {
            return self.want(place, FieldKind::Whole);
        }
        let tokens = match self.parameters.get(place.parameter) {
            Some((name, _)) if place.path.is_empty() => name.to_token_stream(),
            _ => place.tokens.clone(),
        };
        let borrowed = place.path.is_empty() && self.borrowed.contains(&place.parameter);
        let name = if borrowed {
            tokens.clone()
        } else {
            quote!(&#tokens)
        };
        let id = self.struct_leaf(name);
        self.add_source(Source {
            tokens,
            whole: true,
            ..Source::new(place, None, id)
        });
        Ok(id)
    }

    /// Whether a parameter may be a struct, by what its type tells.
    fn may_be_struct(&self, name: &Ident) -> bool {
        fn is_name(ty: &syn::Type) -> bool {
            match ty::strip(ty) {
                syn::Type::Reference(reference) => is_name(&reference.elem),
                ty => matches!(ty, syn::Type::Path(_)) && ty::Wrapper::of(ty).is_none(),
            }
        }
        let mut known = self.parameter_types.iter();
        let known = known.find(|(parameter, _)| parameter == name);
        known.is_none_or(|(_, ty)| is_name(ty))
    }

    /// The node of a field that is taken for a kind.
    pub(super) fn field_as(
        &mut self,
        place: &Place,
        guess: &Kind,
        at: &dyn ToTokens,
    ) -> Lowered<Id> {
        if let Some(known) = self.known_field(place) {
            return Ok(known.id);
        }
        if place.path.is_empty() {
            let name = self.parameters.get(place.parameter).map(|p| p.0.clone());
            let name = name.unwrap_or_else(|| Ident::new("self", proc_macro2::Span::call_site()));
            return refuse(at.to_token_stream(), unknown(&name));
        }
        match (&guess.elem, &guess.shape) {
            (Elem::Real, None) => self.field_source(place, guess.clone()),
            (Elem::Real, Some(shape)) => {
                let known = |dim: &Dim| *dim != Dim::Dynamic(u32::MAX);
                if !known(&shape.rows) || !known(&shape.cols) {
                    return refuse(at.to_token_stream(), kind_of_field(place));
                }
                self.field_source(place, guess.clone())
            }
            // What is an integer or a condition has no derivative.
            (Elem::Int | Elem::Bool, _) => {
                let ty = match guess.elem {
                    Elem::Int => quote!(usize),
                    _ => quote!(bool),
                };
                let tokens = &place.tokens;
                let inert = Inert::plain(quote!({ let value: #ty = #tokens; value }), true);
                self.pin(&inert, guess.clone())
            }
            _ => refuse(at.to_token_stream(), kind_of_field(place)),
        }
    }

    /// The leaf of a field: another source of derivatives. Dynamic extents are its own. A loop reads it from outside, where
    /// it has to be known first.
    fn field_source(&mut self, place: &Place, kind: Kind) -> Lowered<Id> {
        if self.is_in_loop() {
            return self.want(place, FieldKind::Value(kind));
        }
        let id = Id(self.graph.count());
        let kind = match kind.shape {
            None => kind,
            Some(shape) => {
                let own = |dim: Dim, extent: Extent| match dim {
                    Dim::Dynamic(_) => self.graph.dynamic(extent),
                    known => known,
                };
                Kind::matrix(Shape::new(
                    own(shape.rows, Extent::Rows(id)),
                    own(shape.cols, Extent::Cols(id)),
                ))
            }
        };
        let id = self.graph.leaf(Leaf {
            name: place.tokens.clone(),
            kind: kind.clone(),
            form: Form::Owned,
            varies: true,
        });
        self.add_source(Source::new(place, Some(kind), id));
        Ok(id)
    }

    /// A list in a field: another source of derivatives, likewise.
    fn list_source(&mut self, place: &Place, list: ty::List) -> Lowered<()> {
        if self.is_in_loop() {
            return self.want(place, FieldKind::List(list));
        }
        let value = self.value_of_class(&Class::List(list), place.tokens.clone(), true);
        if let Value::Slice(id) | Value::Elements(id) = value {
            self.add_source(Source::new(place, None, id));
        }
        Ok(())
    }

    fn add_source(&mut self, source: Source) {
        self.sources.push(source.id);
        self.active.clear();
        self.fields.push(source);
    }

    /// Leaves the loop, which is read again once the field is known outside of it.
    fn want<T>(&mut self, place: &Place, kind: FieldKind) -> Lowered<T> {
        self.wanted_fields.push((place.clone(), kind));
        Err(Refusal(None))
    }

    /// Makes the fields known that a loop reads.
    pub(super) fn find_wanted_fields(&mut self) -> Lowered<()> {
        for (place, kind) in std::mem::take(&mut self.wanted_fields) {
            let known = self.known_field(&place).is_some();
            match kind {
                FieldKind::Whole => self.whole_of(&place, &place.tokens).map(|_| ())?,
                _ if known => {}
                FieldKind::Value(kind) => self.field_source(&place, kind).map(|_| ())?,
                FieldKind::List(list) => self.list_source(&place, list)?,
            }
        }
        Ok(())
    }

    /// Takes back what was found of fields.
    pub(super) fn forget_fields(&mut self, count: usize) {
        for source in self.fields.drain(count.min(self.fields.len())..) {
            self.sources.retain(|id| *id != source.id);
        }
    }

    /// `let w: &DMatrix<f64> = &p.w;` tells the kind of a field.
    pub(super) fn typed_field(
        &mut self,
        place: &Place,
        name: &syn::PatIdent,
        ty: &syn::Type,
        local: &syn::Local,
        init: &Expr,
    ) -> Lowered<()> {
        let hint = hint_of_plain_type(ty);
        if hint != Hint::Unknown || is_text(ty) {
            // It has no derivative.
            let new = self.keep_let(local, init)?;
            let mutable = name.mutability.is_some();
            for new in new {
                self.bind_inert(&name.ident, &new, hint.clone(), Form::Owned, true, mutable);
            }
            return Ok(());
        }
        let class = self.context.classify(ty);
        let value = match class {
            Class::Value(value) if value.real == self.real => value,
            Class::List(list) if list.real == self.real => {
                if self.known_field(place).is_none() {
                    self.list_source(place, list)?;
                }
                let value = self.resolved(Value::Untyped(place.clone()));
                self.scope.bind(Binding::active(name.ident.clone(), value));
                return Ok(());
            }
            // A struct in a struct: its fields tell.
            Class::Other => {
                let reference = matches!(ty::strip(ty), syn::Type::Reference(_));
                let place = Place {
                    reference,
                    ..place.clone()
                };
                self.bind_place(&name.ident, place);
                return Ok(());
            }
            _ => {
                return refuse(
                    ty,
                    format!(
                        "`{}` is not a type of nalgebra's that can be differentiated\nhelp: name one, as in `&Vector3<{}>`",
                        text(ty),
                        self.real.to_token_stream()
                    ),
                );
            }
        };
        let kind = match &value.extents {
            None => Kind::SCALAR,
            Some((rows, cols)) => {
                let dim = |extent: &ty::Extent| match extent {
                    ty::Extent::Known(dim) => dim.clone(),
                    _ => Dim::Dynamic(0),
                };
                Kind::matrix(Shape::new(dim(rows), dim(cols)))
            }
        };
        self.types.push((value.written.clone(), value.clone()));
        if self.known_field(place).is_none() {
            self.field_source(place, kind)?;
        }
        if name.mutability.is_some() {
            return self.bind(&Pat::Ident(name.clone()), Value::Untyped(place.clone()));
        }
        self.bind_place(&name.ident, place.clone());
        Ok(())
    }

    /// A variable that may change is a copy of the field: of a number, unless its type is known.
    pub(super) fn copied(&mut self, name: &syn::PatIdent, value: Value) -> Lowered<Value> {
        match &value {
            Value::Untyped(place) if name.mutability.is_some() && !place.path.is_empty() => {
                let copy = self.node(&value, name, &Kind::SCALAR)?;
                Ok(Value::Node(copy))
            }
            _ => Ok(value),
        }
    }

    fn bind_place(&mut self, name: &Ident, place: Place) {
        self.scope
            .bind(Binding::active(name.clone(), Value::Untyped(place)));
    }

    /// `let Params { w, b: bias, .. } = p;`
    pub(super) fn bind_fields(&mut self, pat: &Pat, place: &Place) -> Lowered<()> {
        let mut fields: Vec<(Member, &Pat)> = Vec::new();
        match pat {
            Pat::Struct(pattern) => {
                for field in &pattern.fields {
                    let member = match &field.member {
                        syn::Member::Named(name) => Member::Named(name.clone()),
                        syn::Member::Unnamed(index) => Member::Unnamed(index.index),
                    };
                    fields.push((member, &field.pat));
                }
            }
            Pat::TupleStruct(syn::PatTupleStruct { elems, .. })
            | Pat::Tuple(syn::PatTuple { elems, .. }) => {
                let rest = elems.iter().position(|p| matches!(p, Pat::Rest(_)));
                if rest.is_some_and(|at| at + 1 < elems.len()) {
                    return refuse(
                        pat,
                        "fields after `..` cannot be counted here\nhelp: bind them as `let last = &p.3;`",
                    );
                }
                let named = elems.iter().filter(|p| !matches!(p, Pat::Rest(_)));
                fields.extend((0..).map(Member::Unnamed).zip(named));
            }
            _ => {}
        }
        for (member, pat) in fields {
            let reference = place.reference;
            let tokens = &place.tokens;
            let tokens = quote!(#tokens #member);
            let mut path = place.path.clone();
            path.push(member);
            let field = Place {
                parameter: place.parameter,
                path,
                tokens,
                reference,
            };
            match pat {
                Pat::Ident(name) if name.subpat.is_none() && name.mutability.is_none() => {
                    let reference = reference || name.by_ref.is_some();
                    self.bind_place(&name.ident, Place { reference, ..field });
                }
                Pat::Wild(_) | Pat::Rest(_) => {}
                Pat::Struct(_) | Pat::TupleStruct(_) | Pat::Tuple(_) => {
                    self.bind_fields(pat, &field)?;
                }
                _ => {
                    return refuse(
                        pat,
                        format!(
                            "the pattern `{}` is not supported for a differentiated value yet\nhelp: bind names, or fields by names",
                            text(pat)
                        ),
                    );
                }
            }
        }
        Ok(())
    }

    /// The fields that were computed with, by their parameters. A field that is read as a whole and in parts would be
    /// two variables.
    pub(super) fn gather_fields(&mut self) {
        // What a loop was taken to pass on, and does not.
        let unused = self
            .fields
            .iter()
            .filter(|f| f.whole && !is_used(&self.graph, f.id));
        let unused: Vec<Id> = unused.map(|f| f.id).collect();
        self.fields.retain(|f| !unused.contains(&f.id));
        self.sources.retain(|id| !unused.contains(id));
        // What calls take as a whole is added to what comes of its parts.
        let computed = || self.fields.iter().filter(|f| !f.whole);
        for (i, a) in computed().enumerate() {
            for b in computed().take(i) {
                let (short, long) = if a.path.len() < b.path.len() {
                    (a, b)
                } else {
                    (b, a)
                };
                if a.parameter == b.parameter && long.path.starts_with(&short.path) {
                    let first: TokenStream = long.tokens.clone().into_iter().take(3).collect();
                    self.errors.push(
                        &first,
                        format!(
                            "`{}` is a part of `{}`, which is computed with as a whole\nhelp: bind the whole with its type before, as in `let whole: &Vector3<f64> = &{1};`, and take parts of that",
                            text(&long.tokens),
                            text(&short.tokens)
                        ),
                    );
                }
            }
        }
        for (i, a) in computed().enumerate() {
            // An entry of a vector by its name and by an index could be one.
            let two_ways = |b: &&Source| {
                let mut steps = a.path.iter().zip(&b.path);
                let differs = steps.find(|(a, b)| a != b);
                let by_index = |m: &Member| matches!(m, Member::Index(_));
                a.parameter == b.parameter
                    && differs.is_some_and(|(a, b)| by_index(a) != by_index(b))
            };
            if computed().take(i).any(|b| two_ways(&b)) {
                let first: TokenStream = a.tokens.clone().into_iter().take(3).collect();
                self.errors.push(
                    &first,
                    format!(
                        "`{}` may be an entry that is read in another way as well\nhelp: bind the whole with its type before, as in `let v: &Vector3<f64> = …;`, and take the entries of that",
                        text(&a.tokens)
                    ),
                );
            }
        }
        for (number, (name, sources)) in self.parameters.iter_mut().enumerate() {
            let own = self.fields.iter().filter(|f| f.parameter == number);
            let fields = own.map(|field| Field {
                number: field.id.0 as usize,
                path: field.path.clone(),
            });
            let fields: Vec<Field> = fields.collect();
            match sources {
                None if !fields.is_empty() => {
                    let parameter = if self.borrowed.contains(&number) {
                        name.to_token_stream()
                    } else {
                        quote!(&#name)
                    };
                    *sources = Some(Sources::Struct { parameter, fields });
                }
                Some(_) if !fields.is_empty() => self.errors.push(
                    &*name,
                    format!("`{name}` is computed with as a whole, and by its fields\nhelp: take its entries by `{name}[i]`"),
                ),
                _ => {}
            }
            let place = |node: usize| self.sources.iter().position(|id| id.0 as usize == node);
            if let Some(sources) = sources {
                sources.renumber(&|node| place(node).unwrap_or_default());
            }
        }
    }

    /// What a reference to an operand of unknown kind is taken for in a product with a matrix: nalgebra does not
    /// multiply by references to numbers.
    pub(super) fn guess_of_reference(
        &self,
        value: &Value,
        at: &Expr,
        other: &Value,
        is_left: bool,
        guess: &mut Kind,
    ) {
        let unknown = match value {
            Value::Untyped(place) => place.reference,
            Value::Inert(inert) => inert.hint == Hint::Unknown && matches!(at, Expr::Reference(_)),
            _ => false,
        };
        let Some(shape) = self.whole_shape(other).filter(|_| unknown) else {
            return;
        };
        // How many rows an inert matrix has beside a static vector nothing tells.
        let beside_dynamic = matches!(
            if is_left { &shape.rows } else { &shape.cols },
            Dim::Dynamic(_)
        );
        if guess.is_matrix() || matches!(value, Value::Inert(_)) && !beside_dynamic {
            return;
        }
        // Beside dynamic sizes there are dynamic ones.
        let beside = |dim: &Dim| match dim {
            Dim::Dynamic(_) => dim.clone(),
            _ => Dim::Dynamic(u32::MAX),
        };
        *guess = Kind::matrix(if is_left {
            Shape::new(beside(&shape.rows), shape.rows)
        } else {
            Shape::new(shape.cols.clone(), beside(&shape.cols))
        });
    }
}

/// Whether a value is computed with, here or in a loop that reads it.
fn is_used(graph: &Graph, id: Id) -> bool {
    let users = (0..graph.count()).map(Id);
    let mut users = users.filter(|user| graph.args(*user).contains(&id));
    users.any(|user| match graph.op(user) {
        Op::Loop(number) => {
            let of = graph.loops.get(number);
            let args = graph.args(user);
            let mut inputs = of.inputs.iter().zip(&args[..]);
            inputs.any(|(input, arg)| *arg == id && is_used(&of.body.graph, *input))
        }
        _ => true,
    })
}
