//! Derivatives of loops, which are loops again.
//!
//! The tangent of a loop goes through the same iterations once more, along the tangents; the adjoint goes through them
//! from the last to the first, with the cotangents of what is carried (Griewank & Walther, "Evaluating Derivatives",
//! sections 3.2 and 4). Both read of an iteration what the loop has kept of it: as little as will do. What depends on
//! nothing that is carried is computed again, so that a loop that only adds up keeps nothing.

use super::cut::{self, Candidate};
use super::{forward, reverse};
use crate::graph::{Dim, Elem, Form, Graph, Header, Id, IdMap, Ids, Kind, Leaf, Loop, Shape};
use crate::rules::{Op, Part, Scalar};
use std::cell::RefCell;
use std::rc::Rc;

/// How the names of leaves begin that are given others when the loop is written.
const PLACEHOLDER: &str = "derived_";

/// What it costs to keep what is not to be kept.
const NEVER: u32 = u32::MAX / 4;

/// The tangent of a loop: a loop of the tangents.
pub fn tangent(graph: &Graph, id: Id, known: &[Option<Id>], needed: &[bool]) -> Option<Id> {
    let (primal, args) = (loop_of(graph, id)?, graph.args(id));
    let tangent_of = |k: usize| known[args[k].0 as usize];
    let part = |n: u32| match graph.op(Id(n)) {
        Op::Item(part) if needed[n as usize] && graph.args(Id(n))[0] == id => Some(part[0]),
        _ => None,
    };
    let wanted: Vec<usize> = (id.0 + 1..needed.len() as u32).filter_map(part).collect();
    let along: Vec<Option<Id>> = (0..args.len()).map(tangent_of).collect();
    let key = (id, wanted, along);
    if let Some(known) = graph.loops.tangents.borrow().get(&key) {
        return Some(*known);
    }
    let wanted = &key.1;
    let moving = moving(&primal, &|k| tangent_of(k).is_some());
    if !moving.contains(&true) {
        return None;
    }
    let body = &primal.body.graph;
    let mut derived = Derived::new(graph, id, &primal, primal.backwards);
    let mut tangents = Vec::new();
    for k in (0..primal.inputs.len()).filter(|k| moving[*k]) {
        let fixed = tangent_of(k).map(|t| graph.op(t));
        let tangent = match fixed.filter(|_| k >= primal.next.len()) {
            Some(Op::Const(bits)) => body.constant(f64::from_bits(bits)),
            _ => derived.leaf(primal.inputs[k], "d", ""),
        };
        tangents.push((primal.inputs[k], tangent));
    }
    let carried: Vec<usize> = (0..primal.next.len()).filter(|k| moving[*k]).collect();
    let records = primal.records.borrow().clone();
    let mut roots: Vec<Id> = carried.iter().map(|k| primal.next[*k]).collect();
    roots.extend(&records);
    let images = forward(body, &roots, &tangents);
    let leaf_of = |k: usize| {
        let found = tangents.iter().find(|t| t.0 == primal.inputs[k]);
        found.map_or(primal.inputs[k], |t| t.1)
    };
    for (at, &k) in carried.iter().enumerate() {
        let start = tangent_of(k).unwrap_or_else(|| graph.expr(args[k]).zero().id);
        let next = images[at].unwrap_or_else(|| body.expr(primal.inputs[k]).zero().id);
        derived.carry(leaf_of(k), start, next);
    }
    for k in (primal.next.len()..primal.inputs.len()).filter(|k| moving[*k]) {
        if derived.leaves.contains(&leaf_of(k)) {
            derived.read(leaf_of(k), tangent_of(k)?);
        }
    }
    let count = carried.len();
    derived.tangents = vec![None; primal.next.len() + records.len()];
    for (at, &k) in carried.iter().enumerate() {
        derived.tangents[k] = Some(at);
    }
    for (at, image) in images[count..].iter().enumerate() {
        if let Some(image) = image.filter(|_| wanted.contains(&(primal.next.len() + at))) {
            derived.tangents[primal.next.len() + at] = Some(count + derived.records.len());
            derived.records.push(image);
        }
    }
    let tangent = derived.finish();
    graph.loops.tangents.borrow_mut().insert(key, tangent);
    Some(tangent)
}

/// The tangent of a part of what a loop gives.
pub fn tangent_of_part(graph: &Graph, id: Id, known: &[Option<Id>]) -> Option<Id> {
    let node = graph.node(id);
    let Op::Item(part) = &node.op else {
        return None;
    };
    let tangent = known[node.args[0].0 as usize]?;
    let at = *loop_of(graph, tangent)?.tangents.get(part[0])?;
    Some(part_of(graph, tangent, at?, &node.kind))
}

/// What the cotangents of the parts of a loop add to those of its arguments: a loop from the last iteration to the first.
pub fn pulled_back(
    graph: &Graph,
    id: Id,
    of_parts: Vec<(Vec<usize>, Id)>,
    active: &Ids,
) -> Vec<(Id, Id)> {
    let Some(primal) = loop_of(graph, id) else {
        return Vec::new();
    };
    let (args, body, count) = (graph.args(id), &primal.body.graph, primal.next.len());
    let moving = moving(&primal, &|k| active.contains(&args[k]));
    let key = (id, of_parts.clone(), moving.clone());
    if let Some(known) = graph.loops.pulled.borrow().get(&key) {
        return known.clone();
    }
    let cotangent = |k: usize| of_parts.iter().find(|p| p.0[0] == k).map(|p| p.1);
    let records = primal.records.borrow().clone();
    let recorded: Vec<(Id, Id)> = of_parts
        .iter()
        .filter(|p| p.0[0] >= count)
        .map(|p| (records[p.0[0] - count], p.1))
        .filter(|p| is_smooth(body.kind(p.0).elem))
        .collect();
    // The others have cotangents zero in every iteration.
    let mut carried: Vec<usize> = (0..count)
        .filter(|k| moving[*k] && cotangent(*k).is_some())
        .collect();
    loop {
        let roots = carried.iter().map(|k| primal.next[*k]);
        let roots: Vec<Id> = roots.chain(recorded.iter().map(|r| r.0)).collect();
        let needed = body.needed_by(&roots);
        let more = (0..count)
            .find(|k| moving[*k] && !carried.contains(k) && needed[primal.inputs[*k].0 as usize]);
        match more {
            Some(k) => carried.push(k),
            None => break,
        }
    }
    carried.sort_unstable();
    let starts: IdMap<Id> = carried
        .iter()
        .map(|&k| {
            let start = cotangent(k).unwrap_or_else(|| zero_of_part(graph, id, k, args[k]));
            (primal.inputs[k], start)
        })
        .collect();
    let wrt: Vec<usize> = (0..primal.inputs.len()).filter(|k| moving[*k]).collect();
    let sources: Vec<Id> = wrt.iter().map(|k| primal.inputs[*k]).collect();
    // The cotangent of what is only added to is the same in all iterations.
    let roots = carried.iter().map(|k| primal.next[*k]);
    let roots: Vec<Id> = roots.chain(recorded.iter().map(|r| r.0)).collect();
    let fixed: Vec<usize> = carried
        .iter()
        .copied()
        .filter(|k| primal.adds_up(*k, &roots))
        .collect();
    let mut derived = Derived::new(graph, id, &primal, !primal.backwards);
    let mut seeds = Vec::new();
    for &k in &carried {
        let seed = match graph.op(starts[&primal.inputs[k]]) {
            Op::Const(bits) if fixed.contains(&k) => body.constant(f64::from_bits(bits)),
            _ => derived.leaf(primal.inputs[k], "", "_bar"),
        };
        seeds.push((primal.next[k], seed));
    }
    for (value, cotangents) in &recorded {
        let leaf = derived.leaf(*value, "", "_bar");
        derived.read(leaf, *cotangents);
        seeds.push((*value, leaf));
    }
    // What the iterations add to the cotangents of what all of them read.
    let mut totals = IdMap::default();
    for &k in wrt.iter().filter(|k| **k >= count) {
        if graph.kind(args[k]).elem != Elem::Records {
            totals.insert(primal.inputs[k], derived.leaf(primal.inputs[k], "", "_bar"));
        }
    }
    let begun = totals.iter().map(|(input, total)| (*input, *total));
    let seeded: Vec<(Id, Id)> = seeds.iter().copied().chain(begun).collect();
    let images = reverse(body, &seeded, &sources);
    let image = |k: usize| wrt.iter().position(|w| *w == k).and_then(|at| images[at]);
    let factored = Factored::new(&primal, &images);
    let mut found = Vec::new();
    for (at, &k) in carried.iter().enumerate() {
        let (start, seed) = (starts[&primal.inputs[k]], seeds[at].1);
        if fixed.contains(&k) {
            if derived.leaves.contains(&seed) {
                derived.read(seed, start);
            }
            found.push((args[k], Place::Outside(start)));
            continue;
        }
        let next = image(k).unwrap_or_else(|| body.expr(primal.inputs[k]).zero().id);
        let place = Place::Carried(derived.carry(seed, start, next));
        found.push((args[k], place));
    }
    for &k in wrt.iter().filter(|k| **k >= count) {
        let Some(image) = image(k) else { continue };
        if graph.kind(args[k]).elem == Elem::Records {
            found.push((args[k], Place::Recorded(derived.records.len())));
            derived.records.push(image);
            continue;
        }
        let total = totals[&primal.inputs[k]];
        let mut products = Vec::new();
        let image = factored.without_products(image, false, &mut products);
        for product in products {
            let leaf = derived.leaf(product.named, "", "_sum");
            let next = (body.expr(leaf) + body.expr(product.vector)).id;
            let start = graph.expr(product.zero(graph, &args)).id;
            let at = derived.carry(leaf, start, next);
            found.push((args[k], Place::Product(at, product)));
        }
        if image == total {
            continue;
        }
        let start = graph.expr(args[k]).zero().id;
        let at = derived.carry(total, start, image);
        derived.sums.push(at);
        found.push((args[k], Place::Carried(at)));
    }
    let count = derived.carried.len();
    let pulled = derived.finish();
    let found = found.into_iter().map(|(arg, place)| {
        let part = |at: usize| part_of(graph, pulled, at, &graph.kind(arg));
        let cotangent = match place {
            Place::Carried(at) => part(at),
            Place::Recorded(at) => part(count + at),
            Place::Outside(cotangent) => cotangent,
            Place::Product(at, product) => {
                let sum = part_of(graph, pulled, at, &product.kind(graph, &args));
                let guards = graph.guards.replace(graph.node(id).guards);
                let cotangent = product.taken_of(graph, sum, &args, arg);
                graph.guards.replace(guards);
                cotangent
            }
        };
        (arg, cotangent)
    });
    let found: Vec<(Id, Id)> = found.collect();
    graph.loops.pulled.borrow_mut().insert(key, found.clone());
    found
}

/// Where a cotangent is found: after the last iteration of a loop, for every one, or outside of it.
enum Place {
    /// Of what is summed there a product is taken after the loop.
    Product(usize, Product),
    Carried(usize),
    Recorded(usize),
    Outside(Id),
}

/// Σ sᵢ A vᵢ is A Σ sᵢ vᵢ: a product with a matrix that is the same in all iterations is taken once, after them.
struct Product {
    transposed: bool,
    /// The number of the matrix among what the loop reads.
    matrix: usize,
    /// What is summed, sᵢ vᵢ, and vᵢ.
    vector: Id,
    named: Id,
    /// Where in the cotangent it is added: a part, at places that are the same in all iterations.
    part: Option<(Part, Vec<At>)>,
}

/// A place that is the same in all iterations: something read, by its number, or an integer.
enum At {
    Read(usize),
    Integer(usize),
}

impl Product {
    fn shape(&self, graph: &Graph, args: &[Id]) -> Option<Shape> {
        let matrix = graph.shape(args[self.matrix])?;
        let rows = if self.transposed {
            matrix.rows
        } else {
            matrix.cols
        };
        Some(Shape::new(rows, Dim::Static(1)))
    }

    fn kind(&self, graph: &Graph, args: &[Id]) -> Kind {
        Kind {
            elem: Elem::Real,
            shape: self.shape(graph, args),
        }
    }

    fn zero(&self, graph: &Graph, args: &[Id]) -> Id {
        let zero = graph.expr(graph.constant(0.0));
        zero.fill(self.shape(graph, args)).id
    }

    fn taken_of(&self, graph: &Graph, sum: Id, args: &[Id], whole: Id) -> Id {
        let matrix = graph.expr(args[self.matrix]);
        let matrix = if self.transposed { matrix.t() } else { matrix };
        let product = matrix.times(graph.expr(sum));
        let Some((part, at)) = &self.part else {
            return product.id;
        };
        let at = at.iter().map(|at| match at {
            At::Read(number) => graph.expr(args[*number]),
            At::Integer(n) => graph.integer(*n),
        });
        let at: Vec<_> = at.collect();
        product.scatter(part, graph.shape(whole), &at).id
    }
}

/// The terms of sums in the body of a loop.
struct Factored<'g> {
    primal: &'g Loop,
    body: &'g Graph,
    /// How many values read each.
    readers: Vec<usize>,
}

impl<'g> Factored<'g> {
    fn new(primal: &'g Loop, images: &[Option<Id>]) -> Self {
        let body = &primal.body.graph;
        let roots: Vec<Id> = images.iter().copied().flatten().collect();
        let needed = body.needed_by(&roots);
        let mut readers = vec![0; body.count() as usize];
        for id in (0..body.count()).map(Id).filter(|id| needed[id.0 as usize]) {
            body.args(id)
                .iter()
                .for_each(|arg| readers[arg.0 as usize] += 1);
        }
        Factored {
            primal,
            body,
            readers,
        }
    }

    /// The sum without the terms that are such products, which come beside it.
    fn without_products(&self, id: Id, negative: bool, into: &mut Vec<Product>) -> Id {
        let args = self.body.args(id);
        let (Op::Scalar(op @ (Scalar::Add | Scalar::Sub)), [a, b]) = (self.body.op(id), &args[..])
        else {
            return id;
        };
        let is_sum = op == Scalar::Add;
        if let Some(product) = self.product(*b, negative == is_sum) {
            into.push(product);
            return self.without_products(*a, negative, into);
        }
        if let Some(product) = self.product(*a, negative).filter(|_| is_sum) {
            into.push(product);
            return self.without_products(*b, negative, into);
        }
        let rest = self.without_products(*a, negative, into);
        let other = if is_sum {
            self.without_products(*b, negative, into)
        } else {
            *b
        };
        if (rest, other) == (*a, *b) {
            return id;
        }
        let (rest, other) = (self.body.expr(rest), self.body.expr(other));
        if is_sum {
            (rest + other).id
        } else {
            (rest - other).id
        }
    }

    /// What is read, and the same in all iterations.
    fn read(&self, id: Id) -> Option<usize> {
        let at = self.primal.inputs.iter().position(|input| *input == id)?;
        let whole = self.body.kind(id).elem != Elem::Records;
        (at >= self.primal.next.len() && whole).then_some(at)
    }

    fn product(&self, term: Id, negative: bool) -> Option<Product> {
        let once = |id: Id| self.readers[id.0 as usize] == 1;
        let args = self.body.args(term);
        let (part, inner) = match self.body.op(term) {
            Op::Scatter(part) if part.is_view() && once(args[0]) => {
                let at = args[1..].iter().map(|at| {
                    let integer = || self.body.integer_value(*at).map(At::Integer);
                    self.read(*at).map(At::Read).or_else(integer)
                });
                (Some((part, at.collect::<Option<Vec<_>>>()?)), args[0])
            }
            _ => (None, term),
        };
        let args = self.body.args(inner);
        let (inner, negative) = match self.body.op(inner) {
            Op::Scalar(Scalar::Neg) => (args[0], !negative),
            _ => (inner, negative),
        };
        let args = self.body.args(inner);
        let (factor, product) = match (self.body.op(inner), &args[..]) {
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.body.is_matrix(*a) => (Some(*a), *b),
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.body.is_matrix(*b) => (Some(*b), *a),
            _ => (None, inner),
        };
        let args = self.body.args(product);
        let transposed = match self.body.op(product) {
            Op::TrMul => true,
            Op::MatMul => false,
            _ => return None,
        };
        let (matrix, named) = (self.read(args[0])?, args[1]);
        if !once(product) || !self.body.shape(named)?.is_column() || self.read(named).is_some() {
            return None;
        }
        let mut vector = self.body.expr(named);
        if let Some(factor) = factor {
            vector = self.body.expr(factor) * vector;
        }
        let vector = if negative { -vector } else { vector }.id;
        Some(Product {
            transposed,
            matrix,
            vector,
            named,
            part,
        })
    }
}

/// What is added up, after sums of loops have begun with another term, a total, instead of zero. Only those may that are
/// read nowhere else, which are `own`.
pub fn continued(graph: &Graph, mut values: Vec<Id>, own: &[Id]) -> Vec<Id> {
    while let Some(total) = continue_sum(graph, &values, own) {
        values.remove(total);
    }
    values
}

/// The place of a total with which the sum of a loop has been made to begin.
fn continue_sum(graph: &Graph, values: &[Id], own: &[Id]) -> Option<usize> {
    // What a derived loop has added up: the loop, and its number among what is carried.
    let sum_of = |id: Id| match (graph.op(id), graph.args(id).first()) {
        (Op::Item(part), Some(of)) => {
            let at = *part.first()?;
            let sums = loop_of(graph, *of).is_some_and(|inner| inner.sums.contains(&at));
            sums.then_some((*of, at))
        }
        _ => None,
    };
    let is_total = |id: Id| {
        let leaf = graph.leaf_of(id);
        leaf.is_some_and(|leaf| leaf.name.to_string().starts_with(PLACEHOLDER))
    };
    let total = values.iter().position(|v| is_total(*v));
    let total = total.or_else(|| values.iter().position(|v| sum_of(*v).is_some()))?;
    let guards = &graph.node(values[total]).guards;
    let added = own.iter().find(|v| {
        let Some((of, at)) = sum_of(**v) else {
            return false;
        };
        let start = graph.args(of)[at];
        let around = graph.node(of).guards;
        values.iter().filter(|other| other == v).count() == 1
            && values[total] < of
            && graph.expr(start).is_zero()
            && guards.iter().all(|guard| around.contains(guard))
    })?;
    let (of, at) = sum_of(*added)?;
    graph.set_argument(of, at, values[total]);
    // It is no sum on its own any more.
    let mut known = graph.loops.pulled.borrow_mut();
    known.retain(|_, found| !found.iter().any(|f| f.1 == *added));
    Some(total)
}

fn loop_of(graph: &Graph, id: Id) -> Option<Rc<Loop>> {
    match graph.op(id) {
        Op::Loop(number) => Some(graph.loops.get(number)),
        _ => None,
    }
}

/// The loop of the user's that a loop was derived from, or that itself.
fn first_of(graph: &Graph, derived: &Rc<Loop>) -> Option<(Id, Rc<Loop>)> {
    let ids = (0..graph.count()).map(Id);
    let mut loops = ids.filter_map(|id| Some((id, loop_of(graph, id)?)));
    loops.find(|(_, other)| Rc::ptr_eq(&other.body, &derived.body))
}

/// A part of what a loop gives, of the kind of another value, as a number or a matrix.
fn part_of(graph: &Graph, of: Id, at: usize, like: &Kind) -> Id {
    let known = (of.0 + 1..graph.count())
        .map(Id)
        .find(|id| graph.op(*id) == Op::Item(vec![at]) && graph.args(*id)[0] == of);
    known.unwrap_or_else(|| {
        let mut kind = like.clone();
        if kind.elem == Elem::Factor {
            kind.elem = Elem::Real;
        }
        graph.item(of, vec![at], kind)
    })
}

/// Zero, of the shape of the last value of what is carried.
fn zero_of_part(graph: &Graph, id: Id, k: usize, start: Id) -> Id {
    match graph.shape(start) {
        Some(shape) if shape.is_dynamic() => {
            let last = part_of(graph, id, k, &graph.kind(start));
            graph.expr(last).zero().id
        }
        _ => graph.expr(start).zero().id,
    }
}

/// Whether a value has a tangent.
fn is_smooth(elem: Elem) -> bool {
    matches!(elem, Elem::Real | Elem::Factor | Elem::Records)
}

/// Which inputs move, given those arguments that do: what is carried moves with all that its next value depends on.
fn moving(primal: &Loop, given: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let body = &primal.body.graph;
    let smooth = |k: usize| is_smooth(body.kind(primal.inputs[k]).elem);
    let mut moving: Vec<bool> = (0..primal.inputs.len())
        .map(|k| smooth(k) && given(k))
        .collect();
    loop {
        let sources = (0..moving.len()).filter(|k| moving[*k]);
        let sources: Vec<Id> = sources.map(|k| primal.inputs[k]).collect();
        let depends = body.depends_on(&sources);
        let more = (0..primal.next.len())
            .find(|k| !moving[*k] && smooth(*k) && depends.contains(&primal.next[*k]));
        match more {
            Some(k) => moving[k] = true,
            None => return moving,
        }
    }
}

/// A loop that is being made of an earlier one.
struct Derived<'g> {
    graph: &'g Graph,
    primal_id: Id,
    primal: &'g Rc<Loop>,
    backwards: bool,
    /// What is carried: the leaf, the first and the next value.
    carried: Vec<(Id, Id, Id)>,
    /// What is read: in the body, and outside.
    reads: Vec<(Id, Id)>,
    records: Vec<Id>,
    tangents: Vec<Option<usize>>,
    /// What is carried and only added to.
    sums: Vec<usize>,
    /// Its own leaves: what depends on them is computed in it.
    leaves: Vec<Id>,
}

impl<'g> Derived<'g> {
    fn new(graph: &'g Graph, primal_id: Id, primal: &'g Rc<Loop>, backwards: bool) -> Self {
        Derived {
            graph,
            primal_id,
            primal,
            backwards,
            carried: Vec::new(),
            reads: Vec::new(),
            records: Vec::new(),
            tangents: Vec::new(),
            sums: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// A leaf for a tangent or a cotangent of a value.
    fn leaf(&mut self, of: Id, before: &str, after: &str) -> Id {
        let body = &self.primal.body.graph;
        let hint = body.hints.borrow().get(&of).cloned();
        let wish = super::name_of(body, of).or(hint);
        let wish = wish.filter(|wish| !wish.starts_with(PLACEHOLDER));
        let wish = format!("{before}{}{after}", wish.as_deref().unwrap_or("t"));
        // Each loop that is made of this body gives it a name.
        let name = quote::format_ident!("{PLACEHOLDER}{}", body.count());
        let leaf = body.leaf(Leaf {
            name: quote::quote!(#name),
            kind: match body.kind(of) {
                Kind {
                    elem: Elem::Factor,
                    shape,
                } => Kind {
                    elem: Elem::Real,
                    shape,
                },
                kind => kind,
            },
            form: Form::Owned,
            varies: true,
        });
        // What was kept on one side of a branch has a derivative there only.
        body.keep_on_side(leaf, body.node(of).guards);
        body.hints.borrow_mut().insert(leaf, wish);
        self.leaves.push(leaf);
        leaf
    }

    /// Its place among what is carried.
    fn carry(&mut self, leaf: Id, start: Id, next: Id) -> usize {
        self.carried.push((leaf, start, next));
        self.carried.len() - 1
    }

    fn read(&mut self, leaf: Id, value: Id) {
        self.reads.push((leaf, value));
    }

    /// The node of the loop.
    fn finish(self) -> Id {
        let (graph, primal) = (self.graph, self.primal);
        let body = &primal.body.graph;
        let repeats = !primal.may_be_left() && primal.repeats();
        let (first_id, first) = first_of(graph, primal).unwrap_or((self.primal_id, primal.clone()));
        let mut kept = Kept::new((primal, &first), body.depends_on(&self.leaves), repeats);
        let next = self.carried.iter().map(|c| c.2);
        let roots: Vec<Id> = next.chain(self.records.iter().copied()).collect();
        kept.find(&roots, &self.leaves);
        let header = if repeats {
            primal.header.clone()
        } else {
            Header::Recorded
        };
        let args = graph.args(self.primal_id);
        let mut reads = self.reads;
        for (k, input) in primal.inputs.iter().enumerate() {
            if kept.read.remove(input) {
                reads.push((*input, args[k]));
            }
        }
        let of_first = graph.args(first_id);
        for (k, input) in first.inputs.iter().enumerate() {
            if kept.read.contains(input) {
                reads.push((*input, of_first[k]));
            }
        }
        let is_record = |id: Id| graph.kind(id).elem == Elem::Records;
        if !repeats && kept.recorded.is_empty() && !reads.iter().any(|r| is_record(r.1)) {
            // How often, at least: as often as the first loop of all, which depends on no tangent.
            let among = primal.inputs.iter().zip(&args[..]).skip(primal.next.len());
            match among.filter(|r| is_record(*r.1)).min_by_key(|r| *r.1) {
                Some((input, record)) => reads.push((*input, *record)),
                None => {
                    // The same for all that count, and nothing that is absent for a call.
                    let is_count = |id: &Id| body.op(*id) == Op::Absent;
                    let known = first.records.borrow().iter().copied().find(is_count);
                    let new = || body.insert_apart(Op::Absent, Vec::new(), Kind::OPAQUE);
                    kept.recorded.push(known.unwrap_or_else(new));
                }
            }
        }
        for value in std::mem::take(&mut kept.recorded) {
            let (of, at) = match kept.is_there(value) {
                true => (self.primal_id, primal.record(value)),
                false => (first_id, first.record(value)),
            };
            reads.push((value, graph.item(of, vec![at], Kind::RECORDS)));
        }
        let inputs = self.carried.iter().map(|c| c.0);
        let inputs: Vec<Id> = inputs.chain(reads.iter().map(|r| r.0)).collect();
        let starts = self.carried.iter().map(|c| c.1);
        let mut values: Vec<Id> = starts.chain(reads.iter().map(|r| r.1)).collect();
        // What the range is made of keeps its name.
        if repeats {
            values.extend(&args[primal.inputs.len()..]);
        }
        let number = graph.loops.add(Loop {
            header,
            body: primal.body.clone(),
            inputs,
            next: self.carried.iter().map(|c| c.2).collect(),
            exit: None,
            records: RefCell::new(self.records),
            backwards: self.backwards,
            recomputed: false,
            tangents: self.tangents,
            sums: self.sums,
        });
        let guards = graph.guards.replace(graph.node(self.primal_id).guards);
        let id = graph.insert_apart(Op::Loop(number), values, Kind::OPAQUE);
        graph.guards.replace(guards);
        id
    }
}

/// What a derived loop needs to know of an iteration of the first one.
struct Kept<'g> {
    primal: &'g Loop,
    /// The loop of the user's that all loops of this body are derived from.
    first: &'g Loop,
    body: &'g Graph,
    /// What the derivatives of that one are computed from besides: it cannot compute that.
    derived: Ids,
    there: IdMap<bool>,
    /// What depends on the leaves of the derived loop.
    own: Ids,
    /// Whether the range is gone through again.
    repeats: bool,
    free: IdMap<bool>,
    /// What is kept of every iteration.
    recorded: Vec<Id>,
    /// The inputs of the first loop that are read.
    read: Ids,
}

impl<'g> Kept<'g> {
    fn new((primal, first): (&'g Loop, &'g Loop), own: Ids, repeats: bool) -> Self {
        let body = &primal.body.graph;
        let placeholder = |id: &Id| {
            let leaf = body.leaf_of(*id);
            leaf.is_some_and(|leaf| leaf.name.to_string().starts_with(PLACEHOLDER))
        };
        let leaves: Vec<Id> = (0..body.count()).map(Id).filter(placeholder).collect();
        Kept {
            primal,
            first,
            body,
            derived: body.depends_on(&leaves),
            there: IdMap::default(),
            own,
            repeats,
            free: IdMap::default(),
            recorded: Vec::new(),
            read: Ids::default(),
        }
    }

    /// Decides what is kept, and what is computed again.
    fn find(&mut self, roots: &[Id], leaves: &[Id]) {
        let mut pending = roots.to_vec();
        let (mut seen, mut frontier) = (Ids::default(), Vec::new());
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.own.contains(&id) {
                if !leaves.contains(&id) {
                    pending.extend(self.needs(id));
                }
            } else if !leaves.contains(&id) {
                frontier.push(id);
            }
        }
        // A call is made again, for its derivatives.
        let mut wanted = Vec::new();
        while let Some(id) = frontier.pop() {
            match self.body.op(id) {
                op if op.is_call() => frontier.extend(self.body.args(id).iter()),
                Op::Absent => {}
                _ => wanted.push(id),
            }
        }
        self.recorded = self.least_cut(&wanted);
        for id in wanted {
            self.reads_of(id);
        }
    }

    /// The cheapest values to be kept such that all that is wanted can be computed from them quickly.
    fn least_cut(&mut self, wanted: &[Id]) -> Vec<Id> {
        let (mut found, mut pending) = (Vec::new(), wanted.to_vec());
        while let Some(id) = pending.pop() {
            if self.is_free(id) || found.contains(&id) {
                continue;
            }
            found.push(id);
            if self.is_quick(id) || self.derived.contains(&id) && !self.is_there(id) {
                pending.extend(self.needs(id));
            }
        }
        found.sort();
        let candidates = found.iter().map(|id| {
            // What neither loop can compute is computed of parts of it that they can.
            let nowhere = self.derived.contains(id) && !self.is_there(*id);
            let quick = self.is_quick(*id) || nowhere;
            let needs = if quick { self.needs(*id) } else { Vec::new() };
            Candidate {
                cost: if nowhere { NEVER } else { self.cost(*id) },
                from: needs
                    .iter()
                    .filter_map(|n| found.binary_search(n).ok())
                    .collect(),
                is_source: !quick,
                is_wanted: wanted.contains(id),
            }
        });
        let candidates: Vec<Candidate> = candidates.collect();
        cut::least(&candidates)
            .into_iter()
            .map(|k| found[k])
            .collect()
    }

    /// Whether the loop that is differentiated can compute a value: what it does not read, it does not have.
    fn is_there(&mut self, id: Id) -> bool {
        if let Some(known) = self.there.get(&id) {
            return *known;
        }
        let there = match self.body.op(id) {
            _ if self.primal.inputs.contains(&id) => true,
            _ if std::ptr::eq(self.primal, self.first) => true,
            Op::Leaf(_) => match (&self.primal.header, self.primal.body.pin_of(id)) {
                (Header::Range { index, .. }, _) if *index == id => true,
                (_, Some(reads)) => reads.into_iter().all(|read| self.is_there(read)),
                _ => false,
            },
            _ => self.needs(id).into_iter().all(|need| self.is_there(need)),
        };
        self.there.insert(id, there);
        there
    }

    /// Whether a value is quickly computed again.
    fn is_quick(&self, id: Id) -> bool {
        let quick = matches!(
            self.body.op(id),
            Op::Scalar(
                Scalar::Add
                    | Scalar::Sub
                    | Scalar::Mul
                    | Scalar::Div
                    | Scalar::Neg
                    | Scalar::Recip
                    | Scalar::RecipOrZero
                    | Scalar::Sign
                    | Scalar::Abs
                    | Scalar::Max
                    | Scalar::Min
            ) | Op::PowI(-4..=4)
                | Op::Compare(_)
                | Op::And
                | Op::Or
                | Op::Not
                | Op::Transpose
                | Op::Part(_)
                | Op::Size(_)
        );
        // A call is made again, for its derivatives; where the element of a list is, its index says.
        let again = self.body.op(id).is_call() || self.body.elements.borrow().contains_key(&id);
        let quick = quick || again || self.expands(id) || self.is_recomputed(id);
        quick && !self.primal.inputs.contains(&id)
    }

    /// Whether a value is larger than what it is computed from, so that reading it would take as long as computing it.
    fn expands(&self, id: Id) -> bool {
        let args = self.body.args(id);
        let known = args.iter().all(|arg| !self.body.op(*arg).is_opaque());
        let read: u32 = args.iter().map(|arg| self.size(*arg)).sum();
        known && !args.is_empty() && self.size(id) > read
    }

    /// How many numbers there are in a value; what is dynamic is taken for larger than most that is static, and a matrix
    /// for larger than its columns.
    fn size(&self, id: Id) -> u32 {
        let extent = |dim: &Dim| match dim {
            Dim::Static(n) => (*n).min(1000) as u32,
            _ => 100,
        };
        let shape = self.body.shape(id);
        shape.map_or(1, |shape| extent(&shape.rows) * extent(&shape.cols))
    }

    /// Whether a value is a segment of a loop with checkpoints, or what that gives.
    fn is_recomputed(&self, id: Id) -> bool {
        let of = match self.body.op(id) {
            Op::Item(_) => self.body.args(id)[0],
            _ => id,
        };
        loop_of(self.body, of).is_some_and(|of| of.recomputed)
    }

    /// What it costs to keep a value.
    fn cost(&self, id: Id) -> u32 {
        let placed = self.body.elements.borrow().contains_key(&id);
        if placed || self.is_recomputed(id) || self.body.op(id).is_call() {
            return NEVER;
        }
        // Rather what is transposed: a product takes it as it is.
        let transposed = u32::from(self.body.op(id) == Op::Transpose);
        transposed
            + match self.body.kind(id).elem {
                Elem::Bool | Elem::Int | Elem::Inert => 1,
                _ => 2 * self.size(id),
            }
    }

    /// What a value is computed from: its arguments, the conditions under which it is, and what its size is read from.
    fn needs(&self, id: Id) -> Vec<Id> {
        let node = self.body.node(id);
        let mut needs = node.args.to_vec();
        needs.extend(node.guards.iter().map(|g| g.cond));
        needs.extend(self.body.elements.borrow().get(&id));
        let sized = matches!(
            node.op,
            Op::Size(_)
                | Op::Fill
                | Op::Identity
                | Op::SpreadRows
                | Op::SpreadColumns
                | Op::Reshape
                | Op::FromDiagonal
                | Op::Place(_)
                | Op::Part(Part::Gathered(..))
                | Op::Build
        );
        let sources = match &node.op {
            _ if sized => self.body.sizes_of(id),
            // What is added to has its size; how much is added is counted.
            Op::Scatter(Part::Gathered(shape, _)) => self.body.sources_of_shape(shape),
            _ => Vec::new(),
        };
        // The size of what is carried is that of its tangent or cotangent.
        let carried = |of: &Loop, id: &Id| of.inputs[..of.next.len()].contains(id);
        let known = |s: &Id| !carried(self.primal, s) && !carried(self.first, s);
        needs.extend(sources.into_iter().filter(known));
        needs
    }

    /// Whether a value is the same whatever is carried, so that it can be computed again without a record.
    fn is_free(&mut self, id: Id) -> bool {
        if let Some(known) = self.free.get(&id) {
            return *known;
        }
        let free = match self.body.op(id) {
            Op::Const(_) => true,
            Op::Leaf(_) => self.is_free_leaf(id),
            _ if self.primal.inputs.contains(&id) => self.is_free_leaf(id),
            Op::Loop(_) => false,
            _ => self.needs(id).into_iter().all(|arg| self.is_free(arg)),
        };
        self.free.insert(id, free);
        free
    }

    fn is_free_leaf(&mut self, id: Id) -> bool {
        if let Some(at) = self.primal.inputs.iter().position(|i| *i == id) {
            return at >= self.primal.next.len();
        }
        if self.body.integer_value(id).is_some() || self.is_read_by_first(id) {
            return true;
        }
        // Where the element of a list begins is known from its index.
        let index = self.body.elements.borrow().get(&id).copied();
        if let Some(index) = index {
            return self.is_free(index);
        }
        match self.primal.header {
            Header::Range { index, .. } if index == id => self.repeats,
            _ => self
                .primal
                .body
                .pin_of(id)
                .is_some_and(|reads| self.repeats && reads.iter().all(|r| self.is_free(*r))),
        }
    }

    /// Whether this is the same in all iterations of the first loop.
    fn is_read_by_first(&self, id: Id) -> bool {
        self.first.inputs[self.first.next.len()..].contains(&id)
    }

    /// Notes the inputs that are read.
    fn reads_of(&mut self, id: Id) {
        let mut pending = vec![id];
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            if self.recorded.contains(&id) || !seen.insert(id) {
                continue;
            }
            if self.primal.inputs.contains(&id) || self.is_read_by_first(id) {
                self.read.insert(id);
                continue;
            }
            pending.extend(self.needs(id));
            pending.extend(self.primal.body.pin_of(id).unwrap_or_default());
        }
    }
}
