//! Derivatives through the calls of other functions, whose own companions are the law.
//!
//! A function y = f(x) with companions gives its value, its tangent J ẋ and its pulled-back cotangent Jᵀ ȳ. The last
//! depends on x as well; its tangent, and by the symmetry of second derivatives every other derivative of second
//! order, is one more companion's: (x, ẋ, ȳ, dȳ) ↦ d(Jᵀ ȳ).
//!
//! Beyond that, these derivatives are functions with companions of their own: x, ẋ ↦ J ẋ, and x, ẋ, ȳ, dȳ ↦ d(Jᵀ ȳ).

use crate::graph::{Argument, Derived, Graph, Id, Ids, Kind};
use crate::rules::Op;
use crate::ty::Passing;

/// Where the gradient by an argument of a call is in the tuple of all, among which are inert ones.
pub fn position(graph: &Graph, call: Id, at: usize) -> Vec<usize> {
    let Op::Call(number) = graph.op(call) else {
        return vec![at];
    };
    let values = graph.calls.borrow()[number].values();
    let found = values.into_iter().find(|(found, _)| *found == at);
    found.map_or_else(|| vec![at], |(_, path)| path)
}

fn absent(graph: &Graph) -> Id {
    graph.insert(Op::Absent, Vec::new(), Kind::OPAQUE)
}

/// A part of what a call, or a derivative of one, returns.
fn item(graph: &Graph, of: Id, part: Vec<usize>, kind: Kind) -> Id {
    graph.insert(Op::Item(part), vec![of], kind)
}

/// A derivative of a call as the call of a function of its own, if there is one for it.
fn derived(graph: &Graph, id: Id) -> Option<Id> {
    let node = graph.node(id);
    let (kind, call, tangents, cotangents) = match &node.op {
        Op::CallTangent => (
            Derived::Pushed,
            node.args[0],
            node.args[1..].to_vec(),
            &[][..],
        ),
        // Of what returns one number or matrix.
        Op::CallAdjointTangent(parts) if parts[..] == [Vec::new()] => {
            let call = node.args[0];
            let tangents = match graph.op(node.args[1]) {
                Op::CallTangent => graph.args(node.args[1])[1..].to_vec(),
                _ => vec![absent(graph); graph.args(call).len()],
            };
            (Derived::Second, call, tangents, &node.args[2..])
        }
        _ => return None,
    };
    let Op::Call(number) = graph.op(call) else {
        return None;
    };
    let mut made = graph.calls.borrow()[number].clone();
    let simple =
        |argument: &Argument| !matches!(argument, Argument::Whole { .. } | Argument::Tuple { .. });
    if made.derived.is_some()
        || !made.arguments.iter().all(simple)
        || graph.called_lists.borrow().contains(&call)
    {
        return None;
    }
    graph.derived.set(true);
    let mut args = graph.args(call).to_vec();
    let zero_or = |id: Id, like: Id| match graph.op(id) {
        Op::Absent => graph.expr(like).zero().id,
        _ => id,
    };
    let places = made.arguments.len();
    for argument in made.arguments.clone() {
        if let Argument::Value {
            at,
            passing,
            copied,
        } = argument
        {
            let at_tangent = args.len();
            args.push(zero_or(tangents[at], args[at]));
            made.arguments.push(Argument::Value {
                at: at_tangent,
                passing,
                copied,
            });
        }
    }
    for cotangent in cotangents {
        made.arguments.push(Argument::Value {
            at: args.len(),
            passing: Passing::Owned,
            copied: false,
        });
        args.push(zero_or(*cotangent, cotangents[0]));
    }
    made.derived = Some((number, kind));
    let known = graph
        .calls
        .borrow()
        .iter()
        .position(|c| c.derived == made.derived);
    let number = known.unwrap_or_else(|| {
        graph.calls.borrow_mut().push(made);
        graph.calls.borrow().len() - 1
    });
    let made = graph.insert(Op::Call(number), args, Kind::OPAQUE);
    let mut arities = graph.arities.borrow_mut();
    match kind {
        Derived::Second => {
            arities.insert((made, Vec::new()), places);
        }
        Derived::Pushed => {
            let of_call = arities.iter().filter(|((of, _), _)| *of == call);
            let of_made: Vec<_> = of_call
                .map(|((_, part), n)| ((made, part.clone()), *n))
                .collect();
            arities.extend(of_made);
        }
    }
    Some(made)
}

/// The tangent of a call or of one of its derivatives; what would need more derivatives than there are is noted.
pub fn tangent(graph: &Graph, id: Id, known: &[Option<Id>]) -> Option<Id> {
    let node = graph.node(id);
    let tangents: Vec<Option<Id>> = node.args.iter().map(|a| known[a.0 as usize]).collect();
    if tangents.iter().all(Option::is_none) {
        return None;
    }
    let given = |t: &Option<Id>| t.unwrap_or_else(|| absent(graph));
    let (op, args): (Op, Vec<Id>) = match node.op {
        Op::Item(_) => {
            return tangents[0].map(|of| graph.insert(node.op, vec![of], node.kind));
        }
        // Whether there is a value does not move.
        Op::Call(number) if graph.calls.borrow()[number].is_attempt() => return None,
        Op::Call(_) => (
            Op::CallTangent,
            [id].into_iter().chain(tangents.iter().map(given)).collect(),
        ),
        // [call, ȳ…] to [call, its tangent, ȳ…, dȳ…]
        Op::CallAdjoint(parts) => {
            let mut args = vec![node.args[0], given(&tangents[0])];
            args.extend(&node.args[1..]);
            args.extend(tangents[1..].iter().map(given));
            (Op::CallAdjointTangent(parts), args)
        }
        _ => {
            let Some(made) = derived(graph, id) else {
                graph.beyond.set(true);
                return None;
            };
            let args = graph.args(made);
            let moving = args
                .iter()
                .map(|arg| known.get(arg.0 as usize).copied().flatten());
            let args = [made].into_iter().chain(moving.map(|t| given(&t)));
            (Op::CallTangent, args.collect())
        }
    };
    Some(graph.insert(op, args, Kind::OPAQUE))
}

/// What the cotangents of the parts of an opaque value add to those of its arguments.
pub fn pulled_back(
    graph: &Graph,
    id: Id,
    of_parts: Vec<(Vec<usize>, Id)>,
    active: &Ids,
) -> Vec<(Id, Id)> {
    let node = graph.node(id);
    let is_active = |arg: &Id| active.contains(arg);
    let (parts, cotangents): (Vec<Vec<usize>>, Vec<Id>) = of_parts.into_iter().unzip();
    // The cotangents of the arguments of a call, of what gives them all.
    let arguments = |call: Id, of: Id| -> Vec<(Id, Id)> {
        let args = graph.args(call);
        let given = |arg: &Id| is_active(arg) && graph.kind(*arg) != Kind::OPAQUE;
        let wanted = args.iter().enumerate().filter(|(_, arg)| given(arg));
        wanted
            .map(|(k, arg)| {
                let part = position(graph, call, k);
                (*arg, item(graph, of, part, graph.kind(*arg)))
            })
            .collect()
    };
    let with = |op: Op, args: &[&[Id]]| graph.insert(op, args.concat(), Kind::OPAQUE);
    let none = |count: usize| vec![absent(graph); count];
    match &node.op {
        Op::Call(_) => {
            let adjoint = with(Op::CallAdjoint(parts), &[&[id], &cotangents]);
            arguments(id, adjoint)
        }
        Op::CallTangent => {
            let call = node.args[0];
            let adjoint = with(Op::CallAdjoint(parts.clone()), &[&[call], &cotangents]);
            let mut found = Vec::new();
            for (k, tangent) in node.args[1..].iter().enumerate() {
                if is_active(tangent) {
                    let part = position(graph, call, k);
                    found.push((*tangent, item(graph, adjoint, part, graph.kind(*tangent))));
                }
            }
            if is_active(&call) {
                let still = none(cotangents.len());
                let second = with(
                    Op::CallAdjointTangent(parts),
                    &[&[call, id], &cotangents, &still],
                );
                found.extend(arguments(call, second));
            }
            found
        }
        Op::CallAdjoint(pulled) => {
            let call = node.args[0];
            // The cotangents of the gradients are directions.
            let directions: Vec<Id> = graph
                .args(call)
                .iter()
                .enumerate()
                .map(|(k, arg)| {
                    let part = position(graph, call, k);
                    let at = parts.iter().position(|p| *p == part);
                    let at = at.filter(|_| graph.kind(*arg) != Kind::OPAQUE);
                    at.map_or_else(|| absent(graph), |at| cotangents[at])
                })
                .collect();
            let tangent = with(Op::CallTangent, &[&[call], &directions]);
            let mut found = Vec::new();
            for (part, cotangent) in pulled.iter().zip(&node.args[1..]) {
                if is_active(cotangent) {
                    let kind = graph.kind(*cotangent);
                    found.push((*cotangent, item(graph, tangent, part.clone(), kind)));
                }
            }
            if is_active(&call) {
                let still = none(pulled.len());
                let second = with(
                    Op::CallAdjointTangent(pulled.clone()),
                    &[&[call, tangent], &node.args[1..], &still],
                );
                found.extend(arguments(call, second));
            }
            found
        }
        _ => {
            let Some(made) = derived(graph, id) else {
                graph.beyond.set(true);
                return Vec::new();
            };
            let adjoint = with(Op::CallAdjoint(parts), &[&[made], &cotangents]);
            arguments(made, adjoint)
        }
    }
}
