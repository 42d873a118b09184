//! Closures bound to names, and functions inside the body: a call of one is its body, with the arguments in place of its
//! parameters and every other name as it was where the closure was written.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Form, Kind, Placed, Step, any_tokens};
use crate::scope::{Binding, Hint, Inert, Scope, Value, control_flow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::rc::Rc;
use syn::{Expr, Pat, Stmt};

/// How many calls are written out in one function: those in one another multiply.
const CALLS: usize = 500;

/// What a name that can be called stands for.
pub struct Function {
    name: String,
    inputs: Vec<Pat>,
    output: Option<syn::Type>,
    pub body: Expr,
    /// What it captures; a function inside the body captures nothing.
    pub captured: Option<Scope>,
    /// Whether it changes what it captures.
    mutable: bool,
    /// Its own name in the companion, where it is kept as well.
    pub kept: Option<Ident>,
}

impl Function {
    /// The same function of other captured values.
    pub fn capturing(&self, captured: Scope) -> Function {
        Function {
            name: self.name.clone(),
            inputs: self.inputs.clone(),
            output: self.output.clone(),
            body: self.body.clone(),
            captured: Some(captured),
            mutable: self.mutable,
            kept: self.kept.clone(),
        }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Lower<'_> {
    /// `let name = |…| …;`
    pub(super) fn closure_local(
        &mut self,
        local: &syn::Local,
        name: &syn::PatIdent,
        init: &Expr,
        closure: &syn::ExprClosure,
    ) -> Lowered<()> {
        if closure.capture.is_some() {
            self.check_moved(closure)?;
        }
        let leaves = control_flow(init.to_token_stream(), false).is_some();
        let inert = self.is_inert(init) && self.closures == 0 && !leaves;
        let mut function = self.function_of(closure, &name.ident.to_string());
        function.mutable = name.mutability.is_some();
        // What carries no derivative may call it, or be given it.
        if inert {
            let names = self.keep_let(local, init)?;
            function.kept = names.into_iter().next();
            self.may_be_left_out(function.kept.clone());
        }
        let varies = self.varies(&init.to_token_stream());
        self.scope.bind(Binding {
            active: !inert,
            ..Binding::inert(
                name.ident.clone(),
                Value::Function(Rc::new(function)),
                varies,
            )
        });
        Ok(())
    }

    fn function_of(&self, closure: &syn::ExprClosure, name: &str) -> Function {
        Function {
            name: name.to_string(),
            inputs: closure.inputs.iter().cloned().collect(),
            output: match &closure.output {
                syn::ReturnType::Type(_, ty) => Some((**ty).clone()),
                syn::ReturnType::Default => None,
            },
            body: (*closure.body).clone(),
            captured: Some(self.scope.as_it_is()),
            mutable: false,
            kept: None,
        }
    }

    /// `move` copies: what changes later has the old value inside.
    fn check_moved(&self, closure: &syn::ExprClosure) -> Lowered<()> {
        let read = self.scope.read_by(closure.body.to_token_stream());
        let changing = read
            .iter()
            .find(|b| matches!(&b.value, Value::Inert(inert) if inert.mutable));
        match changing {
            Some(binding) => refuse(
                closure,
                format!(
                    "`{0}` may change later, and this closure keeps its value of now\nhelp: bind it without `mut` first, as in `let fixed = {0};`, or leave out `move`",
                    binding.ident
                ),
            ),
            None => Ok(()),
        }
    }

    /// The functions inside the body, which are known everywhere in it.
    pub(super) fn note_functions(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            let Stmt::Item(syn::Item::Fn(item)) = stmt else {
                continue;
            };
            let differentiable = item.attrs.iter().any(|attr| {
                let name = attr.path().segments.last().map(|s| s.ident.to_string());
                !matches!(
                    name.as_deref(),
                    Some("doc" | "inline" | "allow" | "expect" | "must_use" | "warn")
                )
            });
            let plain = item.sig.generics.type_params().next().is_none()
                && item.sig.generics.const_params().next().is_none()
                && item.sig.asyncness.is_none()
                && item.sig.unsafety.is_none()
                && item.sig.variadic.is_none();
            let inputs = item.sig.inputs.iter().map(|input| match input {
                syn::FnArg::Typed(typed) => Some(Pat::Type(typed.clone())),
                syn::FnArg::Receiver(_) => None,
            });
            let Some(inputs) = inputs.collect::<Option<Vec<Pat>>>() else {
                continue;
            };
            // Those of a side of a branch are not known to the others.
            let name = item.sig.ident.to_string();
            let noted = self
                .functions
                .get(&name)
                .map(|f| f.body.to_token_stream().to_string());
            if noted.as_deref() == Some(&*item.block.to_token_stream().to_string()) {
                continue;
            }
            let hidden = !self.graph.guards.borrow().is_empty() || noted.is_some();
            if (!plain || hidden) && !differentiable {
                self.functions.remove(&name);
                self.unreadable.push(name);
                continue;
            }
            if differentiable {
                continue;
            }
            let function = Function {
                name: item.sig.ident.to_string(),
                inputs,
                output: match &item.sig.output {
                    syn::ReturnType::Type(_, ty) => Some((**ty).clone()),
                    syn::ReturnType::Default => None,
                },
                body: Expr::Block(syn::ExprBlock {
                    attrs: Vec::new(),
                    label: None,
                    block: (*item.block).clone(),
                }),
                captured: None,
                mutable: false,
                kept: Some(item.sig.ident.clone()),
            };
            self.functions
                .insert(function.name.clone(), Rc::new(function));
        }
    }

    /// Whether a path calls a function in the body that cannot be written out.
    pub(crate) fn is_unreadable(&self, path: &syn::ExprPath) -> bool {
        let name = path.path.get_ident().map(ToString::to_string);
        name.is_some_and(|name| self.unreadable.contains(&name))
    }

    /// What a path calls, if its body is in this function.
    pub(crate) fn function_named(&self, path: &syn::ExprPath) -> Option<Rc<Function>> {
        let name = path.path.get_ident()?.to_string();
        match self.scope.get(&name).map(|b| &b.value) {
            Some(Value::Function(function)) => Some(function.clone()),
            Some(_) => None,
            None => self.functions.get(&name).cloned(),
        }
    }

    /// `square(x)`
    pub(crate) fn call_of_closure(
        &mut self,
        function: &Rc<Function>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let mut values = Vec::new();
        for arg in args {
            let mut value = self.expr(arg)?;
            // What has effects is evaluated here, and once.
            if let (Value::Inert(inert), 0) = (&mut value, self.closures)
                && !inert.mutable
            {
                self.evaluate(inert);
            }
            values.push(value);
        }
        self.applied(function, values, expr)
    }

    /// `(|x| x * x)(y)`
    pub(crate) fn call_in_place(
        &mut self,
        closure: &syn::ExprClosure,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let function = Rc::new(self.function_of(closure, "this closure"));
        self.call_of_closure(&function, args, expr)
    }

    pub(super) fn applied_in_place(
        &mut self,
        closure: &syn::ExprClosure,
        values: Vec<Value>,
        at: &Expr,
    ) -> Lowered<Value> {
        let function = Rc::new(self.function_of(closure, "this closure"));
        self.applied(&function, values, at)
    }

    /// The body of a function, of these arguments.
    pub(crate) fn applied(
        &mut self,
        function: &Rc<Function>,
        values: Vec<Value>,
        at: &dyn ToTokens,
    ) -> Lowered<Value> {
        let name = &function.name;
        if function.inputs.len() != values.len() {
            return refuse(
                at.to_token_stream(),
                format!(
                    "`{name}` takes {} arguments, not {}",
                    function.inputs.len(),
                    values.len()
                ),
            );
        }
        if function.mutable {
            return refuse(
                at.to_token_stream(),
                format!(
                    "`{name}` changes what it captures, and cannot be called with a differentiated value\nhelp: give it what changes as a parameter, and let it return the new value"
                ),
            );
        }
        if self.inlined.iter().any(|f| Rc::ptr_eq(f, function)) {
            return refuse(
                at.to_token_stream(),
                format!(
                    "`{name}` calls itself, so that its calls cannot be written out\nhelp: move it out of this function and give it `#[differentiable]`"
                ),
            );
        }
        self.calls_written += 1;
        if self.calls_written > CALLS {
            return refuse(
                at.to_token_stream(),
                format!(
                    "there are too many calls to write out\nhelp: move `{name}` out of this function and give it `#[differentiable]`"
                ),
            );
        }
        self.inlined.push(function.clone());
        let scope = match &function.captured {
            Some(scope) => scope.clone(),
            None => self.constants.clone(),
        };
        let outside = std::mem::replace(&mut self.scope, scope);
        self.scope.push();
        let depth = std::mem::replace(&mut self.closure_depth, self.scope.depth() - 1);
        let expected = self.expected.take();
        let mut bound = Ok(());
        for (pat, value) in function.inputs.iter().zip(values) {
            if let Err(refusal) = self.bind_argument(pat, value) {
                bound = Err(refusal);
            }
        }
        let value = match bound {
            Ok(()) => self.body_of_its_own(&function.body),
            Err(refusal) => Err(refusal),
        };
        self.expected = expected;
        self.closure_depth = depth;
        self.scope = outside;
        self.inlined.pop();
        match (value?, &function.output) {
            (Value::Called(call, part), Some(ty)) => self.called_as(call, &part, ty),
            (value, _) => Ok(value),
        }
    }

    /// An argument without derivative, of the type that the parameter has.
    fn bind_typed_inert(
        &mut self,
        name: &syn::PatIdent,
        ty: Option<&syn::Type>,
        inert: Inert,
    ) -> Lowered<()> {
        let tokens = &inert.tokens;
        if self.closures > 0 {
            let inert = match ty.filter(|_| inert.hint == Hint::Int) {
                Some(ty) => Inert {
                    tokens: quote!((#tokens as #ty)),
                    ..inert
                },
                None => inert,
            };
            let varies = inert.varies;
            self.scope.bind(Binding::inert(
                name.ident.clone(),
                Value::Inert(inert),
                varies,
            ));
            return Ok(());
        }
        let new = self.own_name(&name.ident);
        let ty = ty.map(|ty| quote!(: #ty));
        let mutability = name.mutability;
        self.place(Step::Verbatim {
            tokens: quote!(let #mutability #new #ty = #tokens;),
            reads: inert.reads.clone(),
            binds: Vec::new(),
        });
        self.kept_names.insert(new.to_string());
        let mutable = name.mutability.is_some() || inert.mutable && ty.is_none();
        self.bind_inert(
            &name.ident,
            &new,
            inert.hint,
            Form::Owned,
            inert.varies,
            mutable,
        );
        Ok(())
    }

    /// A body that `return` does not leave the function from.
    fn body_of_its_own(&mut self, body: &Expr) -> Lowered<Value> {
        let wrapped = std::mem::replace(&mut self.wrapped, false);
        let tail = std::mem::replace(&mut self.tail, true);
        self.nested += 1;
        self.bodies += 1;
        let value = match body {
            Expr::Block(block) if block.label.is_none() => self.block(&block.block),
            one => {
                self.scope.push();
                let value = self.statements(&[Stmt::Expr(one.clone(), None)]);
                self.scope.pop();
                value
            }
        };
        self.bodies -= 1;
        self.nested -= 1;
        self.tail = tail;
        self.wrapped = wrapped;
        value
    }

    /// A parameter, and the argument for it.
    fn bind_argument(&mut self, pat: &Pat, value: Value) -> Lowered<()> {
        let (pat, ty) = match pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pat => (pat, None),
        };
        let mut ty = ty;
        // A reference to a reference is one.
        while let Some(syn::Type::Reference(outer)) = ty
            && outer.mutability.is_none()
            && let inner @ syn::Type::Reference(_) = crate::ty::strip(&outer.elem)
        {
            ty = Some(inner);
        }
        if let Some(syn::Type::Reference(reference)) = ty
            && reference.mutability.is_some()
        {
            return refuse(
                ty,
                "a parameter that is changed through a reference cannot be followed here\nhelp: return the new value",
            );
        }
        match (value, pat) {
            (Value::Inert(inert), Pat::Ident(name)) => {
                let hint = match ty.map(|ty| self.hint_of_type(ty)) {
                    None | Some(Hint::Unknown) => inert.hint.clone(),
                    Some(hint) => hint,
                };
                let inert = Inert { hint, ..inert };
                let value = match &inert.hint {
                    Hint::Real => Value::Node(self.pin(&inert, Kind::SCALAR)?),
                    Hint::Matrix(shape) => {
                        let kind = Kind::matrix(shape.clone());
                        Value::Node(self.pin(&inert, kind)?)
                    }
                    Hint::Bool => Value::Node(self.pin(&inert, Kind::BOOL)?),
                    _ if inert.leaf.is_some() && name.mutability.is_none() => Value::Inert(inert),
                    _ => return self.bind_typed_inert(name, ty, inert),
                };
                let varies = self.varies_value(&value);
                self.scope
                    .bind(Binding::inert(name.ident.clone(), value, varies));
                Ok(())
            }
            (value, pat) => self.bind_typed(pat, ty, value),
        }
    }

    /// `'a: { … break 'a value; … }`: `break` is to the block what `return` is to a function.
    pub(super) fn labelled_block(
        &mut self,
        block: &syn::ExprBlock,
        label: &syn::Label,
    ) -> Lowered<Value> {
        let tokens = block.block.to_token_stream();
        if let Some((found, what)) = control_flow(tokens.clone(), false) {
            return refuse(
                found,
                format!(
                    "{what} inside a labelled block is not supported\nhelp: use `if … {{ … }} else {{ … }}`"
                ),
            );
        }
        let tokens = breaks_as_returns(tokens, &label.name.ident);
        let Ok(body) = syn::parse2::<syn::Block>(tokens) else {
            return refuse(label, "this labelled block cannot be followed");
        };
        self.body_of_its_own(&Expr::Block(syn::ExprBlock {
            attrs: Vec::new(),
            label: None,
            block: body,
        }))
    }

    /// A statement that is left out if nothing in the companion reads the name that it binds.
    pub(super) fn may_be_left_out(&mut self, name: Option<Ident>) {
        let last = self.steps.last().and_then(|steps| steps.last());
        if let (Some(name), Some(Step::Verbatim { tokens, .. })) = (name, last.map(|p| &p.step)) {
            self.optional.push((name, tokens.to_string()));
        }
    }

    /// Leaves out what nothing reads.
    pub(super) fn leave_out(&self, steps: &mut Vec<Placed>) {
        let mut optional = self.optional.clone();
        loop {
            let before = optional.len();
            optional.retain(|(name, own)| {
                let text = name.to_string();
                let read = |tokens: &TokenStream| {
                    tokens.to_string() != *own && crate::scope::contains(tokens.clone(), &text)
                };
                let loops = self.graph.loops.of_the_user();
                if any_tokens(steps, &read)
                    || loops.iter().any(|inner| inner.any_tokens(&read))
                    || self.is_read_by_a_call(&read)
                {
                    return true;
                }
                without(steps, own);
                false
            });
            if optional.len() == before {
                return;
            }
        }
    }

    fn is_read_by_a_call(&self, read: &dyn Fn(&TokenStream) -> bool) -> bool {
        let messages = self.graph.messages.borrow();
        messages.iter().any(read)
            || self.graph.calls.borrow().iter().any(|call| {
                let mut arguments = call.arguments.iter();
                read(&call.after) || arguments.any(|argument| argument.reads(read))
            })
    }
}

/// The steps without this statement.
fn without(steps: &mut Vec<Placed>, statement: &str) {
    steps.retain(|placed| {
        !matches!(&placed.step, Step::Verbatim { tokens, .. } if tokens.to_string() == statement)
    });
    for placed in steps {
        if let Step::Branch {
            then, otherwise, ..
        } = &mut placed.step
        {
            without(then, statement);
            without(otherwise, statement);
        }
    }
}

/// `break 'label` as `return`.
fn breaks_as_returns(tokens: TokenStream, label: &Ident) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        let labelled = match (&trees[at], trees.get(at + 1), trees.get(at + 2)) {
            (
                TokenTree::Ident(word),
                Some(TokenTree::Punct(quote)),
                Some(TokenTree::Ident(name)),
            ) => word == "break" && quote.as_char() == '\'' && name == label,
            _ => false,
        };
        if labelled {
            out.push(TokenTree::Ident(Ident::new("return", trees[at].span())));
            at += 3;
            continue;
        }
        out.push(match &trees[at] {
            TokenTree::Group(group) if group.delimiter() != Delimiter::None => {
                let inner = breaks_as_returns(group.stream(), label);
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            tree => tree.clone(),
        });
        at += 1;
    }
    out.into_iter().collect()
}

/// A closure, whatever parentheses are around it.
pub(super) fn closure_in(expr: &Expr) -> Option<&syn::ExprClosure> {
    match expr {
        Expr::Closure(closure) if closure.asyncness.is_none() => Some(closure),
        Expr::Paren(inner) => closure_in(&inner.expr),
        Expr::Group(inner) => closure_in(&inner.expr),
        _ => None,
    }
}

/// Why the call of a variable cannot be followed.
pub(crate) fn unknown_function(name: &str, expr: &Expr) -> String {
    format!(
        "cannot differentiate `{}`: `{name}` is a variable, and what it computes cannot be seen here\nhelp: call a function with `#[differentiable]` by its name, with a rule of its own as in `#[differentiable(vjp = …)]` where it needs one, or bind the closure in this function with `let`",
        text(expr)
    )
}
