//! From the body of a function to its graph: the one place that reads `syn::Expr`.
//!
//! What depends on a differentiated parameter is taken apart into operations of the rule book, exactly as
//! written. What does not is inert and stays Rust. Anything else is refused, here and nowhere else.

mod adaptors;
mod assigned;
mod branches;
mod calls;
mod checkpoints;
mod columns;
mod composed;
pub(crate) mod declared;
mod exits;
mod expressions;
mod fields;
mod functions;
mod geometry;
mod growing;
mod inert;
mod iterators;
mod lists;
mod loops;
mod matching;
pub(crate) use matching::{OPTION_APART, OPTION_OF_A_CALL, OPTION_ON_A_SIDE};
pub(crate) use options::gives;
mod mutation;
mod named_iterators;
mod numbers;
mod once;
mod options;
mod places;
mod products;
mod records;
mod statements;

pub use composed::is_composed;
pub use fields::kind_of_field;
pub use functions::Function;
pub(crate) use functions::unknown_function;
pub use lists::{identifier, words};
pub use named_iterators::NamedIterator;
pub use statements::pattern_names;

use self::declared::Declared;
use crate::args::Checkpoint;
use crate::error::{Errors, text};
use crate::graph::{
    Elem, Form, Graph, Id, IdMap, Kind, Leaf, Placed, Program, Shape, Sources, Step,
};
use crate::rules::{Op, kind};
use crate::scope::{Binding, Hint, Inert, Place, Scope, Value};
use crate::ty::{Class, Context, Extent, Passing, Real, Returned};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use syn::ext::IdentExt;

/// Why an expression cannot be differentiated.
pub struct Refusal(pub Option<syn::Error>);

pub type Lowered<T> = Result<T, Refusal>;

pub fn refuse<T>(tokens: impl ToTokens, message: impl std::fmt::Display) -> Lowered<T> {
    Err(Refusal(Some(syn::Error::new_spanned(tokens, message))))
}

/// A parameter as the passes see it.
#[derive(Clone)]
pub struct Parameter {
    pub ident: Ident,
    pub class: Class,
    pub by_reference: bool,
    pub mutable: bool,
    /// Integers and conditions, whose types are known.
    pub hint: Hint,
    pub wrt: bool,
    /// Whether it may be written through: `&mut`.
    pub exclusive: bool,
    /// A mistake has been reported of it.
    pub broken: bool,
    /// Its type, as written.
    pub ty: Option<syn::Type>,
}

/// How much had been placed, bound and found before something was read.
pub type Mark = (usize, usize, usize, usize);

/// The state before something is read that may have to be read again.
struct Before {
    errors: Errors,
    bound: HashSet<String>,
    taken: HashSet<String>,
    mark: Mark,
    types: usize,
    left_out: usize,
    scope: Scope,
    names: IdMap<Ident>,
}

/// The state of reading one body.
pub struct Lower<'a> {
    pub graph: Graph,
    pub errors: Errors,
    pub context: &'a Context,
    pub real: Real,
    pub scope: Scope,
    /// Steps of the blocks being read, innermost last.
    steps: Vec<Vec<Placed>>,
    /// Which nodes depend on a differentiated parameter.
    active: Vec<bool>,
    sources: Vec<Id>,
    /// The differentiated parameters, and what each is made of, once that is known.
    parameters: Vec<(Ident, Option<Sources>)>,
    fields: Vec<fields::Source>,
    /// Fields that a loop reads and that are not known outside of it.
    wanted_fields: Vec<(Place, fields::FieldKind)>,
    /// Those that are references, by their numbers.
    borrowed: HashSet<usize>,
    /// How many closures of elementwise methods surround the expression.
    pub closures: usize,
    /// How many blocks surround the innermost of these.
    closure_depth: usize,
    /// The shape of the matrix whose `from_fn` surrounds the expression.
    pub places: Option<Shape>,
    /// Pure inert expressions that are bound already, by their text.
    pins: Vec<(String, Id)>,
    /// The elements of lists that were read, by the list and the index.
    known_elements: Vec<((Id, Id), lists::Element)>,
    /// Elements of lists that are columns of a matrix.
    elements_of_columns: HashSet<Id>,
    /// Names that are bound in the companion, and how many nested blocks surround the statement.
    bound: HashSet<String>,
    nested: usize,
    /// All identifiers of the function, which fresh names avoid.
    pub taken: HashSet<String>,
    /// Types in the body that are taken for nalgebra's: as written, and nalgebra's own.
    pub types: Vec<(TokenStream, crate::ty::Value)>,
    /// Types of nalgebra's geometry, likewise.
    pub frames: Vec<(TokenStream, TokenStream)>,
    /// The types of parameters.
    parameter_types: Vec<(Ident, syn::Type)>,
    /// Parts of what calls return, of the kinds that were decided on.
    items: RefCell<Vec<(Id, Vec<usize>, Id)>>,
    called_names: Vec<(Id, Vec<usize>, Ident)>,
    /// A call that is looked at as an `Option`, and read as it stands as well.
    misread: RefCell<Option<Ident>>,
    /// Whether the function returns an `Option` or a `Result`, so that it may be left early.
    pub wrapped: bool,
    /// Variables that are given differentiated values somewhere.
    changing: HashSet<String>,
    /// Inert variables of the companion that are no references and no views: what is assigned to them changes nothing else.
    owned: HashSet<String>,
    /// Names that kept statements have bound.
    kept_names: HashSet<String>,
    /// For each loop around, the names that an iteration of the next one has bound before it.
    of_iterations: Vec<HashSet<String>>,
    /// How many inert values have been taken for what the arithmetic leaves possible.
    guesses: usize,
    /// For each block and each loop around, the variables that are changed later there.
    later: Vec<Rc<HashSet<String>>>,
    /// How many bodies of loops have been read.
    loops_read: usize,
    /// The labels of the loops around, and the ways out of more than the innermost one.
    labels: Vec<String>,
    ways_out: Vec<exits::WayOut>,
    /// Whether a loop has returned from the function, and what.
    pending_return: Option<(Id, Value)>,
    returned: Returned,
    /// Statements that could not be read, for a reason that has been reported.
    left_out: Vec<TokenStream>,
    /// The loop that is being read.
    around: Option<loops::Around>,
    /// How much of loops over ranges is kept, and whether there was one.
    checkpoint: Option<Checkpoint>,
    has_segments: bool,
    /// Whether the block that is read next gives the value of the function.
    tail: bool,
    /// The shape that the surroundings leave possible for the product being read.
    expected: Option<Shape>,
    /// Whether an operand of a product was taken for a number although a matrix would fit as well.
    ambiguous: bool,
    /// Lower-case names in patterns, which are taken for new variables and not for constants.
    pattern_names: Vec<Ident>,
    /// The functions inside the body, and its constants, which these see.
    functions: HashMap<String, Rc<Function>>,
    constants: Scope,
    /// Functions inside the body that cannot be written out.
    unreadable: Vec<String>,
    /// Those whose bodies are being read, and how many calls were written out.
    inlined: Vec<Rc<Function>>,
    calls_written: usize,
    /// Names of statements that are left out where nothing reads them, and the statements.
    optional: Vec<(Ident, String)>,
    /// What may fail, and was attempted.
    attempts: Vec<options::Attempt>,
    /// Variables that are `Option`s and begin with `None`, and a value like those that they are given.
    none_of: Vec<(String, Value)>,
    /// How many assignments to variables that are `Option`s have been read.
    options_assigned: usize,
    /// Conditions on which there is a value in an `Option`.
    presences: Vec<Id>,
    /// How many bodies of closures and labelled blocks surround the expression: what `return` leaves.
    bodies: usize,
    /// The variables for what `break` gives, for each `loop` around that gives a value.
    broken_with: Vec<loops::BrokenWith>,
    /// The lists that the loops around grow, to which there are assignments in place of `push`.
    growing: Vec<String>,
    /// What the `let` around an iterator tells of its value: the type, and the name.
    wanted: Option<(Option<syn::Type>, Option<Ident>)>,
    /// The parameters of closures that may be given differentiated values, while these are looked through.
    watched: RefCell<Vec<String>>,
    /// What lists that grow turned out to hold.
    revealed: Vec<growing::Revealed>,
    /// How many arms of `match` were read, those after a guard once more.
    arms_read: usize,
    /// Whether a name has been bound to an iterator over differentiated values.
    has_named_iterators: bool,
}

/// Reads a body, up to the barrier: without errors, or not at all. There is no error where what is wrong has been
/// reported with the signature.
pub fn lower(
    body: &syn::Block,
    parameters: &[Parameter],
    context: &Context,
    real: Real,
    (returned, wrapped): (&Returned, bool),
    taken: HashSet<String>,
    checkpoint: Option<&(Ident, Checkpoint)>,
) -> Result<Program, Option<syn::Error>> {
    let mut lower = Lower {
        graph: Graph::default(),
        errors: Errors::default(),
        context,
        real,
        scope: Scope::default(),
        steps: vec![Vec::new()],
        active: Vec::new(),
        sources: Vec::new(),
        parameters: Vec::new(),
        fields: Vec::new(),
        wanted_fields: Vec::new(),
        borrowed: HashSet::new(),
        closures: 0,
        closure_depth: 0,
        places: None,
        pins: Vec::new(),
        known_elements: Vec::new(),
        elements_of_columns: HashSet::new(),
        bound: HashSet::new(),
        nested: 0,
        taken,
        types: Vec::new(),
        frames: Vec::new(),
        parameter_types: Vec::new(),
        items: RefCell::default(),
        called_names: Vec::new(),
        misread: RefCell::default(),
        wrapped,
        changing: HashSet::new(),
        owned: HashSet::new(),
        kept_names: HashSet::new(),
        of_iterations: Vec::new(),
        guesses: 0,
        later: Vec::new(),
        loops_read: 0,
        around: None,
        checkpoint: checkpoint.map(|given| given.1),
        has_segments: false,
        left_out: Vec::new(),
        labels: Vec::new(),
        ways_out: Vec::new(),
        pending_return: None,
        returned: returned.clone(),
        tail: true,
        expected: None,
        ambiguous: false,
        pattern_names: Vec::new(),
        functions: HashMap::new(),
        constants: Scope::default(),
        unreadable: Vec::new(),
        inlined: Vec::new(),
        calls_written: 0,
        optional: Vec::new(),
        attempts: Vec::new(),
        none_of: Vec::new(),
        options_assigned: 0,
        presences: Vec::new(),
        bodies: 0,
        broken_with: Vec::new(),
        growing: Vec::new(),
        wanted: None,
        watched: RefCell::default(),
        revealed: Vec::new(),
        arms_read: 0,
        has_named_iterators: false,
    };
    lower.constants.push();
    lower.scope.push();
    find_cfg(body.to_token_stream(), &mut lower.errors);
    for parameter in parameters {
        lower.parameter(parameter);
    }
    let sources = parameters.iter().filter(|p| p.wrt);
    let sources = sources.map(|p| p.ident.unraw().to_string()).collect();
    lower.changing = assigned::changing(body.to_token_stream(), sources);
    let result = lower.block(body);
    let result = match result {
        Ok(value) => lower.result(value, returned, body),
        Err(refusal) => Err(refusal),
    };
    if let Err(Refusal(Some(error))) = &result {
        lower.errors.add(error.clone());
    }
    if let Some(callee) = lower.misread.take()
        && lower.errors.is_empty()
    {
        lower.errors.push(callee, OPTION_OF_A_CALL);
    }
    lower.gather_fields();
    for (name, sources) in &lower.parameters {
        if sources.is_none() && lower.errors.is_empty() {
            lower.errors.push(name, fields::unknown(name));
        }
    }
    if lower.errors.is_empty()
        && !parameters.iter().any(|p| p.broken)
        && let Some(statement) = lower.left_out.first().cloned()
    {
        // Nothing is ever skipped in silence.
        lower.errors.push(
            statement,
            "this statement cannot be followed\nhelp: write it in simpler steps, each with its own `let`",
        );
    }
    if let (Some((argument, _)), false) = (checkpoint, lower.has_segments)
        && lower.errors.is_empty()
    {
        lower.errors.push(
            argument,
            "no loop of this function can be checkpointed: that takes a `for` over a range that carries a state from one iteration to the next\nhelp: leave `checkpoint` out; loops that only add up keep nothing",
        );
    }
    let parameters_broken = parameters.iter().any(|p| p.broken);
    let mut steps = lower.steps.pop().unwrap_or_default();
    lower.leave_out(&mut steps);
    let Lower {
        graph,
        errors,
        sources,
        parameters,
        fields,
        types,
        frames,
        taken,
        pattern_names,
        ..
    } = lower;
    errors.finish().map_err(Some)?;
    // What is wrong with a parameter has been said.
    let (Ok(result), false) = (result, parameters_broken) else {
        return Err(None);
    };
    Ok(Program {
        graph,
        steps,
        result,
        wrt: sources,
        fields: fields.into_iter().map(|f| f.taken(&parameters)).collect(),
        parameters: parameters.into_iter().filter_map(|p| p.1).collect(),
        types,
        frames,
        taken,
        pattern_names,
    })
}

fn refuse_option<T>(at: &dyn ToTokens) -> Lowered<T> {
    refuse(
        at.to_token_stream(),
        format!(
            "`{}` is an `Option` here\nhelp: take the value with `.unwrap()`, `.expect(…)` or `?`, or tell the cases apart with `match` or `if let`",
            text(at.to_token_stream())
        ),
    )
}

impl Lower<'_> {
    pub(super) fn parameter(&mut self, parameter: &Parameter) {
        let ident = parameter.ident.clone();
        self.bound.insert(ident.unraw().to_string());
        let ty = parameter.ty.clone();
        self.parameter_types
            .extend(ty.map(|ty| (ident.clone(), ty)));
        let name = ident.to_token_stream();
        let mutable = parameter.mutable || parameter.exclusive;
        if parameter.mutable && !parameter.exclusive && !parameter.by_reference {
            self.owned.insert(name.to_string());
        }
        let value = match &parameter.class {
            _ if parameter.broken => Value::Poison,
            Class::Value(ty) if ty.real == self.real && (parameter.wrt || !parameter.mutable) => {
                let form = match (parameter.by_reference, ty.passing) {
                    (true, _) => Form::Borrowed,
                    (false, Passing::View) => Form::View,
                    (false, _) => Form::Owned,
                };
                let leaf = self.leaf_of_type(name, ty, form, true);
                if ty.passing != Passing::View {
                    self.graph.adjacent.borrow_mut().insert(leaf);
                }
                Value::Node(leaf)
            }
            class @ Class::List(list) if list.real == self.real && !mutable => {
                self.value_of_class(class, name, false)
            }
            // What is not differentiated stays Rust.
            class @ Class::Tuple(_) if parameter.wrt && !mutable => {
                self.value_of_class(class, name, false)
            }
            Class::Other if parameter.wrt => Value::Untyped(Place {
                parameter: self.parameters.len(),
                path: Vec::new(),
                tokens: name,
                reference: parameter.by_reference,
            }),
            Class::Other if parameter.hint == Hint::Bool && !mutable && !parameter.by_reference => {
                Value::Node(self.graph.leaf(Leaf {
                    name,
                    kind: Kind::BOOL,
                    form: Form::Owned,
                    varies: true,
                }))
            }
            _ => Value::Inert(Inert {
                tokens: name.clone(),
                hint: parameter.hint.clone(),
                reads: Vec::new(),
                varies: true,
                pure: !mutable,
                mutable,
                leaf: match parameter.hint {
                    Hint::Int if !mutable => Some(self.graph.leaf(Leaf {
                        name,
                        kind: Kind::INT,
                        form: Form::Owned,
                        varies: true,
                    })),
                    _ => None,
                },
            }),
        };
        let active = parameter.wrt;
        if active && !parameter.broken {
            if parameter.by_reference {
                self.borrowed.insert(self.parameters.len());
            }
            let sources = self.sources_of(&value);
            self.parameters.push((ident.clone(), sources));
        }
        self.scope.bind(Binding {
            ident,
            value,
            active,
            varies: true,
            reference: parameter.by_reference,
            view: false,
            owned: false,
            declared: parameter.ty.clone().map(|ty| Rc::new(Declared::Type(ty))),
        });
    }

    /// A leaf of a type in the source; dynamic extents are read from it.
    pub(super) fn leaf_of_type(
        &mut self,
        name: TokenStream,
        ty: &crate::ty::Value,
        form: Form,
        varies: bool,
    ) -> Id {
        let Some((rows, cols)) = &ty.extents else {
            return self.graph.leaf(Leaf {
                name,
                kind: Kind::SCALAR,
                form,
                varies,
            });
        };
        let id = Id(self.graph.count());
        let dim = |extent: &Extent, at| match extent {
            Extent::Known(dim) => dim.clone(),
            Extent::Dynamic | Extent::Inferred => self.graph.dynamic(at),
        };
        let shape = Shape::new(
            dim(rows, crate::graph::Extent::Rows(id)),
            dim(cols, crate::graph::Extent::Cols(id)),
        );
        self.graph.leaf(Leaf {
            name,
            kind: Kind::matrix(shape),
            form,
            varies,
        })
    }

    /// A name that no identifier of the function has.
    pub fn fresh(&mut self, wish: &str) -> Ident {
        let wish = wish.trim_start_matches("r#");
        let name = (0..)
            .map(|n| {
                if n == 0 {
                    wish.to_string()
                } else {
                    format!("{wish}_{n}")
                }
            })
            .find(|n| !self.taken.contains(n));
        let name = name.unwrap_or_else(|| wish.to_string());
        self.taken.insert(name.clone());
        Ident::new(&name, proc_macro2::Span::mixed_site())
    }

    pub(super) fn place(&mut self, step: Step) {
        let at = self.graph.count();
        if let Some(steps) = self.steps.last_mut() {
            steps.push(Placed { at, step });
        }
    }

    pub(super) fn mark(&self) -> Mark {
        (
            self.steps.last().map_or(0, Vec::len),
            self.pins.len(),
            self.fields.len(),
            self.attempts.len(),
        )
    }

    fn before(&self) -> Before {
        Before {
            errors: self.errors.clone(),
            bound: self.bound.clone(),
            taken: self.taken.clone(),
            mark: self.mark(),
            types: self.types.len(),
            left_out: self.left_out.len(),
            scope: self.scope.clone(),
            names: self.graph.names.borrow().clone(),
        }
    }

    /// As if nothing had been read since then.
    fn restore(&mut self, before: Before) {
        self.errors = before.errors;
        self.bound = before.bound;
        self.taken = before.taken;
        self.roll_back(before.mark);
        self.types.truncate(before.types);
        self.left_out.truncate(before.left_out);
        self.scope = before.scope;
        // Fresh names may be the same again.
        self.graph.names.replace(before.names);
    }

    pub(super) fn roll_back(&mut self, mark: Mark) {
        if let Some(steps) = self.steps.last_mut() {
            steps.truncate(mark.0);
        }
        self.pins.truncate(mark.1);
        self.forget_fields(mark.2);
        self.attempts.truncate(mark.3);
    }

    /// The node of a value; an inert one of unknown type is taken for `guess`.
    pub fn node(&mut self, value: &Value, at: &dyn ToTokens, guess: &Kind) -> Lowered<Id> {
        match value {
            Value::Node(id) | Value::Entry(id) => Ok(*id),
            // A unit vector is a vector wherever one is needed.
            Value::Geometric(unit) if unit.frame == crate::ty::Frame::Unit => {
                Ok(unit.coordinates[0])
            }
            Value::Geometric(geometric) => {
                Err(self.refuse_geometric(geometric, at.to_token_stream()))
            }
            Value::Inert(Inert {
                hint: Hint::Geometric { .. },
                ..
            }) => match self.geometric(value)? {
                Some(geometric) => self.node(&Value::Geometric(geometric), at, guess),
                None => Err(Refusal(None)),
            },
            Value::Inert(inert) => {
                let kind = match &inert.hint {
                    Hint::Real => Kind::SCALAR,
                    Hint::Matrix(shape) => Kind::matrix(shape.clone()),
                    Hint::Bool => Kind::BOOL,
                    Hint::Int if guess.elem == Elem::Int => Kind::INT,
                    Hint::Int => {
                        return refuse(
                            at.to_token_stream(),
                            format!(
                                "`{}` is an integer where a real number is needed\nhelp: write it as a real number, as in `2.0` or `n as f64`",
                                text(at.to_token_stream())
                            ),
                        );
                    }
                    Hint::Unknown | Hint::Geometric { .. } => guess.clone(),
                };
                self.pin(inert, kind)
            }
            Value::Called(call, part) if part.is_empty() && self.is_looked_at(*call) => {
                refuse_option(at)
            }
            Value::Called(call, part) => Ok(self.called(*call, part, guess)),
            Value::Lent(lent) => self.read_lent(lent, at),
            Value::Poison => Err(Refusal(None)),
            Value::Pending(_) | Value::PendingOr(..) | Value::Maybe(_) | Value::Wrapped(_) => {
                refuse_option(at)
            }
            Value::Tuple(_) => refuse(
                at.to_token_stream(),
                format!(
                    "cannot compute with the tuple `{}`\nhelp: take it apart with `let (a, b) = …`",
                    text(at.to_token_stream())
                ),
            ),
            Value::Record(_) | Value::Fields(_) => refuse(
                at.to_token_stream(),
                format!(
                    "what becomes of the struct `{}` cannot be followed here\nhelp: read its fields, or use a tuple",
                    text(at.to_token_stream())
                ),
            ),
            Value::List(_) => refuse(
                at.to_token_stream(),
                format!(
                    "arrays and `Vec`s of differentiated values are not supported yet: `{}`\nhelp: use a vector of nalgebra's, as in `Vector3::new(…)` or `vector![…]`",
                    text(at.to_token_stream())
                ),
            ),
            Value::Position(_) => refuse(
                at.to_token_stream(),
                format!(
                    "`{0}` is an integer where a real number is needed\nhelp: write `{0} as {1}`",
                    text(at.to_token_stream()),
                    self.real.to_token_stream()
                ),
            ),
            Value::Elements(_) | Value::Columns(..) => refuse(
                at.to_token_stream(),
                format!(
                    "cannot compute with the list `{0}`\nhelp: take single elements, as in `{0}[i]`",
                    text(at.to_token_stream())
                ),
            ),
            Value::Slice(_) => refuse(
                at.to_token_stream(),
                format!(
                    "cannot compute with the slice `{}`\nhelp: leave out `as_slice()`, or take single entries, as in `s[i]`",
                    text(at.to_token_stream())
                ),
            ),
            Value::Untyped(place) => self.field_as(place, guess, at),
            Value::Function(function) => refuse(
                at.to_token_stream(),
                format!(
                    "the closure `{function:?}` cannot be followed here\nhelp: call it, or give it to `map`, `zip_map` or `fold` by its name"
                ),
            ),
            Value::Iterator(_) => refuse(
                at.to_token_stream(),
                "what becomes of this iterator cannot be followed here\nhelp: go through it with `for`, or end it in `sum`, `fold`, `collect` or the like",
            ),
            Value::Unset(inert) => {
                let inert = inert.clone();
                self.node(&Value::Inert(inert), at, guess)
            }
            Value::Unit | Value::Never => refuse(
                at.to_token_stream(),
                format!("`{}` has no value", text(at.to_token_stream())),
            ),
        }
    }

    /// Inserts an operation of the user's as written.
    pub fn exact(&mut self, op: Op, args: Vec<Id>, at: &dyn ToTokens) -> Lowered<Id> {
        let kinds: Vec<Kind> = args.iter().map(|a| self.graph.kind(*a)).collect();
        match kind(&op, &kinds) {
            Some(kind) => self.exact_of(op, args, kind, at),
            None => refuse(
                at.to_token_stream(),
                format!(
                    "nalgebra has no such operation on these values: `{}`",
                    text(at.to_token_stream())
                ),
            ),
        }
    }

    /// The same, as the value of an expression.
    pub fn step(&mut self, op: Op, args: Vec<Id>, at: &dyn ToTokens) -> Lowered<Value> {
        Ok(Value::Node(self.exact(op, args, at)?))
    }

    /// As `exact`, for an operation whose kind does not follow from its arguments.
    pub fn exact_of(
        &mut self,
        op: Op,
        args: Vec<Id>,
        kind: Kind,
        at: &dyn ToTokens,
    ) -> Lowered<Id> {
        let surely = self.graph.in_bounds(&op, &args);
        let entrywise = self
            .graph
            .guards
            .borrow()
            .iter()
            .any(|g| self.graph.kind(g.cond).shape.is_some());
        if op.may_panic() && !surely && entrywise && !kind.is_matrix() {
            return refuse(
                at.to_token_stream(),
                format!(
                    "`{}` may panic, and here it is evaluated for some entries only\nhelp: bind it with `let` before the closure",
                    text(at.to_token_stream())
                ),
            );
        }
        let panics = op.may_panic() && !surely;
        let before = self.graph.count();
        let id = self.graph.insert(op, args, kind);
        if id.0 >= before && self.closures == 0 {
            let dynamic = |a: &&Id| self.graph.shape(**a).is_some_and(|s| s.is_dynamic());
            if panics {
                self.place(Step::Evaluate(id));
            } else if self.graph.args(id).iter().filter(dynamic).count() > 1 {
                self.place(Step::Fit(id));
            }
        }
        Ok(id)
    }
}

/// What the type of an expression that is no real number may be.
pub fn hint_of_plain_type(ty: &syn::Type) -> Hint {
    match ty.to_token_stream().to_string().as_str() {
        "usize" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "i8" | "i16" | "i32"
        | "i64" | "i128" => Hint::Int,
        "bool" => Hint::Bool,
        _ => Hint::Unknown,
    }
}

/// `#[cfg(…)]` inside a body: the macro cannot tell whether the statement is there.
pub(super) fn find_cfg(tokens: TokenStream, errors: &mut Errors) {
    let trees: Vec<proc_macro2::TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        let proc_macro2::TokenTree::Group(group) = tree else {
            continue;
        };
        let after_hash = i > 0 && trees[i - 1].to_string() == "#";
        let first = group.stream().into_iter().next().map(|t| t.to_string());
        if after_hash && matches!(first.as_deref(), Some("cfg" | "cfg_attr")) {
            errors.push(group, "a statement that depends on the configuration cannot be followed\nhelp: use `if cfg!(…) { … } else { … }`, or put `#[cfg(…)]` on two versions of the function");
        }
        find_cfg(group.stream(), errors);
    }
}
