//! What carries no derivative: it stays Rust, is bound to a name where it is computed with, and is looked at only.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Elem, Form, Id, Kind, Leaf, Step};
use crate::rules::{Op, Part};
use crate::scope::{
    Columns, Hint, Inert, Lent, Pending, Value, captured, contains, is_observer, is_pure, rename,
    variables,
};
use crate::ty::{Extent, Passing, Real};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, Stmt};

impl Lower<'_> {
    pub fn is_active(&mut self, id: Id) -> bool {
        for number in self.active.len() as u32..self.graph.count() {
            let args = self.graph.args(Id(number));
            let active = self.sources.contains(&Id(number))
                || args.iter().any(|a| self.active[a.0 as usize]);
            self.active.push(active);
        }
        self.active[id.0 as usize]
    }

    pub(super) fn is_active_value(&mut self, value: &Value) -> bool {
        match value {
            Value::Node(id) | Value::Entry(id) => self.is_active(*id),
            Value::Tuple(values) => values.clone().iter().any(|v| self.is_active_value(v)),
            Value::List(values) => values.clone().iter().any(|v| self.is_active_value(v)),
            Value::Geometric(geometric) => {
                let ids = geometric.coordinates.clone();
                ids.iter().any(|id| self.is_active(*id))
            }
            Value::Record(fields) => fields.iter().any(|(_, field)| self.is_active_value(field)),
            Value::Wrapped(value) => self.is_active_value(value),
            Value::Maybe(maybe) => self.is_active_value(&maybe.value.clone()),
            Value::Pending(pending) | Value::PendingOr(pending, _) => match *pending {
                Pending::Inverse(id) | Pending::LuInverse(id) | Pending::Cholesky(id) => {
                    self.is_active(id)
                }
                Pending::LuSolve(a, b)
                | Pending::Normalize(a, b)
                | Pending::Triangular {
                    triangle: a,
                    rhs: b,
                    ..
                } => self.is_active(a) || self.is_active(b),
            },
            Value::Slice(id) | Value::Elements(id) | Value::Columns(id, _) => self.is_active(*id),
            Value::Fields(_)
            | Value::Called(..)
            | Value::Untyped(_)
            | Value::Position(_)
            | Value::Iterator(_)
            | Value::Lent(_) => true,
            Value::Function(function) => function.kept.is_none(),
            Value::Inert(_) | Value::Unset(_) | Value::Unit | Value::Never => false,
            Value::Poison => true,
        }
    }

    /// Whether nothing in the tokens carries a derivative.
    pub(super) fn is_inert(&self, tokens: impl ToTokens) -> bool {
        let tokens = tokens.to_token_stream();
        let watched = self.watched.borrow();
        watched.iter().all(|name| !contains(tokens.clone(), name))
            && self.scope.read_by(tokens).iter().all(|b| !b.active)
    }

    pub(super) fn reads(&self, tokens: &TokenStream) -> Vec<Id> {
        let mut reads: Vec<Id> = Vec::new();
        let tokens = self.with_fields(tokens.clone());
        for binding in self.scope.read_by(tokens) {
            match &binding.value {
                Value::Node(id) | Value::Slice(id) | Value::Columns(id, _)
                    if !reads.contains(id) =>
                {
                    reads.push(*id)
                }
                // Its parts are read in their places; those that have names are values.
                Value::Tuple(_) | Value::List(_) => {
                    reads.extend(self.parts_of_tuple(&binding.value));
                }
                Value::Inert(inert) => reads.extend(&inert.reads),
                Value::Lent(lent) => {
                    let root = self.scope.get(&lent.name.to_string()).map(|b| &b.value);
                    if let Some(Value::Node(id) | Value::Slice(id)) = root {
                        reads.push(*id);
                    }
                    reads.extend(lent.path.iter().flat_map(|(_, positions)| positions));
                }
                Value::Geometric(geometric) => reads.extend(&geometric.coordinates),
                Value::Called(call, part) => {
                    // Read as it stands, what a call returns gets its name: a number, unless its type is known.
                    reads.push(self.called(*call, part, &Kind::SCALAR));
                }
                _ => {}
            }
        }
        reads
    }

    /// What the companion calls a variable, where that is not its name in the user's function.
    pub(super) fn emitted(&self, ident: &Ident) -> Option<TokenStream> {
        let binding = self.scope.get(&ident.to_string())?;
        let other = |tokens: TokenStream| (*ident != tokens.to_string()).then_some(tokens);
        match &binding.value {
            Value::Node(id) => match (self.graph.leaf_of(*id), self.graph.op(*id)) {
                (Some(leaf), _) if leaf.kind == Kind::SCALAR && leaf.form == Form::Borrowed => {
                    let name = leaf.name;
                    other(name.clone()).map(|_| quote!((*#name)))
                }
                (Some(leaf), _) => other(leaf.name),
                (None, Op::Const(bits)) => Some(self.emitted_constant(f64::from_bits(bits))),
                _ => {
                    let name = self.graph.names.borrow().get(id).cloned()?;
                    other(name.to_token_stream())
                }
            },
            Value::Called(call, part) => {
                let id = self.called(*call, part, &Kind::SCALAR);
                let name = self.graph.names.borrow().get(&id).cloned()?;
                other(name.to_token_stream())
            }
            Value::Geometric(geometric) => self.rebuilt(geometric),
            Value::Tuple(_) | Value::List(_) => {
                // A parameter is there itself.
                if self.is_tuple_parameter(ident, &binding.value) {
                    return None;
                }
                self.emitted_parts(&binding.value)
            }
            // A slice has no name of its own: what it is taken of has.
            Value::Slice(id) | Value::Elements(id)
                if self.graph.lists.borrow().contains_key(id) =>
            {
                let own = self.graph.lists.borrow()[id].name.clone();
                other(own)
            }
            Value::Slice(id) => {
                let whole = self.name_of_variable(*id)?;
                Some(quote!(#whole.as_slice()))
            }
            Value::Columns(id, columns) => {
                let whole = self.name_of_variable(*id)?;
                let list = |element: TokenStream| quote!(.map(|column| #element).collect::<::std::vec::Vec<_>>());
                Some(match columns {
                    Columns::Lists => {
                        let list = list(quote!(column.as_slice().to_vec()));
                        quote!(#whole.column_iter()#list)
                    }
                    Columns::Matrices(1) => {
                        let list = list(quote!(column.clone_owned()));
                        quote!(#whole.column_iter()#list)
                    }
                    Columns::Matrices(width) => {
                        let width = proc_macro2::Literal::usize_unsuffixed(*width);
                        let list =
                            list(quote!(#whole.fixed_columns::<#width>(column).clone_owned()));
                        quote!((0..#whole.ncols()).step_by(#width)#list)
                    }
                })
            }
            Value::Function(function) => {
                let kept = function.kept.as_ref()?;
                other(kept.to_token_stream())
            }
            Value::Lent(lent) => self.emitted_lent(lent),
            Value::Untyped(place) => {
                let tokens = &place.tokens;
                other(tokens.clone())?;
                Some(if place.reference {
                    quote!((&#tokens))
                } else {
                    tokens.clone()
                })
            }
            Value::Inert(inert) | Value::Unset(inert) => {
                let tokens = &inert.tokens;
                other(tokens.clone())?;
                let single = tokens.clone().into_iter().count() == 1;
                Some(if single {
                    tokens.clone()
                } else {
                    quote!((#tokens))
                })
            }
            _ => None,
        }
    }

    /// What stands for a name that borrows a part of a variable, where that is read.
    pub(super) fn emitted_lent(&self, lent: &Lent) -> Option<TokenStream> {
        let root = &self.scope.get(&lent.name.to_string())?.value;
        let (Value::Node(id) | Value::Slice(id)) = root else {
            return None;
        };
        let name = self.name_of_variable(*id)?;
        if lent.path.is_empty() {
            return Some(match root {
                Value::Slice(_) => quote!(#name.as_slice()),
                _ => quote!((&#name)),
            });
        }
        let mut place = name;
        for (part, positions) in &lent.path {
            let number = |id: &Id| match self.graph.integer_value(*id) {
                Some(n) => Some(proc_macro2::Literal::usize_unsuffixed(n).into_token_stream()),
                None => self.graph.leaf_of(*id).map(|leaf| leaf.name),
            };
            let at: Vec<TokenStream> = positions.iter().map(number).collect::<Option<_>>()?;
            let method = match part.surface() {
                "" => None,
                name => Some(Ident::new(name, proc_macro2::Span::mixed_site())),
            };
            place = match (part, &at[..]) {
                (Part::Entry, [i]) => quote!(#place[#i]),
                (Part::EntryAt, [i, j]) => quote!(#place[(#i, #j)]),
                (Part::Row | Part::Column, [i]) => quote!(#place.#method(#i)),
                (Part::Rows | Part::Columns, [i, n]) => quote!(#place.#method(#i, #n)),
                (Part::FixedRows(n) | Part::FixedColumns(n), [i, ..]) => {
                    let n = crate::ty::dim_tokens(n);
                    quote!(#place.#method::<#n>(#i))
                }
                _ => return None,
            };
        }
        let entry = lent.path.last().is_some_and(|(part, _)| part.is_entry());
        Some(match entry {
            true => quote!((&#place)),
            false => place,
        })
    }

    /// Whether a name stands for a whole tuple that is a parameter: part by part what it was.
    pub(super) fn is_tuple_parameter(&self, name: &Ident, value: &Value) -> bool {
        fn is_place(lower: &Lower, value: &Value, place: &str, ty: &syn::Type) -> bool {
            let id = match (value, crate::ty::strip(ty)) {
                (Value::Tuple(parts), syn::Type::Reference(reference)) => {
                    return is_place(lower, &Value::Tuple(parts.clone()), place, &reference.elem);
                }
                (Value::Tuple(parts), syn::Type::Tuple(types)) => {
                    let mut both = parts.iter().zip(&types.elems).enumerate();
                    return parts.len() == types.elems.len()
                        && both.all(|(k, (part, ty))| {
                            is_place(lower, part, &format!("{place}.{k}"), ty)
                        });
                }
                (Value::Node(id) | Value::Slice(id) | Value::Elements(id), _) => id,
                _ => return false,
            };
            let list = lower
                .graph
                .lists
                .borrow()
                .get(id)
                .map(|list| list.name.clone());
            let name = list.or_else(|| lower.graph.leaf_of(*id).map(|leaf| leaf.name));
            // How tokens are spaced is not the same everywhere.
            let text = name.map_or_else(String::new, |name| name.to_string());
            let no_space = |c: &char| !c.is_whitespace() && !matches!(c, '&' | '(' | ')');
            text.chars().filter(no_space).eq(place.chars())
        }
        let mut parameters = self.parameter_types.iter();
        let own = parameters.find(|(parameter, _)| parameter == name);
        own.is_some_and(|(_, ty)| is_place(self, value, &name.to_string(), ty))
    }

    /// A number, of the type of the function.
    fn emitted_constant(&self, number: f64) -> TokenStream {
        let value = proc_macro2::Literal::f64_unsuffixed(number.abs());
        let (sign, real) = (number.is_sign_negative().then(|| quote!(-)), &self.real);
        match real {
            Real::Generic(_) => quote!((NALGEBRA::convert::<f64, #real>(#sign #value))),
            _ => quote!((#sign #value as #real)),
        }
    }

    /// A tuple or an array as the companion has it: of the names of its parts.
    fn emitted_parts(&self, value: &Value) -> Option<TokenStream> {
        let all = |parts: &[Value]| -> Option<Vec<TokenStream>> {
            parts.iter().map(|part| self.emitted_parts(part)).collect()
        };
        match value {
            Value::Tuple(parts) => {
                let parts = all(parts)?;
                Some(quote!((#(#parts,)*)))
            }
            Value::List(parts) => {
                let parts = all(parts)?;
                Some(quote!([#(#parts),*]))
            }
            Value::Node(id) => {
                if let Op::Const(bits) = self.graph.op(*id) {
                    return Some(self.emitted_constant(f64::from_bits(bits)));
                }
                let named = self.graph.names.borrow().get(id).cloned();
                let borrow = self.graph.is_matrix(*id).then(|| quote!(&));
                match (self.graph.leaf_of(*id), named) {
                    (Some(leaf), _) if leaf.form == Form::Borrowed && !leaf.kind.is_matrix() => {
                        let name = leaf.name;
                        Some(quote!(*#name))
                    }
                    (Some(leaf), _) => {
                        let name = leaf.name;
                        Some(quote!(#borrow #name))
                    }
                    (None, Some(name)) => Some(quote!(#borrow #name)),
                    (None, None) => None,
                }
            }
            Value::Inert(inert) => Some(inert.tokens.clone()),
            _ => None,
        }
    }

    /// Gives names to the parts of the tuples and arrays that kept tokens read.
    pub(super) fn name_parts(&mut self, tokens: &TokenStream) {
        let read = self.scope.read_by(self.with_fields(tokens.clone()));
        let values: Vec<Value> = read
            .iter()
            .filter(|b| matches!(b.value, Value::Tuple(_) | Value::List(_)))
            .map(|b| b.value.clone())
            .collect();
        for value in values {
            for id in self.parts_of_tuple(&value) {
                self.name_of(id);
            }
        }
    }

    /// Tokens of the user's as the companion keeps them.
    pub(crate) fn kept(&self, tokens: impl ToTokens) -> TokenStream {
        self.kept_but(tokens.to_token_stream(), &[])
    }

    /// The same, where these names are the user's own.
    pub(super) fn kept_but(&self, tokens: TokenStream, own: &[Ident]) -> TokenStream {
        let mut lengths = Vec::new();
        let tokens = self.with_fields(visible(tokens));
        let tokens = self.with_lengths(tokens, &mut lengths);
        let mut references = self.references_among(&tokens);
        references.retain(|reference| !own.contains(&reference.ident));
        rename(marked(tokens, &references), &|ident| {
            if own.contains(ident) {
                return None;
            }
            if let Some((_, length)) = lengths.iter().find(|(own, _)| own == ident) {
                return Some(length.clone());
            }
            let text = ident.to_string();
            let numbered = |mark: &str| {
                let number = text.strip_prefix(mark)?.parse::<usize>().ok()?;
                references.get(number)
            };
            if let Some(reference) = numbered(PLAIN) {
                return Some(reference.emitted.clone());
            }
            if let Some(reference) = numbered(BEHIND) {
                return Some(reference.behind());
            }
            match references
                .iter()
                .find(|reference| reference.ident == *ident)
            {
                Some(reference) => {
                    let reference = reference.itself();
                    Some(quote!((#reference)))
                }
                None => self.emitted(ident),
            }
        })
    }

    /// What tokens read that the user has by references, and the companion not.
    pub(super) fn references_among(&self, tokens: &TokenStream) -> Vec<ByReference> {
        let (mut names, mut behind, mut bound) = (Vec::new(), Vec::new(), Vec::new());
        variables(tokens.clone(), &mut names);
        names.sort();
        names.dedup();
        dereferenced(tokens.clone(), &mut behind);
        super::loops::bound_in(tokens.clone(), &mut bound);
        let references = names.iter().filter_map(|name| {
            let binding = self.scope.get(name)?;
            let ident = &binding.ident;
            let Value::Node(id) = &binding.value else {
                return None;
            };
            let elsewhere = |leaf: Leaf| matches!(leaf.form, Form::Borrowed | Form::View);
            if bound.contains(ident) || self.graph.leaf_of(*id).is_some_and(elsewhere) {
                return None;
            }
            let stars = behind.iter().find(|(name, _)| name == ident);
            let stars = stars.map_or(0, |(_, stars)| *stars);
            let stars = stars.max(usize::from(binding.reference));
            let is_matrix = self.graph.is_matrix(*id);
            let is_view = is_matrix && binding.view;
            let element = self.elements_of_columns.contains(id) && !is_view;
            (element || stars > 0 && !is_view).then(|| ByReference {
                ident: ident.clone(),
                stars,
                emitted: self.emitted(ident).unwrap_or_else(|| quote!(#ident)),
                copied: is_matrix && matches!(self.graph.op(*id), Op::Part(_)),
            })
        });
        references.collect()
    }

    /// Tokens with names in place of the lengths of lists that are matrices here, so that no list is made for them.
    fn with_lengths(
        &self,
        tokens: TokenStream,
        lengths: &mut Vec<(Ident, TokenStream)>,
    ) -> TokenStream {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
        let mut out = TokenStream::new();
        let mut i = 0;
        while i < trees.len() {
            let asked = match (&trees[i], trees.get(i + 2), trees.get(i + 3)) {
                (
                    TokenTree::Ident(name),
                    Some(TokenTree::Ident(len)),
                    Some(TokenTree::Group(none)),
                ) if *len == "len"
                    && is(i + 1, '.')
                    && (i == 0 || !is(i - 1, '.') || i > 1 && is(i - 2, '.'))
                    && none.stream().is_empty() =>
                {
                    self.columns_counted(name).map(|length| (name, length))
                }
                _ => None,
            };
            if let Some((name, length)) = asked {
                let own = format_ident!("__length_of_{}", name.unraw());
                out.extend(own.to_token_stream());
                lengths.push((own, length));
                i += 4;
                continue;
            }
            match &trees[i] {
                TokenTree::Group(group) => {
                    let inner = self.with_lengths(group.stream(), lengths);
                    let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                    new.set_span(group.span());
                    out.extend([TokenTree::Group(new)]);
                }
                tree => out.extend([tree.clone()]),
            }
            i += 1;
        }
        out
    }

    /// The length of a list of vectors, matrices or lists that changes.
    fn columns_counted(&self, name: &Ident) -> Option<TokenStream> {
        match self.scope.get(&name.to_string()).map(|b| &b.value) {
            Some(Value::Columns(of, columns)) => self.count_of_columns(*of, *columns),
            _ => None,
        }
    }

    /// The variables in format strings that have another name in the companion.
    pub(super) fn renamed_in_strings(&self, tokens: TokenStream) -> Vec<(Ident, TokenStream)> {
        let mut names = Vec::new();
        captured(tokens, &mut names);
        names.sort();
        names.dedup();
        let binding = |name: &String| self.scope.get(name).map(|b| b.ident.clone());
        names
            .iter()
            .filter_map(binding)
            .filter_map(|ident| self.emitted(&ident).map(|new| (ident, new)))
            .collect()
    }

    /// The name that a variable has in the companion: its own, unless that is taken, since nested blocks are
    /// not kept and the reverse sweep reads old values after new ones are bound.
    pub(super) fn own_name(&mut self, ident: &Ident) -> Ident {
        let text = ident.unraw().to_string();
        if self.nested == 0 && self.bound.insert(text.clone()) {
            return ident.clone();
        }
        self.fresh(&text)
    }

    pub(super) fn varies(&self, tokens: &TokenStream) -> bool {
        let mut names = Vec::new();
        variables(tokens.clone(), &mut names);
        names
            .iter()
            .any(|n| n == "self" || self.scope.get(n).is_some_and(|b| b.varies))
    }

    pub fn is_pure(&self, tokens: &TokenStream) -> bool {
        let sized = |ident: &Ident| {
            matches!(
                self.scope.get(&ident.to_string()).map(|b| &b.value),
                Some(Value::Node(_) | Value::Slice(_) | Value::Elements(_))
            )
        };
        is_pure(tokens.clone(), &sized)
    }

    /// An expression kept as it stands.
    pub(super) fn inert(&self, tokens: TokenStream, hint: Hint) -> Inert {
        let tokens = self.with_fields(tokens);
        let mutable = self
            .scope
            .read_by(tokens.clone())
            .iter()
            .any(|b| matches!(&b.value, Value::Inert(i) if i.mutable));
        Inert {
            reads: self.reads(&tokens),
            varies: self.varies(&tokens),
            pure: self.is_pure(&tokens) && !mutable,
            mutable,
            tokens: self.kept(tokens),
            hint,
            leaf: None,
        }
    }

    /// Binds an inert expression to a name, its type pinned, and gives the node of that name.
    pub fn pin(&mut self, inert: &Inert, kind: Kind) -> Lowered<Id> {
        if let (Some(leaf), false) = (inert.leaf, inert.mutable)
            && self.graph.kind(leaf) == kind
        {
            return Ok(leaf);
        }
        // A closure cannot change what it reads: that is the same before it.
        if self.closures > 0 && !inert.pure && !self.is_pure(&inert.tokens) {
            return refuse_in_closure(inert);
        }
        let spelled = inert.tokens.to_string();
        if inert.pure {
            if let Ok(number) = spelled.parse::<u32>()
                && kind == Kind::INT
            {
                return Ok(self.graph.integer(number as usize).id);
            }
            if let Some((_, id)) = self
                .pins
                .iter()
                .find(|(t, id)| *t == spelled && self.graph.kind(*id) == kind)
            {
                return Ok(*id);
            }
        }
        // What changes later is copied as it is now.
        let copied = inert.mutable && kind.is_matrix() && self.changes_later(&inert.tokens);
        let form = match copied || !kind.is_matrix() {
            true => Form::Owned,
            false => Form::Borrowed,
        };
        let name = self.fresh(&wish(&inert.tokens));
        let leaf = Leaf {
            name: name.to_token_stream(),
            kind: kind.clone(),
            form,
            varies: inert.varies,
        };
        let leaf = match (&kind.shape, kind.is_matrix()) {
            (Some(shape), true) if shape.is_dynamic() => {
                // Sizes are inferred by rustc; where they are needed, they are read from it.
                let extents = |d: &crate::graph::Dim| match d {
                    crate::graph::Dim::Dynamic(_) => Extent::Inferred,
                    known => Extent::Known(known.clone()),
                };
                let value = crate::ty::Value {
                    real: self.real.clone(),
                    extents: Some((extents(&shape.rows), extents(&shape.cols))),
                    passing: Passing::Reference,
                    written: TokenStream::new(),
                };
                self.leaf_of_type(name.to_token_stream(), &value, form, inert.varies)
            }
            _ => self.graph.leaf(leaf),
        };
        let known = inert.hint != Hint::Unknown;
        self.guesses += usize::from(!known && kind.elem == Elem::Real);
        self.graph.keep_local(leaf);
        // rustc reports a wrong guess at the user's expression.
        let span = inert
            .tokens
            .clone()
            .into_iter()
            .next()
            .map_or_else(proc_macro2::Span::mixed_site, |t| {
                proc_macro2::Span::mixed_site().located_at(t.span())
            });
        let tokens = &visible(inert.tokens.clone());
        let borrowed = match syn::parse2::<Expr>(inert.tokens.clone()) {
            Ok(
                Expr::Path(_)
                | Expr::Field(_)
                | Expr::MethodCall(_)
                | Expr::Call(_)
                | Expr::Paren(_)
                | Expr::Lit(_)
                | Expr::Index(_),
            ) => quote_spanned!(span=> &#tokens),
            _ => quote_spanned!(span=> &(#tokens)),
        };
        let real = &self.real;
        let binding = match (&kind.elem, &kind.shape) {
            (Elem::Int, _) => quote!(let #name = #tokens;),
            (Elem::Bool, _) => quote!(let #name: bool = #tokens;),
            (_, None)
                if known
                    && matches!(self.real, Real::F64 | Real::F32)
                    && tokens
                        .to_string()
                        .ends_with(&format!("as {real}", real = self.real.to_token_stream())) =>
            {
                quote!(let #name = #tokens;)
            }
            (_, None) if known => quote!(let #name: #real = #tokens;),
            // Copies the number and moves nothing, through any number of references. What a call returns does
            // not live longer than that.
            (_, None) if !inert.pure => {
                let value = format_ident!("value", span = proc_macro2::Span::mixed_site());
                quote_spanned!(span=> let #name: #real = { let &#value: &#real = #borrowed; #value };)
            }
            (_, None) => quote_spanned!(span=> let &#name: &#real = #borrowed;),
            (_, Some(shape)) => {
                let dim = |d: &crate::graph::Dim| match d {
                    crate::graph::Dim::Static(n) => {
                        let n = proc_macro2::Literal::usize_unsuffixed(*n);
                        quote!(#n)
                    }
                    _ => quote!(_),
                };
                let (rows, cols) = (dim(&shape.rows), dim(&shape.cols));
                // `@` stands for the path of nalgebra, which only emission knows.
                let fixed = |t: TokenStream| {
                    if t.to_string() == "_" {
                        t
                    } else {
                        quote!(NALGEBRA::Const<#t>)
                    }
                };
                let (rows, cols) = (fixed(rows), fixed(cols));
                let ty = quote_spanned!(span=> &NALGEBRA::Matrix<#real, #rows, #cols, _>);
                match copied {
                    false => quote_spanned!(span=> let #name: #ty = #borrowed;),
                    true => {
                        let value = format_ident!("value", span = proc_macro2::Span::mixed_site());
                        quote_spanned!(span=> let #name = { let #value: #ty = #borrowed; #value.clone_owned() };)
                    }
                }
            }
        };
        self.place(Step::Pin {
            leaf,
            tokens: binding,
            reads: inert.reads.clone(),
            // Reading a variable has no effect, even where it may change later.
            pure: inert.pure || is_single(&inert.tokens),
            fixed: inert.pure && !inert.mutable,
        });
        if inert.pure {
            self.pins.push((spelled, leaf));
        } else {
            // It is another value in another iteration, and when a loop is gone through again.
            self.kept_names.insert(name.to_string());
        }
        Ok(leaf)
    }

    /// Whether a variable among these may be changed by what follows. Where that is overlooked, rustc refuses to change
    /// what is borrowed.
    fn changes_later(&self, tokens: &TokenStream) -> bool {
        let mut names = Vec::new();
        variables(tokens.clone(), &mut names);
        let mut later = self.later.iter();
        later.any(|changed| names.iter().any(|name| changed.contains(name)))
    }

    /// Binds an inert expression that may not be moved to a name, as it is.
    pub(super) fn evaluate(&mut self, inert: &mut Inert) {
        if inert.pure || inert.leaf.is_some() {
            return;
        }
        let name = self.keep_as(&wish(&inert.tokens), &inert.tokens, inert.reads.clone());
        inert.tokens = name.to_token_stream();
        inert.pure = true;
        inert.mutable = false;
    }

    /// Binds what is evaluated here to a name of its own.
    pub(super) fn keep_as(&mut self, wish: &str, tokens: &TokenStream, reads: Vec<Id>) -> Ident {
        let name = self.fresh(wish);
        self.place(Step::Verbatim {
            tokens: quote!(let #name = #tokens;),
            reads,
            binds: Vec::new(),
        });
        self.kept_names.insert(name.to_string());
        name
    }

    /// An inert argument of a call in a branch, or in a loop where it is not the same in all iterations, as a leaf: a
    /// derivative makes the call again, with what was kept of it. Nothing tells its type.
    pub(super) fn of_iteration(&mut self, inert: &Inert) -> Option<Id> {
        let mut names = Vec::new();
        variables(inert.tokens.clone(), &mut names);
        let own = |name: &String| {
            self.scope.depth_of(name).is_some_and(|depth| depth > 0)
                || self.kept_names.contains(name)
                || self.of_iterations.iter().any(|names| names.contains(name))
        };
        let in_branch = !self.graph.guards.borrow().is_empty();
        if !(in_branch || self.is_in_loop()) || inert.pure && !names.iter().any(own) {
            return None;
        }
        let known = names.first().filter(|_| is_single(&inert.tokens));
        let known = known.and_then(|name| match &self.scope.get(name)?.value {
            Value::Inert(known) if !known.mutable => known.leaf,
            _ => None,
        });
        if known.is_some() {
            return known;
        }
        let name = self.fresh(&wish(&inert.tokens)).to_token_stream();
        let leaf = self.graph.leaf(Leaf {
            name: name.clone(),
            kind: Kind::INERT,
            form: Form::Owned,
            varies: inert.varies,
        });
        self.graph.keep_local(leaf);
        let tokens = visible(inert.tokens.clone());
        self.place(Step::Pin {
            leaf,
            tokens: quote!(let #name = #tokens;),
            reads: inert.reads.clone(),
            pure: inert.pure || is_single(&inert.tokens),
            fixed: inert.pure && !inert.mutable,
        });
        if !inert.pure {
            self.kept_names.insert(name.to_string());
        }
        Some(leaf)
    }

    /// Whether nothing in the tokens carries a derivative.
    pub fn is_inert_expr(&self, tokens: impl ToTokens) -> bool {
        self.is_inert(tokens)
    }

    /// An expression without derivative, kept as it stands.
    pub fn inert_expression(&self, expr: &Expr, hint: Hint) -> Inert {
        self.inert(expr.to_token_stream(), hint)
    }

    /// Whether an expression is built of known operations only, so that a value it reads cannot be kept
    /// anywhere: it may then stay as it stands where its own value has no derivative.
    pub fn only_observes(&self, expr: &Expr) -> bool {
        if let Expr::Closure(closure) = expr {
            // What it is given may carry a derivative.
            let mut names = Vec::new();
            super::loops::bound_in(quote!(#closure), &mut names);
            let around = self.watched.borrow().len();
            let names = names.iter().map(ToString::to_string);
            self.watched.borrow_mut().extend(names);
            let observes = self.only_observes(&closure.body);
            self.watched.borrow_mut().truncate(around);
            return observes;
        }
        if self.is_inert(expr) {
            return true;
        }
        let only_observes = |e: &Expr| self.only_observes(e);
        let observes = |s: &Stmt| self.observes(s);
        let all = |exprs: &[&Expr]| exprs.iter().all(|e| only_observes(e));
        match expr {
            Expr::Lit(_) => true,
            // An `Option` or a struct is not there as a whole.
            Expr::Path(path) => !self.scope.named(path).is_some_and(|b| match &b.value {
                Value::Called(call, part) => part.is_empty() && self.is_looked_at(*call),
                value => matches!(
                    value,
                    Value::Fields(_) | Value::Record(_) | Value::Maybe(_) | Value::Wrapped(_)
                ),
            }),
            // The companion is left without a value as well.
            Expr::Return(e) => self.wrapped && e.expr.iter().all(|e| self.leaves_without_value(e)),
            Expr::Paren(e) => only_observes(&e.expr),
            Expr::Group(e) => only_observes(&e.expr),
            Expr::Reference(e) => e.mutability.is_none() && only_observes(&e.expr),
            Expr::Unary(e) => only_observes(&e.expr),
            Expr::Cast(e) => only_observes(&e.expr),
            Expr::Field(e) => matches!(*e.base, Expr::Path(_)) || only_observes(&e.base),
            Expr::Tuple(e) => e.elems.iter().all(only_observes),
            Expr::Index(e) => all(&[&e.expr, &e.index]),
            Expr::Range(e) => e.start.iter().chain(&e.end).all(|e| only_observes(e)),
            Expr::Binary(e) => {
                let assigns = e.op.to_token_stream().to_string();
                let plain = !assigns.ends_with('=')
                    || matches!(assigns.as_str(), "==" | "<=" | ">=" | "!=");
                plain && all(&[&e.left, &e.right])
            }
            Expr::MethodCall(e) => {
                let name = e.method.to_string();
                let known =
                    crate::surface::is_known_method(&name) || super::iterators::is_adaptor(&name);
                let called = matches!(&*e.receiver, Expr::Path(path) if self.scope.named(path).is_some_and(|b| matches!(b.value, Value::Called(..))));
                let args: Vec<&Expr> = e.args.iter().collect();
                if called && super::options::gives(&name, &args).is_some() {
                    return false;
                }
                known && only_observes(&e.receiver) && e.args.iter().all(only_observes)
            }
            Expr::Block(e) => e.block.stmts.iter().all(observes),
            Expr::If(e) => {
                only_observes(&e.cond)
                    && e.then_branch.stmts.iter().all(observes)
                    && e.else_branch.iter().all(|(_, e)| only_observes(e))
            }
            Expr::Macro(e) => self.observed(&e.mac),
            // A predicate: what it is given is looked at, and has nowhere else to go.
            Expr::Call(e) => {
                matches!(*e.func, Expr::Path(_))
                    && e.args
                        .iter()
                        .all(|a| matches!(a, Expr::Lit(_)) || !self.is_inert(a) && only_observes(a))
            }
            _ => false,
        }
    }

    /// `None` or `Err(…)`, whatever the error is made of: it leaves the companion as well.
    pub(super) fn leaves_without_value(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path.path.is_ident("None"),
            Expr::Call(call) => {
                matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Err"))
            }
            _ => false,
        }
    }

    pub(super) fn observes(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Macro(mac) => self.observed(&mac.mac),
            Stmt::Expr(expr, _) => self.only_observes(expr),
            _ => false,
        }
    }

    /// Whether a macro only looks at what it is given.
    pub(super) fn observed(&self, mac: &syn::Macro) -> bool {
        let known = mac
            .path
            .segments
            .last()
            .is_some_and(|s| is_observer(&s.ident));
        let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
        known
            && match mac.parse_body_with(parser) {
                // `name = value` is an argument of a format string.
                Ok(arguments) => arguments.iter().all(|e| match e {
                    Expr::Assign(named) => self.only_observes(&named.right),
                    e => self.only_observes(e),
                }),
                Err(_) => self.is_inert(mac),
            }
    }
}

/// The tokens with parentheses for the invisible brackets of a macro's fragments, which rustc ignores in what
/// a macro writes anew.
pub(super) fn visible(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|tree| {
            let proc_macro2::TokenTree::Group(group) = tree else {
                return tree;
            };
            let inner = visible(group.stream());
            let loose = group.delimiter() == proc_macro2::Delimiter::None
                && matches!(
                    syn::parse2::<Expr>(inner.clone()),
                    Ok(Expr::Binary(_)
                        | Expr::Unary(_)
                        | Expr::Cast(_)
                        | Expr::Range(_)
                        | Expr::Closure(_)
                        | Expr::Reference(_)
                        | Expr::If(_))
                );
            let delimiter = if loose {
                proc_macro2::Delimiter::Parenthesis
            } else {
                group.delimiter()
            };
            let mut new = proc_macro2::Group::new(delimiter, inner);
            new.set_span(group.span());
            new.into()
        })
        .collect()
}

/// A variable that is a reference in the user's function, or what is a view in the companion only.
pub(super) struct ByReference {
    pub ident: Ident,
    stars: usize,
    emitted: TokenStream,
    /// Whether it may be a view in the companion.
    copied: bool,
}

impl ByReference {
    /// What is behind the reference.
    fn behind(&self) -> TokenStream {
        let emitted = &self.emitted;
        match self.copied {
            true => quote!((#emitted.clone_owned())),
            false => emitted.clone(),
        }
    }

    /// The reference.
    pub fn itself(&self) -> TokenStream {
        let behind = self.behind();
        let ampersands = std::iter::repeat_n(quote!(&), self.stars);
        quote!(#(#ampersands)* #behind)
    }
}

/// What the number of a variable follows whose stars are left out, or of which a method or an entry is asked for.
const BEHIND: &str = "__behind_";
const PLAIN: &str = "__plain_";

/// The runs of stars that are no products, in front of a variable: where each begins, and how many.
fn stars_in(trees: &[TokenTree]) -> Vec<(usize, usize)> {
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let mut found = Vec::new();
    // How many stand before this tree, and whether a value may begin here.
    let (mut stars, mut begins) = (0, true);
    for (i, tree) in trees.iter().enumerate() {
        if stars > 0 && matches!(tree, TokenTree::Ident(_)) {
            let called = is(i + 1, '.') && !is(i + 2, '.') || is(i + 1, '?');
            let group = match trees.get(i + 1) {
                Some(TokenTree::Group(group)) => group.delimiter() != proc_macro2::Delimiter::Brace,
                _ => false,
            };
            if !called && !group {
                found.push((i - stars, stars));
            }
        }
        stars = if is(i, '*') && begins { stars + 1 } else { 0 };
        begins = match tree {
            TokenTree::Punct(p) => p.as_char() != '?',
            // A keyword, or a variable.
            TokenTree::Ident(word) => !is_name(&word.to_string()) && *word != "self",
            TokenTree::Literal(_) => false,
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
        };
    }
    found
}

/// The variables behind stars that are no products, and the most stars.
fn dereferenced(tokens: TokenStream, into: &mut Vec<(Ident, usize)>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, stars) in stars_in(&trees) {
        let TokenTree::Ident(name) = &trees[at + stars] else {
            continue;
        };
        match into.iter_mut().find(|(known, _)| known == name) {
            Some((_, most)) => *most = stars.max(*most),
            None => into.push((name.clone(), stars)),
        }
    }
    for tree in trees {
        if let TokenTree::Group(group) = tree {
            dereferenced(group.stream(), into);
        }
    }
}

/// The tokens without the stars of such variables, whose numbers stand where their names were.
fn marked(tokens: TokenStream, references: &[ByReference]) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let of = |ident: &Ident| references.iter().position(|known| known.ident == *ident);
    let runs = stars_in(&trees);
    let run = |i: usize| {
        let mut runs = runs.iter();
        let (at, stars) = runs.find(|(at, stars)| (*at..=at + stars).contains(&i))?;
        let TokenTree::Ident(name) = &trees[at + stars] else {
            return None;
        };
        let number = of(name).filter(|n| references[*n].stars == *stars)?;
        let mark = format_ident!("{BEHIND}{number}", span = name.span());
        Some((at + stars == i).then_some(mark))
    };
    let mut out = TokenStream::new();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let inner = marked(group.stream(), references);
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            tree => match (run(i), tree) {
                (Some(name), _) => out.extend(name.into_token_stream()),
                (None, TokenTree::Ident(name)) if crate::scope::is_variable(&trees, i) => {
                    let entry = matches!(trees.get(i + 1), Some(TokenTree::Group(g)) if g.delimiter() == proc_macro2::Delimiter::Bracket);
                    let asked = entry || is(i + 1, '.') && !is(i + 2, '.');
                    match of(name).filter(|_| asked) {
                        Some(number) => {
                            let mark = format_ident!("{PLAIN}{number}", span = name.span());
                            out.extend(mark.to_token_stream());
                        }
                        None => out.extend([tree.clone()]),
                    }
                }
                _ => out.extend([tree.clone()]),
            },
        }
    }
    out
}

pub(super) fn is_single(tokens: &TokenStream) -> bool {
    let mut trees = tokens.clone().into_iter();
    let first = trees.next();
    // What stands in parentheses is an expression of its own.
    !matches!(first, None | Some(TokenTree::Group(_))) && trees.next().is_none()
}

/// A short name for an inert expression: its last word, in lower case.
fn wish(tokens: &TokenStream) -> String {
    let mut names = Vec::new();
    words(tokens.clone(), &mut names);
    let last = names
        .iter()
        .rev()
        .find(|n| !matches!(n.as_str(), "f64" | "f32" | "unwrap") && is_name(n));
    match last.map(String::as_str) {
        Some("len") => "n".to_string(),
        Some(word) => word.to_lowercase(),
        None => "c".to_string(),
    }
}

/// Whether a word is no keyword, as `true`.
fn is_name(word: &str) -> bool {
    syn::parse_str::<Ident>(&word.to_lowercase()).is_ok()
}

fn words(tokens: TokenStream, into: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            proc_macro2::TokenTree::Ident(ident) => {
                into.push(format_ident!("{}", ident).to_string())
            }
            proc_macro2::TokenTree::Group(group)
                if group.delimiter() != proc_macro2::Delimiter::Brace =>
            {
                words(group.stream(), into)
            }
            _ => {}
        }
    }
}

/// How often a companion evaluates what is in a closure is its own matter.
pub(super) fn refuse_in_closure<T>(inert: &Inert) -> Lowered<T> {
    refuse(
        &inert.tokens,
        format!(
            "cannot evaluate `{}` inside this closure: the companion would evaluate it another number of times\nhelp: bind it with `let` before the closure",
            text(&inert.tokens)
        ),
    )
}
