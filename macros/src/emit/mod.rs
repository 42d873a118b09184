//! From the graph to Rust: the only place that writes tokens of a companion's body.
//!
//! The user's own statements and names are kept in order. A value is bound to a name where it is used more
//! than once or the user named it, and written in place otherwise; chains of operations entry by entry are one
//! pass; a value that only one side of a branch needs is computed on that side.

mod buffers;
mod calls;
mod clusters;
mod contexts;
mod expressions;
mod joined;
mod lists;
mod liveness;
mod loops;
mod maps;
mod parts;
mod passes;
mod statements;

use crate::graph::{
    Graph, Id, IdMap, Ids, Kind, Member, Node, Outcome, Placed, Program, Shape, Sources,
};
use crate::rules::{Op, Part};
use crate::scope::Columns;
use crate::ty::Real;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// What a companion computes.
pub struct Outputs {
    pub result: Returns,
    /// Tangents that are parameters of the companion, by what they are tangents of.
    pub inputs: Vec<(Id, Id)>,
    /// Whether these are `Option`s: zero if absent.
    pub optional: bool,
    /// What takes the tangents apart that these are parts of.
    pub opening: TokenStream,
}

/// A derivative of this shape, a number if there is none: zero if it is absent.
pub type Block = (Option<Id>, Option<Shape>);

/// Derivatives side by side and one below the other, row by row.
pub struct Blocks {
    pub blocks: Vec<Vec<Block>>,
    /// The shape of all: of static sizes, or of dynamic ones.
    pub shape: Shape,
    /// Where the rows and the columns are, if not one after the other: among the entries of a struct.
    pub rows: Option<Fields>,
    pub cols: Option<Fields>,
}

/// Some fields of a parameter, to which there is a reference.
pub type Fields = (TokenStream, Vec<Vec<Member>>);

/// What a companion returns.
pub enum Returns {
    /// A value of the user's, bit for bit.
    Value(Id),
    /// An inert value, by its name.
    Inert(TokenStream),
    /// A derivative, of the shape of another value: zero if there is none.
    Like(Option<Id>, Id),
    /// A derivative of this shape, a number if there is none: zero if it is absent.
    Matrix(Option<Id>, Option<Shape>),
    /// Some of these as one matrix.
    Blocks(Blocks),
    /// Derivatives by fields of a parameter, which is zero but for these: with a reference to it.
    Struct(TokenStream, Vec<(Vec<Member>, Returns)>),
    /// In place of what has no derivative.
    Unit,
    Tuple(Vec<Returns>),
    Array(Vec<Returns>),
    Vec(Vec<Returns>),
    /// A column as the `Vec` of its entries, or a matrix as one of columns.
    List(Box<Returns>, Option<Columns>),
    Pullback(Box<Pullback>),
}

/// A closure of cotangents. What does not depend on these is computed before it.
pub struct Pullback {
    /// Its parameters: patterns and their types.
    pub parameter: TokenStream,
    /// What takes the parameters apart further.
    pub opening: TokenStream,
    /// Cotangents that are given as lists, and what these are lists of.
    pub lists: Vec<(Id, Option<Columns>)>,
    /// The values, and the leaves that are their cotangents; those that are tangents of cotangents as well.
    pub cotangents: Vec<(Id, Id)>,
    /// Whether the cotangents are `Option`s: zero if absent.
    pub optional: bool,
    /// Parameters of the function of which it owns a copy.
    pub owns: Vec<Id>,
    /// Tuples by reference, of which it owns a copy as well.
    pub tuples: Vec<Ident>,
    pub boxed: bool,
    pub body: Returns,
}

impl Returns {
    /// The value that the function returns.
    pub fn value(outcome: &Outcome) -> Returns {
        let all = |parts: &[Outcome]| parts.iter().map(Returns::value).collect();
        match outcome {
            Outcome::Value(id) => Returns::Value(*id),
            Outcome::Inert(name) => Returns::Inert(name.clone()),
            Outcome::Tuple(parts) => Returns::Tuple(all(parts)),
            Outcome::Array(parts) => Returns::Array(all(parts)),
            Outcome::Vec(parts) => Returns::Vec(all(parts)),
            Outcome::List(id, of) => Returns::List(Box::new(Returns::Value(*id)), *of),
        }
    }

    /// A derivative by each parameter, of those by the sources: for several a tuple.
    pub fn derivatives(derivatives: &[Option<Id>], program: &Program) -> Returns {
        let parameters = program.parameters.iter();
        let all = parameters.map(|p| Returns::derivative(derivatives, p, program));
        let mut all: Vec<Returns> = all.collect();
        if all.len() == 1 {
            return all.remove(0);
        }
        Returns::Tuple(all)
    }

    /// A derivative by one parameter.
    pub fn derivative(derivatives: &[Option<Id>], by: &Sources, program: &Program) -> Returns {
        match by {
            Sources::One(number) => Returns::Like(derivatives[*number], program.wrt[*number]),
            Sources::Tuple(parts) => {
                let parts = parts.iter();
                let parts = parts.map(|p| Returns::derivative(derivatives, p, program));
                Returns::Tuple(parts.collect())
            }
            Sources::Struct { parameter, fields } => {
                let fields = fields.iter().map(|field| {
                    let (derivative, source) =
                        (derivatives[field.number], program.wrt[field.number]);
                    (field.path.clone(), Returns::Like(derivative, source))
                });
                Returns::Struct(parameter.clone(), fields.collect())
            }
        }
    }

    /// The values that it reads, and whether a pullback does.
    fn reads(&self, inside: bool, into: &mut Vec<(Id, bool)>) {
        match self {
            Returns::Value(id) | Returns::Like(Some(id), _) | Returns::Matrix(Some(id), _) => {
                into.push((*id, inside))
            }
            Returns::Struct(_, fields) => {
                fields.iter().for_each(|f| f.1.reads(inside, into));
            }
            Returns::Blocks(Blocks { blocks, .. }) => {
                let known = blocks.iter().flatten().filter_map(|block| block.0);
                into.extend(known.map(|id| (id, inside)));
            }
            Returns::Inert(_)
            | Returns::Like(None, _)
            | Returns::Matrix(None, _)
            | Returns::Unit => {}
            Returns::Tuple(parts) | Returns::Array(parts) | Returns::Vec(parts) => {
                parts.iter().for_each(|part| part.reads(inside, into))
            }
            Returns::List(inner, _) => inner.reads(inside, into),
            Returns::Pullback(pullback) => pullback.body.reads(true, into),
        }
    }

    /// The shapes that are asked for beside the values that are returned: those of zeros, and of the values whose
    /// cotangents a pullback takes.
    fn asked_for(&self, graph: &Graph) -> Vec<Shape> {
        let shape_of = |id: &Id| graph.shape(*id);
        match self {
            Returns::Tuple(parts) => parts.iter().flat_map(|p| p.asked_for(graph)).collect(),
            Returns::Like(None, other) => shape_of(other).into_iter().collect(),
            Returns::Matrix(None, shape) => shape.iter().cloned().collect(),
            Returns::Pullback(pullback) => {
                let values = pullback.cotangents.iter();
                values.filter_map(|(value, _)| shape_of(value)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The leaves that are parameters of a pullback.
    fn cotangents(&self) -> Vec<Id> {
        match self {
            Returns::Tuple(parts) => parts.iter().flat_map(Returns::cotangents).collect(),
            Returns::Pullback(pullback) => pullback.cotangents.iter().map(|c| c.1).collect(),
            _ => Vec::new(),
        }
    }
}

/// How tightly an expression binds; an operand of an operator must bind tighter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    /// `if`, closures, blocks.
    Loose,
    Or,
    And,
    Compare,
    Sum,
    Product,
    Cast,
    Unary,
    /// Names, literals, calls.
    Atom,
}

/// Where a loop keeps matrices, one after the other.
#[derive(Clone)]
struct Store {
    name: Ident,
    /// The places among what is kept of an iteration at which there is a matrix with memory of its own instead.
    moved: Vec<usize>,
}

/// How the value of an expression is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hold {
    Scalar,
    /// A fresh value, which an operation may consume.
    Temporary,
    /// A local variable that owns its value.
    Variable,
    Reference,
    View,
    /// An element of a list, which stays where it is.
    Place,
}

#[derive(Clone)]
struct Written {
    tokens: TokenStream,
    level: Level,
    hold: Hold,
}

impl Written {
    fn new(tokens: TokenStream, level: Level, hold: Hold) -> Self {
        Written {
            tokens,
            level,
            hold,
        }
    }

    /// The name of a number.
    fn scalar(name: &Ident) -> Self {
        Written::new(quote!(#name), Level::Atom, Hold::Scalar)
    }

    /// In parentheses, unless it binds at least this tightly.
    fn at(&self, level: Level) -> TokenStream {
        let tokens = &self.tokens;
        if self.level >= level {
            tokens.clone()
        } else {
            quote!((#tokens))
        }
    }
}

/// A reference to a value.
fn borrowed(value: &TokenStream) -> TokenStream {
    match value.clone().into_iter().count() {
        1 => quote!(&#value),
        _ => quote!(&(#value)),
    }
}

/// The place of evaluation that is the pullback.
const PULLBACK: usize = 1;

/// A place of evaluation: the function itself, its pullback, or one side of a branch in one of them.
#[derive(Clone)]
struct Context {
    parent: usize,
    depth: usize,
    /// The conditions that hold there.
    guards: Vec<(Id, bool)>,
    group: Option<usize>,
}

/// Branches on one condition that are written as one `if`.
#[derive(Clone)]
struct Group {
    cond: Id,
    context: usize,
    /// Of the groups on one condition, those of a higher rank are written before the others.
    rank: usize,
    sides: [usize; 2],
    members: Vec<Id>,
    /// Values computed inside that are needed outside of it.
    exports: Vec<Id>,
    steps: [Vec<Placed>; 2],
    written: bool,
}

/// A way to write branches: where one makes them wait for each other, the next is tried.
#[derive(Clone, Copy)]
struct Way {
    /// Whether branches on one condition are written as one `if`.
    joins: bool,
    /// Whether what several branches need, none of which comes first for all, gets a branch of its own.
    apart: bool,
    /// Whether each branch computes for itself what others need as well.
    again: bool,
    /// Whether what one branch reads of another on its condition is the value of the side taken.
    decides: bool,
    /// Whether a loop and those that are made of it are written each for itself.
    alone: bool,
}

impl Way {
    /// From the shortest code to the most careful.
    fn all() -> Vec<Way> {
        let mut ways = Vec::new();
        for alone in [false, true] {
            for again in [false, true] {
                for (joins, apart) in [(true, false), (true, true), (false, false), (false, true)] {
                    ways.extend([true, false].map(|decides| Way {
                        joins,
                        apart,
                        again,
                        decides,
                        alone,
                    }));
                }
            }
        }
        ways
    }
}

/// What is read of a branch in a place where it is known which side of it was taken.
struct Decided {
    reader: Id,
    /// The number of the argument.
    at: usize,
    value: Id,
    guard: (Id, bool),
}

#[derive(Clone)]
struct Emit<'p> {
    program: &'p Program,
    nodes: &'p [Node],
    krate: &'p TokenStream,
    nalgebra: TokenStream,
    real: &'p Real,
    taken: HashSet<String>,
    live: Vec<bool>,
    uses: Vec<Vec<Id>>,
    outputs: Vec<Id>,
    /// Those that a pullback returns.
    pulled: Ids,
    /// What depends on the parameters of a pullback, and is computed in it.
    late: Ids,
    /// What depends on the symbol of a map of columns, and is computed in its closure.
    mapped: Ids,
    /// The same for each map.
    maps: Vec<Ids>,
    /// Whether that closure is being written.
    in_map: bool,
    /// Whether it is a loop of a pullback that is written.
    of_pullback: bool,
    /// Whether it is an iteration of a loop that is made of one of the user's.
    of_derived: bool,
    /// Whether it is a loop in the closure of a map of columns.
    of_map: bool,
    way: Way,
    /// Whether a branch turned out to wait for itself.
    cyclic: bool,
    /// What is computed inside of the passes that read it.
    inline: Vec<bool>,
    passes: IdMap<clusters::Pass>,
    /// The number that a fresh name got last.
    numbers: HashMap<String, usize>,
    /// The names of leaves.
    leaves: HashSet<String>,
    /// The names of parameters of closures.
    parameters: HashSet<String>,
    /// The row and the column of the entry that is being written.
    place: Option<[TokenStream; 2]>,
    indices: Option<[Ident; 2]>,
    context: Vec<usize>,
    /// What is computed again in each of these places.
    again: IdMap<Vec<usize>>,
    contexts: Vec<Context>,
    /// How many nodes there were at the last step that is written.
    last_step: u32,
    /// The first call whose tangent is computed together with its value.
    first_with_tangent: Option<Id>,
    ranks: usize,
    /// Where the leaves that statements bind are bound.
    homes: IdMap<usize>,
    /// Where the loops of the user's stand.
    loops_at: IdMap<usize>,
    /// Those of which the statement is written, and around what is being written.
    within_reach: Vec<Id>,
    /// How many nodes there were at the statement that is written next: what the user computes behind it may depend on
    /// it, also where no value tells so.
    next_step: u32,
    groups: Vec<Group>,
    group_of: IdMap<usize>,
    /// Which sums have parts that are added in place.
    accumulates: Vec<bool>,
    /// Derivatives by lists that are written as such.
    lists: IdMap<Id>,
    /// Gradients by structs that are returned as a call gives them.
    handed_on: Ids,
    /// What an earlier loop has kept, and is read as a view here.
    views: Ids,
    /// Passes that overwrite a temporary instead of allocating.
    overwriting: Ids,
    forced: Ids,
    /// Branches in which something happens.
    anchors: Ids,
    /// The branch that is written where those happen.
    owners: IdMap<Id>,
    /// What is computed in each context, in order, and how much of it has been written.
    within: Vec<Vec<Id>>,
    reached: Vec<usize>,
    /// Names in reach, in the order in which they were bound, and how often each still has to be read.
    bound: IdMap<(TokenStream, Hold)>,
    order: Vec<Id>,
    remaining: Vec<usize>,
    unmovable: Ids,
    /// How many statements are still to be written that read a value, and keep nothing of it but a number.
    awaited: IdMap<usize>,
    /// The functions of entries of which a derivative is needed.
    differentiated: HashSet<usize>,
    /// The tangent that is computed together with a call, where that is known.
    first_tangents: RefCell<IdMap<Option<Id>>>,
    /// The names of the pullbacks of calls.
    pullbacks: IdMap<TokenStream>,
    /// Of those that came out of a branch, the options.
    handed_out: IdMap<TokenStream>,
    /// Variables that may be changed.
    mutable: Ids,
    /// What is carried from one iteration of the loop to the next.
    carried: Ids,
    /// What is kept of every iteration: where it is not computed, anything is kept instead.
    records: Ids,
    /// Of what an earlier loop has kept, or a statement binds, the conditions under which it is there.
    kept_on_sides: IdMap<Vec<(Id, bool)>>,
    /// What statements and loops read under its own name.
    named: Ids,
    /// What may be changed where it is.
    changing: Ids,
    /// The loops that are being joined.
    joining: Vec<Id>,
    /// The changes for which other values are being computed first.
    underway: Vec<Id>,
    /// Variables that the sides of the branch being written may change.
    lent: Vec<Id>,
    /// Parts that are added in place, whose size is that of what they are added to.
    sizeless: Ids,
    /// Whether it is an iteration of a loop that is written.
    repeats: bool,
    /// What has been computed already.
    computed: Ids,
    /// What the statement that is being written has read already.
    borrowed: Ids,
    /// The conditions that hold wherever what is being written is evaluated: it comes after `&&` or `||`.
    taken_for_granted: Vec<(Id, bool)>,
    /// What the parts of the result that are written already have read.
    pending: Ids,
    /// What the iterations write into, to be made before the loop.
    buffers: Vec<TokenStream>,
    /// Where loops keep matrices, by the numbers of their bodies and of the loops.
    stores: HashMap<(usize, usize), Store>,
    /// Those to be made where the function or its pullback begins.
    new_stores: Vec<Ident>,
    /// Those into which anything is written.
    filled_stores: HashSet<Ident>,
    /// What has its place where a loop keeps matrices, or has memory of its own.
    stored: Ids,
    /// What has a buffer.
    buffered: Ids,
    /// The next values of variables with which those change places.
    swapped: Ids,
    out: Vec<TokenStream>,
    current: usize,
}

/// The body of a companion; what it returns is in `around`, as `Some`.
///
/// `None` where branches need each other's values in an order that cannot be written.
pub fn emit(
    program: &Program,
    outputs: &Outputs,
    around: Option<TokenStream>,
    krate: &TokenStream,
    real: &Real,
) -> Option<TokenStream> {
    Way::all()
        .into_iter()
        .find_map(|way| attempt(program, outputs, around.clone(), krate, (real, way)))
}

fn attempt(
    program: &Program,
    outputs: &Outputs,
    around: Option<TokenStream>,
    krate: &TokenStream,
    (real, way): (&Real, Way),
) -> Option<TokenStream> {
    let known = program.graph.nodes();
    let mut emit = Emit::new(program, &known, krate, real, way);
    let mut reads = Vec::new();
    outputs.result.reads(false, &mut reads);
    emit.pulled = reads.iter().filter(|r| r.1).map(|r| r.0).collect();
    emit.outputs = reads.iter().map(|r| r.0).collect();
    emit.late = program.graph.depends_on(&outputs.result.cotangents());
    let find_live = |emit: &mut Emit| {
        emit.find_live();
        emit.find_checked(&outputs.result);
    };
    let mut nodes = known.clone();
    let decided = emit.decide(&mut nodes, &find_live);
    emit.begin(&nodes, &decided, &find_live);
    emit.find_lists(&outputs.result);
    emit.keep_sizes(&outputs.result.asked_for(&program.graph));
    let written = emit.write_function(outputs, around);
    (!emit.cyclic).then_some(written)
}

impl<'p> Emit<'p> {
    fn new(
        program: &'p Program,
        nodes: &'p [Node],
        krate: &'p TokenStream,
        real: &'p Real,
        way: Way,
    ) -> Self {
        let count = nodes.len();
        let maps = maps::of_symbols(&program.graph);
        let leaves = program.graph.leaves.borrow();
        let leaves: HashSet<String> = leaves.iter().map(|leaf| leaf.name.to_string()).collect();
        Emit {
            program,
            nodes,
            krate,
            nalgebra: quote!(#krate::nalgebra),
            real,
            taken: program.taken.union(&leaves).cloned().collect(),
            live: vec![false; count],
            uses: vec![Vec::new(); count],
            outputs: Vec::new(),
            pulled: Ids::default(),
            late: Ids::default(),
            way,
            cyclic: false,
            mapped: maps.iter().flatten().copied().collect(),
            maps,
            in_map: false,
            of_pullback: false,
            of_derived: false,
            of_map: false,
            inline: vec![false; count],
            passes: IdMap::default(),
            numbers: HashMap::new(),
            leaves,
            parameters: HashSet::new(),
            place: None,
            indices: None,
            accumulates: vec![false; count],
            overwriting: Ids::default(),
            context: vec![0; count],
            again: IdMap::default(),
            contexts: vec![
                Context {
                    parent: 0,
                    depth: 0,
                    guards: Vec::new(),
                    group: None,
                },
                Context {
                    parent: 0,
                    depth: 1,
                    guards: Vec::new(),
                    group: None,
                },
            ],
            last_step: 0,
            first_with_tangent: None,
            ranks: 0,
            first_tangents: RefCell::default(),
            homes: IdMap::default(),
            loops_at: IdMap::default(),
            lists: IdMap::default(),
            handed_on: Ids::default(),
            views: Ids::default(),
            within_reach: Vec::new(),
            next_step: u32::MAX,
            groups: Vec::new(),
            group_of: IdMap::default(),
            forced: Ids::default(),
            anchors: Ids::default(),
            owners: IdMap::default(),
            within: Vec::new(),
            reached: Vec::new(),
            bound: IdMap::default(),
            order: Vec::new(),
            remaining: vec![0; count],
            unmovable: Ids::default(),
            awaited: IdMap::default(),
            borrowed: Ids::default(),
            taken_for_granted: Vec::new(),
            pending: Ids::default(),
            pullbacks: IdMap::default(),
            handed_out: IdMap::default(),
            mutable: Ids::default(),
            carried: Ids::default(),
            records: Ids::default(),
            kept_on_sides: IdMap::default(),
            named: Ids::default(),
            changing: Ids::default(),
            joining: Vec::new(),
            underway: Vec::new(),
            lent: Vec::new(),
            sizeless: Ids::default(),
            repeats: false,
            computed: Ids::default(),
            differentiated: HashSet::new(),
            buffers: Vec::new(),
            stores: HashMap::new(),
            new_stores: Vec::new(),
            filled_stores: HashSet::new(),
            stored: Ids::default(),
            buffered: Ids::default(),
            swapped: Ids::default(),
            out: Vec::new(),
            current: 0,
        }
    }

    /// Replaces, in these nodes, what is read of a branch where it is known which side of it was taken.
    fn decide(&self, nodes: &mut [Node], find_live: &dyn Fn(&mut Emit)) -> Vec<Decided> {
        let mut decided: Vec<Decided> = Vec::new();
        let branches = nodes.iter().filter(|node| node.op == Op::Select).count();
        if !self.way.decides || branches < 2 {
            return decided;
        }
        loop {
            let more = {
                let mut trial = self.clone();
                trial.find_places(nodes, find_live);
                trial.decided()
            };
            if more.is_empty() {
                return decided;
            }
            for known in &more {
                let node = &mut nodes[known.reader.0 as usize];
                let mut args = node.args.to_vec();
                args[known.at] = known.value;
                node.args = args.into();
            }
            decided.extend(more);
        }
    }

    /// Begins with these nodes, in which something is decided: where each value is computed, what is fused, and what gets
    /// a name.
    fn begin<'n>(&mut self, nodes: &'n [Node], decided: &[Decided], find_live: &dyn Fn(&mut Emit))
    where
        'n: 'p,
    {
        self.find_places(nodes, find_live);
        self.find_clusters();
        self.count_uses();
        self.find_read_by_steps(&self.program.steps.clone());
        self.cyclic |= !decided.iter().all(|known| self.still_holds(known));
    }

    /// Decides where each live value is computed.
    fn find_places<'n>(&mut self, nodes: &'n [Node], find_live: &dyn Fn(&mut Emit))
    where
        'n: 'p,
    {
        self.nodes = nodes;
        self.live.fill(false);
        find_live(self);
        self.find_differentiated();
        self.find_accumulations();
        self.find_changing();
        self.find_contexts();
    }

    pub(super) fn node(&self, id: Id) -> &'p Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn op(&self, id: Id) -> &'p Op {
        &self.node(id).op
    }

    pub(super) fn args(&self, id: Id) -> &'p [Id] {
        &self.node(id).args
    }

    pub(super) fn kind(&self, id: Id) -> &'p Kind {
        &self.node(id).kind
    }

    pub(super) fn shape(&self, id: Id) -> Shape {
        self.kind(id).shape.clone().unwrap_or(Shape::fixed(1, 1))
    }

    pub(super) fn is_matrix(&self, id: Id) -> bool {
        self.kind(id).is_matrix()
    }

    pub(super) fn is_dynamic(&self, id: Id) -> bool {
        let kind = self.kind(id);
        kind.is_matrix() && kind.shape.as_ref().is_some_and(Shape::is_dynamic)
    }

    pub(super) fn is_leaf(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Leaf(_) | Op::Const(_))
    }

    /// A branch of the function, on one condition for the whole value.
    pub(super) fn is_branch(&self, id: Id) -> bool {
        *self.op(id) == Op::Select && self.kind(self.args(id)[0]).shape.is_none()
    }

    /// An operation entry by entry on matrices, which may be fused with others.
    pub(super) fn is_entrywise(&self, id: Id) -> bool {
        self.is_positional(id)
            || self.op(id).is_elementwise() && self.kind(id).shape.is_some() && !self.is_branch(id)
    }

    /// A value that is computed from the place of each entry.
    pub(super) fn is_positional(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Place(_) | Op::Part(Part::Gathered(..)))
    }

    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = Id> + use<> {
        (0..self.nodes.len() as u32).map(Id)
    }
}
