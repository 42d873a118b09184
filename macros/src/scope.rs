//! What the names of a function stand for while its body is read.

use crate::graph::{Id, Member};
use crate::lower::declared::Declared;
use crate::position::Position;
use crate::ty;
use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use std::collections::HashMap;
use std::rc::Rc;
use syn::ext::IdentExt;

/// What is known of the type of an inert expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Hint {
    Int,
    Bool,
    /// Certainly the scalar type of the function.
    Real,
    /// A matrix, by a type in the source.
    Matrix(crate::graph::Shape),
    /// A point, a rotation or the like, or a reference to one.
    Geometric {
        frame: ty::Frame,
        size: usize,
        reference: bool,
    },
    Unknown,
}

/// An expression that carries no derivative: any Rust at all, kept as it stands.
#[derive(Clone, Debug)]
pub struct Inert {
    pub tokens: TokenStream,
    pub hint: Hint,
    /// The values that it reads by name.
    pub reads: Vec<Id>,
    /// Whether it depends on any parameter.
    pub varies: bool,
    /// Whether evaluating it elsewhere, or not at all, makes no difference.
    pub pure: bool,
    /// Whether later statements may change it.
    pub mutable: bool,
    /// The leaf of a name.
    pub leaf: Option<Id>,
}

impl Inert {
    /// What may be evaluated anywhere, and reads no value of the graph.
    pub fn plain(tokens: TokenStream, varies: bool) -> Self {
        Inert {
            tokens,
            hint: Hint::Unknown,
            reads: Vec::new(),
            varies,
            pure: true,
            mutable: false,
            leaf: None,
        }
    }
}

/// A parameter of a user's type, or a part of one.
#[derive(Clone, Debug)]
pub struct Place {
    /// The number of the parameter.
    pub parameter: usize,
    pub path: Vec<Member>,
    /// The expression that reads it.
    pub tokens: TokenStream,
    /// Whether the user has it by a reference.
    pub reference: bool,
}

/// A fallible operation whose `unwrap` or `expect` is still to come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Pending {
    Inverse(Id),
    LuSolve(Id, Id),
    LuInverse(Id),
    Cholesky(Id),
    /// A vector and its least norm.
    Normalize(Id, Id),
    Triangular {
        triangle: Id,
        rhs: Id,
        upper: bool,
        transposed: bool,
    },
}

/// A point, a rotation or the like by its coordinates: those of an isometry are its rotation and its translation.
#[derive(Clone, Debug)]
pub struct Geometric {
    pub frame: ty::Frame,
    pub coordinates: Vec<Id>,
    /// A matrix that was taken for a rotation without a check.
    pub unchecked: bool,
}

impl Geometric {
    pub fn of(frame: ty::Frame, coordinates: Vec<Id>) -> Self {
        Geometric {
            frame,
            coordinates,
            unchecked: false,
        }
    }
}

/// What may have failed, and was attempted.
#[derive(Clone, Debug)]
pub struct Maybe {
    /// The condition that it has not.
    pub some: Id,
    /// The value, which is there on that side only.
    pub value: Box<Value>,
    pub absence: Absence,
}

/// What there is where there is no value.
#[derive(Clone, Debug)]
pub enum Absence {
    /// `None`
    None,
    /// An error: what makes it of `None`, as `ok_or(…)`.
    Error(TokenStream),
    /// The error of a call, or `None`, if it cannot be seen which.
    OfCall,
}

impl Absence {
    pub fn is_none(&self) -> bool {
        matches!(self, Absence::None)
    }
}

/// What the columns of a matrix are that stands for a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Columns {
    /// Each is a list of numbers.
    Lists,
    /// This many are a matrix, or one is a vector.
    Matrices(usize),
}

/// What an expression of the body stands for.
#[derive(Clone, Debug)]
pub enum Value {
    /// A scalar, a matrix, a factorisation or a condition.
    Node(Id),
    /// Inside the closure of an elementwise method: one entry of this matrix.
    Entry(Id),
    /// Inside the closure of `from_fn`: an index that depends on the place of the entry.
    Position(Position<Id>),
    Geometric(Geometric),
    /// The entries of a matrix, as `as_slice` gives them.
    Slice(Id),
    /// A list of vectors or matrices.
    Elements(Id),
    /// A list of these that changes, side by side in one matrix.
    Columns(Id, Columns),
    Inert(Inert),
    Tuple(Vec<Value>),
    /// A struct that the function builds, by its fields.
    Record(Vec<(String, Value)>),
    /// The same in a variable that may change: each field is a variable of its own.
    Fields(Rc<[(String, Ident)]>),
    /// `[a, b, c]` or `vec![a, b, c]`: the entries of a matrix to be, or of a result.
    List(Vec<Value>),
    Pending(Pending),
    /// The same, with what makes an error of `None`: `ok_or(…)`.
    PendingOr(Pending, TokenStream),
    Maybe(Maybe),
    /// `Some(value)` or `Ok(value)`; of `Never`, certainly `None`.
    Wrapped(Box<Value>),
    /// What a call returns, or a part of it: its kind is not known yet.
    Called(Id, Vec<usize>),
    /// A part of a variable that may be changed: `&mut x[i]`, `m.column_mut(j)`.
    Lent(Lent),
    /// A parameter of a user's type, or a field of one, whose kind is not known yet.
    Untyped(Place),
    Unit,
    /// A variable without a value yet, as the companion has it.
    Unset(Inert),
    /// A closure, or a function inside the body.
    Function(Rc<crate::lower::Function>),
    /// An iterator over differentiated values.
    Iterator(Rc<crate::lower::NamedIterator>),
    /// Of what never gets there: it panics, or leaves the function.
    Never,
    /// Something that has been reported already.
    Poison,
}

impl Value {
    /// The values of the graph that it is made of.
    pub fn ids(&self, into: &mut Vec<Id>) {
        match self {
            Value::Node(id) | Value::Entry(id) | Value::Slice(id) | Value::Columns(id, _) => {
                into.push(*id)
            }
            Value::List(values) | Value::Tuple(values) => values.iter().for_each(|v| v.ids(into)),
            Value::Geometric(geometric) => into.extend(&geometric.coordinates),
            Value::Record(fields) => fields.iter().for_each(|(_, v)| v.ids(into)),
            Value::Wrapped(value) => value.ids(into),
            _ => {}
        }
    }
}

/// A variable, and the parts that lead to what is meant of it.
#[derive(Clone, Debug)]
pub struct Lent {
    pub name: Ident,
    pub path: Vec<(crate::rules::Part, Vec<Id>)>,
}

impl Lent {
    /// A part of it.
    pub fn part(&self, part: crate::rules::Part, positions: Vec<Id>) -> Lent {
        let mut lent = self.clone();
        lent.path.push((part, positions));
        lent
    }
}

#[derive(Clone)]
pub struct Binding {
    pub ident: Ident,
    pub value: Value,
    /// Whether it carries a derivative.
    pub active: bool,
    pub varies: bool,
    /// Whether it was bound to a reference.
    pub reference: bool,
    /// Whether it was bound to a view.
    pub view: bool,
    /// Whether it is certain that it was bound to neither, also where the graph has the value of a reference: it is a copy.
    pub owned: bool,
    /// What declarations tell of its type.
    pub declared: Option<Rc<Declared>>,
}

impl Binding {
    /// A value that carries a derivative.
    pub fn active(ident: Ident, value: Value) -> Self {
        Self {
            active: true,
            ..Self::inert(ident, value, true)
        }
    }

    /// A value without a derivative.
    pub fn inert(ident: Ident, value: Value, varies: bool) -> Self {
        Self {
            ident,
            value,
            active: false,
            varies,
            reference: false,
            view: false,
            owned: false,
            declared: None,
        }
    }
}

/// The names in scope, innermost last.
#[derive(Clone, Default)]
pub struct Scope {
    frames: Vec<HashMap<String, Binding>>,
    /// For each side of a branch that is being read: what the variables assigned on it were before, and in which block
    /// they are.
    sides: Vec<Vec<(usize, String, Binding)>>,
}

impl Scope {
    pub fn push(&mut self) {
        self.frames.push(HashMap::new());
    }

    pub fn pop(&mut self) {
        self.frames.pop();
    }

    /// Leaves the innermost blocks, so that this many are left; they are entered again later.
    pub fn leave_blocks(&mut self, depth: usize) -> Vec<HashMap<String, Binding>> {
        self.frames.split_off(depth.min(self.frames.len()))
    }

    pub fn enter_blocks(&mut self, blocks: Vec<HashMap<String, Binding>>) {
        self.frames.extend(blocks);
    }

    /// The innermost block, to be entered again.
    pub fn take_frame(&mut self) -> HashMap<String, Binding> {
        self.frames.pop().unwrap_or_default()
    }

    pub fn enter(&mut self, frame: HashMap<String, Binding>) {
        self.frames.push(frame);
    }

    pub fn bind(&mut self, binding: Binding) {
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(binding.ident.unraw().to_string(), binding);
        }
    }

    pub fn get(&self, name: &str) -> Option<&Binding> {
        let name = name.trim_start_matches("r#");
        self.frames.iter().rev().find_map(|frame| frame.get(name))
    }

    /// What a path names, if that is a local name.
    pub fn named(&self, path: &syn::ExprPath) -> Option<&Binding> {
        self.get(&path.path.get_ident()?.to_string())
    }

    /// The names, and those of the variables that the fields of structs among them are.
    pub fn with_fields(&self, mut names: Vec<String>) -> Vec<String> {
        let mut next = 0;
        while let Some(name) = names.get(next) {
            if let Some(Value::Fields(fields)) = self.get(name).map(|b| &b.value) {
                names.extend(fields.iter().map(|(_, variable)| variable.to_string()));
            }
            next += 1;
        }
        names.sort();
        names.dedup();
        names
    }

    /// How many blocks there are around.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The block in which a variable was bound.
    pub fn depth_of(&self, name: &str) -> Option<usize> {
        let name = name.trim_start_matches("r#");
        self.frames
            .iter()
            .rposition(|frame| frame.contains_key(name))
    }

    /// The names that the inner blocks bind, from this depth on.
    pub fn names_within(&self, depth: usize) -> impl Iterator<Item = String> {
        let frames = self.frames.iter().skip(depth);
        frames.flat_map(HashMap::keys).cloned()
    }

    /// Gives a variable another value, which carries a derivative from now on.
    pub fn assign(&mut self, name: &str, value: Value, varies: bool) {
        let name = name.trim_start_matches("r#");
        let Some(depth) = self.depth_of(name) else {
            return;
        };
        let Some(binding) = self.frames[depth].get_mut(name) else {
            return;
        };
        if let Some(side) = self.sides.last_mut()
            && !side.iter().any(|(d, n, _)| *d == depth && n == name)
        {
            side.push((depth, name.to_string(), binding.clone()));
        }
        binding.value = value;
        binding.active = true;
        binding.varies |= varies;
    }

    /// Gives a variable another value wherever it is bound, on all sides of branches.
    pub fn replace(&mut self, name: &str, value: Value) {
        let name = name.trim_start_matches("r#");
        let mut frames = self.frames.iter_mut().rev();
        if let Some(binding) = frames.find_map(|frame| frame.get_mut(name)) {
            binding.value = value;
        }
    }

    /// The names as they are now, for a closure.
    pub fn as_it_is(&self) -> Scope {
        Scope {
            frames: self.frames.clone(),
            sides: Vec::new(),
        }
    }

    /// What a variable stands for may carry a derivative from now on.
    pub fn activate(&mut self, name: &str) {
        let name = name.trim_start_matches("r#");
        let mut frames = self.frames.iter_mut().rev();
        if let Some(binding) = frames.find_map(|frame| frame.get_mut(name)) {
            binding.active = true;
        }
    }

    /// The variable is a reference, or a view.
    pub fn refer(&mut self, name: &str, reference: bool, view: bool) {
        let mut frames = self.frames.iter_mut().rev();
        if let Some(binding) = frames.find_map(|frame| frame.get_mut(name)) {
            binding.reference |= reference;
            binding.view |= view;
        }
    }

    /// The variable owns its value.
    pub fn own(&mut self, name: &str) {
        let mut frames = self.frames.iter_mut().rev();
        if let Some(binding) = frames.find_map(|frame| frame.get_mut(name)) {
            binding.owned = true;
        }
    }

    /// What declarations tell of a variable.
    pub fn declare(&mut self, name: &Ident, declared: Option<Declared>) {
        let frame = self.frames.last_mut();
        if let Some(binding) = frame.and_then(|f| f.get_mut(&name.unraw().to_string())) {
            binding.declared = declared.map(Rc::new);
        }
    }

    /// All names, in a fixed order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .frames
            .iter()
            .flat_map(HashMap::keys)
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether a name stands for another value here.
    pub fn differs(&self, other: &Scope, name: &str) -> bool {
        let ids = |scope: &Scope| {
            let mut ids = Vec::new();
            scope.get(name).iter().for_each(|b| b.value.ids(&mut ids));
            ids
        };
        ids(self) != ids(other)
    }

    /// Begins a side of a branch.
    pub fn enter_side(&mut self) {
        self.sides.push(Vec::new());
    }

    /// Ends it: every variable is what it was before. Gives those that were assigned, and what they were at the end.
    pub fn leave_side(&mut self) -> HashMap<String, Binding> {
        let mut assigned = HashMap::new();
        for (depth, name, before) in self.sides.pop().unwrap_or_default() {
            // Those of blocks on that side are gone.
            if let Some(binding) = self.frames.get_mut(depth).and_then(|f| f.get_mut(&name)) {
                assigned.insert(name, std::mem::replace(binding, before));
            }
        }
        assigned
    }

    /// The bindings that the tokens may read. A name after a dot or before a colon is a field, not a
    /// variable; a format string reads what it names.
    pub fn read_by(&self, tokens: TokenStream) -> Vec<&Binding> {
        let mut names = Vec::new();
        variables(tokens, &mut names);
        names.iter().filter_map(|name| self.get(name)).collect()
    }
}

/// The texts of the identifiers that may be variables.
pub fn variables(tokens: TokenStream, into: &mut Vec<String>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) => {
                if is_variable(&trees, i) {
                    into.push(ident.to_string());
                }
            }
            TokenTree::Group(group) => variables(group.stream(), into),
            TokenTree::Literal(literal) => format_captures(&literal.to_string(), into),
            TokenTree::Punct(_) => {}
        }
    }
}

/// The tokens with other tokens for some of their variables.
pub fn rename(tokens: TokenStream, new: &dyn Fn(&Ident) -> Option<TokenStream>) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if is_variable(&trees, i) => match new(ident) {
                Some(tokens) => out.extend(tokens),
                None => out.extend([tree.clone()]),
            },
            TokenTree::Group(group) => {
                let mut renamed = Group::new(group.delimiter(), rename(group.stream(), new));
                renamed.set_span(group.span());
                out.extend([TokenTree::Group(renamed)]);
            }
            other => out.extend([other.clone()]),
        }
    }
    out
}

/// The variables that format strings in the tokens read: these cannot be renamed.
pub fn captured(tokens: TokenStream, into: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => captured(group.stream(), into),
            TokenTree::Literal(literal) => format_captures(&literal.to_string(), into),
            _ => {}
        }
    }
}

/// Whether the identifier at this place may be a variable: a field comes after a dot, or before a colon.
pub fn is_variable(trees: &[TokenTree], i: usize) -> bool {
    let field = i > 0 && is_punct(&trees[i - 1], '.') && !(i > 1 && is_punct(&trees[i - 2], '.'));
    let named = trees.get(i + 1).is_some_and(
        |next| matches!(next, TokenTree::Punct(p) if p.as_char() == ':' && p.spacing() == Spacing::Alone),
    );
    !field && !named
}

fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(p) if p.as_char() == c)
}

/// The names in the braces of what may be a format string.
fn format_captures(literal: &str, into: &mut Vec<String>) {
    if !literal.contains('{') || !literal.contains('"') {
        return;
    }
    for part in literal.split('{').skip(1) {
        let name: String = part
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
            into.push(name);
        }
        // `{:>width$}` reads `width`
        for word in part
            .split('}')
            .next()
            .unwrap_or("")
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        {
            if let Some(name) = word.strip_suffix('$') {
                into.push(name.to_string());
            }
        }
    }
}

/// Macros that only read what they are given.
const OBSERVERS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "print",
    "println",
    "eprint",
    "eprintln",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "assert_relative_eq",
    "assert_abs_diff_eq",
    "assert_ulps_eq",
];

/// Macros that give a value, or never return.
const PLAIN: &[&str] = &[
    "vec",
    "format",
    "vector",
    "matrix",
    "dvector",
    "dmatrix",
    "point",
    "stack",
    "matches",
    "concat",
    "stringify",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
    "line",
    "column",
    "file",
    "module_path",
    "cfg",
    "panic",
    "unreachable",
    "todo",
    "unimplemented",
];

pub fn is_observer(name: &Ident) -> bool {
    OBSERVERS.contains(&name.to_string().as_str()) || name == "panic" || name == "unreachable"
}

/// What in the tokens could leave the function, or be hidden control flow: a macro does not see through
/// other macros. A function that returns an `Option` or a `Result` may be left without a value: its companions are as
/// well.
pub fn control_flow(tokens: TokenStream, wrapped: bool) -> Option<(TokenTree, String)> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) => {
                let text = ident.to_string();
                let without_value = |next: &TokenTree| matches!(next, TokenTree::Ident(i) if *i == "None" || *i == "Err");
                if wrapped && text == "return" && trees.get(i + 1).is_some_and(without_value) {
                    continue;
                }
                if matches!(text.as_str(), "return" | "yield" | "await") {
                    return Some((tree.clone(), format!("`{text}`")));
                }
                // `if !(…)` is none.
                let is_name = syn::parse_str::<Ident>(&text).is_ok();
                let is_macro = is_name
                    && trees
                        .get(i + 1)
                        .is_some_and(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '!'))
                    && trees
                        .get(i + 2)
                        .is_some_and(|t| matches!(t, TokenTree::Group(_)));
                if is_macro
                    && !OBSERVERS.contains(&text.as_str())
                    && !PLAIN.contains(&text.as_str())
                {
                    return Some((
                        tree.clone(),
                        format!("the macro `{text}!`, which may hide control flow,"),
                    ));
                }
            }
            TokenTree::Punct(p) if p.as_char() == '?' && !wrapped => {
                // `?Sized` is a bound, not an operator.
                let bound = trees
                    .get(i + 1)
                    .is_some_and(|t| matches!(t, TokenTree::Ident(id) if id == "Sized"));
                if !bound {
                    return Some((tree.clone(), "`?`".to_string()));
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = control_flow(group.stream(), wrapped) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// A `break` or a `continue` of a loop that is not in the tokens itself.
pub fn leaves_loop(tokens: &TokenStream) -> Option<TokenTree> {
    fn find(tokens: TokenStream, inside: bool) -> Option<TokenTree> {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut header = false;
        for (i, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Ident(ident) => match ident.to_string().as_str() {
                    "for" | "while" | "loop" => header = true,
                    "break" | "continue" => {
                        let labelled = trees.get(i + 1).is_some_and(|next| is_punct(next, '\''));
                        if !inside || labelled {
                            return Some(tree.clone());
                        }
                    }
                    _ => {}
                },
                TokenTree::Group(group) => {
                    let body = header && group.delimiter() == Delimiter::Brace;
                    header &= !body;
                    if let Some(found) = find(group.stream(), inside || body) {
                        return Some(found);
                    }
                }
                _ => {}
            }
        }
        None
    }
    find(tokens.clone(), false)
}

/// Whether evaluating the tokens twice, never, or elsewhere makes no difference: names, fields, literals,
/// operators, casts and questions about a size.
pub fn is_pure(tokens: TokenStream, is_matrix: &dyn Fn(&Ident) -> bool) -> bool {
    const QUESTIONS: &[&str] = &[
        "len",
        "nrows",
        "ncols",
        "zero",
        "one",
        "pi",
        "two_pi",
        "frac_pi_2",
        "e",
    ];
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    trees.iter().enumerate().all(|(i, tree)| match tree {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Parenthesis => {
                let called = i > 0 && matches!(&trees[i - 1], TokenTree::Ident(id) if !is_keyword(id));
                // What a user's type answers may change; a matrix keeps its size.
                let question = i > 0
                    && matches!(&trees[i - 1], TokenTree::Ident(id) if QUESTIONS.contains(&id.to_string().as_str()))
                    && (i > 1 && is_punct(&trees[i - 2], ':')
                        || i > 2 && matches!(&trees[i - 3], TokenTree::Ident(id) if is_matrix(id)));
                (!called || question && group.stream().is_empty()) && is_pure(group.stream(), is_matrix)
            }
            Delimiter::None => is_pure(group.stream(), is_matrix),
            Delimiter::Brace | Delimiter::Bracket => false,
        },
        TokenTree::Punct(p) => !matches!(p.as_char(), '=' | '!' | '?' | '|' | '#'),
        TokenTree::Ident(ident) => !matches!(ident.to_string().as_str(), "mut" | "move" | "unsafe" | "if" | "match" | "loop" | "while" | "for"),
        TokenTree::Literal(_) => true,
    })
}

fn is_keyword(ident: &Ident) -> bool {
    matches!(ident.to_string().as_str(), "as" | "in" | "return" | "ref")
}

/// Whether two identifiers of the same text come from the same macro expansion. A macro on stable Rust cannot
/// ask for the hygiene of a span, but its `Debug` form begins with the syntax context; where it does not
/// (outside of a compiler), all names are one.
pub fn same_context(a: &Ident, b: &Ident) -> bool {
    let context = |ident: &Ident| {
        let text = format!("{:?}", ident.span());
        text.split_once(" bytes(")
            .map(|(context, _)| context.to_string())
    };
    context(a) == context(b)
}

/// Whether the tokens contain this identifier.
pub fn contains(tokens: TokenStream, name: &str) -> bool {
    ty::mentions(tokens, &|ident| ident == name)
}
