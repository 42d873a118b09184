//! Companions against the oracle, and against central differences of the function itself.

use crate::compile::Running;
use crate::interpret;
use crate::program::{Kind, Program, Type};
use crate::random::Random;
use num_dual::{Dual64, HyperDual64};

/// Relative to the largest number on the way.
const BY_DUAL_NUMBERS: f64 = 1e-9;
const BY_DIFFERENCES: f64 = 1e-5;

/// What became of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// How many derivatives agreed, and how many differences did not settle.
    Right {
        compared: usize,
        unsettled: usize,
    },
    /// A mistake of the generator's: rustc refuses the functions without attributes, too.
    IllTyped(String),
    /// By the macro.
    Refused(String),
    /// What the macro wrote does not compile.
    Uncompiled(String),
    Wrong {
        kind: &'static str,
        text: String,
    },
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Verdict::Right { compared, .. } => write!(f, "{compared} derivatives are right"),
            Verdict::IllTyped(text) => write!(f, "the program is not well typed: {text}"),
            Verdict::Refused(text) => write!(f, "refused: {text}"),
            Verdict::Uncompiled(text) => {
                write!(f, "what the macro writes does not compile: {text}")
            }
            Verdict::Wrong { kind, text } => write!(f, "{kind} is wrong: {text}"),
        }
    }
}

/// What is right at a point, as far as it is asked for.
struct Truth {
    value: Vec<f64>,
    /// Of each output, by each differentiated number.
    jacobian: Vec<Vec<f64>>,
    hessian: Vec<Vec<f64>>,
    scale: f64,
}

#[allow(clippy::needless_range_loop, reason = "as mathematicians write it")]
fn truth(program: &Program, point: &[f64], places: &[usize], second: bool) -> Option<Truth> {
    let plain = interpret::run(program, point);
    let value = plain.value?.flat();
    let mut jacobian = vec![Vec::new(); value.len()];
    let mut scale = plain.scale;
    for place in places {
        let lifted: Vec<Dual64> = point
            .iter()
            .enumerate()
            .map(|(i, x)| Dual64::new(*x, f64::from(u8::from(i == *place))))
            .collect();
        let outcome = interpret::run(program, &lifted);
        scale = scale.max(outcome.scale);
        for (row, y) in jacobian.iter_mut().zip(outcome.value?.flat()) {
            row.push(y.eps);
        }
    }
    let mut hessian = vec![vec![0.0; places.len()]; places.len()];
    if second {
        for a in 0..places.len() {
            for b in 0..=a {
                let one = |i: usize, k: usize| f64::from(u8::from(i == places[k]));
                let lifted: Vec<HyperDual64> = point
                    .iter()
                    .enumerate()
                    .map(|(i, x)| HyperDual64::new(*x, one(i, a), one(i, b), 0.0))
                    .collect();
                let outcome = interpret::run(program, &lifted);
                scale = scale.max(outcome.scale);
                let entry = outcome.value?.flat()[0].eps1eps2;
                hessian[a][b] = entry;
                hessian[b][a] = entry;
            }
        }
    }
    Some(Truth {
        value,
        jacobian,
        hessian,
        scale: scale.max(1.0),
    })
}

/// Where the numbers begin, and how many there are, of each differentiated parameter.
fn blocks(program: &Program) -> Vec<(usize, usize)> {
    let mut at = 0;
    let function = &program.function;
    function
        .active()
        .into_iter()
        .map(|p| {
            let n = function.variables[p].ty.entries();
            at += n;
            (at - n, n)
        })
        .collect()
}

/// A matrix of these rows and columns, column by column.
fn column_by_column(
    matrix: &[Vec<f64>],
    (row, rows): (usize, usize),
    (col, cols): (usize, usize),
    out: &mut Vec<f64>,
) {
    for j in col..col + cols {
        for line in &matrix[row..row + rows] {
            out.push(line[j]);
        }
    }
}

fn bits_agree(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}

fn agree(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    // NaN agrees with nothing.
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// All that is asked of the `at`th of the programs that run.
pub fn compare(program: &Program, at: usize, running: &mut Running) -> Verdict {
    let mut compared = 0;
    let mut unsettled = 0;
    for (i, point) in program.points.iter().enumerate() {
        match at_point(program, at, running, point, i == 0) {
            Ok((more, fewer)) => {
                compared += more;
                unsettled += fewer;
            }
            Err((kind, text)) => {
                return Verdict::Wrong {
                    kind,
                    text: format!("{text}\nat {point:?}"),
                };
            }
        }
    }
    Verdict::Right {
        compared,
        unsettled,
    }
}

type Mistake = (&'static str, String);

fn at_point(
    program: &Program,
    at: usize,
    running: &mut Running,
    point: &[f64],
    with_differences: bool,
) -> Result<(usize, usize), Mistake> {
    let function = &program.function;
    let places: Vec<usize> = function
        .active()
        .into_iter()
        .flat_map(|p| {
            let offset = function.offset(p);
            offset..offset + function.variables[p].ty.entries()
        })
        .collect();
    let answer = running
        .ask(at, 0, point)
        .map_err(|panic| ("value", format!("the function itself panics: {panic}")))?;
    let second = program
        .kinds
        .iter()
        .any(|k| matches!(k, Kind::Hessian | Kind::Hvp));
    let truth = truth(program, point, &places, second);
    // The value as an answer has it.
    let log = answer[0];
    let value = &answer[1..];
    let numbers = if function.optional {
        &value[1..]
    } else {
        value
    };
    let Some(truth) = truth else {
        if value != [0.0] {
            return Err(("value", format!("the oracle finds nothing, f {value:?}")));
        }
        for (k, kind) in program.kinds.iter().enumerate() {
            let more = extra(program, *kind, &places, point);
            let got = running
                .ask(at, k + 1, &[point, &more].concat())
                .map_err(|panic| (kind.attribute(), format!("panics: {panic}")))?;
            let calls = if matches!(kind, Kind::Gradient | Kind::Jacobian | Kind::Hessian) {
                2
            } else {
                1
            };
            if got != [log, 0.0].repeat(calls) {
                let text = format!("f returns `None` (log {log}), but {got:?}");
                return Err((kind.attribute(), text));
            }
        }
        return Ok((program.kinds.len(), 0));
    };
    let tolerance = BY_DUAL_NUMBERS * truth.scale;
    if !agree(numbers, &truth.value, tolerance) {
        let text = format!("f gives {numbers:?}, the oracle {:?}", truth.value);
        return Err(("value", text));
    }
    let mut unsettled = 0;
    if with_differences {
        for (j, place) in places.iter().enumerate() {
            let mut slopes = Vec::new();
            for step in [2e-5, 1e-5] {
                let mut ends = Vec::new();
                for side in [step, -step] {
                    let mut moved = point.to_vec();
                    moved[*place] += side;
                    let answer = running.ask(at, 0, &moved);
                    ends.push(answer.map_err(|panic| ("value", panic))?);
                }
                let skip = if function.optional { 2 } else { 1 };
                slopes.push(if ends[0].len() == ends[1].len() {
                    ends[0][skip..]
                        .iter()
                        .zip(&ends[1][skip..])
                        .map(|(a, b)| (a - b) / (2.0 * step))
                        .collect()
                } else {
                    Vec::new()
                });
            }
            let want: Vec<f64> = truth.jacobian.iter().map(|row| row[j]).collect();
            let near = BY_DIFFERENCES * truth.scale;
            if !agree(&slopes[0], &slopes[1], near) || slopes[0].len() != want.len() {
                unsettled += 1;
            } else if !agree(&slopes[1], &want, near) {
                let text = format!(
                    "the oracle and differences disagree by number {place}: {want:?}, {:?}",
                    slopes[1]
                );
                return Err(("value", text));
            }
        }
    }
    let some: &[f64] = if function.optional { &[1.0] } else { &[] };
    let blocks = blocks(program);
    let all: Vec<f64> = truth.jacobian.concat();
    let callees_log = program.callees.iter().any(crate::shrink::logs);
    let calls_in_loops = crate::shrink::calls_in_loops(function);
    for (k, kind) in program.kinds.iter().enumerate() {
        let more = extra(program, *kind, &places, point);
        let name = kind.attribute();
        let got = running
            .ask(at, k + 1, &[point, &more].concat())
            .map_err(|panic| (name, format!("panics: {panic}")))?;
        // Parts of the answer: exact numbers, and those up to rounding.
        let mut want: Vec<(bool, Vec<f64>)> = Vec::new();
        let exact = |numbers: &[f64]| (true, numbers.to_vec());
        let start = [&[log], some].concat();
        match kind {
            Kind::Gradient => {
                want.push(exact(&start));
                want.push((false, all.clone()));
                want.push(exact(&start));
                want.push(exact(numbers));
                want.push((false, all.clone()));
            }
            Kind::Jacobian => {
                let mut entries = Vec::new();
                let parts = match &function.result {
                    Type::Tuple(parts) => parts.clone(),
                    other => vec![other.clone()],
                };
                let mut row = 0;
                for part in &parts {
                    for block in &blocks {
                        let rows = (row, part.entries());
                        column_by_column(&truth.jacobian, rows, *block, &mut entries);
                    }
                    row += part.entries();
                }
                want.push(exact(&start));
                want.push((false, entries.clone()));
                want.push(exact(&start));
                want.push(exact(numbers));
                want.push((false, entries));
            }
            Kind::Hessian => {
                let mut entries = Vec::new();
                for a in &blocks {
                    for b in &blocks {
                        column_by_column(&truth.hessian, *a, *b, &mut entries);
                    }
                }
                want.push(exact(&start));
                want.push((false, entries.clone()));
                want.push(exact(&start));
                want.push(exact(numbers));
                want.push((false, all.clone()));
                want.push((false, entries));
            }
            Kind::Jvp => {
                let tangent = |row: &Vec<f64>| row.iter().zip(&more).map(|(a, b)| a * b).sum();
                want.push(exact(&start));
                want.push(exact(numbers));
                want.push((false, truth.jacobian.iter().map(tangent).collect()));
            }
            Kind::Vjp => {
                let entry = |j: usize| {
                    let terms = truth.jacobian.iter().zip(&more);
                    terms.map(|(row, y)| row[j] * y).sum::<f64>()
                };
                let cotangent: Vec<f64> = (0..places.len()).map(entry).collect();
                want.push(exact(&start));
                want.push(exact(numbers));
                want.push((false, cotangent.clone()));
                want.push((false, cotangent));
            }
            Kind::Hvp => {
                let product = |row: &Vec<f64>| row.iter().zip(&more).map(|(a, b)| a * b).sum();
                want.push(exact(&start));
                want.push((false, all.clone()));
                want.push((false, truth.hessian.iter().map(product).collect()));
            }
        }
        let mut rest = &got[..];
        for (exact, numbers) in &want {
            if rest.len() < numbers.len() {
                return Err((name, format!("gives {got:?}\nbut {want:?} is right")));
            }
            let (own, after) = rest.split_at(numbers.len());
            rest = after;
            // Jacobians and Hessians call functions more often, and so do the loops of derivatives.
            let often = calls_in_loops || matches!(kind, Kind::Jacobian | Kind::Hessian);
            let repeats = callees_log && often;
            let right = if *exact {
                let from = usize::from(repeats && numbers.first() == Some(&log)).min(own.len());
                bits_agree(&own[from..], &numbers[from..])
            } else {
                agree(own, numbers, tolerance * 10.0)
            };
            if !right {
                let what = if *exact { "value or log" } else { "derivative" };
                return Err((
                    name,
                    format!(
                        "{what}: gives {own:?}\nbut {numbers:?} is right\n(scale {})",
                        truth.scale
                    ),
                ));
            }
        }
        if !rest.is_empty() {
            return Err((name, format!("gives too many numbers: {got:?}")));
        }
    }
    Ok((program.kinds.len(), unsettled))
}

/// What is given besides the arguments: tangents or a cotangent, the same whenever it is asked for.
fn extra(program: &Program, kind: Kind, places: &[usize], point: &[f64]) -> Vec<f64> {
    let count = match kind {
        Kind::Jvp | Kind::Hvp => places.len(),
        Kind::Vjp => program.function.result.entries(),
        Kind::Gradient | Kind::Jacobian | Kind::Hessian => 0,
    };
    let bits = point
        .iter()
        .fold(0, |a: u64, x| a.rotate_left(7) ^ x.to_bits());
    let mut random = Random::new(bits, 1);
    (0..count).map(|_| random.between(-1.0, 1.0)).collect()
}
