//! Statements: bindings, what is kept as it stands, items and macros.

use super::{Lower, Lowered, Refusal, hint_of_plain_type, refuse};
use crate::error::text;
use crate::graph::{Elem, Form, Kind, Leaf, Placed, Shape, Step};
use crate::scope::{Binding, Hint, Inert, Value, control_flow, is_observer, rename};
use crate::ty::{Class, Extent, Passing};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Pat, Stmt};

impl Lower<'_> {
    /// A block: its statements, and the value of its last expression.
    pub(super) fn block(&mut self, block: &syn::Block) -> Lowered<Value> {
        self.scope.push();
        let value = self.statements(&block.stmts);
        self.scope.pop();
        value
    }

    /// A block inside another, whose statements join those around it.
    pub(super) fn nested_block(&mut self, block: &syn::Block) -> Lowered<Value> {
        self.nested += 1;
        let value = self.block(block);
        self.nested -= 1;
        value
    }

    pub(super) fn statements(&mut self, stmts: &[Stmt]) -> Lowered<Value> {
        // Whether the value of the block is that of the function.
        let tail = std::mem::take(&mut self.tail);
        let mut value = Ok(Value::Unit);
        for (i, stmt) in stmts.iter().enumerate() {
            let last = i + 1 == stmts.len();
            if let (Stmt::Expr(Expr::If(branch), _), true) = (stmt, tail && !last)
                && let Some(whole) = self.with_rest(branch, &stmts[i + 1..])
            {
                self.tail = true;
                return self.expr(&Expr::If(whole));
            }
            let outcome = match stmt {
                Stmt::Local(local) => self.local(local, stmt),
                Stmt::Item(item) => self.item(item),
                Stmt::Expr(Expr::Return(returned), _) if last && tail => {
                    match &returned.expr {
                        Some(expr) => value = self.expr(expr),
                        None => value = Ok(Value::Unit),
                    }
                    continue;
                }
                Stmt::Expr(expr, None) if last && !is_unit(expr) => {
                    self.tail = tail && matches!(expr, Expr::If(_) | Expr::Block(_));
                    value = self.expr(expr);
                    self.tail = false;
                    continue;
                }
                Stmt::Expr(expr, semi) => self.statement(expr, semi.is_some(), stmt),
                Stmt::Macro(mac) if last && mac.semi_token.is_none() => {
                    value = self.macro_value(&mac.mac, &mac.mac);
                    continue;
                }
                Stmt::Macro(mac) => self.macro_statement(&mac.mac, stmt),
            };
            if let Err(Refusal(Some(error))) = outcome {
                self.errors.add(error);
            }
        }
        value
    }

    /// `if … { return a; }` with the rest of the function as its other side.
    fn with_rest(&self, branch: &syn::ExprIf, rest: &[Stmt]) -> Option<syn::ExprIf> {
        let leaves =
            |block: &syn::Block| matches!(block.stmts.last(), Some(Stmt::Expr(Expr::Return(_), _)));
        // What leaves without a value may stay as it stands.
        let without_value = |block: &syn::Block| match block.stmts.last() {
            Some(Stmt::Expr(Expr::Return(returned), _)) => {
                let text = returned.expr.to_token_stream().to_string();
                self.wrapped && (text == "None" || text.starts_with("Err"))
            }
            _ => false,
        };
        if !leaves(&branch.then_branch) || without_value(&branch.then_branch) {
            return None;
        }
        let block = |stmts: Vec<Stmt>| {
            Expr::Block(syn::ExprBlock {
                attrs: Vec::new(),
                label: None,
                block: syn::Block {
                    brace_token: branch.then_branch.brace_token,
                    stmts,
                },
            })
        };
        let otherwise = match &branch.else_branch {
            None => block(rest.to_vec()),
            Some((_, otherwise)) => match &**otherwise {
                Expr::If(inner) => Expr::If(self.with_rest(inner, rest)?),
                Expr::Block(inner) => {
                    // Its own variables are not those of the rest.
                    let binds = inner
                        .block
                        .stmts
                        .iter()
                        .any(|s| !matches!(s, Stmt::Expr(..)));
                    if binds && !leaves(&inner.block) {
                        return None;
                    }
                    let stmts = inner.block.stmts.iter().chain(rest).cloned();
                    block(stmts.collect())
                }
                _ => return None,
            },
        };
        let mut whole = branch.clone();
        whole.else_branch = Some((Default::default(), Box::new(otherwise)));
        Some(whole)
    }

    /// Keeps a statement that binds no names.
    pub(super) fn verbatim(&mut self, stmt: &dyn ToTokens) -> Lowered<()> {
        let tokens = stmt.to_token_stream();
        self.check_kept(&tokens)?;
        let reads = self.reads(&tokens);
        let kept = self.kept(&tokens);
        // A format string reads its variables under the user's names.
        let names = self.renamed_in_strings(tokens);
        let kept = if names.is_empty() {
            kept
        } else {
            let lets = names.iter().map(|(ident, new)| quote!(let #ident = &#new;));
            quote!({ #(#lets)* #kept })
        };
        self.place(Step::Verbatim {
            tokens: kept,
            reads,
            binds: Vec::new(),
        });
        Ok(())
    }

    /// Keeps `let pattern = init;` and gives the names of its variables in the companion.
    pub(super) fn keep_let(&mut self, local: &syn::Local, init: &Expr) -> Lowered<Vec<Ident>> {
        let tokens = init.to_token_stream();
        self.check_kept(&tokens)?;
        if let Some((ident, _)) = self.renamed_in_strings(tokens.clone()).first() {
            return refuse(
                init,
                format!(
                    "the format string reads `{ident}`, which is the name of several variables\nhelp: give this one another name"
                ),
            );
        }
        let reads = self.reads(&tokens);
        let init = self.kept(&tokens);
        let mut names = Vec::new();
        pattern_names(&local.pat, &mut names);
        let new: Vec<Ident> = names.iter().map(|n| self.own_name(n)).collect();
        let position = |ident: &Ident| names.iter().position(|n| n == ident);
        let pattern = match &local.pat {
            Pat::Type(typed) => {
                let pattern = rename(typed.pat.to_token_stream(), &|i| {
                    position(i).map(|k| new[k].to_token_stream())
                });
                let ty = &typed.ty;
                quote!(#pattern: #ty)
            }
            pattern => rename(pattern.to_token_stream(), &|i| {
                position(i).map(|k| new[k].to_token_stream())
            }),
        };
        let attrs = &local.attrs;
        self.place(Step::Verbatim {
            tokens: quote!(#(#attrs)* let #pattern = #init;),
            reads,
            binds: Vec::new(),
        });
        Ok(new)
    }

    /// Whether tokens may be kept here as they stand.
    pub(super) fn check_kept(&self, tokens: &TokenStream) -> Lowered<()> {
        if self.closures > 0 {
            return refuse(
                tokens,
                "this statement cannot be kept inside the closure of an elementwise method: it would run another number of times\nhelp: move it before the closure",
            );
        }
        match control_flow(tokens.clone(), self.wrapped) {
            Some((found, what)) => refuse(
                found,
                format!(
                    "{what} is not supported here yet: the companion would leave the function with a value of another type\nhelp: bind the value before calling this function and pass it as a parameter"
                ),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn item(&mut self, item: &syn::Item) -> Lowered<()> {
        match item {
            // Items are in scope everywhere in their block, and inert. A named constant may shadow a variable.
            syn::Item::Const(c) => {
                let mut kept = c.clone();
                kept.ident = self.own_name(&c.ident);
                let inert = Inert {
                    tokens: kept.ident.to_token_stream(),
                    hint: Hint::Unknown,
                    reads: Vec::new(),
                    varies: false,
                    pure: true,
                    mutable: false,
                    leaf: None,
                };
                self.scope.bind(Binding {
                    ident: c.ident.clone(),
                    value: Value::Inert(inert),
                    active: false,
                    varies: false,
                });
                self.place(Step::Verbatim {
                    tokens: kept.to_token_stream(),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
                Ok(())
            }
            syn::Item::Use(_)
            | syn::Item::Fn(_)
            | syn::Item::Static(_)
            | syn::Item::Struct(_)
            | syn::Item::Enum(_)
            | syn::Item::Type(_)
                if self.nested == 0 =>
            {
                self.place(Step::Verbatim {
                    tokens: item.to_token_stream(),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
                Ok(())
            }
            other => refuse(
                other,
                "this item is not supported inside a differentiated function\nhelp: move it out of the function",
            ),
        }
    }

    pub(super) fn local(&mut self, local: &syn::Local, stmt: &Stmt) -> Lowered<()> {
        let mut names = Vec::new();
        pattern_names(&local.pat, &mut names);
        let result = self.local_value(local, stmt);
        if result.is_err() {
            // What follows may use the names: it must not fail a second time.
            for ident in names {
                self.scope.bind(Binding {
                    ident,
                    value: Value::Poison,
                    active: true,
                    varies: true,
                });
            }
        }
        result
    }

    pub(super) fn local_value(&mut self, local: &syn::Local, stmt: &Stmt) -> Lowered<()> {
        let (pat, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pat => (pat, None),
        };
        let Some(init) = &local.init else {
            return refuse(
                stmt,
                "a variable without an initial value is not supported yet\nhelp: give it its value here, as in `let x = if … { … } else { … };`",
            );
        };
        if let (true, true) = (self.is_inert(&init.expr), self.closures == 0) {
            if let Some((_, diverge)) = &init.diverge {
                return refuse(
                    diverge,
                    "`let … else` is not supported yet\nhelp: take the value with `.unwrap()` or `.expect(…)`",
                );
            }
            return self.inert_local(local, pat, ty, &init.expr);
        }
        if let Some((_, diverge)) = &init.diverge {
            return refuse(
                diverge,
                "`let … else` is not supported yet\nhelp: take the value with `.unwrap()` or `.expect(…)`",
            );
        }
        let mark = self.mark();
        let value = self.expr(&init.expr)?;
        if let (Value::Untyped, Some(ty), Pat::Ident(name)) = (&value, ty, pat) {
            return self.typed_parameter(name, ty, &init.expr);
        }
        let value = match (value, ty) {
            (Value::Called(call, part), Some(ty)) => self.called_as(call, &part, ty)?,
            (value, _) => value,
        };
        if let Some(ty) = ty {
            self.check_type(&value, ty)?;
        }
        if let (Value::Inert(inert), 0) = (&value, self.closures) {
            // An integer or a condition read from an active value: the statement stays, and its names are inert.
            let (hint, varies) = (inert.hint.clone(), inert.varies);
            let mut names = Vec::new();
            pattern_names(pat, &mut names);
            self.roll_back(mark);
            let new = self.keep_let(local, &init.expr)?;
            for (name, new) in names.iter().zip(&new) {
                let hint = if matches!(pat, Pat::Ident(_)) {
                    hint.clone()
                } else {
                    Hint::Unknown
                };
                self.bind_inert(name, new, hint, Form::Owned, varies, is_mutable(pat, name));
            }
            return Ok(());
        }
        self.bind(pat, value)
    }

    pub(super) fn inert_local(
        &mut self,
        local: &syn::Local,
        pat: &Pat,
        ty: Option<&syn::Type>,
        init: &Expr,
    ) -> Lowered<()> {
        let mut names = Vec::new();
        pattern_names(pat, &mut names);
        let varies = self.varies(&init.to_token_stream());
        // Only the kinds are wanted here: what reading it placed is taken back.
        let mark = self.mark();
        let value = self.expr(init).unwrap_or(Value::Poison);
        let guessed = self.steps.last().is_some_and(|s| {
            s[mark.0..]
                .iter()
                .any(|p| matches!(p.step, Step::Pin { .. }))
        });
        self.roll_back(mark);
        let new = self.keep_let(local, init)?;
        // What is behind a mutable reference may change as well.
        let mutable_reference =
            crate::ty::mentions(init.to_token_stream(), &|ident| ident == "mut");
        for (name, new) in names.iter().zip(&new) {
            let value = match (&value, pat) {
                (Value::Tuple(parts), Pat::Tuple(tuple)) if tuple.elems.len() == parts.len() => {
                    let place = tuple
                        .elems
                        .iter()
                        .position(|p| matches!(p, Pat::Ident(p) if p.ident == *name));
                    place.map_or(Value::Poison, |i| parts[i].clone())
                }
                (value, Pat::Ident(_)) => value.clone(),
                _ => Value::Poison,
            };
            let hint = match (ty.filter(|_| matches!(pat, Pat::Ident(_))), &value) {
                (Some(ty), _) => self.hint_of_type(ty),
                (None, Value::Node(id)) if !guessed => match self.graph.kind(*id) {
                    Kind {
                        elem: Elem::Real,
                        shape: None,
                    } => Hint::Real,
                    Kind {
                        elem: Elem::Real,
                        shape: Some(shape),
                    } => Hint::Matrix(shape),
                    Kind {
                        elem: Elem::Bool, ..
                    } => Hint::Bool,
                    _ => Hint::Unknown,
                },
                (None, Value::Inert(inert)) => inert.hint.clone(),
                _ => Hint::Unknown,
            };
            let form = match ty {
                Some(syn::Type::Reference(_)) => Form::Borrowed,
                _ => self.form_of(init),
            };
            self.bind_inert(
                name,
                new,
                hint,
                form,
                varies,
                mutable_reference || is_mutable(pat, name),
            );
        }
        Ok(())
    }

    /// Binds a name of an inert statement that is kept.
    pub(super) fn bind_inert(
        &mut self,
        ident: &Ident,
        new: &Ident,
        hint: Hint,
        form: Form,
        varies: bool,
        mutable: bool,
    ) {
        let name = new.to_token_stream();
        let leaf = |lower: &mut Self, kind: Kind, form| {
            lower.graph.leaf(Leaf {
                name: name.clone(),
                kind,
                form,
                varies,
            })
        };
        let value = match (&hint, mutable) {
            (Hint::Real, false) => Value::Node(leaf(self, Kind::SCALAR, Form::Owned)),
            (Hint::Matrix(shape), false) => {
                let dim = |d: &crate::graph::Dim| match d {
                    crate::graph::Dim::Dynamic(_) => Extent::Dynamic,
                    known => Extent::Known(known.clone()),
                };
                let ty = crate::ty::Value {
                    real: self.real.clone(),
                    extents: Some((dim(&shape.rows), dim(&shape.cols))),
                    passing: Passing::Owned,
                    written: TokenStream::new(),
                };
                Value::Node(self.leaf_of_type(name, &ty, form, varies))
            }
            (Hint::Bool, false) => Value::Node(leaf(self, Kind::BOOL, Form::Owned)),
            _ => {
                let leaf =
                    (hint == Hint::Int && !mutable).then(|| leaf(self, Kind::INT, Form::Owned));
                Value::Inert(Inert {
                    tokens: name.clone(),
                    hint,
                    reads: Vec::new(),
                    varies,
                    pure: !mutable,
                    mutable,
                    leaf,
                })
            }
        };
        if let Value::Node(id) | Value::Inert(Inert { leaf: Some(id), .. }) = &value {
            self.graph.keep_local(*id);
            if let Some(Placed {
                step: Step::Verbatim { binds, .. },
                ..
            }) = self.steps.last_mut().and_then(|s| s.last_mut())
            {
                binds.push(*id);
            }
        }
        self.scope.bind(Binding {
            ident: ident.clone(),
            value,
            active: false,
            varies,
        });
    }

    /// Whether the value of an inert expression is a reference.
    pub(super) fn form_of(&self, expr: &Expr) -> Form {
        match expr {
            Expr::Paren(inner) => self.form_of(&inner.expr),
            Expr::Group(inner) => self.form_of(&inner.expr),
            Expr::Reference(_) => Form::Borrowed,
            Expr::Path(path) => match path
                .path
                .get_ident()
                .and_then(|n| self.scope.get(&n.to_string()))
            {
                Some(Binding {
                    value: Value::Node(id),
                    ..
                }) => self.graph.leaf_of(*id).map_or(Form::Owned, |l| l.form),
                _ => Form::Owned,
            },
            Expr::MethodCall(call) if crate::surface::gives_view(&call.method.to_string()) => {
                Form::View
            }
            _ => Form::Owned,
        }
    }

    pub(super) fn hint_of_type(&mut self, ty: &syn::Type) -> Hint {
        match self.context.classify(ty) {
            Class::Value(value) if value.real == self.real => match &value.extents {
                // A reference to a scalar is not a scalar in every place.
                None if value.passing == Passing::Owned => Hint::Real,
                None => Hint::Unknown,
                Some((rows, cols)) => {
                    self.types.push((value.written.clone(), value.clone()));
                    let dim = |e: &Extent| match e {
                        Extent::Known(dim) => dim.clone(),
                        _ => crate::graph::Dim::Dynamic(u32::MAX),
                    };
                    Hint::Matrix(Shape::new(dim(rows), dim(cols)))
                }
            },
            _ => hint_of_plain_type(ty),
        }
    }

    /// `let x: &Vector3<f64> = x;` tells the type of a parameter of a user's type.
    pub(super) fn typed_parameter(
        &mut self,
        name: &syn::PatIdent,
        ty: &syn::Type,
        init: &Expr,
    ) -> Lowered<()> {
        let Class::Value(value) = self.context.classify(ty) else {
            return refuse(
                ty,
                format!(
                    "`{}` is not a type of nalgebra's that can be differentiated\nhelp: name one, as in `&Vector3<f64>`",
                    text(ty)
                ),
            );
        };
        if value.real != self.real {
            return refuse(
                ty,
                format!(
                    "this function computes with `{0}`, so its parameters have to be made of `{0}`",
                    self.real.to_token_stream()
                ),
            );
        }
        self.types.push((value.written.clone(), value.clone()));
        let written = quote!(let #name: #ty = #init;);
        self.place(Step::Verbatim {
            tokens: written,
            reads: Vec::new(),
            binds: Vec::new(),
        });
        let form = if value.passing == Passing::Owned {
            Form::Owned
        } else {
            Form::Borrowed
        };
        let id = self.leaf_of_type(name.ident.to_token_stream(), &value, form, true);
        self.sources.push(id);
        self.active.clear();
        self.scope.bind(Binding {
            ident: name.ident.clone(),
            value: Value::Node(id),
            active: true,
            varies: true,
        });
        Ok(())
    }

    /// A type given to an active value must be one that the macro understands.
    pub(super) fn check_type(&mut self, value: &Value, ty: &syn::Type) -> Lowered<()> {
        let Value::Node(id) = value else {
            return Ok(());
        };
        let kind = self.graph.kind(*id);
        match self.context.classify(ty) {
            Class::Value(known) => {
                if known.real != self.real || known.extents.is_some() != kind.is_matrix() {
                    return refuse(
                        ty,
                        format!(
                            "this value is not a `{}`\nhelp: what a call returns is taken for a number where its type is not known: bind it first, as in `let v: {} = …;`",
                            text(ty),
                            text(ty)
                        ),
                    );
                }
                if known.extents.is_some() {
                    self.types.push((known.written.clone(), known));
                }
                Ok(())
            }
            _ if matches!(ty, syn::Type::Infer(_)) || kind.elem != Elem::Real => Ok(()),
            _ => refuse(
                ty,
                format!(
                    "cannot follow a differentiated value into the type `{}`\nhelp: use `{}` or a matrix of it",
                    text(ty),
                    self.real.to_token_stream()
                ),
            ),
        }
    }

    /// Binds a pattern to an active value.
    pub(super) fn bind(&mut self, pat: &Pat, value: Value) -> Lowered<()> {
        match (pat, value) {
            (Pat::Ident(name), value) => {
                if name.by_ref.is_some() || name.subpat.is_some() {
                    return refuse(
                        name,
                        "this pattern is not supported for a differentiated value\nhelp: bind a plain name",
                    );
                }
                if let (Value::Inert(inert), 0) = (&value, self.closures) {
                    // An inert part of an active value gets its own statement.
                    let new = self.own_name(&name.ident);
                    let tokens = &inert.tokens;
                    self.place(Step::Verbatim {
                        tokens: quote!(let #new = #tokens;),
                        reads: inert.reads.clone(),
                        binds: Vec::new(),
                    });
                    let (hint, varies) = (inert.hint.clone(), inert.varies);
                    self.bind_inert(&name.ident, &new, hint, Form::Owned, varies, false);
                    return Ok(());
                }
                if let Value::Called(call, part) = &value
                    && !self
                        .called_names
                        .iter()
                        .any(|(of, at, _)| of == call && at == part)
                {
                    self.name_called(*call, part, &name.ident);
                }
                if let (Value::Node(id) | Value::Entry(id), 0) = (&value, self.closures) {
                    let named = self.graph.names.borrow().contains_key(id);
                    if !named && self.graph.leaf_of(*id).is_none() {
                        let own = self.own_name(&name.ident);
                        self.graph.names.borrow_mut().insert(*id, own);
                    }
                }
                let active = self.is_active_value(&value);
                let varies = match &value {
                    Value::Node(id) | Value::Entry(id) => self.graph.varies(*id),
                    Value::Inert(inert) => inert.varies,
                    _ => true,
                };
                self.scope.bind(Binding {
                    ident: name.ident.clone(),
                    value,
                    active,
                    varies,
                });
                Ok(())
            }
            (Pat::Wild(_), _) => Ok(()),
            (Pat::Type(typed), value) => {
                self.check_type(&value, &typed.ty)?;
                self.bind(&typed.pat, value)
            }
            (Pat::Paren(inner), value) => self.bind(&inner.pat, value),
            (Pat::Tuple(tuple), Value::Called(call, part))
                if !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_))) =>
            {
                let parts = self.parts_of_call(call, &part, tuple.elems.len());
                for (pat, part) in tuple.elems.iter().zip(parts) {
                    self.bind(pat, part)?;
                }
                Ok(())
            }
            (Pat::Reference(inner), value) if inner.mutability.is_none() => {
                self.bind(&inner.pat, value)
            }
            (Pat::Tuple(tuple), Value::Tuple(values))
                if tuple.elems.len() == values.len()
                    && !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_))) =>
            {
                for (pat, value) in tuple.elems.iter().zip(values) {
                    self.bind(pat, value)?;
                }
                Ok(())
            }
            (_, Value::Poison) => Err(Refusal(None)),
            (pat, _) => refuse(
                pat,
                format!(
                    "the pattern `{}` is not supported for a differentiated value yet\nhelp: bind names, or tuples of names",
                    text(pat)
                ),
            ),
        }
    }

    pub(super) fn statement(&mut self, expr: &Expr, semi: bool, stmt: &Stmt) -> Lowered<()> {
        if self.is_inert(expr) && !self.changes_value(expr.to_token_stream()) {
            return self.verbatim(stmt);
        }
        match expr {
            Expr::Macro(mac) => self.macro_statement(&mac.mac, stmt),
            Expr::Block(block) if block.label.is_none() => {
                self.nested_block(&block.block).map(|_| ())
            }
            // A branch that only looks: assertions and prints.
            Expr::If(_) if self.only_observes(expr) => self.verbatim(stmt),
            _ => {
                let mark = self.mark();
                match self.form(expr)? {
                    Value::Inert(_) => {
                        self.roll_back(mark);
                        self.verbatim(stmt)
                    }
                    Value::Unit => Ok(()),
                    // Evaluated for nothing; what may panic was placed.
                    _ if semi => Ok(()),
                    _ => refuse(
                        expr,
                        "the value of this expression is not used\nhelp: bind it with `let`",
                    ),
                }
            }
        }
    }

    /// Whether a variable is assigned to that is a value here, and no variable of the companion.
    fn changes_value(&self, tokens: TokenStream) -> bool {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let sign = |i: usize| match trees.get(i) {
            Some(TokenTree::Punct(punct)) => punct.as_char(),
            _ => ' ',
        };
        trees.iter().enumerate().any(|(i, tree)| match tree {
            TokenTree::Group(group) => self.changes_value(group.stream()),
            TokenTree::Ident(name) => {
                let assigned = match (sign(i + 1), sign(i + 2)) {
                    ('=', after) => after != '=' && after != '>',
                    ('+' | '-' | '*' | '/' | '%', after) => after == '=',
                    _ => false,
                };
                let binding = self.scope.get(&name.to_string());
                assigned && binding.is_some_and(|b| matches!(b.value, Value::Node(_)))
            }
            _ => false,
        })
    }

    pub(super) fn macro_statement(&mut self, mac: &syn::Macro, stmt: &Stmt) -> Lowered<()> {
        let name = mac.path.segments.last().map(|s| s.ident.clone());
        let inert = self.is_inert(mac);
        match name {
            Some(name) if is_observer(&name) && !self.observed(mac) => refuse(
                mac,
                format!(
                    "cannot see what happens to a differentiated value inside `{name}!`\nhelp: pass plain expressions to it, and call other functions with nothing else"
                ),
            ),
            Some(name) if is_observer(&name) => self.verbatim(stmt),
            Some(name) if !inert => refuse(
                mac,
                format!(
                    "cannot see what the macro `{name}!` does with a differentiated value\nhelp: write out what it stands for; `assert!`, `println!`, `vector!` and `matrix!` are known"
                ),
            ),
            _ => self.verbatim(stmt),
        }
    }
}

/// Whether an expression without `;` is a statement all the same: its value is `()`.
fn is_unit(expr: &Expr) -> bool {
    let is_unit_block = |block: &syn::Block| match block.stmts.last() {
        None | Some(Stmt::Local(_) | Stmt::Item(_)) => true,
        Some(Stmt::Macro(mac)) => mac.semi_token.is_some(),
        Some(Stmt::Expr(Expr::Return(_), _)) => false,
        Some(Stmt::Expr(expr, semi)) => semi.is_some() || is_unit(expr),
    };
    match expr {
        Expr::If(branch) => is_unit_block(&branch.then_branch),
        Expr::Block(block) => is_unit_block(&block.block),
        Expr::ForLoop(_) | Expr::While(_) | Expr::Assign(_) => true,
        Expr::Binary(binary) => {
            binary.op.to_token_stream().to_string().ends_with("=")
                && !matches!(
                    binary.op,
                    syn::BinOp::Eq(_) | syn::BinOp::Ne(_) | syn::BinOp::Le(_) | syn::BinOp::Ge(_)
                )
        }
        _ => false,
    }
}

/// The names that a pattern binds.
pub fn pattern_names(pat: &Pat, into: &mut Vec<Ident>) {
    match pat {
        Pat::Ident(name) => {
            into.push(name.ident.clone());
            if let Some((_, inner)) = &name.subpat {
                pattern_names(inner, into);
            }
        }
        Pat::Type(typed) => pattern_names(&typed.pat, into),
        Pat::Paren(inner) => pattern_names(&inner.pat, into),
        Pat::Reference(inner) => pattern_names(&inner.pat, into),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::Struct(fields) => fields
            .fields
            .iter()
            .for_each(|f| pattern_names(&f.pat, into)),
        Pat::Or(or) => or.cases.iter().for_each(|p| pattern_names(p, into)),
        _ => {}
    }
}

fn is_mutable(pat: &Pat, name: &Ident) -> bool {
    // `mut` before the name, or a reference of which the macro does not know whether it is exclusive.
    let trees: Vec<proc_macro2::TokenTree> = flat(pat.to_token_stream());
    trees
        .windows(2)
        .any(|pair| pair[0].to_string() == "mut" && *name == pair[1].to_string())
}

fn flat(tokens: TokenStream) -> Vec<proc_macro2::TokenTree> {
    tokens
        .into_iter()
        .flat_map(|tree| match tree {
            proc_macro2::TokenTree::Group(group) => flat(group.stream()),
            other => vec![other],
        })
        .collect()
}
