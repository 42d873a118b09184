//! The graph of a function: typed values, one operation a node, each distinct value once.
//!
//! The paper's "introduce intermediate variables" is the construction of this graph. Operations are
//! pure; what has effects stands beside the graph, in the steps of a [`Program`].

use crate::position::Position;
use crate::rules::{Op, Part, Scalar};
use crate::scope::Columns;
use crate::ty::Passing;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use std::cell::{Cell, Ref, RefCell};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

/// A node of the graph. Arguments always have smaller numbers than the nodes that use them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Id(pub u32);

/// Sets and maps of nodes. Numbers need no protection against collisions by design, and procedural macros are
/// not optimized, which makes the standard hash expensive.
pub type Ids = HashSet<Id, BuildHasherDefault<Multiply>>;
pub type IdMap<V> = HashMap<Id, V, BuildHasherDefault<Multiply>>;

/// Multiplies by an odd number, so that the high bits differ too.
#[derive(Default)]
pub struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// One extent of a matrix.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Dim {
    /// Known to the macro.
    Static(usize),
    /// A const generic of the function.
    Generic(String),
    /// Known at run time; the number is an index into [`Graph::extents`].
    Dynamic(u32),
}

/// The extents of a matrix.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    pub rows: Dim,
    pub cols: Dim,
}

impl Shape {
    pub fn new(rows: Dim, cols: Dim) -> Self {
        Shape { rows, cols }
    }
    pub fn fixed(rows: usize, cols: usize) -> Self {
        Shape::new(Dim::Static(rows), Dim::Static(cols))
    }
    pub fn transposed(&self) -> Self {
        Shape::new(self.cols.clone(), self.rows.clone())
    }
    /// Whether matrices of these shapes have one type: dynamic extents may differ.
    pub fn same_type(&self, other: &Self) -> bool {
        let same = |a: &Dim, b: &Dim| match (a, b) {
            (Dim::Dynamic(_), Dim::Dynamic(_)) => true,
            (a, b) => a == b,
        };
        same(&self.rows, &other.rows) && same(&self.cols, &other.cols)
    }
    pub fn is_dynamic(&self) -> bool {
        matches!(self.rows, Dim::Dynamic(_)) || matches!(self.cols, Dim::Dynamic(_))
    }
    pub fn is_column(&self) -> bool {
        self.cols == Dim::Static(1)
    }
    pub fn is_vector(&self) -> bool {
        self.is_column() || self.rows == Dim::Static(1)
    }
    pub fn is_single(&self) -> bool {
        self.is_column() && self.rows == Dim::Static(1)
    }
    /// The number of entries, where the macro knows it.
    pub fn entries(&self) -> Option<usize> {
        match (&self.rows, &self.cols) {
            (Dim::Static(r), Dim::Static(c)) => Some(r * c),
            _ => None,
        }
    }
}

/// What the entries of a value are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Elem {
    Real,
    Bool,
    Int,
    /// A factorisation of a matrix of this shape.
    Factor,
    /// What a call returns, or a loop: its parts are values.
    Opaque,
    /// A value of every iteration of a loop.
    Records,
    /// An inert value of which nothing tells the type, and which can be copied.
    Inert,
}

/// The type of a value, as far as differentiation cares.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Kind {
    pub elem: Elem,
    pub shape: Option<Shape>,
}

impl Kind {
    pub const SCALAR: Kind = Kind {
        elem: Elem::Real,
        shape: None,
    };
    pub const BOOL: Kind = Kind {
        elem: Elem::Bool,
        shape: None,
    };
    pub const INT: Kind = Kind {
        elem: Elem::Int,
        shape: None,
    };

    pub const OPAQUE: Kind = Kind {
        elem: Elem::Opaque,
        shape: None,
    };
    pub const INERT: Kind = Kind {
        elem: Elem::Inert,
        shape: None,
    };
    pub const RECORDS: Kind = Kind {
        elem: Elem::Records,
        shape: None,
    };

    pub fn matrix(shape: Shape) -> Self {
        Kind {
            elem: Elem::Real,
            shape: Some(shape),
        }
    }
    pub fn is_matrix(&self) -> bool {
        self.elem == Elem::Real && self.shape.is_some()
    }
}

/// Where the size of a dynamic dimension can be read at run time.
#[derive(Clone, PartialEq, Debug)]
pub enum Extent {
    Rows(Id),
    Cols(Id),
    Int(Id),
    /// A size that is known at compile time, beside one that is not.
    Fixed(Dim),
    /// The number of entries of a matrix with these extents.
    Product(Dim, Dim),
}

/// How the Rust expression of a leaf behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// An owned value: a scalar, or a matrix that may be moved or copied.
    Owned,
    /// A reference: never moved.
    Borrowed,
    /// A view passed by value.
    View,
}

/// A value that comes from outside the graph: a parameter or something inert.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The name to read it by.
    pub name: TokenStream,
    pub kind: Kind,
    pub form: Form,
    /// Whether it depends on any parameter of the function; what does not wins a tie of `max`.
    pub varies: bool,
}

/// A slice, an array or a `Vec`: under the name of its leaf it is the vector of all its entries.
#[derive(Clone, Debug)]
pub struct ListLeaf {
    /// Its own name.
    pub name: TokenStream,
    pub length: Option<Dim>,
    pub by_reference: bool,
    /// The shape of its elements, where these are no numbers; dynamic extents differ from one to the next.
    pub element: Option<Shape>,
    /// Whether it is no list but a struct, by the expression that borrows it.
    pub is_struct: bool,
}

/// What a differentiated parameter is made of: sources, by their numbers in [`Program::wrt`].
#[derive(Clone, Debug)]
pub enum Sources {
    One(usize),
    Tuple(Vec<Sources>),
    /// Fields of a struct, or a part of them.
    Struct {
        /// A reference to the parameter.
        parameter: TokenStream,
        fields: Vec<Field>,
    },
}

/// A field of a parameter that is differentiated, by its number in [`Program::wrt`].
#[derive(Clone, Debug)]
pub struct Field {
    pub number: usize,
    pub path: Vec<Member>,
}

/// A field of a parameter, and the kind that it is taken for, where its type does not tell.
#[derive(Clone, Debug)]
pub struct Taken {
    pub parameter: Ident,
    pub path: Vec<Member>,
    pub kind: Option<Kind>,
}

/// A step into a struct, a tuple or a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Member {
    Named(Ident),
    Unnamed(u32),
    Index(usize),
}

impl Member {
    /// A number that stands for the name of a field, the same wherever it is named.
    pub fn number(&self) -> Option<u64> {
        let name = match self {
            Member::Named(name) => syn::ext::IdentExt::unraw(name).to_string(),
            Member::Unnamed(number) => number.to_string(),
            Member::Index(_) => return None,
        };
        // FNV-1a, by Fowler, Noll and Vo.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Some(name.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

impl ToTokens for Member {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Member::Named(name) => quote!(.#name),
            Member::Unnamed(number) => {
                let number = syn::Index::from(*number as usize);
                quote!(.#number)
            }
            Member::Index(index) => {
                let index = proc_macro2::Literal::usize_unsuffixed(*index);
                quote!([#index])
            }
        }
        .to_tokens(tokens);
    }
}

impl Sources {
    pub fn is_one(&self) -> bool {
        matches!(self, Sources::One(_))
    }

    /// The fields of a struct: its other entries are in between.
    pub fn fields(&self) -> Option<(TokenStream, Vec<Vec<Member>>)> {
        match self {
            Sources::Struct { parameter, fields } => {
                let paths = fields.iter().map(|field| field.path.clone());
                Some((parameter.clone(), paths.collect()))
            }
            _ => None,
        }
    }

    /// The same with other numbers.
    pub fn renumber(&mut self, new: &dyn Fn(usize) -> usize) {
        match self {
            Sources::One(number) => *number = new(*number),
            Sources::Tuple(parts) => parts.iter_mut().for_each(|part| part.renumber(new)),
            Sources::Struct { fields, .. } => fields
                .iter_mut()
                .for_each(|field| field.number = new(field.number)),
        }
    }

    /// The numbers of all sources, in order.
    pub fn numbers(&self) -> Vec<usize> {
        match self {
            Sources::One(number) => vec![*number],
            Sources::Tuple(parts) => parts.iter().flat_map(Sources::numbers).collect(),
            Sources::Struct { fields, .. } => fields.iter().map(|field| field.number).collect(),
        }
    }

    /// The numbers and the places in the parameter, as `.0.1`.
    pub fn places(&self) -> Vec<(usize, TokenStream)> {
        match self {
            Sources::One(number) => vec![(*number, TokenStream::new())],
            Sources::Tuple(parts) => {
                let parts = parts.iter().enumerate().flat_map(|(k, part)| {
                    let k = syn::Index::from(k);
                    let inside = part.places().into_iter();
                    inside.map(move |(number, rest)| (number, quote!(.#k #rest)))
                });
                parts.collect()
            }
            Sources::Struct { fields, .. } => {
                let places = fields.iter().map(|field| {
                    let path = &field.path;
                    (field.number, quote!(#(#path)*))
                });
                places.collect()
            }
        }
    }
}

/// A call of a function that has companions of its own.
#[derive(Clone, Debug)]
pub struct Call {
    pub callee: Callee,
    /// The call that this is a derivative of, as a function of its own.
    pub derived: Option<(usize, Derived)>,
    pub arguments: Vec<Argument>,
    /// What takes the value out of an `Option` or a `Result`: `?`, `.unwrap()`.
    pub after: TokenStream,
    pub looked_at: LookedAt,
}

/// Whether a call gives an `Option` or a `Result` that is looked at. Then it is two: the first is made, and gives the
/// condition that there is a value; the second has that for its last argument, and is the value, on that side of a
/// branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookedAt {
    No,
    /// What is made.
    Attempt(Gives),
    /// What is taken out of it.
    Taken,
}

/// What is known of what a call gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    Option,
    Result,
    Either,
}

/// A derivative of a call that is differentiated in its turn: for third and fourth derivatives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Derived {
    /// x, ẋ ↦ J ẋ
    Pushed,
    /// x, ẋ, ȳ, dȳ ↦ d(Jᵀ ȳ)
    Second,
}

impl Derived {
    /// What follows the name of the function; where it is not there, rustc names the order.
    pub fn suffix(self) -> &'static str {
        match self {
            Derived::Pushed => "order_3_pushed",
            Derived::Second => "order_3_second",
        }
    }
}

/// What is called: companions have its name with a suffix.
#[derive(Clone, Debug)]
pub enum Callee {
    Function {
        /// `path::`, or nothing.
        before: TokenStream,
        name: Ident,
        /// `::<3>`, or nothing.
        arguments: TokenStream,
    },
    /// The receiver is the first argument.
    Method { name: Ident, arguments: TokenStream },
}

/// An argument of a call. Values of the graph are known by their numbers among the arguments of the node.
#[derive(Clone, Debug)]
pub enum Argument {
    Value {
        at: usize,
        passing: Passing,
        /// Whether it is a view here, of which the user has made a matrix.
        copied: bool,
    },
    /// A list, or a struct: in the graph the column of all its entries.
    Whole {
        at: usize,
        what: Whole,
        by_reference: bool,
        /// How it is passed, where it is there under a name.
        given: Option<TokenStream>,
    },
    Tuple {
        parts: Vec<Argument>,
        by_reference: bool,
        given: Option<TokenStream>,
    },
    /// An inert value, and whether it has to be cloned to be passed again.
    Inert(TokenStream, bool),
    /// One that differs from one iteration of a loop to the next, or is there in a branch only: a leaf.
    Iterated {
        at: usize,
        moves: bool,
        by_reference: bool,
    },
}

/// What stands behind a column of entries.
#[derive(Clone, Debug)]
pub enum Whole {
    Numbers,
    /// Vectors or matrices.
    Matrices,
    /// A struct, by the expression that borrows it.
    Struct(TokenStream),
}

impl Argument {
    /// Whether this holds of anything in it that is passed as it stands.
    pub fn reads(&self, read: &dyn Fn(&TokenStream) -> bool) -> bool {
        match self {
            Argument::Value { .. } | Argument::Iterated { .. } => false,
            Argument::Inert(tokens, _) => read(tokens),
            Argument::Whole { given, .. } => given.as_ref().is_some_and(read),
            Argument::Tuple { parts, given, .. } => {
                given.as_ref().is_some_and(read) || parts.iter().any(|part| part.reads(read))
            }
        }
    }

    /// The values of the graph in it, and where their gradients are in that of the argument.
    fn values(&self, path: &[usize], into: &mut Vec<(usize, Vec<usize>)>) {
        match self {
            Argument::Value { at, .. } | Argument::Whole { at, .. } => {
                into.push((*at, path.to_vec()));
            }
            Argument::Tuple { parts, .. } => {
                let parts = parts.iter().enumerate();
                parts.for_each(|(k, part)| part.values(&[path, &[k]].concat(), into));
            }
            Argument::Inert(..) | Argument::Iterated { .. } => {}
        }
    }

    /// Whether it has no value with a derivative.
    pub fn is_inert(&self) -> bool {
        let mut values = Vec::new();
        self.values(&[], &mut values);
        values.is_empty()
    }
}

impl Call {
    pub fn is_attempt(&self) -> bool {
        matches!(self.looked_at, LookedAt::Attempt(_))
    }

    /// What stands behind the column of entries at a place, if it is one.
    pub fn whole_at(&self, path: &[usize]) -> Option<&Whole> {
        let (first, rest) = path.split_first()?;
        let mut argument = self.arguments.get(*first)?;
        for k in rest {
            match argument {
                Argument::Tuple { parts, .. } => argument = parts.get(*k)?,
                _ => return None,
            }
        }
        match argument {
            Argument::Whole { what, .. } => Some(what),
            _ => None,
        }
    }

    /// The values of the graph among the arguments, and where their gradients are in the tuple of all.
    pub fn values(&self) -> Vec<(usize, Vec<usize>)> {
        let mut values = Vec::new();
        let arguments = self.arguments.iter().enumerate();
        arguments.for_each(|(k, argument)| argument.values(&[k], &mut values));
        values
    }
}

/// What one iteration of a loop computes, and what happens in it.
#[derive(Clone)]
pub struct Body {
    /// Its number among those of the function; copies have the same.
    pub number: usize,
    pub graph: Graph,
    pub steps: Vec<Placed>,
    /// The names that its statements bind, which are out of reach elsewhere.
    pub names: HashSet<String>,
}

impl Body {
    /// Whether this is the variable that a loop of the user's carries.
    pub fn carries(&self, id: Id) -> bool {
        id.0 < self.graph.user_nodes.get() && self.graph.leaf_of(id).is_some()
    }

    /// What the statement reads that binds a leaf, if it may be repeated elsewhere in the loop.
    pub fn pin_of(&self, id: Id) -> Option<Vec<Id>> {
        self.steps.iter().find_map(|placed| match &placed.step {
            Step::Pin {
                leaf,
                tokens,
                reads,
                pure: true,
                fixed: true,
            } if *leaf == id => {
                let own = |ident: &Ident| self.names.contains(&ident.to_string());
                (!crate::ty::mentions(tokens.clone(), &own)).then(|| reads.clone())
            }
            Step::Let { binds, .. } if binds.contains(&id) => Some(Vec::new()),
            _ => None,
        })
    }
}

/// How the iterations of a loop are counted.
#[derive(Clone, Debug)]
pub enum Header {
    /// `for i in a..b`, which may be gone through a second time; the index is a leaf of the body.
    Range { index: Id, range: TokenStream },
    /// `for pattern in iterator`
    Each {
        pattern: TokenStream,
        iterator: TokenStream,
    },
    /// `while condition`, of something inert.
    While(TokenStream),
    /// `loop`
    Endless,
    /// As often as an earlier loop has kept something.
    Recorded,
}

/// A loop. The node of [`Op::Loop`] takes the first values of what is carried from one iteration to the next, then what
/// all iterations read, then what has to have its name. Its parts are the last values of what is carried, then what is
/// kept of every iteration.
#[derive(Clone)]
pub struct Loop {
    pub header: Header,
    pub body: Rc<Body>,
    /// What stands for the arguments in the body: first what is carried.
    pub inputs: Vec<Id>,
    /// The next value of each that is carried.
    pub next: Vec<Id>,
    /// Whether the loop is left after an iteration.
    pub exit: Option<Id>,
    /// What is kept of every iteration.
    pub records: RefCell<Vec<Id>>,
    /// Whether the iterations of an earlier loop are gone through from the last to the first.
    pub backwards: bool,
    /// Whether it runs again where its values are needed, instead of being kept: one segment of a loop with checkpoints.
    pub recomputed: bool,
    /// What is carried and only added to, by its number.
    pub sums: Vec<usize>,
    /// The tangents of the parts of an earlier loop, among the parts of this one.
    pub tangents: Vec<Option<usize>>,
}

impl Loop {
    /// The number of the part that keeps a value of every iteration.
    pub fn record(&self, id: Id) -> usize {
        let mut records = self.records.borrow_mut();
        let known = records.iter().position(|r| *r == id);
        let at = known.unwrap_or_else(|| {
            records.push(id);
            records.len() - 1
        });
        self.next.len() + at
    }

    /// Whether it counts over a range that is in reach elsewhere, and can be gone through again.
    pub fn repeats(&self) -> bool {
        let bound = |ident: &Ident| self.body.names.contains(&ident.to_string());
        match &self.header {
            Header::Range { range, .. } => !crate::ty::mentions(range.clone(), &bound),
            _ => false,
        }
    }

    /// Whether what is kept as it stands mentions a name, here or in an inner loop.
    pub fn mentions(&self, name: &Ident) -> bool {
        let text = name.to_string();
        self.any_tokens(&|tokens| crate::ty::mentions(tokens.clone(), &|ident| *ident == text))
    }

    /// Whether this holds of anything that is kept as it stands, here or in an inner loop.
    pub fn any_tokens(&self, read: &dyn Fn(&TokenStream) -> bool) -> bool {
        let header = match &self.header {
            Header::Range { range, .. } => read(range),
            Header::Each { iterator, .. } => read(iterator),
            Header::While(cond) => read(cond),
            Header::Endless | Header::Recorded => false,
        };
        let inner = self.body.graph.loops.of_the_user();
        header || any_tokens(&self.body.steps, read) || inner.iter().any(|l| l.any_tokens(read))
    }

    /// What is kept, each value once: the records that are parts of what one inner loop keeps are one value. Beside it, the
    /// place of each record.
    pub fn slots(&self) -> (Vec<Id>, Vec<usize>) {
        let (mut values, mut keys, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for record in self.records.borrow().iter() {
            let inner = self.body.graph.kept_by(*record).map(|kept| kept.0);
            let key = (inner, inner.map_or(Some(*record), |_| None));
            let at = keys.iter().position(|k| *k == key);
            places.push(at.unwrap_or(keys.len()));
            if at.is_none() {
                keys.push(key);
                values.push(*record);
            }
        }
        (values, places)
    }

    /// Whether what is carried at this place is only added to: the rest that is wanted of an iteration does not depend on
    /// it.
    pub fn adds_up(&self, at: usize, wanted: &[Id]) -> bool {
        let (graph, leaf) = (&self.body.graph, self.inputs[at]);
        let needed = graph.needed_by(wanted);
        let own = graph.depends_on(&[leaf]);
        let sum = |id: &Id| match (graph.op(*id), &graph.args(*id)[..]) {
            (Op::Scalar(Scalar::Add), [a, b]) => own.contains(a) != own.contains(b),
            (Op::Scalar(Scalar::Sub), [_, b]) => !own.contains(b),
            (Op::Select, [cond, a, b]) => !own.contains(cond) && own.contains(a) && own.contains(b),
            (Op::Item(part), [of]) => match (graph.op(*of), part.first()) {
                (Op::Loop(number), Some(part)) => {
                    graph.loops.get(number).next.len() > *part
                        && own.contains(&graph.args(*of)[*part])
                }
                _ => false,
            },
            (Op::Loop(number), args) => {
                let inner = graph.loops.get(number);
                let mut through = (0..args.len()).filter(|k| own.contains(&args[*k]));
                let mut roots = inner.next.clone();
                roots.extend(inner.records.borrow().iter());
                match (through.next(), through.next()) {
                    (Some(k), None) => {
                        k < inner.next.len() && inner.exit.is_none() && inner.adds_up(k, &roots)
                    }
                    _ => false,
                }
            }
            _ => false,
        };
        // Another variable may be given the very same value.
        let once = wanted.iter().filter(|id| **id == self.next[at]).count() <= 1;
        let others = wanted.iter().filter(|id| **id != self.next[at]);
        once && own.contains(&self.next[at])
            && others.into_iter().all(|id| !own.contains(id))
            && own
                .iter()
                .filter(|id| needed[id.0 as usize] && **id != leaf)
                .all(sum)
    }

    /// Whether it may be left before its range has ended.
    pub fn may_be_left(&self) -> bool {
        fn leaves(steps: &[Placed]) -> bool {
            steps.iter().any(|p| matches!(p.step, Step::Leave { .. }))
        }
        self.exit.is_some() || leaves(&self.body.steps)
    }

    /// Whether it may be left in the middle of an iteration.
    pub fn is_left_midway(&self) -> bool {
        let mut leaves = self.body.steps.iter().enumerate();
        leaves.any(|(at, p)| at > 0 && matches!(p.step, Step::Leave { .. }))
    }
}

/// Whether this holds of anything that is kept as it stands in these steps.
pub fn any_tokens(steps: &[Placed], read: &dyn Fn(&TokenStream) -> bool) -> bool {
    steps.iter().any(|placed| match &placed.step {
        Step::Verbatim { tokens, .. } | Step::Let { tokens, .. } | Step::Pin { tokens, .. } => {
            read(tokens)
        }
        Step::Branch {
            then, otherwise, ..
        } => any_tokens(then, read) || any_tokens(otherwise, read),
        Step::Evaluate(_) | Step::Fit(_) | Step::Loop(_) | Step::Leave { .. } => false,
    })
}

/// A loop, the parts of it that are wanted, and the tangents of its arguments.
type AlongTangents = (Id, Vec<usize>, Vec<Option<Id>>);

/// A loop, the cotangents of its parts, and which of its inputs move.
type ForCotangents = (Id, Vec<(Vec<usize>, Id)>, Vec<bool>);

/// The loops of a graph. Copies of a graph have bodies of their own.
#[derive(Default)]
pub struct Loops {
    all: RefCell<Vec<Rc<Loop>>>,
    /// Tangents that are there already: of the wanted parts of a loop, along these tangents of its arguments.
    pub tangents: RefCell<HashMap<AlongTangents, Id>>,
    /// Adjoints that are there already: for these cotangents of parts of a loop, by those of its inputs that move.
    pub pulled: RefCell<HashMap<ForCotangents, Vec<(Id, Id)>>>,
}

impl Clone for Loops {
    fn clone(&self) -> Self {
        // Loops that are made of one another still share a body.
        let mut bodies: Vec<(Rc<Body>, Rc<Body>)> = Vec::new();
        let mut copy = |l: &Rc<Loop>| {
            let known = bodies.iter().find(|known| Rc::ptr_eq(&known.0, &l.body));
            let body = known.map(|known| known.1.clone()).unwrap_or_else(|| {
                bodies.push((l.body.clone(), Rc::new((*l.body).clone())));
                bodies[bodies.len() - 1].1.clone()
            });
            Rc::new(Loop {
                body,
                ..(**l).clone()
            })
        };
        Loops {
            all: RefCell::new(self.all.borrow().iter().map(&mut copy).collect()),
            tangents: self.tangents.clone(),
            pulled: self.pulled.clone(),
        }
    }
}

impl Loops {
    pub fn get(&self, number: usize) -> Rc<Loop> {
        self.all.borrow()[number].clone()
    }

    /// The number of a new loop.
    pub fn add(&self, new: Loop) -> usize {
        self.all.borrow_mut().push(Rc::new(new));
        self.all.borrow().len() - 1
    }

    /// The loops of the user's. Those that are made of them share their bodies: to look into each would take
    /// exponentially long where loops stand in loops.
    pub fn of_the_user(&self) -> Vec<Rc<Loop>> {
        let mut found: Vec<Rc<Loop>> = Vec::new();
        for one in self.all.borrow().iter() {
            if !found.iter().any(|known| Rc::ptr_eq(&known.body, &one.body)) {
                found.push(one.clone());
            }
        }
        found
    }
}

/// The side of a branch on which something happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Guard {
    pub cond: Id,
    pub side: bool,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub op: Op,
    pub args: Rc<[Id]>,
    pub kind: Kind,
    /// The branches in which the user computed it: it may not be evaluated outside of them.
    pub guards: Vec<Guard>,
    /// Whether it depends on any parameter at all.
    pub varies: bool,
}

/// Something that happens at a place in the program, in the user's order.
#[derive(Clone, Debug)]
pub enum Step {
    /// A statement of the user's, as it stands but for names; it reads these values and
    /// binds these leaves.
    Verbatim {
        tokens: TokenStream,
        reads: Vec<Id>,
        binds: Vec<Id>,
    },
    /// A statement of the user's that binds inert names in a loop, and can be repeated in another loop over the
    /// iterations: it has no effect, and reads nothing but what does not change and how the iterations are counted.
    Let {
        tokens: TokenStream,
        names: Vec<Ident>,
        binds: Vec<Id>,
    },
    /// An inert expression, bound to the name of a leaf with its type pinned.
    Pin {
        leaf: Id,
        tokens: TokenStream,
        reads: Vec<Id>,
        pure: bool,
        /// Whether it gives the same at another place of the same iteration, and in another loop over the iterations: it
        /// reads no variable that may change.
        fixed: bool,
    },
    /// A value that may panic, and must do so even where nobody reads it.
    Evaluate(Id),
    /// A value of matrices whose sizes may not fit: a companion that returns the value panics as well.
    Fit(Id),
    /// A loop in which something happens.
    Loop(Id),
    /// Leaves the loop here if the condition is this.
    Leave { cond: Id, when: bool },
    /// A branch with steps of its own, by a node that stands for it, and the values that it gives.
    Branch {
        select: Id,
        values: Vec<Id>,
        then: Vec<Placed>,
        otherwise: Vec<Placed>,
    },
}

/// A step, and how many nodes there were when it was met.
#[derive(Clone, Debug)]
pub struct Placed {
    pub at: u32,
    pub step: Step,
}

/// What makes a node the same as another.
type Key = (Op, Vec<Id>, Kind, Vec<Guard>);

/// The nodes and what stands beside them.
#[derive(Clone, Default)]
pub struct Graph {
    nodes: RefCell<Vec<Node>>,
    known: RefCell<HashMap<Key, Id, BuildHasherDefault<Multiply>>>,
    pub leaves: RefCell<Vec<Leaf>>,
    pub extents: RefCell<Vec<Extent>>,
    /// Parameters that are no matrices, but read as vectors: by their leaves.
    pub lists: RefCell<HashMap<Id, ListLeaf>>,
    /// Parameters whose types tell that their entries are adjacent in memory.
    pub adjacent: RefCell<Ids>,
    /// The indices of elements of lists, by where their entries start, how many there are, and their sizes.
    pub elements: RefCell<IdMap<Id>>,
    pub calls: RefCell<Vec<Call>>,
    pub loops: Loops,
    /// What a leaf was before: a value that an earlier loop has kept, by the number of that loop and of the record.
    pub kept: RefCell<IdMap<(usize, usize)>>,
    /// The lengths of the tuples in what calls return.
    pub arities: RefCell<HashMap<(Id, Vec<usize>), usize>>,
    /// Calls that return a list of numbers: its column is their value here.
    pub called_lists: RefCell<Ids>,
    /// Whether a derivative of a call was needed that its companions do not give.
    pub beyond: Cell<bool>,
    /// Whether third derivatives of calls have been taken.
    pub derived: Cell<bool>,
    /// Messages of `expect`, by number.
    pub messages: RefCell<Vec<TokenStream>>,
    /// Names that the user gave to values.
    pub names: RefCell<IdMap<Ident>>,
    /// Names for values that the macro builds, as `z_bar`.
    pub hints: RefCell<IdMap<String>>,
    /// What has a name that nothing else has, as tokens of the user's read it.
    pub mentioned: RefCell<Ids>,
    /// The branches that surround what is being built.
    pub guards: RefCell<Vec<Guard>>,
    /// The number of nodes when differentiation began: those before are the user's.
    pub user_nodes: Cell<u32>,
    /// Whether the companion returns the value too, so that primal values are there to be used.
    pub keeps_value: Cell<bool>,
}

impl Graph {
    pub fn count(&self) -> u32 {
        self.nodes.borrow().len() as u32
    }

    /// All of them, while nothing is added.
    pub fn nodes(&self) -> Ref<'_, Vec<Node>> {
        self.nodes.borrow()
    }

    pub fn node(&self, id: Id) -> Node {
        self.nodes.borrow()[id.0 as usize].clone()
    }

    pub fn op(&self, id: Id) -> Op {
        self.nodes.borrow()[id.0 as usize].op.clone()
    }

    pub fn kind(&self, id: Id) -> Kind {
        self.nodes.borrow()[id.0 as usize].kind.clone()
    }

    pub fn args(&self, id: Id) -> Rc<[Id]> {
        self.nodes.borrow()[id.0 as usize].args.clone()
    }

    pub fn shape(&self, id: Id) -> Option<Shape> {
        self.kind(id).shape
    }

    pub fn is_matrix(&self, id: Id) -> bool {
        self.nodes.borrow()[id.0 as usize].kind.is_matrix()
    }

    /// A value that is there already, outside of branches.
    pub fn find(&self, op: Op, args: Vec<Id>, kind: Kind) -> Option<Id> {
        self.known
            .borrow()
            .get(&(op, args, kind, Vec::new()))
            .copied()
    }

    /// The node of this operation, exactly as asked for: nothing is rewritten here.
    pub fn insert(&self, op: Op, args: Vec<Id>, kind: Kind) -> Id {
        let guards = self.guards.borrow().clone();
        let args = self.on_the_side_taken(&op, args, &guards);
        // Addition and multiplication commute bit for bit, and so do the products of a dot product: both orders are
        // one value.
        let mut sorted = args.clone();
        if op.commutes() {
            sorted.sort();
        }
        // A leaf is there everywhere, and a number is the same for all entries of a matrix.
        let constant = matches!(op, Op::Const(_) | Op::Leaf(_));
        // What is gathered for some entries only is within bounds for all of them.
        let gathered = matches!(op, Op::Part(Part::Gathered(..)));
        let guards: Vec<Guard> = guards
            .into_iter()
            .filter(|g| {
                let whole = self.shape(g.cond).is_none();
                !constant && (whole || kind.shape.is_some() && !gathered)
            })
            .collect();
        // A value computed outside a branch serves inside it too.
        let mut known = self.known.borrow_mut();
        let mut key: Key = (op, sorted, kind, Vec::new());
        for depth in 0..=guards.len() {
            key.3.extend(depth.checked_sub(1).map(|last| guards[last]));
            if let Some(&id) = known.get(&key) {
                return id;
            }
        }
        let id = self.push(key.0.clone(), args, key.2.clone(), guards);
        known.insert(key, id);
        id
    }

    /// In a branch, derivatives read the side that is taken of what another branch on the same condition gives.
    fn on_the_side_taken(&self, op: &Op, args: Vec<Id>, guards: &[Guard]) -> Vec<Id> {
        let derived = self.user_nodes.get() > 0 && *op != Op::Select;
        if !derived || guards.is_empty() {
            return args;
        }
        let taken = |arg: Id| {
            guards.iter().fold(arg, |arg, guard| {
                let node = self.node(arg);
                let side = if guard.side { 1 } else { 2 };
                match node.op {
                    Op::Select
                        if node.args[0] == guard.cond
                            && self.kind(node.args[side]) == node.kind
                            && !self.calls_something(node.args[side]) =>
                    {
                        node.args[side]
                    }
                    _ => arg,
                }
            })
        };
        args.into_iter().map(taken).collect()
    }

    /// Whether a call is needed for a value: its pullback stays in the branch that makes it.
    fn calls_something(&self, id: Id) -> bool {
        if self.calls.borrow().is_empty() {
            return false;
        }
        let (mut pending, mut seen) = (vec![id], Ids::default());
        while let Some(id) = pending.pop() {
            if self.op(id).is_call() {
                return true;
            }
            if seen.insert(id) {
                pending.extend(self.args(id).iter());
            }
        }
        false
    }

    /// A node that is not the same as any other: a branch in which something happens.
    pub fn insert_apart(&self, op: Op, args: Vec<Id>, kind: Kind) -> Id {
        let guards = self.guards.borrow().clone();
        self.push(op, args, kind, guards)
    }

    fn push(&self, op: Op, args: Vec<Id>, kind: Kind, guards: Vec<Guard>) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        let varies = match op {
            Op::Leaf(number) => self.leaves.borrow()[number].varies,
            _ => args.iter().any(|a| nodes[a.0 as usize].varies),
        };
        nodes.push(Node {
            op,
            args: args.into(),
            kind,
            guards,
            varies,
        });
        Id(nodes.len() as u32 - 1)
    }

    /// A new leaf, different from all others.
    pub fn leaf(&self, leaf: Leaf) -> Id {
        let number = self.leaves.borrow().len();
        let kind = leaf.kind.clone();
        self.leaves.borrow_mut().push(leaf);
        self.insert(Op::Leaf(number), Vec::new(), kind)
    }

    /// `true` or `false`.
    pub fn truth(&self, holds: bool) -> Id {
        let name = quote!(#holds);
        let same =
            |leaf: &Leaf| leaf.kind == Kind::BOOL && leaf.name.to_string() == name.to_string();
        let known = self.leaves.borrow().iter().position(same);
        match known {
            Some(number) => self.insert(Op::Leaf(number), Vec::new(), Kind::BOOL),
            None => self.leaf(Leaf {
                name,
                kind: Kind::BOOL,
                form: Form::Owned,
                varies: false,
            }),
        }
    }

    /// A leaf that is there only where these conditions hold.
    pub fn keep_on_side(&self, leaf: Id, guards: Vec<Guard>) {
        if let Some(node) = self.nodes.borrow_mut().get_mut(leaf.0 as usize) {
            node.guards = guards;
        }
    }

    /// Gives a node another argument, which is there before it.
    pub fn set_argument(&self, id: Id, at: usize, argument: Id) {
        let node = &mut self.nodes.borrow_mut()[id.0 as usize];
        let mut args = node.args.to_vec();
        args[at] = argument;
        node.args = args.into();
    }

    /// What has been computed elsewhere is a leaf here.
    pub fn become_leaf(&self, id: Id, leaf: Leaf) {
        let number = self.leaves.borrow().len();
        self.leaves.borrow_mut().push(leaf);
        let node = &mut self.nodes.borrow_mut()[id.0 as usize];
        node.op = Op::Leaf(number);
        node.args = Rc::new([]);
        node.guards = Vec::new();
    }

    /// The loop that has kept a value of every iteration, and the number of that record.
    pub fn kept_by(&self, id: Id) -> Option<(usize, usize)> {
        if let Some(known) = self.kept.borrow().get(&id) {
            return Some(*known);
        }
        let part = match (self.op(id), self.kind(id).elem) {
            (Op::Item(part), Elem::Records) => part,
            // On the other side there are none.
            (Op::Select, Elem::Records) => {
                return self.args(id)[1..]
                    .iter()
                    .find_map(|side| self.kept_by(*side));
            }
            _ => return None,
        };
        match self.op(*self.args(id).first()?) {
            Op::Loop(number) => {
                let carried = self.loops.get(number).next.len();
                Some((number, part.first()?.checked_sub(carried)?))
            }
            _ => None,
        }
    }

    /// Marks a leaf as bound inside the branches being read, and out of reach elsewhere.
    pub fn keep_local(&self, id: Id) {
        let guards = self
            .guards
            .borrow()
            .iter()
            .filter(|g| self.shape(g.cond).is_none())
            .copied()
            .collect();
        self.nodes.borrow_mut()[id.0 as usize].guards = guards;
    }

    pub fn leaf_of(&self, id: Id) -> Option<Leaf> {
        match self.op(id) {
            Op::Leaf(number) => Some(self.leaves.borrow()[number].clone()),
            _ => None,
        }
    }

    pub fn constant(&self, value: f64) -> Id {
        self.insert(Op::Const(value.to_bits()), Vec::new(), Kind::SCALAR)
    }

    /// A new dynamic dimension, read from `extent` at run time.
    pub fn dynamic(&self, extent: Extent) -> Dim {
        let mut extents = self.extents.borrow_mut();
        if let Some(known) = extents.iter().position(|e| *e == extent) {
            return Dim::Dynamic(known as u32);
        }
        extents.push(extent);
        Dim::Dynamic(extents.len() as u32 - 1)
    }

    /// The leaves that the extents of a value are read from.
    pub fn sizes_of(&self, id: Id) -> Vec<Id> {
        let node = self.node(id);
        let own = match node.op {
            Op::Size(dim) => vec![dim],
            _ => Vec::new(),
        };
        let shape = node.kind.shape.map(|s| vec![s.rows, s.cols]);
        let dims = own.into_iter().chain(shape.unwrap_or_default());
        dims.flat_map(|dim| self.sources_of(&dim)).collect()
    }

    /// The leaves that the sizes of a matrix of this shape are read from.
    pub fn sources_of_shape(&self, shape: &Shape) -> Vec<Id> {
        let dims = [&shape.rows, &shape.cols].into_iter();
        dims.flat_map(|dim| self.sources_of(dim)).collect()
    }

    /// The leaves that a size is read from.
    pub fn sources_of(&self, dim: &Dim) -> Vec<Id> {
        match self.extent(dim) {
            Some(Extent::Rows(id) | Extent::Cols(id) | Extent::Int(id)) => vec![id],
            Some(Extent::Product(a, b)) => [a, b].iter().flat_map(|d| self.sources_of(d)).collect(),
            Some(Extent::Fixed(_)) | None => Vec::new(),
        }
    }

    /// Where a size is read from, if it is dynamic.
    pub fn extent(&self, dim: &Dim) -> Option<Extent> {
        match dim {
            Dim::Dynamic(n) => self.extents.borrow().get(*n as usize).cloned(),
            _ => None,
        }
    }

    /// The number of a message of `expect`, or of what makes an error of `None`.
    pub fn message(&self, tokens: TokenStream) -> usize {
        let mut messages = self.messages.borrow_mut();
        messages.push(tokens);
        messages.len() - 1
    }

    /// Which nodes depend on one of `sources`; nothing before the first of these does.
    pub fn depends_on(&self, sources: &[Id]) -> Ids {
        let first = sources.iter().map(|s| s.0).min().unwrap_or(self.count());
        let nodes = self.nodes.borrow();
        let mut depends: Ids = sources.iter().copied().collect();
        for number in first..nodes.len() as u32 {
            if nodes[number as usize]
                .args
                .iter()
                .any(|a| depends.contains(a))
            {
                depends.insert(Id(number));
            }
        }
        depends
    }

    /// Whether one of `roots` is computed from the value, for every node up to them.
    pub fn needed_by(&self, roots: &[Id]) -> Vec<bool> {
        let nodes = self.nodes.borrow();
        let mut needed = vec![false; nodes.len()];
        roots.iter().for_each(|r| needed[r.0 as usize] = true);
        for (i, node) in nodes.iter().enumerate().rev() {
            if needed[i] {
                node.args.iter().for_each(|a| needed[a.0 as usize] = true);
            }
        }
        needed
    }

    /// Tells this graph, and those of its loops, whether the companion returns the value too.
    pub fn keep_value(&self, keeps: bool) {
        self.keeps_value.set(keeps);
        let loops = self.loops.of_the_user();
        loops.iter().for_each(|l| l.body.graph.keep_value(keeps));
    }

    /// Whether a derivative of a call was needed that its companions do not give, here or in a loop.
    pub fn is_beyond(&self) -> bool {
        self.beyond.get() || self.in_a_loop(Graph::is_beyond)
    }

    /// Whether functions with companions are called, here or in a loop.
    pub fn has_calls(&self) -> bool {
        !self.calls.borrow().is_empty() || self.in_a_loop(Graph::has_calls)
    }

    /// Whether third derivatives of calls were needed, here or in a loop.
    pub fn is_third(&self) -> bool {
        self.derived.get() || self.in_a_loop(Graph::is_third)
    }

    fn in_a_loop(&self, holds: fn(&Graph) -> bool) -> bool {
        let loops = self.loops.of_the_user();
        loops.iter().any(|l| holds(&l.body.graph))
    }

    /// Whether an index is within static bounds for certain.
    pub fn in_bounds(&self, op: &Op, args: &[Id]) -> bool {
        let Op::Part(part) = op else { return false };
        let Some(shape) = self.shape(args[0]) else {
            return false;
        };
        let at: Vec<Option<usize>> = args[1..].iter().map(|a| self.integer_value(*a)).collect();
        if let Part::Gathered(taken, at) = part {
            return gathers_within(taken, at, &shape);
        }
        let part = match part {
            Part::Element(rows, _) => rows,
            part => part,
        };
        let (rows, cols) = match (&shape.rows, &shape.cols) {
            (Dim::Static(r), Dim::Static(c)) => (*r, *c),
            _ => return false,
        };
        match (part, &at[..]) {
            (Part::Entry, [Some(i)]) => *i < rows * cols,
            (Part::EntryAt, [Some(i), Some(j)]) => *i < rows && *j < cols,
            (Part::Row, [Some(i)]) => *i < rows,
            (Part::Column, [Some(j)]) => *j < cols,
            (Part::FixedRows(Dim::Static(n)), [Some(i)]) => i + n <= rows,
            _ => false,
        }
    }

    /// Whether evaluating it may panic, for some value of an index.
    pub fn may_panic(&self, id: Id) -> bool {
        let op = self.op(id);
        op.may_panic() && !self.in_bounds(&op, &self.args(id))
    }

    /// A part of what a call or a loop gives.
    pub fn item(&self, of: Id, part: Vec<usize>, kind: Kind) -> Id {
        // It is where the call is, also if its first use is not.
        let guards = self.guards.replace(self.node(of).guards);
        let id = self.insert(Op::Item(part), vec![of], kind);
        self.guards.replace(guards);
        id
    }

    /// The kind of another value that has the shape of this one: dynamic extents are read from itself, the next node.
    pub fn kind_like(&self, kind: &Kind) -> Kind {
        let own = Id(self.count());
        let dim = |dim: &Dim, at| match dim {
            Dim::Dynamic(_) => self.dynamic(at),
            known => known.clone(),
        };
        Kind {
            elem: kind.elem,
            shape: kind.shape.as_ref().map(|shape| {
                Shape::new(
                    dim(&shape.rows, Extent::Rows(own)),
                    dim(&shape.cols, Extent::Cols(own)),
                )
            }),
        }
    }

    /// The kind of a choice, the next node, between two matrices: a size that differs between them is read from itself,
    /// since each is known on its own side only.
    pub fn kind_of_choice(&self, kind: Kind, a: Id, b: Id) -> Kind {
        let (Some(shape), Some(a), Some(b)) = (&kind.shape, self.shape(a), self.shape(b)) else {
            return kind;
        };
        let own = Id(self.count());
        let dim = |joint: &Dim, a: &Dim, b: &Dim, at| match (a, b) {
            (Dim::Dynamic(_), Dim::Dynamic(_)) if a != b => self.dynamic(at),
            _ => joint.clone(),
        };
        let rows = dim(&shape.rows, &a.rows, &b.rows, Extent::Rows(own));
        let cols = dim(&shape.cols, &a.cols, &b.cols, Extent::Cols(own));
        Kind {
            shape: Some(Shape::new(rows, cols)),
            ..kind
        }
    }

    /// Whether the value depends on any parameter at all.
    pub fn varies(&self, id: Id) -> bool {
        self.nodes.borrow()[id.0 as usize].varies
    }
}

/// What a function returns.
#[derive(Clone, Debug)]
pub enum Outcome {
    Value(Id),
    /// An inert value, by the name that it is bound to.
    Inert(TokenStream),
    Tuple(Vec<Outcome>),
    /// `[a, b]`
    Array(Vec<Outcome>),
    /// `vec![a, b]`
    Vec(Vec<Outcome>),
    /// A list whose length the macro does not know: the entries of a column, or columns.
    List(Id, Option<Columns>),
}

impl Outcome {
    /// The parts in their order.
    pub fn parts(&self) -> &[Outcome] {
        match self {
            Outcome::Tuple(parts) | Outcome::Array(parts) | Outcome::Vec(parts) => parts,
            part => std::slice::from_ref(part),
        }
    }

    /// The parts that have derivatives, in order, also those of lists and tuples in it.
    pub fn real_parts(&self, graph: &Graph) -> Vec<&Outcome> {
        match self {
            Outcome::List(..) => vec![self],
            Outcome::Value(id) if graph.kind(*id).elem == Elem::Real => vec![self],
            Outcome::Value(_) | Outcome::Inert(_) => Vec::new(),
            all => all
                .parts()
                .iter()
                .flat_map(|part| part.real_parts(graph))
                .collect(),
        }
    }

    /// The values of these.
    pub fn real_values(&self, graph: &Graph) -> Vec<Id> {
        let values = self.real_parts(graph).into_iter();
        let values = values.filter_map(|part| match part {
            Outcome::Value(id) | Outcome::List(id, _) => Some(*id),
            _ => None,
        });
        values.collect()
    }

    /// The first part.
    pub fn first(&self) -> &Outcome {
        match self.parts() {
            [first, ..] => first,
            [] => self,
        }
    }
}

/// A function as the passes see it: the graph, what happens in order, and the result.
#[derive(Clone)]
pub struct Program {
    pub graph: Graph,
    pub steps: Vec<Placed>,
    pub result: Outcome,
    /// The sources of derivatives: the differentiated parameters, or their parts.
    pub wrt: Vec<Id>,
    /// What each differentiated parameter is made of.
    pub parameters: Vec<Sources>,
    /// Fields of parameters, and the kinds that they are taken for.
    pub fields: Vec<Taken>,
    /// Types in the body that are taken for nalgebra's: as written, and what they are taken for.
    pub types: Vec<(TokenStream, crate::ty::Value)>,
    /// Names in patterns that are taken for new variables, and not for constants.
    pub pattern_names: Vec<Ident>,
    /// Types of its geometry, and nalgebra's own.
    pub frames: Vec<(TokenStream, TokenStream)>,
    /// All names that are in use.
    pub taken: HashSet<String>,
}

/// Whether indices by the row and the column themselves are within bounds for certain.
fn gathers_within(taken: &Shape, at: &[Position<usize>], whole: &Shape) -> bool {
    let within = |position: &Position<usize>, extent: &Dim| {
        let count = match position {
            Position::Row => &taken.rows,
            Position::Column => &taken.cols,
            _ => return false,
        };
        match (count, extent) {
            (Dim::Static(count), Dim::Static(extent)) => count <= extent,
            (count, extent) => count == extent,
        }
    };
    match at {
        [row, column] => within(row, &whole.rows) && within(column, &whole.cols),
        [one] if whole.is_column() => within(one, &whole.rows),
        [one] if whole.is_vector() => within(one, &whole.cols),
        _ => false,
    }
}
