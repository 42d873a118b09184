//! The graph of a function: typed values, one operation a node, each distinct value once.
//!
//! The paper's "introduce intermediate variables" is the construction of this graph. Operations are
//! pure; what has effects stands beside the graph, in the steps of a [`Program`].

use crate::rules::{Op, Part};
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
    /// What a call returns: its parts are values.
    Opaque,
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
    pub arguments: Vec<Argument>,
    /// What takes the value out of an `Option` or a `Result`: `?`, `.unwrap()`.
    pub after: TokenStream,
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
    Method {
        receiver: TokenStream,
        name: Ident,
        arguments: TokenStream,
    },
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A value of the graph, by its number among the arguments of the node.
    Value { at: usize, passing: Passing },
    /// An inert value, and whether it has to be cloned to be passed again.
    Inert(TokenStream, bool),
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
    /// An inert expression, bound to the name of a leaf with its type pinned.
    Pin {
        leaf: Id,
        tokens: TokenStream,
        reads: Vec<Id>,
        pure: bool,
    },
    /// A value that may panic, and must do so even where nobody reads it.
    Evaluate(Id),
    /// A value of matrices whose sizes may not fit: a companion that returns the value panics as well.
    Fit(Id),
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
    /// The indices of elements of lists, by where their entries start, how many there are, and their sizes.
    pub elements: RefCell<IdMap<Id>>,
    pub calls: RefCell<Vec<Call>>,
    /// The lengths of the tuples in what calls return.
    pub arities: RefCell<HashMap<(Id, Vec<usize>), usize>>,
    /// Whether a derivative of a call was needed that its companions do not give.
    pub beyond: Cell<bool>,
    /// Messages of `expect`, by number.
    pub messages: RefCell<Vec<TokenStream>>,
    /// Names that the user gave to values.
    pub names: RefCell<IdMap<Ident>>,
    /// Names for values that the macro builds, as `z_bar`.
    pub hints: RefCell<IdMap<String>>,
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
}

impl Outcome {
    /// The parts in their order.
    pub fn parts(&self) -> &[Outcome] {
        match self {
            Outcome::Tuple(parts) | Outcome::Array(parts) | Outcome::Vec(parts) => parts,
            part => std::slice::from_ref(part),
        }
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
    /// All names that are in use.
    pub taken: HashSet<String>,
}
